"""Does what a portal shows still look like itself? One poll against the channel's own past.

    what a batch shows -> `Marks` --judge--> findings?  none -> taken in, and `learn`ed
    what a whole poll shows -> `Whole` ----^            some -> nothing of it is trusted

Principles. The past is the channel's own (`Baseline`), never a table of thresholds for all: a portal that
never gives telephones may go on so. False alarms cost trust, so an alarm needs a fall that chance does
not do (`domain.tally`), and a person's "it is right so" teaches the baseline at once (`accepted`).
Suspicion never discards: the caller keeps the raw bytes and stays where it was.

How it works, per batch, over reports that are news (new or changed; what comes again unchanged would
count one quiet night a hundred times):
- coverage: each field is filled as often as it used to be;
- values: dates lie in the past, differ, and those of known reports are what they were; texts differ;
  categories are known ones;
- readable: items map onto reports at all.
Per poll, at its end:
- empty: nothing is listed where something always was. A quiet poll is no evidence of emptiness: its list
  still shows what is known, because cursors come from data and overlap;
- strangers: rows without a single known one, where every poll had some;
- fell, short, alone: the source's own count of everything falls sharply (or, where it has none, a whole list
  loses a third of its rows at once), is positive beside an empty list, or grows while nothing comes. (A count
  of what was asked for rises and falls with the asking.)

Known exceptions: a list of open reports only may be empty honestly; after the first confirmed empty poll
such a channel needs a week of full ones before emptiness is news again. A new structure (`shape`) alone is
no alarm, portals are repainted; but a fall that comes with it needs fewer reports to be believed.

Rejected: averages of rows a poll by hour and weekday (Tết, floods and outages break every one of them, and
overlap tells quiet from empty without any); judging what comes by import, replay or backfill (chosen by a
person, or of another time).
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, replace

from aggregator.domain.drift_baseline import FILLED, KEPT, Baseline, Marks, Whole
from aggregator.domain.tally import ALIKE, SURE, Fall, Tally, fallen


class Rule(enum.StrEnum):
    """What is judged."""

    COVERAGE = "coverage"
    VALUES = "values"
    UNREADABLE = "unreadable"
    EMPTY = "empty"
    STRANGERS = "strangers"
    FELL = "fell"
    SHORT = "short"
    ALONE = "alone"
    CANARY = "canary"


class Policy(enum.StrEnum):
    """What becomes of what a rule finds. Nothing is ever discarded."""

    ACCEPT = "accept"
    QUARANTINE_ROW = "quarantine_row"
    QUARANTINE_PAGE = "quarantine_page"


#: Reports before coverage and values are judged.
LEARNT = 50.0
#: Unreadable items that condemn a page of a channel of which nothing was read before.
ALL_UNREADABLE = 5
#: Full quiet polls after which an empty one is suspect; after each confirmed empty one, a week of them.
FULL_FIRST, FULL_AGAIN = 10, 1000
#: Rows that cannot all be gone from one poll to the next, where the connector counts them.
ROWS = 5
#: Polls with news, all of which had known rows, before a poll of strangers is suspect.
POLLS = 20
#: A count that falls by half and by so many reports at least is no tidying up.
FALL = 20
#: The count's growth that must bring reports, and the share of growth that did so far.
GROWTH, EXPLAINED = 5, 0.8
#: By how much a count of everything exceeds what one poll shows; lists move while they are read.
WIDER = 10
#: The growth that must have been seen before its share is believed.
GROWTH_SEEN = 20.0
#: Sharp falls of the count that a person called right, after which they are the channel's habit.
HABIT = 3
#: Categories of one channel; with more of them it is free text.
CATEGORIES = 300
#: Structures remembered.
SHAPES = 8
#: With a page of a new structure a fall is believed at this chance, each report for itself.
SURE_WHEN_REBUILT = 1e-4


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it was. `field` names the field or value; numbers as the rule means them:
    `seen` of `of` now, `before` (a share, or a number) in the past."""

    rule: Rule
    field: str = ""
    seen: int = 0
    of: int = 0
    before: float = 0.0

    @property
    def key(self) -> str:
        """The same for the same thing found again."""
        return f"{self.rule}:{self.field}" if self.field else str(self.rule)


