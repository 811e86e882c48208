"""Deadline rules as an office edits them: added, changed, given up, applied or not, confirmed.

    what a person says | made into a rule, or refused in words | the next version; the last one is retired
                       | the installation's chain hears of it, and every process with it

Promise: a version is never edited, so a deadline keeps the words it was counted under, and a change touches
new reports only (I6). Counting open cases again is a request of its own, seen first and then done in the
background, each report's change an event of its clock. What may surprise: confirming a rule is a new
version too, because what a rule rests on is part of what it says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from aggregator.domain.people import Actor, Right
from aggregator.domain.sla import Policy, Step
from aggregator.errors import InputInvalid, NotAllowed, NotFound, StaleWrite
from aggregator.services import ledger, recounts
from aggregator.services.clock import Clock
from aggregator.services.frame import require
from aggregator.services.ledger import SYSTEM, Draft
from aggregator.services.match_rules import reason_of
from aggregator.services.recounts import Recounted, Scope
from aggregator.services.rule_proposals import new_key, proposed, stored
from aggregator.services.rules import Rules, policy_of
from aggregator.services.views.deadline_rules import MoveView, PolicyView, RecountPreview, RuleHistory
from aggregator.storage import (
    channel_queries,
    inbox_queries,
    place_queries,
    policy_queries,
    recount_queries,
    request_queries,
)
from aggregator.storage.db import Database, Tx

#: Cases that a preview counts, and shows on one page.
MOST_PREVIEWED, PER_PAGE = 20_000, 25


class Rulebook:
    """The deadline rules of the installation."""

    def __init__(self, db: Database, rules: Rules, clock: Clock) -> None:
        self._db = db
        self._rules = rules
        self._clock = clock

    # Looking ----------------------------------------------------------------------------------------

    def rules(self, actor: Actor) -> tuple[RuleHistory, ...]:
        """Every rule with its versions: those that hold first, then those shipped and not applied, then
        those given up; within each by step and by key. All who sign in may look: it is what they work by."""
        with self._db.read() as tx:
            views = _views(tx, place_queries.all_policies(tx))
        by_key: dict[str, list[PolicyView]] = {}
        for view in views:
            by_key.setdefault(view.policy.key, []).append(view)
        found = [
            RuleHistory(key, tuple(sorted(each, key=lambda view: -view.policy.version)))
            for key, each in by_key.items()
        ]
        return tuple(sorted(found, key=_place))

    def rule(self, actor: Actor, key: str) -> RuleHistory:
        """One rule with its versions, newest first; `NotFound` where there is none of this key."""
        with self._db.read() as tx:
            rows = policy_queries.of_key(tx, key)
            if not rows:
                raise _no_rule(key)
            return RuleHistory(key, tuple(_views(tx, rows)))

    def channels(self) -> tuple[tuple[str, str], ...]:
        """The channels a rule may be about: slug, name."""
        with self._db.read() as tx:
            return tuple((row.slug, row.title) for row in channel_queries.all_channels(tx))

    # Changing ---------------------------------------------------------------------------------------

    def add(
        self, actor: Actor, said: Mapping[str, Any], *, why: str, key: str | None = None,
        once: str | None = None,
    ) -> str:  # fmt: skip
        """A new rule, applied from now on; its key. `InputInvalid` names what cannot be used."""

        def write(tx: Tx, now: datetime) -> str:
            policy = proposed(self._rules.book(tx), said)
            chosen = new_key(key or policy.name, {row.key for row in place_queries.all_policies(tx)}, key)
            self._insert(tx, actor, replace(policy, key=chosen, version=1), True, why, now)
            return chosen

        return str(self._change(actor, why, once, write))

    def change(
        self, actor: Actor, key: str, said: Mapping[str, Any], *, why: str, version: int | None = None,
        once: str | None = None,
    ) -> int:  # fmt: skip
        """The next version of a rule, with these parts changed and the others as they were; its number."""
        return self._next(actor, key, why, version, once, said=said)

    def apply(
        self, actor: Actor, key: str, applied: bool, *, why: str, version: int | None = None,
        once: str | None = None,
    ) -> int:  # fmt: skip
        """Whether the rule holds for new reports from now on; the number of the version that says so."""
        return self._next(actor, key, why, version, once, applied=applied)

    def confirm(
        self, actor: Actor, key: str, certainty: str, *, source: str | None = None, why: str,
        version: int | None = None, once: str | None = None,
    ) -> int:  # fmt: skip
        """Say how sure the office is of a rule, and by which paper; the number of that version."""
        said = {"certainty": certainty} | ({} if source is None else {"source": source})
        return self._next(actor, key, why, version, once, said=said)

    def retire(
        self, actor: Actor, key: str, *, why: str, version: int | None = None, once: str | None = None
    ) -> None:
        """Give the rule up: no new report is counted by it. Open cases keep what they were given."""

        def write(tx: Tx, now: datetime) -> None:
            row = _current(tx, key, version)
            self._retire(tx, actor, row, why, now)
            self._tell(tx, actor, "rule_retired", {"key": key, "version": row.version}, why, now)

        self._change(actor, why, once, write)

    def _next(
        self, actor: Actor, key: str, why: str, version: int | None, once: str | None, *,
        said: Mapping[str, Any] | None = None, applied: bool | None = None,
    ) -> int:  # fmt: skip
        def write(tx: Tx, now: datetime) -> int:
            row = _current(tx, key, version)
            old = policy_of(row)
            policy = proposed(self._rules.book(tx), said or {}, old)
            holds = row.applied if applied is None else applied
            if (policy, holds) == (old, row.applied):
                raise InputInvalid(
                    "nothing is different",
                    field="name",
                    message_vi="Chưa có gì thay đổi so với bản hiện tại.",
                )
            self._retire(tx, actor, row, why, now)
            self._insert(tx, actor, replace(policy, key=key, version=row.version + 1), holds, why, now)
            return int(row.version) + 1

        return int(self._change(actor, why, once, write))

    def _insert(self, tx: Tx, actor: Actor, policy: Policy, applied: bool, why: str, now: datetime) -> None:
        row = stored(policy)
        policy_queries.insert_policy(
            tx,
            {**row, "applied": applied, "made_at": now, "made_by": actor.id or None, "why": reason_of(why)},
        )
        told = {name: str(value) if hasattr(value, "isoformat") else value for name, value in row.items()}
        self._tell(tx, actor, "rule_version", {**told, "applied": applied}, why, now)

    def _retire(self, tx: Tx, actor: Actor, row: Any, why: str, now: datetime) -> None:
        policy_queries.retire(
            tx, row.id, retired_at=now, retired_by=actor.id or None, retired_why=reason_of(why)
        )

    def _tell(self, tx: Tx, actor: Actor, kind: str, data: dict[str, Any], why: str, now: datetime) -> None:
        told = {**data, "why": reason_of(why)}
        ledger.append(tx, [Draft(SYSTEM, kind, now, told, officer_id=actor.id or None)])

    def _change(self, actor: Actor, why: str, once: str | None, write: Callable[[Tx, datetime], Any]) -> Any:
        _require_all(actor)
        reason_of(why)
        with self._db.write() as tx:
            ledger.lock(tx, [SYSTEM])
            done = request_queries.result_of(tx, once, actor.id)
            if done is not None:
                return done["result"]
            now = self._clock()
            result = write(tx, now)
            request_queries.remember(tx, once, actor.id, now, {"result": result})
        return result

    # Counting open cases again ------------------------------------------------------------------------

    def preview_recount(self, actor: Actor, key: str, page: int = 1) -> RecountPreview:
        """What counting open cases again under this rule, as it is now, would change. Writes nothing."""
        _require_all(actor)
        with self._db.read() as tx:
            self._known(tx, key)
            now, book = self._clock(), self._rules.book(tx)
            cases = recount_queries.newest_open(tx, MOST_PREVIEWED + 1)
            gathered = recounts.gather(tx, book, cases[:MOST_PREVIEWED])
        changes = recounts.changes_of(book, gathered, key)
        found = recounts.recounted(book, recounts.as_if(gathered, changes, now), now)
        return _preview(found, min(len(cases), MOST_PREVIEWED), len(cases) > MOST_PREVIEWED, page)

    def recount(self, actor: Actor, key: str, *, why: str, once: str | None = None) -> int:
        """Count open cases again under this rule, in the background; the job's id."""

        def write(tx: Tx, now: datetime) -> int:
            self._known(tx, key)
            job = recounts.order(tx, "policy", Scope(), reason_of(why), actor.id or None, now, rule=key)
            self._tell(tx, actor, "rule_recount", {"key": key, "recount": job}, why, now)
            return job

        return int(self._change(actor, why, once, write))

    def _known(self, tx: Tx, key: str) -> None:
        if not policy_queries.of_key(tx, key):
            raise _no_rule(key)


