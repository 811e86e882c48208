"""Changes of form that portals really undergo, generated from what a portal serves today.

    pages of a healthy poll -> targets (keys, lists, marks, headings, columns) x changes -> Drift

A drift is what a redesign, a new version or a careless export does: a key renamed or nested, a type or a
date format changed, a class or an id gone, a heading reworded, a list emptied while its count stays. It is
applied to every page of one kind on its way to the connector. Deterministic by its seed: drift 17 of seed
0 is the same tomorrow.

What may surprise: many drifts hurt nothing (a key that nobody reads). They count all the same: the
connector must then bring everything.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from aggregator.sdk.conformance.drifts_html import html_drifts
from aggregator.sdk.conformance.drifts_json import json_drifts
from aggregator.sdk.conformance.drifts_table import table_drifts
from aggregator.sdk.conformance.drifts_xml import xml_drifts
from aggregator.sdk.conformance.stages import Page, Rewrite

__all__ = ["Drift", "drifts_of"]


@dataclass(frozen=True, slots=True)
class Drift:
    """One change of form; its name says where and what."""

    name: str
    rewrite: Rewrite


def drifts_of(pages: Sequence[Page], count: int, seed: int = 0) -> list[Drift]:
    """`count` drifts of a portal that serves these pages: every kind of change in turn, then two at once."""
    chance = random.Random(seed)
    by_change: dict[str, list[Drift]] = {}
    for change, drift in _possible(pages):
        by_change.setdefault(change, []).append(drift)
    for group in by_change.values():
        chance.shuffle(group)
    chosen: list[Drift] = []
    while len(chosen) < count and any(by_change.values()):
        chosen += [group.pop() for group in by_change.values() if group]
    single = tuple(chosen)
    while single and len(chosen) < count:
        chosen.append(_both(*chance.sample(single, 2)) if len(single) > 1 else single[0])
    return chosen[:count]


def _possible(pages: Sequence[Page]) -> Iterator[tuple[str, Drift]]:
    """Every single drift with the name of its change, kind of page by kind of page."""
    kinds: dict[str, list[Page]] = {}
    for page in pages:
        kinds.setdefault(kind_of(page), []).append(page)
    for kind, alike in kinds.items():
        for make in (json_drifts, xml_drifts, html_drifts, table_drifts):
            for change, where, rewrite in make(alike):
                yield change, Drift(f"{kind}: {change} {where}".rstrip(), _only(kind, rewrite))


def kind_of(page: Page) -> str:
    """Pages of one kind have one path but for numbers and ids."""
    return re.sub(r"[^/]*\d[^/]*", "*", page.path)


def _only(kind: str, rewrite: Rewrite) -> Rewrite:
    return lambda page: rewrite(page) if kind_of(page) == kind and page.status < 300 else page


def _both(first: Drift, second: Drift) -> Drift:
    return Drift(f"{first.name} + {second.name}", lambda page: second.rewrite(first.rewrite(page)))
