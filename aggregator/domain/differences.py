"""Where two texts differ, word by word, for an officer's eye.

Words are compared folded, so that "Cống" and "cong" are no difference, and shown as they were written. Where
somebody edited words that were sent, every letter counts (`exact`).
A short word that two texts happen to share between two differing passages says nothing and would tear
the marks to shreds; it is marked with them. What may surprise: beyond a few thousand words nothing is
compared any more, and the rest is shown unmarked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rapidfuzz.distance import LCSseq

from aggregator.domain.text import fold

__all__ = ["Part", "differences"]

_MOST_WORDS = 4_000
_WORD = re.compile(r"\S+\s*|^\s+")
_EDGE = re.compile(r"^\W+|\W+$")
#: Shared words between two differing passages, at most so many letters: no island worth showing.
_ISLAND = 8


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of one text; `only`: the other text does not say it here."""

    text: str
    only: bool


def differences(one: str, other: str, *, exact: bool = False) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """Both texts in parts. Joined again, the parts of each are the whole text."""
    mine, theirs = _WORD.findall(one), _WORD.findall(other)
    marks = [False] * len(mine), [False] * len(theirs)
    left, right = mine[:_MOST_WORDS], theirs[:_MOST_WORDS]
    for tag, a, b, c, d in _smoothed(left, right, _words if exact else _keys):
        if tag:
            marks[0][a:b] = [True] * (b - a)
            marks[1][c:d] = [True] * (d - c)
    return _parts(mine, marks[0]), _parts(theirs, marks[1])


def _smoothed(
    left: Sequence[str], right: Sequence[str], keys: Callable[[Sequence[str]], list[str]]
) -> list[tuple[bool, int, int, int, int]]:
    """(differs, from, to, from, to) in order, islands between two differences taken for different."""
    found = LCSseq.opcodes(keys(left), keys(right))
    last = len(found) - 1
    return [
        (
            op.tag != "equal" or (0 < at < last and _short(left[op.src_start : op.src_end])),
            op.src_start, op.src_end, op.dest_start, op.dest_end,
        )
        for at, op in enumerate(found)
    ]  # fmt: skip


def _short(words: Sequence[str]) -> bool:
    return sum(len(word.strip()) for word in words) <= _ISLAND and not any(
        any(map(str.isdigit, word)) for word in words
    )


def _words(words: Sequence[str]) -> list[str]:
    return [word.strip() for word in words]


def _keys(words: Sequence[str]) -> list[str]:
    # Punctuation around a word is no difference, a sign that stands alone is.
    folded = (fold(word).strip() for word in words)
    return [_EDGE.sub("", word) or word for word in folded]


def _parts(words: Sequence[str], marks: Sequence[bool]) -> tuple[Part, ...]:
    parts: list[Part] = []
    for word, only in zip(words, marks, strict=True):
        if parts and parts[-1].only == only:
            parts[-1] = Part(parts[-1].text + word, only)
        else:
            parts.append(Part(word, only))
    return tuple(parts)
