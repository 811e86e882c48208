"""The page about JSON manifests says what the product reads, no more and no less."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from aggregator.sdk.filters import FILTERS
from aggregator.sdk.json_portal.schema import ERROR_CLASSES, PUSH, SOURCE

PAGE = (Path(__file__).parents[2] / "docs" / "json-manifests.md").read_text("utf-8")


def test_every_filter_has_its_line_and_none_is_invented() -> None:
    table = PAGE[PAGE.index("| filter | gives |") : PAGE.index("`source.filters`")]
    names = [row.split("|")[1] for row in table.splitlines()[2:] if row.startswith("|")]
    told = {name for text in names for name in re.findall(r"`([a-z_]+)[`(]", text)}
    assert told == set(FILTERS)


def test_every_section_is_told() -> None:
    words = set(re.findall(r"[a-z_]+", PAGE))
    stream = SOURCE["properties"]["streams"]["items"]["properties"]
    sections = [
        SOURCE,
        stream["pagination"],
        stream["incremental"],
        stream["detail"],
        PUSH["properties"]["reply"],
    ]
    keys = {key for section in sections for key in section["properties"]} - {"remember"}
    assert keys <= words and set(ERROR_CLASSES) <= words


def test_its_examples_are_yaml() -> None:
    for example in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL):
        if "…" not in example:
            assert yaml.safe_load(example)
