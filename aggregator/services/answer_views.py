"""The answers of a case as its page tells them: what was said, what became of it, what may be done now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from aggregator.domain.delivery import Delivery, spoken_as
from aggregator.domain.workflow import ReplyKind
from aggregator.sdk.contract import Capabilities
from aggregator.services.answer_files import Taking, sorted_out
from aggregator.services.views.delivery import DeliveryView, FileView, ReplyView

#: States in which no source has an answer, nor will have it.
_NOWHERE = (Delivery.WITHDRAWN, Delivery.DEAD)
#: States of messages that nobody has touched yet, as far as the state alone can tell.
_UNTOUCHED = (Delivery.PENDING, Delivery.MANUAL)


def offered(case: Any, rows: Sequence[Any], *, restricted: bool) -> tuple[ReplyKind, ...]:
    """The kinds that the page's form offers. An extension and a correction have forms of their own, and
    nobody is told that a report came who was told more already."""
    if restricted:
        return (ReplyKind.PROGRESS,)
    kinds = (ReplyKind.RESULT, ReplyKind.PROGRESS, ReplyKind.REFUSAL, ReplyKind.TRANSFER)
    silent = case.is_open and all(row.withdrawn_at is not None for row in rows)
    return (*kinds, ReplyKind.ACKNOWLEDGEMENT) if silent else kinds


def by_itself(can: Capabilities) -> tuple[ReplyKind, ...]:
    """The kinds that such a source is told without a person."""
    if not can.push_reply:
        return ()
    return tuple(kind for kind in ReplyKind if spoken_as(kind, can.push_kinds) is not None)


def file_views(rows: Sequence[Any]) -> tuple[FileView, ...]:
    """The files of one answer, in the order in which they were chosen."""
    return tuple(
        FileView(row.id, row.filename, row.content_type, row.size, row.sha256 is not None) for row in rows
    )


def replies(
    rows: Sequence[Any],
    names: Mapping[int, str],
    deliveries: Sequence[DeliveryView],
    files: Mapping[int, Sequence[Any]],
    takes: Mapping[int, Taking],
    now: datetime,
) -> tuple[ReplyView, ...]:
    """The rows in their order, each with its messages. `takes`: report -> what goes there of files."""
    given = {row.id: row.at for row in rows}
    stand = [row for row in rows if row.withdrawn_at is None]
    corrected = {row.corrects: row.at for row in stand if row.corrects is not None}
    newest = stand[-1].id if stand else None
    return tuple(
        _reply(
            row, names, _ways(row, deliveries, files.get(row.id, ()), takes), now,
            files=files.get(row.id, ()), newest=row.id == newest,
            corrects_at=given.get(row.corrects), corrected_at=corrected.get(row.id),
        )
        for row in rows
    )  # fmt: skip


def _ways(
    row: Any, deliveries: Sequence[DeliveryView], files: Sequence[Any], takes: Mapping[int, Taking]
) -> tuple[DeliveryView, ...]:
    mine = (view for view in deliveries if view.reply_id == row.id)
    return tuple(_naming(view, files, takes) if view.files_left else view for view in mine)


def _naming(view: DeliveryView, files: Sequence[Any], takes: Mapping[int, Taking]) -> DeliveryView:
    """Which files stay here, and why; where a source left others than its rules say, only how many."""
    take = takes.get(view.report_id)
    left = sorted_out(take, files)[1] if take is not None else ()
    return replace(view, left=left) if len(left) == view.files_left else view


def _reply(
    row: Any, names: Mapping[int, str], ways: tuple[DeliveryView, ...], now: datetime, *,
    files: Sequence[Any], newest: bool, corrects_at: datetime | None, corrected_at: datetime | None,
) -> ReplyView:  # fmt: skip
    undo_s = None
    untouched = all(way.state in _UNTOUCHED and not way.attempts for way in ways)
    # Offered where it will most likely work; the verb itself decides.
    if newest and untouched and row.undo_until is not None and now < row.undo_until:
        undo_s = (row.undo_until - now).total_seconds()
    gone = row.withdrawn_at is not None
    return ReplyView(
        id=row.id, kind=row.kind, body=row.body, at=row.at, who=names.get(row.officer_id, ""),
        deliveries=ways, transfer_to=row.transfer_to, due_at=row.due_at,
        undo_until=row.undo_until if undo_s is not None else None, undo_s=undo_s, corrects=row.corrects,
        withdrawn_at=row.withdrawn_at,
        withdrawn_by=names.get(row.withdrawn_by, "") if gone else "", withdrawn_by_id=row.withdrawn_by,
        corrects_at=corrects_at, corrected_at=corrected_at,
        may_correct=not gone and undo_s is None and row.corrects is None
        and any(way.state not in _NOWHERE for way in ways),
        files=file_views(files),
    )  # fmt: skip
