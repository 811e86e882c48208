"""The kit itself: a sound connector keeps its rules, and each defect is found by the rule about it."""

import pytest

from aggregator.errors import ConfigInvalid
from aggregator.sdk.conformance.catalogue import RULES, Grade, rule
from aggregator.sdk.conformance.checks import check_of
from aggregator.sdk.conformance.harness import Subject
from aggregator.sdk.conformance.quality import load_quality
from aggregator.sdk.conformance.runner import Report, Verdict, Word, judge
from tests.conftest import ROOT

MANIFEST = """\
id: {id}
version: "1"
api: 1
title: {{vi: Cổng thử, en: Trial portal}}
description: {{vi: Thử bộ kết nối, en: A trial}}
maintainer: Lan
capabilities: {{revisions: false}}
status_map: {{}}
config_schema:
  type: object
  additionalProperties: false
  properties:
    base_url: {{type: string, title: Địa chỉ}}
    password: {{type: string, title: Mật khẩu, secret: true}}
"""
SANDBOX = """
from aggregator.sdk.sandbox import Portal, reply

def settings_for(url, scenario):
    return {"base_url": url}, {"password": "mật-khẩu-thử"}

def build(scenario):
    portal = Portal()
    @portal.route("/list")
    def listing(request):
        page = request.args.get("page", 1, int)
        rows = sorted(portal.reports.values(), key=lambda r: (r.created, r.id))
        shown = [{"id": r.id, "text": r.body, "at": r.created.isoformat(), "phone": r.phone,
                  "views": portal.requests} for r in rows[page * 5 - 5: page * 5]]
        return reply({"rows": shown, "total": len(rows)})
    portal.load(scenario["reports"])
    return portal
"""
#: A sound connector; a defect replaces some of its lines.
CODE = """
import json, socket, time
from datetime import datetime
from aggregator.sdk.contract import *

class Trial:
    def poll(self, ctx, cursor):
        number, seen = 1, set()
        while True:
            data = self.page(ctx, number)
            if not isinstance(data.get("rows"), list) or not isinstance(data.get("total"), int):
                raise SchemaDrift("no list", evidence={"page": number})
            rows, total = data["rows"], data["total"]
            seen |= {str(row.get("id")) for row in rows}
            done = len(seen) >= total
            if not done and not rows:
                raise SchemaDrift("the list ends early", evidence={"page": number})
            good, bad = [], []
            for row in rows:
                item = RawItem(json.dumps(row).encode(), ref=str(row.get("id")))
                try:
                    good.append((self.remap(ctx, item), item))
                except BadRecord as error:
                    bad.append(Problem(item, error))
            yield Batch(tuple(r for r, _ in good), tuple(i for _, i in good), {"v": 1},
                        problems=tuple(bad), complete=done, listed=len(rows))
            if done:
                return
            number += 1

    def page(self, ctx, number):
        data = ctx.http.get(ctx.config["base_url"] + "/list", params={"page": number}).json()
        return data if isinstance(data, dict) else {}

    def remap(self, ctx, item):
        row = json.loads(item.content)
        if not isinstance(row.get("id"), str) or not isinstance(row.get("text"), str):
            raise BadRecord("no id or text", field="id")
        try:
            at = datetime.fromisoformat(row["at"])
        except (KeyError, TypeError, ValueError):
            raise BadRecord("no date", field="at")
        phone = row.get("phone")
        return Record(external_id=row["id"], occurred_at=at, subject=row["text"], body=row["text"],
                      person=Person(phone=phone if isinstance(phone, str) else None),
                      extra={"views": row.get("views")}, volatile=("extra.views",))

    def check(self, ctx):
        try:
            self.page(ctx, 1)
        except ChannelError as error:
            return [CheckResult("list", False, str(error), "look at the address")]
        return [CheckResult("list", True)]

    def push(self, ctx, command): raise Permanent("reads only")
    def lookup(self, ctx, command): return None
    def fetch_attachment(self, ctx, ref): raise Permanent("no files")

CONNECTOR = Trial()
"""
SWALLOWS = """
            try:
                data = self.page(ctx, number)
            except ChannelError:
                data = {"rows": [], "total": 0}
"""
STRAYS = """
        try:
            socket.create_connection(("192.0.2.1", 80), 1)
        except OSError:
            pass
"""
#: What is wrong, the lines it changes, and the rule that must notice.
DEFECTS = [
    ("reads the first page alone", "done = len(seen) >= total", "done = True", "poll-every-report"),
    ("never says that it is done", "complete=done", "complete=False", "poll-every-report"),
    ("takes a counter for news", ', volatile=("extra.views",)', "", "poll-stable"),
    ("drops the zone of times", '(row["at"])', '(row["at"]).replace(tzinfo=None)', "poll-model"),
    ("cursor of no version", '{"v": 1}', '{"page": number}', "poll-cursor"),
    ("cursor that is no JSON", '{"v": 1}', '{"v": 1, 5: number}', "poll-cursor"),
    (
        "says nothing when there is nothing",
        "            good, bad =",
        "            if not rows: return\n            good, bad =",
        "poll-empty",
    ),
    (
        "holds a failing page for an empty one",
        "            data = self.page(ctx, number)",
        SWALLOWS,
        "error-500",
    ),
    (
        "takes any key that is missing for nothing",
        'data["rows"], data["total"]',
        'data["rows"][:3], 3',
        "drift-never-silent",
    ),
    (
        "logs telephones",
        "        return Rec",
        "        ctx.log.info(phone)\n        return Rec",
        "hygiene-secrets",
    ),
    ("asks somebody else", "        data = ctx", STRAYS + "        data = ctx", "hygiene-hosts"),
    ("sleeps", "            number += 1", "            number += 1; time.sleep(0.001)", "hygiene-no-sleep"),
    ("has a defect", "            number += 1", "            number += one", "poll-every-report"),
    ("check() without a hint", ', "look at the address")', ")", "check-host-down"),
]


