"""A manifest's ``source`` and ``push`` sections, compiled: every path, expression and place is checked here.

    Manifest -> Source(base_url, auth, streams, fetch) and Push; `ConfigInvalid` names the path inside it

What may surprise: ``pagination``, ``incremental``, ``map``, ``required``, ``volatile`` and ``errors`` said
beside ``streams`` hold for every stream that says nothing of its own, as whole sections.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any

from aggregator.sdk.contract import ConfigInvalid, Manifest
from aggregator.sdk.expressions import Expression, Words, compile_expression
from aggregator.sdk.json_portal.definition import (
    Auth,
    Detail,
    Fetch,
    Files,
    Incremental,
    Paging,
    Push,
    Request,
    Source,
    Stream,
    Upload,
)
from aggregator.sdk.json_portal.rules import Rule, rules_of
from aggregator.sdk.json_portal.schema import PUSH, SOURCE
from aggregator.sdk.placeholders import Template, compile_tree
from aggregator.sdk.record_map import RecordMap
from aggregator.sdk.settings_schema import faults_of

__all__ = ["compile_site", "compile_source"]

_READING = ("cursor", "until", "page", "offset", "size", "next", "token")
_ANSWERING = (
    "body", "status", "key", "at", "author", "title", "unit", "kind", "transfer_to", "due", "corrects",
)  # fmt: skip
_OF_FILE = ("file_name", "file_type", "file_size", "file_hash", "file_data")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DATE_FORMATS = ("iso", "iso_utc", "epoch", "epoch_ms", "number")
_MAX_PAGES = 2_000
_REMEMBERED = 5_000


def compile_source(manifest: Manifest) -> Source:
    """The manifest's definition, compiled. Raises `ConfigInvalid`."""
    if not manifest.source:
        raise ConfigInvalid("source: missing; it says how reports are read")
    faults = faults_of(SOURCE, manifest.source, "source.")
    faults += faults_of(PUSH, manifest.push, "push.") if manifest.push else []
    if faults:
        raise ConfigInvalid(faults[0], hint=f"and {len(faults) - 1} more" if len(faults) > 1 else "")
    return _Compiler(manifest).source()


def compile_site(manifest: Manifest) -> tuple[Source, Request, tuple[Rule, ...]]:
    """A section that downloads one thing: its site, its ``request``, its ``errors``."""
    return _Compiler(manifest).site()


