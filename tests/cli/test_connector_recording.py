"""An author records a portal, runs the connector on it offline, and sees what each expression gives."""

import os
import shutil
import signal
from pathlib import Path

import pytest

from aggregator.sdk.sandbox import serve
from connectors import district_html
from connectors.portal_1022.sandbox import build

PASSWORD = "mật-khẩu-của-cổng"
NAME, PHONE, MAIL, HOME = (
    "Nguyễn Thị Bích Ngọc",
    "0903481276",
    "ngoc.bich@thu.example.com",
    "7/2 Hẻm Cũ, Phường 3",
)
REPORTS = [
    {
        "id": "1001", "subject": f"Ổ gà trước nhà chị {NAME}", "name": NAME, "phone": PHONE, "email": MAIL,
        "body": "Tôi là NGUYEN THI BICH NGOC, gọi 0903.481.276. Ông Trần Văn Bảy cũng biết.",
        "category": "Hạ tầng", "created": "2026-03-01T01:00:00+00:00",
    },
    {"id": "1002", "subject": "Đèn hỏng", "body": "Tối ba đêm", "anonymous": True, "category": "Chiếu sáng",
     "created": "2026-03-02T01:00:00+00:00", "due": "2026-03-09T01:00:00+00:00"},
]  # fmt: skip


@pytest.fixture
def portal():
    running = serve(build({"reports": REPORTS, "accounts": {"lan.nguyen": PASSWORD}, "auth": "jwt"}))
    yield running
    running.close()


@pytest.fixture
def channel(motmoi, portal):
    return motmoi.file(
        "kenh.toml",
        f"""kind = "portal_1022"
        config = {{base_url = "{portal.url}", scope = "officer", auth = "jwt", page_size = 1}}
        secrets = {{username = "lan.nguyen", password = "{PASSWORD}"}}
        options = {{allow_private = true, min_gap_s = 0}}""",
    )


def whole(folder):
    return "\n".join(path.read_text("utf-8") for path in sorted(folder.rglob("*")) if path.is_file())


def test_a_recording_runs_again_without_the_portal_and_without_people(motmoi, channel, portal, tmp_path):
    into = tmp_path / "co-phan-anh"
    told = motmoi.json("connector", "record", "portal_1022", "--config", channel, "--into", into)
    assert (told["records"], told["error"], told["doubts"], told["differs"]) == (2, "", [], [])
    assert told["changed"]["name"] >= 3
    assert any("Trần Văn Bảy" in line for line in told["review"])
    portal.close()
    kept = whole(into)
    for gone in (NAME, "Ngọc", "NGUYEN THI", PHONE, "903.481.276", MAIL, PASSWORD, "lan.nguyen"):
        assert gone not in kept
    again = motmoi.json("connector", "replay", "portal_1022", into)
    first, second = again["records"]
    assert first["person"]["name"] in first["subject"]
    assert (second["person"]["anonymous"], second["due_at"]) == (True, "2026-03-09T01:00:00+00:00")
    assert again["differs"] == []


def test_another_address_and_an_answer_can_be_recorded(motmoi, channel, portal, tmp_path):
    into = tmp_path / "tra-loi"
    answer = motmoi.file("tra-loi.toml", 'external_id = "1002"\nbody = "Đã thay đèn."')
    motmoi.json(
        "connector", "record", "portal_1022", "--config", channel, "--into", into,
        "--push", answer, "--as", "https://gopy.example.gov.vn",
    )  # fmt: skip
    assert portal.portal.writes == 1
    assert portal.url not in whole(into)
    portal.close()
    assert motmoi.json("connector", "replay", "portal_1022", into)["pushed"] == ["sent"]


def test_a_difference_is_told_by_its_field_and_taken_over_on_request(motmoi, channel, tmp_path):
    into = tmp_path / "ghi"
    motmoi.json("connector", "record", "portal_1022", "--config", channel, "--into", into, "--pages", "1")
    path = into / "records.json"
    path.write_text(path.read_text("utf-8").replace('"Hạ tầng"', '"Rác thải"'), "utf-8")
    ran = motmoi("connector", "replay", "portal_1022", into)
    assert ran.code == 1
    assert 'report 1001: category_raw: "Rác thải" was expected, "Hạ tầng" came' in ran.out
    assert motmoi("connector", "replay", "portal_1022", into, "--update").code == 0
    assert motmoi("connector", "replay", "portal_1022", into).code == 0


def test_a_request_that_was_not_recorded_is_told_with_the_nearest(motmoi, channel, tmp_path):
    into = tmp_path / "ghi"
    motmoi.json("connector", "record", "portal_1022", "--config", channel, "--into", into)
    path = into / "exchanges.yaml"
    path.write_text(path.read_text("utf-8").replace("page_size: 1", "page_size: 7"), "utf-8")
    ran = motmoi("connector", "replay", "portal_1022", into)
    assert ran.code == 1
    assert "size is '7' here and '1' there" in ran.out


