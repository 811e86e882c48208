"""From a source's own fields to a `Record`: the ``map`` of a manifest, compiled once.

    map: {external_id: PhanAnhID, body: "NoiDung | html", person: {phone: SoDienThoai}, ...}
      -> RecordMap -> record_of(data) -> Record | BadRecord

Promise: the names on the left are those of `Record`, and a wrong one is told when the manifest is
loaded. A value that cannot be a report's (a table where a text belongs, a date that is none) makes
this one record a `BadRecord` that names the field; what is empty is empty.

What may surprise: a coordinate that is no number, or zero, is no coordinate and harms nothing else,
because portals write 0 for "unknown". A title that is missing is the beginning of the text, and a
missing text is the title. A status is kept in the source's own words, and ours only where the status
map has them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, Literal, cast
from urllib.parse import quote, unquote

from aggregator.errors import BadRecord, ConfigInvalid
from aggregator.sdk.contract import Answer, Attachment, Context, Location, Person, Record, SourceStatus
from aggregator.sdk.expressions import Env, Expression, Words, compile_expression
from aggregator.sdk.map_schema import ANSWER, ATTACHMENT, NAMES, PERSON, PLACE, TEXTS, TIMES
from aggregator.sdk.placeholders import Template
from aggregator.sdk.settings_schema import meant
from aggregator.sdk.values import Unreadable, fold, plain_text, short, to_utc

__all__ = ["Reading", "RecordMap", "kind_named"]

_NOBODY, _NOWHERE = Person(), Location()
_ANONYMOUS = Person(anonymous=True)
_TITLE = 80

Kind = Literal["feedback", "proposal"]
_KINDS: Mapping[str, Kind] = {
    "phan anh": "feedback",
    "feedback": "feedback",
    "kien nghi": "proposal",
    "de xuat": "proposal",
    "gop y": "proposal",
    "proposal": "proposal",
}


def kind_named(word: str) -> Kind | None:
    """What a source calls a report, in our words; None where it says something else."""
    return _KINDS.get(fold(word))


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading the records of one channel takes besides the record."""

    env: Env
    status_of: Callable[[str | None], SourceStatus]
    config: Mapping[str, Any]

    @classmethod
    def of(cls, ctx: Context, tables: Mapping[str, Mapping[str, Any]]) -> Reading:
        """For one call of the contract."""
        return cls(Env(ctx.zone, tables), ctx.status_of, ctx.config)


_Text = Callable[[Any, Env], str | None]
_Find = Callable[[Any, Env], Any]


