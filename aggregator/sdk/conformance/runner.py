"""All rules over one connector: a verdict each, and the grade they add up to.

    rule -> exempt? -> its check, offline -> verdict       verdicts -> grade, and what the next one lacks

What may surprise: a rule that is exempt is tried all the same; where it is kept after all, the
exemption is out of date and counts against the connector until it is taken out.
"""

from __future__ import annotations

import enum
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from aggregator.errors import AggregatorError
from aggregator.sdk.conformance.catalogue import ASKED, RULES, Grade, Rule
from aggregator.sdk.conformance.checks import check_of
from aggregator.sdk.conformance.guard import offline
from aggregator.sdk.conformance.harness import NotApplicable, NotMet, NotShown, Subject, Trial

__all__ = ["Report", "Verdict", "Word", "judge", "judge_all"]


class Word(enum.StrEnum):
    """How one rule stands."""

    KEPT = "kept"
    MISSED = "missed"
    EXEMPT = "exempt"
    OUTDATED = "exempt without need"
    NOT_APPLICABLE = "does not apply"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One rule, and what was seen."""

    rule: Rule
    word: Word
    why: str = ""

    @property
    def stands(self) -> bool:
        """Whether the grade may be given as far as this rule goes."""
        return self.word not in (Word.MISSED, Word.OUTDATED)


@dataclass(frozen=True, slots=True)
class Report:
    """The verdicts of one connector."""

    connector: str
    claimed: Grade
    verdicts: tuple[Verdict, ...]

    @property
    def grade(self) -> Grade:
        """The highest grade of which, and of those below, every rule stands."""
        for grade in (Grade.BRONZE, Grade.SILVER, Grade.GOLD):
            if any(not v.stands for v in self.verdicts if v.rule.grade == grade):
                return Grade(grade - 1)
        return Grade.GOLD

    @property
    def missing(self) -> tuple[Verdict, ...]:
        """What the next grade lacks."""
        return tuple(v for v in self.verdicts if not v.stands and v.rule.grade == self.grade + 1)

    @property
    def holds(self) -> bool:
        """Whether the claim is true."""
        return self.grade >= self.claimed


def judge(subject: Subject, rule: Rule) -> Verdict:
    """Try one rule."""
    reason = subject.quality.reason_for(rule.id)
    verdict = _tried(subject, rule)
    if reason is None:
        return verdict
    if verdict.word is Word.MISSED:
        return Verdict(rule, Word.EXEMPT, reason)
    return Verdict(rule, Word.OUTDATED, f"it is {verdict.word}: take the exemption out of quality.yaml")


def _tried(subject: Subject, rule: Rule) -> Verdict:
    with offline() as guard:
        try:
            if subject.scenario.called and rule.id in ASKED:
                raise NotApplicable("the source calls us")
            check_of(rule.id)(Trial(subject, guard))
        except NotShown as why:
            word = Word.NOT_APPLICABLE if rule.grade == Grade.BRONZE else Word.MISSED
            return Verdict(
                rule, word, f"{why}; a simulated portal shows it" if word is Word.MISSED else str(why)
            )
        except NotApplicable as why:
            return Verdict(rule, Word.NOT_APPLICABLE, str(why))
        except NotMet as why:
            return Verdict(rule, Word.MISSED, str(why))
        except AggregatorError as error:
            return Verdict(rule, Word.MISSED, f"it raised {type(error).__name__}: {error}")
        except Exception as error:  # noqa: BLE001 (foreign code: its defect is the finding)
            return Verdict(rule, Word.MISSED, f"a defect: {_place(error)}")
    return Verdict(rule, Word.KEPT)


def _place(error: Exception) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({last.filename.rpartition('/')[2]}:{last.lineno})"


def judge_all(subject: Subject, tell: Callable[[Verdict], None] = lambda _verdict: None) -> Report:
    """Try every rule; `tell` hears each verdict as it falls."""

    def verdicts() -> Iterator[Verdict]:
        for rule in RULES:
            verdict = judge(subject, rule)
            tell(verdict)
            yield verdict

    return Report(subject.manifest.id, subject.quality.grade, tuple(verdicts()))
