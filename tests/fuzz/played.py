"""Journeys through a portal, recorded once at its simulated portal and played again with one answer spoiled.

    journey(ctx) -> its answers, in order -> the same journey over `Answers`, one of them mutated

The connector, `Http` and the library below it are the real ones; only the socket is left out, because a
million journeys through the loopback would measure the loopback.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http.client import HTTPMessage
from io import BytesIO
from random import Random
from types import SimpleNamespace
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse
from werkzeug.test import Client

from aggregator.sdk.conformance.scenario import a_report
from aggregator.sdk.conformance.stages import START
from aggregator.sdk.contract import Connector, Context, Manifest, RawItem
from aggregator.sdk.discovery import discover
from aggregator.sdk.sandbox import Portal
from aggregator.sdk.sandbox import Response as Answer
from aggregator.sdk.testing import context_for
from aggregator.sdk.tokens import TokensInMemory
from tests.fuzz import odd
from tests.fuzz.mutators import Sample, mutated

HOST = "http://portal.test"
#: What says how the bytes came over the recording's own wire, and nothing about them.
_WIRE = frozenset(("content-length", "content-encoding", "transfer-encoding", "connection", "date", "server"))


@dataclass(frozen=True)
class Kept:
    """One recorded answer."""

    key: tuple[str, ...]
    status: int
    headers: tuple[tuple[str, str], ...]
    sample: Sample


@dataclass(frozen=True)
class Journey:
    """Something a connector does at its portal, with all that it was answered on an ordinary day."""

    name: str
    walk: Callable[[Context], Any]
    answers: tuple[Kept, ...] = ()
    #: What the channel remembered when it set out.
    state: Mapping[str, Any] = field(default_factory=dict)
    tokens: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Played:
    """One connector with its journeys."""

    id: str
    connector: Connector
    manifest: Manifest
    config: Mapping[str, Any]
    secrets: Mapping[str, str]
    journeys: list[Journey] = field(default_factory=list)
    #: The raw items that the first poll brought.
    items: list[RawItem] = field(default_factory=list)

    def context(
        self, network: HTTPAdapter, state: dict[str, Any], tokens: TokensInMemory | None = None
    ) -> Context:
        """A channel's context with this network; `state` is kept up to date."""
        ctx = context_for(
            HOST, self.manifest, self.config, self.secrets, START, state=state, max_bytes=2_000_000
        )
        ctx.http._adapter = network
        return replace(ctx, tokens=tokens or TokensInMemory())

    def walk(self, journey: Journey, answers: Sequence[Kept]) -> Any:
        """One journey over these answers."""
        ctx = self.context(
            Answers(answers), json.loads(json.dumps(journey.state)), TokensInMemory(journey.tokens)
        )
        return journey.walk(ctx)


class _Live(HTTPAdapter):
    """The simulated portal itself, called without a socket; takes down what it answers."""

    def __init__(self, portal: Portal) -> None:
        super().__init__(max_retries=0)
        self._client = Client(portal, Answer, use_cookies=False)
        self.kept: list[Kept] = []

    def send(self, request: requests.PreparedRequest, **_options: Any) -> requests.Response:  # type: ignore[override]
        asked = {name: value for name, value in request.headers.items() if name != "Content-Length"}
        given = self._client.open(
            str(request.path_url),
            base_url=HOST,
            method=str(request.method),
            headers=asked,
            data=request.body,
            environ_overrides={
                "motmoi.headers": {name.lower(): value for name, value in request.headers.items()}
            },
        )
        headers = tuple(pair for pair in given.headers if pair[0].lower() not in _WIRE)
        content = given.get_data()
        sample = Sample(form_of(given.mimetype, content), content, given.content_type or "")
        self.kept.append(Kept(_key(request), given.status_code, headers, sample))
        return _built(self, request, self.kept[-1])

    def close(self) -> None:
        """There is no connection."""


def form_of(content_type: str, content: bytes) -> str:
    """The name of the mutators that fit."""
    if "json" in content_type or (content[:1] in b"{[" and content):
        return "json"
    if "xml" in content_type and "html" not in content_type:
        return "xml"
    return "html" if "html" in content_type else "text"


def _key(request: requests.PreparedRequest) -> tuple[str, ...]:
    body = request.body
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body or "")
    return str(request.method), str(request.url), text


class Answers(HTTPAdapter):
    """Answers by request, each in its turn; what nobody recorded is not found."""

    def __init__(self, kept: Sequence[Kept]) -> None:
        super().__init__(max_retries=0)
        self._turns: dict[tuple[str, ...], list[Kept]] = {}
        for one in kept:
            self._turns.setdefault(one.key, []).append(one)
            self._turns.setdefault(one.key[:2], []).append(one)

    def send(self, request: requests.PreparedRequest, **_options: Any) -> requests.Response:  # type: ignore[override]
        key = _key(request)
        turns = self._turns.get(key) or self._turns.get(key[:2]) or [_MISSING]
        one = turns[0] if len(turns) == 1 else turns.pop(0)
        return _built(self, request, one)

    def close(self) -> None:
        """There is no connection."""


