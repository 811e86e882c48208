"""What a call is said to have done, over real sockets: nothing, something, or nobody knows."""

import logging
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote

import pytest

from aggregator.errors import (
    AuthFailed,
    BotChallenge,
    ChannelError,
    ConfigInvalid,
    Permanent,
    RateLimited,
    SchemaDrift,
    Transient,
    UnknownOutcome,
)
from aggregator.sdk.http import Http, host_of

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)


def http_for(*urls: str, **options: Any) -> Http:
    options = {"deadline": NOW + timedelta(seconds=20), "now": lambda: NOW, "read_timeout": 0.4, **options}
    return Http(allowed_hosts=[host_of(u) for u in urls], allow_private=True, **options)


class RawPortal:
    """Answers every connection with the next script: bytes to send, or None to close at once."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.scripts: list[Any] = []
        self.seen: list[bytes] = []
        self.done = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def answers(self, *scripts: Any) -> "RawPortal":
        self.scripts += scripts
        return self

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                try:
                    self._one(connection)
                except OSError:
                    continue

    def _one(self, connection: socket.socket) -> None:
        data = connection.recv(65536)
        self.seen.append(data)
        script = self.scripts.pop(0) if self.scripts else None
        if callable(script):
            script(connection, self.done)
        elif script:
            connection.sendall(script)

    def close(self) -> None:
        self.done.set()
        self.listener.close()


@pytest.fixture
def portal() -> Iterator[RawPortal]:
    raw = RawPortal()
    yield raw
    raw.close()


def answer(status: str, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def reset(connection: socket.socket, _done: threading.Event) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")


def silence(_connection: socket.socket, done: threading.Event) -> None:
    done.wait(5)


def drip(connection: socket.socket, done: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while not done.wait(0.02):
        connection.sendall(b" ")


CHUNKED_CUT = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nhel"
LENGTH_CUT = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}"
LIES = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\nConnection: close\r\n\r\nabcd"
CAPTCHA = b'<html><div class="h-captcha"></div></html>'


@pytest.mark.parametrize(
    ("script", "reading", "writing", "note"),
    [
        (None, Transient, UnknownOutcome, "closed without a word"),
        (reset, Transient, UnknownOutcome, "reset"),
        (silence, Transient, UnknownOutcome, "silence"),
        (CHUNKED_CUT, Transient, UnknownOutcome, "chunked body cut"),
        (LENGTH_CUT, Transient, UnknownOutcome, "body shorter than its length"),
        (LIES, SchemaDrift, UnknownOutcome, "not the gzip it claims to be"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", Transient, UnknownOutcome, "no HTTP at all"),
        (answer("500 Error"), Transient, UnknownOutcome, "500"),
        (answer("502 Bad Gateway"), Transient, UnknownOutcome, "502"),
        (answer("503 Busy"), Transient, UnknownOutcome, "503"),
        (answer("504 Timeout"), Transient, UnknownOutcome, "504"),
        (answer("408 Timeout"), Transient, UnknownOutcome, "408"),
        (answer("503 Busy", b"", "Retry-After: 9"), RateLimited, UnknownOutcome, "503 with a time"),
        (answer("429 Slow", b"", "Retry-After: 9"), RateLimited, RateLimited, "429: not taken"),
        (answer("401 Who"), AuthFailed, AuthFailed, "401"),
        (answer("403 No"), AuthFailed, AuthFailed, "403"),
        (answer("403 No", CAPTCHA), BotChallenge, BotChallenge, "challenge under 403"),
        (answer("404 Where"), ConfigInvalid, Permanent, "404"),
        (answer("409 Twice"), ConfigInvalid, Permanent, "409"),
        (answer("422 Bad"), ConfigInvalid, Permanent, "422"),
        (answer("307 Moved", b"", "Location: /new"), None, ConfigInvalid, "a write is not sent elsewhere"),
        (answer("302 See", b"", "Location: http://other.example/"), ConfigInvalid, UnknownOutcome, "away"),
    ],
)
def test_what_a_failure_is_called_depends_on_whether_it_may_have_taken_effect(
    portal, script, reading, writing, note
):
    portal.answers(script, *([answer("200 OK")] if reading is None else []))
    assert _error(lambda: http_for(portal.url).get(portal.url + "/x")) is reading, note
    portal.scripts = [script]
    write = lambda: http_for(portal.url).post(portal.url + "/x", json={}, effect=True)  # noqa: E731
    assert _error(write) is writing, note


def _error(call: Callable[[], object]) -> type[ChannelError] | None:
    try:
        call()
    except ChannelError as error:
        return type(error)
    return None


def test_refused_connection_is_never_unknown():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    for effect in (False, True):
        with pytest.raises(Transient, match="cannot connect"):
            http_for(url).post(url, json={}, effect=effect)


def test_broken_tls_is_never_unknown(portal):
    url = portal.answers(b"not tls", b"not tls").url.replace("http:", "https:")
    for effect in (False, True):
        with pytest.raises(Transient, match="secure connection"):
            http_for(url).post(url, json={}, effect=effect)


def test_form_answered_by_a_redirect_is_followed_as_a_browser_would(portal):
    portal.answers(answer("302 Found", b"", "Location: /done"), answer("200 OK", b"xong"))
    response = http_for(portal.url).post(portal.url + "/form", data={"a": "b"}, effect=True)
    assert response.content == b"xong"
    assert portal.seen[1].startswith(b"GET /done ") and b"a=b" not in portal.seen[1]


@pytest.mark.parametrize(
    "second", [answer("500 Error"), answer("404 Where"), answer("403 No"), None, LENGTH_CUT]
)
def test_failure_after_the_redirect_of_a_write_is_unknown(portal, second):
    portal.answers(answer("303 See", b"", "Location: /done"), second)
    with pytest.raises(UnknownOutcome):
        http_for(portal.url).post(portal.url + "/form", data={"a": "b"}, effect=True)


def test_redirect_can_be_handed_back(portal):
    portal.answers(answer("302 Found", b"", "Location: /login"))
    response = http_for(portal.url).post(portal.url, data={}, effect=True, follow=False)
    assert (response.status, response.headers["location"]) == (302, "/login")


def test_too_many_redirects_end(portal):
    portal.answers(*[answer("302 Found", b"", "Location: /again")] * 9)
    with pytest.raises(ConfigInvalid, match="too many redirects"):
        http_for(portal.url).get(portal.url)
    assert len(portal.seen) == 4


def test_keys_do_not_travel_to_another_host(portal):
    other = RawPortal().answers(answer("200 OK", b"ok"))
    portal.answers(answer("302 Found", b"", f"Location: {other.url}/f", "Set-Cookie: sid=1"))
    http = http_for(portal.url, other.url)
    http.get(portal.url, auth=("lan", "bí mật"), headers={"X-Token": "khoa"})
    other.close()
    assert b"Authorization: Basic" in portal.seen[0] and b"X-Token" in portal.seen[0]
    assert b"Authorization" not in other.seen[0] and b"X-Token" not in other.seen[0]


def test_dripping_portal_meets_the_deadline(portal):
    clock = iter(NOW + timedelta(seconds=n) for n in range(1000))
    http = http_for(portal.answers(drip).url, now=lambda: next(clock), deadline=NOW + timedelta(seconds=25))
    with pytest.raises(Transient, match="time for this call is over"):
        http.get(portal.url)


def test_deadline_that_has_passed_asks_nothing(portal):
    http = http_for(portal.url, deadline=NOW)
    with pytest.raises(Transient):
        http.post(portal.url, effect=True)
    assert portal.seen == []


def test_next_turn_after_the_deadline_is_refused_at_once(portal):
    http = http_for(portal.answers(answer("200 OK")).url, min_gap_s=3600)
    http.get(portal.url)
    with pytest.raises(Transient, match="next turn"):
        http.get(portal.url)
    assert len(portal.seen) == 1


def test_threads_keep_the_gap_between_them(portal):
    portal.answers(*[answer("200 OK")] * 4)
    times: list[float] = []
    portal.seen = _Noting(times, time.monotonic)

    def ask() -> None:
        http_for(portal.url, min_gap_s=0.05, read_timeout=5).get(portal.url)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(times) == 4 and times[-1] - times[0] > 0.1  # at least three gaps, less the server's own delay


class _Noting(list):
    def __init__(self, times: list[float], clock: Callable[[], float]) -> None:
        super().__init__()
        self.times, self.clock = times, clock

    def append(self, _data: bytes) -> None:
        self.times.append(self.clock())


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("17", 17.0),
        ("0", 0.0),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(days=1), usegmt=True), 0.0),
        ("99999999999", 86_400.0),
        ("sớm thôi", None),
        ("-5", None),
        ("٣", None),
    ],
)
def test_retry_after_is_read_from_seconds_and_dates(portal, header, seconds):
    portal.answers(answer("429 Slow", b"", "Retry-After: " + header.encode().decode("latin-1")))
    with pytest.raises(RateLimited) as caught:
        http_for(portal.url).get(portal.url)
    assert caught.value.retry_after == seconds


def test_raw_status_hands_back_refusals_but_not_outages(portal):
    portal.answers(answer("404 Where", b"nope"), answer("500 Error"))
    response = http_for(portal.url).post(portal.url, effect=True, raw_status=True)
    assert (response.status, response.content) == (404, b"nope")
    with pytest.raises(Permanent):
        response.refuse()
    with pytest.raises(UnknownOutcome):
        http_for(portal.url).post(portal.url, effect=True, raw_status=True)


def test_unchanged_page_is_told_by_its_mark(portal):
    portal.answers(
        answer("200 OK", b"abc", 'ETag: "v1"'), answer("304 Not Modified"), answer("200 OK", b"neu")
    )
    marks: dict[str, Any] = {}
    http = http_for(portal.url)
    assert not http.get(portal.url + "/a", conditional=marks).not_modified
    assert http.get(portal.url + "/a", conditional=marks).not_modified
    assert b'If-None-Match: "v1"' in portal.seen[1]
    http.get(portal.url + "/a", conditional=marks)
    assert marks == {}  # the portal no longer gives a mark


def test_cookies_last_over_sessions_and_stay_with_their_host(portal):
    portal.answers(answer("200 OK", b"", "Set-Cookie: sid=abc; Path=/; HttpOnly"), *[answer("200 OK")] * 2)
    first = http_for(portal.url)
    first.get(portal.url)
    kept = dict(first.cookies)
    assert kept == {"sid": "abc"}
    other = RawPortal().answers(answer("200 OK"))
    second = http_for(portal.url, other.url.replace("127.0.0.1", "localhost"))
    second.cookies = kept
    second.get(portal.url)
    second.get(other.url.replace("127.0.0.1", "localhost"))
    other.close()
    assert b"Cookie: sid=abc" in portal.seen[1]
    assert b"Cookie" not in other.seen[0]


def test_secrets_and_query_values_appear_nowhere(portal, caplog):
    caplog.set_level(logging.DEBUG)
    portal.answers(answer("200 OK"), answer("404 Where"), None)
    secret, phone, said = "s3cr3t/key", "0900000001", ""
    http = http_for(portal.url, secrets=[secret])
    for path in ("/a/", "/b/", "/c/"):
        try:
            http.get(portal.url + path + quote(secret, safe=""), params={"phone": phone, "k": secret})
        except ChannelError as error:
            said += "".join(traceback.format_exception(error)) + repr(error.evidence)
    said += caplog.text
    assert all(f"{path}***?…" in said for path in ("/a/", "/b/", "/c/"))
    assert "s3cr3t" not in said and phone not in said


def test_run_counters_count(portal):
    portal.answers(answer("200 OK", b"12345"), answer("200 OK", b"67"))
    with http_for(portal.url) as http:
        http.get(portal.url)
        http.get(portal.url)
        assert (http.requests, http.bytes_read) == (2, 7)


def test_environment_proxies_are_not_used(portal, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert http_for(portal.answers(answer("200 OK")).url).get(portal.url).status == 200


class _Kept(BaseHTTPRequestHandler):
    """Keeps its connections, and counts them."""

    protocol_version = "HTTP/1.1"
    connections = 0

    def setup(self) -> None:
        type(self).connections += 1
        super().setup()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"OK")

    def log_message(self, *_: Any) -> None:
        """Nobody reads it."""


def test_writes_that_follow_each_other_share_a_connection_and_a_late_one_does_not():
    _Kept.connections = 0
    with ThreadingHTTPServer(("127.0.0.1", 0), _Kept) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        with http_for(url, read_timeout=5) as http:
            for _ in range(3):
                http.post(url, data=b"x", effect=True)
            assert _Kept.connections == 1
            http._answered -= 1.1  # the portal may be closing the idle connection just now
            http.post(url, data=b"x", effect=True)
            assert _Kept.connections == 2
        server.shutdown()
