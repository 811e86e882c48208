"""What kind of problem a text tells of, by words that no other kind is told in.

    tokens -> kinds -> a set of bits, one for each field of work that was named, 0 where none was

Principles. A category is missing or "Khác" in one report of eight; then the words are all that tells a
lamp from a cable at one house. A kind is as broad as what a ward hands to one desk, because people tell
of one problem in different words but seldom of another field. Two reports are of another kind only where
both name a kind and none in common, so a word too many does less harm than a word too few.

How it works. Folded words and pairs of neighbouring words are looked up in one table. Most are pairs: a
folded syllable means several things ("den": đèn, đến; "cong": cống, công, cộng, cổng; "toi": tối, tôi).

Known exceptions. English and other languages name no kind. A pothole and a car parked across the road
are one kind: categories of the portals do not part them either. A text on sick trees before a noisy bar
is of both kinds, and agrees with either.
"""

from __future__ import annotations

from collections.abc import Sequence

from aggregator.domain.text import squash

__all__ = ["kinds"]

# Written with accents for the reader; looked up folded.
_TERMS = {
    "waste": """
        rác | xà bần | phế thải | thu gom | đổ trộm | bao tải | đồ phế | hốt rác | chất thải | ruồi nhặng
    """,
    "drainage": """
        ngập | mương | thoát nước | hố ga | nắp cống | miệng cống | cống thoát | cống bị | tắc cống
        cống tắc | nghẹt cống | cống nghẹt | cống hộp | cống rãnh | triều cường | nước thải | nước đọng
        nước đen | úng nước | đọng nước | nước tràn | nước cống | ống cống | đường cống | nắp hố
        đan cống | nắp đan | tấm đan | song chắn | lụt | nước dâng | nước rút | thành sông | tiêu thoát
    """,
    "lighting": """
        đèn đường | chiếu sáng | bóng đèn | cột đèn | trụ đèn | đèn chiếu | cao áp | đèn led | tối thui
        tối om | tối đen | tối mịt | ánh sáng | không sáng | đèn tắt | đèn bị | đèn hư | đèn hỏng
        điện đường | thắp sáng | chớp tắt | thay bóng | cháy bóng | bóng cháy | tối hù
    """,
    "roads": """
        ổ gà | ổ voi | sụt lún | sụp lún | lún sụt | nhựa bong | bong tróc | tái lập | đường hư
        đường hỏng | đường xấu | đường xuống | lầy lội | đào đường | rào chắn | đỗ xe | đậu xe | xe đậu
        xe đỗ | kẹt xe | tắc đường | ùn tắc | ách tắc | ùn ứ | biển báo | biển cấm | cấm đỗ | dừng đỗ
        ô tô | đèn giao | đèn đỏ | đèn tín | tín hiệu | vạch kẻ | vạch sơn | sơn kẻ | ngược chiều | xe tải
        xe ben | xe khách | quá tải | tốc độ | gờ giảm | giảm tốc | phân cách | hố sâu | lồi lõm | xóc
        đá dăm | nứt toác | xe hơi | kẹt cứng | giữ xe
    """,
    "noise": """
        karaoke | tiếng ồn | ồn ào | gây ồn | loa kéo | loa đài | loa thùng | âm thanh | ca hát | hát hò
        mở nhạc | bật nhạc | nhạc sống | tiếng máy | tiếng nhạc | tiếng động | inh ỏi | khoan đục
        khoan cắt | quán bar | la hét | nhậu nhẹt | ăn nhậu | quán nhậu | ầm ĩ | dàn âm | gõ búa | cưa sắt
        cắt sắt
    """,
    "pavements": """
        vỉa hè | lề đường | lấn chiếm | hàng rong | buôn bán | bán hàng | hàng quán | chợ cóc | chợ tự
        lối đi | đi bộ | bày bán | mái che | mái hiên | xe đẩy | tam cấp | bán buôn | bảng hiệu
    """,
    "trees": "cây | cắt tỉa | tán lá | mục gốc | bật gốc | cành khô",
    "power": """
        dây điện | cáp viễn | viễn thông | trụ điện | cột điện | tủ điện | trạm biến | biến áp | cúp điện
        mất điện | điện lực | rò điện | cáp quang | dây cáp | bó cáp | cáp đứt | điện yếu | chập điện
        phóng điện | điện giật | hở điện | dây mạng | công tơ | điện kế | hộp điện | cáp treo | cáp chùng
        dây nhợ
    """,
    "water": """
        cúp nước | mất nước | nước sạch | nước máy | nước yếu | vỡ ống | bể ống | ống nước | cấp nước
        vòi khô | nước nhỏ
    """,
    "building": """
        xây dựng | xây nhà | trái phép | không phép | sai phép | giấy phép | cơi nới | công trình
        vật liệu | đào móng | bê tông | tường nhà
    """,
    "air": """
        khói bụi | bụi bẩn | bụi bặm | đốt rác | khói đen | khí thải | mùi khét | mùi sơn | hóa chất
        mùi nhựa | mùi keo | ngộp thở | lò hơi
    """,
    "order": """
        trộm cắp | trộm cướp | móc túi | ma túy | đánh bạc | cờ bạc | đá gà | đánh nhau | mại dâm
        gây rối | đua xe | tụ tập | nẹt pô | lừa đảo | tín dụng | vay nặng
    """,
    "animals": """
        chó thả | thả rông | chó cắn | nuôi chó | nuôi gà | nuôi heo | nuôi lợn | gia súc | gia cầm
        phân chó | chó mèo | chó dữ | chó hoang | chó sủa | đàn chó | con chó | rọ mõm | bệnh dại
        vật nuôi
    """,
    "food": "thực phẩm | ngộ độc | ôi thiu",
    "adverts": "quảng cáo | tờ rơi | rao vặt | dán giấy | băng rôn",
    "offices": "thủ tục | hồ sơ | một cửa | căn cước | tạm trú | hộ khẩu | khai sinh | chứng thực | trợ cấp",
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


def kinds(words: Sequence[str]) -> int:
    """The kinds of problem that the words name, as a set of bits; 0 where they name none."""
    named = 0
    for at, word in enumerate(words):
        seconds = _FIRST.get(word)
        if seconds:
            named |= seconds.get("", 0)
            if at + 1 < len(words):
                named |= seconds.get(words[at + 1], 0)
    return named
