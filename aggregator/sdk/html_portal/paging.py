"""The pages of the list by number, however the portal addresses them.

    {page} in the path  ->  the number stands in the address
    a link to the next  ->  followed from the nearest page whose address is known

What may surprise: a portal that only links to the next page is read from its start to get anywhere, so
the address of the page to go on with is kept in the cursor. A page shown twice is the end, unless the
layout says that the end looks otherwise (`past_end`). A missing link is the end of the list only
where the page says that it is the last, or where the portal's own count agrees (`listing`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aggregator.sdk.contract import SchemaDrift
from aggregator.sdk.html_portal.layout import fill
from aggregator.sdk.html_portal.mapping import ListPage, read_list
from aggregator.sdk.html_portal.site import Page, Site
from aggregator.sdk.links import joined

__all__ = ["Pager"]

_PAST_THE_END = ListPage(())


class Pager:
    """Reads page `number`, 0 being the first. `kept` is what an earlier one's `keep` gave."""

    def __init__(self, site: Site, kept: Mapping[str, Any] | None = None) -> None:
        self._site = site
        self._part = site.layout.list
        self._numbered = "{page}" in self._part.path or not self._part.next.given
        #: Number -> address; None is past the end. Only of portals that link to the next page.
        self._links: dict[int, str | None] = {}
        self._kept = -1
        self._shown: dict[tuple[str, ...], int] = {}
        if not self._numbered:
            self._links[0] = self._address(0)
            if kept:
                self._kept = int(kept["page"])
                self._links[self._kept] = str(kept["address"])

    def __call__(self, number: int) -> ListPage:
        """The page; one without rows where the list has ended before it."""
        if self._numbered:
            ended = self._links.get(number, "") is None
            return _PAST_THE_END if ended else self._read(self._site.get(self._address(number)), number)
        if number == self._kept:
            return self._from_kept()
        for reached in range(max(known for known in self._links if known <= number), number):
            self._follow(reached)
        address = self._links[number]
        return _PAST_THE_END if address is None else self._read(self._site.get(address), number)

    def keep(self, number: int) -> dict[str, Any] | None:
        """The address of a page, for the cursor; None where numbers are enough."""
        address = None if self._numbered else self._links.get(number)
        return None if address is None else {"page": number, "address": address}

    def _from_kept(self) -> ListPage:
        """The page that the cursor remembers; addresses may live no longer than a session."""
        number, self._kept = self._kept, -1
        page = self._site.find(str(self._links[number]))
        if page is not None:
            return self._read(page, number)
        if number:
            del self._links[number]
        return self(number)

    def _address(self, number: int) -> str:
        return fill(self._part.path, page=self._part.first_page + number)

    def _follow(self, number: int) -> None:
        address = self._links[number]
        if address is None:
            self._links[number + 1] = None
        else:
            self._read(self._site.get(address), number)

    def _read(self, page: Page, number: int) -> ListPage:
        found = read_list(page.tree, self._part)
        keys = tuple(row.key for row in found.rows)
        if keys and self._shown.setdefault(keys, number) != number and self._part.past_end == "empty":
            raise SchemaDrift(
                f"page {number + 1} of the list shows the rows of page {self._shown[keys] + 1} again",
                hint="Paging has probably changed: check list.path of the layout",
            )
        if self._part.next.given:
            self._links[number + 1] = self._next(page, number)
        return found

    def _next(self, page: Page, number: int) -> str | None:
        part = self._part
        link = part.next.of(page.tree)
        if not link:
            if part.last and page.tree.select_one(part.last) is None:
                raise SchemaDrift(
                    "the list has neither a link to its next page nor the mark of the last one",
                    hint="The portal's layout has probably changed: check list.next and list.last",
                )
            return None
        here = self._site.url(page.path)
        address = joined(here, link)
        if address == here or address in [self._links.get(one) for one in range(number + 1)]:
            raise SchemaDrift(
                "the link to the next page leads back",
                hint="The portal's layout has probably changed: check list.next",
            )
        return address
