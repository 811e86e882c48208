"""Figures against their goals, as one table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number. `goal` None: told, not judged."""

    what: str
    measured: float
    goal: float | None = None
    unit: str = ""
    at_least: bool = False
    note: str = ""

    @property
    def ok(self) -> bool:
        if self.goal is None:
            return True
        return self.measured >= self.goal if self.at_least else self.measured <= self.goal

    def cells(self) -> tuple[str, str, str, str, str]:
        sign = ">=" if self.at_least else "<="
        goal = "" if self.goal is None else f"{sign} {_number(self.goal)}"
        word = "" if self.goal is None else "ok" if self.ok else "SHORT"
        return self.what, f"{_number(self.measured)} {self.unit}".strip(), goal, word, self.note


def at_least(what: str, measured: float, goal: float, unit: str = "", note: str = "") -> Figure:
    return Figure(what, measured, goal, unit, True, note)


def at_most(what: str, measured: float, goal: float, unit: str = "", note: str = "") -> Figure:
    return Figure(what, measured, goal, unit, False, note)


def told(what: str, measured: float, unit: str = "", note: str = "") -> Figure:
    return Figure(what, measured, None, unit, False, note)


def lines(title: str, figures: Iterable[Figure]) -> list[str]:
    """The table under its title, columns aligned."""
    rows = [(title, "measured", "goal", "", ""), *(figure.cells() for figure in figures)]
    widths = [max(len(row[at]) for row in rows) for at in range(5)]
    out = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return [out[0], "-" * max(map(len, out)), *out[1:], ""]


def side_by_side(title: str, columns: Sequence[str], rows: Mapping[str, Sequence[float] | str]) -> list[str]:
    """Several ways under one another, figures aligned to the right; words stand where a way has none."""
    width = max(len(name) for name in (title, *rows))
    out = ["  ".join([title.ljust(width), *columns])]
    out.append("-" * len(out[0]))
    for name, found in rows.items():
        cells = [found] if isinstance(found, str) else map(_number, found)
        out.append("  ".join([name.ljust(width), *map(str.rjust, cells, map(len, columns))]))
    return [*out, ""]


def _number(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value == int(value) or value >= 100 else f"{value:.3g}"
