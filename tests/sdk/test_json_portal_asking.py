"""What a JSON portal is asked for: since when, with which key, which details, and where it goes on."""

from __future__ import annotations

import json
import tracemalloc
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from typing import Any

import pytest

from aggregator.sdk.contract import (
    AuthFailed,
    Backfills,
    Batch,
    ConfigInvalid,
    Fetches,
    Record,
    Span,
    Transient,
)
from aggregator.sdk.json_portal import JsonPortal
from aggregator.sdk.json_portal.definition import Stream
from aggregator.sdk.sandbox import Fault, Portal, Request, Response, page, reply, serve
from aggregator.sdk.simulated import LOGIN_PAGE
from aggregator.sdk.testing import context_for
from tests.sdk.json_portals import MAP, NOW, Lists, ids, line, manifest, polled, portal_of, stream

PAGE = {"type": "page", "param": "page", "stop": {"pages": "pages", "total": "total"}}
SINCE = {"param": "since", "format": "%Y-%m-%dT%H:%M:%S", "overlap": "5m"}
DATED = {"streams": [stream(pagination=PAGE, incremental=SINCE)]}


def stored(batches: list[Batch]) -> Any:
    """The last cursor as the database gives it back."""
    return json.loads(json.dumps(batches[-1].next_cursor))


# -- since when ----------------------------------------------------------------------------------


def test_the_next_poll_asks_from_the_newest_seen_less_the_overlap() -> None:
    connector, given = portal_of(DATED), Lists([line(n) for n in range(25)])
    with serve(given) as running:
        ctx = context_for(running, connector.manifest, now=NOW)
        cursor = stored(polled(connector, ctx))
        given.asked.clear()
        again = polled(connector, ctx, cursor)
    assert "since" not in given.lines[0] and given.asked[0]["since"] == "2026-01-05T08:19:00"
    assert ids(again) == [f"PA-{n}" for n in range(19, 25)]
    assert stored(again) == cursor


def test_a_report_dated_far_ahead_does_not_hide_the_others() -> None:
    connector, given = portal_of(DATED), Lists([line(0), line(1, changed="2062-01-05T08:01:00+07:00")])
    with serve(given) as running:
        ctx = context_for(running, connector.manifest, now=NOW)
        cursor = stored(polled(connector, ctx))
        given.lines.append(line(2))
        assert "PA-2" in ids(polled(connector, ctx, cursor))


@pytest.mark.parametrize("broken_at", [1, 2, 3])
def test_a_poll_that_dies_goes_on_at_its_page_in_the_same_window(broken_at: int) -> None:
    connector, given = portal_of(DATED), Lists([line(n) for n in range(35)])
    given.lines.reverse()  # newest first: the cursor must not have moved
    with serve(given) as running:
        ctx = context_for(running, connector.manifest, now=NOW)
        batches = connector.poll(ctx, None)
        seen = list(islice(batches, broken_at))
        given.faults.append(Fault("outage"))
        with pytest.raises(Transient):
            next(batches)
        given.lines.insert(0, line(99))
        given.asked.clear()
        rest = polled(connector, ctx, stored(seen))
        last = polled(connector, ctx, stored(rest))
    assert set(ids(seen + rest)) >= {f"PA-{n}" for n in range(35)}
    assert given.asked[0]["page"] == str(broken_at)  # one page back
    assert "PA-99" in ids(seen + rest + last)


def test_a_list_in_order_moves_its_window_page_by_page() -> None:
    ordered = {"streams": [stream(pagination=PAGE, incremental={**SINCE, "order": "ascending"})]}
    connector = portal_of(ordered)
    with serve(Lists([line(n) for n in range(25)])) as running:
        batches = polled(connector, context_for(running, connector.manifest, now=NOW))
    marks = [batch.next_cursor["streams"]["s0"]["since"]["at"] for batch in batches if batch.next_cursor]
    assert marks[0] < marks[1] < marks[2] == marks[3]


def test_now_and_then_a_longer_look_back_finds_late_edits() -> None:
    swept = {**SINCE, "sweep": {"every": "1d", "back": "30d"}}
    connector, given = (
        portal_of({"streams": [stream(pagination=PAGE, incremental=swept)]}),
        Lists([line(0), line(60)]),
    )
    with serve(given) as running:
        cursor = stored(polled(connector, context_for(running, connector.manifest, now=NOW)))
        soon = context_for(running, connector.manifest, now=NOW + timedelta(hours=2))
        assert ids(polled(connector, soon, cursor)) == ["PA-60"]
        late = context_for(running, connector.manifest, now=NOW + timedelta(days=2))
        assert ids(polled(connector, late, cursor)) == ["PA-0", "PA-60"]


