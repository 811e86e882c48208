"""Drifts through the product's own path: portal -> connector -> polling, intake and the watch over drift.

    python -m tests.drifts.polling [--count 200] [--seed 0] [--named PATTERN] [CONNECTOR ...]

A channel lives with its simulated portal for some polls, so that the product knows how it looks. Then six
reports come, and the same next poll is made again and again from a copy of that moment: once untouched,
then under each drift. What a drift leads to is one of

    all came         every report is stored
    poorer           every report is stored, some with fields missing
    quarantined      what is missing is in quarantine
    error            the poll failed and says why; nothing moved on
    held             the page did not look like its channel: kept whole, shown to a person
    SILENT           fewer reports than the portal has, and not a word

Exit 1 where anything was silent.
"""

from __future__ import annotations

import argparse
import logging
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from aggregator import bootstrap
from aggregator.sdk.conformance.drifting import pages_of
from aggregator.sdk.conformance.drifts import drifts_of
from aggregator.sdk.conformance.harness import Channel, Subject
from aggregator.sdk.conformance.stages import Stage
from aggregator.sdk.discovery import Found, discover
from aggregator.services import starting_set
from aggregator.services.polling import RunResult
from aggregator.settings import Settings
from aggregator.storage.migrate import upgrade
from aggregator.storage.report_tables import reports

OUTCOMES = ("all came", "poorer", "quarantined", "error", "held", "SILENT")
#: Portals that wear another face: what goes over their SCENARIO, by the face's name.
FACES: dict[str, dict[str, dict[str, Any]]] = {
    "district_html": {"cards": {"face": "cards"}},
    "open311": {"xml": {"config": {"format": "xml"}}},
}
FIRST, A_DAY, DAYS, LAST = 24, 4, 6, 6


@dataclass(frozen=True)
class Tried:
    """One drift and what it led to."""

    name: str
    outcome: str
    why: str = ""


class Installation:
    """The product on a database file in a folder, with one channel."""

    def __init__(self, folder: Path, stage: Stage) -> None:
        self.folder, self.stage = folder, stage
        url = f"sqlite:///{folder / 'motmoi.db'}"
        if not (folder / "motmoi.db").exists():
            upgrade(url)
        self.app = bootstrap.build(Settings(database_url=url, data_dir=folder, undo_s=0), lambda: stage.now)

    def set_up(self, kind: str) -> None:
        """The ward and the channel."""
        self.app.accounts.ensure_ward("27142", "Phường Nhiêu Lộc")
        starting_set.seed(self.app.db, self.stage.now)
        self.app.channels.add(
            {
                "slug": "kenh", "kind": kind, "title": "Kênh", "ward": "27142", "config": self.stage.config,
                "secrets": self.stage.secrets, "options": {"allow_private": True, "min_gap_s": 0},
            }
        )  # fmt: skip

    def poll(self) -> RunResult:
        return self.app.polling.poll("kenh")

    def stored(self) -> dict[str, str]:
        """External id -> hash of its newest content."""
        with self.app.db.read() as tx:
            rows = tx.execute(select(reports.c.external_id, reports.c.revision_hash))
            return {row.external_id: str(row.revision_hash) for row in rows}

    def copied(self, to: Path) -> Installation:
        """The same moment once more."""
        shutil.copytree(self.folder, to)
        return Installation(to, self.stage)

    def close(self) -> None:
        self.app.close()


def tried(kind: str, count: int, seed: int = 0, named: str = "", face: str = "") -> Iterator[Tried]:
    """Those of `count` drifts of this connector (and face) whose name has the pattern in it."""
    subject = Subject.of(kind, FACES[kind][face] if face else None)
    invented = [subject.scenario.a_report(n) for n in range(1, FIRST + A_DAY * DAYS + LAST + 1)]
    stage = subject.scenario.open(invented[:FIRST])
    with tempfile.TemporaryDirectory(prefix="motmoi-drifts-") as holder:
        try:
            lived = Installation(_folder(holder, "lived"), stage)
            lived.set_up(kind)
            lived.poll()
            for day in range(DAYS):
                stage.now += timedelta(minutes=30)
                stage.put(invented[FIRST + A_DAY * day :][:A_DAY])
                lived.poll()
            drifts = drifts_of(pages_of(Channel(subject.connector, stage)), count, seed)
            before = lived.stored()
            lived.close()
            stage.now += timedelta(minutes=30)
            stage.put(invented[-LAST:])
            healthy = lived.copied(Path(holder, "healthy"))
            healthy.poll()
            wanted = healthy.stored()
            healthy.close()
            assert len(wanted) == len(before) + LAST, "the untouched poll must bring what came"
            for number, drift in enumerate(one for one in drifts if re.search(named, one.name)):
                here = lived.copied(Path(holder, str(number)))
                stage.rewrite(drift.rewrite)
                result = here.poll()
                stage.mend()
                yield Tried(drift.name, *_judged(result, here.stored(), before, wanted))
                here.close()
                shutil.rmtree(here.folder)
        finally:
            stage.close()


def _folder(holder: str, name: str) -> Path:
    made = Path(holder, name)
    made.mkdir()
    return made


def _judged(
    result: RunResult, stored: dict[str, str], before: dict[str, str], wanted: dict[str, str]
) -> tuple[str, str]:
    if result.outcome != "ok":
        return ("held" if result.error_code == "drift_suspected" else "error"), result.error or ""
    missing = wanted.keys() - stored.keys()
    if result.counts.quarantined and result.counts.quarantined >= len(missing):
        return "quarantined", f"{result.counts.quarantined} in quarantine"
    if missing:
        return "SILENT", f"{len(missing)} of {len(wanted) - len(before)} reports are missing"
    return ("all came" if stored == wanted else "poorer"), ""


def main() -> int:
    """Print the table; 1 where anything was silent."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    asked.add_argument("connectors", nargs="*")
    asked.add_argument("--count", type=int, default=200)
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--named", default="", help="only drifts whose name fits this pattern")
    asked.add_argument("--show", nargs="*", default=["SILENT"], choices=OUTCOMES, help="outcomes to list")
    given = asked.parse_args()
    logging.disable(logging.CRITICAL)
    print(f"{'connector':20}" + "".join(f"{word:>12}" for word in OUTCOMES) + f"{'CPU s':>9}")
    silent = 0
    chosen = given.connectors or sorted(k for k, found in discover().items() if _can_be_tried(found))
    for kind, face in [(one, face) for one in chosen for face in ("", *FACES.get(one, ()))]:
        began, counts, shown = time.process_time(), Counter[str](), []
        for one in tried(kind, given.count, given.seed, given.named, face):
            counts[one.outcome] += 1
            if one.outcome in given.show:
                shown.append(f"    {one.outcome}: {one.name}: {one.why}")
        silent += counts["SILENT"]
        figures = "".join(f"{counts[word]:12}" for word in OUTCOMES)
        name, seconds = f"{kind} {face}", time.process_time() - began
        print(f"{name:20}{figures}{seconds:9.1f}", *shown, sep="\n", flush=True)
    print(f"\nsilent empty or short polls: {silent}")
    return 1 if silent else 0


def _can_be_tried(found: Found) -> bool:
    manifest = found.manifest
    can_poll = manifest is not None and manifest.capabilities.poll != "none"
    return can_poll and (hasattr(found.sandbox(), "build") or hasattr(found.sandbox(), "write"))


if __name__ == "__main__":
    sys.exit(main())
