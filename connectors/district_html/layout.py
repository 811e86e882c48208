"""A portal's layout as settings: where each thing stands on its pages.

    preset (layouts/<name>.yaml) <- the channel's own entries over it -> Layout, checked

A `Pick` says where one value stands: a CSS selector, an attribute instead of the text, a regular
expression with the wanted part as its first group. In YAML it is ``"css"``, ``"css@attr"`` or
``{css, attr, regex}``; an empty selector means the node itself. What may surprise: entries are
merged key by key, so a channel states only what differs from the preset; a wrong key, selector or
expression is `ConfigInvalid` naming its path, never a page that reads as empty.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, is_dataclass
from dataclasses import fields as fields_of
from pathlib import Path
from typing import Any, TypeVar, get_origin, get_type_hints

import soupsieve
import yaml
from bs4 import Tag

from aggregator.sdk.contract import ConfigInvalid
from aggregator.sdk.html import text_of

PRESETS = Path(__file__).parent / "layouts"
#: What a detail page may say about a report, in our words.
REPORT_FIELDS = frozenset(
    (
        *("subject", "body", "name", "phone", "email", "address", "place", "area", "ward_code"),
        *("lat", "lng", "category", "urgency", "status", "created", "updated", "due"),
    )
)
#: Expressions see no more of a text than this: a page must not be able to make one run for minutes.
_REGEX_CHARS = 2000
_Part = TypeVar("_Part")


@dataclass(frozen=True, slots=True)
class Pick:
    """Where one value stands, seen from a node."""

    css: str = ""
    attr: str = ""
    regex: str = ""

    def of(self, node: Tag) -> str:
        """The value, trimmed; empty where the place or the value is missing."""
        found = node.select_one(self.css) if self.css else node
        if found is None:
            return ""
        text = str(found.get(self.attr) or "") if self.attr else text_of(found)
        if self.regex:
            match = re.search(self.regex, text[:_REGEX_CHARS])
            text = "" if match is None else match.group(1 if match.re.groups else 0) or ""
        return text.strip()

    @property
    def given(self) -> bool:
        """Whether the layout says anything here."""
        return bool(self.css or self.attr or self.regex)


@dataclass(frozen=True, slots=True)
class LoginPart:
    path: str
    form: str
    user_field: str
    password_field: str
    #: Stands on every page of a signed-in officer.
    signed_in: str


@dataclass(frozen=True, slots=True)
class ListPart:
    """``{page}`` in `path` is the page's number. Rows come newest first."""

    path: str
    container: str
    row: str
    id: Pick
    first_page: int = 1
    #: Stands on a list without rows; without it an empty page 1 is a changed layout.
    empty: str = ""
    total: Pick = Pick()
    #: Parts of a row that change without news: view counters, "3 minutes ago".
    ignore: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LabelsPart:
    """Pairs of label and value; `names` says which label is which of our fields.

    Of other labels the values in `keep` go to `Record.extra`; of the rest only the label itself is
    told, for a renamed "phone" label must not carry a number past the encryption of personal data.
    """

    row: str = ""
    label: str = ""
    value: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    keep: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FilesPart:
    #: As in `AnswersPart`.
    container: str = ""
    empty: str = ""
    row: str = ""
    ref: Pick = Pick(attr="href")
    name: Pick = Pick()


@dataclass(frozen=True, slots=True)
class AnswersPart:
    #: Stands on every report's page, answered or not. Give it wherever there is one: without it a
    #: moved list of answers reads as "not answered", and the answer would be sent a second time.
    container: str = ""
    #: Stands in the container where there are none; else a container must hold nothing or rows.
    empty: str = ""
    row: str = ""
    body: Pick = Pick()
    at: Pick = Pick()
    author: Pick = Pick()
    ref: Pick = Pick()


@dataclass(frozen=True, slots=True)
class DetailPart:
    """``{id}`` in `path` is the report's id. `id` is read from the page, so that a kept page is enough."""

    path: str
    container: str
    id: Pick
    fields: Mapping[str, Pick] = field(default_factory=dict)
    labels: LabelsPart = LabelsPart()
    #: Stands on the page that a portal shows with status 200 for a report that it does not have.
    gone: str = ""
    required: tuple[str, ...] = ("body", "created")
    #: ``strptime`` forms; ``iso`` is ISO 8601.
    dates: tuple[str, ...] = ("%d/%m/%Y %H:%M",)
    anonymous: tuple[str, ...] = ("Ẩn danh",)
    attachments: FilesPart = FilesPart()
    answers: AnswersPart = AnswersPart()


