"""From a live session to a recording without anybody in it.

    Recorder (a `Tape` of `Http`) -> taken -> values of people and secrets -> scrubbed -> proven -> Cassette

Promise: `recording` returns no recording of which something is left to doubt: it raises `Unclean` with
every doubt. What may surprise: request headers are not kept at all (only that a request was signed, and
how), and of the answer's headers only those that a connector can use. Cookies keep their names and lose
their owner, domain and security marks, which a loopback address could not honour.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from aggregator.errors import AggregatorError
from aggregator.sdk.answers import decoded
from aggregator.sdk.cassette import Answered, Asked, Cassette, Exchange, Ignored, meaning, origins_of
from aggregator.sdk.cassette_doubts import bytes_of, never_found, pieces, questions, surviving
from aggregator.sdk.cassette_findings import (
    about,
    in_fields,
    in_state,
    of_record,
    of_secrets,
)
from aggregator.sdk.cassette_letters import compact
from aggregator.sdk.cassette_people import Invented, Kind, Value, identity
from aggregator.sdk.cassette_recorder import Taken
from aggregator.sdk.cassette_scrub import Scrubber
from aggregator.sdk.contract import PushCommand, Record

__all__ = ["Recorded", "Session", "Unclean", "recording"]

_KEPT = frozenset(
    (
        "content-type", "content-disposition", "location", "link", "etag", "last-modified", "retry-after",
        "set-cookie", "www-authenticate", "content-language",
    )
)  # fmt: skip
_COUNTS = re.compile(r"x-.*(?:page|total|count|limit|remaining|next|reset).*", re.IGNORECASE)
_ACCOUNT = re.compile(r"user|login|account|taikhoan|tendangnhap|email|phone")
#: Requests whose header carries a key under a name of its own.
_KEY_HEADER = re.compile(r".*(?:token|api-?key|session|auth).*", re.IGNORECASE)


class Unclean(AggregatorError):
    """The recording may still hold something of a real person; nothing was saved."""

    code = "unclean"

    def __init__(self, doubts: Sequence[str]) -> None:
        super().__init__(
            f"not saved: {len(doubts)} doubts: {'; '.join(doubts[:5])}",
            hint="Correct the mapping, or read the pages yourself and say --doubtful",
            message_vi=f"Chưa lưu: còn {len(doubts)} chỗ chưa chắc đã xoá hết thông tin cá nhân",
        )
        self.doubts = tuple(doubts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What was done while the recorder listened."""

    connector: str
    version: str
    at: datetime
    taken: Sequence[Taken]
    records: Sequence[Record]
    #: Items that the connector could not map: nobody knows whose they are.
    unread: Sequence[str] = ()
    config: Mapping[str, Any]
    secrets: Mapping[str, str]
    state: Mapping[str, Any]
    options: Mapping[str, Any]
    pages: int | None = None
    pushes: Sequence[PushCommand] = ()
    #: Names in addresses and bodies that tell no requests apart: a span of days that moves on.
    ignored: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recording and what its author should know about it."""

    cassette: Cassette
    #: Kind -> places changed.
    changed: Mapping[Kind, int]
    #: Files without words (pictures, PDF) that are empty now.
    emptied: int
    #: Places in free text that a person should look at.
    review: tuple[str, ...]
    #: Why it cannot be called clean; empty unless that was accepted.
    doubts: tuple[str, ...]


def recording(session: Session, *, origin: str = "", doubtful: bool = False) -> Recorded:
    """The session without anybody in it. Raises `Unclean` where that cannot be proven.

    `origin` is written in place of the portal's own address. `doubtful` accepts what is unproven: for a
    portal whose records the connector cannot read yet.
    """
    values = list(_values(session))
    originals = {identity(value.kind, value.text) for value in values}
    invented = Invented(originals.__contains__)
    keep = frozenset(_ids(session.records))
    scrubber = Scrubber(values, invented, keep)
    for one in session.taken:
        _scrubbed(one, scrubber)
    for piece in list(pieces(session.records, scrubber)):
        scrubber.learn(piece)
    # From the start: what was learned on a late page may stand on an early one.
    scrubber.forget_counts()
    parts = [_scrubbed(one, scrubber) for one in session.taken]
    cassette = _cassette(session, parts, scrubber)
    doubts = [*never_found(session.records, scrubber), *session.unread]
    doubts += surviving({**dict(bytes_of(parts)), "the settings": _head(cassette)}, scrubber, invented, keep)
    if doubts and not doubtful:
        raise Unclean(doubts)
    review = tuple(questions(session.records, scrubber))
    clean = _renamed(cassette, origin) if origin else cassette
    return Recorded(clean, dict(Counter(scrubber.changed)), scrubber.emptied, review, tuple(doubts))


# -- what to look for ----------------------------------------------------------------------------


def _values(session: Session) -> Iterator[Value]:
    public = {
        compact(text)
        for record in session.records
        for text in _told_to_all(record)
        if text and compact(text) != compact(record.person.address or "")
    }
    for record in session.records:
        yield from of_record(record)
    for command in session.pushes:
        yield from about(Kind.NAME, command.author_name, "")
    yield from of_secrets(session.secrets.values())
    yield from in_state(session.state)
    for name, given in session.config.items():
        if isinstance(given, str) and _ACCOUNT.search(compact(name)):
            yield from of_secrets([given])
    for one in session.taken:
        yield from of_secrets(_keys(one))
        for content, kind in ((one.content, _kind(one)), (one.body, one.headers.get("content-type", ""))):
            text = decoded(content, kind)
            for value in in_fields(text[0], kind) if text else ():
                if compact(value.text) not in public:
                    yield value


def _told_to_all(record: Record) -> tuple[str | None, ...]:
    """What a report says that is nobody's, whatever the field is called at the portal."""
    place = record.location
    words = (record.subject, record.category_raw, record.status_raw, record.urgency_raw)
    return (place.address, place.area, *words)


