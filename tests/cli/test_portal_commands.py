"""A simulated portal, a channel to it, reports in, an answer out: every step a command, over real sockets."""

from __future__ import annotations

import json
import signal
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from aggregator.cli.opening import officer
from aggregator.domain.workflow import ReplyKind

SCENARIO = {
    "auth": "jwt",
    "accounts": {"phuong.canbo": "mat-khau-thu"},
    "reports": [
        {"id": "1001", "subject": "Ổ gà trước số 12 Lê Lợi", "body": "Ổ gà lớn, xe máy dễ ngã",
         "address": "12 Lê Lợi", "category": "Giao thông", "created": "2026-11-20T08:00:00+07:00"},
        {"id": "1002", "subject": "Đèn đường hỏng", "body": "Hẻm 45 Trần Phú tối om",
         "address": "45 Trần Phú", "category": "Chiếu sáng", "created": "2026-11-20T09:00:00+07:00"},
    ],
}  # fmt: skip
ANSWER = "Phường đã vá ổ gà trước số 12 Lê Lợi."


@contextmanager
def portal(motmoi: Any, **scenario: Any) -> Iterator[str]:
    """The command `motmoi sandbox` in a process of its own; its address."""
    file = motmoi.file("scenario.json", json.dumps({**SCENARIO, **scenario}))
    state = motmoi.folder / "portal.json"
    with motmoi.started(
        "sandbox", "portal_1022", "--port", 0, "--scenario", file, "--state", state
    ) as process:
        yield process.stdout.readline().split()[-1]


