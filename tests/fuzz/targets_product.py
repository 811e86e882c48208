"""What comes behind the connectors: texts, the quarantine's page, and the whole way into the database."""

from __future__ import annotations

from aggregator.domain import side_by_side
from tests.fuzz import corpus
from tests.fuzz.judging import read
from tests.fuzz.mutators import Sample
from tests.fuzz.targets import Target, feeding


def _texts(sample: Sample) -> None:
    text = (
        sample.content.decode("utf-8", "surrogatepass" if len(sample.content) % 2 else "replace")
        if _decodes(sample)
        else repr(sample.content)
    )
    middle = len(text) // 2
    read(text[:80], text, text[middle : middle + 120], text[middle : middle + 12])


def _decodes(sample: Sample) -> bool:
    try:
        sample.content.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


def _beside(sample: Sample) -> None:
    one, other = corpus.answers()[0], sample
    masked = [side_by_side.lines(each.content, each.content_type, masked=True) for each in (one, other)]
    side_by_side.beside(*masked)
    side_by_side.lines(sample.content, sample.content_type, masked=False)


TARGETS = [
    Target("texts", 20, feeding(corpus.answers, _texts)),
    Target("quarantine: side by side", 5, feeding(corpus.answers, _beside)),
]
