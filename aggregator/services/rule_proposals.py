"""What a person says of a deadline rule, made into a rule, or refused in words that name the field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from aggregator.domain.sla import Policy, Step, Unit
from aggregator.domain.text import clean, fold
from aggregator.errors import InputInvalid
from aggregator.services.rules import Book

#: How sure an office can say it is; a shipped rule may carry other words.
CERTAINTIES = ("confirmed", "press", "press_days", "unverified")
URGENCIES = ("urgent", "high", "normal", "low")
KINDS = ("feedback", "proposal")
NAME_MOST, SOURCE_MOST = 200, 500
_SAID = tuple(
    field.name for field in fields(Policy) if field.name not in ("id", "version", "in_force", "key")
)


def proposed(book: Book, said: Mapping[str, Any], old: Policy | None = None) -> Policy:
    """The rule that `old` becomes with these parts changed, or a new one; `InputInvalid` in words."""
    unknown = set(said) - set(_SAID)
    if unknown:
        raise InputInvalid(f"a rule has no part {sorted(unknown)[0]!r}", field=sorted(unknown)[0])
    values: dict[str, Any] = {name: getattr(old, name) for name in _SAID} if old else {}
    values.update(said)
    values["name"] = _line(values.get("name") or "", NAME_MOST)
    missing = [
        name for name in ("name", "step", "amount", "unit", "valid_from") if values.get(name) in (None, "")
    ]
    if missing:
        raise InputInvalid(
            f"a rule needs {missing[0]}", field=missing[0], message_vi=f"Còn thiếu: {_VI[missing[0]]}."
        )
    values["source"] = _line(values.get("source") or "", SOURCE_MOST)
    values.setdefault("certainty", "unverified")
    policy = Policy(
        **{**values, "unit": Unit(values["unit"])}, id=old.id if old else 0,
        version=old.version if old else 1, key=old.key if old else "", in_force=old.in_force if old else True,
    )  # fmt: skip
    _check(book, policy, old)
    return policy


_VI = {"name": "tên quy định", "step": "bước", "amount": "thời hạn", "unit": "đơn vị tính",
       "valid_from": "ngày có hiệu lực"}  # fmt: skip


def _check(book: Book, policy: Policy, old: Policy | None) -> None:
    choices: tuple[tuple[str, Any, Any, str], ...] = (
        ("step", policy.step, tuple(Step), "Bước này không có."),
        ("category", policy.category, (None, *book.category_names), "Không có lĩnh vực này."),
        ("urgency", policy.urgency, (None, *URGENCIES), "Không có mức khẩn này."),
        ("kind", policy.kind, (None, *KINDS), "Không có loại tin này."),
        ("certainty", policy.certainty, (*CERTAINTIES, *((old.certainty,) if old else ())),
         "Hãy chọn mức chắc chắn trong danh sách."),
    )  # fmt: skip
    for field, value, allowed, vi in choices:
        if value not in allowed:
            raise InputInvalid(f"{field} {value!r} is not known", field=field, message_vi=vi)
    if policy.certainty == "confirmed" and not policy.source:
        raise InputInvalid(
            "a confirmed rule names its source", field="source",
            message_vi="Quy định đã xác nhận phải ghi căn cứ (số, ngày văn bản).",
        )  # fmt: skip


def stored(policy: Policy) -> dict[str, Any]:
    """The row of a version, without who and when."""
    return {
        "key": policy.key, "version": policy.version, "name": policy.name, "step": str(policy.step),
        "amount": policy.amount, "unit": policy.unit.value, "valid_from": policy.valid_from,
        "valid_to": policy.valid_to, "channel": policy.channel, "category": policy.category,
        "urgency": policy.urgency, "warn_percent": policy.warn_percent, "source": policy.source,
        "certainty": policy.certainty, "kind": policy.kind, "several_units": policy.several_units,
        "day_end": policy.day_end.value, "escalate_hours": list(policy.escalate_hours),
        "reopening": policy.reopening.value, "by_acknowledgement": policy.by_acknowledgement,
    }  # fmt: skip


def _line(text: str, most: int) -> str:
    return " ".join(clean(text).split())[:most]


def new_key(name: str, taken: set[str], asked: str | None) -> str:
    """A short word for the rule, free of accents; a number makes it new where it is taken."""
    word = re.sub(r"[^a-z0-9]+", "_", fold(name)).strip("_")[:40] or "quy_dinh"
    if asked and word in taken:
        raise InputInvalid(
            f"there is a rule {word} already", field="key", hint="change it, or choose another key",
            message_vi=f"Đã có quy định với mã “{word}”.",
        )  # fmt: skip
    numbers = iter(range(2, len(taken) + 3))
    found = word
    while found in taken:
        found = f"{word}_{next(numbers)}"
    return found
