"""Answers as mails: into the citizen's conversation, once, with a copy that proves it.

    conversation -> answer with our Message-ID -> MAIL, RCPT citizen, RCPT ourselves, DATA -> accepted?

What may surprise: each answer also goes, blind, to the office's own address. Where the mail server has it,
the copy comes into the mailbox that is read anyway: an answer whose outcome is unknown is looked for there
before anything is sent again. The Message-ID is made of our key, so a mail that went twice all the same is
one mail to the citizen's mail program.
"""

from __future__ import annotations

import hashlib
import smtplib
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlsplit

from aggregator.sdk.answers import whole_number
from aggregator.sdk.contract import (
    AuthFailed,
    ConfigInvalid,
    Context,
    Permanent,
    PushCommand,
    Transient,
    UnknownOutcome,
)
from connectors.email.letters import Letter

#: Every server takes it, whatever it offers.
#: "Exceeded storage allocation": the mail is too large, or the recipient's box is full.
_TOO_LARGE = 552
_SEVEN_BITS = SMTP.clone(cte_type="7bit")


class _Client(smtplib.SMTP):
    """The library's client over a socket that is already there."""

    def __init__(self, connected: socket.socket, host: str) -> None:
        self._connected = connected
        super().__init__(host, 25, local_hostname="motmoi.invalid", timeout=connected.gettimeout() or 30)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self._connected


#: How the Message-ID of every answer of ours begins.
_OURS = "motmoi-"


def is_ours(id_: str) -> bool:
    """Whether a Message-ID is that of an answer of ours."""
    return id_.startswith(_OURS)


def message_id(command: PushCommand, own: str) -> str:
    """Ours, the same over all attempts; without angle brackets."""
    key = hashlib.sha256(command.idempotency_key.encode()).hexdigest()[:32]
    return f"{_OURS}{key}@{own.rpartition('@')[2] or 'motmoi.invalid'}"


def answer(command: PushCommand, letters: Sequence[Letter], own: str, sender: str) -> tuple[str, bytes]:
    """(recipient, mail) of one answer to a conversation."""
    first, last = letters[0], letters[-1]
    made = EmailMessage(policy=_SEVEN_BITS)
    subject = first.subject or "Phản ánh của ông/bà"
    try:
        made["Subject"] = subject if subject.lower().startswith("re:") else f"Re: {subject}"
        made["From"] = Address(sender or command.unit_name, addr_spec=own)
        made["To"] = Address(addr_spec=last.reply_to)
    except (ValueError, IndexError) as error:
        raise Permanent(
            "the citizen's address cannot be written to",
            message_vi="Địa chỉ thư của người gửi không hợp lệ, không gửi phúc đáp được",
        ) from error
    made["Date"] = format_datetime(command.at)
    made["Message-ID"] = f"<{message_id(command, own)}>"
    # A correction stands under the very mail that it corrects.
    before = (command.corrects,) if command.kind == "correction" and command.corrects else ()
    ids = dict.fromkeys((first.root, *last.references, last.message_id, *before))
    made["In-Reply-To"] = f"<{next(reversed(ids))}>"
    made["References"] = " ".join(f"<{one}>" for one in ids)
    made.set_content(command.body)
    for file in command.attachments:
        main, _, sub = file.content_type.partition("/")
        made.add_attachment(file.read(), maintype=main, subtype=sub, filename=file.filename)
    return last.reply_to, made.as_bytes()


@contextmanager
def server(ctx: Context) -> Iterator[smtplib.SMTP]:
    """The channel's sending server, signed in."""
    url = str(ctx.config.get("smtp_url") or "")
    if not url:
        raise ConfigInvalid(
            "setting 'smtp_url' is empty: the channel is read only",
            message_vi="Chưa khai báo máy chủ gửi thư (SMTP) nên không gửi được phúc đáp",
        )
    host = urlsplit(url).hostname
    client = None
    try:
        try:
            client = _Client(ctx.http.dial(url), host or "")
            if urlsplit(url).scheme == "smtp" and not ctx.config.get("plain"):
                client.starttls(context=ctx.http.tls())
            _sign_in(client, ctx)
        except (smtplib.SMTPException, OSError) as error:
            raise Transient(
                f"the sending mail server {host} cannot be used: {type(error).__name__}",
                message_vi=f"Không dùng được máy chủ gửi thư {host}",
            ) from error
        yield client
    finally:
        if client is not None:
            with suppress(smtplib.SMTPException, OSError):
                client.quit()


def _sign_in(client: smtplib.SMTP, ctx: Context) -> None:
    user = str(ctx.config.get("smtp_username") or ctx.config.get("username") or "")
    password = ctx.secrets.get("smtp_password") or ctx.secrets.get("password", "")
    client.ehlo()
    if not client.has_extn("auth"):
        return
    try:
        client.login(user, password)
    except smtplib.SMTPAuthenticationError as error:
        raise AuthFailed(
            f"the sending mail server does not let the account in ({error.smtp_code})",
            hint="Check the user name and the password for sending",
            message_vi="Máy chủ gửi thư không cho đăng nhập: kiểm tra tài khoản và mật khẩu gửi thư",
        ) from error


class TooLarge(Permanent):
    """The sending server does not take a mail of this size; it was not sent."""


def hand_over(client: smtplib.SMTP, own: str, recipient: str, mail: bytes) -> None:
    """One mail to the citizen, and blind to ourselves; each step's failure says what to do next."""
    most = whole_number(client.esmtp_features.get("size", "")) or 0
    if 0 < most < len(mail):
        raise TooLarge(
            f"the sending server takes mails of {most} bytes at most, this one has {len(mail)}",
            message_vi=f"Máy chủ thư chỉ nhận thư đến {most // 1_000_000} MB.",
        )
    try:
        _said(*client.mail(own), "the sender")
        _said(*client.rcpt(recipient), "the recipient")
        _said(*client.rcpt(own), "the copy to ourselves")
    except (smtplib.SMTPException, OSError) as error:
        raise Transient(f"the sending server broke off before the text ({type(error).__name__})") from error
    try:
        code, words = client.data(mail)
    except smtplib.SMTPDataError as error:  # it did not want the text at all
        _said(error.smtp_code, error.smtp_error, "the mail")
        return
    except (smtplib.SMTPException, OSError) as error:
        raise UnknownOutcome(
            f"the sending server broke off after the text ({type(error).__name__}): it may have the mail",
            message_vi="Máy chủ gửi thư ngắt kết nối sau khi nhận thư: có thể thư đã được gửi",
        ) from error
    _said(code, words, "the mail")


def _said(code: int, words: Any, what: str) -> None:
    if code < 400:
        return
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
    if code < 500:
        raise Transient(f"the sending server puts {what} off ({code})")
    kind = TooLarge if code == _TOO_LARGE else Permanent
    raise kind(
        f"the sending server refuses {what} ({code})",
        hint=text[:200],
        message_vi=f"Máy chủ thư từ chối ({code}): {text[:200]}",
    )
