"""A simulated drop folder: one CSV file as a ward's office exports it, written anew at every change."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

__all__ = ["SCENARIO", "settings_for", "write"]

_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
_COLUMNS = {
    "external_id": "Mã phản ánh",
    "received_at": "Ngày nhận",
    "subject": "Tiêu đề",
    "body": "Nội dung",
    "category": "Lĩnh vực",
    "address": "Địa chỉ",
    "name": "Họ tên",
    "phone": "SĐT",
    "status": "Trạng thái",
}
_WORDS = {"new": "Mới", "in_progress": "Đang xử lý", "resolved": "Đã xử lý", "rejected": "Từ chối"}
SCENARIO: Mapping[str, Any] = {"file": "phan-anh.csv", "batch_rows": 10}


def settings_for(folder: Path, scenario: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """A channel's settings that fit the folder. A file just written is taken at once."""
    config = {"folder": str(folder), "columns": dict(_COLUMNS), "settle_s": 0}
    return {**config, "batch_rows": scenario.get("batch_rows", 1000)}, {}


def write(folder: Path, reports: Iterable[Mapping[str, Any]], scenario: Mapping[str, Any]) -> None:
    """The export of these neutral reports, in place of the one before."""
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(_COLUMNS.values())
    table.writerows(_cells(report) for report in reports)
    (folder / str(scenario.get("file", "phan-anh.csv"))).write_text(out.getvalue(), "utf-8")


def _cells(report: Mapping[str, Any]) -> list[str]:
    sent = datetime.fromisoformat(str(report["created"])).astimezone(_ZONE)
    status = _WORDS.get(str(report.get("status", "new")), "Đang xử lý")
    named = ("subject", "body", "category", "address", "name", "phone")
    return [str(report["id"]), f"{sent:%d/%m/%Y %H:%M}", *(str(report.get(n) or "") for n in named), status]
