"""The person whose data is asked for: where a text names them, and the text without them.

Principles: a name is looked for whole, in any case and with or without its accents, because people type it
both ways; a telephone in any form in which people write one; an e-mail and an ID number digit by digit.
Known exceptions: half a name ("cô Ánh"), a nickname, an address other than the whole one given, and what a
picture shows are not found: who answers reads the text before they say that nothing is left. A name of one
word is not looked for in texts at all, it would strike every "An" and "Bình".
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property

from aggregator.domain.personal import personal
from aggregator.domain.text import e164, fold, phones, squash

#: What stands where a person was named.
GONE = "[đã xoá]"


@dataclass(frozen=True)
class Sought:
    """What is known of the person; empty where it is not."""

    name: str = ""
    phone: str = ""
    email: str = ""
    id_number: str = ""
    address: str = ""

    def __bool__(self) -> bool:
        return bool(self.squashed_name or self.called or self.mail or self.digits)

    @cached_property
    def called(self) -> str | None:
        """The telephone as it is indexed."""
        return e164(self.phone)

    @cached_property
    def mail(self) -> str:
        return self.email.strip().lower()

    @cached_property
    def digits(self) -> str:
        """The ID number's digits; fewer than nine are none (old cards have nine, new ones twelve)."""
        found = "".join(filter(str.isdigit, self.id_number))
        return found if len(found) >= 9 else ""

    @cached_property
    def squashed_name(self) -> str:
        return squash(self.name)

    @cached_property
    def _patterns(self) -> list[re.Pattern[str]]:
        """Over folded text."""
        found = [_whole(text) for text in (self.name, self.address) if " " in squash(text)]
        if self.mail:
            found.append(re.compile(rf"(?<![\w.+-]){re.escape(fold(self.mail))}(?![\w-])"))
        if self.digits:
            found.append(re.compile(rf"(?<!\d){r'[ .-]?'.join(self.digits)}(?!\d)"))
        return found

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where this NFC text names the person, in order, without overlap."""
        folded = fold(text)
        found = [match.span() for pattern in self._patterns for match in pattern.finditer(folded)]
        if self.called:
            found += [(each.start, each.end) for each in phones(text) if each.e164 == self.called]
            # Beyond what telephones are looked for in, and inside longer runs ("0912345678@zalo").
            found += [match.span() for match in self._number.finditer(text)]
        return _merged(found)

    @cached_property
    def _number(self) -> re.Pattern[str]:
        national = (self.called or "").removeprefix("+84").lstrip("+")
        return re.compile(r"(?:\+?84|0)?[ .-]?" + r"[ .\-()]{0,2}".join(national))

    def named_in(self, text: str | None) -> bool:
        return bool(text) and bool(self.spans(_nfc(text or "")))

    def without(self, text: str, *, all_personal: bool = False) -> str:
        """The text without the person; `all_personal`: without any telephone, e-mail or plate either."""
        text = _nfc(text)
        spans = self.spans(text)
        if all_personal:
            spans = _merged([*spans, *((each.start, each.end) for each in personal(text))])
        for start, end in reversed(spans):
            text = f"{text[:start]}{GONE}{text[end:]}"
        return text


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _whole(text: str) -> re.Pattern[str]:
    """The words in their order, whatever stands between them, and no letter before or after."""
    return re.compile(
        r"(?<![^\W_])" + r"[\W_]{1,3}".join(map(re.escape, squash(text).split())) + r"(?![^\W_])"
    )


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if found and start < found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found
