"""The Vietnamese of every English text on screen: collected, compared, compiled.

    python -m inbox_web.catalogue      new texts into the .po file, then the .mo that the pages read

What may surprise: the compiled .mo is kept in the repository beside its .po, so that neither a plain
checkout nor an installed package needs a build step; a test holds the two together.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

HERE = Path(__file__).parent
PO = HERE / "translations" / "vi" / "LC_MESSAGES" / "messages.po"
MO = PO.with_suffix(".mo")

_METHODS = [("**/templates/**.html", "jinja2"), ("**.py", "python")]
_OPTIONS = {"**/templates/**.html": {"trimmed": "true", "silent": "false"}}
_KEYWORDS = {"_": None, "_l": None, "ngettext": (1, 2)}


#: The same bytes from the same texts, whenever and wherever they are compiled.
_ALWAYS = datetime(2026, 1, 1, tzinfo=UTC)


def _catalog() -> Catalog:
    return Catalog(locale="vi", project="motmoi", charset="utf-8", creation_date=_ALWAYS, fuzzy=False)


def collect() -> Catalog:
    """Every text that the pages ask for."""
    found = _catalog()
    texts = extract_from_dir(
        HERE, _METHODS, _OPTIONS, _KEYWORDS, directory_filter=lambda path: Path(path).name != "static"
    )
    for filename, _line, message, _comments, context in texts:
        # No line numbers: they would make every edit of a template an edit of the catalogue.
        found.add(message, locations=[(filename, None)], context=context)  # type: ignore[list-item]
    return found


def load() -> Catalog:
    with PO.open("rb") as file:
        return read_po(file, locale="vi")


def compiled(catalog: Catalog) -> bytes:
    """The .mo of a catalogue: the same bytes every time."""
    steady = _catalog()
    for message in catalog:
        if message.id:
            steady[message.id] = message
    buffer = io.BytesIO()
    write_mo(buffer, steady)
    return buffer.getvalue()


def refresh() -> list[str]:
    """Bring the .po up to date with the pages and compile it; the msgids that still need Vietnamese."""
    catalog = load() if PO.exists() else _catalog()
    catalog.update(collect(), no_fuzzy_matching=True)
    catalog.obsolete.clear()
    with PO.open("wb") as file:
        write_po(file, catalog, width=100, sort_output=True, omit_header=True, include_lineno=False)
    MO.write_bytes(compiled(load()))
    return [str(message.id) for message in catalog if message.id and not _told(message.string)]


def _told(string: object) -> bool:
    return all(string) if isinstance(string, list | tuple) else bool(string)


if __name__ == "__main__":
    for msgid in refresh():
        print("needs Vietnamese:", msgid)  # noqa: T201
