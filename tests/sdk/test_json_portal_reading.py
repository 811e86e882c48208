"""Reading a JSON portal by its manifest alone, over real HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from aggregator.sdk.sandbox import serve
from aggregator.sdk.testing import context_for
from tests.sdk.json_portals import MAP, NOW, Lists, ids, line, manifest, polled, portal_of, stream

PAGE = {"type": "page", "param": "page", "stop": {"pages": "pages", "total": "total"}}

PAGINGS: list[tuple[str, str, dict[str, Any]]] = [
    ("page numbers with a count of pages", "/list", PAGE),
    (
        "page numbers without any count: the repeated last page is the end",
        "/list",
        {"type": "page", "param": "page"},
    ),
    (
        "offsets with a total",
        "/offset",
        {"type": "offset", "param": "offset", "size": 10, "stop": {"total": "total"}},
    ),
    (
        "offsets without a total: an empty page is the end",
        "/offset",
        {"type": "offset", "param": "offset", "size": 10},
    ),
    ("marks, repeated on the last page", "/token", {"type": "cursor", "param": "token", "next": "next"}),
    ("an address of the next page in the answer", "/next", {"type": "next", "next": "next"}),
    ("an address of the next page in a header", "/link", {"type": "link_header"}),
]


@pytest.mark.parametrize(("note", "path", "paging"), PAGINGS, ids=[row[0] for row in PAGINGS])
def test_every_paging_gives_every_record_once(note: str, path: str, paging: dict[str, Any]) -> None:
    given = Lists([line(n) for n in range(25)])
    connector = portal_of({"streams": [stream(path, pagination=paging)]})
    with serve(given) as running:
        batches = polled(connector, context_for(running, connector.manifest, now=NOW))
    assert ids(batches) == [f"PA-{n}" for n in range(25)]
    assert batches[-1].complete and not any(batch.complete for batch in batches[:-1])


def test_a_record_is_read_in_our_words() -> None:
    connector = portal_of({"streams": [stream(pagination=PAGE)]})
    with serve(Lists([line(3)])) as running:
        ctx = context_for(running, connector.manifest, now=NOW)
        batch = polled(connector, ctx)[0]
        again = connector.remap(ctx, batch.items[0])
    (record,) = batch.records
    assert (record.external_id, record.subject, record.category_raw) == (
        "PA-3",
        "Đèn đường hỏng 3",
        "Chiếu sáng",
    )
    assert record.occurred_at.isoformat() == "2026-01-05T01:03:00+00:00"
    assert record.status == "new" and record.person.phone == "0900000001"
    assert (record.location.lat, record.location.lng) == (10.77, 106.7)
    assert again == record


def test_a_manifest_implies_its_settings_and_capabilities() -> None:
    made = manifest({"auth": {"type": "basic"}, "streams": [stream(pagination=PAGE)]})
    assert made.config_schema["required"] == ["base_url", "username", "password"]
    assert made.config_schema["properties"]["password"]["secret"] is True
    assert made.capabilities.poll == "full_snapshot" and not made.capabilities.push_reply
    assert MAP["external_id"] == "code"
