"""The whole life of a case as named constants and one table of moves.

A status says what people did, never what a portal knows (I7): delivery has its own states in
`aggregator.domain.delivery`. What may surprise: `MERGED` is the status of a case whose reports all
live in another case now, and `HANDED_OVER` of a complaint or denunciation that left for its own
procedure; undoing gives either back the status it had.
"""

from __future__ import annotations

import enum

from aggregator.errors import MoveNotAllowed


class Status(enum.StrEnum):
    NEW = "new"
    ACCEPTED = "accepted"
    IN_PROGRESS = "in_progress"
    WAITING_UNIT = "waiting_unit"
    NEEDS_INFO = "needs_info"
    RESOLVED = "resolved"
    REJECTED = "rejected"
    MERGED = "merged"
    HANDED_OVER = "handed_over"


OPEN = frozenset({Status.NEW, Status.ACCEPTED, Status.IN_PROGRESS, Status.WAITING_UNIT, Status.NEEDS_INFO})

#: What a person may do next. Merging, handing over and their undo are not moves.
MOVES: dict[Status, frozenset[Status]] = {
    Status.NEW: frozenset(
        {Status.ACCEPTED, Status.IN_PROGRESS, Status.WAITING_UNIT, Status.NEEDS_INFO,
         Status.RESOLVED, Status.REJECTED}
    ),
    Status.ACCEPTED: frozenset(
        {Status.IN_PROGRESS, Status.WAITING_UNIT, Status.NEEDS_INFO, Status.RESOLVED, Status.REJECTED}
    ),
    Status.IN_PROGRESS: frozenset(
        {Status.WAITING_UNIT, Status.NEEDS_INFO, Status.RESOLVED, Status.REJECTED}
    ),
    Status.WAITING_UNIT: frozenset(
        {Status.IN_PROGRESS, Status.NEEDS_INFO, Status.RESOLVED, Status.REJECTED}
    ),
    Status.NEEDS_INFO: frozenset(
        {Status.IN_PROGRESS, Status.WAITING_UNIT, Status.RESOLVED, Status.REJECTED}
    ),
    Status.RESOLVED: frozenset({Status.IN_PROGRESS}),
    Status.REJECTED: frozenset({Status.IN_PROGRESS}),
    Status.MERGED: frozenset(),
    Status.HANDED_OVER: frozenset(),
}  # fmt: skip

LABELS_VI: dict[Status, str] = {
    Status.NEW: "Mới",
    Status.ACCEPTED: "Đã tiếp nhận",
    Status.IN_PROGRESS: "Đang xử lý",
    Status.WAITING_UNIT: "Chờ đơn vị khác",
    Status.NEEDS_INFO: "Chờ dân bổ sung",
    Status.RESOLVED: "Đã giải quyết",
    Status.REJECTED: "Từ chối",
    Status.MERGED: "Đã gộp",
    Status.HANDED_OVER: "Đã chuyển giải quyết",
}


class ReplyKind(enum.StrEnum):
    """What an answer means; each closes, or does not close, the case."""

    PROGRESS = "progress"
    RESULT = "result"
    REFUSAL = "refusal"
    #: We have it. Says nothing about the matter yet.
    ACKNOWLEDGEMENT = "acknowledgement"
    #: Another body has it now, by name: our part ends as with a refusal.
    TRANSFER = "transfer"
    #: It takes longer, until a date.
    EXTENSION = "extension"
    #: An earlier answer was wrong. Changes nothing about the case.
    CORRECTION = "correction"


#: The kinds that finish a case.
CLOSING = frozenset({ReplyKind.RESULT, ReplyKind.REFUSAL, ReplyKind.TRANSFER})


def after_reply(status: Status, kind: ReplyKind) -> Status:
    """The status that an answer leaves behind. Raises `MoveNotAllowed` where the case takes no such answer.

    Progress and an extension begin a case that nobody had begun, an acknowledgement accepts a new one; a
    correction changes nothing and is taken always.
    """
    if kind is ReplyKind.CORRECTION:
        return status
    if kind in CLOSING:
        target = Status.RESOLVED if kind is ReplyKind.RESULT else Status.REJECTED
        if status in OPEN or status is target:
            return target
    elif status in OPEN:
        if kind is ReplyKind.ACKNOWLEDGEMENT:
            return Status.ACCEPTED if status is Status.NEW else status
        return Status.IN_PROGRESS if status in (Status.NEW, Status.ACCEPTED) else status
    elif kind is ReplyKind.PROGRESS and status is Status.HANDED_OVER:
        return status  # its sender is told where it went
    raise MoveNotAllowed(
        f"a {status.value} case takes no {kind.value}",
        message_vi="Vụ việc đã kết thúc. Hãy mở lại trước khi gửi phúc đáp này.",
    )


#: Reasons for which the clock may stand still. An office edits the wording, not the codes.
PAUSE_REASONS: dict[str, str] = {
    "needs_info": "Chờ người dân bổ sung thông tin",
    "other_body": "Chờ cơ quan khác có thẩm quyền trả lời",
    "site_visit": "Chờ khảo sát hiện trường theo lịch đã hẹn",
    "force_majeure": "Thiên tai, dịch bệnh, sự cố bất khả kháng",
}


#: Why the feedback clock of a complaint or denunciation stands still. Nobody chooses it from the list.
LEGAL_PAUSE = "legal"


def check_move(now: Status, to: Status) -> None:
    """Raise `MoveNotAllowed` with both words where the table has no such move."""
    if to not in MOVES[now]:
        raise MoveNotAllowed(
            f"a case that is {now.value} cannot become {to.value}",
            message_vi=f"Vụ việc đang “{LABELS_VI[now]}” không thể chuyển sang “{LABELS_VI[to]}”.",
        )
