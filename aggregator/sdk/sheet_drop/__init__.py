"""Tables as a channel: CSV and Excel files in a drop folder, or at an address, one report a row.

    folder -> which files (drop) | address -> one file (download)
      -> rows (reader) -> header (headings) -> Record (mapping) -> Batch

A manifest of kind ``sheet`` says which heading holds which field; what it leaves open a channel's own
settings say, under the same names. What may surprise: a file that cannot be read does not hide the files
after it. They are read first, and the poll then ends with the first file's error. A deadline that passes in
the middle of a large file is `Transient`: what was given is committed, and the next poll goes on at the next
row.
"""

from __future__ import annotations

from aggregator.sdk.sheet_drop.batches import proposal_for
from aggregator.sdk.sheet_drop.headings import FIELDS, propose_mapping
from aggregator.sdk.sheet_drop.portal import SheetDrop

__all__ = ["FIELDS", "SheetDrop", "proposal_for", "propose_mapping"]
