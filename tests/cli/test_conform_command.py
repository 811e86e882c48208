"""`motmoi connector conform`: exit code and document follow from the claim."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import connectors.spreadsheet

FOLDER = Path(connectors.spreadsheet.__file__).parent


def test_connector_that_keeps_its_claim_passes_and_hears_what_the_next_grade_lacks(motmoi: Any) -> None:
    document = motmoi.json("connector", "conform", "spreadsheet")
    assert (document["claimed"], document["grade"], document["holds"]) == ("silver", "silver", True)
    assert "backfill" in [one["check"] for one in document["missing"]]


def test_connector_below_its_claim_exits_one_and_says_so(motmoi: Any, tmp_path: Path) -> None:
    folder = tmp_path / "spreadsheet"
    shutil.copytree(FOLDER, folder)
    (folder / "quality.yaml").write_text("grade: gold\n", "utf-8")
    ran = motmoi("connector", "conform", folder)
    assert ran.code == 1
    assert "claims gold), which is not so" in ran.out
    assert json.loads(motmoi("--json", "connector", "conform", folder).out)["holds"] is False


def test_exemption_of_a_rule_that_does_not_exist_is_bad_usage(motmoi: Any, tmp_path: Path) -> None:
    folder = tmp_path / "spreadsheet"
    shutil.copytree(FOLDER, folder)
    (folder / "quality.yaml").write_text("grade: gold\nexemptions: [{check: pol-edit, reason: x}]\n", "utf-8")
    ran = motmoi("connector", "conform", folder)
    assert ran.code == 2 and "pol-edit" in ran.err and "poll-edit" in ran.err
