"""The national portal's public pages of answered reports: over real sockets, and one recorded report."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from bs4 import BeautifulSoup

import connectors.national_public as package
from aggregator.sdk.contract import (
    BotChallenge,
    Permanent,
    PushCommand,
    RawItem,
    SchemaDrift,
    SourceStatus,
    Span,
    Transient,
)
from aggregator.sdk.discovery import load_manifest, validate_config
from aggregator.sdk.html_portal import bundle
from aggregator.sdk.levels import compiled
from aggregator.sdk.sandbox import serve
from aggregator.sdk.testing import context_for
from connectors.national_public import sandbox

MANIFEST = load_manifest(Path(package.__file__).parent)
CONNECTOR = compiled(MANIFEST)
SAMPLES = Path(__file__).parent / "samples"
#: Midnight in Vietnam: the pages give the day alone.
DAY = datetime(2026, 3, 1, 17, 0, tzinfo=UTC)


def report(n, **more):
    return {
        "id": f"{5000 + n}",
        "subject": f"Phản ánh số {n}",
        "body": "Hồ sơ nộp đã quá hẹn.\nĐề nghị kiểm tra.",
        "name": "Nguyễn Thị Ví-Dụ",
        "area": "Bình Thuận",
        "created": (DAY + timedelta(days=n)).isoformat(),
        "status": "resolved",
        **more,
    }


class Channel:
    def __init__(self, **scenario):
        count = scenario.pop("count", 3)
        scenario.setdefault("reports", [report(n) for n in range(1, count + 1)])
        self.running = serve(sandbox.build(scenario))
        self.portal = self.running.portal
        self.config, self.secrets = sandbox.settings_for(self.running.url, scenario)
        self.state, self.cursor = {}, None

    def ctx(self):
        return context_for(self.running, MANIFEST, self.config, self.secrets, state=self.state)

    def poll(self):
        batches = list(CONNECTOR.poll(self.ctx(), self.cursor))
        self.cursor = json.loads(json.dumps(batches[-1].next_cursor))
        return batches

    def records(self):
        return [record for batch in self.poll() for record in batch.records]

    def fault(self, kind, **options):
        requests.post(f"{self.running.url}/_control/faults", json={"kind": kind, **options}, timeout=5)


@pytest.fixture
def channel():
    made = []

    def make(**scenario):
        made.append(Channel(**scenario))
        return made[-1]

    yield make
    for one in made:
        one.running.close()


def test_question_and_answer_arrive_as_one_report(channel):
    answer = "Sở đã kiểm tra.\nHồ sơ đã được trả ngày 05/03."
    portal = channel(
        reports=[report(1, attachments=[{"filename": "don.pdf", "base64": "", "content_type": "x"}])],
        answers={"5001": answer},
        answer_files={"5001": ["cong-van.pdf"]},
    )
    (record,) = portal.records()
    assert record.external_id == "5001"
    assert record.body == "Hồ sơ nộp đã quá hẹn.\nĐề nghị kiểm tra."
    assert record.occurred_at == DAY + timedelta(days=1)
    assert record.person.name == "Nguyễn Thị Ví-Dụ"
    assert (record.status_raw, record.status) == ("Đã trả lời", SourceStatus.RESOLVED)
    assert [a.body for a in record.answers] == [answer]
    assert [a.filename for a in record.attachments] == ["don.pdf", "cong-van.pdf"]
    assert record.url.endswith("/pakn-detail.jsp?id=5001")
    fetched = CONNECTOR.fetch_attachment(portal.ctx(), record.attachments[1].ref)
    assert (fetched.content, fetched.filename) == (b"5001 cong-van.pdf", "cong-van.pdf")


@pytest.mark.parametrize(
    ("name", "area", "read", "note"),
    [
        ("Nguyễn Thị Ví-Dụ", "Bình Thuận", "Nguyễn Thị Ví-Dụ", "a hyphen inside the name"),
        ("Công ty A - Chi nhánh B", "Bình Thuận", "Công ty A - Chi nhánh B", "a hyphen between words"),
        ("Trần Thử", "Bà Rịa - Vũng Tàu", "Trần Thử", "a hyphen in the province"),
        ("Trần Thử", "Thừa Thiên-Huế", "Trần Thử", "a hyphen in the province, without spaces"),
        ("Ẩn danh", "Toàn quốc", None, "anonymous"),
    ],
)
def test_name_and_day_are_read_from_the_right_end(channel, name, area, read, note):
    (record,) = channel(reports=[report(1, name=name, area=area)]).records()
    assert record.person.name == read, note
    assert record.person.anonymous == (read is None), note
    assert record.occurred_at == DAY + timedelta(days=1), note


def test_poll_stops_at_known_reports_with_an_overlap(channel):
    portal = channel(count=95, page_size=10)
    assert len(portal.records()) == 95
    portal.portal.load([report(96)])
    portal.config["sweep_pages"] = 0
    before = portal.portal.requests
    assert [r.external_id for r in portal.records()] == ["5096"]
    assert portal.portal.requests - before == 5, "page 1, a quiet one, the overlap; question, answer"


def test_first_reading_takes_the_latest_pages_only(channel):
    portal = channel(count=95, page_size=10)
    del portal.config["history_pages"]
    assert len(portal.records()) == 50
    assert portal.cursor["deep"]["done"], "the rest is a backfill's"


def test_keyword_is_asked_of_the_portal(channel):
    portal = channel(reports=[report(1), report(2, subject="Đường & cầu")])
    portal.config["keyword"] = "Đường & cầu"
    assert [r.external_id for r in portal.records()] == ["5002"]


def test_paging_that_stands_still_is_noticed(channel):
    portal = channel(count=35, page_size=10)
    portal.fault("repeat_page", count=None)
    with pytest.raises(SchemaDrift, match="shows the rows of page 1 again"):
        portal.poll()


def test_settings_need_no_account():
    assert validate_config(MANIFEST, {"base_url": "https://dichvucong.gov.vn"}, {}) == []
    assert not MANIFEST.capabilities.push_reply
    assert MANIFEST.capabilities.attachments == "download"


@pytest.mark.parametrize(
    ("redesigned", "known", "note"),
    [
        ("list", True, "the list is elsewhere"),
        ("detail", False, "no report can be read"),
        ("answer", False, "no answer can be read"),
        ("date", False, "no day can be read"),
    ],
)
def test_changed_page_is_never_a_success_with_nothing_new(channel, redesigned, known, note):
    portal = channel()
    if known:
        portal.poll()
    portal.portal.redesigned = redesigned
    with pytest.raises(SchemaDrift) as caught:
        portal.poll()
    assert isinstance(caught.value.evidence["content"], bytes), f"{note}: the page is kept"


def test_list_that_turns_empty_is_not_believed(channel):
    portal = channel()
    portal.poll()
    portal.portal.reports.clear()
    with pytest.raises(SchemaDrift, match="empty though 3 reports are known"):
        portal.poll()


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "outage"}, Transient),
        ({"kind": "status", "code": 503}, Transient),
        ({"kind": "truncate"}, Transient),
        ({"kind": "maintenance"}, Transient),
        ({"kind": "maintenance", "path": "detail"}, Transient),
    ],
)
def test_each_trouble_has_its_class(channel, fault, error):
    portal = channel()
    portal.fault(**fault)
    with pytest.raises(error):
        portal.poll()


def test_challenge_in_place_of_a_report_is_its_own_error(channel):
    portal = channel()
    portal.portal.redesigned = "challenge"
    with pytest.raises(BotChallenge):
        portal.poll()


def test_one_bad_report_is_quarantined_and_maps_again_later(channel):
    portal = channel()
    portal.fault("bad_record", path="detail")
    (batch,) = portal.poll()
    assert len(batch.records) == 2
    (problem,) = batch.problems
    assert problem.error.field == "created"
    assert portal.poll()[0].problems == (), "told once, not at every poll"


def test_report_without_its_answer_page_is_quarantined(channel):
    portal = channel()
    portal.fault("status", code=404, path="answer_byid")
    (batch,) = portal.poll()
    assert (len(batch.records), len(batch.problems)) == (2, 1)


def test_kept_report_maps_again_without_network(channel):
    portal = channel()
    (batch,) = portal.poll()
    ctx = portal.ctx()
    assert [CONNECTOR.remap(ctx, item) for item in batch.items] == list(batch.records)
    assert ctx.http.requests == 0


def test_one_report_is_read_by_its_id(channel):
    portal = channel()
    record, item = CONNECTOR.fetch(portal.ctx(), "5002")
    assert record.external_id == "5002"
    assert CONNECTOR.remap(portal.ctx(), item) == record
    assert CONNECTOR.fetch(portal.ctx(), "9") is None


def test_backfill_takes_a_span_and_stops_below_it(channel):
    portal = channel(count=60, page_size=10)
    span = Span(since=DAY + timedelta(days=31), until=DAY + timedelta(days=41))
    batches = list(CONNECTOR.backfill(portal.ctx(), span, None))
    found = [r.external_id for b in batches for r in b.records]
    assert sorted(found) == [str(5000 + n) for n in range(31, 41)]
    assert [b.complete for b in batches] == [False] * (len(batches) - 1) + [True]
    assert len(batches) == 5, "pages below the span are not read to the end, but for the overlap"


def test_interrupted_backfill_goes_on_where_it_stopped(channel):
    portal = channel(count=60, page_size=10)
    stream = CONNECTOR.backfill(portal.ctx(), Span(), None)
    first = [next(stream) for _ in range(3)]
    stream.close()
    cursor = json.loads(json.dumps(first[-1].next_cursor))
    rest = list(CONNECTOR.backfill(portal.ctx(), Span(), cursor))
    found = {r.external_id for b in (*first, *rest) for r in b.records}
    assert found == {str(5000 + n) for n in range(1, 61)}


def test_backfill_by_ids_tells_those_that_are_not_there(channel):
    portal = channel()
    (batch,) = CONNECTOR.backfill(portal.ctx(), Span(ids=("5001", "9999")), None)
    assert [r.external_id for r in batch.records] == ["5001"]
    assert [p.error.external_id for p in batch.problems] == ["9999"]
    assert batch.complete


def test_answer_cannot_be_given_here(channel):
    portal = channel()
    command = PushCommand(
        idempotency_key="k", external_id="5001", kind="result", body="Xong",
        status=SourceStatus.RESOLVED, at=DAY,
    )  # fmt: skip
    with pytest.raises(Permanent, match="only read"):
        CONNECTOR.push(portal.ctx(), command)


def test_check_names_its_steps_without_sign_in_or_form(channel):
    results = CONNECTOR.check(channel().ctx())
    assert [(r.name, r.ok) for r in results] == [
        ("Thiết lập", True),
        ("Đọc danh sách", True),
        ("Đọc thử một phản ánh", True),
    ]


def test_recorded_report_reads_as_it_did():
    pages = [(SAMPLES / name).read_bytes() for name in ("detail.html", "answer.html")]
    item = RawItem(bundle.join("61233", pages), "text/html; charset=UTF-8", "report 61233")
    ctx = context_for("https://dichvucong.example", MANIFEST)
    record = CONNECTOR.remap(ctx, item)
    assert (record.external_id, record.person.name) == ("61233", "Võ Văn Thử-Nghiệm")
    assert record.occurred_at == datetime(2022, 2, 13, 17, 0, tzinfo=UTC)
    assert record.body.startswith("Tôi nộp hồ sơ cấp đổi giấy phép lái xe")
    assert record.answers[0].body.splitlines()[0] == "Kính gửi ông Võ Văn Thử-Nghiệm,"
    files = ["/p/phananhkiennghi/tai-ve?id=1", "/p/phananhkiennghi/tai-ve?id=2"]
    assert [a.ref for a in record.attachments] == files


def showing(portal, keep):
    """The list's pages with those rows alone that `keep` wants, by place."""

    def rewrite(request, response):
        if "just_answer" in request.path:
            tree = BeautifulSoup(response.get_data(), "lxml")
            for place, row in enumerate(tree.select("div.list-pakn > .item")):
                if not keep(place):
                    row.decompose()
            response.set_data(str(tree).encode())
        return response

    portal.rewrite = rewrite


def test_pages_that_show_every_other_row_are_no_shorter_list(channel):
    portal = channel(count=12, page_size=4)
    portal.poll()
    portal.portal.load([report(n) for n in range(13, 17)])
    showing(portal.portal, lambda place: place % 2 == 0)
    with pytest.raises(SchemaDrift, match="are missing from the list, and their pages are still there"):
        portal.poll()
    portal.portal.rewrite = None
    assert {record.external_id for record in portal.records()} == {str(n) for n in range(5013, 5017)}


def test_reports_that_the_portal_took_back_may_leave_the_list(channel):
    portal = channel(count=12, page_size=4)
    portal.poll()
    for number in (5008, 5009, 5010, 5011):
        del portal.portal.reports[str(number)]
    assert portal.records() == []
