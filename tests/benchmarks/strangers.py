"""A stream of reports whose writers never met the matching rule, and the truth about which are the same.

`stream(n, seed)` gives the reports in time order with the fields of `motmoi match cluster`, and `Truth`
for each. It knows what cities and people do (house numbers, alleys, old wards, hotline shorthand,
teenagers, bad keyboards, bad satellites), and nothing of how the product compares: it was written without
reading the rule or the builders' own streams, so that a rule that does well on those by knowing their
habits is found out here.

A case is one problem at one place from its first report until it is closed. Of all reports 29 % repeat an
open case (word for word through another channel, by the same person, or by others in their own words) and
29 % are new cases made to look like one that is known: the same text at another house, another problem at
the same house, the same address in another ward, the same trouble again long after it was settled. In the
floods a whole neighbourhood writes within one hour.

The same arguments give the same stream on every machine: one `random.Random`, no clock, no set order.
"""

import random
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.benchmarks.strangers_places import (
    Place,
    Ward,
    address_field,
    beside,
    city,
    draw_place,
    elsewhere,
    fix,
    place_key,
    where,
)
from tests.benchmarks.strangers_typing import bare, typed
from tests.benchmarks.strangers_words import (
    DURATIONS,
    MANNERS,
    NICKNAMES,
    PROBLEMS,
    SHORTHAND,
    STAFF_OPENERS,
    Problem,
)
from tests.benchmarks.streams import Report

START = datetime(2026, 3, 2, tzinfo=UTC)
REPEATS = 0.29
HARD = 0.29
FIX_GIVEN = {"app": 0.92, "zalo": 0.08}
WARD_GIVEN = {"app": 0.85, "hotline_1022": 0.85, "web": 0.9, "zalo": 0.12}
LONG_AGO = timedelta(days=20)
HARD_KINDS = ("other_house", "other_problem", "other_ward", "after_closing")


@dataclass(frozen=True)
class Truth:
    """What a report really is: its case, and its relation (`kind`) to the report `of`."""

    id: str
    case: int
    kind: str
    of: str | None = None


@dataclass(frozen=True)
class Person:
    phone: str
    style: str  # formal, plain, teen
    typing: str  # clean, bare, telex, slips, nfd, capitals, old_tones


@dataclass
class Case:
    number: int
    problem: Problem
    place: Place
    opened: datetime
    closed: datetime | None
    reports: list[tuple[dict[str, Any], Person, int]] = field(default_factory=list)

    def open_at(self, now: datetime) -> bool:
        return now < (self.closed or self.opened + timedelta(days=40))


def stream(n: int, seed: int) -> Iterator[tuple[dict[str, Any], Truth]]:
    """Gives n reports in time order, each with its truth; the city, the days and the crowd grow with n."""
    yield from _Stream(n, random.Random(f"strangers {seed}")).run()


def reports(n: int, seed: int) -> list[Report]:
    """The same stream in the shape of the builders' own, for those who measure both."""
    return [Report(row, truth.case, truth.kind) for row, truth in stream(n, seed)]


