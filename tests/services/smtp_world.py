"""A real mail server on this machine: it keeps what it took, and misbehaves where a test says so."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

#: Seconds after which a wait for another process or thread gives up.
PATIENCE = 60


class Inboxes:
    """What the server took. `answers`: what it says instead of taking a mail, one after the other."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.sizes: list[int] = []
        self.answers: list[str] = []
        self.refused: set[str] = set()
        #: Set when a mail begins to come; while `gate` is shut, it goes no further.
        self.began, self.gate, self.arrived = threading.Event(), threading.Event(), threading.Event()
        self.gate.set()
        self.logins: list[str] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        import asyncio

        if address in self.refused:
            return "550 no such mailbox"
        self.began.set()
        await asyncio.get_running_loop().run_in_executor(None, self.gate.wait, PATIENCE)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        said = self.answers.pop(0) if self.answers else "250 OK"
        if said == "silence":  # it has the mail, and the connection breaks before it says so
            self._keep(envelope)
            server.transport.abort()
            return "421 gone"
        if said.startswith("250"):
            self._keep(envelope)
        return said

    def _keep(self, envelope: Any) -> None:
        found = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(found, EmailMessage)
        self.mails.append(found)
        self.arrived.set()

    def login(self, _server: Any, _session: Any, _envelope: Any, _kind: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append(data.login.decode())
        return AuthResult(success=data.password == b"dung-mat-khau", handled=False)


class AnyPort(Controller):
    """A server on whatever port is free; the controller itself only knows fixed ones."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def mail_server(**more: Any) -> Iterator[tuple[Inboxes, dict[str, Any]]]:
    """The server, and the settings that lead to it."""
    inboxes = Inboxes()
    if more.get("auth_required"):
        more = {**more, "authenticator": inboxes.login, "auth_require_tls": False}
    server = AnyPort(inboxes, hostname="127.0.0.1", port=0, **more)
    server.start()
    try:
        yield inboxes, {
            "smtp_host": "127.0.0.1", "smtp_port": server.port, "smtp_security": "none", "smtp_timeout_s": 5,
            "smtp_from": "Một Mối <motmoi@phuong-a.test>", "public_url": "https://motmoi.phuong-a.test",
        }  # fmt: skip
    finally:
        inboxes.gate.set()
        server.stop()