def _require_all(actor: Actor) -> None:
    require(actor, Right.OPERATE)
    if actor.ward is not None:
        raise NotAllowed(
            "rules hold for every ward: somebody of every ward changes them",
            message_vi="Quy định thời hạn áp dụng cho mọi phường, xã nên do quản trị toàn hệ thống sửa.",
        )


def _preview(found: Sequence[Recounted], looked_at: int, shortened: bool, page: int) -> RecountPreview:
    moved = [each for each in found if each.case.due_at != each.clock.due_at]
    rows = [
        MoveView(each.case.id, each.case.code, each.case.due_at, each.clock.due_at, each.case.stage,
                 each.clock.stage)
        for each in moved
    ]  # fmt: skip
    rows.sort(key=lambda row: (row.stage != "overdue", row.stage_was != "overdue", row.case_id))
    later = sum(row.now is None or (row.was is not None and row.now > row.was) for row in rows)
    pages = max(1, -(-len(rows) // PER_PAGE))
    page = min(max(page, 1), pages)
    return RecountPreview(
        looked_at=looked_at,
        moved=len(rows),
        earlier=len(rows) - later,
        later=later,
        newly_overdue=sum(row.stage == "overdue" != row.stage_was for row in rows),
        no_longer_overdue=sum(row.stage_was == "overdue" != row.stage for row in rows),
        shortened=shortened,
        page=page,
        pages=pages,
        rows=tuple(rows[(page - 1) * PER_PAGE : page * PER_PAGE]),
    )


def _current(tx: Tx, key: str, version: int | None) -> Any:
    rows = policy_queries.of_key(tx, key)
    if not rows:
        raise _no_rule(key)
    if version is not None and rows[0].version != version:
        raise StaleWrite(
            f"rule {key} has version {rows[0].version} by now",
            message_vi="Quy định vừa được người khác sửa. Hãy xem lại rồi thực hiện tiếp.",
        )
    if rows[0].retired_at is not None:
        raise InputInvalid(f"rule {key} was given up", field="key", message_vi="Quy định này đã được bãi bỏ.")
    return rows[0]


def _no_rule(key: str) -> NotFound:
    return NotFound(f"no rule {key}", hint="see motmoi rules list", message_vi="Không có quy định này.")


def _views(tx: Tx, rows: Sequence[Any]) -> list[PolicyView]:
    people = inbox_queries.officer_names(tx, [who for row in rows for who in (row.made_by, row.retired_by)])
    return [
        PolicyView(
            policy_of(row), row.applied, row.made_at, people.get(row.made_by), row.why, row.retired_at,
            people.get(row.retired_by), row.retired_why,
        )
        for row in rows
    ]  # fmt: skip


def _place(rule: RuleHistory) -> tuple[int, int, str]:
    newest = rule.versions[0]
    held = 2 if newest.retired_at is not None else 0 if newest.applied else 1
    return held, list(Step).index(Step(newest.policy.step)), rule.key
