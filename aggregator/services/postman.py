"""Talking to the office's mail server: one connection for a handful of mails.

    with Postman(settings).round() as send:
        send(address, mail)

What may surprise: the steps of one mail are walked one by one, because what an error means depends on
where it came. Before the text was handed over nothing has arrived, and it may be tried again; after it,
without an answer, the server may have it, and that is said (`MailUnclear`).
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import Protocol

from aggregator.errors import AggregatorError
from aggregator.settings import Settings


class MailDelayed(AggregatorError):
    """Nothing has arrived: the server is away, busy, or does not let us in. `server`: for all mails alike."""

    code = "mail_delayed"
    server = True


class MailRefused(AggregatorError):
    """The server refuses this mail for good."""

    code = "mail_refused"


class MailUnclear(AggregatorError):
    """The text was handed over and no answer came: the server may have it."""

    code = "mail_unclear"


class Sealed(Protocol):
    """What is sent."""

    @property
    def subject(self) -> str: ...
    @property
    def body(self) -> str: ...
    @property
    def html(self) -> str: ...
    @property
    def message_id(self) -> str: ...
    @property
    def created_at(self) -> datetime: ...


#: Every server takes it, whatever it offers.
_SEVEN_BITS = SMTP.clone(cte_type="7bit")

Send = Callable[[str, Sealed], None]


class Postman:
    """The mail server of the settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @contextmanager
    def round(self) -> Iterator[Send]:
        """One connection, made with the first mail. Raises nothing of its own when it ends."""
        server: smtplib.SMTP | None = None

        def send(address: str, mail: Sealed) -> None:
            nonlocal server
            server = server or self._connect()
            try:
                _hand_over(server, self._settings.smtp_from, address, self.message(address, mail))
            except MailRefused:
                with suppress(smtplib.SMTPException, OSError):
                    server.rset()  # the next mail begins afresh
                raise
            except (MailUnclear, MailDelayed):
                server.close()
                server = None
                raise

        try:
            yield send
        finally:
            if server is not None:
                with suppress(smtplib.SMTPException, OSError):
                    server.quit()

    def message(self, address: str, mail: Sealed) -> bytes:
        """The mail as it goes over the wire."""
        made = EmailMessage(policy=_SEVEN_BITS)
        made["Subject"] = mail.subject
        name, sender = parseaddr(self._settings.smtp_from)
        made["From"] = Address(name, addr_spec=sender)
        made["To"] = Address(addr_spec=address)
        made["Date"] = format_datetime(mail.created_at)
        made["Message-ID"] = mail.message_id
        made["Auto-Submitted"] = "auto-generated"  # RFC 3834: absence notes must not answer it
        made.set_content(mail.body)
        made.add_alternative(mail.html, subtype="html")
        return made.as_bytes()

    def _connect(self) -> smtplib.SMTP:
        settings = self._settings
        where = f"{settings.smtp_host}:{settings.smtp_port}"
        try:
            return self._signed_in()
        except smtplib.SMTPAuthenticationError as error:
            raise MailDelayed(
                f"mail server {where} does not let {settings.smtp_user} in ({error.smtp_code})",
                hint="correct smtp_user and smtp_password, then: motmoi mail test ADDRESS",
            ) from error
        except (smtplib.SMTPException, OSError) as error:
            raise MailDelayed(
                f"mail server {where} cannot be used: {_words(error)}",
                hint="look at smtp_host, smtp_port and smtp_security, then: motmoi mail test ADDRESS",
            ) from error

    def _signed_in(self) -> smtplib.SMTP:
        settings, secure = self._settings, ssl.create_default_context()
        host, port, wait = settings.smtp_host, settings.smtp_port, settings.smtp_timeout_s
        if settings.smtp_security == "ssl":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=wait, context=secure)
        else:
            server = smtplib.SMTP(host, port, timeout=wait)
        try:
            if settings.smtp_security == "starttls":
                server.starttls(context=secure)  # raises where the server does not offer it
            if settings.smtp_user:
                server.login(settings.smtp_user, settings.smtp_password)
            server.ehlo_or_helo_if_needed()
        except BaseException:
            server.close()
            raise
        return server


def _hand_over(server: smtplib.SMTP, sender: str, address: str, text: bytes) -> None:
    try:
        _took(server.mail(parseaddr(sender)[1]))
        _took(server.rcpt(address))
        answer, words = server.docmd("DATA")
    except (smtplib.SMTPException, OSError) as error:
        raise MailDelayed(f"the mail server went away: {_words(error)}") from error
    if answer != 354:
        _took((answer, words))
    try:
        server.send(_quoted(text))
        taken = server.getreply()
    except (smtplib.SMTPException, OSError) as error:
        raise MailUnclear(f"no answer after the mail was handed over: {_words(error)}") from error
    _took(taken)


def _took(answer: tuple[int, bytes]) -> None:
    code, words = answer
    if 200 <= code < 300:
        return
    said = f"{code} {words.decode('ascii', 'replace')[:200]}"
    if 500 <= code < 600:
        raise MailRefused(f"the mail server refuses it: {said}")
    raise _busy(said)


def _busy(said: str) -> MailDelayed:
    error = MailDelayed(f"the mail server asks to come again: {said}")
    error.server = False
    return error


def _quoted(text: bytes) -> bytes:
    """RFC 5321, 4.5.2: a leading dot is doubled, a single dot ends."""
    lines = text.replace(b"\r\n.", b"\r\n..")
    return (b"." if lines.startswith(b".") else b"") + lines.removesuffix(b"\r\n") + b"\r\n.\r\n"


def _words(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
