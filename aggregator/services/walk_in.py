"""What an officer takes down, of people who come in or call: the same path as every other report.

    form | photos on disk | the ward's channel, made at its first use | connector maps | intake.receive

Promise: a form that is sent twice is one report, and a form that comes again with other words is another
one: nobody's report is written over because somebody pressed *Back* and used the page for the next citizen.

What may surprise: the time of receipt is a field of the form and not the clock, so that a repeat is the
same to the byte; and it may lie in the past, because notes of calls are typed in later. Photos lie on disk
before the report is stored, named by their content: a crash in between leaves a file that nobody names.
"""

from __future__ import annotations

import enum
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aggregator.domain.file_kinds import kind_of
from aggregator.domain.people import Actor, Right
from aggregator.domain.runs import ENTRY_KIND
from aggregator.domain.text import e164, sha256_of
from aggregator.errors import InputInvalid, MoveNotAllowed, NotAllowed
from aggregator.sdk.contract import Batch, RawItem
from aggregator.sdk.discovery import Found
from aggregator.services import turns
from aggregator.services.attachments import INLINE
from aggregator.services.channels import Channels
from aggregator.services.clock import Clock
from aggregator.services.connections import Connections
from aggregator.services.intake import Intake
from aggregator.services.kept_files import lay_down
from aggregator.services.polling import owner_name
from aggregator.services.rules import Rules
from aggregator.services.turns import Turn
from aggregator.settings import Settings
from aggregator.storage import case_queries, channel_queries, report_queries
from aggregator.storage.channel_queries import ChannelRow
from aggregator.storage.db import Database
from aggregator.storage.vault import Vault

#: Notes of a call are typed in the same week; the clock of a PC may be some minutes ahead of ours.
LONGEST_AGO, AHEAD = timedelta(days=31), timedelta(minutes=10)
MOST_PHOTOS, MOST_PHOTO_BYTES = 6, 10_000_000
LONGEST_BODY, LONGEST_LINE = 10_000, 300
#: How long a form waits while another officer's is being stored.
PATIENCE_S, STEP_S = 10.0, 0.05


class Came(enum.StrEnum):
    """How the citizen came."""

    WALK_IN = "walk_in"
    PHONE = "phone"


