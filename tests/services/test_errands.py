"""Answers brought by hand: ticked off once, taken back, looked for, reminded of, and seen by few."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from aggregator.domain.delivery import Delivery
from aggregator.domain.errands import Need
from aggregator.domain.people import Actor
from aggregator.domain.workflow import ReplyKind
from aggregator.errors import InputInvalid, NotAllowed, NotFound
from aggregator.sdk.contract import Manifest
from aggregator.sdk.discovery import Found
from aggregator.services import delivery_log, ledger
from aggregator.services.errand_page import ErrandFilter
from aggregator.services.errand_reminders import ErrandReminders
from aggregator.services.errands import Done, Errands
from aggregator.storage import case_queries, errand_queries, tick_queries
from aggregator.storage.case_tables import cases, outbox
from aggregator.storage.channel_tables import channel_schedule
from aggregator.storage.errand_tables import errands
from aggregator.storage.ledger_tables import ledger_entries
from aggregator.storage.reminder_tables import mails
from aggregator.storage.report_tables import reports
from tests.benchmarks.meters import work_units
from tests.domain.test_proof_files import JPEG, NOTE, PNG
from tests.factories import KINDS, RULES, VN, Office, together
from tests.people import WARD_A, WARD_B

WORDS = "Đã lấp ổ gà trước số 12."


def vn(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=VN).astimezone(UTC)


class Desk:
    """An office whose answers are brought by hand: the source `board` can be read, `paper` cannot."""

    def __init__(self, office: Office) -> None:
        self.office, self.lan, self.minh, self.hue = office, office.lan, office.minh, office.hue
        self.clock = office.clock
        found = {kind: _found(kind) for kind in ("portal", "paper", "board")}
        self.errands = Errands(office.db, found, office.clock, office.folder)
        self.reminders = ErrandReminders(office.db, found, RULES, office.mailing, office.clock)
        self._numbers = iter(range(1, 1000))

    def answers(self, kind: str = "board", who: Actor | None = None, **more: Any) -> int:
        """A case of Lan's, answered; the message."""
        number, who = next(self._numbers), who or self.lan
        with self.office.db.read() as tx:
            exists = tx.exec_driver_sql(f"SELECT id FROM channels WHERE slug = '{kind}'").scalar()
        if exists is None:
            self.office.channel(kind, kind=kind)
        case = self.office.opens(str(number), slug=kind, **more)
        self.office.cases.assign(who, case, unit_id=None, officer_id=who.id)
        self.office.cases.reply(who, case, ReplyKind.PROGRESS, WORDS)
        (message,) = self.office.rows(select(outbox.c.id).order_by(outbox.c.id.desc()).limit(1))
        return int(message[0])

    def becomes(self, message: int, state: Delivery, **values: Any) -> None:
        """As a worker leaves it."""
        with self.office.db.write() as tx:
            ledger.lock(tx, [WARD_A])
            tx.execute(
                update(outbox)
                .where(outbox.c.id == message)
                .values(state=state.value, fence=outbox.c.fence + 1, **values)
            )
            delivery_log.record(tx, [message], self.clock())

    def read(self, kind: str = "board") -> None:
        """The source was read whole just now."""
        with self.office.db.write() as tx:
            mine = channel_schedule.c.channel_id == self.channel(kind)
            tx.execute(update(channel_schedule).where(mine).values(last_success_at=self.clock()))

    def channel(self, kind: str) -> int:
        return int(self.office.rows(f"SELECT id FROM channels WHERE slug = '{kind}'")[0][0])

    def shows(self, message: int, words: str = WORDS) -> None:
        """A poll brings the report with these words under it."""
        row = self.message(message)
        with self.office.db.write() as tx:
            delivery_log.acknowledge(tx, row.channel_id, {row.report_id: [words]}, self.clock())

    def message(self, message: int) -> Any:
        with self.office.db.read() as tx:
            return tx.execute(select(outbox).where(outbox.c.id == message)).one()

    def needs(self, who: Actor | None = None, **wanted: Any) -> list[tuple[int, str]]:
        page = self.errands.page(who or self.lan, ErrandFilter(**wanted))
        return [(one.delivery.id, one.need.word) for one in page.rows]

    def log(self) -> list[dict[str, Any]]:
        query = select(ledger_entries.c.data).where(ledger_entries.c.kind == "delivery")
        return [json.loads(row[0]) for row in self.office.rows(query.order_by(ledger_entries.c.id))]

    def is_sound(self) -> None:
        """The list is what the messages, ticks and cases say; and the office is sound."""
        before = self.office.rows(_LIST)
        with self.office.db.write() as tx:
            tx.execute(errands.delete())
            errand_queries.follow(tx, [row[0] for row in tx.execute(select(cases.c.id))])
        assert self.office.rows(_LIST) == before
        self.office.is_sound()


