"""Attachments: fetched from their source after their report is safe, and kept by content.

    claim some of one channel (tx) | fetch | file on disk | settle each (tx)

How a file is kept is `kept_files`' matter. Several machines share the folder, or each fetches into its own
and only one serves it.

What may surprise: claiming is moving `next_try_at` into the future and counting the try. There is no
lease to clean up; a worker that dies only costs the wait.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from aggregator.domain.delivery import backoff
from aggregator.errors import BadRecord, ChannelError, ConfigInvalid, Permanent, RateLimited, SchemaDrift
from aggregator.sdk.contract import Connector, Context, FetchedFile
from aggregator.services.clock import Clock
from aggregator.services.connections import Connections
from aggregator.services.faults import origin
from aggregator.services.kept_files import lay_down, path_of
from aggregator.settings import Settings
from aggregator.storage import attachment_queries, channel_queries
from aggregator.storage.channel_queries import ChannelRow
from aggregator.storage.db import Database

log = logging.getLogger(__name__)

#: Files of one channel that one tick takes on.
TAKEN = 10
#: Tries before a file that never comes is given up: with the waits below, about three days.
MOST_TRIES = 16
FIRST_WAIT_S, LONGEST_WAIT_S = 60.0, 6 * 3600.0
#: A reference that is the file's own content: it came with the report.
INLINE, _DIGEST = "sha256:", re.compile(r"[0-9a-f]{64}")
#: Errors that will be the same tomorrow.
_FOR_GOOD = (Permanent, SchemaDrift, BadRecord)


class Attachments:
    """Fetches what intake has noted."""

    def __init__(self, db: Database, connections: Connections, clock: Clock, settings: Settings) -> None:
        self._db = db
        self._connections = connections
        self._clock = clock
        self._settings = settings
        self._folder = settings.data_dir / "attachments"

    def tick(self) -> int:
        """Fetch the pending files of one channel, a few; how many were tried."""
        now = self._clock()
        with self._db.write() as tx:
            until = now + timedelta(seconds=self._settings.lease_s)
            rows = attachment_queries.claim(tx, now, until, TAKEN)
            channel = channel_queries.by_id(tx, rows[0].channel_id) if rows else None
        if channel is None:
            return 0
        left = list(rows)
        try:
            deadline = now + timedelta(seconds=self._settings.poll_deadline_s)
            most = self._settings.max_attachment_bytes
            with self._connections.open(channel, deadline=deadline, max_bytes=most) as (connector, ctx):
                came_along = self._connections.capabilities(channel).attachments == "inline"
                while left:
                    file = self._laid_down(left[0]) if came_along else None
                    self._fetch(connector, ctx, left[0], file)
                    left.pop(0)
        except ChannelError as error:
            # The channel cannot be talked to now: no use to knock once for each file.
            self._later(channel, left, error)
        return len(rows)

    def _fetch(self, connector: Connector, ctx: Context, row: Any, file: FetchedFile | None) -> None:
        """One file to its end; raises where the trouble is the channel's and not the file's.

        `file`: it lies here already.
        """
        try:
            file = file or connector.fetch_attachment(ctx, row.ref)
            if len(file.content) > self._settings.max_attachment_bytes:
                raise Permanent(f"larger than {self._settings.max_attachment_bytes} bytes")
        except _FOR_GOOD as error:
            self._settle(row, state="refused", error=str(error)[:500], next_try_at=None)
        except ChannelError:
            raise
        except Exception as error:  # noqa: BLE001 (the edge to foreign code: one file never stops the others)
            log.error("channel %s, attachment %d: defect: %s", ctx.channel, row.id, origin(error))
            self._wait(row, "defect in the connector", None)
        else:
            self._store(row, file)

    def _laid_down(self, row: Any) -> FetchedFile | None:
        """A file that came with its report and lies here already, named by its content."""
        digest = str(row.ref).removeprefix(INLINE)
        path = path_of(self._folder, digest)
        if digest == row.ref or not _DIGEST.fullmatch(digest) or not path.is_file():
            return None
        return FetchedFile(path.read_bytes(), row.content_type or "", "")

    def _store(self, row: Any, file: FetchedFile) -> None:
        self._settle(
            row, state="stored", sha256=lay_down(self._folder, file.content), size=len(file.content),
            next_try_at=None, error=None, content_type=file.content_type or row.content_type,
        )  # fmt: skip

    def _later(self, channel: ChannelRow, rows: Sequence[Any], error: ChannelError) -> None:
        told = error.retry_after if isinstance(error, RateLimited) else None
        for row in rows:
            self._wait(row, str(error)[:500], told)
        if isinstance(error, ConfigInvalid):
            log.warning("channel %s: attachments wait: %s", channel.slug, error)

    def _wait(self, row: Any, error: str, told: float | None) -> None:
        if row.tries >= MOST_TRIES:
            self._settle(row, state="refused", error=f"given up: {error}", next_try_at=None)
            return
        wait = backoff(row.tries, first_s=FIRST_WAIT_S, cap_s=LONGEST_WAIT_S)
        wait = max(wait, timedelta(seconds=told or 0))
        self._settle(row, error=error, next_try_at=self._clock() + wait)

    def _settle(self, row: Any, **values: Any) -> None:
        with self._db.write() as tx:
            attachment_queries.settle(tx, row.id, row.tries, values)
