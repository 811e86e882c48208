"""The words of the strangers' stream: what people complain about, and how each kind of person puts it.

Every problem has at least six wordings that share as little as two people's texts do; `{p}` is where the
place goes. They were written without a look at the product.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One sort of trouble: the portal's label for it, the label it is mistaken for, and people's words."""

    code: str
    label: str
    mistaken: str
    titles: tuple[str, ...]
    wordings: tuple[str, ...]
    effects: tuple[str, ...]
    spot: str = "any"  # "house": only where somebody lives or trades


PROBLEMS = (
    Problem(
        "rac",
        "Vệ sinh môi trường",
        "Trật tự đô thị",
        ("Rác tồn đọng", "Đổ rác bừa bãi", "Bãi rác tự phát"),
        (
            "Rác sinh hoạt tồn đọng nhiều ngày tại {p}, không thấy xe thu gom đến lấy.",
            "Có người lén đổ xà bần và bao rác đen ở {p} lúc nửa đêm, giờ thành một đống cao.",
            "{p} biến thành bãi rác tự phát, túi ni lông, thức ăn thừa vương vãi khắp lối đi.",
            "ai đó vứt nệm cũ ghế hư đầy {p}, ruồi bu đen",
            "Đội vệ sinh bỏ sót điểm tập kết {p}, thùng đầy tràn ra ngoài, nước rỉ chảy lênh láng.",
            "Mấy hôm nay không ai hốt rác chỗ {p}, chó bới tung toé.",
            "Phản ánh tình trạng đổ trộm chất thải tại {p}, đã nhắc nhở nhiều lần không hiệu quả.",
        ),
        (
            "Mùi hôi thối bay vào tận nhà.",
            "Rất mất vệ sinh, sợ phát sinh dịch bệnh.",
            "Đi ngang phải bịt mũi.",
        ),
    ),
    Problem(
        "ngap",
        "Thoát nước",
        "Giao thông",
        ("Ngập nước", "Đường ngập sau mưa", "Triều cường tràn vào nhà"),
        (
            "Sau cơn mưa {p} ngập sâu tới đầu gối, nước không rút.",
            "Nước tràn vào nhà dân tại {p}, đồ đạc hư hỏng hết.",
            "Ngập úng nghiêm trọng xảy ra tại {p} mỗi khi triều cường lên.",
            "mưa có chút xíu mà {p} thành sông lun, xe chết máy hàng loạt",
            "Đề nghị kiểm tra hệ thống tiêu thoát: {p} đọng nước 30-40 cm suốt từ chiều.",
            "Xe máy tắt máy la liệt vì nước dâng cao ở {p}.",
            "Khu vực {p} cứ mưa là lụt, bà con be bờ bằng bao cát.",
        ),
        ("Học sinh đi học phải lội.", "Việc buôn bán đình trệ.", "Sinh hoạt đảo lộn hoàn toàn."),
    ),
    Problem(
        "oga",
        "Giao thông",
        "Hạ tầng đô thị",
        ("Ổ gà", "Mặt đường hư hỏng", "Đường sụt lún"),
        (
            "Mặt đường trước {p} xuất hiện ổ gà lớn, rất dễ té xe.",
            "Đơn vị thi công đào đường rồi tái lập ẩu ở {p}, nhựa lún thành rãnh.",
            "Đoạn {p} sụt một hố sâu chừng nửa mét, dân phải cắm nhánh cây cảnh báo.",
            "đi ngang {p} xóc muốn rớt răng, lỗ chỗ bể nát hết trơn",
            "Hôm qua có bà cụ ngã xe vì cái lỗ trên đường ngay {p}.",
            "Kiến nghị dặm vá mặt đường bê tông bị bong tróc tại {p}.",
            "Nhựa đường nứt toác, đá dăm văng tứ tung chỗ {p}.",
        ),
        (
            "Ban đêm không nhìn thấy rất nguy hiểm.",
            "Đã có nhiều người té.",
            "Xe cộ phải lách sang làn ngược chiều.",
        ),
    ),
    Problem(
        "den",
        "Chiếu sáng",
        "Điện lực",
        ("Đèn đường hỏng", "Mất đèn chiếu sáng", "Bóng đèn không sáng"),
        (
            "Đèn đường tại {p} bị hư, không sáng.",
            "Trụ chiếu sáng công cộng gần {p} tắt ngấm cả tuần, tối thui.",
            "Bóng cao áp ở {p} chớp tắt liên tục gây chói mắt.",
            "tối hù luôn á, cột đèn ngay {p} die rồi mà hổng ai thay",
            "Kính đề nghị thay bóng tại {p} do cháy từ trước lễ.",
            "Con em đi học thêm về qua {p} phải soi điện thoại vì không có điện chiếu sáng.",
            "Cả dãy đèn led khu vực {p} ngưng hoạt động sau trận mưa giông.",
        ),
        ("Lợi dụng bóng tối có kẻ giật dọc.", "Đi lại ban đêm rất bất an.", "Phụ nữ về khuya rất sợ."),
    ),
    Problem(
        "cay",
        "Cây xanh",
        "Hạ tầng đô thị",
        ("Cây xanh nguy hiểm", "Cây ngã đổ", "Cần mé nhánh cây"),
        (
            "Cây dầu cổ thụ trước {p} nghiêng hẳn, có nguy cơ ngã đổ.",
            "Nhánh cây gãy còn mắc trên cao tại {p}, sắp rớt xuống đầu người đi đường.",
            "Gốc bàng ở {p} bật rễ, cả thân ngả qua một bên.",
            "cây bự chà bá ở {p} mục gốc mà chưa thấy ai đốn",
            "Đề nghị cắt tỉa tán lá che khuất biển báo, đè lên dây điện tại {p}.",
            "Bão xong một thân phượng nằm chắn ngang lối vào {p}.",
            "Cành khô lủng lẳng chỗ {p}, gió chút là rụng xuống xe.",
        ),
        ("Mùa mưa bão đang tới, bà con rất lo.", "Sát bên là lối trẻ em đi học.", "Nguy hiểm tính mạng."),
    ),
    Problem(
        "on",
        "An ninh trật tự",
        "Văn hóa",
        ("Karaoke gây ồn", "Tiếng ồn ban đêm", "Loa kẹo kéo"),
        (
            "Quán nhậu {p} mở nhạc công suất lớn đến 1, 2 giờ sáng.",
            "Hàng xóm ở {p} hát karaoke loa kẹo kéo từ trưa tới tối.",
            "Phản ánh cơ sở tại {p} gây tiếng ồn vượt mức cho phép sau 22 giờ.",
            "trời ơi nhà {p} cứ tối là bật loa đùng đùng, con nít hông ngủ được",
            "Dàn âm thanh dội ầm ầm từ {p} làm rung cả cửa kính.",
            "Nhóm thanh niên ăn nhậu ca hát la hét ở {p} tới gần sáng.",
            "Người già, bệnh nhân không chịu nổi vì âm thanh ca hát ầm ĩ phát ra từ {p}.",
        ),
        (
            "Đã góp ý nhưng bị chửi lại.",
            "Gọi công an phường đến thì tắt, đi lại mở.",
            "Mai còn phải đi làm sớm.",
        ),
        spot="house",
    ),
    Problem(
        "viahe",
        "Trật tự đô thị",
        "Giao thông",
        ("Lấn chiếm vỉa hè", "Buôn bán chiếm lối đi", "Vỉa hè bị chiếm dụng"),
        (
            "Hộ kinh doanh tại {p} lấn chiếm vỉa hè bày bàn ghế.",
            "Người đi bộ phải xuống lòng đường vì xe đẩy, dù bạt chiếm hết lề chỗ {p}.",
            "Tiệm ở {p} dựng bảng hiệu, mái che sắt kiên cố trên hành lang công cộng.",
            "bán buôn gì mà tràn ra hết đường ngay {p}, hết chỗ đi lun",
            "Đề nghị lập lại trật tự lòng lề đường tại {p}, tái chiếm sau mỗi đợt ra quân.",
            "Chủ nhà {p} xây bục bê tông, đặt chậu cây ngăn không cho ai đi qua.",
            "Chợ cóc họp trước {p} mỗi sáng.",
        ),
        (
            "Tuần tra đi rồi họ lại bày ra.",
            "Các cháu học sinh phải đi dưới lòng đường.",
            "Mất mỹ quan đô thị.",
        ),
    ),
    Problem(
        "doxe",
        "Giao thông",
        "Trật tự đô thị",
        ("Đậu xe sai quy định", "Ô tô chắn lối", "Dừng đỗ trái phép"),
        (
            "Ô tô đỗ dưới biển cấm tại {p} suốt ngày đêm.",
            "Xe tải 5 tấn thường xuyên dừng bốc hàng ở {p} giờ cao điểm gây kẹt cứng.",
            "Có chiếc bảy chỗ bỏ không, chắn lối ra vào {p} đã nhiều ngày.",
            "mấy ông tài xế công nghệ đậu kín {p}, quẹo hổng nổi",
            "Đề nghị xử phạt các phương tiện dừng, đỗ sai quy định tại {p}.",
            "Cứ giờ tan tầm là xe hơi xếp hai hàng trước {p}, xe cứu thương cũng không lọt.",
            "Bãi giữ xe tự phát chiếm nửa lòng đường {p}.",
        ),
        ("Nhắc thì thách thức.", "Ùn tắc kéo dài cả trăm mét.", "Xe rác không vào được."),
    ),
    Problem(
        "xaydung",
        "Xây dựng",
        "Trật tự đô thị",
        ("Xây dựng không phép", "Công trình gây nứt nhà", "Cơi nới trái phép"),
        (
            "Công trình tại {p} xây dựng không phép, không treo biển thông tin.",
            "Nhà {p} đang cơi nới thêm tầng, lấn ra khoảng không của hẻm.",
            "Thợ đào móng ở {p} làm tường nhà kế bên nứt toác.",
            "xây nhà mà để cát đá chình ình trước {p} cả tháng trời, bụi quá",
            "Đề nghị kiểm tra việc thi công vượt số tầng được cấp tại {p}.",
            "Máy ép cọc chạy từ 5 giờ sáng chỗ {p}, vôi vữa rơi xuống mái tôn hàng xóm.",
            "Phát hiện dựng nhà tiền chế trên đất nông nghiệp ở {p}.",
        ),
        ("Không có lưới che chắn.", "Chủ đầu tư bất chấp.", "Chúng tôi rất hoang mang."),
        spot="house",
    ),
    Problem(
        "nuoc",
        "Cấp nước",
        "Thoát nước",
        ("Mất nước sạch", "Nước máy yếu", "Cúp nước"),
        (
            "Mất nước sinh hoạt tại {p} từ tối qua chưa có lại.",
            "Vòi khô queo, bồn trên mái cạn sạch, {p} không có giọt nào hai hôm rồi.",
            "Áp lực nước ở {p} quá yếu, nửa đêm mới hứng được một xô.",
            "nước yếu xìu, mở vòi nhỏ giọt từng giọt à, chỗ {p} nè",
            "Đề nghị đơn vị cấp nước khôi phục việc cung cấp cho các hộ tại {p}.",
            "Cả xóm {p} phải mua nước bình vì cúp nước không báo trước.",
            "Không có nước tắm giặt, nấu ăn là tình cảnh các nhà chỗ {p}.",
        ),
        ("Nhà có em bé mới sinh.", "Gọi tổng đài cấp nước không ai trả lời.", "Sinh hoạt cực kỳ bất tiện."),
    ),
    Problem(
        "dien",
        "Điện lực",
        "Chiếu sáng",
        ("Dây điện sà thấp", "Cáp viễn thông đứt", "Dây nhợ lòng thòng"),
        (
            "Dây cáp viễn thông đứt, lòng thòng sát mặt đất tại {p}.",
            "Mớ dây điện thoại, dây mạng tuột khỏi trụ trước {p}, nằm vắt ngang lối đi.",
            "Cáp treo ở {p} võng xuống chỉ còn cách đầu người một gang tay.",
            "dây nhợ gì rớt xuống tận đầu ng ta ngay {p}, hết hồn",
            "Một sợi to đứt đầu, đung đưa giữa đường chỗ {p}, không biết có điện không.",
            "Xe container vướng làm bung cả chùm dây gần {p}.",
            "Đề nghị thu gom, bó gọn cáp chùng mắc ngang {p}.",
        ),
        ("Lỡ có mưa thì giật chết người.", "Xe tải đi qua kéo đứt tiếp.", "Chạy xe ban đêm dễ vướng cổ."),
    ),
    Problem(
        "hoga",
        "Thoát nước",
        "Hạ tầng đô thị",
        ("Nắp cống bể", "Hố ga mất nắp", "Song chắn rác hư"),
        (
            "Nắp hố ga tại {p} bị vỡ, lòi cả sắt.",
            "Miệng cống trước {p} mất nắp đan, trẻ con suýt lọt chân.",
            "Tấm đan đậy cống bị gãy đôi, hở một lỗ sâu hoắm ở {p}.",
            "cái nắp cống {p} kêu cạch cạch cả đêm mỗi lần xe cán qua",
            "Kiến nghị thay nắp gang đã bị trộm cạy mất tại {p}.",
            "Song chắn rác chỗ {p} sụp xuống, bánh xe lọt vào kẹt cứng.",
            "Có người thụt chân xuống cái cống hở gần {p}.",
        ),
        ("Người dân lấy thùng xốp đậy tạm.", "Rất dễ xảy ra tai nạn.", "Báo ban điều hành mà chưa ai sửa."),
    ),
    Problem(
        "cho",
        "An ninh trật tự",
        "Vệ sinh môi trường",
        ("Chó thả rông", "Chó cắn người", "Chó không rọ mõm"),
        (
            "Chó thả rông không rọ mõm tại {p} rượt người đi đường.",
            "Hộ {p} nuôi năm con becgie mà không xích, mở cổng cho chạy tự do.",
            "Một cháu bé bị chó cắn trước {p}, chủ không nhận trách nhiệm.",
            "mấy con boss nhà {p} cứ rượt theo xe cắn dép, sợ xỉu",
            "Đề nghị nhắc nhở, bắt giữ vật nuôi không người trông coi ở {p}.",
            "Đàn chó bốn năm con nằm giữa lối đi {p}, ai qua cũng sủa, lao ra táp.",
        ),
        ("Ông bà không dám đi thể dục.", "Lo bệnh dại.", "Shipper không dám giao hàng."),
        spot="house",
    ),
    Problem(
        "khoi",
        "Vệ sinh môi trường",
        "Xây dựng",
        ("Khói bụi, mùi hóa chất", "Đốt rác", "Xả thải"),
        (
            "Xưởng sơn tại {p} xả mùi hóa chất nồng nặc ra khu dân cư.",
            "Cứ chiều là đốt rác, đốt dây đồng ở {p}, khói đen mù mịt.",
            "Cơ sở chế biến {p} thải nước màu đỏ ra kênh.",
            "quán nướng {p} khói um, quần áo phơi ám mùi hết trơn",
            "Xe ben chở đất ra vào {p} làm rơi vãi, bụi phủ trắng mái nhà.",
            "Đề nghị đo kiểm khí thải lò hơi tại {p}.",
            "Ngộp thở vì mùi keo, mùi nhựa cháy phát ra từ {p} mỗi tối.",
        ),
        ("Trẻ nhỏ viêm hô hấp.", "Cửa đóng kín vẫn ngửi thấy.", "Có dấu hiệu né giờ kiểm tra."),
        spot="house",
    ),
)

