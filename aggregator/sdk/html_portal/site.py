"""An officer's session on the portal: pages, forms and files.

    get -> signed out? -> sign in, once -> whole page? challenge? -> parsed page

What may surprise: a session that has ended is met by the login page with status 200, whatever was
asked for, even as the answer to a form. It is recognised by the login form, or by a password field
on a page that lacks the mark of a signed-in officer. Sign-in happens at most once a request: a
portal that asks again at once has refused the account.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from bs4 import BeautifulSoup, Tag

from aggregator.sdk import tcvn3
from aggregator.sdk.contract import (
    AuthFailed,
    BotChallenge,
    ConfigInvalid,
    Context,
    FetchedFile,
    Permanent,
    RawItem,
    SchemaDrift,
    Transient,
)
from aggregator.sdk.html import form_fields, looks_like_challenge, looks_like_login, require, soup
from aggregator.sdk.html_portal import bundle
from aggregator.sdk.html_portal.layout import Layout, LoginPart, at, fill
from aggregator.sdk.html_portal.mapping import parse, text_in
from aggregator.sdk.http import Response
from aggregator.sdk.links import file_name, joined
from aggregator.sdk.uploads import Parts

_GONE = frozenset((404, 410))
_REFUSED = frozenset((401, 403, 419, 440))
_PASSWORD_FORM = "form:has(input[type=password])"
_USER_FIELD = "input[name]:is(:not([type]), [type=text], [type=email], [type=tel])"


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the portal."""

    path: str
    response: Response
    tree: BeautifulSoup

    @property
    def content_type(self) -> str:
        """The header whole: a kept page is decoded with its charset."""
        return self.response.headers.get("Content-Type", "text/html")


@dataclass(frozen=True, slots=True)
class Report:
    """All pages of one report; None is a further page that the portal does not have."""

    external_id: str
    page: Page
    further: tuple[Page | None, ...]
    #: The page says the id itself.
    says_id: bool

    def item(self) -> RawItem:
        """What is kept of it."""
        content = self.page.response.content
        if self.further or not self.says_id:
            further = [b"" if page is None else page.response.content for page in self.further]
            content = bundle.join(self.external_id, [content, *further])
        return RawItem(content, self.page.content_type, f"report {self.external_id}")


