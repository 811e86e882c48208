"""What a connector promises, and what it is given.

A connector turns one kind of portal into `Batch`es of `Record`s and, where the portal allows it,
carries answers back. It never opens a database, never sleeps, never reads the clock: `Context`
gives it a session, its settings and `ctx.now()`. What may surprise: the *type* of an error is the
recovery action, so a connector raises the error class that says what should happen next and never
returns "nothing" for a page it did not understand.

    check(ctx)            -> is the channel set up right? named steps, creates nothing
    poll(ctx, cursor)     -> batches; each is committed before the next is asked for
    remap(ctx, item)      -> one raw item again through the current mapping (replay, no network)
    push(ctx, command)    -> deliver one answer
    lookup(ctx, command)  -> is that answer at the portal? (read-back, before any repeat)
    fetch_attachment(...) -> the bytes of one attachment

What only some portals allow is a protocol of its own, told by a capability of the manifest:

    backfill(ctx, span, cursor)  `Backfills`      capability ``backfill``: by_date or by_page
    fetch(ctx, external_id)      `Fetches`        capability ``fetch``: one report by its id
    handle_webhook(ctx, request) `TakesWebhooks`  capability ``webhook``: the source calls us
    migrate_cursor(old)          `MigratesCursor` a cursor of an older version of the connector

The values stand in two modules, told here as one: what a connector brings (`records`) and the answers that
it carries (`commands`). Import all of them from here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable
from zoneinfo import ZoneInfo

from aggregator.domain.hand_form import HandForm
from aggregator.errors import (
    AuthFailed,
    BadRecord,
    BotChallenge,
    ByHand,
    ChannelError,
    ConfigInvalid,
    NoWord,
    Permanent,
    RateLimited,
    SchemaDrift,
    Transient,
    UnknownOutcome,
)
from aggregator.sdk.commands import AnswerKind, PushCommand, PushResult, RemoteState
from aggregator.sdk.out_files import FILE_TYPES, FileType, OutFile
from aggregator.sdk.records import (
    Answer,
    Attachment,
    Batch,
    Cursor,
    FetchedFile,
    Location,
    Person,
    Problem,
    RawItem,
    RawPage,
    Record,
    SourceStatus,
    meaning_of,
)
from aggregator.sdk.tokens import Tokens, TokensInMemory

if TYPE_CHECKING:
    from aggregator.sdk.http import Http

__all__ = [
    "API",
    "FILE_TYPES",
    "Answer",
    "AnswerKind",
    "Attachment",
    "AuthFailed",
    "Backfills",
    "BadRecord",
    "Batch",
    "BotChallenge",
    "ByHand",
    "Capabilities",
    "ChannelError",
    "CheckResult",
    "ConfigInvalid",
    "Connector",
    "Context",
    "Cursor",
    "Expiry",
    "FetchedFile",
    "Fetches",
    "FileType",
    "Location",
    "Manifest",
    "MigratesCursor",
    "NoWord",
    "OutFile",
    "Permanent",
    "Person",
    "Problem",
    "PushCommand",
    "PushResult",
    "RateLimited",
    "RawItem",
    "RawPage",
    "Record",
    "RemoteState",
    "SchemaDrift",
    "SourceStatus",
    "Span",
    "TakesWebhooks",
    "TellsExpiry",
    "Tokens",
    "Transient",
    "UnknownOutcome",
    "WebhookReply",
    "WebhookRequest",
    "meaning_of",
]

#: The contract's version. A manifest that asks for another one is refused at load.
API = 1


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a portal allows. The product offers a person nothing that is not true here."""

    poll: Literal["incremental", "full_snapshot", "none"] = "incremental"
    attachments: Literal["inline", "download", "none"] = "none"
    push_reply: bool = False
    push_status: bool = False
    #: The kinds of answer that the source has a word of its own for. What it lacks is said by another kind
    #: (`domain.delivery.spoken_as`), or carried by a person.
    push_kinds: tuple[AnswerKind, ...] = ("result", "progress", "refusal")
    idempotency: Literal["native_key", "natural_key", "read_back", "none"] = "none"
    ordering: Literal["per_report", "none"] = "per_report"
    revisions: bool = True
    backfill: Literal["by_date", "by_page", "none"] = "none"
    conditional_get: bool = False
    max_reply_chars: int = 4000
    #: Files go with an answer (`PushCommand.attachments`): at most so many, so many bytes each and together,
    #: of these types. What does not fit stays behind, for a person to bring; an officer is told so before
    #: sending. The product itself never sends more than this.
    push_attachments: bool = False
    push_max_files: int = 5
    push_max_bytes: int = 15_000_000
    push_max_file_bytes: int = 5_000_000
    push_file_types: tuple[FileType, ...] = FILE_TYPES
    #: One report can be read by its id (`Fetches`): canaries, questions about a single report.
    fetch: bool = False
    #: The source calls us (`TakesWebhooks`); such a channel may have no poll at all.
    webhook: bool = False


