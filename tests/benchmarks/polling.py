"""What it costs to read a paged JSON portal: through the whole intake, into the archive alone, and elsewhere.

    python -m tests.benchmarks.polling                        100,000 records
    python -m tests.benchmarks.polling --count 1000000        a quarter of an hour

    portal (a process) | our worker, whole path | our worker, archive alone | Singer tap and target | dlt

All read the same portal into SQLite, each in processes of its own; CPU seconds of those processes, the
portal's left out. What may surprise: the whole path does what the others do not do at all (matching, cases,
deadlines, the ledger, sealing); the archive alone is what compares with a loader. Growth is the cost of a
record with everything behind it against that of the second ten thousand.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks import poll_worker, stored
from tests.benchmarks.paged_server import CIRCLE
from tests.benchmarks.table import Figure, at_least, at_most, lines, told

COUNT = 100_000
#: Records a CPU second; growth; MB.
WHOLE, ARCHIVE, GROWTH, MEMORY = 2_500, 10_000, 1.2, 150
WINDOW = 10_000
#: Behind the newest report of the stream.
NOW = "2026-06-30T00:00:00+00:00"

#: (records so far, CPU seconds so far, resident MB)
Mark = tuple[int, float, float]


def measure(count: int) -> Iterator[tuple[str, list[Figure]]]:
    with _portal(count) as address:
        whole, archive = (_worker(address, way) for way in ("full", "archive"))
        yield f"{count:,} records of a paged JSON portal", _figures(whole, archive)
        yield (
            "Beside others, records a CPU second",
            list(_peers(address, _rate(whole), _rate(archive), count)),
        )


def _figures(whole: list[Mark], archive: list[Mark]) -> list[Figure]:
    early, late = _window(whole, WINDOW), _window(whole, whole[-1][0])
    return [
        at_least("whole path, records a CPU second", _rate(whole), WHOLE),
        at_most(f"a record at {whole[-1][0]:,} against one at {2 * WINDOW:,}", late / early, GROWTH, "x"),
        at_most("whole path, peak memory", max(mark[2] for mark in whole), MEMORY, "MB"),
        told("  of it after 10,000 records", next(mark[2] for mark in whole if mark[0] >= WINDOW), "MB"),
        at_least("into the archive alone, records a CPU second", _rate(archive), ARCHIVE),
        at_most("into the archive alone, peak memory", max(mark[2] for mark in archive), MEMORY, "MB"),
    ]


def _rate(marks: list[Mark]) -> float:
    """From the end of the first batch, which also fills the caches."""
    first, last = marks[1], marks[-1]
    return (last[0] - first[0]) / (last[1] - first[1])


def _window(marks: list[Mark], behind: int) -> float:
    """CPU seconds a record over the ten thousand that end at `behind` (the second ten thousand at least)."""
    end = next((mark for mark in marks if mark[0] >= max(behind, 2 * WINDOW)), marks[-1])
    start = next(mark for mark in marks if mark[0] >= end[0] - WINDOW)
    return (end[1] - start[1]) / max(1, end[0] - start[0])


@contextmanager
def _portal(count: int) -> Iterator[str]:
    command = [sys.executable, "-m", "tests.benchmarks.paged_server", "--count", str(count)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


def _worker(address: str, way: str) -> list[Mark]:
    codes = [
        str(stored._FIRST_WARD + 100 * place + 3 * number)
        for place in range(CIRCLE)
        for number in range(stored.WARDS_A_PART)
    ]
    with tempfile.TemporaryDirectory(prefix="motmoi-bench-") as folder:
        poll_worker.prepare(Path(folder), address, codes)
        command = [sys.executable, "-m", "tests.benchmarks.poll_worker", folder, way, NOW]
        out = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout
    return [tuple(json.loads(line)) for line in out.splitlines()]


# Others ------------------------------------------------------------------------------------------


def _peers(address: str, whole: float, archive: float, count: int) -> Iterator[Figure]:
    yield told("Một Mối, whole path", whole)
    yield told("Một Mối, into the archive alone", archive)
    for needs, run in (("dlt", _dlt), ("singer_sdk", _singer)):
        if importlib.util.find_spec(needs) is None:
            yield told(f"{needs}: not installed (make peers)", 0)
            continue
        with tempfile.TemporaryDirectory(prefix="motmoi-bench-") as folder:
            rate = count / run(address, Path(folder))
        yield told(needs, rate)
        yield told(f"  whole path against {needs}", whole / rate, "x")
        yield at_least(f"  archive alone against {needs}", archive / rate, 1.0, "x")


def _dlt(address: str, folder: Path) -> float:
    return _cpu_of([[sys.executable, "-m", "tests.benchmarks.reading_dlt", address, str(folder)]])


def _singer(address: str, folder: Path) -> float:
    module = [sys.executable, "-m", "tests.benchmarks.reading_singer"]
    return _cpu_of([[*module, "tap", address], [*module, "target", str(folder / "singer.db")]])


def _cpu_of(commands: Sequence[Sequence[str]]) -> float:
    """CPU seconds of a pipeline of processes."""
    processes: list[subprocess.Popen[bytes]] = []
    source = None
    for number, command in enumerate(commands):
        last = number == len(commands) - 1
        process = subprocess.Popen(
            command, stdin=source, stdout=subprocess.DEVNULL if last else subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        if source is not None:
            source.close()
        source = process.stdout
        processes.append(process)
    spent = 0.0
    for process in processes:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, f"{process.args} ended with {process.returncode}"
        spent += used.ru_utime + used.ru_stime
    return spent


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=COUNT, help=f"records at the portal ({COUNT:,})")
    missed = []
    for title, figures in measure(parser.parse_args().count):
        print("\n".join(lines(title, figures)), flush=True)
        missed += [figure for figure in figures if not figure.ok]
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
