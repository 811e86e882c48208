"""The manifest, the settings, the import, and the steps of check()."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from aggregator.sdk.conformance.checks import check
from aggregator.sdk.conformance.harness import Channel, NotApplicable, Trial, expect, fail
from aggregator.sdk.conformance.stages import Page, Rewrite
from aggregator.sdk.contract import Backfills, CheckResult, Fetches, TakesWebhooks
from aggregator.sdk.discovery import load_manifest, secret_names, validate_config, with_defaults

_SECRET = re.compile(
    r"(?:^|_)(?:pass(?:word|wd|phrase)?|mat_?khau|secret|token|api_?key|private_key)$", re.IGNORECASE
)
#: Nobody to turn to.
_NOBODY = frozenset(("", "?", "-", "todo", "tbd", "unknown", "nobody", "you", "your name", "me"))
_IMPORT = """
import socket, sys
def refused(self, address): raise SystemExit(f"it connects to {address} when it is imported")
socket.socket.connect = refused
from pathlib import Path
from aggregator.sdk.discovery import discover, found_in
found = found_in(Path(sys.argv[1])) if sys.argv[1] else discover()[sys.argv[2]]
before = set(sys.modules)
found.connector()
parts = ("aggregator.storage", "aggregator.services", "aggregator.domain", "aggregator.cli", "inbox_web",
         "sqlalchemy", "flask", "pytest")
