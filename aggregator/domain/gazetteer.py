"""Street names that this office has seen in address fields, and where in a free text one of them stands.

Principles. An address field says what is a street; a sentence does not. A name that came often enough in
fields is therefore known in sentences too, where no "đường" and no capital introduces it ("ngay 45 nguyen
van qua"). It adds a street where none was read and sets right where a name ends ("45 nguyen van",
"45 nguyen van qua den"); nothing else that is read without it changes.

How it works. Names of two to five words are kept by their first two. A text is walked word by word, and
the longest known name that begins at a word is taken, unless the word before says that a person or a
building bears the name ("trường Lê Lợi", "ông Nguyễn Văn Quá").

Rejected: a list bought or copied from a map. Seventy per cent of one made matching worse than none,
because reports on the streets that it lacked looked unlike those on the streets that it had; what is
learned here has the streets that reports come from. Names of one word ("Pasteur") are left out: half of
them are also everyday words.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

#: Words of a name that is learned.
FEWEST, MOST = 2, 5
_WORD = re.compile(r"[a-z]+|\d+[a-z]?")
_GAP = re.compile(r"[ \t\xa0-]{1,3}")
#: A name after one of these is a person's, a school's, a company's.
_BEARERS = frozenset({
    "ong", "ba", "anh", "chi", "em", "co", "chu", "bac", "thay", "nguoi", "ten", "ban", "to", "truong", "hoc",
    "thpt", "thcs", "dai", "vien", "chua", "cho", "cau", "cty", "ty",
})  # fmt: skip


@dataclass(frozen=True)
class Gazetteer:
    """Known streets: folded name -> the wards in which it is known."""

    wards: dict[str, frozenset[str]] = field(default_factory=dict)
    #: The first two words -> the names that begin so, longest first, each as its words.
    _begins: dict[tuple[str, str], list[tuple[str, ...]]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.wards)

    def knows(self, street: str, ward: str) -> bool:
        return ward in self.wards.get(street, ())

    def at(self, folded: str, pos: int) -> tuple[str, int] | None:
        """The known name that starts at `pos` (white space aside) and where it ends."""
        if not self._begins:
            return None
        gap = _GAP.match(folded, pos)
        return self._name(folded, gap.end() if gap else pos)

    def find(self, folded: str) -> Iterator[tuple[str, int, int]]:
        """The known names in a text, each with its first and last position; never overlapping."""
        before, end = "", 0
        for match in _WORD.finditer(folded):
            if (
                match.start() >= end
                and before not in _BEARERS
                and (name := self._name(folded, match.start()))
            ):
                end = name[1]
                yield name[0], match.start(), end
            before = match[0]

    def _name(self, folded: str, pos: int) -> tuple[str, int] | None:
        first = _WORD.match(folded, pos)
        second = self._next(folded, first)
        if first is None or second is None:
            return None
        for name in self._begins.get((first[0], second[0]), ()):
            if end := self._ends(folded, second, name[2:]):
                return " ".join(name), end
        return None

    def _next(self, folded: str, word: re.Match[str] | None) -> re.Match[str] | None:
        gap = _GAP.match(folded, word.end()) if word else None
        return _WORD.match(folded, gap.end()) if gap else None

    def _ends(self, folded: str, last: re.Match[str], rest: tuple[str, ...]) -> int | None:
        for word in rest:
            following = self._next(folded, last)
            if following is None or following[0] != word:
                return None
            last = following
        return last.end()


NOTHING = Gazetteer()


def gazetteer(known: Iterable[tuple[str, str]]) -> Gazetteer:
    """The gazetteer of (street, ward) pairs; the same pairs in any order give the same one."""
    wards: dict[str, set[str]] = defaultdict(set)
    for street, ward in known:
        wards[street].add(ward)
    begins: dict[tuple[str, str], list[tuple[str, ...]]] = defaultdict(list)
    for street in sorted(wards, key=lambda name: (-len(name), name)):
        words = tuple(street.split())
        begins[words[0], words[1]].append(words)
    return Gazetteer({street: frozenset(codes) for street, codes in wards.items()}, dict(begins))


def learnable(street: str | None) -> bool:
    """Whether a street of an address field is a name that a text may be searched for."""
    if street is None or " x " in street:
        return False
    words = street.split()
    return FEWEST <= len(words) <= MOST and all(word.isascii() and word.isalpha() for word in words)
