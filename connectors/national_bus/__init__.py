"""National public service portal, integration bus (Cổng Dịch vụ công quốc gia, trục tích hợp).

Portal:    the question and answer services behind the national portal (dichvucong.gov.vn)
Owner:     Văn phòng Chính phủ; reached through the security server of the office's own network
Address:   ``http://<adapter>/XrdAdapter/RestService/forward/...`` or ``/VXPAdapter/...``; never public
Allows:    read (whole list, no time filter), reply (one final answer a question), read back
Interval:  15 minutes; the one known client asks far less often

    poll:  list -> group by id -> those whose rows changed -> records, first seen first
    push:  read back -> there already? -> sign in -> send once -> error_code 0

What may surprise:

* The list has no dates and no total. Each poll reads it whole; the cursor remembers a digest of every
  item and when it was first seen, and a poll yields the difference. An item that leaves the list is
  *not* a deletion: what the portal drops once answered is unknown.
* The known client never marks its answers as sent, and sends them again daily. So every push reads
  the question's answers first and sends nothing where ours stands there already.
* An empty answer to a kept session is not believed: it is asked for again after a new sign-in.
* Progress notes are refused: a synchronised answer is the final one.
* Service and field names are settings. No PAKN service of this bus was ever seen in public.

Not known: what ``TRANGTHAI`` holds, which error codes mean what, whether answered items stay listed.

History:
    2020-10  envelope, services and fields as a public client (an open-source one-stop system) has them
    2026-11  written against a simulated bus; never run against the real one
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from aggregator.sdk.answers import whole_number
from aggregator.sdk.contract import (
    BadRecord,
    Batch,
    ChannelError,
    CheckResult,
    Connector,
    Context,
    Cursor,
    FetchedFile,
    NoWord,
    Permanent,
    Problem,
    PushCommand,
    PushResult,
    RawItem,
    RawPage,
    Record,
    RemoteState,
    SchemaDrift,
)
from aggregator.sdk.echo import find_answer
from aggregator.sdk.set_up import in_steps
from connectors.national_bus import mapping
from connectors.national_bus.client import Bus, Reply
from connectors.national_bus.settings import BusSettings, read

BATCH = 100


@dataclass(frozen=True, slots=True)
class _Fresh:
    """An entry that is new or changed: a record, or what is wrong with it."""

    entry: mapping.Entry
    observed_at: datetime
    item: RawItem
    record: Record | None
    error: BadRecord | None

    @property
    def order(self) -> tuple[datetime, int, str]:
        key = self.entry.key
        at = self.record.occurred_at if self.record else self.observed_at
        return at, whole_number(key) or 0, key


class NationalBus:
    """The connector; holds nothing between calls."""

    # -- reading ---------------------------------------------------------------------------------

    def poll(self, ctx: Context, cursor: Cursor | None) -> Iterator[Batch]:
        """Entries that are new or changed since `cursor`, first seen first."""
        settings = read(ctx.config)
        seen: dict[str, list[Any]] = dict((cursor or {}).get("seen", {}))
        bus = Bus(ctx, settings)
        reply = self._list(bus, settings)
        entries = mapping.entries(reply.items, settings)
        _not_one_of_all(entries, settings, reply)
        categories = bus.categories()
        now = ctx.now()
        changed = [
            self._read_entry(ctx, settings, categories, entry, _first_seen(seen, entry.key, now))
            for entry in entries
            if seen.get(entry.key, [""])[0] != entry.digest
        ]
        _not_all_wrong(changed, reply)
        changed.sort(key=lambda fresh: fresh.order)
        page = RawPage(reply.response.content, "application/json", reply.response.url)
        yield from self._batches(changed, seen, entries, settings, page)

    def _list(self, bus: Bus, settings: BusSettings) -> Reply:
        reply = bus.read("list")
        if not reply.has_result:
            raise SchemaDrift(
                "the national bus reports success but gives no result",
                hint="Check the service name of the list in the channel's settings",
                evidence=reply.response.evidence(),
            )
        if reply.items and not mapping.has_ids(reply.items, settings):
            raise SchemaDrift(
                f"none of {len(reply.items)} items has the field {settings.fields['id']}",
                hint="The service's fields have changed, or the field names in the settings are wrong",
                evidence=reply.response.evidence(items=len(reply.items)),
            )
        return reply

    def _read_entry(
        self,
        ctx: Context,
        settings: BusSettings,
        categories: Mapping[str, str],
        entry: mapping.Entry,
        observed_at: datetime,
    ) -> _Fresh:
        item = mapping.raw_item(entry, observed_at)
        try:
            record = mapping.record_of(
                item, settings, zone=ctx.zone, status_of=ctx.status_of, categories=categories
            )
        except BadRecord as error:
            return _Fresh(entry, observed_at, item, None, error)
        return _Fresh(entry, observed_at, item, record, None)

    def _batches(
        self,
        changed: list[_Fresh],
        seen: dict[str, list[Any]],
        entries: list[mapping.Entry],
        settings: BusSettings,
        page: RawPage,
    ) -> Iterator[Batch]:
        rest = iter(changed)
        pages: tuple[RawPage, ...] = (page,)
        done = 0
        while True:
            part = list(islice(rest, BATCH))
            done += len(part)
            for fresh in part:
                seen[fresh.entry.key] = [fresh.entry.digest, int(fresh.observed_at.timestamp())]
            good = [(fresh.record, fresh.item) for fresh in part if fresh.record is not None]
            yield Batch(
                records=tuple(record for record, _ in good),
                items=tuple(item for _, item in good),
                problems=tuple(Problem(f.item, f.error) for f in part if f.error is not None),
                next_cursor=_cursor(seen, entries, settings.max_tracked),
                pages=pages,
                complete=done == len(changed),
                listed=len(entries) if pages else 0,
            )
            pages = ()
            if done == len(changed):
                return

    def remap(self, ctx: Context, item: RawItem) -> Record:
        """The record of one kept item, without network."""
        return mapping.record_of(
            item,
            read(ctx.config),
            zone=ctx.zone,
            status_of=ctx.status_of,
            categories=dict(ctx.state.get("categories", {})),
        )

    def fetch_attachment(self, ctx: Context, ref: str) -> FetchedFile:
        """The services known carry no files."""
        raise Permanent(f"the national bus has no attachments (asked for {ref!r})")

    # -- answering -------------------------------------------------------------------------------

    def push(self, ctx: Context, command: PushCommand) -> PushResult:
        """Send one final answer, unless it is there.

        1. Read the question's answers; ours there: done, nothing is sent.
        2. Send once, with a fresh session. ``error_code`` 0: sent; a clear no is `Permanent`.
        3. Anything that is no clear answer is `UnknownOutcome`.
        """
        settings = read(ctx.config)
        if command.kind not in ("result", "refusal"):
            raise NoWord(
                f"the national bus takes final answers only, and this is: {command.kind}",
                message_vi="Trục quốc gia chỉ nhận câu trả lời cuối cùng.",
            )
        bus = Bus(ctx, settings)
        found = self._state(ctx, bus, settings, command).found
        if found is not None:
            return PushResult("already_there", found.remote_ref)
        bus.write("answer", data=[mapping.answer_item(command, settings, ctx.zone)])
        return PushResult("sent")

    def lookup(self, ctx: Context, command: PushCommand) -> RemoteState | None:
        """The answers that the portal has for the question. It does not tell an unknown question."""
        settings = read(ctx.config)
        return self._state(ctx, Bus(ctx, settings), settings, command)

    def _state(self, ctx: Context, bus: Bus, settings: BusSettings, command: PushCommand) -> RemoteState:
        reply = bus.read("read_back", **{settings.read_back_key: command.external_id})
        rows = [row for row in reply.items if isinstance(row, dict)]
        if len(rows) < len(reply.items) or not all(
            mapping.holds(row, settings.fields["answer"]) for row in rows
        ):
            raise SchemaDrift(
                f"an answer of the bus has no field {settings.fields['answer']}",
                hint="Check the field names in the settings: unread answers would be sent again",
                evidence=reply.response.evidence(rows=len(reply.items)),
            )
        answers = mapping.answers_of(rows, settings, ctx.zone)
        status = mapping.text_in(rows[0], settings.fields["status"]) if rows else ""
        found = find_answer(answers, command.body)
        return RemoteState(ctx.status_of(status or None), answers, found)

    # -- set-up ----------------------------------------------------------------------------------

    def check(self, ctx: Context) -> list[CheckResult]:
        """Settings, sign-in, list, one mapped sample, read-back; stops at the first that fails."""
        names = ("Thiết lập", "Đăng nhập", "Đọc danh sách", "Đọc thử một mục", "Đọc lại câu trả lời")
        return in_steps(names, self._steps(ctx), _hint)

    def _steps(self, ctx: Context) -> Iterator[str]:
        settings = read(ctx.config)
        bus = Bus(ctx, settings)
        yield "Thiết lập đủ"
        bus.sign_in()
        yield "Đăng nhập được"
        entries = mapping.entries(self._list(bus, settings).items, settings)
        yield f"Danh sách có {len(entries)} mục"
        if not entries:
            yield "Danh sách đang trống, chưa thử được"
            yield "Danh sách đang trống, chưa thử được"
            return
        sample = self._read_entry(ctx, settings, {}, entries[0], ctx.now())
        if sample.error is not None:
            raise sample.error
        yield "Đọc được một mục mẫu"
        bus.read("read_back", **{settings.read_back_key: entries[0].key})
        yield "Đọc lại câu trả lời được"


def _not_all_wrong(changed: list[_Fresh], reply: Reply) -> None:
    """One bad item is quarantined; several and not one good is a changed service."""
    errors = [fresh.error for fresh in changed if fresh.error is not None]
    if len(errors) >= 3 and len(errors) == len(changed):
        raise SchemaDrift(
            f"none of {len(errors)} items can be read: {errors[0].message}",
            hint="The service's fields have changed, or the field names in the settings are wrong",
            evidence=reply.response.evidence(field=errors[0].field),
        )


def _not_one_of_all(entries: list[mapping.Entry], settings: BusSettings, reply: Reply) -> None:
    """Several rows of one question are its answers; several *questions* of one id are a changed service."""
    rows = [row for entry in entries for row in entry.rows[:9] if isinstance(row, Mapping)]
    said = {mapping.text_in(row, settings.fields["body"]) for row in rows}
    if len(entries) == 1 and len(said) >= 3:
        raise SchemaDrift(
            f"{len(reply.items)} different questions have one {settings.fields['id']}",
            hint="The service's fields have changed, or the field names in the settings are wrong",
            evidence=reply.response.evidence(items=len(reply.items)),
        )


def _first_seen(seen: Mapping[str, list[Any]], key: str, now: datetime) -> datetime:
    known = seen.get(key)
    # Whole seconds: the cursor keeps it so, and the instant must not differ between first and later polls.
    return datetime.fromtimestamp(known[1] if known else int(now.timestamp()), tz=UTC)


def _cursor(seen: dict[str, list[Any]], entries: list[mapping.Entry], limit: int) -> dict[str, Any]:
    """The digests to compare with next time; beyond `limit` those long gone from the list are forgotten."""
    listed = {entry.key for entry in entries}
    if len(seen) > limit:
        keep = sorted(seen, key=lambda key: (key in listed, seen[key][1]))[-limit:]
        seen = {key: seen[key] for key in keep}
    return {"v": 1, "seen": dict(seen)}


def _hint(error: ChannelError) -> str:
    hints = {
        "auth_failed": "Kiểm tra tên đăng nhập, mật khẩu và mã đích (dstcode), rồi kết nối lại kênh",
        "config_invalid": "Kiểm tra địa chỉ bộ thích ứng và các đường dẫn trong thiết lập",
        "transient": "Kiểm tra bộ thích ứng có đang chạy và máy này có ở trong mạng của đơn vị",
        "schema_drift": "Kiểm tra tên dịch vụ và tên trường trong thiết lập",
        "bad_record": "Kiểm tra tên trường và dạng ngày giờ trong thiết lập",
    }
    return hints.get(error.code, error.hint)


CONNECTOR: Connector = NationalBus()
