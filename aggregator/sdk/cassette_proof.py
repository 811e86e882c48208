"""Does anything of a real person survive in what would be saved? Asked in another way than it was replaced.

    every byte -> as text -> escapes undone in any order -> tags out -> letters and digits alone -> search

Promise: a value of the recording that stands in its scrubbed bytes, in whatever mixture of spellings, is
told by exchange and kind (never by its words); so are telephones, e-mails and citizens' numbers that are
no stand-ins. What may surprise: a personal value that the connector reported and that was found *nowhere*
is a doubt too: it came from bytes that are written in a way that we do not know (an old font's charset,
an encryption), and may still be in them.
"""

from __future__ import annotations

import base64
import html
import re
import unicodedata
from collections.abc import Iterable, Iterator
from urllib.parse import unquote_plus

from aggregator.domain.marks import few_marks
from aggregator.domain.personal import Kind as Found
from aggregator.domain.personal import personal
from aggregator.sdk.cassette_letters import folded
from aggregator.sdk.cassette_people import Invented, Kind, Value, identity
from aggregator.sdk.cassette_scrub import packed

__all__ = ["survivors"]

_DEPTH = 3
_BACKSLASH = re.compile(r"\\+(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_MEANS_SPACE = frozenset("nrtbf")
#: From so many letters on a value is looked for inside longer words, too.
_TELLING = 12


def survivors(
    content: bytes, values: Iterable[Value], invented: Invented, keep: frozenset[str] = frozenset()
) -> Iterator[str]:
    """What is still there, one sentence each, without the value itself."""
    wanted = [value for value in values if not value.weak]
    for part in packed(content):
        for spelling in _read(part):
            for text in _unescaped(spelling, _DEPTH):
                yield from _by_value(text, wanted, invented)
                yield from _by_form(text, invented, keep)
        yield from _in_base64(part, wanted)


def _read(content: bytes) -> Iterator[str]:
    yield content.decode("utf-8", "replace")
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        yield content.decode("utf-16", "replace")
    elif not _is_utf8(content):
        yield unicodedata.normalize("NFC", few_marks(content.decode("cp1258", "replace")))


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _unescaped(text: str, depth: int) -> set[str]:
    """The text, and all that up to `depth` rounds of reading it as HTML, an address or JSON give."""
    seen, fresh = {text}, {text}
    for _ in range(depth):
        fresh = {read(each) for each in fresh for read in (html.unescape, unquote_plus, _plain)} - seen
        seen |= fresh
    return seen


def _plain(text: str) -> str:
    """Backslash escapes undone; halves of a surrogate pair put together."""

    def meant(match: re.Match[str]) -> str:
        if code := match[1] or match[2]:
            return chr(int(code, 16))
        return " " if match[3] in _MEANS_SPACE else match[3]

    new = _BACKSLASH.sub(meant, text)
    return new.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _by_value(text: str, values: list[Value], invented: Invented) -> Iterator[str]:
    bare = re.sub(r"<[^<>]*>", "", text)
    spread = re.sub(r"<[^<>]*>", " ", text)
    digits = re.sub(r"[^0-9]", "", spread)
    joined = [_joined(bare), _joined(spread)]
    for value in values:
        name = identity(value.kind, value.text)
        if value.kind is Kind.SECRET:
            found = value.text in text
        elif value.kind is Kind.PHONE or name.isdigit():
            found = len(name) >= 8 and name in digits
        else:
            letters = re.sub(r"[\W_]", "", name)
            found = any(_holds(letters, *each) for each in joined)
        if found and not invented.is_stand_in(value.kind, value.text):
            yield f"a {value.kind.value} of a person survived"


def _joined(text: str) -> tuple[str, frozenset[int]]:
    """The words without anything between them, and where words begin and end."""
    pieces = re.findall(r"[^\W_]+", folded(text))
    borders, at = {0}, 0
    for piece in pieces:
        at += len(piece)
        borders.add(at)
    return "".join(pieces), frozenset(borders)


def _holds(letters: str, text: str, borders: frozenset[int]) -> bool:
    """Whether these letters are there as whole words; long ones also inside a word."""
    at = text.find(letters)
    while at >= 0:
        if len(letters) >= _TELLING or (at in borders and at + len(letters) in borders):
            return True
        at = text.find(letters, at + 1)
    return False


def _by_form(text: str, invented: Invented, keep: frozenset[str]) -> Iterator[str]:
    for at in range(0, len(text), 7_000):
        for each in personal(text[at : at + 7_200]):
            if each.kind is Found.PLATE or each.value in keep:
                continue
            kind = Kind.PHONE if each.kind is Found.PHONE else Kind.EMAIL
            shown = text[at + each.start : at + each.end]
            if not invented.is_stand_in(kind, each.value) and shown.strip() not in keep:
                yield f"a {kind.value} that was not replaced"


def _in_base64(content: bytes, values: list[Value]) -> Iterator[str]:
    """Base64 shifts its letters with what stands before: three spellings of each value."""
    for value in values:
        if len(value.text) < 8:
            continue
        for form in (unicodedata.normalize("NFC", value.text), unicodedata.normalize("NFD", value.text)):
            for shift in range(3):
                coded = base64.b64encode(b"\0" * shift + form.encode())
                # The letters at both ends depend on the neighbours.
                core = coded[(0, 2, 3)[shift] : len(coded) // 4 * 4 - 4]
                if len(core) >= 8 and core in content:
                    yield f"a {value.kind.value} of a person survived in base64"
