"""What judging one more report costs where many are live: CPU time, the slowest, memory, growth.

The stream runs past sixty days, so that about as many reports are forgotten as come; the live ones are put
into the index with their true cases, because judging a million only to measure the next few thousand would
take minutes. What may surprise: the stream is written and then read in processes of their own, since
memory that a generator gave back would be taken for memory that the index does not need.
"""

from __future__ import annotations

import gc
import json
import math
import tempfile
import time
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from aggregator.services.clustering import traits_of
from aggregator.services.live_index import LiveCandidates
from aggregator.services.matching_index import Matcher
from tests.benchmarks import streams
from tests.benchmarks.table import Figure, at_least, at_most

_TIMED = 5_000
#: A stream thins out at its end, where only repeats come in: that part is not measured.
_TAIL = 1.08


class Cost(NamedTuple):
    """Reports a CPU second, the 99th percentile in seconds, bytes a live report."""

    rate: float
    p99: float
    held: float


def growth(half: int, live: Sequence[int], seed: int) -> list[Figure]:
    """The whole judgement, reading included, beside so many live reports."""
    costs = {count: cost(half, count, seed) for count in sorted(live)}
    figures = []
    for count, (rate, p99, held) in costs.items():
        figures += [
            at_least(f"reports a CPU second at {count:,} live", rate, 4000),
            at_most(f"p99 at {count:,} live", p99 * 1000, 2, "ms"),
            at_most(f"memory at {count:,} live", held / 1000, 1.5, "kB a report"),
        ]
    few, many = min(live), max(live)
    if many > few:
        exponent = math.log(costs[few].rate / costs[many].rate) / math.log(many / few)
        figures.append(at_most(f"growth exponent from {few:,} to {many:,}", exponent, 0.10))
    return figures


def cost(half: int, count: int, seed: int) -> Cost:
    """What the reports cost that come when `count` are live."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "stream.jsonl")
        _alone(_write, path, half, count, seed)
        return Cost(*_alone(_timed, path, count))


def _alone(task: Callable[..., Any], *given: Any) -> Any:
    """The task's answer, from a process of its own."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(task, given)


def _write(path: Path, half: int, count: int, seed: int) -> None:
    gc.disable()
    total = int((count + _TIMED) * _TAIL)
    made = streams.stream(half, total, seed, days=round(60 * total / count))
    with path.open("w") as file:
        file.writelines(json.dumps({**one.row, "truth": one.truth}) + "\n" for one in made)


def _timed(path: Path, count: int) -> Cost:
    gc.disable()  # as `motmoi match cluster` does
    before = psutil.Process().memory_info().rss
    index, first = LiveCandidates(), dict[int, int]()
    matcher = Matcher(index)
    times = []
    with path.open() as lines:
        for number in range(1, count + 1):
            row = json.loads(next(lines))
            t = traits_of(row, number)
            index.add(t, first.setdefault(row["truth"], number))
        index.near(t)  # forgets what is over by now
        del first
        for number in range(count + 1, count + _TIMED + 1):
            line = next(lines)
            started = time.process_time()
            _judge(matcher, line, number)
            times.append(time.process_time() - started)
    held = (psutil.Process().memory_info().rss - before) / len(index)
    times.sort()
    return Cost(len(times) / sum(times), times[len(times) * 99 // 100], held)


def _judge(matcher: Matcher, line: str, number: int) -> None:
    t = traits_of(json.loads(line), number)
    placement = matcher.place(t)
    matcher.settle(t, number if placement.case_id is None else placement.case_id)
    for _, verdict in placement.ranked[:1]:
        assert verdict.reasons
