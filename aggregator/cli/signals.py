"""Ctrl-C and SIGTERM as a request: what runs ends at its next safe place.

What may surprise: the second Ctrl-C interrupts at once, as if this were not here.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

from aggregator.cli.frame import DONE, INTERRUPTED, say

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """While the block runs, SIGINT and SIGTERM are noted; `wait` and `is_asked` tell of them."""

    def __init__(self, words: str = "") -> None:
        self._asked = threading.Event()
        self._by: int | None = None
        self._words = words
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        # Handlers belong to the main thread; a program that runs this in another one asks by `ask`.
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._noted) for number in _SIGNALS}
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def is_asked(self) -> bool:
        return self._asked.is_set()

    def ask(self) -> None:
        self._asked.set()

    @property
    def code(self) -> int:
        """The exit code of what runs until it is stopped: 130 after Ctrl-C, 0 after SIGTERM."""
        return INTERRUPTED if self._by == signal.SIGINT else DONE

    def pause(self, seconds: float) -> None:
        """Wait, no longer than until somebody asks."""
        self._asked.wait(seconds)

    def wait(self) -> int:
        """Until somebody asks; the exit code."""
        # In slices: on some systems a wait without end is not interrupted by a signal.
        while not self._asked.wait(1.0):
            pass
        return self.code

    def _noted(self, number: int, _frame: FrameType | None) -> None:
        if self._asked.is_set():
            raise KeyboardInterrupt
        self._by = number
        self._asked.set()
        if self._words:
            say(self._words)
