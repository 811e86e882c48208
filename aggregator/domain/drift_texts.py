"""What a finding of `drift` says to a person: what is not as it was, how sure, and what to do.

Numbers and names of fields only: a page's contents may be people's data.
"""

from __future__ import annotations

from collections.abc import Iterable

from aggregator.domain.drift import Finding, Rule

#: Field -> (Vietnamese, English), as the screen calls them.
FIELDS = {
    "subject": ("tiêu đề", "the subject"),
    "body": ("nội dung", "the text"),
    "name": ("họ tên", "the name"),
    "phone": ("số điện thoại", "the telephone"),
    "address": ("địa chỉ", "the address"),
    "spot": ("toạ độ", "the place on the map"),
    "category": ("lĩnh vực", "the category"),
    "status": ("trạng thái", "the status"),
    "due": ("hạn xử lý", "the deadline"),
    "url": ("đường dẫn", "the link"),
    "files": ("tệp đính kèm", "the files"),
}
_VALUES = {
    "status_known": ("có trạng thái đã biết", "have a known status"),
    "date_past": ("có ngày gửi không ở tương lai", "were not sent in the future"),
    "date_apart": ("có ngày gửi khác bản ghi liền trước", "have another date than the one before"),
    "text_apart": ("có nội dung khác bản ghi liền trước", "have another text than the one before"),
    "date_kept": ("đã biết còn giữ đúng ngày gửi cũ", "known before keep their date"),
    "body_kept": ("đã biết còn giữ đúng nội dung cũ", "known before keep their text"),
    "address_kept": ("đã biết còn giữ địa chỉ", "known before keep their address"),
    "category_kept": ("đã biết còn giữ lĩnh vực", "known before keep their category"),
    "category_known": ("có lĩnh vực đã từng gặp", "have a category seen before"),
}
_CANARY = {
    "gone": ("không còn trên cổng", "is no longer there"),
    "unreadable": ("không đọc được nữa", "cannot be read any more"),
    "text": ("có nội dung khác bản đã lưu", "has another text than the one stored"),
    "date": ("có ngày gửi khác bản đã lưu", "has another date than the one stored"),
    "place": ("có địa điểm khác bản đã lưu", "has another place than the one stored"),
}
NEXT_VI = (
    "Chưa mất phản ánh nào: trang được giữ nguyên và vị trí đọc không đổi. Mở mục cách ly để so với bản cũ."
    " Nếu cổng đổi thật, bấm “Đúng như vậy”; nếu đọc sai, báo người phụ trách bộ kết nối."
)
NEXT_EN = (
    "No report is lost: the page is kept and the reading position stays. Open the quarantine and compare"
    " it with the one before. If the portal really changed, say that it is right so; if it is misread,"
    " tell the connector's maintainer."
)


def sentence(findings: Iterable[Finding], vietnamese: bool) -> str:
    """All that was found, in one line."""
    return "; ".join(text(finding)[0 if vietnamese else 1] for finding in findings)


def text(finding: Finding) -> tuple[str, str]:
    """What was found, in Vietnamese and English."""
    seen, of, before = finding.seen, finding.of, finding.before
    usual = f"{before * 100:.0f}%"
    match finding.rule:
        case Rule.COVERAGE:
            vi, en = FIELDS.get(finding.field, (finding.field, finding.field))
            return (
                f"chỉ {seen}/{of} phản ánh có {vi}, trước đây {usual}",
                f"only {seen} of {of} reports have {en}, {usual} used to",
            )
        case Rule.VALUES:
            vi, en = _VALUES.get(finding.field, (finding.field, finding.field))
            return (
                f"chỉ {seen}/{of} phản ánh {vi}, trước đây {usual}",
                f"only {seen} of {of} reports {en}, {usual} used to",
            )
        case Rule.UNREADABLE:
            return f"chỉ đọc được {seen}/{of} mục của trang", f"only {seen} of {of} items can be read"
        case Rule.CANARY:
            vi, en = _CANARY[finding.field]
            return f"phản ánh được ghim {vi}", f"a pinned report {en}"
    return _of_poll(finding)


def _of_poll(finding: Finding) -> tuple[str, str]:
    seen, of, before = finding.seen, finding.of, f"{finding.before:.0f}"
    match finding.rule:
        case Rule.EMPTY:
            return (
                "cổng trả về danh sách trống, trong khi trước đây lần đọc nào cũng có phản ánh cũ",
                "the list is empty, though every read used to show known reports",
            )
        case Rule.STRANGERS:
            return (
                f"cả {of} phản ánh đều lạ, không có phản ánh nào đã biết như mọi lần trước",
                f"all {of} reports are strangers, though every read used to show known ones",
            )
        case Rule.FELL if finding.field:
            return (
                f"danh sách chỉ còn {seen} trong {before} phản ánh của lần đọc trước",
                f"the list holds only {seen} of the {before} reports of the read before",
            )
        case Rule.FELL:
            return (
                f"số phản ánh do cổng tự báo tụt từ {before} xuống {seen}",
                f"the portal's own count fell from {before} to {seen}",
            )
        case Rule.SHORT:
            return (
                f"cổng báo có {of} phản ánh nhưng chỉ liệt kê {seen}",
                f"the portal counts {of} reports and lists {seen}",
            )
    return (
        f"cổng báo thêm {of} phản ánh mới nhưng chỉ đọc được {seen}",
        f"the portal counts {of} more reports, of which {seen} could be read",
    )
