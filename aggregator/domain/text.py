"""Text as citizens type it, made comparable without ever changing what is shown.

Four strengths, each built on the one before:

    clean     the edge normaliser: what every text passes once before it is stored
    fold      for comparing letters: no accents, no capitals, same length as the (NFC) original
    squash    for the search index: folded words with single spaces
    tokens    for matching: squashed words with shorthand and left-over telex keys written out

What may surprise: `fold` keeps the length, so an offset found in the folded text points at the same
letter of the original. A combining mark that belongs to no letter therefore becomes a soft hyphen
(one place wide, invisible, dropped again by `squash`) and is not deleted.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers

from aggregator.domain.marks import few_marks

__all__ = ["Phone", "clean", "content_hash", "e164", "fold", "phones", "squash", "text_key", "tokens"]

KEY_LENGTH = 300
"""Characters of a `text_key`: the cheap comparison costs half a microsecond at this length."""

_PHONE_SCAN = 8_000
"""Characters of a text that are searched for phone numbers; the matcher costs 1 µs a character."""

_HOME = "VN"
_SOFT_HYPHEN = "\u00ad"


# --- clean -----------------------------------------------------------------------------------------

# Control characters except tab and newline; lone surrogates (PostgreSQL refuses them and NUL); soft
# hyphens, zero-width and bidirectional marks, which make equal texts unequal and can hide words.
_UNWANTED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufeff\ufff9-\ufffb]+"
)


def clean(text: str) -> str:
    """The same text in NFC without characters that nobody can see; never raises on any `str`.

    Line ends become `\\n`. Applying it twice changes nothing.
    """
    if not text.isascii() or not text.isprintable():
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        text = unicodedata.normalize("NFC", few_marks(_UNWANTED.sub("", text)))
    return text


# --- fold ------------------------------------------------------------------------------------------

# Blocks that hold cased letters or compatibility copies of Latin ones (full-width, "mathematical"
# bold that phones offer as a font). The rest of Unicode folds to itself.
_FOLDED_BLOCKS = (
    range(0x2600),
    range(0x2C00, 0x2E00),
    range(0xA640, 0xA800),
    range(0xAB30, 0xABC0),
    range(0xFB00, 0xFB07),
    range(0xFF00, 0xFFF0),
    range(0x10400, 0x10600),
    range(0x1D400, 0x1D800),
)
# Letters that decompose into nothing, and the dashes and quotes that keyboards put for "-" and "'".
_BY_HAND = {"đ": "d", "Đ": "d", "ð": "d", "Ð": "d", "ı": "i"}
_BY_HAND |= dict.fromkeys("‐‑‒–—―−", "-") | dict.fromkeys("‘’ʼ", "'") | dict.fromkeys("“”", '"')


def _folded(char: str) -> str:
    if char in _BY_HAND:
        return _BY_HAND[char]
    if "\u0300" <= char <= "\u036f":
        return _SOFT_HYPHEN
    parts = unicodedata.normalize("NFKD", char)
    if parts[0].isascii() and parts[0].isprintable() and all(map(unicodedata.combining, parts[1:])):
        return parts[0].lower()
    lower = char.lower()
    return lower if len(lower) == 1 else char


def _fold_table() -> dict[int, int]:
    # ASCII stands in the table even where it maps to itself: a hit is four times cheaper than a miss.
    pairs = ((code, ord(_folded(chr(code)))) for block in _FOLDED_BLOCKS for code in block)
    return {code: to for code, to in pairs if code != to or code < 0x80}


_FOLD = _fold_table()


def fold(text: str) -> str:
    """The text without accents and capitals, each letter in the place it had in the NFC original.

    NFC, NFD and accent-free copies of a sentence fold to the same string; folding twice changes nothing.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFC", few_marks(text))
    return text.translate(_FOLD)


_WORDS = re.compile(r"[^\W_]+")
_APART = {code: " " for code in range(128) if not chr(code).isalnum()}


def words(folded: str) -> list[str]:
    """The words of an already folded text; a run of anything else separates them."""
    if _SOFT_HYPHEN in folded:
        folded = folded.replace(_SOFT_HYPHEN, "")
    if folded.isascii():  # the same four times as fast
        return folded.translate(_APART).split()
    return _WORDS.findall(folded)


def squash(text: str) -> str:
    """Folded words with one space between them: what is indexed for search, and what a query becomes."""
    return " ".join(words(fold(text)))


# --- telex left over ---------------------------------------------------------------------------------

