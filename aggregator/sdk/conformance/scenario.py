"""The portal that a connector is judged on: how it is started, filled, spoiled, and asked what it shows.

A connector's own ``sandbox`` module is the scenario. It has one of three makers, and says how a channel
is set up against what was made:

    build(scenario) -> Portal                   a simulated portal (see `aggregator.sdk.sandbox`)
    write(folder, reports, scenario) -> None    files dropped into a folder; replaces what is there
    settings_for(where, scenario) -> (config, secrets)    `where`: the portal's address, or the folder
    stage(manifest, reports, scenario) -> Stage  of servers that speak no HTTP; sets itself up. `lacking()`
                                                names a program that this machine lacks for it, or None
    SCENARIO = {...}                            optional: what `build` and `settings_for` are given
    a_report(n) -> neutral report               optional: the reports to fill it with (invented people)
    calls(portal, url) -> list[WebhookRequest]  of a source that calls us: all that it would send now, signed

What may surprise: the portal is expected to keep the ids of the neutral reports. A connector without a
``sandbox`` is judged on recorded exchanges alone (``recorded/`` beside its manifest, see `cassette`): such a
portal runs and takes faults, but nobody can put a report into it, so the rules that need that do not apply.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import ModuleType
from typing import Any

from aggregator.errors import ConfigInvalid
from aggregator.sdk import cassette
from aggregator.sdk.cassette import Cassette
from aggregator.sdk.conformance.recorded import RecordedPortal
from aggregator.sdk.conformance.stages import START, FolderStage, PortalStage, Stage
from aggregator.sdk.contract import Manifest
from aggregator.sdk.discovery import Found

__all__ = ["Lacking", "Scenario", "a_report", "scenario_of"]

#: The folder beside a manifest where its recording is looked for.
RECORDED = "recorded"


class Lacking(ConfigInvalid):
    """This machine lacks a program that the scenario needs."""


def a_report(number: int) -> dict[str, Any]:
    """An invented report. They lie further apart than they are doubted by careful cursors."""
    sent = START - timedelta(days=25) + timedelta(minutes=110 * number)
    return {
        "id": str(1000 + number),
        "subject": f"Đèn đường số {number} không sáng",
        "body": f"Đèn trước nhà số {number} tắt đã ba đêm, hẻm rất tối.",
        "name": f"Nguyễn Thị Thử {number}",
        "phone": f"090{number:07d}",
        "email": f"thu{number}@example.vn",
        "address": f"{number} đường Thử Nghiệm",
        "area": "Phường Nhiêu Lộc",
        "lat": 10.78 + number / 10_000,
        "lng": 106.68,
        "category": "Chiếu sáng",
        "urgency": "1",
        "created": sent.isoformat(),
    }


@dataclass(frozen=True, slots=True)
class Scenario:
    """How stages are started, and what they are good for."""

    #: A portal holding these reports (where `fillable`; else what was recorded).
    open: Callable[[Sequence[Mapping[str, Any]]], Stage]
    #: The neutral report of a number.
    a_report: Callable[[int], dict[str, Any]] = a_report
    #: Reports may be put in.
    fillable: bool = True
    #: There is a line that can fail, and it speaks HTTP.
    network: bool = True
    http: bool = True
    #: The portal is a simulated one, not a recording.
    simulated: bool = True
    #: The source calls us.
    called: bool = False


def scenario_of(found: Found, manifest: Manifest, given: Mapping[str, Any] | None = None) -> Scenario:
    """The scenario that comes with a connector; `given` goes over its SCENARIO. Raises `ConfigInvalid` where
    there is none, `Lacking` where this machine cannot play it."""
    module = found.sandbox()
    if module is not None and (makes := _maker(module)) is not None:
        return makes(manifest, module, {**getattr(module, "SCENARIO", {}), **(given or {})})
    if (manifest.folder / RECORDED / cassette.FILE).is_file():
        return _recorded(manifest, cassette.load(manifest.folder / RECORDED))
    raise ConfigInvalid(
        f"connector {manifest.id} has nothing to be judged on: no sandbox.py and no {RECORDED}/ "
        "beside its manifest",
        hint=f"Write a simulated portal, or record the real one: motmoi connector record --into …/{RECORDED}",
    )


_Makes = Callable[[Manifest, ModuleType, Mapping[str, Any]], Scenario]


def _maker(module: ModuleType) -> _Makes | None:
    makers: dict[str, _Makes] = {"write": _of_files, "build": _served, "stage": _own}
    return next((made for name, made in makers.items() if hasattr(module, name)), None)


def _report_of(module: ModuleType) -> Callable[[int], dict[str, Any]]:
    return getattr(module, "a_report", a_report)


def _served(manifest: Manifest, module: ModuleType, given: Mapping[str, Any]) -> Scenario:
    settings = getattr(module, "settings_for", None) or _plain_settings
    calls = getattr(module, "calls", None)

    def opened(reports: Sequence[Mapping[str, Any]]) -> Stage:
        portal = module.build({**given, "reports": [dict(one) for one in reports]})
        return PortalStage(manifest, portal, lambda url: settings(url, given), calls)

    return Scenario(opened, _report_of(module), called=calls is not None)


def _plain_settings(url: str, scenario: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    return {"base_url": url, **scenario.get("config", {})}, dict(scenario.get("secrets", {}))


def _of_files(manifest: Manifest, module: ModuleType, given: Mapping[str, Any]) -> Scenario:
    def opened(reports: Sequence[Mapping[str, Any]]) -> Stage:
        return FolderStage(manifest, module, given, reports)

    return Scenario(opened, _report_of(module), network=False, http=False)


def _own(manifest: Manifest, module: ModuleType, given: Mapping[str, Any]) -> Scenario:
    """Of servers that speak no HTTP."""
    if lacks := module.lacking():
        raise Lacking(f"connector {manifest.id} cannot be judged on this machine: {lacks}")

    def opened(reports: Sequence[Mapping[str, Any]]) -> Stage:
        made: Stage = module.stage(manifest, reports, given)
        return made

    return Scenario(opened, _report_of(module), http=False)


def _recorded(manifest: Manifest, kept: Cassette) -> Scenario:
    """What ``motmoi connector record`` kept of a real portal. The clock stands where it was recorded."""

    def opened(_reports: Sequence[Mapping[str, Any]]) -> Stage:
        portal = RecordedPortal(kept)
        stage = PortalStage(manifest, portal, lambda url: (portal.config(url), dict(kept.secrets)))
        stage.now = kept.at
        return stage

    return Scenario(opened, fillable=False, simulated=False)
