"""Settings: some environment variables and one TOML file, read once into one frozen value.

`MOTMOI_DATABASE_URL`, `MOTMOI_DATA_DIR`, `MOTMOI_SECRET_KEY_FILE`, `MOTMOI_PORT`, `MOTMOI_PUBLIC_URL`,
`MOTMOI_SMTP_*` (the office's mail server) and `MOTMOI_CONFIG` (a TOML file, for these and all else).
Unknown keys are errors, with the nearest known name.
"""

from __future__ import annotations

import dataclasses
import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aggregator.errors import SettingsInvalid


@dataclass(frozen=True, slots=True)
class LedgerSettings:
    """`[ledger]`: where checkpoints of the ledger are held outside. All may be empty."""

    #: Sign-in names of the people who get them by mail, and how often at most.
    mail: tuple[str, ...] = ()
    mail_every_h: int = 24
    #: Files that a line is added to; a network share that others keep is best.
    files: tuple[Path, ...] = ()
    #: Addresses that they are posted to.
    webhooks: tuple[str, ...] = ()
    #: A time-stamp service (RFC 3161), and the certificates (PEM) that it is trusted by.
    timestamp_url: str = ""
    timestamp_roots: Path | None = None
    #: Whether webhooks and the time-stamp service may lie in the office's own network.
    allow_private: bool = False

    def __post_init__(self) -> None:
        for url in (*self.webhooks, *filter(None, [self.timestamp_url])):
            if not url.startswith(("http://", "https://")):
                raise SettingsInvalid(f"[ledger] {url!r} is no web address")
        if self.timestamp_url and self.timestamp_roots is None:
            raise SettingsInvalid(
                "[ledger] timestamp_url needs timestamp_roots",
                hint="the PEM file with the root certificates that the time-stamp service is trusted by",
            )


@dataclass(frozen=True, slots=True)
class CertificateSettings:
    """`[certificate]`: how the paper looks, and whether it names officers."""

    #: The name of the country and its motto above, as on an administrative document.
    motto: bool = True
    #: The line over the ward's name.
    authority: str = "Ủy ban nhân dân"
    #: What stands behind the number: "12/GXN-UBND".
    mark: str = "GXN-UBND"
    #: The lines over the place for signature and seal.
    signer: tuple[str, ...] = ("TM. ỦY BAN NHÂN DÂN", "CHỦ TỊCH")
    #: Whether officers are named beside their role and unit.
    officer_names: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """All that can be set for one process. Durations are seconds."""

    #: SQLite file or PostgreSQL server.
    database_url: str = "sqlite:///var/motmoi.db"
    #: Attachments, the secret key (unless elsewhere), drop-in connectors.
    data_dir: Path = Path("var")
    secret_key_file: Path | None = None
    port: int = 8022
    #: Address the web server listens on; an office puts a TLS proxy in front of it.
    host: str = "127.0.0.1"
    #: Cookies are sent over HTTPS only. Off on plain HTTP (demo, a closed office network).
    secure_cookies: bool = False
    #: Proxies in front of the web whose X-Forwarded-For and -Proto are believed; 0 believes nobody.
    #: Without it everybody behind a proxy shares one address, and with it one sign-in back-off.
    trusted_proxies: int = 0
    #: Folders with drop-in connectors, beside `<data_dir>/connectors`.
    connector_folders: tuple[Path, ...] = ()
    web_threads: int = 8
    #: Polls that one worker runs at the same time; beside them it writes to four times as many hosts.
    worker_threads: int = 4
    #: How often a worker looks for due channels, messages and deadlines.
    tick_s: float = 1.0
    #: A worker that is silent for longer has died: its work is taken over.
    lease_s: float = 120.0
    #: The most that one poll may take; shorter than the lease.
    poll_deadline_s: float = 90.0
    #: The most that one delivery may take; shorter than the lease.
    push_deadline_s: float = 60.0
    #: An answer waits so long before it leaves, and may be taken back meanwhile; a ward may say otherwise.
    #: 0 sends at once.
    undo_s: float = 30.0
    #: Polls that brought nothing are kept so long; those that did, and failures, longer.
    runs_kept_h: int = 24
    session_idle_s: int = 8 * 3600
    session_max_s: int = 24 * 3600
    max_attachment_bytes: int = 20_000_000
    #: Where people open the web, for links in mails: "https://motmoi.phuong.gov.vn".
    public_url: str = ""
    #: The office's mail server; without it nobody gets mail.
    smtp_host: str = ""
    smtp_port: int = 587
    #: starttls: plain until the server agrees to encrypt, and never without; ssl: encrypted from the first
    #: byte (port 465); none: plain, for a relay on the same machine.
    smtp_security: str = "starttls"
    smtp_user: str = ""
    smtp_password: str = field(default="", repr=False)
    #: The sender: "Một Mối <motmoi@phuong.gov.vn>".
    smtp_from: str = ""
    #: The most that one step of talking to the mail server may take.
    smtp_timeout_s: float = 15.0
    #: People may only be mailed at these domains ("phuong.gov.vn"); empty is any.
    smtp_domains: tuple[str, ...] = ()
    #: Where the ledger's checkpoints are held outside: the table [ledger] of the file.
    ledger: LedgerSettings = field(default_factory=LedgerSettings)
    #: How certificates of timely handling look: the table [certificate] of the file.
    certificate: CertificateSettings = field(default_factory=CertificateSettings)

    def __post_init__(self) -> None:
        if self.smtp_security not in SMTP_SECURITY:
            raise SettingsInvalid(f"smtp_security is one of {', '.join(SMTP_SECURITY)}")
        if self.smtp_host and "@" not in self.smtp_from:
            raise SettingsInvalid("smtp_from must be an address", hint="motmoi@phuong.gov.vn")
        if self.smtp_host and not self.public_url.startswith(("http://", "https://")):
            raise SettingsInvalid(
                "public_url must be the web's address", hint="mails link to it: https://motmoi.phuong.gov.vn"
            )
        if not 0 <= self.undo_s <= MOST_UNDO_S:
            raise SettingsInvalid(f"undo_s is 0 to {MOST_UNDO_S} seconds")
        for name in ("poll_deadline_s", "push_deadline_s"):
            if getattr(self, name) >= self.lease_s:
                raise SettingsInvalid(f"{name} must be shorter than lease_s ({self.lease_s} s)")

    @property
    def key_file(self) -> Path:
        return self.secret_key_file or self.data_dir / "secret.key"


