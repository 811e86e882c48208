"""Recorded bytes with invented people in them.

    bytes -> unpacked (gzip, xlsx, base64) -> text in its charset -> known values, in any spelling
                                              -> telephones, e-mails, citizens' numbers, tokens by their form
                                           -> the same charset, packed again

Principles: a value goes wherever it stands, not only where it was found, and always becomes the same
stand-in. What has no words (pictures, PDF) becomes an empty file of its kind: a photograph shows people.

Known exceptions: a name of one word ("Lan") or an address without a number is replaced only where it
stands alone, as a field's value, or after "anh", "chị", "ông", "bà"; inside a sentence the author is
asked to look (`Scrubber.review`). Report numbers (`keep`) are never taken for telephones.
"""

from __future__ import annotations

import base64
import gzip
import io
import re
import struct
import unicodedata
import zipfile
import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress

from aggregator.domain.personal import Kind as Found
from aggregator.domain.personal import personal
from aggregator.domain.text import phones
from aggregator.errors import SchemaDrift
from aggregator.sdk.answers import decoded
from aggregator.sdk.cassette_letters import Edit, Letters, Word, applied, layers, respelled, words_of
from aggregator.sdk.cassette_people import Invented, Kind, Value, identity

__all__ = ["Scrubber", "packed"]

