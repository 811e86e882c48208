"""How often something is so, and how sure a fall of that share is.

    Tally   so many of so many, long ago forgotten little by little, and the newest ones one by one
    fallen  the newest ones of a `Tally`, or of one batch, are so much rarer that chance does not do it

The bound is Chernoff's over the binomial: of `n` independent looks that are so with probability `p`, the
chance to see a share of `q < p` or less is at most ``exp(-n * KL(q, p))``. It is closed, holds for small
`n`, and errs to the side of silence. The share of before is taken at its own lower bound, so a short
history proves little.

What may surprise: reports resemble each other (a flood is two hundred telephone calls without a photo),
so `n` looks count as `n / ALIKE` independent ones.

Rejected: a mean over the last batches (one batch of three weighs as one of three hundred); alarms on
percentages alone (one of three is 33 %).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

#: What is remembered of the past, in looks: about two thousand reports, the older the fainter.
REMEMBERED = 2000.0
#: The newest looks that are kept one by one.
NEWEST = 24
#: So many looks at reports are worth one independent one.
ALIKE = 2.0
#: A fall must be of more than thirty points of a hundred, be it ever so sure.
LEAST_FALL = 0.30
#: Chance of one false alarm a look: 500,000 looks a year and channel leave one in two thousand years.
SURE = 1e-9
#: The past's share is at least this bound, but for one time in a thousand.
SURE_OF_BEFORE = 1e-3


@dataclass(frozen=True, slots=True)
class Tally:
    """`so` of `of` looks, faded; `bits` are the newest `length` ones, the last in the lowest bit."""

    so: float = 0.0
    of: float = 0.0
    bits: int = 0
    length: int = 0

    def after(self, looks: Sequence[bool]) -> Tally:
        """With these looks, oldest first."""
        if not looks:
            return self
        so, of = self.so + sum(looks), self.of + len(looks)
        fade = min(1.0, REMEMBERED / of)
        bits, length = self.bits, self.length
        for look in looks[-NEWEST:]:
            bits, length = bits << 1 | look, length + 1
        return Tally(so * fade, of * fade, bits & (1 << NEWEST) - 1, min(length, NEWEST))

    @property
    def share(self) -> float:
        return self.so / self.of if self.of else 0.0

    @property
    def older(self) -> tuple[float, float]:
        """Share and weight of what was before the newest looks: these may be of the fall already."""
        so, of = self.so - self.bits.bit_count(), self.of - self.length
        return (min(max(so / of, 0.0), 1.0), of) if of >= 1.0 else (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Fall:
    """`so` of the newest `of` looks, where `before` was the share; `chance` bounds that it is chance."""

    so: int
    of: int
    before: float
    chance: float


def fallen(past: Tally, looks: Sequence[bool], *, sure: float = SURE, alike: float = ALIKE) -> Fall | None:
    """The surest fall that the past and these new looks (oldest first) show; None where there is none.

    A look can only show a fall where some of `looks` are not so: what was judged before is not again.
    """
    before, weight = past.older
    if all(looks) or not weight:
        return None
    floor = lower_bound(before, weight / alike, SURE_OF_BEFORE)
    found: Fall | None = None
    for so, of in _windows(past, looks):
        share = so / of
        if before - share <= LEAST_FALL or share >= floor:
            continue
        chance = at_most(share, of / alike, floor)
        if chance <= sure and (found is None or chance < found.chance):
            found = Fall(so, of, before, chance)
    return found


def _windows(past: Tally, looks: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """The batch itself, the newest looks up to its end, and the unbroken run of misses there."""
    yield sum(looks), len(looks)
    newest = past.after(looks)
    yield newest.bits.bit_count(), newest.length
    run = 0
    while run < newest.length and not newest.bits >> run & 1:
        run += 1
    if run:
        yield 0, run


def at_most(share: float, looks: float, probable: float) -> float:
    """A bound on the chance that `share` or less of `looks` are so, where each is with `probable`."""
    return 1.0 if share >= probable else math.exp(-looks * _divergence(share, probable))


def lower_bound(share: float, looks: float, sure: float) -> float:
    """The lowest probability with which `share` of `looks` is no rarer chance than `sure`."""
    low, high, wanted = 0.0, share, -math.log(sure)
    for _ in range(40):
        middle = (low + high) / 2
        if looks * _divergence(share, middle) > wanted:
            low = middle
        else:
            high = middle
    return low


def _divergence(share: float, probable: float) -> float:
    """Kullback and Leibler's, of two coins, in nats."""
    return _part(share, probable) + _part(1.0 - share, 1.0 - probable)


def _part(share: float, probable: float) -> float:
    if share <= 0.0:
        return 0.0
    return math.inf if probable <= 0.0 else share * math.log(share / probable)