def test_a_mark_in_the_envelope_is_handed_back_as_it_is() -> None:
    marked = {"param": "mark", "from": "envelope", "field": "next_mark"}
    connector, given = portal_of({"streams": [stream(pagination=PAGE, incremental=marked)]}), Lists([line(0)])
    given.envelope["next_mark"] = "a7/=="
    with serve(given) as running:
        ctx = context_for(running, connector.manifest, now=NOW)
        polled(connector, ctx, stored(polled(connector, ctx)))
    assert [asked.get("mark") for asked in given.asked] == [None, "a7/=="]


def test_other_settings_begin_anew() -> None:
    settings = {"config_schema": {"properties": {"unit": {"type": "string", "default": "1"}}}}
    source = {"streams": [{**stream(pagination=PAGE, incremental=SINCE),
                           "request": {"path": "/list", "params": {"unit": "{config.unit}"}}}]}  # fmt: skip
    connector, given = portal_of(source, **settings), Lists([line(n) for n in range(15)])
    with serve(given) as running:
        ctx = context_for(running, connector.manifest, now=NOW)
        cursor = stored(polled(connector, ctx))
        other = context_for(running, connector.manifest, {"unit": "2"}, now=NOW)
        assert len(ids(polled(connector, other, cursor))) == 15
    assert {asked["unit"] for asked in given.asked} == {"1", "2"}


def test_a_backfill_reads_its_span_on_a_cursor_of_its_own() -> None:
    connector, given = portal_of(DATED), Lists([line(n) for n in range(60)])
    assert isinstance(connector, Backfills) and connector.manifest.capabilities.backfill == "by_date"
    start = NOW.replace(day=5, hour=1, minute=10)
    span = Span(since=start, until=start + timedelta(minutes=20))
    with serve(given) as running:
        ctx = context_for(running, connector.manifest, now=NOW)
        batches = list(connector.backfill(ctx, span, None))
        rest = list(connector.backfill(ctx, span, json.loads(json.dumps(batches[0].next_cursor))))
        done = list(connector.backfill(ctx, span, stored(batches)))
    assert ids(batches) == [f"PA-{n}" for n in range(10, 30)]
    assert set(ids(batches[:1] + rest)) == set(ids(batches)) and ids(done) == []


# -- details -------------------------------------------------------------------------------------

DETAIL = {"request": {"path": "/item/{id}"}, "record": "data", "refresh": "4h"}


class Short(Lists):
    """A list that shows less than the detail does; `details` counts what was asked for."""

    def __init__(self, lines: list[Any]) -> None:
        super().__init__(lines)
        self.details: list[str] = []
        self.whole_lines = lines
        self.lines = [{"code": one["code"], "state": one["state"]} for one in lines]

    def item(self, request: Request, id_: str) -> Response:
        self.details.append(id_)
        found = next((one for one in self.whole_lines if one["code"] == id_), None)
        return reply({"data": found}) if found else reply({"message": "không có"}, 404)


def test_details_are_asked_for_where_the_line_changed_or_from_time_to_time() -> None:
    connector = portal_of({"streams": [stream(pagination=PAGE, detail=DETAIL)]})
    given = Short([line(n) for n in range(4)])
    with serve(given) as running:
        ctx = context_for(running, connector.manifest, now=NOW)
        first = polled(connector, ctx)
        given.lines[2]["state"] = "Xong"
        second = polled(connector, ctx, stored(first))
        late = context_for(running, connector.manifest, now=NOW + timedelta(hours=5))
        third = polled(connector, late, stored(second))
        assert connector.remap(ctx, first[0].items[0]) == first[0].records[0]
    assert (len(ids(first)), ids(second), len(ids(third))) == (4, ["PA-2"], 4)
    assert [batch.listed for batch in second] == [4, None]


def test_one_detail_that_fails_is_that_reports_trouble_and_three_are_the_portals() -> None:
    connector = portal_of({"streams": [stream(pagination=PAGE, detail=DETAIL)]})
    given = Short([line(n) for n in range(6)])
    given.faults.append(Fault("status", 1, "/item/PA-1", {"code": 500}))
    with serve(given) as running:
        ctx = context_for(running, connector.manifest, now=NOW)
        (batch, _last) = polled(connector, ctx)
        assert [p.error.external_id for p in batch.problems] == ["PA-1"] and len(batch.records) == 5
        again = polled(connector, ctx, stored([batch]))
        assert ids(again) == ["PA-1"]  # what failed is not forgotten
        given.faults.append(Fault("status", None, "/item/", {"code": 500}))
        with pytest.raises(Transient):
            polled(connector, ctx)


