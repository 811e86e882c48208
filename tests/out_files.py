"""Files on disk, as a connector is given them with an answer."""

from __future__ import annotations

import hashlib
from pathlib import Path

from aggregator.sdk.contract import OutFile


def laid_down(folder: Path, *files: tuple[str, bytes]) -> tuple[OutFile, ...]:
    """Named files of these bytes; what is no picture by its name is a PDF."""
    return tuple(_laid_down(folder, name, content) for name, content in files)


def _laid_down(folder: Path, name: str, content: bytes) -> OutFile:
    digest = hashlib.sha256(content).hexdigest()
    path = folder / digest
    path.write_bytes(content)
    kind = "image/jpeg" if name.endswith(".jpg") else "application/pdf"
    return OutFile(name, kind, digest, len(content), path)
