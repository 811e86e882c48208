"""What else could find reports of one problem, measured on the same streams as our rule.

    peer(stream) -> for each report the five nearest earlier ones, with their likeness

All of them read `text_key`: folded, shorthand written out, the address among the words, so that none
loses by an accent. They compare within the ward (and with reports that name none); a stream is as long
as the window. Whatever learns from texts alone (TF-IDF, splink) learns from the very stream that it is
measured on, which flatters it. The threshold for joining is each one's best on the builders' half.
What may surprise: splink gets what our own reader finds in a report (house, street, closing time); it
works on a whole file at once, and could not answer for one arriving report.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from typing import Any

from aggregator.domain.text import text_key
from aggregator.services.clustering import traits_of
from tests.benchmarks import scores
from tests.benchmarks.scores import Hits
from tests.benchmarks.streams import Report

NEAREST = 5
_Stream = Sequence[Report]


@dataclass(frozen=True, slots=True)
class Peer:
    """One way. `most`: the longest stream that it gets through in minutes."""

    name: str
    look: Callable[[_Stream], Hits]
    needs: tuple[str, ...] = ()
    most: int = 10_000

    @property
    def missing(self) -> list[str]:
        """Packages that are not installed."""
        return [name for name in self.needs if find_spec(name) is None]


COLUMNS = ("recall@1", "recall@5", "pair F1", "B-cubed F1", "recall at .99", "reports a CPU s")


def row(made: _Stream, hits: Hits, cases: Sequence[object], seconds: float) -> tuple[float, ...]:
    """The figures of `COLUMNS` for one way on one stream."""
    truth = [one.truth for one in made]
    return (
        scores.recall_at(made, hits, 1), scores.recall_at(made, hits, NEAREST),
        scores.pair_f1(truth, cases), scores.b_cubed_f1(truth, cases),
        scores.recall_at_precision(made, hits, 0.99), len(made) / seconds,
    )  # fmt: skip


def tuned(peer: Peer, made: _Stream) -> float:
    """The threshold for joining that is best on this stream."""
    return scores.best_threshold(made, peer.look(made))


def measured(peer: Peer, threshold: float, made: _Stream) -> tuple[float, ...]:
    """The peer's row on `made`, joining at a threshold that was found elsewhere."""
    started = time.process_time()
    hits = peer.look(made)
    seconds = time.process_time() - started
    return row(made, hits, scores.joined_at(hits, threshold), seconds)


# The texts, and who is compared with whom ----------------------------------------------------------


def _texts(made: _Stream) -> list[str]:
    parts = ("subject", "body", "address")
    return [text_key(*(one.row.get(part) or "" for part in parts)) for one in made]


def _blocks(made: _Stream, rows_at_once: int) -> Iterator[tuple[list[int], list[int]]]:
    """(some reports, all that they are compared with): the ward's and those of no ward, in time order."""
    wards: defaultdict[str | None, list[int]] = defaultdict(list)
    for at, one in enumerate(made):
        wards[one.row.get("ward")].append(at)
    nowhere = wards[None]
    for ward, members in wards.items():
        others = list(range(len(made))) if ward is None else sorted(members + nowhere)
        for start in range(0, len(members), rows_at_once):
            rows = members[start : start + rows_at_once]
            yield rows, [at for at in others if at < rows[-1]]


def _nearest(hits: Hits, rows: list[int], columns: list[int], likeness: Any) -> None:
    """Keep the best earlier reports of each row; of equals the newest."""
    import numpy as np

    if not columns:
        return
    those = np.asarray(columns)
    likeness = np.where(those[None, :] < np.asarray(rows)[:, None], likeness, 0.0)
    newest_first = likeness + those[None, :] * 1e-9
    top = min(NEAREST, len(columns))
    chosen = np.argpartition(-newest_first, top - 1, axis=1)[:, :top]
    for line, (at, places) in enumerate(zip(rows, chosen, strict=True)):
        order = sorted(places, key=lambda place: -newest_first[line, place])
        hits[at] = [
            (columns[place], float(likeness[line, place])) for place in order if likeness[line, place] > 0
        ]


# The ways ------------------------------------------------------------------------------------------


def exact_text(made: _Stream) -> Hits:
    """The newest report with the same folded text."""
    newest: dict[str, int] = {}
    hits: Hits = []
    for at, key in enumerate(_texts(made)):
        hits.append([(newest[key], 1.0)] if key in newest else [])
        newest[key] = at
    return hits


def brute_force(made: _Stream) -> Hits:
    """`token_set_ratio` against every report of the ward."""
    import numpy as np
    from rapidfuzz import fuzz, process

    texts, hits = _texts(made), _none(made)
    for rows, columns in _blocks(made, 200):
        found = process.cdist(
            [texts[at] for at in rows], [texts[at] for at in columns],
            scorer=fuzz.token_set_ratio, dtype=np.float32,
        )  # fmt: skip
        _nearest(hits, rows, columns, found.astype(np.float64) / 100)
    return hits


