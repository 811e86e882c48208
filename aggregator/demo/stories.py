# ruff: noqa: E501 (citizens do not wrap their lines)
"""What citizens write: each problem in several wordings, as different channels deliver them.

The wordings of one problem differ as they do in life: a formal one, a hurried one without diacritics,
one with the old district and ward, one as a hotline operator types it. `{so}` is the house, `{duong}`
the street; `{plain}` is the place without diacritics.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Story:
    """One kind of problem."""

    category: str
    subject: str
    wordings: tuple[str, ...]
    answer: str = ""


STORIES: tuple[Story, ...] = (
    Story(
        "Môi trường", "Rác thải đổ bừa bãi",
        ("Trước nhà số {so} {duong} có đống rác sinh hoạt tồn đọng nhiều ngày nay, bốc mùi hôi thối, ruồi "
         "nhặng bay vào nhà dân. Kính đề nghị phường cho người thu gom và lắp biển cấm đổ rác.",
         "rac do dong truoc nha {plain}, hoi qua chiu ko noi, may ngay nay ko ai don. de nghi xu ly gap",
         "Người dân gọi phản ánh: tại số {so} {duong} (địa chỉ cũ P.9, Q.3) rác tồn đọng, gây mùi hôi, đã "
         "nhiều ngày chưa thu gom."),
        "Đã phối hợp đơn vị thu gom dọn sạch điểm rác và nhắc nhở các hộ xung quanh. Phường sẽ kiểm tra lại "
        "trong tuần tới. Cảm ơn ông/bà đã phản ánh.",
    ),
    Story(
        "Giao thông", "Ổ gà sâu giữa đường",
        ("Đoạn trước số {so} {duong} có ổ gà sâu khoảng 20 cm, tối qua đã có hai xe máy ngã. Đề nghị sửa chữa "
         "gấp để bảo đảm an toàn.",
         "o ga lon ngay {plain}, nguy hiem lam, toi qua co nguoi te xe. sua gap giup",
         "Mặt đường trước nhà {so} {duong}, Phường 9, Quận 3 bị hư hỏng, có ổ gà lớn gây tai nạn."),
        "Đã dặm vá mặt đường bằng bê tông nhựa nguội, dự kiến thảm lại toàn đoạn trong tháng tới.",
    ),
    Story(
        "Ngập nước", "Ngập nước sau mưa",
        ("Sau cơn mưa chiều, khu vực {so} {duong} ngập hơn 40 cm, nước tràn vào nhà, cống thoát nước bị nghẹt "
         "rác. Đề nghị nạo vét cống.",
         "mua xong la ngap toi dau goi o {plain}, cong bi nghet, nuoc ko rut duoc",
         "Ngập tại {so} {duong}, nước không thoát được do miệng hố ga bị bịt kín."),
        "Đã nạo vét hố ga và thông cống đoạn này; đã lắp lưới chắn rác.",
    ),
    Story(
        "Chiếu sáng công cộng", "Đèn đường không sáng",
        ("Đèn đường trước số {so} {duong} hỏng cả tuần nay, ban đêm tối om, có đối tượng lạ tụ tập. Mong sớm "
         "thay bóng.",
         "den duong truoc {plain} hu ca tuan roi toi thui",
         "Trụ đèn chiếu sáng đối diện nhà {so} {duong} bị tắt, người dân đi lại khó khăn."),
        "Đã thay bóng và kiểm tra tuyến đèn, hiện các trụ đã sáng bình thường.",
    ),
    Story(
        "Trật tự đô thị", "Lấn chiếm vỉa hè buôn bán",
        ("Quán ăn tại {so} {duong} bày bàn ghế kín vỉa hè từ 16 giờ, người đi bộ phải xuống lòng đường. Đề nghị "
         "lập lại trật tự.",
         "quan an {plain} chiem het via he, hoc sinh phai di duoi long duong rat nguy hiem",
         "Hộ kinh doanh số {so} {duong} lấn chiếm lòng lề đường, đã nhắc nhiều lần vẫn tái phạm."),
        "Đã lập biên bản nhắc nhở, yêu cầu chủ quán cam kết không lấn chiếm; tổ trật tự sẽ kiểm tra hằng ngày.",
    ),
    Story(
        "Tiếng ồn", "Karaoke ồn ào khuya",
        ("Nhà {so} {duong} mở loa kéo hát karaoke đến hơn 23 giờ, người già và trẻ nhỏ không ngủ được. Mong "
         "công an phường can thiệp.",
         "hat karaoke loa keo toi 12h dem o {plain}, may dem lien, ko ai ngu duoc",
         "Phản ánh tiếng ồn từ loa kẹo kéo tại {so} {duong}, kéo dài sau 22 giờ."),
        "Công an phường đã làm việc với chủ hộ, hộ này cam kết không gây ồn sau 22 giờ.",
    ),
    Story(
        "Cây xanh", "Cây nghiêng có nguy cơ ngã",
        ("Cây xanh trước {so} {duong} bị nghiêng, rễ trồi lên, cành khô rơi trúng mái nhà. Đề nghị kiểm tra "
         "trước mùa mưa bão.",
         "cay xanh truoc nha {plain} nghieng qua sap nga, canh kho roi xuong",
         "Cây cổ thụ tại {so} {duong} có dấu hiệu mục gốc, nguy cơ ngã đổ."),
        "Đã cắt tỉa cành khô, chống đỡ tạm và báo Công ty Công viên cây xanh thay cây.",
    ),
    Story(
        "An toàn thực phẩm", "Cơ sở chế biến thực phẩm mất vệ sinh",
        ("Cơ sở làm chả giò tại {so} {duong} xả nước thải ra hẻm, thực phẩm để sát nền đất. Đề nghị kiểm tra an "
         "toàn thực phẩm.",
         "co so lam cha gio {plain} do ban lam, nuoc thai chay ra hem hoi tanh",
         "Đề nghị kiểm tra cơ sở thực phẩm số {so} {duong}, không thấy giấy phép."),
        "Đoàn kiểm tra đã làm việc với cơ sở, yêu cầu khắc phục trong 5 ngày.",
    ),
    Story(
        "Cấp thoát nước", "Rò rỉ nước sạch",
        ("Ống nước sạch trước {so} {duong} bị vỡ, nước chảy lênh láng từ sáng, rất lãng phí. Đề nghị cấp nước "
         "cử người sửa.",
         "ong nuoc be chay tum lum truoc {plain} tu sang toi gio",
         "Rò rỉ ống cấp nước tại {so} {duong}."),
        "Đã báo Công ty Cấp nước, đơn vị đã khoá van và thay đoạn ống hỏng.",
    ),
    Story(
        "Xây dựng", "Công trình xây dựng gây bụi, nứt nhà",
        ("Công trình xây nhà số {so} {duong} thi công cả ban đêm, không che chắn, bụi và làm nứt tường nhà bên. "
         "Đề nghị thanh tra xây dựng kiểm tra giấy phép.",
         "cong trinh {plain} xay ban dem on ao, bui bam day nha, tuong nha toi bi nut",
         "Xây dựng tại {so} {duong} không che chắn, vật liệu để tràn ra đường."),
        "Đã kiểm tra, yêu cầu chủ đầu tư che chắn, thi công đúng giờ và thoả thuận khắc phục vết nứt.",
    ),
    Story(
        "Thủ tục hành chính", "Chậm trả kết quả hồ sơ hộ tịch",
        ("Tôi nộp hồ sơ trích lục khai sinh đã quá ngày hẹn mà chưa nhận được kết quả, gọi điện không ai nghe "
         "máy. Mong phường phản hồi. Tôi ở {so} {duong}.",
         "nop ho so trich luc khai sinh qua hen 1 tuan chua co ket qua, nha toi {plain}",
         "Công dân ngụ {so} {duong} phản ánh hồ sơ hộ tịch trễ hẹn."),
        "Hồ sơ đã có kết quả, bộ phận một cửa đã gọi điện mời ông/bà đến nhận và xin lỗi vì chậm trễ.",
    ),
    Story(
        "Viễn thông", "Dây cáp viễn thông sà xuống đường",
        ("Bó cáp viễn thông trước {so} {duong} bị đứt, sà xuống ngang đầu người đi xe máy, rất nguy hiểm.",
         "day cap sa xuong duong cho {plain} vuong vo nguoi di duong",
         "Dây cáp treo võng thấp tại {so} {duong}, đề nghị thu gom."),
        "Đã báo đơn vị viễn thông bó gọn cáp, hiện trường đã an toàn.",
    ),
)  # fmt: skip

#: Street, its name without diacritics, house numbers that exist in the demo, one end's position and the
#: step per house.
STREETS: tuple[tuple[str, str, tuple[str, ...], tuple[float, float], tuple[float, float]], ...] = (
    (
        "Lê Văn Sỹ",
        "le van sy",
        ("129", "205/14", "278", "311/7/3", "364"),
        (10.7872, 106.6801),
        (4e-5, -6e-5),
    ),
    ("Trần Quang Diệu", "tran quang dieu", ("12", "58/9", "81", "122"), (10.7861, 106.6779), (5e-5, 3e-5)),
    ("Trường Sa", "truong sa", ("640", "702", "811/5", "930"), (10.7899, 106.6793), (2e-5, 5e-5)),
    ("Nguyễn Thông", "nguyen thong", ("27", "49/3", "96"), (10.7815, 106.6824), (5e-5, 2e-5)),
    ("Kỳ Đồng", "ky dong", ("8", "33", "38/12"), (10.7829, 106.6832), (3e-5, -4e-5)),
    ("Trần Văn Đang", "tran van dang", ("40", "71/2", "153/6/8"), (10.7846, 106.6765), (4e-5, -3e-5)),
    ("Rạch Bùng Binh", "rach bung binh", ("19", "44", "66/3"), (10.7833, 106.6797), (3e-5, 4e-5)),
    ("Huỳnh Văn Bánh", "huynh van banh", ("5", "77", "143/2"), (10.7912, 106.6769), (2e-5, -5e-5)),
)

#: Invented reporters: name, phone (numbers of a range that no operator gives out), e-mail.
PEOPLE: tuple[tuple[str, str, str], ...] = (
    ("Nguyễn Thị Mơ Ước", "0900000101", "mouoc@dan.example"),
    ("Trần Văn Thử", "0900000102", ""),
    ("Lê Hồng Ví Dụ", "0900000103", "vidu@dan.example"),
    ("Phạm Giả Định", "0900000104", ""),
    ("Võ Thị Minh Hoạ", "0900000105", "minhhoa@dan.example"),
    ("Đặng Mẫu", "0900000106", ""),
    ("Bùi Thị Tưởng Tượng", "0900000107", "tuongtuong@dan.example"),
)

#: A text as ugly as they come: what the screens must bear.
UGLY = (
    "KÍNH GỬI UBND PHƯỜNG!!!!! " + "Đườngdâynóngkhôngaingheaimáygọimãikhôngđược" * 3 + " ☎️☎️ "
    "<script>alert('x')</script> & \"ngoặc\" https://vi-du.example/" + "a" * 120 + "\n\n" + "Tôi đã phản ánh "
    "nhiều lần mà chưa thấy ai xuống. " * 12
)
