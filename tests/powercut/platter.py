"""What a disk holds when the power goes: all that was synced, and of the rest whatever it likes.

    platter.step(event) ...      platter.image(draw) -> {file: bytes}

Since a file's last sync the disk may have done its writes wholly, not at all, in another order, or some
sectors of each: so may every image drawn here. Old bytes or new bytes stand in a sector of 512, never a
mixture (SQLite asks no more of it: sqlite.org/psow.html); what was never written reads as zeros.

What may surprise: a removed file is gone at once. SQLite removes a log only after all in it was synced
elsewhere, so that its reappearance would say nothing new; here such logs only end the setting up.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping

from tests.powercut.recorder import Event, Mark, Remove, Sync, Truncate, Write

SECTOR = 512
Ask = Write | Truncate


class Platter:
    """The files as they are certain to be, and what was asked of each since."""

    def __init__(self) -> None:
        self._certain: dict[str, bytearray] = {}
        self._asked: dict[str, list[Ask]] = {}

    def step(self, event: Event) -> None:
        """One more thing that the disk was asked."""
        match event:
            case Mark():
                return
            case Remove(file):
                self._certain.pop(file, None)
                self._asked.pop(file, None)
            case Sync(file):
                _apply(self._certain.setdefault(file, bytearray()), self._asked.pop(file, []))
            case _:
                self._asked.setdefault(event.file, []).append(event)

    @property
    def certain(self) -> Mapping[str, bytes | bytearray]:
        """The files as they are where the disk did nothing that it need not do."""
        return self._certain

    @property
    def undecided(self) -> int:
        """How much was asked that the disk may not have done yet."""
        return sum(map(len, self._asked.values()))

    def image(self, draw: random.Random) -> dict[str, bytes | bytearray]:
        """What may stand there if the power goes now."""
        image: dict[str, bytes | bytearray] = dict(self._certain)
        for file, asked in self._asked.items():
            changed = bytearray(self._certain.get(file, b""))
            _apply(changed, _done(draw, asked))
            image[file] = changed
        return image


def _done(draw: random.Random, asked: list[Ask]) -> Iterator[Ask]:
    """What the disk did of all that."""
    how = draw.choice(("all", "first", "some", "sectors"))
    if how in ("all", "first"):
        yield from asked[: len(asked) if how == "all" else draw.randint(0, len(asked))]
        return
    share = draw.choice((0.1, 0.5, 0.9))
    for one in asked:
        if how == "sectors" and isinstance(one, Write):
            yield from (sector for sector in _sectors(one) if draw.random() < share)
        elif draw.random() < share:
            yield one


def _sectors(write: Write) -> Iterator[Write]:
    start, end = write.at, write.at + len(write.content)
    while start < end:
        stop = min(end, start - start % SECTOR + SECTOR)
        yield Write(write.file, start, write.content[start - write.at : stop - write.at])
        start = stop


def _apply(content: bytearray, asked: Iterator[Ask] | list[Ask]) -> None:
    for one in asked:
        if isinstance(one, Truncate):
            del content[one.size :]
            continue
        content.extend(bytes(max(0, one.at - len(content))))
        content[one.at : one.at + len(one.content)] = one.content
