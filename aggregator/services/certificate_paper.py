"""The certificate as a sheet of paper: A4, Vietnamese, near the form of an administrative document.

The form follows the annex of Decree 30/2020/NĐ-CP as far as a machine can: the country's name and motto,
the issuing body, number, place and date, title, body, place for signature and seal. What it adds is at its
end: where anybody can check it, as a QR code and as words. An ordinary case is one sheet; the last of
several never holds the place for the signature alone. What may surprise: the same statement gives the same
bytes, so that a paper can be compared with another copy of it; fonts are embedded, because the machine
that prints it has others; and the library that draws is loaded only by who draws.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from aggregator.domain.certificates import Outcome
from aggregator.domain.worktime import VN
from aggregator.services import certificate_words as words
from aggregator.services.certificates import Printed
from aggregator.settings import CertificateSettings

FONTS = Path(__file__).with_name("fonts")
#: Millimetres: the margins of the decree (left 30 to 35, right 15 to 20, above and below 20 to 25).
LEFT, RIGHT, ABOVE, BELOW = 30, 15, 20, 20
WIDTH = 210 - LEFT - RIGHT
LONGEST_CELL = 900
#: The part of the head that names the issuing body.
_HEAD = 62

#: So many reports are told above the tables, more have one of their own.
_FEW = 3
#: Rows of the story that stay with the signature: the decree wants words of the text above it.
_KEPT_WITH_SIGNATURE = 2


@dataclass(frozen=True, slots=True)
class _Sizes:
    """Tables and notes in points, gaps as multiples, the room for a signature in millimetres."""

    cell: float
    fine: float
    gap: float
    pad: float
    signing: float


_USUAL = _Sizes(cell=10.5, fine=9, gap=1, pad=3, signing=20)
#: Running text stays as it is, as the decree wants it; tables, notes and gaps give way.
_TIGHT = _Sizes(cell=9.5, fine=8, gap=0.5, pad=1.2, signing=15)

_TITLES = {
    Outcome.IN_TIME: "Về việc xử lý phản ánh, kiến nghị trong thời hạn",
    Outcome.LATE: "Về thời gian xử lý phản ánh, kiến nghị (quá hạn)",
    Outcome.NO_DEADLINE: "Về thời gian xử lý phản ánh, kiến nghị",
    Outcome.UNPROVEN: "Về thời gian xử lý phản ánh, kiến nghị",
}
_VERDICTS = {
    Outcome.IN_TIME: "XỬ LÝ TRONG HẠN",
    Outcome.LATE: "XỬ LÝ QUÁ HẠN",
    Outcome.NO_DEADLINE: "KHÔNG CÓ THỜI HẠN ĐỂ SO SÁNH",
    Outcome.UNPROVEN: "CHƯA ĐỦ CĂN CỨ ĐỂ KẾT LUẬN",
}
_HOW_TO_CHECK = (
    "Cách kiểm tra: {where}chạy chương trình kiểm tra độc lập motmoi_check.py với tệp .json đi kèm. "
    "Chương trình tính lại kết luận từ nhật ký có ký số; tệp sửa dù một byte cũng bị từ chối. "
    "Giấy này không chứa họ tên, liên lạc hay nội dung phản ánh của người dân."
)


def draw(printed: Printed, look: CertificateSettings) -> bytes:
    """The PDF, set smaller where that saves a sheet."""
    _register_fonts()
    usual, pages = _set(printed, look, _USUAL)
    if pages == 1:
        return usual
    tight, fewer = _set(printed, look, _TIGHT)
    return tight if fewer < pages else usual


def _set(printed: Printed, look: CertificateSettings, sizes: _Sizes) -> tuple[bytes, int]:
    """The paper in these sizes, and on how many pages."""
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.units import mm
    from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate

    buffer = io.BytesIO()
    document = BaseDocTemplate(
        buffer, pagesize=A4, invariant=1, lang="vi",
        title=f"Giấy xác nhận {printed.view.serial}", author=printed.statement["ward"]["name"],
    )  # fmt: skip
    frame = Frame(
        LEFT * mm, BELOW * mm, WIDTH * mm, (297 - ABOVE - BELOW) * mm,
        leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0,
    )  # fmt: skip
    document.addPageTemplates(PageTemplate(frames=[frame]))
    flowables = _Body(printed, look, sizes).flowables()
    document.build(flowables, canvasmaker=_numbered(printed.view.serial))
    return buffer.getvalue(), document.page


@cache
def _register_fonts() -> None:
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    for name in ("Regular", "Bold", "Italic"):
        pdfmetrics.registerFont(TTFont(f"Tinos-{name}", str(FONTS / f"Tinos-{name}.ttf")))
    pdfmetrics.registerFontFamily(
        "Tinos-Regular", normal="Tinos-Regular", bold="Tinos-Bold", italic="Tinos-Italic",
        boldItalic="Tinos-Bold",
    )  # fmt: skip


def _numbered(serial: str) -> Any:
    """A canvas that writes serial and "page of pages" at the foot: how many there are is known at the end."""
    from reportlab.lib.units import mm
    from reportlab.pdfgen.canvas import Canvas

    class Numbered(Canvas):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self._pages: list[dict[str, Any]] = []

        def showPage(self) -> None:  # noqa: N802 (the library's name)
            self._pages.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            for number, page in enumerate(self._pages, 1):
                self.__dict__.update(page)
                self.setFont("Tinos-Regular", 9)
                self.drawString(LEFT * mm, 12 * mm, f"Mã số {serial}")
                self.drawRightString((210 - RIGHT) * mm, 12 * mm, f"Trang {number}/{len(self._pages)}")
                super().showPage()
            super().save()

    return Numbered


def _received(row: Mapping[str, Any]) -> str:
    return words.when(row["received_at"]) if row["received_at"] else "không có trong nhật ký"


def _is_commune(ward: str) -> bool:
    """Whether the name begins with what kind of place it is: "Phường Bến Nghé"."""
    return ward.lower().startswith(("phường ", "xã "))


def _bare(row: int) -> list[Any]:
    """Styles of a row across all columns that is no row of cells."""
    sides = ("LEFT", "RIGHT", "TOP", "BOTTOM")
    return [("SPAN", (0, row), (-1, row)), *((f"{side}PADDING", (0, row), (-1, row), 0) for side in sides)]


def _short(cell: str) -> str:
    """A row must fit on a page; the whole text stands in the bundle."""
    return cell if len(cell) <= LONGEST_CELL else cell[: LONGEST_CELL - 1] + "…"


class _Body:
    """The parts of the paper, from its head to its QR code."""

    def __init__(self, printed: Printed, look: CertificateSettings, sizes: _Sizes) -> None:
        from reportlab.lib.units import mm

        self._printed = printed
        self._said = printed.statement
        self._look = look
        self._sizes = sizes
        self._mm = mm
        self._issued = datetime.fromisoformat(self._said["issued_at"]).astimezone(VN)

    def flowables(self) -> list[Any]:
        """Head, verdict, what it is about, how it came about with the place to sign."""
        parts = [
            *([("Phản ánh đã tiếp nhận", self._reports)] if len(self._said["reports"]) > _FEW else []),
            ("Thời hạn", self._deadlines), ("Diễn biến", self._story_and_close),
        ]  # fmt: skip
        return [
            self._head(), self._gap(5), *self._title(), *self._verdict(), *self._matter(),
            *(part(self._p(f"{n}. {title}", 12.5, "Bold")) for n, (title, part) in enumerate(parts, 1)),
        ]  # fmt: skip

    # Parts

    def _head(self) -> Any:
        ward = self._said["ward"]["name"]
        left = [
            self._p(self._look.authority.upper(), 12, centred=True),
            self._p(ward.upper(), 12, "Bold", centred=True), self._rule(18, _HEAD), self._gap(1),
            # Below ten with a nought before it, as the decree writes numbers of papers and days.
            self._p(f"Số: {self._said['number']:02}/{self._look.mark}", 12, centred=True),
        ]  # fmt: skip
        place = ward.split(" ", 1)[-1] if _is_commune(ward) else ward
        date = f"{place}, ngày {self._issued:%d} tháng {self._issued:%m} năm {self._issued:%Y}"
        motto = [
            self._p("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", 12, "Bold", centred=True),
            self._p("Độc lập - Tự do - Hạnh phúc", 13, "Bold", centred=True), self._rule(48, WIDTH - _HEAD),
        ]  # fmt: skip
        right = [*(motto * self._look.motto), self._gap(2), self._p(date, 12, "Italic", centred=True)]
        return self._table([[left, right]], [_HEAD, WIDTH - _HEAD], plain=True)

    def _title(self) -> list[Any]:
        about = _TITLES[Outcome(self._said["verdict"]["code"])]
        return [self._p("GIẤY XÁC NHẬN", 15, "Bold", centred=True), self._p(about, 13, "Bold", centred=True),
                self._gap(3)]  # fmt: skip

    def _verdict(self) -> list[Any]:
        """In a frame: the verdict, the two times that it follows from, and the whole of it in a sentence."""
        said = self._said["verdict"]
        ward = self._said["ward"]["name"]
        within = ward[:1].lower() + ward[1:] if _is_commune(ward) else ward
        opening = (
            f"{self._look.authority} {within} xác nhận về vụ việc {self._said['case']}, "
            "căn cứ nhật ký xử lý có ký số:"
        )
        due = f"Hạn: {words.exactly(said['due_at'])}. " if said["due_at"] else ""
        frame = [
            self._p(f"Kết luận: {_VERDICTS[Outcome(said['code'])]}", 14, "Bold", centred=True),
            self._p(f"{due}Trả lời: {words.exactly(said['answered_at'])}.", 12, "Bold", centred=True),
            self._gap(1), self._p(said["sentence"], 12),
        ]  # fmt: skip
        return [
            self._p(opening, 12), self._gap(1.5), self._table([[frame]], [WIDTH], pad=self._sizes.pad + 3),
            self._gap(2),
        ]  # fmt: skip

    def _matter(self) -> list[Any]:
        said = self._said
        rows = [
            ("Lĩnh vực", [said["category"] or "chưa phân loại"]),
            ("Đơn vị xử lý", [said["unit"] or said["ward"]["name"]]), ("Kênh tiếp nhận", self._channels()),
        ]  # fmt: skip
        if said["supersedes"]:
            rows.append(("Thay thế", [f"Giấy xác nhận mã số {said['supersedes']}"]))
        cells = [[self._p(name, 12), [self._p(one, 12, "Bold") for one in lines]] for name, lines in rows]
        return [self._table(cells, [34, WIDTH - 34], plain=True), self._gap(1)]

    def _channels(self) -> list[str]:
        """Each channel once; of a few reports all that there is to tell, they have no table."""
        rows = self._said["reports"]
        if len(rows) > _FEW:
            return [", ".join(dict.fromkeys(row["title"] for row in rows))]
        told = []
        for row in rows:
            code = f", mã {row['source_id']}" if row["source_id"] else ""
            told.append(f"{row['title']}{code}, tiếp nhận: {_received(row)}")
        return told

    def _reports(self, title: Any) -> Any:
        rows = [[row["title"], row["source_id"] or "–", _received(row)] for row in self._said["reports"]]
        return self._grid(title, ("Kênh tiếp nhận", "Mã tại kênh", "Thời điểm tiếp nhận"), rows, (75, 50, 40))

    def _deadlines(self, title: Any) -> Any:
        from reportlab.platypus import KeepTogether

        rows = [[one.step, one.rule, one.due, one.met, one.verdict] for one in words.deadlines(self._said)]
        if rows:
            heads = ("Bước", "Căn cứ", "Hạn", "Thực hiện", "Kết quả")
            return self._grid(title, heads, rows, (22, 66, 29, 29, 19))
        unproven = Outcome(self._said["verdict"]["code"]) is Outcome.UNPROVEN
        why = (
            "Nhật ký khi đó chưa ghi thời hạn nên giấy này không chứng minh được."
            if unproven else "Không có quy định thời hạn nào áp dụng."
        )  # fmt: skip
        return KeepTogether([self._gap(2), title, self._p(why, 11)])

    def _story_and_close(self, title: Any) -> Any:
        """One table: its last row, across all columns and without lines, is how the paper ends."""
        heads = ("Thời điểm", "Việc", "Mục nhật ký")
        cells = [[words.when(line.at), line.text, line.entry] for line in words.story(self._said)]
        more = [self._p(one, 11, "Italic") for one in words.left_out(self._said)]
        end = [*more, self._gap(3), self._close(), self._gap(1), self._check()]
        return self._grid(title, heads, cells, (29, 111, 25), end)

    def _close(self) -> Any:
        """Where to check the paper on the left, the place for signature and seal on the right."""
        from reportlab.platypus import Spacer

        lines = [self._p(line, 12, "Bold", centred=True) for line in self._look.signer]
        note = self._p("(Ký, ghi rõ họ tên và đóng dấu)", 11, "Italic", centred=True)
        address = self._printed.address
        # A line of its own for what cannot be typed without a slip: it is broken nowhere else.
        at, _, token = address.rpartition("/")
        text = [self._fine("Kiểm tra tại", f"{at}/"), self._p(token, self._sizes.fine)] if address else []
        found = self._printed
        text += [
            self._fine("Mã số", found.view.serial),
            self._fine("Điểm chốt", f"số {found.number}, ký lúc {words.when(found.signed_at)}, "
                                    f"gồm {found.entries} mục nhật ký"),
        ]  # fmt: skip
        left = [[self._qr(address) if address else "", text]]
        widths = [34, 60] if address else [2, 92]
        right = [*lines, note, Spacer(1, self._sizes.signing * self._mm)]
        both = [[self._table(left, widths, plain=True), right]]
        return self._table(both, [94, WIDTH - 94], plain=True, whole=True)

    def _check(self) -> Any:
        """What a reader needs to check the proof: hashes and key."""
        found = self._printed
        lines = [
            ("SHA-256 lời xác nhận", found.view.statement_sha256),
            ("SHA-256 điểm chốt", found.checkpoint_sha256), ("Khoá ký (Ed25519)", found.key),
        ]  # fmt: skip
        text = [self._fine(name, value) for name, value in lines]
        how = _HOW_TO_CHECK.format(where="mở địa chỉ trong mã QR, hoặc " if found.address else "")
        return self._table([[[*text, self._p(how, self._sizes.fine, "Italic")]]], [WIDTH], whole=True)

    def _fine(self, name: str, value: str) -> Any:
        return self._p(f"<b>{name}:</b> {escape(value)}", self._sizes.fine, markup=True)

    # What they are made of

    def _p(
        self, text: str, size: float, face: str = "Regular", *, centred: bool = False, markup: bool = False
    ) -> Any:
        from reportlab.lib.enums import TA_CENTER, TA_LEFT
        from reportlab.lib.styles import ParagraphStyle
        from reportlab.platypus import Paragraph

        style = ParagraphStyle(
            "line", fontName=f"Tinos-{face}", fontSize=size, leading=size * 1.22,
            alignment=TA_CENTER if centred else TA_LEFT, spaceAfter=2, splitLongWords=1,
        )  # fmt: skip
        return Paragraph(text if markup else escape(text), style)

    def _gap(self, height: float) -> Any:
        from reportlab.platypus import Spacer

        return Spacer(1, height * self._sizes.gap * self._mm)

    def _rule(self, width: float, within: float) -> Any:
        """A line in the middle of a cell, as it stands under the names at the head."""
        from reportlab.graphics.shapes import Drawing, Line

        drawing = Drawing(within * self._mm, 4)
        start = (within - width) / 2 * self._mm
        drawing.add(Line(start, 2, start + width * self._mm, 2, strokeWidth=0.6))
        return drawing

    def _grid(
        self, title: Any, heads: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[float],
        end: Sequence[Any] = (),
    ) -> Any:  # fmt: skip
        """A table under its title. Never are title and heads alone at the foot of a page, nor `end`,
        which stands below the last rows, alone at the head of one."""
        size, over = self._sizes.cell, [""] * (len(heads) - 1)
        cells: list[list[Any]] = [[[self._gap(2), title, self._gap(1)], *over]]
        cells.append([self._p(head, size, "Bold") for head in heads])
        cells += [[self._p(_short(cell), size) for cell in row] for row in rows]
        style: list[Any] = [("NOSPLIT", (0, 0), (-1, min(len(rows), 1) + 1)), *_bare(0)]
        if end:
            cells.append([list(end), *over])
            kept = min(len(rows), _KEPT_WITH_SIGNATURE)
            style += [("NOSPLIT", (0, -1 - kept), (-1, -1)), *_bare(-1)]
        lines = ("GRID", (0, 1), (-1, -2 if end else -1), 0.5, "black")
        # Heads come again on every page, the title does not.
        return self._table(cells, widths, lines=lines, repeated=(1,), more=style)

    def _table(
        self, cells: Sequence[Sequence[Any]], widths: Sequence[float], *, plain: bool = False,
        pad: float | None = None, whole: bool = False, lines: Any = ("GRID", (0, 0), (-1, -1), 0.5, "black"),
        repeated: tuple[int, ...] = (), more: Sequence[Any] = (),
    ) -> Any:  # fmt: skip
        """`repeated`: rows that stand on every page. `more`: styles over all others."""
        from reportlab.platypus import Table

        pad = self._sizes.pad if pad is None else pad
        side, above = (0, 0) if plain else (max(pad, 3), pad / 2)
        style: list[Any] = [
            ("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), side),
            ("RIGHTPADDING", (0, 0), (-1, -1), side), ("TOPPADDING", (0, 0), (-1, -1), above),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 1 if plain else pad), *more,
        ]  # fmt: skip
        if not plain:
            style.append(lines)
        return Table(
            [list(row) for row in cells], colWidths=[width * self._mm for width in widths], style=style,
            repeatRows=repeated or 0, splitByRow=0 if whole else 1, splitInRow=0 if whole or repeated else 1,
        )  # fmt: skip

    def _qr(self, address: str) -> Any:
        from reportlab.graphics.barcode.qr import QrCodeWidget
        from reportlab.graphics.shapes import Drawing

        # Level M: the code survives a fold or a stamp over a seventh of it.
        code = QrCodeWidget(
            address, barLevel="M", barWidth=30 * self._mm, barHeight=30 * self._mm, barBorder=2
        )
        drawing = Drawing(30 * self._mm, 30 * self._mm)
        drawing.add(code)
        return drawing
