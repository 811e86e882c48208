"""Column types that mean the same on SQLite and PostgreSQL.

`Instant` accepts aware datetimes only, stores UTC, and gives aware UTC back (I14). On SQLite it is
ISO text of fixed width, so text order is time order and an index on it serves ranges.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Integer, LargeBinary, MetaData
from sqlalchemy.types import TypeDecorator

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

#: Row ids. SQLite makes only INTEGER an alias of its rowid.
Id = BigInteger().with_variant(Integer, "sqlite")
Json = JSON()
Blob = LargeBinary()


class Instant(TypeDecorator[datetime]):
    """An aware instant, stored in UTC.

    The processors are plain functions, one call a value: a report stores eighteen instants, and
    SQLAlchemy's own way for SQLite, by way of a format of its own, took a tenth of intake's time.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any]:
        return _to_text if dialect.name == "sqlite" else _to_utc

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None]:
        return _of_text if dialect.name == "sqlite" else _to_utc


def _to_utc(value: datetime | None) -> datetime | None:
    if value is None or value.tzinfo is UTC:
        return value
    if value.tzinfo is None:
        raise ValueError(f"naive time {value!r}: every stored time is an instant")
    return value.astimezone(UTC)


def _to_text(value: datetime | None) -> str | None:
    found = _to_utc(value)
    return None if found is None else found.isoformat(" ", "microseconds")[:_WIDTH]


def _of_text(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value).replace(tzinfo=UTC)


#: "2026-11-10 02:30:00.000000": UTC, so the offset that would follow is left out.
_WIDTH = 26
