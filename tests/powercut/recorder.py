"""Every write, truncation and sync that SQLite asks of the disk, in order, as it asks it.

    with recording() as disk: ... work ...; disk.events

Done by stepping between SQLite and its operating system layer (sqlite.org/vfs.html): opening a file is ours,
and the file gets a copy of its method table in which three entries are ours. All is passed on unchanged.

What may surprise: a sync stands in the list when it *returned*; power that goes in the middle of one finds
everything before it still volatile. Works where Python's SQLite is a shared library (Debian's, pyenv's);
elsewhere `available` is False.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_int64, c_void_p
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_OK = 0
#: The database, its write-ahead log, a rollback journal: what must outlive the power (sqlite.org/c3ref/open).
_KEPT = 0x0100 | 0x0800 | 0x80000


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes for this place of a file."""

    file: str
    at: int
    content: bytes


@dataclass(frozen=True, slots=True)
class Truncate:
    """The file ends here."""

    file: str
    size: int


@dataclass(frozen=True, slots=True)
class Sync:
    """All that was asked of this file before is on the disk."""

    file: str


@dataclass(frozen=True, slots=True)
class Remove:
    """The file is gone."""

    file: str


@dataclass(frozen=True, slots=True)
class Mark:
    """Not the disk's: the work was told that this errand is done; what was there then."""

    number: int
    entries: int
    sent: int


Event = Write | Truncate | Sync | Remove | Mark


class _File(Structure):
    _fields_ = (("methods", c_void_p),)


_CLOSE = CFUNCTYPE(c_int, POINTER(_File))
_WRITE = CFUNCTYPE(c_int, POINTER(_File), c_void_p, c_int, c_int64)
_TRUNCATE = CFUNCTYPE(c_int, POINTER(_File), c_int64)
_SYNC = CFUNCTYPE(c_int, POINTER(_File), c_int)


class _Methods(Structure):
    """sqlite3_io_methods, version 3."""

    _fields_ = (
        ("version", c_int), ("close", _CLOSE), ("read", c_void_p), ("write", _WRITE),
        ("truncate", _TRUNCATE), ("sync", _SYNC), ("others", c_void_p * 12),
    )  # fmt: skip


class _Vfs(Structure):
    """The head of sqlite3_vfs: what follows is not touched."""


# The name by its address: SQLite goes on reading it there, and Python would pass a copy that it soon forgets.
_OPEN = CFUNCTYPE(c_int, POINTER(_Vfs), c_void_p, POINTER(_File), c_int, POINTER(c_int))
_REMOVE = CFUNCTYPE(c_int, POINTER(_Vfs), c_char_p, c_int)
_Vfs._fields_ = (
    ("version", c_int), ("file_size", c_int), ("longest_path", c_int), ("next", c_void_p),
    ("name", c_char_p), ("data", c_void_p), ("open", _OPEN), ("remove", _REMOVE),
)  # fmt: skip


class Disk:
    """What was asked of the disk so far."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._names: dict[int, str] = {}
        self._tables: dict[int, _Methods] = {}

    def watch(self, file: Any, name: str) -> None:
        """Note from now on what is asked of this open file."""
        theirs = file[0].methods
        if theirs not in self._tables:
            self._tables[theirs] = self._watched(ctypes.cast(theirs, POINTER(_Methods))[0])
        self._names[ctypes.addressof(file[0])] = name
        file[0].methods = ctypes.addressof(self._tables[theirs])

    def _watched(self, theirs: _Methods) -> _Methods:
        names, events = self._names, self.events

        def write(file: Any, content: int, size: int, at: int) -> int:
            events.append(Write(names[ctypes.addressof(file[0])], at, ctypes.string_at(content, size)))
            return int(theirs.write(file, content, size, at))

        def truncate(file: Any, size: int) -> int:
            events.append(Truncate(names[ctypes.addressof(file[0])], size))
            return int(theirs.truncate(file, size))

        def sync(file: Any, flags: int) -> int:
            code = int(theirs.sync(file, flags))
            events.append(Sync(names[ctypes.addressof(file[0])]))
            return code

        ours = _Methods.from_buffer_copy(theirs)
        ours.write, ours.truncate, ours.sync = _WRITE(write), _TRUNCATE(truncate), _SYNC(sync)
        return ours


def _library() -> ctypes.CDLL | None:
    name = ctypes.util.find_library("sqlite3")
    if name is None:
        return None
    library = ctypes.CDLL(name)
    library.sqlite3_libversion.restype = c_char_p
    library.sqlite3_vfs_find.restype = POINTER(_Vfs)
    return library


@contextmanager
def recording() -> Iterator[Disk]:
    """Note what is asked of every database file that the block opens (and closes again)."""
    library = _library()
    assert library is not None
    disk, vfs = Disk(), library.sqlite3_vfs_find(None)
    # Their addresses: the fields themselves are about to change.
    theirs = _OPEN(ctypes.cast(vfs[0].open, c_void_p).value or 0)
    their_remove = _REMOVE(ctypes.cast(vfs[0].remove, c_void_p).value or 0)

    def opened(which: Any, name: int | None, file: Any, flags: int, out: Any) -> int:
        code = int(theirs(which, name, file, flags, out))
        if code == _OK and name and flags & _KEPT:
            disk.watch(file, Path(ctypes.string_at(name).decode()).name)
        return code

    def removed(which: Any, name: bytes, sync: int) -> int:
        disk.events.append(Remove(Path(name.decode()).name))
        return int(their_remove(which, name, sync))

    ours, our_remove = _OPEN(opened), _REMOVE(removed)
    vfs[0].open, vfs[0].remove = ours, our_remove
    try:
        yield disk
    finally:
        vfs[0].open, vfs[0].remove = theirs, their_remove


def available() -> bool:
    """Whether this Python's SQLite is the library that can be stepped into."""
    library = _library()
    return library is not None and library.sqlite3_libversion().decode() == sqlite3.sqlite_version
