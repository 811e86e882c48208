"""Ten thousand reports of one flood within an hour: bad input for any rule that compares.

Everybody of one street writes, from houses and from the road, in four people's words, one in five a copy
that went round. What is wanted: cases that stay under the cap, each beyond the first with a question that
leads to another of them, and the last report as cheap as the first.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from aggregator.domain.matching import DEFAULT, Judgement
from aggregator.services.clustering import Clustered, cluster
from tests.benchmarks.table import Figure, at_least, at_most, told

STREET, WARD, HOUSES = "Nguyễn Hữu Cảnh", "26001", 120
_TOLD = (
    "Nước ngập tới đầu gối {p}, xe chết máy hàng loạt, đề nghị bơm gấp.",
    "Mưa một tiếng mà {p} đã thành sông, nhà tôi nước vào tới giường.",
    "Ngập nặng {p}, trẻ con không đi học được, cống không thoát kịp.",
    "Đường ngập lút bánh xe {p}, mong cho người tới điều tiết giao thông.",
)
_BEGIN = datetime(2026, 10, 12, 10, tzinfo=UTC)


def rows(count: int, seed: int = 1) -> Iterator[dict[str, Any]]:
    """`count` reports of the flood, evenly over one hour."""
    dice = random.Random(seed)
    made: list[dict[str, Any]] = []
    for number in range(count):
        house = dice.randint(1, HOUSES)
        at_house = dice.random() < 0.7
        place = f"trước nhà {house} {STREET}" if at_house else f"trên đường {STREET}"
        spot = (10.79 + house * 4e-5 + dice.gauss(0, 1e-4), 106.71 + dice.gauss(0, 1e-4))
        row = {
            "body": dice.choice(_TOLD).format(p=place), "ward": WARD, "category": "thoat_nuoc",
            "channel": dice.choice(("1022", "zalo", "app")),
            "lat": spot[0] if dice.random() < 0.5 else None, "lng": spot[1],
        }  # fmt: skip
        if made and dice.random() < 0.2:
            row = dict(dice.choice(made[-200:]))
        elif len(made) < 2000:
            made.append(row)
        at = _BEGIN + timedelta(hours=1) * number / count
        yield {**row, "id": f"f{number}", "received_at": at.isoformat()}


def measure(count: int) -> Iterator[tuple[str, list[Figure]]]:
    answers, marks = [], []
    for answer in cluster(json.dumps(row) for row in rows(count)):
        assert isinstance(answer, Clustered), answer
        answers.append(answer)
        if len(answers) % (count // 5) == 0:
            marks.append(time.process_time())
    sizes = Counter(answer.case for answer in answers)
    opened = [answer for answer in answers if answer.case == answer.id][1:]
    asks = sum(answer.judgement is Judgement.UNSURE for answer in opened)
    fifths = [after - before for before, after in pairwise(marks)]
    yield (
        f"one flood, {count:,} reports in an hour",
        [
            at_most("reports of the largest case", max(sizes.values()), DEFAULT.thresholds.cap),
            at_most("CPU of the last fifth against the second", fifths[-1] / fifths[0], 1.2, "x"),
            at_least("cases that ask about another", asks / len(opened), 0.99),
            told("cases", len(sizes), note=f"{_singles(sizes)} of one report"),
            told("reports a CPU second at the end", count / 5 / fifths[-1]),
        ],
    )


def _singles(sizes: Counter[str]) -> int:
    return sum(size == 1 for size in sizes.values())
