"""By which thresholds and which trained model reports are judged, and since when.

Nothing is ever changed here: a new row says what holds from then on, so that each judgement's rule
version can be looked up for good.
"""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, Table, Text

from aggregator.storage.types import Id, Instant, Json, metadata

match_thresholds = Table(
    "match_thresholds",
    metadata,
    Column("id", Id, primary_key=True),
    #: NULL is every ward.
    Column("ward_code", Text, ForeignKey("wards.code")),
    #: NULL is every category.
    Column("category_code", Text, ForeignKey("categories.code")),
    #: NULL in these four: taken back, what is less specific holds again.
    Column("same", Float),
    Column("unsure", Float),
    Column("cap", Integer),
    Column("window_days", Integer),
    Column("valid_from", Instant, nullable=False),
    #: NULL is the person at the machine itself.
    Column("officer_id", Id, ForeignKey("officers.id")),
    Column("why", Text, nullable=False),
    Index("ix_match_thresholds_scope", "ward_code", "category_code", "id"),
)

match_models = Table(
    "match_models",
    metadata,
    Column("id", Id, primary_key=True),
    Column("version", Text, nullable=False, unique=True),
    #: The hand-set weights that it scales.
    Column("base", Text, nullable=False),
    Column("shift", Float, nullable=False),
    Column("scales", Json, nullable=False),
    Column("trained_at", Instant, nullable=False),
    #: The comparison on held-out decisions that it was adopted on.
    Column("figures", Json, nullable=False),
)

match_adoptions = Table(
    "match_adoptions",
    metadata,
    Column("id", Id, primary_key=True),
    #: NULL is the hand-set model.
    Column("model_id", Id, ForeignKey("match_models.id")),
    Column("at", Instant, nullable=False),
    Column("officer_id", Id, ForeignKey("officers.id")),
    Column("why", Text, nullable=False),
)