class Site:
    """One conversation with the portal; the login outlives it in ``ctx.state``."""

    def __init__(self, ctx: Context, layout: Layout) -> None:
        self._ctx = ctx
        self.layout = layout
        self.base_url = str(ctx.config.get("base_url") or "").rstrip("/")
        if not self.base_url:
            raise ConfigInvalid(
                "setting 'base_url' of the portal is empty", message_vi="Chưa khai báo địa chỉ trang web"
            )
        self._last: Response | None = None
        ctx.http.cookies = dict(ctx.state.get("cookies") or {})

    # -- pages -----------------------------------------------------------------------------------

    def get(self, path: str) -> Page:
        """The page, signed in for. Raises where it is gone, broken off, or not to be had."""
        page = self.find(path)
        if page is None:
            raise ConfigInvalid(
                f"{urlsplit(path).path} is not at the portal (404)",
                hint="Check the paths in the channel's layout",
            )
        return page

    def find(self, path: str) -> Page | None:
        """As `get`, but None where the portal says that there is no such page."""
        response, tree = self._open(path)
        if response.status in _GONE:
            return None
        self._whole(response, tree)
        return Page(path, response, tree)

    def report(self, external_id: str) -> Report | None:
        """The pages of one report; None where the portal does not have it."""
        detail = self.layout.detail
        page = self.find(fill(detail.path, id=external_id))
        if page is None or (detail.gone and page.tree.select_one(detail.gone) is not None):
            return None
        _no_other_page(page, detail.container)
        further = []
        for part in detail.pages:
            found = self.find(fill(part.path, id=external_id))
            if found is not None:
                _no_other_page(found, part.container)
            further.append(found)
        return Report(external_id, page, tuple(further), detail.id.given)

    @contextmanager
    def keeping(self) -> Iterator[None]:
        """Hands the page over with the error that says it was not understood."""
        try:
            yield
        except SchemaDrift as error:
            if self._last is not None:
                error.evidence = {**error.evidence, **_page_evidence(self._last)}
            raise

    def _open(self, path: str) -> tuple[Response, BeautifulSoup]:
        login = self.layout.login
        if login is not None and not self._ctx.state.get("cookies"):
            self.sign_in()
        response, tree = self._fetch(path)
        if login is not None and self.signed_out(response, tree):
            self.sign_in()
            response, tree = self._fetch(path)
            if self.signed_out(response, tree):
                raise AuthFailed(
                    "the portal asks for a login again right after the sign-in",
                    hint="Check the account's rights at the portal",
                    message_vi="Trang web lại đòi đăng nhập ngay sau khi vừa đăng nhập",
                    evidence=response.evidence(),
                )
        return response, tree

    def _fetch(self, path: str) -> tuple[Response, BeautifulSoup]:
        response = self._ctx.http.get(self.url(path), raw_status=True)
        judged_later = _GONE | _REFUSED if self.layout.login is not None else _GONE
        if response.status not in judged_later:
            response.refuse()
        self._last = response
        tree = self._parsed(response)
        self._keep_cookies()
        return response, tree

    def _parsed(self, response: Response) -> BeautifulSoup:
        if not _is_html(response):
            return soup("")
        text = text_in(response.content, response.headers.get("Content-Type", ""), self.layout.encoding)
        if tcvn3.looks_misread(text):
            raise SchemaDrift(
                "the page is not in the charset that it names, perhaps in TCVN3",
                hint="Say the charset in encoding of the layout: tcvn3, windows-1258",
                message_vi="Trang không dùng bảng mã mà nó khai, có thể là phông chữ cũ (TCVN3)",
                evidence={**response.evidence(), **_page_evidence(response)},
            )
        tree = soup(text)
        own_mark = self.layout.challenge and tree.select_one(self.layout.challenge)
        if own_mark or (self._must_show_officer(tree) and looks_like_challenge(tree)):
            raise BotChallenge(
                "the portal wants a person to prove to be one",
                hint="Sign in by hand at the portal, or ask its owner to let this address through",
                message_vi="Trang web đòi xác minh người thật (captcha)",
                evidence=response.evidence(),
            )
        return tree

    def _must_show_officer(self, tree: BeautifulSoup) -> bool:
        """Whether the mark of a signed-in officer is missing. A public page is judged by what it lacks
        (`_no_other_page`), since many have a captcha of their own for what a citizen may write there."""
        login = self.layout.login
        return login is not None and tree.select_one(login.signed_in) is None

    def signed_out(self, response: Response, tree: BeautifulSoup) -> bool:
        """Whether this is the portal's way of asking for a login."""
        login = self.layout.login
        if response.status in _REFUSED:
            return True
        if login is not None and login.form and tree.select_one(login.form) is not None:
            return True
        return self._must_show_officer(tree) and looks_like_login(tree)

    def _whole(self, response: Response, tree: BeautifulSoup) -> None:
        mark = self.layout.end_mark.encode()
        if mark and mark.lower() not in response.content[-4096:].lower():
            raise Transient("the page broke off before its end", evidence=response.evidence())
        if self.layout.login is not None:
            with self.keeping():
                require(tree, self.layout.login.signed_in, what="the mark of a signed-in officer")

    def url(self, path: str) -> str:
        """The whole address of a path."""
        return at(self.base_url, path)

    def _keep_cookies(self) -> None:
        held = self._ctx.http.cookies
        if held != self._ctx.state.get("cookies"):
            self._ctx.state["cookies"] = held

    # -- signing in ------------------------------------------------------------------------------

    def sign_in(self) -> None:
        """A new login into ``ctx.state``; nothing for public pages. Raises `AuthFailed` where refused."""
        login = self.layout.login
        if login is None:
            return
        self._ctx.http.cookies = {}
        self._ctx.state.pop("cookies", None)
        page_url = self.url(login.path)
        tree = self._parsed(self._ctx.http.get(page_url))
        form = require(tree, login.form or _PASSWORD_FORM, what="the login form")[0]
        action = joined(page_url, str(form.get("action") or ""))
        response = self._ctx.http.post(action, data=self._account(form, login))
        tree = self._parsed(response)
        if self.signed_out(response, tree):
            raise AuthFailed(
                "the portal refused user name or password",
                hint="Check the account in the channel's settings",
                message_vi="Trang web từ chối tên đăng nhập hoặc mật khẩu",
                evidence=response.evidence(),
            )
        require(tree, login.signed_in, what="the mark of a signed-in officer")
        self._keep_cookies()

    def _account(self, form: Tag, login: LoginPart) -> dict[str, str]:
        """The form as it stood, hidden fields and token included, with the account in it."""
        fields = {**form_fields(form), **pressed(form, login.button)}
        password = login.password_field or _name(form, "input[type=password][name]")
        user = login.user_field or _name(form, _USER_FIELD)
        fields[user] = str(self._ctx.config.get("username") or "")
        fields[password] = self._ctx.secrets.get("password", "")
        return fields

    # -- forms and files -------------------------------------------------------------------------

    def submit(
        self, page: Page, form: Tag, fields: Mapping[str, str], parts: Parts = ()
    ) -> tuple[Response, BeautifulSoup]:
        """Send a form that changes the portal, once, with the files in `parts`. The answer is the caller's
        to judge."""
        action = joined(self.url(page.path), str(form.get("action") or ""))
        body: dict[str, Any] = {"data": dict(fields)}
        if parts or str(form.get("enctype", "")).lower() == "multipart/form-data":
            body = {"files": [*((name, (None, value)) for name, value in fields.items()), *parts]}
        response = self._ctx.http.post(action, effect=True, raw_status=True, **body)
        self._keep_cookies()
        if not _is_html(response):
            return response, soup("")
        content_type = response.headers.get("Content-Type", "")
        return response, parse(response.content, content_type, self.layout.encoding)

    def file(self, ref: str) -> FetchedFile:
        """The bytes of one file. A login page in its place is signed in for, and never the file."""
        response, tree = self._open(ref)
        if response.status in _GONE:
            raise Permanent(f"the file {urlsplit(ref).path} is gone", evidence=response.evidence())
        name = _disposition(response)
        if _is_html(response) and not name:
            if self.layout.login is not None:
                require(tree, self.layout.login.signed_in, what="the file")
            raise SchemaDrift("a page of the portal came instead of the file", evidence=response.evidence())
        name = name or file_name(ref) or "tep-dinh-kem"
        return FetchedFile(response.content, response.content_type or "application/octet-stream", name)


