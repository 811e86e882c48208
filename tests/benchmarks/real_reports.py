"""What real people decided, and real texts: data that lies beside the project, never in it.

Chicago's own staff closed requests of 2011 to 2014 as duplicates; their word is the truth here. The
Vietnamese texts were published by cities; each is copied with nothing but one house number changed.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from aggregator.domain.matching import Judgement
from aggregator.services.clustering import Clustered, cluster
from tests.benchmarks.import_file import DATA, REAL
from tests.benchmarks.table import Figure, at_least, at_most, told

TEXTS = DATA / "vn_real_complaints.tsv"


def measure() -> Iterator[tuple[str, list[Figure]]]:
    """Each subject with its figures; nothing where the data is not there."""
    if REAL[0].exists():
        yield "a real city, duplicates as its own staff closed them", chicago()
    if TEXTS.exists():
        yield "real Vietnamese texts, one house number changed", other_numbers()


def clustered(reports: Iterable[str]) -> list[Clustered]:
    """The rule's answers to lines of JSON, all of which it must be able to read."""
    answers = []
    for answer in cluster(reports):
        assert isinstance(answer, Clustered), answer
        answers.append(answer)
    return answers


def chicago() -> list[Figure]:
    """The years 2013 and 2014, with the two years before them as what is known: who is a duplicate?"""
    with gzip.open(REAL[0], "rt", newline="") as file:
        rows = list({row["sr"]: row for row in csv.DictReader(file)}.values())  # a few stand there twice
    # The hour is not given: noon, and the order of the file. When a request was closed counts from then on.
    truth = {row["sr"]: "Dup" in row["status"] for row in rows if row["created"] >= "2013"}
    answers = {one.id: one.judgement is Judgement.SAME for one in clustered(map(_as_line, rows))}
    hit = sum(answers[one] for one, duplicate in truth.items() if duplicate)
    predicted = sum(answers[one] for one in truth)
    return [
        at_least("F1", 2 * hit / (predicted + sum(truth.values())), 0.85),
        at_least("recall", hit / sum(truth.values()), 0.95),
        told("precision", hit / predicted),
    ]


def _as_line(row: dict[str, str]) -> str:
    created = datetime.fromisoformat(row["created"]).replace(hour=12, tzinfo=UTC)
    done = row["completed"][:10]
    closed = datetime.fromisoformat(done).replace(hour=18, tzinfo=UTC) if done and done != "NA" else None
    return json.dumps(
        {
            "id": row["sr"], "channel": "311", "received_at": created.isoformat(), "subject": row["nature"],
            "category": row["nature"], "address": row["address"], "ward": "27142",
            "lat": float(row["lat"]) if row["lat"] else None,
            "lng": float(row["lon"]) if row["lon"] else None,
            "closed_at": closed.isoformat() if closed else None,
        }
    )  # fmt: skip


# A number in front of a capitalised name: nearly always a house, an alley or a lamp post.
_HOUSE = re.compile(r"(?<![\d/-])(?<!gã )(\d+)(?=[A-Z]?(?:/\w+)? [A-ZĐÂÔ])")


def other_numbers() -> list[Figure]:
    """Each text, then an hour later its copy with two added to one number, with and without a spot."""
    with TEXTS.open(encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]
    joined = pairs = 0
    for text in texts:
        for match in _HOUSE.finditer(text):
            copy = f"{text[: match.start(1)]}{int(match[1]) + 2}{text[match.end(1) :]}"
            for spot in ({}, {"lat": 16.07, "lng": 108.15}):
                rows = [_told_at(hour, body, spot) for hour, body in enumerate((text, copy))]
                pairs += 1
                joined += clustered(rows)[1].judgement is Judgement.SAME
    return [at_most("copies joined", joined, 0, note=f"of {pairs}")]


def _told_at(hour: int, body: str, spot: dict[str, float]) -> str:
    at = datetime(2026, 4, 20, 8 + hour, tzinfo=UTC).isoformat()
    return json.dumps({"id": str(hour), "received_at": at, "body": body, "ward": "27142", **spot})
