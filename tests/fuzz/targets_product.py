"""What comes behind the connectors: texts, the quarantine's page, and the whole way into the database."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from tempfile import mkdtemp

from aggregator.domain import side_by_side
from aggregator.sdk.contract import Batch, RawItem
from aggregator.storage.migrate import upgrade
from tests.factories import Office, seed
from tests.fuzz import corpus
from tests.fuzz.journeys import portal
from tests.fuzz.judging import read
from tests.fuzz.mutators import Sample, mutated
from tests.fuzz.played import Answers
from tests.fuzz.targets import Case, Target, feeding


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


@cache
def _office() -> Office:
    """An installation of its own for this process."""
    folder = Path(mkdtemp(prefix="motmoi-fuzz-"))
    url = f"sqlite:///{folder / 'motmoi.db'}"
    upgrade(url)
    seed(url)
    return Office(url, folder)


def _stored() -> Callable[[Random], Case]:
    """A changed record through intake: matched, placed, a case opened, the cursor moved on."""
    office, played = _office(), portal("portal_1022")
    ctx = played.context(Answers(()), {})
    given = [Sample("json", item.content, item.content_type) for item in played.items]

    def case(rng: Random) -> Case:
        payload = mutated(rng.choice(given), rng, given)

        def call() -> None:
            item = RawItem(payload.content, payload.content_type, "data[0]")
            record = played.connector.remap(ctx, item)
            office.intake.receive(office.run("fuzz"), Batch((record,), (item,), {"v": 1}, complete=True))

        return Case(payload, call)

    return case


TARGETS = [
    Target("stored in SQLite", 3, _stored),
    Target("texts", 20, feeding(corpus.answers, _texts)),
    Target("quarantine: side by side", 5, feeding(corpus.answers, _beside)),
]
