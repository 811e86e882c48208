"""The page that says what was signed last and who holds it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aggregator.services.ledger import Draft, append
from aggregator.services.ledger_tree import LedgerRewritten
from aggregator.settings import LedgerSettings
from aggregator.verifier import PATH, motmoi_check
from tests.web.office import Browser, Office, soup

PAGE = "/proof"


def test_officers_are_not_shown_it_and_find_no_way_there(lan: Browser, stranger: Browser) -> None:
    for page in (PAGE, f"{PAGE}/checkpoint.txt", f"{PAGE}/motmoi_check.py"):
        assert lan.get(page).status_code == 403
        assert stranger.get(page).status_code == 303
    assert soup(lan.get("/settings/deadlines")).find("a", href=PAGE) is None


def test_before_the_first_checkpoint_it_says_so(minh: Browser) -> None:
    assert soup(minh.get("/settings/deadlines")).find("a", href=PAGE) is not None
    page = soup(minh.get(PAGE))
    assert "Chưa có lần ký nào" in page.text and "Chưa có ai ở ngoài giữ điểm chốt" in page.text
    assert minh.get(f"{PAGE}/checkpoint.txt").status_code == 404


def test_leaders_see_the_last_checkpoint_its_key_and_take_them_along(office: Office, minh: Browser) -> None:
    made: Any = office.services.checkpoints.make(force=True)
    key = office.services.checkpoints.keys.ensure()
    page = soup(minh.get(PAGE))
    assert f"Số {made.number}" in page.text and key.fingerprint in page.text
    held = minh.get(f"{PAGE}/checkpoint.txt").get_data(as_text=True)
    export = "".join(office.services.ledger_export.lines(with_data=False)).encode()
    assert motmoi_check.check(export, [held], [key.public]).findings == []
    assert list(motmoi_check.Check([held]).texts) == [made.number]
    assert not any(ward in held for ward in ("27142", "26740"))  # nothing of single wards
    taken = minh.get(f"{PAGE}/motmoi_check.py")
    assert taken.get_data(as_text=True) == PATH.read_text("utf-8")


def test_a_place_that_cannot_be_reached_and_a_ledger_that_was_rewritten_are_told(
    office: Office, tmp_path: Path
) -> None:
    share = tmp_path / "not mounted" / "share.jsonl"
    settings = office.services.settings
    holding = Office(settings.database_url, settings.data_dir, ledger=LedgerSettings(files=(share,)))
    admin = Browser(holding.app().test_client())
    admin.sign_in("quan-tri")
    services = holding.services
    services.ledger_places.tick("worker")
    page = soup(admin.get(PAGE))
    assert "chưa gửi được" in page.text and "not mounted/share.jsonl" in page.text
    assert "Nhật ký không còn được ký" not in page.text
    with services.db.write() as tx:
        append(tx, [Draft("27142", "noted", services.clock(), {})])
        tx.exec_driver_sql("UPDATE ledger_checkpoint_chains SET root = 'x'")
    holding.clock.wait(minutes=11)
    with pytest.raises(LedgerRewritten):
        services.ledger_places.tick("worker")
    assert "Nhật ký không còn được ký" in soup(admin.get(PAGE)).text
    holding.close()
