"""What a victim forgets, what is past its term and people, each in many transactions; and the judge.

Errand n follows from n alone. Even ones forget by term, two cases of each kind at a time; odd ones erase
person n as the person who answers requests would: look where they are, erase what was found, and after a
crash look again. Persons of even number are in closed cases, those of odd number in open ones.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import insert, select, update

from aggregator.bootstrap import Aggregator
from aggregator.domain.people import Actor, Role
from aggregator.domain.retention import OF_CASES
from aggregator.domain.subject import GONE, Sought
from aggregator.sdk.contract import Location, Person, Record
from aggregator.services.clock import system_clock
from aggregator.services.kept_files import lay_down, path_of
from aggregator.services.privacy.erasing import Way
from aggregator.services.privacy.retention import WORKER
from aggregator.storage import account_queries, forgetting_queries
from aggregator.storage.case_tables import cases, memberships
from aggregator.storage.channel_tables import raw_payloads
from aggregator.storage.db import Tx
from aggregator.storage.ledger_tables import ledger_entries
from aggregator.storage.privacy_tables import privacy_requests
from aggregator.storage.report_tables import attachments, report_revisions, reporters, reports
from tests.chaos import errands

#: Words that make names of people who do not exist.
_GIVEN = ("Ất", "Bính", "Đinh", "Giáp", "Kỷ", "Mậu", "Nhâm", "Quý")
PEOPLE = len(_GIVEN)
#: By which what was sent just now is past every term.
LATER = timedelta(days=4000)
#: What an "erased" entry says where these went.
_NOBODY = {"identity", "redact", "all"}
_NO_WORDS = {"text", "all"}


def later() -> datetime:
    return system_clock() + LATER


def name(number: int) -> str:
    return f"Vũ Hoàng {_GIVEN[number]}"


def phone(number: int) -> str:
    return f"09{12_000_000 + 7919 * number:08d}"


def ids(number: int) -> tuple[str, str]:
    """The person's own report, and a neighbour's that names them."""
    return f"P{number:04}-own", f"P{number:04}-near"


def furnish(product: Aggregator, folder: Path) -> None:
    """An office with its leader; of every person two reports, a page, a file and a request."""
    errands.furnish(product, "http://127.0.0.1:9")
    product.accounts.add("minh", "Minh", Role.LEADER, errands.WARD, errands.PASSWORD)
    for number in range(PEOPLE):
        _sends(product, number)
        _request(product, number)
    with product.db.write() as tx:
        of_closed = [external_id for number in range(0, PEOPLE, 2) for external_id in ids(number)]
        homes = (
            select(memberships.c.case_id)
            .join(reports, reports.c.id == memberships.c.report_id)
            .where(reports.c.external_id.in_(of_closed))
        )
        closed = {"is_open": False, "status": "done", "closed_at": product.clock()}
        tx.execute(update(cases).where(cases.c.id.in_(homes)).values(closed))
        for row in tx.execute(select(reports.c.id, reports.c.external_id)).all():
            digest = lay_down(folder / "attachments", row.external_id.encode())
            os.utime(path_of(folder / "attachments", digest), (0, 0))  # long settled: the sweep may take it
            named = {"ref": "/a.jpg", "filename": "a.jpg", "sha256": digest, "state": "stored", "tries": 1}
            tx.execute(insert(attachments).values(report_id=row.id, **named))


def _sends(product: Aggregator, number: int) -> None:
    own, near = ids(number)
    told = f"Tôi là {name(number)}, gọi {phone(number)}."
    records = (
        _record(2 * number, own, told, Person(name=name(number), phone=phone(number))),
        _record(2 * number + 1, near, f"Nhà bà {name(number)} lấn vỉa hè.", Person(name="Lý Văn Út")),
    )
    page = json.dumps([[one.external_id, one.body] for one in records], ensure_ascii=False)
    errands.commit_poll(product, number, records, page.encode())


def _record(number: int, external_id: str, told: str, person: Person) -> Record:
    words = " ".join(f"việc{(number * 7919 + step * 104_729) % 999_983}" for step in range(8))
    return Record(
        external_id=external_id,
        occurred_at=system_clock(),
        subject=f"Việc {number}",
        body=f"{told} {words}.",
        person=person,
        location=Location(address=f"{number} đường số {number % 997}"),
    )


def _request(product: Aggregator, number: int) -> None:
    at = product.clock()
    with product.db.write() as tx:
        tx.execute(
            insert(privacy_requests).values(
                id=number + 1, ward_code=errands.WARD, kind="erase", came_by="in_person", received_at=at,
                answer_due_at=at, done_due_at=at, calendar_version=1, entered_at=at, version=1,
            )
        )  # fmt: skip


# Forgetting ------------------------------------------------------------------------------------------


def minh(product: Aggregator) -> Actor:
    with product.db.read() as tx:
        row = next(one for one in account_queries.all_officers(tx, errands.WARD) if one.login == "minh")
    return Actor(row.id, "minh", "Minh", Role.LEADER, errands.WARD)


def do(product: Aggregator, _: Actor, number: int) -> None:
    """Errand `number`, to its end; doing it again goes on with what is left."""
    if number % 2 == 0:
        product.retention.run(WORKER, OF_CASES, limit=2)
        return
    actor, sought = minh(product), Sought(name=name(number), phone=phone(number))
    found = product.finding.find(actor, sought, f"Yêu cầu số {number + 1}")
    mine = [one.id for case in found for one in case.reports if set(one.by) - {"text"}]
    way = Way.REDACT if number % 4 == 1 else Way.ALL
    product.erasing.erase(actor, number + 1, sought, mine, way)


# Judging ---------------------------------------------------------------------------------------------


def torn(product: Aggregator, folder: Path) -> Iterator[str]:
    """What no death at any instant may leave behind."""
    yield from (finding.message for finding in product.evidence.verify().findings)
    with product.db.read() as tx:
        yield from _torn_files(tx, folder)
        yield from _torn_words(tx)


def _torn_files(tx: Tx, folder: Path) -> Iterator[str]:
    for row in tx.execute(select(attachments).where(attachments.c.sha256.isnot(None))):
        if not path_of(folder / "attachments", row.sha256).exists():
            yield f"attachment {row.id}: its file is gone, and it is still named"


def _torn_words(tx: Tx) -> Iterator[str]:
    """Everybody was known, and every report had words and raw bytes: what is gone must have been said."""
    said: dict[int, set[str]] = defaultdict(set)
    for data in tx.scalars(select(ledger_entries.c.data).where(ledger_entries.c.kind == "erased")):
        told = json.loads(data)
        for report_id in told.get("reports", ()):
            said[report_id].update(told["what"])
    known = set(tx.scalars(select(reporters.c.report_id)))
    raw = set(tx.scalars(select(report_revisions.c.report_id).where(report_revisions.c.raw != b"")))
    for row in tx.execute(select(reports.c.id, reports.c.external_id, reports.c.body)):
        what, own = said[row.id], row.external_id.endswith("own")
        gone = {
            "sender": (row.id not in known, bool(what & (_NOBODY if own else {"identity"}))),
            "words": (not row.body, bool(what & (_NO_WORDS if own else {"text"}))),
            "raw bytes": (row.id not in raw, bool(what & {"raw", "redact", "all"})),
        }
        yield from (
            f"{row.external_id}: {name} gone {is_gone}, in the ledger {is_said}"
            for name, (is_gone, is_said) in gone.items() if is_gone != is_said
        )  # fmt: skip


def left(product: Aggregator, folder: Path) -> Iterator[str]:
    """What is still there of what was to be forgotten, once everybody who died was followed by another."""
    yield from (
        f"due: {line.count} of {line.kind}" for line in product.retention.plan(WORKER, OF_CASES) if line.count
    )
    with product.db.read() as tx:
        texts = list(tx.scalars(select(reports.c.body)))
        pages = [product.vault.unpack(one, "payload").decode() for one in tx.scalars(_PAGES)]
        yield from (f"a file waits: {one}" for one in forgetting_queries.files_to_remove(tx, 10))
        named = set(tx.scalars(select(attachments.c.sha256)))
    for number in range(1, PEOPLE, 2):
        for text in (*texts, *pages):
            if name(number) in text or phone(number) in text:
                yield f"{name(number)} in {text[:60]}"
    if not any(GONE in text for text in texts):
        yield "nobody was erased at all"
    files = {path.parent.name + path.name for path in (folder / "attachments").rglob("*") if path.is_file()}
    yield from (f"file {one}: named by nobody" for one in files - named)


_PAGES = select(raw_payloads.c.content).where(raw_payloads.c.content != b"")
