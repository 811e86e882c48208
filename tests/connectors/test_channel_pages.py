"""The pages about channels tell of every channel, in one order, and what the manifests say."""

from __future__ import annotations

import re

import pytest

from aggregator.sdk.conformance.quality import load_quality
from aggregator.sdk.contract import Manifest
from aggregator.sdk.discovery import discover
from tests.conftest import ROOT

PAGES = ROOT / "docs" / "channels"
SECTIONS = ["What it reads", "What it writes", "Account", "Settings", "What may surprise", "Not verified"]
READS = {"incremental": "what is new", "full_snapshot": "the whole list", "none": "typed in"}
PAST = {"by_date": "by day or id", "by_page": "page by page", "by_id": "by id", "none": "–"}
SHIPPED = sorted(
    kind for kind, found in discover().items() if found.manifest.folder.parent.name == "connectors"
)


def row(manifest: Manifest) -> str:
    can, grade = manifest.capabilities, load_quality(manifest.folder).grade.word
    cells = (
        f"[{manifest.title['en']}]({manifest.id}.md)",
        "is told" if can.webhook else READS[can.poll],
        ("with status" if can.push_status else "text") if can.push_reply else "by hand",
        "yes" if can.attachments != "none" else "–",
        PAST[can.backfill],
        "yes" if can.fetch else "–",
        grade.capitalize() if grade != "none" else "–",
    )
    return f"| {' | '.join(cells)} |"


def test_table_of_channels_is_what_manifests_and_claims_say():
    shown = [line for line in (PAGES / "README.md").read_text("utf-8").splitlines() if line.startswith("| [")]
    assert shown == [row(discover()[kind].manifest) for kind in SHIPPED]


@pytest.mark.parametrize("kind", SHIPPED)
def test_page_of_a_channel_has_the_sections_of_all(kind):
    headings = re.findall(r"^## (.+)$", (PAGES / f"{kind}.md").read_text("utf-8"), re.MULTILINE)
    assert [heading for heading in headings if heading in SECTIONS] == SECTIONS
