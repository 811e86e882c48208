"""What a person writes to set a channel up, checked against the connector's own manifest.

    slug = "1022-hcm"          # short name, in addresses and commands
    kind = "portal_1022"       # which connector
    title = "Cổng 1022"        # as people see it
    ward = "27142"             # where reports go that do not say their ward
    [config]                   # the connector's settings
    [secrets]                  # its passwords and keys: stored sealed, shown to nobody
    [options]                  # ours: see `OPTIONS`

Everything wrong is told at once, naming the setting, with the nearest known name for a misspelt one.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from aggregator.domain.drift import Policy, Rule
from aggregator.domain.workflow import ReplyKind
from aggregator.errors import ConfigInvalid, InputInvalid
from aggregator.sdk.contract import Manifest, SourceStatus
from aggregator.sdk.discovery import Found, secret_names, validate_config, with_defaults
from aggregator.sdk.settings_schema import faults_of, meant
from aggregator.services.answer_files import MOST_FILES
from aggregator.services.connections import DEFAULT_ZONE, hosts_in, manifest_of
from aggregator.services.setting_words import in_vietnamese

KEYS = ("slug", "kind", "title", "ward", "config", "secrets", "options")
DEFAULT_INTERVAL_S = 300
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")

_SECONDS = {"type": "number", "minimum": 0.1}
#: The options of every channel, whatever its connector; those with a title stand in the form on screen.
OPTIONS: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "interval_s": {"type": "integer", "minimum": 1, "maximum": 86_400, "title": "Đọc cổng mỗi (giây)"},
        # For a portal inside the office's own network.
        "allow_private": {"type": "boolean", "title": "Cổng nằm trong mạng nội bộ của cơ quan"},
        # False, or a file of certificates, for a portal whose certificate nobody signed.
        "verify": {"type": ["boolean", "string"]},
        # Hosts besides those in the settings: where the portal keeps its attachments.
        "hosts": {
            "type": "array",
            "items": {"type": "string"},
            "title": "Máy chủ khác của cổng",
            "description": "Nơi cổng để tệp đính kèm, mỗi dòng một tên",
        },
        "timezone": {"type": "string", "title": "Múi giờ của cổng", "description": "Để trống: giờ Việt Nam"},
        # The pause between two requests to the portal, where its owner allows another than usual.
        "min_gap_s": {"type": "number", "minimum": 0, "title": "Nghỉ giữa hai lần gọi (giây)"},
        # How long it may be silent in the middle of an answer.
        "read_timeout_s": _SECONDS,
        # The first wait after a failure, and the longest between two deliveries.
        "retry_first_s": _SECONDS,
        "retry_cap_s": _SECONDS,
        # How long the portal may take to show what it has accepted.
        "settle_s": {"type": "number", "minimum": 0, "title": "Cổng hiện phúc đáp sau (giây)"},
        # And one that a person brought there by hand.
        "shown_within_h": {
            "type": "number",
            "exclusiveMinimum": 0,
            "title": "Cổng hiện phúc đáp chuyển tay sau (giờ)",
            "description": "Quá thời gian này mà đọc lại chưa thấy thì hỏi cán bộ; để trống: 24 giờ",
        },
        # What becomes of a page that does not look as it used to, rule by rule; held unless said otherwise.
        "drift": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                rule.value: {"type": "string", "enum": [policy.value for policy in Policy]} for rule in Rule
            },
        },
        # Not a box to tick: one that is left empty would speak against the ward's choice.
        "acknowledge": {
            "type": "string",
            "enum": ["ward", "yes", "no"],
            "labels": {"ward": "Theo thiết lập của phường, xã", "yes": "Có", "no": "Không"},
            "title": "Tự báo cho người gửi khi cán bộ tiếp nhận",
        },
        # What this portal takes of an answer's files, where that is less than its connector says.
        "answer_files": {
            "type": "integer",
            "minimum": 0,
            "maximum": MOST_FILES,
            "title": "Số tệp kèm mỗi phúc đáp",
            "description": "0: cổng không nhận tệp; để trống: theo bộ kết nối",
        },
        "answer_file_mb": {
            "type": "number",
            "exclusiveMinimum": 0,
            "title": "Cỡ lớn nhất của một tệp kèm phúc đáp (MB)",
        },
        "answer_file_types": {
            "type": "string",
            "enum": ["all", "pictures", "pdf"],
            "labels": {"all": "Ảnh và PDF", "pictures": "Chỉ ảnh", "pdf": "Chỉ PDF"},
            "title": "Loại tệp kèm phúc đáp",
        },
        "status_map": {
            "type": "object",
            "additionalProperties": {"type": "string", "enum": [status.value for status in SourceStatus]},
            "title": "Trạng thái của cổng",
            "description": "Chữ của cổng và trạng thái của chúng ta, dạng JSON; để trống: theo bộ kết nối",
        },
        # By which of the portal's words an answer of a kind goes, where the status does not tell it.
        "answer_words": {
            "type": "object",
            "additionalProperties": False,
            "properties": {kind.value: {"type": "string", "minLength": 1} for kind in ReplyKind},
            "title": "Chữ của cổng khi gửi từng loại phúc đáp",
            "description": 'Ví dụ {"transfer": "CHUYEN_TIEP"}; để trống: theo bộ kết nối',
        },
    },
}


#: Those that mean something only where the connector takes files with answers.
OF_FILES = frozenset(("answer_files", "answer_file_mb", "answer_file_types"))


@dataclass(frozen=True, slots=True)
class ChannelSpec:
    """A channel as it may be stored: nothing in it needs checking again."""

    slug: str
    kind: str
    title: str
    ward: str
    config: dict[str, Any]
    secrets: dict[str, str]
    options: dict[str, Any]
    interval_s: int
    host_key: str
    #: False where the connector only takes imports.
    polled: bool


def from_toml(path: Path) -> dict[str, Any]:
    """A channel's file as a table; `InputInvalid` names the line that is no TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputInvalid(
            f"{path}: {error}", message_vi=f"Không đọc được tệp {path.name}: {error}"
        ) from error


