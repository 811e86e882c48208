"""A portal's pages into rows, records and answers: pure, no network.

    list page  -> Row(key, fingerprint)              a report's pages -> Record, answers, reply form

What may surprise: everything is read from the kept bytes of a report's pages, its own id included,
so pages kept years ago map again with a corrected layout. Text is NFC from the first moment:
windows-1258 pages decode into base letter and tone mark, and labels would not be recognised.
Labels that the layout does not know are told in ``extra["unread_labels"]``, without their values.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from bs4 import BeautifulSoup, Tag

from aggregator.domain.marks import few_marks
from aggregator.sdk import tcvn3
from aggregator.sdk.answers import whole_number
from aggregator.sdk.contract import (
    Answer,
    Attachment,
    BadRecord,
    Location,
    Person,
    RawItem,
    Record,
    SchemaDrift,
    SourceStatus,
)
from aggregator.sdk.html import require, soup, stacked, text_of
from aggregator.sdk.html_portal import bundle
from aggregator.sdk.html_portal.layout import (
    AnswersPart,
    DetailPart,
    FilesPart,
    LabelsPart,
    Layout,
    ListPart,
    PagePart,
    at,
    fill,
)
from aggregator.sdk.http import Response
from aggregator.sdk.links import file_name, joined


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list. Without an id it cannot be opened: `key` is then made of its content."""

    key: str
    fingerprint: str
    html: str
    has_id: bool = True


@dataclass(frozen=True, slots=True)
class ListPage:
    rows: tuple[Row, ...]
    #: The portal's own count of all reports, where the page tells it.
    total: int | None = None
    #: The page itself says that there is nothing to list.
    says_empty: bool = False


@dataclass(frozen=True, slots=True)
class Leaf:
    """What is read of one page of a report, and where things stand on it."""

    root: Tag
    part: DetailPart | PagePart


def parse(content: bytes, content_type: str, encoding: str = "") -> BeautifulSoup:
    """The page, decoded as a browser would and composed (NFC). `encoding` goes over what the page says."""
    return soup(text_in(content, content_type, encoding))


def text_in(content: bytes, content_type: str, encoding: str = "") -> str:
    """The page's markup as text, composed (NFC)."""
    if encoding.lower() == "tcvn3":
        return tcvn3.decode(content)
    charset = f"text/html; charset={encoding}" if encoding else content_type
    return unicodedata.normalize("NFC", few_marks(Response(200, {"Content-Type": charset}, content, "").text))


# -- the list ------------------------------------------------------------------------------------


def read_list(page: BeautifulSoup, part: ListPart) -> ListPage:
    """The rows in the page's order. Raises `SchemaDrift` where the list's structure is not there."""
    container = require(page, part.container, what="the list of reports")[0]
    for css, at_least in part.expect.items():
        require(page, css, at_least, what="the list's own marks")
    nodes = container.select(part.row)
    if stacked(nodes):
        raise SchemaDrift("rows of the list stand in one another", evidence={"selector": part.row})
    rows = tuple(_row(node, part) for node in nodes)
    if rows and not any(row.has_id for row in rows):
        raise SchemaDrift(
            f"none of the {len(rows)} rows of the list has an id",
            hint="The portal's layout has probably changed: check list.id of its layout",
            evidence={"rows": len(rows), "selector": part.id.css},
        )
    total = part.total.of(page) if part.total.given else ""
    says_empty = bool(part.empty and page.select_one(part.empty)) or total == "0"
    return ListPage(rows, whole_number(total), says_empty)


def _row(node: Tag, part: ListPart) -> Row:
    markup = str(node)
    external_id = part.id.of(node)
    for css in part.ignore:
        for noise in node.select(css):
            noise.extract()
    fingerprint = hashlib.sha256(text_of(node).encode()).hexdigest()[:12]
    return Row(external_id or f"?{fingerprint}", fingerprint, markup, bool(external_id))


# -- one report ----------------------------------------------------------------------------------


def opened(item: RawItem, layout: Layout) -> tuple[str, tuple[Leaf, ...]]:
    """The id and the pages of one kept report, its own first. Raises `BadRecord` where one is not that."""
    detail = layout.detail
    external_id, pages = bundle.split(item.content)
    leaves = []
    parts: tuple[DetailPart | PagePart, ...] = (detail, *detail.pages)
    for number, part in enumerate(parts):
        content = pages[number] if number < len(pages) else b""
        if not content and isinstance(part, PagePart) and part.optional:
            continue
        root = parse(content, item.content_type, layout.encoding).select_one(part.container)
        if root is None:
            raise BadRecord(f"{item.ref}: page {number + 1} is no report ({part.container} is missing)")
        leaves.append(Leaf(root, part))
    external_id = detail.id.of(leaves[0].root) if detail.id.given else external_id
    if not external_id:
        raise BadRecord(f"{item.ref}: the page does not say the report's id", field="id")
    return external_id, tuple(leaves)


