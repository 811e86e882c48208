"""Reading a portal's pages without being fooled by them.

A page that changed its layout, a login form and a CAPTCHA all come with status 200 and parse to
"nothing new". `require` is the cure: say what must be there, and its absence is an error that names
what came instead. What may surprise: the login and challenge marks are looked for only after the
expected part is missing (or JSON was expected), because many public pages carry a login box.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from bs4 import BeautifulSoup, Tag
from bs4.element import NavigableString

from aggregator.errors import AuthFailed, BotChallenge, SchemaDrift, Transient

__all__ = [
    "form_fields",
    "looks_like_challenge",
    "looks_like_login",
    "looks_like_maintenance",
    "require",
    "soup",
    "stacked",
    "text_of",
]

#: Marks of challenge pages, lower case: Cloudflare, reCAPTCHA, hCaptcha, Imperva, DDoS-Guard, F5, and the
#: cookie test that Vietnamese hosters put before a site under attack.
_CHALLENGE = (
    "cf-challenge",
    "cf_chl_",
    "challenge-platform",
    "<title>just a moment",
    "attention required! | cloudflare",
    "g-recaptcha",
    "h-captcha",
    "_incapsula_resource",
    "ddos-guard",
    "the requested url was rejected. please consult",
    "checking your browser",
    'document.cookie="d1n=',
    "xác minh bạn không phải là robot",
    "xác nhận bạn không phải người máy",
)
#: Only in the title or a heading: a report may well be about a lamp "đang bảo trì".
_MAINTENANCE = re.compile(
    r"<(?:title|h[1-3])\b[^>]{0,200}>[^<]{0,120}(?:bảo trì|nâng cấp hệ thống|tạm ngừng|maintenance)",
    re.IGNORECASE,
)
_PASSWORD = re.compile(r"<input\b[^>]{0,500}\btype\s*=\s*[\"']?password", re.IGNORECASE)
_BLOCKS = frozenset(
    ("p", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "section", "article", "table")
)
#: The only places where a line break of the source is one on the screen.
_AS_TYPED = frozenset(("textarea", "pre"))
_SPACES = re.compile(r"[ \t\r\f\v\u00a0]+")
#: Chromium stops at 512, pages at a few dozen. A selector climbs from every match to the top.
_DEEPEST = 128
#: Layouts of tables in tables go this deep; deeper are only tags that nobody closed.
_STACKED = 12
_LINES = re.compile(r" ?\n[ \n]*")


class _Page(BeautifulSoup):
    """A tree no deeper than a browser would make it: what stands deeper stands beside the tag before it."""

    def handle_starttag(self, *given: Any, **named: Any) -> Tag | None:
        while len(self.tagStack) > _DEEPEST:
            self.popTag()
        return super().handle_starttag(*given, **named)


def soup(content: bytes | str) -> BeautifulSoup:
    """The parsed page. Pass `Response.text` where the portal's charset header lies."""
    return _Page(content, "lxml")


def text_of(node: Tag | BeautifulSoup | None) -> str:
    """The words a reader sees: one line a block, spaces folded, no scripts. Empty for None."""
    if node is None:
        return ""
    pieces: list[str] = []
    if node.name in _AS_TYPED:
        pieces.append(node.get_text())
    else:
        _gather(node, pieces)
    return _LINES.sub("\n", _SPACES.sub(" ", "".join(pieces))).strip()


def _gather(node: Tag, pieces: list[str]) -> None:
    # A list instead of recursion: a hostile page may nest deeper than Python's stack.
    todo: list[object] = list(reversed(node.contents))
    while todo:
        item = todo.pop()
        if isinstance(item, Tag):
            if item.name in ("script", "style", "template", "noscript"):
                continue
            if item.name == "br":
                pieces.append("\n")
                continue
            if item.name in _AS_TYPED:
                pieces.append(f"\n{item.get_text()}\n")
                continue
            block = item.name in _BLOCKS
            if block:
                pieces.append("\n")
                todo.append("\n")
            todo.extend(reversed(item.contents))
        elif type(item) is NavigableString:
            pieces.append(str(item).replace("\n", " "))
        elif type(item) is str:
            pieces.append(item)


