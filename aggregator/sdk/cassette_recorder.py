"""What went over the wire of one session, as it was: `Http(tape=Recorder())`.

It holds real people and real secrets, in memory only; `cassette_record` makes a recording of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import requests

from aggregator.sdk.answers import Response

__all__ = ["Recorder", "Taken"]


@dataclass(frozen=True, slots=True)
class Taken:
    """One exchange as it went over the wire."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    status: int
    answer_headers: tuple[tuple[str, str], ...]
    content: bytes
    effect: bool


class Recorder:
    """Listens in to a session: `Http(tape=recorder)`."""

    def __init__(self) -> None:
        self.taken: list[Taken] = []

    def took(
        self, asked: requests.PreparedRequest, headers: Iterable[tuple[str, str]], response: Response
    ) -> None:
        """Keep one exchange."""
        body = asked.body or b""
        self.taken.append(
            Taken(
                str(asked.method), str(asked.url), {k.lower(): _text(v) for k, v in asked.headers.items()},
                body.encode() if isinstance(body, str) else bytes(body), response.status, tuple(headers),
                response.content, response.effect,
            )
        )  # fmt: skip


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