_ROUNDS = 5
_UNPACKED = 100_000_000
_DIGITS = re.compile(r"\d(?:[\s.()/+_\u00a0\u00ad\u200b\-]{0,3}\d){7,}")
#: Circular 07/2016/TT-BCA: province, century and sex, year of birth, six digits.
_CITIZEN = re.compile(r"(?<![\w.-])0(?:0[1-9]|[1-8][0-9]|9[0-6])[0-3][0-9]{8}(?![\w.-])")
_ID_WORD = re.compile(
    r"(?:cmnd|cccd|căn cước|can cuoc|chứng minh|chung minh|định danh|hộ chiếu|ho chieu|passport)"
    r"\D{0,25}?([A-Z]?[0-9]{7,12})(?![0-9])",
    re.IGNORECASE,
)
_JWT = re.compile(r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{4,}")
_BEFORE, _AFTER = frozenset("\"'>,;=&|\t\n:[{(\\"), frozenset("\"'<,;&|\t\n]})\\")
_ADDRESSED = frozenset(("anh", "chị", "ông", "bà", "cô", "chú", "bác", "em", "thầy", "cậu", "dì"))
_BASE64 = re.compile(
    r"(?:;base64,|base64[^\"'<>]{0,12}[\"']\s*:\s*[\"']|(?<=[\"'>])(?=[A-Za-z0-9+/=\\]{120}))"
    r"((?:[A-Za-z0-9+/=]|\\/){8,})",
    re.IGNORECASE,
)
#: Beginnings of files without words -> an empty one of the kind.
_EMPTY: tuple[tuple[bytes, bytes], ...] = (
    (
        b"\x89PNG",
        base64.b64decode(
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
        ),
    ),
    (b"GIF8", base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")),
    (b"\xff\xd8\xff", bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffd9")),
    (
        b"%PDF",
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n"
        b"trailer<</Root 1 0 R>>\n%%EOF\n",
    ),
)  # fmt: skip
_NOTHING = b"(tep da duoc bo noi dung)\n"
#: What a packed body does that is cut off, encrypted, packed in a way of its own, or in itself for ever.
_UNREADABLE = (
    zlib.error,
    zipfile.BadZipFile,
    OSError,
    EOFError,
    RuntimeError,
    ValueError,
    LookupError,
    struct.error,
)
_WORDED = (".xml", ".rels", ".csv", ".txt", ".json", ".html", ".vml")


class Scrubber:
    """Replaces the values of one recording; remembers what it found and what it cannot judge."""

    def __init__(self, values: Iterable[Value], invented: Invented, keep: Collection[str] = ()) -> None:
        self._invented, self._keep = invented, frozenset(keep)
        self.values: dict[tuple[Kind, str], Value] = {}
        #: How many places were changed, by kind.
        self.changed: Counter[Kind] = Counter()
        #: Values that stand somewhere in the recording.
        self.found: set[tuple[Kind, str]] = set()
        #: Files without words that were emptied.
        self.emptied = 0
        self._by_word: dict[str, list[tuple[tuple[str, ...], Value]]] = {}
        self._numbers: dict[str, Value] = {}
        self._secrets: dict[str, Value] = {}
        self._short: dict[str, Value] = {}
        self._given: set[str] = set()
        for value in values:
            self.learn(value)

    def learn(self, value: Value) -> None:
        """Replace this one, too, from now on."""
        key = (value.kind, identity(value.kind, value.text))
        known = self.values.get(key)
        if known is not None and (value.weak or not known.weak):
            return
        self.values[key] = value
        if value.kind is Kind.SECRET:
            self._secrets[value.text] = value
        elif value.kind in (Kind.PHONE, Kind.ID) and not value.weak and key[1].isdigit():
            self._numbers[key[1]] = value
        else:
            self._learn_words(value)

    def _learn_words(self, value: Value) -> None:
        words = words_of(value.text)
        joined = "".join(words)
        self._by_word.setdefault(words[0], []).append((words, value))
        if value.kind is Kind.NAME:
            parts = unicodedata.normalize("NFC", value.text).split()
            self._given.add(words[-1])
            self._short.setdefault(parts[-1], value)
            if len(parts) > 2:
                self._short.setdefault(" ".join(parts[-2:]), value)
        if not value.weak and len(joined) >= 8 and len(words) > 1:  # "nguyenvana": an account, a file's name
            self._by_word.setdefault(joined, []).append(((joined,), value))

    def forget_counts(self) -> None:
        """Count from zero again; what was learned stays."""
        self.changed.clear()
        self.emptied = 0

    def is_invented(self, kind: Kind, text: str) -> bool:
        """Whether this is a stand-in, or a part of one."""
        return self._invented.holds(kind, text)

    # -- bodies ----------------------------------------------------------------------------------

    def body(self, content: bytes, content_type: str = "") -> bytes:
        """The body without anybody in it; what has no words, or cannot be unpacked, comes back empty."""
        try:
            return self._clean(content, content_type)
        except _UNREADABLE:
            self.emptied += 1
            return _NOTHING

    def _clean(self, content: bytes, content_type: str) -> bytes:
        if content[:2] == b"\x1f\x8b":
            return gzip.compress(self.body(_gunzipped(content), content_type), mtime=0)
        if content[:4] == b"PK\x03\x04":
            return self._archive(content)
        if (empty := _emptied(content)) is not None:
            self.emptied += 1
            return empty
        encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ""
        text, charset = (
            (content.decode(encoding), encoding) if encoding else decoded(content, content_type) or ("", "")
        )
        if not charset or "\x00" in text:
            self.emptied += 1
            return _NOTHING
        bom = content.startswith(b"\xef\xbb\xbf")
        charset = "utf-8" if charset == "utf-8-sig" and not bom else charset
        return self.text(text, charset).encode(charset, "xmlcharrefreplace")

    def _archive(self, content: bytes) -> bytes:
        """A spreadsheet or another zip, each member for itself. Pictures in it are emptied."""
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as target:
            for name, member in _members(content):
                worded = name.lower().endswith(_WORDED)
                clean = self.body(member, "text/xml" if worded else "") if member else member
                target.writestr(zipfile.ZipInfo(self.text(name)), clean, zipfile.ZIP_DEFLATED)
        return out.getvalue()

    def text(self, text: str, encoding: str = "utf-8") -> str:
        """The text with stand-ins, again and again until nothing more is found."""
        text = _BASE64.sub(self._declared, text)
        for _ in range(_ROUNDS):
            edits = [edit for letters in layers(text) for edit in self._edits(letters, encoding)]
            if not edits:
                break
            text = applied(text, edits)
        return text

    def _declared(self, match: re.Match[str]) -> str:
        """A file inside a text."""
        start = match.start(1) - match.start()
        try:
            content = base64.b64decode(match[1].replace("\\/", "/"), validate=True)
        except ValueError:
            return match[0]
        if content[:4] != b"PK\x03\x04" and _emptied(content) is None and not _is_text(content):
            return match[0]
        return match[0][:start] + base64.b64encode(self.body(content)).decode("ascii")

    # -- one layer of a text ---------------------------------------------------------------------

    def _edits(self, letters: Letters, encoding: str) -> Iterator[Edit]:
        yield from self._by_secret(letters)
        yield from self._by_words(letters, encoding)
        yield from self._by_number(letters)
        yield from self._by_form(letters)

    def _by_secret(self, letters: Letters) -> Iterator[Edit]:
        for text, value in self._secrets.items():
            at = letters.chars.find(text)
            while at >= 0:
                end = at + len(text)
                if not value.weak or _alone(letters.chars, at, end):
                    self._count(value)
                    yield from letters.edits(at, end, self._invented.instead_of(value))
                at = letters.chars.find(text, end)
        for match in _JWT.finditer(letters.chars):
            yield from self._new(letters, Kind.SECRET, match[0], *match.span())

    def _by_words(self, letters: Letters, encoding: str) -> Iterator[Edit]:
        words = list(letters.words())
        for at, word in enumerate(words):
            for wanted, value in self._by_word.get(word.text, ()):
                if tuple(each.text for each in words[at : at + len(wanted)]) != wanted:
                    continue
                start, end = word.start, words[at + len(wanted) - 1].end
                if self._meant(letters, start, end, value):
                    self._count(value)
                    yield from self._respelled(letters, start, end, value, encoding)
            if word.text in self._given:
                yield from self._given_name(letters, words, at, encoding)

    def _meant(self, letters: Letters, start: int, end: int, value: Value) -> bool:
        """Whether the words there are the value, and not words of a sentence that sound like it."""
        gaps = letters.chars[start:end]
        if value.kind is Kind.EMAIL:
            return "@" in gaps
        if not value.weak:
            return len(gaps) <= 3 * len(value.text) + 40
        same = unicodedata.normalize("NFC", gaps) == unicodedata.normalize("NFC", value.text)
        return same and _alone(letters.chars, start, end)

    def _respelled(self, letters: Letters, start: int, end: int, value: Value, encoding: str) -> list[Edit]:
        raw = "".join(letters.raw[first:last] for first, last in letters.runs(start, end))
        new, seen = self._invented.instead_of(value), letters.chars[start:end]
        if value.kind is Kind.NAME:
            new = respelled(new, seen, raw, value.text, encoding)
        elif value.kind is Kind.ADDRESS:
            new = respelled(new, seen if seen != seen.lower() else seen.title(), raw, value.text, encoding)
        return letters.edits(start, end, new)

    def _given_name(self, letters: Letters, words: list[Word], at: int, encoding: str) -> Iterator[Edit]:
        """ "chị Ngọc", where a person of the recording has that given name; "Bích Ngọc" likewise."""
        seen = unicodedata.normalize("NFC", letters.chars[words[at].start : words[at].end])
        before = letters.chars[words[at - 1].start : words[at - 1].end] if at else ""
        short = self._short
        if seen in short and unicodedata.normalize("NFC", before).lower() in _ADDRESSED:
            yield from self._shortened(letters, words[at].start, words[at].end, short[seen], 1, encoding)
        pair = unicodedata.normalize("NFC", letters.chars[words[at - 1].start : words[at].end]) if at else ""
        if pair in short:
            yield from self._shortened(letters, words[at - 1].start, words[at].end, short[pair], 2, encoding)

    def _shortened(
        self, letters: Letters, start: int, end: int, value: Value, count: int, encoding: str
    ) -> list[Edit]:
        self.changed[value.kind] += 1  # but not found: the whole name may stand in two fields
        new = " ".join(self._invented.instead_of(value).split()[-count:])
        raw = "".join(letters.raw[first:last] for first, last in letters.runs(start, end))
        return letters.edits(start, end, respelled(new, letters.chars[start:end], raw, value.text, encoding))

    def _by_number(self, letters: Letters) -> Iterator[Edit]:
        if not self._numbers:
            return
        for run in _DIGITS.finditer(letters.chars):
            places = [at for at in range(*run.span()) if letters.chars[at].isdigit()]
            digits = "".join(letters.chars[at] for at in places)
            for number, value in self._numbers.items():
                at = digits.find(number)
                if at >= 0:
                    self._count(value)
                    yield from self._redialled(letters, places[at : at + len(number)], value)

    def _redialled(self, letters: Letters, places: list[int], value: Value) -> Iterator[Edit]:
        """Other digits in the same places, so that dots and spaces stay."""
        for place, digit in zip(places, self._invented.instead_of(value), strict=False):
            yield from letters.edits(place, place + 1, digit)

    def _by_form(self, letters: Letters) -> Iterator[Edit]:
        """Telephones, e-mails and citizens' numbers that nobody told of."""
        chars = letters.chars
        for run in _DIGITS.finditer(chars):
            start = max(run.start() - 10, 0)
            for phone in phones(chars[start : run.end() + 10]):
                first, last = start + phone.start, start + phone.end
                yield from self._new(letters, Kind.PHONE, chars[first:last], first, last)
        for match in re.finditer("@", chars):
            start = max(match.start() - 70, 0)
            for each in personal(chars[start : match.end() + 130]):
                if each.kind is Found.EMAIL:
                    yield from self._new(
                        letters, Kind.EMAIL, each.value, start + each.start, start + each.end
                    )
        for pattern, group in ((_CITIZEN, 0), (_ID_WORD, 1)):
            for match in pattern.finditer(chars):
                yield from self._new(letters, Kind.ID, match[group], *match.span(group))

    def _new(self, letters: Letters, kind: Kind, text: str, start: int, end: int) -> Iterator[Edit]:
        """A value that was not known: learned, so that it goes wherever it stands. The edit follows then."""
        key = (kind, identity(kind, text))
        if key in self.values or self._invented.is_stand_in(kind, text) or text.strip() in self._keep:
            return
        value = Value(kind, text.strip())
        self.learn(value)
        self._count(value)
        new = self._invented.instead_of(value)
        if kind in (Kind.PHONE, Kind.ID):
            places = [at for at in range(start, end) if letters.chars[at].isdigit()][-len(new) :]
            yield from self._redialled(letters, places, value)
        else:
            yield from letters.edits(start, end, new)

    def _count(self, value: Value) -> None:
        self.changed[value.kind] += 1
        self.found.add((value.kind, identity(value.kind, value.text)))


def _alone(chars: str, start: int, end: int) -> bool:
    """Whether nothing but a field's borders stands around these letters."""
    before, after = chars[:start].rstrip(" "), chars[end:].lstrip(" ")
    return (not before or before[-1] in _BEFORE) and (not after or after[0] in _AFTER)


def _emptied(content: bytes) -> bytes | None:
    """An empty file of the same kind, for kinds without words."""
    return next((empty for mark, empty in _EMPTY if content.startswith(mark)), None)


def _is_text(content: bytes) -> bool:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return all(char.isprintable() or char in "\r\n\t" for char in text)


def packed(content: bytes) -> Iterator[bytes]:
    """The body, and what is packed in it."""
    yield content
    with suppress(*_UNREADABLE):
        if content[:2] == b"\x1f\x8b":
            yield from packed(_gunzipped(content))
        if content[:4] == b"PK\x03\x04":
            for name, member in _members(content):
                yield name.encode("utf-8", "surrogateescape")
                yield from packed(member)


def _gunzipped(content: bytes) -> bytes:
    unpacked = zlib.decompressobj(wbits=31).decompress(content, _UNPACKED)
    return _bounded(unpacked, len(unpacked))


def _members(content: bytes) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        _bounded(b"", sum(info.file_size for info in archive.infolist()))
        for name in archive.namelist():
            yield name, archive.read(name)


def _bounded(content: bytes, size: int) -> bytes:
    if size >= _UNPACKED:
        raise SchemaDrift(f"a packed body holds more than {_UNPACKED // 1_000_000} MB: not recorded")
    return content