def tf_idf(made: _Stream, **weighing: Any) -> Hits:
    """The cosine of TF-IDF vectors, the best few of a sparse product."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    hits = _none(made)
    vectors = TfidfVectorizer(sublinear_tf=True, **weighing).fit_transform(_texts(made))
    for rows, columns in _blocks(made, 100):
        _nearest(hits, rows, columns, (vectors[rows] @ vectors[columns].T).toarray())
    return hits


def characters(made: _Stream) -> Hits:
    return tf_idf(made, analyzer="char", ngram_range=(3, 5))


def words(made: _Stream) -> Hits:
    return tf_idf(made, ngram_range=(1, 2), token_pattern=r"\S+")


def min_hash(made: _Stream) -> Hits:
    """Sets of four letters in a row, 128 permutations, buckets from a likeness of about .4 on."""
    from datasketch import MinHash, MinHashLSH

    index, known, hits = MinHashLSH(threshold=0.4, num_perm=128), [], []
    for at, text in enumerate(_texts(made)):
        own = MinHash(num_perm=128)
        own.update_batch({text[start : start + 4].encode() for start in range(max(1, len(text) - 3))})
        ward = made[at].row.get("ward")
        near = [
            (other, float(own.jaccard(known[other])))
            for other in index.query(own)
            if not ward or made[other].row.get("ward") in (ward, None)
        ]
        hits.append(sorted(near, key=lambda pair: (-pair[1], -pair[0]))[:NEAREST])
        index.insert(at, own, check_duplication=False)
        known.append(own)
    return hits


def _none(made: _Stream) -> Hits:
    return [[] for _ in made]


# Probabilistic linkage -----------------------------------------------------------------------------


def splink_trained(made: _Stream) -> Hits:
    """splink's Fellegi-Sunter model on DuckDB, trained by expectation maximisation without labels."""
    import logging

    import pyarrow
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    logging.getLogger("splink").setLevel(logging.ERROR)
    blocking = [
        block_on("street", "house"), block_on("street", "ward"), block_on("cell"), block_on("phone"),
        block_on("text"), block_on("ward", "category"),
    ]  # fmt: skip
    settings = SettingsCreator(
        link_type="dedupe_only", comparisons=_comparisons(), retain_matching_columns=False,
        blocking_rules_to_generate_predictions=blocking,
    )  # fmt: skip
    table = DuckDBAPI().register(pyarrow.Table.from_pylist(_fields(made)))
    linker = Linker(table, settings, log_level=logging.ERROR)
    linker.training.estimate_probability_two_random_records_match([blocking[0]], recall=0.5)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    for rule in (blocking[0], blocking[2], blocking[5]):
        linker.training.estimate_parameters_using_expectation_maximisation(rule)
    found = linker.inference.predict(threshold_match_probability=1e-4).as_pyarrow_table().to_pydict()
    hits = _none(made)
    for one, other, score in zip(
        found["unique_id_l"], found["unique_id_r"], found["match_weight"], strict=True
    ):
        hits[max(one, other)].append((min(one, other), score))
    return [sorted(near, key=lambda pair: (-pair[1], -pair[0]))[:NEAREST] for near in hits]


def _fields(made: _Stream) -> list[dict[str, Any]]:
    found = []
    for at, one in enumerate(made):
        t = traits_of(one.row, at)
        closed = one.row.get("closed_at")
        found.append({
            "unique_id": at, "text": t.text, "street": t.street, "house": t.house, "ward": t.ward,
            "category": t.category, "phone": t.phone, "lat": t.lat, "lng": t.lng,
            "cell": f"{t.lat:.3f} {t.lng:.3f}" if t.lat and t.lng else None,
            "day": t.received_at.timestamp() / 86_400,
            "closed": datetime.fromisoformat(closed).timestamp() / 86_400 if closed else 1e9,
        })  # fmt: skip
    return found


def _comparisons() -> list[Any]:
    from splink import comparison_library as library

    return [
        library.JaccardAtThresholds("text", [0.95, 0.9, 0.8]),
        library.CustomComparison(
            [
                _level("street_l IS NULL OR street_r IS NULL", null=True),
                _level("street_l = street_r AND house_l = house_r"),
                _level("street_l = street_r AND (house_l IS NULL OR house_r IS NULL)"),
                _level("street_l = street_r"),
                _level("ELSE"),
            ],
            output_column_name="place",
        ),
        library.DistanceInKMAtThresholds("lat", "lng", [0.03, 0.1, 0.25]),
        library.ExactMatch("category"),
        library.ExactMatch("ward"),
        library.ExactMatch("phone"),
        library.CustomComparison(
            [
                _level("least(closed_l, closed_r) <= greatest(day_l, day_r)"),
                *(_level(f"abs(day_l - day_r) <= {days}") for days in (1, 3, 7, 14)),
                _level("ELSE"),
            ],
            output_column_name="time",
        ),
    ]


def _level(condition: str, *, null: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = {"sql_condition": condition, "label_for_charts": condition}
    return {**found, "is_null_level": True} if null else found


PEERS = (
    Peer("exact folded text", exact_text, most=1_000_000),
    Peer("brute force, token_set_ratio", brute_force, needs=("numpy",)),
    Peer("char 3-5 TF-IDF", characters, needs=("sklearn",)),
    Peer("word 1-2 TF-IDF", words, needs=("sklearn",), most=100_000),
    Peer("MinHash LSH (datasketch)", min_hash, needs=("datasketch",), most=100_000),
    Peer("splink 5, trained, whole file", splink_trained, needs=("splink", "duckdb", "pyarrow")),
)