def _control(url: str, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{url}/_control/{path}", data)) as answer:
        return json.load(answer)


def channel_file(motmoi: Any, url: str, password: str = "mat-khau-thu") -> Any:
    return motmoi.file(
        "cong.toml",
        f"""
slug = "cong-1022"
kind = "portal_1022"
title = "Cổng 1022"
ward = "27142"
[config]
base_url = "{url}"
scope = "officer"
auth = "jwt"
[secrets]
username = "phuong.canbo"
password = "{password}"
[options]
allow_private = true
""",
    )


def test_report_comes_in_and_its_answer_reaches_the_citizen(
    motmoi: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOTMOI_CONFIG", str(motmoi.file("settings.toml", "undo_s = 0.0")))
    with portal(motmoi) as url:
        added = motmoi.json("channel", "add", channel_file(motmoi, url))
        assert (added["slug"], added["ward_code"]) == ("cong-1022", "27142")
        dry = motmoi.json("channel", "poll", "cong-1022", "--dry-run")
        assert (dry["stored"], dry["run"]) == (2, None)
        first = motmoi.json("channel", "poll", "cong-1022")
        assert (first["seen"], first["stored"], first["quarantined"]) == (2, 2, 0)
        motmoi.json("user", "add", "lan", "--role", "officer", "--ward", "27142")
        with motmoi.product() as product:
            lan = officer(product, "lan")
            product.cases.reply(lan, 1, ReplyKind.RESULT, ANSWER)
        (waiting,) = motmoi.json("outbox", "list", "--state", "pending")
        assert waiting["external_id"] == "1001"

        assert motmoi.json("outbox", "drain") == {"sent": 1, "waiting": 0, "failed": 0, "lost": 0}
        assert motmoi.json("outbox", "drain")["sent"] == 0, "once, and no second time"
        shown = _control(url, "state")["answers"]["1001"]
        assert [ANSWER in one["body"] for one in shown] == [True]

        assert motmoi.json("channel", "poll", "cong-1022")["revised"] == 1, "the portal says it is done"
        case = motmoi.json("case", "show", "1")
    (way,) = case["reports"][0]["deliveries"]
    assert (case["status"], way["state"], way["attempts"], way["error"]) == (
        "resolved",
        "acknowledged",
        1,
        None,
    )
    assert way["sent_at"].endswith("+00:00") and way["acknowledged_at"].endswith("+00:00")
    assert motmoi("outbox", "retry", str(way["id"])).code == 1, "there is nothing to try again"
    assert motmoi("outbox", "list").out == "Nothing is on its way.\n"


def test_portal_that_fails_is_1_and_says_why(motmoi: Any) -> None:
    with portal(motmoi) as url:
        motmoi.json("channel", "add", channel_file(motmoi, url, password="sai"))
        check = motmoi("channel", "check", "cong-1022")
        assert check.code == 1
        assert "BAD" in check.out
        refused = motmoi("channel", "poll", "cong-1022", "--json")
        assert (refused.code, refused.document["error"]["code"]) == (1, "auth_failed")
        assert motmoi.json("channel", "list")[0]["state"] == "bad"
        assert motmoi.json("channel", "resume", "cong-1022")["paused"] is False
        _control(url, "faults", {"kind": "outage", "count": None})
        assert motmoi("channel", "poll", "cong-1022").code == 1


def test_channel_is_paused_resumed_and_replayed(motmoi: Any) -> None:
    with portal(motmoi) as url:
        motmoi.json("channel", "add", channel_file(motmoi, url))
        assert motmoi.json("channel", "pause", "cong-1022")["paused"] is True
        assert "paused" in motmoi("channel", "list").out
        assert motmoi.json("channel", "resume", "cong-1022")["paused"] is False
        _control(url, "faults", {"kind": "bad_record"})
        assert motmoi.json("channel", "poll", "cong-1022")["quarantined"] > 0
        again = motmoi.json("channel", "replay", "cong-1022")
        assert again["stored"] == 0 and again["quarantined"] > 0
        held = motmoi.json("channel", "quarantine", "list", "cong-1022")["items"]
        number = str(held[0]["id"])
        assert number in motmoi("channel", "quarantine", "list", "cong-1022").out
        assert motmoi.json("channel", "quarantine", "show", "cong-1022", number)["masked"] is True
        gone = motmoi.json("channel", "quarantine", "dismiss", "cong-1022", number, "--reason", "bản ghi thử")
        assert gone["dismissed"] == 1
        assert motmoi("channel", "quarantine", "accept", "cong-1022", number).code == 1
        assert motmoi("channel", "canary", "list", "cong-1022").code == 0


def test_portal_remembers_over_a_restart_what_it_was_told(motmoi: Any) -> None:
    with portal(motmoi) as url:
        _control(url, "reports", [{"id": "1003", "subject": "Cây ngã"}])
    with portal(motmoi, reports=[]) as url:
        assert [report["id"] for report in _control(url, "state")["reports"]] == ["1001", "1002", "1003"]


FAULTY = [
    ("{", "not JSON", "no JSON"),
    ("[]", "object", "a list"),
    ('{"reports": [{"id": "1"}]}', "subject", "a report without a subject"),
]


@pytest.mark.parametrize(("content", "named", "note"), FAULTY, ids=[row[2] for row in FAULTY])
def test_scenario_that_does_not_fit_is_told(motmoi: Any, content: str, named: str, note: str) -> None:
    scenario = motmoi.file("scenario.json", content)
    ran = motmoi("sandbox", "portal_1022", "--port", "0", "--scenario", scenario)
    assert ran.code == 2, note
    assert named in ran.err


def test_taken_port_is_told_by_its_number(motmoi: Any) -> None:
    with portal(motmoi) as url:
        port = url.rpartition(":")[2]
        ran = motmoi("sandbox", "portal_1022", "--port", port)
        assert ran.code == 2
        assert port in ran.err


def test_channel_file_that_is_wrong_makes_nothing(motmoi: Any) -> None:
    spec = motmoi.file("cong.toml", 'slug = "cong"\nkind = "portal_1023"\nward = "27142"\ncolour = "red"\n')
    ran = motmoi("channel", "add", spec)
    assert ran.code == 2
    assert "portal_1022" in ran.err and "colour" in ran.err
    with motmoi.product() as product:
        assert product.accounts.wards() == ()


def test_broken_connector_is_listed_with_why_and_hides_no_other(motmoi: Any) -> None:
    for name, content in (("no_manifest", ""), ("no_code", None)):
        folder = motmoi.folder / "var" / "connectors" / name
        folder.mkdir(parents=True)
        if content is not None:
            (folder / "connector.yaml").write_text(content)
        else:
            manifest = (
                'id: no_code\nversion: "1"\napi: 1\nmaintainer: nobody\ntitle: {vi: A, en: A}\n'
                "description: {vi: A, en: A}\ncapabilities: {}\nconfig_schema: {type: object}\n"
            )
            (folder / "connector.yaml").write_text(manifest)
            (folder / "__init__.py").write_text("import surely_not_there\n")
    known = {one["id"]: one for one in motmoi.json("connector", "list")}
    assert {"portal_1022", "national_bus", "district_html", "spreadsheet"} <= set(known)
    assert known["portal_1022"]["problem"] is None
    assert known["no_manifest"]["problem"]
    assert "surely_not_there" in known["no_code"]["problem"]
    assert "no_code cannot be used" in motmoi("connector", "list").out


def test_run_serves_reads_and_stops_without_a_trace(motmoi: Any) -> None:
    with motmoi.started("run") as process:
        url = process.stdout.readline().split()[-1]
        with urllib.request.urlopen(f"{url}/healthz") as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in out + err
    assert "stopped" in err


def test_worker_reads_what_is_due_and_gives_its_leases_back(motmoi: Any) -> None:
    with portal(motmoi) as url:
        motmoi.json("channel", "add", channel_file(motmoi, url))
        with motmoi.started("worker", "--json") as process:
            name = json.loads(_document(process))["worker"]
            while not _control(url, "state")["requests"]:
                assert process.poll() is None
            process.send_signal(signal.SIGTERM)
            _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        assert name in err
        assert motmoi.json("channel", "poll", "cong-1022")["outcome"] == "ok", "nobody holds the channel"
    assert motmoi.json("channel", "list")[0]["today"]["stored"] == 2


def _document(process: Any) -> str:
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line == "}\n":
            break
    return "".join(lines)


def test_days_are_compared_and_read_again_and_the_key_is_rotated(motmoi: Any) -> None:
    day = ("--from", "2026-11-20", "--to", "2026-11-20")
    with portal(motmoi) as url:
        motmoi("channel", "add", channel_file(motmoi, url))
        lacking = motmoi("--json", "channel", "reconcile", "cong-1022", *day)
        (found,) = lacking.document["days"]
        assert (lacking.code, found["source"], found["held"], found["missing"]) == (1, 2, 0, 2)
        # The first poll is due; the command waits for it as for every poll, so it goes first.
        motmoi.json("channel", "poll", "cong-1022")
        read = motmoi.json("channel", "backfill", "cong-1022", *day)
        assert (read["state"], read["seen"], read["stored"], read["unchanged"]) == ("done", 2, 0, 2)
        one = motmoi.json("channel", "backfill", "cong-1022", "--ids", "1002,9999")
        assert (one["state"], one["seen"], one["missing"]) == ("done", 1, 1)
        assert motmoi("channel", "reconcile", "cong-1022", *day).code == 0
        assert motmoi("channel", "backfill", "cong-1022").code == 2
        rotated = motmoi.json("secrets", "rotate")
        assert rotated["new_key"] and rotated["sealed_anew"] > 3 and rotated["left"] == 0
        assert motmoi.json("secrets", "retire")["retired"] == 1
        assert motmoi.json("channel", "poll", "cong-1022")["outcome"] == "ok"


def test_an_answer_brought_by_hand_is_listed_ticked_off_and_taken_back(
    motmoi: Any, reports: Path, mapping: Path
) -> None:
    motmoi.json("import", reports, "--channel", "so", "--mapping", mapping, "--ward", "27142")
    motmoi.json("user", "add", "lan", "--role", "officer", "--ward", "27142")
    with motmoi.product() as product:
        product.cases.reply(officer(product, "lan"), 1, ReplyKind.PROGRESS, ANSWER)
        product.cases.reply(officer(product, "lan"), 1, ReplyKind.PROGRESS, ANSWER + " Thêm.")
    (waiting, _) = motmoi.json("outbox", "list", "--state", "manual")
    first = motmoi("--json", "outbox", "list", "--limit", "1")
    assert [one["id"] for one in first.document] == [waiting["id"]]
    assert "more than these 1" in first.err, "a list that was cut short says so"
    message = str(waiting["id"])
    assert motmoi("outbox", "tick", message, "--at", "hôm qua").code == 2
    assert motmoi("outbox", "tick", message, "--at", "2020-01-01T08:00").code == 2, "not written yet then"
    assert motmoi.json("outbox", "tick", message, "--ref", "PH-7")["state"] == "sent"
    assert motmoi("outbox", "tick", message).code == 1, "it is ticked off already"
    assert motmoi.json("outbox", "untick", message)["state"] == "manual"
    assert motmoi("ledger", "verify").code == 0
