"""Five portals of five kinds, and the channels that speak to them.

    agency    takes our key, and shows what it has           webhook
    keyed     takes our key, and shows nothing               by_key (beside this file)
    city      shows what it has; signs in by token           portal_1022
    district  web pages only; signs in by form               district_html
    one_way   neither key nor reading back: people look      one_way (beside this file)

What a portal has taken is what it would show a citizen: `answers`, counted by the number in the words.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from aggregator.sdk.contract import Context, PushCommand, PushResult, RemoteState, SourceStatus
from aggregator.sdk.discovery import Found, discover
from aggregator.sdk.sandbox import Portal, Request, Response, reply
from connectors.district_html import sandbox as district
from connectors.portal_1022 import sandbox as city
from connectors.webhook import sandbox as agency

HERE = Path(__file__).parent
#: The number of an answer, as it stands in its words and so in whatever carries them.
NUMBER = re.compile(r"m\d{5}")


class Plain(Portal):
    """One path that takes answers, and nothing to read."""

    kind = "plain"

    def __init__(self, *, keeps_keys: bool) -> None:
        super().__init__()
        self._keeps_keys = keeps_keys
        self.keys: set[str] = set()
        self.route("/phan-anh/<id_>/tra-loi", ["POST"])(self._take)

    def _take(self, request: Request, id_: str) -> Response:
        given = request.get_json(force=True)
        if id_ not in self.reports:
            return reply({"error": "no such report"}, 404)
        if self._keeps_keys and given["ma"] in self.keys:
            return reply({"error": "have it"}, 409)
        self.keys.add(given.get("ma", ""))
        self.answer(id_, given["noiDung"])
        return reply({"ok": True})


@dataclasses.dataclass(frozen=True, slots=True)
class Kind:
    """How one of the five is built, and what its channel is set to."""

    connector: str
    build: Callable[[], Portal]
    settings: Callable[[str], tuple[dict[str, Any], dict[str, str]]]
    #: A second post with the same key is the look: the portal refuses what it has.
    by_key: bool = False


_CITY = {"auth": "jwt", "accounts": {"lan": "mat-khau-thu"}}


def _city_settings(url: str) -> tuple[dict[str, Any], dict[str, str]]:
    config, secrets = city.settings_for(url, _CITY)
    return {**config, "scope": "officer"}, secrets


KINDS: Mapping[str, Kind] = {
    "agency": Kind("webhook", lambda: agency.build({}), lambda url: agency.settings_for(url, {}), True),
    "keyed": Kind("by_key", lambda: Plain(keeps_keys=True), lambda url: ({"base_url": url}, {}), True),
    "city": Kind("portal_1022", lambda: city.build(_CITY), _city_settings),
    "district": Kind("district_html", lambda: district.build({}), lambda url: district.settings_for(url, {})),
    "one_way": Kind("one_way", lambda: Plain(keeps_keys=False), lambda url: ({"base_url": url}, {})),
}


def connectors(*, blind: bool) -> dict[str, Found]:
    """The connectors as they are, without the pause that polite ones keep by the machine's own clock."""
    found = discover([HERE / "connectors"])
    return {kind.connector: _fitted(found[kind.connector], blind) for kind in KINDS.values()}


def _fitted(found: Found, blind: bool) -> Found:
    assert found.manifest is not None, found.problem
    manifest = dataclasses.replace(found.manifest, defaults={**found.manifest.defaults, "min_gap_s": 0})
    fitted = dataclasses.replace(found, manifest=manifest)
    return dataclasses.replace(fitted, _loaded=Blind(found.connector())) if blind else fitted


class Blind:
    """A connector with its reading back taken out, its own and ours: the control."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def push(self, ctx: Context, command: PushCommand) -> PushResult:
        result: PushResult = self._real.push(ctx, dataclasses.replace(command, attempt=1))
        return result

    def lookup(self, _ctx: Context, _command: PushCommand) -> RemoteState:
        return RemoteState(SourceStatus.NEW)


def taken(portal: Portal) -> Counter[str]:
    """How often the portal shows each answer, by its number."""
    with portal.lock:
        return Counter(number for given in portal.answers.values() for number in numbers(given))


def numbers(given: Any) -> list[str]:
    """The numbers of these answers, in the order in which the portal took them."""
    return [found[0] for one in given if (found := NUMBER.search(one.body))]
