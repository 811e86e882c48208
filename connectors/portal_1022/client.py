"""The portal's calls over HTTP: addresses, signing in, pages, details, answers. Knows no record.

What may surprise: `Accept` is never set to ``application/json`` (the portal answers 406), and a
sign-in that ended is renewed once and silently for reads. For an answer it is renewed only after a
plain 401, which says that nothing was done; a login page in place of ``{"msg": "OK"}`` does not say
so, and is an unknown outcome.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from aggregator.sdk.answers import whole_number
from aggregator.sdk.contract import (
    AuthFailed,
    ConfigInvalid,
    Context,
    FetchedFile,
    OutFile,
    Permanent,
    SchemaDrift,
    UnknownOutcome,
)
from aggregator.sdk.http import Response
from aggregator.sdk.links import file_name, joined
from aggregator.sdk.uploads import refuse_file

from .mapping import id_of

__all__ = ["Client", "ListPage"]

#: Numbers kept in the channel's memory; a lost one is looked up in the list again.
_REMEMBERED = 2000
_PATHS = {
    "public": {"list": "/public/gopy", "detail": "/public/gopy/{id}"},
    "officer": {
        "list": "/admin/gopy",
        "detail": "/admin/xulythongtin/{id}",
        # "xulu" is the portal's own spelling.
        "resolve": "/admin/xuluthongtin/{id}/xuly",
        "file": "/admin/file",
        "login": "/admin/login",
        "me": "/admin/me",
    },
}


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of the list. `total` and `pages` are None where the portal does not say."""

    lines: list[Any]
    total: int | None
    pages: int | None
    response: Response


