"""The text for a citizen whose report belongs to a ward that nobody serves here. Vietnamese only.

It is offered to the officer, who may change every word before it goes. What may surprise: it never tells
what was learned from other reports; where the text itself did not name the place, it says no more than
that the place lies there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aggregator.domain.place_table import province_of

#: Provinces whose hotline takes reports for every ward.
HOTLINES = {"79": "Tổng đài 1022"}


def guidance(own: str, guess: Mapping[str, Any]) -> str:
    """Which ward is the right one, and why. `own` is the ward that answers, `guess` is as stored."""
    own, name = within(own), within(guess["name"])
    why = "theo địa điểm nêu trong phản ánh"
    if guess.get("by") == "text" and guess.get("old"):
        why = f"{guess['old']} cũ nay thuộc {name}"
    hotline = HOTLINES.get(province_of(guess["code"]) or "")
    where = f"Ủy ban nhân dân {name} hoặc {hotline}" if hotline else f"Ủy ban nhân dân {name}"
    return (
        f"Kính gửi ông/bà,\nỦy ban nhân dân {own} đã nhận được phản ánh của ông/bà. Địa điểm phản ánh thuộc"
        f" {name} ({why}), ngoài địa bàn quản lý của {own}.\nĐề nghị ông/bà gửi phản ánh đến {where}"
        " để được giải quyết đúng thẩm quyền.\nTrân trọng."
    )


def directed_to(own: str, body: str, contact: str) -> str:
    """Which body outside the ward is competent, and where to reach it. `contact` may be empty."""
    own = within(own)
    where = f"{body} ({contact})" if contact else body
    return (
        f"Kính gửi ông/bà,\nỦy ban nhân dân {own} đã nhận được phản ánh của ông/bà. Nội dung phản ánh thuộc"
        f" thẩm quyền giải quyết của {body}, không thuộc thẩm quyền của Ủy ban nhân dân {own}.\nĐề nghị"
        f" ông/bà gửi phản ánh đến {where} để được giải quyết đúng thẩm quyền.\nTrân trọng."
    )


def received(own: str, code: str) -> str:
    """That the report came and is worked on, and under which number."""
    return (
        f"Kính gửi ông/bà,\nỦy ban nhân dân {within(own)} đã tiếp nhận phản ánh của ông/bà (mã {code}) và"
        " đang xem xét, giải quyết theo quy định.\nTrân trọng."
    )


def within(name: str) -> str:
    """A ward's name inside a sentence: "phường Sài Gòn"."""
    return name[:1].lower() + name[1:]
