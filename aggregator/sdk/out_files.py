"""A file that goes with an answer, as a connector is given it: what it is, and its bytes when asked for.

Promise: the bytes are those that the officer handed in, or an error. What may surprise: a file that is not
there any more is the message's trouble and not the channel's, so it is `Permanent`: a person reads why, and
the next answers go on.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from aggregator.errors import Permanent

#: The types of files that go with answers, as their bytes say.
FileType = Literal["image/jpeg", "image/png", "image/webp", "application/pdf"]
FILE_TYPES: tuple[FileType, ...] = get_args(FileType)


@dataclass(frozen=True, slots=True)
class OutFile:
    """`size` in bytes; `content_type` is what the bytes are, never what a browser said."""

    filename: str
    content_type: str
    sha256: str
    size: int
    #: Where it lies; read by `read` alone.
    path: Path

    @property
    def is_picture(self) -> bool:
        return self.content_type.startswith("image/")

    def read(self) -> bytes:
        """All of it, never more than `size`. `Permanent` where it is gone or is not what it was."""
        try:
            with self.path.open("rb") as file:
                content = file.read(self.size + 1)
        except OSError as error:
            raise self._lost(f"cannot be read ({type(error).__name__})") from error
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise self._lost("is not what it was")
        return content

    def _lost(self, what: str) -> Permanent:
        return Permanent(
            f"file {self.sha256[:12]} of the answer {what}",
            hint="bring it back from the backup and try again, or send the answer anew with the file",
            message_vi=f"Không đọc được tệp “{self.filename}” kèm phúc đáp. Hãy khôi phục tệp rồi gửi lại, "
            "hoặc gửi phúc đáp mới kèm lại tệp.",
        )
