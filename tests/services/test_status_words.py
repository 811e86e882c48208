"""Status words that no map knows: told once, given a meaning, changed and taken back, without a history."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aggregator.domain.beliefs import Kind, Remedy
from aggregator.domain.workflow import ReplyKind
from aggregator.errors import InputInvalid, NotAllowed, NotFound
from aggregator.sdk.contract import SourceStatus
from aggregator.services import beliefs, status_words
from aggregator.services.status_words import KnownWord
from aggregator.storage import channel_queries, status_queries
from tests.services.beliefs_world import OURS, SLUG, Beside, beside_a_portal

WORD, OTHER = "CHO_PHAN_CONG", "CHO_DUYET"


@pytest.fixture
def both(database_url: str, tmp_path: Path) -> Iterator[Beside]:
    with beside_a_portal(database_url, tmp_path) as made:
        yield made


@pytest.fixture
def beside(sqlite_url: str, tmp_path: Path) -> Iterator[Beside]:
    with beside_a_portal(sqlite_url, tmp_path) as made:
        yield made


def stored(office: Beside) -> dict[str, tuple[str, str, int]]:
    """External id -> the source's word, ours, how many revisions."""
    query = "SELECT external_id, status_raw, source_status, revision FROM reports"
    with office.app.db.read() as tx:
        return {row[0]: tuple(row[1:]) for row in tx.exec_driver_sql(query)}


def alarms(office: Beside) -> list[str]:
    (channel,) = office.channels.list(None)
    return [one.kind for one in channel.alarms]


def rung(office: Beside) -> list[str]:
    """The words that ring, oldest first."""
    (channel,) = office.channels.list(None)
    return [one.data.get("word", "") for one in channel.alarms]


def system_entries(office: Beside) -> list[dict[str, Any]]:
    query = "SELECT data, officer_id FROM ledger_entries WHERE kind = 'status_mapped' ORDER BY seq"
    with office.app.db.read() as tx:
        rows = tx.exec_driver_sql(query).all()
    told = [json.loads(row[0]) if isinstance(row[0], str) else row[0] for row in rows]
    return [{"data": data, "officer": row[1]} for data, row in zip(told, rows, strict=True)]


def shows(office: Beside, word: str, *reports: str) -> None:
    for one in reports:
        office.edits(one, status=word)
    office.polled()


def test_an_unknown_word_rings_once_gets_a_meaning_and_stored_reports_follow_without_a_revision(
    both: Beside,
) -> None:
    both.answered(both.case_of("1"))
    shows(both, WORD, "1", "2")
    assert both.kinds() == [Kind.STATUS_UNMAPPED] and alarms(both) == ["status_word"]
    (unknown,) = both.app.status_words.of(both.lan, SLUG).unknown
    assert (unknown.word, unknown.reports, unknown.since) == (WORD, 2, both.clock())
    assert {one.case_id for one in unknown.examples} == {both.case_of("1"), both.case_of("2")}
    before = stored(both)

    assert both.app.status_words.say(both.admin, SLUG, WORD, SourceStatus.REOPENED) == 2
    assert stored(both) == {
        id_: (raw, "reopened" if raw == WORD else ours, n) for id_, (raw, ours, n) in before.items()
    }
    assert both.kinds() == [Kind.SOURCE_REOPENED], "answered here, and the word says that it is open again"
    assert alarms(both) == [] and both.app.status_words.of(both.lan, SLUG).unknown == ()
    (entry,) = system_entries(both)
    assert entry["data"] == {
        "channel": SLUG, "word": WORD, "was": "unmapped", "status": "reopened", "by": "person",
    }  # fmt: skip
    assert entry["officer"] == both.admin.id

    both.polled()
    both.polled()
    assert {id_: row[2] for id_, row in stored(both).items()} == {id_: row[2] for id_, row in before.items()}
    assert both.kinds() == [Kind.SOURCE_REOPENED], "the next polls read the same, and make no history"
    shows(both, WORD, "3")
    assert stored(both)["3"][1] == "reopened" and alarms(both) == [], "what comes later is understood"
    both.is_sound()


def test_each_unknown_word_rings_once_and_stops_when_it_has_a_meaning(both: Beside) -> None:
    shows(both, WORD, "1")
    shows(both, OTHER, "2")
    shows(both, WORD, "3")
    assert rung(both) == [WORD, OTHER], "the second word is not silent, the same word rings once"
    both.app.status_words.say(both.admin, SLUG, WORD, SourceStatus.WAITING)
    assert rung(both) == [OTHER]
    (other,) = both.differences()
    both.app.beliefs.settle(both.lan, other.id, Remedy.KNOWN, reason="Cổng dùng nội bộ.")
    both.polled()
    assert rung(both) == []
    both.is_sound()


def test_a_column_of_free_text_rings_no_louder_and_names_nobody(
    beside: Beside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beliefs, "MOST_ALARMS", 2)
    shows(beside, "gọi lại 0912345678", "1")
    shows(beside, "ghi chú thứ hai", "2")
    shows(beside, "ghi chú thứ ba", "3")
    assert rung(beside) == ["", "ghi chú thứ hai"]


