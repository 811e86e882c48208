"""A connector under judgement: channels that poll as the product does, and remember what came.

    subject.channel(reports) -> Channel.poll() -> Polled
    every batch: its records are kept, then its cursor, as one; a poll that dies keeps what came before

What may surprise: the cursor goes through JSON at every batch, and what the connector keeps in
``ctx.state`` is saved only when a poll has ended well, as in use.
"""

from __future__ import annotations

import gc
import json
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

from aggregator.sdk.conformance.guard import Guard
from aggregator.sdk.conformance.quality import Quality, load_quality
from aggregator.sdk.conformance.scenario import Scenario, scenario_of
from aggregator.sdk.conformance.stages import Stage
from aggregator.sdk.contract import (
    Batch,
    ConfigInvalid,
    Connector,
    Context,
    Cursor,
    Manifest,
    Problem,
    RawItem,
    Record,
    TakesWebhooks,
    WebhookRequest,
)
from aggregator.sdk.discovery import Found, discover, found_in

__all__ = [
    "Channel",
    "NotApplicable",
    "NotMet",
    "NotShown",
    "Polled",
    "Subject",
    "Trial",
    "expect",
    "fail",
    "told",
    "unclosed",
]

#: Batches after which a poll is held to be endless.
ENDLESS = 400


class NotMet(AssertionError):
    """What the rule asks for was not seen; the message says what was."""


class NotApplicable(Exception):
    """The rule has no meaning for this connector; the message says why."""


class NotShown(NotApplicable):
    """What the connector is judged on cannot show it. Enough for Bronze, and for nothing above."""


def expect(seen: object, otherwise: str) -> None:
    """Go on where `seen` is true; else the rule is not met, for the reason given."""
    if not seen:
        raise NotMet(otherwise)


def fail(why: str) -> NoReturn:
    """The rule is not met."""
    raise NotMet(why)


@dataclass(frozen=True, slots=True)
class Subject:
    """One connector with its facts, its claim, and the portal it is judged on."""

    found: Found
    manifest: Manifest
    quality: Quality
    scenario: Scenario

    @classmethod
    def of(cls, connector: str | Path | Found, given: Mapping[str, Any] | None = None) -> Subject:
        """From an id, the folder of a manifest, or what was found; `given` goes over its SCENARIO.

        Raises `ConfigInvalid`.
        """
        if isinstance(connector, Path):
            connector = found_in(connector)
        found = _installed(connector) if isinstance(connector, str) else connector
        if found.manifest is None:
            raise ConfigInvalid(f"connector {found.id} cannot be used: {found.problem}")
        scenario = scenario_of(found, found.manifest, given)
        return cls(found, found.manifest, load_quality(found.manifest.folder), scenario)

    @property
    def connector(self) -> Connector:
        return self.found.connector()


def _installed(id_: str) -> Found:
    known = discover()
    if id_ not in known:
        raise ConfigInvalid(
            f"no connector {id_!r} is installed", hint=f"installed: {', '.join(sorted(known)) or 'none'}"
        )
    return known[id_]


@dataclass(frozen=True, slots=True)
class Trial:
    """What one check works with."""

    subject: Subject
    guard: Guard

    @property
    def manifest(self) -> Manifest:
        return self.subject.manifest

    def reports(self, count: int) -> list[dict[str, Any]]:
        """The first `count` invented reports."""
        return [self.subject.scenario.a_report(number) for number in range(1, count + 1)]

    @contextmanager
    def channel(self, reports: int | Sequence[Mapping[str, Any]] = 12) -> Iterator[Channel]:
        """A channel against a portal with these reports, stopped at the end."""
        given = self.reports(reports) if isinstance(reports, int) else reports
        stage = self.subject.scenario.open(given)
        try:
            yield Channel(self.subject.connector, stage)
        finally:
            stage.close()

    def needs(
        self, *, http: bool = False, network: bool = False, fillable: bool = False, **capabilities: bool
    ) -> None:
        """Stop here where the rule does not apply. Capabilities: ``push_reply=True`` and the like."""
        scenario = self.subject.scenario
        if (http or network) and not scenario.network:
            raise NotApplicable("it reads no network")
        if http and not scenario.http:
            raise NotApplicable("it speaks no HTTP")
        for name, wanted in capabilities.items():
            if bool(getattr(self.manifest.capabilities, name)) != wanted:
                raise NotApplicable(f"its capability {name} is {'off' if wanted else 'on'}")
        if fillable and not scenario.fillable:
            raise NotShown("recorded exchanges cannot be filled with other reports")


