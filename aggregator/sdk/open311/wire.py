"""The wire of Open311 GeoReport v2: addresses, parameters, and both formats into the same rows.

    Endpoint -> GET requests.json | requests.xml -> [{service_request_id: ..., ...}, ...]

Sources: GeoReport v2 (wiki.open311.org/GeoReport_v2) and mySociety's extension for updates
(``servicerequestupdates``, as FixMyStreet and its adapters speak it). What may surprise: a list may stand
bare or under one of several names, errors come as a list of ``{code, description}`` with any status, and
XML is read without entities, document types or network (a bomb is refused as drift).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from lxml import etree

from aggregator.sdk.answers import Response, clean_text
from aggregator.sdk.contract import AuthFailed, ConfigInvalid, Context, Permanent, SchemaDrift, UnknownOutcome

Row = dict[str, Any]

#: Names under which servers put their lists; the standard has them bare in JSON.
LISTS = (
    "service_requests",
    "requests",
    "services",
    "service_request_updates",
    "service_requests_updates",
    "request_updates",
    "endpoints",
)
#: Elements that hold several values of one name.
_MANY = frozenset(("media_urls", "notes", "formats", "endpoints", "keywords"))
_ASKED_AGAIN = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Page:
    """What one call brought: its rows, and the answer that they stood in."""

    rows: tuple[Row, ...]
    response: Response


class Endpoint:
    """One endpoint for the length of one call."""

    def __init__(self, ctx: Context, source: Mapping[str, Any]) -> None:
        self._ctx = ctx
        self._source = source
        self.format = str(ctx.config.get("format") or source.get("format") or "json")
        self._base = ""

    @property
    def base(self) -> str:
        """The endpoint's address: as set, or as its discovery document says (asked once a day)."""
        if not self._base:
            told = str(self._ctx.config.get("discovery_url") or "")
            self._base = self._discovered(told) if told else str(self._ctx.config.get("base_url") or "")
            if not self._base:
                raise ConfigInvalid(
                    "neither base_url nor discovery_url is set",
                    message_vi="Chưa khai báo địa chỉ Open311 (base_url hoặc discovery_url)",
                )
        return self._base.rstrip("/")

    # -- reading ---------------------------------------------------------------------------------

    def services(self) -> Page:
        """The kinds of problem that the endpoint knows."""
        return self._list("services")

    def requests(self, since: datetime, until: datetime, **more: str) -> Page:
        """The requests made in the span (or changed in it, where the parameters of `more` say so)."""
        return self._list("requests", {"start_date": stamp(since), "end_date": stamp(until), **more})

    def changed(self, name: str, since: datetime) -> Page:
        """The requests changed since; `name` is the endpoint's own parameter for it."""
        return self._list("requests", {name: stamp(since)})

    def by_ids(self, ids: Sequence[str]) -> Page:
        """The requests of these ids; those that are not there are left out."""
        page = self._list("requests", {"service_request_id": ",".join(ids)}, gone_is_empty=True)
        strangers = [row for row in page.rows if text_of(row, "service_request_id") not in ids]
        if strangers:
            raise SchemaDrift(
                "the endpoint answers a question about some ids with others",
                hint="Set source.ids to single",
                evidence=kept(page.response),
            )
        return page

    def one(self, id_: str) -> Page:
        """One request; a page without rows where the endpoint does not have it."""
        return self._list(f"requests/{quote(id_, safe='')}", gone_is_empty=True)

    def number_of(self, token: str) -> str:
        """The id that a request's token has become, empty while it has none (GeoReport: GET tokens)."""
        page = self._list(f"tokens/{quote(token, safe='')}", gone_is_empty=True)
        return text_of(page.rows[0], "service_request_id") if page.rows else ""

    def updates(self, since: datetime, until: datetime) -> Page:
        """What was said about requests in the span."""
        return self._list("servicerequestupdates", {"start_date": stamp(since), "end_date": stamp(until)})

    def _list(
        self, path: str, params: Mapping[str, str] | None = None, *, gone_is_empty: bool = False
    ) -> Page:
        response = self._ctx.http.get(
            f"{self.base}/{path}.{self.format}", params={**self._known(), **(params or {})}, raw_status=True
        )
        if response.status == 404 and (gone_is_empty or self._source.get("empty_is_404")):
            return Page((), response)
        response.refuse()
        rows = rows_of(response, self.format)
        _refuse_errors(rows, response)
        return Page(tuple(rows), response)

    def _known(self) -> dict[str, str]:
        """Parameters of every call. Query values reach neither log nor message."""
        found = {
            "jurisdiction_id": str(self._ctx.config.get("jurisdiction_id") or ""),
            "api_key": self._ctx.secrets.get("api_key", ""),
        }
        return {name: value for name, value in found.items() if value}

    # -- writing ---------------------------------------------------------------------------------

    def say(self, path: str, fields: Mapping[str, str], already: Sequence[str]) -> tuple[str, bool]:
        """Post one update; its id at the endpoint (may be empty), and whether it stood there before."""
        response = self._ctx.http.post(
            f"{self.base}/{path}.{self.format}",
            data={**self._known(), **fields},
            effect=True,
            raw_status=True,
        )
        if response.status < 500 and any(words in response.text for words in already):
            return "", True
        if response.status >= 400:
            response.refuse()
        try:
            rows = rows_of(response, self.format)
        except SchemaDrift as error:
            raise UnknownOutcome(
                f"the answer to an update cannot be read: {error.message}", evidence=error.evidence
            ) from error
        for code, description in _errors(rows):
            raise Permanent(
                f"the endpoint refused the update ({code})",
                hint=description[:200],
                message_vi=f"Hệ thống nguồn từ chối phúc đáp: {description[:200]}",
                evidence=response.evidence(),
            )
        return next((found for row in rows if (found := text_of(row, "update_id"))), ""), False

    # -- discovery -------------------------------------------------------------------------------

    def _discovered(self, url: str) -> str:
        known = self._ctx.state.get("endpoint") or {}
        if known.get("of") == url and self._ctx.now() - datetime.fromisoformat(known["at"]) < _ASKED_AGAIN:
            return str(known["url"])
        response = self._ctx.http.get(url)
        format_ = "xml" if response.content.lstrip()[:1] == b"<" else "json"
        found = self._chosen(rows_of(response, format_), response)
        self._ctx.state["endpoint"] = {"of": url, "url": found, "at": self._ctx.now().isoformat()}
        return found

    def _chosen(self, endpoints: Sequence[Row], response: Response) -> str:
        wanted = str(self._ctx.config.get("endpoint_type") or "production")
        for row in endpoints:
            speaks = "georeport_v2" in text_of(row, "specification").lower()
            if speaks and text_of(row, "type") == wanted and text_of(row, "url"):
                return text_of(row, "url")
        raise ConfigInvalid(
            f"the discovery document names no GeoReport v2 endpoint of type {wanted!r}",
            hint="Set base_url itself, or endpoint_type to one that is listed",
            message_vi=f"Tài liệu discovery không có địa chỉ GeoReport v2 loại {wanted}",
            evidence=response.evidence(endpoints=len(endpoints)),
        )


