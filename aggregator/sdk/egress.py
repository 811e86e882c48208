"""Which sockets a channel may open, and how often.

A portal's address comes from a settings form and from redirects, so it may name our own database,
a neighbour's router or a cloud's metadata service. Promise: no socket is opened to a host that is
not on the channel's list, nor to an address that the list's name should never have.

    address -> parse strictly -> on the list? -> resolve -> every address fit? -> connect to *that* address

What may surprise: the check sits where the socket is made, not before it. A name is resolved once,
the answer is judged, and that very address is connected to; a second answer of a rebinding name
server is never asked for. Host header and TLS name stay those of the portal. One unfit address
among several refuses them all.

Tried and dropped: a list of bad strings (passes most hostile addresses: octal, decimal, mapped
IPv6), and checking `is_global` alone (Azure's metadata address is global, a mapped loopback was
global to Python before 3.13).
"""

from __future__ import annotations

import ipaddress
import logging
import re
import socket
import ssl
import threading
import time
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.util.connection import create_connection

from aggregator.errors import ConfigInvalid, Transient

__all__ = ["Egress", "host_of", "wait_turn"]

# urllib3 logs whole addresses at DEBUG, query values (names, phone numbers, tokens) included.
logging.getLogger("urllib3").setLevel(logging.INFO)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_PORTS = {"http": 80, "https": 443}
#: Mail servers of a channel; reached through `Egress.dial`, never by a web request.
_MAIL_PORTS = {"imap": 143, "imaps": 993, "smtp": 587, "smtps": 465}
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9_])?\.?|\[[0-9a-f:.]{2,45}\]")
_UNSAFE = re.compile(r"[\x00-\x20\x7f\\]")

#: Never connected to, whatever the channel allows: instance metadata of the large clouds (the third
#: and fourth lie in ranges that look ordinary), "this network", and the broadcast block.
_NEVER = tuple(
    ipaddress.ip_network(net)
    for net in (
        "169.254.0.0/16",
        "fd00:ec2::254/128",
        "100.100.100.200/32",
        "168.63.129.16/32",
        "0.0.0.0/8",
        "240.0.0.0/4",
    )
)
#: IPv6 ranges that carry an IPv4 address inside: NAT64 and its local form.
_NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))


def host_of(url: str) -> str:
    """``host:port`` of an address, of the web or of a mail server, as `Egress` compares it.

    Raises `ConfigInvalid`.
    """
    return _host_port(_parse(url, {**_PORTS, **_MAIL_PORTS}))


def _parse(url: str, schemes: Mapping[str, int] = _PORTS) -> SplitResult:
    if _UNSAFE.search(url):
        raise ConfigInvalid("address refused: it holds a space, a control character or a backslash")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigInvalid(f"address refused: {error}") from error
    if parts.scheme not in schemes:
        raise ConfigInvalid(
            f"address refused: {parts.scheme or 'no scheme'!r} is not {' or '.join(list(schemes)[:2])}"
        )
    if "@" in parts.netloc:
        raise ConfigInvalid("address refused: it holds a user name; put that into the channel's secrets")
    if port == 0 or not parts.hostname:
        raise ConfigInvalid("address refused: no host")
    return parts


def _host_port(parts: SplitResult) -> str:
    return f"{_ascii_host(parts.hostname or '')}:{parts.port or {**_PORTS, **_MAIL_PORTS}[parts.scheme]}"


def _ascii_host(host: str) -> str:
    """The host as the wire has it: lower case, punycode, no final dot, IPv6 in brackets."""
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    try:
        name = host if host.startswith("[") else host.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise ConfigInvalid("address refused: the host name is not valid") from error
    name = name.lower()
    if not _HOST.fullmatch(name):
        raise ConfigInvalid("address refused: the host name is not valid")
    return name.rstrip(".")


def _allowed(entry: str) -> set[str]:
    """A list entry ``host`` means its two standard ports; ``host:port`` means that port alone."""
    parts = urlsplit(f"//{entry}")
    host = _ascii_host(parts.hostname or "")
    return {f"{host}:{port}" for port in ((parts.port,) if parts.port else _PORTS.values())}


