"""Cases found by words, by a telephone or by a code.

Words find reports by the full-text index, newest first and capped, then their cases; a phone or a code is
looked up as itself. Every way is scoped by ward before anything else (I13).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, TextualSelect, select, text, union

from aggregator.storage.case_tables import cases, memberships
from aggregator.storage.db import Tx
from aggregator.storage.inbox_queries import ORDINARY, of_ward
from aggregator.storage.privacy_tables import restrictions
from aggregator.storage.report_tables import reporters, reports
from aggregator.storage.types import Id

#: The most reports that one search looks at, newest first.
SEARCH_CAP = 300


def search(
    tx: Tx, words: Sequence[str], phone_index: str | None, code: str, ward: str | None, *, restricted: bool,
    everybody: bool = True,
) -> list[int]:  # fmt: skip
    """Case ids found, of reports newest first; words are folded, the last one may be a beginning.

    Not `restricted`: by what a restricted legal matter says it is not found, by its code it is.
    Not `everybody`: not by the telephone of a person whose data is not to be processed.
    """
    report_ids: TextualSelect | list[int] = _by_words(tx.dialect.name, words, ward) if words else []
    named = select(cases.c.id).where(cases.c.code == code)
    ways = [
        of_ward(named, cases.c.ward_code, ward),
        _homes(memberships.c.report_id.in_(report_ids), restricted),
    ]
    if phone_index is not None:
        called = select(reporters.c.report_id).where(reporters.c.phone_index == phone_index)
        if not everybody:
            hidden = select(restrictions.c.report_id).where(restrictions.c.lifted_at.is_(None))
            called = called.where(reporters.c.report_id.not_in(hidden))
        if ward is not None:
            called = called.join(reports, reports.c.id == reporters.c.report_id)
        by_phone = (
            of_ward(called, reports.c.ward_code, ward)
            .order_by(reporters.c.report_id.desc())
            .limit(SEARCH_CAP)
        )
        ways.append(_homes(memberships.c.report_id.in_(by_phone), restricted))
    # One statement for all ways, for a list page may take six; and no OR, which no index serves.
    return list(tx.scalars(union(*ways)))


def _homes(reported: ColumnElement[bool], restricted: bool) -> Select[Any]:
    """The cases in which these reports live now."""
    found = select(memberships.c.case_id).where(reported, memberships.c.ended_at.is_(None))
    if restricted:
        return found
    return found.join(cases, cases.c.id == memberships.c.case_id).where(ORDINARY)


#: Reports that came one after the other and share an age: a search looks at the newest two ages first.
_AGE = 10_000


def search_marks(ward: str, report_id: int) -> str:
    """The words that stand for a report's ward and age in its search text.

    So the index itself keeps to the ward: a word that is frequent in the whole city would otherwise fill
    the cap with other wards' reports. And PostgreSQL, whose text index knows no order, need not gather
    every report that ever had a frequent word to find the newest.
    """
    return f"{_ward_word(ward)} zzage{report_id // _AGE}"


def _ward_word(ward: str) -> str:
    return "zzward" + "".join(filter(str.isalnum, ward)).lower()


#: A beginning merges the lists of all words that begin so, frequent ones to their end: only where the
#: word as it stands does not fill the cap. The empty phrase finds nothing.
_SEARCH_SQLITE = text(
    "WITH whole(id) AS MATERIALIZED (SELECT rowid FROM report_search WHERE report_search MATCH :whole"
    " ORDER BY rowid DESC LIMIT :cap)"
    " SELECT id FROM whole UNION SELECT id FROM (SELECT rowid AS id FROM report_search"
    " WHERE report_search MATCH (SELECT CASE WHEN count(*) < :cap THEN :begun ELSE '\"\"' END FROM whole)"
    " ORDER BY rowid DESC LIMIT :cap)"
)

#: Materialized, so that the planner cannot walk the primary key backwards looking for a rare word; and the
#: query comes from a subquery, so that it cannot think a frequent one worth reading the whole table for.
_SEARCH_POSTGRES = text(
    "WITH asked AS (SELECT to_tsquery('simple', :match) AS ever, to_tsquery('simple', :match || ' & (zzage'"
    " || max(id) / :age || ' | zzage' || max(id) / :age - 1 || ')') AS lately FROM reports),"
    " lately AS MATERIALIZED (SELECT id FROM reports"
    " WHERE to_tsvector('simple', search_text) @@ (SELECT lately FROM asked)),"
    " ever AS MATERIALIZED (SELECT id FROM reports WHERE (SELECT count(*) FROM lately) < :cap"
    " AND to_tsvector('simple', search_text) @@ (SELECT ever FROM asked))"
    " SELECT id FROM (SELECT id FROM lately UNION SELECT id FROM ever) AS found ORDER BY id DESC LIMIT :cap"
)


def _by_words(dialect: str, words: Sequence[str], ward: str | None) -> TextualSelect:
    """The reports found, as a part of the statement that asks for their cases."""
    if ward is not None:
        words = [_ward_word(ward), *words]
    if dialect == "sqlite":
        whole = " ".join(f'"{word}"' for word in words)
        found = _SEARCH_SQLITE.bindparams(whole=whole, begun=f"{whole}*", cap=SEARCH_CAP)
        return found.columns(id=Id)
    match = " & ".join([*(f"'{word}'" for word in words[:-1]), f"'{words[-1]}':*"])
    return _SEARCH_POSTGRES.bindparams(match=match, cap=SEARCH_CAP, age=_AGE).columns(id=Id)
