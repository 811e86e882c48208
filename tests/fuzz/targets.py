"""Every place where foreign bytes come in: what it is given, and how a million payloads are shared out.

A target makes cases: a mutated payload, and the call that has to bear it. A call may return, or raise one
of the product's own errors (`AggregatorError`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.fuzz.mutators import Sample, mutated


@dataclass(frozen=True)
class Case:
    """One payload and what it is given to."""

    payload: Sample
    call: Callable[[], Any]


@dataclass(frozen=True)
class Target:
    """A place where bytes come in. `set_up` is called once a process; `share`: of a thousand payloads."""

    name: str
    share: int
    set_up: Callable[[], Callable[[Random], Case]]


def feeding(
    samples: Callable[[], Sequence[Sample]], call: Callable[[Sample], Any]
) -> Callable[[], Callable[[Random], Case]]:
    """Cases that mutate one of the samples and give it to `call`."""

    def set_up() -> Callable[[Random], Case]:
        given = list(samples())

        def case(rng: Random) -> Case:
            sample = rng.choice(given)
            payload = mutated(sample, rng, given)
            return Case(payload, lambda: call(payload))

        return case

    return set_up


def targets() -> dict[str, Target]:
    """All targets by name."""
    from tests.fuzz import targets_calls, targets_kit, targets_portals, targets_product

    found = [
        *targets_kit.TARGETS,
        *targets_portals.targets(),
        *targets_calls.TARGETS,
        *targets_product.TARGETS,
    ]
    return {one.name: one for one in found}


def shared_out(count: int) -> dict[str, int]:
    """So many payloads for each target, `count` in all."""
    shares = {name: target.share for name, target in targets().items()}
    whole = sum(shares.values())
    given = {name: max(1, count * share // whole) for name, share in shares.items()}
    given[max(shares, key=shares.__getitem__)] += count - sum(given.values())
    return given
