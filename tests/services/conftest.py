"""An office on each engine, copied from one that was seeded once a session."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.factories import Office, seed

if TYPE_CHECKING:
    from tests.postgres_server import Server


@pytest.fixture(scope="session")
def _seeded_sqlite(_sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("seeded") / "seeded.db"
    shutil.copyfile(_sqlite_template, path)
    seed(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def _seeded_postgres(postgres_server: Server, _postgres_template: str) -> str:
    from aggregator.storage.migrate import upgrade

    name = postgres_server.template()
    upgrade(postgres_server.url(name))
    seed(postgres_server.url(name))
    return name


@pytest.fixture
def sqlite_office(_seeded_sqlite: Path, tmp_path: Path) -> Iterator[Office]:
    path = tmp_path / "office.db"
    shutil.copyfile(_seeded_sqlite, path)
    office = Office(f"sqlite:///{path}", tmp_path)
    yield office
    office.close()


@pytest.fixture
def postgres_office(postgres_server: Server, _seeded_postgres: str, tmp_path: Path) -> Iterator[Office]:
    with postgres_server.fresh(_seeded_postgres) as url:
        office = Office(url, tmp_path)
        yield office
        office.close()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def office(request: pytest.FixtureRequest) -> Office:
    found: Office = request.getfixturevalue(f"{request.param}_office")
    return found
