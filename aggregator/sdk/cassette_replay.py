"""A recorded portal that answers again, over real HTTP: the connector runs as it is, without the network.

    request -> fault in its place? (see `sandbox`) -> the exchange it stands for -> its answer

A request stands for an exchange when method, path, query and body say the same, volatile parts aside
(`Ignored`). Where the same was asked several times, the answers come in the order of the recording and
the last one stays; where some were signed in the same way, those alone. Other headers tell nothing apart.

What may surprise: an unknown request is answered 501 with the nearest exchange and the first difference
in words, and is listed in `unmatched`, because a session shows a connector only that the portal failed.
The portal's own addresses inside answers become this server's; other hosts are found under
``/_host/NAME``. The faults `repeat_page` and `bad_record` need a portal that makes its pages, and do
nothing here.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from aggregator.sdk.cassette import Asked, Cassette, Exchange, meaning
from aggregator.sdk.sandbox import Portal, Request, Response

__all__ = ["ReplayPortal"]

_HOST = "/_host/"
_SPELL: tuple[Callable[[str], str], ...] = (
    str,
    lambda url: url.replace("/", "\\/"),
    lambda url: quote(url, safe=""),
)


class ReplayPortal(Portal):
    """The portal of a recording. `serve` it like any simulated portal."""

    kind = "replay"

    def __init__(self, cassette: Cassette) -> None:
        super().__init__(clock=lambda: cassette.at)
        self.cassette = cassette
        #: Requests that no exchange stands for, each with what came nearest.
        self.unmatched: list[str] = []
        self._keys = [_key(one.asked, cassette) for one in cassette.exchanges]
        self._used: set[int] = set()

    def rewind(self) -> None:
        """Answer from the beginning again."""
        with self.lock:
            self._used.clear()
            self.unmatched.clear()

    def address(self, url: str, root: str) -> str:
        """A recorded address as it is served at `root`."""
        return self._served(url.encode(), root).decode()

    def config(self, root: str) -> dict[str, Any]:
        """The recorded settings with every address of the portal led to `root`."""
        return {
            name: self.address(value, root) if isinstance(value, str) else value
            for name, value in self.cassette.config.items()
        }

    # -- one request -----------------------------------------------------------------------------

    def _handle(self, request: Request) -> Response:
        asked = self._asked(request)
        number = self._number(asked)
        if number is None:
            words = f"{asked.line} was not recorded{self._nearest(asked)}"
            self.unmatched.append(words)
            return Response(words, 501, content_type="text/plain; charset=utf-8")
        self._used.add(number)
        exchange = self.cassette.exchanges[number]
        if exchange.asked.effect:
            self.wrote()
        return self._answer(exchange, request)

    def _asked(self, request: Request) -> Asked:
        raw = urlsplit("http://portal" + str(request.environ.get("REQUEST_URI") or request.full_path))
        path, origin = raw.path, ""
        if path.startswith(_HOST):
            name, _, rest = path.removeprefix(_HOST).partition("/")
            path, origin = f"/{rest}", unquote(name)
        scheme = (request.headers.get("Authorization") or "").partition(" ")[0].lower()
        signed = scheme or ("cookie" if "Cookie" in request.headers else "")
        body = meaning(request.headers.get("Content-Type", ""), request.get_data())
        return Asked(request.method, path, raw.query, origin, signed, body)

    def _number(self, asked: Asked) -> int | None:
        """The exchange that answers: of those signed the same way (else of all) the next, then the last."""
        key = _key(asked, self.cassette)
        fitting = [n for n, known in enumerate(self._keys) if known == key]
        if not fitting and not asked.origin:  # a bare path on a page of another host
            fitting = [n for n, known in enumerate(self._keys) if known[1:] == key[1:]]
        if not fitting:
            return None
        signed = [n for n in fitting if self.cassette.exchanges[n].asked.signed == asked.signed]
        pool = signed or fitting
        return next((n for n in pool if n not in self._used), pool[-1])

    def _answer(self, exchange: Exchange, request: Request) -> Response:
        answered, root = exchange.answered, request.host_url.rstrip("/")
        etag = answered.header("ETag")
        if etag and request.headers.get("If-None-Match") == etag:
            return Response(status=304, headers=[("ETag", etag)])
        response = Response(self._served(answered.body, root), answered.status)
        response.headers.remove("Content-Type")
        for name, value in answered.headers:
            response.headers.add(name, self.address(value, root))
        return response

    def _served(self, body: bytes, root: str) -> bytes:
        """The bytes with this server's address for the portal's, plain, JSON-escaped and percent-encoded."""
        origins = {self.cassette.origin: root}
        for exchange in self.cassette.exchanges:
            if origin := exchange.asked.origin:
                origins[origin] = f"{root}{_HOST}{quote(origin, safe='')}"
        ours = {
            spell(theirs).encode(): spell(new).encode() for theirs, new in origins.items() for spell in _SPELL
        }
        known = b"|".join(re.escape(each) for each in sorted(ours, key=len, reverse=True))
        # In one go: an address that was just put in holds the other host's.
        return re.sub(rb"(?:" + known + rb")(?![\w.:-])", lambda match: ours[match[0]], body)

    # -- what came nearest -----------------------------------------------------------------------

    def _nearest(self, asked: Asked) -> str:
        """ "; nearest is exchange 3, GET /gopy?page=2: page is 3 here and 2 there"."""
        known = self.cassette.exchanges
        if not known:
            return ": the recording is empty"
        ratio = difflib.SequenceMatcher

        def likeness(number: int) -> tuple[bool, float, float]:
            other = known[number].asked
            return (
                asked.method == other.method,
                ratio(None, asked.path, other.path).ratio(),
                ratio(None, f"{asked.query} {asked.body}", f"{other.query} {other.body}").ratio(),
            )

        number = max(range(len(known)), key=likeness)
        other = known[number].asked
        return f"; nearest is exchange {number + 1}, {other.line}: {_difference(asked, other, self.cassette)}"


def _key(asked: Asked, cassette: Cassette) -> tuple[Any, ...]:
    origin = "" if asked.origin == cassette.origin else asked.origin
    return (origin, asked.method, unquote(asked.path) or "/", _query(asked, cassette), _said(asked, cassette))


def _query(asked: Asked, cassette: Cassette) -> tuple[tuple[str, str], ...]:
    pairs = parse_qsl(asked.query, keep_blank_values=True)
    return tuple(sorted(pair for pair in pairs if pair[0] not in cassette.ignore.query))


def _said(asked: Asked, cassette: Cassette) -> str:
    body = asked.body
    if "form" in body:
        pairs = [tuple(map(str, pair)) for pair in body["form"] if pair[0] not in cassette.ignore.body]
        return repr(sorted(pairs))
    return repr(_without(body, cassette.ignore.body))


def _without(data: Any, names: tuple[str, ...]) -> Any:
    if isinstance(data, Mapping):
        return sorted((str(k), _without(v, names)) for k, v in data.items() if k not in names)
    if isinstance(data, list | tuple):
        return [_without(item, names) for item in data]
    return data


def _difference(asked: Asked, other: Asked, cassette: Cassette) -> str:
    """The first thing that differs, in words; of a body only the names, because values may be secret."""
    if asked.method != other.method:
        return f"that was {other.method}, this is {asked.method}"
    if unquote(asked.path) != unquote(other.path):
        return "the path differs"
    ours, theirs = dict(_query(asked, cassette)), dict(_query(other, cassette))
    for name in sorted(ours.keys() | theirs.keys()):
        if ours.get(name) != theirs.get(name):
            return f"{name} is {_shown(ours.get(name))} here and {_shown(theirs.get(name))} there"
    if asked.origin != other.origin:
        return "the host differs"
    names = [name for name in _names(asked.body, other.body) if name not in cassette.ignore.body]
    return f"the body differs in {', '.join(names)}" if names else "the body differs"


def _shown(value: str | None) -> str:
    return "missing" if value is None else repr(value)


def _names(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    flat, known = _flat(ours), _flat(theirs)
    return sorted(name for name in flat.keys() | known.keys() if flat.get(name) != known.get(name))


def _flat(body: Mapping[str, Any]) -> dict[str, Any]:
    if "form" in body:
        return {str(name): value for name, value in body["form"]}
    data = body.get("json")
    return dict(data) if isinstance(data, Mapping) else dict(body)
