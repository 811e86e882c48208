"""Sealed is sealed: for one purpose, under this office's keys, and unchanged."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.errors import SettingsInvalid
from aggregator.storage.vault import SealBroken, Vault
from tests.factories import together

KEY, OTHER = bytes(range(32)), bytes(32)


@given(st.binary(max_size=9000), st.text(max_size=20))
def test_what_was_sealed_opens_again(plain: bytes, purpose: str) -> None:
    vault = Vault([KEY])
    assert vault.open(vault.seal(plain, purpose), purpose) == plain
    assert vault.unpack(vault.pack(plain, purpose), purpose) == plain


def test_sealing_the_same_twice_shows_no_likeness() -> None:
    vault = Vault([KEY])
    assert vault.seal(b"0903123456", "x")[17:] != vault.seal(b"0903123456", "x")[17:]


def test_sealed_for_one_purpose_does_not_open_for_another() -> None:
    vault = Vault([KEY])
    with pytest.raises(SealBroken):
        vault.open(vault.seal(b"Lan", "identity"), "payload")


def test_any_changed_or_missing_byte_is_noticed() -> None:
    vault = Vault([KEY])
    sealed = vault.seal(b"Lan", "identity")
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(SealBroken):
            vault.open(bytes(changed), "identity")
    for length in range(len(sealed)):
        with pytest.raises(SealBroken):
            vault.open(sealed[:length], "identity")


def test_without_the_key_nothing_opens() -> None:
    with pytest.raises(SealBroken, match="not in the key file"):
        Vault([OTHER]).open(Vault([KEY]).seal(b"Lan", "identity"), "identity")


def test_a_new_key_on_top_seals_while_the_old_one_still_opens() -> None:
    old, rotated = Vault([KEY]), Vault([OTHER, KEY])
    assert rotated.open(old.seal(b"Lan", "x"), "x") == b"Lan"
    with pytest.raises(SealBroken):
        old.open(rotated.seal(b"Lan", "x"), "x")


def test_telephone_numbers_are_found_again_after_a_key_was_added() -> None:
    assert Vault([OTHER, KEY]).blind("+84903123456", "phone") == Vault([KEY]).blind("+84903123456", "phone")


def test_a_blind_index_tells_kinds_and_offices_apart() -> None:
    vault = Vault([KEY])
    assert (
        len({vault.blind("x", "phone"), vault.blind("x", "email"), Vault([OTHER]).blind("x", "phone")}) == 3
    )


def test_values_keep_their_letters() -> None:
    vault = Vault([KEY])
    person = {"name": "Phạm Thị Huệ", "phone": "0903"}
    assert vault.open_json(vault.seal_json(person, "identity"), "identity") == person
    assert vault.open_json(None, "identity") is None


# The key file ---------------------------------------------------------------------------------


def test_a_key_file_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "secret.key"
    sealed = Vault.from_file(path).seal(b"Lan", "x")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Vault.from_file(path).open(sealed, "x") == b"Lan"
    assert [each.name for each in path.parent.iterdir()] == ["secret.key"]


def test_two_processes_that_start_at_once_share_one_key(tmp_path: Path) -> None:
    for turn in range(20):
        path = tmp_path / f"{turn}.key"
        first, *others = together(*[lambda path=path: Vault.from_file(path)] * 4)
        assert {vault.open(first.seal(b"Lan", "x"), "x") for vault in others} == {b"Lan"}


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"not base64!", base64.b64encode(b"short"), base64.b64encode(KEY) + b"\nrest", b"\xff\xfe"],
    ids=["empty", "blank", "not base64", "too short", "a good line and a bad one", "not text"],
)
def test_a_damaged_key_file_is_named_and_never_replaced(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "secret.key"
    path.write_bytes(content)
    with pytest.raises(SettingsInvalid, match="key file"):
        Vault.from_file(path)
    assert path.read_bytes() == content
