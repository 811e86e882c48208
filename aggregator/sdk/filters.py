"""The fixed list of filters that an expression may end in: ``NgayGui | date('%d/%m/%Y %H:%M')``.

Promise: a filter turns a value into a value, in time that grows with the value's length and no faster,
and raises `Unreadable` where it cannot. Nothing passes through one as code. What may surprise: ``null``
and the empty text pass every filter untouched, as "not given"; only `default`, `yes` and `join` act
on them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from aggregator.sdk.answers import clean_json
from aggregator.sdk.html import soup, text_of
from aggregator.sdk.safe_regex import compile_pattern
from aggregator.sdk.values import SAYS_NO, Unreadable, fold, number, plain_text, short, to_utc

__all__ = ["FILTERS", "Env", "Filter"]

#: A text longer than this is no date.
_LONGEST_DATE = 64
_LONGEST_JSON = 1_000_000
#: Distinct date texts remembered, as long as there are few; then the memory is emptied.
_REMEMBERED = 20_000
_NO = SAYS_NO | {"", "null", "none"}
#: How ASP.NET writes an instant: ``/Date(1767571200000+0700)/``.
_DOT_NET = re.compile(r"/Date\((-?\d{1,15})(?:[+-]\d{4})?\)/")
_MARKUP = re.compile(r"[<&]")


@dataclass(frozen=True, slots=True)
class Env:
    """What a filter may know besides the value."""

    #: The zone of times that name none.
    zone: ZoneInfo
    #: The manifest's tables, for `lookup`.
    tables: Mapping[str, Mapping[str, Any]]


Filter = Callable[[Any, Env], Any]


# -- making filters ------------------------------------------------------------------------------


def _on_text(act: Callable[[str], Any]) -> Filter:
    """A filter that acts on texts, and on each text of a list."""

    def run(value: Any, env: Env) -> Any:
        if value is None or value == "":
            return None
        if isinstance(value, list):
            return [act(plain_text(item)) for item in value if item not in (None, "")]
        return act(plain_text(value))

    return run


def _texts(args: Sequence[Any], least: int, most: int) -> list[str]:
    if not least <= len(args) <= most:
        raise ValueError(f"{least if least == most else f'{least} to {most}'} arguments expected")
    if not all(isinstance(arg, str) for arg in args):
        raise ValueError("texts in quotes expected")
    return list(args)


def _nothing_given(args: Sequence[Any]) -> None:
    if args:
        raise ValueError("it takes no arguments")


def _strip(args: Sequence[Any]) -> Filter:
    given = _texts(args, 0, 1)
    chars = given[0] if given else None
    return _on_text(lambda text: text.strip(chars) or None)


def _lower(args: Sequence[Any]) -> Filter:
    _nothing_given(args)
    return _on_text(str.lower)


def _upper(args: Sequence[Any]) -> Filter:
    _nothing_given(args)
    return _on_text(str.upper)


def _replace(args: Sequence[Any]) -> Filter:
    old, new = _texts(args, 2, 2)
    if not old:
        raise ValueError("the text to replace is empty")
    return _on_text(lambda text: text.replace(old, new))


def _split(args: Sequence[Any]) -> Filter:
    (mark,) = _texts(args, 1, 1)
    if not mark:
        raise ValueError("the text to split at is empty")
    return _on_text(lambda text: [part for piece in text.split(mark) if (part := piece.strip())])


def _cut(args: Sequence[Any]) -> Filter:
    if len(args) != 1 or not isinstance(args[0], int) or isinstance(args[0], bool) or args[0] < 1:
        raise ValueError("a number of letters expected")
    most = args[0]
    return _on_text(lambda text: text[:most])


def _html(args: Sequence[Any]) -> Filter:
    """The words of a piece of HTML, as they are read on the portal's page."""
    _nothing_given(args)
    return _on_text(lambda text: text_of(soup(text)) if _MARKUP.search(text) else text)


def _text(args: Sequence[Any]) -> Filter:
    _nothing_given(args)
    return _on_text(str)


def _none_if(args: Sequence[Any]) -> Filter:
    empty = frozenset(text.strip() for text in _texts(args, 1, 20))
    return _on_text(lambda text: None if text.strip() in empty else text)


def _regex(args: Sequence[Any]) -> Filter:
    pattern = compile_pattern(_texts(args, 1, 1)[0])
    group = 1 if pattern.compiled.groups else 0
    return _on_text(lambda text: pattern.first(text, group))


def _json(args: Sequence[Any]) -> Filter:
    """A text that holds JSON of its own."""
    _nothing_given(args)

    def parse(text: str) -> Any:
        if len(text) > _LONGEST_JSON:
            raise Unreadable("a text too long to be JSON")
        try:
            return clean_json(text)
        except (ValueError, RecursionError) as error:
            raise Unreadable("a text that is no JSON") from error

    return _on_text(parse)


def _lookup(args: Sequence[Any]) -> Filter:
    name, *rest = _texts(args, 1, 2)

    def run(value: Any, env: Env) -> Any:
        if value is None or value == "":
            return None
        return env.tables[name].get(plain_text(value).strip(), rest[0] if rest else None)

    return run


def _default(args: Sequence[Any]) -> Filter:
    if len(args) != 1:
        raise ValueError("one argument expected")
    (other,) = args
    return lambda value, env: other if value is None or value == "" else value


def _first(args: Sequence[Any]) -> Filter:
    _nothing_given(args)
    return lambda value, env: (value[0] if value else None) if isinstance(value, list) else value


