"""A set-up check in named steps, as `Connector.check` answers it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from aggregator.sdk.contract import ChannelError, CheckResult

__all__ = ["in_steps"]


def in_steps(
    names: Iterable[str], said: Iterator[str], hint: Callable[[ChannelError], str]
) -> list[CheckResult]:
    """A result for each name, with what `said` tells of it; the first that fails is the last, with its hint.

    `said` walks through the check itself and yields once a step: a channel error that it raises belongs to
    the step that it was in.
    """
    results: list[CheckResult] = []
    for name in names:
        try:
            results.append(CheckResult(name, True, next(said)))
        except ChannelError as error:
            return [*results, CheckResult(name, False, error.message_vi, hint(error))]
    return results
