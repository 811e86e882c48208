"""The values between a poll and intake, under the name that services use (see `domain.runs`)."""

from aggregator.domain.runs import Counts, Run, RunKind

__all__ = ["Counts", "Run", "RunKind"]