_LIST = select(
    errands.c.message_id, errands.c.case_id, errands.c.ward_code, errands.c.officer_id, errands.c.need
).order_by(errands.c.message_id)


def _found(kind: str) -> Found:
    words = {"vi": kind, "en": kind}
    manifest = Manifest(
        kind, "1", 1, words, words, "tests", KINDS[kind], {"type": "object", "properties": {}},
        {"Đang làm": "in_progress"}, {}, Path(),
    )  # fmt: skip
    return Found(kind, manifest, "tests")


@pytest.fixture
def desk(office: Office) -> Desk:
    return Desk(office)


# Done, and taken back ---------------------------------------------------------------------------------


def test_an_answer_is_ticked_off_with_its_time_its_number_and_a_picture(desk: Desk) -> None:
    message = desk.answers("paper")
    written = desk.clock()
    desk.clock.forward(hours=3)
    done = Done(written + timedelta(hours=1), " PH-0042\n/2026 ", PNG)
    assert desk.errands.tick(desk.lan, message, done, once="form") is Delivery.SENT
    assert desk.errands.tick(desk.lan, message, done, once="form") is Delivery.SENT, "the same post"
    assert desk.message(message).sent_at == written + timedelta(hours=1), "when it was done, as Lan says"
    assert desk.needs() == []
    (row,) = desk.errands.page(desk.lan, ErrandFilter(need="ticked")).rows
    assert row.tick is not None
    assert (row.tick.who, row.tick.reference, row.tick.file_type) == (
        "Trần Thị Lan", "PH-0042 /2026", "image/png",
    )  # fmt: skip
    path, name, kind = desk.errands.proof(desk.minh, row.tick.id)
    kept = path.read_bytes()
    assert (kind, name.endswith(".png"), NOTE in kept) == ("image/png", True, False)
    entry = desk.log()[-1]
    assert entry["evidence"] == {
        "done_at": (written + timedelta(hours=1)).isoformat(), "screenshot_bytes": len(kept),
        "screenshot_sha256": hashlib.sha256(kept).hexdigest(),
    }, "the hash of what is kept is evidence; what a person typed is not in the ledger"  # fmt: skip
    desk.is_sound()


def test_a_tick_made_by_mistake_is_taken_back_with_all_that_was_known_before(desk: Desk) -> None:
    message = desk.answers()
    desk.becomes(message, Delivery.DEAD, error="HTTP 422", error_vi="Cổng đã đóng", error_code="permanent")
    desk.errands.tick(desk.lan, message)
    assert desk.message(message).error is None
    assert desk.errands.untick(desk.minh, message) is Delivery.DEAD
    row = desk.message(message)
    assert (row.error, row.error_vi, row.sent_at, row.officer_id) == ("HTTP 422", "Cổng đã đóng", None, None)
    assert desk.needs() == [(message, "refused")]
    assert [(one["state"], one.get("evidence", {}).get("undone")) for one in desk.log()[-2:]] == [
        ("sent", None), ("dead", True),
    ]  # fmt: skip
    with pytest.raises(NotAllowed):
        desk.errands.untick(desk.lan, message)
    desk.errands.tick(desk.lan, message)
    desk.shows(message)
    with pytest.raises(NotAllowed, match="acknowledged"):
        desk.errands.untick(desk.lan, message)
    desk.is_sound()


