"""A recording answers as the portal did: over HTTP, in order, and says what it was never asked."""

import json
from datetime import UTC, datetime

import pytest
import requests

from aggregator.errors import InputInvalid, RateLimited, Transient
from aggregator.sdk.cassette import Answered, Asked, Cassette, Exchange, Ignored, load, meaning, save
from aggregator.sdk.cassette_recorder import Recorder
from aggregator.sdk.cassette_replay import ReplayPortal
from aggregator.sdk.contract import PushCommand, SourceStatus
from aggregator.sdk.http import Http
from aggregator.sdk.sandbox import Portal, page, reply, serve

AT = datetime(2026, 10, 20, 2, 0, tzinfo=UTC)
HOME = "https://gopy.example.gov.vn"
COOKIE = (("Set-Cookie", "s=1; path=/"),)
JSON = (("Content-Type", "application/json; charset=utf-8"),)


def exchange(ask, answer, status=200, headers=JSON, **more):
    method, _, address = ask.partition(" ")
    path, _, query = address.partition("?")
    body = answer if isinstance(answer, bytes) else json.dumps(answer, ensure_ascii=False).encode()
    return Exchange(Asked(method, path, query, **more), Answered(status, headers, body))


def cassette(*exchanges, **more):
    return Cassette(
        connector="mau", version="1.0", at=AT, origin=HOME, exchanges=tuple(exchanges),
        **{"config": {"base_url": f"{HOME}/api"}, **more},
    )  # fmt: skip


@pytest.fixture
def served():
    running = []

    def start(recorded):
        running.append(serve(recorded if isinstance(recorded, Portal) else ReplayPortal(recorded)))
        return running[-1]

    yield start
    for one in running:
        one.close()


def test_what_is_saved_is_loaded_again(tmp_path):
    command = PushCommand(
        idempotency_key="k",
        external_id="7",
        kind="result",
        body="Đã sửa.",
        status=SourceStatus.RESOLVED,
        at=AT,
    )
    original = cassette(
        exchange("GET /gopy?page=1&q=%C4%91%C3%A8n", {"data": ["x" * 400]}),
        exchange("POST /login", {"msg": "OK"}, body={"json": {"a": 1}}, effect=True, signed="bearer"),
        exchange("POST /form", b"\xff\xd8\xff\r\n", body={"form": [["a", "1"], ["a", "2"]]}, headers=()),
        exchange("GET /crlf", b"a\r\nb", origin="https://tep.example.vn", headers=COOKIE),
        secrets={"password": "xxxxx"}, pages=2, pushes=(command,), ignore=Ignored(query=("v",)),
    )  # fmt: skip
    save(original, tmp_path)
    assert load(tmp_path) == original
    assert [path.name for path in sorted((tmp_path / "bodies").iterdir())] == [
        "01-gopy.json", "03-form.bin", "04-crlf.bin",
    ]  # fmt: skip
    save(cassette(), tmp_path)
    assert not list((tmp_path / "bodies").iterdir())


@pytest.mark.parametrize(
    ("change", "told", "note"),
    [
        (("ask: GET /a", "ask: /a"), "exchange 1: ask", "no method"),
        (("status: 200", "file: ../../etc/passwd\n    status: 200"), "outside the folder", "a way out"),
        (("status: 200", "file: bodies/none\n    status: 200"), "bodies/none", "a body that is gone"),
        (("connector: mau", "conector: mau"), "conector", "a slip in a key"),
        (("+00:00", ""), "zone", "a time that could be anywhere's"),
        (("exchanges:", "exchanges: ]"), "not valid YAML", "not YAML"),
    ],
)
def test_a_slip_in_an_edited_recording_is_told_by_its_name(tmp_path, change, told, note):
    save(cassette(exchange("GET /a", {})), tmp_path)
    path = tmp_path / "exchanges.yaml"
    path.write_text(path.read_text("utf-8").replace(*change, 1), "utf-8")
    with pytest.raises(InputInvalid, match=told):
        load(tmp_path)


def test_the_portals_own_addresses_become_the_servers(served):
    answer = {"next": f"{HOME}/gopy?page=2", "escaped": "x", "file": "https://tep.example.vn/anh/1.jpg"}
    body = json.dumps(answer).encode().replace(b'"x"', b'"https:\\/\\/gopy.example.gov.vn\\/a"')
    running = served(
        cassette(
            exchange("GET /gopy", body),
            exchange("GET /go", b"", 302, (("Location", f"{HOME}/gopy"),)),
            exchange("GET /anh/1.jpg", b"picture", origin="https://tep.example.vn", headers=()),
        )
    )
    found = requests.get(f"{running.url}/go", timeout=5).json()
    assert found["next"] == f"{running.url}/gopy?page=2"
    assert found["escaped"] == f"{running.url}/a"
    assert requests.get(found["file"], timeout=5).content == b"picture"
    assert running.portal.config(running.url) == {"base_url": f"{running.url}/api"}


