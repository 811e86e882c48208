"""The list of answers that people bring to sources by hand, with all that bringing one takes.

    scope (who, which channel, what need) | one page by index | fields to copy, tries so far, the tick

What may surprise: a page is five questions to the database however long the list is, a few more where an
answer on it is in doubt and stands beside what its source shows; and counts stop at a hundred. An answer is
told by its source's form, which its connector's manifest names (`domain.hand_form`).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from aggregator.domain.errands import Need
from aggregator.domain.hand_form import Filled, HandAnswer, HandForm, filled
from aggregator.domain.people import Actor, Right
from aggregator.domain.workflow import ReplyKind
from aggregator.errors import BadRecord
from aggregator.sdk.contract import Manifest
from aggregator.sdk.discovery import Found
from aggregator.sdk.manifest import url_places
from aggregator.sdk.placeholders import Template
from aggregator.services import answer_views, cover, delivery_views, shown_there
from aggregator.services.carrying import TITLES, told_by
from aggregator.services.shown_there import There
from aggregator.services.views.delivery import DeliveryView, FileView
from aggregator.storage import errand_queries, ids, reply_file_queries, tick_queries
from aggregator.storage.db import Tx
from aggregator.storage.errand_queries import Scope

SIZE = 25


@dataclass(frozen=True, slots=True)
class ErrandFilter:
    """What a person wants to see. `after` is a page's token."""

    #: A need's word; empty: all that waits.
    need: str = ""
    #: A channel's slug.
    channel: str = ""
    mine: bool = False
    after: str = ""
    size: int = SIZE


@dataclass(frozen=True, slots=True)
class TryView:
    """One entry of the ledger about an answer on its way."""

    at: datetime
    state: str
    attempt: int
    error: str


@dataclass(frozen=True, slots=True)
class TickView:
    """What a person said: done then, said then."""

    id: int
    done_at: datetime
    ticked_at: datetime
    who: str | None
    reference: str | None
    #: The type of the picture handed in; None where there is none.
    file_type: str | None


@dataclass(frozen=True, slots=True)
class ErrandView:
    """One answer that a person has to do with, and what it takes."""

    need: Need
    delivery: DeliveryView
    case_id: int
    case_code: str
    subject: str
    kind: str
    written_at: datetime
    body: str
    fields: tuple[Filled, ...]
    #: The report's page at the source; empty where nobody knows one.
    url: str
    #: What the page was drawn from: a decision on anything older is refused.
    version: int
    #: Oldest first; only where it is not known whether it arrived.
    tries: tuple[TryView, ...]
    #: The last good reading of a source that can be read; None: it never was, or cannot be.
    read_at: datetime | None
    tick: TickView | None
    #: What is to be brought along.
    files: tuple[FileView, ...] = ()
    #: What the source showed last; only where it is not known whether the answer arrived.
    there: There | None = None


@dataclass(frozen=True, slots=True)
class SilentView:
    """A source that shows no answers, as a person of the ward said."""

    channel_slug: str
    channel: str
    who: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ErrandPage:
    rows: tuple[ErrandView, ...]
    #: Token of the next page; empty on the last.
    next: str
    #: At most a hundred each, which is "many".
    counts: Mapping[Need, int]
    #: Slug and title of each channel that anything is brought to.
    channels: tuple[tuple[str, str], ...]
    silent: tuple[SilentView, ...]


def read(
    tx: Tx, connectors: Mapping[str, Found], actor: Actor, wanted: ErrandFilter, now: datetime
) -> ErrandPage:
    """One page of what this person may see; a filter that names nothing known finds nothing."""
    officers: tuple[int, ...] = ()
    if wanted.mine:
        officers = (actor.id, *cover.read(tx, actor.ward, now).stands_in_for(actor.id))
    scope = Scope(actor.ward, officers, legal=actor.may(Right.LEGAL), need=need_of(wanted.need))
    here = errand_queries.channels_of(tx, scope)
    if wanted.channel:
        chosen = next((row.id for row in here if row.slug == wanted.channel), 0)
        scope = Scope(scope.ward, officers, chosen, scope.need, scope.legal)
    rows = errand_queries.page(tx, scope, _place(wanted.after), wanted.size + 1)
    shown = rows[: wanted.size]
    unclear = [row.case_id for row in shown if row.need == Need.UNCLEAR]
    tried = _tries(errand_queries.tries(tx, unclear)) if unclear else {}
    there = shown_there.of_answers(tx, connectors, [row for row in shown if row.need == Need.UNCLEAR])
    files = reply_file_queries.of_replies(tx, [row.reply_id for row in shown])

    def view(row: Any) -> ErrandView:
        made = _view(connectors, row, tried.get(row.id, ()), files.get(row.reply_id, ()), now)
        return replace(made, there=there.get(row.id))

    return ErrandPage(
        rows=tuple(map(view, shown)),
        next=_token(shown[-1]) if len(rows) > wanted.size else "",
        counts=errand_queries.counts(tx, scope),
        channels=tuple((row.slug, row.title) for row in here),
        silent=tuple(
            SilentView(row.slug, row.title, row.who, row.at) for row in tick_queries.silent(tx, actor.ward)
        ),
    )


