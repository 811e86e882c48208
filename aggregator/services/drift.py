"""Watching each poll for drift, inside the transaction that would take its batch in.

    Intake.receive: what is new, what changed -> Watch.take -> looks as ever: the baseline learns, tx goes on
                                                           -> does not: DriftSuspected, tx rolls back

Promise: a batch that does not look like its channel is judged before anything of it is stored; its raw
bytes travel with the error, so that the poll's end can hold them (`poll_endings`), and the cursor stays.
The rules are `domain.drift`; here is where their numbers come from, and where the baseline lives.

What may surprise: only news is looked at. Overlap shows the same reports again and again, and a quiet
night would count one of them a hundred times. An item that is in quarantine already is no news either:
one unreadable report at the end of a list must not condemn its page at every poll.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from aggregator.domain import drift
from aggregator.domain.drift import Finding, Policy, Rule
from aggregator.domain.drift_baseline import FILLED, TRUE, Baseline, Marks, Whole
from aggregator.domain.drift_texts import NEXT_EN, sentence
from aggregator.sdk.contract import Batch, Problem, RawItem, RawPage, SchemaDrift, SourceStatus
from aggregator.services.canonical import Canonical
from aggregator.storage import drift_queries
from aggregator.storage.db import Tx
from aggregator.storage.report_queries import Head

#: Clocks of portals may be ahead of ours, and their dates without a time are the day's end in some.
AHEAD = timedelta(days=1)


class DriftSuspected(SchemaDrift):
    """What came does not look like this channel: nothing of it was stored, all of it is in the error."""

    code = "drift_suspected"

    def __init__(self, findings: Sequence[Finding], batch: Batch, external_id: str | None = None) -> None:
        shown = {finding.key: f"{finding.seen}/{finding.of}, {finding.before:g}" for finding in findings}
        super().__init__(
            sentence(findings, vietnamese=False), hint=NEXT_EN, evidence=shown,
            message_vi=_capital(sentence(findings, vietnamese=True)),
        )  # fmt: skip
        self.findings = tuple(findings)
        self.batch = batch
        #: The pinned report that it is about, where it is about one.
        self.external_id = external_id

    @property
    def key(self) -> str:
        """The same for as long as the same is wrong."""
        return ",".join(sorted(finding.key for finding in self.findings))[:300]


@dataclass(frozen=True, slots=True)
class News:
    """What intake found out about a batch: reports in their order, each with its stored head if known."""

    reports: Sequence[tuple[Canonical, Head | None]]
    problems: Sequence[Problem]


@dataclass(slots=True)
class Watch:
    """One run. `taught` has a person's findings to accept: then nothing is judged, all is learned."""

    channel_id: int
    first: bool
    snapshot: bool
    policies: Mapping[str, str] = field(default_factory=dict)
    taught: tuple[Finding, ...] = ()
    teaching: bool = False
    #: Fields whose rows are held alone for the rest of this run, small batches included.
    refusing: set[str] = field(default_factory=set)
    past: Baseline | None = None
    listed: int | None = None
    rows: int = 0
    news: int = 0
    new: int = 0
    source_count: int | None = None

    def take(self, tx: Tx, batch: Batch, news: News, now: datetime) -> frozenset[int]:
        """Judge and learn this batch; positions in `news.reports` that belong in quarantine alone.

        Raises `DriftSuspected` where the page as a whole does.
        """
        past = self._past(tx)
        marks = self._marks(tx, past, batch, news, now)
        self._count(batch, marks)
        refused: frozenset[int] = frozenset()
        if self.teaching:
            learned = drift.learn(drift.accepted(past, self.taught, marks), marks)
        else:
            learned, refused = self._judged(past, marks, batch)
        if learned is not past and learned != past:
            drift_queries.save_baseline(tx, self.channel_id, learned.to_json(), now)
            self.past = learned
        return refused

    def _past(self, tx: Tx) -> Baseline:
        """Read once a run: who holds the lease is the only one to write it. A batch that rolls back ends
        the run, and with it what was learned here."""
        if self.past is None:
            self.past = Baseline.of_json(drift_queries.baseline(tx, self.channel_id))
        return self.past

    @staticmethod
    def waits(batch: Batch) -> bool:
        """Whether it is an empty page inside a poll: it proves nothing yet, and must move no cursor before
        the poll's end is judged."""
        return not (batch.complete or batch.records or batch.problems) and batch.listed == 0

    def _judged(self, past: Baseline, marks: Marks, batch: Batch) -> tuple[Baseline, frozenset[int]]:
        found = list(drift.judge(past, marks))
        self.refusing |= {one.field for one in found if self._policy(one) is Policy.QUARANTINE_ROW}
        # What is held row by row is not the channel's look: it would soon be nothing unusual.
        believed = {name: looks for name, looks in marks.looks.items() if name not in self.refusing}
        learned = drift.learn(past, replace(marks, looks=believed))
        if batch.complete:
            whole = Whole(
                self.listed, self.rows, self.news, self.new, self.source_count, self.first, self.snapshot
            )
            found += drift.judge_whole(learned, whole)
            learned = drift.learn_whole(learned, whole)
        serious = [one for one in found if self._policy(one) is Policy.QUARANTINE_PAGE]
        if serious:
            raise DriftSuspected(serious, batch)
        return learned, frozenset(
            index
            for name in self.refusing
            for index, look in enumerate(marks.looks.get(name, ()))
            if not look
        )

    def _policy(self, finding: Finding) -> Policy:
        """What the channel wants; rows can be held alone only where each report passes or fails by itself."""
        wanted = Policy(self.policies.get(finding.rule, Policy.QUARANTINE_PAGE))
        by_row = finding.field in (*FILLED, *TRUE)
        return Policy.QUARANTINE_PAGE if wanted is Policy.QUARANTINE_ROW and not by_row else wanted

    def _count(self, batch: Batch, marks: Marks) -> None:
        if batch.listed is not None:
            self.listed = (self.listed or 0) + batch.listed
        self.rows += len(batch.records) + len(batch.problems)
        self.news += marks.reports
        self.new += marks.new
        if batch.source_count is not None:
            self.source_count = batch.source_count

    def _marks(self, tx: Tx, past: Baseline, batch: Batch, news: News, now: datetime) -> Marks:
        unreadable = _unknown(tx, self.channel_id, news.problems)
        if not news.reports and not unreadable:
            return Marks({}, shape=batch.shape)
        values = [value for value, _ in news.reports]
        looks = _filled(values, now + AHEAD)
        looks.update(_apart(values))
        looks.update(_kept(tx, news))
        looks["readable"] = [True] * len(values) + [False] * unreadable
        named = [value.category_raw for value in values if value.category_raw]
        if drift.watches_categories(past):
            looks["category_known"] = [name in past.categories for name in named]
        new = sum(head is None for _, head in news.reports) + unreadable
        return Marks(looks, new, frozenset(named), batch.shape)


