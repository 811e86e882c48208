"""The simulated portals of the demo, each with its share of the day's reports.

    problems x wordings -> which channel carries which wording -> one scenario a portal

One problem in three arrives by several channels, in other words each time. Times reach back twelve
working days, so that some deadlines are past, some near and most far. Everything hangs on the seed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from textwrap import shorten
from typing import Any

from aggregator.demo.stories import PEOPLE, STORIES, STREETS, UGLY, Story

#: Which channel of the demo writes in which wording: formal, hurried without diacritics, hotline.
WORDING = {"1022": 0, "quan-3": 2, "binh-thanh": 1, "dvcqg": 0, "so-tiep-dan": 2}
CHANNELS = tuple(WORDING)


@dataclass(frozen=True, slots=True)
class Problem:
    """One real problem at one place, and the channels by which it is reported."""

    story: Story
    street: tuple[str, str, tuple[str, ...], tuple[float, float], tuple[float, float]]
    house: str
    first_at: datetime
    channels: tuple[str, ...]
    urgent: bool


def problems(seed: int, reports: int, now: datetime) -> list[Problem]:
    """Problems for about `reports` reports, the newest a few minutes old; no place twice."""
    draw = random.Random(seed)
    places = [(story, street, house) for story in STORIES for street in STREETS for house in street[2]]
    draw.shuffle(places)
    # The first problem is always there, on three two-way channels and the paper book: the one to try out.
    lead = next(place for place in places if place[0] is STORIES[0] and place[2] == "129")
    places.remove(lead)
    found = [Problem(*lead, now - timedelta(hours=5), ("1022", "quan-3", "dvcqg", "so-tiep-dan"), True)]
    count = len(found[0].channels)
    for number, place in enumerate(places):
        if count >= reports:
            break
        many = 1 if draw.random() < 0.66 else draw.choice((2, 2, 3))
        channels = tuple(draw.sample(CHANNELS, many))
        found.append(Problem(*place, _moment(draw, number, now), channels, draw.random() < 0.1))
        count += many
    return found


def _moment(draw: random.Random, number: int, now: datetime) -> datetime:
    """Every sixth is old enough to be late, every fifth nearly; the rest came in the last days."""
    if number % 6 == 0:
        return now - timedelta(days=draw.uniform(17, 22))
    if number % 5 == 0:
        return now - timedelta(days=draw.uniform(12.2, 13.6))
    return now - timedelta(days=draw.uniform(0.01, 7.5))


def reports_for(channel: str, day: list[Problem], seed: int) -> Iterator[dict[str, Any]]:
    """The neutral reports that one channel carries, oldest first."""
    draw = random.Random(f"{seed}{channel}")
    mine = [problem for problem in day if channel in problem.channels]
    for number, problem in enumerate(sorted(mine, key=lambda one: one.first_at), 1):
        later = timedelta(minutes=draw.randint(3, 180) * problem.channels.index(channel))
        yield _report(channel, number, problem, problem.first_at + later, draw)
    if channel == "1022":
        yield _ugly(len(mine) + 1, min(problem.first_at for problem in day) + timedelta(days=2))


def _report(channel: str, number: int, problem: Problem, at: datetime, draw: random.Random) -> dict[str, Any]:
    street, plain, houses, start, step = problem.street
    place = {"so": problem.house, "duong": street, "plain": f"{problem.house} {plain}"}
    name, phone, email = draw.choice(PEOPLE)
    hidden = draw.random() < 0.12
    along = 30 * houses.index(problem.house)
    hurried = WORDING[channel] == 1
    cut = shorten(problem.story.wordings[1].format(**place), 60, placeholder="")
    return {
        "id": f"{_PREFIX[channel]}{number:04}",
        "subject": cut if hurried else problem.story.subject,
        "body": problem.story.wordings[WORDING[channel]].format(**place),
        "name": name, "phone": phone, "email": email or None, "anonymous": hidden,
        "address": f"{problem.house} {street}" + (", Phường 9, Quận 3" if channel == "quan-3" else ""),
        "area": "Phường Nhiêu Lộc",
        "lat": round(start[0] + step[0] * along + draw.uniform(-5e-5, 5e-5), 6),
        "lng": round(start[1] + step[1] * along + draw.uniform(-5e-5, 5e-5), 6),
        "category": problem.story.category,
        "urgency": "2" if problem.urgent else "1",
        "created": at.isoformat(),
        "status": "new",
    }  # fmt: skip


def _ugly(number: int, at: datetime) -> dict[str, Any]:
    return {
        "id": f"{_PREFIX['1022']}{number:04}", "subject": UGLY[:180], "body": UGLY, "name": PEOPLE[1][0],
        "phone": PEOPLE[1][1], "address": "364 Lê Văn Sỹ", "area": "Phường Nhiêu Lộc", "category": "Khác",
        "created": at.isoformat(), "status": "new",
    }  # fmt: skip


_PREFIX = {"1022": "22", "quan-3": "Q3-", "binh-thanh": "BT-", "dvcqg": "77", "so-tiep-dan": "STD-"}
