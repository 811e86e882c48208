"""A channel's settings as a form: drawn from the connector's own schema, read back, judged by it.

What may surprise: a secret never travels to the screen. The form knows whether one is stored; an empty
field keeps it, a ticked box forgets it, and what is typed replaces it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aggregator.domain.people import Actor
from aggregator.errors import ConfigInvalid, InputInvalid
from aggregator.sdk.contract import Manifest
from aggregator.sdk.discovery import Found, secret_names, with_defaults
from aggregator.services.channel_doors import may_operate, one_channel
from aggregator.services.channel_spec import DEFAULT_INTERVAL_S, OF_FILES, OPTIONS
from aggregator.services.channels import Channels
from aggregator.services.connections import found_of, manifest_of
from aggregator.storage.channel_queries import ChannelRow
from aggregator.storage.db import Database

#: Where the form's names of connector settings, secrets and options begin.
CONFIG, SECRET, FORGET, OPTION = "c-", "s-", "forget-", "o-"


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `kind`: text, number, check, choice, lines, table, secret."""

    name: str
    kind: str
    title: str
    hint: str
    required: bool
    #: As the form shows it; always empty for a secret.
    value: str
    #: Of a choice: each value, and the words for it.
    choices: tuple[tuple[str, str], ...] = ()
    #: A secret is stored, a box is ticked.
    on: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """All that the page draws. `slug` is empty for a channel that is to be made."""

    slug: str
    kind: str
    kind_title: str
    title: str
    ward: str
    config: tuple[Field, ...]
    secrets: tuple[Field, ...]
    options: tuple[Field, ...]


class ChannelSettings:
    """Forms of channels, drawn and taken."""

    def __init__(self, db: Database, connectors: Mapping[str, Found], channels: Channels) -> None:
        self._db = db
        self._connectors = connectors
        self._channels = channels

    def kinds(self, actor: Actor) -> tuple[tuple[str, str, str], ...]:
        """(id, title, description) of every connector that a channel can be made of."""
        may_operate(actor, actor.ward or "")
        usable = [
            found.manifest for found in self._connectors.values() if found.manifest and not found.problem
        ]
        return tuple(
            sorted(
                ((one.id, one.title["vi"], one.description.get("vi", "")) for one in usable),
                key=lambda one: one[1],
            )
        )

    def blank(self, actor: Actor, kind: str) -> Form:
        """The form of a new channel; `ConfigInvalid` where there is no such connector."""
        may_operate(actor, actor.ward or "")
        manifest = self._manifest(kind)
        return _form(manifest, None, actor.ward or "")

    def of(self, actor: Actor, slug: str) -> Form:
        """The form of a channel as it is."""
        channel = self._mine(actor, slug)
        return _form(self._manifest(channel.kind), channel, channel.ward_code)

    def typed(self, form: Form, given: Mapping[str, str]) -> Form:
        """The form with what a person typed, secrets left out, to be corrected and sent again."""

        def again(field: Field, prefix: str) -> Field:
            value = given.get(prefix + field.name, "")
            return Field(
                field.name,
                field.kind,
                field.title,
                field.hint,
                field.required,
                value,
                field.choices,
                bool(value),
            )

        return Form(
            given.get("slug", form.slug) if not form.slug else form.slug, form.kind, form.kind_title,
            given.get("title", form.title), given.get("ward", form.ward),
            tuple(again(field, CONFIG) for field in form.config), form.secrets,
            tuple(again(field, OPTION) for field in form.options),
        )  # fmt: skip

    def add(self, actor: Actor, kind: str, given: Mapping[str, str]) -> str:
        """Make the channel that the form describes; its slug. `InputInvalid` names the fields."""
        form = self.blank(actor, kind)
        spec = {"slug": given.get("slug", "").strip(), "kind": kind, **_read(form, given)}
        parts = {part: _filled(spec[part]) for part in ("config", "secrets", "options")}
        return self._channels.add({**spec, **parts}, actor=actor)

    def change(self, actor: Actor, slug: str, given: Mapping[str, str]) -> None:
        """Change the channel to what the form says. `InputInvalid` names the fields."""
        form = self.of(actor, slug)
        changes = _read(form, given)
        if not changes["secrets"]:
            del changes["secrets"]
        self._channels.change(slug, changes, actor=actor)

    def _mine(self, actor: Actor, slug: str) -> ChannelRow:
        with self._db.read() as tx:
            channel = one_channel(tx, actor, slug)
        may_operate(actor, channel.ward_code)
        return channel

    def _manifest(self, kind: str) -> Manifest:
        try:
            return manifest_of(found_of(self._connectors, kind))
        except ConfigInvalid as error:
            raise InputInvalid(error.message, field="kind", message_vi=error.message_vi) from error


