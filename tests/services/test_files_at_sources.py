"""One answer with files to four sources, two of which take them, over HTTP: nothing is lost or silent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from aggregator.domain.delivery import Delivery
from aggregator.domain.workflow import ReplyKind
from aggregator.sdk.sandbox import Running, serve
from aggregator.services.answer_files import Chosen, Stays
from aggregator.storage.case_tables import cases
from connectors.district_html import sandbox as district
from connectors.national_bus import sandbox as bus
from connectors.open311 import sandbox as open311
from connectors.portal_1022 import sandbox as portal_1022
from tests.domain.test_proof_files import JPEG, PDF
from tests.services.polling_world import World

REPORT = {
    "id": "1", "subject": "Ổ gà", "body": "Ổ gà trước nhà số 9.", "name": "Đặng Văn Thử",
    "phone": "0900000001", "address": "9 Lê Lợi", "created": "2026-11-10T01:00:00+00:00",
}  # fmt: skip
OFFICER = {"auth": "jwt", "accounts": {"canbo": "mat-khau"}, "config": {"scope": "officer"}}
PHOTO, PAPER = Chosen("sau.jpg", JPEG), Chosen("QĐ 12.pdf", PDF)


class Four:
    """Four portals with one report each, joined into one case."""

    def __init__(self, world: World, stack: ExitStack) -> None:
        self.world, self.portals = world, dict[str, Running]()
        for module, scenario in (
            (portal_1022, OFFICER), (district, {"face": "cards"}), (bus, {}), (open311, {}),
        ):  # fmt: skip
            self._connect(module, {**scenario, "reports": [REPORT]}, stack)
        with world.app.db.read() as tx:  # those that the rule of matching did not join by itself
            apart = tx.scalars(select(cases.c.id).where(cases.c.is_open, cases.c.id != 1)).all()
        for other in apart:
            world.app.cases.merge(world.lan, other, 1)

    def _connect(self, module: Any, scenario: dict[str, Any], stack: ExitStack) -> None:
        running = stack.enter_context(serve(module.build(scenario)))
        running.portal.clock = self.world.clock
        settings_for = getattr(module, "settings_for", lambda url, _: ({"base_url": url}, {}))
        config, secrets = settings_for(running.url, scenario)
        kind = running.portal.kind
        slug = kind.replace("_", "-")
        self.world.channels.add(
            {"slug": slug, "kind": kind, "ward": "27142", "config": config, "secrets": secrets,
             "options": {"allow_private": True, "min_gap_s": 0, "settle_s": 0}}
        )  # fmt: skip
        self.portals[slug] = running
        self.world.poll_when_due(slug)

    def carry(self) -> None:
        for _ in range(8):
            self.world.app.outbox.drain("w")
            self.world.clock.wait(minutes=2)

    def shown(self, slug: str) -> list[tuple[str, list[str]]]:
        """The answers at a portal with the names of their files."""
        (given,) = self.portals[slug].portal.answers.values() or [[]]
        return [(answer.body, [file.filename for file in answer.files]) for answer in given]

    def left(self) -> dict[str, tuple[int, Stays | None]]:
        """How many files of the newest answer stay here for each source, and why the first one does."""
        newest = self.world.app.cases.case(self.world.lan, 1).replies[-1]
        return {
            way.channel_slug: (way.files_left, way.left[0].why if way.left else None)
            for way in newest.deliveries
        }

    def states(self) -> set[Delivery]:
        newest = self.world.app.cases.case(self.world.lan, 1).replies[-1]
        return {way.state for way in newest.deliveries}


@pytest.fixture
def four(database_url: str, tmp_path: Path) -> Iterator[Four]:
    world = World(database_url, tmp_path)
    with ExitStack() as stack:
        yield Four(world, stack)
    world.app.close()


NOT_TAKEN = {
    "portal-1022": (0, None), "district-html": (0, None),
    "national-bus": (2, Stays.NO_FILES), "open311": (2, Stays.NO_FILES),
}  # fmt: skip


def test_two_of_four_sources_take_the_files_and_the_others_are_told_before_and_after(four: Four) -> None:
    four.world.app.cases.reply(four.world.lan, 1, ReplyKind.RESULT, "Đã vá ổ gà.", files=(PHOTO, PAPER))
    assert four.left() == NOT_TAKEN, "while it can still be taken back"
    four.carry()
    assert four.states() <= {Delivery.SENT, Delivery.ACKNOWLEDGED}
    assert four.left() == NOT_TAKEN
    for slug in ("portal-1022", "district-html"):
        assert four.shown(slug) == [("Đã vá ổ gà.", ["sau.jpg", "QĐ 12.pdf"])], slug
    for slug in ("national-bus", "open311"):
        assert four.shown(slug) == [("Đã vá ổ gà.", [])], slug


def test_a_correction_and_an_extension_carry_their_files_as_a_result_does(four: Four) -> None:
    verbs, lan = four.world.app.cases, four.world.lan
    verbs.extend(lan, 1, date(2026, 11, 27), "Chờ vật tư", "Xin lùi hạn.", files=(PAPER,))
    four.carry()
    (_, files), *_ = four.shown("portal-1022")
    assert files == ["QĐ 12.pdf"]
    first = verbs.case(lan, 1).replies[0].id
    verbs.correct(lan, 1, first, "Lùi tới ngày 27.", files=(PHOTO,))
    four.carry()
    for slug in ("portal-1022", "district-html"):
        assert [files for _, files in four.shown(slug)] == [["QĐ 12.pdf"], ["sau.jpg"]], slug