def record_of(
    item: RawItem,
    layout: Layout,
    *,
    base_url: str,
    zone: ZoneInfo,
    status_of: Callable[[str | None], SourceStatus],
) -> Record:
    """The record of one kept report. Raises `BadRecord` naming the field."""
    detail = layout.detail
    external_id, leaves = opened(item, layout)
    for leaf in leaves:
        _whole(leaf, external_id)
    values, extra = _values(leaves)
    for name in detail.required:
        if not values.get(name):
            raise BadRecord(f"report {external_id} has no {name}", field=name, external_id=external_id)
    dates = {name: _date(values, name, detail, zone, external_id) for name in ("created", "updated", "due")}
    if dates["created"] is None:
        raise BadRecord(f"report {external_id} has no created", field="created", external_id=external_id)
    url = at(base_url, fill(detail.path, id=external_id))
    status_raw = values.get("status") or None
    return Record(
        external_id=external_id,
        occurred_at=dates["created"],
        updated_at=dates["updated"],
        due_at=dates["due"],
        subject=values.get("subject") or values.get("body", "")[:120],
        body=values.get("body", ""),
        person=_person(values, detail),
        location=_location(values, extra),
        category_raw=values.get("category") or None,
        urgency_raw=values.get("urgency") or None,
        status_raw=status_raw,
        status=status_of(status_raw),
        url=url,
        attachments=tuple(_attachments(leaves, external_id, base_url)),
        answers=answers_of(leaves, detail, zone),
        extra=extra,
        volatile=detail.volatile,
    )


def _whole(leaf: Leaf, external_id: str) -> None:
    """Raises `BadRecord` where a page lacks what stands on every report's page."""
    for css, at_least in leaf.part.expect.items():
        if len(leaf.root.select(css, limit=at_least)) < at_least:
            raise BadRecord(f"report {external_id}: fewer than {at_least} of {css}", external_id=external_id)
    for name, part in (("attachments", leaf.part.attachments), ("answers", leaf.part.answers)):
        if moved(leaf.root, part):
            raise BadRecord(f"report {external_id}: {name} moved", field=name, external_id=external_id)


def _values(leaves: Sequence[Leaf]) -> tuple[dict[str, str], dict[str, Any]]:
    """Our fields and their texts; what else the pages label goes to the second."""
    values: dict[str, str] = {}
    extra: dict[str, Any] = {}
    for leaf in leaves:
        for name, pick in leaf.part.fields.items():
            values[name] = values.get(name) or pick.of(leaf.root)
        _read_labels(leaf, values, extra)
    return values, extra


def _rows(leaf: Leaf, css: str) -> Sequence[Tag]:
    """The rows of one kind on a page. Raises `BadRecord` where tags left open pile them up."""
    found = leaf.root.select(css) if css else ()
    if stacked(found):
        raise BadRecord(f"rows of {css} stand in one another: the page's tags are left open")
    return found


def _read_labels(leaf: Leaf, values: dict[str, str], extra: dict[str, Any]) -> None:
    part = leaf.part.labels
    names = {_label(label): name for label, name in part.names.items()}
    keep, ignore = ({_label(label) for label in words} for words in (part.keep, part.ignore))
    unread: list[str] = []
    for label, value in _labelled(_rows(leaf, part.row), part):
        known = _label(label)
        if known in names:
            values[names[known]] = values.get(names[known]) or value
        elif known in keep:
            extra[label.rstrip(" :")] = value
        elif known and value and known not in ignore:
            unread.append(label.rstrip(" :"))
    if unread:
        extra["unread_labels"] = [*extra.get("unread_labels", ()), *unread]


def _labelled(rows: Sequence[Tag], part: LabelsPart) -> Iterator[tuple[str, str]]:
    for row in rows:
        label, value = row.select_one(part.label), row.select_one(part.value)
        if label is not None and value is not None:
            yield text_of(label), text_of(value)


def _label(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).rstrip(" :").split()).casefold()


def _date(
    values: Mapping[str, str], name: str, detail: DetailPart, zone: ZoneInfo, external_id: str
) -> datetime | None:
    text = values.get(name, "")
    if not text:
        return None
    own = detail.fields[name].date if name in detail.fields else ()
    at = moment(text, own or detail.dates, zone, end_of_day=name == "due")
    if at is None:
        raise BadRecord(
            f"report {external_id}: {name} has no known date form", field=name, external_id=external_id
        )
    return at


def moment(text: str, forms: Iterable[str], zone: ZoneInfo, *, end_of_day: bool = False) -> datetime | None:
    """The instant in UTC; a time without zone is the portal's local time. None where no form fits.

    A day alone is its first second, or with `end_of_day` its last: a deadline's day still counts.
    """
    for form in forms:
        try:
            if form != "iso":
                at = datetime.strptime(text, form).replace(tzinfo=zone)
                if end_of_day and not any(part in form for part in ("%H", "%I", "%X", "%c")):
                    at = at.replace(hour=23, minute=59, second=59)
                return at.astimezone(UTC)
            at = datetime.fromisoformat(text)
            return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    return None