# Drawing ---------------------------------------------------------------------------------------------


def _form(manifest: Manifest, channel: ChannelRow | None, ward: str) -> Form:
    rules = dict(manifest.config_schema.get("properties", {}))
    required = set(manifest.config_schema.get("required", ()))
    hidden = secret_names(manifest)
    config = with_defaults(manifest, dict(channel.config) if channel else {})
    names = sorted(rules, key=lambda name: rules[name].get("order", 1000))
    options = {"interval_s": _interval(manifest, channel), **(channel.options if channel else {})}
    stored = channel is not None and channel.secrets is not None
    return Form(
        slug=channel.slug if channel else "",
        kind=manifest.id,
        kind_title=manifest.title["vi"],
        title=channel.title if channel else "",
        ward=ward,
        config=tuple(
            _field(name, rules[name], config.get(name), name in required)
            for name in names
            if name not in hidden
        ),
        secrets=tuple(
            Field(name, "secret", *_named(name, rules[name]), name in required, "", on=stored)
            for name in names
            if name in hidden
        ),
        options=tuple(
            _field(name, rule, options.get(name), False)
            for name, rule in OPTIONS["properties"].items()
            if "title" in rule and (manifest.capabilities.push_attachments or name not in OF_FILES)
        ),
    )


def _interval(manifest: Manifest, channel: ChannelRow | None) -> int:
    return channel.interval_s if channel else int(manifest.defaults.get("interval_s", DEFAULT_INTERVAL_S))


def _named(name: str, rule: Mapping[str, Any]) -> tuple[str, str]:
    return str(rule.get("title", name)), str(rule.get("description", ""))


def _field(name: str, rule: Mapping[str, Any], value: Any, required: bool) -> Field:
    kind = _kind(rule)
    if kind == "lines":
        shown = "\n".join(str(one) for one in value or ())
    elif kind == "table":
        shown = json.dumps(value, ensure_ascii=False, indent=1) if value else ""
    elif kind == "check":
        shown = ""
    else:
        shown = "" if value is None else str(value)
    words: Mapping[str, str] = rule.get("labels", {})
    choices = tuple((str(one), str(words.get(one, one))) for one in rule.get("enum", ()))
    return Field(name, kind, *_named(name, rule), required, shown, choices, bool(value))


def _kind(rule: Mapping[str, Any]) -> str:
    if "enum" in rule:
        return "choice"
    wanted = rule.get("type")
    if wanted == "array" and rule.get("items", {}).get("type") == "string":
        return "lines"
    kinds = {"integer": "number", "number": "number", "boolean": "check", "array": "table", "object": "table"}
    return kinds.get(wanted, "text") if isinstance(wanted, str) else "text"


# Reading ---------------------------------------------------------------------------------------------


def _read(form: Form, given: Mapping[str, str]) -> dict[str, Any]:
    """What the form says; an empty field is "", which forgets what was there."""
    secrets = {field.name: given.get(SECRET + field.name, "") for field in form.secrets}
    kept = {name: value for name, value in secrets.items() if value or given.get(FORGET + name)}
    return {
        "title": given.get("title", "").strip(),
        "ward": given.get("ward", "").strip() or form.ward,
        "config": {field.name: _value(field, given.get(CONFIG + field.name, "")) for field in form.config},
        "secrets": kept,
        "options": {field.name: _value(field, given.get(OPTION + field.name, "")) for field in form.options},
    }


def _value(field: Field, typed: str) -> Any:
    typed = typed.strip()
    if field.kind == "check":
        return bool(typed)
    if not typed:
        return ""
    try:
        if field.kind == "number":
            return float(typed) if "." in typed else int(typed)
        if field.kind == "table":
            return json.loads(typed)
    except ValueError as error:
        wanted = "phải là số" if field.kind == "number" else "không đọc được; hãy ghi dạng JSON"
        raise InputInvalid(
            f"{field.name}: {typed[:40]!r} is no {field.kind}", field=field.name,
            message_vi=f"{field.title}: {wanted}.",
        ) from error  # fmt: skip
    if field.kind == "lines":
        return [line.strip() for line in typed.splitlines() if line.strip()]
    return typed


def _filled(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value != ""}
