"""Who else is competent: the list of bodies outside the ward, and the refusal that names the right one.

    case | the bodies of its field first | a prepared text | the officer edits it | the answer to every source

An administrator keeps the list. What may surprise: nothing is forwarded. The ward has no channel to these
bodies; the citizen is told where to go, by the ordinary answer, and the case is closed as refused.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aggregator.domain.people import Actor, Right
from aggregator.domain.text import clean
from aggregator.domain.workflow import ReplyKind
from aggregator.errors import InputInvalid, MoveNotAllowed, NotFound, StaleWrite
from aggregator.services import ledger, typed
from aggregator.services.answers import Said
from aggregator.services.cases import Cases
from aggregator.services.clock import Clock
from aggregator.services.frame import Frame, require, seen
from aggregator.services.guidance import directed_to, within
from aggregator.services.ledger import SYSTEM, Draft
from aggregator.services.rules import Rules
from aggregator.storage import body_queries, request_queries
from aggregator.storage.db import Database, Tx

MOST_NAME, MOST_CONTACT = 120, 300
#: Names that are suggested: of those used before, and of other wards (a province has fewer).
MOST_USED, MOST_WARDS = 20, 200


@dataclass(frozen=True, slots=True)
class BodyView:
    """One body. `text`: what a citizen would be told, where it is offered for a case."""

    id: int
    ward_code: str | None
    name: str
    contact: str
    categories: tuple[str, ...]
    active: bool
    version: int
    #: Whether it answers for the field of the case at hand.
    fits: bool = False
    text: str = ""


class Bodies:
    """The verbs on bodies, and the refusal that names one."""

    def __init__(self, db: Database, rules: Rules, cases: Cases, clock: Clock) -> None:
        self._db = db
        self._rules = rules
        self._cases = cases
        self._clock = clock
        self._do = Frame(db, clock).do

    def list(self, actor: Actor) -> tuple[BodyView, ...]:
        """All that this administrator keeps, those in use first."""
        require(actor, Right.OPERATE)
        with self._db.read() as tx:
            return tuple(_view(row) for row in body_queries.offered(tx, actor.ward))

    def put(
        self, actor: Actor, body_id: int | None, name: str, contact: str, categories: Collection[str], *,
        active: bool = True, version: int | None = None, once: str | None = None,
    ) -> None:  # fmt: skip
        """A new body (None), or another wording of one; `active` False: it is offered no longer."""
        require(actor, Right.OPERATE)
        values = {
            "name": typed.line(name, MOST_NAME, "name", "tên cơ quan"),
            "contact": " ".join(clean(contact).split())[:MOST_CONTACT], "active": active,
            "categories": sorted(set(categories)),
        }  # fmt: skip
        with self._db.write() as tx:
            ledger.lock(tx, [SYSTEM])
            if request_queries.result_of(tx, once, actor.id) is not None:
                return
            now = self._clock()
            if set(categories) - set(self._rules.book(tx).category_names):
                raise InputInvalid("no such category", field="categories")
            if body_id is None:
                body_queries.insert_bodies(tx, [values | {"ward_code": actor.ward}])
            else:
                _check(body_queries.body(tx, body_id), actor, version)
                body_queries.change(tx, body_id, **values)
            told = {"body": body_id, "ward": actor.ward} | values
            ledger.append(tx, [Draft(SYSTEM, "body_set", now, told, officer_id=actor.id or None)])
            request_queries.remember(tx, once, actor.id, now, {"result": None})

    def offered(self, actor: Actor, case_id: int) -> tuple[BodyView, ...]:
        """The bodies that an answer of this case may name, those of its field first, with the text."""
        require(actor, Right.HANDLE)
        with self._db.read() as tx:
            return self._offered(tx, seen(tx, actor, case_id))

    def _offered(self, tx: Tx, case: Any) -> tuple[BodyView, ...]:
        own = self._rules.book(tx).wards[case.ward_code]
        views = [
            _view(
                row, fits=case.category_code in row.categories, text=directed_to(own, row.name, row.contact)
            )
            for row in body_queries.offered(tx, case.ward_code)
            if row.active
        ]
        return tuple(sorted(views, key=lambda view: not view.fits))

    def known(self, actor: Actor, case_id: int) -> tuple[str, ...]:
        """Names to suggest for who goes on with a case: those that this ward named before, the newest
        first, then the bodies of its list, those of the case's field first, then the other wards."""
        require(actor, Right.HANDLE)
        with self._db.read() as tx:
            case = seen(tx, actor, case_id)
            used = body_queries.handed_to(tx, case.ward_code, MOST_USED)
            offered = [one.name for one in self._offered(tx, case)]
            wards = {
                code: name for code, name in self._rules.book(tx).wards.items() if code != case.ward_code
            }
        others = (f"Ủy ban nhân dân {within(name)}" for name in sorted(wards.values())[:MOST_WARDS])
        return tuple(dict.fromkeys([*used, *offered, *others]))

    def refuse(
        self, actor: Actor, case_id: int, body_id: int, text: str, *,
        version: int | None = None, once: str | None = None,
    ) -> int:  # fmt: skip
        """Tell every source whose matter it is, and close the case; the reply's id."""

        def act(tx: Tx, case: Any, now: datetime) -> int:
            body = body_queries.body(tx, body_id)
            if body is None or not body.active or body.ward_code not in (None, case.ward_code):
                raise InputInvalid(
                    "no such body", field="body_id", message_vi="Hãy chọn một cơ quan trong danh sách."
                )
            if not case.is_open:
                raise MoveNotAllowed("the case is closed", message_vi="Vụ việc đã kết thúc.")
            told = {"body_id": body_id, "body": body.name}
            ledger.record(tx, case, "wrong_jurisdiction", actor, now, told)
            return self._cases.answer(tx, actor, case, Said(ReplyKind.REFUSAL, text), now)

        return int(self._do(actor, case_id, version, once, act))


def _check(row: Any, actor: Actor, version: int | None) -> None:
    if row is None or (actor.ward is not None and row.ward_code != actor.ward):
        raise NotFound("no such body", message_vi="Không có cơ quan này.")
    if version is not None and row.version != version:
        raise StaleWrite(
            f"body {row.id} has changed since the page was drawn",
            message_vi="Cơ quan này vừa được người khác sửa. Hãy xem lại rồi thực hiện tiếp.",
        )


def _view(row: Any, *, fits: bool = False, text: str = "") -> BodyView:
    return BodyView(
        row.id, row.ward_code, row.name, row.contact, tuple(row.categories), row.active, row.version, fits,
        text,
    )  # fmt: skip
