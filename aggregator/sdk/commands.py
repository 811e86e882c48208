"""What a connector carries: one answer to one report's source, and what came of it.

Connectors import it from `aggregator.sdk.contract`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from aggregator.sdk.out_files import OutFile
from aggregator.sdk.records import Answer, SourceStatus

#: What an answer says: the matter is settled, goes on, is refused, was received, went to another body, takes
#: longer, or an earlier answer was wrong.
AnswerKind = Literal[
    "result", "progress", "refusal", "acknowledgement", "transfer", "extension", "correction"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PushCommand:
    """One answer to deliver to one report's source.

    `attempt` counts from 1. `idempotency_key` is the same over all attempts. `kind` is one of the
    connector's `push_kinds`: what the source has no word for comes as another kind, or not at all.
    """

    idempotency_key: str
    external_id: str
    kind: AnswerKind
    body: str
    #: The state that the source should show afterwards, in our words; the connector maps it back.
    status: SourceStatus
    at: datetime
    author_name: str = ""
    author_title: str = ""
    unit_name: str = ""
    attempt: int = 1
    #: The body that has the matter now, in words (transfer; also where it is said as a refusal).
    transfer_to: str = ""
    #: The new date (extension; also where it is said as progress).
    due_at: datetime | None = None
    #: The source's name (`PushResult.remote_ref`) of the answer that this one corrects, where it gave one.
    corrects: str | None = None
    #: Only for a source with ``push_attachments``. They go with the answer in the same effect: a repeat adds
    #: neither a second answer nor a second file, and an answer that is found has its files.
    attachments: tuple[OutFile, ...] = ()


@dataclass(frozen=True, slots=True)
class PushResult:
    """`sent`: the portal accepted it. `already_there`: it had it before this call.

    `warning`, and the same in Vietnamese: what an officer should know of an answer that stands there.
    `files_left`: how many of the command's files this channel's portal did not take after all.
    """

    outcome: Literal["sent", "already_there"]
    remote_ref: str | None = None
    warning: str = ""
    warning_vi: str = ""
    files_left: int = 0


@dataclass(frozen=True, slots=True)
class RemoteState:
    """What the portal shows for one report."""

    status: SourceStatus
    answers: tuple[Answer, ...] = ()
    #: The answer of the command asked about, where it is there, and how many files it went without.
    found: Answer | None = None
    files_left: int = 0
