"""A JSON portal that is away, has changed or lies: never "nothing new"."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from aggregator.sdk.contract import (
    AuthFailed,
    BotChallenge,
    ChannelError,
    ConfigInvalid,
    RateLimited,
    SchemaDrift,
    Transient,
)
from aggregator.sdk.sandbox import Fault, Request, Response, page, reply, serve
from aggregator.sdk.testing import context_for
from tests.sdk.json_portals import NOW, Lists, ids, line, polled, portal_of, stream

PAGE = {"type": "page", "param": "page", "stop": {"pages": "pages", "total": "total"}}
READING = {"streams": [stream(pagination=PAGE, required=["subject"])]}

FAULTS: list[tuple[str, dict[str, Any], type[ChannelError]]] = [
    ("a login page with status 200", {"kind": "login_page"}, AuthFailed),
    ("a maintenance notice with status 200", {"kind": "maintenance"}, Transient),
    ("half an answer", {"kind": "truncate"}, Transient),
    ("no answer at all", {"kind": "outage"}, Transient),
    ("a broken server", {"kind": "status", "code": 500}, Transient),
    ("too many requests", {"kind": "status", "code": 429, "retry_after": 30}, RateLimited),
    ("no right", {"kind": "status", "code": 403}, AuthFailed),
    ("a wrong path", {"kind": "status", "code": 404}, ConfigInvalid),
    ("a page without end", {"kind": "oversize", "bytes": 3_000_000}, SchemaDrift),
]


@pytest.mark.parametrize(("note", "fault", "error"), FAULTS, ids=[row[0] for row in FAULTS])
@pytest.mark.parametrize("spoiled", ["first", "second"])
def test_a_fault_is_an_error_of_its_class(
    note: str, fault: dict[str, Any], error: type[ChannelError], spoiled: str
) -> None:
    connector = portal_of(READING)
    given = Lists([line(n) for n in range(25)])
    with serve(given) as running:
        batches = connector.poll(context_for(running, connector.manifest, now=NOW, max_bytes=2_000_000), None)
        if spoiled == "second":
            next(batches)
        given.faults.append(Fault.of(fault))
        with pytest.raises(error):
            list(batches)


def _without(key: str) -> Callable[[Lists], None]:
    def change(portal: Lists) -> None:
        portal.lines = [{k: v for k, v in one.items() if k != key} for one in portal.lines]

    return change


def _envelope(**more: Any) -> Callable[[Lists], None]:
    return lambda portal: portal.envelope.update(more)


DRIFTS: list[tuple[str, Callable[[Lists], None]]] = [
    ("the id has another name", _without("code")),
    ("the date has another name", _without("sent")),
    ("a required title has gone", _without("title")),
    ("the list is a table", _envelope(items={"0": 1})),
    ("the list is null", _envelope(items=None)),
    ("the list is empty and the count is not", _envelope(items=[])),
    ("the count is a word", _envelope(total="nhiều")),
    ("the records are texts", lambda portal: setattr(portal, "lines", ["a", "b", "c", "d"])),
    (
        "dates are written another way",
        lambda p: setattr(p, "lines", [line(n, sent="2026.01.05") for n in range(9)]),
    ),
    ("every record has the same id", lambda p: setattr(p, "lines", [line(n, code="x") for n in range(9)])),
    ("titles are tables", lambda p: setattr(p, "lines", [line(n, title={"vi": "x"}) for n in range(9)])),
]


@pytest.mark.parametrize(("note", "change"), DRIFTS, ids=[row[0] for row in DRIFTS])
def test_a_changed_structure_is_drift_with_its_page(note: str, change: Callable[[Lists], None]) -> None:
    connector = portal_of(READING)
    given = Lists([line(n) for n in range(9)])
    change(given)
    with serve(given) as running, pytest.raises(SchemaDrift) as error:
        polled(connector, context_for(running, connector.manifest, now=NOW))
    assert error.value.evidence["content"].startswith(b"{") and error.value.evidence["content_type"]


def test_one_bad_record_is_put_aside_and_the_others_are_read() -> None:
    connector = portal_of(READING)
    given = Lists(
        [line(0), line(1, sent="31/02/2026 25:61"), {"title": "không mã"}, *(line(n) for n in range(2, 9))]
    )
    with serve(given) as running:
        batches = polled(connector, context_for(running, connector.manifest, now=NOW))
    problems = [problem.error for batch in batches for problem in batch.problems]
    assert ids(batches) == [f"PA-{n}" for n in (0, *range(2, 9))]
    assert [(p.field, p.external_id) for p in problems] == [("occurred_at", "PA-1"), ("external_id", None)]


def test_a_page_repeated_inside_its_own_count_is_drift() -> None:
    connector = portal_of(READING)
    given = Lists([line(n) for n in range(25)])
    with serve(given) as running:
        batches = connector.poll(context_for(running, connector.manifest, now=NOW), None)
        next(batches)
        given.faults.append(Fault("repeat_page"))
        with pytest.raises(SchemaDrift, match="repeats"):
            list(batches)


def test_a_list_longer_than_allowed_is_told_and_not_cut_off() -> None:
    connector = portal_of({"streams": [stream(pagination={**PAGE, "max_pages": 2})]})
    with (
        serve(Lists([line(n) for n in range(25)])) as running,
        pytest.raises(ConfigInvalid, match="max_pages"),
    ):
        polled(connector, context_for(running, connector.manifest, now=NOW))


def test_an_empty_portal_is_an_empty_batch() -> None:
    connector = portal_of(READING)
    with serve(Lists([])) as running:
        batches = polled(connector, context_for(running, connector.manifest, now=NOW))
    assert ids(batches) == [] and batches[-1].complete


RULES: list[tuple[str, Response, type[ChannelError] | None]] = [
    ("an error code in the answer", reply({"error_code": "5", "items": []}), AuthFailed),
    ("a good code written as text", reply({"error_code": "0", "items": []}), None),
    ("no code at all", reply({"items": []}), AuthFailed),
    ("a text in a page", page("<p>Hệ thống QUÁ TẢI</p>"), Transient),
    ("a status that means an empty list", reply({"message": "không có"}, 404), None),
    ("a server error that means wait", Response("", status=507), RateLimited),
    ("a challenge page", page('<div class="g-recaptcha"></div>'), BotChallenge),
]


@pytest.mark.parametrize(("note", "answer", "error"), RULES, ids=[row[0] for row in RULES])
def test_rules_of_the_manifest_say_what_an_answer_means(
    note: str, answer: Response, error: type[ChannelError] | None
) -> None:
    rules = [
        {"status": 404, "class": "nothing"},
        {"status": [507], "class": "rate_limited"},
        {"contains": "quá tải", "class": "transient"},
        {"path": "error_code", "differs": 0, "class": "auth_failed", "say": "Phiên đã hết"},
    ]
    connector = portal_of({"errors": rules, "streams": [stream("/special")]})
    given = Lists([])

    @given.route("/special")
    def special(request: Request) -> Response:
        return answer

    with serve(given) as running:
        ctx = context_for(running, connector.manifest, now=NOW)
        if error is None:
            assert polled(connector, ctx)[-1].complete
        else:
            with pytest.raises(error):
                polled(connector, ctx)
