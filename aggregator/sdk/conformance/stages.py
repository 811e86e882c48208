"""What runs while a connector is judged: a portal or a folder of files, and a channel set up against it.

A stage is filled, spoiled (`rewrite`, `fault`) and asked what it shows; which one a connector is judged on
is said in `scenario`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from aggregator.sdk.contract import Context, Manifest, WebhookRequest
from aggregator.sdk.sandbox import Fault, Portal, Request, Response, Running, serve
from aggregator.sdk.testing import context_for

__all__ = ["START", "FolderStage", "Page", "PortalStage", "Rewrite", "Stage"]

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

    def files_shown(self, external_id: str) -> list[str]:
        """The SHA-256 of the files that stand with these answers, in the portal's order."""
        ...

    def writes(self) -> int:
        """How often something was written to the portal."""
        ...

    def close(self) -> None:
        """Stop serving."""
        ...


_Settings = Callable[[str], tuple[dict[str, Any], dict[str, str]]]
_Calls = Callable[[Portal, str], list[WebhookRequest]]


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

    def files_shown(self, external_id: str) -> list[str]:
        given = self._portal.answers.get(external_id, ())
        return [file.sha256 for answer in given for file in answer.files]

    def writes(self) -> int:
        return self._portal.writes

    def close(self) -> None:
        self._running.close()


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


class FolderStage:
    """Files in a folder: no network, so only the files themselves can be spoiled."""

    def __init__(
        self, manifest: Manifest, module: ModuleType, given: Mapping[str, Any],
        reports: Sequence[Mapping[str, Any]],
    ) -> None:  # fmt: skip
        self._manifest, self._module = manifest, module
        self._holder = tempfile.TemporaryDirectory(prefix="motmoi-conformance-")
        self._folder = Path(self._holder.name)
        self._scenario = dict(given)
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

    def files_shown(self, external_id: str) -> list[str]:
        return []

    def writes(self) -> int:
        return 0

    def close(self) -> None:
        self._holder.cleanup()
