"""A connector run on a recording, without network, and what came of it compared with what was saved.

    cassette -> ReplayPortal over loopback -> poll (and push) with the recorder's clock -> records.json

Promise: nothing is asked of the real portal, and the same recording gives the same result on any day:
the clock stands at the instant of the recording.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from dataclasses import replace as changed
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from aggregator.errors import ChannelError, InputInvalid
from aggregator.sdk.cassette import Cassette
from aggregator.sdk.cassette_replay import ReplayPortal
from aggregator.sdk.contract import Batch, Connector, Context, Cursor, Manifest, PushCommand, Record
from aggregator.sdk.http import Tape
from aggregator.sdk.sandbox import serve
from aggregator.sdk.testing import context_for

__all__ = ["EXPECTED", "Outcome", "differences", "read_expected", "replay", "run", "write_expected"]

EXPECTED = "records.json"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a connector made of a recording."""

    records: tuple[Record, ...] = ()
    problems: tuple[str, ...] = ()
    cursor: Cursor | None = None
    pushed: tuple[str, ...] = ()
    #: The error that ended it, code first; empty where it came to its end.
    error: str = ""
    #: Requests that were not recorded, each with what came nearest.
    unmatched: tuple[str, ...] = ()
    batches: tuple[Batch, ...] = field(default=(), repr=False)

    def document(self) -> dict[str, Any]:
        """As plain JSON values, for `records.json`. Addresses are the recording's own."""
        found: dict[str, Any] = {
            "records": [_plain(asdict(record)) for record in self.records],
            "problems": list(self.problems),
            "cursor": _plain(self.cursor),
            "pushed": list(self.pushed),
            "error": self.error,
        }
        return {name: value for name, value in found.items() if value not in ([], "")}


def replay(connector: Connector, manifest: Manifest, cassette: Cassette, tape: Tape | None = None) -> Outcome:
    """Run the connector on the recording. Channel errors are part of the outcome.

    It runs twice, at two addresses: a part of the cursor that is another then (a digest of the address, a
    random number) is no part of what is expected.
    """
    first, second = (_once(connector, manifest, cassette, listening) for listening in (tape, None))
    return changed(first, cursor=_steady(first.cursor, second.cursor))


def _steady(one: Any, other: Any) -> Any:
    """The value with "…" for what differs."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return {key: _steady(value, other.get(key)) for key, value in one.items()}
    return one if one == other else "…"


def _once(connector: Connector, manifest: Manifest, cassette: Cassette, tape: Tape | None) -> Outcome:
    with serve(ReplayPortal(cassette)) as running:
        portal = running.portal
        assert isinstance(portal, ReplayPortal)
        ctx = context_for(
            running.url,
            manifest,
            portal.config(running.url),
            dict(cassette.secrets),
            cassette.at,
            status_map=cassette.options.get("status_map"),
            tape=tape,
        )
        if zone := cassette.options.get("timezone"):
            ctx = changed(ctx, zone=ZoneInfo(zone))
        with ctx.http:
            outcome = run(connector, ctx, pages=cassette.pages, pushes=cassette.pushes)
        return _at_home(outcome, running.url, portal)


def run(
    connector: Connector, ctx: Context, *, pages: int | None = None, pushes: Sequence[PushCommand] = ()
) -> Outcome:
    """A first poll, of so many batches, and then these answers. Channel errors are part of the outcome."""
    batches: list[Batch] = []
    pushed: list[str] = []
    error = ""
    try:
        batches.extend(islice(connector.poll(ctx, None), pages))
        pushed.extend(connector.push(ctx, command).outcome for command in pushes)
    except ChannelError as failed:
        error = f"{failed.code}: {failed.message}"
    return Outcome(
        tuple(record for batch in batches for record in batch.records),
        tuple(f"{p.item.ref}: {p.error.message}" for batch in batches for p in batch.problems),
        batches[-1].next_cursor if batches else None,
        tuple(pushed),
        error,
        (),
        tuple(batches),
    )


def _at_home(outcome: Outcome, url: str, portal: ReplayPortal) -> Outcome:
    """The outcome with the portal's own address for the server's, whose port is another each time."""
    home = portal.cassette.origin

    def led(data: Any) -> Any:
        if isinstance(data, str):
            return data.replace(url, home)
        if isinstance(data, Mapping):
            return {key: led(value) for key, value in data.items()}
        return [led(value) for value in data] if isinstance(data, list | tuple) else data

    records = tuple(_replaced(record, led) for record in outcome.records)
    return Outcome(
        records, tuple(map(led, outcome.problems)), led(outcome.cursor), outcome.pushed, led(outcome.error),
        tuple(map(led, portal.unmatched)), outcome.batches,
    )  # fmt: skip


def _replaced(record: Record, led: Any) -> Record:
    attachments = tuple(changed(a, ref=led(a.ref)) for a in record.attachments)
    return changed(record, url=led(record.url), attachments=attachments, extra=led(record.extra))


# -- what was saved ------------------------------------------------------------------------------


def write_expected(outcome: Outcome, folder: Path) -> None:
    """Save the outcome as what is expected from now on."""
    text = json.dumps(outcome.document(), ensure_ascii=False, indent=1, sort_keys=True)
    (folder / EXPECTED).write_text(text + "\n", "utf-8")


def read_expected(folder: Path) -> dict[str, Any]:
    """What was saved. Raises `InputInvalid` where there is nothing, or no JSON."""
    path = folder / EXPECTED
    try:
        found = json.loads(path.read_text("utf-8"))
    except OSError as error:
        hint = "`motmoi connector replay ID FOLDER --update` writes it"
        raise InputInvalid(f"{path}: cannot be read: {error.strerror}", hint=hint) from error
    except ValueError as error:
        raise InputInvalid(f"{path}: not JSON: {error}") from error
    if not isinstance(found, dict):
        raise InputInvalid(f"{path}: a table expected")
    return found


def differences(expected: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    """What differs, one sentence each; records are told apart by their id."""
    before = {record["external_id"]: record for record in expected.get("records", ())}
    after = {record["external_id"]: record for record in found.get("records", ())}
    for id_ in [*before, *(new for new in after if new not in before)]:
        if id_ not in after:
            yield f"report {id_}: expected, and did not come"
        elif id_ not in before:
            yield f"report {id_}: came, and was not expected"
        else:
            for name, old, new in _apart(before[id_], after[id_]):
                yield f"report {id_}: {name}: {_short(old)} was expected, {_short(new)} came"
    for key in ("problems", "cursor", "pushed", "error"):
        for name, old, new in _apart(expected.get(key), found.get(key), key):
            yield f"{name}: {_short(old)} was expected, {_short(new)} came"


def _apart(before: Any, after: Any, name: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Each place that differs: ``person.phone``, what was there, what is there."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            yield from _apart(before.get(key), after.get(key), f"{name}.{key}".removeprefix("."))
    elif before != after:
        yield name, before, after


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 120 else f"{text[:117]}…"


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