FORMAL_OPENERS = (
    "Kính gửi quý cơ quan, ",
    "Kính gửi UBND phường, ",
    "Tôi xin phản ánh như sau: ",
    "Chào anh/chị, ",
    "Kính thưa lãnh đạo, ",
)
PLAIN_OPENERS = ("Cho tôi hỏi, ", "Báo với phường, ", "Alo phường ơi, ", "Xin chào, ")
TEEN_OPENERS = ("ad ơi ", "mn ơi ", "e xin báo ạ, ", "hello phường nha, ", "cíu zới ")
FORMAL_CLOSERS = (
    "Kính mong cơ quan chức năng sớm kiểm tra, xử lý. Xin trân trọng cảm ơn./.",
    "Rất mong được quan tâm giải quyết.",
    "Đề nghị các cấp xem xét và phản hồi cho người dân được biết.",
    "Tôi xin chân thành cảm ơn!",
)
PLAIN_CLOSERS = (
    "Nhờ phường xuống coi giùm.",
    "Mong xử lý sớm, cám ơn.",
    "Phản ánh mấy lần rồi mà chưa thấy ai tới.",
    "Chừng nào mới làm vậy?",
)
TEEN_CLOSERS = (
    "xử lý lẹ giùm e vs ạ 🙏",
    "bức xúc quá chừng 😡😡",
    "help 😭",
    "thanks ad nhìu",
    "hóng phản hồi ạ ❤️",
)
DURATIONS = (
    "Tình trạng này kéo dài {n} ngày nay.",
    "Đã {n} tuần rồi.",
    "Sự việc xảy ra từ ngày {d}/{m}.",
    "Từ sáng nay đến giờ vẫn vậy.",
    "Hơn {n} tháng nay.",
    "Lúc {h}h ngày {d}/{m} tôi đi ngang thấy.",
    "Ngày nào cũng vậy, 24/7.",
)
STAFF_OPENERS = (
    "Người dân phản ánh: ",
    "NDPA: ",
    "Công dân gọi đến thông tin ",
    "Tổng đài ghi nhận: ",
    "Người dân tên {name} p/ánh ",
)
STAFF_CLOSERS = (
    "ĐN đơn vị KT, xử lý.",
    "Chuyển đv xử lý theo thẩm quyền.",
    "Đề nghị kiểm tra, phản hồi NDPA.",
    "",
)
NICKNAMES = ("chị Hạnh", "anh Toàn", "bà Sáu", "ông Tấn", "cô Mai", "anh Khang", "chị Nhàn")

