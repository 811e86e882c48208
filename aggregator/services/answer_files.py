"""Files that go with an answer: photos of before and after, a decision.

    chosen -> checked by their bytes -> on disk -> rows beside the answer -> to each source that takes files

Promise: when an answer is acknowledged its files are on disk, whole, named by their content; a picture
leaves without the notes that a camera wrote into it (`domain.proof_files`). What may surprise: how much a
source takes is decided by what its connector says and nothing else, so that every try of one answer takes
the same files along; what a source does not take is counted on the message, for a person to bring.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Any

from aggregator.domain import proof_files
from aggregator.domain.people import Actor
from aggregator.domain.text import clean
from aggregator.errors import InputInvalid
from aggregator.sdk.contract import Capabilities, OutFile
from aggregator.services import legal_matters
from aggregator.services.frame import not_found, seen
from aggregator.services.kept_files import lay_down, path_of
from aggregator.storage import ids, reply_file_queries
from aggregator.storage.db import Tx

#: Files of one answer, the largest of them, and all together in bytes. A third more on their way (base64),
#: they still go through mail servers that take 25 MB.
MOST_FILES, MOST_BYTES, MOST_TOGETHER = 5, 5_000_000, 15_000_000
_LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class Chosen:
    """A file as a person chose it."""

    filename: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that lies in the attachments folder."""

    filename: str
    content_type: str
    size: int
    sha256: str


def keep(folder: Path, chosen: Sequence[Chosen]) -> tuple[Kept, ...]:
    """Check all of them, then lay them down. `InputInvalid` names the file that cannot be taken."""
    if len(chosen) > MOST_FILES:
        raise InputInvalid(
            f"{len(chosen)} files, at most {MOST_FILES} go with an answer", field="files",
            message_vi=f"Một phúc đáp kèm nhiều nhất {MOST_FILES} tệp; đã chọn {len(chosen)} tệp.",
        )  # fmt: skip
    read = [_read(one) for one in chosen]
    if sum(len(file.content) for file in read) > MOST_TOGETHER:
        most = MOST_TOGETHER // 1_000_000
        raise InputInvalid(
            f"the files have more than {MOST_TOGETHER} bytes together", field="files",
            message_vi=f"Các tệp cộng lại lớn hơn {most} MB. Hãy bớt tệp hoặc chụp lại nhỏ hơn.",
        )  # fmt: skip
    return tuple(_laid_down(folder, one, file) for one, file in zip(chosen, read, strict=True))


def _read(chosen: Chosen) -> proof_files.ProofFile:
    try:
        return proof_files.read(chosen.content, MOST_BYTES)
    except InputInvalid as error:
        name = _stem(chosen.filename) or "?"
        raise InputInvalid(
            error.message, field="files", message_vi=f"Tệp “{name}”: {error.message_vi}"
        ) from error


def _laid_down(folder: Path, chosen: Chosen, file: proof_files.ProofFile) -> Kept:
    name = (_stem(chosen.filename) or "tep") + proof_files.SUFFIXES[file.content_type]
    return Kept(name, file.content_type, len(file.content), lay_down(folder, file.content))


def _stem(filename: str) -> str:
    """The name without folders and ending, whatever machine it comes from."""
    stem = PureWindowsPath(clean(filename)).stem
    return " ".join("".join(c if c.isprintable() else " " for c in stem).split())[:_LONGEST_NAME].strip(". ")


def stored(tx: Tx, folder: Path, actor: Actor, file_id: int) -> tuple[Path, str, str]:
    """Path, name and type of a file of an answer of a case that the person may read; else `NotFound`."""
    row = reply_file_queries.one(tx, file_id) if ids.possible(file_id) else None
    if row is None or row.sha256 is None:
        raise not_found()
    if not legal_matters.may_read(actor, seen(tx, actor, row.case_id)):
        raise not_found()
    return path_of(folder, row.sha256), row.filename, row.content_type


def taken_by(can: Capabilities, folder: Path, rows: Iterable[Any]) -> tuple[OutFile, ...]:
    """Those of an answer's files that go to such a source with it: in their order, as far as they fit."""
    taken: list[OutFile] = []
    for row in rows if can.push_attachments else ():
        together = row.size + sum(file.size for file in taken)
        if len(taken) == can.push_max_files:
            break
        if row.sha256 is not None and together <= can.push_max_bytes:
            path = path_of(folder, row.sha256)
            taken.append(OutFile(row.filename, row.content_type, row.sha256, row.size, path))
    return tuple(taken)