def test_a_meaning_is_changed_and_taken_back_and_the_differences_with_it(both: Beside) -> None:
    shows(both, WORD, "2")
    say = both.app.status_words.say
    say(both.admin, SLUG, WORD, SourceStatus.RESOLVED)
    assert both.kinds() == [Kind.SOURCE_CLOSED]
    say(both.admin, SLUG, WORD, SourceStatus.IN_PROGRESS)
    assert both.kinds() == [] and stored(both)["2"][1] == "in_progress"
    assert both.differences(is_open=False)[0].how == "restated"
    both.polled()
    say(both.admin, SLUG, WORD, None)
    assert both.kinds() == [Kind.STATUS_UNMAPPED] and alarms(both) == ["status_word"]
    with both.app.db.read() as tx:
        channel = channel_queries.by_slug(tx, SLUG)
    assert channel is not None and "status_map" not in channel.options, "nothing of it stays"
    assert [entry["data"]["by"] for entry in system_entries(both)] == ["person", "person", "connector"]
    both.polled()
    assert both.kinds() == [Kind.STATUS_UNMAPPED] and stored(both)["2"][2] == 2
    both.is_sound()


def test_a_poll_that_read_by_the_old_map_is_put_right_by_the_worker(beside: Beside) -> None:
    """It had opened the channel before a person gave the word its meaning, and committed after."""
    shows(beside, WORD, "1", "2", "3")
    beside.app.status_words.say(beside.admin, SLUG, WORD, SourceStatus.WAITING)
    with beside.app.db.write() as tx:
        tx.exec_driver_sql("UPDATE reports SET source_status = 'unmapped' WHERE external_id <> '1'")
    assert beside.app.status_words.tick(lambda: False) == 2
    assert {row[1] for row in stored(beside).values()} == {"waiting"}
    assert beside.app.status_words.tick(lambda: False) == 0


def test_many_reports_follow_in_bounded_transactions_and_a_worker_does_the_rest(
    beside: Beside, monkeypatch: pytest.MonkeyPatch
) -> None:
    shows(beside, WORD, "1", "2", "3")
    monkeypatch.setattr(status_words, "BATCH", 1)
    monkeypatch.setattr(status_words, "BATCHES_AT_ONCE", 2)
    assert beside.app.status_words.say(beside.admin, SLUG, WORD, SourceStatus.WAITING) == 2
    assert beside.app.status_words.of(beside.lan, SLUG).pending == 1
    assert beside.app.status_words.tick(lambda: False) == 1
    with beside.app.db.read() as tx:
        assert status_queries.pending(tx) == []
    assert {row[1] for row in stored(beside).values()} == {"waiting"}


def test_a_word_that_comes_in_changes_nothing_of_what_goes_out(beside: Beside) -> None:
    words = beside.app.status_words

    def ways() -> dict[ReplyKind, str]:
        return {way.kind: way.word for way in words.of(beside.lan, SLUG).ways_out}

    before = ways()
    assert (before[ReplyKind.RESULT], before[ReplyKind.PROGRESS]) == ("DA_XU_LY", "DANG_XU_LY")
    words.say(beside.admin, SLUG, WORD, SourceStatus.RESOLVED)
    words.say(beside.admin, SLUG, OTHER, SourceStatus.IN_PROGRESS)
    assert ways() == before
    known = {one.word: one for one in words.of(beside.lan, SLUG).known}
    assert known[WORD] == KnownWord(WORD, SourceStatus.RESOLVED, True, None)
    assert known["DA_XU_LY"] == KnownWord("DA_XU_LY", SourceStatus.RESOLVED, False, SourceStatus.RESOLVED)
    case = beside.case_of("1")
    beside.answered(case, OURS)
    assert beside.states() == ["acknowledged"]


def test_a_known_word_may_mean_something_else_at_one_channel(beside: Beside) -> None:
    words = beside.app.status_words
    shows(beside, "waiting", "1")
    assert words.say(beside.admin, SLUG, "CHUYEN_TIEP", SourceStatus.REJECTED) == 1
    known = {one.word: one for one in words.of(beside.lan, SLUG).known}
    assert known["CHUYEN_TIEP"] == KnownWord("CHUYEN_TIEP", SourceStatus.REJECTED, True, SourceStatus.WAITING)
    assert beside.kinds() == [Kind.SOURCE_CLOSED]
    words.say(beside.admin, SLUG, "CHUYEN_TIEP", None)
    assert beside.kinds() == [] and stored(beside)["1"][1] == "waiting"


def test_a_word_that_was_laid_aside_rings_no_more_and_still_asks_for_a_meaning(beside: Beside) -> None:
    shows(beside, WORD, "1")
    beside.app.beliefs.settle(beside.lan, beside.only().id, Remedy.KNOWN, reason="Cổng đang thử nghiệm")
    assert alarms(beside) == []
    shows(beside, WORD, "2")
    assert alarms(beside) == [] and beside.app.status_words.of(beside.lan, SLUG).unknown[0].reports == 2


def test_only_who_operates_the_channel_says_what_a_word_means(beside: Beside) -> None:
    shows(beside, WORD, "1")
    say = beside.app.status_words.say
    for actor, refusal in ((beside.lan, NotAllowed), (beside.hue, NotFound)):
        with pytest.raises(refusal):
            say(actor, SLUG, WORD, SourceStatus.NEW)
    assert beside.app.status_words.unknown(beside.hue, SLUG) == ()
    with pytest.raises(NotFound):
        beside.app.status_words.of(beside.hue, SLUG)
    for word in ("", " ", "x" * 101, "Chờ gọi 0912 345 678"):
        with pytest.raises(InputInvalid):
            say(beside.admin, SLUG, word, SourceStatus.NEW)


def test_cases_that_may_not_be_read_are_neither_counted_nor_named(beside: Beside) -> None:
    shows(beside, WORD, "1", "2")
    with beside.app.db.write() as tx:
        tx.exec_driver_sql(f"UPDATE cases SET legal = 'recognised' WHERE id = {beside.case_of('1')}")
    (one,) = beside.app.status_words.of(beside.lan, SLUG).unknown
    assert (one.reports, [example.external_id for example in one.examples]) == (1, ["2"])