def pressed(form: Tag, css: str) -> dict[str, str]:
    """What the pressed button adds to a form."""
    if not css:
        return {}
    button = require(form, css, what="the form's button")[0]
    return {str(button["name"]): str(button.get("value", ""))} if button.get("name") else {}


def _name(form: Tag, css: str) -> str:
    return str(require(form, css, what="the login form's field")[0]["name"])


def _no_other_page(page: Page, container: str) -> None:
    """Raises where a login, a challenge or a maintenance notice came. A page that merely lacks the
    report is one bad record, which the mapping tells."""
    try:
        require(page.tree, container, what="the report")
    except BotChallenge:
        raise
    except SchemaDrift:
        return


def _page_evidence(response: Response) -> dict[str, Any]:
    content_type = response.headers.get("Content-Type", "text/html")
    return {"content": response.content, "content_type": content_type, "url": response.url}


def _is_html(response: Response) -> bool:
    """A file must not be read as a page: parsing ten megabytes of picture takes minutes."""
    return "html" in response.content_type or (
        not response.content_type and response.content.lstrip()[:1] == b"<"
    )


def _disposition(response: Response) -> str:
    header = Message()
    header["Content-Disposition"] = response.headers.get("Content-Disposition", "inline")
    return PurePosixPath(header.get_filename() or "").name
