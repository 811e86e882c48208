"""The session a connector speaks through: bounded, polite, and honest about what it does not know.

    turn -> admit address -> send -> read, bounded -> redirect? (again from the top) -> judge the status

Promise: every failure is a channel error whose class is the next step (see `contract`). Bodies,
redirects, sizes and the total time are bounded; secrets and query values reach no log and no
message; environment proxies are not used.

What may surprise: ``effect=True`` marks a call that changes the portal. Once such a request may
have left, anything but a clear answer is `UnknownOutcome`, because a blind repeat doubles the
citizen's answer; only a failure to connect is `Transient`. For the same reason an effect call uses
no kept-alive connection that was idle for a second, which the portal may be closing at that very
moment (servers wait two seconds and longer): where one follows the other, all go over one.
"""

from __future__ import annotations

import base64
import logging
import socket
import ssl
import time
from collections.abc import Callable, Collection, Iterable, Mapping, MutableMapping
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import quote

import requests
from requests.cookies import RequestsCookieJar, extract_cookies_to_jar
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import DecodeError, HTTPError

from aggregator.errors import (
    ChannelError,
    ConfigInvalid,
    SchemaDrift,
    Transient,
    UnknownOutcome,
)
from aggregator.sdk.answers import Response, clean_json, clean_text, refusal
from aggregator.sdk.egress import Egress, host_of, wait_turn
from aggregator.sdk.journey import Journey, shown_address
from aggregator.sdk.links import joined

__all__ = ["Http", "Response", "Tape", "clean_json", "clean_text", "host_of"]

USER_AGENT = "MotMoi/0.1 (+ward inbox)"
_CHUNK = 65_536
#: An idle connection is used for a write for so long.
_FRESH_S = 1.0
_REDIRECTS = frozenset((301, 302, 303, 307, 308))


class Tape(Protocol):
    """What may listen in to a session while its author records (see `cassette_recorder`)."""

    def took(
        self, asked: requests.PreparedRequest, headers: Iterable[tuple[str, str]], response: Response
    ) -> None:
        """One request was answered in full; `headers` are the answer's, a repeated one each time."""
        ...


