"""`motmoi channel outages`: a table for people, JSON for scripts, exit 1 while something is out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from aggregator.services import outage_log

FILE = """
slug = "cong"
kind = "portal_1022"
title = "Cổng 1022"
ward = "27142"
[config]
base_url = "http://127.0.0.1:9/api"
[options]
allow_private = true
"""


def down(motmoi: Any, *, minutes: int, ended: bool) -> None:
    with motmoi.product() as product:
        product.accounts.ensure_ward("27142", "Phường A")
    assert motmoi("channel", "add", motmoi.file("cong.toml", FILE)).code == 0
    with motmoi.product() as product, product.db.write() as tx:
        at = product.clock() - timedelta(hours=5)
        for minute in range(0, minutes + 1, 10):
            outage_log.attempt(tx, 1, "read", at + timedelta(minutes=minute), ok=False, code="transient")
        if ended:
            outage_log.attempt(tx, 1, "read", at + timedelta(minutes=minutes + 5), ok=True)


def test_an_outage_is_told_with_what_is_certain_and_the_most_it_was(motmoi: Any) -> None:
    down(motmoi, minutes=30, ended=True)
    ran = motmoi("channel", "outages", "cong", "--json")
    assert ran.code == 0
    (outage,) = ran.document["outages"]
    assert (outage["attempts"], outage["at_least_s"], outage["at_most_s"]) == (4, 1800, 2100)
    assert "30 min" in motmoi("channel", "outages", "cong").out
    (summed,) = motmoi("channel", "outages", "--all", "--json").document["channels"]
    assert (summed["channel"], summed["outages"], summed["open"]) == ("cong", 1, 0)
    past = motmoi("channel", "outages", "cong", "--from", "2020-01-01", "--to", "2020-01-31", "--json")
    assert past.document["outages"] == []


def test_what_is_out_now_is_a_finding(motmoi: Any) -> None:
    down(motmoi, minutes=20, ended=False)
    assert motmoi("channel", "outages", "cong").code == 1
    assert motmoi("channel", "outages", "--all").code == 1


def test_it_must_be_said_of_which_channel(motmoi: Any) -> None:
    assert motmoi("channel", "outages").code == 2
    assert motmoi("channel", "outages", "cong", "--all").code == 2