def subject(folder, id_, code=CODE, quality=""):
    made = folder / id_
    made.mkdir()
    files = {"connector.yaml": MANIFEST.format(id=id_), "sandbox.py": SANDBOX, "__init__.py": code}
    for name, text in {**files, "quality.yaml": quality}.items():
        if text:
            (made / name).write_text(text, "utf-8")
    return Subject.of(made)


@pytest.mark.parametrize(
    "named",
    [
        one.id
        for one in RULES
        # What has no page of its own here, and nobody who calls it.
        if one.grade == Grade.BRONZE and one.id != "docs-page" and not one.id.startswith("call-")
    ],
)
def test_sound_connector_keeps_every_rule_of_bronze(tmp_path_factory, named, _sound=[]):  # noqa: B006
    if not _sound:
        _sound.append(subject(tmp_path_factory.mktemp("sound"), "trial_sound"))
    assert judge(_sound[0], rule(named)).why == ""


@pytest.mark.parametrize(("note", "line", "instead", "named"), DEFECTS, ids=[row[0] for row in DEFECTS])
def test_defect_is_found_by_its_rule(tmp_path, note, line, instead, named):
    assert line in CODE
    number = [row[0] for row in DEFECTS].index(note)
    wrong = subject(tmp_path, f"trial_defect_{number}", CODE.replace(line, instead))
    assert judge(wrong, rule(named)).word is Word.MISSED


#: A portal of web pages whose form takes files, answered by code that leaves them behind and says nothing.
DROPS_FILES = """
from dataclasses import replace
from pathlib import Path
from aggregator.sdk.discovery import load_manifest
from aggregator.sdk.html_portal import HtmlPortal

class Portal(HtmlPortal):
    def push(self, ctx, command):
        return super().push(ctx, replace(command, attachments=()))

CONNECTOR = Portal(load_manifest(Path(__file__).parent))
"""


def test_a_connector_that_claims_files_and_drops_them_is_found(tmp_path):
    made = tmp_path / "trial_drops_files"
    made.mkdir()
    for name in ("connector.yaml", "sandbox.py"):
        text = (ROOT / "connectors" / "district_html" / name).read_text("utf-8")
        (made / name).write_text(text.replace("id: district_html", f"id: {made.name}"), "utf-8")
    (made / "__init__.py").write_text(DROPS_FILES, "utf-8")
    assert judge(Subject.of(made), rule("push-once")).word is Word.KEPT
    assert judge(Subject.of(made), rule("push-files")).word is Word.MISSED


def test_exemption_covers_what_is_missed_and_is_out_of_date_where_nothing_is(tmp_path):
    claims = "grade: gold\nexemptions:\n  - {check: push-writes-back, reason: It takes none.}\n"
    claims += "  - {check: poll-stable, reason: Counters move.}\n"
    found = subject(tmp_path, "trial_exempt", quality=claims)
    assert judge(found, rule("push-writes-back")).word is Word.EXEMPT
    outdated = judge(found, rule("poll-stable"))
    assert outdated.word is Word.OUTDATED and not outdated.stands


def test_grade_is_the_highest_of_which_and_below_which_all_stands():
    def report(*missed):
        verdicts = [Verdict(one, Word.MISSED if one.id in missed else Word.KEPT) for one in RULES]
        return Report("a", Grade.SILVER, tuple(verdicts))

    assert report().grade is Grade.GOLD
    assert report("push-once").grade is Grade.SILVER and report("push-once").holds
    below = report("push-once", "poll-edit")
    assert (below.grade, below.holds, [v.rule.id for v in below.missing]) == (
        Grade.BRONZE,
        False,
        ["poll-edit"],
    )
    assert report("poll-model").grade is Grade.NONE


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("grade: platinum", "platinum"),
        ("grade: gold\nexemptions: [{check: poll-edit}]", "gives no reason"),
        ("grade: gold\nexemptions: [{check: poll-edit, reason: {vi: Có lý do}}]", "gives no reason"),
        ("grade: gold\nexemptions: [{check: pol-edit, reason: x}]", "did you mean 'poll-edit'"),
        ("grade: gold\nexemption: []", "nothing else"),
        ("grade: [", "not valid YAML"),
    ],
)
def test_claim_that_cannot_be_meant_is_refused_with_its_place(tmp_path, text, says):
    (tmp_path / "quality.yaml").write_text(text, "utf-8")
    with pytest.raises(ConfigInvalid, match=r"quality\.yaml") as caught:
        load_quality(tmp_path)
    assert says in str(caught.value)


def test_every_rule_has_a_check_and_a_line_in_the_documentation():
    told = (ROOT / "docs" / "conformance.md").read_text("utf-8")
    for one in RULES:
        assert callable(check_of(one.id))
        assert f"| `{one.id}` | {one.claim} |" in told
