"""A connector tried by its author: with a channel's settings, and without a database.

    channel's TOML -> settings_of -> opened(...) -> connector, context
    rehearse_live, rehearse_recorded -> what went over the wire, and what the connector made of it
    (what each expression of the manifest gave: `authors_view`)

Promise: the session reaches the hosts that the settings name, waits as a channel does, and nothing is
stored. What may surprise: the clock stands still while it runs, so that the same pages read again give
the same records; the time that really passes still ends the call.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from aggregator.domain.text import sha256_of
from aggregator.errors import InputInvalid
from aggregator.sdk.cassette import load
from aggregator.sdk.cassette_record import Session
from aggregator.sdk.cassette_recorder import Recorder, Taken
from aggregator.sdk.cassette_run import Outcome, replay, run
from aggregator.sdk.contract import Context, PushCommand, Record
from aggregator.sdk.discovery import Found, status_map_of, with_defaults
from aggregator.sdk.http import Http, Tape
from aggregator.services.canonical import revision_hash
from aggregator.services.channel_spec import ChannelSpec, checked, from_toml
from aggregator.services.connections import DEFAULT_ZONE, hosts_in, manifest_of

#: An author at a terminal waits longer than a worker does.
DEADLINE_S = 900.0
#: Read live and from the recording: where one differs, scrubbing changed more than people.
_NOBODYS = (
    "occurred_at", "updated_at", "due_at", "kind", "status", "status_raw", "category_raw", "urgency_raw",
)  # fmt: skip
_LISTS = ("answers", "attachments")


def settings_of(file: Path, found: Found) -> ChannelSpec:
    """The settings of a channel's file for this connector. Raises `InputInvalid` with all that is wrong."""
    given = from_toml(file)
    kind = given.get("kind", found.id)
    if kind != found.id:
        raise InputInvalid(f"{file}: the settings are for {kind!r}, not for {found.id!r}", field="kind")
    whole = {"slug": found.id.replace("_", "-"), "ward": "-", **given, "kind": found.id}
    return checked(whole, {found.id: found})


@contextmanager
def opened(found: Found, spec: ChannelSpec, now: datetime, tape: Tape | None = None) -> Iterator[Context]:
    """A context that speaks to the portal of these settings; `tape` listens in."""
    manifest, options = manifest_of(found), spec.options
    config = with_defaults(manifest, spec.config)
    deadline = now + timedelta(seconds=DEADLINE_S)
    log = logging.getLogger(f"connector.{manifest.id}")
    with Http(
        allowed_hosts=[*hosts_in(config), *options.get("hosts", ())],
        allow_private=bool(options.get("allow_private", False)),
        verify=options.get("verify", True),
        deadline=deadline,
        now=lambda: now,
        min_gap_s=float(options.get("min_gap_s", manifest.defaults.get("min_gap_s", 0))),
        max_bytes=int(manifest.defaults.get("max_bytes", 20_000_000)),
        secrets=list(spec.secrets.values()),
        log=log,
        tape=tape,
    ) as http:
        yield Context(
            channel=spec.slug,
            config=config,
            secrets=spec.secrets,
            http=http,
            state={},
            now=lambda: now,
            deadline=deadline,
            zone=ZoneInfo(options.get("timezone", DEFAULT_ZONE)),
            status_map=status_map_of(manifest, options.get("status_map", {})),
            log=log,
            answer_words={**manifest.answer_words, **options.get("answer_words", {})},
        )


def news_mark(record: Record) -> str:
    """The hash that tells news, as the product makes it but for the key of its vault."""
    return revision_hash(record, lambda text, purpose: sha256_of(f"{purpose} {text}"))


# -- one run -------------------------------------------------------------------------------------


def listened(
    found: Found,
    spec: ChannelSpec,
    *,
    pages: int | None = None,
    pushes: tuple[PushCommand, ...] = (),
    first: Callable[[Context], object] | None = None,
    now: datetime | None = None,
    ignored: Sequence[str] = (),
) -> tuple[Session, Outcome]:
    """One session with the real portal: what went over the wire, and what the connector made of it.

    `first` is done before the poll, and recorded with it. `now` is the instant at which the clock
    stands; `ignored` names what tells no requests apart.
    """
    recorder, now = Recorder(), now or datetime.now(UTC).replace(microsecond=0)
    with opened(found, spec, now, recorder) as ctx:
        if first is not None:
            first(ctx)
        outcome = run(found.connector(), ctx, pages=pages, pushes=pushes)
        state = {**ctx.state, "renewed tokens": dict(ctx.tokens.read())}
    unread = [f"nobody can tell whose item {problem} is" for problem in outcome.problems]
    if outcome.error:
        unread.append(f"the poll did not come to its end ({outcome.error})")
    session = Session(
        connector=found.id, version=manifest_of(found).version, at=now, taken=recorder.taken,
        records=outcome.records, unread=unread, config=spec.config, secrets=spec.secrets, state=state,
        options=spec.options, pages=pages, pushes=pushes, ignored=ignored,
    )  # fmt: skip
    return session, outcome


def changed_by_scrubbing(live: Outcome, again: Outcome) -> Iterator[str]:
    """What the recording gives otherwise than the portal gave, people aside."""
    before = {record.external_id: record for record in live.records}
    after = {record.external_id: record for record in again.records}
    for id_ in sorted(before.keys() ^ after.keys()):
        yield f"report {id_} comes only {'from the portal' if id_ in before else 'from the recording'}"
    for id_ in sorted(before.keys() & after.keys()):
        old, new = before[id_], after[id_]
        names = [name for name in _NOBODYS if getattr(old, name) != getattr(new, name)]
        names += [name for name in _LISTS if len(getattr(old, name)) != len(getattr(new, name))]
        yield from (f"report {id_}: {name} is another in the recording" for name in names)
    yield from again.unmatched


def rehearse_live(
    found: Found, file: Path, now: datetime, pages: int | None
) -> tuple[list[Taken], Outcome, Mapping[str, Any]]:
    """What the real portal answers, what the connector makes of it, and the settings."""
    spec, recorder = settings_of(file, found), Recorder()
    with opened(found, spec, now, recorder) as ctx:
        outcome = run(found.connector(), ctx, pages=pages)
    taken = [replace(one, url=_hidden(one.url, spec.secrets)) for one in recorder.taken]
    return taken, outcome, ctx.config


def _hidden(url: str, secrets: Mapping[str, str]) -> str:
    """The address without a key in it."""
    for secret in secrets.values():
        url = url.replace(quote(secret, safe=""), "***") if secret else url
    return url


def rehearse_recorded(
    found: Found, folder: Path, pages: int | None
) -> tuple[list[Taken], Outcome, Mapping[str, Any]]:
    """The same of a recording."""
    cassette, recorder = load(folder), Recorder()
    fewest = min((n for n in (pages, cassette.pages) if n is not None), default=None)
    shorter = replace(cassette, pages=fewest, pushes=())
    outcome = replay(found.connector(), manifest_of(found), shorter, recorder)
    return recorder.taken, outcome, cassette.config
