"""The mailbox: an IMAP session that reads and changes nothing.

    dial -> TLS -> sign in -> EXAMINE folder -> UID SEARCH -> UID FETCH BODY.PEEK[]

Python's own IMAP client, over a socket that the channel's list of hosts admitted; of its many verbs six are
needed, and a library would not take a socket from outside. What may surprise: folders are opened read-only,
so a mail read here stays unread for who looks into the mailbox; ``UIDVALIDITY`` that changed means that the
server numbered all mails anew, and everything is read again (known mails are recognised by their ids).
"""

from __future__ import annotations

import base64
import imaplib
import re
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from aggregator.sdk.answers import whole_number
from aggregator.sdk.contract import AuthFailed, ConfigInvalid, Context, SchemaDrift, Transient

_SAFE_ID = re.compile(r"[^\s\"\\<>{}()%*\x00-\x1f\x7f-\uffff]{1,400}")
_NOT_ASCII = re.compile(r"[^\x20-\x7e]+")
_UID = re.compile(rb"UID (\d+)")
_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")
_DATE = re.compile(rb'INTERNALDATE "([^"]+)"')
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class _Client(imaplib.IMAP4):
    """The library's client over a socket that is already there."""

    def __init__(self, connected: socket.socket, host: str) -> None:
        self._connected = connected
        super().__init__(host)  # the name that its certificate must have

    def _create_socket(self, timeout: float | None) -> socket.socket:
        return self._connected


@contextmanager
def mailbox(ctx: Context) -> Iterator[Box]:
    """The channel's mailbox, signed in; closed at the end."""
    url = str(ctx.config.get("imap_url") or "")
    if not url:
        raise ConfigInvalid("setting 'imap_url' is empty", message_vi="Chưa khai báo máy chủ nhận thư (IMAP)")
    with _told(url):
        client = _Client(ctx.http.dial(url), urlsplit(url).hostname or "")
        try:
            if urlsplit(url).scheme == "imap" and not ctx.config.get("plain"):
                client.starttls(ctx.http.tls())
            _sign_in(client, ctx)
            yield Box(client, ctx)
        finally:
            with suppress(imaplib.IMAP4.error, OSError):
                client.logout()


@contextmanager
def _told(url: str) -> Iterator[None]:
    """Every trouble of the line as the error that says what to do next."""
    host = urlsplit(url).hostname
    try:
        yield
    except imaplib.IMAP4.abort as error:
        raise Transient(f"the mail server {host} ended the conversation: {_words(error)}") from error
    except imaplib.IMAP4.error as error:
        raise ConfigInvalid(
            f"the mail server {host} refuses: {_words(error)}",
            message_vi=f"Máy chủ thư {host} từ chối yêu cầu",
        ) from error
    except UnicodeError as error:
        raise Transient(f"the mail server {host} does not speak IMAP") from error
    except OSError as error:
        raise Transient(
            f"no connection to the mail server {host}: {type(error).__name__}",
            message_vi=f"Không kết nối được máy chủ thư {host}",
        ) from error


def _sign_in(client: imaplib.IMAP4, ctx: Context) -> None:
    try:
        client.login(str(ctx.config.get("username") or ""), ctx.secrets.get("password", ""))
    except imaplib.IMAP4.abort:
        raise
    except (imaplib.IMAP4.error, UnicodeEncodeError) as error:
        raise AuthFailed(
            "the mailbox does not let the account in",
            hint="Check the user name and the password; many providers want a password for applications",
            message_vi="Hộp thư không cho đăng nhập: kiểm tra tên đăng nhập và mật khẩu (mật khẩu ứng dụng)",
        ) from error