def test_a_slip_in_the_time_or_the_file_changes_nothing(desk: Desk) -> None:
    message = desk.answers("paper")
    for slip in (
        Done(desk.clock() - timedelta(minutes=5)), Done(desk.clock() + timedelta(hours=1)),
        Done(reference="x" * 81), Done(file=b"<svg>"), Done(file=JPEG[:-2]), Done(file=bytes(5_000_001)),
    ):  # fmt: skip
        with pytest.raises(InputInvalid):
            desk.errands.tick(desk.lan, message, slip)
    assert desk.needs() == [(message, "manual")]
    assert desk.office.count("ticks") == 0


def test_of_two_people_at_the_same_answer_one_is_told_so(desk: Desk) -> None:
    message = desk.answers("paper")
    version = desk.message(message).fence

    def ticks_it(who: Actor) -> Any:
        def tick() -> str:
            try:
                return desk.errands.tick(who, message, version=version, once="form").value
            except NotAllowed as told:
                return told.message_vi

        return tick

    outcomes = together(ticks_it(desk.lan), ticks_it(desk.minh))
    assert sorted(outcome == "sent" for outcome in outcomes) == [False, True]
    assert desk.office.count("ticks") == 1
    desk.is_sound()


def test_where_it_is_not_known_whether_it_arrived_one_decides_on_what_they_saw(desk: Desk) -> None:
    message = desk.answers("board")
    desk.becomes(message, Delivery.UNCLEAR, attempts=1, error_code="outcome_unknown", error="line dropped")
    (row,) = desk.errands.page(desk.lan).rows
    assert row.need is Need.UNCLEAR
    assert [(one.state, one.attempt, one.error) for one in row.tries] == [("unclear", 1, "outcome_unknown")]
    decide = desk.errands.resolve_unclear
    desk.clock.forward(minutes=1)  # what was lost on its way may show at the source until then
    assert decide(desk.lan, message, False, version=row.version, once="a") is Delivery.PENDING
    assert decide(desk.lan, message, False, version=row.version, once="a") is Delivery.PENDING
    desk.becomes(message, Delivery.UNCLEAR, attempts=2, next_attempt_at=None)  # it was sent again, and lost
    with pytest.raises(NotAllowed, match="has changed"):
        decide(desk.minh, message, False, version=row.version, once="b")
    assert desk.message(message).state == "unclear", "Minh looked before the second try: nothing leaves"
    (row,) = desk.errands.page(desk.minh).rows
    assert decide(desk.minh, message, True, version=row.version) is Delivery.SENT
    assert desk.errands.untick(desk.minh, message) is Delivery.UNCLEAR
    desk.is_sound()


# Held against what the source shows --------------------------------------------------------------------


def ticked_and_not_shown(desk: Desk, kind: str = "board") -> int:
    message = desk.answers(kind)
    desk.errands.tick(desk.lan, message)
    desk.reminders.tick()
    desk.clock.forward(hours=25)
    return message


def test_what_was_ticked_off_and_is_not_shown_after_a_day_is_asked_about(desk: Desk) -> None:
    message = ticked_and_not_shown(desk)
    desk.reminders.tick()
    assert desk.needs() == [], "a source that was not read since is no witness"
    desk.read()
    desk.clock.forward(hours=1)
    desk.reminders.tick()
    assert desk.needs() == [(message, "unseen")]
    case = desk.office.row(desk.message(message).case_id)
    assert case.delivery_problem, "and its case stays in sight"
    assert desk.log()[-1]["evidence"] == {"shown": "not_yet"}
    desk.is_sound()

    desk.errands.look_again(desk.lan, message)
    assert desk.needs() == []
    desk.clock.forward(hours=25)
    desk.read()
    desk.reminders.tick()
    assert desk.needs() == [(message, "unseen")]
    desk.shows(message, WORDS.replace(" ", "\n"))
    assert desk.needs() == [] == desk.needs(need="ticked"), "on sight it is confirmed"
    assert desk.message(message).state == "acknowledged"
    desk.is_sound()


