"""The certificate as a sheet of paper: A4, Vietnamese, near the form of an administrative document.

The form follows the annex of Decree 30/2020/NĐ-CP as far as a machine can: the country's name and motto,
the issuing body, number, place and date, title, body, place for signature and seal. What it adds is at its
end: where anybody can check it, as a QR code and as words. What may surprise: the same statement gives the
same bytes, so that a paper can be compared with another copy of it; and fonts are embedded, because the
machine that prints it has others.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
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

_TITLES = {
    Outcome.IN_TIME: "Về việc xử lý phản ánh, kiến nghị trong thời hạn",
    Outcome.LATE: "Về thời gian xử lý phản ánh, kiến nghị (quá hạn)",
    Outcome.NO_DEADLINE: "Về thời gian xử lý phản ánh, kiến nghị",
    Outcome.UNPROVEN: "Về thời gian xử lý phản ánh, kiến nghị",
}
_HOW_TO_CHECK = (
    "Cách kiểm tra: {where}chạy chương trình kiểm tra độc lập motmoi_check.py với tệp .json đi kèm. "
    "Chương trình tính lại kết luận từ nhật ký có ký số; tệp sửa dù một byte cũng bị từ chối. "
    "Giấy này không chứa họ tên, liên lạc hay nội dung phản ánh của người dân."
)


def draw(printed: Printed, look: CertificateSettings) -> bytes:
    """The PDF. The library is loaded here: only who draws a paper waits for it."""
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.units import mm
    from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate

    _register_fonts()
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
    document.build(_Body(printed, look).flowables(), canvasmaker=_numbered(printed.view.serial))
    return buffer.getvalue()


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


def _short(cell: str) -> str:
    """A row must fit on a page; the whole text stands in the bundle."""
    return cell if len(cell) <= LONGEST_CELL else cell[: LONGEST_CELL - 1] + "…"


class _Body:
    """The parts of the paper, from its head to its QR code."""

    def __init__(self, printed: Printed, look: CertificateSettings) -> None:
        from reportlab.lib.units import mm

        self._printed = printed
        self._said = printed.statement
        self._look = look
        self._mm = mm
        self._issued = datetime.fromisoformat(self._said["issued_at"]).astimezone(VN)

    def flowables(self) -> list[Any]:
        return [
            self._head(), self._gap(6), *self._title(), *self._matter(), *self._verdict(),
            *self._section("1. Phản ánh đã tiếp nhận", self._reports()),
            *self._section("2. Thời hạn", self._deadlines()),
            *self._section("3. Diễn biến", self._story()),
            self._gap(3), self._close(), self._gap(1), self._check(),
        ]  # fmt: skip

    # Parts

    def _head(self) -> Any:
        ward, number = self._said["ward"]["name"], f"Số: {self._said['number']}/{self._look.mark}"
        left = [
            self._p(self._look.authority.upper(), 12, centred=True),
            self._p(ward.upper(), 12, "Bold", centred=True), self._rule(18, _HEAD), self._gap(1),
            self._p(number, 12, centred=True),
        ]  # fmt: skip
        place = ward.split(" ", 1)[-1] if ward.lower().startswith(("phường ", "xã ")) else ward
        date = f"{place}, ngày {self._issued:%d} tháng {self._issued:%m} năm {self._issued:%Y}"
        motto = [
            self._p("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", 12, "Bold", centred=True),
            self._p("Độc lập - Tự do - Hạnh phúc", 13, "Bold", centred=True), self._rule(48, WIDTH - _HEAD),
        ]  # fmt: skip
        right = [
            *(motto if self._look.motto else ()),
            self._gap(2),
            self._p(date, 12, "Italic", centred=True),
        ]
        return self._table([[left, right]], [_HEAD, WIDTH - _HEAD], plain=True)

    def _title(self) -> list[Any]:
        about = _TITLES[Outcome(self._said["verdict"]["code"])]
        return [self._p("GIẤY XÁC NHẬN", 15, "Bold", centred=True), self._p(about, 13, "Bold", centred=True),
                self._gap(4)]  # fmt: skip

    def _matter(self) -> list[Any]:
        said = self._said
        rows = [
            ("Vụ việc", said["case"]), ("Lĩnh vực", said["category"] or "chưa phân loại"),
            ("Đơn vị xử lý", said["unit"] or said["ward"]["name"]),
            ("Kênh tiếp nhận", ", ".join(dict.fromkeys(row["title"] for row in said["reports"]))),
        ]  # fmt: skip
        if said["supersedes"]:
            rows.append(("Thay thế", f"Giấy xác nhận mã số {said['supersedes']}"))
        cells = [[self._p(name, 12), self._p(f"{value}", 12, "Bold")] for name, value in rows]
        opening = f"{self._look.authority} {said['ward']['name']} xác nhận, căn cứ nhật ký xử lý có ký số:"
        return [
            self._p(opening, 12),
            self._gap(1),
            self._table(cells, [34, WIDTH - 34], plain=True),
            self._gap(2),
        ]

    def _verdict(self) -> list[Any]:
        return [
            self._table([[self._p(self._said["verdict"]["sentence"], 12.5, "Bold")]], [WIDTH], pad=6),
            self._gap(2),
        ]

    def _reports(self) -> list[Any]:
        rows = [
            [row["title"], row["source_id"] or "–",
             words.when(row["received_at"]) if row["received_at"] else "không có trong nhật ký"]
            for row in self._said["reports"]
        ]  # fmt: skip
        return [self._grid(("Kênh tiếp nhận", "Mã tại kênh", "Thời điểm tiếp nhận"), rows, (75, 50, 40))]

    def _deadlines(self) -> list[Any]:
        rows = [[one.step, one.rule, one.due, one.met, one.verdict] for one in words.deadlines(self._said)]
        if not rows:
            none = {Outcome.UNPROVEN: "Nhật ký khi đó chưa ghi thời hạn nên giấy này không chứng minh được."}
            found = none.get(
                Outcome(self._said["verdict"]["code"]), "Không có quy định thời hạn nào áp dụng."
            )
            return [self._p(found, 11)]
        return [self._grid(("Bước", "Căn cứ", "Hạn", "Thực hiện", "Kết quả"), rows, (25, 62, 29, 29, 20))]

    def _story(self) -> list[Any]:
        rows = [[words.when(line.at), line.text, line.entry] for line in words.story(self._said)]
        more = [self._p(one, 11, "Italic") for one in words.left_out(self._said)]
        return [self._grid(("Thời điểm", "Việc", "Mục nhật ký"), rows, (32, 106, 27)), *more]

    def _close(self) -> Any:
        """Where to check the paper on the left, the place for signature and seal on the right."""
        lines = [self._p(line, 12, "Bold", centred=True) for line in self._look.signer]
        note = self._p("(Ký, ghi rõ họ tên và đóng dấu)", 11, "Italic", centred=True)
        found = [("Kiểm tra tại", self._printed.address), ("Mã số", self._printed.view.serial)]
        text = [self._fine(name, value) for name, value in found if value]
        left = [[self._qr(self._printed.address), text]] if self._printed.address else [["", text]]
        widths = [34, 60] if self._printed.address else [2, 92]
        return self._table(
            [[self._table(left, widths, plain=True), [*lines, note, self._gap(18)]]], [94, WIDTH - 94],
            plain=True, whole=True,
        )  # fmt: skip

    def _check(self) -> Any:
        """What a reader needs to check the proof: hashes, checkpoint, key."""
        found = self._printed
        signed = f"số {found.number}, ký lúc {words.when(found.signed_at)}, gồm {found.entries} mục nhật ký"
        lines = [
            ("SHA-256 lời xác nhận", found.view.statement_sha256), ("Điểm chốt", signed),
            ("SHA-256 điểm chốt", found.checkpoint_sha256), ("Khoá ký (Ed25519)", found.key),
        ]  # fmt: skip
        text = [self._fine(name, value) for name, value in lines]
        how = _HOW_TO_CHECK.format(where="mở địa chỉ trong mã QR, hoặc " if found.address else "")
        return self._table([[[*text, self._p(how, 9, "Italic")]]], [WIDTH], whole=True)

    def _fine(self, name: str, value: str) -> Any:
        return self._p(f"<b>{name}:</b> {escape(value)}", 9, markup=True)

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

        return Spacer(1, height * self._mm)

    def _rule(self, width: float, within: float) -> Any:
        """A line in the middle of a cell, as it stands under the names at the head."""
        from reportlab.graphics.shapes import Drawing, Line

        drawing = Drawing(within * self._mm, 4)
        start = (within - width) / 2 * self._mm
        drawing.add(Line(start, 2, start + width * self._mm, 2, strokeWidth=0.6))
        return drawing

    def _section(self, title: str, body: Sequence[Any]) -> list[Any]:
        from reportlab.platypus import CondPageBreak

        # A heading never stands alone at the foot of a page.
        return [CondPageBreak(30 * self._mm), self._gap(2), self._p(title, 12.5, "Bold"), self._gap(1), *body]

    def _grid(self, heads: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[float]) -> Any:
        cells = [[self._p(head, 10.5, "Bold") for head in heads]]
        cells += [[self._p(_short(cell), 10.5) for cell in row] for row in rows]
        return self._table(cells, widths, heads=1)

    def _table(
        self, cells: Sequence[Sequence[Any]], widths: Sequence[float], *, plain: bool = False, heads: int = 0,
        pad: float = 3, whole: bool = False,
    ) -> Any:  # fmt: skip
        from reportlab.platypus import Table

        side, above = (0, 0) if plain else (pad, pad / 2)
        style: list[Any] = [
            ("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), side),
            ("RIGHTPADDING", (0, 0), (-1, -1), side), ("TOPPADDING", (0, 0), (-1, -1), above),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 1 if plain else pad),
        ]  # fmt: skip
        if not plain:
            style.append(("GRID", (0, 0), (-1, -1), 0.5, "black"))
        return Table(
            [list(row) for row in cells], colWidths=[width * self._mm for width in widths], style=style,
            repeatRows=heads, splitByRow=0 if whole else 1, splitInRow=1 if not (whole or heads) else 0,
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