class Http:
    """One channel's HTTP for one call, or several (`renew`). Not shared between threads; `close` it."""

    def __init__(
        self,
        *,
        allowed_hosts: Collection[str],
        allow_private: bool,
        deadline: datetime,
        now: Callable[[], datetime],
        min_gap_s: float = 0,
        connect_timeout: float = 5.0,
        read_timeout: float = 30.0,
        max_bytes: int = 20_000_000,
        max_redirects: int = 3,
        secrets: Collection[str] = (),
        user_agent: str = USER_AGENT,
        verify: bool | str = True,
        log: logging.Logger | None = None,
        tape: Tape | None = None,
    ) -> None:
        self._egress = Egress(allowed_hosts, allow_private=allow_private)
        self._adapter = self._egress.adapter()
        self._jar = RequestsCookieJar()
        self._unbound: dict[str, str] = {}
        self._now = now
        self.renew(deadline)
        #: When the last answer was complete, on the machine's own clock.
        self._answered = -_FRESH_S
        self._gap, self._timeouts = min_gap_s, (connect_timeout, read_timeout)
        self._max_bytes, self._max_redirects = max_bytes, max_redirects
        self._user_agent, self._verify = user_agent, verify
        self._hidden = _spellings(secrets)
        self._log = log or logging.getLogger("aggregator.sdk.http")
        self._tape = tape
        #: For the run log.
        self.requests = 0
        self.bytes_read = 0
        #: What came last, for whoever keeps evidence of why a call failed.
        self.last_answer: Response | None = None

    def __enter__(self) -> Http:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._adapter.close()

    def renew(self, deadline: datetime) -> None:
        """Give the next requests time until `deadline`: a session may carry one call after another."""
        self._deadline = deadline
        # The given clock may jump; the time that really passes ends the call as well.
        self._ends = time.monotonic() + (deadline - self._now()).total_seconds()

    # -- other protocols -------------------------------------------------------------------------

    @property
    def max_bytes(self) -> int:
        """The most that one body may have; connectors of other protocols keep to it themselves."""
        return self._max_bytes

    def dial(self, url: str) -> socket.socket:
        """A connected socket to a mail server on the channel's list (``imaps://mail.example.vn``).

        Encrypted from its first byte for imaps and smtps. The deadline bounds each wait. Raises
        `ConfigInvalid` for an address that may not be asked, `Transient` where nobody answers.
        """
        host, _, port = host_of(url).rpartition(":")
        plain = self._egress.dial(host, int(port), self._timeout()[0])
        plain.settimeout(self._timeout()[1])
        self.requests += 1
        if not url.lower().startswith(("imaps:", "smtps:")):
            return plain
        try:
            return self.tls().wrap_socket(plain, server_hostname=host.strip("[]"))
        except (ssl.SSLError, OSError) as error:
            plain.close()
            raise Transient(
                f"no secure connection to {host}:{port}: {error}",
                hint="Check the server's certificate",
                message_vi=f"Không lập được kết nối an toàn (TLS) tới {host}",
            ) from error

    def tls(self) -> ssl.SSLContext:
        """How this channel judges certificates."""
        if isinstance(self._verify, str):
            return ssl.create_default_context(cafile=self._verify)
        context = ssl.create_default_context()
        if not self._verify:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context

    # -- cookies ---------------------------------------------------------------------------------

    @property
    def cookies(self) -> dict[str, str]:
        """The session's cookies by name; keep them in ``ctx.state`` to stay signed in."""
        held = {c.name: c.value for c in self._jar if c.value is not None and not c.is_expired()}
        return {**self._unbound, **held}

    @cookies.setter
    def cookies(self, values: Mapping[str, str]) -> None:
        """Replace all cookies. They are bound to the host of the next request, and to it alone."""
        self._jar = RequestsCookieJar()
        self._unbound = {str(name): str(value) for name, value in values.items()}

    def _bind_cookies(self, host: str) -> None:
        domain = host if "." in host or ":" in host else f"{host}.local"  # cookielib's name for bare hosts
        for name, value in self._unbound.items():
            self._jar.set(name, value, domain=domain)
        self._unbound = {}

    # -- the verbs -------------------------------------------------------------------------------

    def get(self, url: str, **options: Any) -> Response:
        """GET; see `request`."""
        return self.request("GET", url, **options)

    def post(self, url: str, **options: Any) -> Response:
        """POST; see `request`. Say ``effect=True`` where it changes the portal."""
        return self.request("POST", url, **options)

    def put(self, url: str, **options: Any) -> Response:
        """PUT; see `request`. Say ``effect=True`` where it changes the portal."""
        return self.request("PUT", url, **options)

    def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        json: Any = None,
        data: Any = None,
        files: Any = None,
        conditional: MutableMapping[str, Any] | None = None,
        effect: bool = False,
        raw_status: bool = False,
        follow: bool = True,
    ) -> Response:
        """The answer, read whole; every failure is a channel error.

        `auth` is a user name and password for HTTP Basic. `conditional` maps address to
        ``{etag, last_modified}`` and is kept up to date here: store it together with what was read.
        `raw_status` hands back any status below 500 for the caller to judge (`Response.refuse`).
        `follow=False` hands back a redirect. An effect call follows only 302 and 303, to the same
        host, as the GET a browser would make after a form.
        """
        call = Journey(method.upper(), url, dict(headers or {}), effect, follow, self._max_redirects)
        call.body = {"params": params, "json": json, "data": data, "files": files}
        if auth is not None:
            call.headers["Authorization"] = basic(*auth)
        try:
            response = self._travel(call, conditional)
            trusted = raw_status and response.status < 500 and not (effect and call.hopped)
            if not trusted and (error := refusal(response)) is not None:
                raise error
        except ChannelError as error:
            raise self._redacted(call.settled(error))  # noqa: B904 (the same error, or said to be unclear)
        return response

    # -- one journey: the request and its redirects ----------------------------------------------

    def _travel(self, call: Journey, conditional: MutableMapping[str, Any] | None) -> Response:
        while True:
            prepared = self._prepare(call, conditional)
            response = self._exchange(call, prepared)
            self._remember(conditional, call, prepared, response)
            target = response.headers.get("Location")
            if response.status not in _REDIRECTS or not target or not call.follow:
                return response
            call.hop(joined(str(prepared.url), target), response)

    def _prepare(self, call: Journey, conditional: Mapping[str, Any] | None) -> requests.PreparedRequest:
        parts = self._egress.admit(call.url)
        self._bind_cookies(parts.hostname or "")
        headers = {"User-Agent": self._user_agent, "Accept": "*/*", "Accept-Encoding": "gzip, deflate"}
        try:
            prepared = requests.Request(
                call.method, call.url, headers={**headers, **call.headers}, cookies=self._jar, **call.body
            ).prepare()
            # A token typed with an accent fails here, not on the wire.
            for value in prepared.headers.values():
                str(value).encode("latin-1")
        except (requests.RequestException, UnicodeError, ValueError) as error:
            raise ConfigInvalid(
                f"the request cannot be built: {type(error).__name__}",
                hint="Check the address and the secrets: keys and tokens hold no accented letters",
                message_vi="Không lập được yêu cầu gửi tới cổng: kiểm tra địa chỉ, khoá và mã truy cập trong "
                "thiết lập của kênh (khoá và mã truy cập không có chữ có dấu)",
            ) from None
        # What `requests` made of the address is what will be asked: that form passes the list, too.
        self._egress.admit(str(prepared.url))
        known = (conditional or {}).get(str(prepared.url)) if call.method == "GET" else None
        for header, key in (("If-None-Match", "etag"), ("If-Modified-Since", "last_modified")):
            if known and known.get(key):
                prepared.headers[header] = known[key]
        return prepared

    def _exchange(self, call: Journey, prepared: requests.PreparedRequest) -> Response:
        host = host_of(str(prepared.url))
        wait_turn(host, self._gap, self._remaining())
        if call.effect and time.monotonic() - self._answered > _FRESH_S:
            self._adapter.close()
        started = time.monotonic()
        shown = shown_address(str(prepared.url))
        self.requests += 1
        try:
            answer = self._adapter.send(prepared, stream=True, timeout=self._timeout(), verify=self._verify)
            call.sent = True
            extract_cookies_to_jar(self._jar, prepared, answer.raw)  # type: ignore[no-untyped-call]
            try:
                content = self._read(answer, shown)
            except BaseException:
                answer.close()
                raise
            answer.raw.release_conn()
            self._answered = time.monotonic()
        except (requests.RequestException, HTTPError, OSError) as error:
            # Not chained: the library's message holds the whole address, query values included.
            raise self._broken(call, shown, error) from None
        response = Response(
            answer.status_code,
            CaseInsensitiveDict(answer.headers),
            content,
            shown,
            not_modified=answer.status_code == 304,
            effect=call.effect,
            now=self._now(),
        )
        self.last_answer = response
        took, shown = (time.monotonic() - started) * 1000, self._clean(shown)
        self._log.debug(
            "%s %s -> %d, %d bytes, %d ms", call.method, shown, response.status, len(content), took
        )
        if self._tape is not None:
            self._tape.took(prepared, answer.raw.headers.items(), response)
        return response

    def _read(self, answer: requests.Response, shown: str) -> bytes:
        """The unpacked body. `read1` returns after each packet: a dripping portal meets the deadline."""
        declared = answer.headers.get("Content-Length", "")
        # Only what is a number to everybody: "²" is a digit to Python, and it reads no 5,000 of them.
        if declared.isascii() and declared.isdigit() and int(declared[:18]) > self._max_bytes:
            raise self._too_big(int(declared[:18]), shown)
        chunks: list[bytes] = []
        size = 0
        while chunk := answer.raw.read1(_CHUNK, decode_content=True):
            size += len(chunk)
            self.bytes_read += len(chunk)
            if size > self._max_bytes:
                raise self._too_big(size, shown)
            chunks.append(chunk)
            self._remaining()
        return b"".join(chunks)

    def _too_big(self, size: int, shown: str) -> SchemaDrift:
        return SchemaDrift(
            f"{_megabytes(size)} body refused from {shown}: the limit is {_megabytes(self._max_bytes)}",
            scope="page",
            evidence={"url": shown, "bytes": size, "max_bytes": self._max_bytes},
        )

    def _broken(self, call: Journey, shown: str, error: Exception) -> ChannelError:
        """The connection failed after it stood (before that, `Egress` raises `Transient` itself)."""
        kind = type(error).__name__
        evidence = {"url": shown, "error": kind, "at": self._now().isoformat()}
        message = f"no complete answer from {shown} ({kind})"
        if call.effect:
            return UnknownOutcome(f"{message}: the write may have taken effect", evidence=evidence)
        if isinstance(error, DecodeError):
            return SchemaDrift(f"the body from {shown} is not packed as its header says", evidence=evidence)
        return Transient(message, evidence=evidence)

    def _remember(
        self,
        conditional: MutableMapping[str, Any] | None,
        call: Journey,
        prepared: requests.PreparedRequest,
        response: Response,
    ) -> None:
        if conditional is None or call.method != "GET" or response.status != 200:
            return
        marks = {"etag": response.headers.get("ETag"), "last_modified": response.headers.get("Last-Modified")}
        kept = {key: value for key, value in marks.items() if value}
        if kept:
            conditional[str(prepared.url)] = kept
        else:
            conditional.pop(str(prepared.url), None)

    # -- time and secrets ------------------------------------------------------------------------

    def _remaining(self) -> float:
        left = min(self._ends - time.monotonic(), (self._deadline - self._now()).total_seconds())
        if left <= 0:
            raise Transient("the time for this call is over", hint="It goes on at the next poll")
        return left

    def _timeout(self) -> tuple[float, float]:
        left = self._remaining()
        return min(self._timeouts[0], left), min(self._timeouts[1], left)

    def _clean(self, text: str) -> str:
        for secret in self._hidden:
            text = text.replace(secret, "***")
        return text

    def _redacted(self, error: ChannelError) -> ChannelError:
        error.message = self._clean(error.message)
        error.message_vi = self._clean(error.message_vi)
        error.args = (error.message,)
        error.evidence = {k: self._clean(v) if isinstance(v, str) else v for k, v in error.evidence.items()}
        return error


def basic(user: str, password: str) -> str:
    """The value of an HTTP Basic header, in UTF-8 (`requests` fails on Vietnamese letters)."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")


def _spellings(secrets: Collection[str]) -> list[str]:
    """Each secret as it could appear: plain, in an address, in Basic form. Longest first."""
    plain = [secret for secret in secrets if len(secret) >= 3]
    forms = {form for s in plain for form in (s, quote(s, safe=""), base64.b64encode(s.encode()).decode())}
    return sorted(forms, key=len, reverse=True)


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:.0f} MB" if size >= 1_000_000 else f"{size} byte"
