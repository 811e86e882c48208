"""Spreadsheets: a drop folder of CSV and Excel files, one report a row.

Portal     any office that can export a table; no owner, no address, no network
Allows     read; a changed row is a revision. No replies: they go to the citizen another way
Interval   5 minutes; an unchanged file costs one look at its size and time
Ids        the mapped id column; without one, a hash of what the row says
History    2026-11-22  first version: CSV, gzipped CSV, XLSX; drop folder and `motmoi import`

All of it is `aggregator.sdk.sheet_drop`, with every word left to the channel's settings, so that an office
maps its own headings on the screen. An office whose export never changes is a manifest of kind ``sheet``.
"""

from __future__ import annotations

from pathlib import Path

from aggregator.sdk.discovery import load_manifest
from aggregator.sdk.sheet_drop import FIELDS, SheetDrop, proposal_for, propose_mapping

__all__ = ["CONNECTOR", "FIELDS", "proposal_for", "propose_mapping"]

CONNECTOR = SheetDrop(load_manifest(Path(__file__).parent))
