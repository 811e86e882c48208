"""One mail read: who, when, what, which files, and which conversation it belongs to. Pure, no network.

    bytes -> Letter        letters of one conversation -> Record

Promise: any bytes make a `Letter` or a `BadRecord`, never another error; headers of unknown charsets, broken
base64 and dates that are none are what citizens' phones really send. What may surprise:

* The id of a report is the Message-ID of the conversation's first mail. A later mail of the same
  conversation makes a new revision of the same report: its words stand below the first ones.
* The clock starts when the mail server took the mail, unless the mail's own date is a little earlier: dates
  are written by the sender's device.
* Words that a mail program quotes from earlier letters are left out of a later one, never of the first.

Sources: RFC 5322 (threading by References and In-Reply-To), RFC 3464 (delivery status), RFC 3834 (automatic
answers), RFC 2047 (words in headers).
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.errors import HeaderParseError, MessageError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime

from aggregator.sdk import tcvn3
from aggregator.sdk.answers import Response, clean_text, few_marks
from aggregator.sdk.contract import (
    Answer,
    Attachment,
    BadRecord,
    Person,
    RawItem,
    Record,
    SourceStatus,
)
from aggregator.sdk.html import soup

#: What a kept conversation is called.
THREAD = "application/vnd.motmoi.letters+json"
#: A mail's own date is believed this much before the server's.
_SLOW = timedelta(days=3)
_ID = re.compile(r"<([^<>\s]{1,400})>")
_REPLY = re.compile(r"^\s*((re|fwd?|fw|tl|trả lời|chuyển tiếp)\s*(\[\d+\])?\s*:\s*)+", re.IGNORECASE)
#: How mail programs begin the quoted letter: Gmail (vi, en), Outlook (vi, en), Apple.
_QUOTED = re.compile(
    r"^(\s*>|\s*-{2,}\s*(original message|thư gốc|tin nhắn gốc|forwarded message)"
    r"|\s*(vào|on)\b.{0,200}(đã viết|wrote|viết)\s*:\s*$|\s*_{10,}\s*$)",
    re.IGNORECASE,
)
_LINES_OF_A_QUOTE = 2
#: What ă ê ơ ư đ à ả ã á ạ of TCVN3 look like in windows-1258; bullets and section signs are left out.
_SIGNS_OF_TCVN3 = "¨ª¬\u00ad®µ¶¸¹¼½¾"
_SEVERAL = 4


@dataclass(frozen=True, slots=True)
class File:
    """One attached file; `part` is its place in the mail, counted over all its parts."""

    part: int
    name: str
    content_type: str
    size: int


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail. `at` is when it counts as sent (UTC)."""

    message_id: str
    #: Of the conversation, the first one first; without the mail's own.
    references: tuple[str, ...]
    name: str
    address: str
    reply_to: str
    subject: str
    at: datetime
    text: str
    files: tuple[File, ...]
    #: A mail server tells that a mail of ours did not arrive (RFC 3464).
    bounce: bool = False
    #: The ids that a bounce speaks about.
    returned: tuple[str, ...] = ()

    @property
    def root(self) -> str:
        """The id of the conversation's first mail."""
        return self.references[0] if self.references else self.message_id


