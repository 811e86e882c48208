"""Two raw pages as lines beside each other, with what differs marked; personal data as mere shapes.

    bytes -> lines (JSON: one value a line; HTML: one tag or text a line; else as it is) -> masked -> beside

Masked, a value keeps its form and nothing else: letters become x, digits 9. That is what a changed page is
judged by ("99/99/9999" has become "9999-99-99", a key is missing), and nobody can be read from it. What may
surprise: names of keys, tags and classes stay readable, so a portal that puts a person's name into a key
or a class would show it. Everything is bounded: a page of megabytes shows its first lines, and says so.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

#: Lines of a page that are shown and compared, letters of a line, and letters of a page that are read.
LINES, LETTERS, READ = 1500, 300, 400_000
#: Equal lines kept around a difference.
AROUND = 3
_TOKENS = re.compile(r"<[^<>]{0,4000}>|[^<>]+|[<>]")
_ATTRIBUTE = re.compile(r"""([\w:-]+)(\s*=\s*)("[^"]*"|'[^']*'|[^\s"'>]+)""")
#: Attributes that say how a page is built, not what it holds.
_STRUCTURE = frozenset(("class", "id", "type", "rel", "role", "method", "scope", "for", "name", "http-equiv"))
_KEY = re.compile(r'^(\s*"(?:[^"\\]|\\.){0,200}":\s?)(.*)$', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of both. `mark`: same, changed, gone (old only), added, or skipped (`skipped` lines)."""

    mark: str
    old: str = ""
    new: str = ""
    old_number: int | None = None
    new_number: int | None = None
    skipped: int = 0


def lines(content: bytes, content_type: str, *, masked: bool) -> list[str]:
    """The page as lines for a person, at most `LINES`, a last one "…" where there were more."""
    text = content[:READ].decode("utf-8", "replace")
    whole = _json(content, text)
    if whole is not None:
        found = [_masked_json(line) if masked else line for line in whole]
    elif "<" in text and ("html" in content_type or "xml" in content_type or text.lstrip()[:1] == "<"):
        found = list(_html(text, masked))
    else:
        found = [shape(line) if masked else line for line in text.splitlines()]
    cut = len(content) > READ or len(found) > LINES
    shown = [line if len(line) <= LETTERS else line[:LETTERS] + "…" for line in found[:LINES]]
    return [*shown, "…"] if cut else shown


def shape(text: str) -> str:
    """The form of a value: letters x, digits 9, all else as it is."""
    # Marks of decomposed Vietnamese would tell the letters apart again.
    return "".join(
        "9" if c.isnumeric() else "x" if c.isalpha() else c for c in text if not unicodedata.combining(c)
    )


def _json(content: bytes, text: str) -> list[str] | None:
    if text.lstrip()[:1] not in ("{", "[") or len(content) > READ:
        return None
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, indent=1).splitlines()
    except (ValueError, RecursionError):
        return None


def _masked_json(line: str) -> str:
    key, value = match.groups() if (match := _KEY.match(line)) else ("", line)
    if value.rstrip(",") in ("null", "true", "false"):
        return line
    return key + shape(value)


def _html(text: str, masked: bool) -> Iterator[str]:
    depth = 0
    for token in _TOKENS.findall(text):
        bare = " ".join(token.split())
        if not bare:
            continue
        is_tag = bare.startswith("<") and len(bare) > 1
        if bare.startswith("</"):
            depth = max(depth - 1, 0)
        yield "  " * min(depth, 12) + (bare if not masked else _masked_tag(bare) if is_tag else shape(bare))
        opens = is_tag and not bare.startswith(("</", "<!")) and not bare.endswith("/>")
        if opens and bare[1:].split(" ")[0].rstrip(">").lower() not in _VOID:
            depth += 1


_VOID = frozenset(("area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"))


def _masked_tag(tag: str) -> str:
    if tag.startswith("<!--"):
        return f"<!--{shape(tag[4:-3])}-->"

    def hide(match: re.Match[str]) -> str:
        name, equals, value = match.groups()
        return match[0] if name.lower() in _STRUCTURE else f"{name}{equals}{shape(value)}"

    return _ATTRIBUTE.sub(hide, tag)


def beside(old: Sequence[str], new: Sequence[str]) -> list[Row]:
    """Both beside each other; long equal stretches are left out and counted."""
    rows: list[Row] = []
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=len(old) > 400).get_opcodes():
        if kind == "equal":
            rows += [Row("same", old[a + n], new[c + n], a + n + 1, c + n + 1) for n in range(b - a)]
            continue
        for n in range(max(b - a, d - c)):
            left, right = a + n < b, c + n < d
            mark = "changed" if left and right else "gone" if left else "added"
            rows.append(
                Row(
                    mark, old[a + n] if left else "", new[c + n] if right else "",
                    a + n + 1 if left else None, c + n + 1 if right else None,
                )
            )  # fmt: skip
    return list(_shortened(rows))


def _shortened(rows: Sequence[Row]) -> Iterator[Row]:
    near = [False] * len(rows)
    for index, row in enumerate(rows):
        if row.mark != "same":
            for n in range(max(index - AROUND, 0), min(index + AROUND + 1, len(rows))):
                near[n] = True
    if not any(near):  # nothing differs: the beginning shows what it is
        near[: 4 * AROUND] = [True] * len(near[: 4 * AROUND])
    skipped = 0
    for row, shown in zip(rows, near, strict=True):
        if not shown:
            skipped += 1
            continue
        if skipped:
            yield Row("skipped", skipped=skipped)
            skipped = 0
        yield row
    if skipped:
        yield Row("skipped", skipped=skipped)
