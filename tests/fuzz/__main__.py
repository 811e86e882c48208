"""Mutated payloads over every parser; nothing but values and the product's own errors may come of it.

    make fuzz                                            a million payloads, shared out over all targets
    make fuzz ARGS="--count 50000"                       fewer
    python -m tests.fuzz --target "tables" --count 9999  one target
    python -m tests.fuzz --target "tables" --seed 17     one payload again, with its traceback

Exit code 1 where there are findings: anything else raised, more than two processor seconds, or more than
200 MB for one payload.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.fuzz.running import Tally, case_of, run
from tests.fuzz.targets import shared_out, targets

_PART = 2_500


def part(name: str, first: int, count: int) -> tuple[str, Tally]:
    """Some cases of one target."""
    return name, run(targets()[name], range(first, first + count))


def _parts(counts: dict[str, int], first: int) -> Iterator[tuple[str, int, int]]:
    """In turns, so that what was done so far says something about every target."""
    done = dict.fromkeys(counts, 0)
    while any(done[name] < counts[name] for name in counts):
        for name, count in counts.items():
            size = min(max(200, min(_PART, count // 8)), count - done[name])
            if size:
                yield name, first + done[name], size
                done[name] += size


def main() -> int:
    options = _options()
    if options.seed is not None:
        return _once(options.target, options.seed, options.save)
    counts = {options.target: options.count} if options.target else shared_out(options.count)
    os.nice(5)
    tallies = {name: Tally() for name in counts}
    started, told = time.monotonic(), 0
    with ProcessPoolExecutor(options.processes) as pool:
        waiting = [pool.submit(part, *one) for one in _parts(counts, options.first)]
        for one in waiting:
            name, found = one.result()
            tallies[name] += found
            for finding in found.findings[:5]:
                print(finding, flush=True)
            payloads = sum(tally.payloads for tally in tallies.values())
            if payloads >= told + 50_000:
                told = payloads
                print(f"{payloads:>9,} payloads, {time.monotonic() - started:,.0f} s", flush=True)
    print(table(tallies))
    return 1 if any(tally.findings for tally in tallies.values()) else 0


def _once(name: str, seed: int, save: str | None) -> int:
    """One payload, and whatever it does."""
    target = targets()[name]
    case = case_of(target, target.set_up(), seed)
    if save:
        Path(save).write_bytes(case.payload.content)
    print(f"{len(case.payload.content)} bytes, {case.payload.content_type!r}: {case.payload.content[:400]!r}")
    started = time.process_time()
    try:
        print(f"value: {case.call()!r:.300}")
    finally:
        print(f"{time.process_time() - started:.3f} s")
    return 0


def table(tallies: dict[str, Tally]) -> str:
    """What became of the payloads, a line a target."""
    whole = sum(tallies.values(), Tally())
    heads = ("payloads", "values", "errors", "findings", "a second", "slowest")
    lines = [f"{'target':<28}" + "".join(f"{head:>10}" for head in heads) + "   errors by class"]
    for name, one in {**tallies, "all": whole}.items():
        rate = one.payloads / one.seconds if one.seconds else 0.0
        classes = ", ".join(f"{kind} {count:,}" for kind, count in one.errors.most_common())
        lines.append(
            f"{name:<28}{one.payloads:>10,}{one.values:>10,}{one.errors.total():>10,}{len(one.findings):>10,}{rate:>10,.0f}"
            f"{one.slowest * 1000:>7,.0f} ms   {classes}"
        )
    return "\n".join(lines)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make fuzz", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=1_000_000, help="payloads in all")
    parser.add_argument(
        "--first", type=int, default=0, help="the first seed, for payloads that were not tried before"
    )
    parser.add_argument("--target", help="one target alone")
    parser.add_argument("--seed", type=int, help="one payload of --target again")
    parser.add_argument("--save", help="with --seed: a file for the payload")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
