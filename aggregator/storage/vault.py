"""Keys: sealing people's data at rest, and blind indexes to find a phone without storing it.

One key file, one base64 line of 32 bytes per key; the first seals, all open (so a key is rotated by
adding a line on top). Sealed bytes are ``version, key id, nonce, AES-256-GCM`` bound to a purpose:
bytes sealed for one purpose do not open for another. Losing the file loses the data, by design.

What may surprise: a running process notices a changed key file by itself, at most `LOOK_S` after the
change, so that nobody has to stop while keys are rotated. And the blind index outlives the key it came
from: where that key is retired, a line ``index:...`` keeps what the index needs and opens nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import time
import zlib
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from aggregator.errors import AggregatorError, SettingsInvalid
from aggregator.storage.on_disk import put, put_new

_VERSION = b"\x01"
#: How long a process may go on with keys that the file no longer has on top.
LOOK_S = 1.0
_INDEX = b"index:"


class SealBroken(AggregatorError):
    """Sealed bytes do not open: wrong key file, or somebody changed them."""

    code = "seal_broken"


class Vault:
    """Seals and opens; holds no state but the keys."""

    def __init__(self, keys: list[bytes], index_key: bytes | None = None) -> None:
        self._path: Path | None = None
        self._seen: tuple[int, int, int] | None = None
        self._looked = 0.0
        self._take(keys, index_key)

    def _take(self, keys: list[bytes], index_key: bytes | None) -> None:
        if not keys or any(len(key) != 32 for key in keys):
            raise SettingsInvalid("the secret key file needs lines of 32 bytes in base64")
        self._ciphers = {key_id(key): AESGCM(key) for key in keys}
        self._first = key_id(keys[0])
        # The blind index must stay the same when keys rotate: it hangs on the oldest key.
        self._index_key = index_key or index_key_of(keys[-1])

    @classmethod
    def from_file(cls, path: Path) -> Vault:
        """Read the key file; make it (readable by its owner only) where there is none."""
        if not path.exists():
            _make_key_file(path)
        seen = _mark(path)
        vault = cls(*read_keys(path))
        vault._path, vault._seen, vault._looked = path, seen, time.monotonic()
        return vault

    @property
    def older(self) -> tuple[bytes, ...]:
        """The ids, as they stand in sealed bytes, of the keys that only open."""
        self._look(at_once=True)
        return tuple(self._ciphers)[1:]

    def _look(self, *, at_once: bool = False) -> None:
        """Take over the keys of a file that was changed meanwhile."""
        if self._path is None or (not at_once and time.monotonic() - self._looked < LOOK_S):
            return
        self._looked = time.monotonic()
        try:
            seen = _mark(self._path)
            if seen != self._seen:
                self._take(*read_keys(self._path))
                self._seen = seen
        except (OSError, SettingsInvalid):
            return  # the keys at hand still open everything that was sealed with them

    def seal(self, plain: bytes, purpose: str) -> bytes:
        self._look()
        first, nonce = self._first, os.urandom(12)
        sealed = self._ciphers[first].encrypt(nonce, plain, purpose.encode())
        return _VERSION + first + nonce + sealed

    def open(self, sealed: bytes, purpose: str) -> bytes:
        cipher = self._ciphers.get(sealed[1:5])
        if cipher is None:  # sealed by a process that knows a newer key
            self._look(at_once=True)
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
    # Whole or not there at all: a half-written key would be taken for a damaged one.
    put_new(path, base64.b64encode(os.urandom(32)) + b"\n")


# Rotating --------------------------------------------------------------------------------------------


def key_id(key: bytes) -> bytes:
    """How sealed bytes name their key."""
    return hashlib.sha256(b"id" + key).digest()[:4]


def index_key_of(key: bytes) -> bytes:
    return hashlib.sha256(b"blind-index" + key).digest()


def read_keys(path: Path) -> tuple[list[bytes], bytes | None]:
    """The keys of a file, newest first, and the index key where it stands there by itself."""
    keys: list[bytes] = []
    index: bytes | None = None
    try:
        for line in path.read_bytes().split():
            if line.startswith(_INDEX):
                index = base64.b64decode(line.removeprefix(_INDEX), validate=True)
            else:
                keys.append(base64.b64decode(line, validate=True))
    except ValueError as error:
        raise SettingsInvalid(f"secret key file {path}: not base64") from error
    return keys, index


def add_key(path: Path) -> None:
    """Put a new key on top: it seals from now on, the ones below go on opening."""
    keys, index = read_keys(path)
    _write_keys(path, [os.urandom(32), *keys], index)


def retire_keys(path: Path) -> int:
    """Take every key but the newest out of the file; how many went. The blind index stays as it is."""
    keys, index = read_keys(path)
    if len(keys) > 1:
        _write_keys(path, keys[:1], index or index_key_of(keys[-1]))
    return len(keys) - 1


def _write_keys(path: Path, keys: list[bytes], index: bytes | None) -> None:
    """The whole file or the one before it, whatever happens: half a key file is lost data."""
    lines = [base64.b64encode(key) for key in keys]
    lines += [_INDEX + base64.b64encode(index)] if index is not None else []
    put(path, b"\n".join(lines) + b"\n")


def _mark(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns
