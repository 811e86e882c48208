"""One record of a batch as it was understood, before anything is written.

What may surprise: content that is the stored one but for what its status word means here is not new. The
source said nothing; a person, a setting or a newer connector gave the word another meaning (`status_words`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from aggregator.sdk.contract import Answer, Batch, Problem, RawItem, Record, SourceStatus
from aggregator.services.canonical import Canonical, revision_hash
from aggregator.services.privacy.known_again import KnownAgain
from aggregator.storage.report_queries import Head


@dataclass(frozen=True, slots=True)
class Read:
    """One record of the batch, understood. `ward` is the one that the source vouches for."""

    values: Canonical
    digest: str
    item: RawItem
    record: Record
    #: The content is the stored one, its status word has another meaning since: no news of the source.
    reread: bool = False
    #: Erased, and its id named its sender: nothing of it is taken in again.
    gone: bool = False
    #: Erased: what the source still says under it may name its sender, and is held against nothing.
    erased: bool = False

    @property
    def ward(self) -> str | None:
        return self.record.location.ward_code

    @property
    def answers(self) -> tuple[Answer, ...]:
        return self.record.answers

    @property
    def revision(self) -> tuple[str, str]:
        return self.values.external_id, self.digest


def reread(found: Sequence[Read], stored: Mapping[str, Head], blind: Callable[[str, str], str]) -> list[Read]:
    """Those whose content is the stored one but for the meaning of the status word keep its hash."""
    read = []
    for one in found:
        head = stored.get(one.values.external_id)
        if head is not None and _means_otherwise(one, head, blind):
            one = replace(one, digest=head.hash, reread=True)
        read.append(one)
    return read


def _means_otherwise(one: Read, head: Head, blind: Callable[[str, str], str]) -> bool:
    values = one.values
    if values.status_raw is None or values.status_raw != head.status_raw:
        return False
    if one.digest == head.hash:
        return values.status != head.source_status  # a connector that leaves the status out of the hash
    others = (status for status in SourceStatus if status is not values.status)
    return any(revision_hash(replace(one.record, status=status), blind) == head.hash for status in others)


def without_erased(
    again: KnownAgain, batch: Batch, found: Sequence[Read], problems: Sequence[Problem]
) -> tuple[Batch, list[Read], list[Problem]]:
    """The batch as it may come in; its pages are not archived, for they show what was erased."""
    left = [
        replace(
            one, values=again.without(one.values), item=again.raw(one.values.external_id, one.item),
            gone=again.is_gone(one.values.external_id), erased=one.values.external_id in again.modes,
        )
        for one in found
    ]  # fmt: skip
    return replace(batch, pages=()), left, [again.problem(problem) for problem in problems]
