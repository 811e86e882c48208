"""One request of a session and the redirects it is sent on: where next, how, and what may have left.

Promise: a redirect never takes a key to another host, never leads down from https, and never repeats a write;
what fails after a write may have left is `UnknownOutcome`.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from aggregator.errors import (
    AuthFailed,
    BotChallenge,
    ChannelError,
    ConfigInvalid,
    Permanent,
    RateLimited,
    UnknownOutcome,
)
from aggregator.sdk.answers import Response
from aggregator.sdk.egress import host_of


class Journey:
    """The state of one journey: where next, how, and whether a write may have left."""

    def __init__(
        self, method: str, url: str, headers: dict[str, str], effect: bool, follow: bool, hops: int
    ) -> None:
        self.method, self.url, self.headers = method, url, headers
        self.effect, self.follow, self.hops_left = effect, follow, hops
        self.body: dict[str, Any] = {}
        #: The portal has begun to answer the first request.
        self.sent = False
        self.hopped = False
        self._moved = False

    def hop(self, target: str, response: Response) -> None:
        """Point at the redirect's target, or raise where it must not be followed."""
        status, here = response.status, shown_address(target)
        if self.hops_left == 0:
            raise ConfigInvalid(f"too many redirects, the last to {here}", evidence=response.evidence())
        same_host = host_of(target) == host_of(self.url)
        if self.url.startswith("https:") and not target.startswith("https:"):
            raise ConfigInvalid(f"redirect from https down to {here} refused", evidence=response.evidence())
        if self.effect and not self.hopped:
            self._moved = status not in (302, 303)
            if self._moved or not same_host:
                raise ConfigInvalid(f"a write was redirected to {here}", evidence=response.evidence())
        if status == 303 or self.effect or (status in (301, 302) and self.method == "POST"):
            self.method, self.body = "GET", {}
        self.body = {**self.body, "params": None}
        if not same_host:  # keys and tokens are this host's alone
            harmless = ("accept", "accept-language")
            self.headers = {k: v for k, v in self.headers.items() if k.lower() in harmless}
        self.url, self.hops_left, self.hopped = target, self.hops_left - 1, True

    def settled(self, error: ChannelError) -> ChannelError:
        """The error, or `UnknownOutcome` where a write may have left before it.

        Known to be undone: nothing was sent; the portal refused that very request; or it asked for
        the write at another address (301, 307, 308).
        """
        refused = isinstance(error, AuthFailed | BotChallenge | Permanent | RateLimited) and not self.hopped
        if not (self.effect and self.sent) or refused or self._moved or isinstance(error, UnknownOutcome):
            return error
        return UnknownOutcome(f"{error.message}: the write may have taken effect", evidence=error.evidence)


def shown_address(url: str) -> str:
    """The address without user and without query values."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}" + ("?…" if parts.query else "")
