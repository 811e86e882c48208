"""Whether a report is a legal complaint or a denunciation, and by which of its words.

Principles
    Recall first, and two grades of certainty. What only *may* be one is flagged and its clock runs on until
    a person decides: nobody's report is put aside on a rule's suspicion. What says in so many words that it
    is one is `CLEAR` and stops the feedback clock at once: it is another procedure, not feedback. Either
    way a person has the last word.

The law
    Feedback and proposals (phản ánh, kiến nghị) follow Nghị định 20/2008/NĐ-CP, amended by 48/2013 and
    92/2017. A *khiếu nại* (Luật Khiếu nại 02/2011/QH13, art. 2) asks that an administrative decision or act
    which harms the sender's own rights be looked at again. A *tố cáo* (Luật Tố cáo 25/2018/QH14, art. 2)
    tells of somebody's breaking of the law; who told it is secret (art. 8, 9). A *tố giác* tells of a crime
    (Bộ luật Tố tụng hình sự 101/2015/QH13, art. 144). The first two laws were amended by Luật
    136/2025/QH15, in force from 1 July 2026.

How it works
    1. The text is folded (same length, so that every finding is a span of the original). Without accents
       "to cao" is also "big and tall": where the rest of the text has accents, these two words need theirs.
    2. Uses that are not the act are blanked out: a telephone number *for* complaints, "hết khiếu nại".
    3. Each rule is tried; a finding behind "if", "will" or "have already sent" is only a possible one.
    4. The surest finding decides; of equally sure ones the denunciation, because more is kept secret then.

Known exceptions
    In everyday speech people "khiếu nại" about a neighbour's loudspeaker. Without an administrative
    decision or act beside it the word is therefore only a possible complaint, whoever says it.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from aggregator.domain.text import fold

__all__ = ["REASONS", "Certainty", "Field", "LegalKind", "LegalReading", "LegalState", "Span", "read"]


class LegalKind(enum.StrEnum):
    """Which procedure it may belong to."""

    KHIEU_NAI = "khieu_nai"
    TO_CAO = "to_cao"
    TO_GIAC = "to_giac"

    @property
    def secret(self) -> bool:
        """Whether the law keeps secret who told it (Luật Tố cáo 2018, art. 8 and 9; of crimes likewise)."""
        return self is not LegalKind.KHIEU_NAI


class Certainty(enum.StrEnum):
    POSSIBLE = "possible"
    CLEAR = "clear"


class LegalState(enum.StrEnum):
    """Where a legal matter stands. No state: nothing of the kind was ever found."""

    SUSPECTED = "suspected"  # flagged; the feedback clock runs until a person decides
    RECOGNISED = "recognised"  # clear by rule; clock stopped, view restricted, a person decides
    CONFIRMED = "confirmed"  # handed over to its own procedure by a person
    DISMISSED = "dismissed"  # a person said it is feedback after all

    @property
    def restricted(self) -> bool:
        """Whether only who has the right for it may read the matter."""
        return self in (LegalState.RECOGNISED, LegalState.CONFIRMED)

    @property
    def undecided(self) -> bool:
        return self in (LegalState.SUSPECTED, LegalState.RECOGNISED)


class Field(enum.StrEnum):
    """Where the words stand."""

    SUBJECT = "subject"
    BODY = "body"
    CATEGORY = "category"  # the channel's own category
    DECLARED = "declared"  # the kind that the source itself gives it
    ATTACHMENT = "attachment"  # a file's name


@dataclass(frozen=True, slots=True)
class Span:
    """Words that tell: `quote` is text[start:end] of the field, as the citizen wrote it."""

    field: Field
    start: int
    end: int
    quote: str
    reason: str
    kind: LegalKind
    certainty: Certainty

    def document(self) -> dict[str, Any]:
        """For a database column. Without the quote: the words stay in the report alone."""
        return {
            name: getattr(self, name) for name in ("field", "start", "end", "reason", "kind", "certainty")
        }


@dataclass(frozen=True, slots=True)
class LegalReading:
    """What a report seems to be, and the words that say so, in their order."""

    kind: LegalKind
    certainty: Certainty
    spans: tuple[Span, ...]


#: Code of a finding -> why it tells, in Vietnamese and in English.
REASONS: Final[Mapping[str, tuple[str, str]]] = {
    "petition": ("gọi tên là đơn khiếu nại, tố cáo hoặc tố giác", "calls itself a written petition"),
    "against_decision": (
        "khiếu nại một quyết định hoặc hành vi hành chính",
        "complains of an administrative decision or act",
    ),
    "again": ("khiếu nại lần hai hoặc khiếu nại tiếp", "a second or further complaint"),
    "accuses": ("tố cáo một người, cơ quan hoặc hành vi", "denounces a person, a body or an act"),
    "crime": ("tố giác hoặc tin báo về tội phạm", "tells of a crime"),
    "penalty": ("không đồng ý với quyết định xử phạt", "disputes a penalty decision"),
    "decision": ("nói đến một quyết định hành chính có số", "names a numbered administrative decision"),
    "disagrees": ("không đồng ý với kết quả đã giải quyết", "disagrees with what was decided"),
    "misuse": (
        "nói đến hành vi vi phạm của người có chức vụ",
        "tells of wrongdoing by somebody in office",
    ),
    "lawsuit": ("nói đến việc khởi kiện ra tòa", "speaks of going to court"),
    "word": ("có từ khiếu nại, tố cáo hoặc tố giác", "has the word for a complaint or denunciation"),
    "short": ("viết tắt KN, TC, KNTC", "has an abbreviation for it"),
    "declared": ("nguồn gửi đã xếp vào loại này", "the source itself calls it so"),
}

# --- patterns --------------------------------------------------------------------------------------

# "khieu lai" and "kieu nai" are slips of southern and northern spelling.
_KN = r"(?:kh?ieu_?nai|khieu_?lai)"
_TC = r"to_?cao(?!_pho\b)"
_TG = r"to_?giac"
_ANY = rf"(?:{_KN}|{_TC}|{_TG}|kntc|kn_tc)"
_WHO = r"(?:toi|chung toi|chung em|gia dinh|ho nha toi|em|chau|con|minh|nguoi dan|ba con|cac ho dan|xin)"
_DO = r"(?:duoc|xin|muon|can|phai|lam don|viet don|gui don|nop don|dung don|de nghi|yeu cau|thay mat|la)"
#: What a complaint by law is about: a decision or an act of an administration.
_OFFICIAL = (
    r"(?:(?:cac |nhung |viec )?(?:ban hanh )?(?:quyet dinh|qd|thong bao so|ket luan|van ban so|bien ban)"
    r"|hanh vi hanh chinh|quyet dinh hanh chinh|quyet dinh ky luat|xu phat|vi bang|cuong che|thu hoi dat"
    r"|giai toa|den bu|boi thuong|tai dinh cu|giai phong mat bang|cap (?:giay chung nhan|so do|so hong)"
    r"|giay chung nhan|so do|so hong|cap phep xay dung|giay phep xay dung|ket qua giai quyet|ubnd|uy ban"
    r"|chu tich|can bo|cong chuc|chi cuc|so tai nguyen|cong an|thanh tra|hanh vi cua)"
)
_ACCUSED = (
    r"(?:ong|ba|anh|chi|can bo|cong chuc|chu tich|pho chu tich|lanh dao|giam doc|ubnd|uy ban|cong an"
    r"|truong (?:phong|ap|thon|khu pho|cong an)|to truong|bi thu|hieu truong|cong ty|chu dau tu|nha thau"
    r"|doanh nghiep|co so|hanh vi|viec|nhung|mot so|nhom|doi tuong|ke|thanh tra|csgt|canh sat|chi cuc|ban"
    r"|doi|sai pham|tham nhung|tieu cuc|nguoi|ho|nha|cap tren|dich danh|chu)"
)
_MISUSE = (
    r"(?:loi dung (?:chuc vu|quyen han|chuc quyen)|lam dung (?:chuc vu|quyen han|chuc quyen)|lam quyen"
    r"|tham nhung|tham o|hoi lo|vi vinh|nhung nhieu|vo vinh|bao ke|cau ket|loi ich nhom|chung chi"
    r"|an chan|nhan tien cua dan|doi tien lot tay|lot tay)"
)
_REJECTS = (
    r"(?:khong (?:dong y|chap nhan|thoa dang|dung|phuc)|phan doi|huy|bai bo|xem xet lai|thu hoi|trai luat"
    r"|trai phap luat|trai quy dinh|oan|sai)"
)


_GAPS: Final = {" ": r"[\W_]{1,3}", "_?": r"[\W_]{0,3}", "_": r"[\W_]{1,3}", "~": "[^.!?]"}


def _compiled(pattern: str) -> re.Pattern[str]:
    """A space or `_` is up to three characters that are no letters (line ends, commas, dashes), `_?` may
    also be nothing, as in file names; `~` is any character of the same sentence."""
    spaced = re.sub("_\\?|[ _~]", lambda found: _GAPS[found.group()], pattern)
    # Not \b, for which an underscore is a letter.
    return re.compile(rf"(?<![^\W_])(?:{spaced})(?![^\W_])")


@dataclass(frozen=True, slots=True)
class _Rule:
    reason: str
    kind: LegalKind
    certainty: Certainty
    pattern: re.Pattern[str]


def _rules() -> Iterator[_Rule]:
    kn, tc, tg = LegalKind.KHIEU_NAI, LegalKind.TO_CAO, LegalKind.TO_GIAC
    clear, possible = Certainty.CLEAR, Certainty.POSSIBLE
    paper = r"(?:don(?: thu| xin)?|thu|to trinh|cong van|van ban)"
    for reason, kind, certainty, pattern in (
        ("petition", tc, clear, rf"{paper}(?:_?{_KN})?_?{_TC}"),
        ("petition", kn, clear, rf"{paper}_?{_KN}"),
        ("petition", tg, clear, rf"{paper}_?{_TG}"),
        ("again", kn, clear, rf"{_KN} (?:lan (?:dau|hai|ba|thu|tiep|[2-9]\b)|tiep theo|vuot cap)"),
        ("against_decision", kn, clear, rf"{_KN} (?:(?:doi voi|ve|den|toi|lai|viec) ){{0,3}}{_OFFICIAL}"),
        ("accuses", tc, clear, rf"{_TC} (?:(?:ve|doi voi|den|toi|viec|dich danh) ){{0,2}}{_ACCUSED}"),
        ("accuses", tc, clear, rf"{_WHO} (?:{_DO} ){{0,3}}{_TC}"),
        ("crime", tg, clear, rf"{_TG} (?:toi pham|ke|doi tuong|ong|ba|nhom|hanh vi|nguoi|ve|viec|to)"),
        ("crime", tg, clear, r"tin bao (?:ve )?toi pham"),
        ("penalty", kn, clear, rf"{_REJECTS} ~{{0,40}}(?:quyet dinh|qd) (?:xu phat|cuong che|thu hoi dat)"),
        ("penalty", kn, clear, rf"(?:quyet dinh|qd) (?:xu phat|cuong che|thu hoi dat)~{{0,90}} {_REJECTS}"),
        ("decision", kn, possible, r"(?:quyet dinh|qd)(?: [a-z]+){0,6} so \d+"),
        ("disagrees", kn, possible,
         r"khong (?:dong y|chap nhan|phuc)(?: voi)?(?: [a-z]+){0,3} (?:quyet dinh|ket luan|ket qua giai quyet"
         r"|phuong an|muc (?:den bu|boi thuong)|gia (?:den bu|boi thuong)|van ban tra loi|bien ban)"),
        ("misuse", tc, possible, _MISUSE),
        ("lawsuit", kn, possible,
         r"(?:khoi kien|don kien|kien (?:\w+ ){0,3}(?:ra|len) toa|dua (?:\w+ ){0,4}ra toa|kien tung)"),
        ("word", tc, possible, _TC),
        ("word", tg, possible, _TG),
        ("word", kn, possible, _KN),
        ("short", kn, clear, r"don_kn_?tc"),
        ("short", kn, possible, r"(?:don|thu|gui|nop)_kn|kn_?tc|kn lan (?:\d|dau|hai|thu)"),
        ("short", tc, possible, r"(?:don|thu)_tc"),
    ):  # fmt: skip
        yield _Rule(reason, kind, certainty, _compiled(pattern))


_RULES: Final = tuple(_rules())

#: Not the act itself: where one may complain, what is over, what it expressly is not.
_NOT_THE_ACT: Final = tuple(
    map(
        _compiled,
        (
            rf"khong (?:phai |he |co y |muon |dam |can |co )?(?:la )?(?:don |thu |de |viec |y )?(?:dinh )?"
            rf"{_ANY}(?: (?:hay|hoac|va|cung khong)? ?{_ANY})?",
            rf"(?:chua|chang|dau) (?:phai |he |muon |can |dinh )?(?:la )?(?:don )?{_ANY}",
            rf"(?:het|tranh|mien|khoi|rut don|da rut|giam|han che|khong con) (?:bi |phai )?{_ANY}",
            r"(?:so dien thoai|so dt|sdt|dien thoai|so may|duong day nong|hotline|tong dai|hop thu|hom thu"
            r"|thung thu|hop thoai|phong|ban|bo phan|email|dia chi|kenh|trung tam|quay|ung dung|app|trang web"
            r"|so|luat|lich|cong tac|to) (?:nong |de |nhan |tiep cong dan |tiep nhan |tiep dan |giai quyet "
            rf"|xu ly |ve |y kien |gop y |phan anh |kien nghi |va |hoac ){{0,6}}{_ANY}"
            rf"(?:(?: va| hoac)? {_ANY})?",
            rf"{_TC} pho",
        ),
    )
)  # fmt: skip

#: Before a finding, in its sentence: what only may come, or was done some other time.
_NOT_YET: Final = _compiled(
    r"neu|se|buoc phai|buoc long|co quyen|duoc quyen|keo|phong khi|du dinh|dang tinh|truoc khi|de khoi"
    r"|da (?:\w+ ){0,3}(?:gui|nop|lam|viet|co|nhieu lan)|tung|nhieu lan|bi|nghe noi|hoi|thu tuc|cach"
    r"|huong dan|lam sao|the nao"
)
_BEFORE: Final = 60
_SENTENCE_END: Final = re.compile(r"[.!?\n]")
#: Without accents "to cao" after these is "big and tall".
_TALL: Final = re.compile(
    r"(?:cay|nha|cot|tuong|cua|xe|rat|qua|tru|toa nha|re|thung|bang|co|song|be|khung|dong|hang|mai|that"
    r"|cong)\W{1,3}$"
)
#: Without any of these no rule finds anything; looking for them costs a tenth of trying the rules.
_STEMS: Final = (
    "khieu", "kieu nai", "kieunai", "to cao", "tocao", "to_cao", "to-cao", "to giac", "to_giac", "to-giac",
    "togiac", "tin bao", "khoi kien", "don kien", "kien tung", "ra toa", "len toa", "quyet dinh", "qd", "kn",
    "don tc", "thu tc", "tc_", "_tc", "dung chuc", "dung quyen", "lam quyen", "tham nhung", "tham o",
    "hoi lo", "vi vinh", "nhung nhieu", "vo vinh", "bao ke", "cau ket", "loi ich nhom", "chung chi",
    "an chan", "nhan tien cua", "lot tay", "khong dong y", "khong chap nhan", "khong phuc",
)  # fmt: skip
#: The words that must bear their accents where the rest of the text does.
_MARKED: Final = ("tố", "cáo")
_TO_CAO: Final = _compiled("to_?cao")
#: Characters that are read; a petition says what it is in its first pages.
_READ: Final = 20_000


def read(
    subject: str,
    body: str,
    *,
    attachments: Iterable[str] = (),
    category: str | None = None,
    declared: str | None = None,
) -> LegalReading | None:
    """What the report seems to be by its words; None where nothing speaks for a legal matter.

    `attachments` are file names, `category` the channel's own word, `declared` the kind that the source
    itself gave it; the last is believed.
    """
    spans = [
        *_in_text(Field.SUBJECT, subject),
        *_in_text(Field.BODY, body),
        *(span for name in attachments for span in _in_text(Field.ATTACHMENT, name)),
        *_in_category(category or ""),
        *_in_text(Field.DECLARED, declared or ""),
    ]
    if not spans:
        return None
    best = max(spans, key=_weight)
    return LegalReading(best.kind, best.certainty, tuple(spans))


def _weight(span: Span) -> tuple[bool, bool, bool]:
    return span.certainty is Certainty.CLEAR, span.kind.secret, span.kind is LegalKind.TO_CAO


def _in_text(field: Field, text: str) -> Iterator[Span]:
    if not text:
        return
    folded = fold(text[:_READ])
    # A line end or two spaces may part the words of a stem; an ordinary sentence has neither.
    flat = folded if folded.isprintable() and "  " not in folded else " ".join(folded.split())
    if not any(map(flat.__contains__, _STEMS)):
        return
    accented = folded != text[:_READ].lower()
    folded = _blanked(folded)
    taken: list[tuple[int, int]] = []
    for rule in _RULES:
        for match in rule.pattern.finditer(folded):
            start, end = match.span()
            if any(start < stop and begin < end for begin, stop in taken):
                continue
            if not _meant(text[start:end], folded, start, accented=accented):
                continue
            taken.append((start, end))
            yield _span(field, text, folded, start, end, rule)


@lru_cache(maxsize=512)  # a channel has a few dozen
def _in_category(category: str) -> tuple[Span, ...]:
    return tuple(_in_text(Field.CATEGORY, category))


def _span(field: Field, text: str, folded: str, start: int, end: int, rule: _Rule) -> Span:
    certainty, reason = rule.certainty, rule.reason
    if field is Field.DECLARED:
        certainty, reason = Certainty.CLEAR, "declared"
    elif field is Field.CATEGORY:
        certainty, reason = Certainty.POSSIBLE, "declared"
    elif _NOT_YET.search(_sentence_before(folded, start)):
        certainty = Certainty.POSSIBLE
    return Span(field, start, end, text[start:end], reason, rule.kind, certainty)


def _blanked(folded: str) -> str:
    for pattern in _NOT_THE_ACT:
        folded = pattern.sub(lambda match: "." * len(match.group()), folded)
    return folded


def _sentence_before(folded: str, start: int) -> str:
    before = folded[max(0, start - _BEFORE) : start]
    return _SENTENCE_END.split(before)[-1]


def _meant(quote: str, folded: str, start: int, *, accented: bool) -> bool:
    """Whether "to cao" in these words is the denunciation and not something big and tall."""
    plain = fold(quote)
    found = _TO_CAO.search(plain)
    if found is None:
        return True
    written = quote[found.start() : found.end()].lower()
    if any(marked in written for marked in _MARKED):
        return True
    before = folded[max(0, start + found.start() - 12) : start + found.start()]
    return not accented and written.isascii() and _TALL.search(before) is None
