"""Migrations make exactly the schema that the code works with, up, down and with people's data in it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect, text

from aggregator.storage import migrate
from aggregator.storage.db import Database
from tests.factories import Office, apart, seed


def tables(url: str) -> set[str]:
    db = Database(url)
    try:
        with db.read() as tx:
            return set(inspect(tx).get_table_names()) - {"alembic_version"}
    finally:
        db.close()


def schema(url: str) -> list[Any]:
    """Everything made by hand or by Alembic, as the database itself tells it."""
    db = Database(url)
    try:
        with db.read() as tx:
            if db.dialect == "sqlite":
                query = (
                    "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY 1, 2"
                )
            else:
                query = (
                    "SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
                    " UNION ALL SELECT table_name, column_name,"
                    " data_type || is_nullable || coalesce(column_default, '')"
                    " FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2"
                )
            return [tuple(row) for row in tx.execute(text(query))]
    finally:
        db.close()


def test_the_migrated_schema_is_that_of_the_models(database_url: str) -> None:
    db = Database(database_url)
    with db.read() as tx:
        assert migrate.differences(tx) == []
        assert migrate.current(tx) == migrate.newest()
    db.close()


def test_every_foreign_key_finds_its_index_or_is_never_followed(database_url: str) -> None:
    """What lists and verbs look up by is indexed: `case_id` and `report_id` everywhere."""
    db = Database(database_url)
    with db.read() as tx:
        found = inspect(tx)
        for table in found.get_table_names():
            leading = {
                index["column_names"][0] for index in found.get_indexes(table) if index["column_names"]
            }
            leading |= set(found.get_pk_constraint(table)["constrained_columns"][:1])
            leading |= {unique["column_names"][0] for unique in found.get_unique_constraints(table)}
            for key in found.get_foreign_keys(table):
                column = key["constrained_columns"][0]
                assert column in leading or column not in ("case_id", "report_id"), (table, column)
    db.close()


def test_up_down_up_comes_out_the_same(empty_database_url: str) -> None:
    migrate.upgrade(empty_database_url)
    first = schema(empty_database_url)
    assert len(tables(empty_database_url)) > 20
    migrate.downgrade(empty_database_url)
    assert tables(empty_database_url) == set()
    migrate.upgrade(empty_database_url)
    assert schema(empty_database_url) == first
    migrate.upgrade(empty_database_url)  # once more changes nothing
    assert schema(empty_database_url) == first


def test_a_database_with_data_goes_down_and_up_again(empty_database_url: str, tmp_path: Path) -> None:
    migrate.upgrade(empty_database_url)
    seed(empty_database_url)
    office = Office(empty_database_url, tmp_path)
    office.receives("1022", *apart(5), pages=[b"page"])
    office.cases.merge(office.lan, office.case_of("1"), office.case_of("2"))
    office.close()
    migrate.downgrade(empty_database_url)
    assert tables(empty_database_url) == set()
    migrate.upgrade(empty_database_url)
    seed(empty_database_url)
    office = Office(empty_database_url, tmp_path)
    office.receives("1022", *apart(5))
    assert office.count("cases") == 5
    office.is_sound()
    office.close()


def test_a_migration_that_fails_leaves_the_database_as_it_was(empty_database_url: str) -> None:
    db = Database(empty_database_url)
    with pytest.raises(ZeroDivisionError), db.write() as tx:
        migrate.command.upgrade(migrate.config(tx), "head")
        assert inspect(tx).has_table("cases")
        1 / 0  # noqa: B018
    db.close()
    assert tables(empty_database_url) == set()


def test_what_was_never_migrated_says_so(empty_database_url: str) -> None:
    db = Database(empty_database_url)
    with db.read() as tx:
        assert migrate.current(tx) is None
        assert migrate.differences(tx)
    db.close()


def test_two_processes_may_migrate_at_once(empty_database_url: str) -> None:
    from tests.factories import together

    together(*[lambda: migrate.upgrade(empty_database_url)] * 3)
    assert len(tables(empty_database_url)) > 20


def test_the_sqlite_file_is_whole_and_keeps_its_references(sqlite_url: str) -> None:
    path = sqlite_url.removeprefix("sqlite:///")
    connection = sqlite3.connect(path)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    finally:
        connection.close()