# "dduowngf" for "đường": the keys of the Telex method that the keyboard did not turn into letters. No
# Vietnamese syllable has a doubled vowel (but "oo" in a few loans), w, or ends in a tone key.
_TELEX_LEFT = re.compile(r"dd|aa|ee|oo|[aou]w|[aeiouy](?:ch?|ng?|nh|[mpt])?[sfrxj]\b")
_TELEX_SYLLABLE = re.compile(
    r"(?P<onset>ngh?|[cgknpt]h|gi|qu|tr|dd|[bcdghklmnprstvx])?(?P<vowels>(?:aa|ee|oo|[aou]w(?!e)|[aeiouy]){1,3})"
    r"(?P<coda>ch|n[gh]?|[cmpt])?[sfrxj]?"
)
_TWICE = re.compile(r"(aa|ee|oo)")


@lru_cache(maxsize=16384)
def untelexed(word: str) -> str:
    """A folded word with the telex keys in it turned into letters; any other word as it is."""
    if not _TELEX_LEFT.search(word):
        return word
    match = _TELEX_SYLLABLE.fullmatch(word)
    if not match:
        return word
    vowels = _TWICE.sub(lambda twice: twice[0][0], match["vowels"].replace("w", ""))
    return f"{(match['onset'] or '').replace('dd', 'd')}{vowels}{match['coda'] or ''}"


# --- shorthand -------------------------------------------------------------------------------------

# What people type on phones, after folding. Left out on purpose because the folded word is also a
# word of its own: hong (hông/hỏng), hem (hẻm), bit (bịt), ca (cả/ca; but see _spelled), hn, dt.
_SHORTHAND: dict[str, tuple[str, ...]] = {
    short: tuple(long.split())
    for short, long in {
        "ko": "khong", "k": "khong", "kg": "khong", "khg": "khong", "hok": "khong", "hk": "khong",
        "dc": "duoc", "dk": "duoc", "nc": "nuoc", "wa": "qua", "j": "gi", "vs": "voi",
        "ng": "nguoi", "ngta": "nguoi ta", "mn": "moi nguoi", "trc": "truoc", "bik": "biet",
        "bjk": "biet", "ntn": "nhu the nao", "dag": "dang", "mk": "minh", "mik": "minh", "cx": "cung",
        "nhg": "nhung", "vde": "van de", "sdt": "so dien thoai",
        "cty": "cong ty", "ubnd": "uy ban nhan dan", "ub": "uy ban", "csgt": "canh sat giao thong",
        "atgt": "an toan giao thong", "gt": "giao thong", "vsmt": "ve sinh moi truong",
        "bv": "benh vien", "kdc": "khu dan cu", "kdt": "khu do thi", "kp": "khu pho",
        "tdp": "to dan pho", "nvh": "nha van hoa", "hs": "hoc sinh", "th": "tieu hoc", "oto": "o to",
        "xmay": "xe may", "tp": "thanh pho", "hcm": "ho chi minh", "tphcm": "thanh pho ho chi minh",
        "tpdn": "thanh pho da nang", "sg": "sai gon", "bks": "bien so", "ql": "quoc lo", "tl": "tinh lo",
        "cmt8": "cach mang thang 8", "xvnt": "xo viet nghe tinh", "dbp": "dien bien phu",
        "vp": "van phong", "cc": "chung cu",
    }.items()
}  # fmt: skip

# "p13", "f13" (phường), "q3", "kp3", "k57" (kiệt): letters glued to the number they announce.
_GLUED = re.compile(r"(p|f|q|kp|tdp|k)(\d{1,4})")
_GLUED_WORD = {
    "p": ("phuong",),
    "f": ("phuong",),
    "q": ("quan",),
    "kp": ("khu", "pho"),
    "tdp": ("to", "dan", "pho"),
    "k": ("kiet",),
}
_JUNCTION = {"3": "ba", "4": "tu", "5": "nam", "6": "sau", "7": "bay"}


def _spelled(found: list[str]) -> Iterator[str]:
    """The words with shorthand written out; a few are decided by the neighbour ("P. 13", "CA phường")."""
    before = ""
    last = len(found) - 1
    for index, word in enumerate(found):
        after = found[index + 1] if index < last else ""
        if word in _GLUED_WORD and after.isdigit():
            yield from _GLUED_WORD[word]
        elif word in _SHORTHAND:
            yield from _SHORTHAND[word]
        elif before == "nga" and word in _JUNCTION:
            yield _JUNCTION[word]
        elif word == "ca" and (after in ("phuong", "p", "xa") or _GLUED.fullmatch(after)):
            yield "cong"
            yield "an"
        elif word[0] in "pfqkt" and (glued := _GLUED.fullmatch(word)):
            yield from _GLUED_WORD[glued[1]]
            yield glued[2]
        else:
            yield word
        before = word


_SPECIAL = frozenset(_SHORTHAND) | frozenset(_GLUED_WORD) | {"nga", "ca"}
_MAY_BE_GLUED = re.compile(r"[pfqk]\d")


def tokens(text: str) -> list[str]:
    """The squashed words in their order, shorthand written out ("ko" → "khong", "p13" → "phuong", "13")."""
    return tokens_of(fold(text))


