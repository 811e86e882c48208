"""What an answer means before it is read as data: the ``errors`` and ``success`` rules of a manifest.

What may surprise: values are compared as texts (``0`` is ``"0"``), because portals send codes as either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aggregator.errors import (
    AuthFailed,
    ChannelError,
    ConfigInvalid,
    Permanent,
    RateLimited,
    SchemaDrift,
    Transient,
)
from aggregator.sdk.contract import BadRecord
from aggregator.sdk.expressions import Env, Expression, compile_expression
from aggregator.sdk.http import Response

__all__ = ["Rule", "rules_of"]

#: Letters of an answer that ``contains`` looks at.
_LOOKED_AT = 200_000
_CLASSES: Mapping[str, type[ChannelError]] = {
    "transient": Transient,
    "rate_limited": RateLimited,
    "auth_failed": AuthFailed,
    "config_invalid": ConfigInvalid,
    "schema_drift": SchemaDrift,
    "permanent": Permanent,
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `error` is None for "nothing there" and for tests of success."""

    statuses: frozenset[int]
    contains: str
    path: Expression | None
    equals: frozenset[str] | None
    differs: frozenset[str] | None
    error: type[ChannelError] | None
    say: str
    name: str

    @classmethod
    def of(cls, given: Mapping[str, Any], where: str) -> Rule:
        """Compile one rule; `ConfigInvalid` where it says nothing to judge by."""
        if not any(key in given for key in ("status", "contains", "path")):
            raise ConfigInvalid(f"{where}: say a status, a text it contains, or a path")
        if ("equals" in given or "differs" in given) and "path" not in given:
            raise ConfigInvalid(f"{where}: equals and differs judge the value of a path; say which")
        path = compile_expression(given["path"], f"{where}.path") if "path" in given else None
        return cls(
            statuses=frozenset(_list(given.get("status", []))),
            contains=str(given.get("contains", "")).lower(),
            path=path,
            equals=_words(given, "equals"),
            differs=_words(given, "differs"),
            error=_CLASSES.get(str(given.get("class"))),
            say=str(given.get("say", "")),
            name=where,
        )

    @property
    def needs_body(self) -> bool:
        """Whether more than the status is judged."""
        return bool(self.contains) or self.path is not None

    def fits(self, response: Response, data: Any, env: Env, *, sure: bool = False) -> bool:
        """Whether the answer is what the rule describes; with `sure` a value that is missing says nothing."""
        if self.statuses and response.status not in self.statuses:
            return False
        if self.contains and self.contains not in response.text[:_LOOKED_AT].lower():
            return False
        return self.path is None or self._judges(data, env, sure)

    def _judges(self, data: Any, env: Env, sure: bool) -> bool:
        if data is None:  # no JSON at all: a page, which its looks tell more about
            return False
        try:
            value = self.path(data, env) if self.path is not None else None
        except BadRecord:
            return False
        if value is None and sure:
            return False
        if self.equals is not None:
            return _word(value) in self.equals
        if self.differs is not None:
            return _word(value) not in self.differs
        return value not in (None, "", [], {}, False)

    def raised(self, evidence: Mapping[str, Any], where: str) -> ChannelError | None:
        """The error that the rule stands for; None for "nothing there"."""
        if self.error is None:
            return None
        return self.error(f"{where}: {self.name} says so", message_vi=self.say, evidence=evidence)


def rules_of(given: Sequence[Mapping[str, Any]], where: str) -> tuple[Rule, ...]:
    """The rules in their order."""
    return tuple(Rule.of(rule, f"{where}[{number}]") for number, rule in enumerate(given))


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _words(given: Mapping[str, Any], key: str) -> frozenset[str] | None:
    return frozenset(map(_word, _list(given[key]))) if key in given else None


def _word(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip() if isinstance(value, str | int | float) else type(value).__name__
