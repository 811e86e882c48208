"""How far the paged list is read, on lists made of plain values."""

import pytest

from aggregator.sdk.contract import SchemaDrift
from aggregator.sdk.html_portal.listing import Deep, Limits, walk
from aggregator.sdk.html_portal.mapping import ListPage, Row

LIMITS = Limits(max_pages=50, overlap_pages=1, sweep_pages=1, max_tracked=5000, may_be_empty=False)


def limits(**more):
    return Limits(**{**{name: getattr(LIMITS, name) for name in LIMITS.__slots__}, **more})


class Portal:
    """A list of ids, newest first, ten a page; records which pages were asked for."""

    def __init__(self, ids, total=True, past_end="empty"):
        self.ids, self.total, self.past_end = list(ids), total, past_end
        self.edited, self.asked = {}, []

    def __call__(self, page):
        self.asked.append(page)
        last = max(0, (len(self.ids) - 1) // 10)
        page = min(page, last) if self.past_end == "last again" else page
        ids = self.ids[page * 10 : page * 10 + 10]
        rows = tuple(Row(str(i), self.edited.get(i, "0"), "") for i in ids)
        return ListPage(rows, len(self.ids) if self.total else None, not self.ids)

    def known(self):
        return {str(i): self.edited.get(i, "0") for i in self.ids}


def keys(walked):
    return [int(row.key) for row in walked.oldest_first()]


@pytest.mark.parametrize("past_end", ["empty", "last again"])
@pytest.mark.parametrize("count", [1, 10, 11, 45])
def test_first_reading_takes_all_oldest_first(count, past_end):
    portal = Portal(range(count, 0, -1), past_end=past_end)
    walked, deep = walk(portal, {}, Deep(), LIMITS)
    assert keys(walked) == list(range(1, count + 1))
    assert deep == Deep(0, done=True)


def test_quiet_list_costs_the_first_page_the_overlap_and_one_of_the_sweep():
    portal = Portal(range(95, 0, -1))
    walked, deep = walk(portal, portal.known(), Deep(0, done=True), LIMITS)
    assert (keys(walked), portal.asked, deep) == ([], [0, 1, 2], Deep(3, done=True))


def test_sweep_reads_every_old_page_in_turn_and_finds_what_did_not_move_up():
    portal = Portal(range(95, 0, -1))
    known = portal.known()
    portal.edited[12] = "1"  # stands on page 8 and stays there
    deep, found, polls = Deep(0, done=True), [], 0
    while not found:
        walked, deep = walk(portal, known, deep, LIMITS)
        found, polls = keys(walked), polls + 1
        assert polls < 10
    assert found == [12]


def test_change_on_the_overlap_page_is_seen_and_moves_the_stop_on():
    portal = Portal(range(95, 0, -1))
    known = portal.known()
    portal.edited[80] = "1"
    walked, _ = walk(portal, known, Deep(0, done=True), limits(sweep_pages=0))
    assert keys(walked) == [80]
    assert portal.asked == [0, 1, 2, 3]


def test_first_reading_longer_than_a_poll_goes_on_where_it_stopped():
    portal = Portal(range(95, 0, -1))
    few, known, deep = limits(max_pages=4), {}, Deep()
    for _ in range(20):
        walked, deep = walk(portal, known, deep, few)
        known |= {row.key: row.fingerprint for row in walked.oldest_first()}
        if deep.done:
            break
    assert len(known) == 95


def test_first_reading_loses_nothing_while_the_list_grows_and_shrinks():
    portal = Portal(range(95, 0, -1))
    few, known, deep, new = limits(max_pages=4), {}, Deep(), 95
    for turn in range(40):
        walked, deep = walk(portal, known, deep, few)
        known |= {row.key: row.fingerprint for row in walked.oldest_first()}
        if deep.done:
            break
        new += 1
        portal.ids.insert(0, new)
        if turn % 2:
            portal.ids.remove(new - 1)
    assert set(portal.known()) <= set(known)


def test_row_that_slides_to_the_next_page_while_reading_is_taken_once():
    portal = Portal(range(25, 0, -1))

    def sliding(page):
        found = portal(page)
        if page == 0:
            portal.ids.insert(0, 26)
        return found

    walked, _ = walk(sliding, {}, Deep(), LIMITS)
    assert keys(walked) == list(range(1, 26))


def test_paging_that_stands_still_is_noticed_by_the_portals_own_count():
    portal = Portal(range(45, 0, -1))
    with pytest.raises(SchemaDrift, match="10 of 45"):
        walk(lambda page: portal(0), {}, Deep(), LIMITS)


def test_repeated_page_ends_the_list_where_the_portal_tells_no_count():
    portal = Portal(range(45, 0, -1), total=False)
    walked, deep = walk(lambda page: portal(0), {}, Deep(), LIMITS)
    assert (len(keys(walked)), len(portal.asked), deep.done) == (10, 2, True)


def test_old_pages_that_end_too_early_are_noticed():
    portal = Portal(range(95, 0, -1))

    def half(page):
        found = portal(page)
        return ListPage((), found.total) if page >= 5 else found

    with pytest.raises(SchemaDrift):
        walk(half, portal.known(), Deep(5, done=True), LIMITS)


@pytest.mark.parametrize(
    ("says_empty", "known", "may_be_empty", "fine", "note"),
    [
        (True, {}, False, True, "a new portal without reports"),
        (False, {}, False, False, "no rows, and no word that there are none"),
        (True, {"1": "0"}, False, False, "reports were known: something is wrong"),
        (True, {"1": "0"}, True, True, "the portal lists open reports only, all are done"),
        (False, {"1": "0"}, True, False, "allowed to be empty, yet it must say so"),
    ],
)
def test_empty_list_is_believed_only_when_it_may_be(says_empty, known, may_be_empty, fine, note):
    def fetch(_page):
        return ListPage((), None, says_empty)

    if fine:
        assert keys(walk(fetch, known, Deep(), limits(may_be_empty=may_be_empty))[0]) == [], note
        return
    with pytest.raises(SchemaDrift):
        walk(fetch, known, Deep(), limits(may_be_empty=may_be_empty))
