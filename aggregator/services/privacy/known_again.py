"""Reports that were erased, when their source shows them again: what comes in, and what does not.

    record | keyed hash of channel and id | unknown: as ever
           | identity: without the person   | text: and with the words that we still have, no files
           | named: somebody else's, it named them: its sender comes in, its words and files do not
           | gone: its id named the person, nothing of it; counted as unchanged

What may surprise: the record's own hash still tells news, so that a status that changes at the source is
followed, and the ledger says that a revision came and what of it was withheld. A page that shows an erased
report is not archived, whoever else stands on it. And of a neighbour's report no new word comes in: to strike
a name out of it we would have to keep that name, or a hash that says whether a guess is right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from aggregator.sdk.contract import Person, Problem, RawItem
from aggregator.services.canonical import Canonical
from aggregator.storage import forgetting_queries
from aggregator.storage.db import Tx
from aggregator.storage.vault import Vault

#: The purpose of the keyed hash by which an erased report is known again.
_PURPOSE = "forgotten"
#: In place of what a source says of an erased report.
NOTHING = RawItem(b"", "application/octet-stream")


def known_key(vault: Vault, channel_id: int, external_id: str) -> str:
    """By which a report is known again, and nobody can tell which it was."""
    return vault.blind(f"{channel_id}:{external_id}", _PURPOSE)


def together(before: str | None, mode: str) -> str:
    """How a report comes back that was erased twice: without what either left out."""
    both = {before, mode} - {None}
    return next((one for one in ("gone", "text") if one in both), mode if len(both) == 1 else "text")


@dataclass(frozen=True, slots=True)
class Words:
    """What is still stored of an erased report."""

    subject: str
    body: str
    address: str | None
    area: str | None
    lat: float | None
    lng: float | None


@dataclass(frozen=True, slots=True)
class KnownAgain:
    """External id -> how it comes back, of those of a batch that were erased."""

    modes: Mapping[str, str]
    words: Mapping[str, Words]

    def __bool__(self) -> bool:
        return bool(self.modes)

    def is_gone(self, external_id: str) -> bool:
        return self.modes.get(external_id) == "gone"

    def without(self, values: Canonical) -> Canonical:
        """The values as they may come in."""
        mode = self.modes.get(values.external_id)
        if mode is None:
            return values
        nobody = Person(anonymous=values.person.anonymous)
        if mode == "identity":
            return replace(values, person=nobody, withheld=mode)
        left = self.words.get(values.external_id) or Words("", "", None, None, None, None)
        return replace(
            values, person=values.person if mode == "named" else nobody, withheld=mode,
            subject=left.subject, body=left.body, address=left.address, area=left.area, lat=left.lat,
            lng=left.lng, url=values.url if mode == "named" else None, attachments=(),
        )  # fmt: skip

    def raw(self, external_id: str, item: RawItem) -> RawItem:
        return item if external_id not in self.modes else replace(NOTHING, ref=item.ref)

    def problem(self, problem: Problem) -> Problem:
        """One that cannot be read, and says whose it is."""
        found = problem.error.external_id
        if found is None or found not in self.modes:
            return problem
        return replace(problem, item=self.raw(found, problem.item))


NOBODY = KnownAgain({}, {})


def known_again(tx: Tx, vault: Vault, channel_id: int, external_ids: Sequence[str]) -> KnownAgain:
    """Which of these reports of a channel were erased. One short statement where none ever was."""
    if not external_ids or not forgetting_queries.any_forgotten(tx):
        return NOBODY
    keys = {known_key(vault, channel_id, one): one for one in external_ids}
    modes = {keys[key]: mode for key, mode in forgetting_queries.known(tx, keys).items()}
    if not modes:
        return NOBODY
    rows = forgetting_queries.words_of(tx, channel_id, list(modes))
    words = {
        row.external_id: Words(row.subject, row.body, row.address, row.area, row.lat, row.lng) for row in rows
    }
    return KnownAgain(modes, words)