#: Name of a look -> whether a report passes it. In the order of `FILLED`.
_LOOKS: tuple[Callable[[Canonical], Any], ...] = (
    lambda v: v.subject,
    lambda v: v.body,
    lambda v: v.person.name,
    lambda v: v.person.phone,
    lambda v: v.address,
    lambda v: v.lat is not None,
    lambda v: v.category_raw,
    lambda v: v.status_raw,
    lambda v: v.due_at is not None,
    lambda v: v.url,
    lambda v: v.attachments,
)


def _filled(values: Sequence[Canonical], latest: datetime) -> dict[str, Sequence[bool]]:
    looks: dict[str, Sequence[bool]] = {
        name: [bool(look(value)) for value in values] for name, look in zip(FILLED, _LOOKS, strict=True)
    }
    looks["status_known"] = [value.status is not SourceStatus.UNMAPPED for value in values]
    looks["date_past"] = [value.occurred_at <= latest for value in values]
    return looks


def _apart(values: Sequence[Canonical]) -> dict[str, Sequence[bool]]:
    pairs = list(pairwise(values))
    return {
        "date_apart": [one.occurred_at != other.occurred_at for one, other in pairs],
        "text_apart": [(one.subject, one.body) != (other.subject, other.body) for one, other in pairs],
    }


def _kept(tx: Tx, news: News) -> Iterator[tuple[str, list[bool]]]:
    """Of known reports that changed: are their date and words what is stored? Sources rarely take back."""
    changed = {head.report_id: value for value, head in news.reports if head is not None}
    if not changed:
        return
    stored = drift_queries.stored_values(tx, changed)
    pairs = [(stored[key], value) for key, value in changed.items() if key in stored]
    yield "date_kept", [old.received_at == new.occurred_at for old, new in pairs]
    yield "body_kept", [old.body == new.body for old, new in pairs]
    yield "address_kept", [bool(new.address) for old, new in pairs if old.address]
    yield "category_kept", [bool(new.category_raw) for old, new in pairs if old.category_raw]


def _unknown(tx: Tx, channel_id: int, problems: Sequence[Problem]) -> int:
    """How many of the items nobody could read are not in quarantine yet."""
    if not problems:
        return 0
    hashes = {hashlib.sha256(problem.item.content).hexdigest() for problem in problems}
    return len(hashes - drift_queries.quarantined_before(tx, channel_id, hashes))


# What is held -----------------------------------------------------------------------------------------


def page_of(batch: Batch) -> RawPage:
    """What a person looks at: the page as it came, or the items that it was taken apart into."""
    if batch.pages:
        return batch.pages[0]
    items = _items(batch)
    if len(items) == 1:
        return RawPage(items[0].content, items[0].content_type)
    if items and all("json" in item.content_type for item in items):
        return RawPage(b"[" + b",\n".join(item.content for item in items) + b"]", "application/json")
    kind = items[0].content_type if items else "application/json"
    told = {"listed": batch.listed, "source_count": batch.source_count}
    return RawPage(b"\n".join(item.content for item in items) or json.dumps(told).encode(), kind)


def bundle(batch: Batch) -> bytes:
    """The batch's items as bytes, to be read again by `unbundled`."""
    return json.dumps(
        [[base64.b64encode(i.content).decode(), i.content_type, i.ref] for i in _items(batch)]
    ).encode()


def unbundled(kept: bytes) -> list[RawItem]:
    return [RawItem(base64.b64decode(content), kind, ref) for content, kind, ref in json.loads(kept)]


def _items(batch: Batch) -> list[RawItem]:
    return [*batch.items, *(problem.item for problem in batch.problems)]


def findings_json(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    return [
        {"rule": one.rule.value, "field": one.field, "seen": one.seen, "of": one.of, "before": one.before}
        for one in findings
    ]


def findings_of(kept: Sequence[Mapping[str, Any]] | None) -> tuple[Finding, ...]:
    return tuple(Finding(**{**one, "rule": Rule(one["rule"])}) for one in kept or ())


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
