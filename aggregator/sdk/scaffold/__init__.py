"""A new connector's folder: manifest, page, samples, test, and what editors need to complete the manifest.

    scaffold("cong_xa", "json", Path("connectors")) ->  connectors/connector.schema.json
                                                        connectors/cong_xa/connector.yaml, README.md, ...

Promise: nothing that is there is overwritten or changed; what is made loads at once and reads a portal of
the plainest shape, so that an author changes words and never begins with an empty file.
"""

from __future__ import annotations

import json
from datetime import date
from importlib.resources import files
from pathlib import Path

from aggregator.errors import InputInvalid
from aggregator.sdk.levels import level_of
from aggregator.sdk.manifest import ID
from aggregator.sdk.manifest_schema import SCHEMA_FILE, schema_text

__all__ = ["KINDS", "scaffold"]

KINDS = ("json", "html", "sheet", "open311", "webhook", "python")
_CODE = ("webhook", "python")
_ADDRESS = '[config]\nbase_url = "http://127.0.0.1:8090"\n\n[secrets]\n'
#: What a channel of a kind is asked for at first.
_SETTINGS = {
    "webhook": '[secrets]\nkey = "khoa-thu"\n',
    "sheet": '[config]\nfolder = "/srv/motmoi/nhan"\n',
}


def scaffold(
    name: str, kind: str, into: Path, *, title: str = "", maintainer: str = "", today: date
) -> list[Path]:
    """Make the folder `name` in `into`; the files made. Raises `InputInvalid` where it is there already."""
    if ID.fullmatch(name) is None:
        raise InputInvalid(
            f"{name!r} cannot be a connector's name", field="name",
            hint="Small letters, digits and _, beginning with a letter, as in cong_phuong_1",
        )  # fmt: skip
    if kind not in KINDS:
        raise InputInvalid(f"no kind {kind!r}; known are {', '.join(KINDS)}", field="kind")
    if kind not in _CODE:
        level_of(kind)  # says so where this installation lacks it
    folder = into / name
    if folder.exists():
        raise InputInvalid(f"{folder} exists already", field="name", hint="Nothing was written")
    title = " ".join(title.split()) or name.replace("_", " ").capitalize()
    words = {
        "id": name,
        "slug": name.replace("_", "-"),
        "settings": _SETTINGS.get(kind, _ADDRESS),
        "plain": title,
        "title": json.dumps(title, ensure_ascii=False),
        "maintainer": json.dumps(maintainer or "?", ensure_ascii=False),
        "month": f"{today:%Y-%m}",
    }
    made = {folder / to: _filled(template, words) for to, template in _parts(name, kind).items()}
    schema = into / SCHEMA_FILE
    if not schema.exists():
        made[schema] = schema_text()
    for path, text in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    return sorted(made)


def _parts(name: str, kind: str) -> dict[str, str]:
    """File of the new folder -> its template."""
    code = {"__init__.py": f"{kind}.py.txt"} if kind in _CODE else {}
    return {
        "connector.yaml": f"{kind}.yaml",
        "channel.toml": "channel.toml",
        ".gitignore": "gitignore.txt",
        **code,
        "README.md": "README.md",
        "quality.yaml": "quality.yaml",
        "samples/README.md": "samples.md",
        f"test_{name}.py": "test.py.txt",
    }


def _filled(template: str, words: dict[str, str]) -> str:
    text = (files(__name__) / "templates" / template).read_text("utf-8")
    for word, value in words.items():
        text = text.replace("{{" + word + "}}", value)
    return text
