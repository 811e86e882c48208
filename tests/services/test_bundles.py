"""A paper's bundle: any changed byte is refused, and so is a fact that the ledger does not say."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from aggregator.domain.checkpoints import text_hash
from aggregator.domain.ledger import canonical, instant
from aggregator.services.ledger import Draft, append
from aggregator.services.ledger_keys import LedgerKey
from aggregator.storage import checkpoint_queries
from aggregator.verifier import motmoi_check
from tests.factories import Office
from tests.people import WARD_A, WARD_B

FLIPS = 400


def fact(name: str, entry: tuple[str, int], field: str, value: Any) -> dict[str, Any]:
    return {"name": name, "chain": entry[0], "seq": entry[1], "field": field, "value": value}


def entered(office: Office, chain: str, kind: str, **data: Any) -> tuple[str, int]:
    office.clock.forward(hours=1)
    with office.db.write() as tx:
        (seq,) = append(tx, [Draft(chain, kind, office.clock(), data)])
    return chain, seq


@pytest.fixture
def told(sqlite_office: Office) -> tuple[Office, dict[str, Any], list[tuple[str, int]]]:
    """A case that was answered in time while the portal was away, as facts."""
    office = sqlite_office
    received = entered(office, WARD_A, "received", due_at="2026-03-03T10:00:00+00:00")
    began = entered(office, "*", "outage_began", portal="1022")
    at = instant(office.clock())
    answered = entered(office, WARD_A, "replied", words={"sha256": "ab" * 32})
    facts = [
        fact("due", received, "data.due_at", "2026-03-03T10:00:00+00:00"),
        fact("answered", answered, "at", instant(office.clock())),
        fact("answer", answered, "data.words.sha256", "ab" * 32),
        fact("away from", began, "at", at),
        {"name": "away until", "is": "not_after", "of": ["away from", "due"], "value": True},
        {"name": "in time", "is": "not_after", "of": ["answered", "due"], "value": True},
        {"name": "away", "is": "between", "of": ["due", "away from", "answered"], "value": False},
    ]
    return office, {"serial": "2026-01", "facts": facts}, [received, began, answered]


def issued(office: Office, statement: dict[str, Any], entries: list[tuple[str, int]]) -> bytes:
    certified = entered(office, WARD_A, "certified", statement_sha256=text_hash(canonical(statement)))
    office.checkpoints.make(force=True)
    with office.db.read() as tx:
        return office.checkpoints.prove(tx, [*entries, certified]).bundle(statement)


def judged(content: bytes, held: tuple[str, ...] = (), keys: tuple[str, ...] = ()) -> list[str]:
    return [one[0] for one in motmoi_check.check(content, held, keys).findings]


def test_an_honest_paper_holds_alone_and_under_its_key_and_what_is_held(told: Any) -> None:
    office, statement, entries = told
    paper = issued(office, statement, entries)
    key: LedgerKey = office.checkpoints.keys.ensure()
    assert judged(paper) == judged(paper, keys=(key.public,)) == []
    assert judged(paper, (office.ledger_export.held(1, None),)) == []
    assert judged(paper, keys=("00" * 32,)) == ["key"]


def test_every_changed_byte_is_refused(told: Any) -> None:
    office, statement, entries = told
    paper = issued(office, statement, entries)
    dice = random.Random()
    for at in {0, len(paper) - 1, *(dice.randrange(len(paper)) for _ in range(FLIPS))}:
        other = dice.choice([byte for byte in range(256) if byte != paper[at]])
        assert judged(paper[:at] + bytes([other]) + paper[at + 1 :]), (at, paper[at], other)
    for at in (0, len(paper) // 2, len(paper)):
        assert judged(paper[:at] + b" " + paper[at:])
        assert judged(paper[:at] + b"\n" + paper[at:])
    assert judged(paper[:-1])


LIES = {
    "another value": lambda facts: facts[0].update(value="2026-03-04T10:00:00+00:00"),
    "late is in time": lambda facts: facts[6].update(value=True),
    "in time is late": lambda facts: facts[5].update(value=False),
    "an entry that is not there": lambda facts: facts[0].update(seq=99),
    "a field that is not there": lambda facts: facts[0].update(field="data.nothing"),
    "a rule that is none": lambda facts: facts[5].update({"is": "because"}),
    "one name for two": lambda facts: facts.append({**facts[5], "value": True, "of": ["due", "due"]}),
    "a number for a truth": lambda facts: facts[5].update(value=1),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_statement_that_the_ledger_does_not_bear_out_is_refused_though_it_was_signed(
    told: Any, lie: str
) -> None:
    office, statement, entries = told
    LIES[lie](statement["facts"])
    assert judged(issued(office, statement, entries))


def test_a_statement_that_was_never_entered_is_refused(told: Any) -> None:
    office, statement, entries = told
    other = json.loads(issued(office, statement, entries))
    other["statement"]["serial"] = "2026-02"
    other["statement_sha256"] = text_hash(canonical(other["statement"]))
    assert judged(canonical(other).encode()) == ["fact"]


def test_who_trusts_the_first_key_follows_to_the_present_one(told: Any) -> None:
    office, statement, entries = told
    first = office.checkpoints.keys.ensure()
    old_paper = issued(office, statement, entries)
    for _ in range(2):
        second = office.checkpoints.keys.rotate()
    paper = issued(office, statement, entries)
    assert judged(paper, keys=(first.public,)) == judged(paper, keys=(second.public,)) == []
    assert judged(old_paper, keys=(first.public,)) == []
    assert judged(old_paper, keys=(second.public,)) == ["key"]  # it does not know what came after it
    forged = json.loads(paper)
    forged["key"]["handovers"][0]["signature"] = "00" * 64
    assert "key" in judged(canonical(forged).encode(), keys=(first.public,))


def test_a_paper_of_a_rewritten_ledger_is_refused_by_who_holds_its_hashes(told: Any) -> None:
    office, statement, entries = told
    paper = issued(office, statement, entries)
    held = json.loads(office.ledger_export.held(1, None))
    hashes = held["entries"][WARD_A]["hashes"]
    held["entries"][WARD_A]["hashes"] = "ab" * 32 + hashes[64:]  # they were given another first entry
    assert judged(paper, (canonical(held),)) == ["rewritten"]


def test_an_erased_entry_stays_proven_and_only_its_facts_are_lost(told: Any) -> None:
    office, statement, entries = told
    issued(office, statement, entries)
    with office.db.write() as tx:
        tx.exec_driver_sql("UPDATE ledger_entries SET data = NULL, salt = NULL WHERE kind = 'outage_began'")
        assert checkpoint_queries.entries_at(tx, "*", [entries[1][1]])[0].data is None
    assert judged(issued(office, statement, entries)) == []  # its time is no personal data and stands
    assert WARD_B not in {chain for chain, _ in entries}


def test_a_time_stamp_belongs_to_its_checkpoint(told: Any) -> None:
    office, statement, entries = told
    issued(office, statement, entries)
    with office.db.write() as tx:
        checkpoint_queries.stamp(tx, 1, "AAAA", "00" * 64)
    with office.db.read() as tx:
        paper = office.checkpoints.prove(tx, entries).bundle(statement)
    assert "signature" in judged(paper)
