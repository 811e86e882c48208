"""Files that go with answers: rows beside the content in the attachments folder."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, insert, select, update

from aggregator.storage import ids
from aggregator.storage.case_tables import replies, reply_files
from aggregator.storage.db import Tx
from aggregator.storage.report_queries import chunks


def put(tx: Tx, reply_id: int, files: Sequence[Mapping[str, Any]]) -> None:
    if files:
        tx.execute(insert(reply_files), [{"reply_id": reply_id, **file} for file in files])


def of_replies(tx: Tx, reply_ids: Iterable[int]) -> dict[int, list[Row[Any]]]:
    """The files of these answers, in the order in which they were chosen; without an entry: none."""
    found: dict[int, list[Row[Any]]] = defaultdict(list)
    for part in chunks(sorted(set(reply_ids))):
        query = select(reply_files).where(reply_files.c.reply_id.in_(part)).order_by(reply_files.c.id)
        for row in tx.execute(query):
            found[row.reply_id].append(row)
    return found


def one(tx: Tx, file_id: int) -> Row[Any] | None:
    """A file with the case of its answer."""
    query = select(reply_files, replies.c.case_id).join(replies, replies.c.id == reply_files.c.reply_id)
    return tx.execute(query.where(reply_files.c.id == file_id)).one_or_none()


def taken_back(tx: Tx, case_id: int, file_ids: Collection[int]) -> list[Row[Any]]:
    """Those of the files that are still there and belong to answers of the case that were taken back."""
    query = select(reply_files).join(replies, replies.c.id == reply_files.c.reply_id)
    query = query.where(
        reply_files.c.id.in_([one for one in file_ids if ids.possible(one)]), replies.c.case_id == case_id,
        replies.c.withdrawn_at.isnot(None), reply_files.c.sha256.isnot(None),
    )  # fmt: skip
    return list(tx.execute(query.order_by(reply_files.c.id)))


def forget(tx: Tx, reply_ids: Iterable[int]) -> list[str]:
    """The files of these answers lose their names; what their contents were called."""
    digests: list[str] = []
    for part in chunks(sorted(set(reply_ids))):
        mine = reply_files.c.reply_id.in_(part)
        digests += tx.scalars(select(reply_files.c.sha256).where(mine, reply_files.c.sha256.isnot(None)))
        tx.execute(update(reply_files).where(mine).values(filename="", sha256=None))
    return digests
