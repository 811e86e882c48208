"""Values that portals really send, or could: what stands where something else is expected."""

from __future__ import annotations

import unicodedata
from random import Random
from typing import Any

DEEP = 10_000
#: Longest run that one mutation makes, in characters: well under what an answer may weigh.
LONG = 100_000

SENTENCE = "Ổ gà rất lớn trước cổng trường Nguyễn Huệ, đề nghị khắc phục. Gọi 0901234567."

DATES = (
    "", "null", "0", "31/02/2026", "2026-13-01", "0001-01-01T00:00:00", "0000-00-00 00:00:00", "9999-12-31",
    "9999-12-31T23:59:59.9999999+14:00", "10/03/26", "2026-03-10T24:00:00", "2026-03-10T08:00:00+99:99",
    "/Date(253402300799999+0700)/", "/Date(-99999999999999)/", "Tue, 10 Mar 2026 08:00:00 GMT",
    "10 tháng 3 năm 2026", "٢٠٢٦-٠٣-١٠", "2026-03-10T08:00:00.123456789Z", "08:00 10/03/2026 SA",
    "1900-01-00", "²⁰²⁶", "2026-W11-2", "-62135596800", "0001-01-01T00:00:00+14:00", "20260310",
)  # fmt: skip
NUMBERS = (
    0, -1, 1, 10**12, 2**31, 2**63, -(2**63), 10**30, 10**400, 1e308, -1e308, 5e-324, 0.1, 253402300800,
    253402300800000, -62135596801, 1767571200000, True, False, 4300, 90.0001, -181, 106.7,
)  # fmt: skip
TEXTS = (
    "", " ", "\u00a0", "0", "-1", "null", "undefined", "NaN", "None", "true", "[]", "{}", "[object Object]",
    "\x00", "a\x00b", "\ufeff", "\u202e", "\u200b\u200b", "\u0301", "\u0301\u0323" * 50,
    "\U0001f468\u200d\U0001f469",
    "ﷺ", "İ", "ß", "ﬁ", "\u2028", "\r", "\r\n\r\n", "\t", "'", '"', "\\", "`", "%", "%s", "{0}", "{config.x}",
    "${7*7}", "<script>alert(1)</script>", "<![CDATA[", "]]>", "<!--",
    "&lt;&amp;&#0;&#xD800;&#1114112;&nope;",
    "../../../../etc/passwd", "file:///etc/passwd", "http://169.254.169.254/", "http://[::1", "http://[",
    "//portal.test", "http://portal.test:99999/", "http://portal.test:x/", "javascript:alert(1)", "data:,x",
    "\\\\host\\share", "?", "#", "a@b@c", "@", "=?utf-8?B?//8=?=", "' OR 1=1 --", "１０２２", "٠٩٠١٢٣٤٥٦٧",
    "+84 90 123 4567", "0901234567", "1e999", "1_000", "0x10", "１", "²", "½", "1,5", "1.000.000", "--", "-",
    SENTENCE, unicodedata.normalize("NFD", SENTENCE), "PA-1", "1001.0",
)  # fmt: skip


def text(rng: Random) -> str:
    """A text, odd more often than not."""
    kind = rng.randrange(12)
    if kind == 0:
        return rng.choice(DATES)
    if kind == 1:
        return chr(rng.choice((0xD800, 0xDC00, 0xDFFF))) + rng.choice(TEXTS)
    if kind == 2:
        return "".join(chr(rng.choice((rng.randrange(0x300), rng.randrange(0xD800)))) for _ in range(12))
    if kind == 3:
        return rng.choice(TEXTS) * rng.choice((2, 50, 2_000))
    if kind == 4:
        return (rng.choice(TEXTS) or "a")[0] * rng.choice((300, 4_301, LONG))
    if kind == 5:
        return rng.choice(TEXTS) + rng.choice(TEXTS)
    return rng.choice(TEXTS)


def value(rng: Random) -> Any:
    """Anything that JSON can hold."""
    kind = rng.randrange(10)
    if kind < 4:
        return text(rng)
    if kind < 6:
        return rng.choice(NUMBERS)
    if kind == 6:
        return None
    made = (
        [], {}, [None], [[]], [[[]]], {"": ""}, {"a": None}, [{}], [1, "2", None], {"0": {"0": {}}},
        [text(rng)], {text(rng): text(rng)}, [text(rng)] * 30, {"code": 200, "data": None}, {"$ref": "#"},
    )  # fmt: skip
    return rng.choice(made)
