"""`make bench`: what was promised, measured; one table a subject.

    make bench                         everything, some minutes (the first run fills the databases)
    make bench ARGS="--only lists"     one subject: import, lists, ticks, deadlines, holiday, ledger, start
    make bench ARGS="--large 1000000"  against a million cases

Exit code 1 where a figure misses its goal.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

from tests.benchmarks import deadlines, holiday, import_file, ledger, pages, start, ticks
from tests.benchmarks.table import Figure, lines

SUBJECTS = ("import", "lists", "ticks", "deadlines", "holiday", "ledger", "start")


def main() -> int:
    options = _options()
    missed: list[Figure] = []
    for title, figures in _measured(options):
        print("\n".join(lines(title, figures)), flush=True)
        missed += [figure for figure in figures if not figure.ok]
    print(
        f"{len(missed)} short of the goal: {', '.join(one.what for one in missed)}"
        if missed
        else "All as promised."
    )
    return 1 if missed else 0


def _measured(options: argparse.Namespace) -> Iterator[tuple[str, list[Figure]]]:
    only = options.only or SUBJECTS
    postgres = not options.no_postgres
    if "import" in only:
        yield from import_file.measure(options.rounds)
    if "lists" in only:
        yield from pages.measure(options.small, options.large, options.rounds, postgres=postgres)
    if "ticks" in only:
        yield from ticks.measure(options.small, options.large, options.rounds)
    if "deadlines" in only:
        engines = ("sqlite", "postgres") if postgres else ("sqlite",)
        yield from deadlines.measure(engines, (deadlines.FEW, max(options.large, 10 * deadlines.FEW)))
    if "holiday" in only:
        yield from holiday.measure(postgres=postgres)
    if "ledger" in only:
        yield from ledger.measure(options.rounds, postgres=postgres)
    if "start" in only:
        yield from start.measure()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", action="append", choices=SUBJECTS, help="one subject; may be repeated")
    parser.add_argument("--small", type=int, default=1_000, help="cases of the small side (1000)")
    parser.add_argument("--large", type=int, default=100_000, help="cases of the large side (100000)")
    parser.add_argument("--rounds", type=int, default=5, help="repeated runs of which the median counts (5)")
    parser.add_argument("--no-postgres", action="store_true", help="SQLite only")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
