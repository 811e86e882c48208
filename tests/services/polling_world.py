"""An office with channels, and `Source`: a connector in this process that does as a test says.

`Source` keeps records in the order they came; its cursor is how many were read. `go_wrong` is raised
at the next polls, one each (None lets one pass); `before_batch` runs before each batch is handed over.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from sqlalchemy import func, select

from aggregator import bootstrap
from aggregator.domain.people import Role
from aggregator.sdk.contract import (
    Attachment,
    BadRecord,
    Batch,
    Capabilities,
    CheckResult,
    Context,
    FetchedFile,
    Manifest,
    Permanent,
    Problem,
    RawItem,
    Record,
)
from aggregator.sdk.discovery import Found
from aggregator.services import starting_set
from aggregator.services.accounts import Accounts
from aggregator.services.polling import RunResult
from aggregator.settings import Settings
from aggregator.storage import channel_queries
from aggregator.storage.channel_queries import ChannelRow
from aggregator.storage.channel_tables import poll_runs, quarantine
from aggregator.storage.ledger_tables import ledger_entries
from aggregator.storage.report_tables import attachments, reports

WARD_A, WARD_B = "27142", "26740"
PASSWORD = "mat-khau-thu-nghiem"
START = datetime(2026, 11, 10, 2, 30, tzinfo=UTC)  # a Tuesday, 9:30 at the office

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["base_url"],
    "properties": {
        "base_url": {"type": "string"},
        "page_size": {"type": "integer", "default": 2, "minimum": 1},
        "password": {"type": "string", "secret": True},
    },
}


class Clock:
    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at

    def wait(self, **span: float) -> None:
        self.at += timedelta(**span)


class Source:
    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []
        self.unreadable: set[str] = set()
        self.go_wrong: list[Exception | None] = []
        self.before_batch: Callable[[int], None] = lambda number: None
        self.silent = False
        self.read_wrongly = False
        self.polls = 0
        self.files: dict[str, bytes | Exception] = {}
        self.contexts: list[Context] = []

    def send(self, *ids: str, **fields: Any) -> None:
        """Citizens send reports, or change them: a known id comes again with other words."""
        for number in ids:
            self.records.append({"id": number, "body": f"Ổ gà trước nhà số {number}", **fields})

    def check(self, ctx: Context) -> list[CheckResult]:
        return [CheckResult("login", bool(ctx.secrets.get("password")))]

    def poll(self, ctx: Context, cursor: Mapping[str, Any] | None) -> Iterator[Batch]:
        self.polls += 1
        self.contexts.append(ctx)
        wrong = self.go_wrong.pop(0) if self.go_wrong else None
        at = cursor["n"] if cursor else 0
        if self.silent:
            return
        rest, size = self.records[at:], ctx.config["page_size"]
        pages = [rest[i : i + size] for i in range(0, len(rest), size)] or [[]]
        ctx.state["session"] = f"session-{self.polls}"
        for number, page in enumerate(pages):
            if wrong is not None and number == len(pages) - 1:
                raise wrong
            self.before_batch(number)
            at += len(page)
            yield self._batch(ctx, page, {"v": 1, "n": at}, complete=number == len(pages) - 1)

    def _batch(self, ctx: Context, page: list[dict[str, Any]], cursor: Any, *, complete: bool) -> Batch:
        records, items, problems = [], [], []
        for row in page:
            item = RawItem(json.dumps(row, ensure_ascii=False).encode(), ref=f"id {row['id']}")
            try:
                records.append(self.remap(ctx, item))
            except BadRecord as error:
                problems.append(Problem(item, error))
            else:
                items.append(item)
        return Batch(
            tuple(records), tuple(items), cursor, problems=tuple(problems), complete=complete,
            source_count=len(self.records),
        )  # fmt: skip

    def remap(self, _ctx: Context, item: RawItem) -> Record:
        row = json.loads(item.content)
        if row["id"] in self.unreadable:
            raise BadRecord("no such date", field="date", external_id=row["id"])
        files = tuple(Attachment(ref, f"{ref}.jpg") for ref in row.get("files", ()))
        body = "Đăng nhập" if self.read_wrongly else row["body"]
        return Record(external_id=row["id"], occurred_at=START, subject="Ổ gà", body=body, attachments=files)

    def fetch(self, ctx: Context, external_id: str) -> tuple[Record, RawItem] | None:
        row = next((row for row in reversed(self.records) if row["id"] == external_id), None)
        if row is None:
            return None
        item = RawItem(json.dumps(row, ensure_ascii=False).encode(), ref=f"id {external_id}")
        return self.remap(ctx, item), item

    def fetch_attachment(self, _ctx: Context, ref: str) -> FetchedFile:
        file = self.files.get(ref, Permanent("no such file"))
        if isinstance(file, Exception):
            raise file
        return FetchedFile(file, "image/jpeg", f"{ref}.jpg")

    def push(self, *_: Any) -> Any: ...
    def lookup(self, *_: Any) -> Any: ...


def found(kind: str, source: Source, **can: Any) -> Found:
    facts = Capabilities(**{"push_reply": True, "idempotency": "read_back", **can})
    words = {"vi": f"Nguồn {kind}", "en": kind}
    manifest = Manifest(kind, "1", 1, words, words, "tests", facts, SCHEMA, {}, {"interval_s": 60}, Path())
    return Found(kind, manifest, "tests", _loaded=source)  # type: ignore[arg-type]


class World:
    """One installation. `world.source("a")` is the source behind the channel of that slug."""

    def __init__(self, url: str, folder: Path, clock: Any = None, **settings: Any) -> None:
        self.clock: Any = clock or Clock()
        built = bootstrap.build(
            Settings(database_url=url, data_dir=folder, **{"undo_s": 0, **settings}), self.clock
        )
        cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        accounts = Accounts(built.db, self.clock, built.settings, cheap)
        self.app = dataclasses.replace(built, accounts=accounts)
        self.sources: dict[str, Source] = {}
        self.app.accounts.ensure_ward(WARD_A, "Phường A")
        self.app.accounts.ensure_ward(WARD_B, "Phường B")
        starting_set.seed(self.app.db, self.clock())
        for login, name, role, ward in (
            ("admin", "Phạm Quản Trị", Role.ADMIN, None),
            ("lan", "Trần Thị Lan", Role.OFFICER, WARD_A),
            ("minh", "Lê Minh", Role.LEADER, WARD_A),
            ("hue", "Ngô Huệ", Role.OFFICER, WARD_B),
        ):
            self.app.accounts.add(login, name, role, ward, PASSWORD)
        self.admin, self.lan, self.minh, self.hue = (
            self.app.accounts.sign_in(login, PASSWORD)[1] for login in ("admin", "lan", "minh", "hue")
        )

    @property
    def polling(self) -> Any:
        return self.app.polling

    @property
    def channels(self) -> Any:
        return self.app.channels

    def channel(
        self, slug: str = "a", *, host: str | None = None, ward: str = WARD_A, can: Any = None,
        source: Source | None = None, **options: Any,
    ) -> Source:  # fmt: skip
        """A channel with a source of its own, on a host of its own."""
        source = self.sources[slug] = source or Source()
        kind = f"source_{slug}"
        self.app.connectors[kind] = found(kind, source, **(can or {}))  # type: ignore[index]
        config = {"base_url": f"http://{host or slug}.example.vn"}
        self.channels.add(
            {
                "slug": slug,
                "kind": kind,
                "title": f"Kênh {slug}",
                "ward": ward,
                "config": config,
                "options": options,
            }
        )
        return source

    def row(self, slug: str = "a") -> ChannelRow:
        with self.app.db.read() as tx:
            row = channel_queries.by_slug(tx, slug)
        assert row is not None
        return row

    def due(self, slug: str = "a") -> None:
        """Time passes until this channel is due."""
        due = self.row(slug).next_due_at
        assert due is not None
        self.clock.at = max(self.clock.at, due)

    def poll_when_due(self, slug: str = "a") -> RunResult:
        self.due(slug)
        claim = self.polling.claim("worker-1")
        assert claim is not None and claim.channel.slug == slug
        result: RunResult = self.polling.run(claim)
        return result

    def stored(self) -> dict[str, int]:
        """External id -> revision of every stored report."""
        with self.app.db.read() as tx:
            return {row.external_id: row.revision for row in tx.execute(select(reports))}

    def runs(self) -> list[Any]:
        with self.app.db.read() as tx:
            return list(tx.execute(select(poll_runs).order_by(poll_runs.c.id)))

    def quarantined(self) -> list[Any]:
        with self.app.db.read() as tx:
            return list(tx.execute(select(quarantine).order_by(quarantine.c.id)))

    def files(self) -> list[Any]:
        with self.app.db.read() as tx:
            return list(tx.execute(select(attachments).order_by(attachments.c.id)))

    def told(self, kind: str) -> int:
        """How many ledger entries of this kind there are."""
        with self.app.db.read() as tx:
            query = select(func.count()).where(ledger_entries.c.kind == kind)
            return int(tx.scalar(query) or 0)
