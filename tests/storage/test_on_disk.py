"""A file that was put on disk outlives a power cut, name and all; a failed one leaves nothing behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from aggregator.storage import on_disk


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The files and folders (by inode) that the system was asked to bring to disk, in order."""
    asked: list[int] = []
    sync = os.fsync

    def noted(handle: int) -> None:
        sync(handle)
        asked.append(os.fstat(handle).st_ino)

    monkeypatch.setattr(os, "fsync", noted)
    return asked


@pytest.mark.parametrize("put", [on_disk.put, on_disk.put_new])
def test_content_name_and_new_folders_are_brought_to_disk(tmp_path: Path, put, synced: list[int]) -> None:
    path = tmp_path / "data" / "ab" / "cd"

    put(path, b"anh")

    assert path.read_bytes() == b"anh"
    inodes = [one.stat().st_ino for one in (tmp_path, tmp_path / "data", path, path.parent)]
    assert synced == inodes, "each new folder in the one above, then the content, then its name"


def test_what_is_there_is_replaced_whole_or_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "key"
    on_disk.put_new(path, b"1")
    on_disk.put_new(path, b"2")
    assert path.read_bytes() == b"1"
    on_disk.put(path, b"3")
    assert path.read_bytes() == b"3" and path.stat().st_mode & 0o777 == 0o600


def test_a_disk_that_fails_leaves_the_old_file_and_no_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "key"
    on_disk.put(path, b"1")

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        on_disk.put(path, b"2")

    assert path.read_bytes() == b"1" and list(tmp_path.iterdir()) == [path]
