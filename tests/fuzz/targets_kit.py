"""The kit's own readers: answers, pages, tables, expressions, manifests, settings, recordings."""

from __future__ import annotations

import base64
import io
import json
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from aggregator.sdk import cassette, html
from aggregator.sdk.answers import Response, clean_json
from aggregator.sdk.cassette_people import Invented, Kind, Value
from aggregator.sdk.cassette_proof import survivors
from aggregator.sdk.cassette_scrub import Scrubber
from aggregator.sdk.conformance.quality import load_quality
from aggregator.sdk.contract import BadRecord
from aggregator.sdk.discovery import found_in
from aggregator.sdk.expressions import compile_expression
from aggregator.sdk.filters import FILTERS, Env
from aggregator.sdk.manifest import FILE, load_manifest
from aggregator.sdk.open311.wire import rows_of as open311_rows
from aggregator.sdk.settings_schema import check_schema, complete, faults_of
from aggregator.sdk.sheet_drop.batches import proposal_for
from aggregator.sdk.sheet_drop.reader import rows_of
from tests.fuzz import corpus, odd
from tests.fuzz.form_json import changed
from tests.fuzz.mutators import Sample, flip, lied, mutated
from tests.fuzz.targets import Case, Target, feeding

# -- answers and pages ---------------------------------------------------------------------------


def _answer(sample: Sample, *, effect: bool = False) -> Response:
    return Response(
        200, {"Content-Type": sample.content_type}, sample.content, "http://portal.test/x", effect=effect
    )


def _json(sample: Sample) -> None:
    value = _answer(sample, effect=len(sample.content) % 2 == 0).json()
    told = json.dumps(value, allow_nan=False, ensure_ascii=False)
    told.encode()
    assert "\\u0000" not in told.replace("\\\\", "")


def _text(sample: Sample) -> None:
    text = _answer(sample).text
    text.encode()
    assert "\x00" not in text
    html.looks_like_challenge(text), html.looks_like_login(sample.content), html.looks_like_maintenance(text)


def _page(sample: Sample) -> None:
    page = html.soup(_answer(sample).text)
    html.text_of(page)
    for form in page.select("form")[:2]:
        html.form_fields(form)
    html.require(page, "table tr, .item, form", 2)


def _open311(sample: Sample) -> None:
    for row in open311_rows(_answer(sample), "xml"):
        json.dumps(row, ensure_ascii=False).encode()


# -- tables --------------------------------------------------------------------------------------


def _table(sample: Sample) -> None:
    for _, cells in rows_of(
        io.BytesIO(sample.content), "phan-anh.csv", sheet="Sheet1" if len(sample.content) % 3 == 0 else None
    ):
        del cells


@cache
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="motmoi-fuzz-"))


def _proposal(sample: Sample) -> None:
    file = _folder() / "phan-anh.csv"
    file.write_bytes(sample.content)
    proposal_for(file)


# -- expressions ---------------------------------------------------------------------------------

_ENV = Env(ZoneInfo("Asia/Ho_Chi_Minh"), {"loai": {"1": "Chiếu sáng", "": "x"}})
_EXPRESSIONS = (
    "data.title", "data[0].id | text", "a || b || 'x'", "items[?id > `2`].name | join(', ')",
    "@ | date('iso', '%d/%m/%Y %H:%M')",
    "replace('--', '-') | date('iso')", "body | html | cut(80)", "phone | regex('[0-9]{9,11}')",
    "kind | lookup('loai', 'khác')",
    "value | number | default(0)", "at | epoch_ms | end_of_day", "raw | json | first",
    "tags | split(',') | last", "n | yes",
    "length(items) | text", "sort_by(items, &id)[-1].name", "merge(a, b).c", "max_by(items, &id).id",
    "to_string(@) | cut(10)",
    "items[*].{a: id, b: name} | first", "x | strip | lower | upper | none_if('-', '')",
    "join('-', items[].name)", "keys(@)", "@ | epoch",
)  # fmt: skip
_DATA = {"data": [{"id": 1, "title": "Ổ gà"}], "items": [{"id": 3, "name": "a"}, {"id": None}], "a": {},
    "b": {"c": 1}, "at": 1767571200000,
         "body": "<p>x</p>", "phone": "0901234567", "kind": "1", "value": "1.234,5", "raw": "[1]",
         "tags": "a,b", "n": "không", "x": " - "}  # fmt: skip


