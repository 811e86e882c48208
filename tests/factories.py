"""What tests are made of: records, batches, and an office on a real database.

    record("1", body=...)          one report as a portal gives it, valid until a test says otherwise
    batch(record(...), ...)        a page of them
    office.receives(channel, ...)  through intake, as a poll would

An `Office` has the services as `bootstrap` wires them, and a clock that stands until it is moved.
"""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from argon2 import PasswordHasher
from sqlalchemy import select, text

from aggregator.domain.runs import Counts, Run, RunKind
from aggregator.errors import BadRecord
from aggregator.sdk.contract import (
    Batch,
    Capabilities,
    Location,
    Person,
    Problem,
    RawItem,
    RawPage,
    Record,
)
from aggregator.services import starting_set
from aggregator.services.absences import Absences
from aggregator.services.accounts import Accounts
from aggregator.services.admission import Admission
from aggregator.services.answers import Answers
from aggregator.services.bodies import Bodies
from aggregator.services.calendars import Calendars
from aggregator.services.case_units import CaseUnits
from aggregator.services.cases import Cases
from aggregator.services.certificates import Certificates
from aggregator.services.checkpoints import Checkpoints
from aggregator.services.comparing import Comparing
from aggregator.services.deadlines import Deadlines
from aggregator.services.digests import Digests
from aggregator.services.duplicates import Duplicates
from aggregator.services.evidence import Evidence
from aggregator.services.fields import Fields
from aggregator.services.figures import Figures
from aggregator.services.inbox import Inbox
from aggregator.services.intake import Intake
from aggregator.services.ledger_export import LedgerExport
from aggregator.services.mailing import Mailing
from aggregator.services.match_preview import Previews
from aggregator.services.match_rules import MatchRules
from aggregator.services.match_training import Training
from aggregator.services.notices import Notices
from aggregator.services.placing import Placing
from aggregator.services.privacy.erasing import Erasing
from aggregator.services.privacy.files import FileSweep
from aggregator.services.privacy.finding import Finding
from aggregator.services.privacy.granting import Granting
from aggregator.services.privacy.holds import Holds
from aggregator.services.privacy.policy import RetentionPolicy
from aggregator.services.privacy.register import Register
from aggregator.services.privacy.request_reminders import RequestReminders
from aggregator.services.privacy.retention import Retention
from aggregator.services.recounts import Recounts
from aggregator.services.reminder_choices import ReminderChoices
from aggregator.services.reminders import Reminders
from aggregator.services.review import Review
from aggregator.services.rulebook import Rulebook
from aggregator.services.rules import Rules
from aggregator.services.views.case import CaseView
from aggregator.services.whatif import WhatIf
from aggregator.settings import Settings
from aggregator.storage import channel_queries
from aggregator.storage.account_tables import officers
from aggregator.storage.case_tables import cases, memberships
from aggregator.storage.db import Database
from aggregator.storage.report_tables import reports
from aggregator.storage.vault import Vault
from tests.people import STAFF, WARD_A, WARDS, people

VN = ZoneInfo("Asia/Ho_Chi_Minh")
#: Monday morning in Viet Nam, in a month without holidays.
MONDAY = datetime(2026, 3, 2, 8, 0, tzinfo=VN).astimezone(UTC)

#: What the channels of a test can do, by kind.
KINDS = {
    "portal": Capabilities(push_reply=True, idempotency="read_back", max_reply_chars=4000),
    "short": Capabilities(push_reply=True, idempotency="read_back", max_reply_chars=100),
    "paper": Capabilities(poll="none", push_reply=False),
    "board": Capabilities(push_reply=False),
}
#: One rule set for all databases of a session: a calendar of thirty years is worth keeping.
RULES = Rules()
#: An office with a mail server; nothing is sent before somebody drains.
MAIL = Settings(
    smtp_host="127.0.0.1", smtp_port=9, smtp_security="none", smtp_from="Một Mối <motmoi@phuong-a.test>",
    public_url="https://motmoi.phuong-a.test",
)  # fmt: skip
CHEAP_HASHES = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class Clock:
    """Time that passes when a test says so."""

    def __init__(self, at: datetime = MONDAY) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **span: float) -> datetime:
        self.at += timedelta(**span)
        return self.at


