"""Invented reports of a Vietnamese ward: as many as asked for, the same every time.

Streets, problems and words are drawn from lists with a fixed seed. Nobody named here exists, and the
telephone numbers are of a block that is never given out.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta

from aggregator.sdk.contract import Location, Person, Record

STREETS = (
    "Lê Lợi", "Trần Phú", "Hùng Vương", "Nguyễn Huệ", "Lý Thường Kiệt", "Pasteur", "Hai Bà Trưng",
    "Điện Biên Phủ", "Cách Mạng Tháng Tám", "Nguyễn Trãi", "Phan Chu Trinh", "Bạch Đằng", "Lê Duẩn",
    "Võ Thị Sáu", "Nguyễn Đình Chiểu", "Hoàng Diệu", "Tôn Đức Thắng", "Ngô Quyền", "Phạm Ngũ Lão",
    "Đinh Tiên Hoàng", "Nguyễn Thái Học", "Trường Chinh", "Âu Cơ", "Lạc Long Quân", "Phan Xích Long",
)  # fmt: skip
#: the channel's word for the category, title, what is told
PROBLEMS = (
    ("Giao thông", "Ổ gà trên đường", "Mặt đường có ổ gà lớn, xe máy đi qua hay bị ngã, nhất là buổi tối."),
    ("Thoát nước", "Ngập sau mưa", "Cứ mưa to là nước ngập lênh láng, cống bị rác bít kín không thoát được."),
    ("Chiếu sáng", "Đèn đường không sáng",
     "Dãy đèn đường tắt đã nhiều đêm, đoạn này tối và dễ xảy ra cướp giật."),
    ("Rác thải", "Rác ứ đọng bốc mùi",
     "Rác sinh hoạt chất đống mấy ngày nay không ai thu gom, mùi rất khó chịu."),
    ("Cây xanh", "Cây nghiêng sắp đổ",
     "Cây xanh bị nghiêng sau trận gió, cành khô có thể rơi vào người đi đường."),
    ("Trật tự đô thị lòng lề đường", "Lấn chiếm vỉa hè",
     "Hàng quán bày bàn ghế kín vỉa hè, người đi bộ phải xuống lòng đường."),
    ("Karaoke", "Hát karaoke ồn ào",
     "Loa kéo mở rất to đến khuya, người già và trẻ nhỏ trong xóm không ngủ được."),
    ("Nước sạch", "Nước máy đục", "Nước máy chảy yếu và có màu vàng đục, gia đình không dám dùng để nấu ăn."),
    ("Lưới điện", "Dây điện võng thấp",
     "Bó dây điện và cáp võng xuống sát đầu người, rất nguy hiểm khi trời mưa."),
    ("Hành chính công", "Hồ sơ chậm trả kết quả",
     "Hồ sơ của tôi quá ngày hẹn mà bộ phận một cửa chưa trả lời rõ ràng."),
)  # fmt: skip
DETAILS = (
    "Đã báo tổ trưởng nhưng chưa thấy ai đến.", "Kính mong phường cho người kiểm tra.",
    "Tình trạng này kéo dài gần một tháng.", "Gần trường học nên phụ huynh rất lo.",
    "Mong được phản hồi sớm qua điện thoại.", "Bà con trong hẻm đều bức xúc.",
    "Hôm qua đã có người bị ngã ở đây.", "Nhờ cơ quan chức năng xử lý giúp, xin cảm ơn.",
)  # fmt: skip
NAMES = ("Đặng Văn Thử", "Vũ Thị Mẫu", "Trịnh Giả Định", "Hồ Thị Ví Dụ", "Lương Văn Tỉ Dụ")

HOUSES = 2400
SPAN = timedelta(days=700)


def reports(count: int, until: datetime, ward: str, prefix: str = "PA") -> Iterator[Record]:
    """`count` reports, oldest first, over the `SPAN` before `until`; few share a house."""
    dice = random.Random(20261110)
    places = list(range(len(STREETS) * HOUSES))
    dice.shuffle(places)
    for number in range(count):
        place = places[number % len(places)]
        street, house = STREETS[place % len(STREETS)], place // len(STREETS) + 1
        raw, title, body = dice.choice(PROBLEMS)
        more = " ".join(dice.sample(DETAILS, dice.randint(1, 3)))
        told = dice.random() < 0.6
        yield Record(
            external_id=f"{prefix}-{number:07}",
            occurred_at=until - SPAN + SPAN * (number / count),
            subject=title,
            body=f"{body} Trước số {house} {street}. {more}",
            location=Location(address=f"{house} {street}", ward_code=ward),
            category_raw=raw,
            status_raw="Chưa xử lý",
            person=Person(dice.choice(NAMES), f"0900{dice.randrange(10**6):06}")
            if told
            else Person(anonymous=True),
        )
