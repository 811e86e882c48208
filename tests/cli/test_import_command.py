"""Importing a file: proposal, counts, quarantine, and that the same file again changes nothing."""

from __future__ import annotations

import gzip
import itertools
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
CHICAGO = SHARED / "chicago311_sanitation_2011_2014.csv.gz"


def _counts(document: Any) -> tuple[int, ...]:
    return tuple(document[name] for name in ("seen", "stored", "unchanged", "revised", "quarantined"))


def test_broken_row_is_quarantined_by_name_and_the_others_are_read(
    either: Any, reports: Path, mapping: Path
) -> None:
    command = ("import", reports, "--channel", "phuong", "--mapping", mapping, "--ward", "27142")
    first = either.json(*command)
    assert _counts(first) == (4, 3, 0, 0, 1)
    (problem,) = first["problems"]
    assert (problem["file"], problem["row"], problem["field"]) == ("phan-anh.csv", 4, "received_at")
    assert "31/02/2026" in problem["error"]

    again = either("import", reports, "--channel", "phuong")
    assert again.code == 0
    assert "rows/s" in again.err and "phan-anh.csv row 4" in again.err
    assert _counts(either.json("import", reports, "--channel", "phuong")) == (4, 0, 3, 0, 1)
    assert either("ledger", "verify").code == 0


def test_corrected_row_comes_in_and_changed_one_is_a_revision(
    motmoi: Any, reports: Path, mapping: Path
) -> None:
    command = ("import", reports, "--channel", "phuong", "--mapping", mapping, "--ward", "27142")
    motmoi.json(*command)
    text = reports.read_text("utf-8")
    reports.write_text(text.replace("31/02/2026", "20/02/2026").replace("tối om ba", "tối om bốn"), "utf-8")
    assert _counts(motmoi.json(*command)) == (4, 2, 2, 1, 0)


def test_without_a_mapping_one_is_proposed_and_nothing_is_stored(motmoi: Any, reports: Path) -> None:
    ran = motmoi("import", reports, "--channel", "phuong")
    assert ran.code == 1
    assert 'received_at = "Ngày nhận"' in ran.out
    assert "Nothing was stored" in ran.err
    assert motmoi.json("channel", "list") == []

    document = motmoi("import", reports, "--channel", "phuong", "--json").document
    assert document["proposal"]["columns"]["external_id"] == "Mã phản ánh"
    proposed = motmoi.file("proposed.toml", document["mapping"])
    done = motmoi.json("import", reports, "--channel", "phuong", "--mapping", proposed, "--ward", "27142")
    assert _counts(done) == (4, 3, 0, 0, 1), "what is proposed works as it stands"


WRONG = [
    ("nonsense", "phan-anh.toml", "no TOML"),
    ('columns = "all"', "[columns]", "no table of columns"),
    ('[colums]\nid = "Mã"', "did you mean 'columns'", "a misspelt table"),
    ('[columns]\nreceived_at = "Ngày nhận"\nsubjct = "Tiêu đề"', "subjct", "a misspelt field"),
    ('[columns]\nreceived_at = "Ngày gửi"\nsubject = "Tiêu đề"', "Ngày gửi", "a heading the file lacks"),
    ('[columns]\nsubject = "Tiêu đề"', "received_at", "no date, so no deadline"),
]


@pytest.mark.parametrize(("content", "named", "note"), WRONG, ids=[row[2] for row in WRONG])
def test_wrong_mapping_is_2_and_names_what_is_wrong(
    motmoi: Any, reports: Path, content: str, named: str, note: str
) -> None:
    mapping = motmoi.file("phan-anh.toml", content)
    ran = motmoi("import", reports, "--channel", "phuong", "--mapping", mapping, "--ward", "27142")
    assert ran.code == 2, note
    assert named in ran.err, note