def test_what_is_not_there_after_all_goes_back_into_the_list(desk: Desk) -> None:
    message = ticked_and_not_shown(desk)
    desk.read()
    desk.reminders.tick()
    assert desk.errands.untick(desk.lan, message) is Delivery.MANUAL
    assert desk.needs() == [(message, "manual")]
    with pytest.raises(NotAllowed):
        desk.errands.look_again(desk.lan, message)
    desk.is_sound()


def test_a_source_that_shows_no_answers_is_asked_about_once(desk: Desk) -> None:
    first = ticked_and_not_shown(desk)
    second = desk.answers()
    desk.errands.tick(desk.lan, second)
    desk.read()
    desk.reminders.tick()
    desk.errands.source_is_silent(desk.lan, first)
    assert desk.needs() == [] == desk.needs(need="ticked")
    later = desk.answers()
    desk.errands.tick(desk.lan, later)
    desk.clock.forward(hours=30)
    desk.read()
    desk.reminders.tick()
    assert desk.needs() == []
    assert [one.channel_slug for one in desk.errands.page(desk.lan).silent] == ["board"]
    assert desk.errands.page(desk.hue).silent == ()
    with pytest.raises(NotFound):
        desk.errands.source_speaks(desk.hue, "board")
    desk.errands.source_speaks(desk.minh, "board")
    assert desk.errands.page(desk.lan).silent == ()
    assert desk.errands.untick(desk.lan, first) is Delivery.MANUAL, "and each may still be taken back"
    desk.is_sound()


def test_at_a_source_that_cannot_be_read_a_tick_stays_undoable_for_thirty_days(desk: Desk) -> None:
    message = ticked_and_not_shown(desk, "paper")
    desk.read("paper")
    desk.reminders.tick()
    assert desk.needs(need="ticked") == [(message, "ticked")]
    desk.clock.forward(days=30)
    desk.reminders.tick()
    assert desk.needs(need="ticked") == []
    desk.is_sound()


# Who is reminded ---------------------------------------------------------------------------------------


def told(office: Office, actor: Actor) -> list[tuple[str, int]]:
    page = office.notices.page(actor)
    return [(one.kind, one.times) for one in page.rows if one.kind == "by_hand" and not one.read]


def at(desk: Desk, when: str) -> None:
    desk.clock.at = vn(when)
    desk.reminders.tick()
    desk.reminders.tick()


def test_lan_is_reminded_of_all_that_waits_in_one_line_until_it_is_done(desk: Desk) -> None:
    first, second = desk.answers("paper"), desk.answers("paper")  # Monday, 8:00
    at(desk, "2026-03-02T09:59")
    assert told(desk.office, desk.lan) == []
    at(desk, "2026-03-02T10:00")
    assert told(desk.office, desk.lan) == [("by_hand", 2)]
    assert told(desk.office, desk.minh) == [] == told(desk.office, desk.hue)
    at(desk, "2026-03-02T23:00")
    assert told(desk.office, desk.lan) == [("by_hand", 2)]
    desk.errands.tick(desk.lan, first)
    at(desk, "2026-03-03T07:30")
    assert told(desk.office, desk.lan) == [("by_hand", 1)], "the newer line outdates the older"
    desk.errands.tick(desk.lan, second)
    desk.office.notices.read(desk.lan)
    at(desk, "2026-03-04T09:00")
    assert told(desk.office, desk.lan) == []
    desk.is_sound()


def test_before_the_sources_own_deadline_it_is_told_by_mail_as_well(desk: Desk) -> None:
    desk.office.reminder_choices.choose(
        desk.lan, email="lan@phuong-a.test", in_app=True, by_mail=True, daily=False, weekly=False,
        quiet_from="", quiet_to="",
    )  # fmt: skip
    desk.answers("paper", due_at=vn("2026-03-04T11:00"))
    at(desk, "2026-03-04T08:59")
    assert desk.office.count("mails") == 0
    at(desk, "2026-03-04T09:00")
    ((subject, body),) = desk.office.rows(select(mails.c.subject, mails.c.body))
    assert subject == "Chưa chuyển phúc đáp lên cổng: 1 vụ việc sắp đến hạn"
    assert "/by-hand?mine=1" in body and WORDS not in body


