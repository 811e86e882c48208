"""Drifts of tables in text files: headings, columns, delimiters."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence

from aggregator.sdk.conformance.dates import redated
from aggregator.sdk.conformance.stages import Page, Rewrite

__all__ = ["table_drifts"]

_Table = list[list[str]]


def table_drifts(pages: Sequence[Page]) -> Iterator[tuple[str, str, Rewrite]]:
    """Change, where, and the rewriting of it, for files that are CSV."""
    if not pages[0].path.lower().endswith((".csv", ".txt")):
        return
    headings = _read(pages[0])[0]
    for column, heading in enumerate(headings):
        yield "reword", heading, _on(_in_column(column, lambda cell: f"Mục {len(cell)}", header=True))
        yield "remove", heading, _on(_without(column))
        yield "blank", heading, _on(_in_column(column, lambda _cell: ""))
        yield "redate", heading, _on(_in_column(column, lambda cell: str(redated(cell))))
        yield "retype", heading, _on(_in_column(column, lambda _cell: "xem chi tiết"))
        yield "bracket", heading, _on(_in_column(column, lambda cell: f"[{cell}]", header=True))
        yield "move", heading, _on(_last(column))
    yield "reverse", "columns", _on(lambda table: [row[::-1] for row in table])
    yield "reverse", "rows", _on(lambda table: [table[0], *table[:0:-1]])
    yield "title", "", _on(lambda table: [["BÁO CÁO PHẢN ÁNH"], ["Ngày xuất: hôm nay"], [], *table])
    yield "headless", "", _on(lambda table: table[1:])
    yield "hollow", "", _on(lambda table: table[:1])
    yield "short", "rows", _on(lambda table: [table[0], *(row[:-2] for row in table[1:])])
    yield "long", "rows", _on(lambda table: [table[0], *([*row, "thêm"] for row in table[1:])])
    for name, delimiter in (("semicolon", ";"), ("tab", "\t"), ("bar", "|")):
        yield name, "", _on(lambda table: table, delimiter)
    yield "html", "", lambda page: page.changed(content=b"<html><table><tr><td>" + page.content + b"</table>")
    yield "sum", "", _on(lambda table: [*table, ["Tổng cộng", str(len(table) - 1)]])


def _read(page: Page) -> _Table:
    return list(csv.reader(io.StringIO(page.content.decode("utf-8-sig", "replace"))))


def _in_column(
    column: int, change: Callable[[str], str], *, header: bool = False
) -> Callable[[_Table], _Table]:
    """The table with the cells of one column changed: its heading, or all that is below."""

    def changed(table: _Table) -> _Table:
        return [
            [
                change(cell) if at == column and (number == 0) == header else cell
                for at, cell in enumerate(row)
            ]
            for number, row in enumerate(table)
        ]

    return changed


def _without(column: int) -> Callable[[_Table], _Table]:
    return lambda table: [row[:column] + row[column + 1 :] for row in table]


def _last(column: int) -> Callable[[_Table], _Table]:
    return lambda table: [[*row[:column], *row[column + 1 :], *row[column : column + 1]] for row in table]


def _on(change: Callable[[_Table], _Table], delimiter: str = ",") -> Rewrite:
    def rewritten(page: Page) -> Page:
        out = io.StringIO()
        csv.writer(out, delimiter=delimiter).writerows(change(_read(page)))
        return page.changed(content=out.getvalue().encode())

    return rewritten
