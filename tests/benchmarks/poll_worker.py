"""One process that polls the paged portal, told what it cost: the whole path, or into the archive alone.

    python -m tests.benchmarks.poll_worker FOLDER {full,archive} NOW     JSON lines on stdout

A line a batch: records so far, CPU seconds so far, resident megabytes now. `full` is the production path:
claim, poll, parse, archive, match, case, ledger, commit. `archive` is its first half: poll, parse, the page
into the archive, the cursor with the lease's fence; what is matched later costs what matching costs.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import datetime
from pathlib import Path

import psutil

from aggregator import bootstrap
from aggregator.domain.runs import Counts
from aggregator.settings import Settings
from aggregator.storage import channel_queries
from aggregator.storage.bulk import insert_rows
from aggregator.storage.place_tables import wards

MANIFEST = """\
id: paged
version: "1.0"
api: 1
kind: json
title: {vi: Cổng mẫu, en: A paged portal}
description: {vi: Cổng mẫu để đo, en: A paged portal to measure with}
maintainer: Một Mối
status_map: {Chưa xử lý: new}
source:
  streams:
    - request: {path: /reports, params: {page: "{page}", size: "{size}"}}
      records: data
  pagination: {type: page, size: 500, max_pages: 100000, stop: {total: total}}
  map:
    external_id: id
    occurred_at: sent | date('iso')
    subject: title
    body: content
    category_raw: topic
    status_raw: state
    person: {phone: phone}
    location: {address: address, lat: lat, lng: lng, ward_code: ward}
"""
SLUG, WARD = "cong-mau", "27142"


def prepare(folder: Path, address: str, codes: Iterable[str]) -> None:
    """A fresh database with these wards and one channel, as an office has it before its worker starts."""
    from aggregator.cli.opening import upgrade

    connector = folder / "connectors" / "paged"
    connector.mkdir(parents=True)
    (connector / "connector.yaml").write_text(MANIFEST, "utf-8")
    upgrade(settings_of(folder))
    with closing(bootstrap.build(settings_of(folder))) as made:
        made.accounts.ensure_ward(WARD, "Phường Nhiêu Lộc")
        with made.db.write() as tx:
            insert_rows(tx, wards, [{"code": code, "name": f"Phường {code}"} for code in codes])
        spec = {
            "slug": SLUG, "kind": "paged", "title": "Cổng mẫu", "ward": WARD,
            "config": {"base_url": address}, "options": {"allow_private": True, "min_gap_s": 0},
        }  # fmt: skip
        made.channels.add(spec)


def settings_of(folder: Path) -> Settings:
    url = f"sqlite:///{folder / 'motmoi.db'}"
    return Settings(url, folder, poll_deadline_s=86_000, lease_s=90_000)


def whole(made: bootstrap.Aggregator, tell: Callable[[int], None]) -> None:
    """The production path to its end."""
    result = made.polling.poll(SLUG, tell=lambda counts: tell(counts.seen))
    assert result.outcome == "ok", result


def archive(made: bootstrap.Aggregator, tell: Callable[[int], None]) -> None:
    """The same poll, each page and cursor committed, and nothing matched."""
    polling, intake = made.polling, made.polling._intake
    claim = polling._claim_one(SLUG, "poll")
    seen = 0
    with polling._connections.open(claim.channel, deadline=claim.deadline) as (connector, ctx):
        for batch in connector.poll(ctx, None):
            seen += len(batch.records)
            counts = Counts(len(batch.records), len(batch.records), 0, 0, 0)
            with made.db.write() as tx:
                intake._archive_pages(tx, claim.run, batch, counts, made.polling._clock())
                channel_queries.commit_batch(tx, claim.run, batch.next_cursor, counts)
            tell(seen)


def main() -> None:
    folder, way, now = Path(sys.argv[1]), sys.argv[2], datetime.fromisoformat(sys.argv[3])
    gc.set_threshold(10_000)  # as `motmoi worker` does
    process = psutil.Process()

    def tell(seen: int) -> None:
        print(json.dumps([seen, time.process_time(), process.memory_info().rss / 2**20]), flush=True)

    with closing(bootstrap.build(settings_of(folder), lambda: now)) as made:
        tell(0)
        {"full": whole, "archive": archive}[way](made, tell)


if __name__ == "__main__":
    main()
