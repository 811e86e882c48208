"""Places that are no house on a street: junctions, landmarks, blocks of flats.

One place has many names ("CV Gia Định", "công viên Gia Định"; "góc A và B", "ngã tư B - A", "ngã tư A B"), so
each is brought to one: the kind written out, the two streets of a junction sorted, block and floor in
the order block, floor, flat.

What may surprise: a floor without a block says nothing here, because where there is one tower nobody
names it and where there are several the floor alone is not a place. Two names run together ("ngã tư Bùi
Thị Xuân Cao Thắng") are parted before the word nearest the middle that streets begin with.
"""

from __future__ import annotations

import re

from aggregator.domain.street_names import WORD, Page, read_name, read_route
from aggregator.domain.street_words import AFTER_A_ROAD_WORD, SURNAMES, listed

__all__ = ["CROSS", "MARK", "MARK_NAMES", "ROAD_LEAD", "read_crossing", "read_mark"]

ROAD_LEAD = r"(?:(?:duong(?: pho)?|tuyen duong|truc duong|mat duong|pho|dai lo|dg)\s|(?:d|dg)\.\s?)"
CROSS = r"nga (?:ba|tu|nam|sau|bay|[3-7])|goc(?: duong)?|nut giao(?! thong)|giao lo|vong xoay"
MARK = (
    r"truong (?:tieu hoc|mam non|mau giao|thcs|thpt|dai hoc|cao dang|trung hoc (?:co so|pho thong)|cap [123]|"
    r"th|mn|hoc)|benh vien|bv|chung cu|cc|cong vien|cv|nha van hoa|ben xe|khu do thi|khu dan cu|"
    r"khu tap the|kdt|kdc|tram y te|vuon hoa|san van dong|sieu thi|nha tho|cau|cho|chua"
)

#: What a landmark is called here, for the ways to write it that are not that.
MARK_NAMES = {
    "bv": "benh vien", "cv": "cong vien", "cc": "chung cu", "kdt": "khu do thi", "kdc": "khu dan cu",
    "truong th": "truong tieu hoc", "truong cap 1": "truong tieu hoc", "truong mn": "truong mam non",
    "truong cap 2": "truong thcs", "truong trung hoc co so": "truong thcs",
    "truong cap 3": "truong thpt", "truong trung hoc pho thong": "truong thpt",
}  # fmt: skip

# What folds to a landmark's word or to "góc" and is another: chỗ, cho, chưa, câu, gốc.
_OTHER_WORDS = listed("chỗ cho chờ chó chưa chứa câu cậu cáu gốc")
_ABBREVIATED = frozenset({"bv", "cv", "cc", "kdt", "kdc"})

_CROSSING = re.compile(
    rf"\s{{0,2}}(?:-|/|&|,|\bva\b|\bvoi\b|\bgiao\b(?:\s(?:voi|giua|cat|nhau))?)\s{{0,2}}(?:{ROAD_LEAD})?"
)
_BETWEEN = re.compile(rf"(?:giao\s)?(?:giua\s|cua\s)?(?:{ROAD_LEAD})?")
_RUN_ON = re.compile(rf"\s{{1,2}}(?:{ROAD_LEAD})?")
_BEGINS = AFTER_A_ROAD_WORD | {"duong"}
_CODE = re.compile(r"[a-z]{1,3}\d")
_IN_A_RUN = 8

_UNIT = r"phuong|xa|p|x|f|quan|huyen|q|h|thi tran|thanh pho|tp"
_OF_A_UNIT = re.compile(rf"\b(?:{_UNIT})[\s.]{{0,2}}$")

_IN_A_BLOCK = (
    r"(?:(?:block|lo|toa(?: nha)?|thap)(?:\s(?:[a-z]\d{0,2}|\d{1,2})|\d{1,2})|(?:tang|lau)\s?\d{1,2}"
    r"|(?:can(?: ho)?|phong)(?: so)?\s?[a-z]?[\d.\-]{1,8})(?!\w)"
)
_BLOCK_AFTER = re.compile(rf"(?:[\s,]{{1,3}}{_IN_A_BLOCK}){{1,3}}")
_BLOCK_BEFORE = re.compile(rf"\b(?:{_IN_A_BLOCK}[\s,]{{1,3}}){{1,3}}$")
_BLOCK_PART = re.compile(
    r"(?P<block>block|lo|toa(?: nha)?|thap)(?:\s(?P<b>[a-z]\d{0,2}|\d{1,2})|(?P<n>\d{1,2}))(?!\w)"
    r"|(?:tang|lau)\s?(?P<floor>\d{1,2})|(?:can(?: ho)?|phong)(?: so)?\s?(?P<flat>[a-z]?[\d.\-]+)"
)
_BLOCK_REACH = 40


