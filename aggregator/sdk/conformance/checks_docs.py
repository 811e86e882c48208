"""The page that whoever sets a channel up reads: is it there, and does it say what must be said?"""

from __future__ import annotations

import re
from pathlib import Path

from aggregator.sdk.conformance.checks import check
from aggregator.sdk.conformance.harness import Trial, expect

#: What a page must have a heading for, and the words that such a heading may begin with or contain.
SECTIONS: dict[str, tuple[str, ...]] = {
    "what it reads and writes": ("reads", "đọc"),
    "how to get an account": ("account", "access", "getting in", "tài khoản", "quyền truy cập"),
    "settings": ("setting", "cài đặt", "thiết lập"),
    "quirks": ("quirk", "surprise", "điều cần biết", "lưu ý"),
    "what was never checked": ("never checked", "not checked", "not verified", "chưa kiểm chứng"),
}
_HEADING = re.compile(r"^#{1,4}\s+(.+?)\s*$", re.MULTILINE)


@check("docs-page")
def page_is_whole(trial: Trial) -> None:
    page = page_of(trial.manifest.folder, trial.manifest.id)
    expect(page, f"no README.md beside connector.yaml, nor docs/channels/{trial.manifest.id}.md above it")
    assert page is not None
    text = page.read_text("utf-8")
    headings = [heading.lower() for heading in _HEADING.findall(text)]
    missing = [
        section
        for section, words in SECTIONS.items()
        if not any(word in heading for heading in headings for word in words)
    ]
    expect(not missing, f"{page.name} has no section about {'; '.join(missing)}")


def page_of(folder: Path, id_: str) -> Path | None:
    """The connector's page: beside its manifest, or in the nearest ``docs/channels`` above."""
    places = [folder / "README.md", *(up / "docs" / "channels" / f"{id_}.md" for up in folder.parents)]
    return next((place for place in places if place.is_file()), None)
