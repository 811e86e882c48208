"""The leaders' numbers are kept, never counted by looking; a recount finds the same after any day's work."""

from __future__ import annotations

import contextlib
import random
from typing import Any

import pytest

from aggregator.domain.workflow import OPEN, PAUSE_REASONS, ReplyKind, Status
from aggregator.errors import InputInvalid, MoveNotAllowed, NotAllowed, NotFound
from aggregator.services import delivery_log
from tests.factories import Office, apart, record, together
from tests.people import WARD_A, WARD_B


def a_day(office: Office, seed: int, steps: int) -> None:
    """Whatever people and channels do, in an order that nobody chose."""
    pick = random.Random(seed)
    office.channel("letters", kind="paper")
    office.channel("of b", ward=WARD_B)
    unit = office.accounts.ensure_unit(WARD_A, "Tổ môi trường", ["moi_truong", "cay_xanh"])
    fresh = iter(range(1, 10_000))
    office.receives("1022", *apart(6, 1 + next(fresh)))
    for _ in range(steps):
        office.clock.forward(minutes=pick.randrange(1, 3000))
        cases = [row[0] for row in office.rows("SELECT id FROM cases ORDER BY id")]
        case, other = pick.choice(cases), pick.choice(cases)
        actor = office.lan if office.row(case).ward_code == WARD_A else office.hue
        step(office, pick, actor, case, other, unit, next(fresh) * 20)


def step(office: Office, pick: random.Random, actor: Any, case: int, other: int, unit: int, n: int) -> None:
    reports = [report.id for report in office.page(case).reports]
    words = pick.choice(["Cây xanh", "Rác", "Khác", None])
    choices: list[Any] = [
        lambda: office.receives(pick.choice(["1022", "letters", "of b"]), *apart(2, n, category_raw=words)),
        lambda: office.receives("1022", record("7", f"Sửa {n}", category_raw=words)),
        lambda: office.cases.assign(
            actor, case, unit_id=pick.choice([None, unit]), officer_id=pick.choice([None, actor.id])
        ),
        lambda: office.cases.move(actor, case, pick.choice(sorted(OPEN))),
        lambda: office.cases.pause(actor, case, pick.choice(sorted(PAUSE_REASONS))),
        lambda: office.cases.resume(actor, case),
        lambda: office.cases.reply(actor, case, pick.choice(list(ReplyKind)), "Trả lời."),
        lambda: office.cases.merge(actor, case, other),
        lambda: office.cases.merge(actor, other, case),
        lambda: office.cases.split(actor, case, reports[:1]),
        lambda: office.cases.split(actor, case, reports[1:]),
        lambda: office.cases.note(actor, case, "Ghi."),
        lambda: office.deadlines.sweep(pick.randrange(1, 5)),
        lambda: acknowledged(office, reports),
    ]
    with contextlib.suppress(MoveNotAllowed, InputInvalid, NotFound):  # NotFound: a case of the other ward
        pick.choice(choices)()
    assert office.figures.recount() == {}


def acknowledged(office: Office, reports: list[int]) -> None:
    """A poll shows the answers of the case's first report."""
    for report in reports[:1]:
        ((channel,),) = office.rows(f"SELECT channel_id FROM reports WHERE id = {report}")
        with office.db.write() as tx:
            delivery_log.acknowledge(tx, channel, {report: ["Trả lời."] * 9}, office.clock())


@pytest.mark.parametrize("seed", [1, 2])
def test_kept_numbers_equal_a_recount_after_any_day(office: Office, seed: int) -> None:
    a_day(office, seed, 70)
    office.is_sound()


def test_a_split_into_a_new_case_is_counted(office: Office) -> None:
    text = "Ổ gà rất to trước số nhà 12 Lê Lợi, xe máy ngã nhiều lần"
    office.receives("1022", *(record(n, text, address="12 Lê Lợi") for n in "12"))
    office.cases.split(office.lan, office.case_of("1"), [office.report("2")])
    assert office.figures.dashboard(office.minh).total.open == 2


def test_numbers_stay_right_when_everybody_works_at_once(office: Office) -> None:
    office.receives("1022", *apart(16))
    cases = [office.case_of(str(n)) for n in range(1, 17)]
    together(
        *(lambda case=case: office.cases.move(office.lan, case, Status.WAITING_UNIT) for case in cases[:4]),
        lambda: [office.receives("app", *apart(3, 100 + 10 * n)) for n in range(4)],
        lambda: [there_and_back(office, cases[4], cases[n]) for n in (5, 6, 7)],
        lambda: [office.figures.recount(repair=True) for _ in range(6)],
    )  # fmt: skip
    office.is_sound()


def there_and_back(office: Office, case: int, into: int) -> None:
    (report,) = office.page(case).reports
    office.cases.merge(office.lan, case, into)
    office.cases.split(office.lan, into, [report.id])


def test_a_recount_names_the_cell_and_repairs_it(office: Office) -> None:
    office.receives("1022", *apart(3))
    with office.db.write() as tx:
        tx.exec_driver_sql("UPDATE case_counts SET n = 9 WHERE dim = 'all'")
        tx.exec_driver_sql("DELETE FROM case_counts WHERE dim = 'officer'")
    wrong = {(WARD_A, "all", "", "open"): (9, 3), (WARD_A, "officer", "-", "open"): (0, 3)}
    assert office.figures.recount() == wrong
    assert office.figures.recount(repair=True) == wrong
    assert office.figures.recount() == {}


# The dashboard --------------------------------------------------------------------------------


def test_the_leader_sees_the_ward_by_unit_officer_category_and_channel(office: Office) -> None:
    unit = office.accounts.ensure_unit(WARD_A, "Tổ cây xanh", ["cay_xanh"])
    office.channel("of b", ward=WARD_B)
    tree = office.opens("1", category_raw="Cây xanh")
    paused, done = office.opens("2"), office.opens("3", slug="app")
    office.opens("4", slug="of b")
    office.cases.assign(office.lan, paused, unit_id=None, officer_id=office.lan.id)
    office.cases.pause(office.lan, paused, "site_visit")
    office.clock.forward(days=40)
    office.deadlines.sweep()
    office.cases.reply(office.lan, done, ReplyKind.RESULT, "Xong.")
    shown = office.figures.dashboard(office.minh)
    total = shown.total
    assert (total.open, total.overdue, total.due_soon, total.paused, total.done, total.done_late) == (
        2,
        1,
        0,
        1,
        1,
        1,
    )
    assert [(row.key, row.label, row.open) for row in shown.units] == [
        (str(unit), "Tổ cây xanh", 1), ("-", "Chưa giao đơn vị", 1),
    ]  # fmt: skip
    assert {(row.key, row.open) for row in shown.officers} == {("-", 1), (str(office.lan.id), 1)}
    assert {row.key for row in shown.categories} == {"cay_xanh", "-"}
    assert {row.key for row in shown.channels} == {"1022", "app"}
    assert office.figures.dashboard(office.admin).total.open == 3
    assert office.row(tree).stage == "overdue"


def test_who_handles_cases_has_no_dashboard(office: Office) -> None:
    with pytest.raises(NotAllowed):
        office.figures.dashboard(office.lan)