@dataclass(frozen=True, slots=True)
class Manifest:
    """The facts of a connector, read from its ``connector.yaml`` without importing its code."""

    id: str
    version: str
    api: int
    title: Mapping[str, str]
    description: Mapping[str, str]
    maintainer: str
    capabilities: Capabilities
    #: JSON Schema (2020-12) of the channel's settings; a property with ``secret: true`` is stored
    #: encrypted and reaches the connector in `Context.secrets`.
    config_schema: Mapping[str, Any]
    #: Remote status -> `SourceStatus` value. A channel's own settings may override entries.
    status_map: Mapping[str, str]
    #: Polite defaults: ``interval_s``, ``min_gap_s`` between requests to a host, ``deadline_s``,
    #: ``max_bytes`` of one response.
    defaults: Mapping[str, Any]
    folder: Path
    #: ``python``: the folder's own code. Any other kind names a level of `aggregator.sdk.levels`, and the
    #: manifest alone is the connector: `source` says how it reads, `push` how it answers.
    kind: str = "python"
    source: Mapping[str, Any] = field(default_factory=dict)
    push: Mapping[str, Any] = field(default_factory=dict)
    #: Kind of answer -> the state's word that goes with it at the source, where that is not the one that
    #: `status_map` gives for the answer's status. A channel's own settings may override entries.
    answer_words: Mapping[str, str] = field(default_factory=dict)
    #: What a person fills in at the source who brings an answer there by hand.
    manual: HandForm = field(default_factory=HandForm)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One named step of a set-up check, with what to do where it failed (vi: shown on screen)."""

    name: str
    ok: bool
    detail: str = ""
    hint: str = ""
    #: The error's, where one ended the step.
    code: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """What a backfill asks for: a time span (half open, aware), or the reports of these ids."""

    since: datetime | None = None
    until: datetime | None = None
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """One call of a source to us, before anything in it is believed. `body` is what came, byte by byte:
    signatures are made over it."""

    method: str
    #: Names in lower case.
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    received_at: datetime
    #: Its signature was found right when it came: on taking it in later only its content counts, and a
    #: secret that was changed meanwhile loses nothing.
    verified: bool = False


@dataclass(frozen=True, slots=True)
class WebhookReply:
    """What the source is answered once the batch is stored (never before), and the batch itself.

    ``batch.next_cursor`` is not used. No batch: the call was understood and holds nothing to store.
    """

    batch: Batch | None = None
    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    #: The source's own name of this delivery: the same again is answered and not taken a second time.
    #: Empty: the bytes of the call are its name.
    delivery: str = ""


@dataclass(frozen=True, slots=True)
class Expiry:
    """When something that lets us in ends. `title`: vi and en, as people call it."""

    title: Mapping[str, str]
    at: datetime
    #: We get the next one by ourselves before then; a person has to act only where this is False.
    renews: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """All that a connector may use during one call."""

    channel: str
    config: Mapping[str, Any]
    secrets: Mapping[str, str]
    http: Http
    #: Small values that outlive a call (session tokens, ETags); stored encrypted, per channel.
    state: MutableMapping[str, Any]
    now: Callable[[], datetime]
    #: Give up with `Transient` when this instant has passed.
    deadline: datetime
    #: The zone of the portal's naive times.
    zone: ZoneInfo
    #: Remote status -> ours: the manifest's map with the channel's own entries over it.
    status_map: Mapping[str, SourceStatus]
    log: logging.Logger
    #: Values that must never be lost or used twice: tokens that renew themselves (see `Tokens`).
    tokens: Tokens = field(default_factory=TokensInMemory)
    #: The newest raw bytes that are kept of one report of this channel (`RawItem.content`); None where
    #: there is none: for sources that send what is new and not the whole.
    last_raw: Callable[[str], bytes | None] = lambda _external_id: None
    #: Kind of answer -> the source's word for the state that goes with it (see `word_for`).
    answer_words: Mapping[str, str] = field(default_factory=dict)

    def status_of(self, raw: str | None) -> SourceStatus:
        """Our word for the source's status; unknown or missing is `UNMAPPED`, never a guess."""
        return meaning_of(raw, self.status_map)

    def status_raw_for(self, status: SourceStatus) -> str | None:
        """The source's word for our status: the first entry of the map that says so."""
        return next((raw for raw, ours in self.status_map.items() if ours == status), None)

    def word_for(self, command: PushCommand) -> str | None:
        """The source's word for the state that an answer leaves: the one for its kind, else the one for
        its status. None: raise `NoWord`, never guess."""
        return self.answer_words.get(command.kind) or self.status_raw_for(command.status)


