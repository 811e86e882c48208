"""The chain holds (I11): whatever is changed afterwards is found, with its place."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import select, update

from aggregator.domain.workflow import ReplyKind, Status
from aggregator.services.ledger import Draft, append
from aggregator.storage.ledger_tables import ledger_entries
from tests.factories import Office, apart
from tests.people import WARD_A, WARD_B


@pytest.fixture
def worked(office: Office) -> Office:
    """A little of everything, in two wards."""
    office.channel("of b", ward=WARD_B)
    case = office.opens("1")
    office.opens("2", slug="of b")
    office.cases.note(office.lan, case, "Đã hẹn.")
    office.cases.move(office.lan, case, Status.IN_PROGRESS)
    office.cases.reply(office.lan, case, ReplyKind.RESULT, "Xong.")
    return office


def tampered(office: Office, *statements: str) -> list[tuple[str, int, str]]:
    """What is found after somebody with the database's password was at work: chain, entry, code."""
    with office.db.write() as tx:
        for statement in statements:
            assert tx.exec_driver_sql(statement).rowcount
    return [(found.chain, found.seq, found.code) for found in office.evidence.verify().findings]


def test_an_honest_chain_holds(worked: Office) -> None:
    verified = worked.evidence.verify()
    assert verified.findings == ()
    assert verified.entries == worked.count("ledger_entries")
    assert verified.chains == 3  # two wards, and the installation's own


FIELDS = {
    "at": "at = '2020-01-01 00:00:00+00'",
    "kind": "kind = 'noted '",
    "case": "case_id = (SELECT max(id) FROM cases)",
    "no case": "case_id = NULL",
    "officer": "officer_id = (SELECT max(id) FROM officers)",
    "no officer": "officer_id = NULL",
    "channel": "channel_id = (SELECT min(id) FROM channels)",
    "data": 'data = \'{"text":"Không hẹn."}\'',
    "data gone": "data = NULL",
    "salt": "salt = 'x'",
    "salt gone": "salt = NULL",
    "commitment": "commitment = 'x'",
    "prev_hash": "prev_hash = 'x'",
    "hash": "hash = 'x'",
    "seq": "seq = 900",
    "chain": "chain = 'x'",
}


def test_any_single_field_that_is_changed_is_found_with_its_place(
    worked: Office, subtests: pytest.Subtests
) -> None:
    mine = (ledger_entries.c.chain == WARD_A) & (ledger_entries.c.seq == 2)
    with worked.db.read() as tx:
        honest = tx.execute(select(ledger_entries).where(mine)).one()._asdict()
    for note, change in FIELDS.items():
        if worked.db.dialect == "sqlite":
            change = change.replace("00:00:00+00", "00:00:00.000000")
        with subtests.test(note):
            found = tampered(worked, f"UPDATE ledger_entries SET {change} WHERE id = {honest['id']}")
            assert found
            # The entry itself, or the first after the hole that it left.
            assert min(seq for _, seq, _ in found) in (2, 3, 900)
        with worked.db.write() as tx:
            tx.execute(update(ledger_entries).where(ledger_entries.c.id == honest["id"]).values(**honest))
    assert worked.evidence.verify().findings == ()


@pytest.mark.parametrize("seq", [1, 2, 4])
def test_a_removed_entry_is_found(worked: Office, seq: int) -> None:
    found = tampered(worked, f"DELETE FROM ledger_entries WHERE chain = '{WARD_A}' AND seq = {seq}")
    assert [(code, at) for _, at, code in found] == [("cut", 3) if seq == 4 else ("gap", seq + 1)]


def test_two_entries_that_change_places_are_found(worked: Office) -> None:
    where = f"UPDATE ledger_entries SET seq = %d WHERE chain = '{WARD_A}' AND seq = %d"
    found = tampered(worked, where % (99, 2), where % (2, 3), where % (3, 99))
    assert {seq for _, seq, _ in found} >= {2, 3}


def test_a_forged_entry_at_the_end_is_found(worked: Office) -> None:
    found = tampered(
        worked,
        "INSERT INTO ledger_entries (id, chain, seq, at, kind, commitment, prev_hash, hash)"
        f" SELECT 9999, chain, seq + 1, at, kind, commitment, hash, prev_hash FROM ledger_entries"
        f" WHERE chain = '{WARD_A}' AND seq = 4",
    )
    assert (WARD_A, 5, "edited") in found


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        (f"UPDATE ledger_heads SET seq = 3 WHERE chain = '{WARD_A}'", "cut"),
        (f"UPDATE ledger_heads SET hash = 'x' WHERE chain = '{WARD_A}'", "cut"),
        (f"DELETE FROM ledger_heads WHERE chain = '{WARD_A}'", "head_missing"),
        (f"DELETE FROM ledger_entries WHERE chain = '{WARD_A}'", "chain_missing"),
    ],
)
def test_the_end_of_a_chain_is_guarded(worked: Office, statement: str, code: str) -> None:
    assert [(chain, found) for chain, _, found in tampered(worked, statement)] == [(WARD_A, code)]


def test_what_was_erased_on_record_still_verifies_and_in_secret_does_not(worked: Office) -> None:
    place = f"chain = '{WARD_A}' AND seq IN (2, 3)"
    found = tampered(worked, f"UPDATE ledger_entries SET data = NULL, salt = NULL WHERE {place}")
    assert found == [(WARD_A, 2, "erased"), (WARD_A, 3, "erased")]
    with worked.db.write() as tx:
        append(tx, [Draft("*", "erased", worked.clock(), {"entries": [[WARD_A, 2, 2], ["*", 1, 9]]})])
    assert tampered(worked) == [(WARD_A, 3, "erased")]


def test_checking_while_others_work_raises_no_false_alarm(office: Office) -> None:
    """The heads and the entries are read in one view, though the ward goes on writing."""
    office.receives("1022", *apart(30))
    case, ended = office.case_of("1"), threading.Event()
    found: list[Any] = []

    def check() -> None:
        while not ended.is_set():
            found.extend(office.evidence.verify().findings)
            found.extend(office.figures.recount())

    checker = threading.Thread(target=check)
    checker.start()
    try:
        for n in range(40):
            office.cases.note(office.lan, case, f"Ghi {n}.")
            office.receives("1022", *apart(1, 100 + n))
    finally:
        ended.set()
        checker.join()
    assert found == []


@pytest.mark.parametrize("length", [0, 1, 17, 300])
def test_a_note_of_any_words_is_chained_and_read_back(office: Office, length: int) -> None:
    case = office.opens("1")
    words = 'Đã "hẹn"\\ \u2028 🌳 </script>' + "ổ" * length
    office.cases.note(office.lan, case, words)
    assert office.page(case).timeline[-1].data == {"text": words}
    office.is_sound()
