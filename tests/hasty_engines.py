"""What all engines of a test process share, so that a test does not pay for what another has done.

Statements are compiled once for all databases of a kind, as they are once for the one database of an
installation; compiling them anew for every test's own was a third of its time. And a file of SQLite need not
outlive a power cut: in the processes that a test starts, and while `careful()` holds, it does all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, event


class _Compiled(dict[Any, Any]):
    """SQLAlchemy's keys begin with the dialect, an object of each engine's own; its name says as much."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get((key[0].name, *key[1:]), default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__((key[0].name, *key[1:]), value)


class _Haste:
    allowed = True


@contextmanager
def careful() -> Iterator[None]:
    """What connects in this block keeps the product's own settings."""
    _Haste.allowed = False
    try:
        yield
    finally:
        _Haste.allowed = True


def install() -> None:
    """For every engine that this process makes from now on."""
    compiled = _Compiled()

    @event.listens_for(Engine, "engine_connect")
    def _share(connection: Connection) -> None:
        connection.execution_options(compiled_cache=compiled)

    @event.listens_for(Engine, "checkout")  # a `connect` of ours would come before the product's own settings
    def _hurry(found: Any, record: Any, _proxy: Any) -> None:
        if _Haste.allowed and type(found).__module__ == "sqlite3" and "hasty" not in record.info:
            record.info["hasty"] = True
            found.execute("PRAGMA synchronous=OFF")
