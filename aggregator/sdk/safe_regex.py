"""Patterns of a manifest, made so that no text of a portal can keep them busy for long.

Python's matcher tries again and again where repeats overlap: ``(a+)+b`` never ends on thirty letters.
Two rules keep the work small whatever the text says:

1. A pattern in which a repeat stands inside a repeat, or a choice inside a repeat, is refused, and so
   are references back (``\\1``) and looking around.
2. The work of what remains grows with the length of the text to the power of the repeats, so the more
   repeats a pattern has, the fewer letters of the text it is shown (`Pattern.reach`). What is there or
   not (``?``, ``{1,2}``) only doubles the work: six of them count as one repeat.

Rejected: a time limit (Python's matcher cannot be stopped), another matcher (a compiled dependency for
the few patterns that manifests need).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

# The parser that `re` itself uses: private by name, the same since Python 3.11.
from re import _constants, _parser  # type: ignore[attr-defined]  # isort: skip

__all__ = ["Pattern", "compile_pattern"]

#: Letters of a text that a pattern of so many repeats is shown: some ten million steps at worst.
_REACH = (20_000, 4_000, 400, 120)
_LONGEST = 300
#: So many parts that are there or not count as one repeat.
_CHOICES = 6
_REPEATS = (_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT)
_REFUSED = {
    _constants.GROUPREF: "a reference back to a group",
    _constants.GROUPREF_EXISTS: "a reference back to a group",
    _constants.ASSERT: "looking ahead or behind",
    _constants.ASSERT_NOT: "looking ahead or behind",
}


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern that may meet a portal's text; `reach` is how much of the text it sees."""

    compiled: re.Pattern[str]
    reach: int

    def first(self, text: str, group: int = 0) -> str | None:
        """The first match's group, None where there is none."""
        match = self.compiled.search(text, 0, self.reach)
        return match.group(group) if match else None


def compile_pattern(text: str) -> Pattern:
    """The pattern; `ValueError` saying why it is refused."""
    if len(text) > _LONGEST:
        raise ValueError(f"the pattern is longer than {_LONGEST} characters")
    try:
        tree = _parser.parse(text)
        compiled = re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"no valid pattern: {error}") from error
    repeats, choices = _repeats(tree, inside=False)
    repeats += -(-choices // _CHOICES)
    if repeats >= len(_REACH):
        raise ValueError(f"the pattern has {repeats} repeats, at most {len(_REACH) - 1} are allowed")
    return Pattern(compiled, _REACH[repeats])


def _repeats(tree: Any, *, inside: bool) -> tuple[int, int]:
    """How many repeats of changing length the pattern has, and how many that change by one only;
    `ValueError` for what is refused."""
    repeats = choices = 0
    for op, given in tree:
        if op in _REFUSED:
            raise ValueError(f"{_REFUSED[op]} is not allowed in a pattern")
        more = (0, 0)
        if op in _REPEATS:
            least, most, body = given
            if inside and least != most:
                raise ValueError("a repeat inside a repeat is not allowed in a pattern")
            more = _repeats(body, inside=inside or int(most) > 1)
            choices += int(int(most) - int(least) == 1)
            repeats += int(int(most) - int(least) > 1)
        elif op is _constants.BRANCH:
            if inside:
                raise ValueError("a choice inside a repeat is not allowed in a pattern")
            branches = [_repeats(branch, inside=inside) for branch in given[1]]
            more = max(one for one, _ in branches), max(one for _, one in branches)
        elif op in (_constants.SUBPATTERN, _constants.ATOMIC_GROUP):
            body = given[-1] if op is _constants.SUBPATTERN else given
            more = _repeats(body, inside=inside)
        repeats, choices = repeats + more[0], choices + more[1]
    return repeats, choices
