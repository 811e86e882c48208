"""What a failed try means, what a look at the source means, and how long to wait."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.domain.delivery import (
    DELIVERED,
    FINAL,
    NEEDS_PERSON,
    WAITING,
    Delivery,
    Look,
    Patience,
    Stage,
    Verdict,
    Writing,
    after_failure,
    backoff,
    comparable,
    judge_look,
    shown,
    spoken_as,
)
from aggregator.domain.workflow import ReplyKind
from aggregator.errors import (
    AuthFailed,
    BadRecord,
    BotChallenge,
    ChannelError,
    ConfigInvalid,
    Permanent,
    RateLimited,
    SchemaDrift,
    Transient,
    UnknownOutcome,
)

OPEN, LOOKUP, PUSH = Stage.OPEN, Stage.LOOKUP, Stage.PUSH
PENDING, CONFIRMING, UNCLEAR, DEAD = Delivery.PENDING, Delivery.CONFIRMING, Delivery.UNCLEAR, Delivery.DEAD
CHANNEL_ERRORS = [
    Transient, RateLimited, AuthFailed, ConfigInvalid, SchemaDrift, BotChallenge, Permanent,
    UnknownOutcome, BadRecord, ChannelError,
]  # fmt: skip


def judged(
    error: Exception,
    stage: Stage,
    *,
    unsure: bool = False,
    readable: bool = True,
    attempts: int = 1,
    write_failures: int = 0,
    spread: float = 1.0,
) -> Verdict:
    return after_failure(
        error,
        stage,
        unsure=unsure,
        readable=readable,
        attempts=attempts,
        write_failures=write_failures,
        patience=Patience(first_s=30, cap_s=300, settle_s=60),
        spread=spread,
    )


def seconds(value: timedelta | None) -> float | None:
    return None if value is None else value.total_seconds()


# error, how far, may have arrived before, can be read back -> state, what the channel learns, message waits,
# channel held, counted
TABLE = [
    (Transient("x"), PUSH, False, True, PENDING, Writing.FAILED, 30, 30, True,
     "no connection: it has not left, and the queue waits with it"),
    (Transient("x"), PUSH, True, True, CONFIRMING, Writing.FAILED, 30, 30, True,
     "not this time, but the try before may have arrived late"),
    (Transient("x"), LOOKUP, True, True, CONFIRMING, Writing.FAILED, 30, 30, True,
     "could not look: still not known"),
    (Transient("x"), OPEN, False, False, PENDING, Writing.FAILED, 30, 30, True,
     "nothing was said yet, so even where nothing can be read back it waits"),
    (RateLimited("x", retry_after=7), PUSH, False, True, PENDING, Writing.ASKED_TO_WAIT, 7, 7, False,
     "wait as told, and nobody is to blame"),
    (RateLimited("x"), PUSH, True, True, CONFIRMING, Writing.ASKED_TO_WAIT, 30, 30, False,
     "asked to wait without a time"),
    (AuthFailed("x"), PUSH, False, True, PENDING, Writing.SIGNED_OUT, 0, None, False,
     "due at once when the channel is signed in again"),
    (AuthFailed("x"), LOOKUP, True, True, CONFIRMING, Writing.SIGNED_OUT, 0, None, False,
     "signed out before the look: still not known"),
    (ConfigInvalid("x"), OPEN, False, True, PENDING, Writing.MISCONFIGURED, 0, None, False,
     "wrong address: held until a person corrects it"),
    (Permanent("x"), PUSH, False, True, DEAD, Writing.ITEM, None, None, True,
     "refused: this answer's matter alone"),
    (Permanent("x"), LOOKUP, True, True, UNCLEAR, Writing.ITEM, None, None, True,
     "the source refuses the look: a person has to"),
    (UnknownOutcome("x"), PUSH, False, True, CONFIRMING, Writing.FAILED, 60, None, True,
     "lost answer: look after the settling time, others go on"),
    (UnknownOutcome("x"), PUSH, False, False, UNCLEAR, Writing.FAILED, None, None, True,
     "lost answer where nothing can be read back: a person decides"),
    (SchemaDrift("x"), PUSH, False, True, CONFIRMING, Writing.FAILED, 60, None, True,
     "an odd page after the push: it may have arrived"),
    (BotChallenge("x"), PUSH, False, True, CONFIRMING, Writing.FAILED, 60, None, True,
     "a challenge page after the push likewise"),
    (SchemaDrift("x"), LOOKUP, True, True, CONFIRMING, Writing.FAILED, 30, 30, True,
     "an odd page instead of the answers: look again later"),
    (KeyError("x"), PUSH, False, True, CONFIRMING, Writing.FAILED, 60, None, True,
     "a bug after the push may have left it at the source"),
    (KeyError("x"), PUSH, False, False, UNCLEAR, Writing.FAILED, None, None, True,
     "a bug, and nothing can be read back"),
    (KeyError("x"), OPEN, False, False, PENDING, Writing.FAILED, 30, 30, True,
     "a bug before anything was said"),
]  # fmt: skip


@pytest.mark.parametrize(
    "error, stage, unsure, readable, state, writing, wait, hold, counted, note",
    TABLE,
    ids=[row[-1] for row in TABLE],
)
def test_the_class_of_an_error_is_the_recovery_action(
    error: Exception, stage: Stage, unsure: bool, readable: bool, state: Delivery, writing: Writing,
    wait: float | None, hold: float | None, counted: bool, note: str,
) -> None:  # fmt: skip
    verdict = judged(error, stage, unsure=unsure, readable=readable)
    assert (verdict.state, verdict.writing, verdict.counted) == (state, writing, counted), note
    assert (seconds(verdict.wait), seconds(verdict.hold)) == (wait, hold), note


@pytest.mark.parametrize("kind", [*CHANNEL_ERRORS, KeyError, RuntimeError])
@pytest.mark.parametrize("stage", list(Stage))
def test_what_may_have_arrived_is_never_free_to_be_pushed_again(kind: type[Exception], stage: Stage) -> None:
    verdict = judged(kind("x"), stage, unsure=True)
    assert verdict.state is not Delivery.PENDING


@pytest.mark.parametrize("kind", [*CHANNEL_ERRORS, KeyError])
@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize("readable", [True, False])
def test_whoever_waits_for_a_worker_has_a_time_and_whoever_waits_for_a_person_has_none(
    kind: type[Exception], stage: Stage, readable: bool
) -> None:
    verdict = judged(kind("x"), stage, readable=readable)
    assert (verdict.wait is not None) == (verdict.state in WAITING)
    assert verdict.state in WAITING | NEEDS_PERSON


def test_a_second_lost_answer_in_a_row_holds_the_channel() -> None:
    assert judged(UnknownOutcome("x"), PUSH, write_failures=0).hold is None
    assert seconds(judged(UnknownOutcome("x"), PUSH, write_failures=1).hold) == 30
    assert seconds(judged(UnknownOutcome("x"), PUSH, write_failures=3).hold) == 120


def test_a_message_that_is_never_answered_is_tried_less_and_less_often() -> None:
    waits = [seconds(judged(UnknownOutcome("x"), PUSH, attempts=n).wait) for n in range(1, 8)]
    assert waits == [60, 60, 120, 240, 300, 300, 300]


@given(st.integers(-3, 10_000), st.floats(0.001, 1e6), st.floats(0.001, 1e6), st.floats(0, 1))
def test_backoff_stays_between_half_the_ceiling_and_the_ceiling(
    failures: int, first: float, cap: float, spread: float
) -> None:
    ceiling = min(cap, first * 2.0 ** min(max(failures, 1) - 1, 30))
    waited = backoff(failures, first_s=first, cap_s=cap, spread=spread).total_seconds()
    assert ceiling * 0.5 - 1e-6 <= waited <= ceiling + 1e-6


@given(st.integers(1, 60), st.floats(0, 1))
def test_backoff_never_shrinks_while_failures_go_on(failures: int, spread: float) -> None:
    def wait(count: int) -> timedelta:
        return backoff(count, first_s=30, cap_s=300, spread=spread)

    assert wait(failures) <= wait(failures + 1) <= timedelta(seconds=300)


def test_an_undrawn_backoff_is_random_within_its_bounds() -> None:
    drawn = {backoff(1, first_s=30, cap_s=300) for _ in range(50)}
    assert len(drawn) > 1
    assert all(timedelta(seconds=15) <= wait <= timedelta(seconds=30) for wait in drawn)


WORDS = "Đã lấp ổ gà trước số 12"
LOOKS = [
    (Look(), 0, (), False, None, "nothing there"),
    (Look((WORDS,)), 0, (), False, Delivery.ACKNOWLEDGED, "its words are there"),
    (Look((f"  {WORDS}\n",), found=True), 0, (), False, Delivery.ACKNOWLEDGED, "white space does not count"),
    (Look((WORDS,), found=True), 1, (), False, None, "these words are the earlier message's"),
    (Look((WORDS, WORDS)), 1, (), False, Delivery.ACKNOWLEDGED, "once more than the earlier one said it"),
    (Look(("khác",), found=True, found_ref="9"), 0, (), False, Delivery.SENT,
     "the source rewrote the words, the connector knows them again"),
    (Look(("khác",), found=True, found_ref="9"), 0, ("9",), False, None, "what was found is the earlier one"),
    (Look((WORDS,), found=True), 1, (), True, Delivery.SENT, "keys are compared: the connector knows"),
    (Look((WORDS.upper(),)), 0, (), False, None, "case is kept: another text"),
]  # fmt: skip


@pytest.mark.parametrize("look, twins, refs, by_key, end, note", LOOKS, ids=[row[-1] for row in LOOKS])
def test_a_look_tells_ours_from_what_was_there_before(
    look: Look, twins: int, refs: tuple[str, ...], by_key: bool, end: Delivery | None, note: str
) -> None:
    assert judge_look(look, WORDS, twins=twins, known_refs=refs, by_key=by_key) is end, note


def test_words_compare_the_same_in_either_unicode_form() -> None:
    decomposed = "Đa\u0303 la\u0302\u0301p xong"
    assert comparable(decomposed) == comparable("Đã lấp xong")
    assert shown("Đã lấp xong", [decomposed, "Đã  lấp\r\nxong", "đã lấp xong"]) == 2


def test_every_state_is_waiting_delivered_a_persons_or_taken_back() -> None:
    assert set(Delivery) == WAITING | DELIVERED | NEEDS_PERSON | {Delivery.WITHDRAWN}
    assert DELIVERED | {Delivery.DEAD, Delivery.WITHDRAWN} == FINAL


SPEAKING = [
    # the answer, what the source takes, what it is told as
    ("result", ("result",), "result", "its own word"),
    ("progress", ("result", "refusal"), None, "final answers only: never told as a result"),
    ("refusal", ("result", "progress"), None, "a refusal is not a result"),
    ("acknowledgement", ("acknowledgement", "progress"), "acknowledgement", "its own word"),
    ("acknowledgement", ("result", "progress", "refusal"), "progress", "the nearest there is"),
    ("acknowledgement", ("result", "refusal"), None, "final answers only: a person tells it"),
    ("extension", ("result", "progress"), "progress", "the date is in the text"),
    ("extension", ("result",), None, "final answers only"),
    ("transfer", ("result", "progress", "refusal", "transfer"), "transfer", "its own word"),
    ("transfer", ("result", "progress", "refusal"), "refusal", "our part ends"),
    ("transfer", ("result", "progress"), "progress", "no refusal there either"),
    ("transfer", ("result",), None, "it was not settled: never told as a result"),
    ("correction", ("correction", "result"), "correction", "its own word"),
    ("correction", ("result", "progress"), "result", "what it corrects (a result)"),
    ("correction", ("progress",), None, "what it corrects has no word there"),
]


@pytest.mark.parametrize(
    "kind, takes, told, note", SPEAKING, ids=[f"{row[0]}: {row[-1]}" for row in SPEAKING]
)
def test_a_source_is_told_in_its_own_kinds_or_by_a_person(
    kind: str, takes: tuple[str, ...], told: str | None, note: str
) -> None:
    assert spoken_as(ReplyKind(kind), takes, corrected=ReplyKind.RESULT) == told, note


def test_a_corrected_transfer_is_told_where_the_transfer_was_told_as_a_refusal() -> None:
    takes = ("result", "refusal")
    assert spoken_as(ReplyKind.CORRECTION, takes, corrected=ReplyKind.TRANSFER) is ReplyKind.REFUSAL
