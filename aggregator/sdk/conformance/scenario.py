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

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from aggregator.errors import ConfigInvalid
from aggregator.sdk import cassette
from aggregator.sdk.cassette import Cassette
from aggregator.sdk.conformance.recorded import RecordedPortal
from aggregator.sdk.contract import Context, Manifest, WebhookRequest
from aggregator.sdk.discovery import Found
from aggregator.sdk.sandbox import Fault, Portal, Request, Response, Running, serve
from aggregator.sdk.testing import context_for

__all__ = ["Lacking", "Page", "Rewrite", "Scenario", "Stage", "a_report", "scenario_of"]

#: The folder beside a manifest where its recording is looked for.
RECORDED = "recorded"
#: When the scenarios play. Reports are some days old by then.
START = datetime(2026, 10, 20, 2, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of the portal (or one of its files) on its way to the connector."""

    path: str
    query: str
    content: bytes
    content_type: str
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()

    def changed(self, **parts: Any) -> Page:
        """The page with other parts."""
        return replace(self, **parts)


Rewrite = Callable[[Page], Page]


class Lacking(ConfigInvalid):
    """This machine lacks a program that the scenario needs."""


class Stage(Protocol):
    """A portal that runs, and a channel set up against it. `close` it."""

    #: What the portal's clock and ours say.
    now: datetime

    def context(self, state: dict[str, Any], **options: Any) -> Context:
        """A context of one call; its `http` is the caller's to close. `secrets` and `config` may be given."""
        ...

    def put(self, reports: Iterable[Mapping[str, Any]]) -> None:
        """Add reports, or edit those with a known id."""
        ...

    def ids(self) -> set[str] | None:
        """The ids that the portal holds; None where only reading tells."""
        ...

    def rewrite(self, change: Rewrite | None) -> None:
        """Spoil every answer from now on; None ends that."""
        ...

    def fault(self, kind: str, count: int | None = None, path: str | None = None, **options: Any) -> Fault:
        """A fault of `aggregator.sdk.sandbox`, until `mend`."""
        ...

    def mend(self) -> None:
        """End all faults and rewriting."""
        ...

    def signed_in(self) -> bool:
        """Whether the portal holds a session of ours."""
        ...

    def end_sessions_at(self, number: int) -> None:
        """Sign everybody out just before the request of this number (from 0); a rewriting."""
        ...

    def calls(self) -> list[WebhookRequest] | None:
        """What the source would send us now, signed; None where it is polled."""
        ...

    def shown(self, external_id: str) -> list[str]:
        """The answers that a citizen sees at the portal, in its order."""
        ...

    def writes(self) -> int:
        """How often something was written to the portal."""
        ...

    def close(self) -> None:
        """Stop serving."""
        ...


class Scenario(Protocol):
    """Starts stages. `fillable`: reports may be put in. `network`: there is a line that can fail; `http`: it
    speaks HTTP."""

    @property
    def fillable(self) -> bool: ...
    @property
    def network(self) -> bool: ...
    @property
    def http(self) -> bool: ...
    @property
    def simulated(self) -> bool: ...
    @property
    def called(self) -> bool:
        """Whether the source calls us."""
        ...

    def open(self, reports: Sequence[Mapping[str, Any]]) -> Stage:
        """A portal holding these reports (where `fillable`; else what was recorded)."""
        ...

    def a_report(self, number: int) -> dict[str, Any]:
        """The neutral report of this number."""
        ...


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


# -- simulated portals ---------------------------------------------------------------------------


class PortalStage:
    """A served `Portal`. Also what recorded exchanges are played on."""

    def __init__(
        self, manifest: Manifest, portal: Portal, settings: _Settings, calls: _Calls | None = None
    ) -> None:
        self._manifest, self._portal, self._calls = manifest, portal, calls
        self._running: Running = serve(portal)
        self.config, self.secrets = settings(self._running.url)
        self.now = START
        portal.clock = lambda: self.now

    @property
    def url(self) -> str:
        return self._running.url

    def context(self, state: dict[str, Any], **options: Any) -> Context:
        config = {**self.config, **options.pop("config", {})}
        secrets = options.pop("secrets", self.secrets)
        where = options.pop("url", self._running.url)
        return context_for(where, self._manifest, config, secrets, lambda: self.now, state=state, **options)

    def put(self, reports: Iterable[Mapping[str, Any]]) -> None:
        self._portal.load(reports)

    def ids(self) -> set[str] | None:
        return set(self._portal.reports) or None

    def rewrite(self, change: Rewrite | None) -> None:
        self._portal.rewrite = _rewriting(change) if change else None

    def fault(self, kind: str, count: int | None = None, path: str | None = None, **options: Any) -> Fault:
        made = Fault.of({"kind": kind, "count": count, "path": path, **options})
        self._portal.faults.append(made)
        return made

    def mend(self) -> None:
        self._portal.faults.clear()
        self._portal.rewrite = None

    def calls(self) -> list[WebhookRequest] | None:
        return None if self._calls is None else self._calls(self._portal, self.url)

    def signed_in(self) -> bool:
        return bool(self._portal.sessions)

    def end_sessions_at(self, number: int) -> None:
        left = number

        def ending(_request: Request, response: Response) -> Response:
            nonlocal left
            left -= 1
            if left == 0:
                self._portal.sessions.clear()
            return response

        if number == 0:
            self._portal.sessions.clear()
        self._portal.rewrite = ending

    def shown(self, external_id: str) -> list[str]:
        return [answer.body for answer in self._portal.answers.get(external_id, ())]

    def writes(self) -> int:
        return self._portal.writes

    def close(self) -> None:
        self._running.close()


_Settings = Callable[[str], tuple[dict[str, Any], dict[str, str]]]
_Calls = Callable[[Portal, str], list[WebhookRequest]]


def _rewriting(change: Rewrite) -> Callable[[Request, Response], Response]:
    def rewritten(request: Request, response: Response) -> Response:
        content = response.get_data()
        query = request.query_string.decode("utf-8", "replace")
        before = Page(request.path, query, content, response.content_type or "", response.status_code)
        after = change(before)
        if after is before:
            return response
        if after.status == before.status:
            response.set_data(after.content)
            response.content_type = after.content_type
        else:
            response = Response(after.content, after.status, content_type=after.content_type)
        for name, value in after.headers:
            response.headers[name] = value
        return response

    return rewritten


@dataclass(frozen=True, slots=True)
class SandboxScenario:
    """What a connector's ``sandbox.build`` makes."""

    manifest: Manifest
    module: ModuleType
    #: Over the module's SCENARIO.
    given: Mapping[str, Any]
    fillable: bool = True
    network: bool = True
    http: bool = True
    simulated: bool = True

    def open(self, reports: Sequence[Mapping[str, Any]]) -> PortalStage:
        given = {**getattr(self.module, "SCENARIO", {}), **self.given}
        portal = self.module.build({**given, "reports": [dict(one) for one in reports]})
        settings = getattr(self.module, "settings_for", None) or _plain_settings
        calls = getattr(self.module, "calls", None)
        return PortalStage(self.manifest, portal, lambda url: settings(url, given), calls)

    @property
    def called(self) -> bool:
        return hasattr(self.module, "calls")

    def a_report(self, number: int) -> dict[str, Any]:
        return dict(getattr(self.module, "a_report", a_report)(number))


def _plain_settings(url: str, scenario: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    return {"base_url": url, **scenario.get("config", {})}, dict(scenario.get("secrets", {}))


# -- folders of files ----------------------------------------------------------------------------


class FolderStage:
    """Files in a folder: no network, so only the files themselves can be spoiled."""

    def __init__(self, manifest: Manifest, module: ModuleType, reports: Sequence[Mapping[str, Any]]) -> None:
        self._manifest, self._module = manifest, module
        self._holder = tempfile.TemporaryDirectory(prefix="motmoi-conformance-")
        self._folder = Path(self._holder.name)
        self._scenario = dict(getattr(module, "SCENARIO", {}))
        self._reports: dict[str, Mapping[str, Any]] = {}
        self._change: Rewrite | None = None
        self.now = START
        self.config, self.secrets = module.settings_for(self._folder, self._scenario)
        self.put(reports)

    def context(self, state: dict[str, Any], **options: Any) -> Context:
        config = {**self.config, **options.pop("config", {})}
        options.pop("url", None)
        options.setdefault("secrets", self.secrets)
        # The address answers nobody: a connector of files that tried the network would fail here.
        return context_for(
            "http://127.0.0.1:9", self._manifest, config, now=lambda: self.now, state=state, **options
        )

    def put(self, reports: Iterable[Mapping[str, Any]]) -> None:
        self._reports.update({str(one["id"]): one for one in reports})
        self._write()

    def _write(self) -> None:
        self._module.write(self._folder, list(self._reports.values()), self._scenario)
        if self._change is not None:
            for path in sorted(p for p in self._folder.iterdir() if p.is_file()):
                before = Page(path.name, "", path.read_bytes(), "")
                path.write_bytes(self._change(before).content)

    def ids(self) -> set[str] | None:
        return set(self._reports)

    def rewrite(self, change: Rewrite | None) -> None:
        self._change = change
        self._write()

    def fault(self, kind: str, count: int | None = None, path: str | None = None, **options: Any) -> Fault:
        raise NotImplementedError("a folder has no network to fail")

    def mend(self) -> None:
        self.rewrite(None)

    def calls(self) -> list[WebhookRequest] | None:
        return None

    def signed_in(self) -> bool:
        return False

    def end_sessions_at(self, number: int) -> None:
        """Nobody is signed in."""

    def shown(self, external_id: str) -> list[str]:
        return []

    def writes(self) -> int:
        return 0

    def close(self) -> None:
        self._holder.cleanup()


@dataclass(frozen=True, slots=True)
class FolderScenario:
    """What a connector's ``sandbox.write`` makes."""

    manifest: Manifest
    module: ModuleType
    fillable: bool = True
    network: bool = False
    http: bool = False
    simulated: bool = True
    called: bool = False

    def open(self, reports: Sequence[Mapping[str, Any]]) -> FolderStage:
        return FolderStage(self.manifest, self.module, reports)

    def a_report(self, number: int) -> dict[str, Any]:
        return dict(getattr(self.module, "a_report", a_report)(number))


# -- other protocols -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OwnScenario:
    """What a connector's ``sandbox.stage`` makes, of servers that speak no HTTP."""

    manifest: Manifest
    module: ModuleType
    given: Mapping[str, Any]
    fillable: bool = True
    network: bool = True
    http: bool = False
    simulated: bool = True
    called: bool = False

    def open(self, reports: Sequence[Mapping[str, Any]]) -> Stage:
        given = {**getattr(self.module, "SCENARIO", {}), **self.given}
        made: Stage = self.module.stage(self.manifest, reports, given)
        return made

    def a_report(self, number: int) -> dict[str, Any]:
        return dict(getattr(self.module, "a_report", a_report)(number))


# -- recorded exchanges --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RecordedScenario:
    """What ``motmoi connector record`` kept of a real portal. The clock stands where it was recorded."""

    manifest: Manifest
    cassette: Cassette
    fillable: bool = False
    network: bool = True
    http: bool = True
    simulated: bool = False
    called: bool = False

    def open(self, reports: Sequence[Mapping[str, Any]]) -> PortalStage:
        portal = RecordedPortal(self.cassette)
        secrets = dict(self.cassette.secrets)
        stage = PortalStage(self.manifest, portal, lambda url: (portal.config(url), secrets))
        stage.now = self.cassette.at
        return stage

    def a_report(self, number: int) -> dict[str, Any]:
        return a_report(number)


# -- which one -----------------------------------------------------------------------------------


def scenario_of(found: Found, manifest: Manifest, given: Mapping[str, Any] | None = None) -> Scenario:
    """The scenario that comes with a connector. Raises `ConfigInvalid` where there is none."""
    module = found.sandbox()
    if module is not None and hasattr(module, "write"):
        return FolderScenario(manifest, module)
    if module is not None and hasattr(module, "build"):
        return SandboxScenario(manifest, module, given or {})
    if module is not None and hasattr(module, "stage"):
        if lacks := module.lacking():
            raise Lacking(f"connector {manifest.id} cannot be judged on this machine: {lacks}")
        return OwnScenario(manifest, module, given or {})
    if (manifest.folder / RECORDED / cassette.FILE).is_file():
        return RecordedScenario(manifest, cassette.load(manifest.folder / RECORDED))
    raise ConfigInvalid(
        f"connector {manifest.id} has nothing to be judged on: no sandbox.py and no {RECORDED}/ "
        "beside its manifest",
        hint=f"Write a simulated portal, or record the real one: motmoi connector record --into …/{RECORDED}",
    )
