"""`motmoi ledger`: signing, giving out, checking, and the way on after a loss."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any


def _path(motmoi: Any) -> Path:
    return Path(motmoi.env["MOTMOI_DATABASE_URL"].removeprefix("sqlite:///"))


def _sql(motmoi: Any, statement: str) -> None:
    with closing(sqlite3.connect(_path(motmoi))) as connection:
        connection.execute(statement)
        connection.commit()


def test_what_is_exported_checks_until_somebody_edits_it(motmoi: Any, tmp_path: Path) -> None:
    key = motmoi.json("ledger", "key")
    file = tmp_path / "ledger.jsonl"
    assert motmoi.json("ledger", "export", "--out", file, "--with-data")["lines"] > 2
    honest = motmoi("ledger", "check", file, "--key", key["public"])
    assert (honest.code, "ĐÚNG / IT HOLDS" in honest.out) == (0, True)
    assert motmoi.json("ledger", "check", file)["ok"] is True
    lines = file.read_text("utf-8").splitlines(keepends=True)
    edited = json.loads(lines[-1])
    edited["kind"] = "nothing_happened"
    file.write_text("".join(lines[:-1]) + json.dumps(edited, sort_keys=True, separators=(",", ":")) + "\n")
    found = motmoi("ledger", "check", file, "--key", key["public"])
    assert found.code == 1
    assert f"chuỗi / chain {edited['chain']}, mục / entry {edited['seq']}: nội dung đã bị sửa" in found.out
    told = motmoi("ledger", "check", file, "--json")
    assert (told.code, told.document["findings"][0]["seq"]) == (1, edited["seq"])
    assert motmoi("ledger", "check", tmp_path / "missing").code == 2


def test_what_the_entries_say_leaves_only_where_it_is_asked_for(motmoi: Any, tmp_path: Path) -> None:
    file = tmp_path / "ledger.jsonl"
    motmoi.json("ledger", "export", "--out", file)
    entries = [json.loads(line) for line in file.read_text("utf-8").splitlines() if '"seq"' in line]
    assert entries and not any("data" in entry or "salt" in entry for entry in entries)
    assert motmoi("ledger", "check", file).code == 0


def test_a_checkpoint_is_made_where_something_is_new(motmoi: Any) -> None:
    first = motmoi.json("ledger", "checkpoint")
    assert (first["made"], first["checkpoint"]["number"]) == (True, 1)
    again = motmoi.json("ledger", "checkpoint")
    assert (again["made"], again["checkpoint"]["number"]) == (False, 1)
    motmoi.json("ledger", "key", "--rotate")
    assert motmoi.json("ledger", "checkpoint")["made"] is False  # not within ten minutes
    forced = motmoi("ledger", "checkpoint", "--force")
    assert "motmoi/checkpoint/1\n" in forced.out and "\n2\n" in forced.out


def test_verify_tells_of_chains_and_checkpoints(motmoi: Any) -> None:
    motmoi.json("ledger", "checkpoint")
    good = motmoi.json("ledger", "verify")
    assert (good["ok"], good["checkpoints"]) == (True, 1)
    _sql(motmoi, "UPDATE ledger_checkpoints SET signature = 'x'")
    bad = motmoi("ledger", "verify")
    assert (bad.code, "checkpoint 1: its signature is wrong" in bad.out) == (1, True)


def test_an_old_backup_is_told_of_and_admitted(motmoi: Any, tmp_path: Path) -> None:
    motmoi.json("ledger", "checkpoint")
    backup = tmp_path / "backup.db"
    shutil.copyfile(_path(motmoi), backup)
    motmoi.json("ledger", "key", "--rotate")
    motmoi.json("ledger", "checkpoint", "--force")
    shutil.copyfile(backup, _path(motmoi))
    refused = motmoi("ledger", "checkpoint", "--force")
    assert refused.code == 1
    assert 'motmoi ledger checkpoint --after-loss "WHAT HAPPENED"' in refused.err
    admitted = motmoi("ledger", "checkpoint", "--after-loss", "Máy hỏng")
    assert admitted.code == 0 and "\n3\n" in admitted.out
    assert motmoi.json("ledger", "verify")["ok"] is True
    assert motmoi("ledger", "checkpoint", "--after-loss", "again").code == 1
