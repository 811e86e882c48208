"""Every column has its class, and whatever holds people's data says how it goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from aggregator.domain.retention import STARTING, Kind
from aggregator.storage import migrate  # noqa: F401 (all tables)
from aggregator.storage.data_classes import FIXED, TABLES, Class
from aggregator.storage.types import metadata

DOCS = Path(__file__).resolve().parents[2] / "docs" / "privacy.md"
OF_PEOPLE = (Class.PERSON, Class.CITIZEN, Class.OFFICER, Class.STAFF)


def test_every_table_is_classed_and_no_other() -> None:
    assert set(TABLES) == set(metadata.tables), "enter it in aggregator/storage/data_classes.py"


@pytest.mark.parametrize("name", sorted(metadata.tables))
def test_every_column_has_one_class(name: str) -> None:
    told = [column for text in TABLES[name].columns.values() for column in text.split()]
    there = [column.name for column in metadata.tables[name].columns]
    assert sorted(told) == sorted(there), f"{name}: enter new columns in aggregator/storage/data_classes.py"


def test_whatever_holds_peoples_data_says_how_it_goes() -> None:
    for name, table in TABLES.items():
        holds = any(kind in table.columns for kind in OF_PEOPLE)
        assert bool(table.goes) == holds, name
        assert all(one in set(Kind) or one in FIXED for one in table.goes), name


def test_every_kind_has_a_period_and_something_that_goes_by_it() -> None:
    assert set(STARTING) == set(Kind)
    assert {one for table in TABLES.values() for one in table.goes if isinstance(one, Kind)} == set(Kind)


def test_the_document_names_every_table_with_peoples_data() -> None:
    text = DOCS.read_text(encoding="utf-8")
    missing = [name for name, table in TABLES.items() if table.goes and f"`{name}`" not in text]
    assert not missing, "tell of these in docs/privacy.md"
    assert not [kind for kind in Kind if f"`{kind}`" not in text]
