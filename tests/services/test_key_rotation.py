"""Another key for everything sealed: broken off at any time, everything opens and nothing is forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import LargeBinary, select

from aggregator.errors import MoveNotAllowed
from aggregator.services import key_rotation
from aggregator.storage.report_tables import report_revisions
from aggregator.storage.sealed_queries import SEALED
from aggregator.storage.types import metadata
from aggregator.storage.vault import Vault, read_keys
from tests.services.polling_world import World


@pytest.fixture
def both(database_url: str, tmp_path: Path) -> Iterator[World]:
    made = World(database_url, tmp_path)
    yield made
    made.app.close()


def filled(world: World) -> Any:
    """An office in which something of nearly everything is sealed."""
    source = world.channel()
    world.channels.change("a", {"secrets": {"password": "mật khẩu cũ"}}, actor=world.admin)
    source.unreadable.add("9")
    source.send(*(str(number) for number in range(10)))
    world.poll_when_due()
    return source


def opens(world: World, keys: Vault) -> None:
    with world.app.db.read() as tx:
        raws = list(tx.scalars(select(report_revisions.c.raw)))
    assert len(raws) == 9 and all("Ổ gà" in keys.unpack(raw, "revision").decode() for raw in raws)


#: Bytes that are given out as they are: nothing personal is in them.
PLAIN = {("certificates", "bundle")}


def test_every_sealed_column_is_known_to_the_rotation() -> None:
    blobs = {
        (table.name, column.name)
        for table in metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }
    assert {(what.table.name, what.column) for what in SEALED.values()} == blobs - PLAIN


def test_a_rotation_that_is_broken_off_goes_on_and_the_old_key_may_go_at_its_end(
    both: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = filled(both)
    monkeypatch.setattr(key_rotation, "AT_ONCE", 2)
    file, rotation = both.app.settings.key_file, both.app.key_rotation
    old, phone = Vault.from_file(file), both.app.vault.blind("0903123456", "phone")
    assert rotation.begin()
    before = sum(rotation.left().values())
    asked: list[int] = []
    rotation.seal_anew(lambda: len(asked) > 2, asked.append)
    left = sum(rotation.left().values())
    assert 0 < left < before
    opens(both, Vault.from_file(file))
    opens(both, old)  # a process that started long ago finds the new key by itself
    with pytest.raises(MoveNotAllowed, match="older key"):
        rotation.retire()
    assert not rotation.begin() and len(read_keys(file)[0]) == 2
    rotation.seal_anew(lambda: False, asked.append)
    assert not any(rotation.left().values())
    assert (rotation.retire(), len(read_keys(file)[0])) == (1, 1)
    fresh = Vault.from_file(file)
    opens(both, fresh)
    assert fresh.blind("0903123456", "phone") == phone
    both.poll_when_due()
    assert source.contexts[-1].secrets == {"password": "mật khẩu cũ"}
    assert file.stat().st_mode & 0o077 == 0


def test_what_changes_during_the_rotation_is_not_put_back(both: World) -> None:
    filled(both)
    rotation = both.app.key_rotation
    rotation.begin()
    both.app.vault.older  # noqa: B018 (this process has looked)
    both.channels.change("a", {"secrets": {"password": "mật khẩu mới"}}, actor=both.admin)
    rotation.seal_anew(lambda: False, lambda number: None)
    both.poll_when_due()
    assert both.sources["a"].contexts[-1].secrets == {"password": "mật khẩu mới"}
    assert (both.told("key_added"), both.told("keys_retired")) == (1, 0)
