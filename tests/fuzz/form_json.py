"""JSON changed at one of its places, and what only its text can say: NaN, lone surrogates, a key twice."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import yaml

from tests.fuzz import odd
from tests.fuzz.mutators import Mutator, flip

#: Stands in the tree for what `json.dumps` would not write, and is replaced in the text.
_MARK = "\ue000here\ue000"
_RAW = (
    "NaN", "Infinity", "-Infinity", "1e999", "-1e-999", "-0", "01", "1.", "+1", "0x1F", "'x'", "undefined",
    '"\\ud800"', '"\\udfff\\ud800"', '"\\u0000"', '"\\x41"', '"tab\tin it"', "9" * 4_000, "9" * 5_000,
    "0." + "1" * 5_000, "[" * 200 + "]" * 200, "[" * odd.DEEP + "]" * odd.DEEP,
    '{"a":' * odd.DEEP + "1" + "}" * odd.DEEP,
    "[" * odd.DEEP, '{"a":1,"a":2}', '{"data":[],"data":null}', "[1,]", "{,}", "//", "/**/1", "",
    '"' + "é" * 5_000 + '"',
)  # fmt: skip

Place = tuple[Any, Any]


def places(data: Any) -> list[Place]:
    """Every (container, key) of the tree; at most 3,000."""
    found: list[Place] = []
    todo = [data]
    while todo and len(found) < 3_000:
        node = todo.pop()
        pairs: Iterator[Place] = iter(())
        if isinstance(node, dict):
            pairs = ((node, key) for key in node)
        elif isinstance(node, list):
            pairs = ((node, number) for number in range(len(node)))
        for holder, key in pairs:
            found.append((holder, key))
            todo.append(holder[key])
    return found


def _other_type(value: Any, rng: Random) -> Any:
    choices = [str(value), [value], {"value": value}, {"0": value}, [value, value], None, not value]
    if isinstance(value, str):
        choices += [
            list(value[:50]),
            len(value),
            value.upper(),
            value + " ",
            value[::-1],
            "\n" + value,
            value.encode("utf-8", "replace").hex(),
        ]
    if isinstance(value, int | float):
        choices += [-value, value * 1000, str(value) + "đ", float(value) if abs(value) < 1e300 else 0]
    if isinstance(value, list):
        choices += [
            {str(number): item for number, item in enumerate(value[:50])},
            value[:1],
            value[::-1],
            value * 3,
        ]
    if isinstance(value, dict):
        choices += [list(value.values()), list(value), {}, {key.upper(): item for key, item in value.items()}]
    return rng.choice(choices)


def _renamed(holder: Any, key: Any, rng: Random) -> None:
    if isinstance(holder, dict):
        name = rng.choice((key.upper(), key + " ", key[:-1], odd.text(rng)[:200], key.swapcase()))
        holder[name] = holder.pop(key)


def changed(data: Any, rng: Random) -> Any:
    """The tree with one of its places changed (in place where there is one)."""
    found = places(data)
    if not found:
        return odd.value(rng)
    holder, key = rng.choice(found)
    kind = rng.randrange(10)
    if kind < 3:
        holder[key] = odd.value(rng)
    elif kind < 5:
        holder[key] = _other_type(holder[key], rng)
    elif kind == 5:
        del holder[key]
    elif kind == 6:
        _renamed(holder, key, rng)
    elif kind == 7:
        from_holder, from_key = rng.choice(found)
        holder[key] = copy.deepcopy(from_holder[from_key])
    elif kind == 8:
        holder[key] = rng.choice(odd.DATES)
    elif isinstance(holder, list) and len(holder) < 100:
        holder.extend(copy.deepcopy(holder[key]) for _ in range(rng.choice((1, 2, 20))))
    else:
        return rng.choice(([data], {"data": data}, {"d": json.dumps(data)}, holder[key], [data, data]))
    return data


def _on_tree(act: Callable[[Any, Random], str]) -> Mutator:
    def mutate(content: bytes, rng: Random) -> bytes:
        try:
            data = json.loads(content)
        except (ValueError, RecursionError):
            return flip(content, rng)
        try:
            return act(data, rng).encode("utf-8", "surrogatepass")
        except (ValueError, RecursionError):  # a number of 5,000 digits, a tree of 10,000 levels
            return flip(content, rng)

    return mutate


def _dumped(data: Any, rng: Random) -> str:
    return json.dumps(data, ensure_ascii=rng.random() < 0.3, indent=rng.choice((None, None, 1)))


def _one(data: Any, rng: Random) -> str:
    return _dumped(changed(data, rng), rng)


def _several(data: Any, rng: Random) -> str:
    for _ in range(rng.choice((2, 3, 8))):
        data = changed(data, rng)
    return _dumped(data, rng)


def _raw(data: Any, rng: Random) -> str:
    found = places(data)
    if not found:
        return rng.choice(_RAW)
    holder, key = rng.choice(found)
    holder[key] = _MARK
    return json.dumps(data, ensure_ascii=False).replace(f'"{_MARK}"', rng.choice(_RAW))


def _key_twice(data: Any, rng: Random) -> str:
    tables = [holder for holder, _ in places(data) if isinstance(holder, dict)]
    if not tables:
        return _one(data, rng)
    table = rng.choice(tables)
    key = rng.choice(list(table))
    table[_MARK] = odd.value(rng)
    return json.dumps(data, ensure_ascii=False).replace(_MARK, key.replace('"', "").replace("\\", ""))


JSON: tuple[Mutator, ...] = tuple(map(_on_tree, (_one, _one, _one, _several, _raw, _key_twice)))


# -- YAML ----------------------------------------------------------------------------------------

_YAML_BITS = (
    "&a [*a]", "!!python/object/apply:os.system ['true']", "!!binary 'x'", "!!timestamp 'x'", "*nobody",
    "<<: *x",
    "? [1, 2]\n: 3", "{a: {a: {a", "!!set {a, b}", "2026-99-99", "2026-01-01 99:99:99", "1:60:60:60:60",
    "0o9", "0b2",
    ".nan", ".inf", "- - - - -", "|9\n x", ">-\n", "%YAML 9.9\n---", "--- !x", "...", "\t", "'",
    '"\\ud800"', "yes",
    "~", "!!int x", "!!float x", "!!null x", "!!omap [a]", "!!pairs [1]", "0x" + "f" * 4_000, "9" * 5_000,
    "[" * 3_000, "&a {<<: *a}", "!!map [1]", "!!str {a: 1}", "!!merge x", "=", "1e400", "0" * 300, "1_000",
)  # fmt: skip


def _yaml_line(content: bytes, rng: Random) -> bytes:
    lines = content.decode("utf-8", "replace").split("\n")
    at = rng.randrange(len(lines))
    key = lines[at].partition(":")[0]
    made = (
        "", lines[at] + "\n" + lines[at], "  " + lines[at], lines[at].lstrip(), lines[at].replace(":", "", 1),
        f"{key}: {rng.choice(_YAML_BITS)}", f"{key}: {rng.choice(_YAML_BITS)}",
            f"{key}: {odd.text(rng)[:2000]}",
        lines[at].replace(" ", "\t", 1), f"{key}: {json.dumps(odd.text(rng)[:2000])}", f"{key}:",
            rng.choice(_YAML_BITS),
        rng.choice(lines), f"{lines[at]} # {odd.text(rng)[:50]}",
    )  # fmt: skip
    lines[at] = rng.choice(made)
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def _yaml_tree(content: bytes, rng: Random) -> bytes:
    try:
        data = changed(yaml.load(content, yaml.CSafeLoader), rng)
        return json.dumps(data, ensure_ascii=rng.random() < 0.3, indent=1, default=str).encode(
            "utf-8", "replace"
        )
    except (yaml.YAMLError, ValueError, TypeError, RecursionError, AttributeError):
        return _yaml_line(content, rng)


YAML: tuple[Mutator, ...] = (_yaml_line, _yaml_line, _yaml_tree, _yaml_tree, _yaml_tree)
