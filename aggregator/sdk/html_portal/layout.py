"""Where each thing stands on a portal's pages: the words of an HTML manifest, as plain values.

    source: {login, list, detail, ...}  and  push: {reply}  ->  Layout

A `Pick` says where one value stands. In YAML it is ``"css"``, ``"css@attr"`` or a table of its keys; an
empty selector means the node itself. What may surprise: what each word means is said once, in `about`,
and both the schema that editors read and the errors of a wrong manifest come from these classes.
"""

# `about` makes a field of its own at each call, and the defaults given to it are frozen.
# ruff: noqa: RUF009

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from dataclasses import fields as fields_of
from functools import lru_cache
from typing import Annotated, Any, TypeAlias
from urllib.parse import quote, urlsplit

from bs4 import Tag

from aggregator.sdk.html import text_of
from aggregator.sdk.safe_regex import compile_pattern

__all__ = [
    "ADDRESS",
    "CSS",
    "REPORT_FIELDS",
    "AnswersPart",
    "DetailPart",
    "FilesPart",
    "LabelsPart",
    "Layout",
    "ListPart",
    "LoginPart",
    "PagePart",
    "Pick",
    "ReplyPart",
    "about",
    "at",
    "fill",
    "meanings",
]

#: What a detail page may say about a report, in our words.
REPORT_FIELDS = frozenset(
    (
        *("subject", "body", "name", "phone", "email", "address", "place", "area", "ward_code"),
        *("lat", "lng", "category", "urgency", "status", "created", "updated", "due"),
    )
)
_pattern = lru_cache(maxsize=1000)(compile_pattern)

CSS = "a CSS selector"
ADDRESS = "a path at the portal, with placeholders"
Css: TypeAlias = Annotated[str, CSS]
Address: TypeAlias = Annotated[str, ADDRESS]

_NEEDED: Any = object()


def about(text: str, default: Any = _NEEDED) -> Any:
    """A key of the manifest: what it means, and what it is where it is not given."""
    known = {"about": text}
    if default is _NEEDED:
        return field(metadata=known)
    if isinstance(default, dict):
        return field(default_factory=lambda: dict(default), metadata=known)
    return field(default=default, metadata=known)


def fill(path: str, **values: str | int) -> str:
    """An address with its placeholders filled."""
    for name, value in values.items():
        path = path.replace(f"{{{name}}}", quote(str(value), safe=""))
    return path


def at(base_url: str, path: str) -> str:
    """The whole address of a path below the portal's own; one that is whole already stays as it is."""
    return path if urlsplit(path).scheme else f"{base_url.rstrip('/')}/{path.lstrip('/')}"


