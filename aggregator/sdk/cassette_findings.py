"""Which values of a recording belong to people, or open doors.

    mapped records -> what the connector itself calls a person's
    fields by name -> what the connector does not map: an officer's name, a token (JSON, HTML, CSV, XML)
    a session      -> secrets, cookies, tokens that were sent and came back

Promise: this only looks and never changes; `cassette_scrub` replaces, `cassette_proof` tries to find what
was overlooked. What may surprise: words that stand where a name should ("Ẩn danh", "Công dân") are no
names, and a public place of a report (its address, its ward) is none of its sender's.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bs4 import BeautifulSoup, Tag

from aggregator.domain.personal import Kind as Found
from aggregator.domain.personal import personal
from aggregator.domain.text import e164
from aggregator.sdk.cassette_letters import compact, words_of
from aggregator.sdk.cassette_people import Kind, Value
from aggregator.sdk.contract import Person, Record
from aggregator.sdk.html import text_of

__all__ = ["about", "in_fields", "in_state", "looks_like_a_name", "of_record", "of_secrets"]

_SURNAMES = """
    nguyen tran le pham hoang huynh phan vu vo dang bui do ho ngo duong ly dinh trinh truong dao doan luu mai
    to ta chau thai luong trieu ha quach cao tang cu tong nghiem khuc lam tu ton la kieu kim vuong ong bach
    luc phung thach than tieu diep lai khuu
"""
SURNAMES = frozenset(_SURNAMES.split())
_NO_ONE = """
    andanh congdan nguoidan khong khongco khongro chuaro na null none giauten nguoiphananh admin administrator
    canbo hethong system khach bandoc nguoigui canbotruc
"""
_NO_NAMES = frozenset(_NO_ONE.split())
_OFFICES = re.compile(
    r"\b(?:ubnd|uy ban|cong ty|so|phong|trung tam|ban|cong an|van phong|to dan pho|bo phan)\b"
)

#: The name of a field, its letters alone and folded -> what it holds.
_FIELDS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    (
        Kind.SECRET,
        re.compile(
            r"(?:.*token|.*session(?:id)?|.*sid|.*matkhau|.*password|.*secret|.*apikey|.*csrf.*|.*xsrf.*|viewstate"
            r"|eventvalidation|authorization|jwt)"
        ),
    ),
    (Kind.PHONE, re.compile(r".*(?:dienthoai|sdt|phone|mobile|didong).*|tel|dt|sodt")),
    (Kind.EMAIL, re.compile(r".*(?:email|thudientu).*|mail")),
    (
        Kind.ID,
        re.compile(r".*(?:cccd|cmnd|cmtnd|cancuoc|dinhdanhcanhan|identitynumber|idcard|hochieu|passport).*"),
    ),
    (
        Kind.ADDRESS,
        re.compile(r".*(?:thuongtru|tamtru|diachilienhe|diachinguoi|homeaddress|diachicongdan).*"),
    ),
    (
        Kind.NAME,
        re.compile(
            r"(?:.*(?:hoten|hovaten|tendaydu|nguoigui|nguoiphananh|nguoilienhe|tencongdan|tennguoi|fullname"
            r"|nguoitraloi|nguoixuly|tencanbo|hotencanbo|reportername|sendername|requestername|contactname"
            r"|displayname).*|firstname|lastname|middlename|creator|lastmodifiedby|congdan|canbo)"
        ),
    ),
)
_LABEL = re.compile(r"^\s*([^:]{2,40}?)\s*:\s*(\S.{0,200})$")


def of_person(person: Person) -> tuple[tuple[Kind, str | None], ...]:
    """What a connector may tell of who reported, each with its kind."""
    return (
        (Kind.NAME, person.name), (Kind.PHONE, person.phone), (Kind.EMAIL, person.email),
        (Kind.ADDRESS, person.address), (Kind.ID, person.id_number),
    )  # fmt: skip


def of_record(record: Record) -> Iterator[Value]:
    """The values of the person of one record, and personal data inside its texts."""
    person = record.person
    who = compact(person.name or "") + (e164(person.phone) or person.email or "") or record.external_id
    for kind, text in of_person(person):
        yield from about(kind, text, who)
    for answer in record.answers:
        if looks_like_a_name(answer.author or ""):
            yield from about(Kind.NAME, answer.author, "")
    for text in (record.subject, record.body, *(answer.body for answer in record.answers)):
        for each in personal(text):
            if each.kind is Found.PLATE:
                yield Value(Kind.PLATE, text[each.start : each.end])


def about(kind: Kind, text: Any, person: str) -> Iterator[Value]:
    """The value, where it tells of somebody; of an address also its house and street alone."""
    if not isinstance(text, str | int) or isinstance(text, bool):
        return
    plain = str(text).strip()
    letters = compact(plain)
    if not letters or (kind is Kind.NAME and (letters in _NO_NAMES or letters.isdigit())):
        return
    if kind is Kind.EMAIL and "@" not in plain:
        return
    if kind is Kind.SECRET and len(plain) < 3:
        return
    yield Value(kind, plain, person, weak=_weak(kind, plain, letters))
    if kind is Kind.ADDRESS:
        first = plain.partition(",")[0].strip()
        if first != plain and not _weak(kind, first, compact(first)):
            yield Value(kind, first, person)


def _weak(kind: Kind, plain: str, letters: str) -> bool:
    """Whether sentences may hold these words by chance."""
    count = len(words_of(plain))
    if kind is Kind.NAME:
        return count < 2 or len(letters) < 6
    if kind is Kind.ADDRESS:
        digits = any(map(str.isdigit, letters))
        return not (digits and count >= 3 and len(letters) >= 8) and count < 6
    if kind in (Kind.PHONE, Kind.ID):
        return sum(map(str.isdigit, letters)) < 8
    return kind is Kind.SECRET and len(plain) < 6


def looks_like_a_name(text: str) -> bool:
    """Two to five capitalised words, the first of them a Vietnamese surname, and no office."""
    parts = text.split()
    return (
        2 <= len(parts) <= 5
        and all(part[:1].isupper() for part in parts)
        and words_of(parts[0])[:1] != ()
        and words_of(parts[0])[0] in SURNAMES
        and not _OFFICES.match(" ".join(words_of(text)))
    )


def of_secrets(values: Iterable[str]) -> Iterator[Value]:
    """Secrets, cookies and tokens as values."""
    for text in values:
        yield from about(Kind.SECRET, text, "")


def in_state(state: Mapping[str, Any]) -> Iterator[Value]:
    """What the connector keeps to stay signed in: cookies, and fields named like a token."""
    for value in _json_values(state, ""):
        if value.kind is Kind.SECRET:
            yield value
    cookies = state.get("cookies")
    if isinstance(cookies, Mapping):
        yield from of_secrets(str(value) for value in cookies.values())


# -- fields by their names -----------------------------------------------------------------------


def kind_of(field: str) -> Kind | None:
    """What a field of this name holds; None for what is nobody's."""
    name = compact(field)
    return next((kind for kind, pattern in _FIELDS if len(name) <= 40 and pattern.fullmatch(name)), None)