def _built(adapter: HTTPAdapter, request: requests.PreparedRequest, one: Kept) -> requests.Response:
    message = HTTPMessage()
    for name, value in one.headers:
        message.add_header(name, value)
    sent = SimpleNamespace(
        msg=message, isclosed=lambda: True, close=lambda: None
    )  # what cookies are taken from
    body, headers = BytesIO(one.sample.content), list(one.headers)
    return adapter.build_response(
        request, HTTPResponse(body, headers, one.status, preload_content=False, original_response=sent)
    )


def spoiled(one: Kept, others: list[Sample], rng: Random) -> Kept:
    """The answer with another body, status or header."""
    kind = rng.random()
    if kind < 0.9:
        new = mutated(one.sample, rng, others)
        headers = one.headers
        if new.content_type != one.sample.content_type:
            headers = tuple((n, new.content_type if n.lower() == "content-type" else v) for n, v in headers)
        return replace(one, headers=headers, sample=new)
    if kind < 0.94:
        return replace(one, status=rng.choice(_STATUSES))
    name, value = rng.choice(_HEADERS)
    return replace(one, headers=(*(pair for pair in one.headers if pair[0] != name), (name, value)))


_MISSING = Kept(
    ("", "", ""),
    404,
    (("Content-Type", "text/html"),),
    Sample("html", b"<html><title>404</title></html>", "text/html"),
)
_STATUSES = (
    200,
    201,
    202,
    204,
    206,
    300,
    301,
    304,
    307,
    400,
    401,
    403,
    404,
    408,
    409,
    410,
    418,
    422,
    429,
    500,
    502,
    503,
    599,
    600,
    999,
)
_HEADERS = (
    *((name, text) for name in ("Content-Type", "Content-Disposition", "Set-Cookie", "Location", "Link",
    "ETag", "Last-Modified")
      for text in ("", ";", "=", "a" * 3_000, "\xe9\xff", "attachment; filename*=utf-8''%ff",
          "x=y; Domain=.test; Max-Age=x", "//", "http://[")),
    ("Content-Type", "text/html; charset=zlib"), ("Content-Type", "application/json; charset=utf-16"),
    ("Content-Type", "text/html; charset*=x''y"),
    ("Content-Encoding", "gzip"), ("Content-Encoding", "deflate"), ("Content-Encoding", "br"),
    ("Content-Encoding", "gzip, gzip, gzip"),
    ("Content-Encoding", "x"), ("Retry-After", "-1"), ("Retry-After", "9" * 400), ("Retry-After",
    "Tue, 99 Mar 2026"), ("Retry-After", "²"),
    ("Location", "/login"), ("Location", "http://portal.test:99999/"), ("Location", "http://[::1"),
    ("Location", "file:///etc/passwd"),
    ("Location", "http://other.test/"), ("Location", "http://169.254.169.254/"), ("Location", "\x00"),
    ("Location", "//é.test/\u00a0"),
    ("Content-Length", "999999999999"), ("Content-Length", "²"), ("Content-Length", "-1"), ("Link",
    '<http://[>; rel="next"'),
    ("Set-Cookie", "a=b; expires=Tue, 99 Mar 99999 99:99:99 GMT"), ("Set-Cookie", "\x00=\x00; path=\x00"),
    ("Set-Cookie", "a=" + "b" * 9_000),
    ("Link", "<>; rel=next"), ("Link", '<http://portal.test/x?page=2>; rel="next"'), ("Date", odd.DATES[3]),
    ("ETag", '"\xe9"'),
)  # fmt: skip


def recorded(id_: str, walks: Callable[[Played], Iterator[Journey]], reports: int, **settings: Any) -> Played:
    """The connector with its journeys, each walked once at its own simulated portal.

    `settings`: config and secrets, where the portal's own module does not say them.
    """
    found = discover()[id_]
    made = found.sandbox()
    assert made is not None and found.manifest is not None, id_
    scenario = dict(getattr(made, "SCENARIO", {}))
    a_neutral = getattr(made, "a_report", a_report)
    invented = [_report(a_neutral(number), number) for number in range(1, reports + 1)]
    portal: Portal = made.build({**scenario, "reports": invented})
    portal.clock = lambda: START
    config, secrets = {"base_url": HOST, **scenario.get("config", {})}, dict(scenario.get("secrets", {}))
    if hasattr(made, "settings_for"):
        config, secrets = made.settings_for(HOST, scenario)
    config, secrets = settings.get("config", config), settings.get("secrets", secrets)
    played = Played(id_, found.connector(), found.manifest, config, secrets)
    state: dict[str, Any] = {}
    tokens = TokensInMemory()
    for journey in walks(played):
        before, live = json.loads(json.dumps(state)), _Live(portal)
        held = tokens.read()
        journey.walk(played.context(live, state, tokens))
        played.journeys.append(replace(journey, answers=tuple(live.kept), state=before, tokens=held))
    return played


def _report(given: Mapping[str, Any], number: int) -> dict[str, Any]:
    """The second report has an attachment."""
    file = {"filename": "anh.png", "base64": "iVBORw0KGgo=", "content_type": "image/png"}
    return {**given, **({"attachments": [file]} if number == 2 else {})}
