"""Nothing outside this machine is reached while a connector is judged, and what it tried is told.

What may surprise: the guard is the process's, not the thread's. The simulated portal runs in a thread
of its own on the loopback, which is let through; sleeping is noticed in the judging thread alone.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakSet

__all__ = ["Guard", "OutsideNetwork", "offline"]


class OutsideNetwork(OSError):
    """A connection to somewhere else was refused."""


@dataclass(slots=True)
class Guard:
    """What was seen while the guard stood."""

    #: ``host:port`` of everything tried outside the loopback.
    strays: list[str] = field(default_factory=list)
    #: Seconds slept by the judging thread.
    sleeps: list[float] = field(default_factory=list)
    #: Connections made by the judging thread.
    opened: WeakSet[socket.socket] = field(default_factory=WeakSet)
    #: Ports on the loopback that it connected to.
    ports: set[int] = field(default_factory=set)

    def admit(self, address: Any) -> None:
        """Let a loopback address through; note and refuse every other."""
        host, port = (address[0], address[1]) if isinstance(address, tuple) else (str(address), 0)
        if not _is_here(str(host)):
            self.strays.append(f"{host}:{port}")
            raise OutsideNetwork(f"the conformance suite runs offline: {host}:{port} was not reached")


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.split("%")[0]).is_loopback
    except ValueError:
        return host in ("localhost", "")


@contextmanager
def offline() -> Iterator[Guard]:
    """Refuse every connection but to the loopback until the block ends."""
    guard, judging = Guard(), threading.get_ident()
    connect, find, sleep = socket.socket.connect, socket.getaddrinfo, time.sleep

    def guarded_connect(self: socket.socket, address: Any) -> None:
        guard.admit(address)
        if threading.get_ident() == judging:
            guard.opened.add(self)
            guard.ports.add(int(address[1]))
        connect(self, address)

    def guarded_find(host: Any, port: Any, *more: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else str(host or "")
        guard.admit((name, port))
        return find(host, port, *more, **options)

    def noted_sleep(seconds: Any) -> None:
        if threading.get_ident() == judging:
            guard.sleeps.append(seconds)
        sleep(seconds)

    socket.socket.connect = guarded_connect  # type: ignore[assignment,method-assign]
    socket.getaddrinfo, time.sleep = guarded_find, noted_sleep
    try:
        yield guard
    finally:
        socket.socket.connect = connect  # type: ignore[method-assign]
        socket.getaddrinfo, time.sleep = find, sleep