@dataclass(frozen=True, slots=True)
class ReplyPart:
    """The reply form on the detail page, and how the page after it says what became of it."""

    form: str
    body_field: str
    success: str
    status_field: str = ""
    author_field: str = ""
    #: The form's token is too old: fetched anew and tried again.
    stale: str = ""
    refused: str = ""
    #: The report is closed for answers.
    closed: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    login: LoginPart
    list: ListPart
    detail: DetailPart
    reply: ReplyPart
    #: Charset of the pages where they lie about it.
    encoding: str = ""
    #: Every whole page ends with it; a page without it broke off. Empty: not looked for.
    end_mark: str = "</html>"
    #: Where the portal wants a person to prove to be one (beside the marks known everywhere).
    challenge: str = ""


def load(given: Mapping[str, Any]) -> Layout:
    """The layout of a channel: its preset with its own entries over it. Raises `ConfigInvalid`."""
    own = dict(given)
    preset = str(own.pop("preset", None) or "table")
    known = sorted(path.stem for path in PRESETS.glob("*.yaml"))
    if preset != "none" and preset not in known:
        raise ConfigInvalid(f"layout.preset: {preset!r} is not one of {', '.join(known)}, none")
    ground = {} if preset == "none" else yaml.safe_load((PRESETS / f"{preset}.yaml").read_text("utf-8"))
    layout = _build(Layout, _merged(ground, own), "layout")
    _known_fields(layout.detail)
    return layout


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(under)
    for key, value in over.items():
        below = result.get(key)
        both = isinstance(below, Mapping) and isinstance(value, Mapping)
        result[key] = _merged(below, value) if both else value  # type: ignore[arg-type]
    return result


def _build(part: type[_Part], data: Any, where: str) -> _Part:
    if not isinstance(data, Mapping):
        raise ConfigInvalid(f"{where}: a table expected")
    hints = get_type_hints(part)
    for key in data:
        if key not in hints:
            raise ConfigInvalid(f"{where}.{key}: unknown; known are {', '.join(hints)}")
    values = {key: _value(hints[key], value, f"{where}.{key}") for key, value in data.items()}
    try:
        return part(**values)
    except TypeError as error:
        missing = [f.name for f in fields_of(part) if f.name not in values]  # type: ignore[arg-type]
        raise ConfigInvalid(f"{where}: incomplete, not given: {', '.join(missing)}") from error


#: Which texts of a part are selectors; all others are names, paths and charsets.
_SELECTORS = frozenset(
    (
        *("form", "signed_in", "container", "row", "empty", "label", "value"),
        *("success", "stale", "refused", "closed", "challenge", "gone"),
    )
)


def _value(kind: Any, value: Any, where: str) -> Any:
    if kind is Pick:
        return _pick(value, where)
    if is_dataclass(kind):
        return _build(kind, value, where)  # type: ignore[arg-type]
    if get_origin(kind) is tuple:
        items = tuple(str(item) for item in value or ())
        if where.endswith("list.ignore"):
            for css in items:
                _selector(css, where)
        return items
    if get_origin(kind) is not None:  # a mapping, of picks or of names
        picks = where.endswith(".fields")
        return {str(k): _pick(v, f"{where}.{k}") if picks else str(v) for k, v in (value or {}).items()}
    if kind is int:
        return int(value)
    text = str(value or "")
    return _selector(text, where) if where.rpartition(".")[2] in _SELECTORS else text


def _pick(value: Any, where: str) -> Pick:
    if isinstance(value, str):
        css, _, attr = value.partition("@")
        value = {"css": css, "attr": attr}
    if not isinstance(value, Mapping) or set(value) - {"css", "attr", "regex"}:
        raise ConfigInvalid(f'{where}: "css", "css@attr" or {{css, attr, regex}} expected')
    pick = Pick(**{key: str(text or "").strip() for key, text in value.items()})
    _selector(pick.css, where)
    try:
        re.compile(pick.regex)
    except re.error as error:
        raise ConfigInvalid(f"{where}.regex: {error}") from error
    return pick


def _selector(css: str, where: str) -> str:
    try:
        if css:
            soupsieve.compile(css)
    except soupsieve.SelectorSyntaxError as error:
        first = str(error).splitlines()[0]
        raise ConfigInvalid(f"{where}: {css!r} is no CSS selector: {first}") from error
    return css


def _known_fields(detail: DetailPart) -> None:
    named = {*detail.fields, *detail.labels.names.values(), *detail.required} - {""}
    unknown = sorted(named - REPORT_FIELDS)
    if unknown:
        known = ", ".join(sorted(REPORT_FIELDS))
        raise ConfigInvalid(f"layout.detail: no such field: {', '.join(unknown)}; known are {known}")
