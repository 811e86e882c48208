"""Who handles which field: units and officers of a ward, the suggestion that follows, and what is left open.

    category | unit that answers for it | officer who handles it | away? who stands in | words

An arriving case goes to the unit of its category and, where exactly one officer handles that field, to
them; two share it out themselves. What may surprise: a field without an officer of its own is handled by
the people of its unit; it is open only where none of them is there, nor anybody for them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aggregator.domain.cover import unattended, until_en, until_vi
from aggregator.domain.people import Actor, Role
from aggregator.domain.text import clean
from aggregator.errors import InputInvalid, NotAllowed, NotFound
from aggregator.services import cover, ledger
from aggregator.services.absences import AHEAD
from aggregator.services.clock import Clock
from aggregator.services.cover import Duty
from aggregator.services.cover_views import FieldGapView, OwnerSuggestion, PersonView, UnitView
from aggregator.services.ledger import SYSTEM, Draft
from aggregator.services.rules import Book, Rules
from aggregator.storage import cover_queries, inbox_queries, place_queries, request_queries
from aggregator.storage.db import Database, Tx

MOST_NAME = 120


@dataclass(frozen=True, slots=True)
class FieldBoard:
    """The page of who handles what, in the wards that this person sees."""

    units: tuple[UnitView, ...]
    people: tuple[PersonView, ...]
    gaps: tuple[FieldGapView, ...]
    wards: tuple[tuple[str, str], ...]


class Fields:
    """The verbs on who handles what."""

    def __init__(self, db: Database, rules: Rules, clock: Clock) -> None:
        self._db = db
        self._rules = rules
        self._clock = clock

    def board(self, actor: Actor) -> FieldBoard:
        """Units, officers and their fields, and what nobody answers for."""
        now = self._clock()
        with self._db.read() as tx:
            book = self._rules.book(tx)
            wards = sorted(code for code in book.wards if actor.sees(code))
            people = cover_queries.people(tx, wards)
            units = [row for row in place_queries.all_units(tx) if row.active and row.ward_code in wards]
            gaps = _gaps(tx, book, wards, people, now)
        return FieldBoard(
            units=tuple(
                UnitView(
                    row.id, row.ward_code, row.name, tuple(row.categories),
                    tuple(one.name for one in people if one.unit_id == row.id),
                )
                for row in units
            ),
            people=tuple(
                PersonView(
                    one.id, one.login, one.name, one.role, one.ward_code, one.unit_id, one.unit,
                    tuple(code for (ward, code), who in book.officers_for.items()
                          if ward == one.ward_code and one.id in who),
                )
                for one in people
            ),
            gaps=gaps,
            wards=tuple((code, book.wards[code]) for code in wards),
        )  # fmt: skip

    def check(
        self, actor: Actor, *, ward: str | None = None, on: datetime | None = None
    ) -> tuple[FieldGapView, ...]:
        """The fields that nobody answers for from `on` (now) and two weeks on, each with when and why."""
        with self._db.read() as tx:
            book = self._rules.book(tx)
            if ward is not None and (ward not in book.wards or not actor.sees(ward)):
                raise NotFound(f"no ward {ward}", message_vi="Không có phường, xã này.")
            wards = [ward] if ward else sorted(code for code in book.wards if actor.sees(code))
            return _gaps(tx, book, wards, cover_queries.people(tx, wards), on or self._clock())

    def set_officer(
        self, actor: Actor, officer_id: int, codes: Collection[str], *, once: str | None = None
    ) -> None:
        """The officer handles these fields from now on, and no others."""

        def act(tx: Tx, book: Book, now: datetime) -> Draft:
            person = _person(tx, actor, officer_id)
            chosen = _known(book, codes)
            cover_queries.set_fields(tx, officer_id, chosen)
            told = {"officer": officer_id, "ward": person.ward_code, "categories": chosen}
            return Draft(SYSTEM, "fields_set", now, told, officer_id=actor.id or None)

        self._change(actor, once, act)

    def set_unit(
        self, actor: Actor, ward: str, name: str, codes: Collection[str], *, once: str | None = None
    ) -> None:
        """The unit is there and answers for these fields, which no other unit of the ward does then."""
        words = " ".join(clean(name).split())
        if not words or len(words) > MOST_NAME:
            raise InputInvalid(
                f"a unit's name has 1 to {MOST_NAME} characters", field="name",
                message_vi=f"Hãy nhập tên đơn vị, tối đa {MOST_NAME} ký tự.",
            )  # fmt: skip

        def act(tx: Tx, book: Book, now: datetime) -> Draft:
            if ward not in book.wards or not actor.sees(ward):
                raise NotFound(f"no ward {ward}", message_vi="Không có phường, xã này.")
            chosen = _known(book, codes)
            for row in place_queries.all_units(tx):
                if row.ward_code == ward and row.name != words and set(row.categories) & set(chosen):
                    left = [code for code in row.categories if code not in chosen]
                    place_queries.put_unit(tx, ward, row.name, left)
            unit_id = place_queries.put_unit(tx, ward, words, chosen)
            told = {"unit": unit_id, "ward": ward, "name": words, "categories": chosen}
            return Draft(SYSTEM, "unit_set", now, told, officer_id=actor.id or None)

        self._change(actor, once, act)

    def _change(self, actor: Actor, once: str | None, act: Callable[[Tx, Book, datetime], Draft]) -> None:
        if actor.role is Role.OFFICER:
            raise NotAllowed(
                "leaders and administrators say who handles what",
                message_vi="Chỉ lãnh đạo hoặc quản trị viên mới phân công lĩnh vực.",
            )
        with self._db.write() as tx:
            ledger.lock(tx, [SYSTEM])
            if request_queries.result_of(tx, once, actor.id) is not None:
                return
            now = self._clock()
            ledger.append(tx, [act(tx, self._rules.book(tx), now)])
            request_queries.remember(tx, once, actor.id, now, {"result": None})


def suggest(tx: Tx, book: Book, ward: str, category: str | None, duty: Duty) -> OwnerSuggestion | None:
    """Who should have a case of this field, and why; None where the case has no field."""
    if category is None:
        return None
    vi, en = book.category_names[category]
    unit_id = book.unit_for.get((ward, category))
    handlers = book.officers_for.get((ward, category), ())
    units = inbox_queries.unit_names(tx, [unit_id] if unit_id is not None else [])
    names = inbox_queries.officer_names(tx, handlers)
    unit = units.get(unit_id) if unit_id is not None else None
    told_vi = [f"{unit} phụ trách lĩnh vực {vi}." if unit else f"Chưa đơn vị nào phụ trách lĩnh vực {vi}."]
    told_en = [f"{unit} answers for {en}." if unit else f"No unit answers for {en} yet."]
    if len(handlers) > 1:
        told_vi.append(f"{', '.join(names.values())} cùng phụ trách, tự phân công.")
        told_en.append(f"{', '.join(names.values())} share it out themselves.")
    elif handlers:
        told_vi.append(_handles_vi(names[handlers[0]], handlers[0], duty))
        told_en.append(_handles_en(names[handlers[0]], handlers[0], duty))
    return OwnerSuggestion(
        unit_id, unit, handlers[0] if len(handlers) == 1 else None,
        names[handlers[0]] if len(handlers) == 1 else None, " ".join(told_vi), " ".join(told_en),
    )  # fmt: skip


def _handles_vi(name: str, officer_id: int, duty: Duty) -> str:
    away = duty.cover(officer_id)
    if away is None:
        return f"{name} phụ trách."
    stands_in = f"{away.name} trực thay" if away.name else "không ai trực thay"
    return f"{name} phụ trách; đang nghỉ đến {until_vi(away.until)}, {stands_in}."


def _handles_en(name: str, officer_id: int, duty: Duty) -> str:
    away = duty.cover(officer_id)
    if away is None:
        return f"{name} handles it."
    stands_in = f"{away.name} stands in" if away.name else "nobody stands in"
    return f"{name} handles it; away until {until_en(away.until)}, {stands_in}."


def _gaps(
    tx: Tx, book: Book, wards: Sequence[str], people: Sequence[Any], start: datetime
) -> tuple[FieldGapView, ...]:
    """Of wards that have anybody at all: where nobody works yet, every field is open."""
    end = start + AHEAD
    rows = cover_queries.living(tx, wards[0] if len(wards) == 1 else None, start, end)
    rota, names = cover.rota(rows), {one.id: one.name for one in people}
    found = []
    for ward in wards:
        for gap in unattended(rota, _responsible(book, ward, people), start, end):
            vi, en = book.category_names[gap.category]
            away = tuple(names[one] for one in gap.people if one in names)
            found.append(FieldGapView(ward, gap.category, vi, en, gap.start, gap.end, away))
    return tuple(found)


def _responsible(book: Book, ward: str, people: Sequence[Any]) -> dict[str, tuple[int, ...]]:
    """Category -> who handles it in this ward: its own officers, else its unit's people."""
    of_unit: dict[int | None, list[int]] = defaultdict(list)
    for one in people:
        if one.ward_code == ward:
            of_unit[one.unit_id].append(one.id)
    if not of_unit:
        return {}
    return {
        code: book.officers_for.get((ward, code))
        or tuple(of_unit.get(book.unit_for.get((ward, code), 0), ()))
        for code in book.category_names
    }


def _person(tx: Tx, actor: Actor, officer_id: int) -> Any:
    people = cover_queries.people(tx, None if actor.ward is None else [actor.ward])
    found = next((one for one in people if one.id == officer_id), None)
    if found is None:
        raise NotFound("no such officer", message_vi="Không có cán bộ này.")
    return found


def _known(book: Book, codes: Collection[str]) -> list[str]:
    unknown = sorted(set(codes) - set(book.category_names))
    if unknown:
        raise InputInvalid(
            f"no category {unknown[0]!r}", field="fields", message_vi="Hãy chọn lĩnh vực trong danh sách."
        )
    return sorted(set(codes))