def _expressions() -> Callable[[Random], Case]:
    names = list(FILTERS)

    def case(rng: Random) -> Case:
        text = rng.choice(_EXPRESSIONS)
        kind = rng.random()
        if kind < 0.25:
            text = flip(text.encode(), rng).decode("utf-8", "replace")
        elif kind < 0.35:
            text = text[: rng.randrange(len(text))] + rng.choice(odd.TEXTS) + text[rng.randrange(len(text)) :]
        elif kind < 0.6:
            text = f"@ | {rng.choice(names)}" + rng.choice(
                ("", "()", "('a')", "('', 1, null)", f"({json.dumps(odd.text(rng)[:200])})", "(-1)")
            )
        elif kind < 0.62:
            text = rng.choice(
                (
                    "[" * 900,
                    "a." * 900 + "a",
                    "!" * 900,
                    "(" * 900 + "a" + ")" * 900,
                    "a|" * 400,
                    "a || " * 300 + "b",
                )
            )
        data = odd.value(rng) if rng.random() < 0.4 else changed(json.loads(json.dumps(_DATA)), rng)

        def call() -> None:
            value = compile_expression(text, "map.x")(data, _ENV)
            str(value)[:50]

        return Case(Sample("text", repr((text, data)).encode("utf-8", "replace")), call)

    return case


# -- manifests, settings, recordings -------------------------------------------------------------


def _manifest(sample: Sample) -> None:
    (_folder() / FILE).write_bytes(sample.content)
    load_manifest(_folder())


def _definition(sample: Sample) -> None:
    """Also compiled, and any fault told with its place."""
    (_folder() / FILE).write_bytes(sample.content)
    found = found_in(_folder())
    if found.manifest is not None and found.manifest.kind != "python":
        found.connector()


def _settings() -> Callable[[Random], Case]:
    given = corpus.schemas()

    def case(rng: Random) -> Case:
        schema = json.loads(rng.choice(given).content)
        config = complete(schema, {})
        if rng.random() < 0.7:
            schema = changed(schema, rng)
        for _ in range(rng.choice((0, 1, 3))):
            config = changed(config, rng)

        def call() -> None:
            if not check_schema(schema):
                faults = faults_of(schema, config)
                if not faults and isinstance(config, dict):
                    complete(schema, config)

        return Case(Sample("text", repr((schema, config)).encode("utf-8", "replace")), call)

    return case


def _recordings() -> Callable[[Random], Case]:
    given = [Sample("yaml", (folder / cassette.FILE).read_bytes()) for folder in corpus.recordings()]

    def case(rng: Random) -> Case:
        payload = mutated(rng.choice(given), rng, given)

        def call() -> None:
            (_folder() / cassette.FILE).write_bytes(payload.content)
            cassette.load(_folder())

        return Case(payload, call)

    return case


def _quality(sample: Sample) -> None:
    (_folder() / "quality.yaml").write_bytes(sample.content)
    load_quality(_folder())


_PEOPLE = (
    Value(Kind.NAME, "Nguyễn Thị Thử 1"), Value(Kind.PHONE, "0900000001"), Value(Kind.EMAIL,
    "thu1@example.vn"),
    Value(Kind.ADDRESS, "1 đường Thử Nghiệm"), Value(Kind.SECRET, "mat-khau-thu"), Value(Kind.NAME, "Lan",
    weak=True),
)  # fmt: skip


def _scrubbed() -> Callable[[Random], Case]:
    given = [one for one in (*corpus.answers(), *corpus.tables()) if len(one.content) < 20_000]

    def case(rng: Random) -> Case:
        payload = mutated(rng.choice(given), rng, given)
        body = payload.content[:200_000]  # four microseconds a byte, for one author, once
        kept = base64.b64encode(body) if rng.random() < 0.05 else body
        content_type = lied(payload.content_type, rng) if rng.random() < 0.2 else payload.content_type

        def call() -> None:
            invented = Invented()
            scrubber = Scrubber(_PEOPLE, invented)
            clean = scrubber.body(kept, content_type)
            list(survivors(clean, list(scrubber.values.values()), invented, frozenset()))

        return Case(payload, call)

    return case


def _unreadable(sample: Sample) -> Any:
    try:
        return clean_json(sample.content)
    except (ValueError, RecursionError):  # what it says that it raises
        raise BadRecord("no JSON") from None


TARGETS = [
    Target("answers: JSON", 150, feeding(lambda: corpus.answers("json"), _json)),
    Target("answers: JSON, cleaned", 60, feeding(lambda: corpus.answers("json"), _unreadable)),
    Target("answers: text", 80, feeding(corpus.answers, _text)),
    Target("pages", 50, feeding(lambda: corpus.answers("html"), _page)),
    Target("Open311 XML", 80, feeding(corpus.open311_xml, _open311)),
    Target("tables", 90, feeding(corpus.tables, _table)),
    Target("tables: headings", 10, feeding(corpus.tables, _proposal)),
    Target("expressions", 80, _expressions),
    Target("manifests", 2, feeding(corpus.manifests, _manifest)),
    Target("manifests: compiled", 1, feeding(corpus.manifests, _definition)),
    Target(
        "manifests: quality",
        2,
        feeding(
            lambda: [
                Sample("yaml", f.read_bytes()) for f in sorted(corpus.ROOT.glob("connectors/*/quality.yaml"))
            ],
            _quality,
        ),
    ),
    Target("settings", 20, _settings),
    Target("recordings", 2, _recordings),
    Target("recordings: scrubbed", 4, _scrubbed),
]