loaded = sorted(m for m in set(sys.modules) - before if m.startswith(parts))
if loaded: raise SystemExit("importing it loads " + ", ".join(loaded[:5]))
"""


@check("contract-manifest")
def manifest_is_valid(trial: Trial) -> None:
    manifest = load_manifest(trial.manifest.folder)
    for name, words in (("title", manifest.title), ("description", manifest.description)):
        for language in ("vi", "en"):
            expect(words[language].strip(), f"{name}.{language} is empty")
        expect(words["vi"] != words["en"], f"{name}: the Vietnamese and the English text are the same")


@check("contract-settings")
def settings_can_be_drawn(trial: Trial) -> None:
    properties = trial.manifest.config_schema.get("properties", {})
    for name, one in properties.items():
        expect(one.get("title"), f"setting {name} has no title")
        expect(one.get("type") or one.get("enum"), f"setting {name} has neither type nor enum")
    with trial.channel(0) as channel, channel.context() as ctx:
        given = {k: v for k, v in ctx.config.items() if k in properties}
        problems = validate_config(trial.manifest, given, ctx.secrets)
        expect(not problems, f"the scenario's own settings are refused: {'; '.join(problems)}")


@check("contract-secrets")
def secrets_are_marked(trial: Trial) -> None:
    hidden = secret_names(trial.manifest)
    named = [n for n in trial.manifest.config_schema.get("properties", {}) if _SECRET.search(n)]
    open_ones = [name for name in named if name not in hidden]
    expect(not open_ones, f"not marked secret: {', '.join(open_ones)}")


@check("contract-unknown-setting")
def unknown_setting_is_refused(trial: Trial) -> None:
    problems = validate_config(trial.manifest, {**with_defaults(trial.manifest, {}), "no_such_setting": 1})
    expect(
        any("no_such_setting" in problem for problem in problems),
        "'no_such_setting' is taken without a word: set additionalProperties: false",
    )


@check("contract-quiet-import")
def import_is_quiet(trial: Trial) -> None:
    # In a process of its own: here everything is loaded already.
    installed = trial.subject.found.origin == "entry point"
    where = "" if installed else str(trial.manifest.folder)
    done = subprocess.run(
        [sys.executable, "-c", _IMPORT, where, trial.manifest.id], capture_output=True, text=True, check=False
    )
    expect(done.returncode == 0, (done.stderr.strip().splitlines() or ["it cannot be imported"])[-1])


@check("contract-capabilities")
def capabilities_are_true(trial: Trial) -> None:
    can, connector = trial.manifest.capabilities, trial.subject.connector
    promised = (
        ("fetch", can.fetch, isinstance(connector, Fetches)),
        ("backfill", can.backfill != "none", isinstance(connector, Backfills)),
        ("webhook", can.webhook, isinstance(connector, TakesWebhooks)),
    )
    for name, says, has in promised:
        expect(has or not says, f"capability {name} is promised, and the connector has no such method")
    expect(
        not can.push_reply or can.idempotency != "none" or not can.push_status,
        "it pushes without any way to tell whether an answer arrived",
    )


@check("maintainer")
def maintainer_is_named(trial: Trial) -> None:
    name = trial.manifest.maintainer.strip()
    expect(name.lower() not in _NOBODY, f"maintainer: {name!r} is nobody")


# -- check() -------------------------------------------------------------------------------------


@check("check-passes")
def check_passes(trial: Trial) -> None:
    with trial.channel(3) as channel:
        before = channel.stage.writes()
        steps = _steps(channel)
        bad = [step for step in steps if not step.ok]
        expect(not bad, f"step {bad[0].name!r} fails: {bad[0].detail}" if bad else "")
        expect(steps, "check() names no step")
        expect(channel.stage.writes() == before, "check() wrote to the portal")


@check("check-host-down")
def check_of_dead_host(trial: Trial) -> None:
    trial.needs(network=True)
    with trial.channel(3) as channel:
        channel.stage.fault("outage")
        _fails_with_hint(_steps(channel))


@check("check-wrong-password")
def check_of_wrong_password(trial: Trial) -> None:
    with trial.channel(3) as channel:
        with channel.context() as ctx:
            secrets = dict(ctx.secrets)
        names = [n for n in secrets if _SECRET.search(n)] or list(secrets)
        if not names:
            raise NotApplicable("it needs no password")
        wrong = {**secrets, **dict.fromkeys(names, "không-phải-mật-khẩu")}
        _fails_with_hint(_steps(channel, secrets=wrong))


@check("check-wrong-path")
def check_of_wrong_path(trial: Trial) -> None:
    with trial.channel(3) as channel:
        with channel.context() as ctx:
            wrong = _elsewhere(ctx.config)
        expect(wrong, "no setting holds an address or a folder")
        _fails_with_hint(_steps(channel, config=wrong))


def _elsewhere(config: Mapping[str, Any]) -> dict[str, str]:
    """The settings that say where, pointing to a place that is not there."""
    return {
        name: value.rstrip("/") + "/khong-co-o-day"
        for name, value in config.items()
        if isinstance(value, str) and value.startswith(("http://", "https://", "/")) and len(value) > 1
    }


@check("check-refused")
def check_tells_missing_rights(trial: Trial) -> None:
    trial.needs(http=True)
    with trial.channel(3) as channel:
        seen: list[str] = []
        channel.stage.rewrite(noting(seen))
        _steps(channel)
        for number in range(len(seen)):
            channel.stage.rewrite(_refused_at(number))
            steps = _steps(channel)
            if all(step.ok for step in steps):
                fail(f"check() passes though request {number + 1} ({seen[number]}) was answered with 403")
            _fails_with_hint(steps)


def noting(paths: list[str]) -> Rewrite:
    """Changes nothing, and writes down what is asked for."""

    def note(page: Page) -> Page:
        paths.append(page.path)
        return page

    return note


def _refused_at(number: int) -> Rewrite:
    count = iter(range(10_000))

    def refuse(page: Page) -> Page:
        return page.changed(status=403, content=b"forbidden") if next(count) >= number else page

    return refuse


def _steps(channel: Channel, **options: Any) -> list[CheckResult]:
    channel.state = {}
    with channel.context(**options) as ctx:
        return channel.connector.check(ctx)


def _fails_with_hint(steps: list[CheckResult]) -> None:
    bad = [step for step in steps if not step.ok]
    expect(bad, "every step passes")
    expect(bad[0].name.strip(), "the failing step has no name")
    expect(bad[0].detail.strip(), f"step {bad[0].name!r} does not say what it found")
    expect(bad[0].hint.strip(), f"step {bad[0].name!r} does not say what to do")
