"""Every part of an answer taken away, emptied or turned into something else: never a silent, shorter poll."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from aggregator.sdk.contract import Batch, ChannelError
from aggregator.sdk.sandbox import Response, reply, serve
from aggregator.sdk.testing import context_for
from tests.sdk.json_portals import NOW, Lists, line, portal_of, stream

COUNT, SIZE = 12, 5
GONE = object()
INSTEAD = (GONE, None, "", "x", 0, 1, -1, True, [], {}, [[]], {"a": 1})
PAGINGS: dict[str, dict[str, Any]] = {
    "/list": {"type": "page", "param": "page", "size": SIZE, "stop": {"pages": "pages", "total": "total"}},
    "/offset": {"type": "offset", "param": "offset", "size": SIZE, "stop": {"total": "total"}},
    "/token": {"type": "cursor", "param": "token", "next": "next", "stop": {"total": "total"}},
    "/next": {"type": "next", "next": "next", "stop": {"total": "total"}},
}


class Drifting(Lists):
    """Changes every answer on its way out."""

    def __init__(self, change: Callable[[dict[str, Any]], None]) -> None:
        super().__init__([line(n) for n in range(COUNT)], size=SIZE)
        self.change = change

    def _answer(self, chosen: list[Any], start: int, **more: Any) -> Response:
        items = copy.deepcopy(chosen[start : start + self.size])
        data = {"items": items, "total": len(chosen), **more}
        self.change(data)
        return reply(data)


def _put(table: dict[str, Any], key: str, value: Any) -> None:
    if value is GONE:
        table.pop(key, None)
    else:
        table[key] = copy.deepcopy(value)


def _changes(path: str) -> Iterator[tuple[str, Callable[[dict[str, Any]], None]]]:
    around = ["items", "total", {"/list": "pages"}.get(path, "next")]
    for key in around:
        for value in INSTEAD:
            yield f"{key} = {value}", lambda data, k=key, v=value: _put(data, k, v)
    for key in line(0):
        for value in INSTEAD:
            yield f"item.{key} = {value}", lambda data, k=key, v=value: [_put(i, k, v) for i in data["items"]]
    yield "half a page", lambda data: data["items"].__delitem__(slice(2, None))
    yield "records twice wrapped", lambda data: _put(data, "items", [data["items"]])
    yield "records by number", lambda data: _put(data, "items", dict(enumerate(data["items"])))


@pytest.mark.parametrize("path", PAGINGS)
def test_no_change_of_an_answer_makes_a_poll_shorter_in_silence(path: str) -> None:
    connector = portal_of({"streams": [stream(path, pagination=PAGINGS[path])]})
    given = Drifting(lambda data: None)
    silent, drifts = [], 0
    with serve(given) as running:
        for note, change in _changes(path):
            given.change, drifts = change, drifts + 1
            ctx = context_for(running, connector.manifest, now=NOW)
            try:
                batches: list[Batch] = list(connector.poll(ctx, None))
            except ChannelError:
                continue
            finally:
                ctx.http.close()
            found = {r.external_id for b in batches for r in b.records}
            if len(found) + sum(len(b.problems) for b in batches) < COUNT:
                silent.append(note)
    assert silent == [] and drifts > 150
