"""Connectors: one record read again, and whole journeys of which one answer is spoiled."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from aggregator.sdk.contract import Batch, PushResult, RawItem, Record, RemoteState
from tests.fuzz.journeys import CALLERS, PORTALS, portal
from tests.fuzz.judging import kept, storable
from tests.fuzz.mutators import Sample, mutated
from tests.fuzz.played import Answers, form_of, spoiled
from tests.fuzz.targets import Case, Target

#: HTML costs ten times what JSON does.
_SHARES = {"portal_1022": (35, 10), "national_bus": (35, 10), "hue_token": (30, 10), "open311": (30, 8),
           "district_html": (8, 2), "national_public": (10, 3)}  # fmt: skip


def _judged(found: Any) -> None:
    if isinstance(found, list) and found and isinstance(found[0], Batch):
        kept(found)
    elif isinstance(found, tuple) and isinstance(found[0], Record):
        storable(found[0])
    elif isinstance(found, PushResult):
        (found.remote_ref or "").encode()
    elif isinstance(found, RemoteState):
        "".join(answer.body + (answer.remote_ref or "") for answer in found.answers).encode()


def _again(id_: str) -> Callable[[], Callable[[Random], Case]]:
    """The archived bytes of a record, changed, read again."""

    def set_up() -> Callable[[Random], Case]:
        played = portal(id_)
        given = [
            Sample(form_of(item.content_type, item.content), item.content, item.content_type)
            for item in played.items
        ]
        refs = [item.ref for item in played.items]
        ctx = played.context(Answers(()), {})

        def case(rng: Random) -> Case:
            at = rng.randrange(len(given))
            payload = mutated(given[at], rng, given)
            item = RawItem(payload.content, payload.content_type, refs[at])
            return Case(payload, lambda: storable(played.connector.remap(ctx, item)))

        return case

    return set_up


def _spoiled(id_: str) -> Callable[[], Callable[[Random], Case]]:
    """Every journey, one of its answers changed; polls most often."""

    def set_up() -> Callable[[Random], Case]:
        played = portal(id_)
        others = [one.sample for journey in played.journeys for one in journey.answers]
        journeys = [journey for journey in played.journeys if journey.answers]
        weights = [4 if journey.name.startswith("poll") else 1 for journey in journeys]

        def case(rng: Random) -> Case:
            (journey,) = rng.choices(journeys, weights)
            answers = list(journey.answers)
            at = rng.randrange(len(answers))
            answers[at] = spoiled(answers[at], others, rng)
            return Case(answers[at].sample, lambda: _judged(played.walk(journey, answers)))

        return case

    return set_up


def targets() -> list[Target]:
    """Two for each connector that has a portal; one for those whose portal is only answered."""
    both = [
        (
            Target(f"{id_}: record", _SHARES[id_][0], _again(id_)),
            Target(f"{id_}: portal", _SHARES[id_][1], _spoiled(id_)),
        )
        for id_ in PORTALS
    ]
    return [
        *(target for pair in both for target in pair),
        *(Target(f"{id_}: portal", 4, _spoiled(id_)) for id_ in CALLERS),
    ]
