"""The whole line on the running demo: one problem, many channels, one answer, each source once."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests

from tests.demo.demo_process import Demo, eventually, running

TWO_WAY = ("1022", "quan-3", "dvcqg")


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    # Whoever looks on has time; a test would only wait.
    with running("--undo", "1", "--every", "2") as found:
        yield found


def lead_case(demo: Demo) -> tuple[int, dict[str, dict[str, object]]]:
    """The rubbish before 129 Lê Văn Sỹ: its case, and its reports by channel."""
    lan = demo.signed_in("lan")
    for case_id in lan.cases("q=rac+129+le+van+sy"):
        shown = demo.motmoi("case", "show", str(case_id))
        reports = {report["channel_slug"]: report for report in shown["reports"]}
        if set(TWO_WAY) <= set(reports):
            return case_id, reports
    raise AssertionError("no case holds the lead problem of three two-way channels")


def test_one_problem_through_four_channels_is_one_case_answered_once_everywhere(demo: Demo) -> None:
    case_id, reports = lead_case(demo)
    assert set(reports) == {*TWO_WAY, "so-tiep-dan"}
    lan = demo.signed_in("lan")
    answer = "Đã dọn sạch điểm rác và cắm biển cấm đổ rác."

    page = lan.get(f"/cases/{case_id}")
    lan.post(f"/cases/{case_id}/reply", page, kind="result", body=answer)

    for slug in TWO_WAY:
        external_id = str(reports[slug]["external_id"])
        given = eventually(
            lambda slug=slug, external_id=external_id: demo.answers(slug).get(external_id),
            f"answer at {slug}",
        )
        assert given == [answer]
    assert answer in lan.get("/by-hand")
    # Some polls later every source has shown it, and still has it once.
    eventually(
        lambda: {delivery_states(demo, case_id)[slug] for slug in TWO_WAY} == {"acknowledged"},
        "all three sources show the answer",
    )
    assert delivery_states(demo, case_id)["so-tiep-dan"] == "manual"
    for slug in TWO_WAY:
        assert demo.answers(slug)[str(reports[slug]["external_id"])] == [answer]


def given(demo: Demo, slug: str, external_id: str) -> list[str]:
    return demo.answers(slug).get(external_id, [])


def delivery_states(demo: Demo, case_id: int) -> dict[str, str]:
    shown = demo.motmoi("case", "show", str(case_id))
    return {
        delivery["channel_slug"]: delivery["state"]
        for report in shown["reports"]
        for delivery in report["deliveries"]
    }


def test_a_portal_that_was_away_gets_the_answer_once_when_it_is_back(demo: Demo) -> None:
    lan = demo.signed_in("lan")
    case_id, external_id = a_case_of(demo, lan.cases("channel=quan-3&view=new"), "quan-3")
    demo.fault("quan-3", kind="outage")
    eventually(lambda: channel(demo, "quan-3")["state"] != "good", "the channel page says that it is away")
    answer = "Đã kiểm tra và xử lý xong trong ngày."

    lan.post(f"/cases/{case_id}/reply", lan.get(f"/cases/{case_id}"), kind="result", body=answer)
    assert external_id not in demo.answers("quan-3")
    assert delivery_states(demo, case_id)["quan-3"] in ("pending", "confirming", "leased")
    assert channel(demo, "quan-3")["state"] in ("slow", "bad")

    demo.mend("quan-3")
    eventually(lambda: delivery_states(demo, case_id)["quan-3"] == "acknowledged", "the answer arrives")
    assert demo.answers("quan-3")[external_id] == [answer]
    eventually(lambda: channel(demo, "quan-3")["state"] == "good", "the channel page says that it is back")


def a_case_of(demo: Demo, cases: list[int], slug: str) -> tuple[int, str]:
    """An open case of one report, of this channel."""
    for case_id in cases:
        shown = demo.motmoi("case", "show", str(case_id))
        if [report["channel_slug"] for report in shown["reports"]] == [slug]:
            return case_id, str(shown["reports"][0]["external_id"])
    raise AssertionError(f"no case of {slug} alone")


def channel(demo: Demo, slug: str) -> dict[str, object]:
    found: dict[str, object] = next(one for one in demo.motmoi("channel", "list") if one["slug"] == slug)
    return found


def test_hidden_and_missing_cases_answer_alike(demo: Demo) -> None:
    hue = demo.signed_in("hue")
    case_id = demo.signed_in("lan").cases("view=open")[0]

    hidden, missing = (
        hue.session.get(f"{demo.url}/cases/{number}", timeout=30) for number in (case_id, 10**9)
    )

    # The page says when it was made: the two may be a second apart.
    pages = [re.sub(r'data-now="[^"]*"', "", answer.text) for answer in (hidden, missing)]
    assert pages[0] == pages[1] and missing.status_code == 404
    assert hidden.status_code == 404
    assert case_id not in hue.cases("view=open")


def test_the_ledger_of_the_day_holds(demo: Demo) -> None:
    found = demo.motmoi("ledger", "verify")
    assert found["findings"] == []
    assert found["entries"] > 100


def test_ctrl_c_leaves_no_process_and_no_folder() -> None:
    with running("--reports", "12") as short:
        folder = Path(short.told["folder"])
        assert folder.exists()
        assert requests.get(short.url + "/healthz", timeout=10).status_code == 200
        children = psutil.Process(short.process.pid).children(recursive=True)
        os.kill(short.process.pid, signal.SIGINT)
        assert short.process.wait(timeout=40) == 0
    assert not folder.exists()
    assert not [child for child in children if child.is_running()]
