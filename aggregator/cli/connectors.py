"""`motmoi connector`: what kinds of channels this installation can read, and the author's own commands.

    list, show          here
    new, lint, schema   `aggregator.cli.authoring`

A command of another module is a `click.command` of its own and joins the group in ``aggregator.cli``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aggregator import settings as environment
from aggregator.cli.frame import DONE, FINDING, Group, plain, show, table
from aggregator.errors import ConfigInvalid, InputInvalid

if TYPE_CHECKING:
    from aggregator.sdk.conformance.quality import Quality
    from aggregator.sdk.contract import Manifest
    from aggregator.sdk.discovery import Found


@click.group(cls=Group)
def connector() -> None:
    """What kinds of channels this installation can read, and how to make another.

    An author's way: new, lint, record, dev, conform.
    """


@connector.command("list")
def list_connectors() -> None:
    """List the connectors, also those that cannot be used."""
    known = [_connector(item) for item in known_connectors().values()]
    rows = [
        (c["id"], c["version"], "broken" if c["problem"] else "good", c["grade"], _can(c), c["origin"],
         c["title"])
        for c in known
    ]  # fmt: skip
    lines = table(("connector", "version", "state", "grade", "can", "from", "title"), rows)
    lines += [
        f"\n{c['id']} is exempt from {e.check}: {plain(e.reason)}" for c in known for e in c["exemptions"]
    ]
    lines += [f"\n{c['id']} cannot be used: {plain(c['problem'])}" for c in known if c["problem"]]
    show(known, lines)


@connector.command("show")
@click.argument("connector_id", metavar="ID|FOLDER")
def show_connector(connector_id: str) -> int:
    """Show a connector's facts and settings.

    A connector is an id, or the folder of its connector.yaml. Exit 1 where it cannot be used, with the
    whole reason.
    """
    found = connector_named(connector_id)
    document = _connector(found)
    lines = table(("", ""), [(key, document[key]) for key in ("id", "version", "origin", "title")])[1:]
    if found.manifest:
        document |= _facts(found.manifest)
        lines = list(_page(found.manifest, document))
    if document["problem"]:
        lines += ["", f"It cannot be used: {plain(document['problem'])}"]
    show(document, lines)
    return FINDING if document["problem"] else DONE


def known_connectors() -> dict[str, Found]:
    """Every connector of this installation, by its id."""
    from aggregator.sdk.discovery import discover

    settings = environment.load()
    return discover([settings.data_dir / "connectors", *settings.connector_folders])


def connector_named(name: str) -> Found:
    """The connector of an id, or in a folder. Raises `InputInvalid` with the nearest known id."""
    from aggregator.sdk.discovery import found_in
    from aggregator.sdk.manifest import FILE
    from aggregator.sdk.settings_schema import meant

    if (Path(name) / FILE).is_file():
        return found_in(Path(name).resolve())
    known = known_connectors()
    if name not in known:
        raise InputInvalid(
            f"no connector {name!r}{meant(name, known)}",
            field="id",
            hint=f"Known are {', '.join(sorted(known))}; more about them: motmoi connector list",
        )
    return known[name]


def _connector(found: Found) -> dict[str, Any]:
    if found.problem is None:
        try:
            found.connector()
        except ConfigInvalid as error:
            found.problem = found.problem or error.message
    manifest, quality = found.manifest, _quality(found)
    return {
        "id": found.id, "version": manifest.version if manifest else None,
        "title": manifest.title["vi"] if manifest else None, "origin": found.origin,
        "problem": found.problem, "capabilities": manifest.capabilities if manifest else None,
        "grade": quality.grade.word, "exemptions": quality.exemptions,
    }  # fmt: skip


def _quality(found: Found) -> Quality:
    """What the connector claims of itself; a claim that cannot be read is a problem of its own."""
    from aggregator.sdk.conformance.quality import Quality, load_quality

    try:
        return load_quality(found.manifest.folder) if found.manifest else Quality()
    except ConfigInvalid as error:
        found.problem = found.problem or error.message
        return Quality()


def _can(known: dict[str, Any]) -> str:
    can = known["capabilities"]
    if can is None:
        return "-"
    told = {
        "read": can.poll != "none", "is called": can.webhook, "answer": can.push_reply,
        "set the state": can.push_status, "read the past": can.backfill != "none",
    }  # fmt: skip
    return ", ".join(word for word, true in told.items() if true) or "-"


# The page of one connector --------------------------------------------------------------------------


def _facts(manifest: Manifest) -> dict[str, Any]:
    return {
        "kind": manifest.kind, "api": manifest.api, "titles": manifest.title,
        "description": manifest.description, "maintainer": manifest.maintainer, "folder": manifest.folder,
        "config_schema": manifest.config_schema, "status_map": manifest.status_map,
        "defaults": manifest.defaults,
    }  # fmt: skip


def _page(manifest: Manifest, document: Mapping[str, Any]) -> Iterable[str]:
    yield f"{manifest.title['vi']} ({manifest.title['en']})"
    yield from ("", *_wrapped(manifest.description["vi"]), "")
    facts = ("id", "version", "kind", "grade", "maintainer", "origin", "folder")
    yield from table(("", ""), [*((key, document[key]) for key in facts), ("can", _can(dict(document)))])[1:]
    schema = manifest.config_schema
    required = schema.get("required", ())
    rows = [
        (name, rule.get("type") or " | ".join(map(str, rule.get("enum", ()))), name in required,
         bool(rule.get("secret")), rule.get("default"), rule.get("title"))
        for name, rule in schema.get("properties", {}).items()
    ]  # fmt: skip
    if rows:
        yield from ("", *table(("setting", "form", "required", "secret", "default", "title"), rows))
    if manifest.status_map:
        yield from ("", *table(("its word for a state", "ours"), manifest.status_map.items()))


def _wrapped(text: str) -> list[str]:
    import textwrap

    return textwrap.wrap(plain(text), 100)
