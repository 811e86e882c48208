"""A city's file of four years through `motmoi import`: the real command, then its path from inside.

The file is the public one of Chicago's sanitation requests where it lies beside the project, else an
invented one of the same shape and length.
"""

from __future__ import annotations

import csv
import gc
import gzip
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

from aggregator import bootstrap
from aggregator.cli import GC_AFTER
from aggregator.cli.opening import upgrade
from aggregator.domain.runs import Counts
from aggregator.settings import Settings
from tests.benchmarks.city import CACHE, ROOT
from tests.benchmarks.table import Figure, at_least, at_most, told

DATA = ROOT.parent / "shared" / "data"
REAL = (DATA / "chicago311_sanitation_2011_2014.csv.gz", DATA / "chicago311.mapping.toml")
ROWS = 74_217
#: Rows a CPU second; MB; rate at the end against the rate at the start.
RATE, MEMORY, FLAT = 1500, 250, 0.8
WINDOW = 10_000

MAPPING = """
[columns]
external_id = "sr"
received_at = "created"
subject     = "nature"
category    = "nature"
address     = "address"
lat         = "lat"
lng         = "lon"

[formats]
timezone = "America/Chicago"

[defaults]
ward = "27142"
"""


def measure(rounds: int) -> Iterator[tuple[str, list[Figure]]]:
    file, mapping = REAL if all(path.exists() for path in REAL) else _invented()
    note = "" if file == REAL[0] else ", invented file"
    runs = [_command(file, mapping) for _ in range(max(1, rounds // 2))]
    rows = runs[0][0]
    rate = statistics.median(count / cpu for count, cpu, _ in runs)
    marks = _inside(file, mapping)
    yield (
        f"`motmoi import` of {rows:,} rows{note}",
        [
            at_least("rows a CPU second, the whole command", rate, RATE),
            at_most("peak memory", max(peak for _, _, peak in runs), MEMORY, "MB"),
            at_least("last 10,000 rows against the first", _late(marks) / _early(marks), FLAT, "x"),
            told("rows a CPU second at the end", _late(marks)),
        ],
    )


def _command(file: Path, mapping: Path) -> tuple[int, float, float]:
    """(rows, CPU seconds, MB) of the command as a person starts it, on a fresh folder."""
    with tempfile.TemporaryDirectory(prefix="motmoi-bench-") as folder:
        command = [Path(sys.executable).with_name("motmoi"), "import", file, "--channel", "city"]
        settings = {"MOTMOI_DATABASE_URL": f"sqlite:///{folder}/motmoi.db", "MOTMOI_DATA_DIR": folder}
        child = subprocess.Popen(
            [*command, "--mapping", mapping, "--json", "--quiet"],
            env={**os.environ, **settings}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert child.stdout is not None
        counts = json.loads(child.stdout.read())
        child.stdout.close()
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        assert child.returncode == 0, f"motmoi import ended with {child.returncode}"
    return counts["seen"], used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def _inside(file: Path, mapping: Path) -> list[tuple[int, float]]:
    """(rows so far, CPU seconds so far) after each batch, over the same path in this process."""
    marks: list[tuple[int, float]] = []

    def tell(counts: Counts) -> None:
        marks.append((counts.seen, time.process_time()))

    with tempfile.TemporaryDirectory(prefix="motmoi-bench-") as folder:
        settings = Settings(f"sqlite:///{folder}/motmoi.db", Path(folder))
        upgrade(settings)
        gc.set_threshold(GC_AFTER)  # as the command does
        with closing(bootstrap.build(settings)) as product:
            product.importing.run(file, "city", tomllib.loads(mapping.read_text()), tell=tell)
    return marks


def _early(marks: list[tuple[int, float]]) -> float:
    """From the end of the first batch, which also opens the file and fills the caches."""
    end = next(mark for mark in marks if mark[0] >= marks[0][0] + WINDOW)
    return _rate(marks[0], end)


def _late(marks: list[tuple[int, float]]) -> float:
    start = next(mark for mark in marks if mark[0] >= marks[-1][0] - WINDOW)
    return _rate(start, marks[-1])


def _rate(start: tuple[int, float], end: tuple[int, float]) -> float:
    return (end[0] - start[0]) / (end[1] - start[1])


# A file of the same shape -------------------------------------------------------------------------

_NATURES = ("Garbage in alley", "Garbage in yard", "Overflowing carts", "Dumpster not emptied", "Other")
_STREETS = tuple(f"{side} {name} {kind}" for side in "NSEW" for kind in ("AVE", "ST") for name in (
    "KIMBALL", "SAWYER", "PULASKI", "KEDZIE", "ASHLAND", "HALSTED", "DAMEN", "CICERO", "LARAMIE", "WESTERN",
))  # fmt: skip


def _invented() -> tuple[Path, Path]:
    CACHE.mkdir(parents=True, exist_ok=True)
    file, mapping = CACHE / "invented.csv.gz", CACHE / "invented.mapping.toml"
    mapping.write_text(MAPPING)
    dice = random.Random(2011)
    with gzip.open(file, "wt", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(
            ("sr", "created", "completed", "status", "nature", "address", "zip", "ward", "lat", "lon")
        )
        for number in range(ROWS):
            day = date(2011, 1, 1) + timedelta(days=1400 * number // ROWS)
            place = f"{dice.randrange(100, 9000)} {dice.choice(_STREETS)}"
            at = f"{41.65 + dice.random() * 0.37:.6f}", f"{-87.85 + dice.random() * 0.3:.6f}"
            closed = day + timedelta(days=dice.randrange(1, 9))
            nature = dice.choice(_NATURES)
            rows.writerow(
                (f"11-{number:08}", day, closed, "Completed", nature, place, "60618.0", "35.0", *at)
            )
    return file, mapping
