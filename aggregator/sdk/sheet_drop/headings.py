"""Which heading means which field, and which row of a file is the header.

    rows at the top -> header row -> {field: heading}   proposed for a person to confirm
                                  -> {field: position}  looked up for a mapping that a person wrote

Pure. What may surprise: exports often carry a title and a date above the header, so the header is
looked for in the first rows. An error never lists the file's headings: where the header is missing,
the first row is a citizen's name and telephone number.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Mapping, Sequence

from aggregator.domain.marks import few_marks
from aggregator.sdk.contract import ConfigInvalid, SchemaDrift
from aggregator.sdk.values import fold

__all__ = ["FIELDS", "TOP_ROWS", "find_header", "named", "propose_mapping"]

#: Rows that may stand above the first report, header included.
TOP_ROWS = 20

#: Every field that a column may fill, with the folded headings that are taken for it, best first.
#: A heading goes to one field only; the order of the fields decides who is asked first.
FIELDS: Mapping[str, tuple[str, ...]] = {
    "external_id": (
        "ma phan anh", "ma kien nghi", "ma ho so", "ma so", "ma pa", "so phieu", "id", "ma",
        "service_request_id", "service request id", "request id", "case id", "ticket", "sr", "sr number",
        "reference", "code",
    ),
    "due_at": (
        "han xu ly", "thoi han xu ly", "han tra loi", "thoi han", "han", "due", "due date", "due_at",
        "expected_datetime", "deadline",
    ),
    "received_at": (
        "ngay nhan", "ngay tiep nhan", "thoi gian tiep nhan", "ngay phan anh", "ngay gui",
        "thoi gian gui", "ngay tao", "thoi gian", "ngay", "received_at", "received", "requested_datetime",
        "created", "created_at", "created date", "date received", "date", "time", "opened",
    ),
    "subject": (
        "tieu de", "chu de", "van de", "trich yeu", "ten phan anh", "subject", "title", "summary",
        "service_name",
    ),
    "body": (
        "noi dung phan anh", "noi dung kien nghi", "noi dung", "mo ta", "chi tiet", "dien giai", "body",
        "description", "content", "details", "text", "message",
    ),
    "category": (
        "linh vuc", "loai phan anh", "nhom", "danh muc", "chuyen muc", "category", "type", "topic",
        "nature", "service_code",
    ),
    "kind": ("loai", "hinh thuc", "kind"),
    "address": (
        "dia chi xay ra", "dia chi phan anh", "dia diem", "noi xay ra", "vi tri", "dia chi", "address",
        "location", "street",
    ),
    "ward": ("ma phuong", "ma xa", "ma phuong/xa", "ma don vi hanh chinh", "ward code", "ward_code", "ward"),
    "area": ("phuong/xa", "phuong", "xa", "khu vuc", "quan", "quan/huyen", "to dan pho", "khu pho", "area",
             "district"),
    "lat": ("vi do", "lat", "latitude"),
    "lng": ("kinh do", "lng", "lon", "long", "longitude"),
    "name": (
        "ho ten", "ho va ten", "nguoi phan anh", "nguoi gui", "ten nguoi gui", "ho ten nguoi phan anh",
        "name", "full name", "reporter", "reporter name",
    ),
    "phone": ("so dien thoai", "sdt", "dien thoai", "dt", "di dong", "phone", "telephone", "mobile",
              "reporter_phone"),
    "email": ("email", "e-mail", "thu dien tu", "mail"),
    "anonymous": ("an danh", "giau ten", "anonymous"),
    "status": ("trang thai", "tinh trang", "trang thai xu ly", "status", "state"),
    "urgency": ("muc do khan", "do khan", "muc do", "uu tien", "urgency", "priority"),
    "url": ("lien ket", "duong dan", "url", "link"),
}  # fmt: skip


def propose_mapping(headings: Sequence[str]) -> dict[str, str]:
    """Field -> heading, as far as the headings say. A guess: a person confirms it before anything is read.

    Whole headings first ("Mã phản ánh"), then headings that begin with a known one and go on in
    another word ("Ngày nhận (dd/mm/yyyy)").
    """
    free = {fold(heading): heading for heading in reversed(headings) if heading.strip()}
    found: dict[str, str] = {}
    for same in (str.__eq__, _begins):
        for field, words in FIELDS.items():
            if field in found:
                continue
            match = next((f for word in words for f in free if same(f, word)), None)
            if match is not None:
                found[field] = free.pop(match)
    return {field: found[field] for field in FIELDS if field in found}


def _begins(heading: str, word: str) -> bool:
    # "ma" must not take "ma phuong", nor "ngay" take "ngay dong": short words must be the whole heading.
    return len(heading) > len(word) > 5 and heading.startswith(word) and not heading[len(word)].isalnum()


def named(cells: Sequence[str]) -> tuple[str, ...]:
    """One name for each column, all different: a second "Ghi chú" becomes "Ghi chú (2)"."""
    names: list[str] = []
    for position, cell in enumerate(cells, start=1):
        name = " ".join(cell.split()) or f"({position})"
        count = 1 + sum(other == name or other.startswith(f"{name} (") for other in names)
        names.append(name if name not in names else f"{name} ({count})")
    return tuple(names)


def find_header(top: Sequence[Sequence[str]], columns: Mapping[str, str], file: str) -> int:
    """The index in `top` of the row that holds every heading of `columns`.

    Raises `ConfigInvalid` that names the headings the file lacks and the nearest it has, and
    `SchemaDrift` where the file shows none of them.
    """
    wanted = {key(heading): heading for heading in columns.values()}
    best, most = 0, 0
    for index, row in enumerate(top):
        present = len(wanted.keys() & {key(name) for name in named(row)})
        if present == len(wanted):
            return index
        if present > most:
            best, most = index, present
    if most == 0:
        raise SchemaDrift(
            f"{file}: none of the mapped headings is in the first {len(top)} rows",
            hint="is this the right file, does its first row hold the headings, and in this spelling?",
            message_vi=f"{file}: không thấy tiêu đề cột nào đã khai báo trong {len(top)} dòng đầu",
        )
    have = {key(name): name for name in named(top[best])}
    missing = [heading for folded, heading in wanted.items() if folded not in have]
    raise ConfigInvalid(
        f"{file}: no column " + ", ".join(_with_nearest(heading, have) for heading in missing),
        hint="correct the heading in [columns], or take it out of the mapping",
        message_vi=f"{file}: thiếu cột {', '.join(missing)}",
    )


def key(heading: str) -> str:
    """What makes two spellings one heading: NFC, single spaces, capitals ignored; accents count."""
    if not heading.isascii():
        heading = unicodedata.normalize("NFC", few_marks(heading))
    return " ".join(heading.split()).casefold()


def _with_nearest(heading: str, have: Mapping[str, str]) -> str:
    folded = {fold(cell): cell for cell in have.values()}
    near = difflib.get_close_matches(fold(heading), folded, n=1, cutoff=0.6)
    return f"{heading!r} (nearest: {folded[near[0]]!r})" if near else repr(heading)
