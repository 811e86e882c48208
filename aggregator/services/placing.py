"""What officers decide about the ward of a case, and what the next report of the same street learns from it.

    move      the case goes to another ward of this installation
    guide     it belongs to a ward that is not served here: the citizen is told which, the case closes
    confirm   it does belong here, whatever its text made likely
    correct   its address was wrong or missing
    withdraw  a decision teaches nothing any more

Each is one transaction with its entry in the ledger, and each of the first four is kept as a decision
about every report of the case. What may surprise: a moved case gets a new code, because codes count per
ward; its reports, its deadlines and the cases that were merged into it go along, so that a later split
leads nowhere else. Taking a decision back changes no case: who moved one wrongly moves it back, and that
newer decision counts instead.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from aggregator.domain import matching
from aggregator.domain.people import Actor, Right
from aggregator.domain.place_table import province_of, table
from aggregator.domain.places import lesson
from aggregator.domain.street_rules import Cause
from aggregator.domain.text import clean
from aggregator.domain.workflow import ReplyKind, Status
from aggregator.domain.worktime import VN
from aggregator.errors import InputInvalid, MoveNotAllowed
from aggregator.services import case_units, ledger, legal_matters, questions
from aggregator.services.answers import Said
from aggregator.services.cases import Cases
from aggregator.services.clock import Clock
from aggregator.services.deadlines import Deadlines
from aggregator.services.frame import Frame, not_found, require
from aggregator.services.learning import Learning
from aggregator.services.ledger import Draft
from aggregator.services.routing import is_todays
from aggregator.services.rules import Book, Rules
from aggregator.services.taking_back import Guided
from aggregator.services.views.streets import DecisionView, StreetView
from aggregator.storage import (
    case_queries,
    ledger_queries,
    match_queries,
    notice_queries,
    report_queries,
    street_queries,
)
from aggregator.storage.db import Database, Tx
from aggregator.storage.search_queries import search_marks

MAX_ADDRESS = 300
#: Decisions that the page of streets shows.
SHOWN = 500


@dataclass(frozen=True, slots=True)
class _Ward:
    """A ward of today, served here or not."""

    code: str
    name: str


class Placing:
    """The verbs on where a case belongs."""

    def __init__(self, db: Database, rules: Rules, cases: Cases, clocks: Deadlines, clock: Clock) -> None:
        self._db = db
        self._rules = rules
        self._cases = cases
        self._clocks = clocks
        self._clock = clock
        self._learning = Learning()
        self._do = Frame(db, clock).do

    def move(
        self,
        actor: Actor,
        case_id: int,
        ward_code: str,
        *,
        version: int | None = None,
        once: str | None = None,
    ) -> str:
        """Give an open case to another ward of this installation; its code there."""
        with self._db.read() as tx:
            name = self._rules.book(tx).wards.get(ward_code)
        if name is None:
            raise _wrong_ward(f"ward {ward_code} is not served here")

        def act(tx: Tx, case: Any, now: datetime) -> str:
            if case.ward_code == ward_code:
                raise _wrong_ward("the case is in that ward already")
            _check_open(case)
            # What a denouncer told goes to nobody else before a person has said what it is.
            legal_matters.check_decided(case)
            book = self._rules.book(tx)
            reports = report_queries.in_case_ids(tx, self._members(tx, case_id))
            self._decide(tx, actor, case, reports, _Ward(ward_code, name), Cause.MOVED, now)
            case_units.end_all(tx, self._clocks, actor, case, now)
            code = _hand_over(tx, book, case, ward_code, now)
            _carry_reports(tx, case.ward_code, ward_code, reports)
            questions.refresh(tx, [case.id])
            notice_queries.forget_case(tx, case.id)  # whoever was told sees it no more
            wards = {"ward_from": book.wards[case.ward_code], "ward_to": name}
            told = wards | {"code_from": case.code, "code_to": code}
            ledger.append(tx, [
                Draft(case.ward_code, "ward_left", now, told, case.id, actor.id),
                Draft(ward_code, "ward_came", now, told, case.id, actor.id),
            ])  # fmt: skip
            return code

        def merged(tx: Tx) -> list[int]:
            return _merged_under(tx, case_id)

        return str(self._do(actor, case_id, version, once, act, merged, [ward_code]))

    def guide(
        self, actor: Actor, case_id: int, ward_code: str, body: str,
        *, version: int | None = None, once: str | None = None,
    ) -> int:  # fmt: skip
        """Tell the citizen that the matter is another ward's, and close the case; the reply's id."""
        ward = _ward_of_today(ward_code)

        def act(tx: Tx, case: Any, now: datetime) -> int:
            if case.ward_code == ward.code:
                raise _wrong_ward("that is the case's own ward")
            _check_open(case)
            reports = report_queries.in_case_ids(tx, self._members(tx, case_id))
            decisions = self._decide(tx, actor, case, reports, ward, Cause.GUIDED, now)
            said = Said(ReplyKind.REFUSAL, body)
            guided = Guided({row.id: row.place_guess for row in reports}, decisions)
            return self._cases.answer(tx, actor, case, said, now, guided)

        return int(self._do(actor, case_id, version, once, act))

    def confirm(
        self, actor: Actor, case_id: int, *, version: int | None = None, once: str | None = None
    ) -> None:
        """The case belongs where it is: its page asks no more."""

        def act(tx: Tx, case: Any, now: datetime) -> None:
            reports = report_queries.in_case_ids(tx, self._members(tx, case_id))
            ward = _Ward(case.ward_code, self._rules.book(tx).wards[case.ward_code])
            self._decide(tx, actor, case, reports, ward, Cause.CONFIRMED, now)
            case_queries.change(tx, case_id, unread=False)
            told = {"ward": ward.name, "reports": [row.id for row in reports]}
            ledger.record(tx, case, "ward_confirmed", actor, now, told)

        self._do(actor, case_id, version, once, act)

    def correct(
        self, actor: Actor, case_id: int, address: str, *, version: int | None = None, once: str | None = None
    ) -> None:
        """Set where the case is, in the officer's words; the reports keep what citizens wrote."""
        words = " ".join(clean(address).split())
        if not words or len(words) > MAX_ADDRESS:
            raise InputInvalid(
                f"an address has 1 to {MAX_ADDRESS} characters", field="address",
                message_vi=f"Hãy nhập địa chỉ, tối đa {MAX_ADDRESS} ký tự.",
            )  # fmt: skip

        def act(tx: Tx, case: Any, now: datetime) -> None:
            reports = report_queries.in_case_ids(tx, self._members(tx, case_id))
            ward = _Ward(case.ward_code, self._rules.book(tx).wards[case.ward_code])
            self._decide(tx, actor, case, reports, ward, Cause.CORRECTED, now, address=words)
            case_queries.change(tx, case_id, address=words)
            told = {"reports": [row.id for row in reports]}
            ledger.record(tx, case, "address_corrected", actor, now, told)

        self._do(actor, case_id, version, once, act)

    # What was learned

    def streets(self, actor: Actor) -> tuple[StreetView, ...]:
        """What the officers of the wards that this person sees have decided, the newest street first."""
        require(actor, Right.HANDLE)
        with self._db.read() as tx:
            rows = street_queries.latest(tx, actor.ward, SHOWN)
            wards = self._rules.book(tx).wards
        groups: dict[tuple[str, str], list[Any]] = defaultdict(list)
        for row in rows:
            groups[row.old_name or wards.get(row.sent_to, row.sent_to), row.street].append(row)
        return tuple(
            StreetView(group[0].written, about, tuple(_decision(actor, row) for row in group))
            for (about, _), group in groups.items()
        )

    def withdraw(self, actor: Actor, decision_id: int) -> None:
        """The decision teaches nothing from now on. Taking it back twice changes nothing more."""
        require(actor, Right.HANDLE)
        with self._db.write() as tx:
            row = street_queries.decision(tx, decision_id)
            if row is None or not actor.sees(row.ward_code):
                raise not_found()
            ledger.lock(tx, [row.ward_code])
            now = self._clock()
            if street_queries.withdraw(tx, decision_id, now, actor.id):
                told = {"decision": decision_id, "street": row.written}
                ledger.append(
                    tx, [Draft(row.ward_code, "street_withdrawn", now, told, row.case_id, actor.id)]
                )

    # Deciding

    def _members(self, tx: Tx, case_id: int) -> list[int]:
        return [row.report_id for row in case_queries.living(tx, case_id)]

    def _decide(
        self, tx: Tx, actor: Actor, case: Any, reports: Sequence[Any], ward: _Ward, cause: Cause,
        now: datetime, *, address: str | None = None,
    ) -> list[int]:  # fmt: skip
        """Keep the decision for each report, with what it teaches; none of them is asked about again.
        The decisions' ids."""
        book, learned = self._rules.book(tx), self._learning.learned(tx, now)
        # A ward that is not the country's ward of its code teaches nothing by that code.
        known = ward.code not in book.wards or is_todays(ward.code, book.wards)
        province = province_of(ward.code) if known else None
        kept = []
        for row in reports:
            texts = (address or row.address, row.area, row.subject, row.body)
            found = province and lesson(
                *texts, province=province, ward_code=ward.code, streets=learned.streets
            )
            kept.append(street_queries.put(tx, {
                "at": now, "officer_id": actor.id, "ward_code": case.ward_code, "case_id": case.id,
                "report_id": row.id, "kind": cause.value, "sent_to": row.sent_to,
                "old_code": found.old[0] if found and found.old else None,
                "old_name": found.old[1] if found and found.old else None,
                "street": found.street if found else None, "written": found.written if found else None,
                "house": found.house if found else None,
                "decided_code": ward.code, "decided_name": ward.name,
            }))  # fmt: skip
        report_queries.update_reports(tx, [{"id": row.id, "place_guess": None} for row in reports])
        return kept


