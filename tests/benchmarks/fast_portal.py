"""Portals without limits, in a process of their own: take answers over HTTP/1.1 and tell when they came.

    with fast_portals(5) as portals: ...    portal.url, portal.arrivals()

It parses as little as HTTP allows, so that what is measured beside it is the product and not the portal.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_YES = b'{"ok": true}'
_ARRIVED: dict[int, list[float]] = {}


@dataclass(frozen=True, slots=True)
class FastPortal:
    url: str

    def arrivals(self) -> list[float]:
        """When each answer came, in seconds."""
        with urllib.request.urlopen(f"{self.url}/arrivals") as answer:
            found: list[float] = json.loads(answer.read())
        return found


@contextmanager
def fast_portals(count: int = 1) -> Iterator[list[FastPortal]]:
    command = [sys.executable, "-m", "tests.benchmarks.fast_portal", str(count)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        ports = process.stdout.readline().split()
        yield [FastPortal(f"http://127.0.0.1:{port}") for port in ports]
    finally:
        process.kill()
        process.wait()


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = head.lower().partition(b"content-length:")[2].partition(b"\r")[0]
            await reader.readexactly(int(length or 0))
            arrived = _ARRIVED.setdefault(writer.get_extra_info("sockname")[1], [])
            if head.startswith(b"GET"):
                body = json.dumps(arrived).encode()
            else:
                arrived.append(time.monotonic())
                body = _YES
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
                % (len(body), body)
            )
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def _main(count: int) -> None:
    servers = [await asyncio.start_server(_serve, "127.0.0.1", 0) for _ in range(count)]
    print(*(server.sockets[0].getsockname()[1] for server in servers), flush=True)
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1])))