# Batches ----------------------------------------------------------------------------------------------


def judge(past: Baseline, marks: Marks) -> tuple[Finding, ...]:
    """What this batch's news shows that is not as it was, the surest first."""
    rebuilt = marks.shape is not None and bool(past.shapes) and marks.shape not in past.shapes
    found: list[tuple[float, Finding]] = []
    for name, looks in marks.looks.items():
        tally = past.tally(name)
        if not past.settled or all(looks) or tally.of < LEARNT:
            continue
        # A finding beside a new structure has two witnesses. Citizens' habits come in floods, but that
        # known reports change has nothing to do with them.
        alike = 1.0 if rebuilt or name in KEPT else ALIKE
        fall = fallen(tally, looks, sure=SURE_WHEN_REBUILT if rebuilt else SURE, alike=alike)
        if fall is not None:
            found.append((fall.chance, _of_fall(name, fall)))
    found.sort(key=lambda pair: (pair[0], pair[1].field))
    return tuple(finding for _, finding in found) or _nothing_readable(past, marks)


def _of_fall(name: str, fall: Fall) -> Finding:
    rule = Rule.COVERAGE if name in FILLED else Rule.UNREADABLE if name == "readable" else Rule.VALUES
    return Finding(rule, name, fall.so, fall.of, round(fall.before, 3))


def _nothing_readable(past: Baseline, marks: Marks) -> tuple[Finding, ...]:
    """A channel of which nothing was ever read: there is no past to compare with, and none is needed."""
    looks = marks.looks.get("readable", ())
    if past.tally("readable").so or any(looks) or len(looks) < ALL_UNREADABLE:
        return ()
    return (Finding(Rule.UNREADABLE, "readable", 0, len(looks), 0.0),)


def learn(past: Baseline, marks: Marks) -> Baseline:
    """The baseline with what this batch showed."""
    if not marks.reports and not marks.new and (marks.shape is None or marks.shape in past.shapes):
        return past
    tallies = dict(past.tallies)
    for name, looks in marks.looks.items():
        if looks:
            tallies[name] = past.tally(name).after(looks)
    shapes = past.shapes
    if marks.shape is not None and marks.shape not in shapes:
        shapes = (*shapes, marks.shape)[-SHAPES:]
    room = CATEGORIES - len(past.categories)
    fresh = sorted(marks.categories - past.categories)[: max(room, 0)]
    return replace(
        past, tallies=tallies, shapes=shapes, categories=past.categories.union(fresh),
        new_since=past.new_since + marks.new,
    )  # fmt: skip


def watches_categories(past: Baseline) -> bool:
    """Whether an unknown category says anything yet, or still."""
    return past.tally("readable").of >= LEARNT and len(past.categories) < CATEGORIES


# Polls ------------------------------------------------------------------------------------------------


def judge_whole(past: Baseline, poll: Whole) -> tuple[Finding, ...]:
    """What this poll as a whole shows that is not as it was; its batches have been learned."""
    rules = (_empty, _strangers, _fell, _short, _alone)
    return tuple(finding for rule in rules if (finding := rule(past, poll)) is not None)


def _empty(past: Baseline, poll: Whole) -> Finding | None:
    needed = FULL_FIRST if not past.empties else FULL_AGAIN * past.empties
    counted = poll.listed is not None and past.rows >= ROWS and not past.empties
    if poll.shown or not (past.full >= needed or counted):
        return None
    return Finding(Rule.EMPTY, before=float(max(past.rows, past.full)))


def _strangers(past: Baseline, poll: Whole) -> Finding | None:
    """A snapshot of what is open may turn over during an outage; an overlap does not."""
    if poll.snapshot or past.with_known < POLLS or poll.new < ROWS or _known(poll):
        return None
    return Finding(Rule.STRANGERS, seen=0, of=poll.new, before=float(past.with_known))


def _fell(past: Baseline, poll: Whole) -> Finding | None:
    if past.falls >= HABIT:
        return None
    if poll.source_count is None:
        return _shrank(past, poll)
    if past.count is None:
        return None
    if not (past.wide or poll.snapshot):
        return None
    lost = past.count - poll.source_count
    gone = poll.source_count == 0 and past.count >= ROWS
    if not gone and (lost < FALL or poll.source_count * 2 >= past.count):
        return None
    return Finding(Rule.FELL, seen=poll.source_count, before=float(past.count))


