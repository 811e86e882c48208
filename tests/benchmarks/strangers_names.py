"""The names in the strangers' city: streets put together from parts, wards, landmarks and blocks of flats.

The wards are Ho Chi Minh City's of 2025 with some of the old wards that went into each; a bigger city
gets invented ones.
"""


def _listed(text: str) -> tuple[str, ...]:
    return tuple(" ".join(one.split()) for one in text.split(";"))


FAMILIES = _listed(
    """
    Nguyễn; Trần; Lê; Phạm; Hoàng; Huỳnh; Phan; Vũ; Võ; Đặng; Bùi; Đỗ; Hồ; Ngô; Dương; Lý; Đinh; Đoàn;
    Tôn; Mạc; Trịnh; Lương
    """
)
MIDDLES = _listed(
    """
    Văn; Thị; Hữu; Đức; Công; Quang; Minh; Bá; Xuân; Ngọc; Thế; Trọng; Đình; Duy; Khắc; Thái; Gia
    """
)
GIVENS = _listed(
    """
    Sỹ; Trỗi; Thọ; Kế; Siêu; Quyền; Hiền; Lộc; Thuật; Bỉnh; Chiểu; Phụng; Nhị; Hạnh; Trạch; Cảnh; Tường;
    Khiêm; Giảng; Hiếu; Oánh; Điển; Tuyên; Lân; Nghĩa; Phúc; Uẩn; Thủy; Hòa; Khoa; Tuấn; Sơn; Châu;
    Viện; Bảo; Dũng; Ích; Trực; Hưng; Ninh; Thìn
    """
)
PLAIN_STREETS = _listed(
    """
    Bạch Mai; Cây Trâm; Lò Gốm; Bến Củi; Rạch Ông; Cầu Đất; Gò Dầu; Sông Thao; Hoa Sữa; Trường Sơn Đông;
    Đồng Khởi Nghĩa; Vườn Chuối; Hồng Hà; Thống Nhất Mới; Tản Đà; Bà Hạt; Ông Ích; Âu Dương Lân; Lạc
    Long; Phù Đổng; Bình Long; Tây Hòa; Dương Bá Trạc
    """
)
NUMBERED = (
    "Đường số {n}",
    "D{n}",
    "N{n}",
    "An Thượng {n}",
    "Tiên Sơn {n}",
    "Tỉnh lộ {n}",
    "3 Tháng 2",
    "30/4",
    "Cách Mạng Tháng 8",
)
# New ward, its old district, some of the old wards in it.
WARDS = tuple(
    tuple(row.split("|"))
    for row in (
        "Bàn Cờ|Quận 3|1,2,3,5",
        "Nhiêu Lộc|Quận 3|9,11,12,14",
        "Chợ Quán|Quận 5|1,2,4",
        "An Đông|Quận 5|5,7,9",
        "Chợ Lớn|Quận 5|11,12,13,14",
        "Vườn Lài|Quận 10|1,2,4,9,10",
        "Diên Hồng|Quận 10|6,8",
        "Hòa Hưng|Quận 10|12,13,15",
        "Khánh Hội|Quận 4|8,9",
        "Vĩnh Hội|Quận 4|1,3",
        "Xóm Chiếu|Quận 4|13,16,18",
        "Minh Phụng|Quận 11|1,7,16",
        "Hòa Bình|Quận 11|5,14",
        "Phú Thọ|Quận 11|11,15",
        "Đức Nhuận|Phú Nhuận|4,5,9",
        "Cầu Kiệu|Phú Nhuận|1,2,7",
        "Gia Định|Bình Thạnh|1,2,7,17",
        "Bình Lợi Trung|Bình Thạnh|5,11,13",
        "Thạnh Mỹ Tây|Bình Thạnh|19,22,25",
        "Bình Quới|Bình Thạnh|27,28",
        "Hạnh Thông|Gò Vấp|1,3",
        "An Nhơn|Gò Vấp|5,6",
        "Thông Tây Hội|Gò Vấp|8,11",
        "An Hội Tây|Gò Vấp|12,14",
        "Tân Sơn Hòa|Tân Bình|1,2,3",
        "Tân Sơn Nhất|Tân Bình|4,5,7",
        "Tân Hòa|Tân Bình|6,8,9",
        "Bảy Hiền|Tân Bình|10,11,12",
    )
)
WARD_PARTS = (
    ["An", "Bình", "Tân", "Phú", "Hòa", "Long", "Vĩnh", "Thới", "Mỹ", "Phước"],
    ["Khánh", "Lộc", "Hưng", "Thạnh", "Hậu", "Trị", "Đức", "Thuận", "Lạc", "Xuyên"],
)
LANDMARKS = (
    ("chợ {x}", "cổng chợ {x}", "khu chợ {x}", "sau lưng chợ {x}"),
    ("trường tiểu học {x}", "cổng trường TH {x}", "trước trường Tiểu học {x}", "trường cấp 1 {x}"),
    ("trường THCS {x}", "trường cấp 2 {x}", "cổng trường THCS {x}", "trường trung học cơ sở {x}"),
    ("bệnh viện {x}", "BV {x}", "cổng bệnh viện {x}", "gần bv {x}"),
    ("công viên {x}", "CV {x}", "khu vực công viên {x}", "lối vào công viên {x}"),
    ("cầu {x}", "chân cầu {x}", "dốc cầu {x}", "dưới gầm cầu {x}"),
)
LANDMARK_NAMES = _listed(
    """
    Bàu Sen; Cây Gõ; Xóm Mới; Rạch Lăng; Phước Bình; Tân Mỹ; Hoa Lư; Sao Mai; Bình Minh; Thanh Đa; Ánh
    Sáng; Tân Phước; Kim Đồng; Hòa Mỹ; Nam Long; Đại Phúc; Ngọc Lan; Phú Lâm; Trần Quý; Võ Trứ; Lê
    Thước; Chu Mạnh; Hiệp Ân; Gò Sao; Rạch Dừa; Bến Đá
    """
)
BLOCKS = _listed(
    """
    Sky Garden; Phú Hoàng; Tân Thịnh; Linh Tây Tower; Hoàng Kim; Green Hills; Bông Sao; Ehome; Ngô Tất;
    Sunrise View; Lý Chiêu; Tản Lĩnh
    """
)