class Client:
    """One call's view of the portal."""

    def __init__(self, ctx: Context) -> None:
        self.ctx, self.config = ctx, ctx.config
        self.officer = self.config.get("scope") == "officer"
        own = {name: path for name, path in (self.config.get("paths") or {}).items() if path}
        self._paths = {**_PATHS["officer"], **_PATHS["officer" if self.officer else "public"], **own}

    # -- reading ---------------------------------------------------------------------------------

    def page(self, number: int, size: int, *, days: tuple[str, str] | None = None) -> ListPage:
        """One page, oldest report first. `SchemaDrift` where it is not the list we know.

        `days`: only events from the first to the last of these days, written as 31/12/2026.
        """
        first, last = days or (None, None)
        params = {
            "page": number, "size": size, "kieu": "asc", "coquan": self.config.get("unit_id") or None,
            "tungay": first, "denngay": last,
        }  # fmt: skip
        response = self._read(self._url("list"), params)
        response.refuse()
        data = response.json()
        lines = data.get("data") if isinstance(data, Mapping) else None
        if not isinstance(lines, list):
            keys = sorted(data)[:20] if isinstance(data, Mapping) else [type(data).__name__]
            raise SchemaDrift("the list has no 'data'", evidence=response.evidence(keys=keys))
        total, pages = _count(data.get("totalElements")), _count(data.get("totalPages"))
        if not lines and total and (pages is None or number <= pages):
            raise SchemaDrift(
                f"page {number} of the list is empty though the portal counts {total} reports",
                evidence=response.evidence(total=total, pages=pages),
            )
        return ListPage(lines, total, pages, response)

    def detail(self, id_: str) -> Mapping[str, Any] | None:
        """One report's detail; None where the portal says that there is no such report."""
        response = self._read(self._url("detail", id_))
        if response.status in (404, 410):
            return None
        data = response.json()
        inner = data.get("data") if isinstance(data, Mapping) else None
        found = inner if isinstance(inner, Mapping) else data
        if not isinstance(found, Mapping) or not found:
            raise SchemaDrift("the detail is no table", scope="record", evidence=response.evidence())
        return found

    def reach(self) -> int:
        """The status of the portal's first page, whatever it is below 500."""
        return self.ctx.http.get(self._base(), headers=self._agent(), raw_status=True).status

    def me(self) -> Mapping[str, Any]:
        """Who we are signed in as."""
        response = self._read(self._url("me"))
        response.refuse()
        data = response.json()
        return data if isinstance(data, Mapping) else {}

    def file(self, ref: str) -> FetchedFile:
        """An attachment, from the channel's own hosts alone (the session refuses others)."""
        response = self._read(joined(self._base() + "/", ref))
        response.refuse()
        if response.content_type == "text/html" and not ref.endswith((".html", ".htm")):
            raise SchemaDrift(
                "a page came instead of the attachment", scope="record", evidence=response.evidence()
            )
        name = file_name(ref) or "tep-dinh-kem"
        return FetchedFile(response.content, response.content_type or "application/octet-stream", name)

    # -- writing ---------------------------------------------------------------------------------

    def resolve(self, id_: str, body: Mapping[str, Any]) -> None:
        """Post an answer. Returns on the portal's clear OK; anything unclear is `UnknownOutcome`."""
        method, url = str(self.config.get("resolve_method", "POST")), self._url("resolve", id_)

        def post() -> Response:
            return self.ctx.http.request(
                method,
                url,
                json=dict(body),
                effect=True,
                raw_status=True,
                headers=self._headers(),
                **self._basic(),
            )

        self._judge(self._signed_in(post))

    def lay_down(self, file: OutFile, content: bytes) -> dict[str, str]:
        """Put a file at the portal, for an answer to name; nobody sees it before. Its ``url`` and ``ten``.

        `Permanent` where the portal does not take it or does not say where it lies.
        """
        body = {"ten": file.filename, "base64Content": base64.b64encode(content).decode()}

        def post() -> Response:
            return self.ctx.http.post(
                self._url("file"), json=body, raw_status=True, headers=self._headers(), **self._basic()
            )

        response = self._signed_in(post)
        refuse_file(response)
        response.refuse()
        data = response.json()
        inner = data.get("data", data) if isinstance(data, Mapping) else None
        url = inner.get("url") if isinstance(inner, Mapping) else inner
        if not isinstance(url, str) or not url:
            raise Permanent(
                "the portal took a file and did not say where it lies",
                hint="carry the answer with its files over by hand",
                message_vi="Cổng không cho biết nơi để tệp gửi kèm. Hãy tự chuyển phúc đáp và tệp qua cổng.",
                evidence=response.evidence(),
            )
        return {"url": url, "ten": file.filename}

    def _signed_in(self, post: Callable[[], Response]) -> Response:
        """What a post is answered, after signing in again once where the session had ended."""
        response = post()
        if response.status == 401 and self._signs_in:
            self.login()
            response = post()
        return response

    def _judge(self, response: Response) -> None:
        if response.status == 404 and "nguongopy" in response.text.lower():
            raise ConfigInvalid(
                "the portal does not know our source name (nguonGopY)",
                hint="Ask the portal's operator for the registered name",
                message_vi="Cổng không nhận tên nguồn (nguonGopY) của kênh",
                evidence=response.evidence(),
            )
        response.refuse()
        try:
            data = response.json()
        except AuthFailed as error:
            self.ctx.state.pop("token", None)
            raise UnknownOutcome("a login page answered the reply", evidence=error.evidence) from error
        said = data.get("msg") if isinstance(data, Mapping) else None
        if not isinstance(said, str):
            raise UnknownOutcome("the answer to the reply has no 'msg'", evidence=response.evidence())
        if said.strip().upper() != "OK":
            raise Permanent(f"the portal refused the reply: {said[:200]}", evidence=response.evidence())

    # -- signing in ------------------------------------------------------------------------------

    @property
    def _signs_in(self) -> bool:
        return self.config.get("auth") == "jwt"

    def login(self) -> None:
        """Get a token and keep it for later calls; `AuthFailed` where the portal gives none."""
        body = {"tenDangNhap": self._secret("username"), "matKhau": self._secret("password")}
        self.ctx.state.pop("token", None)
        response = self.ctx.http.post(self._url("login"), json=body, headers=self._agent(), raw_status=True)
        if response.status in (400, 401, 403):
            raise AuthFailed(
                "the portal refused the account",
                message_vi="Cổng từ chối tài khoản",
                evidence=response.evidence(),
            )
        response.refuse()
        data = response.json()
        token = data.get("access_token") if isinstance(data, Mapping) else None
        if not isinstance(token, str) or not token:
            raise AuthFailed("the portal gave no access_token", evidence=response.evidence())
        self.ctx.state["token"] = token

    def _read(self, url: str, params: Mapping[str, Any] | None = None) -> Response:
        """GET, signing in again once where a kept session has ended."""
        kept = self._signs_in and bool(self.ctx.state.get("token"))
        try:
            return self._get(url, params)
        except AuthFailed as error:
            # 403 is "you may not", which another sign-in does not change.
            if not kept or error.evidence.get("status") == 403:
                raise
        self.login()
        return self._get(url, params)

    def _get(self, url: str, params: Mapping[str, Any] | None) -> Response:
        response = self.ctx.http.get(
            url, params=params, headers=self._headers(), raw_status=True, **self._basic()
        )
        if response.status not in (404, 410):
            response.refuse()
        if self._signs_in and response.content_type == "text/html":
            response.json()  # a login page under status 200 is an ended session, too
        return response

    def _headers(self) -> dict[str, str]:
        if not self._signs_in:
            return self._agent()
        if not self.ctx.state.get("token"):
            self.login()
        return {**self._agent(), "Authorization": f"Bearer {self.ctx.state['token']}"}

    def _agent(self) -> dict[str, str]:
        agent = str(self.config.get("user_agent") or "")
        return {"User-Agent": agent} if agent else {}

    def _basic(self) -> dict[str, Any]:
        if self.config.get("auth") != "basic":
            return {}
        return {"auth": (self._secret("username"), self._secret("password"))}

    def _secret(self, name: str) -> str:
        value = self.ctx.secrets.get(name)
        if not value:
            raise ConfigInvalid(f"the channel has no {name}", hint="Enter the portal's account")
        return value

    # -- the officer's own number of a report ------------------------------------------------------

    def remember(self, line: Mapping[str, Any], external_id: str) -> str:
        """The id under which the detail is asked; for officers kept for later answers."""
        processing = line.get("xuLyThongTinId")
        if not self.officer or not isinstance(processing, int | str):
            return external_id
        numbers = dict(self.ctx.state.get("processing") or {})
        if numbers.get(external_id) != str(processing):
            numbers.pop(external_id, None)  # newest last, so that the oldest falls off
            numbers[external_id] = str(processing)
            self.ctx.state["processing"] = dict(list(numbers.items())[-_REMEMBERED:])
        return str(processing)

    def processing_id(self, external_id: str) -> str | None:
        """The same from memory, else from the list, newest page first; None where it is not listed."""
        if not self.officer:
            return external_id
        known = (self.ctx.state.get("processing") or {}).get(external_id)
        if known is not None:
            return str(known)
        size = int(self.config.get("page_size", 15))
        page = self.page(1, size)
        for number in range(page.pages or 1, 0, -1):
            for line in (page if number == 1 else self.page(number, size)).lines:
                if isinstance(line, Mapping) and id_of(line) == external_id:
                    return self.remember(line, external_id)
        return None

    # -- addresses -------------------------------------------------------------------------------

    def _base(self) -> str:
        return str(self.config["base_url"]).rstrip("/")

    def _url(self, name: str, id_: str = "") -> str:
        path = str(self._paths[name]).lstrip("/").replace("{id}", quote(id_, safe=""))
        return f"{self._base()}/{path}"


def _count(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    return whole_number(str(value))
