"""Mails whose headers, charsets, boundaries and attachments are what programs get wrong."""

from __future__ import annotations

import base64
import re
from random import Random

from tests.fuzz import odd
from tests.fuzz.mutators import Mutator

_CHARSETS = ("utf-8", "windows-1258", "x-unknown", "unknown-8bit", "utf-16", "tcvn3", "idna", "hex",
    "rot13", "", "a\x00b",
             "undefined", "us-ascii", "utf-7", "'", "utf-8''", "punycode", "zlib")  # fmt: skip
_NAMES = (
    "../../etc/passwd", "a" * 4_000, "\x00.pdf", "=?utf-8?B?//8=?=", "=?x?Q?=00=FF?=", "CON",
    "a\r\nBcc: x@y", "é.pdf",
    '"', "a/b\\c", "", " ", ".", "=?utf-8?Q?" + "=E1=BB=94" * 200 + "?=", "\u202egpj.exe",
)  # fmt: skip
_VALUES = (
    "", " ", "<>", "<<a@b>>", "<a@x> <b@x> <c@x>", "<" + "a" * 3_000 + ">", "a, b, c, <d@e",
    "=?utf-8?B?!!!!?=", "=?utf-8?B?4buU",
    "=?khong?Q?=E1?=", "=?utf-8?Q?=ZZ?=", "=??Q??=", '"', "(((((", "(" * 500, "@", ",", ";", ":",
    "group: a@b;", "\x00", "<" * 800,
    "Tue, 99 Mar 2026 08:30:00 +9999", "Tue, 10 Mar 99999 08:30:00 +0700", "0", "10 Mar 2026",
    "Tue, 10 Mar 2026 08:30:00 -2400",
    "text/plain", "multipart/mixed", 'multipart/mixed; boundary=""', "multipart/mixed; boundary=\x00",
    "multipart/report",
    "message/rfc822", "message/delivery-status", "message/external-body", "text/html; charset=",
    "text/plain; charset*=x''y",
    "text/plain; charset*0=ut; charset*1=f-8", "attachment; filename*=utf-8''%FF%FE",
    "attachment; filename*0*=a''%; filename*9=x",
    "attachment; filename*=''", "inline; filename=\"a\\\"b\"", "base64", "quoted-printable", "x-uuencode",
    "uuencode", "binary", "8bit",
    "gzip", "/", "a/b/c", ";;;;;", "=", "MAILER-DAEMON@x", "auto-replied", "1.0",
    "text/plain; format=flowed; charset=\"utf-8",
)  # fmt: skip
_HEADERS = (
    "From", "To", "Subject", "Date", "Message-ID", "References", "In-Reply-To", "Reply-To", "Content-Type",
    "Auto-Submitted",
    "Content-Transfer-Encoding", "Content-Disposition", "MIME-Version", "X-" + "a" * 500, "",
    "Content-Type ", "Đề mục",
)  # fmt: skip


def _parted(content: bytes) -> tuple[list[bytes], bytes]:
    head, mark, body = content.partition(b"\r\n\r\n")
    return re.split(rb"\r\n(?![ \t])", head), mark + body


def _header(content: bytes, rng: Random) -> bytes:
    """One header dropped, doubled, folded, or with another value."""
    lines, body = _parted(content)
    at = rng.randrange(len(lines))
    name = lines[at].partition(b":")[0]
    value = rng.choice(_VALUES) if rng.random() < 0.7 else odd.text(rng)[:3_000]
    given = f"{rng.choice(_HEADERS)}: {rng.choice(_VALUES)}".encode("utf-8", "surrogatepass")
    made = (
        b"", lines[at] + b"\r\n" + lines[at], name + b": " + value.encode("utf-8", "surrogatepass"), given,
        lines[at] + b"\r\n" + given,
        name + b": " + value.encode("utf-8", "surrogatepass"),
            name + b":" + b"\r\n ".join(lines[at].split(b" ")), lines[at] + b"\r\n " * 300,
        lines[at].replace(b":", b"", 1), lines[at][: rng.randrange(len(lines[at]) + 1)], lines[at] * 50,
    )  # fmt: skip
    lines[at] = rng.choice(made)
    return b"\r\n".join(lines) + body


def _charset(content: bytes, rng: Random) -> bytes:
    """Another charset in one of its places."""
    found = list(re.finditer(rb'charset="?[\w-]+"?', content))
    if not found:
        return _header(content, rng)
    match = rng.choice(found)
    made = f'charset="{rng.choice(_CHARSETS)}"'.encode()
    return content[: match.start()] + made + content[match.end() :]


def _boundary(content: bytes, rng: Random) -> bytes:
    """Boundaries that do not fit, end too early, or never."""
    match = re.search(rb'boundary="([^"]+)"', content)
    if match is None:
        return _header(content, rng)
    mark = b"--" + match[1]
    made = (
        content.replace(mark + b"--", mark), content.replace(mark, mark + b"--"), content.replace(match[0],
            b'boundary="x"'),
        content.replace(match[0], b"boundary="), content.replace(mark, mark + b" " * 200),
            content + (b"\r\n" + mark) * 500,
        content.replace(mark, b"-" + mark), content.replace(match[0], b""),
    )  # fmt: skip
    return rng.choice(made)


def _attached(content: bytes, rng: Random) -> bytes:
    """A file with an absurd name, type and coding."""
    name = rng.choice(_NAMES).encode("utf-8", "replace")
    coding = rng.choice((b"base64", b"quoted-printable", b"x-uuencode", b"7bit", b"khong-co", b""))
    data = rng.choice(
        (
            base64.b64encode(b"x" * 99),
            b"====",
            b"=ZZ=\r\n=",
            b"begin 666 x\r\nM!!!\r\nend",
            b"\xff" * 99,
            b"A",
        )
    )
    kind = rng.choice(
        (b"image/png", b"application/octet-stream", b"message/rfc822", b"a", b"", b"text/html; name*=x''%")
    )
    part = (
        b"--X\r\nContent-Type: %s\r\nContent-Transfer-Encoding: %s\r\n"
        b'Content-Disposition: attachment; filename="%s"\r\n\r\n%s\r\n'
    )
    lines, body = _parted(content)
    head = [one for one in lines if not one.lower().startswith(b"content-")]
    whole = b"\r\n".join([*head, b'Content-Type: multipart/mixed; boundary="X"'])
    text = b"--X\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + body.strip() + b"\r\n"
    return (
        whole + b"\r\n\r\n" + text + part % (kind, coding, name, data) * rng.choice((1, 1, 30)) + b"--X--\r\n"
    )


def _nested(content: bytes, rng: Random) -> bytes:
    """A mail in a mail in a mail, or parts within parts."""
    depth = rng.choice((2, 20, 90, 150, 1_000))
    if rng.random() < 0.5:
        return b"Content-Type: message/rfc822\r\n\r\n" * depth + content
    head = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) for n in range(depth)
    )
    return b"From: a@b.vn\r\n" + head + content


MAIL: tuple[Mutator, ...] = (
    _header,
    _header,
    _header,
    _header,
    _charset,
    _charset,
    _boundary,
    _attached,
    _nested,
)