def read(raw: bytes, taken_at: datetime) -> Letter:
    """The mail in `raw`, which the server took at `taken_at`. Raises `BadRecord`."""
    try:
        message = message_from_bytes(raw)
        return _letter(message, raw, taken_at)
    except (MessageError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        # The library's parser has a bug or two left for letters that nobody wrote by hand.
        raise BadRecord(f"a mail that cannot be read ({type(error).__name__})", field="mail") from error


def _letter(message: Message, raw: bytes, taken_at: datetime) -> Letter:
    name, address = _person(message, "From")
    references = _ids(message, "References") or _ids(message, "In-Reply-To")[:1]
    own = next(iter(_ids(message, "Message-ID")), "") or f"sha256-{hashlib.sha256(raw).hexdigest()[:32]}"
    bounce = message.get_content_type() == "multipart/report" or address.lower().startswith("mailer-daemon@")
    return Letter(
        message_id=own,
        references=tuple(one for one in references if one != own),
        name=name,
        address=address,
        reply_to=_person(message, "Reply-To")[1] or address,
        subject=_words(message, "Subject"),
        at=_sent_at(message, taken_at),
        text=_text(message),
        files=tuple(_files(message)),
        bounce=bounce,
        returned=tuple(_ID.findall(raw[-100_000:].decode("ascii", "replace"))) if bounce else (),
    )


# -- headers -------------------------------------------------------------------------------------


def _words(message: Message, name: str) -> str:
    """A header's text, decoded; what cannot be decoded shows as replacement marks."""
    value = message.get(name)
    if value is None:
        return ""
    if isinstance(value, str):
        value = value.replace("\r", "").replace("\n", "")
    try:
        parts = decode_header(value)  # a `Header` where it holds bytes that are no ASCII
    except HeaderParseError:
        parts = [(str(value), None)]
    text = "".join(_decoded(part, charset) if isinstance(part, bytes) else part for part, charset in parts)
    return " ".join(unicodedata.normalize("NFC", few_marks(clean_text(text))).split())


def _decoded(content: bytes, charset: str | None) -> str:
    """As a web page is decoded: the named charset, UTF-8, windows-1258, and TCVN3 that calls itself one."""
    kind = f"text/plain; charset={charset}" if charset and charset != "unknown-8bit" else "text/plain"
    text = Response(200, {"Content-Type": kind}, content, "").text
    return tcvn3.decode(content) if _is_tcvn3(content, text) else text


def _is_tcvn3(content: bytes, text: str) -> bool:
    """Whether bytes that are no UTF-8 are letters of the 1990s: as `text`, signs stand among its letters."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return sum(text.count(sign) for sign in _SIGNS_OF_TCVN3) >= _SEVERAL
    return False


def _person(message: Message, name: str) -> tuple[str, str]:
    """(display name, address) of the first person in a header."""
    for shown, address in getaddresses([_words(message, name)]):
        if "@" in address:
            return shown.strip(), address.strip()
    return "", ""


def _ids(message: Message, name: str) -> list[str]:
    return _ID.findall(" ".join(str(one) for one in message.get_all(name) or ()))


def _sent_at(message: Message, taken_at: datetime) -> datetime:
    try:
        at = parsedate_to_datetime(str(message.get("Date") or ""))
        at = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return taken_at
    early = timedelta() <= taken_at - at <= _SLOW  # `taken_at` may be the first day of the calendar
    return at if early else taken_at


# -- body ----------------------------------------------------------------------------------------


def _parts(message: Message) -> Iterator[tuple[int, Message]]:
    for number, part in enumerate(message.walk()):
        if not part.is_multipart():
            yield number, part


def _is_file(part: Message) -> bool:
    return part.get_content_disposition() == "attachment" or bool(part.get_filename())


def _content(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _text(message: Message) -> str:
    """The plain text, or that of the HTML where there is no plain one."""
    plain, markup = [], []
    for _, part in _parts(message):
        if _is_file(part):
            continue
        if part.get_content_type() == "text/plain":
            plain.append(_decoded(_content(part), part.get_content_charset()))
        elif part.get_content_type() == "text/html":
            markup.append(_decoded(_content(part), part.get_content_charset()))
    text = "\n".join(plain).replace("\r\n", "\n").strip()
    return unicodedata.normalize("NFC", few_marks(text or "\n".join(map(_of_html, markup)).strip()))


_BREAK = re.compile(r"<(br|/p|/div|/li|/tr|/h[1-6])\b", re.IGNORECASE)


def _of_html(markup: str) -> str:
    """Its text, with a line end where a reader sees one; styles and scripts are no text."""
    tree = soup(_BREAK.sub(lambda found: "\n" + found.group(0), markup))
    for node in tree.select("script, style, head"):
        node.extract()
    lines = (" ".join(line.split()) for line in html.unescape(tree.get_text()).splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _files(message: Message) -> Iterator[File]:
    for number, part in _parts(message):
        if _is_file(part) or part.get_content_maintype() in ("image", "audio", "video"):
            name = _file_name(part) or f"tep-{number}"
            yield File(number, name, part.get_content_type(), len(_content(part)))


def _file_name(part: Message) -> str:
    name = part.get_filename() or ""
    holder = Message()
    holder["X"] = name
    return _words(holder, "X").replace("/", "_").replace("\\", "_")[:200]


def file_in(raw: bytes, part: int) -> tuple[bytes, str, str]:
    """(content, type, name) of one attached file. Raises `BadRecord` where the mail has none there."""
    for number, found in _parts(message_from_bytes(raw)):
        if number == part:
            return _content(found), found.get_content_type(), _file_name(found) or f"tep-{number}"
    raise BadRecord(f"the mail has no part {part}", field="attachments")


def without_quotes(text: str) -> str:
    """The text up to where it quotes an earlier letter; all of it where nothing else would be left."""
    kept: list[str] = []
    lines = text.splitlines()
    for number, line in enumerate(lines):
        # "Vào ... đã viết:" is often folded over two lines.
        together = " ".join(lines[number : number + _LINES_OF_A_QUOTE])
        if _QUOTED.match(line) or (line.strip() and _QUOTED.match(together)):
            break
        kept.append(line)
    return "\n".join(kept).strip() or text.strip()


# -- conversations -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Kept:
    """One mail as it is kept: its bytes, and when the server took it."""

    raw: bytes
    taken_at: datetime


def item_of(mails: Sequence[Kept], ref: str) -> RawItem:
    """The raw item that `record_of` reads."""
    kept = [{"at": one.taken_at.isoformat(), "raw": base64.b64encode(one.raw).decode()} for one in mails]
    return RawItem(json.dumps(kept).encode(), THREAD, ref)


def letters_in(item: RawItem) -> list[Letter]:
    """The letters of one conversation, oldest first. Raises `BadRecord`."""
    try:
        kept = json.loads(item.content)
        found = [read(base64.b64decode(one["raw"]), datetime.fromisoformat(one["at"])) for one in kept]
        found.sort(key=lambda letter: (letter.at, len(letter.references)))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise BadRecord(f"{item.ref}: not a kept conversation", field="mail") from error
    if not found:
        raise BadRecord(f"{item.ref}: a conversation without a mail", field="mail")
    return found


def record_of(item: RawItem, own: Sequence[str]) -> Record:
    """The report that a conversation is; `own` are the office's addresses. Raises `BadRecord`.

    What the office wrote are answers, unless nobody else wrote anything.
    """
    letters = letters_in(item)
    ours = {address.lower() for address in own}
    said = [one for one in letters if one.address.lower() not in ours] or letters[:1]
    first = said[0]
    body = "\n\n".join(_shown(one, first) for one in said)
    return Record(
        external_id=letters[0].root,
        occurred_at=first.at,
        updated_at=said[-1].at if len(said) > 1 else None,
        subject=_REPLY.sub("", first.subject) or body[:120] or "(thư không có nội dung)",
        body=body,
        person=Person(name=first.name or None, email=first.address or None, anonymous=not first.address),
        status_raw="new",
        status=SourceStatus.NEW,
        attachments=tuple(_attachment(one, file) for one in said for file in one.files),
        answers=tuple(
            Answer(without_quotes(one.text), one.at, one.name or None, one.message_id)
            for one in letters
            if one not in said
        ),
        extra={"letters": len(said)} if len(said) > 1 else {},
    )


def _shown(letter: Letter, first: Letter) -> str:
    if letter is first:
        return letter.text
    return f"[Thư tiếp theo, {letter.at:%d/%m/%Y %H:%M} UTC]\n{without_quotes(letter.text)}"


def _attachment(letter: Letter, file: File) -> Attachment:
    return Attachment(f"{letter.message_id}#{file.part}", file.name, file.content_type, file.size)
