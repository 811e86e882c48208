"""kill -9 in the middle of forgetting: never a row without its file or its ledger entry, and all of it in
the end (R1, I10)."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from aggregator.bootstrap import Aggregator
from aggregator.services.kept_files import path_of
from aggregator.storage.ledger_tables import ledger_entries
from aggregator.storage.report_tables import attachments, reporters, reports
from tests.chaos import forgetting
from tests.chaos.campaign import Nursery
from tests.chaos.victims import Death, Life, product_of


@pytest.fixture
def nursery(tmp_path: Path) -> Iterator[Nursery]:
    nursery = Nursery(tmp_path / "nursery.log")
    yield nursery
    nursery.close()


def furnished(url: str, folder: Path) -> Aggregator:
    """The office of today, as it is looked at when every term is over."""
    product = product_of(url, str(folder))
    forgetting.furnish(product, folder)
    product.close()
    return product_of(url, str(folder), forgetting.later)


def death(number: int, draw: random.Random) -> Death:
    """Erasures die after the look, the archive, the person's case, the neighbour's; passes by term anywhere
    (or outlive it, where little is due any more)."""
    if number % 2:
        return Death("after", 1 + number // 2)
    return draw.choice((Death("after", draw.randint(1, 14)), Death("statement", draw.randint(1, 60))))


def test_forgetting_that_is_killed_is_never_half_of_one_case_and_ends_whole(
    sqlite_url: str, tmp_path: Path, nursery: Nursery
) -> None:
    product, draw, kills = furnished(sqlite_url, tmp_path), random.Random(), 0
    assert not list(forgetting.torn(product, tmp_path))
    for number in range(forgetting.PEOPLE):
        for how in (death(number, draw), Death("never", 0)):
            end = nursery.live(Life(sqlite_url, str(tmp_path), number, how, 1, "forgetting"))
            assert not end.error, end.error
            kills += end.killed
            assert list(forgetting.torn(product, tmp_path)) == [], (number, how)
    assert kills > forgetting.PEOPLE // 2
    product.retention.look_around()
    assert list(forgetting.left(product, tmp_path)) == []
    product.close()


def test_the_judge_sees_what_is_torn_or_left(sqlite_url: str, tmp_path: Path) -> None:
    product = furnished(sqlite_url, tmp_path)
    assert len(list(forgetting.left(product, tmp_path))) > forgetting.PEOPLE
    with product.db.write() as tx:
        digest = tx.scalars(attachments.select().with_only_columns(attachments.c.sha256)).first()
        path_of(tmp_path / "attachments", digest).unlink()
        tx.execute(delete(reporters).where(reporters.c.report_id == 1))
        tx.execute(update(reports).where(reports.c.id == 2).values(body=""))
        tx.execute(update(ledger_entries).where(ledger_entries.c.id == 3).values(data=None, salt=None))
    told = "\n".join(forgetting.torn(product, tmp_path))
    for words in ("its file is gone", "own: sender gone True", "near: words gone True", "erased"):
        assert words in told, told
    product.close()