def meanings(part: type) -> dict[str, str]:
    """Key -> what it means, in the part's order."""
    return {one.name: one.metadata.get("about", "") for one in fields_of(part)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """Where one value stands, seen from a node."""

    css: Css = about("The first match inside the node; empty: the node itself.", "")
    attr: str = about("This attribute instead of the text.", "")
    regex: str = about("Only what this expression finds: its first group, or all of it.", "")
    date: tuple[str, ...] = about("Forms of this date, where they differ from `dates`.", ())
    value: str = about("The same for every report, whatever the page says.", "")

    def of(self, node: Tag) -> str:
        """The value, trimmed; empty where the place or the value is missing."""
        if self.value:
            return self.value
        found = node.select_one(self.css) if self.css else node
        if found is None:
            return ""
        text = str(found.get(self.attr) or "") if self.attr else text_of(found)
        if self.regex:
            pattern = _pattern(self.regex)
            text = pattern.first(text, min(pattern.compiled.groups, 1)) or ""
        return text.strip()

    @property
    def given(self) -> bool:
        """Whether the layout says anything here."""
        return bool(self.css or self.attr or self.regex or self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginPart:
    path: Address = about("The login page.")
    signed_in: Css = about("Stands on every page of a signed-in officer, and on no other.")
    form: Css = about("The login form; without it, the form that has a password field.", "")
    user_field: str = about("Name of its field for the login name; without it, found by itself.", "")
    password_field: str = about("Name of its password field; without it, found by itself.", "")
    button: Css = about("The button to press, where the portal looks at which one it was.", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPart:
    """Rows come newest first."""

    path: Address = about("The list; {page} is the number of its page.")
    container: Css = about("Stands on every list, also on an empty one.")
    row: Css = about("One report, inside the container.")
    id: Pick = about("The report's id, seen from its row.")
    first_page: int = about("Number of the first page.", 1)
    next: Pick = about("Link to the next page, where pages have no numbers; needs `last` or `total`.", Pick())
    last: Css = about("Stands on the last page only: there no next page is expected.", "")
    past_end: str = about("What stands past the end: empty, or last (the last page again); else either.", "")
    empty: Css = about("Stands on a list without rows: without it an empty list is a changed page.", "")
    total: Pick = about("The portal's own count of all reports, seen from the page.", Pick())
    ignore: tuple[Css, ...] = about("Parts of a row that change without news: counters, '3 minutes ago'.", ())
    expect: Mapping[Css, int] = about("What else must stand on every list, and how often at least.", {})


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelsPart:
    """Pairs of label and value; `names` says which label is which of our fields.

    Of labels that nobody named only the label itself is told, for a renamed "phone" label must not
    carry a number past the encryption of personal data.
    """

    row: Css = about("What holds one pair.", "")
    label: Css = about("The label inside it.", "")
    value: Css = about("The value inside it.", "")
    names: Mapping[str, str] = about("Label -> field of ours.", {})
    keep: tuple[str, ...] = about("Labels that are no field of ours and are kept all the same.", ())
    ignore: tuple[str, ...] = about("Labels that are nobody's news.", ())


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesPart:
    container: Css = about("Stands on every report's page, with files or without.", "")
    empty: Css = about("Stands in the container where there are none.", "")
    row: Css = about("One file.", "")
    ref: Pick = about("Its address, seen from the row.", Pick(attr="href"))
    name: Pick = about("Its name, seen from the row.", Pick())


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswersPart:
    """Give the container wherever there is one: without it a moved list of answers reads as "not
    answered", and the answer would be sent a second time."""

    container: Css = about("Stands on every report's page, answered or not.", "")
    empty: Css = about("Stands in the container where there are none; else it holds nothing, or rows.", "")
    row: Css = about("One answer.", "")
    body: Pick = about("Its words, seen from the row.", Pick())
    at: Pick = about("When it was given.", Pick())
    author: Pick = about("Who gave it.", Pick())
    ref: Pick = about("What the portal calls it.", Pick())


@dataclass(frozen=True, slots=True, kw_only=True)
class _ReportPage:
    """What any page of a report may say."""

    path: Address = about("The page of one report; {id} is its id.")
    container: Css = about("Holds all that is read from the page.")
    fields: Mapping[str, Pick] = about("Field of ours -> where it stands.", {})
    labels: LabelsPart = about("Pairs of label and value.", LabelsPart())
    attachments: FilesPart = about("The files.", FilesPart())
    answers: AnswersPart = about("The answers that the page shows.", AnswersPart())
    expect: Mapping[Css, int] = about("What else must stand in the container, and how often at least.", {})


@dataclass(frozen=True, slots=True, kw_only=True)
class PagePart(_ReportPage):
    """A further page of a report: it fills what is still empty, and adds its files and answers."""

    optional: bool = about("The portal need not have it for every report (404).", False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DetailPart(_ReportPage):
    id: Pick = about("The id as the page itself says it: no other report is taken for this one.", Pick())
    pages: tuple[PagePart, ...] = about("Further pages of the same report.", ())
    gone: Css = about("Stands on the page shown, with status 200, for a report that there is not.", "")
    required: tuple[str, ...] = about("Fields without which a report is not believed.", ("body", "created"))
    dates: tuple[str, ...] = about("Forms of dates (`strptime`); iso is ISO 8601.", ("%d/%m/%Y %H:%M",))
    anonymous: tuple[str, ...] = about("What stands for a name that is not told.", ("Ẩn danh",))
    volatile: tuple[str, ...] = about("Fields of the record that change without being news.", ())


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyPart:
    """The reply form, and how the page after it says what became of the answer."""

    form: Css = about("The form, on the report's page or on `path`.")
    body_field: str = about("Name of its field for the answer.")
    success: Css = about("Stands on the page after it where the answer was taken.")
    path: Address = about("The form's own page, where it is not on the report's; {id} is the id.", "")
    status_field: str = about("Name of its choice of a status.", "")
    author_field: str = about("Name of its field for who answers.", "")
    file_field: str = about("Name of its field for files; without it, files stay with the officer.", "")
    button: Css = about("The button to press, where the portal looks at which one it was.", "")
    stale: Css = about("The form's token was too old: it is fetched anew and sent once more.", "")
    refused: Css = about("The portal does not take this answer.", "")
    closed: Css = about("The report takes no more answers.", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """All of a portal's pages. Without a login part they are public, without a reply part read-only."""

    login: LoginPart | None = about("How an officer signs in; without it the pages are public.", None)
    list: ListPart = about("The paged list of reports.")
    detail: DetailPart = about("The page of one report.")
    reply: ReplyPart | None = about("How an answer is given; without it the portal is only read.", None)
    encoding: str = about("Charset of the pages where they lie about it: windows-1258, tcvn3.", "")
    end_mark: str = about(
        "Ends every whole page: one without it broke off. Empty: not looked for.", "</html>"
    )
    challenge: Css = about("Where the portal wants a person to prove to be one (beside the known marks).", "")
