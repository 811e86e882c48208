"""The product opened for one command: settings read, database looked at, everything closed after it.

    with opened() as product: product.cases...

What may surprise: a database that was never migrated is set up here, at first use (it is empty, so
nothing can be lost). One at an older revision is left alone: migrating is `motmoi db upgrade`, when
the person who runs the machine says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aggregator import settings as environment
from aggregator.cli.frame import say
from aggregator.domain.people import Actor, Role
from aggregator.errors import AggregatorError, InputInvalid

if TYPE_CHECKING:
    from aggregator.bootstrap import Aggregator
    from aggregator.settings import Settings

#: Who acts where no officer is named: the person at the machine itself, who sees every ward.
OPERATOR = Actor(0, "operator", "operator", Role.ADMIN, None)


class SchemaOutdated(AggregatorError):
    """The database is at another revision than this program; nothing was read or written."""

    code = "schema_outdated"


@dataclass(frozen=True, slots=True)
class Upgraded:
    """What `upgrade` did. `before` is None where the database was new."""

    before: str | None
    revision: str | None
    seeded: bool


@contextmanager
def opened(settings: Settings | None = None) -> Iterator[Aggregator]:
    """The whole product on the configured database."""
    from aggregator.bootstrap import build

    chosen = settings or environment.load()
    make_ready(chosen)
    product = build(chosen)
    try:
        yield product
    finally:
        product.close()


def make_ready(settings: Settings) -> None:
    """Set a new database up; `SchemaOutdated` where one is at another revision."""
    from aggregator.storage import migrate, place_queries
    from aggregator.storage.db import Database

    db = Database(settings.database_url)
    try:
        with db.read() as tx:
            revision = migrate.current(tx)
            seeded = revision is not None and place_queries.has_calendar(tx)
    finally:
        db.close()
    if revision not in (None, migrate.newest()):
        raise _at_another(revision or "", "run motmoi db upgrade (make a backup first)")
    if not seeded:
        upgrade(settings)
        say(f"Set up the database {db.url.render_as_string(hide_password=True)}.")


def upgrade(settings: Settings) -> Upgraded:
    """Bring the database to the newest revision and put the starting set into a new one."""
    from aggregator.services import starting_set
    from aggregator.services.clock import system_clock
    from aggregator.storage import migrate
    from aggregator.storage.db import Database

    db = Database(settings.database_url)
    try:
        with db.read() as tx:
            before = migrate.current(tx)
        if before is not None and not migrate.is_known(before):
            raise _at_another(before, "run the newer program that made it")
        migrate.upgrade(settings.database_url)
        seeded = starting_set.seed(db, system_clock())
    finally:
        db.close()
    return Upgraded(before, migrate.newest(), seeded)


def _at_another(revision: str, hint: str) -> SchemaOutdated:
    from aggregator.storage import migrate

    return SchemaOutdated(
        f"the database is at revision {revision}, this program is made for {migrate.newest()}", hint=hint
    )


def officer(product: Aggregator, login: str) -> Actor:
    """The officer of this login, to act in their name; `InputInvalid` where there is none active."""
    wanted = login.strip().casefold()
    for person in product.accounts.officers(OPERATOR):
        if person.login == wanted and person.active:
            return Actor(
                person.id, person.login, person.name, person.role, person.ward_code, person.unit_id,
                legal=person.legal,
            )  # fmt: skip
    raise InputInvalid(
        f"--as {login}: no active account has this login", field="as", hint="make one: motmoi user add"
    )


def ensure_ward(product: Aggregator, code: str) -> None:
    """Make the ward where it is missing; one that is there keeps its name."""
    if code not in {ward.value for ward in product.accounts.wards()}:
        product.accounts.ensure_ward(code, f"Phường, xã {code}")
