"""Why a judgement came out as it did, in the officer's words.

Vetoes first, then what weighed most; what a veto tells is not told again as a feature. Streets are shown
as the newly read report writes them; only what is compared of a stored report is at hand, so another
street of it is shown without accents.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aggregator.domain.comparison import Pair, Where
from aggregator.domain.traits import Traits

__all__ = ["VETO_WEIGHT", "Reason", "reasons", "veto_reason"]


@dataclass(frozen=True, slots=True)
class Reason:
    """One feature or veto in words; `weight` is its share of the score, negative when it speaks against."""

    code: str
    text_vi: str
    text_en: str
    weight: float


VETO_WEIGHT = -9.0
"""Stored for a veto, which is not weighed at all: below every feature, so that sorting keeps it first."""

_SHOWN_FROM = 0.2
"""Features that weigh less are not worth an officer's glance."""

_VETOES = {
    "other_numbers": ("các con số trong nội dung khác nhau", "the numbers in the texts differ"),
    "other_ward": ("khác phường/xã: không tự gộp", "another ward: not joined by itself"),
    "unknown_ward": ("chỉ một bên nói rõ phường/xã", "only one of them names the ward"),
    "other_category": ("khác lĩnh vực: cần cán bộ xem", "other category: a person looks"),
    "other_kind": ("nội dung nói về việc khác", "the texts tell of another kind of problem"),
    "no_place": ("không rõ cùng địa điểm", "no common place is known"),
    "legal": ("có khiếu nại, tố cáo: cán bộ quyết định", "a legal matter: a person decides"),
    "cap": ("vụ việc đã có nhiều phản ánh", "the case has reached its size limit"),
    "sensitive": ("phản ánh ẩn danh về việc nhạy cảm", "an anonymous report of a sensitive matter"),
    "closed": ("vụ việc đã đóng: có thể tái diễn", "the case is closed: possibly a recurrence"),
    "told_apart": ("cán bộ đã xác định là khác nhau", "an officer has told them apart"),
}
_PLAIN = {
    "phone": ("cùng số điện thoại", "same telephone"),
    "channel": ("gửi qua kênh khác", "sent through another channel"),
    "copy": ("nội dung chép nguyên văn", "a word-for-word copy"),
    "ward": ("khác phường/xã", "another ward"),
    "crowd": ("chưa có địa chỉ chung, quanh đây có vụ khác", "no common address, other cases around"),
}
_CATEGORY = {
    1: ("cùng lĩnh vực", "same category"),
    0: ("chưa rõ lĩnh vực", "category unknown"),
    -1: ("khác lĩnh vực", "other category"),
}
_SAME_KIND = ("nội dung nói cùng loại việc", "the texts tell of one kind of problem")


#: The feature whose fact each of these vetoes tells.
_TOLD_BY = {
    "other_house": "place", "other_street": "place", "vague_place": "place", "other_ward": "ward",
    "other_category": "category", "other_kind": "category", "too_old": "time",
}  # fmt: skip
#: Vetoes that say what their feature says, and this.
_ADDED = {
    "other_house": ("", ""),
    "other_street": ("", ""),
    "vague_place": (": chưa rõ cùng chỗ", ": the spot is not known"),
    "too_old": (": quá xa để tự gộp", ": too far to join by itself"),
}


def veto_reason(code: str) -> Reason:
    """A veto in words that needs no pair to be worded."""
    return Reason(code, *_VETOES[code], VETO_WEIGHT)


def reasons(
    weights: Mapping[str, float],
    vetoes: Iterable[str],
    pair: Pair,
    new: Traits,
    old: Traits,
    alike: float,
    most: int,
) -> tuple[Reason, ...]:
    """The vetoes, then the features that weighed most, `most` of them at most."""
    vetoes = list(vetoes)
    told_already = {_TOLD_BY.get(code) for code in vetoes}
    counted = sorted(
        [
            (abs(weight), code)
            for code, weight in weights.items()
            if abs(weight) >= _SHOWN_FROM and code not in told_already
        ],
        reverse=True,
    )
    told = [
        Reason(code, *_in_words(code, pair, new, old, alike), round(weights[code], 2))
        for _, code in counted[:most]
    ]
    return (*(_veto(code, pair, new, old, alike) for code in vetoes), *told)


def _veto(code: str, pair: Pair, new: Traits, old: Traits, alike: float) -> Reason:
    if code not in _ADDED:
        return veto_reason(code)
    told = zip(_in_words(_TOLD_BY[code], pair, new, old, alike), _ADDED[code], strict=True)
    vi, en = (words + more for words, more in told)
    return Reason(code, vi, en, VETO_WEIGHT)


def _in_words(code: str, pair: Pair, new: Traits, old: Traits, alike: float) -> tuple[str, str]:
    if code == "place":
        return _place(pair.where, new, old)
    if code == "distance":
        metres = round(pair.metres or 0.0)
        return f"cách {metres} m", f"{metres} m away"
    if code == "time":
        return _gap(pair.days)
    if code == "text":
        percent = round(alike * 100)
        return f"nội dung giống {percent} %", f"texts {percent} % alike"
    if code == "category":
        return _SAME_KIND if pair.category == 0 and pair.kind > 0 else _CATEGORY[pair.category]
    return _PLAIN[code]


def _gap(days: float) -> tuple[str, str]:
    if days < 1 / 24:
        return "cách nhau dưới một giờ", "less than an hour apart"
    if days < 2:
        hours = round(days * 24)
        return f"cách nhau {hours} giờ", f"{hours} h apart"
    return f"cách nhau {round(days)} ngày", f"{round(days)} days apart"


_SAME_PLACE = {
    Where.HOUSE: ("cùng số nhà", "same house"),
    Where.ALLEY: ("cùng hẻm/kiệt", "same alley"),
    Where.JUNCTION: ("cùng giao lộ", "same junction"),
    Where.LANDMARK: ("cùng nơi", "same spot"),
    Where.WITHIN: ("số nhà khác trong cùng hẻm/kiệt", "another house of one alley"),
    Where.STREET: ("cùng đường", "same street"),
}


def _place(where: Where, new: Traits, old: Traits) -> tuple[str, str]:
    if where in _SAME_PLACE:
        name = _street(new, old) if where is Where.STREET else _named(new, old)
        return f"{_SAME_PLACE[where][0]} {name}", f"{_SAME_PLACE[where][1]}, {name}"
    vi, en = (
        ("khác số nhà", "other houses") if where is Where.OTHER_HOUSE else ("khác đường", "other streets")
    )
    mine, theirs = _named(new, old), _named(old, new)
    return f"{vi}: {mine}, {theirs}", f"{en}: {mine}, {theirs}"


def _named(t: Traits, other: Traits) -> str:
    return f"{(t.house or '').rstrip('/')} {_street(t, other)}".strip()


def _street(t: Traits, other: Traits) -> str:
    """The name with accents where either report is known to write it so."""
    for one in (t, other) if other.street == t.street else (t,):
        name = one.written
        if name and not name.isascii():
            return name
    return (t.street or "").title()
