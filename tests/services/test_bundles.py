"""A paper's bundle: any changed byte is refused, and so is a fact that the ledger does not say."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from aggregator.domain.certificates import Handling, Interruption, Outcome
from aggregator.domain.ledger import canonical, instant
from aggregator.domain.text import sha256_of
from aggregator.services.ledger import Draft, append
from aggregator.services.ledger_keys import LedgerKey
from aggregator.storage import checkpoint_queries
from aggregator.verifier import motmoi_check
from tests.factories import Office
from tests.people import WARD_A, WARD_B

FLIPS = 400


def fact(name: str, entry: tuple[str, int], field: str, value: Any) -> dict[str, Any]:
    return {"name": name, "chain": entry[0], "seq": entry[1], "field": field, "value": value}


def entered(
    office: Office, chain: str, kind: str, case_id: int | None = None, **data: Any
) -> tuple[str, int]:
    office.clock.forward(hours=1)
    with office.db.write() as tx:
        (seq,) = append(tx, [Draft(chain, kind, office.clock(), data, case_id)])
    return chain, seq


def sentence(code: str, answered_at: str, due_at: str, *out_at: str) -> str:
    """The prose of a paper whose portal was away, in the words of the domain."""
    answered, due, *out = map(datetime.fromisoformat, (answered_at, due_at, *out_at))
    away = [Interruption("Cổng 1022", at, at, None) for at in out]
    return Handling("Phường A", Outcome(code), answered, due, away).sentence()


DUE = "2026-03-03T10:00:00+00:00"


@pytest.fixture
def told(sqlite_office: Office) -> tuple[Office, dict[str, Any], list[tuple[str, int]]]:
    """A case that was answered in time while the portal was away, as facts."""
    office = sqlite_office
    case_id, other_id = office.opens("1"), office.opens("2")
    other = entered(office, WARD_A, "replied", other_id, deadlines=[{"due_at": DUE}])
    began = entered(office, "*", "outage_began", portal="1022")
    at = instant(office.clock())
    answered = entered(
        office, WARD_A, "replied", case_id, words={"sha256": "ab" * 32}, deadlines=[{"due_at": DUE}]
    )
    answered_at = instant(office.clock())
    statement = {
        "serial": "2026-01", "case_id": case_id, "outages": [{"began_at": at}], "words": "ab" * 32,
        "verdict": {"code": "in_time", "due_at": DUE, "answered_at": answered_at,
                    "sentence": sentence("in_time", answered_at, DUE, at)},
        "facts": [
            fact("verdict.due_at", answered, "data.deadlines.0.due_at", DUE),
            fact("verdict.answered_at", answered, "at", answered_at),
            fact("words", answered, "data.words.sha256", "ab" * 32),
            fact("outages.0.began_at", began, "at", at),
            fact("case_id", answered, "case_id", case_id),
        ],
    }  # fmt: skip
    return office, statement, [other, began, answered]


def issued(office: Office, statement: dict[str, Any], entries: list[tuple[str, int]]) -> bytes:
    certified = entered(office, WARD_A, "certified", statement_sha256=sha256_of(canonical(statement)))
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


def reword(said: dict[str, Any], words: str, other: str) -> None:
    assert words in said["verdict"]["sentence"], said["verdict"]["sentence"]
    said["verdict"]["sentence"] = said["verdict"]["sentence"].replace(words, other)


def members(value: Any) -> Iterator[tuple[dict[str, Any], str]]:
    """Every object in the document with each of its names."""
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from members(child)
    if isinstance(value, dict):
        yield from ((value, name) for name in list(value))


def test_no_member_can_be_renamed_left_out_or_slipped_in(told: Any) -> None:
    office, statement, entries = told
    document = json.loads(issued(office, statement, entries))
    document["entries"][0].update(data=None, salt=None)  # of another case: what is in it is nobody's business
    paper = canonical(document)
    assert judged(paper.encode()) == []
    for at in range(sum(1 for _ in members(document))):
        for change in ("rename", "leave out", "slip in"):
            document = json.loads(paper)
            holder, name = list(members(document))[at]
            value = holder[name] if change == "slip in" else holder.pop(name)
            if change != "leave out":
                holder[f"{name}#"] = value
            assert judged(canonical(document).encode()), (change, name, value)


LATER = "2026-03-04T10:00:00+00:00"
LIES = {
    "another value in the fact": lambda said: said["facts"][0].update(value=LATER),
    "another value in the statement": lambda said: said.update(words="cd" * 32),
    "late is in time": lambda said: said["verdict"].update(code="late"),
    "in time though nothing was due": lambda said: said["facts"].pop(0),
    "no time of an answer": lambda said: said["facts"].pop(1),
    "another case's answer": lambda said: said["facts"][1].update(seq=said["facts"][1]["seq"] - 1),
    "another case's deadline": lambda said: said["facts"][0].update(seq=said["facts"][0]["seq"] - 1),
    "of another case": lambda said: (said.update(case_id=2), said["facts"].pop(4)),
    "an outage for an answer": lambda said: said["facts"][1].update(chain="*"),
    "an entry that is not there": lambda said: said["facts"][0].update(seq=99),
    "a field that is not there": lambda said: said["facts"][2].update(field="data.nothing"),
    "a word that is not there": lambda said: said["facts"][2].update(name="verdict.nothing"),
    "one name for two": lambda said: said["facts"].append({**said["facts"][3], "name": "words"}),
    "a time in words that no entry proves": lambda said: reword(said, "ngày 02/03/2026", "ngày 01/03/2026"),
    "another time of the answer": lambda said: reword(said, "trả lời lúc 1", "trả lời lúc 0"),
    "another deadline in words": lambda said: reword(said, "hạn 17:00", "hạn 18:00"),
    "another end in words": lambda said: reword(said, "xử lý trong hạn.", "xử lý quá hạn."),
    "a truth for a number": lambda said: said["facts"][4].update(value=True),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_statement_that_the_ledger_does_not_bear_out_is_refused_though_it_was_signed(
    told: Any, lie: str
) -> None:
    office, statement, entries = told
    LIES[lie](statement)
    assert judged(issued(office, statement, entries))


@pytest.mark.parametrize(
    ("second", "code", "note"),
    [
        (0, "in_time", "in the very second of the deadline"),
        (1, "late", "one second later"),
        (-1, "in_time", "one before"),
    ],
)
def test_the_verdict_follows_from_the_two_times(told: Any, second: int, code: str, note: str) -> None:
    office, statement, _ = told
    due = office.clock() + timedelta(hours=1)
    row = [{"due_at": instant(due)}]
    office.clock.at = due + timedelta(seconds=second, milliseconds=500) - timedelta(hours=1)
    answer = entered(office, WARD_A, "replied", statement["case_id"], deadlines=row)
    answered_at = instant(office.clock())
    times = {"due_at": instant(due), "answered_at": answered_at}

    def verdict(code: str) -> dict[str, Any]:
        return {"code": code, **times, "sentence": sentence(code, answered_at, instant(due))}

    statement["verdict"] = verdict(code)
    statement["facts"] = [
        fact("verdict.due_at", answer, "data.deadlines.0.due_at", instant(due)),
        fact("verdict.answered_at", answer, "at", answered_at),
    ]
    assert judged(issued(office, statement, [answer])) == [], note
    statement["verdict"] = verdict("late" if code == "in_time" else "in_time")
    assert judged(issued(office, statement, [answer])) == ["fact"], note


def test_a_statement_that_was_never_entered_is_refused(told: Any) -> None:
    office, statement, entries = told
    other = json.loads(issued(office, statement, entries))
    other["statement"]["serial"] = "2026-02"
    other["statement_sha256"] = sha256_of(canonical(other["statement"]))
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
    hashes, at = held["entries"][WARD_A]["hashes"], 64 * (entries[0][1] - 1)
    # They were given another entry at this place.
    held["entries"][WARD_A]["hashes"] = hashes[:at] + "ab" * 32 + hashes[at + 64 :]
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
