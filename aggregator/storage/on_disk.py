"""Files that outlive a power cut: whole, or as they were before.

    put(path, content)           in the place of whatever is there
    put_new(path, content)       unless something is there

Written beside, synced, then given its name; and the name is synced, too. It is in the folder, and the folder
is a file of its own: without that, a power cut may leave a committed row that names no file, or sealed data
whose key is gone.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

#: How a file begins that was never finished.
DRAFT = ".new-"


def put(path: Path, content: bytes) -> None:
    """The file has this content, on disk, when this returns."""
    with _draft(path, content) as draft:
        draft.replace(path)


def put_new(path: Path, content: bytes) -> None:
    """There is a whole file when this returns: this one, or that of a process that was quicker."""
    with _draft(path, content) as draft, suppress(FileExistsError):
        os.link(draft, path)


@contextmanager
def _draft(path: Path, content: bytes) -> Iterator[Path]:
    _make(path.parent)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=DRAFT)
    draft = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield draft
    finally:
        draft.unlink(missing_ok=True)
    _sync(path.parent)


def _make(folder: Path) -> None:
    if folder.is_dir():
        return
    _make(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync(folder.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