def checked(spec: Mapping[str, Any], connectors: Mapping[str, Found]) -> ChannelSpec:
    """The spec in order, or `InputInvalid` with everything that is wrong with it."""
    problems = [f"{key}: unknown key{meant(key, KEYS)}" for key in spec if key not in KEYS]
    problems += [f"{key}: missing" for key in ("slug", "kind", "ward") if not spec.get(key)]
    tables = ("config", "secrets", "options")
    problems += [
        f"{name}: a table expected" for name in tables if not isinstance(spec.get(name, {}), Mapping)
    ]
    parts = {name: dict(given) if isinstance(given := spec.get(name), Mapping) else {} for name in tables}
    slug = str(spec.get("slug", ""))
    if slug and not _SLUG.fullmatch(slug):
        problems.append(f"slug: {slug!r} may hold a-z, 0-9 and hyphens, at most 40")
    manifest = _manifest(str(spec.get("kind", "")), connectors, problems)
    if manifest is not None:
        for name in secret_names(manifest) & set(parts["config"]):
            parts["secrets"].setdefault(name, parts["config"].pop(name))  # never stored in the open
        problems += validate_config(manifest, parts["config"], parts["secrets"])
    problems += _host_faults(parts["config"])
    problems += faults_of(OPTIONS, parts["options"], "options.") or _zone_faults(parts["options"])
    if problems or manifest is None:
        raise refused(problems, _titles(manifest.config_schema) if manifest else None)
    return _settled(spec, manifest, parts)


def _settled(spec: Mapping[str, Any], manifest: Manifest, parts: Mapping[str, dict[str, Any]]) -> ChannelSpec:
    options, hosts = parts["options"], hosts_in(with_defaults(manifest, parts["config"]))
    interval = options.pop("interval_s", manifest.defaults.get("interval_s", DEFAULT_INTERVAL_S))
    return ChannelSpec(
        slug=str(spec["slug"]),
        kind=manifest.id,
        title=str(spec.get("title") or manifest.title["vi"]),
        ward=str(spec["ward"]),
        config=parts["config"],
        secrets={name: str(value) for name, value in parts["secrets"].items()},
        options=options,
        interval_s=int(interval),
        # A channel without a host (files) is polite to nobody but itself.
        host_key=hosts[0] if hosts else f"channel:{spec['slug']}",
        polled=manifest.capabilities.poll != "none",
    )


def _manifest(kind: str, connectors: Mapping[str, Found], problems: list[str]) -> Manifest | None:
    if not kind:
        return None
    if kind not in connectors:
        near = meant(kind, connectors) or f"; installed: {', '.join(sorted(connectors)) or 'none'}"
        problems.append(f"kind: no connector {kind!r}{near}")
        return None
    try:
        return manifest_of(connectors[kind])
    except ConfigInvalid as error:
        problems.append(f"kind: {error.message}")
        return None


def _zone_faults(options: Mapping[str, Any]) -> list[str]:
    name = options.get("timezone", DEFAULT_ZONE)
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return [f"options.timezone: {name!r} is no time zone, for example {DEFAULT_ZONE}"]
    return []


def _host_faults(config: Mapping[str, Any]) -> list[str]:
    try:
        json.dumps(config)
        hosts_in(config)
    except ConfigInvalid as error:
        return [f"config: {error.message}"]
    except TypeError as error:
        return [f"config: {error}; write dates in quotes"]
    return []


def refused(problems: list[str], titles: Mapping[str, str] | None = None) -> InputInvalid:
    """What is wrong, in English by the settings' keys and in Vietnamese by their `titles`."""
    return InputInvalid(
        f"the channel cannot be set up: {'; '.join(problems)}",
        field=problems[0].partition(":")[0],
        message_vi=f"Chưa lưu được kênh. {in_vietnamese(problems, {**_titles(OPTIONS), **(titles or {})})}.",
    )


def _titles(schema: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(rule.get("title", name)) for name, rule in schema.get("properties", {}).items()}
