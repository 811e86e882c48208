"""What an officer should know and do about a complaint or denunciation, each line with where it is from.

Promises nothing as law that was not read in it. `Trust.QUOTED`: the article's words were seen quoted in a
public source. `Trust.UNCHECKED`: generally known, not compared with the text in force; the screen says so
beside the line. Luật 136/2025/QH15 amended both laws from 1 July 2026 and its articles were not seen, so
every time limit below is to be compared with the consolidated text before an office relies on it.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aggregator.domain.legal import LegalKind

__all__ = ["AMENDED_VI", "GUIDES", "Guide", "Step", "Trust"]


class Trust(enum.StrEnum):
    QUOTED = "quoted"
    UNCHECKED = "unchecked"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do or to know. `source` is the article it rests on."""

    text_vi: str
    text_en: str
    source: str
    trust: Trust


@dataclass(frozen=True, slots=True)
class Guide:
    """What it is, who is competent, what to do by when, and a prepared answer to the citizen."""

    what_vi: str
    what_en: str
    steps: tuple[Step, ...]
    #: Names no person and repeats nothing of what was written: the answer may be seen by others.
    reply_vi: str


#: Shown under every guide.
AMENDED_VI: Final = (
    "Luật 136/2025/QH15 sửa đổi Luật Khiếu nại và Luật Tố cáo từ 01/7/2026: hãy đối chiếu văn bản hợp nhất"
    " trước khi áp dụng các thời hạn nêu trên."
)

_COMPLAINT: Final = Guide(
    what_vi=(
        "Khiếu nại là đề nghị xem xét lại một quyết định hoặc hành vi hành chính mà người gửi cho là trái"
        " pháp luật và xâm phạm quyền lợi của mình. Đây không phải phản ánh, kiến nghị."
    ),
    what_en=(
        "A complaint by law asks that an administrative decision or act which harms the sender's own rights"
        " be looked at again. It is not feedback."
    ),
    steps=(
        Step(
            "Lần đầu: người đứng đầu cơ quan đã ra quyết định, hoặc có cán bộ thực hiện hành vi, giải quyết.",
            "First complaint: the head of the body that decided or acted is competent.",
            "Luật Khiếu nại 02/2011/QH13", Trust.UNCHECKED,
        ),
        Step(
            "Thụ lý hoặc trả lời không thụ lý trong 10 ngày từ ngày nhận khiếu nại thuộc thẩm quyền.",
            "Accept it, or say why not, within 10 days of receipt.",
            "Luật Khiếu nại 02/2011/QH13, điều 27", Trust.UNCHECKED,
        ),
        Step(
            "Giải quyết lần đầu trong 30 ngày từ ngày thụ lý; vụ phức tạp không quá 45 ngày.",
            "Settle a first complaint within 30 days of acceptance, 45 where it is complex.",
            "Luật Khiếu nại 02/2011/QH13, điều 28", Trust.UNCHECKED,
        ),
        Step(
            "Không thuộc thẩm quyền: hướng dẫn người gửi đến đúng cơ quan, không tự giải quyết.",
            "Not competent: tell the sender which body is.",
            "Luật Khiếu nại 02/2011/QH13", Trust.UNCHECKED,
        ),
    ),
    reply_vi=(
        "Kính gửi ông/bà. Nội dung ông/bà gửi có tính chất khiếu nại, được giải quyết theo Luật Khiếu nại,"
        " không theo quy trình phản ánh, kiến nghị trên kênh này. Đề nghị ông/bà gửi đơn khiếu nại có chữ ký,"
        " kèm bản sao quyết định hoặc tài liệu liên quan, đến bộ phận tiếp công dân của Ủy ban nhân dân nơi"
        " đã ra quyết định, hoặc đến trực tiếp để được hướng dẫn. Trân trọng."
    ),
)  # fmt: skip