def in_fields(text: str, content_type: str) -> Iterator[Value]:
    """Values of a body's fields that are named like personal ones; nothing where it cannot be read."""
    start = text.lstrip("\ufeff \t\r\n")[:1]
    if start in ("{", "[") and start:
        try:
            yield from _json_values(json.loads(text.lstrip("\ufeff")), "")
        except (ValueError, RecursionError):
            return
    elif start == "<":
        yield from _markup_values(BeautifulSoup(text, "xml" if _is_xml(text, content_type) else "lxml"))
    else:
        yield from _table_values(text)


def _is_xml(text: str, content_type: str) -> bool:
    return "html" not in content_type and (
        "xml" in content_type or text.lstrip("\ufeff \r\n").startswith("<?xml")
    )


def _json_values(data: Any, field: str) -> Iterator[Value]:
    if isinstance(data, Mapping):
        for name, value in data.items():
            yield from _json_values(value, str(name))
    elif isinstance(data, list):
        for value in data:
            yield from _json_values(value, field)
    else:
        yield from _named(field, data)


def _named(field: str, data: Any) -> Iterator[Value]:
    kind = kind_of(field)
    if kind is None or (kind is Kind.NAME and not _may_name(str(data))):
        return
    if kind is Kind.SECRET and not isinstance(data, str):
        return
    yield from about(kind, data, "")


def _may_name(text: str) -> bool:
    words = words_of(text)
    return len(words) <= 6 and "@" not in text and not _OFFICES.match(" ".join(words))


def _table_values(text: str) -> Iterator[Value]:
    first = text.partition("\n")[0]
    mark = max(",;\t|", key=first.count)
    if first.count(mark) < 1:
        return
    try:
        rows = iter(csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""), delimiter=mark))
        heads = next(rows)
        for row in rows:
            for head, cell in zip(heads, row, strict=False):
                yield from _named(head, cell)
    except (csv.Error, StopIteration):
        return


def _markup_values(tree: BeautifulSoup) -> Iterator[Value]:
    for control in tree.find_all(["input", "meta"]):
        name = str(control.get("name") or control.get("id") or "")
        yield from _named(name, str(control.get("value") or control.get("content") or ""))
    for table in tree.find_all("table"):
        yield from _columns(table)
    for node in tree.find_all(True):
        yield from _labelled(node)


def _columns(table: Tag) -> Iterator[Value]:
    first = table.find("tr")
    # A row of labels alone: a row of a label and its value is `_labelled`'s.
    heads = [text_of(cell) for cell in first.find_all("th")] if first and first.find("td") is None else []
    wanted = {at for at, head in enumerate(heads) if kind_of(head)}
    for row in table.find_all("tr") if wanted else ():
        cells = row.find_all("td", recursive=False)
        for at in wanted & set(range(len(cells))):
            yield from _named(heads[at], text_of(cells[at]))


def _labelled(node: Tag) -> Iterator[Value]:
    """A node of words alone: named by its tag, class or id, by the node before it, or "Label: value"."""
    if node.find(True) is not None or not (text := text_of(node)):
        return
    names = [
        node.name,
        str(node.get("id") or ""),
        *map(str, node.get("class") or ()),
        str(node.get("itemprop") or ""),
    ]
    before = node.find_previous_sibling()
    if isinstance(before, Tag) and before.find(True) is None:
        names.append(text_of(before))
    for name in names:
        yield from _named(name, text)
    if match := _LABEL.match(text):
        yield from _named(match[1], match[2])
