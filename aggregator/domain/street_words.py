"""The words by which a street name is known to begin and to end; read by `address`.

Lists are written with their accents where the accent decides: in a text that has accents the typed word
counts ("phường" ends a street name, "Nguyễn Tri Phương" goes on); in a text without any, the folded one
does, except for syllables that common street names contain.
"""

from __future__ import annotations

from aggregator.domain.text import fold


def listed(written: str) -> frozenset[str]:
    """The words of a list as it is written in the source."""
    return frozenset(written.split())


# A word that starts another part of the address or of the sentence: no name goes on past it.
STOP = listed("""
    phường p f quận q huyện tp tx khu kp tdp thôn ấp xóm phía gần cạnh trước sau ngay tại ở và vs với giao
    đường xã đặc
""")
STOP_PAIR = {
    "thành": listed("phố"),
    "thị": listed("xã trấn"),
    "tổ": listed("dân"),
    "đối": listed("diện"),
    "ngã": listed("ba tư năm sáu bảy 3 4 5 6 7"),
}
STOP_FOLDED = frozenset(map(fold, STOP)) - {"xa", "ap", "xom"} | {"va", "o"}
STOP_PAIR_FOLDED = {fold(word): frozenset(map(fold, pair)) for word, pair in STOP_PAIR.items()}
STOP_BEFORE_NUMBER = listed("hẻm hẽm ngõ ngách kiệt hem ngo ngach kiet")  # Lý Thường Kiệt, Ngô Quyền
STOP_BEFORE_CODE = listed("block lo tang lau toa can phong")  # lô B, tầng 7; but Lò Gốm
KEEPS_GOING = frozenset({"nguyen tri"})  # Nguyễn Tri Phương, typed without accents

# In text without capitals: what follows a street name rather than belonging to it.
NOT_A_NAME = listed("""
    bị có không đang đã được hỏng hư rác nhiều rất mới cả các những này nay kia là thì mà cho để đến từ xe
    người dân nước chảy tràn gây làm luôn thường hay vào lúc hôm tối sáng chiều khi trong ngoài đoạn cống
    vỉa mùa vứt đổ bể tắc ngập úng mất sụt lún nặng mùi bốc ồn hát karaoke xây dựng lấn chiếm đậu nhậu mong
    đề nghị xin vì nên rồi vẫn chưa lại ra lên nằm sát kế bên nhà dây cột đèn xuất hiện kính nghiêm suốt quá
    bóng cây ổ đi chở ko k thuộc thì liên xảy gặp đầy bừa thối hôi nát mấy cần
""")
_NAME_SYLLABLES = listed("""
    dang cong chieu dung hien trong dan lai van thi nam de tu do sang nang ung ke bo kinh mui can nghiem
    lien di la co
""")
UNITS = listed("""
    m km cm met ngay thang nam tuan gio h phut giay lan nguoi xe bong cai con cot tru vu cho hon den thanh
    ho can nha doan cay trieu nghin ngan dong kg lit ml m2 phan loai tang lau o ga tuoi hoc nguyen vi phuong
    trong tieng dem sang chieu toi hang ben mat dau bon duong khu to don thu nam nay chiec lo
""")
# First syllables that streets are called by. The short list is for a bare number in text without
# capitals, where "3 ho ga" and "2 cao" must not become places.
FIRST_SYLLABLE = listed("""
    nguyen tran le pham huynh hoang phan vo dang bui ly dinh truong luong ton trinh ngo dien cach xo bach
    hung quang hoa thai tong phung duy doan hien ong ich chu mac khuc ta tho mai thach trung chau luu quach
    ngu ham bac nghia binh thanh vuon
""")
SURNAMES = listed("""
    nguyen tran le pham huynh hoang phan vu vo dang bui do ho ngo duong ly dinh truong luong ton trinh mac
    doan cao chau dao
""")
AFTER_A_ROAD_WORD = FIRST_SYLLABLE | listed("""
    an tan phu dong tay nam hai ba cao la to ha ho do vu duong kim lam nhat nui ngoc tu van vinh long song
    my minh hiep khanh cong thong pho au lac hau lang lo hong
""")
NOT_A_NAME_FOLDED = frozenset(map(fold, NOT_A_NAME)) - _NAME_SYLLABLES - AFTER_A_ROAD_WORD
LANDMARK_WORDS = listed("""
    truong tieu hoc mam non mau giao thcs thpt dai cao dang benh vien chung cu cong nha van hoa ben xe khu
    do thi dan tap the kdt kdc tram y te vuon san cau cho chua nga ba tu nam sau bay goc nut giao lo vong
    xoay
""")

#: Streets that are written in two ways, folded; dates ("3 Tháng 2") are brought to figures by the reader.
STREET_ALIASES = {
    "cmt8": "cach mang thang 8", "cach mang thang tam": "cach mang thang 8", "ba thang hai": "3/2",
    "xvnt": "xo viet nghe tinh", "dbp": "dien bien phu", "nkkn": "nam ky khoi nghia",
    "hbt": "hai ba trung", "thd": "tran hung dao", "ntmk": "nguyen thi minh khai",
}  # fmt: skip
