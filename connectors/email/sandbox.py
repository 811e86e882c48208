"""An office's mailbox on this machine: a real Dovecot, and a mail server that delivers into it.

    neutral report -> mail in a Maildir -> Dovecot -> a line that can fail -> the connector
    the connector -> a mail server that can fall silent -> the citizen; its blind copy into the Maildir

Needs Dovecot (Debian: ``dovecot-imapd``); one runs for all mailboxes of the process. What may surprise: an
edited report is a second mail of its conversation; a mailbox whose mails are spoiled is numbered anew, as
after a restore.
"""

from __future__ import annotations

import atexit
import base64
import hashlib
import itertools
import os
import shutil
import socket
import socketserver
import threading
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime
from functools import cache
from pathlib import Path
from typing import Any

from aggregator.sdk.conformance.scenario import a_report as neutral_report
from aggregator.sdk.conformance.stages import START, Page, Rewrite
from aggregator.sdk.contract import Context, Manifest
from aggregator.sdk.simulated import Fault
from aggregator.sdk.testing import context_for
from connectors.email.dovecot import PASSWORD, Dovecot, available, running

__all__ = ["a_report", "lacking", "stage"]

OWN = "phananh@phuong.example.vn"
_numbers = itertools.count(1)


def lacking() -> str | None:
    """What this machine lacks to run it."""
    return None if available() else "Dovecot is not installed (Debian: apt-get install dovecot-imapd)"


def a_report(number: int) -> dict[str, Any]:
    """The kit's report, with an id that a mail may have."""
    return {**neutral_report(number), "id": f"thu-{number}@mau.example.vn"}


def stage(manifest: Manifest, reports: Iterable[Mapping[str, Any]], _scenario: Mapping[str, Any]) -> Office:
    """A mailbox with these reports in it."""
    office = Office(manifest)
    office.put(reports)
    return office


@cache
def _dovecot() -> Dovecot:
    held = ExitStack()
    atexit.register(held.close)
    return held.enter_context(running())


