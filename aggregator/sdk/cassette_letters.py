"""Finding words in bytes that spell them in any way, and putting others there in the same way.

    text -> letters (escapes undone, each letter knows its place) -> folded words -> match -> edit of the text

A portal spells one letter as "ầ", "a" and two marks (NFD), "a", "A", "\\u1ea7", "%E1%BA%A7", "&#7847;", with
tags or a hyphen between the words, and any mixture. Promise: `Letters` undoes all of these, so a value is
looked for once and found in each; `respelled` writes the replacement as its predecessor was written.

What may surprise: words are compared folded (no accents, no capitals), because a copy without accents
gives a person away as well. Tried and dropped: replacing a list of encodings of each value (mixtures
slip through, and their number has no end).
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote

__all__ = ["Edit", "Letters", "Word", "applied", "compact", "layers", "respelled"]

_ESCAPE = re.compile(
    r"(?P<json>\\+u[dD][89abAB][0-9a-fA-F]{2}\\+u[dD][c-fC-F][0-9a-fA-F]{2}|\\+u[0-9a-fA-F]{4})|(?P<hex>\\+x[0-9a-fA-F]{2})|(?P<short>\\+[nrtbf\"/'\\])"
    r"|(?P<entity>&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});)"
    r"|(?P<percent>%[0-7][0-9a-fA-F]|%[c-dC-D][0-9a-fA-F]%[0-9a-fA-F]{2}"
    r"|%[eE][0-9a-fA-F](?:%[0-9a-fA-F]{2}){2}|%[fF][0-9a-fA-F](?:%[0-9a-fA-F]{2}){3})"
)
_CODE = re.compile(r"\\+u([0-9a-fA-F]{4})")
_TAG = re.compile(r"<[^<>]{0,2000}>")
_WORD = re.compile(r"[^\W_]+")
_SHORT = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


@lru_cache(maxsize=20_000)
def _folded(char: str) -> str:
    if char in "đĐð":
        return "d"
    if unicodedata.combining(char) or unicodedata.category(char) == "Cf":
        return ""
    return unicodedata.normalize("NFKD", char)[0].lower()[:1]


def folded(text: str) -> str:
    """The text without accents, capitals and invisible marks; any form of a word gives the same."""
    return "".join(map(_folded, text))


def words_of(text: str) -> tuple[str, ...]:
    """The folded words."""
    return tuple(_WORD.findall(folded(text)))


def compact(text: str) -> str:
    """The folded letters and digits alone."""
    return "".join(words_of(text))


@dataclass(frozen=True, slots=True)
class Edit:
    """New text for the places from `start` to `end`."""

    start: int
    end: int
    text: str


def applied(text: str, edits: Iterable[Edit]) -> str:
    """The text with its edits; of two that overlap the earlier and longer one holds."""
    pieces: list[str] = []
    at = 0
    for edit in sorted(edits, key=lambda e: (e.start, -e.end)):
        if edit.start >= at:
            pieces += (text[at : edit.start], edit.text)
            at = edit.end
    return "".join((*pieces, text[at:]))


@dataclass(frozen=True, slots=True)
class Word:
    """One folded word and its letters' places in `Letters.chars`."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Letters:
    """A text as a reader of it would see it; letter `i` is written at ``raw[starts[i]:ends[i]]``."""

    raw: str
    chars: str
    starts: list[int]
    ends: list[int]

    @classmethod
    def of(cls, raw: str) -> Letters:
        """The text as it is written."""
        return cls(raw, raw, list(range(len(raw))), list(range(1, len(raw) + 1)))

    def unescaped(self) -> Letters:
        """One layer of escapes undone."""
        return self._replaced(_ESCAPE, _meant)

    def untagged(self) -> Letters:
        """With a space, which has no place of its own, for all between < and >."""
        return self._replaced(_TAG, lambda _match: " ", placed=False)

    def _replaced(
        self, pattern: re.Pattern[str], meant: Callable[[re.Match[str]], str | None], *, placed: bool = True
    ) -> Letters:
        chars: list[str] = []
        starts: list[int] = []
        ends: list[int] = []
        at = 0
        for match in pattern.finditer(self.chars):
            new = meant(match)
            if new is None:
                continue
            first, last = match.span()
            chars += (self.chars[at:first], new)
            starts += self.starts[at:first]
            ends += self.ends[at:first]
            starts += [self.starts[first]] * len(new)
            ends += [self.ends[last - 1] if placed else self.starts[first]] * len(new)
            at = last
        if at == 0:
            return self
        return Letters(
            self.raw, "".join((*chars, self.chars[at:])), starts + self.starts[at:], ends + self.ends[at:]
        )

    def words(self) -> Iterator[Word]:
        """The folded words in their order."""
        text, places = self._folded()
        for match in _WORD.finditer(text):
            yield Word(match[0], places[match.start()], places[match.end() - 1] + 1)

    def _folded(self) -> tuple[str, list[int]]:
        pairs = [(new, at) for at, char in enumerate(self.chars) if (new := _folded(char))]
        return "".join(new for new, _ in pairs), [at for _, at in pairs]

    def runs(self, start: int, end: int) -> list[tuple[int, int]]:
        """The places in the raw text of these letters: several where tags stand between them."""
        found: list[tuple[int, int]] = []
        for at in range(start, end):
            first, last = self.starts[at], self.ends[at]
            if found and first <= found[-1][1]:
                found[-1] = (found[-1][0], max(last, found[-1][1]))
            else:
                found.append((first, last))
        return self._with_marks(found, end)

    def _with_marks(self, runs: list[tuple[int, int]], end: int) -> list[tuple[int, int]]:
        """Also the combining marks after the last letter: without it they would stand on the new one."""
        while end < len(self.chars) and unicodedata.combining(self.chars[end]):
            runs[-1] = (runs[-1][0], self.ends[end])
            end += 1
        return runs

    def edits(self, start: int, end: int, new: str) -> list[Edit]:
        """Edits that put `new` (raw text) in place of these letters, and leave the tags between them."""
        first, *rest = self.runs(start, end)
        return [Edit(*first, new), *(Edit(*run, "") for run in rest)]


