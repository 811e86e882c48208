"""Which words make a complaint or denunciation, which only may, and which are something else.

The table is the specification: a text, what it is, and why. Recall first: what is one must at least be
flagged; only what says so in so many words may stop the clock.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from aggregator.domain.legal import REASONS, Certainty, Field, LegalKind, read
from aggregator.domain.legal_guidance import GUIDES, Trust

REAL = Path("../shared/data/vn_real_complaints.tsv")

KN, TC, TG = LegalKind.KHIEU_NAI, LegalKind.TO_CAO, LegalKind.TO_GIAC
CLEAR, MAYBE = Certainty.CLEAR, Certainty.POSSIBLE

#: (kind, certainty, text, note)
ARE_OR_MAY_BE = [
    (KN, CLEAR, "Đơn khiếu nại về việc thu hồi đất", "the heading of a petition"),
    (KN, CLEAR, "DON KHIEU NAI", "typed in capitals without accents"),
    (KN, CLEAR, "Đơn xin khiếu nại lần hai gửi Chủ tịch UBND phường", "a second one"),
    (KN, CLEAR, "Tôi khiếu nại quyết định xử phạt hành chính số 123/QĐ-XPHC", "against a decision"),
    (KN, CLEAR, "Toi khieu nai quyet dinh xu phat so 45", "the same without accents"),
    (KN, CLEAR, "Gia đình tôi khiếu nại về việc cưỡng chế nhà ở", "against an act of enforcement"),
    (KN, CLEAR, "Khiếu nại quyết định thu hồi đất của bà con tổ 4", "land taken back"),
    (KN, CLEAR, "Khiếu nại hành vi hành chính của cán bộ địa chính", "the law's own word"),
    (KN, CLEAR, "Tôi xin khiếu nại mức bồi thường, khiếu nại đền bù chưa đúng giá", "compensation"),
    (KN, CLEAR, "Khiếu nại UBND phường chậm cấp giấy chứng nhận", "against the ward itself"),
    (KN, CLEAR, "Chúng tôi khiếu nại về cấp sổ đỏ sai diện tích", "a land certificate"),
    (KN, CLEAR, "Khiếu nại lần đầu", "bare, but the law's own step"),
    (KN, CLEAR, "Khiếu nại tiếp theo vì chưa được giải quyết", "a further one"),
    (KN, CLEAR, "Khiếu nại kết quả giải quyết của phường", "against what was decided"),
    (KN, CLEAR, "Gửi đơn KNTC đến lãnh đạo phường", "abbreviated"),
    (
        KN,
        CLEAR,
        "Quyết định xử phạt vi phạm hành chính số 45/QĐ-XPVPHC là sai, đề nghị hủy",
        "without the word",
    ),
    (KN, CLEAR, "Tôi không đồng ý với quyết định xử phạt này", "disputes a penalty"),
    (KN, CLEAR, "Đề nghị xem xét lại quyết định cưỡng chế nhà tôi", "asks to look again"),
    (KN, CLEAR, "Đề nghị thu hồi, hủy bỏ quyết định xử phạt oan cho tôi", "asks to annul"),
    (KN, CLEAR, "khiếu lại quyết định của ủy ban", "a slip of the southern tongue"),
    (KN, CLEAR, "kiếu nại về việc xử phạt xe máy", "a slip of the keyboard"),
    (KN, CLEAR, "Thư khiếu nại gửi đồng chí Bí thư", "a letter"),
    (KN, CLEAR, "Khiếu nại\ncán bộ một cửa từ chối nhận hồ sơ", "a line end between the words"),
    (KN, MAYBE, "Tôi muốn phản ánh đường ngập, nếu không xử lý sẽ khiếu nại lên trên", "only if"),
    (KN, MAYBE, "Tôi đã gửi đơn khiếu nại nhiều lần nhưng ổ gà vẫn còn", "another time; this is feedback"),
    (KN, MAYBE, "Người dân khiếu nại nhiều về tiếng ồn", "the everyday sense"),
    (KN, MAYBE, "Tôi khiếu nại nhà bên cạnh hát karaoke", "the everyday sense, first person"),
    (KN, MAYBE, "Buộc lòng tôi phải khiếu nại quyết định này", "not yet"),
    (KN, MAYBE, "Xin hỏi thủ tục khiếu nại quyết định xử phạt", "asks how; an officer should guide"),
    (KN, MAYBE, "Khieu nai hoa don tien nuoc thang 5", "a consumer's"),
    (KN, MAYBE, "Tôi sẽ khởi kiện nếu cây đổ vào nhà", "going to court"),
    (KN, MAYBE, "Chúng tôi sẽ kiện chủ đầu tư ra tòa", "going to court"),
    (KN, MAYBE, "Dân đưa vụ việc này ra tòa rồi", "went to court"),
    (KN, MAYBE, "Đơn KN về rác thải", "KN is also kiến nghị"),
    (KN, MAYBE, "KNTC lần 3", "nothing but the abbreviation"),
    (KN, MAYBE, "Theo quyết định số 12 thì đường này cấm xe tải", "names a decision by number"),
    (KN, MAYBE, "Không đồng ý với phương án bồi thường", "disagrees"),
    (KN, MAYBE, "Không phải lần đầu tôi khiếu nại chuyện này", "'not' belongs to another word"),
    (TC, CLEAR, "Đơn tố cáo", "the heading of a petition"),
    (TC, CLEAR, "ĐƠN THƯ TỐ CÁO cán bộ", "in capitals"),
    (TC, CLEAR, "Tôi tố cáo ông Nguyễn Văn Tám lợi dụng chức vụ", "the accused by name"),
    (TC, CLEAR, "toi to cao ong Tam an hoi lo", "without accents, an accused behind it"),
    (TC, CLEAR, "Chúng tôi xin tố cáo hành vi nhận hối lộ", "an act"),
    (TC, CLEAR, "Tố cáo cán bộ phường nhũng nhiễu", "somebody in office"),
    (TC, CLEAR, "Tố cáo công ty X xả thải trộm ra kênh", "a company"),
    (TC, CLEAR, "Em xin phép tố cáo về việc lạm thu ở trường", "politely"),
    (TC, CLEAR, "Đơn khiếu nại, tố cáo gửi thanh tra", "both words: more is kept secret"),
    (TC, CLEAR, "Tố cáo nhóm bảo kê bãi xe", "a group"),
    (TC, CLEAR, "Tố cáo đích danh trưởng khu phố", "by name, he says"),
    (TC, CLEAR, "Bà con tố cáo chủ đầu tư lấn đất công", "several people"),
    (TC, CLEAR, "Tôi viết đơn này để khiếu nại UBND và tố cáo ông Ba", "both, the graver decides"),
    (TC, MAYBE, "Nếu còn tái diễn tôi sẽ tố cáo ông chủ quán", "only if"),
    (TC, MAYBE, "Cán bộ địa chính đòi tiền lót tay", "wrongdoing in office, no such word"),
    (TC, MAYBE, "Có hay không việc bảo kê cho quán nhậu?", "asks"),
    (TC, MAYBE, "Có dấu hiệu cấu kết, lợi ích nhóm khi làm đường", "wrongdoing in office"),
    (TC, MAYBE, "Lạm quyền, chèn ép dân", "wrongdoing in office"),
    (TC, MAYBE, "Dân ở đây bị tố cáo oan", "they were the accused"),
    (TC, MAYBE, "Hàng xóm tố cáo lẫn nhau suốt", "the everyday sense"),
    (TC, MAYBE, "to cao", "nothing but the words, without accents"),
    (TC, MAYBE, "Đơn TC", "nothing but the abbreviation"),
    (TG, CLEAR, "Đơn tố giác tội phạm", "the heading"),
    (TG, CLEAR, "Tôi tố giác nhóm đối tượng bán ma túy ở hẻm 5", "of a crime"),
    (TG, CLEAR, "to giac doi tuong trom cap", "without accents"),
    (TG, CLEAR, "Tin báo về tội phạm đánh bạc", "the law's own word"),
    (TG, MAYBE, "Tôi muốn tố giác", "nothing of what"),
]

ARE_NOT = [
    ("Ổ gà rất to trước số nhà 12 Lê Lợi", "feedback"),
    ("Số điện thoại khiếu nại của phường không ai nghe", "where one may complain"),
    ("Đường dây nóng tiếp nhận khiếu nại gọi không được", "where one may complain"),
    ("Hộp thư góp ý, khiếu nại bị hỏng khóa", "where one may complain"),
    ("Thùng thư tố cáo đặt ở đâu", "where one may denounce"),
    ("Phòng giải quyết khiếu nại đóng cửa sớm", "an office's name"),
    ("Ban tiếp công dân và giải quyết khiếu nại, tố cáo ở tầng mấy", "an office's name"),
    ("Tổng đài khiếu nại bận suốt", "where one may complain"),
    ("so dien thoai khieu nai la bao nhieu", "the same without accents"),
    ("Đường dây nóng tố giác tội phạm số mấy", "where one may tell"),
    ("Đã sửa xong, tôi hết khiếu nại", "it is over"),
    ("Đây không phải khiếu nại, chỉ là góp ý", "he says what it is not"),
    ("Đây không phải là đơn tố cáo", "he says what it is not"),
    ("Tôi không khiếu nại gì", "he does not"),
    ("Tôi chưa muốn khiếu nại", "he does not yet"),
    ("Không phải khiếu nại hay tố cáo gì, chỉ mong sửa đèn", "neither of the two"),
    ("Tôi đã rút đơn khiếu nại", "taken back"),
    ("Cây to cao che khuất đèn đường", "big and tall"),
    ("cay to cao che khuat den duong", "big and tall, without accents"),
    ("Nhà hàng xóm xây to cao hơn giấy phép", "big and tall"),
    ("xe to cao qua kho", "a big truck"),
    ("Nhà có tờ cáo phó dán sai chỗ", "an obituary"),
    ("Đường sá to, cao hơn nhà dân nên ngập", "the road is"),
    ("Kiến nghị sửa đèn tín hiệu", "a proposal"),
    ("Sự kiện âm nhạc gây ồn", "kiện inside another word"),
    ("Điều kiện vệ sinh chợ kém", "kiện inside another word"),
    ("Quyết định cấm xe tải rất hay", "a decision praised"),
    ("Xin cảm ơn quyết định kịp thời của phường", "a decision praised"),
    ("Thùng hàng quá khổ, đóng kiện cao", "bales"),
    ("Chức năng của tổ dân phố là gì", "an office"),
    ("Đề nghị công an xử phạt xe lấn chiếm vỉa hè", "asks for a penalty"),
    ("Khi nào có quyết định làm đường?", "asks for a decision"),
    ("Ông Ba ở tổ 4 nuôi gà ồn ào", "a neighbour"),
    ("Quyền lợi của người khuyết tật trên vỉa hè", "rights"),
]


@pytest.mark.parametrize(
    ("kind", "certainty", "text"), [row[:3] for row in ARE_OR_MAY_BE], ids=[row[3] for row in ARE_OR_MAY_BE]
)
def test_a_legal_matter_is_told_by_its_words(kind: LegalKind, certainty: Certainty, text: str) -> None:
    found = read("", text)
    assert found is not None, "missed"
    assert (found.kind, found.certainty) == (kind, certainty), found.spans


@pytest.mark.parametrize("text", [row[0] for row in ARE_NOT], ids=[row[1] for row in ARE_NOT])
def test_other_uses_of_the_words_are_left_alone(text: str) -> None:
    found = read("", text)
    assert found is None, found


def test_each_finding_is_the_citizens_own_words_with_a_reason_in_both_languages() -> None:
    for _, _, text, _ in ARE_OR_MAY_BE:
        found = read("", text)
        assert found is not None
        for span in found.spans:
            assert text[span.start : span.end] == span.quote
            assert all(REASONS[span.reason])


def test_a_files_name_the_sources_category_and_its_own_word_tell_too() -> None:
    by_file = read("Gửi phường", "Xem tệp đính kèm.", attachments=["don_khieu_nai_lan_2.pdf"])
    assert by_file is not None
    assert (by_file.spans[0].field, by_file.certainty) == (Field.ATTACHMENT, CLEAR)
    run_together = read("", "", attachments=["DonToCao.docx", "anh.jpg"])
    assert run_together is not None and run_together.kind is TC
    by_category = read("", "Ở tổ 5.", category="Khiếu nại - Tố cáo")
    assert by_category is not None and by_category.certainty is MAYBE, "channels file all sorts under it"
    declared = read("", "Ở tổ 5.", declared="Tố cáo")
    assert declared is not None and (declared.kind, declared.certainty) == (TC, CLEAR)
    assert read("", "Ở tổ 5.", declared="feedback") is None


def test_decomposed_letters_tell_the_same() -> None:
    import unicodedata

    from aggregator.domain.text import clean

    found = read("", clean(unicodedata.normalize("NFD", "Tôi tố cáo ông Tám")))
    assert found is not None and found.kind is TC


def test_reading_a_long_hostile_text_stays_cheap() -> None:
    from time import process_time

    start = process_time()
    for text in (
        "khieu nai " * 2_000,
        "khong phai " * 2_000,
        "da gui " * 3_000 + "to cao",
        "quyet dinh a " * 1_500,
    ):
        read("", text)
    assert process_time() - start < 5


def test_a_guide_names_its_sources_and_says_what_was_not_compared() -> None:
    for kind, guide in GUIDES.items():
        assert guide.what_vi and guide.what_en and guide.reply_vi, kind
        assert all(step.source for step in guide.steps)
    limits = [step for guide in GUIDES.values() for step in guide.steps if "ngày" in step.text_vi]
    assert {step.trust for step in limits} == {Trust.QUOTED, Trust.UNCHECKED}


if REAL.exists():

    def test_of_real_feedback_next_to_none_is_taken_for_a_legal_matter() -> None:
        """Real reports of three cities, all answered as feedback: none may be stopped, few may be asked."""
        texts = [line.split("\t")[3] for line in REAL.read_text("utf-8").splitlines()[1:]]
        found = [reading for text in texts if (reading := read("", text))]
        assert [reading for reading in found if reading.certainty is CLEAR] == []
        assert len(found) <= 2, [reading.spans for reading in found]