@pytest.mark.parametrize(
    ("address", "note"),
    [
        ("http://169.254.169.254/latest", "a cloud's metadata"),
        ("//evil.example/x", "another host"),
        ("http://127.0.0.1:1/x", "another port of the same machine"),
        ("file:///etc/passwd", "no web address"),
    ],
)
def test_an_address_in_a_record_leads_nowhere_else(address: str, note: str) -> None:
    connector = portal_of({"streams": [stream(pagination=PAGE, detail={"follow": "link", "record": "data"})]})
    given = Lists([line(n, link=f"/item/PA-{n}") for n in range(4)] + [line(9, link=address)])
    with serve(given) as running:
        batch, _ = polled(connector, context_for(running, connector.manifest, now=NOW))
    assert len(batch.records) == 4 and [p.error.external_id for p in batch.problems] == ["PA-9"], note


@pytest.mark.parametrize("code", ["..", "a/../../admin", "x?y=1#z", "%2e%2e"])
def test_an_id_cannot_change_the_path_it_stands_in(code: str) -> None:
    connector = portal_of({"streams": [stream(pagination=PAGE, detail=DETAIL)]})
    given = Short([line(0, code=code), line(1), line(2), line(3)])
    with serve(given) as running:
        polled(connector, context_for(running, connector.manifest, now=NOW))
    assert set(given.details) - {"PA-1", "PA-2", "PA-3"} <= {code}


def test_one_report_can_be_asked_for() -> None:
    connector = portal_of({"streams": [stream(pagination=PAGE, detail=DETAIL)]})
    assert isinstance(connector, Fetches) and connector.manifest.capabilities.fetch
    with serve(Short([line(n) for n in range(3)])) as running:
        ctx = context_for(running, connector.manifest, now=NOW)
        found = connector.fetch(ctx, "PA-2")
        assert found is not None and found[0].external_id == "PA-2"
        assert connector.remap(ctx, found[1]) == found[0]
        assert connector.fetch(ctx, "PA-77") is None


# -- who we are ----------------------------------------------------------------------------------

TOKEN = {
    "type": "token",
    "login": {"path": "/login", "body": {"user": "{config.username}", "pass": "{secrets.password}"}},
    "token": "data.token",
}
ACCOUNT: dict[str, Any] = {"config": {"username": "lan"}, "secrets": {"password": "mat-khau"}}


class Guarded(Lists):
    """A portal that wants a token, and shows a login page with status 200 without one."""

    def __init__(self, lines: list[Any]) -> None:
        super().__init__(lines)
        self.logins = 0
        self.route("/login", ("POST",))(self.login)
        self.route("/guarded")(self.guarded)

    def login(self, request: Request) -> Response:
        self.logins += 1
        if request.get_json(force=True) != {"user": "lan", "pass": "mat-khau"}:
            return reply({"message": "sai"}, 401)
        self.sessions[f"t{self.logins}"] = "lan"
        return reply({"data": {"token": f"t{self.logins}"}})

    def guarded(self, request: Request) -> Response:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return self.by_page(request) if token in self.sessions else page(LOGIN_PAGE)


def test_a_session_is_kept_and_renewed_once_where_it_ended() -> None:
    connector = portal_of({"auth": TOKEN, "streams": [stream("/guarded", pagination=PAGE)]})
    given, state = Guarded([line(0)]), {}
    with serve(given) as running:
        ctx = context_for(running, connector.manifest, now=NOW, state=state, **ACCOUNT)
        assert ids(polled(connector, ctx)) == ids(polled(connector, ctx)) == ["PA-0"]
        assert (given.logins, state) == (1, {"token": "t1"})
        given.sessions.clear()
        assert ids(polled(connector, ctx)) == ["PA-0"] and given.logins == 2
        wrong = context_for(running, connector.manifest, {"username": "lan"}, {"password": "khác"}, now=NOW)
        with pytest.raises(AuthFailed):
            polled(connector, wrong)
        assert [step.ok for step in connector.check(wrong)] == [True, False]