@dataclass(slots=True)
class Polled:
    """What one poll brought, up to where it ended."""

    batches: list[Batch] = field(default_factory=list)

    @property
    def records(self) -> list[Record]:
        return [record for batch in self.batches for record in batch.records]

    @property
    def problems(self) -> list[Problem]:
        return [problem for batch in self.batches for problem in batch.problems]

    @property
    def items(self) -> list[RawItem]:
        return [item for batch in self.batches for item in batch.items]

    @property
    def ids(self) -> list[str]:
        return [record.external_id for record in self.records]


class Channel:
    """One channel, with what the product would have stored of it."""

    def __init__(self, connector: Connector, stage: Stage) -> None:
        self.connector, self.stage = connector, stage
        self.cursor: Cursor | None = None
        self.state: dict[str, Any] = {}
        #: Id -> the contents it was seen with, in order; a repeated content is no news.
        self.known: dict[str, list[str]] = {}
        #: Raw positions and ids of what was quarantined.
        self.quarantined: list[Problem] = []

    @contextmanager
    def context(self, **options: Any) -> Iterator[Context]:
        """A context of one call. What the connector keeps is saved where the call ends well."""
        state = json.loads(json.dumps(self.state))
        ctx = self.stage.context(state, **options)
        try:
            yield ctx
            self.state = state
        finally:
            ctx.http.close()

    def poll(
        self,
        *,
        batches: int | None = None,
        between: Callable[[int], None] | None = None,
        **options: Any,
    ) -> Polled:
        """One poll. `batches`: die after so many. `between`: called after each. Errors pass through."""
        polled = Polled()
        with self.context(**options) as ctx:
            calls = self.stage.calls()
            running = (
                self.connector.poll(ctx, self.cursor)
                if calls is None
                else _delivered(self.connector, ctx, calls)
            )
            try:
                for batch in running:
                    polled.batches.append(batch)
                    self._commit(batch)
                    if between is not None:
                        between(len(polled.batches))
                    if len(polled.batches) == batches:
                        break
                    expect(len(polled.batches) < ENDLESS, f"the poll does not end: {ENDLESS} batches")
            finally:
                close = getattr(running, "close", None)
                if close is not None:
                    close()
        return polled

    def _commit(self, batch: Batch) -> None:
        for record in batch.records:
            seen = self.known.setdefault(record.external_id, [])
            content = told(record)
            if not seen or seen[-1] != content:
                seen.append(content)
        self.quarantined.extend(batch.problems)
        self.cursor = json.loads(json.dumps(batch.next_cursor))

    def follow_up(self, polls: int = 3, hours: int = 26) -> None:
        """Poll again later: what a poll puts off comes with one of the next."""
        for _ in range(polls):
            self.stage.now = self.stage.now + timedelta(hours=hours)
            self.poll()


def _delivered(connector: Connector, ctx: Context, calls: Sequence[WebhookRequest]) -> Iterator[Batch]:
    """What the source sends, as the batches of a poll: the rules on reports hold for both."""
    expect(isinstance(connector, TakesWebhooks), "it has no handle_webhook")
    assert isinstance(connector, TakesWebhooks)
    for request in calls:
        answer = connector.handle_webhook(ctx, request)
        if answer.batch is not None:
            yield replace(answer.batch, next_cursor={"v": 1}, complete=False)
    yield Batch((), (), {"v": 1}, complete=True)


def told(record: Record) -> str:
    """What a record says, as the product compares it: without volatile fields and the source's answers."""
    skip = {"volatile", "answers", *record.volatile}
    values = {f.name: getattr(record, f.name) for f in fields(record) if f.name not in skip}
    if "extra" in values:
        values["extra"] = {k: v for k, v in record.extra.items() if f"extra.{k}" not in skip}
    return json.dumps(_plain(values), sort_keys=True, ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value).strip()
    if isinstance(value, datetime):
        return (value if value.tzinfo is None else value.astimezone(UTC)).isoformat()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    return value


def unclosed(guard: Guard) -> int:
    """How many connections of the judging thread are still open."""
    gc.collect()
    return sum(1 for one in list(guard.opened) if one.fileno() != -1)
