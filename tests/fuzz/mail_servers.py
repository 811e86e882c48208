"""Mail servers that answer from memory, one of their answers spoiled: sockets to the mailbox connector."""

from __future__ import annotations

import io
from random import Random
from typing import Any

from tests.fuzz.mutators import BYTES

_CRUEL = (
    b"* BYE\r\n", b"* 99999999999999999999 EXISTS\r\n", b"* SEARCH " + b"9" * 5_000 + b"\r\n",
    b"* SEARCH x \xff 1\r\n", b"* OK [UIDVALIDITY x]\r\n",
    b"* OK [UIDVALIDITY " + b"9" * 5_000 + b"]\r\n", b"* 1 FETCH (UID 1 BODY[] {999999999}\r\n",
    b"* 1 FETCH (UID 1 BODY[] {-1}\r\n",
    b"* 1 FETCH (UID 1 BODY[] NIL)\r\n", b"* 1 FETCH\r\n", b"+ go on\r\n", b"\r\n", b"", b"\x00\r\n",
    b"x" * 2_000_000, b"* LIST\r\n", b"250 \xff\r\n", b"250-\r\n" * 5_000,
    b"999 ok\r\n", b"25\r\n", b"* OK\r\n" * 5_000, b"421 bye\r\n", b"550 no\r\n",
    b"* 1 FETCH (UID 2 INTERNALDATE \"\xff\" RFC822.SIZE 1 BODY[] {3}\r\nabc)\r\n",
    b"* 1 FETCH (UID 3 INTERNALDATE \"99-Foo-2026 00:00:00 +9999\" BODY[] {3}\r\nabc)\r\n",
    b"* SEARCH 3 2 1\r\n", b"* 1 FETCH (UID 1 RFC822.SIZE " + b"9" * 5_000 + b")\r\n",
)  # fmt: skip


class Wire:
    """What both sides of a connection need of a socket: bytes in, bytes out, no network."""

    def __init__(self, spoiled: int, rng: Random) -> None:
        self._left, self._rng = spoiled, rng
        self._out = b""
        #: What came instead of an answer.
        self.spoilt = b""

    def say(self, answer: bytes) -> None:
        """Send an answer; the one whose turn it is is spoiled."""
        self._left -= 1
        if self._left == 0:
            rng = self._rng
            answer = (
                rng.choice(BYTES)(answer, rng)
                if rng.random() < 0.6
                else rng.choice(_CRUEL) + (answer if rng.random() < 0.5 else b"")
            )
            self.spoilt = answer
        self._out += answer

    def makefile(self, _mode: str) -> Any:
        return io.BufferedReader(_Reader(self))

    def take(self, size: int) -> bytes:
        taken, self._out = self._out[:size], self._out[size:]
        return taken

    def gettimeout(self) -> float:
        return 5.0

    def settimeout(self, _seconds: float | None) -> None:
        """Nothing is waited for."""

    def shutdown(self, _how: int) -> None:
        """Nobody is on the other side."""

    def close(self) -> None:
        """Nothing is open."""


class _Reader(io.RawIOBase):
    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        taken = self._wire.take(len(buffer))
        buffer[: len(taken)] = taken
        return len(taken)


class Imap(Wire):
    """A mailbox with these mails, their UIDs from 1."""

    def __init__(self, mails: list[bytes], spoiled: int, rng: Random) -> None:
        super().__init__(spoiled, rng)
        self._mails = mails
        self.say(b"* OK ready\r\n")

    def sendall(self, data: bytes) -> None:
        for line in data.split(b"\r\n"):
            if line:
                tag, _, asked = line.partition(b" ")
                words = asked.upper().split()
                self.say(self._answer(words) + tag + b" OK done\r\n")

    def _answer(self, words: list[bytes]) -> bytes:
        verb = words[0] if words else b""
        if verb == b"CAPABILITY":
            return b"* CAPABILITY IMAP4REV1\r\n"
        if verb in (b"SELECT", b"EXAMINE"):
            return b"* %d EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n" % len(self._mails)
        if verb == b"LIST":
            return b'* LIST () "/" INBOX\r\n'
        if words[:2] == [b"UID", b"SEARCH"]:
            return b"* SEARCH " + b" ".join(b"%d" % n for n in range(1, len(self._mails) + 1)) + b"\r\n"
        if words[:2] == [b"UID", b"FETCH"]:
            return (
                b"".join(map(self._fetched, words[2].split(b",")))
                if b"RFC822" not in asked_for(words)
                else self._sizes()
            )
        return b"* BYE\r\n" if verb == b"LOGOUT" else b""

    def _sizes(self) -> bytes:
        return b"".join(
            b"* %d FETCH (UID %d RFC822.SIZE %d)\r\n" % (n, n, len(mail))
            for n, mail in enumerate(self._mails, 1)
        )

    def _fetched(self, uid: bytes) -> bytes:
        number = int(uid) if uid.isdigit() else 0
        if not 0 < number <= len(self._mails):
            return b""
        mail = self._mails[number - 1]
        head = b'* %d FETCH (UID %d INTERNALDATE "20-Oct-2026 08:30:00 +0700" BODY[] {%d}\r\n' % (
            number,
            number,
            len(mail),
        )
        return head + mail + b")\r\n"


def asked_for(words: list[bytes]) -> bytes:
    """What a FETCH wants of each mail."""
    return b" ".join(words[3:])


class Smtp(Wire):
    """A server that takes every mail."""

    def __init__(self, spoiled: int, rng: Random) -> None:
        super().__init__(spoiled, rng)
        self._data = False
        self.say(b"220 ready\r\n")

    def sendall(self, data: bytes) -> None:
        if self._data:
            if data.endswith(b"\r\n.\r\n"):
                self._data = False
                self.say(b"250 taken\r\n")
            return
        verb = data[:4].upper()
        self._data = verb == b"DATA"
        self.say(
            {
                b"EHLO": b"250-portal.test\r\n250 8BITMIME\r\n",
                b"DATA": b"354 go on\r\n",
                b"QUIT": b"221 bye\r\n",
            }.get(verb, b"250 ok\r\n")
        )
