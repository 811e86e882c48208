"""Files that no report names any more: removed after the commit that forgot them, or found by a look around.

What may surprise: content is shared by its hash, so the last report that names it decides. And a file that
was written or used again a moment ago waits for a later look: its report is stored after it (a form's
photos, a fetched attachment), and until then nobody names it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from aggregator.services.kept_files import path_of
from aggregator.storage import forgetting_queries
from aggregator.storage.db import Database

#: Files that one look removes before it asks again what is left.
AT_ONCE = 200
_DIGEST = 64
#: Seconds for which a file may lie there before its report names it: of one that was named before, and of
#: any other.
USED_S, SETTLED_S = 600.0, 24 * 3600.0


class FileSweep:
    """Removes content from the attachments folder."""

    def __init__(self, db: Database, folder: Path) -> None:
        self._db = db
        self._folder = folder

    def sweep(self, stop: Callable[[], bool] = lambda: False) -> int:
        """Remove what the forgetting transactions named; how many files went."""
        gone = 0
        while not stop():
            with self._db.read() as tx:
                digests = forgetting_queries.files_to_remove(tx, AT_ONCE)
            removed = sum(self._remove(digest) for digest in digests)
            gone += removed
            if len(digests) < AT_ONCE or not removed:
                break
        return gone

    def _remove(self, digest: str) -> bool:
        path = path_of(self._folder, digest)
        with self._db.write() as tx:
            named = forgetting_queries.is_named(tx, digest)
            if not named and _age_s(path) < USED_S:
                return False
            if not named:
                path.unlink(missing_ok=True)
            forgetting_queries.file_removed(tx, digest)
        return not named

    def orphans(self, stop: Callable[[], bool] = lambda: False) -> int:
        """Look at every file of the folder; remove those that nobody names. How many went."""
        gone = 0
        for path in self._settled():
            if stop():
                break
            digest = path.parent.name + path.name
            if len(digest) == _DIGEST:
                gone += self._remove(digest)
            else:  # begun and never finished
                path.unlink(missing_ok=True)
                gone += 1
        return gone

    def _settled(self) -> Iterator[Path]:
        for folder, _, names in os.walk(self._folder):
            for name in names:
                path = Path(folder, name)
                if _age_s(path) > SETTLED_S:
                    yield path


def _age_s(path: Path) -> float:
    """Seconds since the file was written or used again; for ever where there is none."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")
