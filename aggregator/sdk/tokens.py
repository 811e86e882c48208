"""Tokens that renew themselves: read by many, changed by one at a time, saved before they are used.

    with ctx.tokens.alone() as values:      nobody else changes them meanwhile, on any machine
        if still_old(values):               somebody may have renewed them while we waited
            values.update(renewed(...))     over the network; the old refresh token is spent now
    use(values)                             what is new is on disk by here

Promise: when the block ends, what changed is stored, whatever happens afterwards. What may surprise:
this is not `Context.state`, which is saved together with what was read, is forgotten when the channel's
settings change, and may be lost without harm. A refresh token that is good for one use may not.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

__all__ = ["Tokens", "TokensInMemory"]


class Tokens(Protocol):
    """One channel's tokens."""

    def read(self) -> Mapping[str, Any]:
        """The values as they are stored now, whoever renewed them."""
        ...

    def alone(self) -> AbstractContextManager[dict[str, Any]]:
        """The stored values, to be changed in place; nobody else is in such a block of this channel.

        Raises `Transient` where somebody else does not come out of theirs.
        """
        ...


class TokensInMemory:
    """Tokens of one process, for tests and for trying a connector."""

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        self._values = dict(values or {})
        self._lock = threading.Lock()

    def read(self) -> Mapping[str, Any]:
        return dict(self._values)

    @contextmanager
    def alone(self) -> Iterator[dict[str, Any]]:
        with self._lock:
            values = dict(self._values)
            try:
                yield values
            finally:
                self._values = values
