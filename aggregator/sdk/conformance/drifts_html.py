"""Drifts of HTML: marks, headings, rows, words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from bs4 import BeautifulSoup, Tag
from bs4.element import NavigableString

from aggregator.sdk.conformance.dates import redated
from aggregator.sdk.conformance.stages import Page, Rewrite

__all__ = ["html_drifts"]

_MARKS = ("id", "class", "name", "data-id", "data-ma", "itemprop", "for", "type")
_HEADINGS = "th, dt, label, legend, h1, h2, h3, strong, b"
#: This many like each other under one parent are the rows of a list.
_ROWS = 3


def html_drifts(pages: Sequence[Page]) -> Iterator[tuple[str, str, Rewrite]]:
    """Change, where, and the rewriting of it, for pages that are HTML."""
    if "html" not in pages[0].content_type:
        return
    trees = [BeautifulSoup(page.content, "lxml") for page in pages[:4]]
    for attribute, value in sorted({mark for tree in trees for mark in _marks(tree)}):
        css = f'[{attribute}~="{value}"]' if attribute == "class" else f'[{attribute}="{value}"]'
        where = f"{attribute}={value}"
        yield "remark", where, _on(css, _remarked(attribute, value))
        yield "unmark", where, _on(css, _unmarked(attribute))
        yield "retag", where, _on(css, _retagged)
        yield "drop", where, _on(css, Tag.decompose)
        yield "nest", where, _on(css, _nested)
        yield "unwrap", where, _on(css, lambda node: node.unwrap() and None)
        yield "hide", where, _on(css, _commented)
    for text in sorted({_said(node) for tree in trees for node in tree.select(_HEADINGS)} - {""}):
        yield "reword", text, _on(_HEADINGS, _reworded(text))
    for where in sorted({where for tree in trees for where in _lists(tree)}):
        yield "empty", where, _on_rows(where, lambda rows: [])
        yield "halve", where, _on_rows(where, lambda rows: rows[: len(rows) // 2])
        yield "reverse", where, _on_rows(where, lambda rows: rows[::-1])
        yield "bare", where, _on_rows(where, lambda rows: [_bared(row) for row in rows])
        yield "same", where, _on_rows(where, _of_one_address)
        yield "swap", where, _on_rows(where, lambda rows: [_swapped(row) for row in rows])
    yield "redate", "", _rewriting(_redated)
    yield "script", "", _rewriting(_scripted)
    yield "close", "", _rewriting(_closed)


def _marks(tree: BeautifulSoup) -> Iterator[tuple[str, str]]:
    for node in tree.find_all(True):
        for attribute in _MARKS:
            for value in node.get_attribute_list(attribute):
                # Numbers are a report's own, not the layout's.
                if value and not re.search(r"\d", str(value)) and '"' not in str(value):
                    yield attribute, str(value)


def _said(node: Tag) -> str:
    text = node.get_text(" ", strip=True)
    return "" if re.search(r"\d", text) or len(text) > 40 else text


# -- single marks --------------------------------------------------------------------------------


def _remarked(attribute: str, value: str) -> Callable[[Tag], None]:
    def change(node: Tag) -> None:
        kept = [one for one in node.get_attribute_list(attribute) if one != value]
        node[attribute] = " ".join([*map(str, kept), f"{value}-v2"])

    return change


def _unmarked(attribute: str) -> Callable[[Tag], None]:
    def change(node: Tag) -> None:
        del node[attribute]

    return change


def _retagged(node: Tag) -> None:
    node.name = "section" if node.name != "section" else "div"


def _nested(node: Tag) -> None:
    inner = BeautifulSoup("<div class='khung'></div>", "lxml").div
    if inner is not None:
        for child in list(node.contents):
            inner.append(child.extract())
        node.append(inner)


def _commented(node: Tag) -> None:
    node.name = "template"


def _reworded(text: str) -> Callable[[Tag], None]:
    def change(node: Tag) -> None:
        if _said(node) == text:
            node.string = f"Mục {len(text)}"

    return change


# -- rows ----------------------------------------------------------------------------------------


def _like(node: Tag) -> str:
    classes = ".".join(str(one) for one in node.get_attribute_list("class") if one)
    return f"{node.name}.{classes}" if classes else str(node.name)


def _lists(tree: BeautifulSoup) -> Iterator[str]:
    for parent in tree.find_all(True):
        alike = Counter(_like(child) for child in parent.find_all(True, recursive=False))
        yield from (f"{_like(parent)} > {child}" for child, count in alike.items() if count >= _ROWS)


def _on_rows(where: str, change: Callable[[list[Tag]], list[Tag]]) -> Rewrite:
    parent_like, child_like = where.split(" > ")

    def rewrite(tree: BeautifulSoup) -> None:
        for parent in [node for node in tree.find_all(True) if _like(node) == parent_like]:
            rows = [child for child in parent.find_all(True, recursive=False) if _like(child) == child_like]
            if len(rows) >= _ROWS:
                for row in rows:
                    row.extract()
                parent.extend(change(rows))

    return _rewriting(rewrite)


def _bared(row: Tag) -> Tag:
    """The words alone, as a portal that draws its rows by script leaves them."""
    words = row.get_text(" ", strip=True)
    row.clear()
    row.append(words)
    return row


def _of_one_address(rows: list[Tag]) -> list[Tag]:
    """Every row leads where the first one leads."""
    first = [rows[0], *rows[0].find_all(True)]
    for row in rows[1:]:
        for node, model in zip((row, *row.find_all(True)), first, strict=False):
            told = [
                name for name in node.attrs if name in ("href", "id", "value") or name.startswith("data-")
            ]
            for name in told:
                node[name] = str(model.get(name) or "")
    return rows


def _swapped(row: Tag) -> Tag:
    cells = row.find_all(True, recursive=False)
    row.extend(cell.extract() for cell in reversed(cells))
    return row


# -- the page ------------------------------------------------------------------------------------


def _redated(tree: BeautifulSoup) -> None:
    for text in tree.find_all(string=True):
        if type(text) is NavigableString and redated(str(text)) != str(text):
            text.replace_with(redated(str(text)))


def _scripted(tree: BeautifulSoup) -> None:
    """The frame stays and the content is fetched by script."""
    for node in tree.select("main, table, ul, section, article"):
        node.clear()


def _closed(tree: BeautifulSoup) -> None:
    if tree.body is not None:
        tree.body.clear()
        tree.body.append("Trang này đã được chuyển.")


def _on(css: str, change: Callable[[Tag], object]) -> Rewrite:
    def rewrite(tree: BeautifulSoup) -> None:
        for node in tree.select(css):
            if node.parent is not None and node.name not in ("html", "body"):
                change(node)

    return _rewriting(rewrite)


def _rewriting(change: Callable[[BeautifulSoup], None]) -> Rewrite:
    def rewritten(page: Page) -> Page:
        if "html" not in page.content_type:
            return page
        tree = BeautifulSoup(page.content, "lxml")
        change(tree)
        return page.changed(content=str(tree).encode(), content_type="text/html; charset=utf-8")

    return rewritten