def test_who_stands_in_for_lan_is_reminded_and_finds_it_among_their_own(desk: Desk) -> None:
    from tests.services.test_cover import goes, hire

    tu = hire(desk.office, "tu", "Phan Văn Tú")
    message = desk.answers("paper")
    goes(desk.office, desk.lan, tu)
    at(desk, "2026-03-03T07:30")
    assert told(desk.office, tu) == [("by_hand", 1)]
    assert desk.needs(tu, mine=True) == [(message, "manual")]
    assert desk.needs(desk.minh, mine=True) == []


# Who sees what -----------------------------------------------------------------------------------------


def test_hue_of_ward_b_neither_sees_nor_decides_and_cannot_tell_hidden_from_missing(desk: Desk) -> None:
    message = desk.answers("paper")
    desk.errands.tick(desk.lan, message, Done(file=PNG))
    (row,) = desk.errands.page(desk.lan, ErrandFilter(need="ticked")).rows
    assert row.tick is not None
    page = desk.errands.page(desk.hue)
    assert (page.rows, set(page.counts.values()), page.channels) == ((), {0}, ())
    assert desk.errands.standing(desk.hue).waiting == 0
    verbs = (
        lambda one: desk.errands.tick(desk.hue, one, Done(file=PNG)),
        lambda one: desk.errands.untick(desk.hue, one),
        lambda one: desk.errands.resolve_unclear(desk.hue, one, True),
        lambda one: desk.errands.look_again(desk.hue, one),
        lambda one: desk.errands.source_is_silent(desk.hue, one),
    )
    pairs = [(verb, message, 999_999) for verb in verbs]
    pairs.append((lambda one: desk.errands.proof(desk.hue, one), row.tick.id, 999_999))
    for verb, hidden, missing in pairs:
        with pytest.raises(NotFound) as there:
            verb(hidden)
        with pytest.raises(NotFound) as gone:
            verb(missing)
        assert str(there.value).replace(str(hidden), "?") == str(gone.value).replace(str(missing), "?")
        assert there.value.message_vi == gone.value.message_vi


def test_a_restricted_legal_matter_is_shown_and_counted_only_for_who_may_read_it(desk: Desk) -> None:
    message = desk.answers("paper")
    with desk.office.db.write() as tx:
        case_queries.change_quietly(tx, desk.message(message).case_id, legal="recognised")
    assert desk.needs() == []
    assert desk.errands.page(desk.lan).counts[Need.MANUAL] == 0
    assert desk.needs(desk.minh) == [(message, "manual")]
    with pytest.raises(NotFound):
        desk.errands.tick(desk.lan, message)
    at(desk, "2026-03-02T11:00")
    assert told(desk.office, desk.lan) == []


def test_an_errand_moves_with_its_case(desk: Desk) -> None:
    message = desk.answers("paper")
    case = desk.message(message).case_id
    desk.office.cases.assign(desk.minh, case, unit_id=None, officer_id=desk.minh.id)
    assert desk.needs(desk.lan, mine=True) == []
    assert desk.needs(desk.minh, mine=True) == [(message, "manual")]
    with desk.office.db.write() as tx:
        case_queries.change(tx, case, ward_code=WARD_B, officer_id=None, code="26-90001")
    assert desk.needs(desk.lan) == []
    assert desk.needs(desk.hue) == [(message, "manual")]
    other = desk.office.opens("900", slug="paper")
    with desk.office.db.write() as tx:
        case_queries.change(tx, case, ward_code=WARD_A, officer_id=None, code="26-00001")
    desk.office.cases.merge(desk.lan, case, other)
    (row,) = desk.errands.page(desk.lan).rows
    assert row.case_id in (case, other), "its report's case now, or the one it was written for"