class Egress:
    """One channel's list of hosts, and the only place where its sockets are made."""

    def __init__(self, allowed_hosts: Collection[str], *, allow_private: bool) -> None:
        self.allowed = frozenset(item for entry in allowed_hosts for item in _allowed(entry))
        self.allow_private = allow_private

    def admit(self, url: str) -> SplitResult:
        """The parsed address where it may be asked, else `ConfigInvalid` saying why not."""
        parts = _parse(url)
        self._on_the_list(_host_port(parts))
        return parts

    def _on_the_list(self, host_port: str) -> None:
        if host_port not in self.allowed:
            known = ", ".join(sorted(self.allowed)) or "none"
            raise ConfigInvalid(
                f"address refused: {host_port} is not among the channel's hosts ({known})",
                hint="Add the host to the channel's settings if it belongs to the portal",
                message_vi=f"Địa chỉ {host_port} không nằm trong danh sách máy chủ của kênh",
            )

    def addresses(self, host: str, port: int) -> list[str]:
        """The addresses of a listed host, each of them fit to connect to."""
        self._on_the_list(f"{_ascii_host(host)}:{port}")
        try:
            answers = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as error:
            raise Transient(f"cannot find the address of {host}: {error}") from error
        found = list(dict.fromkeys(str(answer[4][0]) for answer in answers))
        for text in found:
            reason = self._unfit(ipaddress.ip_address(text.split("%")[0]))
            if reason:
                raise ConfigInvalid(
                    f"address refused: {host} leads to {text}, {reason}",
                    hint="A portal inside the office's own network needs 'allow private addresses'",
                    message_vi=f"{host} trỏ tới {text}: địa chỉ không được phép kết nối",
                )
        return found

    def _unfit(self, address: Address) -> str:
        """Why an address may not be connected to; empty where it may."""
        if address.is_link_local or address.is_multicast or address.is_unspecified:
            return "a link-local, multicast or empty address"
        if any(address in net for net in _NEVER if net.version == address.version):
            return "an address that no portal has"
        inner = _embedded(address)
        if inner is not None:
            return self._unfit(inner)
        if not self.allow_private and not address.is_global:
            return "a private address"
        return ""

    def adapter(self) -> HTTPAdapter:
        """A transport of `requests` whose sockets all come from `open`."""
        return _Adapter(self)

    def open(self, connection: HTTPConnection, timeout: Any) -> socket.socket:
        """A connected socket to a checked address; `Transient` where nobody answers."""
        return self._connected(connection.host, connection.port, timeout, connection.socket_options)

    def dial(self, host: str, port: int, timeout: float) -> socket.socket:
        """The same for a protocol other than HTTP: a plain connected socket to a listed host."""
        return self._connected(host, port, timeout, None)

    def _connected(self, host: str, port: int, timeout: Any, options: Any) -> socket.socket:
        last: Exception | None = None
        for address in self.addresses(host, port):
            try:
                return create_connection((address, port), timeout, socket_options=options)
            except OSError as error:
                last = error
        raise Transient(
            f"cannot connect to {host}:{port}: {last}", message_vi=f"Không kết nối được tới {host}"
        ) from last


def _embedded(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 address stands for, if it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if any(address in net for net in _NAT64):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if address.teredo is not None:
        return address.teredo[1]
    return address.ipv4_mapped or address.sixtofour


class _Adapter(HTTPAdapter):
    def __init__(self, egress: Egress) -> None:
        self._egress = egress
        super().__init__(pool_maxsize=2, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _pools(self._egress)


def _pools(egress: Egress) -> dict[str, Any]:
    """Connection pools of which every failure before the request leaves is our own `Transient`.

    That is what lets `Http` tell "never sent" from "sent, outcome unknown" without guessing.
    """

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return egress.open(self, self.timeout)

    class Tls(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return egress.open(self, self.timeout)

        def connect(self) -> None:
            try:
                super().connect()
            except (ssl.SSLError, OSError, HTTPError) as error:
                raise Transient(
                    f"no secure connection to {self.host}:{self.port}: {error}",
                    hint="Check the portal's certificate",
                    message_vi=f"Không lập được kết nối an toàn (TLS) tới {self.host}",
                ) from error

    plain = type("PlainPool", (HTTPConnectionPool,), {"ConnectionCls": Plain})
    tls = type("TlsPool", (HTTPSConnectionPool,), {"ConnectionCls": Tls})
    return {"http": plain, "https": tls}


_turns = threading.Condition()
_next_turn: dict[str, float] = {}


def wait_turn(host: str, gap_s: float, remaining_s: float) -> None:
    """Return when this process may ask `host` again; `Transient` at once where that is too late.

    Each caller books the next free slot under the lock and waits outside it, so that any number of
    threads is served in order and none is woken for nothing. Across processes the channel's lease
    per host keeps the same promise.
    """
    if gap_s <= 0:
        return
    with _turns:
        now = time.monotonic()
        slot = max(now, _next_turn.get(host, now))
        if slot - now > remaining_s:
            raise Transient(f"no time left to ask {host}: its next turn comes after the deadline")
        _next_turn[host] = slot + gap_s
        while (wait := slot - time.monotonic()) > 0:
            _turns.wait(wait)
