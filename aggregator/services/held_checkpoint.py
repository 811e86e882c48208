"""The newest checkpoint as a file remembers it: what a database restored from a backup has forgotten."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from aggregator.domain.checkpoints import FORMAT
from aggregator.storage.on_disk import put

#: Bytes that are read from the end of a file at a time, looking for its last line.
_STEP = 1 << 20


@dataclass(frozen=True, slots=True)
class Held:
    """A checkpoint's number, its text and the signature over that."""

    number: int
    text: str
    signature: str


class HeldFile:
    """One JSON document a line; the last line is the newest checkpoint."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def last(self) -> Held | None:
        """The newest checkpoint it holds; None where there is no file, or nothing of ours in it.

        A line that was never finished (the share went away in the middle) is passed over. `OSError` where
        the file cannot be read.
        """
        try:
            for line in self._from_the_end():
                if (held := _held(line)) is not None:
                    return held
        except FileNotFoundError:
            pass
        return None

    def keep(self, held: Held) -> None:
        """Put this checkpoint in the place of an older one: the whole file, or the old one."""
        before = self.last()
        if before is not None and before.number > held.number:
            return  # another process was quicker with a newer one
        line = json.dumps({"checkpoint": {"text": held.text, "signature": held.signature}}) + "\n"
        put(self.path, line.encode())

    def _from_the_end(self) -> list[bytes]:
        """The last lines, the very last first; at least one whole line where there is one."""
        with self.path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            step = _STEP
            while True:
                start = max(0, size - step)
                file.seek(start)
                lines = file.read(size - start).split(b"\n")
                whole = lines if start == 0 else lines[1:]
                if start == 0 or sum(map(bool, whole)) > 1:
                    return [line for line in reversed(whole) if line]
                step *= 4


def _held(line: bytes) -> Held | None:
    try:
        held = json.loads(line)["checkpoint"]
        text, signature = held["text"], held["signature"]
        lines = text.split("\n")
        return Held(int(lines[2]), text, signature) if lines[0] == FORMAT else None
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        return None