@dataclass
class Office:
    """A mailbox that runs, as the conformance kit asks of a `Stage`."""

    manifest: Manifest
    now: datetime = START
    faults: list[Fault] = field(default_factory=list)
    _ids: set[str] = field(default_factory=set)
    _mails: list[tuple[datetime, bytes]] = field(default_factory=list)
    _change: Rewrite | None = None

    def __post_init__(self) -> None:
        self._dovecot, self.user = _dovecot(), f"hop-thu-{os.getpid()}-{next(_numbers)}"
        self._validity = 1
        self._sent: list[tuple[str, EmailMessage]] = []
        self._imap = _serve(_Line, self)
        self._smtp = _serve(_Relay, self)
        self.config: dict[str, Any] = {
            "imap_url": f"imap://127.0.0.1:{self._imap.server_address[1]}",
            "smtp_url": f"smtp://127.0.0.1:{self._smtp.server_address[1]}",
            "username": self.user,
            "address": OWN,
            "sender_name": "UBND phường Mẫu",
            "plain": True,
        }
        self.secrets = {"password": PASSWORD}
        self._deliver_all()

    def context(self, state: dict[str, Any], **options: Any) -> Context:
        """A context of one call."""
        config = {**self.config, **options.pop("config", {})}
        secrets = options.pop("secrets", self.secrets)
        imap, smtp = (url.rpartition("/")[2] for url in (self.config["imap_url"], self.config["smtp_url"]))
        return context_for(
            f"http://{smtp}", self.manifest, config, secrets, lambda: self.now, state=state,
            extra_hosts=[imap], **options,
        )  # fmt: skip

    # -- mails -----------------------------------------------------------------------------------

    def put(self, reports: Iterable[Mapping[str, Any]]) -> None:
        """A mail for each report; a second one of its conversation where it is known."""
        for report in reports:
            id_ = str(report["id"])
            later = id_ in self._ids
            self._ids.add(id_)
            at = datetime.fromisoformat(str((later and report.get("updated")) or report["created"]))
            self.take(_mail(report, at, f"them-{next(_numbers)}.{id_}" if later else ""), at)

    def take(self, raw: bytes, at: datetime) -> None:
        """The mailbox gets a mail."""
        self._mails.append((at, raw))
        self._deliver(at, raw, len(self._mails))

    def _deliver(self, at: datetime, raw: bytes, number: int) -> None:
        if self._change is not None:
            page = Page(f"/{number}.eml", "", raw, "message/rfc822")
            raw = self._change(page).content
        name = f"{int(at.timestamp())}.M{number:06}.mau"
        draft, place = self._box / "tmp" / name, self._box / "new" / name
        draft.write_bytes(raw)
        os.utime(draft, (at.timestamp(), at.timestamp()))
        self._own(draft)
        draft.rename(place)

    @property
    def _box(self) -> Path:
        return self._dovecot.folder / "mail" / self.user

    def _deliver_all(self) -> None:
        """The mailbox with all mails, numbered anew."""
        shutil.rmtree(self._box, ignore_errors=True)
        for name in ("tmp", "new", "cur"):
            (self._box / name).mkdir(parents=True)
        self._validity += 1
        guid = f"{self._validity:032x}"
        (self._box / "dovecot-uidlist").write_text(f"3 V{self._validity} N1 G{guid}\n")
        for path in (self._box, *self._box.iterdir()):
            self._own(path)
        for number, (at, raw) in enumerate(self._mails, 1):
            self._deliver(at, raw, number)

    def _own(self, path: Path) -> None:
        if os.getuid() == 0:
            owner = self._dovecot.folder.joinpath("mail").stat()
            os.chown(path, owner.st_uid, owner.st_gid)

    # -- as the kit asks -------------------------------------------------------------------------

    def ids(self) -> set[str] | None:
        """The ids of all conversations."""
        return set(self._ids)

    def rewrite(self, change: Rewrite | None) -> None:
        """Spoil every mail."""
        if change is not self._change:
            self._change = change
            self._deliver_all()

    def fault(self, kind: str, count: int | None = None, path: str | None = None, **options: Any) -> Fault:
        """``outage``, ``latency``, ``truncate`` of both lines; ``commit_then_drop`` of the sending one."""
        made = Fault.of({"kind": kind, "count": count, "path": path, **options})
        self.faults.append(made)
        return made

    def takes(self, kind: str) -> Fault | None:
        """The fault of this kind that is due, counted down."""
        found = next((one for one in self.faults if one.kind == kind and one.fits("")), None)
        return found.use() if found else None

    def mend(self) -> None:
        """End all faults and rewriting."""
        self.faults.clear()
        self.rewrite(None)

    def signed_in(self) -> bool:
        """A mailbox knows no sessions beyond a connection."""
        return False

    def end_sessions_at(self, number: int) -> None:
        """Nobody is signed in."""

    def calls(self) -> None:
        """A mailbox calls nobody."""

    def shown(self, external_id: str) -> list[str]:
        """The words of the answers in this conversation that were sent to the citizen."""
        texts = [mail.get_body(("plain",)) for mail in self._answers(external_id)]
        return [str(text.get_content()) for text in texts if text is not None]

    def files_shown(self, external_id: str) -> list[str]:
        """What is attached to them, by hash."""
        files = [file for mail in self._answers(external_id) for file in mail.iter_attachments()]
        return [hashlib.sha256(file.get_content()).hexdigest() for file in files]

    def _answers(self, external_id: str) -> list[EmailMessage]:
        mails = [mail for to, mail in self._sent if to != OWN]
        return [mail for mail in mails if f"<{external_id}>" in str(mail["References"])]

    def writes(self) -> int:
        """Mails that the sending server took."""
        return len(self._sent)

    def sent(self, recipients: Iterable[str], raw: bytes) -> None:
        """The sending server took a mail."""
        mail = message_from_bytes(raw, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        for recipient in recipients:
            self._sent.append((recipient, mail))
            if recipient == OWN:
                self.take(raw, self.now)

    @property
    def imap_port(self) -> int:
        """Of Dovecot itself, behind the line."""
        return self._dovecot.port

    def close(self) -> None:
        """Stop both lines and forget the mailbox."""
        for server in (self._imap, self._smtp):
            server.shutdown()
            server.server_close()
        shutil.rmtree(self._box, ignore_errors=True)


def _mail(report: Mapping[str, Any], at: datetime, later: str) -> bytes:
    made = EmailMessage(policy=policy.SMTP.clone(cte_type="8bit"))
    made["From"] = f"{report['name']} <{report['email']}>"
    made["To"] = OWN
    made["Subject"] = report["subject"]
    made["Date"] = format_datetime(at)
    made["Message-ID"] = f"<{later or report['id']}>"
    if later:
        made["References"] = f"<{report['id']}>"
    made.set_content(report["body"], cte="8bit")
    for file in report.get("attachments", ()):
        main, _, sub = file["content_type"].partition("/")
        content = base64.b64decode(file["base64"])
        made.add_attachment(content, maintype=main, subtype=sub, filename=file["filename"])
    return made.as_bytes()


# -- two lines that can fail ---------------------------------------------------------------------

#: Bytes after which a line breaks off that is to break off: in the middle of the first mail.
_CUT = 1_500
_CHUNK = 65_536


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    office: Office


def _serve(handler: type[socketserver.BaseRequestHandler], office: Office) -> _Server:
    server = _Server(("127.0.0.1", 0), handler)
    server.office = office
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server


class _Line(socketserver.BaseRequestHandler):
    """Everything to and from Dovecot."""

    server: _Server

    def handle(self) -> None:
        office = self.server.office
        if office.takes("outage"):
            return
        if slow := office.takes("latency"):
            threading.Event().wait(float(slow.options["seconds"]))
            return
        left = _CUT if office.takes("truncate") else None
        with socket.create_connection(("127.0.0.1", office.imap_port)) as upstream, suppress(OSError):
            threading.Thread(
                target=_carry, args=(self.request, upstream), name="process_request up", daemon=True
            ).start()
            _carry(upstream, self.request, left)


def _carry(source: socket.socket, sink: socket.socket, left: int | None = None) -> None:
    with suppress(OSError):
        while (left is None or left > 0) and (content := source.recv(_CHUNK)):
            sink.sendall(content if left is None else content[:left])
            left = None if left is None else left - len(content)
        sink.shutdown(socket.SHUT_WR)


class _Relay(socketserver.StreamRequestHandler):
    """A sending server of few words: no sign-in, everybody's mail is taken."""

    server: _Server

    def handle(self) -> None:
        if self.server.office.takes("outage"):
            return
        self._say("220 san sang")
        recipients: list[str] = []
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"RCPT":
                recipients.append(line.decode().partition("<")[2].partition(">")[0])
            if verb == b"DATA":
                self._say("354 noi dung")
                self.server.office.sent(recipients, self._text())
                recipients = []
                if self.server.office.takes("commit_then_drop"):
                    return
            self._say("221 tam biet" if verb == b"QUIT" else "250 OK")
            if verb == b"QUIT":
                return

    def _text(self) -> bytes:
        lines = iter(self.rfile.readline, b".\r\n")
        return b"".join(line[1:] if line.startswith(b".") else line for line in lines)

    def _say(self, words: str) -> None:
        with suppress(OSError):
            self.wfile.write(f"{words}\r\n".encode())
