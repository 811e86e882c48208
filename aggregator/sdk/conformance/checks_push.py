"""Carrying answers back, exactly once, and bringing attachments."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from aggregator.sdk.conformance.checks import check
from aggregator.sdk.conformance.harness import Channel, NotApplicable, Trial, expect, fail
from aggregator.sdk.contract import (
    ChannelError,
    OutFile,
    Permanent,
    PushCommand,
    PushResult,
    SchemaDrift,
    SourceStatus,
    Transient,
    UnknownOutcome,
)

_WORDS = "Đã thay bóng đèn sáng nay. Cảm ơn ông, bà đã phản ánh."
#: The state that goes with each kind, as the product asks for it.
_STATUS_AFTER: Mapping[str, SourceStatus] = {
    "result": SourceStatus.RESOLVED,
    "progress": SourceStatus.IN_PROGRESS,
    "refusal": SourceStatus.REJECTED,
    "acknowledgement": SourceStatus.ACCEPTED,
    "transfer": SourceStatus.REJECTED,
    "extension": SourceStatus.IN_PROGRESS,
    "correction": SourceStatus.RESOLVED,
}
_MORE: Mapping[str, Mapping[str, Any]] = {
    "transfer": {"transfer_to": "Công ty Thoát nước"},
    "extension": {"due_at": datetime(2026, 12, 1, 10, tzinfo=UTC)},
}
_FILE = bytes(range(256)) * 40
_FILES = (("Ảnh sau khi sửa.jpg", "image/jpeg", _FILE), ("Quyết định 12.pdf", "application/pdf", _FILE[::-1]))


@check("push-writes-back")
def writes_back(trial: Trial) -> None:
    expect(trial.manifest.capabilities.push_reply, "its capability push_reply is off")


@contextmanager
def _answering(trial: Trial) -> Iterator[tuple[Channel, str]]:
    """A channel that has read its reports, and the id of one to answer."""
    trial.needs(network=True, fillable=True, push_reply=True)
    with trial.channel(3) as channel:
        yield channel, sorted(channel.poll().ids)[1]


def _command(channel: Channel, id_: str, body: str = _WORDS, attempt: int = 1, **more: Any) -> PushCommand:
    given: dict[str, Any] = {
        "idempotency_key": f"conformance-{id_}-{len(body)}",
        "external_id": id_,
        "kind": "result",
        "body": body,
        "status": SourceStatus.RESOLVED,
        "at": channel.stage.now,
        "author_name": "Lan",
        "author_title": "Chuyên viên",
        "unit_name": "UBND phường",
        "attempt": attempt,
    }
    return PushCommand(**{**given, **more})


def _push(channel: Channel, command: PushCommand, **options: Any) -> PushResult:
    with channel.context(**options) as ctx:
        return channel.connector.push(ctx, command)


def _count(channel: Channel, id_: str, body: str = _WORDS) -> int:
    return sum(body in shown for shown in channel.stage.shown(id_))


@check("push-once")
def pushed_twice_stands_once(trial: Trial) -> None:
    with _answering(trial) as (channel, id_):
        outcome = _push(channel, _command(channel, id_)).outcome
        expect(outcome == "sent", f"the first push says {outcome!r}")
        expect(_count(channel, id_) == 1, f"the answer stands there {_count(channel, id_)} times")
        _push(channel, _command(channel, id_, attempt=2))
        expect(_count(channel, id_) == 1, f"pushed twice, it stands there {_count(channel, id_)} times")
        others = [other for other in channel.known if other != id_ and channel.stage.shown(other)]
        expect(not others, f"it also stands at {', '.join(others)}")


@check("push-already-there")
def already_there_is_success(trial: Trial) -> None:
    with _answering(trial) as (channel, id_):
        _push(channel, _command(channel, id_))
        again = _push(channel, _command(channel, id_, attempt=2))
        expect(again.outcome == "already_there", f"the second push says {again.outcome!r}")


@check("push-unknown-outcome")
def lost_answer_is_unknown(trial: Trial) -> None:
    with _answering(trial) as (channel, id_):
        channel.stage.fault("commit_then_drop", count=1)
        first, again = _command(channel, id_), _command(channel, id_, attempt=2)
        try:
            _push(channel, first)
            fail("the portal's answer was lost, and the push says that all is well")
        except UnknownOutcome:
            pass
        except ChannelError as error:
            fail(f"{type(error).__name__} came, UnknownOutcome expected: {error.message}")
        channel.stage.mend()
        with channel.context() as ctx:
            state = channel.connector.lookup(ctx, again)
        expect(state is not None and state.found is not None, "lookup() does not find the answer")
        _push(channel, again)
        expect(_count(channel, id_) == 1, f"the answer stands there {_count(channel, id_)} times")


@check("push-not-sent")
def not_sent_can_be_repeated(trial: Trial) -> None:
    with _answering(trial) as (channel, id_):
        channel.stage.fault("outage")
        try:
            _push(channel, _command(channel, id_))
            fail("the portal is away, and the push says that all is well")
        except (Transient, UnknownOutcome):
            pass
        except ChannelError as error:
            fail(f"{type(error).__name__} came, Transient or UnknownOutcome expected: {error.message}")
        channel.stage.mend()
        with channel.context() as ctx:
            state = channel.connector.lookup(ctx, _command(channel, id_))
        expect(state is None or state.found is None, "lookup() finds an answer that never arrived")
        _push(channel, _command(channel, id_, attempt=2))
        expect(_count(channel, id_) == 1, f"the answer stands there {_count(channel, id_)} times")


@check("push-in-order")
def answers_keep_their_order(trial: Trial) -> None:
    with _answering(trial) as (channel, id_):
        kinds: tuple[Literal["progress", "result"], ...] = ("progress", "result")
        sent: list[str] = []
        for kind, status in zip(kinds, (SourceStatus.IN_PROGRESS, SourceStatus.RESOLVED), strict=True):
            body = f"{_WORDS} ({kind})"
            channel.stage.now += timedelta(minutes=5)
            try:
                _push(channel, _command(channel, id_, body, kind=kind, status=status))
            except Permanent:
                continue  # a portal may take the final answer alone
            sent.append(body)
        expect(sent, "neither a note of progress nor a result was taken")
        shown = [body for text in channel.stage.shown(id_) for body in sent if body in text]
        expect(shown == sent, f"sent {len(sent)}, and the portal shows {len(shown)} in another order")


@check("push-each-kind")
def every_kind_it_names_is_taken(trial: Trial) -> None:
    trial.needs(network=True, fillable=True, push_reply=True)
    kinds = trial.manifest.capabilities.push_kinds
    with trial.channel(len(kinds)) as channel:
        for id_, kind in zip(sorted(channel.poll().ids), kinds, strict=True):
            body = f"{_WORDS} ({kind})"
            told = {"kind": kind, "status": _STATUS_AFTER[kind], **_MORE.get(kind, {})}
            try:
                _push(channel, _command(channel, id_, body, **told))
            except Permanent as error:
                fail(f"it names {kind} among its push_kinds and refuses it: {error.message}")
            count = _count(channel, id_, body)
            expect(count == 1, f"{kind}: it stands there {count} times")


@check("push-files")
def files_stand_there_once(trial: Trial) -> None:
    if not trial.manifest.capabilities.push_attachments:
        raise NotApplicable("its portal takes no files with an answer")
    with TemporaryDirectory() as folder, _answering(trial) as (channel, id_):
        files = tuple(_out_file(Path(folder), *one) for one in _FILES)
        sent = [file.sha256 for file in files[: trial.manifest.capabilities.push_max_files]]
        first = _command(channel, id_, attachments=files[: len(sent)])
        again = _command(channel, id_, attempt=2, attachments=first.attachments)
        # Whichever call carried them: its answer is lost, and all of it is done again.
        channel.stage.fault("commit_then_drop", count=1)
        with suppress(Transient, UnknownOutcome):
            _push(channel, first)
        channel.stage.mend()
        _push(channel, again)
        _push(channel, again)
        expect(_count(channel, id_) == 1, f"the answer stands there {_count(channel, id_)} times")
        shown = channel.stage.files_shown(id_)
        expect(shown == sent, f"{len(sent)} files went along, and {len(shown)} (or others) stand there")


def _out_file(folder: Path, name: str, kind: str, content: bytes) -> OutFile:
    digest = hashlib.sha256(content).hexdigest()
    (folder / digest).write_bytes(content)
    return OutFile(name, kind, digest, len(content), folder / digest)


@check("push-unsupported-status")
def status_without_word(trial: Trial) -> None:
    trial.needs(push_status=True)
    with _answering(trial) as (channel, id_):
        with channel.context() as ctx:
            wordless = [s for s in SourceStatus if ctx.status_raw_for(s) is None]
        if not wordless:
            raise NotApplicable("the portal has a word for every status")
        _is_permanent(channel, _command(channel, id_, status=wordless[0]))
        expect(not channel.stage.shown(id_), "the answer stands there all the same")


@check("push-no-such-report")
def report_that_is_not_there(trial: Trial) -> None:
    with _answering(trial) as (channel, _id):
        before = channel.stage.writes()
        _is_permanent(channel, _command(channel, "99999999"))
        expect(channel.stage.writes() == before, "something was written all the same")


def _is_permanent(channel: Channel, command: PushCommand) -> None:
    try:
        _push(channel, command)
    except Permanent:
        return
    except ChannelError as error:
        fail(f"{type(error).__name__} came, Permanent expected: {error.message}")
    fail("the push says that all is well")


# -- attachments ---------------------------------------------------------------------------------


@contextmanager
def _with_file(trial: Trial) -> Iterator[tuple[Channel, str]]:
    """A channel whose one report carries a file, and the file's reference."""
    if trial.manifest.capabilities.attachments == "none":
        raise NotApplicable("its portal has no attachments")
    trial.needs(fillable=True, network=True)
    file = {"filename": "anh.jpg", "base64": base64.b64encode(_FILE).decode(), "content_type": "image/jpeg"}
    report = {**trial.subject.scenario.a_report(1), "attachments": [file]}
    with trial.channel([report]) as channel:
        found = [a.ref for record in channel.poll().records for a in record.attachments]
        expect(len(found) == 1, f"the report carries one file, and the record {len(found)}")
        yield channel, found[0]


@check("attachment-bytes")
def attachment_comes_whole(trial: Trial) -> None:
    with _with_file(trial) as (channel, ref), channel.context() as ctx:
        file = channel.connector.fetch_attachment(ctx, ref)
        expect(file.content == _FILE, f"{len(file.content)} other bytes came, of {len(_FILE)}")
        expect(file.filename.strip(), "the file has no name")


@check("attachment-too-large")
def attachment_too_large(trial: Trial) -> None:
    with _with_file(trial) as (channel, ref), channel.context(max_bytes=4_000) as ctx:
        try:
            channel.connector.fetch_attachment(ctx, ref)
        except (SchemaDrift, Permanent):
            return
        except ChannelError as error:
            fail(f"{type(error).__name__} came, SchemaDrift or Permanent expected: {error.message}")
        fail("a file of 10 kB was taken under a limit of 4 kB")