def need_of(word: str) -> Need | None:
    """The need that an address names; None where it names none."""
    return next((need for need in Need if need.word == word), None)


def place_of(tx: Tx, actor: Actor, message_id: int) -> ErrandFilter | None:
    """The page that begins with this errand; None where nothing is asked about it, or not of this person."""
    row = errand_queries.one(tx, Scope(actor.ward, legal=actor.may(Right.LEGAL)), message_id)
    if row is None:
        return None
    return ErrandFilter(need=Need(row.need).word, after=_token_of(row.need, message_id - 1))


def reads_back(connectors: Mapping[str, Found], kind: str) -> bool:
    """Whether polls of such a channel can show what it was brought."""
    manifest = _manifest(connectors, kind)
    return manifest is not None and manifest.capabilities.poll != "none"


def _view(
    connectors: Mapping[str, Found], row: Any, tries: Sequence[TryView], files: Sequence[Any], now: datetime
) -> ErrandView:
    manifest = _manifest(connectors, row.channel_kind)
    form = manifest.manual if manifest else HandForm()
    readable = reads_back(connectors, row.channel_kind)
    return ErrandView(
        need=Need(row.need), delivery=delivery_views.view(row, now), case_id=row.case_id,
        case_code=row.case_code, subject=row.subject, kind=row.reply_kind, written_at=row.reply_at,
        body=row.body, fields=_fields(manifest, form, row), url=_url(manifest, form, row) or row.url or "",
        version=row.fence, tries=tuple(tries), read_at=row.last_success_at if readable else None,
        tick=_tick(row), files=answer_views.file_views(files),
    )  # fmt: skip


def _fields(manifest: Manifest | None, form: HandForm, row: Any) -> tuple[Filled, ...]:
    word = told_by(manifest, row.options or {}, ReplyKind(row.reply_kind)) if manifest else ""
    answer = HandAnswer(
        external_id=row.external_id, status=word, body=row.body, at=row.reply_at,
        author_name=row.author, author_title=TITLES.get(row.author_role, ""), unit=row.unit,
        transfer_to=row.reply_transfer_to, due_at=row.reply_due_at,
    )  # fmt: skip
    return filled(form, answer, manifest.capabilities.max_reply_chars if manifest else None)


def _url(manifest: Manifest | None, form: HandForm, row: Any) -> str:
    if manifest is None or not form.url:
        return ""
    template = Template(form.url, "manual.url", url_places(manifest.config_schema))
    scope = {"external_id": row.external_id, "config": row.config or {}}
    try:
        return template.path(scope) if template.complete(scope) else ""
    except BadRecord:  # an id that cannot stand in an address
        return ""


def _tick(row: Any) -> TickView | None:
    if row.tick_id is None:
        return None
    return TickView(row.tick_id, row.done_at, row.ticked_at, row.ticked_by, row.reference, row.file_type)


def _tries(rows: Sequence[Any]) -> dict[int, list[TryView]]:
    found: dict[int, list[TryView]] = {}
    for row in rows:
        data = json.loads(row.data)
        tried = TryView(row.at, data.get("state", ""), data.get("attempt", 0), data.get("error", ""))
        found.setdefault(data.get("outbox", 0), []).append(tried)
    return found


def _manifest(connectors: Mapping[str, Found], kind: str) -> Manifest | None:
    found = connectors.get(kind)
    return found.manifest if found else None


def _token(row: Any) -> str:
    return _token_of(row.need, row.id)


def _token_of(need: int, message_id: int) -> str:
    return base64.urlsafe_b64encode(f"{need}|{message_id}".encode()).decode()


def _place(token: str) -> tuple[int, int] | None:
    """The place a token names; one that was tampered with is the first page."""
    try:
        need, _, message = base64.urlsafe_b64decode(token.encode()).decode().partition("|")
        return (int(Need(int(need))), int(message)) if ids.possible(int(message) + 1) else None
    except (ValueError, binascii.Error):
        return None
