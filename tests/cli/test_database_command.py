"""Setting a database up, and finding out that one is not sound."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any


def _sql(motmoi: Any, *statements: str) -> None:
    path = motmoi.env["MOTMOI_DATABASE_URL"].removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def test_first_command_sets_a_new_database_up(untouched: Any) -> None:
    before = untouched("db", "check", "--json")
    assert before.code == 1
    assert "motmoi db upgrade" in before.document["findings"][0]

    first = untouched("channel", "list")
    assert first.code == 0
    assert "Set up the database" in first.err
    assert "Set up" not in untouched("channel", "list").err
    check = untouched("db", "check", "--json")
    assert (check.code, check.document["ok"], check.document["findings"]) == (0, True, [])
    with untouched.product() as product, product.db.read() as tx:
        assert product.rules.book(tx).policies, "deadline rules are there from the start"


def test_upgrade_says_what_it_did_and_may_be_repeated(untouched: Any) -> None:
    first = untouched.json("db", "upgrade")
    assert (first["before"], first["seeded"]) == (None, True)
    again = untouched.json("db", "upgrade")
    assert (again["before"], again["seeded"]) == (first["revision"], False)


def test_older_database_is_refused_with_the_way_out(motmoi: Any) -> None:
    _sql(motmoi, "UPDATE alembic_version SET version_num = '0000_before'")
    for command in (("channel", "list"), ("ledger", "verify"), ("worker",)):
        ran = motmoi(*command, "--json")
        assert ran.code == 2
        assert ran.document["error"]["code"] == "schema_outdated"
        assert "motmoi db upgrade" in ran.err
    assert motmoi("db", "check").code == 1


def test_upgrade_leaves_a_database_of_a_newer_program_alone(motmoi: Any) -> None:
    _sql(motmoi, "UPDATE alembic_version SET version_num = '9999_later'")
    ran = motmoi("db", "upgrade")
    assert ran.code == 2
    assert "9999_later" in ran.err and "newer program" in ran.err


def test_check_names_what_differs_and_what_points_nowhere(motmoi: Any) -> None:
    assert motmoi("channel", "list").code == 0
    _sql(
        motmoi,
        "ALTER TABLE wards ADD COLUMN secret_note TEXT",
        "PRAGMA foreign_keys=OFF",
        "INSERT INTO units (ward_code, name, categories, active) VALUES ('99999', 'Tổ ma', '[]', 1)",
    )
    ran = motmoi("db", "check", "--json")
    assert ran.code == 1
    assert any("secret_note" in line for line in ran.document["differences"])
    assert any("units" in line and "wards" in line for line in ran.document["faults"])


def test_file_that_is_no_database_is_told_as_such(motmoi: Any, monkeypatch: Any) -> None:
    path = motmoi.file("broken.db", "this is not a database, it only has its name\n" * 50)
    monkeypatch.setenv("MOTMOI_DATABASE_URL", f"sqlite:///{path}")
    ran = motmoi("db", "check")
    assert ran.code == 3
    assert "broken.db is damaged, or is no database" in ran.err


def test_tampered_ledger_is_found_with_its_place(motmoi: Any) -> None:
    motmoi.json("user", "add", "lan", "--role", "officer", "--ward", "27142")
    clean = motmoi("ledger", "verify", "--json")
    assert (clean.code, clean.document["findings"]) == (0, [])
    assert clean.document["entries"] >= 3

    _sql(motmoi, "UPDATE ledger_entries SET data = replace(data, 'officer', 'admin') WHERE seq = 3")
    ran = motmoi("ledger", "verify", "--json")
    assert (ran.code, ran.document["ok"]) == (1, False)
    assert ran.document["findings"][0]["seq"] == 3
    assert "entry 3" in motmoi("ledger", "verify").out