class Box:
    """One signed-in session."""

    def __init__(self, client: imaplib.IMAP4, ctx: Context) -> None:
        self._client = client
        self._ctx = ctx

    def folders(self) -> int:
        """How many folders the account has."""
        return sum(1 for line in self._ask("LIST", *self._client.list()) if line)

    def open(self, folder: str) -> int:
        """Open a folder for reading alone; its UIDVALIDITY."""
        answer, _ = self._client.select(_quoted(folder), readonly=True)
        if answer != "OK":
            raise ConfigInvalid(
                f"the mailbox has no folder {folder!r}", message_vi=f"Hộp thư không có thư mục {folder}"
            )
        found = self._client.response("UIDVALIDITY")[1]
        if not found or found[0] is None:
            raise SchemaDrift("the mail server does not tell UIDVALIDITY")
        return _number(found[0])

    def after(self, uid: int, since: date | None) -> list[int]:
        """The mails behind `uid`, or since a day where nothing was read yet; oldest first."""
        if uid:
            found = self._search("UID", f"{uid + 1}:*")
        else:
            found = (
                self._search("SINCE", f"{since:%d}-{_MONTHS[since.month - 1]}-{since:%Y}") if since else []
            )
        return sorted(one for one in found if one > uid)  # "n:*" names the last mail even where it is older

    def between(self, since: date, until: date) -> list[int]:
        """The mails that the server took in the days from `since` to before `until`."""
        days = [f"{day:%d}-{_MONTHS[day.month - 1]}-{day:%Y}" for day in (since, until)]
        return sorted(self._search("SINCE", days[0], "BEFORE", days[1]))

    def of_conversation(self, message_id: str) -> list[int]:
        """The mails that are this one or refer to it."""
        if not _SAFE_ID.fullmatch(message_id):
            return []
        return sorted(
            self._search(
                "OR", "HEADER", "Message-ID", f'"{message_id}"', "HEADER", "References", f'"{message_id}"'
            )
        )

    def with_id(self, message_id: str) -> list[int]:
        """The mails with this Message-ID."""
        if not _SAFE_ID.fullmatch(message_id):
            return []
        return sorted(self._search("HEADER", "Message-ID", f'"{message_id}"'))

    def sizes(self, uids: Sequence[int]) -> dict[int, int]:
        """Bytes of each mail."""
        found = {}
        for line in self._fetch(uids, "(RFC822.SIZE)"):
            head = line[0] if isinstance(line, tuple) else line
            uid, size = _UID.search(head or b""), _SIZE.search(head or b"")
            if uid and size:
                found[_number(uid[1])] = _number(size[1])
        return found

    def mail(self, uid: int, *, head: bool = False) -> tuple[bytes, datetime] | None:
        """(bytes, when the server took it) of one mail, or of its headers; None where it is gone."""
        what = "BODY.PEEK[HEADER]" if head else "BODY.PEEK[]"
        for line in self._fetch([uid], f"(INTERNALDATE {what})"):
            if isinstance(line, tuple) and (uid_ := _UID.search(line[0])) and _number(uid_[1]) == uid:
                return line[1], _taken_at(line[0], self._ctx.now())
        return None

    def _search(self, *words: str) -> list[int]:
        found = self._ask("SEARCH", *self._client.uid("SEARCH", *words))
        named = (_number(one) for line in found if line for one in line.split())
        return list(dict.fromkeys(named))  # one mail is read once, however often a server names it

    def _fetch(self, uids: Sequence[int], what: str) -> list[Any]:
        if not uids:
            return []
        return self._ask("FETCH", *self._client.uid("FETCH", ",".join(map(str, uids)), what))

    def _ask(self, verb: str, answer: str, found: list[Any]) -> list[Any]:
        if self._ctx.now() >= self._ctx.deadline:
            raise Transient("the time for this call is over", hint="It goes on at the next poll")
        if answer != "OK":
            raise Transient(f"the mail server answered {verb} with {answer}")
        self._ctx.http.bytes_read += sum(len(one[1]) for one in found if isinstance(one, tuple))
        return found


def _number(digits: bytes) -> int:
    found = whole_number(digits.decode("ascii", "replace"))
    if found is None:
        raise SchemaDrift("the mail server sent something else where the protocol has a number")
    return found


def _taken_at(head: bytes, now: datetime) -> datetime:
    found = _DATE.search(head)
    try:
        return parsedate_to_datetime(found[1].decode().replace("-", " ", 2)).astimezone(UTC) if found else now
    except (ValueError, TypeError):
        return now


def _quoted(folder: str) -> str:
    """A folder's name on the wire: modified UTF-7 (RFC 3501, 5.1.3), in quotes."""
    wire = _NOT_ASCII.sub(_in_base64, folder.replace("&", "&-"))
    escaped = wire.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _in_base64(run: re.Match[str]) -> str:
    packed = base64.b64encode(run[0].encode("utf-16-be")).decode().rstrip("=")
    return f"&{packed.replace('/', ',')}-"


def _words(error: Exception) -> str:
    """The library's words without what the server quoted back: it may be a person's."""
    return type(error).__name__ if not str(error).isascii() else str(error)[:120]
