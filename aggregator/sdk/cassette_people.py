"""Invented people in place of real ones: the same person stays the same person, on every page.

Promise: a value gets one stand-in, of its kind and form (as many words in a name, a mobile number for a
number, twelve digits for a citizen's number, a token of the same length and letters), and no stand-in is
itself a value of the recording. What may surprise: the stand-ins are the same in every recording, in the
order in which people come up, so that recording again changes little in a folder under version control.
"""

from __future__ import annotations

import base64
import enum
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from aggregator.domain.text import e164
from aggregator.sdk.cassette_letters import compact, folded, words_of

__all__ = ["Invented", "Kind", "Value", "identity"]

_SURNAMES = (
    "Trần", "Lê", "Phạm", "Hoàng", "Huỳnh", "Vũ", "Võ", "Đặng", "Bùi", "Đỗ", "Hồ", "Ngô", "Dương", "Lý",
)  # fmt: skip
_MIDDLES = ("Văn", "Thị", "Minh", "Ngọc", "Hữu", "Thanh", "Đức", "Thu", "Quang", "Kim")
_GIVEN = (
    "Mẫu", "Thử", "Dụ", "Tường", "Khải", "Diễm", "Thoa", "Lương", "Nhạn", "Quyên", "Sáng", "Toản", "Uyển",
    "Vĩ", "Xuyến", "Yên", "Chấn",
)  # fmt: skip
#: What a part of a token is made of, the narrowest first.
_LETTERS = (
    "0123456789", "0123456789abcdef", "0123456789ABCDEF", "abcdefghijklmnopqrstuvwxyz",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz0123456789",
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
)  # fmt: skip
#: The middle names of so many people that they give nobody away.
_COMMON = frozenset(("thi", "van"))
_STREETS = ("Hoa Mẫu", "Cây Thử", "Ví Dụ", "Suối Mẫu", "Đồi Thử", "Bến Mẫu", "Giếng Thử")


class Kind(enum.StrEnum):
    """What a personal value is."""

    NAME = "name"
    PHONE = "phone"
    EMAIL = "email"
    ID = "id number"
    ADDRESS = "address"
    PLATE = "plate"
    SECRET = "secret"


@dataclass(frozen=True, slots=True)
class Value:
    """One personal value of the recording. `person` joins those that belong to one person."""

    kind: Kind
    text: str
    person: str = ""
    #: Found at a place that is a value of its own, and too ordinary to be replaced inside sentences.
    weak: bool = False


def identity(kind: Kind, text: str) -> str:
    """What makes two spellings one value."""
    if kind is Kind.SECRET:
        return text
    if kind is Kind.PHONE:
        return (e164(text) or "+84" + "".join(filter(str.isdigit, text)).removeprefix("0"))[3:]
    return folded(text).strip() if kind is Kind.EMAIL else compact(text)


class Invented:
    """The stand-ins of one recording. `taken(identity)` tells what no stand-in may be."""

    def __init__(self, taken: Callable[[str], bool] = lambda _text: False) -> None:
        self._taken = taken
        self._made: dict[tuple[Kind, str], str] = {}
        self._ours: set[tuple[Kind, str]] = set()
        self._people: dict[str, int] = {}

    def instead_of(self, value: Value) -> str:
        """The stand-in of a value."""
        key = (value.kind, identity(value.kind, value.text))
        if key not in self._made:
            self._made[key] = new = self._fresh(value)
            self._ours.add((value.kind, identity(value.kind, new)))
        return self._made[key]

    def is_stand_in(self, kind: Kind, text: str) -> bool:
        """Whether this is one of ours."""
        return (kind, identity(kind, text)) in self._ours

    def holds(self, kind: Kind, text: str) -> bool:
        """Whether this is one of ours, or a part of one."""
        wanted = identity(kind, text)
        return any(known is kind and wanted in ours for known, ours in self._ours)

    def _fresh(self, value: Value) -> str:
        number = self._people.setdefault(value.person or compact(value.text), len(self._people) + 1)
        for attempt in range(1000):
            new = _MAKERS[value.kind](value.text, number + attempt * 997)
            shared = set(words_of(new)) & set(words_of(value.text)) - _COMMON
            fits = value.kind is not Kind.NAME or not shared
            if fits and not self._taken(identity(value.kind, new)) and new not in self._made.values():
                return new
        raise RuntimeError("no free stand-in")  # a thousand people with invented names


def _name(original: str, number: int) -> str:
    count = min(max(len(original.split()), 1), 5)
    given = _GIVEN[number % len(_GIVEN)]
    if count == 1:
        return given
    surname = _SURNAMES[(number // len(_GIVEN) + number) % len(_SURNAMES)]
    middle = [_MIDDLES[(number // 7 + step * 3) % len(_MIDDLES)] for step in range(count - 2)]
    if middle and "thi" in folded(original).split():
        middle[0] = "Thị"
    return " ".join((surname, *middle, given))


def _phone(original: str, number: int) -> str:
    """As many digits behind the trunk 0: of mobile and landline blocks that nobody is known to hold."""
    if len(identity(Kind.PHONE, original)) == 10:
        return f"2990000{number % 1000:03}"
    return f"90000{number % 10_000:04}"


def _email(original: str, number: int) -> str:
    return f"nguoi.dan.{number}@example.vn"


def _id(original: str, number: int) -> str:
    return f"{number:0{len(compact(original))}}"


def _address(original: str, number: int) -> str:
    return f"{number + 100} đường {_STREETS[number % len(_STREETS)]}"


def _plate(original: str, number: int) -> str:
    return f"99{'X' if original[2:3].isalpha() else 'Z'}-{number % 100_000:05}"


def _secret(original: str, number: int) -> str:
    """Of the same length and the same kinds of letters; a JWT stays one, with its times."""
    if original.count(".") == 2 and original.startswith("eyJ"):
        return _jwt(original, number)
    noise = hashlib.sha256(f"{number} {len(original)}".encode()).digest()

    def other(match: re.Match[str]) -> str:
        at, part = match.start(), match[0]
        letters = next((letters for letters in _LETTERS if set(part) <= set(letters)), _LETTERS[-1])
        return "".join(letters[(noise[(at + n) % 32] + at + n) % len(letters)] for n in range(len(part)))

    return re.sub(r"[^\W_]+", other, original)


def _jwt(original: str, number: int) -> str:
    _head, body, signature = original.split(".")
    try:
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        kept = {name: claims[name] for name in ("iat", "nbf", "exp") if name in claims}
    except (ValueError, TypeError):
        kept = {}
    told = [json.dumps(part, separators=(",", ":")).encode() for part in ({"alg": "none"}, kept)]
    parts = [base64.urlsafe_b64encode(part).decode().rstrip("=") for part in told]
    return ".".join((*parts, str(number).rjust(len(signature), "x")))


_MAKERS: dict[Kind, Callable[[str, int], str]] = {
    Kind.NAME: _name,
    Kind.PHONE: _phone,
    Kind.EMAIL: _email,
    Kind.ID: _id,
    Kind.ADDRESS: _address,
    Kind.PLATE: _plate,
    Kind.SECRET: _secret,
}
