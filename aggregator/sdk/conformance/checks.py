"""Rule id -> the function that tries it. A check returns where the rule is kept and raises where not."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from aggregator.sdk.conformance.catalogue import RULES, rule
from aggregator.sdk.conformance.harness import Trial

__all__ = ["Check", "check", "check_of"]

Check = Callable[[Trial], None]

_CHECKS: dict[str, Check] = {}
_MODULES = ("contract", "poll", "calls", "change", "errors", "pages", "push", "past", "hygiene", "docs")


def check(rule_id: str) -> Callable[[Check], Check]:
    """Register a function as the check of a rule."""
    rule(rule_id)

    def register(function: Check) -> Check:
        _CHECKS[rule_id] = function
        return function

    return register


def check_of(rule_id: str) -> Check:
    """The check of a rule, its module imported on first use."""
    if len(_CHECKS) < len(RULES):
        for name in _MODULES:
            import_module(f"aggregator.sdk.conformance.checks_{name}")
    return _CHECKS[rule_id]