def _person(values: Mapping[str, str], detail: DetailPart) -> Person:
    name = values.get("name", "")
    anonymous = _label(name) in {_label(word) for word in detail.anonymous}
    return Person(
        name=None if anonymous else name or None,
        phone=values.get("phone") or None,
        email=values.get("email") or None,
        address=values.get("address") or None,
        anonymous=anonymous,
    )


def _location(values: Mapping[str, str], extra: dict[str, Any]) -> Location:
    lat, lng = _degrees(values, "lat", 90, extra), _degrees(values, "lng", 180, extra)
    both = lat is not None and lng is not None and (lat, lng) != (0.0, 0.0)
    return Location(
        address=values.get("place") or None,
        lat=lat if both else None,
        lng=lng if both else None,
        ward_code=values.get("ward_code") or None,
        area=values.get("area") or None,
    )


def _degrees(values: Mapping[str, str], name: str, limit: float, extra: dict[str, Any]) -> float | None:
    """A map position is a comfort: an unreadable one is kept as text and holds up no report."""
    text = values.get(name, "")
    try:
        degrees = float(text.replace(",", ".")) if text else None
    except ValueError:
        degrees = None
    if degrees is not None and -limit <= degrees <= limit:
        return degrees
    if text:
        extra[name] = text
    return None


def _attachments(leaves: Sequence[Leaf], external_id: str, base_url: str) -> Iterator[Attachment]:
    for leaf in leaves:
        url = at(base_url, fill(leaf.part.path, id=external_id))
        part = leaf.part.attachments
        for row in _rows(leaf, part.row):
            href = part.ref.of(row)
            if not href:
                raise BadRecord(f"{url}: a file without an address", field="attachments")
            try:
                full = joined(url, href)
            except SchemaDrift as error:
                raise BadRecord(f"{url}: a file whose address is none", field="attachments") from error
            ref = full.removeprefix(base_url.rstrip("/"))
            name = part.name.of(row) or file_name(full)
            yield Attachment(ref, name or "tep-dinh-kem")


def moved(root: Tag, part: FilesPart | AnswersPart) -> bool:
    """Whether the place of files or answers is gone, or holds something that is no row of theirs."""
    if not part.container:
        return False
    place = root.select_one(part.container)
    if place is None:
        return True
    explained = root.select_one(part.row) or (part.empty and root.select_one(part.empty))
    return not explained and place.find(True) is not None


# -- answers -------------------------------------------------------------------------------------


def answers_of(leaves: Sequence[Leaf], detail: DetailPart, zone: ZoneInfo) -> tuple[Answer, ...]:
    """The answers that the pages show, in their order."""
    found = []
    for leaf in leaves:
        part = leaf.part.answers
        for row in _answer_rows(leaf):
            body = part.body.of(row)
            if body:
                # A day of an answer that cannot be read is left out; the answer's text matters.
                at = moment(part.at.of(row), part.at.date or detail.dates, zone) if part.at.given else None
                author = part.author.of(row) if part.author.given else ""
                ref = part.ref.of(row) if part.ref.given else ""
                found.append(Answer(body, at, author or None, ref or None))
    return tuple(found)


def _answer_rows(leaf: Leaf) -> Sequence[Tag]:
    return _rows(leaf, leaf.part.answers.row)


def answers_unread(leaves: Sequence[Leaf], read: Sequence[Answer]) -> bool:
    """Whether the pages may show answers beyond those read: then "not there" means nothing."""
    rows = sum(len(_answer_rows(leaf)) for leaf in leaves)
    return rows > len(read) or any(moved(leaf.root, leaf.part.answers) for leaf in leaves)


def status_raw_of(leaves: Sequence[Leaf]) -> str | None:
    """The status word on a report's pages."""
    return _values(leaves)[0].get("status") or None


def status_choice(form: Tag, field: str, words: Iterable[str]) -> str | None:
    """The value of the form's choice (list or radio buttons) that reads as one of our words for it."""
    choices: dict[str, str] = {}
    for option in form.select(f'select[name="{field}"] option'):
        value = str(option.get("value", text_of(option)))
        choices.update({_label(value): value, _label(text_of(option)): value})
    for radio in form.select(f'input[type="radio"][name="{field}"]'):
        value = str(radio.get("value", ""))
        label = (
            form.select_one(f'label[for="{radio["id"]}"]') if radio.get("id") else radio.find_parent("label")
        )
        choices.update({_label(value): value, _label(text_of(label)): value})
    return next((choices[_label(word)] for word in words if _label(word) in choices), None)
