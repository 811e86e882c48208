"""`motmoi retention`: the dry run's exit code, rules from a file, and a hold."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Motmoi


def test_an_empty_installation_has_nothing_due(motmoi: Motmoi) -> None:
    ran = motmoi("retention", "plan", "--json")
    assert ran.code == 0 and ran.document["due"] == 0
    assert {line["kind"] for line in ran.document["kinds"]} >= {"identity", "text", "requests"}


def test_rules_are_read_from_a_file_once(motmoi: Motmoi) -> None:
    rule = '[identity]\ndays = 400\nsource = "QĐ 12"\nwhy = "Theo quyết định"\n'
    file = motmoi.file("luu.toml", f'{rule}[text]\nkeep = true\nwhy = "Chờ"\n')
    assert motmoi.json("retention", "load", file)["changed"] == ["identity", "text"]
    assert motmoi.json("retention", "load", file)["changed"] == []
    rules = {view["rule"]["kind"]: view["rule"] for view in motmoi.json("retention", "rules")["rules"]}
    assert (rules["identity"]["days"], rules["identity"]["certainty"]) == (400, "decided")
    assert (rules["text"]["days"], rules["text"]["certainty"]) == (None, "proposal")


def test_a_wrong_file_says_what_is_wrong(motmoi: Motmoi) -> None:
    for text, word in (
        ("[names]\ndays = 1", "names"),
        ("[text]\nweeks = 2", "days or keep"),
        ("[text", "luu.toml"),
    ):
        ran = motmoi("retention", "load", motmoi.file("luu.toml", text))
        assert ran.code == 2 and word in ran.err


def test_what_is_due_is_told_and_forgotten(motmoi: Motmoi, reports: Path, mapping: Path) -> None:
    motmoi.json("import", reports, "--channel", "bang-tinh", "--mapping", mapping, "--ward", "27142")
    with motmoi.product() as product, product.db.write() as tx:
        tx.exec_driver_sql("UPDATE cases SET is_open = 0, closed_at = '2001-01-01 00:00:00.000000'")
        tx.exec_driver_sql("UPDATE reports SET changed_at = '2001-01-01 00:00:00.000000'")
    ran = motmoi("retention", "plan", "--kind", "raw", "--json")
    assert ran.code == 1 and ran.document["due"] == 3
    (code, *_) = ran.document["kinds"][0]["sample"]
    motmoi.json("retention", "hold", code, "--reason", "inspection")
    done = motmoi.json("retention", "run", "--kind", "raw")
    assert done == {"done": {"raw": 2}, "compact_waits": False}
    assert motmoi("retention", "plan", "--kind", "raw").code == 0
    motmoi.json("retention", "hold", code, "--lift")
    assert motmoi.json("retention", "run", "--kind", "raw")["done"] == {"raw": 1}
    assert motmoi("ledger", "verify").code == 0
