"""Which rule judges a report: thresholds as an office set them, and the model that training found.

    (ward, category) of the new report -> RuleBook.rule -> Rule(thresholds, model) -> matching.rank

The most specific thresholds hold: of the ward and category, else of the category in every ward, else of
the ward, else the product's own. A model does not replace the weights set by hand in `matching`: it
scales each feature's contribution and shifts the sum, so that every reason keeps its meaning and an
office with few decisions stays near what was measured on many.

What may surprise: a model belongs to the hand-set weights that it was trained over (`base`). After an
update that changes them its factors would mean something else, so `RuleBook` leaves it out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["DEFAULT", "HAND_SET", "RULE_VERSION", "Model", "Rule", "RuleBook", "Thresholds"]

RULE_VERSION = "2026.2"
"""Stored with every membership; changes with any change of weights, vetoes or default thresholds."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What an office may change, per category and ward.

    `same` and `unsure` are scores; `cap` is the number of reports beyond which a case no longer grows by
    itself; after `window_days` nothing joins by itself. `sensitive` are categories in which an anonymous
    report is never joined automatically. `number` tells which stored change they are, 0 for none.
    """

    same: float = 0.9
    unsure: float = 0.35
    cap: int = 50
    window_days: int = 60
    sensitive: frozenset[str] = field(default_factory=frozenset)
    number: int = 0


@dataclass(frozen=True, slots=True)
class Model:
    """score = logistic(bias + `shift` + sum(`scales`[feature] * contribution)), 1 where no scale is named."""

    version: str = RULE_VERSION
    base: str = RULE_VERSION
    shift: float = 0.0
    scales: Mapping[str, float] = field(default_factory=dict)

    def scaled(self, contributions: dict[str, float]) -> dict[str, float]:
        """What the features add to the score; the very same values where nothing is scaled."""
        if not self.scales:
            return contributions
        return {name: self.scales.get(name, 1.0) * value for name, value in contributions.items()}


HAND_SET = Model()


@dataclass(frozen=True, slots=True)
class Rule:
    """What one report is judged by. `version` is stored with the judgement: "2026.2+m3.t12"."""

    thresholds: Thresholds = field(default_factory=Thresholds)
    model: Model = HAND_SET
    version: str = field(init=False)

    def __post_init__(self) -> None:
        set_by_office = f".t{self.thresholds.number}" if self.thresholds.number else ""
        object.__setattr__(self, "version", self.model.version + set_by_office)


DEFAULT = Rule()


class RuleBook:
    """The rules in force at one moment. `thresholds`: (ward, category) -> values, None for every one."""

    def __init__(
        self,
        thresholds: Mapping[tuple[str | None, str | None], Thresholds] | None = None,
        model: Model = HAND_SET,
    ) -> None:
        self.model = model if model.base == RULE_VERSION else HAND_SET
        self._set = {scope: Rule(values, self.model) for scope, values in (thresholds or {}).items()}
        self._default = Rule(model=self.model)

    def rule(self, ward: str | None, category: str | None) -> Rule:
        """What a report of this ward and category is judged by."""
        if self._set:
            for scope in ((ward, category), (None, category), (ward, None)):
                if scope in self._set:
                    return self._set[scope]
        return self._default
