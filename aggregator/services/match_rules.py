"""By which thresholds each ward and category is judged: looking at them, setting them, taking them back.

Promise: a change touches new judgements only. It is a new row with its instant, its person and its
reason, and an entry of the installation's own ledger chain (which is also how every process hears of
it). What may surprise: somebody of one ward sets that ward's thresholds only, and sees those that every
ward shares because they hold for it, too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aggregator.domain.match_rule import DEFAULT, Thresholds, checked
from aggregator.domain.people import Actor, Right
from aggregator.domain.text import clean
from aggregator.errors import InputInvalid, NotFound
from aggregator.services import ledger
from aggregator.services.clock import Clock
from aggregator.services.frame import require
from aggregator.services.ledger import SYSTEM, Draft
from aggregator.services.rules import Book, Rules, thresholds_in_force
from aggregator.storage import inbox_queries, match_rule_queries, request_queries
from aggregator.storage.db import Database, Tx

#: Changes that are shown, newest first.
HISTORY = 50
WHY_MOST = 500


@dataclass(frozen=True, slots=True)
class Scope:
    """Where thresholds hold: None is every ward, every category."""

    ward: str | None
    category: str | None


@dataclass(frozen=True, slots=True)
class ThresholdsView:
    """What holds in one scope, since when, by whom and why; no `valid_from` where it is the product's own."""

    scope: Scope
    ward_name: str | None
    category_vi: str | None
    category_en: str | None
    values: Thresholds
    valid_from: datetime | None
    who: str | None
    why: str
    #: Whether the person who asks may change it.
    mine: bool


@dataclass(frozen=True, slots=True)
class ChangeView:
    """One change; `values` None took the scope's thresholds back."""

    scope: Scope
    ward_name: str | None
    category_vi: str | None
    category_en: str | None
    values: Thresholds | None
    at: datetime
    who: str | None
    why: str


class MatchRules:
    """The thresholds of matching."""

    def __init__(self, db: Database, rules: Rules, clock: Clock) -> None:
        self._db = db
        self._rules = rules
        self._clock = clock

    def thresholds(self, actor: Actor) -> tuple[ThresholdsView, ...]:
        """All that hold for somebody of this ward, the product's own last."""
        with self._db.read() as tx:
            rows = [row for row in match_rule_queries.newest_thresholds(tx) if row.same is not None]
            book, names = self._rules.book(tx), _names(tx, rows)
        shown = [row for row in rows if row.ward_code is None or actor.sees(row.ward_code)]
        shown.sort(key=lambda row: (row.ward_code or "", row.category_code or ""), reverse=True)
        found = [
            ThresholdsView(
                **_scope(book, row), values=_values(row), valid_from=row.valid_from,
                who=names.get(row.officer_id), why=row.why, mine=_may_set(actor, row.ward_code),
            )
            for row in shown
        ]  # fmt: skip
        if all(view.scope != Scope(None, None) for view in found):
            found.append(
                ThresholdsView(Scope(None, None), None, None, None, DEFAULT.thresholds, None, None, "",
                               mine=_may_set(actor, None))
            )  # fmt: skip
        return tuple(found)

    def changes(self, actor: Actor) -> tuple[ChangeView, ...]:
        """What was changed, newest first."""
        with self._db.read() as tx:
            rows = match_rule_queries.changes(tx, actor.ward, HISTORY)
            book, names = self._rules.book(tx), _names(tx, rows)
        return tuple(
            ChangeView(
                **_scope(book, row), values=_values(row) if row.same is not None else None,
                at=row.valid_from, who=names.get(row.officer_id), why=row.why,
            )
            for row in rows
        )  # fmt: skip

    def holding(self, actor: Actor, scope: Scope) -> Thresholds:
        """What holds in this scope now; `NotFound` for a ward that the person does not see."""
        with self._db.read() as tx:
            book = self._rules.book(tx)
        _known(book, actor, scope)
        return book.matching.rule(scope.ward, scope.category).thresholds

    def set(
        self, actor: Actor, scope: Scope, *, same: float | None = None, unsure: float | None = None,
        cap: int | None = None, window_days: int | None = None, why: str, once: str | None = None,
    ) -> None:  # fmt: skip
        """From now on these hold in `scope`; what is not given stays as it is there.

        `InputInvalid` where a value is out of bounds or no reason is given, `NotFound` for a ward that
        the person does not see.
        """

        def values(tx: Tx, book: Book) -> Thresholds:
            return proposed(book, scope, same=same, unsure=unsure, cap=cap, window_days=window_days)

        self._change(actor, scope, values, why, once)

    def unset(self, actor: Actor, scope: Scope, *, why: str, once: str | None = None) -> None:
        """From now on what is less specific holds there again; `InputInvalid` where nothing was set."""

        def nothing(tx: Tx, book: Book) -> None:
            if (scope.ward, scope.category) not in thresholds_in_force(tx):
                raise InputInvalid(
                    "no thresholds are set there", hint="see motmoi match thresholds list",
                    message_vi="Phạm vi này chưa đặt ngưỡng riêng.",
                )  # fmt: skip

        self._change(actor, scope, nothing, why, once)

    def _change(
        self, actor: Actor, scope: Scope, values: Callable[[Tx, Book], Thresholds | None], why: str,
        once: str | None,
    ) -> None:  # fmt: skip
        require(actor, Right.TUNE)
        reason = reason_of(why)
        with self._db.write() as tx:
            ledger.lock(tx, [SYSTEM])
            if request_queries.result_of(tx, once, actor.id) is not None:
                return
            now = self._clock()
            book = self._check(tx, actor, scope)
            self._record(tx, actor, scope, values(tx, book), reason, now)
            request_queries.remember(tx, once, actor.id, now, {"result": None})

    def check(self, actor: Actor, scope: Scope) -> None:
        """`NotFound` or `NotAllowed` where this person may not set thresholds there."""
        with self._db.read() as tx:
            self._check(tx, actor, scope)

    def _check(self, tx: Tx, actor: Actor, scope: Scope) -> Book:
        book = self._rules.book(tx)
        _known(book, actor, scope)
        if not _may_set(actor, scope.ward):
            raise InputInvalid(
                "only somebody of every ward changes what every ward shares", field="ward",
                hint="name your ward", message_vi="Hãy chọn phường, xã của mình: ngưỡng chung của mọi "
                "phường, xã do quản trị toàn hệ thống đặt.",
            )  # fmt: skip
        return book

    def _record(
        self, tx: Tx, actor: Actor, scope: Scope, values: Thresholds | None, why: str, now: datetime
    ) -> None:
        told = {
            "same": values.same, "unsure": values.unsure, "cap": values.cap, "window_days": values.window_days
        } if values else {"same": None, "unsure": None, "cap": None, "window_days": None}  # fmt: skip
        number = match_rule_queries.insert_thresholds(
            tx,
            {
                "ward_code": scope.ward, "category_code": scope.category, **told, "valid_from": now,
                "officer_id": actor.id or None, "why": why,
            },
        )  # fmt: skip
        data = {"number": number, "ward": scope.ward, "category": scope.category, **told, "why": why}
        kind = "thresholds_set" if values else "thresholds_taken_back"
        ledger.append(tx, [Draft(SYSTEM, kind, now, data, officer_id=actor.id or None)])


