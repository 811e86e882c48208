"""Accounts, cases and the matching rule from the command line."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from aggregator.cli.opening import OPERATOR
from aggregator.domain.people import Role
from aggregator.storage import place_queries


def _people(motmoi: Any) -> None:
    motmoi.json("user", "add", "lan", "--role", "officer", "--ward", "27142", "--name", "Trần Thị Lan")
    motmoi.json("user", "add", "hue", "--role", "officer", "--ward", "26740", "--name", "Ngô Thị Huệ")


def test_made_up_password_is_printed_once_and_opens_the_account(either: Any) -> None:
    made = either.json(
        "user", "add", "lan", "--role", "officer", "--ward", "27142", "--name", "Trần Thị Lan",
        "--unit", "Tổ đô thị",
    )  # fmt: skip
    with either.product() as product:
        _, lan = product.accounts.sign_in("lan", made["password"])
    assert (lan.name, lan.role, lan.ward, lan.unit_id) == (
        "Trần Thị Lan",
        Role.OFFICER,
        "27142",
        made["unit"],
    )
    taken = either("user", "add", "lan", "--role", "leader", "--ward", "27142")
    assert taken.code == 2
    assert "taken" in taken.err


def test_piped_password_is_taken_and_not_printed(motmoi: Any) -> None:
    ran = motmoi.run(
        "user", "add", "minh", "--role", "leader", "--ward", "27142", stdin="mật khẩu của Minh\n"
    )
    assert ran.code == 0, ran.err
    assert "mật khẩu của Minh" not in ran.out + ran.err
    with motmoi.product() as product:
        assert product.accounts.sign_in("minh", "mật khẩu của Minh")[1].role is Role.LEADER


def test_a_restricted_case_is_told_by_its_state_and_not_by_its_text(motmoi: Any, tmp_path: Path) -> None:
    _people(motmoi)
    table = tmp_path / "to-cao.csv"
    table.write_text(
        "Mã,Ngày gửi,Nội dung\n1,02/03/2026 08:00,Tôi tố cáo ông Trần Văn Giả nhận hối lộ\n"
        "2,02/03/2026 09:00,Nếu không sửa đường tôi sẽ khiếu nại\n"
    )
    config = tmp_path / "map.toml"
    config.write_text('[columns]\nexternal_id = "Mã"\nreceived_at = "Ngày gửi"\nbody = "Nội dung"\n')
    motmoi.json("import", table, "--channel", "to-cao", "--mapping", config, "--ward", "27142")
    restricted, flagged = (motmoi.json("case", "show", str(n)) for n in (1, 2))
    assert (restricted["legal_state"], restricted["masked"], restricted["reports"]) == (
        "recognised",
        True,
        [],
    )
    assert "hối lộ" not in json.dumps(restricted, ensure_ascii=False)
    assert (flagged["legal_state"], flagged["legal"]["kind"]) == ("suspected", "khieu_nai")
    assert [words["quote"] for words in flagged["legal"]["words"]] == ["khiếu nại"]


def test_ward_and_unit_that_are_there_keep_their_name_and_work(motmoi: Any) -> None:
    assert motmoi("channel", "list").code == 0
    with motmoi.product() as product:
        product.accounts.ensure_ward("27142", "Phường Bến Thành")
        unit = product.accounts.ensure_unit("27142", "Tổ đô thị", ["giao_thong"])
    made = motmoi.json("user", "add", "lan", "--role", "officer", "--ward", "27142", "--unit", "tổ ĐÔ THỊ")
    assert made["unit"] == unit
    with motmoi.product() as product:
        assert [ward.label for ward in product.accounts.wards()] == ["Phường Bến Thành"]
        with product.db.read() as tx:
            (row,) = place_queries.all_units(tx)
        assert row.categories == ["giao_thong"]


def test_case_is_shown_by_number_and_by_code(motmoi: Any, reports: Path, mapping: Path) -> None:
    motmoi.json("import", reports, "--channel", "phuong", "--mapping", mapping, "--ward", "27142")
    case = motmoi.json("case", "show", "1")
    assert case == motmoi.json("case", "show", case["code"])
    (report,) = case["reports"]
    assert (report["external_id"], report["channel_slug"], report["deliveries"]) == ("PA-1", "phuong", [])
    assert case["received_at"] == "2026-11-20T01:00:00+00:00"
    shown = motmoi("case", "show", "1").out
    assert "Ổ gà trước số 12 Lê Lợi" in shown and case["code"] in shown


def test_lan_merges_and_splits_and_hue_does_not_even_find_them(
    either: Any, reports: Path, mapping: Path
) -> None:
    either.json("import", reports, "--channel", "phuong", "--mapping", mapping, "--ward", "27142")
    _people(either)
    merged = either.json("case", "merge", "2", "1", "--as", "lan")
    assert (merged["into"], merged["reports"]) == (1, 2)
    assert either.json("case", "show", "2")["merged_into"] == 1

    apart = either.json("case", "split", "1", "--report", "2", "--as", "lan")
    assert apart["into"] == 2
    assert len(either.json("case", "show", "1")["reports"]) == 1

    assert either("case", "merge", "2", "1", "--as", "hue").code == 2
    assert either("case", "merge", "2", "1", "--as", "nobody").code == 2
    assert either("case", "merge", "2", "1").code == 2, "whose act it is must be said"
    assert either("ledger", "verify").code == 0


def test_rule_of_the_case_forbids_is_1_and_not_bad_usage(motmoi: Any, reports: Path, mapping: Path) -> None:
    motmoi.json("import", reports, "--channel", "phuong", "--mapping", mapping, "--ward", "27142")
    motmoi.json("user", "add", "quan.tri", "--role", "admin")
    ran = motmoi("case", "merge", "2", "1", "--as", "quan.tri", "--json")
    assert ran.code == 1
    assert ran.document["error"]["code"] == "not_allowed"


HOLE = {
    "id": "A", "channel": "1022", "received_at": "2026-11-20T08:00:00+07:00", "subject": "Ổ gà",
    "body": "Ổ gà lớn trước nhà số 12 Lê Lợi, xe máy dễ ngã", "address": "12 Lê Lợi",
    "category": "Giao thông",
    "ward": "27142", "lat": None, "lng": None, "reporter_phone": None, "closed_at": None,
}  # fmt: skip
PAIRS: list[tuple[dict[str, Any], str, str]] = [
    ({"id": "B", "channel": "zalo", "received_at": "2026-11-20T09:00:00+07:00",
      "body": "Trước số nhà 12 Lê Lợi có ổ gà lớn, xe máy đi qua dễ ngã"},
     "same", "the same hole, other words"),
    ({"id": "B", "received_at": "2026-11-20T09:00:00+07:00", "address": "98 Trần Phú",
      "body": "Rác chất đống trước nhà số 98 Trần Phú", "subject": "Rác", "category": "Rác thải"},
     "different", "another problem elsewhere"),
]  # fmt: skip


@pytest.mark.parametrize(("other", "judgement", "note"), PAIRS, ids=[row[2] for row in PAIRS])
def test_pair_is_judged_with_reasons_in_either_order(
    motmoi: Any, other: dict[str, Any], judgement: str, note: str
) -> None:
    a = motmoi.file("a.json", json.dumps(HOLE))
    b = motmoi.file("b.json", json.dumps({**HOLE, **other}))
    found = motmoi.json("match", "pair", a, b)
    assert found["judgement"] == judgement, note
    assert found["reasons"] and all(reason["text_vi"] for reason in found["reasons"])
    assert motmoi.json("match", "pair", b, a) == found


@pytest.mark.parametrize(
    ("change", "named"),
    [({"recieved_at": "x"}, "recieved_at"), ({"received_at": "hôm qua"}, "received_at"),
     ({"received_at": "2026-11-20T08:00:00"}, "time zone"), ({"lat": "mười"}, "not a number")],
)  # fmt: skip
def test_pair_names_the_field_that_is_wrong(motmoi: Any, change: dict[str, Any], named: str) -> None:
    a = motmoi.file("a.json", json.dumps({**HOLE, **change}))
    ran = motmoi("match", "pair", a, motmoi.file("b.json", json.dumps(HOLE)))
    assert ran.code == 2
    assert "a.json" in ran.err and named in ran.err


def test_a_deadline_is_explained_as_its_page_explains_it(motmoi: Any, reports: Path, mapping: Path) -> None:
    motmoi.json("import", reports, "--channel", "phuong", "--mapping", mapping, "--ward", "27142")
    told = motmoi.json("sla", "explain", "1")
    with motmoi.product() as product:
        page = product.cases.case(OPERATOR, 1)
    ruling = page.clock.ruling
    assert ruling is not None and ruling.rule is not None
    (step,) = [step for step in told["steps"] if step["rules"]]
    assert told["sentence_vi"] == page.deadline_vi
    assert datetime.fromisoformat(step["due_at"]) == ruling.due_at == page.row.due_at
    assert step["rule"]["source"] == ruling.rule.source
    assert [span["seconds"] for span in step["spans"]] == [span.seconds for span in ruling.spans]
    assert step["calendar_version"] == ruling.calendar_version
    shown = motmoi("sla", "explain", told["code"]).out
    assert page.deadline_vi in shown and ruling.rule.name in shown


def test_a_forgotten_password_is_replaced_and_a_leavers_account_closed(motmoi: Any) -> None:
    _people(motmoi)
    given = motmoi.json("user", "password", "LAN")["password"]
    with motmoi.product() as product:
        product.accounts.sign_in("lan", given)
    motmoi.json("user", "close", "lan")
    assert {one["login"]: one["active"] for one in motmoi.json("user", "list")} == {"hue": True, "lan": False}
    motmoi.json("user", "password", "lan")
    assert all(one["active"] for one in motmoi.json("user", "list")), "a new password opens it again"
    assert motmoi("user", "close", "ai-do").code == 2