_DENUNCIATION: Final = Guide(
    what_vi=(
        "Tố cáo là báo cho cơ quan có thẩm quyền về hành vi vi phạm pháp luật của một người hoặc cơ quan."
        " Đây không phải phản ánh, kiến nghị."
    ),
    what_en="A denunciation tells the competent body that somebody broke the law. It is not feedback.",
    steps=(
        Step(
            "Giữ bí mật họ tên, địa chỉ, bút tích người tố cáo. Không chuyển nội dung cho người bị tố cáo.",
            "Keep secret who denounced: name, address, handwriting.",
            "Luật Tố cáo 25/2018/QH14, điều 8 và 9", Trust.QUOTED,
        ),
        Step(
            "Tố cáo phải bằng đơn có chữ ký hoặc trình bày trực tiếp. Nếu gửi cách khác, hoặc không rõ họ"
            " tên, địa chỉ, thì không xử lý theo quy trình tố cáo; nhưng có nêu rõ người vi phạm và chứng cứ"
            " cụ thể thì vẫn phải kiểm tra hoặc chuyển cơ quan có thẩm quyền.",
            "It must be a signed letter or made in person. Otherwise it is not handled as a denunciation, but"
            " where it names the offender with concrete evidence it is checked or passed on.",
            "Luật Tố cáo 25/2018/QH14, điều 22, 23, 25", Trust.QUOTED,
        ),
        Step(
            "Vào sổ, phân loại, xử lý ban đầu trong 07 ngày làm việc từ ngày nhận.",
            "Register, classify and handle it initially within 7 working days of receipt.",
            "Luật Tố cáo 25/2018/QH14, điều 24", Trust.UNCHECKED,
        ),
        Step(
            "Giải quyết trong 30 ngày từ ngày thụ lý; phức tạp gia hạn một lần, đặc biệt phức tạp hai lần,"
            " mỗi lần không quá 30 ngày.",
            "Settle it within 30 days of acceptance; extended once where complex, twice where very complex,"
            " by at most 30 days each.",
            "Luật Tố cáo 25/2018/QH14, điều 30", Trust.QUOTED,
        ),
    ),
    reply_vi=(
        "Kính gửi ông/bà. Nội dung ông/bà gửi cần được xem xét theo quy trình riêng, không theo quy trình"
        " phản ánh, kiến nghị trên kênh này. Để được bảo vệ thông tin cá nhân, đề nghị ông/bà trình bày trực"
        " tiếp hoặc gửi đơn có chữ ký đến nơi tiếp công dân; không gửi thêm chi tiết qua kênh này."
        " Trân trọng."
    ),
)  # fmt: skip

_CRIME: Final = Guide(
    what_vi="Tố giác, tin báo về tội phạm do cơ quan điều tra tiếp nhận, không xử lý như phản ánh.",
    what_en="What tells of a crime is for the investigating bodies and is not feedback.",
    steps=(
        Step(
            "Chuyển ngay cho công an cấp xã hoặc cơ quan điều tra có thẩm quyền; không tự xác minh.",
            "Pass it on at once to the police; do not investigate.",
            "Bộ luật Tố tụng hình sự 101/2015/QH13, điều 145", Trust.UNCHECKED,
        ),
        Step(
            "Giữ bí mật người tố giác. Có nguy hiểm trước mắt thì báo 113.",
            "Keep secret who told it. Immediate danger: call 113.",
            "Bộ luật Tố tụng hình sự 101/2015/QH13", Trust.UNCHECKED,
        ),
    ),
    reply_vi=_DENUNCIATION.reply_vi.replace(
        "đến nơi tiếp công dân", "đến công an xã, phường nơi gần nhất (khẩn cấp: gọi 113)"
    ),
)  # fmt: skip

GUIDES: Final[Mapping[LegalKind, Guide]] = {
    LegalKind.KHIEU_NAI: _COMPLAINT,
    LegalKind.TO_CAO: _DENUNCIATION,
    LegalKind.TO_GIAC: _CRIME,
}
