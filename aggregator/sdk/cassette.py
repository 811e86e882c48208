"""Recorded exchanges with a portal, as a folder that a person can read, edit and put under version control.

    FOLDER/exchanges.yaml         what was asked and how it was answered, in order
    FOLDER/bodies/03-detail.html  the answers' bodies, byte by byte
    FOLDER/records.json           what the connector made of them (see `cassette_run`)

Promise: what is loaded is what was saved, and a file that was edited by hand fails with its name and the
key that is wrong. What may surprise: a request's body is kept by its meaning (``json``, ``form``,
``text``), because it is only ever compared; an answer's body is kept as bytes, because charsets, marks
and broken markup are what a parser must live with. Secrets are stand-ins: see `cassette_scrub`.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml

from aggregator.errors import InputInvalid
from aggregator.sdk.contract import PushCommand, SourceStatus
from aggregator.sdk.marked_yaml import MISFITS

__all__ = ["Answered", "Asked", "Cassette", "Exchange", "Ignored", "load", "meaning", "save"]

FILE, BODIES = "exchanges.yaml", "bodies"
#: Shorter answers stand in the file itself, where they are read at a glance.
_INLINE = 300
_ENDINGS = {
    "application/json": "json", "text/html": "html", "application/xhtml+xml": "html", "text/csv": "csv",
    "application/xml": "xml", "text/xml": "xml", "text/plain": "txt", "image/png": "png",
    "image/jpeg": "jpg", "image/gif": "gif", "application/pdf": "pdf",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. `signed` tells how it was signed (cookie, basic, bearer, key) and never with what."""

    method: str
    path: str
    query: str = ""
    #: ``https://host``, where it is not the portal's first address.
    origin: str = ""
    signed: str = ""
    #: See `meaning`.
    body: Mapping[str, Any] = field(default_factory=dict)
    #: It changed the portal.
    effect: bool = False

    @property
    def line(self) -> str:
        """As a person would write it: ``GET /gopy?page=2``."""
        return f"{self.method} {self.origin}{self.path}" + (f"?{self.query}" if self.query else "")


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer; the body is unpacked."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def header(self, name: str) -> str:
        """The first header of this name; empty where there is none."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer."""

    asked: Asked
    answered: Answered


