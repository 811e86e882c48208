"""One record as it is kept, and as expressions see it: the line of the list, and its detail."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from aggregator.sdk.answers import clean_json
from aggregator.sdk.contract import BadRecord, RawItem
from aggregator.sdk.json_portal.definition import Source, Stream

__all__ = ["encoded", "merged", "raw_item", "shape_of", "unpack"]

encoded = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def merged(line: Any, detail: Any) -> dict[str, Any]:
    """What expressions see of a report of two calls: the detail's values over the line's, and both."""
    over = {key: value for key, value in detail.items() if value is not None}
    under = line if isinstance(line, Mapping) else {}
    return {**under, **over, "_line": line, "_detail": detail}


def raw_item(stream: Stream, line: Any, detail: Any, ref: str) -> RawItem:
    """The bytes from which the record can be read again."""
    both = {"stream": stream.name, "line": line}
    if detail is not None:
        both["detail"] = detail
    return RawItem(encoded(both).encode("utf-8", "replace"), "application/json", ref)


def unpack(source: Source, item: RawItem) -> tuple[Stream, Any]:
    """The stream and the data of a kept record. Raises `BadRecord`."""
    try:
        both = clean_json(item.content)
        stream = source.stream(both["stream"])
        data = merged(both["line"], both["detail"]) if "detail" in both else both["line"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadRecord(f"{item.ref}: the kept record cannot be read ({type(error).__name__})") from error
    if stream is None:
        raise BadRecord(f"{item.ref}: the stream {both['stream']!r} is no longer in the manifest")
    return stream, data


def shape_of(data: Any, lines: Sequence[Any]) -> str | None:
    """A mark of how a page is built: the keys around the list, and those that its records have together."""
    keys = {key for line in lines if isinstance(line, dict) for key in line}
    if not keys:
        return None
    around = sorted(data) if isinstance(data, dict) else []
    text = "\x1f".join([*around, "", *sorted(keys)])
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
