"""What kind of problem a text tells of, by words that no other kind is told in.

    tokens -> kinds -> a set of bits and the kind named first; likeness of two -> 1, a third, 0, AKIN, -1

Principles. A category is missing or "Khác" in one report of eight, and broad where it is given; then the
words are all that tells a lamp from a cable at one house, or a flood from a broken cover. What people tell
of they name first; after it come the consequences, and those may be of any kind ("xe rác không vào được").
Two reports are of another kind only where both name a kind and none in common, so a word too many does
less harm than a word too few.

How it works. Folded words and pairs of neighbouring words are looked up in one table. Most are pairs: a
folded syllable means several things ("den": đèn, đến; "cong": cống, công, cộng, cổng; "toi": tối, tôi).
A term of two kinds (a miệng cống overflows or is broken) is never the first. New kinds go to the end of the
table, because stored reports keep their bits.

Known exceptions. English and other languages name no kind. What is wrong with a road and what stands or
jams on it are kinds of their own, but akin: portals put them into one category and people mix them. A text
on sick trees before a noisy bar is of both kinds.

Tried and dropped. "đèn công", "đường dây", "bầy chó", "chó sủa": folded they are "đến công (an)",
"đường đầy", "bảy chỗ", "cho sửa". "mặt đường": every text may say so of its place.
"""

from __future__ import annotations

from collections.abc import Sequence

from aggregator.domain.text import squash

__all__ = ["AKIN", "kinds", "likeness"]

