"""What is in quarantine, once more: read again by today's connector, or taken in because it is right so.

    replay   kept records -> remap -> Intake.receive          what fails again is counted and stays
    accept   a held batch -> remap -> Intake.receive, and its look is the channel's from now on

Without network, from the bytes that were kept. The cursor stays: the next poll meets the same reports and
finds them unchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from aggregator.domain.runs import Run
from aggregator.errors import BadRecord, ChannelError, MoveNotAllowed, NotFound
from aggregator.sdk.contract import Batch, Connector, Context, Problem, RawItem, Record
from aggregator.services import ledger
from aggregator.services.clock import Clock
from aggregator.services.drift import Watch, findings_of, unbundled
from aggregator.services.faults import origin
from aggregator.services.intake import Intake
from aggregator.services.ledger import SYSTEM, Draft
from aggregator.services.poll_endings import LONGEST_ERROR, Progress
from aggregator.storage import channel_queries, drift_queries, quarantine_queries
from aggregator.storage.db import Database
from aggregator.storage.vault import Vault

REPLAY_BATCH = 100
GONE = "canary:gone"


@dataclass(frozen=True, slots=True)
class Rereading:
    """Works for whoever holds the channel's lease: `run` gives the lease's run, prolonged."""

    db: Database
    vault: Vault
    intake: Intake
    clock: Clock

    def replay(
        self, run: Callable[[], Run], opened: tuple[Connector, Context], progress: Progress, only: int | None
    ) -> None:
        """The channel's open records, or one of them."""
        last = 0
        while rows := self._replayable(run().channel_id, last, only):
            last = rows[-1].id
            items = [
                (RawItem(self.vault.unpack(row.content, "payload"), row.content_type, row.raw_ref),
                 row.external_id)
                for row in rows
            ]  # fmt: skip
            batch, good = _remapped(*opened, items)
            through = [row.id for row, is_good in zip(rows, good, strict=True) if is_good]
            progress.took(batch, self.intake.receive(run(), batch))
            # After intake's commit: dying in between leaves them open, and the next replay finds
            # them unchanged.
            with self.db.write() as tx:
                quarantine_queries.mark_replayed(tx, run(), through)

    def _replayable(self, channel_id: int, after: int, only: int | None) -> Sequence[Any]:
        with self.db.read() as tx:
            return quarantine_queries.replayable(tx, channel_id, after, REPLAY_BATCH, only)

    def accept(
        self, run: Callable[[], Run], opened: tuple[Connector, Context], progress: Progress,
        item_id: int, officer: int | None,
    ) -> None:  # fmt: skip
        """Take a held batch in, and teach the channel's baseline. Raises `MoveNotAllowed` where it is
        settled, or is a page that nobody can read."""
        mine = run()
        with self.db.read() as tx:
            row = quarantine_queries.one(tx, mine.channel_id, item_id)
        if row is None:
            raise NotFound(
                f"no item {item_id} in quarantine", message_vi="Không có mục này trong khu cách ly."
            )
        if row.state != "open" or row.held is None:
            raise MoveNotAllowed(
                f"item {item_id} cannot be taken as it is",
                hint="it is settled, or could not be read at all",
                message_vi="Mục này đã được xử lý, hoặc không đọc được nên không thể nhận như vậy.",
            )
        findings = findings_of(row.findings)
        items = [(item, None) for item in unbundled(self.vault.unpack(row.held, "held"))]
        batch, _ = _remapped(*opened, items, complete=False)
        watch = Watch(mine.channel_id, first=False, snapshot=False, taught=findings, teaching=True)
        progress.took(batch, self.intake.receive(run(), batch, watch))
        now = self.clock()
        with self.db.write() as tx:
            ledger.lock(tx, [SYSTEM])
            quarantine_queries.settle(tx, mine.channel_id, [item_id], "accepted", officer, "", now)
            if any(finding.key == GONE for finding in findings):
                for pinned in drift_queries.canaries(tx, mine.channel_id):
                    drift_queries.unpin(tx, mine.channel_id, pinned.external_id)
            told = {"channel": mine.channel_slug, "item": item_id, "found": row.field}
            entry = Draft(SYSTEM, "drift_accepted", now, told, officer_id=officer, channel_id=mine.channel_id)
            ledger.append(tx, [entry])
            if channel_queries.by_id(tx, mine.channel_id).next_due_at is not None:
                channel_queries.update_channel(tx, mine.channel_id, {}, {"next_due_at": now})


def _remapped(
    connector: Connector, ctx: Context, items: Iterable[tuple[RawItem, str | None]], *, complete: bool = True
) -> tuple[Batch, list[bool]]:
    """The items as one batch without a cursor, and which of them can be read now."""
    records: list[Record] = []
    read: list[RawItem] = []
    problems: list[Problem] = []
    good: list[bool] = []
    for item, external_id in items:
        try:
            records.append(connector.remap(ctx, item))
        except Exception as error:  # noqa: BLE001 (foreign code: one bad item never stops the others)
            problems.append(Problem(item, _bad(error, external_id)))
            good.append(False)
        else:
            read.append(item)
            good.append(True)
    batch = Batch(tuple(records), tuple(read), None, problems=tuple(problems), complete=complete)
    return batch, good


def _bad(error: Exception, external_id: str | None) -> BadRecord:
    if isinstance(error, BadRecord):
        return error
    if isinstance(error, ChannelError):
        return BadRecord(error.message, hint=error.hint, external_id=external_id)
    return BadRecord(f"defect in the connector: {origin(error)[:LONGEST_ERROR]}", external_id=external_id)
