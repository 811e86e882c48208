"""The matching rule against its goals and beside its peers: found, joined, kept apart, fast, in order.

    make bench-matching                              everything, 10,000 reports; about fifteen minutes
    make bench-matching ARGS="--streams held --counts 100000 --live 100000 1000000"
    make bench-matching ARGS="--streams builders"    the half on which the rule may be tuned
    make bench-matching ARGS="--no-peers"            our own figures only

`held` has other streets and wordings than the builders' half; `strangers` is by writers who never met
the rule. Figures are of whole time-ordered streams, never of sampled pairs. What an arriving report
costs in the database is measured by `tests.benchmarks.stored`. Exit code 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import chain, product

from aggregator.domain.matching import Judgement
from aggregator.services.clustering import Clustered
from tests.benchmarks import flood, order, peers, real_reports, scores, strangers, streams
from tests.benchmarks.live import growth
from tests.benchmarks.peers import PEERS
from tests.benchmarks.streams import BUILDERS, HELD, Report
from tests.benchmarks.table import Figure, at_least, at_most, lines, side_by_side

SEED = 2026
#: figure -> goal at 10,000 and at 100,000 reports
GOALS = {
    "recall@1": (0.95, 0.94),
    "recall@5": (0.97, 0.96),
    "pair F1": (0.90, 0.84),
    "B-cubed F1": (0.97, 0.95),
}
HARD = ("other_house", "other_problem", "other_ward", "after_closing")
_STREAMS: dict[str, Callable[[int], list[Report]]] = {
    "builders": lambda count: streams.stream(BUILDERS, count, SEED),
    "held": lambda count: streams.stream(HELD, count, SEED),
    "strangers": lambda count: strangers.reports(count, SEED),
}

_Table = Iterator[tuple[list[str], list[Figure]]]


def measure(options: argparse.Namespace) -> _Table:
    """Each subject, as it is told and as its figures are."""
    against = () if options.no_peers else PEERS
    for name, count in product(options.streams, options.counts):
        yield from _stream(name, count, against)
    subjects = [real_reports.measure()]
    if options.live:
        subjects.append(iter([("speed and memory", growth(HELD, options.live, SEED))]))
    if options.flood:
        subjects.append(flood.measure(options.flood))
    if options.order:
        subjects.append(order.measure(options.order))
    for title, figures in chain.from_iterable(subjects):
        yield lines(title, figures), figures


def _stream(name: str, count: int, against: Sequence[peers.Peer]) -> _Table:
    made = _STREAMS[name](count)
    started = time.process_time()
    answers = answered(made)
    seconds = time.process_time() - started
    figures = quality(made, answers)
    yield lines(f"{name}: {count:,} reports in time order", figures), figures
    if against:
        ours = peers.row(made, _hits(answers), [answer.case for answer in answers], seconds)
        rows = {"the rule of this project": ours, **{peer.name: _beside(made, peer) for peer in against}}
        yield side_by_side(f"{name}: the same {count:,} reports", peers.COLUMNS, rows), []


def _beside(made: list[Report], peer: peers.Peer) -> tuple[float, ...] | str:
    """The peer's row, or in words why it has none."""
    if peer.missing:
        return f"not run: {', '.join(peer.missing)} is not installed"
    if len(made) > peer.most:
        return f"not run: takes too long beyond {peer.most:,} reports"
    return peers.measured(peer, _threshold(peer, len(made)), made)


@cache
def _threshold(peer: peers.Peer, count: int) -> float:
    """The peer's best, on the half on which our own rule was tuned too."""
    return peers.tuned(peer, _STREAMS["builders"](count))


def answered(made: Sequence[Report]) -> list[Clustered]:
    """What the rule says of each report, in the order of the stream."""
    return real_reports.clustered(json.dumps(report.row) for report in made)


def _hits(answers: Sequence[Clustered]) -> scores.Hits:
    """The candidates as a peer gives them; what is joined comes before what is asked about, however sure."""
    place = {answer.id: at for at, answer in enumerate(answers)}
    return [
        [
            (place[name], score + (answer.judgement is Judgement.SAME and name == answer.best))
            for name, score in answer.candidates
        ]
        for answer in answers
    ]


def quality(made: list[Report], answers: Sequence[Clustered]) -> list[Figure]:
    """What was found and what was joined, against the truth."""
    goals = {name: goal[len(made) > 30_000] for name, goal in GOALS.items()}
    truth = {report.row["id"]: report.truth for report in made}
    repeats = scores.repeats(made)
    joined = [answer.judgement is Judgement.SAME for answer in answers]
    right = [
        bool(joins and answer.best and truth[answer.best] == truth[answer.id])
        for joins, answer in zip(joined, answers, strict=True)
    ]
    copies = [joins for joins, report in zip(joined, made, strict=True) if report.kind == "copy"]
    hard = [at for at, report in enumerate(made) if report.kind in HARD and not repeats[at]]
    wrongly = Counter(made[at].kind for at in hard if joined[at])
    true_cases, cases = [report.truth for report in made], [answer.case for answer in answers]
    hits = _hits(answers)
    return [
        at_least("recall@1", scores.recall_at(made, hits, 1), goals["recall@1"]),
        at_least("recall@5", scores.recall_at(made, hits, 5), goals["recall@5"]),
        at_least("join precision", sum(right) / max(1, sum(joined)), 0.995, note=f"{sum(joined)} joined"),
        at_least("join recall", sum(right) / sum(repeats), 0.65, note=f"{sum(repeats)} repeats"),
        at_least("verbatim copies joined", sum(copies) / len(copies), 0.98),
        at_least("pair F1", scores.pair_f1(true_cases, cases), goals["pair F1"]),
        at_least("B-cubed F1", scores.b_cubed_f1(true_cases, cases), goals["B-cubed F1"]),
        at_most(
            "hard negatives joined", sum(wrongly.values()) / len(hard), 0.001,
            note=f"of {len(hard)}: {dict(wrongly)}",
        ),
    ]  # fmt: skip


def main() -> int:
    missed: list[Figure] = []
    for told, figures in measure(_options()):
        print("\n".join(told), flush=True)
        missed += [figure for figure in figures if not figure.ok]
    print(
        f"{len(missed)} short of the goal: {', '.join(one.what for one in missed)}"
        if missed
        else "All as promised."
    )
    return 1 if missed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-matching", description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("--streams", nargs="*", choices=_STREAMS, default=["held", "strangers"], help="(held strangers)")
    add("--counts", type=int, nargs="*", default=[10_000], help="reports in a stream (10000)")
    add("--live", type=int, nargs="*", default=[10_000, 100_000], help="live reports (10000 100000)")
    add("--flood", type=int, default=10_000, help="reports of one flood (10000); 0 for none")
    add("--order", type=int, default=1_000, help="reports that four workers share out (1000); 0 for none")
    add("--no-peers", action="store_true", help="our own figures only")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
