"""Cases of one target run, timed, and counted; what is not allowed is a finding that one command plays again.

A case of a target is told by its number alone. What may surprise: only processor time counts, and a case
that does not return is stopped by the processor's own alarm, which Python cannot swallow.
"""

from __future__ import annotations

import logging
import resource
import signal
import time
import traceback
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from aggregator.errors import AggregatorError
from tests.fuzz.targets import Case, Target

#: Processor seconds and bytes that one payload may cost.
SECONDS, MEMORY = 2.0, 200_000_000
_STOPPED_AFTER = 10.0


class Stuck(BaseException):
    """A payload that the parser would not come back from."""


@dataclass(frozen=True)
class Finding:
    """One payload that a parser did not bear."""

    target: str
    seed: int
    what: str
    where: str = ""

    def __str__(self) -> str:
        again = f'python -m tests.fuzz --target "{self.target}" --seed {self.seed}'
        return f"{self.target}, seed {self.seed}: {self.what}{self.where}\n    {again}"


@dataclass
class Tally:
    """What became of the payloads of one target."""

    payloads: int = 0
    values: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    seconds: float = 0.0
    slowest: float = 0.0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.payloads + other.payloads, self.values + other.values, self.errors + other.errors,
            self.findings + other.findings, self.seconds + other.seconds, max(self.slowest, other.slowest),
        )  # fmt: skip


def case_of(target: Target, made: Any, seed: int) -> Case:
    """The case of this number."""
    case: Case = made(Random(f"{target.name} {seed}"))
    return case


def run(target: Target, seeds: Iterable[int]) -> Tally:
    """These cases of a target."""
    logging.disable(logging.CRITICAL)
    made, tally = target.set_up(), Tally()
    begun = time.process_time()
    ground = _now_in_use()
    signal.signal(signal.SIGPROF, _stuck)
    for seed in seeds:
        case = case_of(target, made, seed)
        peak = _peak()
        started = time.process_time()
        what = where = ""
        signal.setitimer(signal.ITIMER_PROF, _STOPPED_AFTER)
        try:
            case.call()
            tally.values += 1
        except AggregatorError as error:
            tally.errors[type(error).__name__] += 1
        except Stuck:
            what = f"not back after {_STOPPED_AFTER:.0f} s"
        except Exception as error:  # noqa: BLE001 (this is what is looked for)
            what, where = f"{type(error).__name__}: {str(error)[:160]}", _place(error)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        took, fat = time.process_time() - started, _peak()
        if not what and took > SECONDS:
            what = f"{took:.1f} s"
        if not what and fat > peak and fat - ground > MEMORY:
            what, ground = f"{(fat - ground) / 1e6:,.0f} MB", fat
        if what:
            tally.findings.append(Finding(target.name, seed, what, where))
        tally.payloads += 1
        tally.slowest = max(tally.slowest, took)
    tally.seconds = time.process_time() - begun
    return tally


def _stuck(_number: int, _frame: Any) -> None:
    raise Stuck


def _place(error: BaseException) -> str:
    frames = [one for one in traceback.extract_tb(error.__traceback__) if "/tests/fuzz/" not in one.filename]
    ours = [one for one in frames if "/aggregator/" in one.filename or "/connectors/" in one.filename]
    last = (ours or frames)[-1:] or traceback.extract_tb(error.__traceback__)[-1:]
    return "".join(f" ({'/'.join(one.filename.split('/')[-3:])}:{one.lineno})" for one in last)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _now_in_use() -> int:
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * resource.getpagesize()
