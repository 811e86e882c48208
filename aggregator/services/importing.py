"""One file into a channel of files, by hand: the same path as a poll, under the file's own run.

    file, mapping -> the channel, made or corrected -> claim -> batches -> intake -> counts

Promise: the same file again changes nothing, so an import that was stopped or killed goes on by being
started again. What may surprise: the mapping is kept on the channel and not only used for this file,
because what could not be read is read again later (replay), under the mapping of then.
"""

from __future__ import annotations

import importlib
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aggregator.domain.runs import Counts
from aggregator.errors import InputInvalid
from aggregator.sdk.discovery import Found
from aggregator.sdk.settings_schema import meant
from aggregator.services import channel_spec
from aggregator.services.accounts import Accounts
from aggregator.services.channels import Channels
from aggregator.services.clock import Clock
from aggregator.services.connections import found_of
from aggregator.services.poll_endings import RunResult
from aggregator.services.polling import Polling, never
from aggregator.services.views.channel import QuarantineView
from aggregator.storage import channel_queries
from aggregator.storage.channel_queries import ChannelRow
from aggregator.storage.db import Database

#: The connector that reads files.
KIND = "spreadsheet"
#: The settings that a mapping file may hold.
MAPPING_KEYS = ("columns", "formats", "defaults", "encoding", "sheet", "batch_rows")
#: Rows that could not be read, as far as they are named after an import.
NAMED_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class Imported:
    """How an import ended, and the first of the file's rows that wait in quarantine."""

    result: RunResult
    problems: tuple[QuarantineView, ...]


class Importing:
    """The import verb."""

    def __init__(
        self,
        db: Database,
        connectors: Mapping[str, Found],
        accounts: Accounts,
        channels: Channels,
        polling: Polling,
        clock: Clock,
    ) -> None:
        self._db = db
        self._connectors = connectors
        self._accounts = accounts
        self._channels = channels
        self._polling = polling
        self._clock = clock

    def needs_mapping(self, slug: str) -> bool:
        """Whether this channel does not know yet which column is what."""
        channel = self._channel(slug)
        return channel is None or not channel.config.get("columns")

    def propose(self, file: Path) -> Mapping[str, str]:
        """Field -> heading, guessed from the file's headings for a person to confirm."""
        found = found_of(self._connectors, KIND)
        found.connector()  # loads it, or says why it does not load
        proposal: Mapping[str, str] = importlib.import_module(found.module).proposal_for(file)
        return proposal

    def run(
        self,
        file: Path,
        slug: str,
        mapping: Mapping[str, Any] | None = None,
        ward: str | None = None,
        *,
        stop: Callable[[], bool] = never,
        tell: Callable[[Counts], None] | None = None,
    ) -> Imported:
        """Take in the file's rows; makes the channel where it is missing (a mapping must then be given).

        `tell` hears the counts after each batch, `stop` ends the import there. Raises `InputInvalid`
        where mapping, ward or channel do not fit, `ChannelBusy` where somebody else reads the channel.
        """
        if mapping is not None:
            _check_keys(mapping)
        channel = self._channel(slug)
        if channel is None:
            self._add(slug, mapping, ward)
        else:
            self._adjust(channel, mapping, ward)
            self._free_if_dead(channel)
        config = {"file": str(file.resolve())}
        result = self._polling.poll(slug, kind="import", config=config, stop=stop, tell=tell)
        return Imported(result, self._problems(slug, file.name) if result.counts.quarantined else ())

    def _channel(self, slug: str) -> ChannelRow | None:
        with self._db.read() as tx:
            return channel_queries.by_slug(tx, slug)

    def _problems(self, slug: str, name: str) -> tuple[QuarantineView, ...]:
        mine = [
            one for one in self._channels.quarantine(None, slug) if one.raw_ref.startswith(f"{name} row ")
        ]
        return tuple(sorted(mine, key=lambda one: one.row or 0)[:NAMED_PROBLEMS])

    # The channel ------------------------------------------------------------------------------------

    def _add(self, slug: str, mapping: Mapping[str, Any] | None, ward: str | None) -> None:
        if not mapping:
            raise InputInvalid(f"channel {slug!r} is new and needs a mapping", field="mapping")
        code = ward or _ward_of(mapping) or self._only_ward()
        spec = {"slug": slug, "kind": KIND, "title": f"Tệp {slug}", "ward": code, "config": dict(mapping)}
        channel_spec.checked(spec, self._connectors)  # before a ward is made for it
        self._ensure_wards(code, _ward_of(mapping))
        self._channels.add(spec)

    def _adjust(self, channel: ChannelRow, mapping: Mapping[str, Any] | None, ward: str | None) -> None:
        if channel.kind != KIND:
            raise InputInvalid(
                f"channel {channel.slug} is of kind {channel.kind} and takes no files", field="channel",
                hint="give another --channel: it is made where it is missing",
            )  # fmt: skip
        if ward and ward != channel.ward_code:
            raise InputInvalid(
                f"channel {channel.slug} belongs to ward {channel.ward_code}, not {ward}", field="ward",
                hint="leave --ward out, name another --channel, or say defaults.ward in the mapping",
            )  # fmt: skip
        known = {key: value for key, value in channel.config.items() if key in MAPPING_KEYS}
        if mapping is None or dict(mapping) == known:
            return
        forgotten = dict.fromkeys(known, "")
        self._channels.change(channel.slug, {"config": {**forgotten, **mapping}})
        self._ensure_wards(_ward_of(mapping))

    def _only_ward(self) -> str:
        wards = self._accounts.wards()
        if len(wards) != 1:
            raise InputInvalid(
                "whose reports these are is not said", field="ward",
                hint="give --ward CODE, or [defaults] ward in the mapping",
            )  # fmt: skip
        return wards[0].value

    def _ensure_wards(self, *codes: str | None) -> None:
        there = {ward.value for ward in self._accounts.wards()}
        for code in dict.fromkeys(codes):
            if code and code not in there:
                self._accounts.ensure_ward(code, f"Phường, xã {code}")

    def _free_if_dead(self, channel: ChannelRow) -> None:
        """An import that was killed on this machine held the channel: nobody has to wait for its lease."""
        if channel.lease_owner and _is_dead(channel.lease_owner):
            with self._db.write() as tx:
                now = self._clock()
                current = channel_queries.by_id(tx, channel.id)
                if current.lease_owner == channel.lease_owner:
                    channel_queries.update_channel(tx, channel.id, {}, {"lease_until": now})


def _check_keys(mapping: Mapping[str, Any]) -> None:
    unknown = [f"{key}{meant(key, MAPPING_KEYS)}" for key in mapping if key not in MAPPING_KEYS]
    if unknown or not isinstance(mapping.get("columns"), Mapping):
        what = f"unknown: {', '.join(unknown)}" if unknown else "[columns] is missing"
        raise InputInvalid(
            f"the mapping cannot be used: {what}", field="mapping",
            hint="without --mapping a fitting one is proposed from the file's headings",
        )  # fmt: skip


def _ward_of(mapping: Mapping[str, Any]) -> str | None:
    defaults = mapping.get("defaults")
    return str(defaults["ward"]) if isinstance(defaults, Mapping) and defaults.get("ward") else None


def _is_dead(owner: str) -> bool:
    """Whether this lease is an import's of a process of this machine that is gone."""
    machine, _, rest = owner.rpartition(":")[0].rpartition(":")
    if os.name != "posix" or machine != socket.gethostname() or ":import-" not in owner or not rest.isdigit():
        return False
    try:
        os.kill(int(rest), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
