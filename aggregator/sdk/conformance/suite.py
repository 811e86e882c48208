"""The rules as pytest tests: one parametrised function, its ids the rules' own.

    test_conformance[bronze: poll-crash]   passes, or fails with what was seen

What may surprise: only rules up to the claimed grade are made into tests (and one that says so where
nothing is claimed), because a red test means that the connector is worse than it says.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from aggregator.errors import ConfigInvalid
from aggregator.sdk.conformance.catalogue import RULES, Grade, Rule
from aggregator.sdk.conformance.harness import Subject
from aggregator.sdk.conformance.runner import judge
from aggregator.sdk.conformance.scenario import Lacking

__all__ = ["suite"]

#: Under this name a test tells the plugin what it judged.
PROPERTY = "motmoi-conformance"


def suite(connector: str | Path, scenario: Mapping[str, Any] | None = None) -> Callable[..., None]:
    """See `aggregator.sdk.conformance.suite_for`."""
    try:
        subject = Subject.of(connector, scenario)
    except Lacking as error:
        return _broken(str(error)) if os.environ.get("CI") else _skipped(str(error))
    except ConfigInvalid as error:
        return _broken(str(error))
    claimed = subject.quality.grade
    rules = [rule for rule in RULES if rule.grade <= claimed]
    if not rules:
        return _broken(
            f"{subject.manifest.id} claims no grade: write quality.yaml with 'grade: bronze' beside it"
        )

    @pytest.mark.parametrize("rule", rules, ids=_name)
    def test_conformance(rule: Rule, record_property: Callable[[str, object], Any]) -> None:
        verdict = judge(subject, rule)
        record_property(
            PROPERTY, [subject.manifest.id, claimed.word, verdict.word.value, rule.id, verdict.why]
        )
        if not verdict.stands:
            pytest.fail(f"{rule.claim}: {verdict.word}. {verdict.why}", pytrace=False)

    made: Callable[..., None] = test_conformance
    return made


def _name(rule: Rule) -> str:
    return f"{Grade(rule.grade).word}: {rule.id}"


def _skipped(why: str) -> Callable[..., None]:
    def test_conformance() -> None:
        pytest.skip(why)

    return test_conformance


def _broken(why: str) -> Callable[..., None]:
    def test_conformance() -> None:
        pytest.fail(why, pytrace=False)

    return test_conformance
