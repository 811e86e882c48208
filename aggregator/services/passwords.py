"""Passwords as the database keeps them: argon2id (RFC 9106: 64 MiB, 3 passes, 4 lanes).

What may surprise: they are compared in one form of Unicode, because Vietnamese keyboards send a letter
composed or decomposed, by system.
"""

from __future__ import annotations

import base64
import secrets
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from aggregator.errors import InputInvalid

SHORTEST, LONGEST = 8, 256
#: No letters or digits that look alike on paper.
_READABLE = "abcdefghjkmnpqrstuvwxyz23456789"


class Passwords:
    """Hashes and compares. `hasher` is given where a test cannot spend 64 MiB a password."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=4)
        #: Compared against where there is no such login, so that the answer takes as long; fits nothing.
        self.nobodys = _nobodys(self._hasher)

    def digest(self, password: str) -> str:
        return self._hasher.hash(_normal(password))

    def fits(self, digest: str, password: str) -> bool:
        try:
            return self._hasher.verify(digest, _normal(password))
        except (VerificationError, InvalidHashError):
            return False

    def renewed(self, digest: str, password: str) -> str | None:
        """The same password under today's parameters, where the stored hash has older ones."""
        return self.digest(password) if self._hasher.check_needs_rehash(digest) else None


def checked(password: str) -> str:
    """A password that may be set, or `InputInvalid`."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise InputInvalid(
            f"the password needs {SHORTEST} to {LONGEST} characters", field="password",
            message_vi=f"Mật khẩu cần từ {SHORTEST} đến {LONGEST} ký tự.",
        )  # fmt: skip
    return password


def made_up() -> str:
    """Four groups of four, about 79 bits, to be read out or typed from paper."""
    return "-".join("".join(secrets.choice(_READABLE) for _ in range(4)) for _ in range(4))


def _nobodys(hasher: PasswordHasher) -> str:
    costs = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    salt, digest = (
        base64.b64encode(secrets.token_bytes(size)).decode().rstrip("=")
        for size in (hasher.salt_len, hasher.hash_len)
    )
    return f"$argon2id$v=19${costs}${salt}${digest}"


def _normal(password: str) -> bytes:
    if len(password) > LONGEST:
        return b""  # too short to be anybody's
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
