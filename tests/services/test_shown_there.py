"""Who must say whether an answer arrived sees what its source showed, and when that was read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from aggregator.domain.beliefs import Remedy
from aggregator.domain.delivery import Delivery
from aggregator.domain.workflow import ReplyKind
from aggregator.errors import NotFound
from aggregator.services import delivery_log
from aggregator.services.shown_there import There
from aggregator.storage.case_tables import outbox
from tests.services.beliefs_world import OURS, THEIRS, Beside, beside_a_portal

EDITED = OURS.replace("sáng 10/11", "chiều 11/11")


@pytest.fixture
def both(database_url: str, tmp_path: Path) -> Iterator[Beside]:
    with beside_a_portal(database_url, tmp_path) as made:
        yield made


@pytest.fixture
def beside(sqlite_url: str, tmp_path: Path) -> Iterator[Beside]:
    with beside_a_portal(sqlite_url, tmp_path) as made:
        yield made


def in_doubt(world: Beside, words: str = OURS) -> int:
    """An answer of which nobody knows whether it arrived; the id of its message."""
    case = world.case_of("1")
    world.app.cases.reply(world.lan, case, ReplyKind.PROGRESS, words)
    message = world.app.cases.case(world.lan, case).replies[-1].deliveries[0].id
    with world.app.db.write() as tx:
        tx.execute(update(outbox).where(outbox.c.id == message).values(state=Delivery.UNCLEAR, attempts=1))
        delivery_log.refresh_problems(tx, [case])
    return message


def there(world: Beside) -> There:
    (row,) = world.app.errands.page(world.lan).rows
    assert row.there is not None
    return row.there


def text(parts: Any) -> str:
    return "".join(part.text for part in parts)


def only(parts: Any) -> list[str]:
    return [part.text.strip() for part in parts if part.only]


def test_an_answer_in_doubt_stands_beside_what_its_source_shows_now(both: Beside) -> None:
    both.answered(both.case_of("1"), "Đã nhận, sẽ kiểm tra trong tuần.", ReplyKind.PROGRESS)
    message = in_doubt(both)
    before = both.clock()
    both.clock.wait(minutes=20)
    assert there(both).read_at == before, "when it was read, not now"
    both.colleague("1", "Đã nhận, sẽ kiểm tra trong tuần.", THEIRS, EDITED, status="resolved")
    both.app.beliefs.read_again(both.lan, message)
    both.asked()
    shown = there(both)
    assert (shown.read_at, shown.status, shown.gone) == (both.clock(), "resolved", False)
    likest, *others = shown.answers
    assert text(likest.words) == EDITED and likest.note == "edited" and 60 <= likest.alike < 100
    assert (only(likest.words), only(shown.ours)) == (["chiều 11/11."], ["sáng 10/11."])
    assert [(text(one.words), one.ours, one.alike) for one in others] == [
        (THEIRS, False, 0),
        ("Đã nhận, sẽ kiểm tra trong tuần.", True, 0),
    ]
    both.is_sound()


def test_a_source_that_shows_nothing_is_told_with_the_time_of_the_reading(beside: Beside) -> None:
    message = in_doubt(beside)
    assert there(beside).read_at is None, "no reading since it is in doubt"
    for _ in range(2):  # unchanged there, and read all the same
        beside.app.beliefs.read_again(beside.lan, message)
        beside.clock.wait(minutes=5)
        beside.asked()
        assert (there(beside).read_at, there(beside).answers) == (beside.clock(), ())


def test_what_the_portal_writes_by_itself_is_shown_under_every_report(beside: Beside) -> None:
    beside.colleague("2", THEIRS)
    beside.polled()
    beside.app.beliefs.settle(beside.lan, beside.only().id, Remedy.AUTOMATIC)
    message = in_doubt(beside)
    beside.colleague("1", THEIRS)
    beside.app.beliefs.read_again(beside.lan, message)
    beside.asked()
    assert [text(one.words) for one in there(beside).answers] == [THEIRS]


def test_a_reading_that_shows_the_very_words_ends_the_doubt(beside: Beside) -> None:
    message = in_doubt(beside)
    beside.colleague("1", OURS)
    beside.app.beliefs.read_again(beside.lan, message)
    beside.asked()
    assert (beside.app.errands.page(beside.lan).rows, beside.states()) == ((), ["acknowledged"])


def test_who_may_not_see_an_answer_cannot_have_its_source_read(beside: Beside) -> None:
    message = in_doubt(beside)
    for hidden in (message, 10**6):
        with pytest.raises(NotFound):
            beside.app.beliefs.read_again(beside.hue, hidden)
