"""What was decided about streets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class DecisionView:
    """One officer's word on a street, which can be taken back."""

    id: int
    at: datetime
    who: str
    case_code: str
    #: None where the case has left the wards that this person sees.
    case_id: int | None
    house: int | None
    ward: str
    cause: str


@dataclass(frozen=True, slots=True)
class StreetView:
    """What was decided about one street, newest first; `about`: the old ward, or the one it was sent to."""

    street: str
    about: str
    decisions: tuple[DecisionView, ...]

    @property
    def contested(self) -> bool:
        return len({one.ward for one in self.decisions}) > 1
