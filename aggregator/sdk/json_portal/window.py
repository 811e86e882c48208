"""What is asked for since the last time, and what the answers say about the next time.

    cursor -> since (less the overlap, or less the long look back of a sweep) -> asked -> seen -> since

Principles: the next beginning is the greatest value that the source itself showed, never our clock; and
an overlap is asked for again, because portal times are coarse. A value that lies ahead of us by more than
a day is a slip of a keyboard: it counts for nothing, or one report dated 2062 would hide all others
until then.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from aggregator.sdk.contract import BadRecord, ConfigInvalid, Record
from aggregator.sdk.expressions import Env
from aggregator.sdk.json_portal.client import Answer, drift
from aggregator.sdk.json_portal.definition import Incremental
from aggregator.sdk.values import Unreadable, to_utc

__all__ = ["Mark", "Window", "shown"]

_AHEAD = timedelta(days=1)

#: An instant, a number that rises, or a mark whose meaning is the source's own.
Mark = datetime | int | str


class Window:
    """One stream's window in one poll."""

    def __init__(self, given: Incremental, since: Mark | None, now: datetime, env: Env) -> None:
        self._given, self._now, self._env = given, now, env
        #: What was asked for; the greatest seen so far.
        self.since, self.top = since, since

    def asked(self, *, sweep: bool) -> Mark | None:
        """The beginning to ask for: with the overlap, or the look back of a sweep."""
        given, since = self._given, self.since
        if since is None:
            return _start(given, self._env)
        if isinstance(since, datetime) and isinstance(given.overlap, timedelta):
            back = given.sweep_back if sweep and given.sweep_back else given.overlap
            return since - max(back, given.overlap)
        if isinstance(since, int) and isinstance(given.overlap, int):
            return max(0, since - given.overlap)
        return since

    def saw_record(self, data: Any, record: Record) -> None:
        """A good record of the list."""
        if self._given.source != "record":
            return
        if self._given.field is None:
            self._raise_to(record.updated_at or record.occurred_at)
            return
        try:
            value = self._given.field(data, self._env)
        except BadRecord:
            return  # what cannot be read moves nothing
        self._raise_to(_mark(value, self._given.format, self._env))

    def saw_page(self, answer: Answer, *, first: bool) -> None:
        """A page. A time of the envelope counts from the first page, a mark of the source from the last."""
        given = self._given
        if given.source == "record" or answer.nothing:
            return
        if given.source == "header":
            value: Any = answer.response.headers.get(given.header)
        else:
            value = given.field(answer.data, self._env) if given.field is not None else None
        found = _mark(_http_date(value) if given.source == "header" else value, given.format, self._env)
        if found is None:
            if first:
                raise drift("the page does not say where the next poll begins", answer.response)
        elif isinstance(found, str):
            self.top = found
        elif first:
            self._raise_to(found)

    def _raise_to(self, value: Mark | None) -> None:
        if value is None or (isinstance(value, datetime) and value > self._now + _AHEAD):
            return
        if self.top is None or type(self.top) is not type(value) or value > self.top:  # type: ignore[operator]
            self.top = value


def shown(value: Mark | None, form: str, env: Env) -> Any:
    """A mark as the source wants to read it."""
    if not isinstance(value, datetime):
        return value
    if form == "iso_utc":
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if form in ("epoch", "epoch_ms"):
        return int(value.timestamp() * (1000 if form == "epoch_ms" else 1))
    local = value.astimezone(env.zone)
    return local.isoformat(timespec="seconds") if form == "iso" else local.strftime(form)


def packed(mark: Mark | None) -> Any:
    """A mark as a cursor keeps it."""
    return {"at": mark.isoformat()} if isinstance(mark, datetime) else mark


def unpacked(kept: Any) -> Mark | None:
    """The mark of a cursor; None for what is none."""
    if isinstance(kept, Mapping):
        return datetime.fromisoformat(str(kept["at"]))
    return kept if isinstance(kept, int | str) and not isinstance(kept, bool) else None


def _start(given: Incremental, env: Env) -> Mark | None:
    if given.start is None:
        return None
    if given.format == "number":
        return int(given.start)
    found = _mark(given.start, given.format, env)
    if not isinstance(found, datetime):
        raise ConfigInvalid(f"incremental.start: {given.start!r} is no ISO date, such as 2026-01-01")
    return found


def _mark(value: Any, form: str, env: Env) -> Mark | None:
    if value is None or value == "" or isinstance(value, bool):
        return None
    if isinstance(value, datetime):
        return value
    if form == "number":
        text = str(value).strip()
        return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
    try:
        return to_utc(datetime.fromisoformat(str(value).strip()), env.zone)
    except (ValueError, Unreadable):
        return str(value) if isinstance(value, str | int) else None


def _http_date(value: Any) -> Any:
    try:
        return parsedate_to_datetime(str(value)).astimezone(UTC) if value else None
    except (ValueError, TypeError, OverflowError):
        return value
