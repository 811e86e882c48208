"""One try to carry one answer to its source: look if needed, push, and say what came of it.

    may it have arrived?  --yes-->  lookup --there--> done
            no |                      | not there
               +-------> push <-------+

No database here, and no decision either: what an error means is `domain.delivery.after_failure`,
what a look means is `domain.delivery.judge_look`.

What may surprise: how far the try had come is kept outside the calls (`stage`), because the meaning
of an exception hangs on it: the same timeout before the push is "not sent", after it "who knows".
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from aggregator.domain import delivery
from aggregator.domain.delivery import NO_KIND, Delivery, Patience, Stage, Writing
from aggregator.domain.text import clean
from aggregator.domain.workflow import ReplyKind
from aggregator.sdk.contract import (
    Capabilities,
    ChannelError,
    Connector,
    Context,
    Manifest,
    OutFile,
    PushCommand,
    RemoteState,
    SourceStatus,
)
from aggregator.sdk.discovery import status_map_of
from aggregator.storage.outbox_claims import Claimed, Earlier

log = logging.getLogger(__name__)

#: What the source should show after each kind of answer. A correction leaves what stood there.
STATUS_AFTER: dict[ReplyKind, SourceStatus] = {
    ReplyKind.RESULT: SourceStatus.RESOLVED,
    ReplyKind.PROGRESS: SourceStatus.IN_PROGRESS,
    ReplyKind.REFUSAL: SourceStatus.REJECTED,
    ReplyKind.ACKNOWLEDGEMENT: SourceStatus.ACCEPTED,
    ReplyKind.TRANSFER: SourceStatus.REJECTED,
    ReplyKind.EXTENSION: SourceStatus.IN_PROGRESS,
}
#: What a role is called under an answer that a citizen reads.
TITLES = {"officer": "Cán bộ", "leader": "Lãnh đạo", "admin": "Quản trị viên"}


@dataclass(frozen=True, slots=True)
class Carried:
    """What came of a try: the message's next state, and what the channel learns."""

    state: Delivery
    writing: Writing
    wait: timedelta | None = None
    hold: timedelta | None = None
    counted: bool = True
    remote_ref: str | None = None
    code: str = ""
    error: str = ""
    error_vi: str = ""
    #: Files that the source did not take with it after all.
    files_left: int = 0
    evidence: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # A source's words: of what they may hold no database takes everything.
        for name in ("remote_ref", "error", "error_vi"):
            if said := getattr(self, name):
                object.__setattr__(self, name, clean(said))


class Trip:
    """One try. `result` is there once the source has answered, whatever fails afterwards."""

    def __init__(
        self, claimed: Claimed, can: Capabilities, before: Earlier, files: tuple[OutFile, ...] = ()
    ) -> None:
        self.claimed = claimed
        self.files = files
        self.can = can
        self.stage = Stage.OPEN
        self.result: Carried | None = None
        self._before = before

    @property
    def said_as(self) -> ReplyKind | None:
        """The kind by which the source is told; None where it has no word for such an answer."""
        corrected = self.claimed.corrected
        return delivery.spoken_as(
            self.claimed.kind, self.can.push_kinds, corrected=corrected.kind if corrected else None
        )

    @property
    def readable(self) -> bool:
        return self.can.idempotency != "none"

    def without_network(self) -> Carried | None:
        """Where a person must act, and the source need not be asked to know it; else None."""
        if not self.can.push_reply and not self.claimed.look_first:
            return Carried(Delivery.MANUAL, Writing.ITEM)  # the connector can no longer push
        if self.said_as is None and not self.claimed.look_first:
            return Carried(Delivery.MANUAL, Writing.ITEM, code=NO_KIND)
        if self.claimed.look_first and not self.readable:
            return _unclear("outcome_unknown", "it may have arrived, and the source cannot be read back")
        return None

    def run(self, connector: Connector, ctx: Context) -> None:
        """Look where it may have arrived, push where it has not. Raises the connector's errors."""
        # What may have arrived was told by some word; where none is left it is only looked for.
        command = command_for(self.claimed, self.said_as or self.claimed.kind, self.files)
        if self.claimed.look_first:
            self.stage = Stage.LOOKUP
            self.result = self._judged(connector.lookup(ctx, command))
        if self.result is None and self.said_as is None:
            self.result = Carried(Delivery.MANUAL, Writing.ITEM, code=NO_KIND)
        if self.result is None:
            self.stage = Stage.PUSH
            pushed = connector.push(ctx, command)
            warned = "sent_with_warning" if pushed.warning else ""
            self.result = Carried(
                Delivery.SENT, Writing.FINE, remote_ref=pushed.remote_ref, code=warned, error=pushed.warning,
                error_vi=pushed.warning_vi, files_left=pushed.files_left,
            )  # fmt: skip

    def _judged(self, remote: RemoteState | None) -> Carried | None:
        if remote is None:
            return _unclear("report_gone", "the report is no longer at the source")
        found = remote.found
        look = delivery.Look(
            tuple(answer.body for answer in remote.answers),
            found=found is not None,
            found_ref=found.remote_ref if found else None,
        )
        state = delivery.judge_look(
            look,
            self.claimed.body,
            twins=self._before.twins,
            known_refs=self._before.refs,
            by_key=self.can.idempotency in ("native_key", "natural_key"),
        )
        if state is None:
            return None
        return Carried(state, Writing.FINE, remote_ref=look.found_ref, files_left=remote.files_left)