# -- both formats into rows ----------------------------------------------------------------------


def rows_of(response: Response, format_: str) -> list[Row]:
    """The rows of one answer in either format. Raises `SchemaDrift` where it is no list of rows."""
    data = _xml(response) if format_ == "xml" else response.json()
    if isinstance(data, Mapping):
        lists = [data[name] for name in LISTS if isinstance(data.get(name), list)]
        data = lists[0] if len(lists) == 1 else data
    if not isinstance(data, list) or not all(isinstance(row, Mapping) for row in data):
        raise SchemaDrift("no list of rows came from the endpoint", evidence=kept(response))
    return [dict(row) for row in data]


def _xml(response: Response) -> list[Row]:
    content = response.content
    if b"<html" in content[:2000].lower():
        raise response.stranger("XML", "HTML", content=content)
    if b"<!DOCTYPE" in content[:4096].upper() or b"<!ENTITY" in content.upper():
        raise SchemaDrift("a document with types or entities of its own is not read", evidence=kept(response))
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise response.stranger("XML", type(error).__name__, content=content) from error
    if etree.QName(root).localname not in (*LISTS, "discovery", "errors"):
        raise SchemaDrift("the XML is no list of GeoReport v2", evidence=kept(response))
    if root.tag == "discovery":
        root = root.find("endpoints")
        return [] if root is None else [_row(child) for child in root]
    return [_row(child) for child in root if isinstance(child.tag, str)]


def _row(node: Any) -> Row:
    row: Row = {}
    for child in node:
        if not isinstance(child.tag, str):  # a comment
            continue
        name = etree.QName(child).localname
        if name in _MANY:
            row[name] = [_value(one) for one in child]
        else:
            row[name] = _value(child)
    return row


def _value(node: Any) -> Any:
    inner = [child for child in node if isinstance(child.tag, str)]
    return _row(node) if inner else clean_text(node.text or "").strip()


def _refuse_errors(rows: Sequence[Row], response: Response) -> None:
    for code, description in _errors(rows):
        if code in ("401", "403"):
            raise AuthFailed(
                f"the endpoint refuses the key ({code})",
                hint="Check api_key and jurisdiction_id",
                message_vi="Hệ thống nguồn từ chối khoá truy cập (api_key)",
                evidence=response.evidence(),
            )
        raise ConfigInvalid(
            f"the endpoint answered with an error ({code}): {description[:200]}",
            hint="Check jurisdiction_id and the address",
            evidence=response.evidence(),
        )


def _errors(rows: Sequence[Row]) -> Iterator[tuple[str, str]]:
    for row in rows:
        if "code" in row and "description" in row and set(row) <= {"code", "description", "error"}:
            yield text_of(row, "code"), text_of(row, "description")


def text_of(row: Mapping[str, Any], name: str) -> str:
    """The row's value as a trimmed text; empty for nothing, lists and tables."""
    value = row.get(name)
    return "" if value is None or isinstance(value, list | dict | bool) else str(value).strip()


def stamp(at: datetime) -> str:
    """As the standard writes times."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def kept(response: Response) -> dict[str, Any]:
    """Evidence that keeps the page itself for the quarantine."""
    return response.evidence(content=response.content, content_type=response.content_type)
