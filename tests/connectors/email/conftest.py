"""A real Dovecot, a mailbox a test, and a mail server that delivers into it. Invented people only."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime
from imaplib import Time2Internaldate
from pathlib import Path
from typing import Any

import pytest

from aggregator.sdk.contract import Context, PushCommand, SourceStatus
from aggregator.sdk.discovery import load_manifest
from aggregator.sdk.testing import context_for
from connectors import email
from connectors.email import CONNECTOR
from connectors.email.dovecot import PASSWORD, Dovecot, available, running
from tests.services.smtp_world import AnyPort, Inboxes

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
OWN = "phananh@phuong.example.vn"
MANIFEST = load_manifest(Path(email.__file__).parent)
_names = itertools.count(1)


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    if available() is None:
        if os.environ.get("CI"):
            pytest.fail("no dovecot: apt-get install dovecot-imapd")
        pytest.skip("no dovecot: apt-get install dovecot-imapd")
    with running() as server:
        yield server


class Relay(Inboxes):
    """Takes mails from the office, and delivers what is for the office into its mailbox."""

    def __init__(self, deliver: Callable[[bytes], None]) -> None:
        super().__init__()
        self.deliver = deliver
        self.envelopes: list[tuple[str, list[str]]] = []

    def _keep(self, envelope: Any) -> None:
        super()._keep(envelope)
        self.envelopes.append((envelope.mail_from, list(envelope.rcpt_tos)))
        if OWN in envelope.rcpt_tos:
            self.deliver(envelope.content)


class Office:
    """One mailbox, its relay, and contexts to both."""

    def __init__(self, dovecot: Dovecot, relay_port: int, user: str) -> None:
        self.dovecot, self.user, self.port = dovecot, user, relay_port
        self.now = NOW
        self.relay: Relay = None  # type: ignore[assignment]

    def context(self, **options: Any) -> Context:
        config = {
            "imap_url": f"imap://127.0.0.1:{self.dovecot.port}",
            "smtp_url": f"smtp://127.0.0.1:{self.port}",
            "username": self.user,
            "address": OWN,
            "sender_name": "UBND phường Mẫu",
            "plain": True,
            **options.pop("config", {}),
        }
        hosts = [f"127.0.0.1:{port}" for port in (self.dovecot.port, self.dovecot.tls_port, self.port)]
        hosts += [f"localhost:{self.dovecot.tls_port}"]
        options = {"now": lambda: self.now, "extra_hosts": hosts, **options}
        secrets = options.pop("secrets", {"password": PASSWORD})
        return context_for(f"http://127.0.0.1:{self.port}", MANIFEST, config, secrets, **options)

    def comes(self, raw: bytes | EmailMessage, folder: str = "INBOX", at: datetime | None = None) -> None:
        """A mail arrives."""
        content = raw if isinstance(raw, bytes) else raw.as_bytes()
        self.dovecot.put(self.user, content, folder, Time2Internaldate(at or self.now))

    def poll(self, cursor: Any = None, **options: Any) -> Polled:
        return Polled(list(CONNECTOR.poll(self.context(**options), cursor)))


class Polled:
    def __init__(self, batches: list[Any]) -> None:
        self.batches = batches
        self.records = [record for batch in batches for record in batch.records]
        self.problems = [problem for batch in batches for problem in batch.problems]
        self.ids = [record.external_id for record in self.records]
        self.cursor = batches[-1].next_cursor


@pytest.fixture
def office(dovecot: Dovecot) -> Iterator[Office]:
    user = f"hop-thu-{os.getpid()}-{next(_names)}"
    found = Office(dovecot, 0, user)
    relay = Relay(lambda raw: found.comes(raw))
    server = AnyPort(relay, hostname="127.0.0.1", port=0)
    server.start()
    found.port, found.relay = server.port, relay
    yield found
    server.stop()


@pytest.fixture
def letter() -> Callable[..., EmailMessage]:
    def make(
        id_: str = "thu-1@mau.example.vn", body: str = "Đường hẻm 12 có ổ gà lớn.", **more: Any
    ) -> EmailMessage:
        made = EmailMessage(policy=policy.SMTP)
        made["From"] = more.get("sender", "Trần Thị Mẫu <mau@thu.example.vn>")
        made["To"] = OWN
        made["Subject"] = more.get("subject", "Phản ánh ổ gà")
        made["Date"] = format_datetime(more.get("at", NOW - timedelta(minutes=5)))
        if id_:
            made["Message-ID"] = f"<{id_}>"
        for name, value in more.get("headers", {}).items():
            made[name] = value
        made.set_content(body)
        if "html" in more:
            made.add_alternative(more["html"], subtype="html")
        for name, content in more.get("files", {}).items():
            made.add_attachment(content, maintype="image", subtype="jpeg", filename=name)
        return made

    return make


@pytest.fixture
def answer() -> Callable[..., PushCommand]:
    def make(
        id_: str = "thu-1@mau.example.vn", body: str = "Đã vá xong, cảm ơn bà.", **more: Any
    ) -> PushCommand:
        usual = {"idempotency_key": f"mm-{id_}", "kind": "result", "status": SourceStatus.RESOLVED, "at": NOW}
        return PushCommand(external_id=id_, body=body, **{**usual, **more})

    return make


def reading(raw: bytes) -> EmailMessage:
    found = message_from_bytes(raw, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found
