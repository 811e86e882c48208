"""An office's mailbox as a channel (IMAP in, SMTP out).

Portal:    any mailbox, for instance the address that a ward or the 1022 exchange gives to citizens
Owner:     the office; its mail provider gives the account (often a password for applications)
Allows:    read; answer into the citizen's own conversation; read the answer back
Interval:  2 minutes

    poll:  EXAMINE -> mails behind the last UID -> each with its conversation -> one report a conversation
    push:  conversation -> mail with our Message-ID, blind copy to ourselves -> accepted, or looked for

What may surprise:

* A mailbox is read from where the last poll ended, never "the last N mails": what came during an outage of
  days comes, twenty mails a batch. A server that numbers its mails anew (UIDVALIDITY) is read whole again.
* One mail that cannot be read, or is too large, is quarantined with what could be had of it; the next ones
  come all the same.
* A mail that says "your answer did not arrive" is put before a person, named after the report that it is
  about; it is no report of its own.
* Mails are left unread and where they are. Somebody who deletes one before it was read hides it from us.

History:
    2026-11  written and tested against Dovecot 2.3 and a local SMTP server
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from aggregator.sdk.answers import whole_number
from aggregator.sdk.contract import (
    BadRecord,
    Batch,
    CheckResult,
    ConfigInvalid,
    Connector,
    Context,
    Cursor,
    FetchedFile,
    Permanent,
    Problem,
    PushCommand,
    PushResult,
    RawItem,
    Record,
    RemoteState,
    Span,
)
from aggregator.sdk.echo import find_answer
from aggregator.sdk.set_up import in_steps
from connectors.email import letters, sending
from connectors.email.box import Box, mailbox
from connectors.email.letters import Kept

BATCH = 20
#: A conversation is read to this many mails; a longer one is a quarrel, and stays whole in the mailbox.
MAILS_OF_ONE = 50
_STEPS = ("Máy chủ nhận thư", "Thư mục", "Đọc thử một thư", "Máy chủ gửi thư")
_HINTS = {
    "auth_failed": "Kiểm tra tên đăng nhập và mật khẩu; nhiều nhà cung cấp đòi mật khẩu ứng dụng",
    "config_invalid": "Kiểm tra địa chỉ máy chủ (imaps://…, smtps://…) và tên thư mục",
    "transient": "Kiểm tra máy chủ thư có tới được từ máy này không, rồi thử lại",
}


class Mailbox:
    """The connector; holds nothing between calls."""

    # -- reading ---------------------------------------------------------------------------------

    def poll(self, ctx: Context, cursor: Cursor | None) -> Iterator[Batch]:
        """New mails of every folder, oldest first, each with its conversation."""
        places: dict[str, dict[str, int]] = {
            name: dict(at) for name, at in (cursor or {}).get("folders", {}).items()
        }
        first = (ctx.now() - timedelta(days=int(ctx.config.get("since_days") or 30))).date()
        with mailbox(ctx) as box:
            for folder in ctx.config["folders"]:
                validity = box.open(folder)
                at = places.get(folder, {})
                last = int(at.get("last", 0)) if at.get("validity") == validity else 0
                # A folder numbered anew is read whole: what was known has no number any more.
                since = date(1990, 1, 1) if at and not last else first
                for part in _parts(box.after(last, since)):
                    batch = self._batch(ctx, box, part)
                    places[folder] = {"validity": validity, "last": part[-1]}
                    yield _with(batch, _cursor(places))
                places.setdefault(folder, {"validity": validity, "last": last})
        yield Batch((), (), _cursor(places), complete=True)

    def _batch(self, ctx: Context, box: Box, uids: Sequence[int]) -> Batch:
        sizes, limit = box.sizes(uids), int(ctx.config.get("max_mail_bytes") or 25_000_000)
        found: dict[str, tuple[Record, RawItem]] = {}
        problems: list[Problem] = []
        for uid in uids:
            try:
                pair = self._one(ctx, box, uid, sizes.get(uid, 0) > limit)
            except _Set as refused:
                problems.append(Problem(refused.item, refused.error))
                continue
            if pair is not None:
                found[pair[0].external_id] = pair  # the later mail of a conversation has all of it
        records = tuple(record for record, _ in found.values())
        return Batch(records, tuple(item for _, item in found.values()), None, problems=tuple(problems))

    def _one(self, ctx: Context, box: Box, uid: int, too_large: bool) -> tuple[Record, RawItem] | None:
        """The report that this mail belongs to; None where the mail is gone again."""
        got = box.mail(uid, head=too_large)
        if got is None:
            return None
        kept = Kept(*got)
        item = letters.item_of([kept], f"mail {uid}")
        try:
            letter = letters.read(kept.raw, kept.taken_at)
            if too_large:
                raise BadRecord("a mail larger than the limit; its headers are kept", external_id=letter.root)
            if letter.bounce:
                raise _returned(letter, _own(ctx))
            mails = self._conversation(ctx, box, self._root(box, letter), {letter.message_id: kept})
            if sending.is_ours(letter.message_id) and len(mails) == 1:
                return None  # the copy of an answer whose conversation is no longer here: nobody's report
            item = letters.item_of(mails, f"mail {uid}")
            return letters.record_of(item, _own(ctx)), item
        except BadRecord as error:
            raise _Set(item, error) from error

    def _root(self, box: Box, letter: letters.Letter) -> str:
        """The conversation's first mail, also where the citizen's program names our answer alone."""
        if not sending.is_ours(letter.root):
            return letter.root
        for uid in box.with_id(letter.root)[:1]:
            got = box.mail(uid)
            if got is not None:
                return letters.read(*got).root
        return letter.root

    def _conversation(
        self, ctx: Context, box: Box, root: str, mails: dict[str, Kept] | None = None
    ) -> list[Kept]:
        """All mails of a conversation that are in the open folder, beside those at hand."""
        found = dict(mails or {})
        uids = box.of_conversation(root)
        sizes, limit = box.sizes(uids), int(ctx.config.get("max_mail_bytes") or 25_000_000)
        for uid in uids[-MAILS_OF_ONE:]:
            got = box.mail(uid) if sizes.get(uid, 0) <= limit else None
            if got is None:
                continue
            try:
                letter = letters.read(*got)
            except BadRecord:
                continue  # quarantined by itself, when its turn came
            if letter.root == root and not letter.bounce:
                found.setdefault(letter.message_id, Kept(*got))
        return list(found.values())

    def remap(self, ctx: Context, item: RawItem) -> Record:
        """The report of one kept conversation, without network."""
        read = letters.letters_in(item)
        if any(letter.bounce for letter in read):
            raise _returned(read[0], _own(ctx))
        return letters.record_of(item, _own(ctx))

    def fetch(self, ctx: Context, external_id: str) -> tuple[Record, RawItem] | None:
        """One conversation by the Message-ID of its first mail."""
        with mailbox(ctx) as box:
            mails = self._found(ctx, box, external_id)
        if not mails:
            return None
        item = letters.item_of(mails, f"conversation {external_id}")
        return letters.record_of(item, _own(ctx)), item

    def _found(self, ctx: Context, box: Box, root: str) -> list[Kept]:
        for folder in ctx.config["folders"]:
            box.open(folder)
            if mails := self._conversation(ctx, box, root):
                return mails
        return []

    def backfill(self, ctx: Context, span: Span, cursor: Cursor | None) -> Iterator[Batch]:
        """The conversations of mails that the server took in the span, or those of the ids."""
        done = dict((cursor or {}).get("done", {}))
        with mailbox(ctx) as box:
            if span.ids:
                yield from self._by_ids(
                    ctx, box, span.ids[int(done.get("ids", 0)) :], int(done.get("ids", 0))
                )
            elif span.since is not None:
                until = (span.until or ctx.now()) + timedelta(days=1)
                for folder in ctx.config["folders"]:
                    box.open(folder)
                    uids = box.between(span.since.date(), until.date())
                    for part in _parts([uid for uid in uids if uid > int(done.get(folder, 0))]):
                        done[folder] = part[-1]
                        yield _with(self._batch(ctx, box, part), {"v": 1, "done": dict(done)})
        yield Batch((), (), {"v": 1, "done": done}, complete=True)

    def _by_ids(self, ctx: Context, box: Box, ids: Sequence[str], before: int) -> Iterator[Batch]:
        for number, id_ in enumerate(ids, before + 1):
            mails = self._found(ctx, box, id_)
            item = letters.item_of(mails, f"conversation {id_}")
            pairs = [(letters.record_of(item, _own(ctx)), item)] if mails else []
            yield Batch(
                tuple(record for record, _ in pairs),
                tuple(item for _, item in pairs),
                {"v": 1, "done": {"ids": number}},
            )

    def fetch_attachment(self, ctx: Context, ref: str) -> FetchedFile:
        """The bytes of one attached file: ``<Message-ID>#<part>``."""
        message_id, _, part = ref.rpartition("#")
        with mailbox(ctx) as box:
            for folder in ctx.config["folders"]:
                box.open(folder)
                for uid in box.with_id(message_id)[:1]:
                    got = box.mail(uid)
                    if got is not None and (number := whole_number(part)) is not None:
                        return _within_limit(ctx, FetchedFile(*letters.file_in(got[0], number)))
        raise Permanent(
            "the mail of this file is no longer in the mailbox",
            message_vi="Thư có tệp này không còn trong hộp thư",
        )

    # -- writing ---------------------------------------------------------------------------------

    def push(self, ctx: Context, command: PushCommand) -> PushResult:
        """Mail the answer into the citizen's conversation, unless its copy is in the mailbox."""
        own = _own(ctx)[0]
        id_ = sending.message_id(command, own)
        with mailbox(ctx) as box:
            mails = self._found(ctx, box, command.external_id)
            if command.attempt > 1 and self._has(ctx, box, id_):
                return PushResult("already_there", id_)
        if not mails:
            raise Permanent(
                "the citizen's mail is no longer in the mailbox",
                message_vi="Thư gốc của người dân không còn trong hộp thư: hãy trả lời bằng tay",
            )
        read = [letters.read(one.raw, one.taken_at) for one in mails]
        theirs = sorted(
            (one for one in read if one.address.lower() not in map(str.lower, _own(ctx))), key=_when
        )
        name = str(ctx.config.get("sender_name") or "")
        recipient, mail = sending.answer(command, theirs or read, own, name)
        with sending.server(ctx) as client:
            try:
                sending.hand_over(client, own, recipient, mail)
            except sending.TooLarge:
                if not command.attachments:
                    raise
                words = replace(command, attachments=())
                client.rset()
                sending.hand_over(client, own, *sending.answer(words, theirs or read, own, name))
                return PushResult("sent", id_, files_left=len(command.attachments))
        return PushResult("sent", id_)

    def _has(self, ctx: Context, box: Box, message_id: str) -> bool:
        for folder in ctx.config["folders"]:
            box.open(folder)
            if box.with_id(message_id):
                return True
        return False

    def lookup(self, ctx: Context, command: PushCommand) -> RemoteState | None:
        """The conversation as the mailbox has it, our answer's copy in it."""
        with mailbox(ctx) as box:
            mails = self._found(ctx, box, command.external_id)
        if not mails:
            return None
        record = letters.record_of(letters.item_of(mails, "conversation"), _own(ctx))
        id_ = sending.message_id(command, _own(ctx)[0])
        ours = next((answer for answer in record.answers if answer.remote_ref == id_), None)
        return RemoteState(record.status, record.answers, ours or find_answer(record.answers, command.body))

    # -- set-up ----------------------------------------------------------------------------------

    def check(self, ctx: Context) -> list[CheckResult]:
        """Both servers, the folders, one mail; stops at the first that fails. Sends nothing."""
        return in_steps(_STEPS, self._steps(ctx), lambda error: _HINTS.get(error.code, error.hint))

    def _steps(self, ctx: Context) -> Iterator[str]:
        _own(ctx)
        with mailbox(ctx) as box:
            yield f"Đăng nhập được, có {box.folders()} thư mục"
            for folder in ctx.config["folders"]:
                box.open(folder)
            yield f"Mở được {', '.join(ctx.config['folders'])}"
            week = box.after(0, (ctx.now() - timedelta(days=7)).date())
            got = box.mail(week[-1]) if week else None
            if got is not None:
                letters.read(*got)
            yield "Đọc được một thư mẫu" if got else "Bảy ngày qua không có thư, chưa thử được"
        if not ctx.config.get("smtp_url"):
            yield "Chỉ đọc: chưa khai báo máy chủ gửi thư"
            return
        with sending.server(ctx):
            yield "Đăng nhập được máy chủ gửi thư"


