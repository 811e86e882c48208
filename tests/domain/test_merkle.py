"""The tree: the roots and proofs of Certificate Transparency's reference code, and a naive tree beside it."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.domain import merkle
from aggregator.domain.merkle import Growing
from aggregator.verifier.motmoi_check import climb

#: The leaves of the reference implementation's tests (google/certificate-transparency, merkle_tree_test.cc).
INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
#: And the roots of the trees of 1 to 8 of them.
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = [merkle.leaf_hash(bytes.fromhex(one)) for one in INPUTS]

PATHS = [
    (1, 1, []),
    (1, 8, [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]),
    (6, 8, [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]),
    (3, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    (2, 5, [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ]),
]  # fmt: skip


def naive(leaves: list[bytes]) -> bytes:
    """RFC 6962, 2.1, word by word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return merkle.node_hash(naive(leaves[:k]), naive(leaves[k:]))


def naive_path(index: int, leaves: list[bytes]) -> list[bytes]:
    """RFC 6962, 2.1.1, word by word."""
    if len(leaves) == 1:
        return []
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if index < k:
        return [*naive_path(index, leaves[:k]), naive(leaves[k:])]
    return [*naive_path(index - k, leaves[k:]), naive(leaves[:k])]


def fits(leaf: bytes, index: int, size: int, path: list[bytes], root: bytes) -> bool:
    """Whether a path leads to this root, as the verifier finds, which shares no code with the tree."""
    try:
        return climb(leaf, index, size, [one.hex() for one in path]) == root
    except ValueError:
        return False


def made(count: int) -> list[bytes]:
    return [merkle.leaf_hash(str(n).encode()) for n in range(count)]


@pytest.mark.parametrize("size", range(1, 9))
def test_the_roots_are_those_of_the_reference(size: int) -> None:
    expected = bytes.fromhex(ROOTS[size - 1])
    assert merkle.root(LEAVES[:size]) == expected
    assert merkle.tree_root(size, merkle.nodes(LEAVES)) == expected


def test_an_empty_tree_has_the_root_of_the_reference() -> None:
    assert merkle.root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert Growing().root() == merkle.EMPTY == merkle.tree_root(0, merkle.nodes([]))


@pytest.mark.parametrize(("leaf", "size", "path"), PATHS)
def test_the_paths_are_those_of_the_reference(leaf: int, size: int, path: list[str]) -> None:
    found = merkle.inclusion_path(leaf - 1, size, merkle.nodes(LEAVES))
    assert [one.hex() for one in found] == path


@given(st.integers(1, 700), st.data())
def test_root_and_paths_are_those_of_the_naive_tree(size: int, data: st.DataObject) -> None:
    leaves = made(size)
    node, whole, index = merkle.nodes(leaves), naive(leaves), data.draw(st.integers(0, size - 1))
    assert merkle.root(leaves) == merkle.tree_root(size, node) == whole
    path = merkle.inclusion_path(index, size, node)
    assert path == naive_path(index, leaves)
    assert fits(leaves[index], index, size, path, whole)
    assert len(path) <= (size - 1).bit_length()


@given(st.integers(1, 300), st.data())
def test_a_proof_fits_its_own_leaf_place_and_root_only(size: int, data: st.DataObject) -> None:
    leaves = made(size)
    index = data.draw(st.integers(0, size - 1))
    path, whole = merkle.inclusion_path(index, size, merkle.nodes(leaves)), merkle.root(leaves)
    other = data.draw(st.integers(0, size - 1).filter(lambda at: at != index) if size > 1 else st.just(-1))
    assert not fits(merkle.leaf_hash(b"x"), index, size, path, whole)
    assert not fits(leaves[index], other, size, path, whole)
    assert not fits(leaves[index], index, size, [*path, merkle.EMPTY], whole)
    assert not fits(leaves[index], index, size, path, merkle.EMPTY)
    if path:
        assert not fits(leaves[index], index, size, path[:-1], whole)
        changed = data.draw(st.integers(0, len(path) - 1))
        bad = [merkle.EMPTY if at == changed else one for at, one in enumerate(path)]
        assert not fits(leaves[index], index, size, bad, whole)


@given(st.integers(0, 5), st.integers(0, 15))
def test_a_growing_tree_takes_whole_subtrees_and_knows_its_root(tiles: int, more: int) -> None:
    leaves, tree = made(tiles * 16 + more), Growing()
    for at in range(tiles):
        tree.add(merkle.root(leaves[at * 16 : (at + 1) * 16]), level=4)
    assert tree.root(leaves[tiles * 16 :]) == naive(leaves)
    for leaf in leaves[tiles * 16 :]:
        tree.add(leaf)
    assert tree.root() == naive(leaves)
    assert tree.size == len(leaves)


def test_what_a_tree_does_not_have_is_refused() -> None:
    node = merkle.nodes(made(4))
    for index, size in ((4, 4), (-1, 4), (0, 0)):
        with pytest.raises(ValueError, match="not in a tree"):
            merkle.inclusion_path(index, size, node)
    tree = Growing()
    tree.add(merkle.EMPTY)
    with pytest.raises(ValueError, match="at once"):
        tree.add(merkle.EMPTY, level=2)