class _Stream:
    """One run through the days: who writes next, about what, and how it looks when it arrives."""

    def __init__(self, n: int, rng: random.Random) -> None:
        self.n, self.rng = n, rng
        self.wards = city(rng, max(24, n // 800))
        self.days = 60 * (n / 10_000) ** 0.45
        self.cases: list[Case] = []
        self.open: list[Case] = []
        self.closed: list[Case] = []
        self.taken: dict[tuple[str, Any], Case] = {}
        self.people: list[Person] = []
        self.sent = 0

    def run(self) -> Iterator[tuple[dict[str, Any], Truth]]:
        flood_left, flood_ward, now = 0, self.wards[0], START
        for i in range(self.n):
            if flood_left == 0 and self.rng.random() < 0.03 / 60:
                flood_left, flood_ward = 60, self.rng.choice(self.wards)
            pace = 60 if flood_left else self.days * 86_400 / self.n
            now += timedelta(seconds=self.rng.expovariate(1 / pace))
            if i % 50 == 0:
                self._settle(now)
            if flood_left:
                flood_left -= 1
                yield self._flood(flood_ward, now)
                continue
            dice = self.rng.random()
            if dice < REPEATS and self.open:
                yield self._repeat(self._target(now), now)
            elif dice < REPEATS + HARD and self.open:
                yield self._lookalike(now)
            else:
                yield self._fresh(now)

    def _settle(self, now: datetime) -> None:
        self.closed += [one for one in self.open if one.closed and not one.open_at(now)]
        self.open = [one for one in self.open if one.open_at(now)]

    def _target(self, now: datetime) -> Case:
        """An open case; what has been reported lately is more likely reported again."""
        rng = self.rng
        for _ in range(30):
            case = rng.choice(self.open[-400:] if rng.random() < 0.6 else self.open)
            if case.open_at(now):
                return case
        return self._new_case(rng.choice(PROBLEMS), None, now)

    def _fresh(self, now: datetime) -> tuple[dict[str, Any], Truth]:
        case = self._new_case(self.rng.choice(PROBLEMS), None, now)
        return self._write(case, self._person(), now, "new")

    def _flood(self, ward: Ward, now: datetime) -> tuple[dict[str, Any], Truth]:
        flood = PROBLEMS[1]
        near = [
            one
            for one in self.open[-120:]
            if one.place.ward == ward and one.problem is flood and one.open_at(now)
        ]
        if near and self.rng.random() < 0.45:
            return self._repeat(self.rng.choice(near), now)
        case = self._new_case(flood, None, now, ward)
        return self._write(case, self._person(), now, "new")

    def _repeat(self, case: Case, now: datetime) -> tuple[dict[str, Any], Truth]:
        if not case.reports:
            return self._write(case, self._person(), now, "new")
        first, person, script = self.rng.choice(case.reports)
        dice = self.rng.random()
        if dice < 0.3:
            return self._copy(case, first, person, script, now)
        if dice < 0.5:
            return self._write(case, person, now, "same_person", of=first["id"])
        return self._write(case, self._person(), now, "other_person", of=first["id"])

    def _copy(self, case: Case, first: dict[str, Any], person: Person, script: int, now: datetime) -> Any:
        """The same text by way of another channel, which may lose accents, tone or the end of it."""
        rng = self.rng
        report, truth = self._write(case, person, now, "copy", of=first["id"], script=script)
        report["body"], report["subject"] = first["body"], first["subject"] if rng.random() < 0.5 else None
        way = rng.random()
        if way < 0.12:
            report["body"] = unicodedata.normalize("NFD", first["body"])
        elif way < 0.24:
            report["body"] = bare(first["body"])
        elif way < 0.30:
            report["body"] = first["body"].upper()
        elif way < 0.38:
            truth = replace(truth, kind="cut")
            report["body"] = f"{rng.choice(STAFF_OPENERS).format(name=rng.choice(NICKNAMES))}{first['body']}"
        elif way < 0.44 and len(first["body"]) > 180:
            truth = replace(truth, kind="cut")
            report["body"] = first["body"][:160]
        return report, truth

    def _lookalike(self, now: datetime) -> tuple[dict[str, Any], Truth]:
        """A new case beside a known one. Where no known one can be made to fit, a plain new case."""
        for _ in range(8):
            kind = self.rng.choices(HARD_KINDS, (4, 2, 3, 3))[0]
            made = self._again(now) if kind == "after_closing" else self._near(kind, now)
            if made:
                return made
        return self._fresh(now)

    def _again(self, now: datetime) -> tuple[dict[str, Any], Truth] | None:
        old = self.rng.choice(self.closed) if self.closed else None
        if not old or not old.reports or self._clash(old.problem, old.place, now):
            return None
        case = self._new_case(old.problem, old.place, now)
        report, person, script = self.rng.choice(old.reports)
        if self.rng.random() < 0.5:
            return self._write(case, person, now, "after_closing", report["id"], script)
        return self._write(case, self._person(), now, "after_closing", report["id"])

    def _near(self, kind: str, now: datetime) -> tuple[dict[str, Any], Truth] | None:
        rng, known = self.rng, self._target(now)
        place: Place | None = known.place
        problem = known.problem
        if kind == "other_house":
            place = beside(rng, known.place)
        elif kind == "other_ward":
            place = elsewhere(rng, known.place, self.wards)
        else:
            problem = rng.choice([one for one in PROBLEMS if one is not known.problem])
        if place is None or not known.reports or self._clash(problem, place, now):
            return None
        report, person, script = rng.choice(known.reports)
        if kind == "other_ward" and not report["ward"]:
            return None  # nobody could tell the two apart
        case = self._new_case(problem, place, now)
        writer = person if rng.random() < (0.4 if kind == "other_problem" else 0.12) else self._person()
        if kind != "other_problem" and rng.random() < 0.6:  # the same text but for the place
            return self._write(case, writer, now, kind, report["id"], script, voice=person)
        return self._write(case, writer, now, kind, report["id"])

    def _clash(self, problem: Problem, place: Place, now: datetime) -> bool:
        known = self.taken.get((problem.code, place_key(place)))
        return known is not None and (known.open_at(now) or now - (known.closed or now) < LONG_AGO)

    def _new_case(
        self, problem: Problem, place: Place | None, now: datetime, ward: Ward | None = None
    ) -> Case:
        rng = self.rng
        while place is None:
            drawn = draw_place(rng, ward or rng.choice(self.wards), problem)
            place = None if self._clash(problem, drawn, now) else drawn
        lasts = timedelta(days=min(60.0, rng.lognormvariate(1.4, 0.8)))
        case = Case(len(self.cases), problem, place, now, None if rng.random() < 0.12 else now + lasts)
        self.cases.append(case)
        self.open.append(case)
        self.taken[(problem.code, place_key(place))] = case
        return case

    def _person(self) -> Person:
        rng = self.rng
        if self.people and rng.random() < 0.05:  # some people write about everything they see
            return rng.choice(self.people[-500:])
        style = rng.choices(("formal", "plain", "teen"), (45, 35, 20))[0]
        typing = rng.choices(
            ("clean", "bare", "telex", "slips", "nfd", "capitals", "old_tones"), (52, 14, 8, 10, 6, 3, 7)
        )[0]
        person = Person(f"0{rng.choice('35789')}{rng.randrange(10**8):08d}", style, typing)
        self.people.append(person)
        return person

    def _write(
        self,
        case: Case,
        person: Person,
        now: datetime,
        kind: str,
        of: str | None = None,
        script: int | None = None,
        voice: Person | None = None,
    ) -> tuple[dict[str, Any], Truth]:
        rng = self.rng
        exact = kind in HARD_KINDS  # else nobody could tell it from what it resembles
        script = rng.randrange(1 << 40) if script is None else script
        channel = rng.choices(("app", "hotline_1022", "web", "zalo"), (38, 22, 24, 16))[0]
        subject, body = _text(case, voice or person, channel, script, exact=exact)
        place, problem = case.place, case.problem
        lat, lng = fix(rng, place) if rng.random() < FIX_GIVEN.get(channel, 0.05) else (None, None)
        told = rng.random() < WARD_GIVEN[channel] or kind == "other_ward"
        dice = rng.random()
        label = problem.mistaken if dice < 0.08 else problem.label
        self.sent += 1
        report = {
            "id": f"s{self.sent:07d}",
            "channel": channel,
            "received_at": now.isoformat(),
            "subject": subject,
            "body": body,
            "category": None if dice > 0.88 or channel == "zalo" else label,
            "address": address_field(rng, place, channel, exact=exact),
            "ward": f"Phường {place.ward.name}" if told else None,
            "lat": lat,
            "lng": lng,
            "reporter_phone": _phone(rng, person.phone, channel),
            "closed_at": case.closed.isoformat() if case.closed else None,
        }
        case.reports.append((report, voice or person, script))
        return report, Truth(report["id"], case.number, kind, of)


def _text(case: Case, person: Person, channel: str, script: int, *, exact: bool) -> tuple[str | None, str]:
    """Subject and body; all choices but the place come from the script: elsewhere it reads the same."""
    rng = random.Random(script)
    style = "staff" if channel == "hotline_1022" else person.style
    problem = case.problem
    core = rng.choice(problem.wordings).format(p=where(rng, case.place, channel, exact=exact))
    parts = [core[0].upper() + core[1:] if style != "teen" else core]
    if rng.random() < 0.04:
        parts.append(f"Liên hệ {person.phone}.")
    if rng.random() < 0.5:
        n, day, month, hour = (
            rng.randrange(2, 9),
            rng.randrange(1, 29),
            rng.randrange(1, 13),
            rng.randrange(24),
        )
        parts.append(rng.choice(DURATIONS).format(n=n, d=day, m=month, h=hour))
    if problem.code == "doxe" and rng.random() < 0.3:
        parts.append(_plate(case.number))
    parts += rng.sample(problem.effects, rng.choices((0, 1, 2), (4, 4, 2))[0])
    openers, closers = MANNERS[style]
    opener = (
        rng.choice(openers).format(name=rng.choice(NICKNAMES))
        if rng.random() < 0.6 or style == "staff"
        else ""
    )
    closer = rng.choice(closers) if rng.random() < 0.65 else ""
    body = f"{opener}{' '.join(parts)} {closer}".strip()
    for says, types in SHORTHAND.get(style, ()):
        if rng.random() < 0.4:
            body = body.replace(f" {says} ", f" {types} ")
    subject = rng.choice(problem.titles) if channel in ("web", "app") and rng.random() < 0.7 else None
    typing = "clean" if style == "staff" else person.typing
    return (typed(rng, subject, typing) if subject else None), typed(rng, body, typing)


def _plate(case: int) -> str:
    rng = random.Random(case)
    return rng.choice(("Xe biển số {0}-{1}.{2}.", "bks {0}{1}{2}", "BKS: {0}-{1}{2}.")).format(
        f"5{rng.randrange(10)}{rng.choice('ACFGH')}",
        f"{rng.randrange(1000):03d}",
        f"{rng.randrange(100):02d}",
    )


def _phone(rng: random.Random, phone: str, channel: str) -> str | None:
    if rng.random() > {"hotline_1022": 0.9, "web": 0.6, "app": 0.45}.get(channel, 0.08):
        return None
    return rng.choice(
        (phone, phone, f"+84{phone[1:]}", f"{phone[:4]}.{phone[4:7]}.{phone[7:]}", f"{phone[:4]} {phone[4:]}")
    )
