"""A set-up check in named steps, as `Connector.check` answers it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from aggregator.sdk.contract import BadRecord, ChannelError, CheckResult

__all__ = ["in_steps"]


def in_steps(
    names: Iterable[str], said: Iterator[str], hint: Callable[[ChannelError], str]
) -> list[CheckResult]:
    """A result for each name, with what `said` tells of it; the first that fails is the last, with its hint.

    `said` walks through the check itself and yields once a step: a channel error that it raises belongs to
    the step that it was in. Where it ends early, the check has no more steps.
    """
    results: list[CheckResult] = []
    for name in names:
        try:
            told = next(said, None)
        except ChannelError as error:
            return [*results, CheckResult(name, False, _told(error), hint(error), error.code)]
        if told is None:
            break
        results.append(CheckResult(name, True, told))
    return results


def _told(error: ChannelError) -> str:
    if isinstance(error, BadRecord):
        return f"Không đọc được trường {error.field} của một phản ánh"
    return error.message_vi
