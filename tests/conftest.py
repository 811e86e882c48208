"""What every test may ask for: a migrated database on each engine, a browser, a place for pictures.

    database_url        migrated and empty; the test runs once on SQLite and once on PostgreSQL
    empty_database_url  the same without any table: for tests of the migrations
    sqlite_url          migrated and empty, SQLite only
    postgres_url        migrated and empty, PostgreSQL only
    artifacts           the folder that CI keeps: screenshots go there
    page, context, ...  pytest-playwright, on the system's own Chromium

Nothing here imports storage or starts PostgreSQL until a test asks, so tests of pure rules stay
quick. With CI=true a skipped test fails the run: a suite that skips proves less than it says.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

if TYPE_CHECKING:
    from tests.postgres_copies import Copies
    from tests.postgres_server import Server

ROOT = Path(__file__).resolve().parent.parent
BOTH_ENGINES = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
BROWSER_FIXTURES = {"page", "context", "browser", "new_context"}

# Some containers forbid byte code. Then each of the hundred processes that tests start compiles the whole
# product anew, and pytest rewrites it in each of its own: they keep it apart from the sources instead.
if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix = str(ROOT / ".pytest_cache" / "bytecode")
    sys.dont_write_bytecode = False

# A deadline is a timed assertion, and those fail on a busy machine for no fault of the code.
hypothesis.settings.register_profile("motmoi", deadline=None, print_blob=True)
# A check of a change must judge that change alone: there the examples are the same each time, and the
# search for new ones goes on at every developer's desk.
hypothesis.settings.register_profile("ci", hypothesis.settings.get_profile("motmoi"), derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "motmoi")


# Databases ------------------------------------------------------------------------------------


@pytest.fixture(scope="session", autouse=True)
def _hasty_engines() -> None:
    from tests import hasty_engines

    hasty_engines.install()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    from tests.postgres_server import running

    with running() as server:
        yield server


@pytest.fixture(scope="session")
def _postgres_template(postgres_server: Server) -> str:
    from aggregator.storage.migrate import upgrade

    name = postgres_server.template()
    upgrade(postgres_server.url(name))
    return name


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from aggregator.storage.migrate import upgrade

    path = tmp_path_factory.mktemp("template") / "template.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(_sqlite_template: Path, tmp_path: Path) -> str:
    path = tmp_path / "motmoi.db"
    # Closed by now, so all of it is in the one file: SQLite folds the WAL in at the last close.
    shutil.copyfile(_sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture(scope="session")
def _postgres_copies(postgres_server: Server, _postgres_template: str) -> Iterator[Copies]:
    from tests.postgres_copies import Copies

    with closing(Copies(postgres_server, _postgres_template)) as copies:
        yield copies


@pytest.fixture
def postgres_url(_postgres_copies: Copies) -> Iterator[str]:
    with _postgres_copies.lent() as url:
        yield url


@pytest.fixture(params=BOTH_ENGINES)
def database_url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(params=BOTH_ENGINES)
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server: Server = request.getfixturevalue("postgres_server")
    with server.fresh() as url:
        yield url


# Browser --------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def artifacts() -> Path:
    folder = ROOT / "artifacts"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return {
        **browser_type_launch_args,
        "executable_path": shutil.which("chromium"),
        "args": [
            "--no-sandbox",  # Chromium refuses to start as root with it
            "--disable-gpu",
            "--disable-dev-shm-usage",  # containers give /dev/shm 64 MB, and a page crashes on it
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ],
    }


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_context_args, "locale": "vi-VN", "timezone_id": "Asia/Ho_Chi_Minh"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = shutil.which("chromium") is None
    for item in items:
        if BROWSER_FIXTURES.isdisjoint(getattr(item, "fixturenames", ())):
            continue
        item.add_marker(pytest.mark.browser)
        if missing:
            item.add_marker(pytest.mark.skip(reason="Chromium is not installed: apt-get install chromium"))


# A skip is a failure in CI --------------------------------------------------------------------


def _skipped(config: pytest.Config) -> int:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return len(reporter.stats.get("skipped", ())) if reporter else 0


def _forbids_skips() -> bool:
    return os.environ.get("CI", "").lower() in ("1", "true")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if _forbids_skips() and _skipped(session.config) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if _forbids_skips() and _skipped(config):
        terminalreporter.write_line(
            f"{_skipped(config)} test(s) skipped, and CI=true: a skipped test counts as a failure here.",
            red=True,
        )
