"""The parts of a compiled definition, as plain values; `compiling` makes them from a manifest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from aggregator.sdk.expressions import Expression
from aggregator.sdk.json_portal.rules import Rule
from aggregator.sdk.placeholders import Fill, Template
from aggregator.sdk.record_map import RecordMap

__all__ = [
    "Auth",
    "Detail",
    "Fetch",
    "Files",
    "Incremental",
    "Paging",
    "Push",
    "Request",
    "Source",
    "Stream",
    "Upload",
]


@dataclass(frozen=True, slots=True)
class Request:
    """One call, its places not yet filled."""

    method: str
    path: Template
    params: Mapping[str, Template]
    headers: Mapping[str, Template]
    body: Fill | None
    form: Mapping[str, Template] | None
    #: Every place in it.
    places: frozenset[str]


@dataclass(frozen=True, slots=True)
class Auth:
    """How the source knows us. `login` and `send` belong to ``token``."""

    type: str
    username: Template | None = None
    password: Template | None = None
    token: Template | None = None
    name: str = ""
    in_query: bool = False
    login: Request | None = None
    token_at: Expression | None = None
    send: Mapping[str, Template] | None = None
    errors: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Paging:
    """How a list goes on; see `walk.Pager`."""

    type: str
    param: str
    size_param: str
    #: A number, or the setting that says it.
    size: Template
    first: int
    next: Expression | None
    pages: Expression | None
    total: Expression | None
    when: Expression | None
    short_page: bool
    max_pages: int


@dataclass(frozen=True, slots=True)
class Incremental:
    """How only what changed is asked for. `overlap` is a time, or a count where `format` is number."""

    param: str
    until: str
    format: str
    source: str
    field: Expression | None
    header: str
    overlap: timedelta | int
    start: str | None
    ascending: bool
    sweep_every: timedelta | None
    sweep_back: timedelta | None


@dataclass(frozen=True, slots=True)
class Detail:
    """The second call for each record: at its own path, or at the address the list gives."""

    request: Request | None
    follow: Expression | None
    id: Expression | None
    record: Expression
    refresh: timedelta | None
    #: Reports whose unchanged line needs no second call; the oldest fall off, and are read again.
    remember: int


@dataclass(frozen=True, slots=True)
class Stream:
    """One list of the source."""

    name: str
    request: Request
    records: Expression
    paging: Paging
    incremental: Incremental | None
    detail: Detail | None
    map: RecordMap
    errors: tuple[Rule, ...]
    #: A mark of what is asked: a cursor of another question is not continued.
    mark: str


@dataclass(frozen=True, slots=True)
class Fetch:
    """One report by its id."""

    stream: Stream
    request: Request
    record: Expression
    errors: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Upload:
    """The call that takes one file before the answer; `field` is its form's, where it is one."""

    request: Request
    field: str
    ref: Expression
    errors: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Files:
    """How files go with an answer: in its form's `field`, or as entries of its body."""

    field: str
    entry: Fill | None
    upload: Upload | None


@dataclass(frozen=True, slots=True)
class Push:
    """How an answer is delivered."""

    request: Request
    kinds: frozenset[str]
    success: Rule
    already: Rule | None
    remote_ref: Expression | None
    errors: tuple[Rule, ...]
    check: Request | None
    files: Files | None


@dataclass(frozen=True, slots=True)
class Source:
    """The whole definition."""

    base_url: Template
    auth: Auth
    headers: Mapping[str, Template]
    streams: tuple[Stream, ...]
    fetch: Fetch | None
    push: Push | None
    tables: Mapping[str, Mapping[str, Any]]

    def stream(self, name: str) -> Stream | None:
        """The stream of this name."""
        return next((stream for stream in self.streams if stream.name == name), None)
