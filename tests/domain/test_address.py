"""Places as citizens write them. Streets are real, reports are invented."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.domain.address import addresses, best_address
from aggregator.domain.street_likeness import same_street, street_root


@pytest.mark.parametrize(
    ("text", "house", "street", "note"),
    [
        (
            "123/4/5 hẻm Lê Văn Sỹ, P13, Q3",
            "123/4/5",
            "le van sy",
            "a chain, the alley word without a number",
        ),
        ("Số 5 ngách 4 ngõ 123 Lê Văn Sỹ", "123/4/5", "le van sy", "Hà Nội writes from the inside out"),
        ("số 5 hẻm 123/4 Lê Văn Sỹ", "123/4/5", "le van sy", "house before a chain"),
        ("hẻm 123/4 Lê Văn Sỹ bị ngập", "123/4", "le van sy", "house 4 of the alley, as most write it"),
        ("hẻm 123 Lê Văn Sỹ bị ngập", "123/", "le van sy", "the alley itself ends in a slash"),
        ("Hẽm 8 kiệt 32 Thiên Thai", "32/8/", "thien thai", "Huế: kiệt is outside hẻm; hẽm misspelt"),
        ("K57/3 Lê Hữu Trác", "57/3", "le huu trac", "Đà Nẵng: K is kiệt, what follows the slash a house"),
        ("K57 Lê Hữu Trác", "57/", "le huu trac", "the kiệt itself"),
        ("ngách 108 ngõ 93 Hoàng Văn Thái", "93/108/", "hoang van thai", "alley in alley"),
        ("trước số nhà 05 Lê Đức Thọ", "5", "le duc tho", "leading zero"),
        ("địa chỉ 278 - 280 Xô Viết Nghệ Tĩnh", "278-280", "xo viet nghe tinh", "a range stays a range"),
        ("số 540A Nguyễn Hữu Thọ", "540a", "nguyen huu tho", "a letter belongs to the number"),
        ("12 đường số 7, khu phố 3", "12", "so 7", "a street that is a number"),
        ("123 đường 3/2 phường 12", "123", "3/2", "a street that is a date"),
        ("Đường Lê Lợi, số nhà 12", "12", "le loi", "the house after the street"),
        ("đối diện 45 Trần Phú", "45", "tran phu", "opposite"),
        ("gần 77 Trường Chinh", "77", "truong chinh", "near"),
        ("08 An Trung Đông 7, An Hải", "8", "an trung dong 7", "a number ends the name"),
        ("12 Lê Lợi 3 ngày nay không ai dọn", "12", "le loi", "a number starts the next thing"),
        ("12 Lý Thường Kiệt ngập", "12", "ly thuong kiet", "Kiệt is a name here, not an alley"),
        ("12 Nguyễn Tri Phương, phường 5", "12", "nguyen tri phuong", "Phương is a name, phường is not"),
        ("12 nguyen tri phuong phuong 5", "12", "nguyen tri phuong", "the same without accents"),
        ("so 12 le loi bi hong den", "12", "le loi", "no accents, no capitals"),
        ("SỐ 12 LÊ LỢI BỊ HỎNG ĐÈN", "12", "le loi", "all capitals"),
        ("số nhà 354/20 nam kỳ khởi nghĩa", "354/20", "nam ky khoi nghia", "small letters with accents"),
        ("ngã tư Nguyễn Dục - Nguyễn Duy Cung", None, "nguyen duc x nguyen duy cung", "a junction"),
        ("ngã 4 Nguyễn Duy Cung và Nguyễn Dục", None, "nguyen duc x nguyen duy cung", "in the other order"),
        ("góc đường Nguyễn Văn Thoại và Mỹ Khê 4", None, "my khe 4 x nguyen van thoai", "a corner"),
        ("cổng trường tiểu học lê trọng tấn", None, "truong tieu hoc le trong tan", "a landmark"),
        ("chân cầu Rồng", None, "cau rong", "a bridge"),
        ("dọc quốc lộ 13", None, "quoc lo 13", "a numbered road"),
        ("tuyến đường Lê Quảng Chí tối om", None, "le quang chi", "a street alone"),
        ("ngay số nhà 35, Trịnh Trọng Khiêm", "35", "trinh trong khiem", "a comma; ngay is not ngày"),
        ("cho sn 35 trinh trong khiem sup", "35", "trinh trong khiem sup", "read too far, forgiven"),
        ("hẻm 369/57 Mạc Hiền, P.11 Gò Vấp cũ", "369/57", "mac hien", "P.11 is a ward, no house"),
        ("dốc cầu Lê Thước, phường 1, Bình Thạnh (cũ)", None, "cau le thuoc", "nor is phường 1"),
        ("12 Lê Lợi, Phường Chợ Quán", "12", "le loi", "a ward is no market"),
        ("403 Dương Gia Thuật tối", "403", "duong gia thuat", "Dương is a name, đường is not"),
        ("124 Ngô Quyền tối", "124", "ngo quyen", "Ngô is a name, ngõ is not"),
        ("sn 93 N27 bị ngập", "93", "n27", "a street of a new quarter"),
        ("số 398 30/4 ngập", "398", "30/4", "a street that is a date, after its number"),
        ("số nhà 163, 3 Tháng 2", "163", "3/2", "3 Tháng 2 is 3/2"),
        ("240 TL 43 ngập", "240", "tinh lo 43", "a provincial road"),
        ("đg Cách Mạng Tháng Tám", None, "cach mang thang 8", "two ways to write it"),
        ("trước 12 CMT8", "12", "cach mang thang 8", "and the third"),
        ("ngã tư Bùi Thị Xuân Cao Thắng", None, "bui thi xuan x cao thang", "nothing between the two"),
        ("giao lộ Tiên Sơn 58/Lý Đức Dũng", None, "ly duc dung x tien son 58", "a slash between"),
        ("ngã tư Hồng Hà Võ Hữu Siêu, gió chút", None, "hong ha x vo huu sieu", "the sentence goes on"),
        ("cổng trường TH Xóm Mới", None, "truong tieu hoc xom moi", "TH; a market of the name Xóm"),
        ("trường trung học cơ sở Hoa Lư", None, "truong thcs hoa lu", "in full"),
        ("gần BV Gò Sao", None, "benh vien go sao", "a hospital in short"),
        ("tầng 7, block B, CC Sky Garden", "b/7", "chung cu sky garden", "a flat, from inside out"),
        ("chung cư Sky Garden lô B lầu 7", "b/7", "chung cu sky garden", "the same from outside in"),
        ("chung cư Lò Gốm tầng 3", None, "chung cu lo gom", "Lò is no lô; a floor without a block"),
        ("ngã tư Đồng Khởi Nghĩa Phan Chiểu", None, "dong khoi nghia x phan chieu", "before the surname"),
        ("ngã tư Bùi Gia Thìn 3 Tháng 2", None, "3/2 x bui gia thin", "a date beside a name"),
        ("chỗ K245/50 Vũ Thọ", "245/50", "vu tho", "chỗ is no chợ"),
        ("Gốc bàng ở ngã tư Lê Lợi - Võ Tâm", None, "le loi x vo tam", "gốc is no góc"),
        ("nửa lòng đường 216B đường Đặng Uẩn", "216b", "dang uan", "the roadway, then the house"),
        ("nước dâng ở 111 vũ công bảo", "111", "vu cong bao", "a word of place before the number"),
        ("tại 390 3 Tháng 2", "390", "3/2", "and before a date"),
        ("hem 331/57 duong cay tram, ruoi", "331/57", "cay tram", "after a road word cay is no tree"),
        ("123/4/5 hẻm Lê Văn Sỹ, P13, Q3, TPHCM", "123/4/5", "le van sy", "as the city's people write"),
        ("hẻm 45 Nguyễn Văn Đậu p.6 q.bthanh", "45/", "nguyen van dau", "the district cut short"),
        ("lòng đường trường tiểu học Kim Đồng", None, "truong tieu hoc kim dong", "no street Trường"),
    ],
)
def test_a_place_in_running_text(text: str, house: str | None, street: str, note: str):
    found = best_address(None, text)
    assert found is not None, note
    assert (found.house, found.street) == (house, street), note


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("bán hàng 24/7 gây ồn", "round the clock"),
        ("từ 30/4 đến 5/10/2025 không ai dọn", "dates"),
        ("ngày 22/04/2026 lúc 18h47 thiếu gạch", "a date and an hour"),
        ("rộng khoảng 20cm, cao 5 mét", "measures"),
        ("3 ho ga bi be, 2 cot den hong", "counts without capitals"),
        ("tổ dân phố 61 mất điện", "a quarter is no street"),
        ("thành phố Huế đẹp", "phố inside thành phố"),
        ("đường này rất tối", "some street"),
        ("cơ quan chức năng", "quan is no district here"),
        ("không", "the house number 'none'"),
        ("nhiễm bệnh ở P. 7, Q.11 cũ", "ward and district"),
        ("2/3 dân số phường phản đối", "a share"),
        ("xe 51F-123.45 đậu", "a vehicle's plate"),
        ("gọi 0903.123.456", "a telephone"),
        ("", "nothing"),
        ("👍👍👍", "emoji"),
        ("улица Ленина 5", "another script without a street word"),
    ],
)
def test_numbers_and_words_that_are_no_place(text: str, note: str):
    assert [each for each in addresses(text) if each.house or each.street] == [], note


@pytest.mark.parametrize(
    ("field", "house", "street", "note"),
    [
        ("3731 N KIMBALL AVE", "3731", "n kimball ave", "western order"),
        ("2400 W 79TH ST", "2400", "w 79th st", "a street that is a number"),
        ("9 S DR MARTIN LUTHER KING JR DR", "9", "s dr martin luther king jr dr", "a long one"),
        ("129 Tôn Đức Thắng, Phường Hòa Khánh, Đà Nẵng", "129", "ton duc thang", "with parts"),
        ("129 ton duc thang, hoa khanh", "129", "ton duc thang", "typed carelessly"),
        ("Số 129, Tôn Đức Thắng", "129", "ton duc thang", "a comma after the number"),
        ("45/2 le van sy p13 q3", "45/2", "le van sy", "glued ward and district"),
        ("Tôn Đức Thắng, Hòa Khánh", None, "ton duc thang", "a name alone is a street"),
    ],
)
def test_an_address_field(field: str, house: str | None, street: str, note: str):
    found = best_address(field, "")
    assert found is not None, note
    assert (found.house, found.street) == (house, street), note


@pytest.mark.parametrize("field", ["", "Không", "không số", "Phường Hòa Khánh", "...", "123", "\u202e\u200f"])
def test_a_field_that_names_no_street(field: str):
    found = best_address(field, "")
    assert found is None or found.street is None


def test_the_field_goes_before_the_body():
    found = best_address("129 Tôn Đức Thắng", "Nhà tôi ở 5 Lê Lợi")
    assert found is not None
    assert (found.house, found.street) == ("129", "ton duc thang")


def test_the_body_gives_the_house_that_the_field_lacks_on_that_street():
    found = best_address("Đường Tôn Đức Thắng", "Rác trước số nhà 129 Tôn Đức Thắng")
    assert found is not None
    assert found.house == "129"


def test_ward_and_district_are_hints():
    found = best_address(None, "hẻm 45 Nguyễn Văn Đậu, P.6, Q.3")
    assert found is not None
    assert (found.ward, found.district) == ("6", "3")
    named = best_address("12 Nguyễn Trãi, Phường Bến Thành, Quận 1", "")
    assert named is not None
    assert (named.ward, named.district) == ("ben thanh", "1")


def test_offsets_point_into_the_text():
    text = "Rác trước số nhà 129 Tôn Đức Thắng mấy ngày nay"
    (found,) = addresses(text)
    assert text[found.start : found.end] == "số nhà 129 Tôn Đức Thắng"


@pytest.mark.parametrize(
    "text", ["Số nhà 129 Tôn Đức Thắng", "hẻm 8 kiệt 32 Thiên Thai, Phường 5", "Đèn ở 12 Đinh Công Tráng"]
)
def test_decomposed_and_accent_free_copies_name_the_same_place(text: str):
    decomposed = unicodedata.normalize("NFD", text)
    bare = "".join(c for c in decomposed if not unicodedata.combining(c)).replace("Đ", "D").replace("đ", "d")
    places = [best_address(None, each) for each in (text, decomposed, bare)]
    assert len({(each.house, each.street) for each in places if each}) == 1
    assert None not in places


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("le loi", "le loi", True),
        ("le loi", "le loi dang ngap", True),
        ("le loi", "le lai", False),
        ("nguyen van cu", "nguyen van linh", False),
        ("le", "le loi", False),
    ],
)
def test_names_read_too_far_are_still_the_street(one: str, other: str, same: bool):
    assert same_street(one, other) is same_street(other, one) is same
    if same:
        assert street_root(one) == street_root(other)


@given(st.text(st.characters(exclude_categories=()), max_size=200))
def test_no_text_breaks_the_reader(text: str):
    for found in addresses(text):
        assert 0 <= found.start < found.end
    best_address(text, text)


@given(
    st.lists(
        st.sampled_from(
            [
                "số",
                "12",
                "/4",
                "hẻm",
                "ngõ",
                "Lê",
                "lợi",
                "đường",
                "ngã",
                "tư",
                ",",
                ".",
                "phường",
                "5/10",
                "trường",
                "học",
                "k",
            ]
        ),
        max_size=40,
    )
)
def test_no_pile_of_address_words_breaks_the_reader(words: list[str]):
    addresses(" ".join(words))
    best_address(" ".join(words), "")


@pytest.mark.parametrize(
    "hostile", ["1/" * 50_000, "số " * 33_000, "1 - " * 25_000, "ngõ 1 " * 16_000, "a" * 100_000]
)
def test_hostile_texts_are_read_in_bounded_work(hostile: str):
    assert len(addresses(hostile)) <= 12