#: Slug and title of the ward's channel for each way.
_CHANNELS = {
    Came.WALK_IN: ("tai-cho", "Tiếp nhận trực tiếp"),
    Came.PHONE: ("dien-thoai", "Tiếp nhận qua điện thoại"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What the officer filled in."""

    came: Came
    received_at: datetime
    body: str
    subject: str = ""
    name: str = ""
    phone: str = ""
    anonymous: bool = False
    address: str = ""
    area: str = ""
    #: Code of our own category; empty where the officer did not choose.
    category: str = ""


@dataclass(frozen=True, slots=True)
class Photo:
    """One file of the form."""

    filename: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Entered:
    """Where the report is now."""

    case_id: int
    report_id: int


class WalkIn:
    """Takes reports down."""

    def __init__(
        self, db: Database, vault: Vault, connectors: Mapping[str, Found], rules: Rules, channels: Channels,
        intake: Intake, clock: Clock, settings: Settings,
    ) -> None:  # fmt: skip
        self._db = db
        self._rules = rules
        self._channels = channels
        self._connections = Connections(db, vault, connectors, clock, settings)
        self._intake = intake
        self._clock = clock
        self._lease = timedelta(seconds=settings.lease_s)
        self._folder = settings.data_dir / "attachments"

    def register(
        self, actor: Actor, form: Form, photos: Sequence[Photo] = (), *, once: str | None = None
    ) -> Entered:
        """The report in a case of the officer's ward; the same form again is the same report.

        Raises `InputInvalid` naming the field, `NotAllowed`, and `MoveNotAllowed` where the channel stays
        busy: then nothing was stored.
        """
        if not actor.may(Right.HANDLE) or actor.ward is None:
            raise NotAllowed(
                f"{actor.role.value} takes no reports down",
                message_vi="Chỉ cán bộ của phường được ghi nhận phản ánh.",
            )
        self._check(form, photos)
        channel = self._channel(actor.ward, form.came)
        item, number = self._item(actor, form, photos, once)
        turn = self._turn(channel)
        try:
            deadline = self._clock() + timedelta(seconds=PATIENCE_S)
            with self._connections.open(channel, deadline=deadline) as (connector, ctx):
                record = connector.remap(ctx, item)
            counts = self._intake.receive(turn.run, Batch((record,), (item,), None, complete=True))
        except BaseException:
            turns.end(self._db, turn, self._clock(), stored=False)
            raise
        turns.end(self._db, turn, self._clock(), stored=counts.stored > 0)
        return self._found(channel, number)

    def _check(self, form: Form, photos: Sequence[Photo]) -> None:
        now = self._clock()
        if not form.body.strip():
            raise _wrong("body", "Hãy ghi nội dung phản ánh.")
        if len(form.body) > LONGEST_BODY:
            raise _wrong("body", f"Nội dung dài quá {LONGEST_BODY} ký tự.")
        for name in ("subject", "name", "address", "area"):
            if len(getattr(form, name)) > LONGEST_LINE:
                raise _wrong(name, f"Mục này dài quá {LONGEST_LINE} ký tự.")
        if form.phone.strip() and e164(form.phone) is None:
            raise _wrong("phone", f"“{form.phone.strip()[:30]}” không phải là số điện thoại.")
        if not now - LONGEST_AGO <= form.received_at <= now + AHEAD:
            raise _wrong("received_at", "Giờ tiếp nhận phải trong vòng một tháng qua và không ở tương lai.")
        if len(photos) > MOST_PHOTOS:
            raise _wrong("photos", f"Tối đa {MOST_PHOTOS} tệp.")
        for photo in photos:
            if len(photo.content) > MOST_PHOTO_BYTES:
                raise _wrong("photos", f"Tệp “{photo.filename[:60]}” lớn hơn {MOST_PHOTO_BYTES // 10**6} MB.")
            if kind_of(photo.content) is None:
                raise _wrong("photos", f"Tệp “{photo.filename[:60]}” không phải là ảnh hay PDF.")

    def _channel(self, ward: str, came: Came) -> ChannelRow:
        """The ward's channel for this way, made where it is missing."""
        name, title = _CHANNELS[came]
        slug = f"{name}-{ward}".lower()
        with self._db.read() as tx:
            found = channel_queries.by_slug(tx, slug)
        if found is None:
            with suppress(InputInvalid):  # two forms at once make it: the other one was first
                self._channels.add({"slug": slug, "kind": ENTRY_KIND, "title": title, "ward": ward})
            with self._db.read() as tx:
                found = channel_queries.by_slug(tx, slug)
        if found is None:
            raise NotAllowed(f"channel {slug} cannot be made", message_vi="Chưa lập được kênh ghi nhận.")
        return found

    def _item(
        self, actor: Actor, form: Form, photos: Sequence[Photo], once: str | None
    ) -> tuple[RawItem, str]:
        """The form as the bytes that are kept, and the report's number in it. Photos are on disk after."""
        with self._db.read() as tx:
            names = self._rules.book(tx).category_names
        body = form.body.strip()
        filled: dict[str, Any] = {
            "received_at": form.received_at.isoformat(), "subject": form.subject.strip() or _first_line(body),
            "body": body, "anonymous": form.anonymous, "address": form.address.strip() or None,
            "name": None if form.anonymous else form.name.strip() or None,
            "phone": None if form.anonymous else form.phone.strip() or None,
            "area": form.area.strip() or None,
            "category": names[form.category][0] if form.category in names else None,
            "photos": [self._laid_down(photo) for photo in photos],
        }  # fmt: skip
        key = json.dumps([actor.id, once or secrets.token_hex(8), filled], ensure_ascii=False, sort_keys=True)
        number = f"TN-{sha256_of(key)[:10].upper()}"
        content = json.dumps({"number": number, **filled}, ensure_ascii=False, sort_keys=True).encode()
        return RawItem(content, ref=number), number

    def _laid_down(self, photo: Photo) -> list[Any]:
        digest = lay_down(self._folder, photo.content)
        return [f"{INLINE}{digest}", photo.filename, kind_of(photo.content), len(photo.content)]

    def _turn(self, channel: ChannelRow) -> Turn:
        owner, patience = owner_name("entry"), time.monotonic() + PATIENCE_S
        while True:
            turn = turns.take(self._db, channel.id, "entry", owner, self._clock(), self._lease)
            if turn is not None:
                return turn
            if time.monotonic() > patience:
                raise MoveNotAllowed(
                    f"channel {channel.slug} is busy", hint="send the form again",
                    message_vi="Đang có người khác ghi nhận. Hãy bấm Ghi nhận lần nữa.",
                )  # fmt: skip
            time.sleep(STEP_S)

    def _found(self, channel: ChannelRow, number: str) -> Entered:
        with self._db.read() as tx:
            report_id = report_queries.heads(tx, channel.id, [number])[number].report_id
            return Entered(case_queries.case_of_report(tx, [report_id])[report_id], report_id)


def _first_line(body: str) -> str:
    line = body.splitlines()[0].strip()
    return line if len(line) <= 100 else f"{line[:99].rstrip()}…"


def _wrong(name: str, vi: str) -> InputInvalid:
    return InputInvalid(f"{name}: cannot be used", field=name, message_vi=vi)
