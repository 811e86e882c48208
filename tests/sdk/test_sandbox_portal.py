"""Simulated portals: what they were told stays told, and their faults are the ones asked for."""

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from aggregator.errors import Transient
from aggregator.sdk.http import Http, host_of
from aggregator.sdk.sandbox import Portal, SimReport, reply, serve

REPORT = {"id": "7", "subject": "Ổ gà", "created": "2026-03-01T08:00:00+07:00", "status": "new"}


def portal_of(**options):
    portal = Portal(**options)

    @portal.route("/answer/<id_>", ["POST"])
    def _answer(request, id_):
        portal.answer(id_, request.get_json()["body"], "UBND phường", "resolved")
        return reply({"msg": "OK"})

    @portal.route("/list")
    def _list(request):
        return reply([r.id for r in portal.newest_first()])

    return portal


@pytest.fixture
def running():
    with serve(portal_of()) as one:
        yield one


def control(running, method, path, data=None):
    return requests.request(method, f"{running.url}/_control/{path}", json=data, timeout=5)


def test_control_tells_what_citizens_see(running):
    assert control(running, "POST", "reports", [REPORT, {**REPORT, "id": "8"}]).json() == {"taken": 2}
    requests.post(f"{running.url}/answer/7", json={"body": "Đã vá."}, timeout=5)
    state = control(running, "GET", "state").json()
    assert [r["id"] for r in state["reports"]] == ["7", "8"]
    assert state["reports"][0]["status"] == "resolved"
    assert [(a["body"], a["author"]) for a in state["answers"]["7"]] == [("Đã vá.", "UBND phường")]
    assert (state["kind"], state["requests"], state["writes"], state["faults"]) == ("portal", 1, 1, [])


def test_somebody_works_at_the_portal_itself_and_reports_are_taken_off_it(running):
    control(running, "POST", "reports", [REPORT, {**REPORT, "id": "8"}])
    shown = [{"body": "Đã vá.", "author": "Phòng Quản lý đô thị"}]
    assert control(running, "POST", "answers", {"id": "7", "answers": shown, "status": "resolved"}).ok
    assert control(running, "POST", "answers", {"id": "9", "answers": []}).status_code == 400
    assert control(running, "DELETE", "reports", ["8", "9"]).json() == {"gone": 1}
    state = control(running, "GET", "state").json()
    (report,) = state["reports"]
    assert (report["id"], report["status"], state["answers"]["7"][0]["body"]) == ("7", "resolved", "Đã vá.")
    assert state["writes"] == 0, "what we wrote is counted, and nobody else's work"


@pytest.mark.parametrize(
    ("path", "data", "says"),
    [
        ("reports", [{"subject": "x"}], "id and subject"),
        ("reports", [{**REPORT, "colour": "red"}], "colour"),
        ("reports", [{**REPORT, "created": "2026-03-01"}], "without zone"),
        ("faults", {"kind": "earthquake"}, "unknown fault"),
        ("faults", {"kind": "outage", "path": "("}, ""),
        ("nothing", {}, "no such control"),
    ],
)
def test_control_refuses_what_it_does_not_know(running, path, data, says):
    answer = control(running, "POST", path, data)
    assert answer.status_code in (400, 404) and says in answer.json()["error"]


def test_fault_lasts_its_count_and_hits_its_path_alone(running):
    control(running, "POST", "faults", {"kind": "status", "code": 418, "count": 2, "path": "^/list$"})
    codes = [requests.get(f"{running.url}/list", timeout=5).status_code for _ in range(3)]
    assert codes == [418, 418, 200]
    control(running, "POST", "faults", {"kind": "status", "count": None})
    assert requests.get(f"{running.url}/list", timeout=5).status_code == 500
    control(running, "DELETE", "faults")
    assert requests.get(f"{running.url}/list", timeout=5).status_code == 200


def test_lost_answer_was_written_all_the_same(running):
    control(running, "POST", "reports", [REPORT])
    control(running, "POST", "faults", {"kind": "commit_then_drop"})
    requests.get(f"{running.url}/list", timeout=5)  # a read does not use the fault up
    with pytest.raises(requests.ConnectionError):
        requests.post(f"{running.url}/answer/7", json={"body": "Đã vá."}, timeout=5)
    assert control(running, "GET", "state").json()["answers"]["7"][0]["body"] == "Đã vá."


def test_closing_ends_a_long_latency(running):
    control(running, "POST", "faults", {"kind": "latency", "seconds": 30})
    now = datetime(2026, 1, 1, tzinfo=UTC)
    http = Http(
        allowed_hosts=[host_of(running.url)],
        allow_private=True,
        deadline=now + timedelta(seconds=9),
        now=lambda: now,
        read_timeout=0.1,
    )
    with pytest.raises(Transient):
        http.get(f"{running.url}/list")
    running.close()


CHILD = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_sandbox_portal import portal_of, REPORT
from aggregator.sdk.sandbox import serve
portal = portal_of(state_file=Path(sys.argv[1]))
portal.load([REPORT])
portal.sessions["t"] = "lan"
portal.store["seen"] = [1]
print(serve(portal).url, flush=True)
time.sleep(600)
"""


def test_killed_portal_comes_back_with_every_answer_it_confirmed(tmp_path):
    state = tmp_path / "portal.json"
    here = str(Path(__file__).parent)
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(state), here], stdout=subprocess.PIPE, text=True
    )
    try:
        url = child.stdout.readline().strip()
        for number in range(20):
            requests.post(f"{url}/answer/7", json={"body": f"Lần {number}"}, timeout=5).raise_for_status()
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        child.stdout.close()
    portal = portal_of(state_file=state)
    assert [a.body for a in portal.answers["7"]] == [f"Lần {n}" for n in range(20)]
    assert portal.reports["7"].status == "resolved" and portal.writes == 20
    assert portal.sessions == {"t": "lan"} and portal.store == {"seen": [1]}


def test_report_survives_the_way_to_disk_and_back():
    report = SimReport.of({**REPORT, "due": "2026-03-10T00:00:00Z", "attachments": [{"filename": "a"}]})
    assert SimReport.of(json.loads(json.dumps(report.neutral()))) == report
