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

from aggregator.errors import InputInvalid

__all__ = [
    "DEFAULT",
    "HAND_SET",
    "RULE_VERSION",
    "Model",
    "Rule",
    "RuleBook",
    "Thresholds",
    "base_of",
    "checked",
]

RULE_VERSION = "2026.4"
"""Stored with every membership; changes with any change of weights, vetoes or default thresholds."""


def base_of(version: str) -> str:
    """The hand-set weights under a rule version: "2026.2" of "2026.2+m3.t12"."""
    return version.split("+")[0].split(".t")[0]


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
    number: int = field(default=0, compare=False)


#: Of what scores less, fewer than half were one problem on made streams; above, hardly a copy joins.
SAME_FLOOR, SAME_MOST = 0.7, 0.9999
UNSURE_LEAST = 0.05
CAPS, WINDOWS = (2, 500), (1, 400)


def checked(values: Thresholds) -> Thresholds:
    """The values where an office may set them so; `InputInvalid` names the one that is out of bounds."""
    if not SAME_FLOOR <= values.same <= SAME_MOST:
        raise _out_of_bounds("same", values.same, SAME_FLOOR, SAME_MOST, "Ngưỡng tự gộp")
    if not UNSURE_LEAST <= values.unsure < values.same:
        raise InputInvalid(
            f"unsure {values.unsure:g} is not between {UNSURE_LEAST:g} and same ({values.same:g})",
            field="unsure", hint="a suggestion needs less than a merge",
            message_vi=f"Ngưỡng hỏi cán bộ phải từ {_vi(UNSURE_LEAST)} và nhỏ hơn ngưỡng tự gộp "
            f"({_vi(values.same)}).",
        )  # fmt: skip
    if not CAPS[0] <= values.cap <= CAPS[1]:
        raise _out_of_bounds("cap", values.cap, *CAPS, "Số phản ánh tối đa của một vụ việc")
    if not WINDOWS[0] <= values.window_days <= WINDOWS[1]:
        raise _out_of_bounds("window_days", values.window_days, *WINDOWS, "Số ngày còn tự gộp")
    return values


def _out_of_bounds(field: str, value: float, least: float, most: float, name_vi: str) -> InputInvalid:
    return InputInvalid(
        f"{field} {value:g} is not between {least:g} and {most:g}", field=field,
        message_vi=f"{name_vi} phải từ {_vi(least)} đến {_vi(most)}.",
    )  # fmt: skip


def _vi(value: float) -> str:
    return f"{value:g}".replace(".", ",")


@dataclass(frozen=True, slots=True)
class Model:
    """score = logistic(bias + `shift` + sum(`scales`[feature] * contribution)), 1 where no scale is named."""

    version: str = RULE_VERSION
    base: str = RULE_VERSION
    shift: float = 0.0
    scales: Mapping[str, float] = field(default_factory=dict)

    def scaled(self, contributions: Mapping[str, float]) -> Mapping[str, float]:
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
    version: str = field(init=False, compare=False)

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
        self._thresholds = dict(thresholds or {})
        self._set = {scope: Rule(values, self.model) for scope, values in self._thresholds.items()}
        self._default = Rule(model=self.model)

    def with_thresholds(self, ward: str | None, category: str | None, values: Thresholds) -> RuleBook:
        """The same rules but for one scope."""
        return RuleBook({**self._thresholds, (ward, category): values}, self.model)

    def without(self, ward: str | None, category: str | None) -> RuleBook:
        """The same rules without what is set for one scope."""
        rest = {scope: values for scope, values in self._thresholds.items() if scope != (ward, category)}
        return RuleBook(rest, self.model)

    def with_model(self, model: Model) -> RuleBook:
        """The same thresholds over another model."""
        return RuleBook(self._thresholds, model)

    def rule(self, ward: str | None, category: str | None) -> Rule:
        """What a report of this ward and category is judged by."""
        if self._set:
            for scope in ((ward, category), (None, category), (ward, None), (None, None)):
                if scope in self._set:
                    return self._set[scope]
        return self._default