def test_the_list_is_filtered_by_need_channel_and_owner_in_order_of_urgency(desk: Desk) -> None:
    manual, refused, unclear, paper = (desk.answers(kind) for kind in ("board", "board", "board", "paper"))
    desk.becomes(refused, Delivery.DEAD)
    desk.becomes(unclear, Delivery.UNCLEAR)
    order = [(unclear, "unclear"), (refused, "refused"), (manual, "manual"), (paper, "manual")]
    assert desk.needs() == order
    assert desk.needs(need="manual") == order[2:]
    assert desk.needs(channel="paper") == order[3:]
    assert desk.needs(channel="no-such-channel") == []
    assert desk.needs(mine=True) == order
    seen: list[tuple[int, str]] = []
    after = ""
    for _ in range(4):
        page = desk.errands.page(desk.lan, ErrandFilter(size=1, after=after))
        seen += [(one.delivery.id, one.need.word) for one in page.rows]
        after = page.next
    assert (seen, after) == (order, "")
    assert desk.needs(after="tampered") == order
    desk.is_sound()


# What it costs -----------------------------------------------------------------------------------------


def many(desk: Desk, count: int) -> None:
    """Copies of one errand: as many reports, messages and rows of the list, half of them not Lan's."""
    first = desk.answers("paper")
    with desk.office.db.write() as tx:
        message = dict(tx.execute(select(outbox).where(outbox.c.id == first)).mappings().one())
        report = dict(
            tx.execute(select(reports).where(reports.c.id == message["report_id"])).mappings().one()
        )
        errand = dict(tx.execute(select(errands).where(errands.c.message_id == first)).mappings().one())
        new = range(100_000, 100_000 + count)
        tx.execute(insert(reports), [{**report, "id": n, "external_id": f"many-{n}"} for n in new])
        copies = [{**message, "id": n, "report_id": n, "idempotency_key": f"many-{n}"} for n in new]
        tx.execute(insert(outbox), copies)
        tx.execute(
            insert(errands),
            [{**errand, "message_id": n, "officer_id": desk.lan.id if n % 2 else None} for n in new],
        )


#: Read of one page: those shown, and one more.
ROWS = 26
WANTED: tuple[dict[str, Any], ...] = (
    {}, {"need": "manual"}, {"channel": "paper"}, {"mine": True}, {"after": "last"},
)  # fmt: skip


def test_a_page_of_ten_thousand_costs_no_more_than_what_it_shows(office: Office) -> None:
    """In steps of SQLite's machine, as many as with 400; in buffers that PostgreSQL touches, at most 20 of
    each row shown and 2 of each counted. (A small table it reads whole, so there is no ratio to hold.)"""
    desk = Desk(office)
    small = _costs(desk, 400)
    with office.db.write() as tx:
        for table in (errands, outbox):
            tx.execute(table.delete())
        tx.execute(reports.delete().where(reports.c.id >= 100_000))
    large = _costs(desk, 10_000)
    for wanted, few, lots in zip(WANTED, small, large, strict=True):
        print(f"{wanted or 'all'}: {few} with 400 waiting, {lots} with 10,000 (statements, work units)")
        assert lots[0] == few[0] <= 6, wanted
        most = 1.2 * few[1] if office.db.dialect == "sqlite" else 20 * ROWS + 2 * errand_queries.MANY
        assert lots[1] < most, wanted


def _costs(desk: Desk, count: int) -> list[tuple[int, int]]:
    """Statements and work units of each kind of page, with so many waiting."""
    many(desk, count)
    with desk.office.db.write() as tx:
        tx.exec_driver_sql("ANALYZE")
    return [work_units(desk.office.db, lambda one=one: _page(desk, one)) for one in WANTED]


def _page(desk: Desk, wanted: dict[str, Any]) -> None:
    if wanted.get("after") == "last":
        newest = 100_000 + desk.office.count("errands") - 61
        wanted = {"after": base64.urlsafe_b64encode(f"4|{newest}".encode()).decode()}
    assert len(desk.errands.page(desk.lan, ErrandFilter(**wanted)).rows) == 25


def test_a_machine_that_sends_again_ends_what_a_person_said(desk: Desk) -> None:
    message = ticked_and_not_shown(desk)
    with desk.office.db.write() as tx:
        tick_queries.end(tx, message, desk.clock(), desk.lan.id)
    desk.becomes(message, Delivery.CONFIRMING, officer_id=None)
    desk.becomes(message, Delivery.SENT)
    assert desk.needs(need="ticked") == [] == desk.needs()
    with pytest.raises(NotAllowed):
        desk.errands.untick(desk.lan, message)
    desk.is_sound()
