"""The leaders' numbers: read from kept counters, and checked against a recount of every case."""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Mapping

from aggregator.domain.people import Actor, Right
from aggregator.domain.text import no_formula
from aggregator.domain.worktime import VN
from aggregator.services import counters, ledger
from aggregator.services.clock import Clock
from aggregator.services.frame import require
from aggregator.services.views.figures import CountRow, Dashboard
from aggregator.storage import count_queries, inbox_queries, place_queries
from aggregator.storage.count_queries import Cell
from aggregator.storage.db import Database, Tx

_NOBODY = {
    "unit": ("Chưa giao đơn vị", "No unit"),
    "officer": ("Chưa giao cán bộ", "Nobody"),
    "category": ("Chưa phân lĩnh vực", "No category"),
}


class Figures:
    """Counts for leaders."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def dashboard(self, actor: Actor) -> Dashboard:
        """Open, due soon, overdue, paused and done by unit, officer, category and channel."""
        require(actor, Right.DASHBOARD)
        with self._db.read() as tx:
            kept = count_queries.cells(tx, actor.ward, ("all", "unit", "officer", "category", "channel"))
            labels = self._labels(tx, actor)
            slugs = {str(row.id): row.slug for row in inbox_queries.channel_choices(tx, None)}
        tables: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
        for (_, dim, key, bucket), n in kept.items():
            tables[dim][key][bucket] += n
        total = tables["all"].get("", Counter())
        return Dashboard(
            at=self._clock(),
            total=_row("", "", total),
            units=_rows(tables["unit"], labels["unit"]),
            officers=_rows(tables["officer"], labels["officer"]),
            categories=_rows(tables["category"], labels["category"]),
            channels=_rows(tables["channel"], labels["channel"], slugs),
        )

    def _labels(self, tx: Tx, actor: Actor) -> dict[str, dict[str, str]]:
        english = actor.language == "en"
        labels = {
            "unit": {str(row.id): row.name for row in inbox_queries.unit_choices(tx, actor.ward)},
            "officer": {str(row.id): row.name for row in inbox_queries.officer_choices(tx, actor.ward)},
            "category": {
                row.code: row.name_en if english else row.name_vi
                for row in inbox_queries.category_choices(tx)
            },
            "channel": {str(row.id): row.title for row in inbox_queries.channel_choices(tx, None)},
        }
        for dim, words in _NOBODY.items():
            labels[dim][counters.NONE] = words[1] if english else words[0]
        return labels

    def recount(self, *, repair: bool = False) -> dict[Cell, tuple[int, int]]:
        """Cells where the kept number differs from the counted one: (kept, counted). Reads every case."""
        with self._db.write() if repair else self._db.read() as tx:
            if repair:
                # Nobody moves a number while it is counted anew.
                ledger.lock(tx, [ward.code for ward in place_queries.all_wards(tx)])
            counted = counters.recount(tx)
            kept = count_queries.cells(tx, None)
            if repair:
                count_queries.replace_all(tx, counted)
        cells = {cell for cell, n in counted.items() if n} | set(kept)
        return {
            cell: (kept.get(cell, 0), counted[cell]) for cell in cells if kept.get(cell, 0) != counted[cell]
        }


#: Groups of the leaders' table, as its file names them.
_GROUPS = {"don_vi": "units", "can_bo": "officers", "linh_vuc": "categories", "kenh": "channels"}


def as_csv(board: Dashboard) -> str:
    """The leaders' table as a file for spreadsheets: a line for all, then one for each row on screen."""
    out = io.StringIO()
    write = csv.writer(out)
    write.writerow(
        ["luc", "nhom", "ma", "ten", "qua_han", "sap_den_han", "dang_mo", "tam_dung", "da_ket_thuc",
         "ket_thuc_tre_han", "dung_han_phan_tram"]
    )  # fmt: skip
    at = f"{board.at.astimezone(VN):%Y-%m-%d %H:%M}"
    groups = [(name, getattr(board, rows)) for name, rows in _GROUPS.items()]
    for name, rows in [("tat_ca", [board.total]), *groups]:
        for row in rows:
            write.writerow(
                [at, name, row.key, no_formula(row.label), row.overdue, row.due_soon, row.open, row.paused,
                 row.done, row.done_late, on_time(row)]
            )  # fmt: skip
    return out.getvalue()


def on_time(row: CountRow) -> int | None:
    """Whole percent of the closed cases that kept their deadline: 100 only where all did; None of none."""
    return None if not row.done else 100 * (row.done - row.done_late) // row.done


def _rows(
    table: Mapping[str, Counter[str]], labels: Mapping[str, str], keys: Mapping[str, str] | None = None
) -> tuple[CountRow, ...]:
    """Most overdue first; people with the same lateness by name."""
    rows = [
        _row((keys or {}).get(key, key), labels.get(key, key), numbers)
        for key, numbers in table.items()
        if any(numbers.values())
    ]
    return tuple(sorted(rows, key=lambda row: (-row.overdue, -row.open, row.label)))


def _row(key: str, label: str, numbers: Counter[str]) -> CountRow:
    return CountRow(
        key=key, label=label, open=numbers["open"], due_soon=numbers["due_soon"],
        overdue=numbers["overdue"], paused=numbers["paused"], done=numbers["done"],
        done_late=numbers["done_late"], legal=numbers["legal"], legal_done=numbers["legal_done"],
    )  # fmt: skip
