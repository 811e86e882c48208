"""At the end of a pytest run: the grade of every connector that was judged in it.

What may surprise: pytest imports this file at every start where the product is installed. It imports
nothing itself, and says nothing in a run without a conformance suite.
"""

from __future__ import annotations

from typing import Any

__all__ = ["pytest_terminal_summary"]

_PROPERTY = "motmoi-conformance"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """One line a connector: its grade, or what it misses; its exemptions with their reasons."""
    judged: dict[str, list[list[str]]] = {}
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, ()):
            for name, value in getattr(report, "user_properties", ()):
                if name == _PROPERTY:
                    judged.setdefault(value[0], []).append(value[1:])
    if judged:
        terminalreporter.section("connector conformance")
    for connector, verdicts in sorted(judged.items()):
        terminalreporter.write_line(_line(connector, verdicts))
        for _grade, word, rule, why in verdicts:
            if word == "exempt":
                terminalreporter.write_line(f"  exempt from {rule}: {why}")


def _line(connector: str, verdicts: list[list[str]]) -> str:
    missed = [rule for _grade, word, rule, _why in verdicts if word in ("missed", "exempt without need")]
    grade = verdicts[0][0]
    if missed:
        return f"{connector}: claims {grade}, and misses {', '.join(missed)}"
    return f"{connector}: {grade} ({len(verdicts)} rules)"