def _shrank(past: Baseline, poll: Whole) -> Finding | None:
    """A snapshot that nobody counts: what was known leaves it one by one, not a third of it at once."""
    if not poll.snapshot or poll.listed is None or not poll.shown:
        return None
    lost = past.rows - _known(poll)
    if lost < ROWS or lost * 3 < past.rows:
        return None
    return Finding(Rule.FELL, field="rows", seen=_known(poll), before=float(past.rows))


def _short(past: Baseline, poll: Whole) -> Finding | None:
    """The list against the count beside it. Only a snapshot promises to be whole; it may move while it is
    read. A first reading of anything shows something."""
    count = poll.source_count
    if not count or past.falls >= HABIT or not (poll.first or poll.snapshot):
        return None
    counted = poll.snapshot and poll.listed is not None
    if poll.shown >= (count - max(2, count // 100) if counted else 1):
        return None
    return Finding(Rule.SHORT, seen=poll.shown, of=count)


def _alone(past: Baseline, poll: Whole) -> Finding | None:
    if past.count is None or poll.source_count is None or not past.wide:
        return None
    growth, came = poll.source_count - past.count, past.new_since
    if growth < GROWTH or came * 2 >= growth:
        return None
    if past.explained.of < GROWTH_SEEN or past.explained.share < EXPLAINED:
        return None
    return Finding(Rule.ALONE, seen=came, of=growth)


def _known(poll: Whole) -> int:
    return poll.shown - poll.new


def learn_whole(past: Baseline, poll: Whole) -> Baseline:
    """The baseline with what this poll as a whole showed; the very same where it showed nothing new.

    Counters stop where they have proved their point, so that a quiet poll writes nothing.
    """
    found = replace(past, settled=True, rows=poll.shown if poll.listed is not None else 0)
    if not poll.shown and (past.full or past.with_known or past.rows):
        found = replace(found, full=0, empties=past.empties + 1)
    elif poll.shown and not poll.news:
        most = FULL_FIRST if not past.empties else FULL_AGAIN * past.empties
        found = replace(found, full=min(past.full + 1, most))
    if poll.new and not poll.first:
        found = replace(found, with_known=min(past.with_known + 1, POLLS) if _known(poll) else 0)
    return _counted(found, poll)


def _counted(past: Baseline, poll: Whole) -> Baseline:
    """What the source's own count taught: does its growth come as reports?"""
    if poll.source_count is None:
        return past
    growth = poll.source_count - past.count if past.count is not None else poll.source_count * poll.first
    if growth > 0:
        looks = [index < past.new_since for index in range(min(growth, 100))]
        past = replace(past, explained=past.explained.after(looks))
    wide = past.wide
    if poll.shown and not poll.first:
        wide = poll.source_count >= poll.shown + WIDER
    return replace(past, count=poll.source_count, new_since=0, wide=wide)


# People -----------------------------------------------------------------------------------------------


def accepted(past: Baseline, findings: Iterable[Finding], marks: Marks | None = None) -> Baseline:
    """A person said "it is right so": what was found is the channel's look from now on.

    `marks` are what the held batch shows; the fields found count anew from it.
    """
    for finding in findings:
        past = _accepted(past, finding, marks)
    return past


def _accepted(past: Baseline, finding: Finding, marks: Marks | None) -> Baseline:
    match finding.rule:
        case Rule.COVERAGE | Rule.VALUES | Rule.UNREADABLE:
            looks = marks.looks.get(finding.field, ()) if marks is not None else ()
            anew = Tally().after(looks)
            return replace(past, tallies={**past.tallies, finding.field: anew})
        case Rule.EMPTY:
            return replace(past, empties=past.empties + 1, full=0, rows=0)
        case Rule.STRANGERS:
            return replace(past, with_known=0)
        case Rule.FELL:
            past = replace(past, falls=past.falls + 1)
            return replace(past, rows=finding.seen) if finding.field else replace(past, count=finding.seen)
        case Rule.SHORT:
            return replace(past, falls=HABIT)
        case Rule.ALONE:
            return replace(past, explained=Tally())
    return past
