"""Lists, search and the leaders' numbers: the same at a hundred thousand cases as at a thousand.

Every view, every filter with its common and its rare value, a page in the middle, and search, as the
officer of the large ward, as the officer of a small ward beside it, and as the administrator of both.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import func, select

from aggregator.services import inbox
from aggregator.services.views.inbox import MORE_VIEWS, VIEWS
from aggregator.storage.case_tables import cases
from tests.benchmarks import city
from tests.benchmarks.city import RARE_CATEGORY, RARE_CHANNEL, RARE_UNIT
from tests.benchmarks.meters import in_turns, work_units
from tests.benchmarks.table import Figure, at_most, told
from tests.postgres_server import running
from tests.web.office import OTHER, WARD, Browser, Office

#: Whole request and work units, large against small; statements; the leaders' page.
CPU, UNITS, STATEMENTS, BOARD_CPU = 1.3, 1.05, 6, 1.5
#: Below this a ratio says nothing: a page of fifty rows with their three names touches 200 buffers where
#: the names are looked up row by row, and a quarter where they are kept aside.
FLOORS = {"sqlite": 100, "postgresql": 200}
#: A search finds more where there is more, so its goal is a time: milliseconds of CPU beyond a list page.
SEARCH_MS = 20
FIRST_VISIT, REPEAT_VISIT, RAW, PACKED = 60_000, 15_000, 30_000, 7_000

FILTERS = {
    "channel": "channel=cong-1022", "rare channel": f"channel={RARE_CHANNEL}",
    "category": "category=giao_thong", "rare category": f"category={RARE_CATEGORY}",
    "unit": "unit=1", "rare unit": f"unit={RARE_UNIT}", "no unit": "unit=0",
    "officer": "officer=1", "rare officer": "officer=2", "nobody": "officer=0",
    "status": "status=in_progress", "rare status": "status=accepted",
    "closed status": "view=closed&status=rejected",
}  # fmt: skip
#: Each finds as much at every size: the cap of the newest, or the same few.
SEARCHES = {
    "frequent word": "q=truoc", "two frequent words": "q=truoc+so", "beginning": "q=truo",
    "rare word": "q=pa-0000017", "absent": "q=khongcogi", "frequent and absent": "q=truoc+khongcogi",
    "code": "q=26-00017", "telephone": "q=0900123456",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Side:
    """One office at one size, and who looks."""

    office: Office
    browser: Browser

    def get(self, url: str) -> Any:
        answer = self.browser.get(url, headers={"Accept-Encoding": "identity"})
        assert answer.status_code == 200, f"{url}: {answer.status_code}"
        return answer

    def middle(self, view: str, ward: str | None) -> str:
        """The address of the page that begins half way down the list."""
        rows = select(cases).where(cases.c.is_open.is_(view == "open"))
        if ward is not None:
            rows = rows.where(cases.c.ward_code == ward)
        with self.office.services.db.read() as tx:
            half = tx.scalar(select(func.count()).select_from(rows.subquery())) // 2
            row = tx.execute(rows.order_by(cases.c.sort_at, cases.c.id).offset(half).limit(1)).one()
        return f"/?view={view}&after={inbox._token(row)}"


def addresses() -> dict[str, str]:
    views = {view: f"/?view={view}" for view in (*VIEWS, *MORE_VIEWS)}
    filters = {name: f"/?{query}" for name, query in FILTERS.items()}
    searches = {f"search: {name}": f"/?{query}" for name, query in SEARCHES.items()}
    return views | filters | searches


def measure(small: int, large: int, rounds: int, *, postgres: bool) -> Iterator[tuple[str, list[Figure]]]:
    with ExitStack() as stack:
        offices = [stack.enter_context(city.city(size)) for size in (small, large)]
        yield "Bytes of the inbox", list(_bytes(offices[1]))
        yield from _engine("SQLite", offices, rounds)
        if postgres:
            server = stack.enter_context(running())
            yield from _engine("PostgreSQL", [_on_postgres(stack, server, one) for one in offices], rounds)


def _on_postgres(stack: ExitStack, server: Any, source: Office) -> Office:
    url = stack.enter_context(server.fresh())
    city.copy_to_postgres(source.services.db, url)
    return stack.enter_context(closing(Office(url, source.services.settings.data_dir)))


def _engine(name: str, offices: list[Office], rounds: int) -> Iterator[tuple[str, list[Figure]]]:
    sizes = " against ".join(f"{city.count(office):,}" for office in reversed(offices))
    who_looks = (
        ("officer", "lan", WARD),
        ("officer of a small ward", "hue", OTHER),
        ("city", "quan-tri", None),
    )
    for who, login, ward in who_looks:
        sides = [Side(office, _signed_in(office, login)) for office in offices]
        yield f"{name}: inbox of the {who}, {sizes} cases", list(_lists(sides, ward, rounds))
    sides = [Side(office, _signed_in(office, "minh")) for office in offices]
    yield f"{name}: leaders' numbers, {sizes} cases", list(_board(sides, rounds))


def _signed_in(office: Office, login: str) -> Browser:
    browser = Browser(office.app().test_client())
    assert browser.sign_in(login).status_code == 303
    return browser


def _lists(sides: list[Side], ward: str | None, rounds: int) -> Iterator[Figure]:
    pages = {name: [url, url] for name, url in addresses().items()}
    for view in ("open", "closed"):
        pages[f"{view}, middle page"] = [side.middle(view, ward) for side in sides]
    compared = {name: _compared(sides, urls, rounds) for name, urls in pages.items()}
    listed = {name: one for name, one in compared.items() if not name.startswith("search")}
    searched = {name: one for name, one in compared.items() if name.startswith("search")}
    yield _worst("CPU of a list page, worst", listed, "cpu", CPU)
    yield _worst("work units of a list page, worst", listed, "units", UNITS)
    yield _worst("statements a page, most", compared, "statements", STATEMENTS, "")
    yield told("first page", compared["open"].ms, "ms CPU", f"{compared['open'].work:,} work units")
    dearest = max(searched, key=lambda name: searched[name].ms)
    beyond = searched[dearest].ms - compared["open"].ms
    server = "" if sides[0].office.services.db.dialect == "sqlite" else ", without the database server's own"
    yield at_most("what a search adds to it, most", beyond, SEARCH_MS, "ms CPU", dearest + server)
    yield _worst("search against the small side, worst", searched, "cpu", None)
    # The parts of a text index grow in number with the logarithm of what it holds.
    yield _worst("work units of a search, worst", searched, "units", None)


@dataclass(frozen=True, slots=True)
class Compared:
    cpu: float
    units: float
    statements: float
    ms: float
    work: int


def _compared(sides: list[Side], urls: list[str], rounds: int) -> Compared:
    works = [partial(side.get, url) for side, url in zip(sides, urls, strict=True)]
    asked = [work_units(side.office.services.db, work) for side, work in zip(sides, works, strict=True)]
    small, large = in_turns(works, rounds, 3)
    floor = FLOORS[sides[0].office.services.db.dialect]
    return Compared(
        cpu=large / small,
        units=max(asked[1][1], floor) / max(asked[0][1], floor),
        statements=max(count for count, _ in asked),
        ms=1000 * large,
        work=asked[1][1],
    )


def _worst(
    what: str, compared: dict[str, Compared], field: str, goal: float | None, unit: str = "x"
) -> Figure:
    """The highest of all; the note names it, and every other one beyond the goal."""
    ranked = sorted(compared, key=lambda name: -getattr(compared[name], field))
    short = [name for name in ranked if goal is not None and getattr(compared[name], field) > goal]
    note = ", ".join(f"{name} {getattr(compared[name], field):.3g}" for name in short[:6])
    return Figure(what, getattr(compared[ranked[0]], field), goal, unit, note=note or ranked[0])


def _board(sides: list[Side], rounds: int) -> Iterator[Figure]:
    works = [partial(side.get, "/dashboard") for side in sides]
    asked = [work_units(side.office.services.db, work) for side, work in zip(sides, works, strict=True)]
    small, large = in_turns(works, rounds, 3)
    yield at_most("CPU of the dashboard", large / small, BOARD_CPU, "x", f"{1000 * large:.3g} ms CPU")
    yield at_most("work units of the dashboard", asked[1][1] / asked[0][1], UNITS, "x", f"{asked[1][1]:,}")
    wrong = sum(len(side.office.services.figures.recount()) for side in sides)
    yield at_most("numbers that differ from a recount", wrong, 0)


# Bytes --------------------------------------------------------------------------------------------


def _bytes(office: Office) -> Iterator[Figure]:
    browser = _signed_in(office, "lan")
    page = browser.get("/", headers={"Accept-Encoding": "gzip"})
    assert page.headers["Content-Encoding"] == "gzip"
    html = gzip.decompress(page.data)
    parts = sorted(set(re.findall(rb'/static/[^"#]+', html)))
    rest = sum(len(browser.get(part.decode(), headers={"Accept-Encoding": "gzip"}).data) for part in parts)
    yield at_most(
        "first visit, compressed", len(page.data) + rest, FIRST_VISIT, "bytes", f"{1 + len(parts)} files"
    )
    yield at_most("repeat visit, compressed", len(page.data), REPEAT_VISIT, "bytes")
    yield at_most("list page, compressed", len(page.data), PACKED, "bytes", f"{WARD}: 50 rows")
    yield at_most("list page, raw", len(html), RAW, "bytes")
