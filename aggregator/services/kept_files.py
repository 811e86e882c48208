"""Files below the attachments folder, named by their content: the same bytes are one file.

    digest = lay_down(folder, content) | commit the row that names it

It lies at ``<data>/attachments/ab/cdef…``, its SHA-256 split after two digits, so the same photo sent through
three channels is one file, and a file is whole or not there (written aside, synced, renamed).

The file comes before the row, so a row never names a file that is not there; a file that no row came to
name is removed by the sweep (`privacy.files`).
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import suppress
from pathlib import Path


def lay_down(folder: Path, content: bytes) -> str:
    """The SHA-256 of the content, whose file is there, whole and on disk, when this returns."""
    digest = hashlib.sha256(content).hexdigest()
    _write_once(path_of(folder, digest), content)
    return digest


def path_of(folder: Path, sha256: str) -> Path:
    """Where the file of this content lies below the attachments folder."""
    return folder / sha256[:2] / sha256[2:]


def _write_once(path: Path, content: bytes) -> None:
    with suppress(FileNotFoundError):
        # Used again: whoever removes what no report names leaves it alone for a while.
        os.utime(path)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    # The name is in the folder, and the folder is a file of its own: without this a power cut may
    # leave the row that says "stored" and no file.
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