def tokens_of(folded: str) -> list[str]:
    """The `tokens` of an already folded text."""
    found = list(map(untelexed, words(folded)))
    if _SPECIAL.isdisjoint(found) and not _MAY_BE_GLUED.search(folded):
        return found
    return list(_spelled(found))


# --- keys ------------------------------------------------------------------------------------------

# Courtesy and grammar that every report shares: equal in reports of different things, so worth nothing.
_COURTESY = """
    kinh gui chao quy xin cam on tran trong mong de nghi yeu cau phan anh kien co quan chuc nang cac cap nganh
    lanh dao dia phuong chinh quyen uy ban nhan dan som kiem tra xu ly giai quyet khac phuc xem xet toi chung
    em minh la va voi cua cho thi bi duoc da dang se rat nay kia do o tai trong ngoai den tu nen vi hien
    nhung cung nhu mot so vao ra len xuong lai con chua khong thanh pho
"""
_COMMON = frozenset(_COURTESY.split())


def _private(token: str) -> bool:
    # Long numbers are phone, identity and account numbers: personal, and never what makes two reports one.
    return len(token) > 8 and sum(map(str.isdigit, token)) > 8


def key_of(found: Iterable[str]) -> str:
    """The `text_key` of tokens that are already at hand."""
    all_words = set(found)
    telling = all_words - _COMMON
    if max(map(len, telling), default=0) > 8:
        telling = {word for word in telling if not _private(word)}
    kept = sorted(telling) or sorted(all_words & _COMMON)
    key = " ".join(kept)
    if len(key) <= KEY_LENGTH:
        return key
    # Too long: numbers stay (they tell places apart), then words in the order of their checksum, so that
    # two long texts drop the same words and stay comparable; an alphabetical cut would lose "rác", "xe".
    kept.sort(key=lambda word: (not word[0].isdigit(), zlib.crc32(word.encode())))
    room, chosen = KEY_LENGTH, []
    for word in kept:
        if len(word) + 1 <= room:
            chosen.append(word)
            room -= len(word) + 1
    return " ".join(sorted(chosen))


def text_key(*parts: str) -> str:
    """The telling words of the parts, each once and sorted, at most 300 characters: the cheap comparison key.

    Courtesy words and long numbers are left out, but a text of nothing but courtesy keeps it.
    """
    return key_of(tokens("\n".join(parts)))


def sha256_of(text: str) -> str:
    """The SHA-256 of a text in UTF-8, in hexadecimal, lone surrogates and all: a form may say anything."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def digest63(data: str) -> int:
    """A stable hash that fits a signed 64-bit column and is never negative."""
    found = hashlib.blake2b(data.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(found, "big") >> 1


def content_hash(*parts: str) -> int:
    """The same number for texts whose tokens are the same in the same order: exact folded copies."""
    return content_of(tokens("\n".join(parts)))


def content_of(found: Iterable[str]) -> int:
    """The `content_hash` of tokens that are already at hand."""
    return digest63(" ".join(found))


# --- phones ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Phone:
    """A telephone number found in a text, with the place it stands in (for masking)."""

    e164: str
    start: int
    end: int


# Eight digits with little between them. Looked for first, because the real matcher costs as much as
# all the rest of reading a report; "1022", house numbers and dates never get that far.
_MANY_DIGITS = re.compile(r"\d(?:[\s.()/\u00a0\-]{0,3}\d){7}")


def phones(text: str) -> list[Phone]:
    """The telephone numbers of the text in their order, read as from Viet Nam; short codes are none."""
    text = text[:_PHONE_SCAN]
    if not _MANY_DIGITS.search(text):
        return []
    matcher = phonenumbers.PhoneNumberMatcher(text, _HOME, max_tries=50)
    return [Phone(_formatted(match.number), match.start, match.end) for match in matcher]


# Vietnamese mobile numbers, written plainly: sixty times cheaper than the general reading.
_MOBILE = re.compile(r"(?:0|\+84)((?:3[2-9]|7[06-9]|8[1-58]|9[0-46-8])[0-9]{7}|99[3-9][0-9]{6})")
_SEPARATORS = {ord(char): None for char in " .-"}


def e164(raw: str | None) -> str | None:
    """One phone field as "+84903123456", or None where it holds no number that could be called."""
    if not raw or not raw.strip():
        return None
    if plain := _MOBILE.fullmatch(raw[:40].translate(_SEPARATORS)):
        return f"+84{plain[1]}"
    try:
        number = phonenumbers.parse(clean(raw[:40]), _HOME)
    except phonenumbers.NumberParseException:
        return None
    return _formatted(number) if phonenumbers.is_valid_number(number) else None


def _formatted(number: phonenumbers.PhoneNumber) -> str:
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def no_formula(text: str) -> str:
    """The text as a cell of a CSV file: one that begins like a formula stays text in a spreadsheet."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