def test_what_is_not_proven_clean_is_not_saved(motmoi, channel, portal, tmp_path):
    """A page that the connector cannot read holds people that nobody has named."""
    into = tmp_path / "ghi"
    portal.portal.load([{**REPORTS[0], "created": "2126-01-01T00:00:00+00:00"}])
    given = ("connector", "record", "portal_1022", "--config", channel, "--into", into)
    ran = motmoi(*given)
    assert ran.code != 0
    assert "nobody can tell whose item" in ran.err
    assert not into.exists()
    ran = motmoi(*given, "--doubtful")
    assert ran.code == 1
    assert "not proven clean" in ran.out
    assert PHONE not in whole(into)


MANIFEST = """\
id: cong_mau
version: "1.0"
api: 1
kind: json
title: {vi: Cổng mẫu, en: Sample portal}
description: {vi: Cổng để thử, en: A portal to try}
maintainer: Thử
source:
  streams:
    - request: {path: /public/gopy, params: {size: "5"}}
      records: data
      map:
        external_id: id
        occurred_at: "ngayDienRa | date('%d/%m/%Y')"
        subject: tieuDe
        body: noiDung
        category_raw: tenLinhVucCu
        person: {anonymous: "`false`"}
"""


@pytest.fixture
def drafted(motmoi, portal):
    """A connector that its author is writing, and a channel's file for it."""
    folder = motmoi.folder / "cong_mau"
    folder.mkdir()
    (folder / "connector.yaml").write_text(MANIFEST, "utf-8")
    motmoi.file(
        "mau.toml",
        f'config = {{base_url = "{portal.url}"}}\noptions = {{allow_private = true, min_gap_s = 0}}',
    )
    return folder


def test_dev_shows_which_expression_gave_nothing(motmoi, drafted):
    ran = motmoi("connector", "dev", drafted, "--config", motmoi.folder / "mau.toml", "--once")
    assert ran.code == 0, ran.out + ran.err
    assert "source.streams[0].map.category_raw: tenLinhVucCu gave nothing in 2 of 2 records" in ran.out
    for part in ("PAGES", "/public/gopy", "ITEM", "RECORD 1001  revision", "NEXT CURSOR"):
        assert part in ran.out
    shown = motmoi.json("connector", "dev", drafted, "--config", motmoi.folder / "mau.toml")
    assert shown["nothing"] == ["category_raw"]
    assert len(shown["records"][0]["revision"]) == 64


def test_dev_names_the_line_of_a_slip(motmoi, drafted):
    path = drafted / "connector.yaml"
    path.write_text(MANIFEST.replace("subject:", "subjekt:"), "utf-8")
    ran = motmoi("connector", "dev", drafted, "--config", motmoi.folder / "mau.toml", "--once")
    assert ran.code == 1
    assert "connector.yaml:15:9" in ran.out
    assert "subject" in ran.out


def test_dev_looks_again_when_the_manifest_is_saved(motmoi, drafted, tmp_path):
    into = tmp_path / "ghi"
    motmoi("connector", "record", drafted, "--config", motmoi.folder / "mau.toml", "--into", into)
    with motmoi.started("connector", "dev", drafted, "--scenario", into) as process:
        seen = _until(process, "waiting for a change")
        assert "tenLinhVucCu gave nothing" in seen
        (drafted / "connector.yaml").write_text(MANIFEST.replace("tenLinhVucCu", "tenChuDe"), "utf-8")
        assert "gave nothing" not in _until(process, "waiting for a change")
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(timeout=30) == 0


def _until(process, words):
    """What the process prints up to these words."""
    seen = ""
    for line in process.stdout:
        seen += line
        if words in line:
            return seen
    raise AssertionError(seen + process.stderr.read())


def test_either_the_portal_or_a_recording_is_looked_at(motmoi, drafted):
    assert motmoi("connector", "dev", drafted, "--once").code == 2
    file = motmoi.file("sai.toml", 'kind = "spreadsheet"')
    ran = motmoi("connector", "dev", drafted, "--config", file, "--once")
    assert ran.code == 2
    assert "spreadsheet" in ran.err


PAGES = Path(__file__).parents[1] / "connectors" / "district_html" / "recorded"


@pytest.mark.parametrize(
    ("right", "wrong", "told", "code"),
    [
        ("Điện thoại: phone", "Số máy: phone", "labels.names['Số máy'] stands nowhere on 10 pages", 0),
        ("subject: h1", "subject: h1.ten", "detail.fields.subject: 'h1.ten' stands nowhere", 1),
        ('row: "tbody tr"', 'row: "tbody li"', "table.list.row: 'tbody li' stands nowhere", 1),
    ],
)
def test_dev_names_the_selector_that_stands_on_no_page(motmoi, tmp_path, right, wrong, told, code):
    folder = tmp_path / "district_html"
    shutil.copytree(Path(district_html.__file__).parent, folder)
    path = folder / "connector.yaml"
    path.write_text(path.read_text("utf-8").replace(right, wrong, 1), "utf-8")
    ran = motmoi("connector", "dev", folder, "--scenario", PAGES, "--once", "--pages", "9")
    assert told in ran.out
    assert ran.code == code