# Written with accents for the reader; looked up folded.
_TERMS = {
    "waste": """
        rác | xà bần | phế thải | thu gom | đổ trộm | bao tải | đồ phế | hốt rác | chất thải | ruồi nhặng
        ve chai | phế liệu | điểm tập | xác chuột | xác động | ruồi bu | ruồi muỗi
    """,
    "drainage": """
        ngập | mương | thoát nước | hố ga | miệng cống | cống thoát | cống bị | tắc cống | cống tràn
        cống tắc | nghẹt cống | cống nghẹt | cống hộp | cống rãnh | triều cường | nước thải | nước đọng
        nước đen | úng nước | đọng nước | nước tràn | nước cống | ống cống | đường cống | cống hôi
        lụt | nước dâng | nước rút | thành sông | tiêu thoát | tát nước | lội nước | trào ngược | nước trào
        thông cống | nạo vét | nước mưa | bao cát | không thoát
    """,
    "lighting": """
        đèn đường | chiếu sáng | bóng đèn | cột đèn | trụ đèn | đèn chiếu | cao áp | đèn led | tối thui
        tối om | tối đen | tối mịt | ánh sáng | không sáng | đèn tắt | đèn bị | đèn hư | đèn hỏng
        điện đường | thắp sáng | chớp tắt | thay bóng | cháy bóng | bóng cháy | tối hù
        đèn cháy | đèn chớp | nhấp nháy
    """,
    "roads": """
        ổ gà | ổ voi | sụt lún | sụp lún | lún sụt | nhựa bong | bong tróc | tái lập | đường hư
        đường hỏng | đường xấu | đường xuống | lầy lội | đào đường | hố sâu | lồi lõm | xóc | đá dăm
        nứt toác | nhựa đường | lún nứt | mặt nhựa | dặm vá | vá đường | thảm nhựa | hố tử | sình lầy
        gồ ghề | sống trâu | nứt mặt | lún mặt | hố lớn | hố to | sụp đường
        đường sụp | đường sụt | đường lún | đường nứt
    """,
    "noise": """
        karaoke | tiếng ồn | ồn ào | gây ồn | loa kéo | loa đài | loa thùng | âm thanh | ca hát | hát hò
        mở nhạc | bật nhạc | nhạc sống | tiếng máy | tiếng nhạc | tiếng động | inh ỏi | khoan đục
        khoan cắt | quán bar | la hét | nhậu nhẹt | ăn nhậu | quán nhậu | ầm ĩ | dàn âm | gõ búa | cưa sắt
        cắt sắt | kẹo kéo | xập xình | đinh tai | nhức óc | điếc tai | làm ồn | rất ồn | độ ồn
        dàn loa | tiếng loa | tiếng hát | nhạc to | nhạc lớn | nhạc xập | mất ngủ | cục nóng | máy nén
        tiếng chó | sủa suốt | sủa cả | sủa inh | sủa đêm
    """,
    "pavements": """
        vỉa hè | lề đường | lấn chiếm | hàng rong | buôn bán | bán hàng | hàng quán | chợ cóc | chợ tự
        lối đi | đi bộ | bày bán | mái che | mái hiên | xe đẩy | tam cấp | bán buôn | bảng hiệu | tái chiếm
        lòng đường | lòng lề | chiếm dụng | bán rong | bán dạo | họp chợ | chợ chồm | bày bàn | kê bàn
        che bạt | dù bạt | gạch vỉa | lấn lề | lấn vỉa | chiếm lề | chiếm vỉa
    """,
    "trees": """
        cây | cắt tỉa | tán lá | mục gốc | bật gốc | cành khô | bật rễ | trốc gốc | mé nhánh | tỉa cành
        nhánh gãy | gãy nhánh | nhánh khô | cành gãy | gãy cành | đốn hạ | cổ thụ | phượng vĩ | xà cừ
        bằng lăng | gốc bàng | gốc phượng | lá rụng | rụng lá | tỉa nhánh
    """,
    "power": """
        dây điện | cáp viễn | viễn thông | trụ điện | cột điện | tủ điện | trạm biến | biến áp | cúp điện
        mất điện | điện lực | rò điện | cáp quang | dây cáp | bó cáp | cáp đứt | điện yếu | chập điện
        phóng điện | điện giật | hở điện | dây mạng | công tơ | điện kế | hộp điện | cáp treo | cáp chùng
        dây nhợ | dây rợ | bó dây | dây đứt | dây chùng | dây võng | lòng thòng | chằng chịt | tóe lửa
        tia lửa | cáp mạng | cáp internet | nhiễm điện | giật điện | cắt điện | bốt điện | điện áp
        mớ dây | đứt dây | dây thấp
    """,
    "water": """
        cúp nước | mất nước | nước sạch | nước máy | nước yếu | vỡ ống | bể ống | ống nước | cấp nước
        vòi khô | nước nhỏ | lực nước | áp nước | thiếu nước | hết nước | nước đục | nước vàng | nước phèn
        rò nước | xì nước | ống vỡ | ống bể | vòi nước | hứng nước | nước sinh | ống cấp
    """,
    "building": """
        xây dựng | xây nhà | trái phép | không phép | sai phép | giấy phép | cơi nới | công trình
        vật liệu | đào móng | bê tông | tường nhà | xây cất | xây lấn | xây chui | xây thêm | ép cọc
        đóng cọc | nứt tường | nứt nhà | lên tầng
    """,
    "air": """
        khói bụi | bụi bẩn | bụi bặm | đốt rác | khói đen | khí thải | mùi khét | mùi sơn | hóa chất
        mùi nhựa | mùi keo | ngộp thở | lò hơi | mùi hóa | xả khói | xả thải | ống khói | bụi mịn | bụi gỗ
        bụi sơn | bụi xi | lò đốt | đốt nhựa | đốt dây | khói mù | ngạt thở | khó thở | hô hấp | nước thải
        thải ra | bụi mù
    """,
    "order": """
        trộm cắp | trộm cướp | móc túi | ma túy | đánh bạc | cờ bạc | đá gà | đánh nhau | mại dâm
        gây rối | đua xe | tụ tập | nẹt pô | lừa đảo | tín dụng | vay nặng | mất trộm | trộm xe | con nghiện
        kim tiêm | ống tiêm | hút chích | tiêm chích | chích hút | sòng bạc | đánh bài | cá độ | ẩu đả
        đòi nợ | bảo kê | quái xế | bốc đầu
    """,
    "animals": """
        chó thả | thả rông | chó cắn | nuôi chó | nuôi gà | nuôi heo | nuôi lợn | gia súc | gia cầm
        phân chó | chó mèo | chó dữ | chó hoang | đàn chó | con chó | rọ mõm | bệnh dại | vật nuôi
        tiếng chó | chó lớn | xích chó | tiêm phòng | mèo hoang | trâu bò | nuôi chim | gà gáy
        thả chó
    """,
    "food": "thực phẩm | ngộ độc | ôi thiu | giết mổ | lò mổ | bếp ăn | hết hạn",
    "adverts": "quảng cáo | tờ rơi | rao vặt | dán giấy | băng rôn",
    "offices": """
        thủ tục | hồ sơ | một cửa | căn cước | tạm trú | hộ khẩu | khai sinh | chứng thực | trợ cấp
        giấy tờ | tiếp dân | công chứng
    """,
    "covers": """
        nắp cống | nắp hố | nắp đan | đan cống | tấm đan | song chắn | mất nắp | bể nắp | vỡ nắp | nắp gang
        nắp bể | nắp vỡ | nắp bị | không nắp | nắp mương | lưới chắn | hố ga | miệng cống | miệng hố | nắp đậy
        hở nắp | nắp gãy | gãy nắp | cập kênh
    """,
    "parking": """
        đỗ xe | đậu xe | xe đậu | xe đỗ | dừng đỗ | cấm đỗ | cấm đậu | đỗ ô | đậu ô | tô đỗ | tô đậu | ô tô
        xe hơi | giữ xe | bãi xe | chắn lối | chắn cửa | bít lối | chặn lối | chặn cửa | tải đỗ | tải đậu
        để xe | bỏ xe | xe chắn | đỗ chắn | đậu chắn | hơi đậu | hơi đỗ | dừng đậu
    """,
    "traffic": """
        kẹt xe | tắc đường | ùn tắc | ách tắc | ùn ứ | biển báo | biển cấm | đèn giao | đèn đỏ | đèn tín
        tín hiệu | vạch kẻ | vạch sơn | sơn kẻ | ngược chiều | xe tải | xe ben | xe khách | quá tải | tốc độ
        gờ giảm | giảm tốc | phân cách | kẹt cứng | rào chắn | xe container | đèn xanh | cấm tải
    """,
    "fire": "cháy nổ | phòng cháy | pccc | bình gas | chữa cháy | thoát hiểm | báo cháy",
}