class _Compiler:
    def __init__(self, manifest: Manifest) -> None:
        self._given, self._push = manifest.source, manifest.push
        self._kinds = frozenset(manifest.capabilities.push_kinds)
        settings = manifest.config_schema.get("properties", {})
        self._config = [name for name, rule in settings.items() if not rule.get("secret")]
        secrets = [f"secrets.{name}" for name, rule in settings.items() if rule.get("secret")]
        #: Places that stand everywhere.
        self._names = (*(f"config.{name}" for name in self._config), *secrets)
        self._words = Words.of(self._given, "source")

    def source(self) -> Source:
        """All of it."""
        given = self._given
        streams = tuple(self._stream(part, number) for number, part in enumerate(given["streams"]))
        if not streams:
            raise ConfigInvalid("source.streams: at least one list to read is needed")
        names = [stream.name for stream in streams]
        if len(set(names)) < len(names):
            raise ConfigInvalid("source.streams: each needs a name of its own")
        return self._source_of(streams, self._fetch(streams), self._answering() if self._push else None)

    def site(self) -> tuple[Source, Request, tuple[Rule, ...]]:
        """The address, the sign-in and one request."""
        request = self._request(self._given["request"], "source.request", ("token",))
        return self._source_of((), None, None), request, self._shared_errors()

    def _source_of(self, streams: tuple[Stream, ...], fetch: Fetch | None, push: Push | None) -> Source:
        given = self._given
        return Source(
            base_url=self._template(given.get("base_url", "{config.base_url}"), "source.base_url"),
            auth=self._auth(given.get("auth") or {"type": "none"}),
            headers=self._templates(given.get("headers") or {}, "source.headers", ("token",)),
            streams=streams,
            fetch=fetch,
            push=push,
            tables=self._words.tables,
        )

    # -- pieces ----------------------------------------------------------------------------------

    def _expression(self, given: Mapping[str, Any], key: str, where: str) -> Expression | None:
        return compile_expression(given[key], f"{where}.{key}", self._words) if key in given else None

    def _template(self, text: Any, where: str, more: Collection[str] = ()) -> Template:
        return Template(text, where, (*self._names, *more))

    def _templates(self, table: Mapping[str, Any], where: str, more: Collection[str]) -> dict[str, Template]:
        return {str(key): self._template(text, f"{where}.{key}", more) for key, text in table.items()}

    def _request(self, given: Mapping[str, Any], where: str, more: Collection[str]) -> Request:
        names = (*self._names, *more)
        body = given.get("body")
        if body is not None and "form" in given:
            raise ConfigInvalid(f"{where}: a body or a form, not both")
        path = Template(given["path"], f"{where}.path", names)
        params, headers, form = (
            self._templates(given.get(key) or {}, f"{where}.{key}", more)
            for key in ("params", "headers", "form")
        )
        texts = [path, *params.values(), *headers.values(), *form.values()]
        inside = {name for name in names if f"{{{name}" in json.dumps(body, ensure_ascii=False, default=str)}
        sends = body is not None or "form" in given
        return Request(
            method=str(given.get("method", "POST" if sends else "GET")),
            path=path,
            params=params,
            headers=headers,
            body=compile_tree(body, f"{where}.body", names) if body is not None else None,
            form=form if "form" in given else None,
            places=frozenset(inside).union(*(text.places for text in texts)),
        )

    def _auth(self, given: Mapping[str, Any]) -> Auth:
        kind, where = str(given["type"]), "source.auth"

        def text(key: str, default: str) -> Template:
            return self._template(given.get(key, default), f"{where}.{key}")

        if kind == "basic":
            return Auth(kind, text("username", "{config.username}"), text("password", "{secrets.password}"))
        if kind == "bearer":
            return Auth(kind, token=text("token", "{secrets.token}"))
        if kind == "api_key":
            if not given.get("name"):
                raise ConfigInvalid(f"{where}.name: missing; which header or parameter carries the key?")
            token = text("token", "{secrets.token}")
            return Auth(kind, token=token, name=str(given["name"]), in_query=given.get("in") == "query")
        if kind == "token":
            for key in ("login", "token"):
                if key not in given:
                    raise ConfigInvalid(f"{where}.{key}: missing; type token signs in and keeps what it gets")
            send = given.get("send", {"Authorization": "Bearer {token}"})
            return Auth(
                kind,
                login=self._request(given["login"], f"{where}.login", ()),
                token_at=self._expression(given, "token", where),
                send=self._templates(send, f"{where}.send", ("token",)),
                errors=rules_of(given.get("errors") or (), f"{where}.errors"),
            )
        return Auth("none")

    # -- lists -----------------------------------------------------------------------------------

    def _stream(self, part: Mapping[str, Any], number: int) -> Stream:
        where = f"source.streams[{number}]"

        def own(key: str) -> tuple[Any, str]:
            """The stream's section, or the one that all streams share."""
            return (part[key], f"{where}.{key}") if key in part else (self._given.get(key), f"source.{key}")

        table, path = own("map")
        if not table:
            raise ConfigInvalid(f"{where}.map: missing; which of their fields is which of ours?")
        incremental, incremental_at = own("incremental")
        paging, paging_at = own("pagination")
        (required, required_at), (volatile, volatile_at) = own("required"), own("volatile")
        records = self._expression(part, "records", where)
        assert records is not None
        request = self._request(part["request"], f"{where}.request", _READING)
        errors = (*rules_of(part.get("errors") or (), f"{where}.errors"), *self._shared_errors())
        asked = [part["request"], incremental, paging, part.get("detail")]
        return Stream(
            name=str(part.get("name") or f"s{number}"),
            request=request,
            records=records,
            paging=self._paging(paging or {"type": "none"}, paging_at, request),
            incremental=self._incremental(incremental, incremental_at, request) if incremental else None,
            detail=self._detail(part["detail"], f"{where}.detail") if part.get("detail") else None,
            map=RecordMap(
                table,
                path,
                required=required or (),
                volatile=volatile or (),
                lists_at=(required_at, volatile_at),
                words=self._words,
                config_names=self._config,
            ),
            errors=errors,
            mark=hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()[:12],
        )

    def _shared_errors(self) -> tuple[Rule, ...]:
        return rules_of(self._given.get("errors") or (), "source.errors")

    def _paging(self, given: Mapping[str, Any], where: str, request: Request) -> Paging:
        kind, stop = str(given["type"]), given.get("stop") or {}
        place = {"page": "page", "offset": "offset", "cursor": "next"}.get(kind)
        if place and "param" not in given and place not in request.places:
            raise ConfigInvalid(f"{where}.param: missing; which parameter says what is asked for next?")
        if kind in ("cursor", "next") and "next" not in given:
            raise ConfigInvalid(f"{where}.next: missing; where does the answer say how it goes on?")
        if (kind == "offset" or stop.get("short_page") or given.get("size_param")) and "size" not in given:
            raise ConfigInvalid(f"{where}.size: missing; how many records are on a page?")
        pages, total, when = (
            self._expression(stop, key, f"{where}.stop") for key in ("pages", "total", "when")
        )
        return Paging(
            type=kind,
            param=str(given.get("param", "")),
            size_param=str(given.get("size_param", "")),
            size=self._template(given.get("size", 0), f"{where}.size"),
            first=int(given.get("first", 0 if kind == "offset" else 1)),
            next=self._expression(given, "next", where),
            pages=pages,
            total=total,
            when=when,
            short_page=bool(stop.get("short_page")),
            max_pages=int(given.get("max_pages", _MAX_PAGES)),
        )

    def _incremental(self, given: Mapping[str, Any], where: str, request: Request) -> Incremental:
        form, origin = str(given.get("format", "iso")), str(given.get("from", "record"))
        if form not in _DATE_FORMATS and "%" not in form:
            raise ConfigInvalid(
                f"{where}.format: {form!r} is neither {', '.join(_DATE_FORMATS)} nor like %Y-%m-%d"
            )
        if "param" not in given and "cursor" not in request.places:
            raise ConfigInvalid(f"{where}.param: missing; which parameter says since when?")
        if origin != "record" and "field" not in given:
            raise ConfigInvalid(f"{where}.field: missing; where in the {origin} does the next cursor stand?")
        if form == "number" and "field" not in given:
            raise ConfigInvalid(f"{where}.field: missing; which number tells what is new?")
        sweep = given.get("sweep") or {}
        return Incremental(
            param=str(given.get("param", "")),
            until=str(given.get("until", "")),
            format=form,
            source=origin,
            field=self._expression(given, "field", where) if origin != "header" else None,
            header=str(given["field"]) if origin == "header" else "",
            overlap=_overlap(given.get("overlap", 0 if form == "number" else "2h"), form, f"{where}.overlap"),
            start=str(given["start"]) if "start" in given else None,
            ascending=given.get("order") == "ascending",
            sweep_every=_duration(sweep["every"]) if sweep else None,
            sweep_back=_duration(sweep["back"]) if sweep else None,
        )

    def _detail(self, given: Mapping[str, Any], where: str) -> Detail:
        if ("request" in given) == ("follow" in given):
            raise ConfigInvalid(f"{where}: a request, or a field to follow: one of the two")
        request = None
        if "request" in given:
            request = self._request(given["request"], f"{where}.request", ("id", "token"))
            if "id" not in request.places:
                raise ConfigInvalid(f"{where}.request: asks for the same whatever the report; use {{id}}")
        return Detail(
            request=request,
            follow=self._expression(given, "follow", where),
            id=self._expression(given, "id", where),
            record=self._expression(given, "record", where) or _whole,
            refresh=_duration(given["refresh"]) if "refresh" in given else None,
            remember=int(given.get("remember", _REMEMBERED)),
        )

    def _fetch(self, streams: Sequence[Stream]) -> Fetch | None:
        given, where = self._given.get("fetch"), "source.fetch"
        if not given:
            return _from_detail(streams)
        name = given.get("stream", streams[0].name)
        stream = next((one for one in streams if one.name == name), None)
        if stream is None:
            raise ConfigInvalid(f"{where}.stream: no stream {name!r}")
        request = self._request(given["request"], f"{where}.request", ("id", "token"))
        if "id" not in request.places:
            raise ConfigInvalid(f"{where}.request: asks for the same whatever the report; use {{id}}")
        record = self._expression(given, "record", where) or _whole
        errors = rules_of(given.get("errors") or (), f"{where}.errors")
        return Fetch(stream, request, record, (*errors, _GONE, *stream.errors))

    # -- answers ---------------------------------------------------------------------------------

    def _answering(self) -> Push:
        given, where = self._push["reply"], "push.reply"
        places = ("id", "token", *_ANSWERING, *(("files",) if "files" in given else ()))
        request = self._request(given["request"], f"{where}.request", places)
        if "body" not in request.places:
            raise ConfigInvalid(f"{where}.request: the answer's words {{body}} are sent nowhere")
        already, check = given.get("already_exists"), self._push.get("check")
        return Push(
            request=request,
            kinds=self._kinds,
            success=Rule.of(given["success"], f"{where}.success"),
            already=Rule.of(already, f"{where}.already_exists") if already else None,
            remote_ref=self._expression(given, "remote_ref", where),
            errors=(*rules_of(given.get("errors") or (), f"{where}.errors"), *self._shared_errors()),
            check=self._request(check["request"], "push.check.request", ("token",)) if check else None,
            files=self._files(given["files"], request) if "files" in given else None,
        )

    def _files(self, given: Mapping[str, Any], request: Request) -> Files:
        where = "push.reply.files"
        upload = self._upload(given["upload"], f"{where}.upload") if "upload" in given else None
        if "field" in given:
            if request.form is None or upload is not None or "entry" in given:
                raise ConfigInvalid(f"{where}.field: for a request with a form, without entry and upload")
            return Files(str(given["field"]), None, None)
        if "files" not in request.places:
            raise ConfigInvalid(
                f"{where}: the files are sent nowhere",
                hint="write {files:raw} into the body, or give a field",
            )
        entry = given.get("entry", "{file_ref}")
        carries = "{file_data" if upload is None else "{file_ref"
        if carries not in json.dumps(entry, default=str):
            raise ConfigInvalid(f"{where}.entry: {carries}}} is missing, so no file would come with it")
        names = (*_OF_FILE, *(("file_ref",) if upload else ()))
        return Files("", compile_tree(entry, f"{where}.entry", (*self._names, *names)), upload)

    def _upload(self, given: Mapping[str, Any], where: str) -> Upload:
        request = self._request(given["request"], f"{where}.request", ("id", "token", *_OF_FILE))
        field = str(given.get("field", ""))
        if field and (request.form is None or "file_data" in request.places):
            raise ConfigInvalid(
                f"{where}.field: for a request with a form that does not hold the file itself"
            )
        if not field and "file_data" not in request.places:
            raise ConfigInvalid(
                f"{where}: the file is sent nowhere",
                hint="give a field of its form, or {file_data} in its body",
            )
        ref = compile_expression(given["ref"], f"{where}.ref", self._words)
        errors = (*rules_of(given.get("errors") or (), f"{where}.errors"), *self._shared_errors())
        return Upload(request, field, ref, errors)


def _whole(data: Any, env: Any) -> Any:
    return data


def _from_detail(streams: Sequence[Stream]) -> Fetch | None:
    """A stream whose detail is asked for by the report's own id can be asked for one report, too."""
    for stream in streams:
        if stream.detail is not None and stream.detail.request is not None and stream.detail.id is None:
            return Fetch(stream, stream.detail.request, stream.detail.record, (_GONE, *stream.errors))
    return None


#: How a source says that it has no such report, where the manifest says nothing else.
_GONE = Rule.of({"status": [404, 410], "class": "nothing"}, "fetch")


def _duration(text: str) -> timedelta:
    return timedelta(seconds=int(text[:-1]) * _SECONDS[text[-1]])


def _overlap(given: Any, form: str, where: str) -> timedelta | int:
    if form == "number":
        if isinstance(given, bool) or not isinstance(given, int) or given < 0:
            raise ConfigInvalid(f"{where}: a count expected where the cursor is a number")
        return given
    if not isinstance(given, str) or not re.fullmatch(r"\d{1,6}[smhd]", given):
        raise ConfigInvalid(f"{where}: a time expected, such as 2h or 7d")
    return _duration(given)