def read_crossing(page: Page, match: re.Match[str]) -> tuple[str, int]:
    """The two streets of a junction, sorted, or the junction with the one that is named; and its end."""
    if page.accented and page.typed[match.start() : match.start() + 3].lower() in _OTHER_WORDS:
        return "", match.end()
    skip = _BETWEEN.match(page.folded, match.end())
    at = skip.end() if skip else match.end()
    first = read_name(page, at, sure=True, known=AFTER_A_ROAD_WORD, longest=_IN_A_RUN)
    if first is None:
        return "", match.end()
    parted = _parted(first[0].split())
    link = _CROSSING.match(page.folded, first[1])
    if parted and (link is None or "," in link[0]):
        return _pair(*parted), first[1]
    second = read_name(page, link.end(), sure=True) if link else None
    second = second or read_route(page, first[1])
    if second is None and (" " not in first[0] or first[0][-1].isdigit()):
        run_on = _RUN_ON.match(page.folded, first[1])
        second = read_name(page, run_on.end(), sure=False) if run_on else None
    if second is not None:
        return _pair(first[0], second[0]), second[1]
    return f"{match['cross']} {first[0]}", first[1]


def _pair(one: str, other: str) -> str:
    return " x ".join(sorted((one.removeprefix("duong "), other.removeprefix("duong "))))


def _parted(words: list[str]) -> tuple[str, str] | None:
    """Two street names that were written without anything between them."""
    cuts = [at for at in range(2, len(words)) if _begins(words, at)]
    if not cuts:
        return None
    cut = min(cuts, key=lambda at: (words[at] not in SURNAMES, abs(2 * at - len(words))))
    return " ".join(words[:cut]), " ".join(words[cut:])


def _begins(words: list[str], at: int) -> bool:
    if _CODE.match(words[at]):
        return True
    return at < len(words) - 1 and words[at] in _BEGINS


def read_mark(page: Page, match: re.Match[str]) -> tuple[str | None, str, int, int] | None:
    """A landmark as (flat or None, name, start, end); None where the word is an everyday one."""
    # Landmarks of one syllable are also everyday words (cho: chợ, cho): they need a capital after them.
    kind = match["mark"]
    if page.accented and page.typed[match.start("mark") : match.end("mark")].lower() in _OTHER_WORDS:
        return None
    following = WORD.match(page.folded, match.end())
    plain = " " not in kind and kind not in _ABBREVIATED
    if not following or (plain and not page.capital(following.start(1)) and not page.field):
        return None
    if _OF_A_UNIT.search(page.folded, max(0, match.start() - 12), match.start()):
        return None  # Phường Chợ Quán, P. Cầu Kiệu
    name = read_name(page, match.end(), sure=True)
    if name is None:
        return None
    called = f"{MARK_NAMES.get(kind, kind)} {name[0]}"
    if MARK_NAMES.get(kind, kind) != "chung cu":
        return None, called, match.start(), name[1]
    return _flat(page, called, match.start(), name[1])


def _flat(page: Page, called: str, start: int, end: int) -> tuple[str | None, str, int, int]:
    before = _BLOCK_BEFORE.search(page.folded, max(0, start - _BLOCK_REACH), start)
    after = _BLOCK_AFTER.match(page.folded, end)
    parts: dict[str, str] = {}
    for found in (before, after):
        for part in _BLOCK_PART.finditer(found[0]) if found else ():
            if part["block"]:
                parts["block"] = part["b"] or part["n"]
            parts |= {name: part[name] for name in ("floor", "flat") if part[name]}
    start, end = (before.start() if before else start), (after.end() if after else end)
    if "block" not in parts:
        return None, called, start, end
    chain = [parts[name] for name in ("block", "floor", "flat") if name in parts]
    return "/".join(chain) + ("" if "floor" in parts or "flat" in parts else "/"), called, start, end