@dataclass(frozen=True, slots=True)
class Ignored:
    """Parts that differ from run to run and do not tell requests apart."""

    query: tuple[str, ...] = ("_", "t", "ts", "timestamp", "nonce", "rnd", "random", "cb")
    #: Names in a JSON object (at any depth) or a form.
    body: tuple[str, ...] = ("timestamp", "nonce", "requestId", "request_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cassette:
    """One recording: enough to run the connector again without the portal."""

    connector: str
    version: str
    #: When it was recorded: the clock of every replay.
    at: datetime
    #: The portal's address, first of those that were asked.
    origin: str
    config: Mapping[str, Any] = field(default_factory=dict)
    #: Stand-ins, by name.
    secrets: Mapping[str, str] = field(default_factory=dict)
    #: A channel's own options that change what is read: ``timezone``, ``status_map``.
    options: Mapping[str, Any] = field(default_factory=dict)
    #: So many batches were read; None: all there were.
    pages: int | None = None
    #: What was sent to the portal after reading.
    pushes: tuple[PushCommand, ...] = ()
    ignore: Ignored = Ignored()
    exchanges: tuple[Exchange, ...] = ()


def meaning(content_type: str, body: bytes) -> dict[str, Any]:
    """A request's body by what it says: ``{json: …}``, ``{form: [[name, value]…]}``, ``{text: …}``,
    ``{base64: …}``, or nothing at all for no body."""
    if not body:
        return {}
    kind = content_type.partition(";")[0].strip().lower()
    try:
        if kind.endswith("json"):
            return {"json": json.loads(body)}
        if kind == "application/x-www-form-urlencoded":
            pairs = parse_qsl(body.decode("utf-8", "surrogateescape"), keep_blank_values=True)
            return {"form": [list(pair) for pair in pairs]}
        if kind == "multipart/form-data":
            return {"form": _parts(content_type, body)}
        return {"text": body.decode("utf-8")}
    except ValueError:
        return {"base64": base64.b64encode(body).decode("ascii")}


def _parts(content_type: str, body: bytes) -> list[list[str]]:
    """The fields of a multipart form; of a file its name alone, because its bytes tell nothing apart."""
    message = BytesParser(policy=HTTP).parsebytes(
        b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body
    )
    if not message.is_multipart():
        raise ValueError("no parts")
    found = []
    for part in message.iter_parts():
        name = str(part.get_param("name", "", header="Content-Disposition"))
        filename = part.get_filename()
        content = part.get_payload(decode=True)
        text = content.decode("utf-8", "replace") if isinstance(content, bytes) else ""
        found.append([name, f"file {filename}" if filename else text])
    return found


# -- saving --------------------------------------------------------------------------------------


def save(cassette: Cassette, folder: Path) -> None:
    """Write the recording, replacing what an earlier one left in the folder."""
    bodies = folder / BODIES
    bodies.mkdir(parents=True, exist_ok=True)
    for old in bodies.iterdir():
        old.unlink()
    head = {
        "connector": cassette.connector,
        "version": cassette.version,
        "at": cassette.at.isoformat(),
        "origin": cassette.origin,
        "config": dict(cassette.config),
        "secrets": dict(cassette.secrets),
        "options": dict(cassette.options),
        "pages": cassette.pages,
        "pushes": [command_out(command) for command in cassette.pushes],
        "ignore": _ignore_out(cassette.ignore),
    }
    given = {key: value for key, value in head.items() if value not in ({}, [], None)}
    listed = [_exchange_out(one, number, folder) for number, one in enumerate(cassette.exchanges, 1)]
    text = yaml.safe_dump({**given, "exchanges": listed}, allow_unicode=True, sort_keys=False, width=110)
    (folder / FILE).write_text(text, "utf-8")


def _ignore_out(ignore: Ignored) -> dict[str, list[str]]:
    """Only what is not the usual."""
    usual = Ignored()
    return {n: list(v) for n, v in asdict(ignore).items() if v != getattr(usual, n)}


#: Of a command: said by few kinds of answer, and left out by the others.
_SELDOM = ("transfer_to", "due_at", "corrects", "attachments")


def command_out(command: PushCommand) -> dict[str, Any]:
    """A command as plain values; its files are not recorded, they may show people."""
    command = replace(command, attachments=())
    shown = {k: v.isoformat() if isinstance(v, datetime) else v for k, v in asdict(command).items()}
    shown["status"] = command.status.value
    return {k: v for k, v in shown.items() if v or k not in _SELDOM}


def _exchange_out(exchange: Exchange, number: int, folder: Path) -> dict[str, Any]:
    asked, answered = exchange.asked, exchange.answered
    shown: dict[str, Any] = {
        "ask": f"{asked.method} {asked.path}" + (f"?{asked.query}" if asked.query else "")
    }
    for name in ("origin", "signed", "effect"):
        if getattr(asked, name):
            shown[name] = getattr(asked, name)
    answer: dict[str, Any] = {"status": answered.status}
    if answered.headers:
        answer["headers"] = [f"{name}: {value}" for name, value in answered.headers]
    return {**shown, **asked.body, "answer": {**answer, **_body_out(exchange, number, folder)}}


def _body_out(exchange: Exchange, number: int, folder: Path) -> dict[str, str]:
    body = exchange.answered.body
    if not body:
        return {}
    if len(body) <= _INLINE and (text := _readable(body)) is not None:
        return {"body": text}
    kind = exchange.answered.header("Content-Type").partition(";")[0].strip().lower()
    last = re.sub(r"[^a-z0-9]+", "-", exchange.asked.path.rsplit("/", 1)[-1].lower()).strip("-")[:30]
    ending = _ENDINGS.get(kind, "bin")
    name = f"{number:02}-{last or 'index'}".removesuffix(f"-{ending}") + f".{ending}"
    (folder / BODIES / name).write_bytes(body)
    return {"file": f"{BODIES}/{name}"}


def _readable(body: bytes) -> str | None:
    """The text, where it is one line that YAML gives back as the very same bytes."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if text.isprintable() else None


# -- loading -------------------------------------------------------------------------------------


def load(folder: Path) -> Cassette:
    """The recording in a folder. Raises `InputInvalid` naming the file and what is wrong in it."""
    path = folder / FILE
    try:
        data = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise InputInvalid(
            f"{path}: cannot be read: {error.strerror}", hint="`motmoi connector record` makes one"
        ) from error
    except (yaml.YAMLError, *MISFITS) as error:
        raise InputInvalid(f"{path}: not valid YAML: {error}") from error
    try:
        return _cassette(data, folder)
    except KeyError as error:
        raise InputInvalid(f"{path}: key {error.args[0]!r} is missing") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise InputInvalid(f"{path}: {error}") from error


def _cassette(data: Any, folder: Path) -> Cassette:
    if not isinstance(data, dict):
        raise TypeError("a table of keys expected")
    known = {each.name for each in fields(Cassette)}
    if unknown := sorted(set(data) - known):
        raise ValueError(f"unknown key {unknown[0]!r}; known are {', '.join(sorted(known))}")
    at = datetime.fromisoformat(str(data["at"]))
    if at.tzinfo is None:
        raise ValueError("at: a time with its zone expected")
    return Cassette(
        connector=str(data["connector"]),
        version=str(data["version"]),
        at=at,
        origin=str(data["origin"]),
        config=dict(data.get("config") or {}),
        secrets=dict(data.get("secrets") or {}),
        options=dict(data.get("options") or {}),
        pages=data.get("pages"),
        pushes=tuple(command_of(one) for one in data.get("pushes") or ()),
        ignore=Ignored(**{name: tuple(value) for name, value in (data.get("ignore") or {}).items()}),
        exchanges=tuple(
            _exchange(one, number, folder) for number, one in enumerate(data["exchanges"] or (), 1)
        ),
    )


def command_of(data: Mapping[str, Any]) -> PushCommand:
    """A command from plain values. Raises `ValueError` or `TypeError` for what is no command."""
    times = {name: _instant(data[name]) for name in ("at", "due_at") if data.get(name)}
    return PushCommand(**{**data, **times, "status": SourceStatus(data["status"])})


def _instant(given: Any) -> datetime:
    return given if isinstance(given, datetime) else datetime.fromisoformat(str(given))


_BODY_KEYS = ("json", "form", "text", "base64")
_KEYS = frozenset((*_BODY_KEYS, "ask", "origin", "signed", "effect", "answer"))


def _exchange(data: Any, number: int, folder: Path) -> Exchange:
    where = f"exchange {number}"
    if not isinstance(data, dict) or set(data) - _KEYS:
        unknown = sorted(map(str, set(data) - _KEYS)) if isinstance(data, dict) else []
        raise ValueError(f"{where}: unknown {unknown[0]!r}" if unknown else f"{where}: a table expected")
    method, _, address = str(data["ask"]).partition(" ")
    if not address.startswith("/"):
        raise ValueError(f"{where}: ask: a method and a path expected, for example GET /gopy?page=1")
    parts = urlsplit(f"http://portal{address}")
    asked = Asked(
        method, parts.path, parts.query, str(data.get("origin", "")), str(data.get("signed", "")),
        {key: data[key] for key in _BODY_KEYS if key in data}, bool(data.get("effect", False)),
    )  # fmt: skip
    answer = data["answer"]
    headers = tuple(_header(line, where) for line in answer.get("headers", ()))
    return Exchange(asked, Answered(int(answer["status"]), headers, _body(answer, where, folder)))


def _header(line: Any, where: str) -> tuple[str, str]:
    name, colon, value = str(line).partition(":")
    if not colon:
        raise ValueError(f"{where}: answer.headers: 'Name: value' expected, not {line!r}")
    return name.strip(), value.strip()


def _body(answer: Mapping[str, Any], where: str, folder: Path) -> bytes:
    if "file" not in answer:
        return str(answer.get("body", "")).encode()
    path = (folder / str(answer["file"])).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise ValueError(f"{where}: answer.file: {answer['file']} is outside the folder")
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"{where}: answer.file: {answer['file']}: {error.strerror}") from error


def origins_of(urls: Iterable[str]) -> list[str]:
    """``scheme://host:port`` of each address, once, in their order."""
    found = []
    for url in urls:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in found:
            found.append(origin)
    return found