def form_fields(form: Tag) -> dict[str, str]:
    """What a browser would send for the untouched form, hidden fields and CSRF tokens included."""
    fields: dict[str, str] = {}
    options = _options(form)
    for control in form.find_all(("input", "textarea", "select")):
        if control.has_attr("disabled") or not control.has_attr("name"):
            continue
        value = _value_of(control, options.get(id(control)))
        if value is not None:
            fields[str(control["name"])] = value
    return fields


def _options(form: Tag) -> dict[int, Tag]:
    """The chosen option of each list, else its first; an option belongs to the nearest list around it."""
    chosen: dict[int, Tag] = {}
    for option in form.find_all("option"):
        owner = id(option.find_parent("select"))
        if owner not in chosen or (option.has_attr("selected") and not chosen[owner].has_attr("selected")):
            chosen[owner] = option
    return chosen


def _value_of(control: Tag, option: Tag | None) -> str | None:
    if control.name == "textarea":
        return control.get_text()
    if control.name == "select":
        return None if option is None else str(option.get("value", option.get_text()))
    kind = str(control.get("type", "text")).lower()
    if kind in ("submit", "button", "image", "reset", "file"):
        return None
    if kind in ("checkbox", "radio"):
        return str(control.get("value", "on")) if control.has_attr("checked") else None
    return str(control.get("value", ""))


def _markup(page: BeautifulSoup | Tag | bytes | str) -> str:
    if isinstance(page, bytes):
        return page.decode("utf-8", "replace")
    return page if isinstance(page, str) else str(page)


def looks_like_login(page: BeautifulSoup | Tag | bytes | str) -> bool:
    """Whether the page asks for a password."""
    return _PASSWORD.search(_markup(page)) is not None


def looks_like_challenge(page: BeautifulSoup | Tag | bytes | str) -> bool:
    """Whether the page wants a person to prove to be one."""
    markup = _markup(page)[:200_000].lower()
    return any(mark in markup for mark in _CHALLENGE)


def looks_like_maintenance(page: BeautifulSoup | Tag | bytes | str) -> bool:
    """Whether the page says, in its title or a heading, that the portal is down for maintenance."""
    return _MAINTENANCE.search(_markup(page)[:200_000]) is not None


def stacked(rows: Sequence[Tag]) -> bool:
    """Whether rows stand in one another many deep, as unclosed tags make them: each would be read again for
    every row around it, and a page of a few kilobytes would take minutes."""
    among = {id(row) for row in rows}
    return any(sum(id(parent) in among for parent in row.parents) > _STACKED for row in rows)


def require(page: BeautifulSoup | Tag, css: str, at_least: int = 1, what: str = "") -> list[Tag]:
    """All matches of `css`; fewer than `at_least` is an error naming what came instead.

    Raises `AuthFailed` for a login page, `BotChallenge` for a challenge, `Transient` for a
    maintenance notice, else `SchemaDrift`.
    """
    found = list(page.select(css))
    if len(found) >= at_least:
        return found
    what = what or css
    evidence = {"selector": css, "found": len(found), "at_least": at_least, "outline": outline(page)}
    if looks_like_challenge(page):
        raise BotChallenge(f"a challenge page came instead of {what}", evidence=evidence)
    if looks_like_login(page):
        raise AuthFailed(
            f"a login page came instead of {what}",
            hint="The session has ended or the password has changed",
            evidence=evidence,
        )
    if looks_like_maintenance(page):
        raise Transient(f"a maintenance notice came instead of {what}", evidence=evidence)
    raise SchemaDrift(
        f"the page has {len(found)} of {what} ({css}), at least {at_least} expected",
        scope="page",
        hint="The portal's layout has probably changed; the page is kept for a corrected connector",
        evidence=evidence,
    )


def outline(page: BeautifulSoup | Tag, limit: int = 40) -> list[str]:
    """The page's skeleton as ``tag#id.class`` marks, without any text: safe to keep as evidence."""
    marks: dict[str, None] = {}
    for tag in page.find_all(True, limit=2000):
        name = f"{tag.name}#{tag['id']}" if tag.get("id") else tag.name
        classes = tag.get_attribute_list("class")
        mark = ".".join([name, *(str(c) for c in classes if c)])
        if mark != tag.name:
            marks.setdefault(mark[:80])
        if len(marks) >= limit:
            break
    return list(marks)
