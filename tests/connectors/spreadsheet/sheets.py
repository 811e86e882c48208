"""Files as wards drop them, and a poll over them. All people are invented."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import xlsxwriter

import connectors.spreadsheet
from aggregator.sdk.contract import Batch, Context, Cursor, Problem, RawItem, Record
from aggregator.sdk.discovery import load_manifest
from aggregator.sdk.testing import context_for
from connectors.spreadsheet import CONNECTOR

MANIFEST = load_manifest(Path(connectors.spreadsheet.__file__).parent)
NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
HEADINGS = ("Mã phản ánh", "Ngày nhận", "Nội dung", "Địa chỉ", "SĐT")
COLUMNS = {
    "external_id": "Mã phản ánh",
    "received_at": "Ngày nhận",
    "body": "Nội dung",
    "address": "Địa chỉ",
    "phone": "SĐT",
}


def line(number: int, body: str = "Ổ gà trước cổng trường", date: str = "21/11/2026 08:30") -> list[str]:
    return [f"PA-{number}", date, body, f"{number} Lê Lợi", "0901234567"]


def csv_text(rows: Iterable[Sequence[str]], headings: Sequence[str] = HEADINGS, delimiter: str = ",") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows([headings, *rows])
    return out.getvalue()


def write_xlsx(path: Path, rows: Iterable[Sequence[Any]], headings: Sequence[str] = HEADINGS) -> Path:
    with xlsxwriter.Workbook(path, {"default_date_format": "dd/mm/yyyy hh:mm"}) as book:
        sheet = book.add_worksheet()
        for number, cells in enumerate([headings, *rows]):
            for column, cell in enumerate(cells):
                sheet.write(number, column, cell)
    return path


def context(now: datetime | Callable[[], datetime] = NOW, **config: Any) -> Context:
    given: Mapping[str, Any] = {"columns": COLUMNS, **config}
    # The address answers nobody: a connector of files that tried the network would fail here.
    return context_for("http://127.0.0.1:9", MANIFEST, given, now=now, deadline_s=3600)


@dataclass(frozen=True)
class Polled:
    batches: list[Batch]

    @property
    def records(self) -> list[Record]:
        return [record for batch in self.batches for record in batch.records]

    @property
    def items(self) -> list[RawItem]:
        return [item for batch in self.batches for item in batch.items]

    @property
    def problems(self) -> list[Problem]:
        return [problem for batch in self.batches for problem in batch.problems]

    @property
    def ids(self) -> list[str]:
        return [record.external_id for record in self.records]

    @property
    def cursor(self) -> Cursor | None:
        return self.batches[-1].next_cursor


def poll(cursor: Cursor | None = None, now: datetime = NOW, **config: Any) -> Polled:
    return Polled(list(CONNECTOR.poll(context(now, **config), cursor)))


def poll_file(path: Path, **config: Any) -> Polled:
    return poll(file=str(path), **config)
