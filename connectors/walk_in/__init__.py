"""Reports that an officer takes down: people who come to the office, and people who call.

Portal:   none: the form *Ghi nhận* of the inbox. The ward has a channel for each of the two ways.
Owner:    the office itself.
Allows:   new reports with photos, which lie in the attachments' folder before the report is stored. Answers
          are given by a person: by telephone, by letter, at the counter.

History:
2026-11   First version.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

from aggregator.sdk.contract import (
    Attachment,
    BadRecord,
    Batch,
    CheckResult,
    ConfigInvalid,
    Context,
    Cursor,
    FetchedFile,
    Location,
    Permanent,
    Person,
    PushCommand,
    PushResult,
    RawItem,
    Record,
    RemoteState,
    SourceStatus,
)

__all__ = ["CONNECTOR"]


class WalkIn:
    """The connector; one instance serves any number of channels."""

    def remap(self, _ctx: Context, item: RawItem) -> Record:
        """One form as it was filled in. Raises `BadRecord`."""
        try:
            form = json.loads(item.content)
            return Record(
                external_id=form["number"],
                occurred_at=datetime.fromisoformat(form["received_at"]),
                subject=form["subject"],
                body=form["body"],
                person=Person(form["name"], form["phone"], anonymous=form["anonymous"]),
                location=Location(form["address"], area=form["area"]),
                category_raw=form["category"],
                status=SourceStatus.NEW,
                attachments=tuple(Attachment(*photo) for photo in form["photos"]),
            )
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise BadRecord(f"a form of another kind ({type(error).__name__})") from error

    def poll(self, _ctx: Context, _cursor: Cursor | None) -> Iterator[Batch]:
        """Nothing to poll: officers type it in."""
        raise ConfigInvalid("officers type these reports in: there is nothing to poll")

    def check(self, _ctx: Context) -> list[CheckResult]:
        """Always in order: nothing has to be reached."""
        return [CheckResult("Biểu mẫu", True, "cán bộ nhập ở mục Ghi nhận")]

    def push(self, _ctx: Context, _command: PushCommand) -> PushResult:
        """A person gives the answer."""
        raise Permanent("a person gives the answer", message_vi="Cán bộ tự báo cho người dân")

    def lookup(self, _ctx: Context, _command: PushCommand) -> RemoteState | None:
        """There is nowhere to look."""
        return None

    def fetch_attachment(self, _ctx: Context, ref: str) -> FetchedFile:
        """Its photos lie here already; one that does not is gone."""
        raise Permanent(f"{ref} is not in the attachments' folder")


CONNECTOR = WalkIn()
