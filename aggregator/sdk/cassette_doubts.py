"""What nobody but a person can judge: doubts that stop a recording, and words that its author should read.

    never_found   a value that the connector reported, and that stands nowhere in the pages
    surviving     a value that is still there (see `cassette_proof`)
    questions     words in free texts that may be a name, an address or a number of somebody's

What may surprise: a value may be made of several fields ("Nguyễn" and "Văn A"; house, street and ward).
`pieces` are what it can be made of, and they are replaced where each stands alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence

from aggregator.sdk.cassette_findings import about, looks_like_a_name, of_person
from aggregator.sdk.cassette_letters import compact, words_of
from aggregator.sdk.cassette_people import Invented, Kind, Value, identity
from aggregator.sdk.cassette_proof import survivors
from aggregator.sdk.cassette_recorder import Taken
from aggregator.sdk.cassette_scrub import Scrubber
from aggregator.sdk.contract import Record

__all__ = ["never_found", "pieces", "questions", "surviving"]

_STREET_WORDS = frozenset(("duong", "pho", "hem", "ngo", "kiet", "cau", "cho", "truong", "d"))
_HOUSE = re.compile(r"\d{1,4}[A-Za-z]?(?:/\d{1,4}[A-Za-z]?)*")
_AREA = re.compile(r"(?:phuong|xa|quan|huyen|tp|thanh pho|tinh|thi tran|thi xa|dac khu|viet nam|p|q)\b")
#: Words after which people tell where they live, and numbers too long for a house.
_HOME = re.compile(r"\b(?:nhà|nha) (?:tôi|toi|em|mình|minh|cháu|con|số|so)\b", re.IGNORECASE)
_LONG = re.compile(r"(?<![\w.])[0-9]{9,19}(?![\w])")


def told(record: Record) -> Iterator[Value]:
    """The person's own values, as the connector reported them."""
    for kind, text in of_person(record.person):
        yield from list(about(kind, text, ""))[:1]


def pieces(records: Sequence[Record], scrubber: Scrubber) -> Iterator[Value]:
    """Parts of names and addresses that were found nowhere whole."""
    for record in records:
        for value in told(record):
            if not _found(value, scrubber):
                for part in {part for split in _splits(value) for part in split}:
                    yield Value(value.kind, part, compact(value.text), weak=True)


def _splits(value: Value) -> list[tuple[str, ...]]:
    """How fields could have been put together: a name in two, an address by its commas."""
    if value.kind is Kind.NAME:
        words = value.text.split()
        return [(" ".join(words[:at]), " ".join(words[at:])) for at in range(1, len(words))]
    if value.kind is Kind.ADDRESS:
        parts = [part.strip() for part in re.split(r",| - ", value.text)]
        rest = [part for part in parts[1:] if not _AREA.match(" ".join(words_of(part)))]
        starts = [(parts[0],), tuple(parts[0].split(" ", 1))]
        # A number alone is nobody's, and stands for much else on a page.
        return [tuple(p for p in (*start, *rest) if p and not p.isdigit()) for start in starts]
    return []


def _found(value: Value, scrubber: Scrubber) -> bool:
    return (value.kind, identity(value.kind, value.text)) in scrubber.found


def never_found(records: Sequence[Record], scrubber: Scrubber) -> Iterator[str]:
    """Values that stand nowhere, whole or in pieces: they came from bytes that we cannot read."""
    for record in records:
        for value in told(record):
            whole = _found(value, scrubber)
            if not whole and not any(
                all(_found(Value(value.kind, part), scrubber) for part in split) for split in _splits(value)
            ):
                yield f"the {value.kind.value} of report {record.external_id} was found nowhere in the pages"


def surviving(
    named: Mapping[str, bytes], scrubber: Scrubber, invented: Invented, keep: frozenset[str]
) -> Iterator[str]:
    """What is still in these bytes, told by their names."""
    values = list(scrubber.values.values())
    for name, content in named.items():
        for doubt in sorted(set(survivors(content, values, invented, keep))):
            yield f"{name}: {doubt}"


def bytes_of(parts: Sequence[Taken]) -> Iterator[tuple[str, bytes]]:
    """All of the exchanges that is saved, by what it is."""
    for number, part in enumerate(parts, 1):
        headers = "\n".join(f"{name}: {value}" for name, value in part.answer_headers)
        yield f"exchange {number}", f"{part.url}\n{headers}".encode()
        yield f"exchange {number}, what was sent", part.body
        yield f"exchange {number}, the answer", part.content


def questions(records: Sequence[Record], scrubber: Scrubber) -> Iterator[str]:
    """Places in free texts to look at, each with its neighbours; the texts are those of the recording."""
    for record in records:
        text = scrubber.text(f"{record.subject}\n{record.body}")
        for at in sorted({*_names(text, scrubber), *_homes(text), *_numbers(text, scrubber)}):
            shown = " ".join(text[max(at - 25, 0) : at + 40].split())
            yield f"report {record.external_id}: … {shown} …"


def _homes(text: str) -> Iterator[int]:
    yield from (match.start() for match in _HOME.finditer(text))


def _numbers(text: str, scrubber: Scrubber) -> Iterator[int]:
    for match in _LONG.finditer(text):
        if not any(scrubber.is_invented(kind, match[0]) for kind in (Kind.PHONE, Kind.ID)):
            yield match.start()


def _names(text: str, scrubber: Scrubber) -> Iterator[int]:
    """Where two to four words look like a name that is no stand-in and no street's."""
    words = list(re.finditer(r"\S+", text))
    at = 0
    while at < len(words):
        size = next((n for n in (4, 3, 2) if _may_be_a_name([w[0] for w in words[at : at + n]], scrubber)), 0)
        if size and not _a_street(words[at - 1][0] if at else ""):
            yield words[at].start()
        at += size or 1


def _may_be_a_name(words: Sequence[str], scrubber: Scrubber) -> bool:
    text = " ".join(words).strip('.,;:!?()"')
    if words and unicodedata.normalize("NFC", words[0]).lower() == "đường":  # a street, no Mr Dương
        return False
    return looks_like_a_name(text) and not scrubber.is_invented(Kind.NAME, text)


def _a_street(before: str) -> bool:
    """Streets bear names of people: after their kind, or a house's number."""
    return compact(before) in _STREET_WORDS or _HOUSE.fullmatch(before) is not None