def _hand_over(tx: Tx, book: Book, case: Any, ward: str, now: datetime) -> str:
    """The case and what was merged into it, in the other ward, under new codes; the case's own."""
    merged = _merged_under(tx, case.id)
    year = now.astimezone(VN).year % 100
    first = ledger_queries.take_case_numbers(tx, year, {ward: 1 + len(merged)})[ward]
    codes = [f"{year:02}-{number:05}" for number in range(first, first + 1 + len(merged))]
    # What was begun there was begun by others: here it is new, unless it waits for somebody.
    begun = case.status in (Status.ACCEPTED, Status.IN_PROGRESS)
    case_queries.change(
        tx, case.id, ward_code=ward, code=codes[0], unread=True,
        officer_id=book.officer_for(ward, case.category_code),
        unit_id=book.unit_for.get((ward, case.category_code)) if case.category_code else None,
        status=Status.NEW.value if begun else case.status,
    )  # fmt: skip
    for case_id, code in zip(merged, codes[1:], strict=True):
        case_queries.change(tx, case_id, ward_code=ward, code=code, officer_id=None, unit_id=None)
    return codes[0]


def _merged_under(tx: Tx, case_id: int) -> list[int]:
    """The cases whose reports all live in this one, and those merged into them before."""
    members = [row.report_id for row in case_queries.living(tx, case_id)]
    earlier = {one for homes in case_queries.earlier_cases(tx, members).values() for one in homes}
    rows = case_queries.rows(tx, earlier)
    under = {case_id}
    while more := {one for one, row in rows.items() if row.merged_into in under} - under:
        under |= more
    return sorted(under - {case_id})