def together(*calls: Any) -> list[Any]:
    """The results of all calls, started at the same moment; the first error of any of them."""
    results: list[Any] = [None] * len(calls)
    errors: list[Exception] = []
    start = threading.Barrier(len(calls))

    def one(number: int) -> None:
        start.wait()
        try:
            results[number] = calls[number]()
        except Exception as error:  # noqa: BLE001 (raised again below, in the test's own thread)
            errors.append(error)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results


# Records --------------------------------------------------------------------------------------

_PLACES = ("lat", "lng", "address", "area")
_PERSON = ("name", "phone", "email", "id_number", "anonymous")


def record(
    external_id: str = "1", body: str = "Ổ gà rất to giữa đường, xe máy ngã nhiều lần.", **more: Any
) -> Record:
    """One report. Places and the person's details are given flat: `address=`, `phone=`, `ward=`."""
    place = {name: more.pop(name) for name in _PLACES if name in more}
    person = {name: more.pop(name) for name in _PERSON if name in more}
    values: dict[str, Any] = {
        "external_id": external_id, "body": body, "subject": "Ổ gà", "occurred_at": MONDAY,
        "person": Person(**person), "location": Location(ward_code=more.pop("ward", None), **place),
    }  # fmt: skip
    return Record(**values | more)


def raw(found: Record) -> RawItem:
    """Bytes as a portal would send them, the person's details in plain words."""
    person = found.person
    plain = {"id": found.external_id, "noidung": found.body, "hoten": person.name, "sdt": person.phone}
    content = json.dumps(plain, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return RawItem(content, "application/json", f"data[{found.external_id[:20]}]")


def problem(
    content: bytes = b'{"id": "x"}', message: str = "no date", ref: str = "data[9]", **more: Any
) -> Problem:
    return Problem(RawItem(content, "application/json", ref), BadRecord(message, **more))


def batch(
    *records: Record, problems: Iterable[Problem] = (), cursor: Mapping[str, Any] | None = None,
    pages: Iterable[bytes] = (),
) -> Batch:  # fmt: skip
    """One page; its cursor says how far it went unless a test gives another."""
    items = tuple(raw(one) for one in records)
    return Batch(
        records=records, items=items, next_cursor=cursor, problems=tuple(problems),
        pages=tuple(RawPage(page, "application/json", "https://portal.test/list") for page in pages),
    )  # fmt: skip


def apart(count: int, start: int = 1, **more: Any) -> list[Record]:
    """Reports of as many different problems: no two are ever taken for one."""
    streets = ("Lê Lợi", "Trần Phú", "Hùng Vương", "Nguyễn Huệ", "Lý Thường Kiệt", "Pasteur", "Hai Bà Trưng")
    words = (
        "cống nghẹt",
        "đèn hỏng",
        "cây đổ",
        "rác ứ đọng",
        "nước đục",
        "loa kéo ồn",
        "chó thả rông",
        "dây cáp võng",
    )
    found = []
    for n in range(start, start + count):
        where = f"{3 + 7 * n} {streets[n % len(streets)]}"
        body = f"{words[n % len(words)].capitalize()} tại {where}, việc số {n * 7919}."
        found.append(record(str(n), body, subject="", address=where, **more))
    return found


# The office -----------------------------------------------------------------------------------


def seed(url: str) -> None:
    """Wards, staff, rules and categories into a migrated database."""
    db = Database(url)
    try:
        clock = Clock()
        starting_set.seed(db, clock())
        accounts = Accounts(db, clock, Settings(), CHEAP_HASHES)
        for code, name in WARDS.items():
            accounts.ensure_ward(code, name)
        for login, (name, role, ward) in STAFF.items():
            accounts.add(login, name, role, ward, "mat-khau-thu")
    finally:
        db.close()


class Office:
    """The services on one seeded database, its staff, and a clock to move."""

    def __init__(self, url: str, folder: Path, db: Database | None = None) -> None:
        self.url = url
        self.folder = folder
        self.db = db or Database(url)
        self.vault = Vault([bytes(range(32))])
        self.clock = Clock()
        self.deadlines = Deadlines(self.db, RULES, self.clock)
        answers = Answers(self.deadlines, lambda kind: KINDS[kind], undo_s=0)
        admission = Admission(self.vault, self.deadlines, answers)
        self.intake = Intake(self.db, self.vault, RULES, admission, self.clock)
        self.cases = Cases(
            self.db, self.vault, self.deadlines, self.clock, lambda kind: KINDS[kind], folder / "attachments"
        )
        self.placing = Placing(self.db, RULES, self.cases, self.deadlines, self.clock)
        self.comparing = Comparing(self.db)
        self.duplicates = Duplicates(self.db, self.deadlines, answers, self.clock)
        self.review = Review(self.db, self.deadlines, answers, self.clock)
        self.notices = Notices(self.db, self.clock)
        self.mailed(MAIL)
        self.bodies = Bodies(self.db, RULES, self.cases, self.clock)
        self.absences = Absences(self.db, self.clock)
        self.case_units = CaseUnits(self.db, self.deadlines, self.clock)
        self.fields = Fields(self.db, RULES, self.clock)
        self.inbox = Inbox(self.db, self.vault, self.clock)
        self.figures = Figures(self.db, self.clock)
        self.evidence = Evidence(self.db)
        files = FileSweep(self.db, folder / "attachments")
        self.retention = Retention(self.db, self.clock, files)
        self.finding = Finding(self.db, self.vault, self.clock)
        self.erasing = Erasing(self.db, self.vault, self.clock, self.finding, files)
        self.register = Register(self.db, self.vault, RULES, self.clock)
        self.granting = Granting(self.db, self.vault, self.clock, self.register)
        self.retention_policy = RetentionPolicy(self.db, self.clock)
        self.holds = Holds(self.db, self.clock)
        self.checkpoints = Checkpoints(self.db, self.vault, self.clock, Settings(data_dir=folder))
        self.ledger_export = LedgerExport(self.db, self.checkpoints)
        self.certifying(Settings(public_url="https://motmoi.phuong-a.test"))
        self.match_rules = MatchRules(self.db, RULES, self.clock)
        self.previews = Previews(self.db, RULES, self.match_rules, self.clock)
        self.training = Training(self.db, RULES, self.clock)
        self.rulebook = Rulebook(self.db, RULES, self.clock)
        self.calendars = Calendars(self.db, RULES, self.clock)
        self.recounts = Recounts(self.db, RULES, self.clock)
        self.whatif = WhatIf(self.db, RULES, self.clock)
        self.accounts = Accounts(self.db, self.clock, Settings(), CHEAP_HASHES)
        self._runs: dict[str, Run] = {}
        self._numbers = itertools.count(1)
        staff = people(dict(self.rows(select(officers.c.login, officers.c.id))))
        self.lan, self.minh, self.hue, self.admin = staff.lan, staff.minh, staff.hue, staff.admin

    def mailed(self, settings: Settings) -> None:
        """The parts that send mail, with these settings."""
        self.mailing = Mailing(self.db, self.clock, settings)
        self.reminders = Reminders(self.db, RULES, self.mailing, self.clock)
        self.digests = Digests(self.db, RULES, self.mailing, self.clock)
        self.request_reminders = RequestReminders(self.db, RULES, self.mailing, self.clock)
        self.reminder_choices = ReminderChoices(self.db, RULES, self.mailing, self.clock)

    def certifying(self, settings: Settings) -> None:
        """Certificates, with these settings."""
        self.certificates = Certificates(self.db, RULES, self.checkpoints, self.clock, settings)

    def close(self) -> None:
        self.db.close()

    # Channels and what they bring

    def channel(self, slug: str, ward: str = WARD_A, kind: str = "portal") -> int:
        """A channel that a worker holds the lease of; its id."""
        at = self.clock()
        with self.db.write() as tx:
            return channel_queries.insert_channel(
                tx,
                {"slug": slug, "kind": kind, "title": f"Kênh {slug}", "ward_code": ward, "config": {},
                 "secrets": None, "options": {}, "created_at": at},
                {"interval_s": 60, "next_due_at": at, "host_key": slug},
            )  # fmt: skip

    def run(self, slug: str, *, owner: str = "worker", kind: RunKind = "poll", again: bool = False) -> Run:
        """The poll that holds this channel (made with ward A where there is none); `again` takes it over."""
        if slug in self._runs and not again:
            return self._runs[slug]
        with self.db.read() as tx:
            found = channel_queries.by_slug(tx, slug)
        channel_id = found.id if found else self.channel(slug)
        at = self.clock()
        with self.db.write() as tx:
            if again:
                channel_queries.reap(tx, at + timedelta(days=1))
            row = channel_queries.claim_one(tx, channel_id, owner, at, at + timedelta(minutes=2))
            assert row is not None, f"{slug} is leased"
            run_id = channel_queries.start_run(tx, row, kind, row.cursor, at)
        run = Run(run_id, channel_id, slug, row.ward_code, row.fence, owner, kind, VN)
        self._runs[slug] = run
        return run

    def receives(self, slug: str, *records: Record, **more: Any) -> Counts:
        """One batch of the channel, committed."""
        cursor = more.pop("cursor", {"page": next(self._numbers)})
        return self.intake.receive(self.run(slug), batch(*records, cursor=cursor, **more))

    def report(self, external_id: str) -> int:
        """The id of the stored report."""
        with self.db.read() as tx:
            return int(
                tx.execute(select(reports.c.id).where(reports.c.external_id == external_id)).scalar_one()
            )

    def case_of(self, external_id: str) -> int:
        """The case that this report lives in now."""
        with self.db.read() as tx:
            query = select(memberships.c.case_id).where(
                memberships.c.report_id == self.report(external_id), memberships.c.ended_at.is_(None)
            )
            return int(tx.execute(query).scalar_one())

    def opens(self, external_id: str = "1", *, slug: str = "1022", **more: Any) -> int:
        """A report that opens a case of its own; the case."""
        count = int(external_id) if external_id.isdecimal() else next(self._numbers) + 500
        (one,) = apart(1, count, **more)
        values = {name: getattr(one, name) for name in Record.__dataclass_fields__} | {
            "external_id": external_id
        }
        self.receives(slug, Record(**values))
        return self.case_of(external_id)

    # What can be seen

    def rows(self, query: Any) -> list[Any]:
        with self.db.read() as tx:
            return [tuple(row) for row in tx.execute(text(query) if isinstance(query, str) else query)]

    def count(self, table: str) -> int:
        return int(self.rows(f"SELECT count(*) FROM {table}")[0][0])

    def row(self, case_id: int) -> Any:
        """The case's stored row."""
        with self.db.read() as tx:
            return tx.execute(select(cases).where(cases.c.id == case_id)).one()

    def page(self, case_id: int) -> CaseView:
        """The case as the officer of its ward sees it."""
        lan_sees = self.row(case_id).ward_code == WARD_A
        return self.cases.case(self.lan if lan_sees else self.hue, case_id)

    def is_sound(self) -> None:
        """What must hold whatever was done: the chains, and the kept numbers."""
        assert self.evidence.verify().findings == ()
        assert self.figures.recount() == {}