# How teenagers shorten words; the pair is (what it says, what they type).
TEEN = (
    ("không", "k"),
    ("không", "hông"),
    ("được", "đc"),
    ("với", "vs"),
    ("người", "ng"),
    ("gì", "j"),
    ("biết", "bít"),
    ("rồi", "r"),
    ("quá", "wá"),
    ("vậy", "z"),
    ("cũng", "cx"),
    ("nước", "nc"),
    ("đường", "đg"),
    ("mình", "mik"),
)
# How hotline staff shorten words.
STAFF = (
    ("địa chỉ", "đ/c"),
    ("người dân", "ND"),
    ("đề nghị", "ĐN"),
    ("kiểm tra", "KT"),
    ("không", "ko"),
    ("nước", "nc"),
    ("khu phố", "KP"),
    ("tổ dân phố", "TDP"),
    ("công an phường", "CAP"),
    ("giao thông", "GT"),
    ("trước", "trc"),
)

# How each kind of person opens and ends; staff are those who type what the hotline hears.
MANNERS = {
    "formal": (FORMAL_OPENERS, FORMAL_CLOSERS),
    "plain": (PLAIN_OPENERS, PLAIN_CLOSERS),
    "teen": (TEEN_OPENERS, TEEN_CLOSERS),
    "staff": (STAFF_OPENERS, STAFF_CLOSERS),
}
SHORTHAND = {"teen": TEEN, "staff": STAFF}
