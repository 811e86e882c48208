"""Training the score on the office's own decisions, and comparing before anything is taken into use.

    decisions, oldest first | older part: fit near the present model | newer part: present | candidate
    the newer part's reports judged again, as whole cases            |               the comparison

Promise: nothing changes by itself. A run only compares; `adopt` records a model with its figures, its
person and its reason, and from then on new judgements use it and name it. What may surprise: the truth
about whole cases is how they stand now, which is partly the present model's own work; where the two
models differ there, look at the examples.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aggregator.domain.match_rule import HAND_SET, RULE_VERSION, Model, RuleBook
from aggregator.domain.match_score import FEATURES
from aggregator.domain.people import Actor, Right
from aggregator.domain.training import LEAST, MOST, Decision, fit
from aggregator.domain.traits import BROAD_DAYS
from aggregator.errors import InputInvalid, NotAllowed
from aggregator.services import labelled_file, ledger
from aggregator.services.clock import Clock
from aggregator.services.frame import require
from aggregator.services.ledger import SYSTEM, Draft
from aggregator.services.match_comparison import Comparison, compared, figures_of
from aggregator.services.match_decisions import decisions
from aggregator.services.match_rules import reason_of
from aggregator.services.replay import Lived
from aggregator.services.rules import Rules, model_in_force
from aggregator.storage import inbox_queries, match_rule_queries
from aggregator.storage.db import Database, Tx

#: Fewer decisions, or fewer of either kind, and a run says nothing.
LEAST_DECISIONS, LEAST_OF_A_KIND = 200, 30
#: The newest share is held out.
HELD_OUT = 0.3
#: Reports judged again as whole cases, those around them counted.
MOST_AGAIN = 20_000
SHIFT_MOST = 3.0


class TooFewDecisions(InputInvalid):
    """Not enough was decided to learn from; nothing was fitted."""

    code = "too_few_decisions"


@dataclass(frozen=True, slots=True)
class Run:
    """A finished training run: the candidate, what it learned from, and the comparison."""

    model: Model
    trained_on: int
    at: datetime
    comparison: Comparison


@dataclass(frozen=True, slots=True)
class ModelView:
    """A model that was taken into use at some time; the hand-set one first."""

    version: str
    base: str
    shift: float
    scales: Mapping[str, float]
    adopted_at: datetime | None
    who: str | None
    why: str
    in_force: bool


class Training:
    """Runs, comparisons and the model in force."""

    def __init__(self, db: Database, rules: Rules, clock: Clock) -> None:
        self._db = db
        self._rules = rules
        self._clock = clock

    def present(self) -> Model:
        """The model by which new reports are judged now."""
        with self._db.read() as tx:
            return self._rules.book(tx).matching.model

    def train(self) -> Run:
        """Fit a candidate to the older decisions and compare it on the newer ones.

        `TooFewDecisions` says how many there are and how many are needed. Writes nothing.
        """
        with self._db.read() as tx:
            book = self._rules.book(tx).matching
            known = decisions(tx, book.model)
        _enough(known)
        cut = round(len(known) * (1 - HELD_OUT))
        candidate = fit(known[:cut], book.model, f"{RULE_VERSION}+candidate")
        return Run(candidate, cut, self._clock(), self._compare(known[cut:], book, candidate))

    def evaluate(self, candidate: Model | None = None) -> Comparison:
        """The newest decisions under the present model and the candidate (the present one, where None)."""
        with self._db.read() as tx:
            book = self._rules.book(tx).matching
            known = decisions(tx, book.model)
        _enough(known)
        held = known[round(len(known) * (1 - HELD_OUT)) :]
        return self._compare(held, book, candidate or book.model)

    def evaluate_file(self, lines: Iterable[str], name: str, candidate: Model | None = None) -> Comparison:
        """The same on a file that tells the truth (see `labelled_file`)."""
        book, found = RuleBook(model=self.present()), labelled_file.read(lines, name)
        if not found.decisions:
            raise InputInvalid(f"{name}: nothing in it is compared with anything", field="file")
        return compared(found.decisions, book, candidate or book.model, found.lived)

    def model(self, version: str) -> Model:
        """A model that was adopted once, or the hand-set one; `InputInvalid` for an unknown version."""
        for known in self.models():
            if known.version == version:
                return Model(known.version, known.base, known.shift, known.scales)
        raise _unknown(version)

    def _compare(self, held: Sequence[Decision], book: RuleBook, candidate: Model) -> Comparison:
        with self._db.read() as tx:
            lived = _lived(tx, {one.ward for one in held if one.ward}, held[0].at)
        return compared(held, book, candidate, lived, held[0].at)

    # Taking a model into use

    def adopt(self, actor: Actor, model: Model, figures: Mapping[str, Any], at: datetime, why: str) -> Model:
        """Record the candidate as a model of its own and use it from now on; the model with its version."""
        _may_adopt(actor)
        reason, now = reason_of(why), self._clock()
        _checked(model)
        with self._db.write() as tx:
            ledger.lock(tx, [SYSTEM])
            number = len(match_rule_queries.all_models(tx)) + 1
            named = Model(f"{model.base}+m{number}", model.base, model.shift, dict(model.scales))
            model_id = match_rule_queries.insert_model(
                tx,
                {"version": named.version, "base": named.base, "shift": named.shift,
                 "scales": dict(named.scales), "trained_at": at, "figures": dict(figures)},
            )  # fmt: skip
            self._adopted(tx, actor, model_id, named, reason, now)
        return named

    def go_back(self, actor: Actor, version: str, why: str) -> Model:
        """Use a model that was in use before, or the hand-set one; `InputInvalid` for an unknown version."""
        _may_adopt(actor)
        reason, now = reason_of(why), self._clock()
        with self._db.write() as tx:
            ledger.lock(tx, [SYSTEM])
            rows = {row.version: row for row in match_rule_queries.all_models(tx)}
            if version != HAND_SET.version and version not in rows:
                raise _unknown(version)
            row = rows.get(version)
            model = Model(row.version, row.base, row.shift, row.scales) if row else HAND_SET
            _checked(model)
            self._adopted(tx, actor, row.id if row else None, model, reason, now)
        return model

    def _adopted(
        self, tx: Tx, actor: Actor, model_id: int | None, model: Model, why: str, now: datetime
    ) -> None:
        officer = actor.id or None
        match_rule_queries.insert_adoption(
            tx, {"model_id": model_id, "at": now, "officer_id": officer, "why": why}
        )
        told = {"version": model.version, "shift": model.shift, "scales": dict(model.scales), "why": why}
        ledger.append(tx, [Draft(SYSTEM, "model_adopted", now, told, officer_id=officer)])

    def models(self) -> tuple[ModelView, ...]:
        """Every model, the hand-set one first, with its latest adoption."""
        with self._db.read() as tx:
            rows, times = match_rule_queries.all_models(tx), match_rule_queries.adoptions(tx)
            chosen = model_in_force(tx)
            names = inbox_queries.officer_names(tx, (row.officer_id for row in times))
        in_force = RuleBook(model=chosen).model.version
        last = {row.model_id: row for row in times}
        known = [
            (None, HAND_SET),
            *((row.id, Model(row.version, row.base, row.shift, row.scales)) for row in rows),
        ]
        return tuple(
            ModelView(
                model.version, model.base, model.shift, model.scales,
                last[number].at if number in last else None,
                names.get(last[number].officer_id) if number in last else None,
                last[number].why if number in last else "",
                model.version == in_force,
            )
            for number, model in known
        )  # fmt: skip


def document(run: Run) -> dict[str, Any]:
    """The candidate as a file: what `of_document` reads."""
    return {
        "base": run.model.base, "shift": run.model.shift, "scales": dict(run.model.scales),
        "trained_at": run.at.isoformat(), "trained_on": run.trained_on,
        "figures": figures_of(run.comparison),
    }  # fmt: skip


def of_document(given: Any) -> tuple[Model, dict[str, Any], datetime]:
    """(candidate, its figures, when it was trained) of such a file; `InputInvalid` where it is none."""
    try:
        at = datetime.fromisoformat(given["trained_at"])
        scales = {str(name): float(value) for name, value in given["scales"].items()}
        model = Model(f"{given['base']}+candidate", str(given["base"]), float(given["shift"]), scales)
        figures = {**given["figures"], "trained_on": int(given["trained_on"])}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputInvalid(
            "the file is no trained model", field="file", hint="made by motmoi match train --out FILE"
        ) from error
    if at.tzinfo is None:
        raise InputInvalid("trained_at has no time zone", field="file")
    _checked(model)
    return model, figures, at


def _unknown(version: str) -> InputInvalid:
    return InputInvalid(f"no model {version}", field="version", hint="see motmoi match models")


def _may_adopt(actor: Actor) -> None:
    require(actor, Right.TUNE)
    if actor.ward is not None:
        raise NotAllowed(
            "a model judges every ward: only somebody of all of them takes one into use",
            message_vi="Mô hình dùng chung cho mọi phường, xã: chỉ quản trị toàn hệ thống được áp dụng.",
        )


def _checked(model: Model) -> None:
    if model.base != RULE_VERSION:
        raise InputInvalid(
            f"the model was trained over the weights {model.base}, this program has {RULE_VERSION}",
            field="base", hint="train again: motmoi match train",
        )  # fmt: skip
    known = set(FEATURES)
    for name, value in model.scales.items():
        if name not in known or not LEAST <= value <= MOST:
            raise InputInvalid(
                f"scale {name} {value:g}: known are {', '.join(sorted(known))}, each from {LEAST} to {MOST}",
                field="scales",
            )
    if abs(model.shift) > SHIFT_MOST:
        raise InputInvalid(f"shift {model.shift:g} is beyond {SHIFT_MOST:g}", field="shift")


def _enough(known: Sequence[Decision]) -> None:
    same = sum(one.same for one in known)
    fewest = min(same, len(known) - same)
    if len(known) < LEAST_DECISIONS or fewest < LEAST_OF_A_KIND:
        raise TooFewDecisions(
            f"{len(known)} decisions are known ({same} same, {len(known) - same} different); a run needs"
            f" {LEAST_DECISIONS}, and {LEAST_OF_A_KIND} of either kind",
            hint="let officers answer suggestions for some weeks more",
        )


def _lived(tx: Tx, wards: Iterable[str], since: datetime) -> list[Lived]:
    """The newest reports of these wards and those around them, in time order."""
    chosen = sorted(wards)
    share = MOST_AGAIN // max(1, len(chosen))
    found: list[Lived] = []
    for ward in chosen:
        found += match_rule_queries.lived(tx, ward, since - timedelta(days=BROAD_DAYS), share)
    return sorted(found, key=lambda one: (one[0].received_at, one[0].report_id))
