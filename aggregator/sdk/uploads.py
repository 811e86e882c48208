"""Files that a portal takes in calls of their own, before the answer that names them.

    each file: laid down for this answer already? -> laid down, remembered -> its name at the portal
                                                  -> refused for good: it stays here, the answer goes

Promise: a file whose call was answered is laid down once over all tries of its answer, whatever becomes of
the answer's own call. What may surprise: where the portal's answer to a file was lost, the file is laid down
again. No portal that we know lists what was laid down, so nobody can look; what is left there is named by no
answer and shown to nobody. A name that an answer was refused with is forgotten: portals tidy up, and the next
try of a person should not fail on it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from aggregator.errors import Permanent
from aggregator.sdk.answers import Response
from aggregator.sdk.commands import PushCommand, PushResult
from aggregator.sdk.contract import Context
from aggregator.sdk.out_files import OutFile

__all__ = ["FILE_REFUSED", "Laid", "Parts", "forget", "lay_down", "parts", "refuse_file"]

#: Statuses by which portals say no to a file itself: unreadable, too large, not of a type they take.
FILE_REFUSED = frozenset((400, 413, 415, 422))
#: Files of answers on their way, over the whole channel.
_REMEMBERED = 200
_KEY = "uploads"
#: Stands for the name of a file that was refused: the answer may have gone without it, and its reply be lost.
_REFUSED = None

#: Name of the form's field, and of each file its name, bytes and type.
Parts = Sequence[tuple[str, tuple[str, bytes, str]]]


@dataclass(frozen=True, slots=True)
class Laid:
    """The files that lie at the portal with their names there, and what was said of those it refused."""

    files: tuple[tuple[OutFile, Any], ...] = ()
    refused: tuple[Permanent, ...] = ()

    def told(self, result: PushResult) -> PushResult:
        """The result of the answer, with what an officer should know of its files."""
        if not self.refused:
            return result
        first, count = self.refused[0], len(self.refused)
        return PushResult(
            result.outcome, result.remote_ref, files_left=count,
            warning=f"{count} files were refused: {first.message}",
            warning_vi=f"Cổng từ chối {count} tệp kèm. {first.message_vi or first.message}",
        )  # fmt: skip


def lay_down(ctx: Context, command: PushCommand, call: Callable[[OutFile, bytes], Any]) -> Laid:
    """All files of the command. `call` gives a file's name there (plain JSON), or raises `Permanent`."""
    files: list[tuple[OutFile, Any]] = []
    refused: list[Permanent] = []
    for file in command.attachments:
        mark = f"{command.idempotency_key}:{file.sha256}"
        name = (ctx.state.get(_KEY) or {}).get(mark, _REFUSED)
        if name is _REFUSED:
            content = file.read()  # one that is gone ends the message, and no portal was asked
            try:
                name = call(file, content)
            except Permanent as error:
                refused.append(error)
            kept = {**(ctx.state.get(_KEY) or {}), mark: name}
            ctx.state[_KEY] = dict(list(kept.items())[-_REMEMBERED:])
        if name is not _REFUSED:
            files.append((file, name))
    return Laid(tuple(files), tuple(refused))


def forget(ctx: Context, command: PushCommand) -> int:
    """The answer is there, or was refused: the names of its files are not needed, or not good, any more.

    How many of them the portal had refused.
    """
    own = f"{command.idempotency_key}:"
    known = ctx.state.get(_KEY) or {}
    kept = {mark: name for mark, name in known.items() if not mark.startswith(own)}
    if kept:
        ctx.state[_KEY] = kept
    else:
        ctx.state.pop(_KEY, None)
    return sum(name is _REFUSED for mark, name in known.items() if mark.startswith(own))


def refuse_file(response: Response) -> None:
    """`Permanent` where the portal says no to this file; other statuses speak of the channel."""
    if response.status in FILE_REFUSED:
        raise Permanent(
            f"{response.url} answered {response.status} to a file",
            message_vi=f"Cổng không nhận tệp (mã {response.status}): có thể quá lớn hoặc không đúng loại.",
            evidence=response.evidence(),
        )


def parts(field: str, files: Sequence[OutFile]) -> Parts:
    """Files as the parts of a multipart form."""
    return [(field, (file.filename, file.read(), file.content_type)) for file in files]
