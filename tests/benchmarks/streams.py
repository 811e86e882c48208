"""Made streams of Vietnamese reports whose true cases are known: what the matching rule is measured on.

A stream is a city: streets in wards, houses along them, problems at houses, and people who tell of them
through several channels, each in their own words, with typing slips, old and new addresses, imprecise
positions. Beside the repeats stand the hard negatives: the same template at another house, another
problem at the same house, the same problem after its case was closed.

What may surprise: there are two halves that share no street, no wording and no detail. Weights and
thresholds are tuned on `BUILDERS`; what is told to others is measured on `HELD`.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

BUILDERS, HELD = 0, 1

_STREETS = (
    "Lê Lợi", "Trần Phú", "Hùng Vương", "Nguyễn Huệ", "Lý Thường Kiệt", "Pasteur", "Hai Bà Trưng",
    "Điện Biên Phủ", "Cách Mạng Tháng Tám", "Nguyễn Trãi", "Phan Chu Trinh", "Bạch Đằng", "Lê Duẩn",
    "Võ Thị Sáu", "Nguyễn Đình Chiểu", "Hoàng Diệu", "Tôn Đức Thắng", "Ngô Quyền", "Phạm Ngũ Lão",
    "Đinh Tiên Hoàng", "Nguyễn Thái Học", "Trường Chinh", "Âu Cơ", "Lạc Long Quân", "Phan Xích Long",
    "Lê Văn Sỹ", "Trần Quang Diệu", "Huỳnh Văn Bánh", "Nguyễn Văn Trỗi", "Hoàng Văn Thụ", "Cộng Hòa",
    "Lũy Bán Bích", "Hòa Bình", "Tân Kỳ Tân Quý", "Gò Dầu", "Nguyễn Sơn", "Thoại Ngọc Hầu", "Vườn Lài",
    "Nguyễn Oanh", "Phan Văn Trị", "Quang Trung", "Lê Đức Thọ", "Dương Quảng Hàm", "Nguyễn Kiệm",
    "Bùi Đình Túy", "Nơ Trang Long", "Chu Văn An", "Đinh Bộ Lĩnh", "Ung Văn Khiêm", "Xô Viết Nghệ Tĩnh",
    "Tô Hiến Thành", "Thành Thái", "Sư Vạn Hạnh", "Ba Tháng Hai", "Ngô Gia Tự", "Hồ Thị Kỷ",
    "Lê Hồng Phong", "An Dương Vương", "Trần Bình Trọng", "Nguyễn Tri Phương", "Tản Đà", "Hải Thượng Lãn Ông",
    "Phùng Hưng", "Châu Văn Liêm", "Hậu Giang", "Bà Hom", "Kinh Dương Vương", "Tên Lửa", "Mã Lò",
    "Huỳnh Tấn Phát", "Nguyễn Thị Thập", "Lâm Văn Bền", "Trần Xuân Soạn", "Bến Vân Đồn", "Khánh Hội",
)  # fmt: skip

#: category -> for each half the ways people tell of one problem; {p} is where the place is named.
_PROBLEMS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "ve_sinh_moi_truong": (
        (
            "Rác sinh hoạt chất đống {p} mấy ngày nay không ai thu gom, mùi rất khó chịu.",
            "Người dân vứt rác bừa bãi {p}, ruồi muỗi bay đầy, đề nghị phường xử lý.",
            "Có bãi rác tự phát {p}, sáng nào cũng thêm vài bao.",
            "Xe thu gom bỏ sót rác {p}, nước rỉ ra đường hôi thối.",
        ),
        (
            "Cả tuần nay chưa có xe rác nào tới {p}, túi nilon chất cao ngang bụng.",
            "Đồ phế thải, bàn ghế hư bị bỏ lại {p}, chuột chạy khắp nơi.",
            "Mùi hôi từ đống rác {p} làm cả xóm không dám mở cửa.",
            "Ai đó đổ xà bần và rác chợ {p} lúc nửa đêm, nhờ dọn giúp.",
        ),
    ),
    "thoat_nuoc": (
        (
            "Cứ mưa to là nước ngập lênh láng {p}, cống bị bít kín không thoát được.",
            "Cống thoát nước {p} tắc nghẽn, nước đen tràn lên mặt đường.",
            "Nắp hố ga {p} bị bể, xe máy dễ sụp bánh.",
            "Triều cường kết hợp mưa làm {p} ngập nửa bánh xe, đi lại rất khó.",
        ),
        (
            "Nước thải trào ngược từ miệng cống {p}, bốc mùi kinh khủng.",
            "Sau trận mưa chiều, {p} thành sông, nhà nào cũng phải tát nước.",
            "Hố ga {p} mất nắp đã lâu, mới có người té xuống.",
            "Đường ống thoát {p} không thông, nước đọng cả tuần sinh lăng quăng.",
        ),
    ),
    "chieu_sang": (
        (
            "Dãy đèn đường {p} tắt đã nhiều đêm, đoạn này tối và dễ xảy ra cướp giật.",
            "Bóng đèn chiếu sáng {p} bị cháy, nhờ thay giúp.",
            "Trụ đèn {p} chớp tắt liên tục gây chói mắt.",
            "Ban đêm {p} không có ánh sáng, người già đi lại rất sợ.",
        ),
        (
            "Tối thui {p} vì đèn công cộng không lên từ đầu tháng.",
            "Cột đèn cao áp {p} hư, trẻ em đi học thêm về phải soi điện thoại.",
            "Đèn {p} sáng suốt ban ngày còn ban đêm lại tắt.",
            "Nhờ điện lực coi lại hệ thống chiếu sáng {p}, chập chờn lúc có lúc không.",
        ),
    ),
    "giao_thong": (
        (
            "Mặt đường {p} có ổ gà lớn, xe máy đi qua hay bị ngã, nhất là buổi tối.",
            "Đường {p} sụt lún sau khi đào cáp, chưa tái lập.",
            "Biển báo giao thông {p} bị cây che khuất hoàn toàn.",
            "Tài xế dừng đỗ xe tải kín lòng đường {p} gây kẹt xe giờ tan tầm.",
        ),
        (
            "Nhựa bong tróc thành hố sâu {p}, đêm qua hai người chạy xe ngã.",
            "Đơn vị thi công rào chắn {p} mấy tháng không thấy làm, ùn tắc liên miên.",
            "Ô tô đậu hai bên {p} suốt ngày, xe cứu thương không vào được.",
            "Vạch sơn qua đường {p} mờ hết, học sinh băng qua nguy hiểm.",
        ),
    ),
    "tieng_on": (
        (
            "Loa kéo mở rất to đến khuya {p}, người già và trẻ nhỏ không ngủ được.",
            "Quán nhậu {p} hát karaoke ồn ào sau mười giờ đêm.",
            "Xưởng cơ khí {p} cắt sắt cả ngày, tiếng ồn chịu không nổi.",
            "Công trình {p} khoan đục ban đêm, đề nghị kiểm tra giấy phép.",
        ),
        (
            "Hàng xóm {p} tổ chức ca hát bằng dàn âm thanh công suất lớn mỗi tối cuối tuần.",
            "Tiếng máy nén khí {p} nổ từ năm giờ sáng, đau hết cả đầu.",
            "Quán bar {p} mở nhạc xập xình tới hai giờ khuya.",
            "Nhà {p} nuôi chục con chó sủa suốt, không ai chịu thấu.",
        ),
    ),
    "via_he": (
        (
            "Hàng quán bày bàn ghế kín vỉa hè {p}, người đi bộ phải xuống lòng đường.",
            "Tiệm sửa xe {p} lấn chiếm lề đường làm chỗ để phụ tùng.",
            "Xe đẩy bán hàng rong tụ tập {p} mỗi sáng, cản trở lối đi.",
            "Nhà dân {p} xây bậc tam cấp lấn ra vỉa hè.",
        ),
        (
            "Khách quán cà phê {p} để xe tràn hết lối đi bộ.",
            "Chợ tự phát {p} chiếm nửa mặt đường từ sáng sớm.",
            "Cửa hàng {p} dựng bảng hiệu, mái che chắn hết lề.",
            "Vật liệu cát đá của công trình {p} đổ đầy phần đường của người đi bộ.",
        ),
    ),
    "cay_xanh": (
        (
            "Cây xanh {p} bị nghiêng sau trận gió, cành khô có thể rơi vào người đi đường.",
            "Rễ cây {p} trồi lên làm nứt gạch.",
            "Nhánh cây {p} vướng vào dây điện, mong cắt tỉa.",
            "Cây cổ thụ {p} mục gốc, rất nguy hiểm mùa mưa bão.",
        ),
        (
            "Hôm qua có nhánh lớn gãy xuống {p}, may không trúng ai.",
            "Cây phượng già {p} chết khô đã lâu chưa đốn.",
            "Tán lá {p} um tùm che hết cửa sổ, sâu rớt đầy sân.",
            "Bồn cây {p} bị xe tông đổ, thân nằm chắn lối.",
        ),
    ),
    "dien": (
        (
            "Bó dây điện và cáp {p} võng xuống sát đầu người, rất nguy hiểm khi trời mưa.",
            "Trụ điện {p} nghiêng hẳn về một bên.",
            "Khu vực {p} cúp điện liên tục không báo trước.",
            "Tủ điện {p} hở cửa, trẻ con hay lại gần nghịch.",
        ),
        (
            "Cáp viễn thông đứt thả lòng thòng {p}, vướng cổ người chạy xe.",
            "Trạm biến áp {p} phát tiếng nổ và tóe lửa tối qua.",
            "Điện {p} yếu quá, máy lạnh không chạy nổi mấy hôm rồi.",
            "Hộp đồng hồ {p} cháy xém có mùi khét.",
        ),
    ),
}
_DETAILS = (
    (
        "Đã báo tổ trưởng nhưng chưa thấy ai đến.", "Kính mong phường cho người kiểm tra.",
        "Tình trạng này kéo dài gần một tháng.", "Gần trường học nên phụ huynh rất lo.",
        "Xin cảm ơn.", "Bà con trong hẻm đều bức xúc.",
    ),
    (
        "Gọi tổng đài hai lần rồi không ai trả lời.", "Nhờ cơ quan chức năng xử lý giúp.",
        "Chuyện có từ trước Tết tới giờ.", "Hôm qua đã có người bị ngã ở đây.",
        "Mong được phản hồi sớm.", "Mấy nhà xung quanh cũng phản ánh.",
    ),
)  # fmt: skip
_CHANNELS = ("1022", "zalo", "email", "app", "web")
_OLD_DISTRICTS = ("Quận 3", "Q. Tân Bình", "quận Tân Phú", "Q.Gò Vấp", "Quận 10", "Q. Bình Thạnh")
_START = datetime(2026, 1, 5, tzinfo=UTC)
_METRES = 111_320.0


@dataclass(frozen=True, slots=True)
class Street:
    name: str
    ward: str
    lat: float
    lng: float
    step: tuple[float, float]


@dataclass(slots=True)
class Problem:
    """One true case: something wrong at one house, until it is closed."""

    number: int
    street: Street
    house: str
    category: str
    begins: datetime
    closed_at: datetime | None
    told: list[Report] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Report:
    """What was sent, the true case, and how the report came about."""

    row: dict[str, Any]
    truth: int
    kind: str


def stream(
    half: int, count: int, seed: int, days: int = 60, corner: tuple[int, Sequence[str]] | None = None
) -> list[Report]:
    """`count` reports over `days`, in the order of their arrival; the same for the same arguments.

    `corner` (a number, and its street names) holds the streets where they are from one seed to another.

    `kind` is first, copy (verbatim), slip (copied with slips), reworded, other_house, other_problem or
    after_closing; the last three are hard negatives.
    """
    return _City(half, count, seed, days, corner).reports()


class _City:
    def __init__(
        self, half: int, count: int, seed: int, days: int, corner: tuple[int, Sequence[str]] | None
    ) -> None:
        self.dice = random.Random(seed * 2 + half)
        self.half, self.count, self.days = half, count, days
        self.taken: dict[tuple[Street, str, str], datetime] = {}
        self.number = 0
        if corner is None:
            self.streets = self._streets(self.dice, _STREETS[half::2])
        else:
            self.streets = self._streets(random.Random(corner[0]), corner[1])

    def _streets(self, dice: random.Random, names: Sequence[str]) -> list[Street]:
        wards = [str(26_000 + 3 * n + self.half) for n in range(max(12, self.count // 1500))]
        made = []
        for ward in wards:
            at = (10.7 + dice.random() * 0.2, 106.6 + dice.random() * 0.2)
            for name in dice.sample(names, 8):
                lat, lng = (x + dice.uniform(-0.008, 0.008) for x in at)
                step = dice.choice(((6e-5, 3e-5), (2e-5, 7e-5), (-5e-5, 4e-5), (7e-5, -1e-5)))
                made.append(Street(name, ward, lat, lng, step))
        return made

    def reports(self) -> list[Report]:
        out: list[Report] = []
        while len(out) < self.count:
            problem = self._fresh()
            self._tell(problem, "first", problem.begins)
            if self.dice.random() < 0.42:
                more = 1 + min(6, int(self.dice.expovariate(1.1)))
                for at in sorted(self._later(problem) for _ in range(more)):
                    self._again(problem, at)
            out += problem.told
            if self.dice.random() < 0.75:
                negative = self._negative(problem)
                if negative:
                    out += negative.told
        out.sort(key=lambda one: one.row["received_at"])
        for one in out:
            del one.row["wording"]
        return out[: self.count]

    def _fresh(self) -> Problem:
        while True:
            street = self.dice.choice(self.streets)
            begins = _START + timedelta(days=self.days * self.dice.random())
            found = self._problem(street, self._house(), self.dice.choice(list(_PROBLEMS)), begins)
            if found:
                return found

    def _problem(self, street: Street, house: str, category: str, begins: datetime) -> Problem | None:
        if (street, house, category) in self.taken:
            return None
        self.taken[street, house, category] = begins
        closed = begins + timedelta(hours=6) + timedelta(days=self.dice.expovariate(1 / 9))
        self.number += 1
        open_still = self.dice.random() < 0.15
        return Problem(self.number, street, house, category, begins, None if open_still else closed)

    def _house(self) -> str:
        number = str(self.dice.randint(1, 420))
        if self.dice.random() < 0.3:
            number += f"/{self.dice.randint(1, 40)}"
        return number + ("A" if self.dice.random() < 0.04 else "")

    def _later(self, problem: Problem) -> datetime:
        at = problem.begins + timedelta(days=self.dice.expovariate(1 / 3))
        if problem.closed_at and at >= problem.closed_at:
            at = problem.begins + (problem.closed_at - problem.begins) * self.dice.random()
        return at

    def _again(self, problem: Problem, at: datetime) -> None:
        kind = self.dice.choices(("reworded", "slip", "copy"), (5, 3, 2))[0]
        self._tell(problem, kind, at)

    def _negative(self, problem: Problem) -> Problem | None:
        """Another problem that looks like this one."""
        kind = self.dice.choice(("other_house", "other_problem", "after_closing"))
        begins = problem.begins + timedelta(days=self.dice.expovariate(1 / 4))
        house, category = problem.house, problem.category
        if kind == "other_house":
            step = self.dice.choice((-4, -2, 2, 4, 10))
            first, *inner = house.split("/")
            digits = "".join(filter(str.isdigit, first))
            house = "/".join([str(max(1, int(digits) + step)), *inner])
        elif kind == "other_problem":
            category = self.dice.choice([one for one in _PROBLEMS if one != category])
        elif problem.closed_at is None:
            return None
        else:
            begins = problem.closed_at + timedelta(days=1 + self.dice.expovariate(1 / 8))
            del self.taken[problem.street, house, category]
        negative = self._problem(problem.street, house, category, begins)
        if negative:
            self._tell(negative, kind, begins, like=problem if kind != "other_problem" else None)
        return negative

    # How it is told

    def _tell(self, problem: Problem, kind: str, at: datetime, like: Problem | None = None) -> None:
        dice = self.dice
        if kind in ("copy", "slip"):
            row = dict(dice.choice(problem.told).row)
            row["channel"] = dice.choice(_CHANNELS)
            if kind == "slip":
                row["body"] = _slipped(dice, row["body"])
                row["lat"], row["lng"] = self._position(problem) or (None, None)
        else:
            wording = self._wording(problem, kind, like)
            row = self._row(problem, wording)
            row["wording"] = wording
        row["id"] = f"p{problem.number}.{len(problem.told)}"
        row["received_at"] = at.isoformat()
        row["closed_at"] = problem.closed_at.isoformat() if problem.closed_at else None
        if problem.told and dice.random() < 0.15:
            row["reporter_phone"] = problem.told[0].row["reporter_phone"]
        problem.told.append(Report(row, problem.number, kind))

    def _wording(self, problem: Problem, kind: str, like: Problem | None) -> str:
        wordings = _PROBLEMS[problem.category][self.half]
        if like is not None and self.dice.random() < 0.7:
            return str(like.told[0].row["wording"])
        used = {one.row["wording"] for one in problem.told}
        return self.dice.choice([one for one in wordings if one not in used] or list(wordings))

    def _row(self, problem: Problem, wording: str) -> dict[str, Any]:
        dice = self.dice
        at = self._position(problem) if dice.random() < 0.55 else None
        in_field = dice.random() < 0.55
        vague = at is not None and dice.random() < 0.08
        named = not vague and (not in_field or dice.random() < 0.35)
        place = self._in_words(problem) if named else dice.choice(("ở đây", "chỗ này", "trước nhà tôi"))
        if vague and dice.random() < 0.6:
            place = f"trên đường {problem.street.name}"
        body = wording.format(p=place)
        if dice.random() < 0.6:
            body += " " + dice.choice(_DETAILS[self.half])
        if dice.random() < 0.12:
            body = f"Người dân gọi điện phản ánh: {body[0].lower()}{body[1:]}"
        if dice.random() < 0.3:
            body = _slipped(dice, body)
        told = dice.random()
        return {
            "channel": dice.choice(_CHANNELS),
            "subject": "",
            "body": body,
            "category": problem.category if told < 0.88 else "Khác" if told < 0.93 else None,
            "address": self._address(problem) if in_field and not vague else None,
            "ward": problem.street.ward if dice.random() < 0.95 else None,
            "lat": at and at[0],
            "lng": at and at[1],
            "reporter_phone": f"09{dice.randrange(10**8):08}" if dice.random() < 0.5 else None,
        }

    def _position(self, problem: Problem) -> tuple[float, float]:
        street, along = problem.street, int("".join(filter(str.isdigit, problem.house.split("/")[0])))
        off = self.dice.choices((8, 25, 60), (6, 3, 1))[0] / _METRES
        return (
            round(street.lat + street.step[0] * along + self.dice.gauss(0, off), 6),
            round(street.lng + street.step[1] * along + self.dice.gauss(0, off), 6),
        )

    def _in_words(self, problem: Problem) -> str:
        house, name = problem.house, problem.street.name
        if "/" in house and self.dice.random() < 0.5:
            outer, inner = house.split("/")
            return f"tại nhà số {inner} hẻm {outer} {name}"
        return self.dice.choice(
            (
                f"trước số nhà {house} {name}",
                f"tại {house} {name}",
                f"ở số {house} đường {name}",
                f"trước {house} {name}",
            )
        )

    def _address(self, problem: Problem) -> str:
        plain = f"{problem.house} {problem.street.name}"
        return self.dice.choice(
            (
                plain,
                f"Số {plain}, phường {int(problem.street.ward) % 28 + 1}, {self.dice.choice(_OLD_DISTRICTS)}",
                f"{problem.house} đường {problem.street.name}, TP.HCM",
                f"{plain}, P.{int(problem.street.ward) % 28 + 1}",
            )
        )


# --- slips -------------------------------------------------------------------------------------------

_TONES = {"\u0300": "f", "\u0301": "s", "\u0309": "r", "\u0303": "x", "\u0323": "j"}
_SHAPES = {"\u0302": "", "\u0306": "w", "\u031b": "w"}


def _bare(dice: random.Random, text: str) -> str:
    plain = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    return plain.replace("đ", "d").replace("Đ", "D")


def _shouted(dice: random.Random, text: str) -> str:
    return text.upper()


def _decomposed(dice: random.Random, text: str) -> str:
    return unicodedata.normalize("NFD", text)


def _telex(dice: random.Random, text: str) -> str:
    """One or two words as the keys were typed where the input method was off: "đường" is "dduwowngf"."""
    words = text.split(" ")
    small = [at for at, word in enumerate(words) if word.islower() and not word.isascii()]
    for at in dice.sample(small, min(2, len(small))):
        words[at] = _as_keys(words[at])
    return " ".join(words)


def _as_keys(word: str) -> str:
    out, tone = "", ""
    for char in unicodedata.normalize("NFD", word.replace("đ", "dd")):
        if char in _TONES:
            tone = _TONES[char]
        elif unicodedata.combining(char):
            out += _SHAPES.get(char) or out[-1:]
        else:
            out += char
    return out + tone


def _mistyped(dice: random.Random, text: str) -> str:
    """Three slips of the finger, never in a number or a name."""
    words = text.split(" ")
    small = [at for at, word in enumerate(words) if len(word) > 3 and word.isalpha() and word.islower()]
    for at in dice.sample(small, min(3, len(small))):
        word, cut = words[at], dice.randrange(1, len(words[at]) - 1)
        words[at] = dice.choice((word[:cut] + word[cut + 1 :], word[:cut] + word[cut] + word[cut:]))
    return " ".join(words)


def _shortened(dice: random.Random, text: str) -> str:
    for long, short in (("không", "ko"), ("được", "dc"), ("nước", "nc"), ("người", "ng"), ("phường", "p.")):
        text = text.replace(long, short)
    return text


_SLIPS: tuple[Callable[[random.Random, str], str], ...] = (
    _bare, _bare, _telex, _mistyped, _mistyped, _shortened, _shouted, _decomposed,
)  # fmt: skip


def _slipped(dice: random.Random, text: str) -> str:
    return dice.choice(_SLIPS)(dice, text)