def test_the_same_request_is_answered_in_the_order_of_the_recording(served):
    running = served(
        cassette(
            exchange("GET /list", {"login": True}, signed=""),
            exchange("GET /list", {"page": "old"}, signed="cookie"),
            exchange("GET /list", {"page": "new"}, signed="cookie"),
        )
    )
    asked = [
        requests.get(f"{running.url}/list", timeout=5, cookies=c).json()
        for c in ({"s": "1"}, {}, {"s": "1"}, {"s": "1"})
    ]
    assert asked == [{"page": "old"}, {"login": True}, {"page": "new"}, {"page": "new"}]
    running.portal.rewind()
    assert requests.get(f"{running.url}/list", timeout=5).json() == {"login": True}


@pytest.mark.parametrize(
    ("method", "path", "options", "told", "note"),
    [
        ("GET", "/gopy?page=3", {}, "page is '3' here and '2' there", "another page"),
        ("GET", "/gopi?page=2", {}, "the path differs", "another path"),
        ("POST", "/login", {"json": {"user": "x", "pass": "b"}}, "the body differs in user", "another body"),
        ("PUT", "/login", {"json": {"user": "a", "pass": "b"}}, "that was POST, this is PUT", "another verb"),
    ],
)
def test_an_unknown_request_is_told_with_what_came_nearest(served, method, path, options, told, note):
    running = served(
        cassette(
            exchange("GET /gopy?page=2", {}),
            exchange("POST /login", {}, body={"json": {"user": "a", "pass": "b"}}),
        )
    )
    answer = requests.request(method, running.url + path, timeout=5, **options)
    assert answer.status_code == 501
    assert told in answer.text, note
    assert running.portal.unmatched == [answer.text]


def test_parts_that_change_by_themselves_tell_nothing_apart(served):
    running = served(
        cassette(
            exchange("GET /gopy?page=1&_=111&sid=9", {"n": 1}),
            exchange("POST /q", {"n": 2}, body={"json": {"a": {"nonce": "x", "b": 1}}}),
            ignore=Ignored(query=("_", "sid"), body=("nonce",)),
        )
    )
    assert requests.get(f"{running.url}/gopy?sid=1&page=1&_=222", timeout=5).json() == {"n": 1}
    assert requests.post(f"{running.url}/q", json={"a": {"b": 1, "nonce": "y"}}, timeout=5).json() == {"n": 2}


def test_the_faults_of_a_simulated_portal_work_on_a_recording(served):
    running = served(cassette(exchange("GET /gopy", {"data": []})))
    with session(running) as http:
        requests.post(f"{running.url}/_control/faults", json={"kind": "status", "code": 429}, timeout=5)
        with pytest.raises(RateLimited):
            http.get(f"{running.url}/gopy")
        requests.post(f"{running.url}/_control/faults", json={"kind": "truncate"}, timeout=5)
        with pytest.raises(Transient):
            http.get(f"{running.url}/gopy")
        assert http.get(f"{running.url}/gopy").json() == {"data": []}


def test_an_unchanged_page_is_told_by_its_mark(served):
    running = served(cassette(exchange("GET /a", {}, headers=(*JSON, ("ETag", '"v1"')))))
    known = {}
    with session(running) as http:
        assert not http.get(f"{running.url}/a", conditional=known).not_modified
        assert http.get(f"{running.url}/a", conditional=known).not_modified


def session(running, **more):
    return Http(
        allowed_hosts=[running.url.removeprefix("http://")], allow_private=True,
        deadline=AT.replace(year=2027), now=lambda: AT, **more,
    )  # fmt: skip


def test_a_recorder_hears_every_exchange_and_both_cookies(served):
    portal = Portal()

    @portal.route("/a")
    def first(request):
        answer = page("<p>Chào</p>")
        answer.set_cookie("one", "1")
        answer.set_cookie("two", "2")
        return answer

    portal.route("/b", ["POST"])(lambda request: reply({"got": request.get_json()}))
    running, recorder = served(portal), Recorder()
    with session(running, tape=recorder) as http:
        http.get(f"{running.url}/a", params={"q": "đèn"})
        http.post(f"{running.url}/b", json={"x": "đèn"}, effect=True)
    get, post = recorder.taken
    assert get.url.endswith("/a?q=%C4%91%C3%A8n")
    assert [value[:3] for name, value in get.answer_headers if name == "Set-Cookie"] == ["one", "two"]
    assert (post.method, post.effect, post.status) == ("POST", True, 200)
    assert meaning(post.headers["content-type"], post.body) == {"json": {"x": "đèn"}}


def test_a_form_with_files_is_known_by_its_fields_and_the_files_names():
    prepared = requests.Request(
        "POST", HOME, files={"noi_dung": (None, "Đã sửa"), "tep": ("anh.jpg", b"\xff\xd8")}
    ).prepare()
    assert meaning(prepared.headers["Content-Type"], prepared.body) == {
        "form": [["noi_dung", "Đã sửa"], ["tep", "file anh.jpg"]]
    }