AUTHS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("a bearer token", {"type": "bearer"}, {"secrets": {"token": "ma-bi-mat"}}),
    (
        "a key in a header",
        {"type": "api_key", "name": "token", "in": "header"},
        {"secrets": {"token": "ma-bi-mat"}},
    ),
    (
        "a key in the address",
        {"type": "api_key", "name": "k", "in": "query"},
        {"secrets": {"token": "ma-bi-mat"}},
    ),
    ("a name and a password", {"type": "basic"}, ACCOUNT),
]


@pytest.mark.parametrize(("note", "auth", "account"), AUTHS, ids=[row[0] for row in AUTHS])
def test_what_proves_who_we_are_reaches_the_portal_alone(note: str, auth: Any, account: Any) -> None:
    source = {"auth": auth, "map": {**MAP, "attachments": {"each": "files", "ref": "url"}},
              "streams": [stream(pagination=PAGE)]}  # fmt: skip
    connector = portal_of(source)
    given, other, heard = Lists([]), Lists([]), []

    @given.route("/list")
    def listing(request: Request) -> Response:
        heard.append(
            (request.headers.get("Authorization"), request.headers.get("token"), request.args.get("k"))
        )
        return reply({"items": [], "pages": 1, "total": 0})

    given._rules = type(given._rules)([], strict_slashes=False)  # only this list
    given.route("/list")(listing)
    given.route("/anh.jpg")(listing)
    other.route("/anh.jpg")(listing)
    with serve(given) as running, serve(other) as elsewhere:
        hosts = [elsewhere.url.removeprefix("http://")]
        ctx = context_for(running, connector.manifest, now=NOW, extra_hosts=hosts, **account)
        polled(connector, ctx)
        connector.fetch_attachment(ctx, "/anh.jpg")
        connector.fetch_attachment(ctx, f"{elsewhere.url}/anh.jpg")
    assert heard[0] == heard[1] != (None, None, None) and heard[2] == (None, None, None)


# -- slips ---------------------------------------------------------------------------------------

SLIPS: list[tuple[str, dict[str, Any], str]] = [
    ("a place nobody knows", {"streams": [stream("/x/{config.unti}")]}, "source.streams[0].request.path"),
    (
        "paging that says nothing",
        {"streams": [stream(pagination={"type": "page"})]},
        "source.streams[0].pagination.param",
    ),
    ("a cursor that goes nowhere", {"streams": [stream(incremental={"format": "iso"})]}, "incremental.param"),
    ("a field that is none", {"streams": [stream(map={**MAP, "tilte": "x"})]}, "source.streams[0].map.tilte"),
    ("a bad expression", {"streams": [stream(map={**MAP, "body": "a["})]}, "source.streams[0].map.body"),
    ("a detail for every report the same", {"streams": [stream(detail={"request": {"path": "/x"}})]}, "{id}"),
    ("a rule about nothing", {"errors": [{"class": "transient"}], "streams": [stream()]}, "source.errors[0]"),
    (
        "a required field that is none",
        {"streams": [stream(required=["titel"])]},
        "source.streams[0].required",
    ),
]


@pytest.mark.parametrize(("note", "source", "where"), SLIPS, ids=[row[0] for row in SLIPS])
def test_a_slip_in_the_manifest_is_told_with_its_path(note: str, source: Any, where: str) -> None:
    with pytest.raises(ConfigInvalid) as error:
        portal_of(source)
    assert where in str(error.value)


def test_check_tells_each_step_in_vietnamese() -> None:
    connector = portal_of({"streams": [stream(pagination=PAGE)]})
    with serve(Lists([line(0)])) as running:
        steps = connector.check(context_for(running, connector.manifest, now=NOW))
    assert [step.name for step in steps] == [
        "Kết nối tới cổng",
        "Đăng nhập",
        "Đọc danh sách",
        "Đọc thử một phản ánh",
    ]
    assert all(step.ok for step in steps) and steps[2].detail == "1 phản ánh"
    with serve(Lists([line(0, sent="hôm qua")])) as running:
        last = connector.check(context_for(running, connector.manifest, now=NOW))[-1]
    assert (last.ok, last.detail) == (
        False,
        "Không đọc được trường occurred_at của một phản ánh",
    ) and last.hint
    assert manifest({"streams": [stream()]}).capabilities.fetch is False


# -- what other connectors needed code for -------------------------------------------------------

