"""Our own words coming back: whether an answer that a portal shows is the one that we sent.

Portals wrap answers in markup, write their letters as HTML entities, decompose their accents and turn line
ends around; the words stay. So answers are compared by their words alone.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime

from aggregator.domain.marks import few_marks
from aggregator.sdk.contract import Answer
from aggregator.sdk.html import soup, text_of

__all__ = ["find_answer", "folded"]

_MARKUP = re.compile(r"<[a-zA-Z/][^>]{0,200}>")


def folded(text: str) -> str:
    """The words of a text alone, composed (NFC), a space between each two."""
    plain = text_of(soup(text)) if _MARKUP.search(text) else html.unescape(text)
    return " ".join(unicodedata.normalize("NFC", few_marks(plain)).split())


def find_answer(answers: Sequence[Answer], body: str, since: datetime | None = None) -> Answer | None:
    """The answer that has exactly our words, the last shown first; None where it is not there.

    With `since` an answer that the portal dates before it is somebody's earlier use of the same words.
    """
    ours = folded(body)
    for answer in reversed(answers):
        early = since is not None and answer.at is not None and answer.at < since
        if not early and folded(answer.body) == ours:
            return answer
    return None
