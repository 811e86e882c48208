"""Honest portals are not doubted in weeks of nights, Tết, an outage, a first day; broken ones are at once."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.domain import drift, drift_texts
from aggregator.domain.drift import Finding, Rule
from aggregator.domain.drift_baseline import FILLED, Baseline, Marks, Whole
from aggregator.domain.tally import Tally

QUARTER = timedelta(minutes=15)
MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
TET = (datetime(2026, 2, 14, tzinfo=UTC), datetime(2026, 2, 23, tzinfo=UTC))


@dataclass
class Portal:
    """A portal in numbers: what each poll of it shows, quarter by quarter. `lists` reports a page."""

    dice: random.Random
    #: How often citizens fill each field.
    shares: dict[str, float] = field(default_factory=dict)
    a_day: float = 30.0
    lists: int | None = 20
    counts: bool = True
    #: It shows known reports beside the new ones.
    overlap: bool = True
    total: int = 0
    unread: int = 0
    away: bool = False

    def arrive(self, at: datetime) -> None:
        rate = self.a_day / 96
        if not 7 <= at.hour < 20:
            rate *= 0.05
        if TET[0] <= at < TET[1]:
            rate *= 0.02
        new = sum(self.dice.random() < rate / 4 for _ in range(4))
        self.total, self.unread = self.total + new, self.unread + new

    def poll(self) -> tuple[Marks, Whole]:
        new, self.unread = self.unread, 0
        changed = self.dice.randint(0, 2) if self.overlap and self.total > new else 0
        looks = {name: self._looks(share, new + changed) for name, share in self.shares.items()}
        looks["readable"] = self._looks(0.999, new + changed)
        known = min(self.lists or 0, self.total - new)
        listed = new + known if self.lists else None
        return Marks(looks, new), Whole(
            listed, new + (changed if self.lists else known), new + changed, new,
            self.total if self.counts else None,
        )  # fmt: skip

    def _looks(self, share: float, many: int) -> list[bool]:
        return [self.dice.random() < share for _ in range(many)]


@dataclass
class Channel:
    past: Baseline = field(default_factory=Baseline)
    polled: bool = False

    def read(self, marks: Marks, whole: Whole) -> tuple[Finding, ...]:
        whole = replace(whole, first=not self.polled)
        found = drift.judge(self.past, marks)
        learned = drift.learn(self.past, marks)
        found += drift.judge_whole(learned, whole)
        if not found:
            self.past = drift.learn_whole(learned, whole)
            self.past = Baseline.of_json(json.loads(json.dumps(self.past.to_json())))
            self.polled = True
        return found


#: A note, and a portal; each is lived through six weeks that contain Tết and a day's outage.
HONEST: list[tuple[str, dict[str, Any]]] = [
    ("a city's portal, counted, with overlap", {}),
    ("one that lists news alone, uncounted", {"lists": None, "overlap": False, "counts": False}),
    ("a quiet ward, two reports a day", {"a_day": 2.0}),
    ("a quiet ward without a list", {"a_day": 2.0, "lists": None, "counts": False}),
    ("a flood of five hundred a day", {"a_day": 500.0}),
    ("a small list", {"a_day": 5.0, "lists": 3}),
]


@pytest.mark.parametrize(("note", "facts"), HONEST, ids=[note for note, _ in HONEST])
def test_an_honest_portal_is_never_doubted(note: str, facts: dict[str, Any]) -> None:
    portal = Portal(random.Random(note), **facts)
    portal.shares = {name: portal.dice.choice((1.0, 0.97, 0.8, 0.5, 0.1, 0.0)) for name in FILLED}
    channel, at = Channel(), MONDAY
    portal.total = portal.unread = 40
    for quarter in range(6 * 7 * 96):
        at = MONDAY + quarter * QUARTER
        portal.arrive(at)
        if timedelta(days=20) <= at - MONDAY < timedelta(days=21):
            continue  # the portal is away: what came meanwhile comes in one poll
        assert channel.read(*portal.poll()) == (), (note, at)


def lived(**facts: Any) -> Channel:
    """A channel that has read a portal for two weeks."""
    return Channel(_lived(**facts), polled=True)


@cache
def _lived(**facts: Any) -> Baseline:
    portal = Portal(random.Random(7), **facts)
    portal.shares = dict.fromkeys(FILLED, 0.98)
    channel = Channel()
    portal.total = portal.unread = 60
    for quarter in range(14 * 96):
        portal.arrive(MONDAY + quarter * QUARTER)
        assert channel.read(*portal.poll()) == ()
    return channel.past


GOOD = {name: [True] * 14 for name in FILLED}


def _lost(**looks: list[bool]) -> Marks:
    return Marks({**GOOD, **looks}, 0)


NO, NONE = [False] * 14, Marks({})
#: What a poll of fourteen reports is, new or changed, beside twenty known ones.
NEW, CHANGED = Whole(34, 14, 14, 14, None), Whole(20, 14, 14, 0, None)
#: A note, what a poll shows, and the rules that it breaks.
BROKEN: list[tuple[str, Marks, Whole, set[str]]] = [
    ("a list without rows", NONE, Whole(0, 0, 0, 0, None), {"empty"}),
    ("no rows and a count of nothing", NONE, Whole(0, 0, 0, 0, 0), {"empty", "fell"}),
    ("the count falls to a tenth", NONE, Whole(20, 0, 0, 0, 40), {"fell"}),
    ("addresses are gone", _lost(address=NO), NEW, {"coverage:address"}),
    ("one of fourteen can be read", Marks({"readable": [True, *NO[1:]]}, 14), NEW, {"unreadable:readable"}),
    ("known reports have another date", _lost(date_kept=NO), CHANGED, {"values:date_kept"}),
    ("all dates are one", _lost(date_apart=NO), CHANGED, {"values:date_apart"}),
    ("the count grows and nothing comes", NONE, Whole(20, 0, 0, 0, 10_000), {"alone"}),
    ("a whole list loses half", NONE, Whole(10, 0, 0, 0, None, snapshot=True), {"fell:rows"}),
    ("strangers only", Marks(GOOD, 14), Whole(14, 14, 14, 14, None), {"strangers"}),
]


@pytest.mark.parametrize(("note", "marks", "whole", "rules"), BROKEN, ids=[row[0] for row in BROKEN])
def test_a_broken_page_is_found_in_the_first_poll(
    note: str, marks: Marks, whole: Whole, rules: set[str]
) -> None:
    channel = lived()
    tallies = {**channel.past.tallies, "date_apart": Tally().after([True] * 400)}
    channel.past = replace(channel.past, tallies=tallies)
    before = channel.past
    found = channel.read(marks, whole)
    assert {finding.key for finding in found} == rules, note
    assert channel.past == before  # it will be found again, as long as it lasts
    accepted = drift.accepted(channel.past, found, marks)
    learned = drift.learn(accepted, marks)
    assert drift.judge(accepted, marks) == ()
    assert drift.judge_whole(learned, whole) == ()
    for finding in found:
        vi, en = drift_texts.text(finding)
        assert vi and en and "None" not in vi + en


def test_a_portal_without_overlap_may_be_empty_and_one_with_it_may_not() -> None:
    silent = lived(lists=None, overlap=False, counts=False)
    assert silent.read(Marks({}), Whole(None, 0, 0, 0, None)) == ()
    full = lived(lists=5, counts=False)
    assert [found.rule for found in full.read(Marks({}), Whole(0, 0, 0, 0, None))] == [Rule.EMPTY]


def test_a_count_of_what_was_asked_for_may_fall() -> None:
    channel = Channel()
    assert channel.read(Marks(GOOD, 60), Whole(60, 60, 60, 60, 60)) == ()
    for new in (0, 12, 0, 40, 1):
        assert channel.read(Marks({}, new), Whole(10 + new, new, new, new, 10 + new)) == ()


def test_a_list_that_was_empty_honestly_once_is_not_suspect_the_next_weekend() -> None:
    channel = lived(counts=False)
    nothing = Whole(0, 0, 0, 0, None)
    (found,) = channel.read(Marks({}), nothing)
    channel.past = drift.accepted(channel.past, [found])
    for _ in range(900):
        assert channel.read(Marks({}), Whole(3, 0, 0, 0, None)) == ()
    assert channel.read(Marks({}), nothing) == ()


def test_a_channel_that_was_never_read_is_condemned_by_five_unreadable_items() -> None:
    assert Channel().read(Marks({"readable": [False] * 4}, 4), Whole(4, 4, 4, 4, None)) == ()
    (found,) = Channel().read(Marks({"readable": [False] * 5}, 5), Whole(5, 5, 5, 5, None))
    assert found.rule is Rule.UNREADABLE


def test_a_first_reading_goes_through_years_in_which_the_portal_changed() -> None:
    past = drift.learn(Baseline(), Marks({"address": [True] * 300}, 300))
    assert drift.judge(past, Marks({"address": [False] * 300}, 300)) == ()


def test_beside_a_new_structure_fewer_reports_are_believed() -> None:
    past = replace(drift.learn(Baseline(), Marks({"address": [True] * 300}, 300, shape="a")), settled=True)
    lost = Marks({"address": [False] * 4}, 4, shape="a")
    assert drift.judge(past, lost) == ()
    assert [f.key for f in drift.judge(past, replace(lost, shape="b"))] == ["coverage:address"]
    # A new structure alone is no alarm, and is known from then on.
    repainted = Marks({"address": [True] * 4}, 4, shape="b")
    assert drift.judge(past, repainted) == ()
    assert drift.judge(drift.learn(past, repainted), replace(lost, shape="b")) == ()


def test_the_backlog_of_polls_that_were_cut_short_explains_the_count() -> None:
    channel = lived()
    grown = (channel.past.count or 0) + 300
    learned = channel.past
    for _ in range(3):  # three polls that were cut off by their deadline
        learned = drift.learn(learned, Marks(GOOD, 100))
    assert drift.judge_whole(learned, Whole(20, 0, 0, 0, grown)) == ()


@given(st.integers(0, 400), st.integers(0, 400), st.integers(0, 400), st.booleans(), st.booleans())
def test_any_poll_can_be_judged_of_any_past(
    listed: int, new: int, count: int, first: bool, snapshot: bool
) -> None:
    channel = lived()
    whole = Whole(listed, new, new, new, count, first, snapshot)
    for past in (Baseline(), channel.past):
        found = drift.judge_whole(past, whole)
        again = drift.learn_whole(drift.accepted(past, found), whole)
        kept = Baseline.of_json(json.loads(json.dumps(again.to_json())))
        assert replace(kept, tallies={}, explained=Tally()) == replace(again, tallies={}, explained=Tally())
        assert kept.explained.share == pytest.approx(again.explained.share, abs=0.05)


def test_quiet_polls_soon_write_nothing_any_more() -> None:
    past = drift.learn_whole(Baseline(), Whole(20, 20, 20, 20, 500, first=True))
    changes = 0
    for _ in range(40):
        after = drift.learn_whole(past, Whole(20, 0, 0, 0, 500))
        changes += after != past
        past = after
    assert changes <= drift.FULL_FIRST + 1