def failed(trip: Trip, error: Exception) -> Carried:
    """What an exception during `trip` means for the message and its channel."""
    claimed = trip.claimed
    verdict = delivery.after_failure(
        error,
        trip.stage,
        unsure=claimed.look_first,
        readable=trip.readable,
        attempts=claimed.attempts,
        write_failures=claimed.write_failures,
        patience=patience_of(claimed.channel_options),
    )
    known = isinstance(error, ChannelError)
    return Carried(
        verdict.state,
        verdict.writing,
        wait=verdict.wait,
        hold=verdict.hold,
        counted=verdict.counted,
        code=error.code if isinstance(error, ChannelError) else "bug",
        error=str(error) if known else f"{type(error).__name__} in the connector",
        error_vi=error.message_vi if isinstance(error, ChannelError) else "Bộ kết nối gặp lỗi",
        evidence=error.evidence if isinstance(error, ChannelError) else {},
    )


def told_by(manifest: Manifest, options: Mapping[str, Any], kind: ReplyKind) -> str:
    """The source's word for the state that an answer of this kind leaves; empty where it has none."""
    named = {**manifest.answer_words, **options.get("answer_words", {})}
    words = status_map_of(manifest, options.get("status_map", {}))
    # A correction leaves the state that stood there.
    wanted = STATUS_AFTER.get(kind)
    usual = (raw for raw, ours in words.items() if ours == wanted)
    return str(named.get(kind) or next(usual, ""))


def patience_of(options: Mapping[str, Any]) -> Patience:
    """A channel's own waiting times, in seconds, over the usual ones."""
    usual = Patience()
    return Patience(
        first_s=float(options.get("retry_first_s", usual.first_s)),
        cap_s=float(options.get("retry_cap_s", usual.cap_s)),
        settle_s=float(options.get("settle_s", usual.settle_s)),
    )


def command_for(claimed: Claimed, said_as: ReplyKind, files: tuple[OutFile, ...] = ()) -> PushCommand:
    """What the connector is asked to deliver; `said_as` is the kind that its source has a word for."""
    corrected = claimed.corrected
    return PushCommand(
        idempotency_key=claimed.idempotency_key,
        external_id=claimed.external_id,
        kind=said_as.value,
        body=claimed.body,
        status=STATUS_AFTER[corrected.stands if corrected else said_as],
        at=claimed.at,
        transfer_to=claimed.transfer_to,
        due_at=claimed.due_at,
        corrects=corrected.remote_ref if corrected else None,
        author_name=claimed.author_name,
        author_title=TITLES.get(claimed.author_role, ""),
        unit_name=claimed.unit_name,
        attempt=claimed.attempts,
        attachments=files,
    )


def _unclear(code: str, error: str) -> Carried:
    return Carried(Delivery.UNCLEAR, Writing.ITEM, code=code, error=error)