class RecordMap:
    """A compiled map. `path` is its place in the manifest, `lists_at` those of `required` and `volatile`."""

    def __init__(
        self,
        given: Mapping[str, Any],
        path: str,
        *,
        required: Sequence[str] = (),
        volatile: Sequence[str] = (),
        words: Words | None = None,
        config_names: Sequence[str] = (),
        lists_at: tuple[str, str] = ("source.required", "source.volatile"),
    ) -> None:
        self._path, self._words = path, words
        _known(given, NAMES, path)
        for name in ("external_id", "occurred_at"):
            if name not in given:
                raise ConfigInvalid(f"{path}.{name}: missing; a report cannot be kept without it")
        self._id = self._text(given, "external_id")
        self._subject, self._body = self._text(given, "subject"), self._text(given, "body")
        self._category, self._urgency, self._status = (self._text(given, name) for name in TEXTS)
        self._occurred, self._updated, self._due = (self._time(given, name) for name in TIMES)
        self._kind = self._text(given, "kind") if "kind" in given else None
        self._person = self._group(given, "person", PERSON)
        self._place = self._group(given, "location", PLACE)
        self._files = [
            self._each(part, where, ATTACHMENT) for part, where in self._lists(given, "attachments")
        ]
        self._answers = [self._each(part, where, ANSWER) for part, where in self._lists(given, "answers")]
        self._extra = {
            name: self._compiled(text, f"{path}.extra.{name}")
            for name, text in (given.get("extra") or {}).items()
        }
        self._link, self._url = self._address(given.get("url"), config_names)
        # A title made of the text, or the other way round, is none of the source's own.
        self._own = [
            (n, read) for n, read in (("subject", self._subject), ("body", self._body)) if n in required
        ]
        self._required = [(n, _getter(n, lists_at[0])) for n in required if n not in ("subject", "body")]
        self.volatile = tuple(_known_volatile(name, lists_at[1]) for name in volatile)

    # -- compiling -------------------------------------------------------------------------------

    def _compiled(self, text: Any, where: str) -> Expression:
        return compile_expression(text, where, self._words)

    def _text(self, given: Mapping[str, Any], name: str) -> _Text:
        if name not in given:
            return lambda data, env: None
        return _as_text(self._compiled(given[name], f"{self._path}.{name}"), name)

    def _time(self, given: Mapping[str, Any], name: str) -> Callable[[Any, Env], datetime | None]:
        if name not in given:
            return lambda data, env: None
        return _as_time(self._compiled(given[name], f"{self._path}.{name}"), name)

    def _group(self, given: Mapping[str, Any], name: str, known: Sequence[str]) -> dict[str, _Find]:
        table, path = given.get(name) or {}, f"{self._path}.{name}"
        _known(table, known, path)
        found: dict[str, _Find] = {}
        for key, text in table.items():
            expression = self._compiled(text, f"{path}.{key}")
            plain = key in ("lat", "lng", "anonymous")
            found[key] = expression if plain else _as_text(expression, f"{name}.{key}")
        return found

    def _lists(self, given: Mapping[str, Any], name: str) -> Iterator[tuple[Mapping[str, Any], str]]:
        value, path = given.get(name) or [], f"{self._path}.{name}"
        if isinstance(value, Mapping):
            yield value, path
            return
        for position, part in enumerate(value):
            yield part, f"{path}[{position}]"

    def _each(self, part: Mapping[str, Any], path: str, known: Sequence[str]) -> dict[str, Any]:
        _known(part, known, path)
        field = path.partition(".map.")[2]
        found: dict[str, Any] = {"each": self._compiled(part.get("each", "[@]"), f"{path}.each")}
        for key, text in part.items():
            if key == "each":
                continue
            expression = self._compiled(text, f"{path}.{key}")
            if key == "at":
                found[key] = _as_time(expression, f"{field}.{key}")
            else:
                found[key] = expression if key == "size" else _as_text(expression, f"{field}.{key}")
        if known is ANSWER and "body" not in part:
            raise ConfigInvalid(f"{path}.body: missing; an answer is its words")
        return found

    def _address(self, value: Any, config_names: Sequence[str]) -> tuple[Template | None, _Text]:
        if isinstance(value, Mapping):
            names = ["id", *(f"config.{name}" for name in config_names)]
            _known(value, ("template",), f"{self._path}.url")
            template = Template(value.get("template"), f"{self._path}.url.template", names)
            return template, lambda data, env: None
        return None, self._text({"url": value} if value else {}, "url")

    # -- reading ---------------------------------------------------------------------------------

    def id_of(self, data: Any, env: Env) -> str | None:
        """The report's id alone; None where it has none that can be read."""
        try:
            return self._id(data, env)
        except BadRecord:
            return None

    def record_of(self, data: Any, reading: Reading) -> Record:
        """The record. Raises `BadRecord` naming the field, with the id where there is one."""
        env = reading.env
        external_id = self._id(data, env)
        if external_id is None:
            raise BadRecord("external_id: a report without id", field="external_id")
        try:
            record = self._record(data, env, external_id, reading)
            for name, read in self._own:
                if read(data, env) is None:
                    raise BadRecord(f"{name}: is empty", field=name)
            for name, get in self._required:
                if get(record) in (None, "", ()):
                    raise BadRecord(f"{name}: is empty", field=name)
        except BadRecord as error:
            error.external_id = external_id
            raise
        return record

    def _record(self, data: Any, env: Env, external_id: str, reading: Reading) -> Record:
        occurred_at = self._occurred(data, env)
        if occurred_at is None:
            raise BadRecord("occurred_at: is empty", field="occurred_at")
        body, subject = self._body(data, env), self._subject(data, env)
        status_raw = self._status(data, env)
        kind: Literal["feedback", "proposal"] = "feedback"
        extra = self._extra_of(data, env) if self._extra else {}
        if self._kind is not None and (word := self._kind(data, env)) is not None:
            if (known := kind_named(word)) is None:
                # "Khiếu nại", "Tố cáo": another procedure, which is not ours to choose here.
                extra["kind"] = word
            else:
                kind = known
        url = self._link_of(data, env, external_id, reading, extra)
        return Record(
            external_id=external_id,
            occurred_at=occurred_at,
            subject=subject or (body or "")[:_TITLE],
            body=body or subject or "",
            kind=kind,
            updated_at=self._updated(data, env),
            person=self._person_of(data, env) if self._person else _NOBODY,
            location=self._place_of(data, env) if self._place else _NOWHERE,
            category_raw=self._category(data, env),
            urgency_raw=self._urgency(data, env),
            status_raw=status_raw,
            status=reading.status_of(status_raw),
            due_at=self._due(data, env),
            url=url,
            attachments=tuple(self._attachments_of(data, env)) if self._files else (),
            answers=tuple(self._answers_of(data, env)) if self._answers else (),
            extra=extra,
            volatile=self.volatile,
        )

    def _extra_of(self, data: Any, env: Env) -> dict[str, Any]:
        found = {name: find(data, env) for name, find in self._extra.items()}
        return {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in found.items()
            if value is not None
        }

    def _link_of(
        self, data: Any, env: Env, external_id: str, reading: Reading, extra: dict[str, Any]
    ) -> str | None:
        if self._link is not None:
            scope = {"config": reading.config, "id": quote(external_id, safe="")}
            url = self._link.text(scope) if self._link.complete(scope) else None
        else:
            url = self._url(data, env)
        if url and not url.lower().startswith(("https://", "http://")):
            extra["url"], url = url, None  # shown as a link, so "javascript:" must not pass as one
        return url

    def _person_of(self, data: Any, env: Env) -> Person:
        found = {name: find(data, env) for name, find in self._person.items()}
        anonymous = found.pop("anonymous", None)
        if anonymous is not None and anonymous is not False:
            if not isinstance(anonymous, bool):
                raise BadRecord(
                    "person.anonymous: neither true nor false", field="person.anonymous", hint="add | yes"
                )
            return _ANONYMOUS
        return Person(**found) if any(found.values()) else _NOBODY

    def _place_of(self, data: Any, env: Env) -> Location:
        found = {name: find(data, env) for name, find in self._place.items()}
        lat, lng = _degree(found.get("lat"), 90), _degree(found.get("lng"), 180)
        if lat is None or lng is None:
            lat = lng = None  # half a place is none
        found["lat"], found["lng"] = lat, lng
        return Location(**found)

    def _attachments_of(self, data: Any, env: Env) -> Iterator[Attachment]:
        seen: set[str] = set()
        for part in self._files:
            find, name, kind, size = (part.get(k) for k in ("ref", "filename", "content_type", "size"))
            for entry in _entries(part["each"](data, env), "attachments"):
                ref = find(entry, env) if find else _as_ref(entry)
                if ref is None or ref in seen:
                    continue
                seen.add(ref)
                yield Attachment(
                    ref=ref,
                    filename=(name(entry, env) if name else None) or _file_name(ref),
                    content_type=kind(entry, env) if kind else None,
                    size=_size(size(entry, env)) if size else None,
                )

    def _answers_of(self, data: Any, env: Env) -> Iterator[Answer]:
        for part in self._answers:
            at, author, ref = (part.get(k) for k in ("at", "author", "remote_ref"))
            for entry in _entries(part["each"](data, env), "answers"):
                body = part["body"](entry, env)
                if body is None:
                    continue
                yield Answer(
                    body=body,
                    at=at(entry, env) if at else None,
                    author=author(entry, env) if author else None,
                    remote_ref=ref(entry, env) if ref else None,
                )


