"""A recording that answers also what was not asked quite so.

Promise: what was recorded is answered as it was. What may surprise: a request that was not is answered like
the nearest that was, one of the same method and path. A second poll asks for what changed since the first,
and the recording knows the first only; a portal that gives more than it was asked for is one that every
connector must bear.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from aggregator.sdk.cassette import Asked
from aggregator.sdk.cassette_replay import ReplayPortal

__all__ = ["RecordedPortal"]


class RecordedPortal(ReplayPortal):
    """See the module's docstring."""

    def _number(self, asked: Asked) -> int | None:
        exact = super()._number(asked)
        if exact is not None:
            return exact
        near = [
            (len(_said(one.asked) ^ _said(asked)), number)
            for number, one in enumerate(self.cassette.exchanges)
            if (one.asked.method, one.asked.path) == (asked.method, asked.path)
        ]
        return min(near)[1] if near else None


def _said(asked: Asked) -> frozenset[tuple[str, str]]:
    """All that tells one request of a path from another, piece by piece."""
    body = asked.body.get("json", asked.body)
    pairs = body.items() if isinstance(body, Mapping) else [("body", body)]
    pairs = asked.body.get("form", pairs)
    return frozenset((*parse_qsl(asked.query), *((str(name), repr(value)) for name, value in pairs)))
