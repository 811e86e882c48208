"""An office on each engine, copied from one that was seeded once a session.

What may surprise: all offices of one engine share a `Database`, whose connections lead to whatever
copy the test at hand was given: a new engine asks its database a dozen things at its first connection.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, make_url

from aggregator.storage.db import Database
from tests.factories import Office, seed

if TYPE_CHECKING:
    from tests.postgres_copies import Copies
    from tests.postgres_server import Server


class Shared:
    """One `Database` for the session; `at` says where it leads now."""

    def __init__(self, url: str) -> None:
        self.db = Database(url)
        self._where = make_url(url).database
        for engine in {self.db.engine, self.db.reader}:
            event.listen(engine, "do_connect", self._lead)

    def at(self, url: str) -> Database:
        self._where = make_url(url).database
        return self.db

    def _lead(self, _dialect: Any, _record: Any, arguments: list[Any], named: dict[str, Any]) -> None:
        if self.db.dialect == "sqlite":
            arguments[0] = self._where
        else:
            named["dbname"] = self._where


@pytest.fixture(scope="session")
def _seeded_sqlite(_sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("seeded") / "seeded.db"
    shutil.copyfile(_sqlite_template, path)
    seed(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def _shared_sqlite(_seeded_sqlite: Path) -> Shared:
    return Shared(f"sqlite:///{_seeded_sqlite}")


@pytest.fixture(scope="session")
def _seeded_postgres(postgres_server: Server, _postgres_template: str) -> str:
    from aggregator.storage.migrate import upgrade

    name = postgres_server.template()
    upgrade(postgres_server.url(name))
    seed(postgres_server.url(name))
    return name


@pytest.fixture(scope="session")
def _seeded_copies(postgres_server: Server, _seeded_postgres: str) -> Iterator[Copies]:
    from tests.postgres_copies import Copies

    with closing(Copies(postgres_server, _seeded_postgres)) as copies:
        yield copies


@pytest.fixture(scope="session")
def _shared_postgres(postgres_server: Server, _seeded_postgres: str) -> Shared:
    return Shared(postgres_server.url(_seeded_postgres))


@pytest.fixture
def sqlite_office(_seeded_sqlite: Path, _shared_sqlite: Shared, tmp_path: Path) -> Iterator[Office]:
    path = tmp_path / "office.db"
    shutil.copyfile(_seeded_sqlite, path)
    url = f"sqlite:///{path}"
    office = Office(url, tmp_path, db=_shared_sqlite.at(url))
    yield office
    office.close()


@pytest.fixture
def postgres_office(_seeded_copies: Copies, _shared_postgres: Shared, tmp_path: Path) -> Iterator[Office]:
    with _seeded_copies.lent() as url:
        office = Office(url, tmp_path, db=_shared_postgres.at(url))
        yield office
        office.close()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def office(request: pytest.FixtureRequest) -> Office:
    found: Office = request.getfixturevalue(f"{request.param}_office")
    return found