def _last(args: Sequence[Any]) -> Filter:
    _nothing_given(args)
    return lambda value, env: (value[-1] if value else None) if isinstance(value, list) else value


def _join(args: Sequence[Any]) -> Filter:
    mark = (_texts(args, 0, 1) or [" "])[0]

    def run(value: Any, env: Env) -> Any:
        if not isinstance(value, list):
            return value
        pieces = [plain_text(item).strip() for item in value if item not in (None, "")]
        return mark.join(piece for piece in pieces if piece) or None

    return run


def _yes(args: Sequence[Any]) -> Filter:
    """True or false. Without arguments whatever is not clearly a "no" counts: it guards a name (I12)."""
    words = frozenset(fold(word) for word in _texts(args, 0, 20))

    def run(value: Any, env: Env) -> Any:
        if value is None or isinstance(value, bool):
            return bool(value)
        word = fold(plain_text(value))
        return word in words if words else word not in _NO

    return run


def _number(args: Sequence[Any]) -> Filter:
    """A number; ``number(',')`` where the portal writes a decimal comma."""
    comma = (_texts(args, 0, 1) or ["."])[0] == ","

    def run(value: Any, env: Env) -> Any:
        return None if value is None or value == "" else number(value, comma=comma)

    return run


# -- times ---------------------------------------------------------------------------------------


def _date(args: Sequence[Any]) -> Filter:
    """An instant, by the first of these forms that fits; ``'iso'`` is one, and alone where none are given.

    A time without a zone is the wall clock of the channel's zone.
    """
    forms = _texts(args, 0, 12) or ["iso"]
    for form in forms:
        _check_form(form)
    known: dict[tuple[str, str], datetime] = {}

    def run(value: Any, env: Env) -> Any:
        if value is None or value == "" or isinstance(value, datetime):
            return value or None
        text = plain_text(value).strip()
        if not text:
            return None
        key = (text, env.zone.key)
        found = known.get(key)
        if found is None:
            found = _instant(text, forms, env.zone)
            if len(known) >= _REMEMBERED:
                known.clear()
            known[key] = found
        return found

    return run


def _check_form(form: str) -> None:
    """`ValueError` where `strptime` could not read what `strftime` writes in this form."""
    if form == "iso":
        return
    try:
        datetime.strptime(datetime(2026, 1, 5, 8, 30, tzinfo=UTC).strftime(form), form)  # noqa: DTZ007
    except (ValueError, re.error) as error:
        raise ValueError(f"{form!r} is no form of a date: write it as '%d/%m/%Y %H:%M'") from error


def _instant(text: str, forms: Sequence[str], zone: ZoneInfo) -> datetime:
    if len(text) > _LONGEST_DATE:
        raise Unreadable(f"{short(text)} is not a date")
    wall = _formed(text, forms)
    if wall is None:
        raise Unreadable(f"{short(text)} is not a date of the form {' or '.join(forms)}")
    return to_utc(wall, zone)


def _formed(text: str, forms: Sequence[str]) -> datetime | None:
    for form in forms:
        try:
            if form == "iso":
                return datetime.fromisoformat(text)
            return datetime.strptime(text, form)  # noqa: DTZ007 (the zone is put on later)
        except (ValueError, OverflowError):
            continue
    return None


def _epoch(args: Sequence[Any], per_second: int = 1) -> Filter:
    _nothing_given(args)

    def run(value: Any, env: Env) -> Any:
        if isinstance(value, datetime):
            return value
        if isinstance(value, str) and (match := _DOT_NET.fullmatch(value.strip())):
            value = int(match[1])
        count = None if value is None or value == "" else number(value)
        if not count:
            return None  # portals write 0 for "no date"
        try:
            return datetime.fromtimestamp(count / per_second, UTC)
        except (OverflowError, OSError, ValueError) as error:
            raise Unreadable(f"{short(value)} is no count of seconds since 1970") from error

    return run


def _epoch_ms(args: Sequence[Any]) -> Filter:
    return _epoch(args, 1000)


def _end_of_day(args: Sequence[Any]) -> Filter:
    """The last minute of a day: a deadline that names a day and no hour lasts to its end."""
    _nothing_given(args)

    def run(value: Any, env: Env) -> Any:
        if not isinstance(value, datetime):
            return None if value is None or value == "" else _not_a_time(value)
        try:
            local = value.astimezone(env.zone)
        except (OverflowError, ValueError) as error:
            raise Unreadable(f"{short(value)} is an impossible date") from error
        if local.time() != time():
            return value
        return to_utc(datetime.combine(local.date(), time(23, 59)), env.zone)

    return run


def _not_a_time(value: Any) -> datetime:
    raise Unreadable("write a date filter before end_of_day")


#: Name -> maker: arguments -> filter. `ValueError` says what is wrong with the arguments.
FILTERS: Mapping[str, Callable[[Sequence[Any]], Filter]] = {
    "cut": _cut,
    "date": _date,
    "default": _default,
    "end_of_day": _end_of_day,
    "epoch": _epoch,
    "epoch_ms": _epoch_ms,
    "first": _first,
    "html": _html,
    "join": _join,
    "json": _json,
    "last": _last,
    "lookup": _lookup,
    "lower": _lower,
    "none_if": _none_if,
    "number": _number,
    "regex": _regex,
    "replace": _replace,
    "split": _split,
    "strip": _strip,
    "text": _text,
    "upper": _upper,
    "yes": _yes,
}