# -- values --------------------------------------------------------------------------------------


def _as_text(find: Expression, name: str) -> _Text:
    def read(data: Any, env: Env) -> str | None:
        value = find(data, env)
        if value is None:
            return None
        if type(value) is not str:
            try:
                value = plain_text(value)
            except Unreadable as error:
                raise BadRecord(f"{name}: {error}", field=name) from None
        return value.strip() or None

    return read


def _as_time(find: Expression, name: str) -> Callable[[Any, Env], datetime | None]:
    def read(data: Any, env: Env) -> datetime | None:
        value = find(data, env)
        if isinstance(value, datetime):
            return value
        if value is None or value == "":
            return None
        try:
            return to_utc(datetime.fromisoformat(value.strip()), env.zone)
        except (ValueError, AttributeError, Unreadable) as error:
            raise BadRecord(
                f"{name}: {short(value)} is not an ISO date", field=name, hint="add | date('%d/%m/%Y %H:%M')"
            ) from error

    return read


def _degree(value: Any, limit: int) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        degree = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return degree if 0 < abs(degree) <= limit else None


def _size(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _entries(value: Any, name: str) -> list[Any]:
    """The list; a single entry is a list of one, nothing is an empty one."""
    if value is None or value == "":
        return []
    if isinstance(value, list):
        return [item for item in value if item not in (None, "")]
    if isinstance(value, str | Mapping):
        return [value]
    raise BadRecord(f"{name}: a list expected", field=name)


def _as_ref(entry: Any) -> str | None:
    if isinstance(entry, str):
        return entry.strip() or None
    raise BadRecord(
        "attachments: an entry is no address", field="attachments", hint="say which field is its ref"
    )


def _file_name(ref: str) -> str:
    return unquote(ref.partition("?")[0].rstrip("/").rsplit("/", 1)[-1]) or "tep-dinh-kem"


def _known(given: Mapping[str, Any], names: Sequence[str], path: str) -> None:
    for key in given:
        if key not in names:
            raise ConfigInvalid(
                f"{path}.{key}: no such field{meant(str(key), names)}", hint=f"there are {', '.join(names)}"
            )


def _getter(name: str, where: str) -> Callable[[Record], Any]:
    head, _, tail = name.partition(".")
    inner = {"person": PERSON, "location": PLACE}.get(head, ())
    if tail and head == "extra":
        return lambda record: record.extra.get(tail)
    if (tail and tail not in inner) or head not in NAMES:
        raise ConfigInvalid(f"{where}: no field {name!r}{meant(name, NAMES)}")
    return cast("Callable[[Record], Any]", attrgetter(name))


def _known_volatile(name: Any, where: str) -> str:
    if name not in NAMES and not str(name).startswith("extra."):
        raise ConfigInvalid(f"{where}: no field {name!r}{meant(str(name), NAMES)}; extra.<name> is one, too")
    return str(name)