def _carry_reports(tx: Tx, before: str, ward: str, reports: Sequence[Any]) -> None:
    """Reports are found, and compared with new ones, in the ward where they are now."""
    report_queries.update_reports(tx, [
        {
            "id": row.id, "ward_code": ward,
            "search_text": f"{row.search_text.removesuffix(search_marks(before, row.id))}"
            f"{search_marks(ward, row.id)}",
        }
        for row in reports
    ])  # fmt: skip
    ids = [row.id for row in reports]
    traits = [replace(one, ward=ward) for one in match_queries.stored_traits(tx, ids).values()]
    match_queries.delete_traits(tx, ids)
    match_queries.insert_traits(tx, traits, {one.report_id: matching.keys(one) for one in traits})


def _decision(actor: Actor, row: Any) -> DecisionView:
    return DecisionView(
        id=row.id, at=row.at, who=row.who, case_code=row.code,
        case_id=row.case_id if actor.sees(row.seen_in) else None, house=row.house, ward=row.decided_name,
        cause=row.kind,
    )  # fmt: skip


def _ward_of_today(code: str) -> _Ward:
    places = table(province_of(code) or "")
    if places is None:
        raise _wrong_ward(f"no ward of today has the code {code}")
    return _Ward(code, places.wards[code].name)


def _check_open(case: Any) -> None:
    if not case.is_open:
        raise MoveNotAllowed("the case is closed", message_vi="Vụ việc đã kết thúc nên không chuyển được.")


def _wrong_ward(message: str) -> InputInvalid:
    return InputInvalid(message, field="ward", message_vi="Hãy chọn một phường, xã khác để chuyển vụ việc.")
