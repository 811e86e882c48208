"""Pages of a district portal into rows, records and answers: pure, no network.

    list page  -> Row(key, fingerprint)              detail page -> Record, answers, reply form

What may surprise: everything is read from the kept bytes of one detail page, its own id included,
so a page kept years ago maps again with a corrected layout. Text is NFC from the first moment:
windows-1258 pages decode into base letter and tone mark, and labels would not be recognised.
Labels that the layout does not know are told in ``extra["unread_labels"]``, without their values.
"""

from __future__ import annotations

import hashlib
import html
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote, unquote, urljoin, urlsplit
from zoneinfo import ZoneInfo

from bs4 import BeautifulSoup, Tag

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
from aggregator.sdk.html import require, soup, text_of
from aggregator.sdk.http import Response
from connectors.district_html.layout import AnswersPart, DetailPart, FilesPart, Layout, ListPart


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


def parse(content: bytes, content_type: str, encoding: str = "") -> BeautifulSoup:
    """The page, decoded as a browser would and composed (NFC)."""
    charset = f"text/html; charset={encoding}" if encoding else content_type
    text = Response(200, {"Content-Type": charset}, content, "").text
    return soup(unicodedata.normalize("NFC", text))


# -- the list ------------------------------------------------------------------------------------


def read_list(page: BeautifulSoup, part: ListPart) -> ListPage:
    """The rows in the page's order. Raises `SchemaDrift` where the list's structure is not there."""
    container = require(page, part.container, what="the list of reports")[0]
    rows = tuple(_row(node, part) for node in container.select(part.row))
    if rows and not any(row.has_id for row in rows):
        raise SchemaDrift(
            f"none of the {len(rows)} rows of the list has an id",
            hint="The portal's layout has probably changed: check layout.list.id",
            evidence={"rows": len(rows), "selector": part.id.css},
        )
    total = part.total.of(page) if part.total.given else ""
    says_empty = bool(part.empty and page.select_one(part.empty)) or total == "0"
    return ListPage(rows, int(total) if total.isascii() and total.isdigit() else None, says_empty)


def _row(node: Tag, part: ListPart) -> Row:
    markup = str(node)
    external_id = part.id.of(node)
    for css in part.ignore:
        for noise in node.select(css):
            noise.extract()
    fingerprint = hashlib.sha256(text_of(node).encode()).hexdigest()[:12]
    return Row(external_id or f"?{fingerprint}", fingerprint, markup, bool(external_id))


# -- one report ----------------------------------------------------------------------------------


def path_of(part: DetailPart, external_id: str) -> str:
    """The address of a report's page."""
    return part.path.replace("{id}", quote(external_id, safe=""))


def record_of(
    item: RawItem,
    layout: Layout,
    *,
    base_url: str,
    zone: ZoneInfo,
    status_of: Callable[[str | None], SourceStatus],
) -> Record:
    """The record of one kept detail page. Raises `BadRecord` naming the field."""
    detail = layout.detail
    root = parse(item.content, item.content_type, layout.encoding).select_one(detail.container)
    external_id = detail.id.of(root) if root is not None else ""
    if root is None or not external_id:
        raise BadRecord(f"{item.ref}: the page is no report ({detail.container} or its id is missing)")
    for name, part in (("attachments", detail.attachments), ("answers", detail.answers)):
        if moved(root, part):
            raise BadRecord(f"report {external_id}: {name} moved", field=name, external_id=external_id)
    values, extra = _values(root, detail)
    for name in detail.required:
        if not values.get(name):
            raise BadRecord(f"report {external_id} has no {name}", field=name, external_id=external_id)
    dates = {name: _date(values, name, detail, zone, external_id) for name in ("created", "updated", "due")}
    if dates["created"] is None:
        raise BadRecord(f"report {external_id} has no created", field="created", external_id=external_id)
    url = urljoin(base_url, path_of(detail, external_id))
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
        attachments=tuple(_attachments(root, detail, url, base_url)),
        answers=answers_of(root, detail, zone),
        extra=extra,
    )


def _values(root: Tag, detail: DetailPart) -> tuple[dict[str, str], dict[str, Any]]:
    """Our fields and their texts; what else the page labels goes to the second."""
    values = {name: pick.of(root) for name, pick in detail.fields.items()}
    names = {_label(label): name for label, name in detail.labels.names.items()}
    keep, ignore = ({_label(label) for label in part} for part in (detail.labels.keep, detail.labels.ignore))
    extra: dict[str, Any] = {}
    unread: list[str] = []
    for label, value in _labelled(root, detail):
        known = _label(label)
        if known in names:
            values[names[known]] = values.get(names[known]) or value
        elif known in keep:
            extra[label.rstrip(" :")] = value
        elif known and value and known not in ignore:
            unread.append(label.rstrip(" :"))
    if unread:
        extra["unread_labels"] = unread
    return values, extra


def _labelled(root: Tag, detail: DetailPart) -> Iterator[tuple[str, str]]:
    part = detail.labels
    for row in root.select(part.row) if part.row else ():
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
    at = moment(text, detail.dates, zone, end_of_day=name == "due")
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


def _attachments(root: Tag, detail: DetailPart, url: str, base_url: str) -> Iterator[Attachment]:
    part = detail.attachments
    for row in root.select(part.row) if part.row else ():
        href = part.ref.of(row)
        if not href:
            raise BadRecord(f"{url}: a file without an address", field="attachments")
        full = urljoin(url, href)
        ref = full.removeprefix(base_url.rstrip("/"))
        name = part.name.of(row) or unquote(PurePosixPath(urlsplit(full).path).name)
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


def answers_of(root: Tag, detail: DetailPart, zone: ZoneInfo) -> tuple[Answer, ...]:
    """The answers that the page shows, in its order."""
    part = detail.answers
    found = []
    for row in root.select(part.row) if part.row else ():
        body = part.body.of(row)
        if body:
            # A day of an answer that cannot be read is left out; the answer's text matters.
            at = moment(part.at.of(row), detail.dates, zone) if part.at.given else None
            author = part.author.of(row) if part.author.given else ""
            ref = part.ref.of(row) if part.ref.given else ""
            found.append(Answer(body, at, author or None, ref or None))
    return tuple(found)


def answers_unread(root: Tag, detail: DetailPart, read: Sequence[Answer]) -> bool:
    """Whether the page may show answers beyond those read: then "not there" means nothing."""
    part = detail.answers
    return moved(root, part) or len(root.select(part.row) if part.row else ()) > len(read)


def status_raw_of(root: Tag, detail: DetailPart) -> str | None:
    """The status word on a detail page."""
    return _values(root, detail)[0].get("status") or None


def find_answer(answers: Iterable[Answer], body: str) -> Answer | None:
    """The answer with this text, however the page folded spaces, accents or HTML entities."""
    wanted = _folded(body)
    return next((answer for answer in answers if _folded(answer.body) == wanted), None)


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", html.unescape(text)).split())


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
