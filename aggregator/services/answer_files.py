"""Files that go with an answer: photos of before and after, a decision.

    chosen -> checked by their bytes -> on disk -> rows beside the answer -> to each source that takes files

Promise: when an answer is acknowledged its files are on disk, whole, named by their content; a picture
leaves without the notes that a camera wrote into it (`domain.proof_files`). What may surprise: how much a
source takes is decided by what its connector says and its channel's options, and nothing else, so that every
try of one answer takes the same files along. What a source does not take is told beside it before sending,
counted on its message when the answer is written, and never a reason to refuse the answer.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Any

from aggregator.domain import proof_files
from aggregator.domain.people import Actor
from aggregator.domain.text import clean
from aggregator.errors import InputInvalid
from aggregator.sdk.contract import FILE_TYPES, Capabilities, OutFile
from aggregator.services import legal_matters
from aggregator.services.frame import not_found, seen
from aggregator.services.kept_files import lay_down, path_of
from aggregator.storage import ids, reply_file_queries
from aggregator.storage.db import Tx

#: Files of one answer, the largest of them, and all together in bytes. A third more on their way (base64),
#: they still go through mail servers that take 25 MB.
MOST_FILES, MOST_BYTES, MOST_TOGETHER = 5, 5_000_000, 15_000_000
_LONGEST_NAME = 80
_NO_LIMIT = 1_000
_PICTURES = tuple(kind for kind in FILE_TYPES if kind.startswith("image/"))
#: What a channel's option `answer_file_types` leaves of the types.
_OWN_TYPES: Mapping[str, tuple[str, ...]] = {
    "all": FILE_TYPES, "pictures": _PICTURES, "pdf": ("application/pdf",),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Chosen:
    """A file as a person chose it."""

    filename: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Again:
    """A file of an answer of this case that was taken back: it goes with another one."""

    file_id: int


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that lies in the attachments folder."""

    filename: str
    content_type: str
    size: int
    sha256: str


def again(tx: Tx, case_id: int, files: Iterable[Chosen | Again]) -> tuple[Kept, ...]:
    """Those that lie there since an answer of the case was taken back; `InputInvalid` where one is gone."""
    wanted = {one.file_id for one in files if isinstance(one, Again)}
    rows = reply_file_queries.taken_back(tx, case_id, wanted)
    if len(rows) < len(wanted):
        raise InputInvalid(
            "a file of the answer that was taken back is no longer there", field="files",
            message_vi="Tệp của phúc đáp đã hoàn tác không còn. Hãy chọn lại tệp.",
        )  # fmt: skip
    return tuple(Kept(row.filename, row.content_type, row.size, row.sha256) for row in rows)


def keep(folder: Path, chosen: Sequence[Chosen], before: tuple[Kept, ...] = ()) -> tuple[Kept, ...]:
    """Check all of them, then lay them down beside those of `before`. `InputInvalid` names the file that
    cannot be taken."""
    count = len(before) + len(chosen)
    if count > MOST_FILES:
        raise InputInvalid(
            f"{count} files, at most {MOST_FILES} go with an answer", field="files",
            message_vi=f"Một phúc đáp kèm nhiều nhất {MOST_FILES} tệp; đã chọn {count} tệp.",
        )  # fmt: skip
    read = [_read(one) for one in chosen]
    if sum(len(file.content) for file in read) + sum(file.size for file in before) > MOST_TOGETHER:
        most = MOST_TOGETHER // 1_000_000
        raise InputInvalid(
            f"the files have more than {MOST_TOGETHER} bytes together", field="files",
            message_vi=f"Các tệp cộng lại lớn hơn {most} MB. Hãy bớt tệp hoặc chụp lại nhỏ hơn.",
        )  # fmt: skip
    laid_down = (_laid_down(folder, one, file) for one, file in zip(chosen, read, strict=True))
    return (*before, *laid_down)


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


@dataclass(frozen=True, slots=True)
class Taking:
    """What a source takes of an answer's files: so many, so large each and together, of these types."""

    most: int
    each: int
    together: int
    types: tuple[str, ...]

    @property
    def narrow(self) -> bool:
        """Less than what an officer may choose."""
        return self != Taking(MOST_FILES, MOST_BYTES, MOST_TOGETHER, FILE_TYPES)


NO_FILES = Taking(0, 0, 0, ())


def taking(can: Capabilities, options: Mapping[str, Any]) -> Taking:
    """What its connector says, as far as the channel's own options do not say less."""
    if not (can.push_reply and can.push_attachments):
        return NO_FILES
    each = min(can.push_max_file_bytes, int(options.get("answer_file_mb", _NO_LIMIT) * 1_000_000))
    own = _OWN_TYPES[options.get("answer_file_types", "all")]
    return Taking(
        most=min(can.push_max_files, MOST_FILES, options.get("answer_files", MOST_FILES)),
        each=min(each, MOST_BYTES),
        together=min(can.push_max_bytes, MOST_TOGETHER),
        types=tuple(kind for kind in FILE_TYPES if kind in can.push_file_types and kind in own),
    )


class Stays(enum.StrEnum):
    """Stays a file of an answer does not go to a source with it."""

    NO_FILES = "no_files"
    TYPE = "type"
    SIZE = "size"
    TOO_MANY = "too_many"


@dataclass(frozen=True, slots=True)
class Left:
    """A file that stays here, for a person to bring where it matters."""

    filename: str
    why: Stays


def sorted_out(take: Taking, files: Sequence[Any]) -> tuple[tuple[Any, ...], tuple[Left, ...]]:
    """An answer's files in their order: those that go to such a source, and those that do not."""
    goes: list[Any] = []
    left: list[Left] = []
    for file in files:
        why = _why_not(take, goes, file)
        if why is not None:
            left.append(Left(file.filename, why))
        elif file.sha256 is not None:  # forgotten since: nothing is there to go, nor to bring
            goes.append(file)
    return tuple(goes), tuple(left)


def _why_not(take: Taking, goes: Sequence[Any], file: Any) -> Stays | None:
    if not take.most:
        return Stays.NO_FILES
    if file.content_type not in take.types:
        return Stays.TYPE
    if file.size > take.each:
        return Stays.SIZE
    if len(goes) == take.most or file.size + sum(one.size for one in goes) > take.together:
        return Stays.TOO_MANY
    return None


def out_files(folder: Path, files: Iterable[Any]) -> tuple[OutFile, ...]:
    """The same files as a connector is given them."""
    return tuple(
        OutFile(file.filename, file.content_type, file.sha256, file.size, path_of(folder, file.sha256))
        for file in files
    )