class Connector(Protocol):
    """The protocol itself. A connector's package exposes ``CONNECTOR: Connector``."""

    def check(self, ctx: Context) -> list[CheckResult]:
        """Named steps from reach to write permission. Creates nothing at the portal."""
        ...

    def poll(self, ctx: Context, cursor: Cursor | None) -> Iterator[Batch]:
        """All that is new or changed since `cursor`, oldest first, in bounded batches."""
        ...

    def remap(self, ctx: Context, item: RawItem) -> Record:
        """Map one raw item again, without network. Raises `BadRecord`."""
        ...

    def push(self, ctx: Context, command: PushCommand) -> PushResult:
        """Deliver one answer. Raises `UnknownOutcome` when the request left and no answer came."""
        ...

    def lookup(self, ctx: Context, command: PushCommand) -> RemoteState | None:
        """What the portal shows for the command's report; None where the report is not there."""
        ...

    def fetch_attachment(self, ctx: Context, ref: str) -> FetchedFile:
        """The bytes of one attachment."""
        ...


@runtime_checkable
class Backfills(Protocol):
    """A portal whose past can be asked for. Its cursor is a stream of its own, never that of `poll`."""

    def backfill(self, ctx: Context, span: Span, cursor: Cursor | None) -> Iterator[Batch]:
        """The reports of `span`, in batches; `cursor` is where an interrupted one stopped."""
        ...


@runtime_checkable
class Fetches(Protocol):
    """A portal where one report can be read by its id."""

    def fetch(self, ctx: Context, external_id: str) -> tuple[Record, RawItem] | None:
        """The report as the portal has it now; None where it is not there. Raises `BadRecord`."""
        ...


@runtime_checkable
class TakesWebhooks(Protocol):
    """A source that calls us."""

    def handle_webhook(self, ctx: Context, request: WebhookRequest) -> WebhookReply:
        """What the call brings. Raises `AuthFailed` where its signature is not the source's, `Permanent`
        for a call that is none of the source's kind, `BadRecord` or `SchemaDrift` where it is the source's
        and cannot be read. Uses no network: a source waits two seconds for us.

        Called twice, and must answer alike: when the call comes, for the answer that the source gets, and
        again (``request.verified``) when what it brought is taken in."""
        ...


@runtime_checkable
class TellsExpiry(Protocol):
    """A connector whose way in ends by itself unless somebody renews it."""

    def expiries(self, ctx: Context) -> list[Expiry]:
        """What ends when, from what is stored: no network."""
        ...


@runtime_checkable
class MigratesCursor(Protocol):
    """A connector whose cursors changed their form."""

    def migrate_cursor(self, old: Cursor) -> Cursor | None:
        """`old` in today's form; None to begin anew (what is known is recognised, nothing doubles)."""
        ...
