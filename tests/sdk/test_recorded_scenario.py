"""A connector without a simulated portal is judged on what its portal once answered."""

import json
from datetime import UTC, datetime

import pytest

from aggregator.sdk.cassette import Answered, Asked, Cassette, Exchange, save
from aggregator.sdk.conformance.catalogue import rule
from aggregator.sdk.conformance.harness import Subject
from aggregator.sdk.conformance.runner import judge
from aggregator.sdk.conformance.scenario import scenario_of
from aggregator.sdk.contract import Transient
from aggregator.sdk.discovery import found_in

MANIFEST = """\
id: cong_ghi
version: "1"
api: 1
kind: json
title: {vi: Cổng ghi lại, en: Recorded portal}
description: {vi: Thử, en: Trial}
maintainer: Lan
source:
  streams:
    - request: {path: /list}
      records: rows
      pagination: {type: page, param: page, stop: {pages: pages}}
      incremental: {param: since, order: ascending, overlap: 5m}
      map: {external_id: id, occurred_at: at, body: text}
      required: [body]
"""


def answer(page, *ids):
    rows = [{"id": one, "at": f"2026-11-20T08:{one}:00+07:00", "text": f"Đèn hỏng {one}"} for one in ids]
    body = json.dumps({"pages": 2, "rows": rows}).encode()
    asked = Asked("GET", "/list", f"page={page}")
    return Exchange(asked, Answered(200, (("Content-Type", "application/json"),), body))


def recorded(folder, manifest=MANIFEST):
    folder.mkdir()
    (folder / "connector.yaml").write_text(manifest, "utf-8")
    (folder / "quality.yaml").write_text("grade: bronze\n", "utf-8")
    cassette = Cassette(
        connector="cong_ghi", version="1", at=datetime(2026, 11, 21, tzinfo=UTC), origin="https://cong.example.vn",
        config={"base_url": "https://cong.example.vn"},
        exchanges=(answer(1, "10", "11"), answer(2, "12")),
    )  # fmt: skip
    save(cassette, folder / "recorded")
    return Subject.of(folder)


def test_a_question_that_was_never_asked_is_answered_like_the_nearest(tmp_path):
    subject = recorded(tmp_path / "a")
    stage = subject.scenario.open([])
    with stage.context({}).http as http:
        second = http.get(f"{stage.url}/list?page=2&since=2026-11-20").json()
        assert [row["id"] for row in second["rows"]] == ["12"]
        with pytest.raises(Transient, match="501"):
            http.get(f"{stage.url}/elsewhere")
    stage.close()


def test_a_good_connector_keeps_the_rules_of_reading_on_a_recording(tmp_path):
    subject = recorded(tmp_path / "a")
    for name in ("poll-every-report", "poll-nothing-new", "poll-crash", "error-truncated"):
        verdict = judge(subject, rule(name))
        assert verdict.word == "kept", verdict


def test_a_connector_that_loses_a_page_is_found_out_on_a_recording(tmp_path):
    short = MANIFEST.replace("records: rows", "records: row")
    verdict = judge(recorded(tmp_path / "a", short), rule("poll-every-report"))
    assert verdict.word == "missed", verdict


def test_a_recording_proves_bronze_and_nothing_above(tmp_path):
    subject = recorded(tmp_path / "a")
    assert judge(subject, rule("poll-empty")).word == "does not apply"
    above = judge(subject, rule("poll-edit"))
    assert above.word == "missed" and "simulated portal" in above.why


def test_a_simulated_portal_goes_before_a_recording(tmp_path):
    recorded(tmp_path / "a")
    (tmp_path / "a" / "sandbox.py").write_text("from aggregator.sdk.practice import build\n", "utf-8")
    found = found_in(tmp_path / "a")
    assert scenario_of(found, found.manifest).simulated
