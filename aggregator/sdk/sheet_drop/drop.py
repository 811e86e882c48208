"""Which files are to be read, and from which row: the cursor of a drop folder.

    {"v": 1, "settings": "…", "files": {name: {"size", "mtime", "sha256", "rows", "done", "had"}}}

Promise: a file that has not changed is not read again; one that has is read from its top, and what is
unchanged in it is recognised later by its content; a poll that was killed goes on at the row after the
last committed batch. What may surprise: other settings make every file new, so a corrected mapping
reaches files that are already in the folder. Files that left the folder leave the cursor. "had" is how many
rows a file had before it changed: one that loses all of them was exported wrongly, not emptied by citizens.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

from aggregator.sdk.contract import ConfigInvalid, Cursor, Transient

__all__ = ["Progress", "Stamp", "candidates", "fingerprint", "settled", "sha256_of"]

SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".txt.gz", ".xlsx")
#: Names under which programs write what they will rename when it is whole, and Excel's lock files.
_UNFINISHED_PREFIXES = (".", "~", "_tmp")
_UNFINISHED_SUFFIXES = (".tmp", ".temp", ".part", ".partial", ".filepart", ".crdownload", ".download", ".swp")
#: Settings that change what a row means. Others (batch size, waiting) leave read files read.
_MEANING = ("columns", "formats", "defaults", "encoding", "sheet")


def candidates(config: Mapping[str, Any]) -> list[Path]:
    """The files to look at, oldest first, in a folder or the one named; empty where neither is set.

    Raises `ConfigInvalid` where a path is wrong, `Transient` where a share does not answer.
    """
    if config.get("file"):
        path = Path(config["file"])
        if not path.is_file():
            raise ConfigInvalid(f"file: {path} is not there", hint="check the path, as this server sees it")
        return [path]
    if not config.get("folder"):
        return []
    folder = Path(config["folder"])
    if not folder.is_dir():
        raise ConfigInvalid(f"folder: {folder} is not a folder here", hint="create it, or mount the share")
    try:
        # No symbolic links: who may drop a file must not be able to read the rest of the server.
        found = [p for p in folder.iterdir() if _finished(p.name) and p.is_file() and not p.is_symlink()]
        return sorted(found, key=lambda p: (p.stat().st_mtime_ns, p.name))
    except PermissionError as error:
        raise ConfigInvalid(f"folder: {folder} may not be read by the product") from error
    except OSError as error:
        raise Transient(f"folder: {folder} does not answer: {error.strerror}") from error


def _finished(name: str) -> bool:
    low = name.lower()
    if low.startswith(_UNFINISHED_PREFIXES) or low.endswith(_UNFINISHED_SUFFIXES):
        return False
    return low.endswith(SUFFIXES)


def fingerprint(config: Mapping[str, Any], zone: str) -> str:
    """A short name for the settings that give a row its meaning."""
    meaning = {name: config[name] for name in _MEANING if config.get(name)}
    text = json.dumps([meaning, zone], sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells two states of a file apart without reading it."""

    size: int
    mtime: int

    @classmethod
    def of(cls, path: Path) -> Stamp:
        stat = path.stat()
        return cls(stat.st_size, stat.st_mtime_ns)


class Progress:
    """How far each file has been read. `cursor()` is what a batch carries."""

    def __init__(self, cursor: Cursor | None, settings: str) -> None:
        same = cursor is not None and cursor.get("v") == 1 and cursor.get("settings") == settings
        self._files: dict[str, dict[str, Any]] = (
            {name: dict(entry) for name, entry in cursor["files"].items()} if same and cursor else {}
        )
        self._settings = settings
        #: Files that this poll has read at least in part.
        self.opened = 0

    def cursor(self) -> Cursor:
        """A snapshot that later progress does not change."""
        return {
            "v": 1,
            "settings": self._settings,
            "files": {name: dict(entry) for name, entry in self._files.items()},
        }

    def is_done(self, name: str, stamp: Stamp) -> bool:
        """Whether the file was read to its end and looks untouched since."""
        entry = self._files.get(name, {})
        return bool(entry.get("done")) and self._seen(entry) == stamp

    def read_to_end(self, name: str) -> bool:
        """Whether the file was read to its end, as it was then."""
        return bool(self._files.get(name, {}).get("done"))

    def seen_before(self, name: str, stamp: Stamp) -> bool:
        """Whether an earlier poll met the file in just this state."""
        return name in self._files and self._seen(self._files[name]) == stamp

    def wait(self, name: str, stamp: Stamp) -> None:
        """Note a file that is left for the next poll."""
        self._files[name] = {"size": stamp.size, "mtime": stamp.mtime, "sha256": "", "rows": 0, "done": False}

    def start(self, name: str, stamp: Stamp, sha256: str, *, again: bool) -> int | None:
        """The rows of the file that were read before, or None where its content was read to the end.

        With `again` a whole file is read from its top once more.
        """
        entry = self._files.get(name, {})
        rows, had = 0, int(entry.get("rows" if entry.get("done") else "had", 0))
        if entry.get("sha256") == sha256:
            if entry["done"] and not again:
                self._files[name] = {**entry, "size": stamp.size, "mtime": stamp.mtime}
                return None
            rows = 0 if entry["done"] else int(entry["rows"])
        self._files[name] = {
            "size": stamp.size,
            "mtime": stamp.mtime,
            "sha256": sha256,
            "rows": rows,
            "done": False,
            "had": had,
        }
        self.opened += 1
        return rows

    def had_rows(self, name: str) -> int:
        """How many rows the file had when it was last read to its end."""
        return int(self._files[name].get("had", 0))

    def reached(self, name: str, rows: int, *, done: bool) -> None:
        """The first `rows` rows of the file are in the batches given so far."""
        self._files[name] |= {"rows": rows, "done": done}

    def keep_only(self, names: set[str]) -> None:
        """Forget files that are no longer there."""
        self._files = {name: entry for name, entry in self._files.items() if name in names}

    @staticmethod
    def _seen(entry: Mapping[str, Any]) -> Stamp:
        return Stamp(int(entry.get("size", -1)), int(entry.get("mtime", -1)))


def settled(path: Path, stamp: Stamp, now: datetime, wait: timedelta, *, seen_before: bool) -> bool:
    """Whether the file is whole, as far as can be told: untouched for `wait`, or since the last poll."""
    if seen_before or not wait:
        return True
    return now - datetime.fromtimestamp(stamp.mtime / 1e9, UTC) >= wait and Stamp.of(path) == stamp


def sha256_of(handle: IO[bytes]) -> str:
    """The hash of all bytes, read in pieces."""
    handle.seek(0)
    return hashlib.file_digest(handle, "sha256").hexdigest()  # type: ignore[arg-type]
