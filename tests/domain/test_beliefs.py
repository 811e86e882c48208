"""What counts as a difference between a source and us, row by row."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from aggregator.domain import beliefs
from aggregator.domain.beliefs import (
    Difference,
    Held,
    Kind,
    Message,
    Remedy,
    Shown,
    ShownAnswer,
    Source,
    compare,
)
from aggregator.domain.delivery import Delivery
from aggregator.domain.workflow import Status
from aggregator.sdk.contract import SourceStatus

NOW = datetime(2026, 11, 10, 9, 0, tzinfo=UTC)
BEFORE = NOW - timedelta(hours=3)
OURS = "Đã vá ổ gà trước số nhà 12 Lê Lợi sáng 10/11. Cảm ơn bà đã phản ánh."
THEIRS = "Phòng Quản lý đô thị đã chuyển đơn vị thi công, dự kiến xong trong tuần này."
EDITED = "Đã vá ổ gà trước số nhà 12 Lê Lợi sáng 11/11. Cảm ơn bà đã phản ánh!"


def ours(body: str = OURS, number: int = 1, **more: Any) -> Message:
    return Message(number, body, **{"state": Delivery.SENT, "sent_at": BEFORE, **more})


def shows(*bodies: str, status: str = "resolved", raw: str | None = "Đã xử lý", **more: Any) -> Shown:
    return Shown(status, raw, answers=tuple(ShownAnswer(body, BEFORE) for body in bodies), **more)


def found(
    shown: Shown, *messages: Message, status: Status = Status.RESOLVED, due: datetime | None = None,
    source: Source | None = None,
) -> list[tuple[Kind, str]]:  # fmt: skip
    held = Held(status, messages, due)
    return [(one.kind, one.note) for one in compare(shown, held, source or Source(), NOW)]


ANSWERS = [
    (shows(OURS), [ours()], [], "the very words"),
    (shows("  Đã vá ổ gà\ntrước số nhà 12 Lê Lợi sáng 10/11.   Cảm ơn bà đã phản ánh."), [ours()], [],
     "the same words in another layout"),
    (shows(), [ours()], [(Kind.ANSWER_MISSING, "")], "sent hours ago, and not there"),
    (shows(), [ours(sent_at=NOW - timedelta(minutes=9))], [], "sent just now: a page may be older"),
    (shows(), [ours(was_shown=True)], [(Kind.ANSWER_MISSING, "removed")], "it was there and is gone"),
    (shows(), [ours(state=Delivery.PENDING, sent_at=None)], [], "still on its way"),
    (shows(), [ours(state=Delivery.UNCLEAR, sent_at=None)], [], "nobody knows: a person is asked elsewhere"),
    (shows(), [ours(state=Delivery.DEAD, sent_at=None)], [], "refused: that is told elsewhere"),
    (shows(EDITED), [ours()], [(Kind.ANSWER_EDITED, "edited")], "a date was changed there"),
    (shows(OURS[:40] + "…"), [ours()], [(Kind.ANSWER_EDITED, "cut")], "the source cut it"),
    (shows("Kính gửi bà Thử. " + OURS), [ours()], [(Kind.ANSWER_EDITED, "wrapped")], "it added a greeting"),
    (shows("Xong rồi nhé"), [ours(ref="a7")], [(Kind.ANSWER_EDITED, "edited")],
     "other words under the name that the source gave ours"),
    (shows(EDITED), [ours(state=Delivery.MANUAL, sent_at=None)], [(Kind.ANSWER_EDITED, "edited")],
     "carried by hand, in slightly other words, and not ticked"),
    (shows(THEIRS), [], [(Kind.ANSWER_FOREIGN, "")], "a colleague answered at the portal"),
    (shows(OURS), [ours(state=Delivery.PENDING, tried=False, sent_at=None)], [(Kind.ANSWER_FOREIGN, "")],
     "words like ours, and ours never left"),
    (shows(OURS), [ours(state=Delivery.WITHDRAWN, sent_at=None)], [(Kind.ANSWER_FOREIGN, "")],
     "words like ours, and ours was taken back"),
    (shows(THEIRS, OURS), [ours()], [(Kind.ANSWER_FOREIGN, "")], "theirs beside ours"),
    (shows(THEIRS), [ours()], [(Kind.ANSWER_FOREIGN, ""), (Kind.ANSWER_MISSING, "")],
     "theirs in place of ours"),
    (shows(OURS, OURS), [ours()], [(Kind.ANSWER_FOREIGN, "")], "ours twice, sent once"),
    (shows(OURS), [ours(), ours(number=2)], [(Kind.ANSWER_MISSING, "")],
     "the same words sent twice, there once"),
    (shows(THEIRS + " Đã xong.", OURS), [ours(THEIRS, 1, closes=False), ours(OURS, 2)],
     [(Kind.ANSWER_EDITED, "wrapped")], "of two answers one was edited"),
    (shows(OURS), [ours(THEIRS, 1, closes=False), ours(OURS, 2)], [],
     "a source that shows its newest answer only"),
    (shows("", "   "), [], [], "empty answers say nothing"),
]  # fmt: skip


@pytest.mark.parametrize(("shown", "messages", "wanted", "note"), ANSWERS, ids=[row[3] for row in ANSWERS])
def test_answers(shown: Shown, messages: list[Message], wanted: list[Any], note: str) -> None:
    if any(message.ref for message in messages):
        named = dataclasses.replace(shown.answers[0], ref="a7")
        shown = dataclasses.replace(shown, answers=(named,))
    assert found(shown, *messages) == wanted


def test_the_silence_of_a_source_that_never_showed_an_answer_says_nothing() -> None:
    mute = Source(shows_answers=False)
    assert found(shows(), ours(), source=mute) == []
    assert found(shows(), ours(was_shown=True), source=mute) == [(Kind.ANSWER_MISSING, "removed")]


WORK, DONE = Status.IN_PROGRESS, Status.RESOLVED
STATUSES = [
    ("in_progress", "Đang xử lý", WORK, [], {}, [], "both at work"),
    ("resolved", "Đã xử lý", WORK, [], {}, [Kind.SOURCE_CLOSED], "closed there, open here"),
    ("duplicate", "Trùng", WORK, [], {}, [Kind.SOURCE_CLOSED], "taken for a duplicate there"),
    ("resolved", "Đã xử lý", WORK, [ours()], {}, [], "opened again here after our own answer"),
    ("resolved", "Đã xử lý", DONE, [ours()], {}, [], "both done"),
    ("in_progress", "Đang xử lý", DONE, [ours()], {}, [Kind.SOURCE_OPEN], "answered, and still open there"),
    ("in_progress", "Đang xử lý", DONE, [ours(sent_at=NOW)], {}, [], "answered just now"),
    ("in_progress", "Đang xử lý", DONE, [ours(), ours(number=2, state=Delivery.PENDING, sent_at=None)],
     {}, [], "another result is on its way"),
    (
        "in_progress", "Đang xử lý", DONE, [ours(), ours(number=2, state=Delivery.WITHDRAWN, sent_at=None)],
        {}, [Kind.SOURCE_OPEN], "a second one was taken back",
    ),
    ("in_progress", "Đang xử lý", DONE, [], {}, [], "closed here without a word to this source"),
    ("in_progress", "Đang xử lý", DONE, [ours(closes=False)], {}, [], "only progress was told"),
    ("reopened", "Mở lại", DONE, [ours()], {}, [Kind.SOURCE_REOPENED], "the citizen was not content"),
    ("in_progress", "Đang xử lý", DONE, [ours()], {"done_at": NOW - timedelta(hours=1)},
     [Kind.SOURCE_REOPENED], "it was done there after our answer, and is open again"),
    ("in_progress", "Đang xử lý", DONE, [ours()], {"done_at": BEFORE - timedelta(days=1)}, [Kind.SOURCE_OPEN],
     "it was done there before our newest answer"),
    ("unmapped", "Chờ phân công", WORK, [], {}, [Kind.STATUS_UNMAPPED], "a word that nobody has mapped"),
    ("unmapped", None, WORK, [], {}, [], "a source without a status"),
    ("new", None, DONE, [ours()], {}, [], "no word: no claim about the status"),
    ("in_progress", "Đang xử lý", Status.HANDED_OVER, [ours()], {}, [], "a complaint, handed over"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("theirs", "raw", "case", "messages", "more", "wanted", "note"),
    STATUSES,
    ids=[row[6] for row in STATUSES],
)
def test_statuses(
    theirs: str, raw: str | None, case: Status, messages: list[Message], more: dict[str, Any],
    wanted: list[Kind], note: str,
) -> None:  # fmt: skip
    shown = shows(*(one.body for one in messages if one.sent_at), status=theirs, raw=raw, **more)
    assert [kind for kind, _ in found(shown, *messages, status=case)] == wanted


def test_a_source_that_takes_no_status_may_lag_behind_our_answer() -> None:
    assert found(shows(OURS, status="new"), ours(), source=Source(takes_status=False)) == []


def test_a_colleagues_answer_tells_of_the_closing_too() -> None:
    assert found(shows(THEIRS), status=WORK) == [(Kind.ANSWER_FOREIGN, "")]


DUE, EARLIER, LATER = NOW + timedelta(days=5), NOW + timedelta(days=2), NOW + timedelta(days=9)
DEADLINES = [
    (DUE, DUE, None, WORK, [], "the same"),
    (None, None, None, WORK, [], "none"),
    (LATER, DUE, DUE, WORK, [Kind.DEADLINE_LATER], "put off there, not counted here"),
    (None, DUE, DUE, WORK, [Kind.DEADLINE_LATER], "withdrawn there"),
    (EARLIER, EARLIER, DUE, WORK, [Kind.DEADLINE_EARLIER], "brought forward: counted at once, and told"),
    (EARLIER, EARLIER, None, WORK, [], "unchanged since the last look"),
    (LATER, DUE, DUE, DONE, [], "after the answer it changes nothing"),
]


@pytest.mark.parametrize(("shown", "counted", "before", "case", "wanted", "note"), DEADLINES)
def test_deadlines(
    shown: datetime | None, counted: datetime | None, before: datetime | None, case: Status,
    wanted: list[Kind], note: str,
) -> None:  # fmt: skip
    seen = Shown("in_progress", "Đang xử lý", due_at=shown, due_before=before)
    assert [kind for kind, _ in found(seen, status=case, due=counted)] == wanted


GONE = [
    (WORK, [], [Kind.REPORT_GONE], "we are at work on it"),
    (WORK, [ours()], [Kind.REPORT_GONE], "answered and opened again"),
    (DONE, [ours()], [], "it has our last word"),
    (DONE, [ours(state=Delivery.PENDING, sent_at=None)], [Kind.REPORT_GONE], "our last word has not arrived"),
]


@pytest.mark.parametrize(("case", "messages", "wanted", "note"), GONE, ids=[row[3] for row in GONE])
def test_a_report_that_the_source_has_no_more(
    case: Status, messages: list[Message], wanted: list[Kind], note: str
) -> None:
    assert [one.kind for one in beliefs.gone(Held(case, tuple(messages)))] == wanted


def test_the_same_difference_has_the_same_name_however_the_page_wraps_it() -> None:
    def names(text: str) -> set[str]:
        return {one.about for one in compare(shows(text), Held(WORK), Source(), NOW)}

    assert names(THEIRS) == names(THEIRS.replace(" ", "\n  ")) != names(THEIRS + " Xong.")


def test_nothing_is_offered_that_the_source_does_not_allow() -> None:
    full = beliefs.remedies(Kind.ANSWER_MISSING, can_push=True, can_look=True, can_fetch=True)
    blind = beliefs.remedies(Kind.ANSWER_MISSING, can_push=True, can_look=False, can_fetch=False)
    assert full == (Remedy.SEND_AGAIN, Remedy.ASK, Remedy.KNOWN)
    assert blind == (Remedy.KNOWN,), "never a repeat without a look"


def test_every_status_of_the_contract_says_whether_the_work_is_done_there() -> None:
    said = beliefs.DONE_THERE | beliefs.OPEN_THERE | {beliefs.UNMAPPED}
    assert said == {status.value for status in SourceStatus}


_words = some.sampled_from(["Đã vá", "ổ gà", "đường Lê Lợi", "sáng nay", "cảm ơn bà", "đang chờ vật tư", ""])
_texts = some.lists(_words, max_size=8).map(" ".join)


@given(some.lists(_texts, max_size=5), some.lists(_texts, max_size=4))
def test_each_answer_of_both_sides_is_accounted_for_once(theirs: list[str], mine: list[str]) -> None:
    messages = tuple(ours(body, number + 1) for number, body in enumerate(mine))
    told: list[Difference] = list(compare(shows(*theirs), Held(DONE, messages), Source(), NOW))
    foreign = sum(one.kind is Kind.ANSWER_FOREIGN for one in told)
    edited = sum(one.kind is Kind.ANSWER_EDITED for one in told)
    assert foreign + edited <= sum(bool(text.strip()) for text in theirs)
    assert edited + sum(one.kind is Kind.ANSWER_MISSING for one in told) <= len(mine)
    assert len({(one.kind, one.message_id) for one in told if one.message_id}) == len(
        [one for one in told if one.message_id]
    )
