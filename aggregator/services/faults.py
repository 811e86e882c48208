"""Where an unforeseen error came from, without what it says: its message may quote people's data."""

from __future__ import annotations

import traceback
from pathlib import Path

_FRAMES = 8


def origin(error: BaseException) -> str:
    """``ValueError from mapping.py:31 parse < client.py:90 page < ...``, causes after it."""
    parts: list[str] = []
    step: BaseException | None = error
    while step is not None and len(parts) < 4:
        frames = traceback.extract_tb(step.__traceback__)[-_FRAMES:]
        places = " < ".join(f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in reversed(frames))
        parts.append(f"{type(step).__name__} from {places or 'nowhere'}")
        step = step.__cause__ or (None if step.__suppress_context__ else step.__context__)
    return "; caused by ".join(parts)
