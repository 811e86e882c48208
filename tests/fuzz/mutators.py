"""One sample changed: bytes, what its form makes of it, and lies about its charset. The same for one seed.

    Sample -> form mutations (see `JSON`, `HTML`, ...) or plain bytes, one to three of them -> Sample

Promise: a mutation never makes more than a megabyte of a payload, so that what is slow or fat afterwards
is the parser's fault.
"""

from __future__ import annotations

import codecs
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from tests.fuzz.odd import LONG

MOST = 1_000_000


@dataclass(frozen=True)
class Sample:
    """Bytes with the form they have, as the name of their mutators, and what a portal says they are."""

    form: str
    content: bytes
    content_type: str = ""


Mutator = Callable[[bytes, Random], bytes]


def mutated(sample: Sample, rng: Random, others: list[Sample]) -> Sample:
    """The sample after one to three mutations; `others` of its kind may be spliced in."""
    from tests.fuzz.forms import FORMS

    mutators = FORMS.get(sample.form, ())
    content, content_type = sample.content, sample.content_type
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        kind = rng.random()
        if kind < 0.62 and mutators:
            content = rng.choice(mutators)(content, rng)
        elif kind < 0.90:
            content = rng.choice(BYTES)(content, rng)
        elif kind < 0.93:
            content = spliced(content, rng.choice(others).content if others else b"", rng)
        elif kind < 0.97:
            content = recoded(content, rng)
        else:
            content_type = lied(content_type, rng)
        content = content[:MOST]
    return replace(sample, content=content, content_type=content_type)


# -- bytes ---------------------------------------------------------------------------------------


def _place(content: bytes, rng: Random) -> int:
    return rng.randrange(len(content) + 1)


def flip(content: bytes, rng: Random) -> bytes:
    """A few bytes changed."""
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 8)) if changed else 0):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def cut(content: bytes, rng: Random) -> bytes:
    """The end is missing."""
    return content[: _place(content, rng)]


def removed(content: bytes, rng: Random) -> bytes:
    """A piece is missing."""
    start = _place(content, rng)
    return content[:start] + content[start + rng.choice((1, 2, 10, 100)) :]


_BITS = (
    b"\x00", b"\xff", b"\xfe\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80",
    b"\x1a",
    b"\r", b"\n", b"\r\n\r\n", b"<", b">", b"&", b'"', b"'", b"{", b"[", b"]", b"}", b",", b":", b";", b"\\",
    b"\\u0000", b"\\ud800", b"%00", b"\x1b$B", b"=", b"--", b"PK\x03\x04", b"\x1f\x8b\x08",
    b"1" * 5_000, b"\xd8\x00\xdf\xff",
)  # fmt: skip


def inserted(content: bytes, rng: Random) -> bytes:
    """Something foreign in between."""
    at = _place(content, rng)
    bit = rng.choice(_BITS) if rng.random() < 0.8 else rng.randbytes(rng.choice((1, 4, 40)))
    return content[:at] + bit * rng.choice((1, 1, 1, 3, 200)) + content[at:]


def doubled(content: bytes, rng: Random) -> bytes:
    """A piece again and again."""
    start, end = sorted((_place(content, rng), _place(content, rng)))
    piece = content[start:end] or b"x"
    times = min(rng.choice((1, 2, 50, 5_000)), max(1, LONG // len(piece)))
    return content[:end] + piece * times + content[end:]


def emptied(_content: bytes, rng: Random) -> bytes:
    """Nothing, or nearly nothing."""
    return rng.choice(
        (b"", b" ", b"\n", b"\x00", b"0", b'""', b"null", b"[]", b"{}", b"<html></html>", b"OK")
    )


def shuffled(content: bytes, rng: Random) -> bytes:
    """Two pieces have changed places."""
    one, two, three = sorted(_place(content, rng) for _ in range(3))
    return content[:one] + content[two:three] + content[one:two] + content[three:]


BYTES: tuple[Mutator, ...] = (flip, flip, cut, cut, removed, inserted, inserted, doubled, shuffled, emptied)


def spliced(content: bytes, other: bytes, rng: Random) -> bytes:
    """The beginning of one and the end of another."""
    return content[: _place(content, rng)] + other[_place(other, rng) :]


# -- charsets ------------------------------------------------------------------------------------

_CHARSETS = (
    "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "cp1258", "latin-1", "cp1252", "utf-7",
    "shift_jis", "cp037", "gb18030", "hz", "iso2022_jp",
)  # fmt: skip
_DECLARED = (
    *_CHARSETS, "tcvn3", "vn.abc", "x-viet-vni", "unknown-8bit", "none", "undefined", "idna", "punycode",
    "rot13",
    "hex", "base64", "zlib", "bz2", "raw_unicode_escape", "unicode_escape", "mbcs", "utf8\x00", "utf-8; q=1",
    "a" * 300, "", "'utf-8'", "../../x", "utf_8_sig", "charmap", "palmos", "uu", "string-escape", "İ",
)  # fmt: skip


def recoded(content: bytes, rng: Random) -> bytes:
    """The same words in another charset, or decomposed."""
    words = content.decode("utf-8", "surrogateescape" if rng.random() < 0.5 else "replace")
    if rng.random() < 0.3:
        return unicodedata.normalize(rng.choice(("NFD", "NFKD")), words).encode("utf-8", "surrogatepass")
    if rng.random() < 0.3:
        return in_tcvn3(words)
    return codecs.encode(words, rng.choice(_CHARSETS), "replace")


def in_tcvn3(words: str) -> bytes:
    """As the fonts of the nineties had Vietnamese letters."""
    from aggregator.sdk import tcvn3

    by_letter = {}
    for code in range(128, 256):
        by_letter.setdefault(tcvn3.decode(bytes([code])), code)
    composed = unicodedata.normalize("NFC", words)
    return bytes(by_letter.get(letter, ord(letter) if letter.isascii() else 0x3F) for letter in composed)


def lied(content_type: str, rng: Random) -> str:
    """Another type, or a charset that is not the body's."""
    kind = rng.random()
    charset = rng.choice(_DECLARED)
    if kind < 0.6:
        return f"{content_type.partition(';')[0] or 'text/html'}; charset={charset}"
    if kind < 0.8:
        types = ("", "text/html", "application/json", "application/xml", "image/png", "text/plain", ";", "/",
                 "multipart/form-data; boundary=x", "application/octet-stream", "a" * 500,
                 "text/html; charset")  # fmt: skip
        return rng.choice(types)
    return f'{content_type}; charset="{charset}'
