"""Alembic migrations. Ids are readable: NNNN_words; each goes up and down on both databases."""
