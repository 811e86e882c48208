"""Open311 GeoReport v2 as a level: a manifest of ``kind: open311`` is a whole connector.

    poll:  changed since? + updates since? + windows since the newest + open ones by id -> records
    push:  ours there? -> POST servicerequestupdates, once -> its id

Principles. The standard filters by the time of the request and by nothing else
(open311.github.io#4), has no pages (#16) and tells nothing about later changes. So a poll asks for the
span since the newest request seen, minus an overlap, in windows that shrink at the limit; what was open
when last seen is asked for again by id, the longest unread first; where the endpoint has mySociety's
updates, or a parameter of its own for changes, these lead to the changed ones at once.

What may surprise: a request that has only a token yet is waited for (a day at most) before the cursor
passes it; the cursor moves by the times of requests, never by our clock. A list that may be short is asked
about in other words before it is believed (`wholeness`).

Known exceptions: a closed request that is reopened is seen through updates or changes only; an endpoint
that has neither hides it until its next update by us.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from aggregator.sdk.contract import (
    BadRecord,
    Batch,
    CheckResult,
    ConfigInvalid,
    Context,
    Cursor,
    FetchedFile,
    Manifest,
    NoWord,
    Problem,
    PushCommand,
    PushResult,
    RawItem,
    RawPage,
    Record,
    RemoteState,
    Span,
)
from aggregator.sdk.echo import find_answer
from aggregator.sdk.identity import require_ids
from aggregator.sdk.json_portal.items import shape_of
from aggregator.sdk.levels import Implied
from aggregator.sdk.open311 import mapping, schemas
from aggregator.sdk.open311.memory import Memory
from aggregator.sdk.open311.wholeness import expect_known, expect_whole
from aggregator.sdk.open311.windows import walk
from aggregator.sdk.open311.wire import Endpoint, Page, Row, text_of
from aggregator.sdk.set_up import in_steps

__all__ = ["Open311Endpoint"]

IDS_A_CALL = 20
#: How long a request without a number holds the cursor back.
_TOKEN_WAIT = timedelta(days=1)
#: The clocks of endpoints run ahead of ours, some by hours.
_AHEAD = timedelta(days=1)
_STEPS = ("Địa chỉ", "Danh mục loại việc", "Đọc phản ánh", "Đọc thử một phản ánh", "Gửi phúc đáp")


class Open311Endpoint:
    """The connector of a manifest; `map` and `source.status` words are the manifest's. Holds nothing."""

    SOURCE: ClassVar[Mapping[str, Any]] = schemas.SOURCE
    PUSH: ClassVar[Mapping[str, Any]] = schemas.PUSH

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest
        self.source: Mapping[str, Any] = {**schemas.DEFAULTS, **manifest.source}
        self.where = {**mapping.FIELDS, **manifest.source.get("map", {})}
        unknown = sorted(set(self.where) - set(mapping.FIELDS))
        if unknown:
            raise ConfigInvalid(
                f"source.map.{unknown[0]}: no such field; known are {', '.join(mapping.FIELDS)}"
            )

    @classmethod
    def implied(cls, source: Mapping[str, Any], push: Mapping[str, Any]) -> Implied:
        """What every GeoReport endpoint can do, and what the manifest says beyond it."""
        return Implied(schemas.capabilities(bool(push)), schemas.CONFIG)

    # -- reading ---------------------------------------------------------------------------------

    def poll(self, ctx: Context, cursor: Cursor | None) -> Iterator[Batch]:
        """New requests, oldest first, then what changed of older ones."""
        endpoint, memory = Endpoint(ctx, self.source), Memory.of(cursor)
        said = self._updates(ctx, endpoint, memory)
        passed: set[str] = set()
        for page in self._new(ctx, endpoint, memory):
            yield self._batch(ctx, endpoint, memory, page, said, passed)
        for page in self._older(ctx, endpoint, memory, said, passed):
            yield self._batch(ctx, endpoint, memory, page, said, passed, moves=False)
        if newest := _newest(ctx, [row for rows in said.values() for row in rows], "updated_datetime"):
            memory.updates = newest
        yield Batch((), (), memory.cursor(self._most, self._overlap), complete=True)

    def _new(self, ctx: Context, endpoint: Endpoint, memory: Memory) -> Iterator[Page]:
        first = ctx.now() - timedelta(days=int(ctx.config.get("since_days") or 30))
        since = memory.newest - self._overlap if memory.newest else first
        until = ctx.now() + _AHEAD
        if memory.lately:
            # Nothing behind the seam is taken, and no cursor moves, before the seam is seen to hold.
            end = min(since + self._widest, until)
            pages = list(self._walked(ctx, endpoint, memory, since, end))
            expect_known(ctx, endpoint, memory, pages, since)
            yield from pages
            since = end
        yield from self._walked(ctx, endpoint, memory, since, until)

    def _walked(
        self, ctx: Context, endpoint: Endpoint, memory: Memory, since: datetime, until: datetime
    ) -> Iterator[Page]:
        def ask(start: datetime, end: datetime, kind: str) -> Page:
            return endpoint.requests(start, end, **({"service_code": kind} if kind else {}))

        def kinds() -> Sequence[str]:
            return [text_of(row, "service_code") for row in endpoint.services().rows]

        def whole(page: Page, start: datetime, end: datetime) -> None:
            expect_whole(ctx, endpoint, memory, page, start, end)

        yield from walk(
            ask, since, until, limit=self._limit(ctx), widest=self._widest, kinds=kinds, whole=whole
        )

    def _older(
        self,
        ctx: Context,
        endpoint: Endpoint,
        memory: Memory,
        said: Mapping[str, Sequence[Row]],
        passed: set[str],
    ) -> Iterator[Page]:
        """Requests that changed (by the endpoint's own word), then the longest unread open ones."""
        if name := self.source["changed_since"]:
            page = endpoint.changed(name, (memory.changed or ctx.now() - timedelta(days=1)) - self._overlap)
            memory.changed = _newest(ctx, page.rows, "updated_datetime") or memory.changed
            yield page
        due = [id_ for id_ in said if id_ not in passed]
        due += [id_ for id_ in memory.open if id_ not in passed and id_ not in said][: self._refreshed]
        for part in _parts(due, 1 if self.source["ids"] == "single" else IDS_A_CALL):
            page = self._asked(endpoint, part)
            there = {text_of(row, "service_request_id") for row in page.rows}
            for id_ in part:
                if id_ not in there:
                    memory.open.pop(id_, None)
                    ctx.log.info("a request that was watched is no longer at the endpoint")
            yield page

    def _asked(self, endpoint: Endpoint, ids: Sequence[str]) -> Page:
        if self.source["ids"] == "single":
            return endpoint.one(ids[0])
        return endpoint.by_ids(ids)

    def _updates(self, ctx: Context, endpoint: Endpoint, memory: Memory) -> dict[str, list[Row]]:
        """What was said lately, by request."""
        if not self._says_updates(ctx):
            return {}
        since = (memory.updates or ctx.now() - timedelta(days=1)) - self._overlap
        pages = walk(
            lambda start, end, _kind: endpoint.updates(start, end),
            since,
            ctx.now() + _AHEAD,
            limit=self._limit(ctx),
            widest=self._widest,
            kinds=lambda: [""],
        )
        said: dict[str, list[Row]] = {}
        for page in pages:
            for row in page.rows:
                if id_ := text_of(row, "service_request_id"):
                    said.setdefault(id_, []).append(row)
        return said

    def _batch(
        self,
        ctx: Context,
        endpoint: Endpoint,
        memory: Memory,
        page: Page,
        said: Mapping[str, Sequence[Row]],
        passed: set[str],
        *,
        moves: bool = True,
    ) -> Batch:
        good: list[tuple[Record, RawItem]] = []
        problems: list[Problem] = []
        waiting: list[datetime] = []
        for row in page.rows:
            held = self._unnumbered(ctx, endpoint, row)
            if held is not None:
                waiting.append(held)
                continue
            id_ = text_of(row, "service_request_id")
            item = mapping.item_of(row, said.get(id_, ()), f"request {id_}")
            try:
                record = mapping.record_of(ctx, item, self.where)
            except BadRecord as error:
                problems.append(Problem(item, error))
                continue
            good.append((record, item))
            memory.saw(record)
            passed.add(id_)
        require_ids([record for record, _ in good])
        good.sort(key=lambda pair: pair[0].occurred_at)
        if moves:
            memory.advance([record.occurred_at for record, _ in good], waiting)
        told = bool(good or problems)
        return Batch(
            tuple(record for record, _ in good),
            tuple(item for _, item in good),
            memory.cursor(self._most, self._overlap),
            pages=(_raw(page),) if told else (),
            problems=tuple(problems),
            listed=len(page.rows) if moves else None,
            shape=shape_of(None, page.rows),
        )

    def _unnumbered(self, ctx: Context, endpoint: Endpoint, row: Row) -> datetime | None:
        """The time of a request that has only a token yet; None where it has a number (now)."""
        token = text_of(row, "token")
        if text_of(row, "service_request_id") or not token:
            return None
        row["service_request_id"] = endpoint.number_of(token)
        at = mapping.moment(text_of(row, "requested_datetime"), ctx)
        if row["service_request_id"] or at is None or ctx.now() - at > _TOKEN_WAIT:
            return None
        return at

    def _says_updates(self, ctx: Context) -> bool:
        """Whether the endpoint has mySociety's updates: the channel's word, else the manifest's."""
        return bool(ctx.config.get("updates", self.source["updates"]))

    def _limit(self, ctx: Context) -> int:
        """Rows that one answer holds: the channel's word, else the manifest's."""
        return int(ctx.config.get("limit") or self.source["limit"])

    @property
    def _overlap(self) -> timedelta:
        return timedelta(minutes=int(self.source["overlap_minutes"]))

    @property
    def _widest(self) -> timedelta:
        return timedelta(days=int(self.source["window_days"]))

    @property
    def _most(self) -> int:
        return int(self.source["max_tracked"])

    @property
    def _refreshed(self) -> int:
        return int(self.source["refresh"])

    def remap(self, ctx: Context, item: RawItem) -> Record:
        """Map one kept request again."""
        return mapping.record_of(ctx, item, self.where)

    def fetch(self, ctx: Context, external_id: str) -> tuple[Record, RawItem] | None:
        """One request by its id."""
        page = Endpoint(ctx, self.source).one(external_id)
        if not page.rows:
            return None
        item = mapping.item_of(page.rows[0], (), f"request {external_id}")
        return mapping.record_of(ctx, item, self.where), item

    def backfill(self, ctx: Context, span: Span, cursor: Cursor | None) -> Iterator[Batch]:
        """The requests of a span of time or of some ids, in windows; `cursor` as its batches gave it."""
        endpoint, memory = Endpoint(ctx, self.source), Memory()
        done = cursor or {}
        if span.ids:
            left = list(span.ids)[int(done.get("done", 0)) :]
            for number, part in enumerate(_parts(left, IDS_A_CALL)):
                batch = self._batch(ctx, endpoint, memory, self._asked(endpoint, part), {}, set())
                at = {"v": 1, "done": int(done.get("done", 0)) + number * IDS_A_CALL + len(part)}
                yield _with(batch, at, complete=False)
        elif span.since is not None:
            since = datetime.fromisoformat(done["from"]) if done.get("from") else span.since
            until = span.until or ctx.now()
            while since < until:
                end = min(since + self._widest, until)
                for page in self._walked(ctx, endpoint, memory, since, end):
                    batch = self._batch(ctx, endpoint, memory, page, {}, set())
                    yield _with(batch, {"v": 1, "from": since.isoformat()}, complete=False)
                since = end
                yield Batch((), (), {"v": 1, "from": since.isoformat()})
        yield Batch((), (), {"v": 1, **{k: v for k, v in done.items() if k != "v"}}, complete=True)

    def fetch_attachment(self, ctx: Context, ref: str) -> FetchedFile:
        """The bytes behind a media address (its host must be among the channel's)."""
        response = ctx.http.get(ref)
        return FetchedFile(response.content, response.content_type, ref.rpartition("/")[2] or "tep-dinh-kem")

    # -- writing ---------------------------------------------------------------------------------

    def push(self, ctx: Context, command: PushCommand) -> PushResult:
        """Post the answer as an update, unless it stands there."""
        if not self.manifest.push:
            raise ConfigInvalid(
                "this endpoint takes no updates", message_vi="Hệ thống nguồn không nhận phúc đáp"
            )
        state = self.lookup(ctx, command) if command.attempt > 1 else None
        if state is not None and state.found is not None:
            return PushResult("already_there", state.found.remote_ref)
        word = ctx.word_for(command)
        if word is None:
            raise NoWord(
                f"the endpoint has no word for {command.status.value!r}",
                hint="Map one of its statuses in the channel's settings",
                message_vi="Hệ thống nguồn không có trạng thái cho loại phúc đáp này.",
            )
        push = {**schemas.PUSH_DEFAULTS, **self.manifest.push}
        fields = {
            "service_request_id": command.external_id,
            "update_id": command.idempotency_key,
            "updated_datetime": command.at.astimezone(ctx.zone).isoformat(timespec="seconds"),
            "status": word.upper() if push["status_case"] == "upper" else word,
            "description": command.body,
            **{name: str(value) for name, value in push["params"].items()},
        }
        ref, there = Endpoint(ctx, self.source).say(push["path"], fields, push["already_exists"])
        if there:
            return PushResult("already_there")
        return PushResult("sent", ref or None, "" if ref else "the endpoint gave the update no id")

    def lookup(self, ctx: Context, command: PushCommand) -> RemoteState | None:
        """The request and what was said about it since the answer was written."""
        endpoint = Endpoint(ctx, self.source)
        page = endpoint.one(command.external_id)
        if not page.rows:
            return None
        said = []
        if self._says_updates(ctx):
            pages = endpoint.updates(command.at - timedelta(days=1), ctx.now() + _AHEAD)
            said = [row for row in pages.rows if text_of(row, "service_request_id") == command.external_id]
        record = mapping.record_of(ctx, mapping.item_of(page.rows[0], said, "request"), self.where)
        ours = next((a for a in record.answers if a.remote_ref == command.idempotency_key), None)
        return RemoteState(record.status, record.answers, ours or find_answer(record.answers, command.body))

    # -- set-up ----------------------------------------------------------------------------------

    def check(self, ctx: Context) -> list[CheckResult]:
        """Address, services, requests, one mapped sample, updates; stops at the first that fails."""
        return in_steps(_STEPS, self._steps(ctx), lambda error: schemas.HINTS.get(error.code, error.hint))

    def _steps(self, ctx: Context) -> Iterator[str]:
        endpoint = Endpoint(ctx, self.source)
        yield f"Dùng địa chỉ {endpoint.base}"
        yield f"{len(endpoint.services().rows)} loại việc"
        page = endpoint.requests(ctx.now() - timedelta(days=7), ctx.now() + _AHEAD)
        yield f"{len(page.rows)} phản ánh trong bảy ngày"
        if page.rows:
            self.remap(ctx, mapping.item_of(page.rows[0], (), "request"))
        yield "Đọc được một phản ánh mẫu" if page.rows else "Chưa có phản ánh nào, chưa thử được"
        if self._says_updates(ctx):
            endpoint.updates(ctx.now() - timedelta(days=1), ctx.now())
        yield "Gửi phúc đáp được khai báo" if self.manifest.push else "Chỉ đọc: kênh không gửi phúc đáp"


def _newest(ctx: Context, rows: Sequence[Row], name: str) -> datetime | None:
    times = [at for row in rows if (at := mapping.moment(text_of(row, name), ctx)) is not None]
    return max(times, default=None)


def _parts(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


def _raw(page: Page) -> RawPage:
    return RawPage(page.response.content, page.response.content_type, page.response.url)


def _with(batch: Batch, cursor: Cursor, *, complete: bool) -> Batch:
    return Batch(
        batch.records, batch.items, cursor, pages=batch.pages, problems=batch.problems, complete=complete
    )
