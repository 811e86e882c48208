"""Drifts of XML: elements, rows, the document itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from lxml import etree

from aggregator.sdk.conformance.dates import redated
from aggregator.sdk.conformance.stages import Page, Rewrite

__all__ = ["xml_drifts"]

_Node = Any


def xml_drifts(pages: Sequence[Page]) -> Iterator[tuple[str, str, Rewrite]]:
    """Change, where, and the rewriting of it, for pages that are XML."""
    roots = [root for page in pages if (root := _root(page)) is not None]
    tags = {child.tag for root in roots for child in root.iterdescendants() if isinstance(child.tag, str)}
    for tag in sorted(tags):
        for name, change in _TO_ELEMENT.items():
            yield name, tag, _on(tag, change)
    lists = {root.tag for root in roots if _rows(root)}
    for tag in sorted(lists):
        for name, change_rows in _TO_ROWS.items():
            yield name, f"{tag} > *", _rewriting(_of_rows(change_rows))
    if roots:
        yield "envelope", "", _rewriting(_enveloped)
        yield "rename", "root", _rewriting(_renamed)
        yield "capitals", "", _rewriting(_capitals)
        yield "apology", "", lambda page: page.changed(content=b"<message>moved</message>")


def _root(page: Page) -> _Node | None:
    if "xml" not in page.content_type:
        return None
    try:
        return etree.fromstring(page.content, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError:
        return None


def _rows(root: _Node) -> list[_Node]:
    """Its children, where they are the rows of a list."""
    alike = Counter(child.tag for child in root)
    return list(root) if len(alike) == 1 and all(len(child) for child in root) else []


# -- elements ------------------------------------------------------------------------------------


def _renamed(node: _Node) -> None:
    node.tag = f"{node.tag}Moi"


def _removed(node: _Node) -> None:
    node.getparent().remove(node)


def _blanked(node: _Node) -> None:
    for child in list(node):
        node.remove(child)
    node.text = None


def _nested(node: _Node) -> None:
    inner = etree.Element("value")
    inner.text, node.text = node.text, None
    inner.extend(list(node))
    node.append(inner)


def _retyped(node: _Node) -> None:
    _blanked(node)
    node.text = "xem chi tiết"


def _redated(node: _Node) -> None:
    node.text = redated(node.text)


_TO_ELEMENT: dict[str, Callable[[_Node], None]] = {
    "rename": _renamed,
    "remove": _removed,
    "blank": _blanked,
    "nest": _nested,
    "retype": _retyped,
    "redate": _redated,
}


def _on(tag: str, change: Callable[[_Node], None]) -> Rewrite:
    def rewrite(root: _Node) -> None:
        for node in list(root.iterdescendants(tag)):
            change(node)

    return _rewriting(rewrite)


# -- rows and the document -----------------------------------------------------------------------

_TO_ROWS: dict[str, Callable[[list[_Node]], list[_Node]]] = {
    "empty": lambda _rows: [],
    "halve": lambda rows: rows[: len(rows) // 2],
    "reverse": lambda rows: rows[::-1],
}


def _of_rows(change: Callable[[list[_Node]], list[_Node]]) -> Callable[[_Node], None]:
    def rewrite(root: _Node) -> None:
        if rows := _rows(root):
            root[:] = change(rows)

    return rewrite


def _enveloped(root: _Node) -> None:
    inner = etree.Element("payload")
    inner.extend(list(root))
    root.append(inner)


def _capitals(root: _Node) -> None:
    for node in root.iter():
        if isinstance(node.tag, str):
            node.tag = node.tag.upper()


def _rewriting(change: Callable[[_Node], None]) -> Rewrite:
    def rewritten(page: Page) -> Page:
        root = _root(page)
        if root is None:
            return page
        change(root)
        return page.changed(content=etree.tostring(root, encoding="utf-8", xml_declaration=True))

    return rewritten
