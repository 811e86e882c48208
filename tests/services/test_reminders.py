"""Deadlines are told once, to those who have the work and may see it, in office hours, and put right."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from aggregator.domain.people import Role
from aggregator.domain.workflow import ReplyKind
from aggregator.services.deadlines import follow_sources
from aggregator.storage.reminder_tables import mails, reminders
from tests.factories import VN, Office
from tests.people import WARD_A


def vn(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=VN).astimezone(UTC)


def wants(office: Office, actor: Any, email: str = "lan@phuong-a.test", **more: Any) -> None:
    values = {
        "in_app": True,
        "by_mail": True,
        "daily": False,
        "weekly": False,
        "quiet_from": "",
        "quiet_to": "",
    }
    office.reminder_choices.choose(actor, email=email, **values | more)


def opens(
    office: Office, number: str = "1", *, to: Any = None, due: str = "2026-03-06T10:00", **more: Any
) -> int:
    """A case of Lan's (or of `to`) that its source wants done by `due`; warned of on Thursday, 14:24."""
    case = office.opens(number, due_at=vn(due), **more)
    who = to or office.lan
    office.cases.assign(who, case, unit_id=None, officer_id=who.id)
    return case


def runs(office: Office, at: str) -> None:
    """The worker's ticks at this instant."""
    office.clock.at = vn(at)
    office.deadlines.sweep()
    office.digests.tick()
    office.reminders.tick()


def told(office: Office) -> list[tuple[str, int]]:
    """What was told, in its order, without what was left out for something newer."""
    query = select(reminders.c.kind, reminders.c.level).where(reminders.c.state != "outdone")
    return office.rows(query.order_by(reminders.c.id))


def subjects(office: Office) -> list[str]:
    return [row[0] for row in office.rows(select(mails.c.subject).order_by(mails.c.id))]


def sees(office: Office, actor: Any) -> list[tuple[str, int]]:
    return [(one.kind, one.times) for one in reversed(office.notices.page(actor).rows)]


def escalates(office: Office, *hours: int) -> None:
    """Every rule tells the next leader that many working hours after the deadline."""
    with office.db.write() as tx:
        tx.exec_driver_sql(f"UPDATE sla_policies SET escalate_hours = '{list(hours)}'")
        # Rules are read again when something was appended to their chain.
        from aggregator.services import ledger
        from aggregator.services.ledger import SYSTEM, Draft

        ledger.append(tx, [Draft(SYSTEM, "rule_changed", office.clock(), {})])


def test_a_deadline_is_told_when_it_is_near_on_its_day_and_when_it_has_passed(office: Office) -> None:
    wants(office, office.lan)
    opens(office)
    runs(office, "2026-03-04T10:00")
    assert told(office) == []
    for at in (
        "2026-03-05T14:24",
        "2026-03-05T15:00",
        "2026-03-06T07:30",
        "2026-03-06T10:00",
        "2026-03-06T10:01",
    ):
        runs(office, at)
    assert told(office) == [("due_soon", 0), ("due_today", 0), ("overdue", 0)]
    assert subjects(office) == [
        "Sắp đến hạn: 26-00001, hạn 10:00 ngày 06/03",
        "Hạn hôm nay: 26-00001, hạn 10:00 ngày 06/03",
        "Quá hạn: 26-00001, hạn 10:00 ngày 06/03",
    ]
    assert sees(office, office.lan) == [("due_soon", 1), ("due_today", 1), ("overdue", 1)]
    unread = [one.kind for one in office.notices.page(office.lan).rows if not one.read]
    assert unread == ["overdue"]
    assert sees(office, office.hue) == [] == sees(office, office.minh)
    office.is_sound()


def test_what_comes_in_the_night_is_told_at_the_opening(office: Office) -> None:
    opens(office, due="2026-03-06T20:00")
    runs(office, "2026-03-06T20:00")
    runs(office, "2026-03-07T10:00")
    assert ("overdue", 0) not in told(office)
    runs(office, "2026-03-09T07:30")
    assert told(office)[-1] == ("overdue", 0)


def test_quiet_hours_put_the_mail_off_and_a_case_closed_meanwhile_drops_it(office: Office) -> None:
    wants(office, office.lan, quiet_from="07:00", quiet_to="15:00")
    case = opens(office)
    runs(office, "2026-03-05T14:24")
    assert office.rows(select(mails.c.next_attempt_at)) == [(vn("2026-03-05T15:00"),)]
    office.cases.reply(office.lan, case, ReplyKind.RESULT, "Đã vá ổ gà, xin cảm ơn.")
    office.clock.at = vn("2026-03-05T15:00")
    claimed = office.mailing.claim("worker")
    assert claimed is not None
    assert office.mailing.deliver(claimed, lambda *_: pytest.fail("it is no longer true")) == "dropped"