def _keys(one: Taken) -> Iterator[str]:
    """What signed a request, and the cookies of its answer."""
    for name, value in one.headers.items():
        if name == "authorization":
            yield value.partition(" ")[2] or value
        elif name == "cookie":
            yield from (pair.partition("=")[2].strip() for pair in value.split(";"))
        elif _KEY_HEADER.fullmatch(name):
            yield value
    for name, value in one.answer_headers:
        if name.lower() == "set-cookie":
            yield value.partition(";")[0].partition("=")[2]


def _ids(records: Iterable[Record]) -> Iterator[str]:
    """Numbers of reports and files: never a telephone's."""
    for record in records:
        yield record.external_id
        yield from (attachment.ref for attachment in record.attachments)


# -- one exchange --------------------------------------------------------------------------------


def _scrubbed(one: Taken, scrubber: Scrubber) -> Taken:
    headers = tuple((name, scrubber.text(value)) for name, value in one.answer_headers if _wanted(name))
    return Taken(
        one.method,
        scrubber.text(one.url),
        one.headers,
        scrubber.body(one.body, one.headers.get("content-type", "")) if one.body else b"",
        one.status,
        headers,
        scrubber.body(one.content, _kind(one)) if one.content else b"",
        one.effect,
    )


def _wanted(name: str) -> bool:
    return name.lower() in _KEPT or _COUNTS.fullmatch(name) is not None


def _kind(one: Taken) -> str:
    return next((value for name, value in one.answer_headers if name.lower() == "content-type"), "")


def _cassette(session: Session, parts: Sequence[Taken], scrubber: Scrubber) -> Cassette:
    origins = origins_of(part.url for part in parts) or [""]
    given = {name: _plain(value, scrubber) for name, value in session.config.items()}
    return Cassette(
        connector=session.connector,
        version=session.version,
        at=session.at,
        origin=origins[0],
        config=given,
        secrets={name: scrubber.text(value) for name, value in session.secrets.items()},
        options={
            name: session.options[name] for name in ("timezone", "status_map") if name in session.options
        },
        pages=session.pages,
        pushes=tuple(_pushed(command, scrubber) for command in session.pushes),
        ignore=_ignore(session.ignored),
        exchanges=tuple(_exchange(part, origins[0]) for part in parts),
    )


def _ignore(names: Sequence[str]) -> Ignored:
    usual = Ignored()
    return Ignored((*usual.query, *names), (*usual.body, *names))


def _plain(value: Any, scrubber: Scrubber) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(part, scrubber) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part, scrubber) for part in value]
    return scrubber.text(value) if isinstance(value, str) else value


def _pushed(command: PushCommand, scrubber: Scrubber) -> PushCommand:
    """The same answer, by an invented officer to an invented citizen."""
    return replace(
        command,
        body=scrubber.text(command.body),
        author_name=scrubber.text(command.author_name),
        author_title=scrubber.text(command.author_title),
        unit_name=scrubber.text(command.unit_name),
    )


def _head(cassette: Cassette) -> bytes:
    """What is saved beside the exchanges."""
    pushed = [str(command) for command in cassette.pushes]
    parts = (dict(cassette.config), dict(cassette.secrets), dict(cassette.options), pushed)
    return json.dumps(parts, ensure_ascii=False, default=str).encode()


def _exchange(part: Taken, first: str) -> Exchange:
    parts = urlsplit(part.url)
    origin = f"{parts.scheme}://{parts.netloc}"
    asked = Asked(
        part.method, parts.path or "/", parts.query, "" if origin == first else origin, _signed(part),
        meaning(part.headers.get("content-type", ""), part.body), part.effect,
    )  # fmt: skip
    headers = tuple((n, _cookie(v) if n.lower() == "set-cookie" else v) for n, v in part.answer_headers)
    return Exchange(asked, Answered(part.status, headers, part.content))


def _signed(part: Taken) -> str:
    if "authorization" in part.headers:
        return part.headers["authorization"].partition(" ")[0].lower()
    return "cookie" if "cookie" in part.headers else ""


def _cookie(value: str) -> str:
    kept = [piece.strip() for piece in value.split(";")]
    harmless = ("path=", "max-age=", "expires=")
    return "; ".join([kept[0], *(piece for piece in kept[1:] if piece.lower().startswith(harmless))])


def _renamed(cassette: Cassette, origin: str) -> Cassette:
    """The same recording of a portal at another address."""
    old, new = cassette.origin, origin.rstrip("/")
    pattern = re.compile(re.escape(old) + r"(?![\w.:-])")

    def led(data: Any) -> Any:
        if isinstance(data, str):
            return pattern.sub(new, data)
        if isinstance(data, Mapping):
            return {key: led(value) for key, value in data.items()}
        return [led(value) for value in data] if isinstance(data, list) else data

    def body(content: bytes) -> bytes:
        for escaped in (str, lambda url: url.replace("/", "\\/")):
            content = content.replace(escaped(old).encode(), escaped(new).encode())
        return content

    exchanges = tuple(
        Exchange(
            replace(one.asked, body=led(one.asked.body)),
            Answered(
                one.answered.status,
                tuple((name, led(value)) for name, value in one.answered.headers),
                body(one.answered.body),
            ),
        )
        for one in cassette.exchanges
    )
    return replace(cassette, origin=new, config=led(cassette.config), exchanges=exchanges)
