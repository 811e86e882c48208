"""Checkpoints: what is signed stands for every entry, never shrinks, and is proven in a few hashes."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import select, update

from aggregator.domain import merkle
from aggregator.domain.checkpoints import ChainState, leaf_of, root_of, succession_text
from aggregator.domain.ledger import GENESIS, canonical, commit, instant, link
from aggregator.domain.ledger_check import Walk
from aggregator.domain.text import sha256_of
from aggregator.errors import MoveNotAllowed, NotFound
from aggregator.services import checkpoints, ledger_tree
from aggregator.services.checkpoint_audit import Audit
from aggregator.services.checkpoints import Checkpoint, Checkpoints, Proofs
from aggregator.services.ledger import Draft, append
from aggregator.services.ledger_tree import LedgerRewritten
from aggregator.settings import LedgerSettings, Settings
from aggregator.storage import ledger_queries
from aggregator.storage.ledger_tables import ledger_entries, ledger_heads
from aggregator.verifier.motmoi_check import climb
from tests.factories import Office, apart, together
from tests.people import WARD_A, WARD_B

TEN_MINUTES = timedelta(minutes=10)


def signed(office: Office) -> Checkpoint:
    made = office.checkpoints.make(force=True)
    assert made is not None
    return made


def entered(office: Office, count: int, chain: str = WARD_A) -> None:
    with office.db.write() as tx:
        append(tx, [Draft(chain, "noted", office.clock(), {"n": n}) for n in range(count)])


def proven(office: Office, *entries: tuple[str, int]) -> Proofs:
    with office.db.read() as tx:
        return office.checkpoints.prove(tx, entries)


def naive_root(office: Office) -> str:
    """The checkpoint's root from nothing but the entries."""
    chains: dict[str, list[bytes]] = {}
    for chain, digest in office.rows("SELECT chain, hash FROM ledger_entries ORDER BY chain, seq"):
        chains.setdefault(chain, []).append(leaf_of(digest))
    return root_of(ChainState(name, len(all_), merkle.root(all_).hex()) for name, all_ in chains.items())


def leads_to_the_root(proofs: Proofs) -> bool:
    chains = {one["chain"]: one for one in proofs.chains}
    root = bytes.fromhex(proofs.checkpoint["text"].split("\n")[5])
    for one in proofs.chains:
        leaf = merkle.leaf_hash(canonical([one["chain"], one["size"], one["root"]]).encode())
        assert climb(leaf, one["index"], one["of"], one["path"]) == root
    for entry in proofs.entries:
        chain = chains[entry["chain"]]
        found = climb(leaf_of(entry["hash"]), entry["seq"] - 1, chain["size"], entry["path"])
        assert found == bytes.fromhex(chain["root"])
    return True


def test_a_checkpoint_stands_for_every_entry_and_is_signed(office: Office) -> None:
    office.opens("1")
    office.channel("of b", ward=WARD_B)
    office.opens("2", slug="of b")
    made = signed(office)
    assert made.root == naive_root(office)
    assert made.entries == office.count("ledger_entries")
    key = office.checkpoints.keys.ensure()
    Ed25519PublicKey.from_public_bytes(bytes.fromhex(key.public)).verify(
        bytes.fromhex(made.signature), made.text.encode()
    )
    assert made.text.split("\n")[:3] == ["motmoi/checkpoint/1", key.installation, "1"]


