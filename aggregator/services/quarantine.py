"""What is in quarantine, shown beside what was last taken in, and what a person decides about it.

    list | look (masked; unmasked by right, with a reason, in the ledger) | replay | accept | dismiss

What may surprise: raw pages hold whole people, so masked is how everybody sees them first, as shapes
(`domain.side_by_side`). Dismissing keeps the bytes; it only says that nobody needs to look again, and a
record that the source repeats stays dismissed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aggregator.domain import side_by_side
from aggregator.domain.drift_texts import text
from aggregator.domain.people import Actor, Right
from aggregator.domain.side_by_side import Row
from aggregator.errors import InputInvalid, MoveNotAllowed, NotAllowed, NotFound
from aggregator.services import ledger
from aggregator.services.channel_doors import may_look, may_operate, one_channel
from aggregator.services.clock import Clock
from aggregator.services.drift import findings_of
from aggregator.services.ledger import SYSTEM, Draft
from aggregator.services.polling import Polling, RunResult
from aggregator.storage import quarantine_queries
from aggregator.storage.channel_queries import ChannelRow
from aggregator.storage.db import Database, Tx
from aggregator.storage.vault import SealBroken, Vault

SIZE = 50
LONGEST_REASON = 500
STATES = ("open", "dismissed", "accepted", "replayed", "superseded")


@dataclass(frozen=True, slots=True)
class ItemView:
    """One line of the list. `causes`: what was found of a page held for drift, (Vietnamese, English) each."""

    id: int
    scope: str
    state: str
    raw_ref: str
    external_id: str | None
    error: str
    field: str
    row: int | None
    tries: int
    created_at: datetime
    seen_at: datetime
    causes: tuple[tuple[str, str], ...]
    can_accept: bool
    reason: str | None


@dataclass(frozen=True, slots=True)
class ItemPage:
    items: tuple[ItemView, ...]
    #: Where the next page begins; None on the last one.
    older: int | None
    #: How many are open.
    open: int


@dataclass(frozen=True, slots=True)
class Beside:
    """One item beside what was last taken in. `old_at` None: there is nothing to compare with."""

    item: ItemView
    rows: tuple[Row, ...]
    old_at: datetime | None
    #: The old one is this very report's, or that page's; else just one that was read well.
    same_thing: bool
    masked: bool


class Quarantine:
    """The quarantine of each channel. None as the person is the command line on the machine."""

    def __init__(self, db: Database, vault: Vault, polling: Polling, clock: Clock) -> None:
        self._db = db
        self._vault = vault
        self._polling = polling
        self._clock = clock

    # Looking ----------------------------------------------------------------------------------------

    def page(
        self, actor: Actor | None, slug: str, state: str = "open", before: int | None = None
    ) -> ItemPage:
        """Items in this state, newest first; `before` is `older` of the page before."""
        may_look(actor)
        wanted = state if state in STATES else "open"
        with self._db.read() as tx:
            channel = one_channel(tx, actor, slug)
            rows = quarantine_queries.listed(tx, channel.id, wanted, before, SIZE + 1)
            count = quarantine_queries.open_counts(tx, [channel.id]).get(channel.id, 0)
        older = rows[SIZE - 1].id if len(rows) > SIZE else None
        return ItemPage(tuple(_view(row, row.is_held) for row in rows[:SIZE]), older, count)

    def item(self, actor: Actor | None, slug: str, item_id: int) -> Beside:
        """One item beside what was last taken in, masked. `NotFound` where it is not this person's."""
        may_look(actor)
        with self._db.read() as tx:
            return self._beside(tx, one_channel(tx, actor, slug), item_id, masked=True)

    def unmasked(self, actor: Actor, slug: str, item_id: int, reason: str) -> Beside:
        """The same with people's data. By right, with a reason, and the look is in the ledger (I12)."""
        may_look(actor)
        if not actor.may(Right.UNMASK):
            raise NotAllowed(
                f"{actor.role} has no right to see people's data",
                message_vi="Tài khoản của bạn không được xem dữ liệu cá nhân.",
            )
        why = _reason(reason)
        with self._db.write() as tx:
            channel = one_channel(tx, actor, slug)
            found = self._beside(tx, channel, item_id, masked=False)
            told = {"channel": slug, "quarantine": item_id, "reason": why}
            entry = Draft(
                channel.ward_code, "unmasked", self._clock(), told, officer_id=actor.id, channel_id=channel.id
            )
            ledger.append(tx, [entry])
        return found

    def _beside(self, tx: Tx, channel: ChannelRow, item_id: int, *, masked: bool) -> Beside:
        row = _one(tx, channel, item_id)
        old, at, same = self._good(tx, channel, row)
        new = self._lines(row.content, "payload", row.content_type, masked)
        shown = side_by_side.beside(self._lines(*old, masked) if old else [], new)
        return Beside(_view(row, row.held is not None), tuple(shown), at, same, masked)

    def _good(
        self, tx: Tx, channel: ChannelRow, row: Any
    ) -> tuple[tuple[bytes, str, str] | None, datetime | None, bool]:
        """What was last taken in of the same thing, else of the channel: (sealed, purpose, type), when."""
        if row.scope == "page" and row.url:
            page = quarantine_queries.good_page(tx, channel.id, row.url, row.raw_payload_id)
            if page is not None:
                return (page.content, "payload", page.content_type), page.fetched_at, True
        record = quarantine_queries.good_record(tx, channel.id, row.external_id)
        if record is None or not record.raw:  # forgotten since
            return None, None, False
        same = row.external_id is not None and record.external_id == row.external_id
        return (record.raw, "revision", record.raw_type), record.observed_at, same

    def _lines(self, sealed: bytes, purpose: str, kind: str, masked: bool) -> list[str]:
        if not sealed:
            return ["(đã xoá)"]
        try:
            return side_by_side.lines(self._vault.unpack(sealed, purpose), kind, masked=masked)
        except SealBroken:
            return ["(sealed with a key that is not in the key file)"]

    # Deciding ---------------------------------------------------------------------------------------

    def replay(self, actor: Actor | None, slug: str, item_id: int | None = None) -> RunResult:
        """Read the open records (or one) again with today's connector; `ChannelBusy` while it is polled."""
        with self._db.read() as tx:
            channel = one_channel(tx, actor, slug)
            may_operate(actor, channel.ward_code)
            if item_id is not None and _one(tx, channel, item_id).scope == "page":
                raise MoveNotAllowed(
                    "a whole page is read again by the next poll", hint=f"motmoi channel poll {slug}",
                    message_vi="Cả trang thì bấm “Đọc ngay” ở trang của kênh để đọc lại từ cổng.",
                )  # fmt: skip
        return self._polling.replay(slug, item_id)

    def accept(self, actor: Actor | None, slug: str, item_id: int) -> RunResult:
        """It is right so: take the held page in, and learn its look. The channel is read again at once."""
        with self._db.read() as tx:
            channel = one_channel(tx, actor, slug)
            may_operate(actor, channel.ward_code)
            row = _one(tx, channel, item_id)
        if row.state != "open" or row.held is None:
            raise MoveNotAllowed(
                f"item {item_id} cannot be taken as it is", hint="it is settled, or nobody can read it",
                message_vi="Mục này đã được xử lý, hoặc không đọc được nên không thể nhận như vậy.",
            )  # fmt: skip
        return self._polling.accept(slug, item_id, actor.id if actor else None)

    def dismiss(self, actor: Actor | None, slug: str, item_ids: Sequence[int], reason: str) -> int:
        """Nobody needs to look at these again; their bytes stay. How many were open."""
        why = _reason(reason)
        now, officer = self._clock(), actor.id if actor else None
        with self._db.write() as tx:
            ledger.lock(tx, [SYSTEM])
            channel = one_channel(tx, actor, slug)
            may_operate(actor, channel.ward_code)
            done = quarantine_queries.settle(tx, channel.id, item_ids, "dismissed", officer, why, now)
            if not done:
                raise NotFound("nothing open to dismiss", message_vi="Không còn mục nào đang chờ để bỏ qua.")
            told = {"channel": slug, "items": sorted(item_ids)[:100], "count": done, "reason": why}
            entry = Draft(
                SYSTEM, "quarantine_dismissed", now, told, officer_id=officer, channel_id=channel.id
            )
            ledger.append(tx, [entry])
        return done


def _one(tx: Tx, channel: ChannelRow, item_id: int) -> Any:
    row = quarantine_queries.one(tx, channel.id, item_id)
    if row is None:
        raise NotFound(f"no item {item_id} in quarantine", message_vi="Không có mục này trong khu cách ly.")
    return row


def _view(row: Any, is_held: bool) -> ItemView:
    causes = tuple(text(finding) for finding in findings_of(row.findings))
    return ItemView(
        row.id, row.scope, row.state, row.raw_ref, row.external_id, row.error, row.field, row.row, row.tries,
        row.created_at, row.seen_at, causes, is_held and row.state == "open", row.reason,
    )  # fmt: skip


def _reason(given: str) -> str:
    why = " ".join(given.split())
    if not why or len(why) > LONGEST_REASON:
        raise InputInvalid(
            f"a reason of at most {LONGEST_REASON} letters is needed", field="reason",
            message_vi=f"Hãy ghi lý do (không quá {LONGEST_REASON} chữ).",
        )  # fmt: skip
    return why
