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
from pathlib import Path

from aggregator.storage.on_disk import put


def lay_down(folder: Path, content: bytes) -> str:
    """The SHA-256 of the content, whose file is there, whole and on disk, when this returns."""
    digest = hashlib.sha256(content).hexdigest()
    path = path_of(folder, digest)
    try:
        # Used again: whoever removes what no report names leaves it alone for a while.
        os.utime(path)
    except FileNotFoundError:
        put(path, content)
    return digest


def path_of(folder: Path, sha256: str) -> Path:
    """Where the file of this content lies below the attachments folder."""
    return folder / sha256[:2] / sha256[2:]