ENVELOPE = {
    "auth": {
        "type": "token",
        "login": {
            "path": "/mapi/login",
            "body": {"username": "{config.username}", "password": "{secrets.password}"},
        },
        "token": "session",
        "send": {},
        "errors": [{"path": "error_code", "differs": 0, "class": "auth_failed"}],
    },
    "headers": {"dstcode": "{config.dstcode}"},
    "errors": [
        {"path": "error_code", "equals": 9, "class": "transient"},
        {"path": "error_code", "differs": 0, "class": "auth_failed"},
    ],
    "streams": [
        {
            "request": {"path": "/mapi/g", "body": {"session": "{token}", "service": "LayDanhSach"}},
            "records": "result",
            "map": {
                "external_id": "HOIDAPID",
                "occurred_at": "NGAYGUI | date('%d/%m/%Y')",
                "body": "NOIDUNG",
            },
        }
    ],
}


class Bus(Portal):
    """A bus of session envelopes: every call is a POST, every answer has an error_code."""

    kind = "bus"

    def __init__(self) -> None:
        super().__init__()
        self.logins = 0
        self.route("/mapi/login", ("POST",))(self.login)
        self.route("/mapi/g", ("POST",))(self.call)

    def login(self, request: Request) -> Response:
        given, self.logins = request.get_json(force=True), self.logins + 1
        if given["password"] != "mat-khau" or request.headers.get("dstcode") != "VN:GOV:1":
            return reply({"error_code": "3", "session": None})
        self.sessions["s1"] = "lan"
        return reply({"error_code": 0, "session": "s1"})

    def call(self, request: Request) -> Response:
        if self.take("bad_record", request.path):
            return reply({"error_code": 9})
        if request.get_json(force=True)["session"] not in self.sessions:
            return reply({"error_code": 5})
        return reply(
            {"error_code": "0", "result": [{"HOIDAPID": 7, "NGAYGUI": "05/01/2026", "NOIDUNG": "Hỏi"}]}
        )


def test_session_envelopes_are_spoken_by_a_manifest() -> None:
    more = {"config_schema": {"properties": {"dstcode": {"type": "string"}}}}
    connector, bus, state = portal_of(ENVELOPE, **more), Bus(), dict[str, Any]()
    config = {"username": "lan", "dstcode": "VN:GOV:1"}
    with serve(bus) as running:
        ctx = context_for(running, connector.manifest, config, {"password": "mat-khau"}, NOW, state=state)
        assert ids(polled(connector, ctx)) == ["7"] and ids(polled(connector, ctx)) == ["7"]
        bus.sessions.clear()
        assert ids(polled(connector, ctx)) == ["7"] and bus.logins == 2
        bus.faults.append(Fault("bad_record"))
        with pytest.raises(Transient):
            polled(connector, ctx)
        wrong = context_for(running, connector.manifest, config, {"password": "sai-roi"}, NOW)
        with pytest.raises(AuthFailed):
            polled(connector, wrong)


def test_a_small_subclass_goes_over_what_words_cannot_say() -> None:
    class Quirk(JsonPortal):
        def data_of(self, stream: Stream, data: Any) -> Any:
            return {**data, "title": data["title"][::-1]}

        def record_of(self, stream: Stream, record: Record) -> Record:
            return replace(record, extra={"stream": stream.name})

    connector = Quirk(manifest({"streams": [stream(pagination=PAGE)]}))
    with serve(Lists([line(3)])) as running:
        ctx = context_for(running, connector.manifest, now=NOW)
        batch = polled(connector, ctx)[0]
        assert connector.remap(ctx, batch.items[0]) == batch.records[0]
    assert batch.records[0].subject == "3 gnỏh gnờưđ nèĐ" and batch.records[0].extra == {"stream": "s0"}


def test_memory_does_not_grow_with_the_list() -> None:
    connector = portal_of({"streams": [stream(pagination=PAGE)]})
    peaks = []
    for count in (300, 1500):
        with serve(Lists([line(n % 50, code=f"PA-{n}") for n in range(count)], size=50)) as running:
            ctx = context_for(running, connector.manifest, now=NOW)
            tracemalloc.start()
            seen = sum(len(batch.records) for batch in connector.poll(ctx, None))
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        assert seen == count
    assert peaks[1] < 1.3 * peaks[0]


def test_a_source_that_sends_everything_at_once_comes_in_bounded_batches() -> None:
    connector = portal_of({"streams": [{"request": {"path": "/all"}, "records": "@"}]})
    with serve(Lists([line(n) for n in range(1201)])) as running:
        ctx = context_for(running, connector.manifest, now=NOW)
        batches = polled(connector, ctx)
        rest = polled(connector, ctx, batches[0].next_cursor)
    assert [len(batch.records) for batch in batches] == [500, 500, 201, 0]
    assert len(set(ids(batches))) == 1201 and len(ids(rest)) == 1201