def test_corrected_mapping_is_kept_on_the_channel(motmoi: Any, reports: Path, mapping: Path) -> None:
    wrong = motmoi.file(
        "wrong.toml", '[columns]\nreceived_at = "Ngày gửi"\n[formats]\ndecimal_comma = true\n'
    )
    command = ("import", reports, "--channel", "phuong", "--ward", "27142")
    assert motmoi(*command, "--mapping", wrong).code == 2
    assert motmoi(*command, "--mapping", mapping).code == 0
    assert _counts(motmoi.json(*command)) == (4, 0, 3, 0, 1)


def test_ward_must_be_known_from_somewhere(motmoi: Any, reports: Path, mapping: Path) -> None:
    command = ("import", reports, "--channel", "phuong", "--mapping", mapping)
    ran = motmoi(*command)
    assert ran.code == 2
    assert "--ward" in ran.err
    motmoi.file("phan-anh.toml", mapping.read_text("utf-8") + '[defaults]\nward = "26740"\n')
    assert motmoi(*command).code == 0
    assert motmoi.json("channel", "list")[0]["ward_code"] == "26740"
    assert motmoi("import", reports, "--channel", "phuong", "--ward", "27142").code == 2


def test_file_that_is_no_table_is_told_and_the_channel_can_still_be_used(
    motmoi: Any, reports: Path, mapping: Path
) -> None:
    page = motmoi.file("trang.csv", "<html><body>Đăng nhập</body></html>")
    command = ("--channel", "phuong", "--mapping", mapping, "--ward", "27142")
    ran = motmoi("import", page, *command)
    assert ran.code == 2
    assert "web page" in ran.err
    assert motmoi("import", reports, *command).code == 0


def test_import_that_was_stopped_goes_on_where_it_is_started_again(
    motmoi: Any, reports: Path, mapping: Path
) -> None:
    motmoi.file("phan-anh.toml", "batch_rows = 2\n" + mapping.read_text("utf-8"))
    assert motmoi("channel", "list").code == 0
    with motmoi.product() as product:
        chosen = product.channels.from_toml(mapping)
        stopped = product.importing.run(reports, "phuong", chosen, "27142", stop=lambda: True)
    assert (stopped.result.cut_short, stopped.result.counts.stored) == (True, 2)
    assert _counts(motmoi.json("import", reports, "--channel", "phuong")) == (4, 1, 2, 0, 1)


def test_killed_import_does_not_hold_the_channel(either: Any, reports: Path, mapping: Path) -> None:
    either.json("import", reports, "--channel", "phuong", "--mapping", mapping, "--ward", "27142")
    dies = (
        "import os; from aggregator import settings; from aggregator.bootstrap import build;"
        "build(settings.load()).polling._claim_one('phuong', 'import'); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", dies], check=False).returncode == 9
    assert _counts(either.json("import", reports, "--channel", "phuong")) == (4, 0, 3, 0, 1)


def test_channel_of_another_kind_takes_no_files(motmoi: Any, reports: Path) -> None:
    spec = motmoi.file(
        "portal.toml",
        'slug = "cong"\nkind = "portal_1022"\nward = "27142"\n[config]\nbase_url = "http://127.0.0.1:9"\n',
    )
    motmoi.json("channel", "add", spec)
    ran = motmoi("import", reports, "--channel", "cong", "--mapping", motmoi.file("m.toml", "[columns]\n"))
    assert ran.code == 2
    assert "portal_1022" in ran.err


if CHICAGO.exists():  # the real data lie beside the project where it is developed

    def test_three_thousand_real_rows_come_in_once(motmoi: Any) -> None:
        with gzip.open(CHICAGO, "rt", encoding="utf-8") as source:
            rows = list(itertools.islice(source, 3_001))
        path = motmoi.file("chicago.csv", "".join(rows))
        command = ("import", path, "--channel", "chicago", "--mapping", SHARED / "chicago311.mapping.toml")
        first = motmoi.json(*command)
        assert (first["seen"], first["stored"], first["quarantined"]) == (3_000, 3_000, 0)
        assert _counts(motmoi.json(*command)) == (3_000, 0, 3_000, 0, 0)
        assert motmoi("ledger", "verify").code == 0