class _Set(Exception):
    """One mail that goes to quarantine with what could be had of it."""

    def __init__(self, item: RawItem, error: BadRecord) -> None:
        super().__init__(error.message)
        self.item, self.error = item, error


def _returned(letter: letters.Letter, own: Sequence[str]) -> BadRecord:
    """What a bounce is about: the conversation of the answer of ours that it returns."""
    about = letter.references[0] if letter.references else next(iter(letter.returned), None)
    return BadRecord(
        "an answer of ours came back: the mail server could not deliver it",
        field="delivery",
        external_id=about,
    )


def _own(ctx: Context) -> list[str]:
    """The office's addresses, the one that sends first."""
    address = str(ctx.config.get("address") or "")
    if "@" not in address:
        raise ConfigInvalid(
            "setting 'address' is no mail address", message_vi="Chưa khai báo địa chỉ thư của cơ quan"
        )
    return [address, *map(str, ctx.config.get("aliases") or ())]


def _within_limit(ctx: Context, file: FetchedFile) -> FetchedFile:
    if len(file.content) > ctx.http.max_bytes:
        raise Permanent(
            f"a file of {len(file.content)} bytes is beyond the limit of {ctx.http.max_bytes}",
            hint="Raise the channel's max_bytes if such files are wanted",
            message_vi="Tệp đính kèm lớn hơn giới hạn của kênh; tệp vẫn còn trong hộp thư",
        )
    return file


def _when(letter: letters.Letter) -> Any:
    return letter.at


def _parts(uids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(uids), BATCH):
        yield uids[start : start + BATCH]


def _cursor(places: dict[str, dict[str, int]]) -> dict[str, Any]:
    return {"v": 1, "folders": {name: dict(at) for name, at in places.items()}}


def _with(batch: Batch, cursor: Cursor) -> Batch:
    return Batch(batch.records, batch.items, cursor, problems=batch.problems)


CONNECTOR: Connector = Mailbox()
