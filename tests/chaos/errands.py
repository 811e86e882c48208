"""What a victim does: numbered errands over intake, status, answers, joining, delivery and the ledger.

Errand n follows from n alone. Each round of `ROUND` errands takes two reports in and lives their cases
through; every verb has the one-time key ``errand-n``, and every answer says its number, so that the judge
can ask for each one by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from aggregator.bootstrap import Aggregator
from aggregator.domain.people import Actor, Role
from aggregator.domain.runs import Run
from aggregator.domain.workflow import ReplyKind
from aggregator.sdk.contract import Batch, Location, RawItem, RawPage, Record
from aggregator.services import starting_set
from aggregator.storage import case_queries, channel_queries
from aggregator.storage.report_tables import reports

ROUND = 8
WARD, CHANNEL = "27142", "c1022"
PASSWORD = "mat-khau-cua-lan-1"
_START = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
_WHAT = ("Rác", "Ổ gà", "Đèn tắt", "Cây gãy", "Nước ngập", "Tiếng ồn", "Chó dại", "Dây điện", "Nắp cống")
_OPTIONS = {
    "allow_private": True, "retry_first_s": 0.1, "retry_cap_s": 1,
    "settle_s": 0.1, "min_gap_s": 0,
}  # fmt: skip


class Busy(Exception):
    """The channel is leased to one who died; its lease runs out soon."""


def furnish(product: Aggregator, portal: str) -> None:
    """A ward, Lan, and the channel that answers go to."""
    starting_set.seed(product.db, product.clock())
    product.accounts.ensure_ward(WARD, "Phường Nhiêu Lộc")
    product.accounts.add("lan", "Lan", Role.OFFICER, WARD, PASSWORD)
    product.channels.add(
        {
            "slug": CHANNEL, "kind": "portal_1022", "title": "Cổng 1022", "ward": WARD, "options": _OPTIONS,
            "config": {"base_url": portal, "scope": "officer", "auth": "basic"},
            "secrets": {"username": "phuong", "password": "x1"},
        }
    )  # fmt: skip


def lan(product: Aggregator) -> dict[str, Any]:
    """Lan, without the cost of her password."""
    from aggregator.storage import account_queries

    with product.db.read() as tx:
        person = next(row for row in account_queries.all_officers(tx, WARD) if row.login == "lan")
    return {"id": person.id, "login": "lan", "name": "Lan", "role": Role.OFFICER, "ward": WARD}


def ids(number: int) -> tuple[str, str]:
    """The two reports of the round that errand `number` belongs to."""
    first = number - number % ROUND
    return f"N{first:07}-0", f"N{first:07}-1"


def body(number: int) -> str:
    return f"Phúc đáp số {number:07}: đã cho người xử lý."


def answers(number: int) -> bool:
    """Whether the errand is an answer."""
    return number % ROUND in (1, 4, 5)


def has_key(number: int) -> bool:
    """Whether it is a verb with a one-time key."""
    return number % ROUND in (1, 2, 3, 4, 5)


def key(number: int) -> str:
    return f"errand-{number}"


def do(product: Aggregator, who: Actor, number: int) -> None:
    """Errand `number`, to its end; doing it again changes nothing."""
    step, once = number % ROUND, key(number)
    if step == 0:
        take_in(product, number)
    elif step == 6:
        product.outbox.drain(f"victim-{number}", limit=6)
    elif step == 7:
        product.checkpoints.make(force=number % (5 * ROUND) == 7)
    else:
        one, other = (_case_of(product, external_id) for external_id in ids(number))
        if step == 1:
            product.cases.reply(who, one, ReplyKind.PROGRESS, body(number), once=once)
        elif step == 2:
            product.cases.merge(who, other, one, once=once)
        elif step == 3:
            product.cases.split(who, one, [_report(product, ids(number)[1])], once=once)
        elif step == 4:
            product.cases.reply(who, one, ReplyKind.RESULT, body(number), once=once)
        else:
            product.cases.reply(who, other, ReplyKind.REFUSAL, body(number), once=once)


def take_in(product: Aggregator, number: int) -> None:
    """One finished poll that found the round's two reports."""
    records = tuple(record(number, external_id) for external_id in ids(number))
    commit_poll(product, number, records, str(number).encode())


def commit_poll(product: Aggregator, number: int, records: Sequence[Record], content: bytes) -> None:
    """One finished poll that found these reports on one page."""
    now = product.clock()
    with product.db.write() as tx:
        row = channel_queries.by_slug(tx, CHANNEL)
        leased = row and channel_queries.claim_one(
            tx, row.id, f"victim-{number}", now, now + timedelta(seconds=0.5)
        )
        if row is None or leased is None:
            raise Busy
        run_id = channel_queries.start_run(tx, leased, "poll", None, now)
    run = Run(run_id, row.id, CHANNEL, WARD, leased.fence, f"victim-{number}", "poll", ZoneInfo("UTC"))
    items = tuple(RawItem(one.external_id.encode(), ref=one.external_id) for one in records)
    page = RawPage(content, "application/json")
    product.intake.receive(run, Batch(tuple(records), items, {"at": number}, pages=(page,), complete=True))
    with product.db.write() as tx:
        health = {"last_success_at": now, "last_try_at": now, "last_item_at": now}
        channel_queries.finish(tx, run, health, {"outcome": "ok", "finished_at": now})


def record(number: int, external_id: str) -> Record:
    """A report like no other: another place, another matter, other words."""
    own = 2 * (number // ROUND) + int(external_id[-1])
    what = _WHAT[own % len(_WHAT)]
    words = " ".join(f"{what.lower()}{(own * 7919 + step * 104_729) % 999_983}" for step in range(8))
    return Record(
        external_id=external_id,
        occurred_at=_START + timedelta(minutes=own),
        subject=f"{what} {own}",
        body=f"{what} ở chỗ {own}: {words}.",
        location=Location(address=f"{own} đường số {own % 997}", lat=10.3 + own % 800 / 1000,
                          lng=106.3 + own // 800 % 800 / 1000),
        status_raw="Chưa xử lý",
    )  # fmt: skip


def at_the_portal(number: int) -> list[dict[str, Any]]:
    """The round's reports, as the simulated portal is loaded with them."""
    found = (record(number, external_id) for external_id in ids(number))
    return [
        {"id": one.external_id, "subject": one.subject, "body": one.body, "name": "Người Thử",
         "phone": "0900000199", "address": one.location.address, "category": "Môi trường",
         "created": one.occurred_at.isoformat()}
        for one in found
    ]  # fmt: skip


def _report(product: Aggregator, external_id: str) -> int:
    with product.db.read() as tx:
        return int(tx.scalars(select(reports.c.id).where(reports.c.external_id == external_id)).one())


def _case_of(product: Aggregator, external_id: str) -> int:
    report = _report(product, external_id)
    with product.db.read() as tx:
        return case_queries.case_of_report(tx, [report])[report]