def proposed(
    book: Book, scope: Scope, *, same: float | None, unsure: float | None, cap: int | None,
    window_days: int | None,
) -> Thresholds:  # fmt: skip
    """What holds in `scope` with the given values put in; `InputInvalid` where it is out of bounds."""
    now = book.matching.rule(scope.ward, scope.category).thresholds
    return checked(
        Thresholds(
            same=now.same if same is None else same,
            unsure=now.unsure if unsure is None else unsure,
            cap=now.cap if cap is None else cap,
            window_days=now.window_days if window_days is None else window_days,
            sensitive=now.sensitive,
        )
    )


def reason_of(why: str) -> str:
    """The person's reason, cleaned; `InputInvalid` where there is none."""
    words = " ".join(clean(why).split())
    if not words:
        raise InputInvalid("no reason is given", field="why", message_vi="Hãy nhập lý do thay đổi.")
    return words[:WHY_MOST]


def _known(book: Book, actor: Actor, scope: Scope) -> None:
    if scope.ward is not None and (scope.ward not in book.wards or not actor.sees(scope.ward)):
        raise NotFound(f"no ward {scope.ward}", message_vi="Không có phường, xã này.")
    if scope.category is not None and scope.category not in book.category_names:
        raise NotFound(f"no category {scope.category}", message_vi="Không có lĩnh vực này.")


def _may_set(actor: Actor, ward: str | None) -> bool:
    return actor.may(Right.TUNE) and (actor.ward is None or actor.ward == ward)


def _values(row: Any) -> Thresholds:
    return Thresholds(row.same, row.unsure, row.cap, row.window_days, number=row.id)


def _scope(book: Book, row: Any) -> dict[str, Any]:
    vi, en = book.category_names.get(row.category_code, (None, None))
    return {
        "scope": Scope(row.ward_code, row.category_code), "ward_name": book.wards.get(row.ward_code),
        "category_vi": vi, "category_en": en,
    }  # fmt: skip


def _names(tx: Tx, rows: Any) -> dict[int, str]:
    return inbox_queries.officer_names(tx, (row.officer_id for row in rows))
