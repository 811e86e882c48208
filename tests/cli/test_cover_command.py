"""Absences and open fields from the command line."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from aggregator.domain.worktime import VN


def test_absences_are_entered_listed_ended_and_fields_checked(motmoi: Any) -> None:
    for login in ("lan", "tu"):
        motmoi.json("user", "add", login, "--role", "officer", "--ward", "27142", "--name", login.title(),
                    "--unit", "Tổ Một")  # fmt: skip
    with motmoi.product() as product:
        first = product.clock().astimezone(VN).date()
    last = first + timedelta(days=2)
    alone = motmoi("cover", "add", "lan", "--from", first, "--to", last, "--json")
    assert alone.code == 1, "nobody would answer: a finding"
    assert [gap["why"] for gap in alone.document["gaps"]] == ["no_substitute"]
    (listed,) = motmoi.json("cover", "list")
    assert (listed["login"], listed["answers"]) == ("lan", None)
    motmoi.json("cover", "end", listed["id"])
    assert motmoi.json("cover", "list") == []
    assert motmoi("cover", "end", listed["id"]).code == 1, "it is over already"
    added = motmoi.json("cover", "add", "lan", "--from", first, "--to", last, "--until-noon",
                        "--substitute", "tu", "--reason", "mission")  # fmt: skip
    assert added["gaps"] == []
    assert "tu" in motmoi("cover", "list", "--ward", "27142").out.casefold()
    wrong = motmoi("cover", "add", "lan", "--from", last, "--to", first)
    assert wrong.code == 2 and "no time in it" in wrong.err
    assert motmoi("cover", "add", "ai", "--from", first, "--to", last).code == 2

    open_fields = motmoi("cover", "check", "--json")
    assert open_fields.code == 1
    assert {gap["people"] == [] for gap in open_fields.document} == {True}, "nobody was named yet"
    with motmoi.product() as product:
        categories = sorted({gap["category"] for gap in open_fields.document})
        product.accounts.ensure_unit("27142", "Tổ Một", categories)
    assert motmoi("cover", "check", "--ward", "27142", "--on", first).code == 0