def _meant(match: re.Match[str]) -> str | None:
    """What an escape stands for; None where it is none."""
    if match["json"]:
        units = b"".join(int(code, 16).to_bytes(2, "big") for code in _CODE.findall(match["json"]))
        return units.decode("utf-16-be", "replace")
    if match["hex"]:
        return chr(int(match["hex"][-2:], 16))
    if match["short"]:
        last = match["short"][-1]
        return _SHORT.get(last, last)
    if match["entity"]:
        new = html.unescape(match["entity"])
        return new if new != match["entity"] else None
    try:
        return bytes.fromhex(match["percent"].replace("%", "")).decode("utf-8")
    except UnicodeDecodeError:
        return None


def layers(text: str, depth: int = 3) -> Iterator[Letters]:
    """The text as written, then with escapes undone, again and again while that changes it; each of them
    also without its tags."""
    letters = Letters.of(text)
    for _ in range(depth):
        yield letters
        if "<" in letters.chars and (bare := letters.untagged()) is not letters:
            yield bare
        further = letters.unescaped()
        if further is letters:
            return
        letters = further


def respelled(new: str, seen: str, raw: str, original: str, encoding: str = "utf-8") -> str:
    """`new` in the spelling of its predecessor: `seen` are its letters, `raw` how they were written."""
    accents = compact(seen) != "".join(re.findall(r"[^\W_]+", unicodedata.normalize("NFC", seen).lower()))
    if not accents and folded(original) != original.lower():
        new = _bare(new)
    new = new.upper() if seen.isupper() else new.lower() if seen.islower() else new
    if unicodedata.normalize("NFC", seen) != seen:
        new = unicodedata.normalize("NFD", new)
    gap = _gap(raw, seen)
    return gap.join(_escaped(word, raw, encoding) for word in new.split(" "))


def _bare(text: str) -> str:
    """Without accents, but with its capitals."""
    plain = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(char for char in plain if not unicodedata.combining(char))


def _gap(raw: str, seen: str) -> str:
    """What stands between two words there: a space, "+", "%20", "-", or nothing at all."""
    if re.fullmatch(r"[^\W_]+", unicodedata.normalize("NFC", seen)):
        return ""
    if match := re.search(r"(?<=\w)(&nbsp;|&#160;|&#32;|%20|\+|[-_.]|\\+u00[aA]0)(?=[\w%&\\])", raw):
        return match[1] if " " not in seen.replace("\u00a0", "") or match[1] not in "-._" else " "
    return " "


def _escaped(word: str, raw: str, encoding: str) -> str:
    if word.isascii():
        return word
    if re.search(r"\\\\+u[0-9a-fA-F]{4}|%25[0-9a-fA-F]{2}|&amp;#", raw):
        return _bare(word)  # escaped twice: letters without accents need no escape at all
    if re.search(r"\\u[0-9a-fA-F]{4}", raw):
        units = word.encode("utf-16-be")
        codes = (units[at : at + 2].hex() for at in range(0, len(units), 2))
        return "".join(chr(int(c, 16)) if int(c, 16) < 128 and int(c, 16) > 31 else f"\\u{c}" for c in codes)
    if re.search(r"%[0-9a-fA-F]{2}", raw):
        return quote(word)
    if re.search(r"&#?[A-Za-z0-9]+;", raw):
        return "".join(char if char.isascii() else f"&#{ord(char)};" for char in word)
    try:
        word.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return _bare(word)
    return word
