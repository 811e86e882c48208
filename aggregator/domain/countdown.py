"""How long until a deadline, in words short enough for a list row.

Promises the two largest units that matter ("2 ngày 4 giờ", "3 giờ 20 phút"), rounded down to the
minute, so a row never promises more time than there is. What would surprise: it tells plain time, not
working time; "Còn 2 ngày" over a weekend is the truth of the wall calendar, and the working-time
arithmetic is told by `aggregator.domain.sla.explain`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from aggregator.domain.sla import Stage

_LEVELS: Final = {
    Stage.NONE: "ok",
    Stage.DUE_SOON: "soon",
    Stage.OVERDUE: "late",
    Stage.PAUSED: "paused",
    Stage.DONE: "done",
}


def words(due_at: datetime, now: datetime, lang: str = "vi") -> str:
    """'Còn 3 giờ 20 phút' or 'Quá hạn 2 ngày 4 giờ'; any `lang` but Vietnamese is told in English."""
    seconds = (due_at - now).total_seconds()
    minutes = int(abs(seconds)) // 60
    late = seconds <= 0
    if lang.startswith("vi"):
        return f"{'Quá hạn' if late else 'Còn'} {_length_vi(minutes)}"
    return f"{_length_en(minutes)} {'overdue' if late else 'left'}"


def level(stage: Stage | str) -> str:
    """The style word of a stage: ok, soon, late, paused or done."""
    return _LEVELS[Stage(stage)]


def _parts(minutes: int) -> tuple[tuple[int, int], ...]:
    """(unit, amount) pairs, unit 0 = days, 1 = hours, 2 = minutes: the largest and its neighbour."""
    days, rest = divmod(minutes, 1440)
    hours, minutes = divmod(rest, 60)
    pair = ((0, days), (1, hours)) if days else ((1, hours), (2, minutes))
    return tuple((unit, amount) for unit, amount in pair if amount)


def _length_vi(minutes: int) -> str:
    told = (f"{amount} {('ngày', 'giờ', 'phút')[unit]}" for unit, amount in _parts(minutes))
    return " ".join(told) or "dưới 1 phút"


def _length_en(minutes: int) -> str:
    told = (
        f"{amount} {('day', 'hour', 'minute')[unit]}{'s' * (amount != 1)}" for unit, amount in _parts(minutes)
    )
    return " ".join(told) or "less than a minute"
