"""kill -9 at any instant loses nothing and doubles nothing (I1, I2, I8, I10)."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.killing import campaign

#: Each kill costs a worker's start and a lease; `make chaos` does fifty.
KILLS = 4


def test_workers_killed_in_mid_work_lose_nothing_and_double_nothing(
    database_url: str, tmp_path: Path
) -> None:
    found = campaign(tmp_path, database_url, KILLS)

    assert found.stored_reports == found.portal_reports
    assert len(found.delivered) == found.messages > 0
    assert not found.doubled
    assert not found.out_of_order
    assert found.ledger_findings == 0
    assert found.wrong_counts == 0
    assert found.waiting == 0
