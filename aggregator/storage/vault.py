"""Keys: sealing people's data at rest, and blind indexes to find a phone without storing it.

One key file, one base64 line of 32 bytes per key; the first seals, all open (so a key is rotated by
adding a line on top). Sealed bytes are ``version, key id, nonce, AES-256-GCM`` bound to a purpose:
bytes sealed for one purpose do not open for another. Losing the file loses the data, by design.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import tempfile
import zlib
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from aggregator.errors import AggregatorError, SettingsInvalid

_VERSION = b"\x01"


class SealBroken(AggregatorError):
    """Sealed bytes do not open: wrong key file, or somebody changed them."""

    code = "seal_broken"


class Vault:
    """Seals and opens; holds no state but the keys."""

    def __init__(self, keys: list[bytes]) -> None:
        if not keys or any(len(key) != 32 for key in keys):
            raise SettingsInvalid("the secret key file needs lines of 32 bytes in base64")
        self._ciphers = {hashlib.sha256(b"id" + key).digest()[:4]: AESGCM(key) for key in keys}
        self._first = next(iter(self._ciphers))
        # The blind index must stay the same when keys rotate: it hangs on the oldest key.
        self._index_key = hashlib.sha256(b"blind-index" + keys[-1]).digest()

    @classmethod
    def from_file(cls, path: Path) -> Vault:
        """Read the key file; make it (readable by its owner only) where there is none."""
        if not path.exists():
            _make_key_file(path)
        try:
            return cls([base64.b64decode(line, validate=True) for line in path.read_bytes().split()])
        except ValueError as error:
            raise SettingsInvalid(f"secret key file {path}: not base64") from error

    def seal(self, plain: bytes, purpose: str) -> bytes:
        nonce = os.urandom(12)
        sealed = self._ciphers[self._first].encrypt(nonce, plain, purpose.encode())
        return _VERSION + self._first + nonce + sealed

    def open(self, sealed: bytes, purpose: str) -> bytes:
        cipher = self._ciphers.get(sealed[1:5])
        if sealed[:1] != _VERSION or cipher is None:
            raise SealBroken(f"{purpose}: sealed with a key that is not in the key file")
        try:
            return cipher.decrypt(sealed[5:17], sealed[17:], purpose.encode())
        except (InvalidTag, ValueError) as error:  # ValueError: cut off inside the nonce
            raise SealBroken(f"{purpose}: the sealed bytes were changed") from error

    def pack(self, plain: bytes, purpose: str) -> bytes:
        """Compress, then seal: for raw payloads."""
        # zlib clears its window of 32 KB and more before it begins, which for a short text is the work.
        packer = zlib.compressobj(1, zlib.DEFLATED, 12, 3) if len(plain) <= 4096 else zlib.compressobj(1)
        return self.seal(packer.compress(plain) + packer.flush(), purpose)

    def unpack(self, sealed: bytes, purpose: str) -> bytes:
        return zlib.decompress(self.open(sealed, purpose))

    def seal_json(self, value: Any, purpose: str) -> bytes:
        return self.seal(json.dumps(value, ensure_ascii=False).encode(), purpose)

    def open_json(self, sealed: bytes | None, purpose: str) -> Any:
        return None if sealed is None else json.loads(self.open(sealed, purpose))

    def blind(self, value: str, kind: str) -> str:
        """A keyed digest (128 bits, hex): equal values match, and nothing can be read back."""
        return hmac.digest(self._index_key, f"{kind}:{value}".encode(), "sha256")[:16].hex()

    def sign(self, value: bytes) -> str:
        """A key for the web's signed cookies, derived so that it is not the sealing key."""
        return hmac.digest(self._index_key, b"web:" + value, "sha256").hex()


def _make_key_file(path: Path) -> None:
    """A new key, readable by its owner only; of several processes that start at once one makes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(base64.b64encode(os.urandom(32)) + b"\n")
        file.flush()
        os.fsync(handle)
    try:
        # Whole or not there at all: a half-written key would be taken for a damaged one.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        Path(draft).unlink()