def test_leaders_are_told_level_by_level(office: Office) -> None:
    office.accounts.add("city", "Lãnh đạo Thành phố", Role.LEADER, None, "mat-khau-thu")
    escalates(office, 2, 6)
    wants(office, office.minh, "minh@phuong-a.test")
    case = opens(office)
    # 10:00 + 2 working hours: 11:30 lunch, 13:30 + 0:30.
    for at in (
        "2026-03-06T10:00",
        "2026-03-06T13:59",
        "2026-03-06T14:00",
        "2026-03-09T08:00",
        "2026-03-09T10:00",
    ):
        runs(office, at)
    assert told(office)[-2:] == [("escalated", 1), ("escalated", 2)]
    assert sees(office, office.minh) == [("escalated", 1)] and sees(office, office.hue) == []
    entries = office.rows("SELECT data FROM ledger_entries WHERE kind = 'escalated' ORDER BY seq")
    assert ['"level":1' in entries[0][0], '"level":2' in entries[1][0]] == [True, True]
    assert [one.data["level"] for one in office.notices.page(office.minh).rows] == [1]
    assert office.row(case).remind_at is None
    office.is_sound()


def test_a_case_that_nobody_has_is_told_to_the_people_of_its_unit_else_to_the_leaders(office: Office) -> None:
    office.opens("1", due_at=vn("2026-03-06T10:00"))
    unit = office.accounts.ensure_unit(WARD_A, "Tổ đô thị", [])
    office.accounts.change(office.admin, office.lan.id, role=Role.OFFICER, ward=WARD_A, unit_id=unit)
    theirs = office.opens("2", due_at=vn("2026-03-06T10:00"))
    office.cases.assign(office.lan, theirs, unit_id=unit, officer_id=None)
    runs(office, "2026-03-06T10:00")
    assert [one.case_id for one in office.notices.page(office.lan).rows] == [theirs]
    assert [one.case_id for one in office.notices.page(office.minh).rows] != [theirs]
    assert sees(office, office.hue) == []


@pytest.mark.parametrize("end", ["closed", "paused", "legal"])
def test_who_needs_no_reminder_gets_none(office: Office, end: str) -> None:
    case = opens(office)
    if end == "closed":
        office.cases.reply(office.lan, case, ReplyKind.RESULT, "Đã xử lý xong, xin cảm ơn.")
    elif end == "paused":
        office.cases.pause(office.lan, case, "site_visit")
        with office.db.write() as tx:  # the source's deadline runs on; ours alone is held
            tx.exec_driver_sql("DELETE FROM deadlines WHERE origin = 'source'")
        with office.db.write() as tx:
            office.deadlines.refresh(tx, case, office.clock())
    else:
        with office.db.write() as tx:
            tx.exec_driver_sql("UPDATE cases SET legal = 'recognised'")
    runs(office, "2026-03-06T10:05")
    assert told(office) == [] and office.row(case).remind_at is None


def test_a_moved_deadline_corrects_what_was_told_and_is_told_again(office: Office) -> None:
    wants(office, office.lan)
    case = opens(office)
    runs(office, "2026-03-05T14:24")
    office.receives("1022", *[_again(office, vn("2026-03-20T10:00"))])
    with office.db.write() as tx:  # a person takes the later deadline on
        follow_sources(tx, [office.report("1")])
        office.deadlines.refresh(tx, case, office.clock())
    assert office.row(case).due_at > vn("2026-03-06T10:00")
    runs(office, "2026-03-05T14:30")
    assert told(office) == [("due_soon", 0), ("deadline_changed", 0)]
    assert subjects(office)[-1].startswith("Hạn đã đổi: 26-00001")
    runs(office, "2026-03-05T14:31")
    assert len(told(office)) == 2
    again = office.row(case).remind_at
    office.clock.at = again
    office.deadlines.sweep()
    office.reminders.tick()
    assert told(office)[-1] == ("due_soon", 0)
    # The first warning's mail, not sent so far, is not true any more.
    office.mailing.drain("worker", 1, lambda: True)
    claimed = office.mailing.claim("worker")
    assert claimed is not None and not claimed.true


def _again(office: Office, due_at: datetime) -> Any:
    """The same report, for which its source has moved the deadline."""
    from tests.factories import apart

    (one,) = apart(1, 1, due_at=due_at)
    return one


