"""What documents and docstrings name is there: files, modules, the pages that they link to."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("aggregator", "connectors", "inbox_web", "migrations", "tests", "tools")
#: A path or a file's name in backquotes: `docs/sla.md`, `domain/matching.py`.
FILE = re.compile(r"`((?:[\w.-]+/)*[\w-]+\.(?:py|md|css|js))`")
#: A module by its full name, and perhaps what of it is meant: `aggregator.sdk.levels`.
MODULE = re.compile(r"`(aggregator|connectors|inbox_web)((?:\.[A-Za-z_]\w*)+)`")
LINK = re.compile(r"\]\(([^)#\s:]+)(?:#[^)]*)?\)")


@cache
def known() -> frozenset[str]:
    """Every path of the project from its root, and every ending of one."""
    files = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    for package in PACKAGES:
        files += [
            path for path in (ROOT / package).rglob("*.*") if path.suffix in (".py", ".md", ".css", ".js")
        ]
    parts = [path.relative_to(ROOT).parts for path in files]
    return frozenset("/".join(each[start:]) for each in parts for start in range(len(each)))


def pages() -> list[Path]:
    return [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


def modules() -> list[Path]:
    return [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]


def is_there(package: str, dotted: str) -> bool:
    """Whether the name is a module, or a word of the last module that it leads to."""
    place = ROOT / package
    for name in dotted.strip(".").split("."):
        if (place / name).is_dir():
            place /= name
        elif (place / f"{name}.py").is_file():
            place /= f"{name}.py"
        else:
            told = place if place.is_file() else place / "__init__.py"
            return bool(re.search(rf"\b{name}\b", told.read_text("utf-8")))
    return True


def test_files_and_modules_that_texts_name_are_there() -> None:
    lost = []
    for path in (*pages(), *modules()):
        text, place = path.read_text("utf-8"), path.relative_to(ROOT).as_posix()
        # `docs/channels/ID.md` is the page of whichever connector.
        named = (name for name in FILE.findall(text) if not name.endswith("/ID.md"))
        lost += [(place, name) for name in named if name not in known()]
        lost += [(place, f"{one}{more}") for one, more in MODULE.findall(text) if not is_there(one, more)]
    assert not lost


def test_links_between_pages_lead_somewhere() -> None:
    lost = [
        (page.relative_to(ROOT).as_posix(), link)
        for page in pages()
        for link in LINK.findall(page.read_text("utf-8"))
        if not (page.parent / link).exists()
    ]
    assert not lost
