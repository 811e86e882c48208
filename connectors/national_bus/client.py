"""The bus's envelope: a session, a service name, and an error code inside an HTTP 200.

    sign in -> {session, error_code}      call -> {session, madonvi, service, ...} -> {error_code, result}

What may surprise: that a session ended is told by an error code whose value nobody publishes, by a
reply without ``result``, perhaps by success and nothing. So a refusal *or an empty answer* of a session
kept from an earlier call is met with one new sign-in and one repeat; only what a fresh session gets
counts. Calls that change the portal are made with a fresh session and never repeated here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aggregator.sdk.contract import (
    AuthFailed,
    ChannelError,
    Context,
    Permanent,
    SchemaDrift,
    Transient,
    UnknownOutcome,
)
from aggregator.sdk.http import Response
from connectors.national_bus.mapping import category_names
from connectors.national_bus.settings import BusSettings

_MISSING = object()


@dataclass(frozen=True, slots=True)
class Reply:
    """One envelope as it came back."""

    code: str
    result: Any
    response: Response

    @property
    def ok(self) -> bool:
        """``error_code`` 0, which comes as a number or as a string."""
        return self.code != "" and self.code.strip("0") == ""

    @property
    def has_result(self) -> bool:
        """Whether the key is there at all; ``null`` counts, as an empty list."""
        return self.result is not _MISSING

    @property
    def items(self) -> list[Any]:
        """``result`` as a list; a lone object is a list of one, ``null`` is empty."""
        if self.result is None or self.result is _MISSING:
            return []
        return self.result if isinstance(self.result, list) else [self.result]


class Bus:
    """One channel's conversation with the bus, for the length of one call of the contract."""

    def __init__(self, ctx: Context, settings: BusSettings) -> None:
        self._ctx, self._settings = ctx, settings
        #: Whether the session was made in this conversation; a kept one may have ended.
        self.fresh = False

    def sign_in(self) -> None:
        """A new session into ``ctx.state``. Raises `AuthFailed` where the bus refuses the account."""
        settings = self._settings
        credentials = {"username": settings.username, "password": self._ctx.secrets.get("password", "")}
        body = _object(self._send(settings.adapter_url + settings.auth_endpoint, credentials))
        session, code = body.get("session"), _code(body)
        if code.strip("0") or not session:
            self._ctx.state.pop("session", None)
            raise AuthFailed(
                f"the national bus refused the sign-in (error_code {code or 'missing'})",
                hint="Check user name, password and dstcode",
                message_vi="Trục quốc gia từ chối đăng nhập: kiểm tra tên đăng nhập, mật khẩu và mã đích",
                evidence={"error_code": code},
            )
        self._ctx.state["session"] = str(session)
        self.fresh = True

    def read(self, use: str, **fields: Any) -> Reply:
        """A reading call. Raises on every refusal; a missing ``result`` is the caller's to judge."""
        reply = self._call(use, fields)
        if not (reply.ok and reply.items) and self._may_have_expired(reply):
            self.sign_in()
            reply = self._call(use, fields)
        if not reply.ok:
            raise self._refusal(reply)
        return reply

    def write(self, use: str, **fields: Any) -> None:
        """A call that changes the portal, sent once, with a fresh session.

        Returns on ``error_code`` 0. Raises `UnknownOutcome` for whatever is no clear answer, a page
        with status 200 included, and `Permanent` for a clear refusal.
        """
        if not self.fresh:
            self.sign_in()
        reply = self._call(use, fields, effect=True)
        if reply.code == "":
            raise UnknownOutcome(
                "the bus answered a write without an error_code: it may have taken effect",
                evidence=reply.response.evidence(),
            )
        if not reply.ok:
            raise self._refusal(reply, write=True)

    def _may_have_expired(self, reply: Reply) -> bool:
        """Whether a new sign-in could help: the session is an old one and the code does not forbid it."""
        if self.fresh or reply.code in self._settings.busy_codes:
            return False
        codes = self._settings.expired_codes
        return reply.ok or not codes or reply.code in codes

    def _refusal(self, reply: Reply, *, write: bool = False) -> ChannelError:
        """The error that a code on a fresh session stands for."""
        evidence = reply.response.evidence(error_code=reply.code)
        if reply.code in self._settings.busy_codes:
            return Transient(f"the national bus is busy (error_code {reply.code})", evidence=evidence)
        if write and reply.code not in self._settings.expired_codes:
            return Permanent(
                f"the national bus refused the answer (error_code {reply.code})",
                message_vi=f"Trục quốc gia không nhận câu trả lời (mã lỗi {reply.code})",
                evidence=evidence,
            )
        return AuthFailed(
            f"the national bus refused a new session (error_code {reply.code or 'missing'})",
            hint="Check the rights of the account and the codes in the channel's settings",
            message_vi=f"Trục quốc gia từ chối phiên vừa đăng nhập (mã lỗi {reply.code or 'không có'})",
            evidence=evidence,
        )

    def categories(self) -> Mapping[str, str]:
        """Code to name of the shared dictionary, asked for once a session; the last known on failure."""
        state = self._ctx.state
        if self._settings.services["categories"] and (self.fresh or "categories" not in state):
            try:
                reply = self.read("categories")
                state["categories"] = category_names(reply.items, self._settings)
            except ChannelError as error:
                # Names are a comfort: without them the codes are shown and no report is held up.
                self._ctx.log.warning("no category names from the national bus: %s", error)
                state.setdefault("categories", {})
        return dict(state.get("categories", {}))

    def _call(self, use: str, fields: Mapping[str, Any], *, effect: bool = False) -> Reply:
        settings = self._settings
        if "session" not in self._ctx.state:
            self.sign_in()
        envelope = {
            "session": self._ctx.state["session"],
            "madonvi": settings.madonvi,
            "service": settings.services[use],
            **fields,
        }
        response = self._send(settings.address(use), envelope, effect=effect)
        body = _object(response)
        return Reply(_code(body), body.get("result", _MISSING), response)

    def _send(self, url: str, body: Mapping[str, Any], *, effect: bool = False) -> Response:
        headers = {"Accept": "application/json", "Charset": "utf-8"}
        params = None
        if self._settings.dstcode_in == "query":
            params = {"dstcode": self._settings.dstcode}
        else:
            headers["dstcode"] = self._settings.dstcode
        return self._ctx.http.post(url, params=params, json=body, headers=headers, effect=effect)


def _object(response: Response) -> Mapping[str, Any]:
    body = response.json()
    if isinstance(body, dict):
        return body
    kind = UnknownOutcome if response.effect else SchemaDrift
    raise kind(
        f"the national bus answered with {type(body).__name__}, an object expected",
        evidence=response.evidence(),
    )


def _code(body: Mapping[str, Any]) -> str:
    value = body.get("error_code")
    return "" if value is None else str(value).strip()