def _table() -> dict[str, dict[str, int]]:
    """First word -> second word, or "" for a word that tells enough alone -> bits."""
    found: dict[str, dict[str, int]] = {}
    for bit, listed in enumerate(_TERMS.values()):
        for term in listed.replace("\n", "|").split("|"):
            first, *rest = squash(term).split() or [""]
            seconds = found.setdefault(first, {})
            second = rest[0] if rest else ""
            seconds[second] = seconds.get(second, 0) | 1 << bit
    del found[""]
    return found


_FIRST = _table()
_SHARED, AKIN = 1 / 3, -0.5
_ON_THE_ROAD = sum(1 << list(_TERMS).index(name) for name in ("roads", "parking", "traffic"))
# Above the bits of the kinds, in a signed column of 32: the number of the kind named first, from 1.
_MAIN_FROM = 24
_NAMED = (1 << _MAIN_FROM) - 1


def kinds(words: Sequence[str]) -> int:
    """The kinds of problem that the words name, as a set of bits, and above them the one named first.

    0 where they name none.
    """
    named = first = 0
    for at, word in enumerate(words):
        seconds = _FIRST.get(word)
        if seconds:
            bits = seconds.get("", 0)
            if at + 1 < len(words):
                bits |= seconds.get(words[at + 1], 0)
            named |= bits
            if not first and bits and not bits & (bits - 1):
                first = bits.bit_length()
    return named | first << _MAIN_FROM


def likeness(one: int, other: int) -> float:
    """How alike two sets of `kinds` are, -1 to 1; 0 where one of them is empty.

    1 where one kind is named first in both, `_SHARED` where they share another, `AKIN` where both are of the
    road, -1 where they have nothing in common.
    """
    if not one or not other:
        return 0.0
    if not one & other & _NAMED:
        return AKIN if one & _ON_THE_ROAD and other & _ON_THE_ROAD else -1.0
    mains = one >> _MAIN_FROM, other >> _MAIN_FROM
    return 1.0 if mains[0] == mains[1] or 0 in mains else _SHARED
