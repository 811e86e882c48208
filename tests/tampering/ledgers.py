"""A real ledger as it is exported, and who holds what outside: the material of the tampering."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from aggregator.domain.workflow import ReplyKind, Status
from aggregator.services.ledger import Draft, append
from tests.factories import Office, apart
from tests.people import WARD_A, WARD_B

Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Material:
    """An honest export, line by line, and the documents that were given out while it grew."""

    head: Line
    checkpoints: tuple[Line, ...]
    entries: tuple[Line, ...]
    #: What a file outside holds: every checkpoint with the hashes of the entries.
    held: str
    #: The same checkpoints as mails hold them: text and signature alone.
    mailed: str
    #: The office's own key: what somebody inside would sign with.
    private: bytes

    def file(self, entries: list[Line] | None = None, checkpoints: list[Line] | None = None) -> bytes:
        """An export of these entries, written as an honest one is."""
        lines = [self.head]
        lines += self.checkpoints if checkpoints is None else checkpoints
        lines += self.entries if entries is None else entries
        return "".join(canonical(line) + "\n" for line in lines).encode()


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def worked(office: Office) -> Material:
    """Two wards at work for some weeks under three checkpoints and two keys, one entry erased on record."""
    office.channel("of b", ward=WARD_B)
    office.receives("of b", *apart(4, 300))
    office.receives("1022", *apart(8))
    held = [_held(office, None)]
    for n in range(1, 9):
        case = office.case_of(str(n))
        office.cases.move(office.lan, case, Status.IN_PROGRESS)
        for visit in range(6):
            office.cases.note(office.lan, case, f"Đã hẹn lần {visit}.")
            office.clock.forward(hours=3)
    office.checkpoints.keys.rotate()
    _erase(office, WARD_A, 12)
    held.append(_held(office, 1))
    for n in range(1, 9):
        office.cases.reply(office.lan, office.case_of(str(n)), ReplyKind.RESULT, f"Xong việc {n}.")
        office.clock.forward(days=1)
    held.append(_held(office, 2))
    lines = [json.loads(line) for line in office.ledger_export.lines(with_data=True)]
    texts = [json.loads(one)["checkpoint"] for one in held]
    return Material(
        head=lines[0],
        checkpoints=tuple(line for line in lines[1:] if "checkpoint" in line),
        entries=tuple(line for line in lines[1:] if "checkpoint" not in line),
        held="".join(held),
        mailed="\r\n\r\n".join(
            f"Kính gửi lãnh đạo\r\n\r\n{one['text']}signature: {one['signature']}" for one in texts
        ),
        private=office.vault.open(bytes(office.rows("SELECT sealed FROM ledger_keys")[-1][0]), "ledger-key"),
    )


def _held(office: Office, since: int | None) -> str:
    made = office.checkpoints.make(force=True)
    assert made is not None
    return office.ledger_export.held(made.number, since)


def _erase(office: Office, chain: str, seq: int) -> None:
    with office.db.write() as tx:
        tx.exec_driver_sql(
            f"UPDATE ledger_entries SET data = NULL, salt = NULL WHERE chain = '{chain}' AND seq = {seq}"
        )
        append(tx, [Draft(chain, "erased", office.clock(), {"entries": [[chain, seq, seq]]})])
