"""`make tampering`: change a real ledger in ten thousand ways; the verifier must find and place each.

    make tampering               10,000, on SQLite
    make tampering ARGS="500"    fewer

Printed are how many of each kind were made, found, and placed, how many alarms the honest ledger raised,
and the control: a whole chain computed anew, with and without a checkpoint held outside.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from aggregator.storage.migrate import upgrade
from tests.factories import Office, seed
from tests.tampering import ledgers
from tests.tampering.changes import campaign, control, honest


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/ledger.db"
        upgrade(url)
        seed(url)
        office = Office(url, Path(folder))
        material = ledgers.worked(office)
        office.close()
    alarms = honest(material)
    print(f"honest ledger of {len(material.entries)} entries: {len(alarms)} alarms {alarms or ''}")
    counts = campaign(material, count, seed=2026)
    for kind, (made, found, placed) in sorted(counts.items()):
        print(f"{kind:32} made {made:6}  found {found:6}  placed {placed:6}")
    made, found, placed = (sum(column) for column in zip(*counts.values(), strict=True))
    print(f"{'all':32} made {made:6}  found {found:6}  placed {placed:6}")
    unseen, seen = control(material)
    print(f"control, a chain computed anew: {unseen} findings alone, {seen} under what is held outside")
    return 0 if found == placed == made and not alarms and not unseen and seen else 1


if __name__ == "__main__":
    sys.exit(main())