def test_after_our_own_downtime_there_is_one_summary(office: Office) -> None:
    wants(office, office.lan)
    for number in range(1, 6):
        opens(office, str(number))
    office.opens("9", slug="b", ward="26740", due_at=vn("2026-03-06T10:00"))
    runs(office, "2026-03-09T09:00")
    assert sees(office, office.lan) == [("reminders_folded", 5)]
    assert subjects(office) == ["Tổng hợp nhắc việc: 5 vụ việc"]
    ((body,),) = office.rows(select(mails.c.body))
    assert all(f"26-0000{n}" in body for n in range(1, 6)) and "https://motmoi.phuong-a.test/cases/" in body
    runs(office, "2026-03-09T09:01")
    assert len(subjects(office)) == 1 and {row[0] for row in told(office)} == {"overdue"}


def test_a_clock_that_had_leapt_ahead_leaves_nobody_untold(office: Office) -> None:
    opens(office)
    runs(office, "2026-03-05T14:24")
    runs(office, "2026-03-20T09:00")
    assert sees(office, office.lan) == [("due_soon", 1), ("reminders_folded", 1)]
    runs(office, "2026-03-05T14:25")
    runs(office, "2026-03-06T10:00")
    assert told(office) == [("due_soon", 0), ("overdue", 0)]


def test_who_stands_in_is_told_and_so_is_the_owner(office: Office) -> None:
    office.accounts.add("tam", "Võ Thị Tám", Role.OFFICER, WARD_A, "mat-khau-thu")
    ((tam,),) = office.rows("SELECT id FROM officers WHERE login = 'tam'")
    opens(office)
    away = vn("2026-03-05T07:00"), vn("2026-03-06T18:00")
    office.absences.add(office.lan, office.lan.id, *away, substitute_id=tam)
    runs(office, "2026-03-05T14:24")
    assert {row[0] for row in office.rows(select(reminders.c.officer_id))} == {office.lan.id, tam}


def test_two_workers_that_look_at_once_tell_once(office: Office) -> None:
    from tests.factories import together

    wants(office, office.lan)
    for number in range(1, 9):
        opens(office, str(number))
    office.clock.at = vn("2026-03-05T14:25")
    together(*[office.reminders.tick] * 3)
    assert len(told(office)) == 8 == len(subjects(office))


def test_telling_costs_the_same_however_many_cases_are_open(sqlite_office: Office) -> None:
    office = sqlite_office
    plan = office.rows(
        "EXPLAIN QUERY PLAN SELECT id FROM cases WHERE remind_at <= '2026-03-05'"
        " ORDER BY remind_at, id LIMIT 200"
    )
    assert "ix_cases_remind_at" in str(plan)


def test_what_would_be_told_now_is_shown_without_telling_it(office: Office) -> None:
    wants(office, office.lan)
    opens(office)
    office.clock.at = vn("2026-03-05T14:28")
    (one,) = office.reminders.preview(office.lan)
    assert (one.kind, one.code, one.by) == ("due_soon", "26-00001", ("app", "mail"))
    assert office.reminders.preview(office.hue) == [] and told(office) == []


# Digests ----------------------------------------------------------------------------------------------


def test_the_morning_tells_the_days_work_once_most_urgent_first(office: Office) -> None:
    wants(office, office.lan, daily=True)
    opens(office, "1", due="2026-03-05T16:00")
    opens(office, "2", due="2026-03-06T16:00")
    opens(office, "3", due="2026-03-20T10:00")
    opens(office, "4", slug="b", ward="26740", to=office.hue)
    runs(office, "2026-03-06T07:29")
    assert subjects(office) == []
    for at in ("2026-03-06T07:30", "2026-03-06T07:31", "2026-03-06T14:00"):
        runs(office, at)
    digest = [subject for subject in subjects(office) if subject.startswith("Đầu ngày")]
    assert digest == ["Đầu ngày 06/03: 1 quá hạn, 1 hạn hôm nay"]
    ((body,),) = office.rows(select(mails.c.body).where(mails.c.kind == "daily"))
    assert body.index("26-00001") < body.index("26-00002") and "26740" not in body
    assert "26-00003" not in body and "việc số" in body


def test_what_the_digest_tells_has_no_mail_of_its_own(office: Office) -> None:
    wants(office, office.lan, daily=True)
    opens(office, due="2026-03-06T16:00")
    runs(office, "2026-03-06T07:30")
    assert [subject.split(":")[0] for subject in subjects(office)] == ["Đầu ngày 06/03"]
    assert ("due_today", 0) in told(office)


def test_after_a_downtime_the_digest_is_the_summary(office: Office) -> None:
    wants(office, office.lan, daily=True)
    opens(office)
    runs(office, "2026-03-09T09:00")
    assert [subject.split(":")[0] for subject in subjects(office)] == ["Đầu ngày 09/03"]
    assert sees(office, office.lan) == [("reminders_folded", 1)]


