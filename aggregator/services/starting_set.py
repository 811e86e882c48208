"""What a new installation starts with: a calendar, holidays, deadline rules and categories.

All of it is data that the office edits. What may surprise: every deadline rule here carries its
source and how certain it is; where a public source leaves a point open, the rule says so instead of
sounding like law (1022 rules of 2025: "10 days" are reported by the press without saying whether
working or calendar days are meant; counted as working days until the office confirms).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from aggregator.domain.text import squash
from aggregator.services import calendar_book, ledger
from aggregator.services.holiday_seed import vietnam_days
from aggregator.services.ledger import SYSTEM, Draft
from aggregator.storage import body_queries, place_queries
from aggregator.storage.db import Database, Tx

#: code, Vietnamese, English, words that channels use for it
CATEGORIES: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("giao_thong", "Giao thông, cầu đường", "Roads and traffic",
     ("Giao thông", "Hạ tầng giao thông", "Cầu đường", "Đường bộ", "Ổ gà", "Đèn tín hiệu")),
    ("ha_tang", "Hạ tầng đô thị", "Urban infrastructure", ("Hạ tầng", "Hạ tầng kỹ thuật", "1")),
    ("thoat_nuoc", "Thoát nước, ngập", "Drainage and flooding",
     ("Thoát nước", "Cấp thoát nước", "Ngập nước", "Ngập", "Cống rãnh")),
    ("cap_nuoc", "Cấp nước", "Water supply", ("Nước sạch",)),
    ("chieu_sang", "Chiếu sáng", "Street lighting", ("Chiếu sáng công cộng", "Đèn đường")),
    ("dien", "Điện lực", "Electricity", ("Điện", "Lưới điện")),
    ("vien_thong", "Viễn thông", "Telecommunications", ("Cáp viễn thông",)),
    ("cay_xanh", "Cây xanh", "Trees", ("Công viên cây xanh",)),
    ("moi_truong", "Môi trường, rác thải", "Environment and waste",
     ("Môi trường", "Rác thải", "Vệ sinh môi trường", "Rác", "Ô nhiễm", "4")),
    ("trat_tu", "Trật tự đô thị", "Urban order",
     ("Trật tự đô thị lòng lề đường", "Lòng lề đường", "Lấn chiếm vỉa hè", "Xây dựng", "Trật tự xây dựng")),
    ("tieng_on", "Tiếng ồn", "Noise", ("Karaoke", "Ồn ào", "Tiếng ồn khu dân cư")),
    ("an_ninh", "An ninh trật tự", "Public security", ("An ninh", "Phòng cháy chữa cháy", "21")),
    ("an_toan_thuc_pham", "An toàn thực phẩm", "Food safety", ("Thực phẩm", "Vệ sinh thực phẩm")),
    ("hanh_chinh", "Hành chính công, công vụ", "Public administration",
     ("Hành chính công", "Công vụ – Công chức", "Thủ tục hành chính", "Công vụ", "5000")),
    ("xe_buyt", "Xe buýt", "Buses", ("Vận tải hành khách công cộng",)),
    ("khac", "Lĩnh vực khác", "Other", ("Khác", "22")),
)  # fmt: skip

_PRESS_2025 = "Quy định tiếp nhận, xử lý thông tin Cổng 1022 TP.HCM năm 2025, theo báo chí 04/09/2025"
_RULE_2020 = "Quyết định 1478/QĐ-UBND ngày 04/05/2020 của UBND TP.HCM, theo báo chí"
_2025 = date(2025, 9, 4)

#: Each rule with its source and certainty; what is not said is the column's default. Rules of the
#: hotline's own operators ship unapplied: their clocks run in the hotline's software, not in a ward's.
POLICIES: tuple[dict[str, Any], ...] = (
    {"key": "mac_dinh", "name": "Mặc định của phần mềm: 10 ngày làm việc", "amount": 10,
     "unit": "working_days", "valid_from": date(1990, 1, 1),
     "source": "Chưa có căn cứ; cơ quan cần xác nhận hoặc sửa", "certainty": "unverified"},
    {"key": "1022_2020", "name": "1022 (2020): 5 ngày làm việc", "amount": 5, "unit": "working_days",
     "valid_from": date(2020, 5, 4), "valid_to": date(2023, 10, 25), "source": _RULE_2020,
     "certainty": "press"},
    {"key": "1022_2020_tien_do", "name": "1022 (2020): chưa xong thì báo tiến độ sau 5 ngày làm việc",
     "step": "progress", "amount": 5, "unit": "working_days", "valid_from": date(2020, 5, 4),
     "valid_to": date(2023, 10, 25), "source": _RULE_2020, "certainty": "press", "applied": False},
    {"key": "1022_2025", "name": "1022 (2025): 10 ngày", "amount": 10, "unit": "working_days",
     "valid_from": _2025, "source": _PRESS_2025,
     "certainty": "press_days"},
    {"key": "1022_2025_nhieu_don_vi", "name": "1022 (2025): 15 ngày khi nhiều đơn vị cùng xử lý",
     "amount": 15, "unit": "working_days", "valid_from": _2025, "several_units": True,
     "source": _PRESS_2025, "certainty": "press_days"},
    {"key": "1022_2025_phan_loai", "name": "Tổng đài 1022 (2025): phân loại trong 5 phút",
     "step": "classify", "amount": 5, "unit": "minutes", "valid_from": _2025, "source": _PRESS_2025,
     "certainty": "press", "applied": False},
    {"key": "1022_2025_chuyen", "name": "Tổng đài 1022 (2025): chưa rõ thẩm quyền, chuyển sau 1 giờ",
     "step": "forward", "amount": 60, "unit": "minutes", "valid_from": _2025, "source": _PRESS_2025,
     "certainty": "press", "applied": False},
    {"key": "1022_2025_chi_dao", "name": "Văn phòng UBND TP (2025): việc được chỉ đạo, 1 ngày làm việc",
     "step": "forward", "amount": 1, "unit": "working_days", "valid_from": _2025, "source": _PRESS_2025,
     "certainty": "press", "applied": False},
)  # fmt: skip
_UNSAID: dict[str, Any] = {
    "version": 1, "step": "result", "valid_to": None, "channel": None, "category": None, "urgency": None,
    "warn_percent": 80, "several_units": None, "applied": True,
}  # fmt: skip


#: Bodies to which citizens are often directed. Contacts differ from place to place: the office enters them.
BODIES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Công ty Điện lực khu vực", ("dien",)),
    ("Công ty Cấp nước khu vực", ("cap_nuoc",)),
    ("Công an phường", ("an_ninh",)),
    ("Doanh nghiệp viễn thông quản lý tuyến cáp", ("vien_thong",)),
    ("Trung tâm Quản lý giao thông công cộng", ("xe_buyt",)),
)


def seed(db: Database, now: datetime) -> bool:
    """Put the starting set into a database that has none; False where it was there."""
    with db.write() as tx:
        ledger.lock(tx, [SYSTEM])  # two machines may start on a new database in the same second
        if place_queries.has_calendar(tx):
            return False
        calendar_book.first(tx, now, vietnam_days(now.year - 2, now.year + 2))
        _policies(tx)
        for code, name_vi, name_en, words in CATEGORIES:
            aliases = [squash(word) for word in words]
            row = {"code": code, "name_vi": name_vi, "name_en": name_en, "aliases": aliases}
            place_queries.put_category(tx, row)
        body_queries.insert_bodies(
            tx,
            [
                {"ward_code": None, "name": name, "contact": "", "categories": list(codes)}
                for name, codes in BODIES
            ],
        )
        ledger.append(tx, [Draft(SYSTEM, "starting_set", now, {"policies": len(POLICIES)})])
    return True


def _policies(tx: Tx) -> None:
    place_queries.insert_policies(tx, [_UNSAID | policy for policy in POLICIES])