#: Longer than this, and answers given at the end of a day would leave on the next.
MOST_UNDO_S = 600
SMTP_SECURITY = ("starttls", "ssl", "none")
#: Settings that are a table of their own in the file.
_TABLES: dict[str, type[Any]] = {"ledger": LedgerSettings, "certificate": CertificateSettings}

_ENVIRONMENT = {
    "MOTMOI_DATABASE_URL": "database_url",
    "MOTMOI_DATA_DIR": "data_dir",
    "MOTMOI_SECRET_KEY_FILE": "secret_key_file",
    "MOTMOI_PORT": "port",
    "MOTMOI_PUBLIC_URL": "public_url",
    "MOTMOI_SMTP_HOST": "smtp_host",
    "MOTMOI_SMTP_PORT": "smtp_port",
    "MOTMOI_SMTP_SECURITY": "smtp_security",
    "MOTMOI_SMTP_USER": "smtp_user",
    "MOTMOI_SMTP_PASSWORD": "smtp_password",
    "MOTMOI_SMTP_FROM": "smtp_from",
}


def load(environment: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
    """Settings from the environment over the TOML file over the defaults; `overrides` win."""
    env = os.environ if environment is None else environment
    values: dict[str, Any] = {}
    if path := env.get("MOTMOI_CONFIG"):
        values.update(_from_toml(Path(path)))
    known = {*_ENVIRONMENT, "MOTMOI_CONFIG"}
    for name, value in env.items():
        if name.startswith("MOTMOI_") and name not in known and not name.startswith("MOTMOI_TEST_"):
            raise SettingsInvalid(f"{name} is not a setting", hint=_nearest(name, sorted(known)))
        if name in _ENVIRONMENT:
            values[_ENVIRONMENT[name]] = value
    values.update(overrides)
    made: Settings = _made(Settings, values)
    return made


def _from_toml(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsInvalid(f"MOTMOI_CONFIG {path}: {error}") from error
    _refuse_unknown(f"{path}:", values, Settings)
    for name, kind in _TABLES.items():
        if isinstance(values.get(name), dict):
            _refuse_unknown(f"{path}: [{name}]", values[name], kind)
    return values


def _refuse_unknown(where: str, values: Mapping[str, Any], kind: type[Any]) -> None:
    names = [field.name for field in dataclasses.fields(kind)]
    for name in values:
        if name not in names:
            raise SettingsInvalid(f"{where} {name!r} is not a setting", hint=_nearest(name, names))


def _made(kind: type[Any], values: Mapping[str, Any]) -> Any:
    types = {field.name: str(field.type) for field in dataclasses.fields(kind)}
    return kind(**{name: _typed(name, types[name], value) for name, value in values.items()})


def _nearest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"


def _typed(name: str, kind: str, value: Any) -> Any:
    try:
        if name in _TABLES and not isinstance(value, _TABLES[name]):
            return _made(_TABLES[name], dict(value))
        if kind.startswith("Path"):
            return None if value is None else Path(value)
        if kind.startswith("tuple[Path"):
            return tuple(Path(item) for item in value)
        if kind.startswith("tuple[str"):
            return tuple(str(item) for item in value)
        if kind == "int":
            return int(value)
        if kind == "float":
            return float(value)
    except (TypeError, ValueError) as error:
        raise SettingsInvalid(f"setting {name}: {value!r} is not of type {kind}") from error
    if kind == "bool" and not isinstance(value, bool):
        raise SettingsInvalid(f"setting {name}: {value!r} is not true or false")
    return value
