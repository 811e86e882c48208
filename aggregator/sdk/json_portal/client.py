"""The source's calls over HTTP: filled requests, signing in, and what an answer means. Knows no record.

What may surprise: what proves who we are goes to the host of the base address alone; an attachment or a
next page on another of the channel's hosts is asked for without it. A sign-in that ended is renewed once
and silently for reads. For an answer it is renewed beforehand, and after a plain 401, which says that
nothing was done; nothing else is ever sent twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

from aggregator.sdk.contract import (
    AuthFailed,
    ChannelError,
    ConfigInvalid,
    Context,
    Permanent,
    RateLimited,
    SchemaDrift,
    Transient,
)
from aggregator.sdk.expressions import Env
from aggregator.sdk.http import Response, host_of
from aggregator.sdk.json_portal.definition import Request, Source, Upload
from aggregator.sdk.json_portal.rules import Rule
from aggregator.sdk.links import joined
from aggregator.sdk.uploads import Parts, refuse_file

__all__ = ["Answer", "Client", "drift", "json_or_none"]

_TOKEN = "token"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: its data, or nothing where a rule says that there is nothing."""

    response: Response
    data: Any
    nothing: bool = False


class Client:
    """One call's conversation with the source."""

    def __init__(self, source: Source, ctx: Context) -> None:
        self._source, self._ctx = source, ctx
        self.env = Env(ctx.zone, source.tables)
        self.base = source.base_url.text(self.scope({})).rstrip("/")
        if not self.base:
            raise ConfigInvalid("the channel has no base address", message_vi="Kênh chưa có địa chỉ cổng")
        self._home = host_of(self.base)
        #: Whether the token was made in this conversation; a kept one may have ended.
        self._fresh = False

    def scope(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """What places may be filled with."""
        kept = self._ctx.state.get(_TOKEN)
        return {"config": self._ctx.config, "secrets": self._ctx.secrets, "token": kept, **values}

    # -- reading ---------------------------------------------------------------------------------

    def read(self, request: Request, values: Mapping[str, Any], rules: Sequence[Rule] = ()) -> Answer:
        """One reading call, signing in again once where a kept session has ended."""
        return self._renewing(lambda: self._judged(self._send(request, values), rules), rules)

    def read_raw(
        self, request: Request, rules: Sequence[Rule], conditional: MutableMapping[str, Any]
    ) -> Response:
        """A call whose answer is no JSON; `conditional` as for `Http.request`."""

        def send() -> Answer:
            response = self._send(request, {}, conditional=conditional)
            for rule in rules:
                if rule.path is None and rule.fits(response, None, self.env):
                    return self._ruled(rule, response)
            response.refuse()
            return Answer(response, None)

        return self._renewing(send, rules).response

    def follow(self, url: str, request: Request, values: Mapping[str, Any], rules: Sequence[Rule]) -> Answer:
        """The same at an address that the source gave; other hosts than the channel's are refused."""
        target = joined(f"{self.base}/", url)

        def send() -> Answer:
            if host_of(target) == self._home:
                self._have_token()
            known = self._known(target)
            options = {**known, "headers": self._filled_headers(request, values, known)}
            return self._judged(self._call("GET", target, options), rules)

        return self._renewing(send, rules)

    def _renewing(self, send: Callable[[], Answer], rules: Sequence[Rule]) -> Answer:
        kept = self._signs_in and bool(self._ctx.state.get(_TOKEN))
        try:
            return self._asked(send, rules)
        except AuthFailed as error:
            # 403 is "you may not", which another sign-in does not change.
            if not kept or self._fresh or error.evidence.get("status") == 403:
                raise
        self.sign_in()
        return self._asked(send, rules)

    def _asked(self, send: Callable[[], Answer], rules: Sequence[Rule]) -> Answer:
        """The answer; a status of 500 and more, which the session raises, is judged by the rules, too."""
        try:
            return send()
        except ChannelError as error:
            status = error.evidence.get("status")
            rule = next((r for r in rules if not r.needs_body and status in r.statuses), None)
            if rule is None or not isinstance(error, Transient | RateLimited):
                raise
            told = rule.raised(error.evidence, str(error.evidence.get("url", "")))
            if told is not None:
                raise told from error
            return Answer(Response(int(status or 0), {}, b"", str(error.evidence.get("url", ""))), None, True)

    def reach(self) -> int:
        """The status of the base address, whatever it is below 500."""
        return self._ctx.http.get(self.base, raw_status=True).status

    def file(self, url: str) -> Response:
        """A file's bytes."""
        target = joined(f"{self.base}/", url)
        if host_of(target) == self._home:
            self._have_token()
        return self._ctx.http.get(target, **self._known(target))

    # -- writing ---------------------------------------------------------------------------------

    def write(
        self, request: Request, values: Mapping[str, Any], parts: Parts = (), *, effect: bool = True
    ) -> Response:
        """A call that changes the source, sent once; its answer as it is, below 500.

        `parts` are files beside the form's fields. Without `effect`: nobody sees what it changes.
        """
        if self._signs_in and not self._fresh:
            self.sign_in()
        response = self._send(request, values, parts, effect=effect)
        if response.status == 401 and self._signs_in:
            self.sign_in()
            response = self._send(request, values, parts, effect=effect)
        return response

    def name_of(self, upload: Upload, values: Mapping[str, Any], parts: Parts) -> Any:
        """What the source calls a file that it takes. `Permanent` where it says no to the file."""
        response = self.write(upload.request, values, parts, effect=False)
        if not any(rule.fits(response, json_or_none(response), self.env) for rule in upload.errors):
            refuse_file(response)
        name = upload.ref(self._judged(response, upload.errors).data, self.env)
        if not isinstance(name, str | int) or isinstance(name, bool) or name == "":
            raise Permanent(
                "the source took a file and did not say what it calls it",
                message_vi="Cổng không cho biết tên của tệp gửi kèm.",
                evidence=response.evidence(),
            )
        return name

    # -- signing in ------------------------------------------------------------------------------

    @property
    def _signs_in(self) -> bool:
        return self._source.auth.type == "token"

    @property
    def signs_in(self) -> str:
        """How, for people."""
        return self._source.auth.type

    def _have_token(self) -> None:
        if self._signs_in and not self._ctx.state.get(_TOKEN):
            self.sign_in()

    def sign_in(self) -> None:
        """A new token into ``ctx.state``. Raises `AuthFailed` where the source gives none."""
        auth = self._source.auth
        assert auth.login is not None and auth.token_at is not None
        self._ctx.state.pop(_TOKEN, None)
        response = self._sent(auth.login, {}, {}, effect=False)
        if response.status in (400, 401, 403):
            raise AuthFailed(
                "the source refused the account",
                hint="Check user name and password",
                message_vi="Cổng từ chối tài khoản",
                evidence=response.evidence(),
            )
        answer = self._judged(response, auth.errors)
        token = auth.token_at(answer.data, self.env)
        if not isinstance(token, str | int) or isinstance(token, bool) or not str(token).strip():
            raise AuthFailed(
                "the answer to the sign-in holds no token",
                message_vi="Cổng không cấp mã phiên khi đăng nhập",
                evidence=response.evidence(),
            )
        self._ctx.state[_TOKEN] = str(token).strip()
        self._fresh = True

    def _known(self, url: str) -> dict[str, Any]:
        """What proves who we are, for an address of the source itself and for no other."""
        auth, scope = self._source.auth, self.scope({})
        if host_of(url) != self._home or auth.type == "none":
            return {}
        if auth.type == "basic":
            assert auth.username is not None and auth.password is not None
            return {"auth": (auth.username.text(scope), auth.password.text(scope))}
        if auth.type == "token":
            return {"headers": {name: text.text(scope) for name, text in (auth.send or {}).items()}}
        assert auth.token is not None
        token = auth.token.text(scope)
        if not token:
            raise ConfigInvalid("the channel has no token", message_vi="Kênh chưa có mã truy cập (token)")
        if auth.type == "bearer":
            return {"headers": {"Authorization": f"Bearer {token}"}}
        return {"params": {auth.name: token}} if auth.in_query else {"headers": {auth.name: token}}

    # -- one exchange ----------------------------------------------------------------------------

    def _send(
        self,
        request: Request,
        values: Mapping[str, Any],
        parts: Parts = (),
        *,
        effect: bool = False,
        conditional: MutableMapping[str, Any] | None = None,
    ) -> Response:
        self._have_token()
        known = {**self._known(self.base), "conditional": conditional, "files": list(parts) or None}
        return self._sent(request, values, known, effect=effect)

    def _sent(
        self, request: Request, values: Mapping[str, Any], known: Mapping[str, Any], *, effect: bool
    ) -> Response:
        scope = self.scope(values)
        filled = {name: text.value(scope) for name, text in request.params.items()}
        more = {**values.get("params", {}), **known.get("params", {})}
        options: dict[str, Any] = {
            "params": {k: v for k, v in {**filled, **more}.items() if v is not None and v != ""},
            "headers": self._filled_headers(request, values, known),
        }
        options |= {
            name: known[name] for name in ("auth", "conditional", "files") if known.get(name) is not None
        }
        if request.body is not None:
            options["json"] = request.body(scope)
        if request.form is not None:
            options["data"] = {name: text.text(scope) for name, text in request.form.items()}
        return self._call(request.method, self.base + request.path.path(scope), options, effect=effect)

    def _filled_headers(
        self, request: Request, values: Mapping[str, Any], known: Mapping[str, Any]
    ) -> dict[str, str]:
        scope = self.scope(values)
        given = {**self._source.headers, **request.headers}
        filled = {name: text.value(scope) for name, text in given.items()}
        headers = {name: str(text) for name, text in filled.items() if text is not None}
        return {**headers, **known.get("headers", {})}

    def _call(self, method: str, url: str, options: Mapping[str, Any], *, effect: bool = False) -> Response:
        return self._ctx.http.request(method, url, raw_status=True, effect=effect, **options)

    def _judged(self, response: Response, rules: Sequence[Rule]) -> Answer:
        """The answer's data. Raises what a rule, the status or the content stands for."""
        by_status = [rule for rule in rules if not rule.needs_body]
        for rule in by_status:
            if rule.fits(response, None, self.env):
                return self._ruled(rule, response)
        deep = [rule for rule in rules if rule.needs_body]
        data: Any = None
        if response.status >= 400:
            if deep:
                data = json_or_none(response)
        else:
            data = self._data(response, deep)
        for rule in deep:
            if rule.fits(response, data, self.env):
                return self._ruled(rule, response)
        response.refuse()
        return Answer(response, data)

    def _data(self, response: Response, rules: Sequence[Rule]) -> Any:
        """The answer as JSON; a rule about its text is asked first where it is none."""
        try:
            return response.json()
        except ChannelError as error:
            for rule in rules:
                if rule.path is None and rule.fits(response, None, self.env):
                    return None
            if isinstance(error, SchemaDrift):
                _with_page(error, response)
            raise

    def _ruled(self, rule: Rule, response: Response) -> Answer:
        error = rule.raised(response.evidence(), response.url)
        if error is None:
            return Answer(response, None, nothing=True)
        if isinstance(error, SchemaDrift):
            _with_page(error, response)
        raise error


def json_or_none(response: Response) -> Any:
    """The answer as data where it is JSON; rules about status and text hold for every answer."""
    try:
        return response.json()
    except ChannelError:
        return None


def _with_page(error: SchemaDrift, response: Response) -> None:
    error.evidence.update(content=response.content, content_type=response.content_type or "text/plain")


def drift(message: str, response: Response, **more: Any) -> SchemaDrift:
    """A page that was not understood, handed over whole: it goes to quarantine."""
    error = SchemaDrift(
        message,
        message_vi="Dữ liệu của cổng khác mẫu đã khai báo trong bộ kết nối",
        evidence=response.evidence(**more),
    )
    _with_page(error, response)
    return error
