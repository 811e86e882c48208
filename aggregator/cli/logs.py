"""The log: stderr, one line a record, with time, level and place, and without people's data.

    2026-11-22T02:29:07.120+00:00 WARNING aggregator.services.polling: channel 1022-hcm is down ...

What may surprise: of an exception it shows where it came from and not what it says. The message of a
foreign exception quotes what was being read, and that is a citizen's report.
"""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from types import TracebackType

from aggregator.services.faults import origin

#: Their INFO and DEBUG tell addresses with their queries, or statements with their values.
_FOREIGN = ("alembic", "apscheduler", "sqlalchemy", "urllib3", "waitress", "werkzeug", "flask_limiter")
_LEVELS = (logging.ERROR, logging.WARNING, logging.INFO, logging.DEBUG)

_Caught = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class OneLine(logging.Formatter):
    """Every record on a line of its own, whatever is in it."""

    def __init__(self) -> None:
        super().__init__("%(at)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC)
        record.at = at.isoformat(timespec="milliseconds")
        record.exc_text = None  # another handler may have kept the long form
        return " | ".join(super().format(record).splitlines())

    def formatException(self, ei: _Caught) -> str:  # noqa: N802 (the name is logging's)
        return origin(ei[1]) if ei[1] is not None else ""


def set_up(usual: int, louder: int) -> None:
    """Log to stderr from level `usual` on, `louder` steps more (or less, below zero)."""
    at = min(max(_LEVELS.index(usual) + louder, 0), len(_LEVELS) - 1)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine())
    logging.basicConfig(level=_LEVELS[at], handlers=[handler], force=True)
    for name in _FOREIGN:
        logging.getLogger(name).setLevel(logging.WARNING)
