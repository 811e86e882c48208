"""Drifts of JSON: keys, types, lists, the document itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from aggregator.sdk.conformance.dates import redated
from aggregator.sdk.conformance.stages import Page, Rewrite

__all__ = ["json_drifts"]

#: Keys and ``[]`` from the top.
_Path = tuple[str, ...]
_GONE = object()

_TO_VALUE: dict[str, Callable[[Any], Any]] = {
    "remove": lambda _value: _GONE,
    "null": lambda _value: None,
    "nest": lambda value: {"value": value},
    "list": lambda value: [value],
    "retype": lambda value: {"id": 1} if isinstance(value, str | int | float) else "xem chi tiết",
    "same": lambda value: "xem chi tiết" if isinstance(value, str | int | float) else value,
    "blank": lambda value: "" if isinstance(value, str | int | float) else type(value)(),
}
_TO_LIST: dict[str, Callable[[list[Any]], Any]] = {
    "empty": lambda _items: [],
    "halve": lambda items: items[: len(items) // 2],
    "reverse": lambda items: items[::-1],
    "double": lambda items: [one for one in items for _ in (0, 1)],
    "wrap": lambda items: {"items": items},
    "index": lambda items: {str(number): one for number, one in enumerate(items)},
    "stringify": lambda items: json.dumps(items, ensure_ascii=False),
}
_TO_DOCUMENT: dict[str, Callable[[Any], Any]] = {
    "envelope": lambda document: {"status": "success", "payload": document},
    "enlist": lambda document: [document],
    "capitals": lambda document: _keys(document, str.upper),
    "snake": lambda document: _keys(document, _snake),
    "apology": lambda _document: {"message": "Dịch vụ đã chuyển sang phiên bản mới", "data": None},
    "hollow": lambda _document: {},
}


def json_drifts(pages: Sequence[Page]) -> Iterator[tuple[str, str, Rewrite]]:
    """Change, where, and the rewriting of it, for pages that are JSON."""
    documents = [_document(page) for page in pages]
    documents = [one for one in documents if isinstance(one, dict | list)]
    if not documents:
        return
    for name, change in _TO_DOCUMENT.items():
        yield name, "", _rewriting(change)
    values: dict[_Path, Any] = {}
    for document in documents:
        values.update(_paths(document, ()))
    if any(isinstance(document, list) and document for document in documents):
        for name, change_list in _TO_LIST.items():
            yield name, "[]", _rewriting(_of_lists(change_list))
    for path, value in values.items():
        where = ".".join(path).replace(".[]", "[]")
        if path[-1] != "[]":
            yield "rename", where, _at(path, lambda _value: _GONE, rename=True)
            for name, change in _TO_VALUE.items():
                yield name, where, _at(path, change)
            if redated(value) != value:
                yield "redate", where, _at(path, redated)
        if isinstance(value, list) and value:
            for name, change_list in _TO_LIST.items():
                yield name, where, _at(path, _of_lists(change_list))


def _document(page: Page) -> Any:
    try:
        return json.loads(page.content)
    except ValueError:
        return None


def _paths(node: Any, path: _Path) -> Iterator[tuple[_Path, Any]]:
    if path:
        yield path, node
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _paths(value, (*path, str(key)))
    elif isinstance(node, list):
        for value in node:
            if isinstance(value, dict | list):
                yield from _paths(value, (*path, "[]"))


def _of_lists(change: Callable[[list[Any]], Any]) -> Callable[[Any], Any]:
    return lambda value: change(value) if isinstance(value, list) else value


def _at(path: _Path, change: Callable[[Any], Any], *, rename: bool = False) -> Rewrite:
    return _rewriting(lambda document: _changed(document, path, change, rename))


def _changed(node: Any, path: _Path, change: Callable[[Any], Any], rename: bool) -> Any:
    """The node with `change` made at `path` below it."""
    if not path:
        return change(node)
    step, rest = path[0], path[1:]
    if step == "[]" and isinstance(node, list):
        return [_changed(one, rest, change, rename) for one in node]
    if not isinstance(node, dict) or step not in node:
        return node
    made: dict[str, Any] = {}
    for key, value in node.items():
        after = _changed(value, rest, change, rename) if key == step else value
        if after is not _GONE:
            made[key] = after
        elif rename:
            made[f"{key}Moi"] = value
    return made


def _keys(node: Any, spell: Callable[[str], str]) -> Any:
    if isinstance(node, dict):
        return {spell(str(key)): _keys(value, spell) for key, value in node.items()}
    return [_keys(one, spell) for one in node] if isinstance(node, list) else node


def _snake(key: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in key)


def _rewriting(change: Callable[[Any], Any]) -> Rewrite:
    def rewritten(page: Page) -> Page:
        document = _document(page)
        if document is None:
            return page
        return page.changed(content=json.dumps(change(document), ensure_ascii=False).encode())

    return rewritten
