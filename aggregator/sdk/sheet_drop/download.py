"""A table that is downloaded: signed in for, and not fetched again while the source says it is the same.

What may surprise: an ETag is sent only where the file was read to its end before, and kept only once it is;
kept any sooner, it would hide the rows that a time-out had left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aggregator.sdk.contract import AuthFailed, BotChallenge, Context, Manifest, SchemaDrift, Transient
from aggregator.sdk.html import looks_like_challenge, looks_like_login, looks_like_maintenance
from aggregator.sdk.http import Response
from aggregator.sdk.json_portal.client import Client
from aggregator.sdk.json_portal.compiling import compile_site
from aggregator.sdk.json_portal.definition import Request, Source
from aggregator.sdk.json_portal.rules import Rule

__all__ = ["Download", "Fetched", "compile_download"]

_MARKS = "marks"


@dataclass(frozen=True, slots=True)
class Fetched:
    """The file; `content` is None where the source says that it is the one read before."""

    content: bytes | None
    marks: Mapping[str, Any]

    def remember(self, ctx: Context) -> None:
        """The file was read to its end: keep how to ask whether it has changed."""
        if self.marks:
            ctx.state[_MARKS] = dict(self.marks)
        else:
            ctx.state.pop(_MARKS, None)


@dataclass(frozen=True, slots=True)
class Download:
    """One address; `name` is what its rows are called by."""

    source: Source
    request: Request
    rules: tuple[Rule, ...]
    name: str

    def fetch(self, ctx: Context, *, again: bool) -> Fetched:
        """The file; with `again` also where it has not changed."""
        marks: dict[str, Any] = {} if again else dict(ctx.state.get(_MARKS) or {})
        response = Client(self.source, ctx).read_raw(self.request, self.rules, conditional=marks)
        if response.not_modified:
            return Fetched(None, marks)
        _no_page(response)
        return Fetched(response.content, marks)


def compile_download(manifest: Manifest) -> Download:
    """The manifest's ``request``. Raises `ConfigInvalid` naming the path inside it."""
    source, request, rules = compile_site(manifest)
    last = str(manifest.source["request"]["path"]).rstrip("/").rsplit("/", 1)[-1]
    return Download(source, request, rules, last or "table")


def _no_page(response: Response) -> None:
    """Raise what a web page in place of a table stands for."""
    content = response.content
    if content.lstrip()[:1] != b"<":
        return
    if looks_like_challenge(content):
        raise BotChallenge("a challenge page came instead of the table", evidence=response.evidence())
    if looks_like_login(content):
        raise AuthFailed("a login page came instead of the table", evidence=response.evidence())
    if looks_like_maintenance(content):
        raise Transient("a maintenance notice came instead of the table", evidence=response.evidence())
    evidence = response.evidence(content=content, content_type=response.content_type or "text/html")
    raise SchemaDrift("a web page came instead of the table", evidence=evidence)
