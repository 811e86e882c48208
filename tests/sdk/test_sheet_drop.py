"""Tables by a manifest of kind ``sheet`` alone: dropped into a folder, or downloaded."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from aggregator.sdk.contract import AuthFailed, Batch, ChannelError, ConfigInvalid, SchemaDrift, Transient
from aggregator.sdk.manifest import manifest_of
from aggregator.sdk.sandbox import Fault, Portal, Request, Response, page, serve
from aggregator.sdk.sheet_drop import SheetDrop
from aggregator.sdk.testing import context_for
from tests.connectors.spreadsheet.sheets import COLUMNS, NOW, csv_text, line, write_xlsx


def sheet(source: dict[str, Any]) -> SheetDrop:
    words = {"vi": "Bảng của phường", "en": "The ward's table"}
    facts = {"id": "bang", "version": "1.0", "api": 1, "maintainer": "Một Mối", "kind": "sheet"}
    given = {"columns": COLUMNS, **source}
    return SheetDrop(manifest_of({**facts, "title": words, "description": words, "source": given}, Path()))


def ids(batches: list[Batch]) -> list[str]:
    return [record.external_id for batch in batches for record in batch.records]


class Export(Portal):
    """Gives one file, with an ETag, to who has the key."""

    kind = "export"

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.content, self.sent = content, 0
        self.route("/xuat/phan-anh.csv")(self.give)

    def give(self, request: Request) -> Response:
        if request.headers.get("X-Key") != "khoa-thu":
            return Response("", status=401)
        tag = f'"{hash(self.content)}"'
        if request.headers.get("If-None-Match") == tag:
            return Response(status=304)
        self.sent += 1
        return Response(self.content, headers={"ETag": tag}, content_type="text/csv; charset=utf-8")


DOWNLOAD = {
    "request": {"path": "/xuat/phan-anh.csv"},
    "auth": {"type": "api_key", "name": "X-Key", "in": "header"},
}
KEY = {"token": "khoa-thu"}


def test_a_folder_is_read_by_headings_that_the_manifest_names(tmp_path: Path) -> None:
    connector = sheet({"settle_s": 0})
    (tmp_path / "a.csv").write_text(csv_text(line(n) for n in range(3)), "utf-8")
    ctx = context_for("http://127.0.0.1:9", connector.manifest, {"folder": str(tmp_path)}, now=NOW)
    batches = list(connector.poll(ctx, None))
    assert ids(batches) == ["PA-0", "PA-1", "PA-2"]
    assert connector.remap(ctx, batches[0].items[0]) == batches[0].records[0]
    assert [step.name for step in connector.check(ctx)] == ["Khai báo cột", "Tệp", "Tiêu đề cột"]
    assert connector.manifest.config_schema["required"] == ["folder"]


def test_a_download_is_read_once_and_again_where_it_changed() -> None:
    connector, state = sheet(DOWNLOAD), dict[str, Any]()
    portal = Export(csv_text(line(n) for n in range(5)).encode())
    with serve(portal) as running:
        ctx = context_for(running, connector.manifest, secrets=KEY, now=NOW, state=state)
        first = list(connector.poll(ctx, None))
        second = list(connector.poll(ctx, first[-1].next_cursor))
        assert (len(ids(first)), ids(second), portal.sent) == (5, [], 1)
        portal.content = csv_text([line(1, "Đã sửa"), line(9)]).encode()
        third = list(connector.poll(ctx, second[-1].next_cursor))
        assert ids(third) == ["PA-1", "PA-9"] and portal.sent == 2
        assert all(step.ok for step in connector.check(ctx))


def test_a_download_that_broke_off_in_the_middle_is_asked_for_again_whole() -> None:
    connector, state = sheet({**DOWNLOAD, "batch_rows": 2}), dict[str, Any]()
    portal = Export(csv_text(line(n) for n in range(5)).encode())
    with serve(portal) as running:
        ctx = context_for(running, connector.manifest, secrets=KEY, now=NOW, state=state)
        part = next(connector.poll(ctx, None))
        rest = list(connector.poll(ctx, part.next_cursor))
    assert ids([part, *rest]) == [f"PA-{n}" for n in range(5)] and portal.sent == 2


def test_an_excel_file_is_downloaded_too(tmp_path: Path) -> None:
    connector = sheet(DOWNLOAD)
    portal = Export(write_xlsx(tmp_path / "x.xlsx", [line(n) for n in range(4)]).read_bytes())
    with serve(portal) as running:
        ctx = context_for(running, connector.manifest, secrets=KEY, now=NOW)
        assert len(ids(list(connector.poll(ctx, None)))) == 4


FAULTS: list[tuple[str, dict[str, Any], type[ChannelError]]] = [
    ("a login page", {"kind": "login_page"}, AuthFailed),
    ("a maintenance notice", {"kind": "maintenance"}, Transient),
    ("half a file", {"kind": "truncate"}, Transient),
    ("nobody", {"kind": "outage"}, Transient),
    ("a file without end", {"kind": "oversize", "bytes": 3_000_000}, SchemaDrift),
]


@pytest.mark.parametrize(("note", "fault", "error"), FAULTS, ids=[row[0] for row in FAULTS])
def test_what_is_no_table_is_an_error_of_its_class(
    note: str, fault: dict[str, Any], error: type[ChannelError]
) -> None:
    connector, portal = sheet(DOWNLOAD), Export(csv_text(line(n) for n in range(50)).encode())
    portal.faults.append(Fault.of(fault))
    with serve(portal) as running, pytest.raises(error):
        ctx = context_for(running, connector.manifest, secrets=KEY, now=NOW, max_bytes=2_000_000)
        list(connector.poll(ctx, None))


def test_a_page_in_place_of_a_table_is_kept_for_a_person() -> None:
    connector, portal = sheet(DOWNLOAD), Export(b"")
    portal.give = lambda request: page("<h1>Chào mừng</h1>")  # type: ignore[method-assign]
    portal._rules = type(portal._rules)([], strict_slashes=False)
    portal.route("/xuat/phan-anh.csv")(portal.give)
    with serve(portal) as running, pytest.raises(SchemaDrift) as error:
        list(connector.poll(context_for(running, connector.manifest, secrets=KEY, now=NOW), None))
    assert b"Ch" in io.BytesIO(error.value.evidence["content"]).read()


def test_a_wrong_key_is_told_with_its_step() -> None:
    connector = sheet(DOWNLOAD)
    with serve(Export(b"")) as running:
        steps = connector.check(context_for(running, connector.manifest, secrets={"token": "sai"}, now=NOW))
    assert [step.ok for step in steps] == [True, False]


def test_a_slip_in_the_manifest_is_told_with_its_path() -> None:
    for source, where in (
        ({"columns": {"recieved_at": "Ngày"}}, "source.columns.recieved_at"),
        ({"columns": {"body": "Nội dung"}}, "source.columns: received_at is missing"),
        ({"columns": {}}, "source.columns: received_at is missing"),
        ({"request": {"path": "xuat.csv"}}, "source.request.path"),
        ({"encoding": "tcvn3"}, "source.encoding"),
        ({"request": {"path": "/{config.x}"}}, "source.request.path"),
    ):
        with pytest.raises(ConfigInvalid) as error:
            sheet(source)
        assert where in str(error.value)
