"""Ways to tamper with an exported ledger, by somebody who has everything but what is held outside.

Each takes the entries (fresh copies), changes them, and says where: the chain and the first entry that is
no longer what was written. Found is a tampering where the verifier reports anything; placed, where one of
its findings names that very chain and entry. Where the chains fit again afterwards (`SIGNED`), somebody
with the office's own key also signs it all again.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from aggregator.domain import merkle
from aggregator.domain.checkpoints import ChainState, leaf_of, root_of
from aggregator.domain.ledger import GENESIS
from aggregator.domain.text import sha256_of
from aggregator.verifier import motmoi_check
from tests.tampering.ledgers import Line, Material, canonical

Entries = list[Line]
Place = tuple[str, int]
Change = Callable[[random.Random, Entries, int], Place]
_HEX = "0123456789abcdef"
_NUMBERS = ("case_id", "officer_id", "channel_id")
_COPIED = ("at", "kind", "data", "commitment", "hash", "prev_hash", "salt")


def commitment(entry: Line) -> str:
    return hashlib.sha256((entry["salt"] + entry["data"]).encode()).hexdigest()


def own_hash(entry: Line) -> str:
    names = ("prev_hash", "chain", "seq", "at", "kind", *_NUMBERS, "commitment")
    return hashlib.sha256("\n".join(str(entry[name]) for name in names).encode()).hexdigest()


def anew(entries: Entries, chain: str) -> None:
    """Number and chain everything of this chain again, as who rewrites history would."""
    prev, seq = GENESIS, 0
    for entry in entries:
        if entry["chain"] == chain:
            seq += 1
            entry["seq"], entry["prev_hash"] = seq, prev
            prev = entry["hash"] = own_hash(entry)


def _other_text(dice: random.Random, text: str) -> str:
    at = dice.randrange(len(text))
    return text[:at] + dice.choice([c for c in _HEX if c != text[at]]) + text[at + 1 :]


def _edit(dice: random.Random, entry: Line, name: str) -> None:
    value = entry[name]
    if name in _NUMBERS:
        entry[name] = dice.choice([one for one in (None, 1, 2, 3, 999) if one != value])
    elif name == "seq":
        entry[name] = value + dice.choice([-1, 1, 5])
    elif name == "chain":
        entry[name] = value + "x"
    else:
        entry[name] = _other_text(dice, value)


def any_field(dice: random.Random, entries: Entries, at: int) -> Place:
    entry = entries[at]
    place = entry["chain"], entry["seq"]
    names = [name for name in entry if entry[name] is not None or name in _NUMBERS]
    _edit(dice, entry, dice.choice(names))
    return place


def field_and_own_hash(dice: random.Random, entries: Entries, at: int) -> Place:
    entry = entries[at]
    place = entry["chain"], entry["seq"]
    _edit(dice, entry, dice.choice(["at", "kind", *_NUMBERS]))
    entry["hash"] = own_hash(entry)
    return place


def data_salt_and_commitment(dice: random.Random, entries: Entries, at: int) -> Place:
    entry = entries[at]
    entry["data"], entry["salt"] = '{"text":"Chưa từng xảy ra."}', f"{dice.getrandbits(128):032x}"
    entry["commitment"] = commitment(entry)
    if dice.random() < 0.5:
        entry["hash"] = own_hash(entry)
    return entry["chain"], entry["seq"]


def all_after_computed_anew(dice: random.Random, entries: Entries, at: int) -> Place:
    entry = entries[at]
    place = entry["chain"], entry["seq"]
    if dice.random() < 0.5:
        data_salt_and_commitment(dice, entries, at)
    else:
        _edit(dice, entry, dice.choice(["at", "kind", *_NUMBERS]))
    anew(entries, entry["chain"])
    return place


def removed(dice: random.Random, entries: Entries, at: int) -> Place:
    entry = entries.pop(at)
    return entry["chain"], entry["seq"]


def removed_and_computed_anew(dice: random.Random, entries: Entries, at: int) -> Place:
    place = removed(dice, entries, at)
    anew(entries, place[0])
    return place


def inserted(dice: random.Random, entries: Entries, at: int) -> Place:
    copy = {**entries[at], "kind": "noted"}
    entries.insert(at + 1, copy)
    copy["seq"] += 1
    copy["prev_hash"] = entries[at]["hash"]
    copy["hash"] = own_hash(copy)
    if dice.random() < 0.5:
        anew(entries, copy["chain"])
    return copy["chain"], entries[at]["seq"] + 1


def swapped(dice: random.Random, entries: Entries, at: int) -> Place:
    one = entries[at]
    others = [other for other in entries if other["chain"] == one["chain"] and other is not one]
    two = dice.choice(others)
    for name in dice.choice([_COPIED, ("data", "salt", "commitment"), ("seq",)]):
        one[name], two[name] = two[name], one[name]
    mode = dice.random()
    if one["seq"] > two["seq"]:
        one, two = two, one
    place = one["chain"], min(one["seq"], two["seq"])
    if mode < 0.3:
        anew(entries, place[0])
    return place


def end_cut_off(dice: random.Random, entries: Entries, at: int) -> Place:
    chain, seq = entries[at]["chain"], entries[at]["seq"]
    entries[:] = [one for one in entries if one["chain"] != chain or one["seq"] < seq]
    return chain, seq


def erased_without_record(dice: random.Random, entries: Entries, at: int) -> Place:
    entry = entries[at]
    entry["data"] = entry["salt"] = None
    return entry["chain"], entry["seq"]


def half_erased(dice: random.Random, entries: Entries, at: int) -> Place:
    entry = entries[at]
    entry[dice.choice(["data", "salt"])] = None
    return entry["chain"], entry["seq"]


def moved_to_another_chain(dice: random.Random, entries: Entries, at: int) -> Place:
    entry = entries.pop(at)
    place = entry["chain"], entry["seq"]
    chains = sorted({one["chain"] for one in entries} - {entry["chain"]})
    target = dice.choice(chains)
    where = max(n for n, one in enumerate(entries) if one["chain"] == target)
    entries.insert(where + 1, {**entry, "chain": target})
    anew(entries, place[0])
    anew(entries, target)
    return place


CHANGES: dict[str, Change] = {
    "any field": any_field,
    "field and own hash": field_and_own_hash,
    "data, salt and commitment": data_salt_and_commitment,
    "everything after computed anew": all_after_computed_anew,
    "removed": removed,
    "removed and computed anew": removed_and_computed_anew,
    "inserted": inserted,
    "two swapped": swapped,
    "end cut off": end_cut_off,
    "erased without a record": erased_without_record,
    "half erased": half_erased,
    "moved to another chain": moved_to_another_chain,
}


#: Of these every second one is signed again with the office's key.
SIGNED = {name for name in CHANGES if name.endswith("computed anew")}


def tampered(material: Material, name: str, dice: random.Random) -> tuple[bytes, Place]:
    """A tampered export, and the place; an entry that is erased already has no data to change."""
    while True:
        entries = [dict(entry) for entry in material.entries]
        at = dice.randrange(len(entries))
        if entries[at]["data"] is None:
            continue
        place = CHANGES[name](dice, entries, at)
        if entries != list(material.entries):
            again = name in SIGNED and dice.random() < 0.5
            return material.file(entries, _signed_again(material, entries) if again else None), place


def judged(material: Material, content: bytes, held: str | None = None) -> Any:
    return motmoi_check.check(content, [material.held if held is None else held] if held != "" else [])


def honest(material: Material) -> list[Any]:
    """What the verifier says against the honest ledger, whatever is held outside: nothing."""
    return [
        finding
        for held in (material.held, material.mailed, "")
        for finding in judged(material, material.file(), held).findings
    ]


def campaign(material: Material, count: int, seed: int) -> dict[str, tuple[int, int, int]]:
    """Kind -> (made, found, placed) of `count` random tamperings."""
    dice = random.Random(seed)
    made, found, placed = Counter[str](), Counter[str](), Counter[str]()
    for n in range(count):
        name = list(CHANGES)[n % len(CHANGES)]
        content, place = tampered(material, name, dice)
        findings = judged(material, content).findings
        made[name] += 1
        found[name] += bool(findings)
        placed[name] += any(one[1:3] == place for one in findings)
    return {name: (made[name], found[name], placed[name]) for name in made}


def control(material: Material) -> tuple[int, int]:
    """The office rewrites a chain and signs it all again: findings alone, and under what is held outside."""
    entries = [dict(entry) for entry in material.entries]
    at = next(n for n, one in enumerate(entries) if one["kind"] == "noted")
    entries[at]["data"] = canonical({"text": "Chưa từng xảy ra."})
    entries[at]["commitment"] = commitment(entries[at])
    anew(entries, entries[at]["chain"])
    content = material.file(entries, _signed_again(material, entries))
    return len(judged(material, content, "").findings), len(judged(material, content).findings)


def _signed_again(material: Material, entries: Entries) -> list[Line]:
    private = Ed25519PrivateKey.from_private_bytes(material.private)
    leaves: dict[str, list[bytes]] = {}
    for entry in entries:
        leaves.setdefault(entry["chain"], []).append(leaf_of(entry["hash"]))
    states: dict[str, ChainState] = {}
    signed, before = [], GENESIS
    for line in material.checkpoints:
        one = dict(line["checkpoint"])
        grown = [[chain, size, merkle.root(leaves[chain][:size]).hex()] for chain, size, _ in one["chains"]]
        states.update({state[0]: ChainState(*state) for state in grown})
        lines = one["text"].split("\n")
        one["text"] = "\n".join([*lines[:5], root_of(states.values()), before, ""])
        one["signature"], one["chains"] = private.sign(one["text"].encode()).hex(), grown
        before = sha256_of(one["text"])
        signed.append({"checkpoint": one})
    return signed
