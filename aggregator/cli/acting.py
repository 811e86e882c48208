"""In whose name a command changes something, and why: what many commands ask for alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aggregator.cli.opening import OPERATOR, officer

if TYPE_CHECKING:
    from aggregator.bootstrap import Aggregator
    from aggregator.domain.people import Actor

AS = click.option("--as", "login", metavar="LOGIN", help="The officer in whose name it is done; "
                  "the person at the machine where it is not given.")  # fmt: skip
WHY = click.option("--why", required=True, help="The reason, kept in the ledger.")


def acting(product: Aggregator, login: str | None) -> Actor:
    """The officer of `--as`, or the person at the machine; `InputInvalid` where no account has that login."""
    return officer(product, login) if login else OPERATOR
