"""The certificate from the command line: paper and proof side by side, the same until something changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aggregator.cli.opening import officer
from aggregator.domain.workflow import ReplyKind


@pytest.fixture
def answered(motmoi: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The code of a case that Lan has answered, in an office whose answers leave at once."""
    settings = tmp_path / "motmoi.toml"
    settings.write_text("undo_s = 0\n")
    monkeypatch.setenv("MOTMOI_CONFIG", str(settings))
    motmoi.json("user", "add", "lan", "--role", "officer", "--ward", "27142", "--name", "Trần Thị Lan")
    table = tmp_path / "phan-anh.csv"
    table.write_text("Mã,Ngày gửi,Nội dung\nPA-0001,02/03/2026 08:00,Hố ga mất nắp trước số 12\n")
    config = tmp_path / "map.toml"
    config.write_text('[columns]\nexternal_id = "Mã"\nreceived_at = "Ngày gửi"\nbody = "Nội dung"\n')
    motmoi.json("import", table, "--channel", "so-tay", "--mapping", config, "--ward", "27142")
    with motmoi.product() as product:
        lan = officer(product, "lan")
        product.cases.reply(lan, 1, ReplyKind.RESULT, "Đã đậy nắp.")
    return str(motmoi.json("case", "show", "1")["code"])


def test_the_paper_and_its_proof_are_written_side_by_side(motmoi: Any, answered: str, tmp_path: Path) -> None:
    out = tmp_path / "giay.pdf"
    told = motmoi.json("ledger", "certificate", answered, "--out", out)
    assert (
        told["case"] == answered
        and told["sentence"] in motmoi("ledger", "certificate", "1", "--out", out).out
    )
    proof = out.with_suffix(".json")
    assert out.read_bytes().startswith(b"%PDF-")
    assert json.loads(proof.read_bytes())["statement"]["serial"] == told["serial"]
    checked = motmoi("ledger", "check", proof)
    assert checked.code == 0, checked.out + checked.err
    proof.write_bytes(proof.read_bytes().replace(b"in_time", b"in_tame").replace(b'"late"', b'"lite"'))
    assert motmoi("ledger", "check", proof).code == 1


def test_the_same_certificate_is_written_again(motmoi: Any, answered: str, tmp_path: Path) -> None:
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    motmoi.json("ledger", "certificate", answered, "--out", first)
    motmoi.json("ledger", "certificate", answered, "--out", second)
    assert first.read_bytes() == second.read_bytes()
    assert not first.with_suffix(".pdf").exists(), "the proof alone"


@pytest.mark.parametrize(
    ("out", "note"), [("giay.docx", "no such form"), ("nowhere/giay.json", "no such folder")]
)
def test_a_file_that_cannot_be_is_bad_usage(
    motmoi: Any, answered: str, tmp_path: Path, out: str, note: str
) -> None:
    ran = motmoi("ledger", "certificate", answered, "--out", tmp_path / out)
    assert ran.code == 2 and out in ran.err, note


def test_an_unknown_case_is_told_and_nothing_written(motmoi: Any, answered: str, tmp_path: Path) -> None:
    assert motmoi("ledger", "certificate", "99-99999", "--out", tmp_path / "a.json").code == 2
    assert not (tmp_path / "a.json").exists()
