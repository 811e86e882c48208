"""What this office has learned about its streets: read once and kept, grown with every batch of intake.

    officers' decisions   count at once, for the next batch of reports
    streets of addresses  named `OFTEN` times in a ward, they are known from the next day on

What may surprise: the day, and not the batch, decides which streets are known. However a day's reports
are cut into batches and shared among workers, each of them is read with the same gazetteer, so the same
stream of reports gives the same wards and the same cases.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from aggregator.domain.address import field_place
from aggregator.domain.gazetteer import Gazetteer, gazetteer, learnable
from aggregator.domain.places import Learned
from aggregator.domain.street_rules import StreetRules
from aggregator.domain.worktime import VN
from aggregator.storage import street_queries
from aggregator.storage.db import Tx

#: Address fields of one ward that must name a street before texts are searched for it: two may be one slip
#: that was sent twice.
OFTEN = 3
#: Days after which a street that never became known is forgotten.
FORGOTTEN_AFTER = 180


class Learning:
    """Gives what is known to whoever is inside a transaction; one instance serves every batch."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: tuple[tuple[int, ...], StreetRules] | None = None
        self._streets: tuple[date, Gazetteer] | None = None
        self._tidied: date | None = None

    def learned(self, tx: Tx, now: datetime) -> Learned:
        """Rules and known streets as they hold now; one short statement where nothing changed."""
        mark, day = street_queries.mark(tx), now.astimezone(VN).date()
        with self._lock:
            if self._rules is None or self._rules[0] != mark:
                self._rules = mark, StreetRules(street_queries.living(tx))
            if self._streets is None or self._streets[0] != day:
                self._streets = day, gazetteer(street_queries.known_streets(tx, day))
            return Learned(self._rules[1], self._streets[1])

    def take(
        self, tx: Tx, addresses: Iterable[tuple[str, str | None]], known: Gazetteer, now: datetime
    ) -> None:
        """Count the streets that address fields name: pairs of the report's ward and its address.

        What is known needs no more counting, which spares nearly every write once an office is at work.
        """
        day = now.astimezone(VN).date()
        if self._tidied != day:
            self._tidied = day
            street_queries.forget_streets(tx, day - timedelta(days=FORGOTTEN_AFTER))
        named: Counter[tuple[str, str]] = Counter()
        for ward, address in addresses:
            place = field_place(address)
            street = place.street if place else None
            if street and learnable(street) and not known.knows(street, ward):
                named[ward, street] += 1
        street_queries.count_streets(tx, named, day, OFTEN)