@pytest.mark.parametrize("size", [1, 2, 3, 15, 16, 17, 255, 256, 257, 300])
def test_every_entry_is_proven_whatever_the_size_of_its_chain(
    sqlite_office: Office, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    office = sqlite_office
    monkeypatch.setattr(ledger_tree, "WIDE_BITS", 2)  # 300 entries are then five tiers of subtrees
    monkeypatch.setattr(ledger_tree, "WIDE", 4)
    before = office.count("ledger_entries")
    entered(office, size // 2, "x")
    signed(office)  # the tree grows from a state that was stored
    entered(office, size - size // 2, "x")
    assert signed(office).root == naive_root(office)
    assert office.count("ledger_entries") == before + size + 1  # and the entry about the key
    proofs = proven(office, *(("x", seq) for seq in range(1, size + 1)))
    assert len(proofs.entries) == size
    assert leads_to_the_root(proofs)


def test_a_proof_is_as_long_as_the_logarithm(sqlite_office: Office) -> None:
    entered(sqlite_office, 1000, "x")
    signed(sqlite_office)
    assert {len(entry["path"]) for entry in proven(sqlite_office, ("x", 1), ("x", 700)).entries} == {10}


def test_nothing_new_makes_no_checkpoint_and_news_wait_for_ten_minutes(office: Office) -> None:
    first = office.checkpoints.make()
    assert first is not None and first.number == 1
    office.clock.forward(days=1)
    assert office.checkpoints.make() is None  # nothing was entered
    assert office.checkpoints.make(force=True) == first
    entered(office, 1)
    second = office.checkpoints.make()
    assert second is not None and second.number == 2
    assert second.text.split("\n")[6] == sha256_of(first.text)
    entered(office, 1)
    office.clock.forward(minutes=9)
    assert office.checkpoints.make() is None
    assert signed(office).number == 3  # somebody needs a paper now
    entered(office, 1)
    office.clock.forward(minutes=10)
    fourth = office.checkpoints.make()
    assert fourth is not None and fourth.number == 4 and fourth.root == naive_root(office)


def test_what_is_entered_while_subtrees_are_stored_is_signed_with_the_rest(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_tree, "WIDE_BITS", 2)
    monkeypatch.setattr(ledger_tree, "WIDE", 4)
    entered(office, 30, "x")
    store = checkpoints.store_complete

    def busy(*given: Any) -> None:
        store(*given)
        entered(office, 40, "x")  # several subtrees become whole that nobody has stored

    monkeypatch.setattr(checkpoints, "store_complete", busy)
    made = signed(office)
    assert made.root == naive_root(office)
    assert leads_to_the_root(proven(office, ("x", 1), ("x", 31), ("x", 70)))


def test_what_is_not_covered_is_not_proven(office: Office) -> None:
    with pytest.raises(NotFound, match="no checkpoint yet"):
        proven(office, ("*", 1))
    signed(office)
    entered(office, 1, "x")
    for place in (("x", 1), ("*", 10_000), ("nowhere", 1)):
        with pytest.raises(NotFound, match="does not cover"):
            proven(office, place, ("*", 1))


def test_many_enter_and_sign_at_once_and_every_checkpoint_is_whole(office: Office) -> None:
    office.receives("1022", *apart(4))
    cases = [office.case_of(str(n)) for n in range(1, 5)]
    signed(office)

    def works(case: int) -> Any:
        for n in range(4):
            office.cases.note(office.lan, case, f"Ghi {n}.")
            office.checkpoints.make(force=True)

    together(*(lambda case=case: works(case) for case in cases))
    assert signed(office).root == naive_root(office)
    numbers = [number for (number,) in office.rows("SELECT number FROM ledger_checkpoints ORDER BY number")]
    assert numbers == list(range(1, len(numbers) + 1)) and len(numbers) > 1
    assert office.evidence.verify().findings == ()


# What was signed stays ------------------------------------------------------------------------------

FIRST = f"chain = '{WARD_A}' AND seq = 1"
REWRITES = {
    "an entry under the signed size": f"UPDATE ledger_entries SET hash = prev_hash WHERE {FIRST}",
    "a hash that is none": f"UPDATE ledger_entries SET hash = 'x' WHERE {FIRST}",
    "an entry that is gone": f"DELETE FROM ledger_entries WHERE {FIRST}",
    "a chain cut short": f"UPDATE ledger_heads SET seq = 0 WHERE chain = '{WARD_A}'",
    "a chain's head that is gone": f"DELETE FROM ledger_heads WHERE chain = '{WARD_A}'",
    "the root of a chain": f"UPDATE ledger_checkpoint_chains SET root = 'x' WHERE chain = '{WARD_A}'",
}


@pytest.mark.parametrize("what", REWRITES)
def test_over_a_rewritten_past_nothing_is_signed(office: Office, what: str) -> None:
    office.opens("1")
    signed(office)
    entered(office, 3)
    with office.db.write() as tx:
        assert tx.exec_driver_sql(REWRITES[what]).rowcount
    with pytest.raises(LedgerRewritten, match="not the one that was signed before"):
        signed(office)
    assert office.count("ledger_checkpoints") == 1


def restored(office: Office, folder: Path, files: tuple[Path, ...] = ()) -> Checkpoints:
    """The product on the same database with another data folder."""
    settings = Settings(data_dir=folder, ledger=LedgerSettings(files=files))
    return Checkpoints(office.db, office.vault, office.clock, settings)


def put_back(office: Office, entries: int) -> None:
    """The database as a backup from before had it: without the newest entries and checkpoint."""
    with office.db.write() as tx:
        tx.exec_driver_sql("DELETE FROM ledger_checkpoints WHERE number = 2")
        tx.exec_driver_sql("DELETE FROM ledger_checkpoint_chains WHERE number = 2")
        tx.exec_driver_sql(f"DELETE FROM ledger_entries WHERE chain = 'x' AND seq > {entries}")
        tx.exec_driver_sql(
            f"UPDATE ledger_heads SET seq = {entries}, hash = (SELECT hash FROM ledger_entries"
            f" WHERE chain = 'x' AND seq = {entries}) WHERE chain = 'x'"
        )


def test_a_database_from_an_old_backup_signs_no_second_history(office: Office, tmp_path: Path) -> None:
    entered(office, 3, "x")
    signed(office)
    entered(office, 2, "x")
    lost = signed(office)
    put_back(office, 3)
    assert office.evidence.verify().findings == ()
    entered(office, 2, "x")  # the office has worked on
    with pytest.raises(LedgerRewritten, match="restored from an old backup"):
        signed(office)
    held = office.checkpoints.admit_loss("Máy chủ hỏng, lấy bản sao lưu hôm trước")
    assert (held.number, held.text) == (2, lost.text)
    made = signed(office)
    assert made.number == 3 and made.text.split("\n")[6] == sha256_of(lost.text)
    assert made.root == naive_root(office)
    told = json.loads(office.rows("SELECT data FROM ledger_entries WHERE kind = 'ledger_restored'")[0][0])
    assert told == {
        "number": 2,
        "checkpoint": sha256_of(lost.text),
        "reason": "Máy chủ hỏng, lấy bản sao lưu hôm trước",
    }
    assert leads_to_the_root(proven(office, ("x", 5)))
    with pytest.raises(MoveNotAllowed, match="nothing is lost"):
        office.checkpoints.admit_loss("once more")


def test_where_the_data_folder_is_from_the_backup_too_a_file_outside_tells(
    office: Office, tmp_path: Path
) -> None:
    outside = tmp_path / "share.jsonl"
    entered(office, 3, "x")
    signed(office)
    entered(office, 2, "x")
    signed(office)
    shutil.copyfile(tmp_path / "ledger-checkpoint.json", outside)
    with outside.open("a") as file:
        file.write(
            '{"checkpoint": {"text": "motmoi/checkp'
        )  # the share went away in the middle of the next one
    put_back(office, 3)
    elsewhere = restored(office, tmp_path / "elsewhere", (outside, tmp_path / "away.jsonl"))
    office.clock.forward(days=1)
    entered(office, 1)
    with pytest.raises(LedgerRewritten, match="restored from an old backup"):
        elsewhere.make()
    elsewhere.admit_loss("Khôi phục")
    assert elsewhere.make(force=True) is not None


def test_a_lost_data_folder_alone_is_no_harm(office: Office, tmp_path: Path) -> None:
    signed(office)
    entered(office, 1)
    made = restored(office, tmp_path / "new").make(force=True)
    assert made is not None and made.number == 2


# Keys -------------------------------------------------------------------------------------------------


def test_of_processes_that_start_together_one_makes_the_key(office: Office) -> None:
    keys = together(*[office.checkpoints.keys.ensure] * 4)
    assert len({key.public for key in keys}) == 1
    assert office.rows("SELECT kind FROM ledger_entries WHERE kind LIKE 'ledger_key%'") == [
        ("ledger_key_made",)
    ]


def test_the_private_half_is_sealed_and_forgotten_when_another_key_follows(office: Office) -> None:
    first = office.checkpoints.keys.ensure()
    (sealed,) = office.rows("SELECT sealed FROM ledger_keys")[0]
    private = office.vault.open(bytes(sealed), "ledger-key")
    assert len(private) == 32 and private not in bytes(sealed)
    before = signed(office)
    second = office.checkpoints.keys.rotate(office.admin.id)
    assert second.installation == first.installation == first.id != second.id
    assert [sealed is None for (sealed,) in office.rows("SELECT sealed FROM ledger_keys ORDER BY id")] == [
        True,
        False,
    ]
    (handover,) = second.handovers
    Ed25519PublicKey.from_public_bytes(bytes.fromhex(first.public)).verify(
        bytes.fromhex(handover.signature),
        succession_text(first.installation, first.public, second.public).encode(),
    )
    after = signed(office)
    assert (before.key_id, after.key_id) == (first.id, second.id)
    with pytest.raises(InvalidSignature):
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(first.public)).verify(
            bytes.fromhex(after.signature), after.text.encode()
        )
    told = json.loads(office.rows("SELECT data FROM ledger_entries WHERE kind = 'ledger_key_followed'")[0][0])
    assert told["before"] == first.public and told["public"] == second.public


# Verifying --------------------------------------------------------------------------------------------

CHANGES = {
    "the text of a checkpoint": ("UPDATE ledger_checkpoints SET entries = entries + 1", "checkpoint", 1),
    "a signature": ("UPDATE ledger_checkpoints SET signature = root || root", "signature", 1),
    "a signature that is none": ("UPDATE ledger_checkpoints SET signature = 'x'", "signature", 1),
    "a checkpoint that is gone": ("DELETE FROM ledger_checkpoints WHERE number = 1", "checkpoint", 2),
    "the newest checkpoint": ("DELETE FROM ledger_checkpoints WHERE number = 2", "checkpoint", 2),
    "a chain's signed root": (
        "UPDATE ledger_checkpoint_chains SET root = 'x' WHERE number = 1 AND chain = 'x'", "chains", 1,
    ),
    "the name of a key": ("UPDATE ledger_keys SET name = 'x' WHERE signature IS NULL", "key", 0),
    "another key": ("UPDATE ledger_keys SET signature = 'ff' WHERE signature IS NOT NULL", "key", 0),
    "a checkpoint said to be lost": ("UPDATE ledger_checkpoints SET lost = true WHERE number = 1", "loss", 1),
    "a subtree": ("UPDATE ledger_tiles SET root = 'x' WHERE number = 1 AND level = 1", "subtree", 5),
    "a subtree above": ("UPDATE ledger_tiles SET root = 'x' WHERE chain = 'x' AND level = 2", "subtree", 0),
}  # fmt: skip


@pytest.fixture
def twice(office: Office, monkeypatch: pytest.MonkeyPatch) -> Office:
    """Two checkpoints under two keys, over a chain of several subtrees."""
    monkeypatch.setattr(ledger_tree, "WIDE_BITS", 2)
    monkeypatch.setattr(ledger_tree, "WIDE", 4)
    entered(office, 18, "x")
    signed(office)
    office.checkpoints.keys.rotate()
    entered(office, 3, "x")
    signed(office)
    return office


def found(office: Office) -> list[tuple[str, str, int]]:
    return [(one.code, one.chain, one.seq) for one in office.evidence.verify().findings]


def test_checkpoints_keys_and_subtrees_are_verified_with_the_entries(
    twice: Office, subtests: pytest.Subtests
) -> None:
    verified = twice.evidence.verify()
    assert (verified.findings, verified.checkpoints) == ((), 2)
    for note, (statement, code, place) in CHANGES.items():
        with subtests.test(note), pytest.raises(ZeroDivisionError), twice.db.write() as tx:
            assert tx.exec_driver_sql(statement).rowcount
            audit = Audit(tx)
            walk = Walk(ledger_queries.all_heads(tx), audit.signed, ledger_tree.WIDE_BITS)
            walk.all(ledger_queries.links(tx))
            assert (code, place) in [(one.code, one.seq) for one in (*walk.findings, *audit.findings)]
            1 / 0  # noqa: B018 (undone again)
    assert found(twice) == []


def recomputed(office: Office, chain: str, at: int) -> None:
    """Somebody with the database's password rewrites an entry and everything that hangs on it."""
    with office.db.write() as tx:
        rows = [dict(row._mapping) for row in tx.execute(
            select(ledger_entries).where(ledger_entries.c.chain == chain).order_by(ledger_entries.c.seq)
        )]  # fmt: skip
        prev = GENESIS
        for row in rows:
            if row["seq"] == at:
                row["data"] = canonical({"n": "giả mạo"})
                row["commitment"] = commit(row["salt"], row["data"])
            row["prev_hash"] = prev
            row["hash"] = prev = link(
                prev, chain, row["seq"], instant(row["at"]), row["kind"],
                row["case_id"], row["officer_id"], row["channel_id"], row["commitment"],
            )  # fmt: skip
            tx.execute(update(ledger_entries).where(ledger_entries.c.id == row["id"]).values(**row))
        tx.execute(update(ledger_heads).where(ledger_heads.c.chain == chain).values(hash=prev))


def test_a_chain_that_was_rewritten_whole_no_longer_fits_its_checkpoint(twice: Office) -> None:
    recomputed(twice, "x", 20)
    places = found(twice)
    assert ("unsigned", "x", 19) in places  # between the two checkpoints
    assert ("subtree", "x", 17) in places
    with pytest.raises(LedgerRewritten):
        entered(twice, 1, "x")
        signed(twice)


def test_without_checkpoints_it_goes_unseen(office: Office) -> None:
    entered(office, 9, "x")
    recomputed(office, "x", 4)
    assert found(office) == []


def test_a_chain_cut_short_with_its_head_is_seen(twice: Office) -> None:
    with twice.db.write() as tx:
        tx.exec_driver_sql("DELETE FROM ledger_entries WHERE chain = 'x' AND seq > 20")
        tx.exec_driver_sql(
            "UPDATE ledger_heads SET seq = 20, hash = (SELECT hash FROM ledger_entries"
            " WHERE chain = 'x' AND seq = 20) WHERE chain = 'x'"
        )
    assert ("cut_signed", "x", 20) in found(twice)