def test_an_empty_day_sends_nothing_and_so_does_a_day_off(office: Office) -> None:
    wants(office, office.lan, daily=True)
    runs(office, "2026-03-06T07:30")
    opens(office, due="2026-03-06T16:00")
    runs(office, "2026-03-07T08:00")
    assert [one for one in subjects(office) if one.startswith("Đầu ngày")] == []


def test_the_head_of_a_unit_gets_the_units_day_and_leaders_their_week(office: Office) -> None:
    unit = office.accounts.ensure_unit(WARD_A, "Tổ đô thị", [])
    office.accounts.change(office.admin, office.minh.id, role=Role.LEADER, ward=WARD_A, unit_id=unit)
    wants(office, office.minh, "minh@phuong-a.test", daily=True, weekly=True)
    late = office.opens("1", due_at=vn("2026-03-05T16:00"))
    done = office.opens("2", due_at=vn("2026-03-05T16:00"))
    for case in (late, done):
        office.cases.assign(office.minh, case, unit_id=unit, officer_id=office.lan.id)
    office.cases.reply(office.lan, done, ReplyKind.RESULT, "Đã xử lý xong, xin cảm ơn.")
    runs(office, "2026-03-09T07:30")
    found = dict(office.rows(select(mails.c.kind, mails.c.body)))
    assert "26-00001" in found["daily"]
    for number in ("Tiếp nhận: 2", "Đã giải quyết: 1", "đúng hạn: 1", "trễ hạn: 0", "Đang quá hạn: 1"):
        assert number in found["weekly"], found["weekly"]
    assert "02/03–08/03/2026" in found["weekly"] and "26-00001" in found["weekly"]


def test_two_workers_make_one_digest(office: Office) -> None:
    from aggregator.services.digests import Digests
    from tests.factories import RULES, together

    wants(office, office.lan, daily=True)
    opens(office, due="2026-03-06T16:00")
    office.clock.at = vn("2026-03-06T07:30")
    others = [Digests(office.db, RULES, office.mailing, office.clock).tick for _ in range(3)]
    assert sorted(together(*others)) == [0, 0, 1]


# The calendar feed, and choices -----------------------------------------------------------------------


def test_a_feed_holds_own_deadlines_and_ends_when_it_is_revoked(office: Office) -> None:
    from icalendar import Calendar

    from aggregator.errors import NotFound

    opens(office)
    token = office.reminder_choices.make_feed(office.lan)
    hue = office.reminder_choices.make_feed(office.hue)
    (event,) = Calendar.from_ical(office.reminder_choices.feed(token)).walk("VEVENT")
    assert str(event["SUMMARY"]).startswith("26-00001 ") and event.decoded("DTSTART") == vn(
        "2026-03-06T10:00"
    )
    assert Calendar.from_ical(office.reminder_choices.feed(hue)).walk("VEVENT") == []
    assert token not in str(office.rows("SELECT * FROM reminder_choices"))
    newer = office.reminder_choices.make_feed(office.lan)
    office.reminder_choices.revoke_feed(office.hue)
    for gone in (token, hue, "never-made", ""):
        with pytest.raises(NotFound, match="no such calendar"):
            office.reminder_choices.feed(gone)
    assert "26-00001" in office.reminder_choices.feed(newer)


REFUSED = [
    ({"email": "lan"}, "email", "no address"),
    ({"email": "lan@a.test\nBcc: x@y.test"}, "email", "a header smuggled in"),
    ({"email": "", "in_app": False}, "in_app", "no way left to be told"),
    ({"in_app": False, "by_mail": False}, "in_app", "an address, and no mail"),
    ({"quiet_from": "21:00"}, "quiet_to", "half a span"),
    ({"quiet_from": "25:00", "quiet_to": "06:00"}, "quiet_from", "no such hour"),
    ({"quiet_from": "06:00", "quiet_to": "06:00"}, "quiet_to", "an empty span"),
]


@pytest.mark.parametrize(("given", "field", "note"), REFUSED, ids=[row[2] for row in REFUSED])
def test_choices_that_cannot_be_are_refused(
    sqlite_office: Office, given: dict[str, Any], field: str, note: str
) -> None:
    from aggregator.errors import InputInvalid

    with pytest.raises(InputInvalid) as refused:
        wants(sqlite_office, sqlite_office.lan, given.pop("email", "lan@phuong-a.test"), **given)
    assert refused.value.field == field, note
    assert sqlite_office.reminder_choices.of(sqlite_office.lan).email == ""
