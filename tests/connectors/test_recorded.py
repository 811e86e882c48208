"""Each shipped connector reads its recording as it once did; one recording is enough to be judged on."""

import shutil
from pathlib import Path

import pytest

from aggregator.sdk.cassette import load
from aggregator.sdk.cassette_run import differences, read_expected, replay
from aggregator.sdk.conformance.catalogue import Grade
from aggregator.sdk.conformance.harness import Subject
from aggregator.sdk.conformance.runner import judge_all
from aggregator.sdk.discovery import discover, found_in

FOLDERS = sorted(Path(__file__).parent.glob("*/recorded"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parent.name)
def test_a_recording_still_gives_what_it_gave(folder):
    found = discover()[folder.parent.name]
    outcome = replay(found.connector(), found.manifest, load(folder))
    assert not outcome.unmatched
    assert len(outcome.records) >= 5
    assert list(differences(read_expected(folder), outcome.document())) == []


def test_every_shipped_connector_with_a_simulated_portal_has_a_recording():
    # What calls us is not read: there is nothing that a recording could hold.
    read = [one for one in discover().values() if one.manifest and not one.manifest.capabilities.webhook]
    with_portal = {one.id for one in read if hasattr(one.sandbox(), "build")}
    assert with_portal <= {folder.parent.name for folder in FOLDERS}


def test_a_connector_without_a_simulated_portal_is_judged_on_its_recording(tmp_path):
    """A manifest and a recording are all that an author needs for the first grade."""
    shipped = discover()["hue_token"].manifest.folder
    folder = tmp_path / "cong_rieng"
    folder.mkdir()
    text = (shipped / "connector.yaml").read_text("utf-8").replace("id: hue_token", "id: cong_rieng")
    (folder / "connector.yaml").write_text(text, "utf-8")
    shutil.copytree(Path(__file__).parent / "hue_token" / "recorded", folder / "recorded")
    shutil.copy(Path(__file__).parents[2] / "docs" / "channels" / "hue_token.md", folder / "README.md")
    report = judge_all(Subject.of(found_in(folder)))
    missed = [
        f"{v.rule.id}: {v.why}" for v in report.verdicts if v.rule.grade == Grade.BRONZE and not v.stands
    ]
    assert (report.grade >= Grade.BRONZE, missed) == (True, [])
