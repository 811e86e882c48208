"""`motmoi ledger`: whether the record of what was done still is what was written."""

from __future__ import annotations

import click

from aggregator.cli.frame import DONE, FINDING, Group, plain, show
from aggregator.cli.opening import opened


@click.group(cls=Group)
def ledger() -> None:
    """The chained record of everything that was done."""


@ledger.command()
def verify() -> int:
    """Read every chain and check each link; exit 1 with the places that do not hold."""
    with opened() as product:
        found = product.evidence.verify()
    lines = [f"{found.entries} entries in {found.chains} chains."]
    lines += [plain(f"{finding.code}: {finding.message}") for finding in found.findings]
    lines += [] if found.findings else ["Every link holds."]
    show({"ok": not found.findings, "entries": found.entries, "chains": found.chains,
          "findings": found.findings}, lines)  # fmt: skip
    return FINDING if found.findings else DONE
