"""The form at a source in a manifest: read, judged with its place in the file, and filled in on the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aggregator.domain.hand_form import DATE_FORMAT, LABELS, HandForm, Value
from aggregator.sdk.lint import findings
from aggregator.sdk.manifest import load_manifest

HEAD = """\
id: phuong_mau
version: "1.0"
api: 1
title: {vi: Cổng mẫu, en: Sample}
description: {vi: Mẫu, en: Sample}
maintainer: Lan
capabilities: {poll: incremental}
config_schema: {type: object, properties: {base_url: {type: string}}}
"""


def manifest(folder: Path, manual: str) -> Path:
    path = folder / "connector.yaml"
    path.write_text(HEAD + manual, "utf-8")
    return folder


def test_a_manifest_names_the_fields_of_the_form_in_their_order(tmp_path: Path) -> None:
    form = load_manifest(
        manifest(
            tmp_path,
            """\
manual:
  url: "{config.base_url}/pa/{external_id}"
  fields:
    - {value: body, label: {vi: Nội dung xử lý, en: Result}, max: 1000}
    - {value: due_at, format: "%d-%m-%y"}
""",
        )
    ).manual
    assert form.url == "{config.base_url}/pa/{external_id}"
    body, due = form.fields
    assert (body.value, body.label["vi"], body.most) == (Value.BODY, "Nội dung xử lý", 1000)
    assert (due.label, due.form, due.most) == (LABELS[Value.DUE_AT], "%d-%m-%y", None)
    assert load_manifest(manifest(tmp_path, "")).manual == HandForm(), "the usual fields"
    assert load_manifest(manifest(tmp_path, "manual: {}\n")).manual.fields[0].form == DATE_FORMAT


@pytest.mark.parametrize(
    ("manual", "rule", "path", "note"),
    [
        ("manual: {fields: [{value: phone}]}", "unknown-word", "manual.fields[0].value", "an unknown value"),
        ("manual: {fields: []}", None, "manual.fields", "no field at all"),
        ("manual: {fields: [{value: body, max: 0}]}", None, "manual.fields[0].max", "no room"),
        ("manual: {page: x}", "unknown-key", "manual.page", "an unknown key"),
        ('manual: {url: "https://cong.vn/{password}"}', "not-compiled", "manual.url", "an unknown place"),
        ('manual: {url: "https://cong.vn/{config.tokn}"}', "not-compiled", "manual.url", "no such setting"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    tmp_path: Path, manual: str, rule: Any, path: str, note: str
) -> None:
    found = findings(manifest(tmp_path, manual + "\n"))
    assert [(one.path, one.line) for one in found] == [(path, 9)], (note, [str(one) for one in found])
    if rule:
        assert found[0].rule == rule, note
