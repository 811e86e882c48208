"""Everything the page of one case shows, read in one consistent view. No identity is in it (I12)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from aggregator.domain.sla import Step
from aggregator.domain.workflow import MOVES, OPEN, Status
from aggregator.sdk.contract import Capabilities
from aggregator.services import clock_log, delivery_views
from aggregator.services.deadlines import Deadlines
from aggregator.services.explaining import explained
from aggregator.services.guidance import guidance
from aggregator.services.routing import is_todays
from aggregator.services.rows import inbox_row
from aggregator.services.views import (
    AttachmentView,
    CaseView,
    Choice,
    DeliveryView,
    ReasonView,
    ReplyView,
    ReportView,
    SuggestionView,
    TimelineEntry,
)
from aggregator.storage import (
    case_queries,
    inbox_queries,
    ledger_queries,
    match_queries,
    place_queries,
    report_queries,
)
from aggregator.storage.db import Tx

#: The page stays bounded however large a case grows; the newest of a timeline matter most.
TIMELINE = 200
REPORTS = 100
SUGGESTIONS = 5


def read(
    tx: Tx, clocks: Deadlines, case_id: int, now: datetime, capabilities: Callable[[str], Capabilities]
) -> CaseView:
    """The page's values; the caller has checked that the person may see this case."""
    case = case_queries.row(tx, case_id)
    assert case is not None
    living = case_queries.living(tx, case_id)
    members = {row.report_id: row for row in living[:REPORTS]}
    deliveries = delivery_views.deliveries_of_case(tx, [case_id], now)
    entries, replies = ledger_queries.of_case(tx, case_id, TIMELINE), case_queries.replies_of(tx, case_id)
    wards = {row.code: row.name for row in place_queries.all_wards(tx)}
    names = inbox_queries.officer_names(tx, (row.officer_id for row in [*entries, *replies]))
    return CaseView(
        row=inbox_row(inbox_queries.row(tx, case_id)),
        unit_id=case.unit_id,
        officer_id=case.officer_id,
        urgency=case.urgency,
        paused=case.is_open and clock_log.pause_reason(tx, case_id) is not None,
        late=case.late,
        merged_into=case.merged_into,
        clock=explained(tx, clocks, case, [row.report_id for row in living], now),
        reports=_reports(tx, members, wards, capabilities),
        suggestions=_suggestions(tx, case, list(members)) if case.is_open else (),
        timeline=_timeline(entries, names),
        replies=_replies(replies, names, deliveries),
        other_wards=tuple(
            Choice(code, name)
            for name, code in sorted((name, code) for code, name in wards.items())
            if code != case.ward_code
        ),
        moves=tuple(status for status in Status if status in MOVES[Status(case.status)] and status in OPEN),
    )


def _reports(
    tx: Tx, members: Mapping[int, Any], wards: Mapping[str, str], capabilities: Callable[[str], Capabilities]
) -> tuple[ReportView, ...]:
    ids = list(members)
    files: dict[int, list[AttachmentView]] = {}
    for row in report_queries.attachments_of(tx, ids):
        view = AttachmentView(row.id, row.filename, row.content_type, row.size, row.state)
        files.setdefault(row.report_id, []).append(view)
    identified = report_queries.with_identity(tx, ids)
    due = {
        row.report_id: row.due_at
        for row in case_queries.deadlines_of(tx, ids)
        if row.origin == "policy" and row.step == Step.RESULT
    }
    return tuple(
        _report(
            row,
            members[row.id],
            files.get(row.id, []),
            row.id in identified,
            due.get(row.id),
            wards,
            capabilities(row.channel_kind),
        )
        for row in report_queries.in_case_ids(tx, ids)
    )


def _report(
    row: Any, member: Any, files: Sequence[AttachmentView], identified: bool, due_at: datetime | None,
    wards: Mapping[str, str], can: Capabilities,
) -> ReportView:  # fmt: skip
    guess = row.place_guess or {}
    elsewhere = bool(guess) and guess["code"] != row.ward_code
    served = elsewhere and is_todays(guess["code"], wards)
    return ReportView(
        id=row.id, external_id=row.external_id, channel=row.title, channel_slug=row.slug, kind=row.kind,
        received_at=row.received_at, subject=row.subject, body=row.body, address=row.address, area=row.area,
        lat=row.lat, lng=row.lng, category=row.category_code, category_raw=row.category_raw,
        status_raw=row.status_raw, source_status=row.source_status, source_due_at=row.source_due_at,
        due_at=due_at, url=row.url, anonymous=row.anonymous, has_identity=identified, revision=row.revision,
        attachments=tuple(files), cause=member.cause, score=member.score, reasons=reasons(member.reasons),
        rule_version=member.rule_version, joined_at=member.started_at,
        can_reply=can.push_reply, max_reply_chars=can.max_reply_chars,
        place=guess.get("name"), place_why_vi=guess.get("reason_vi", ""),
        place_why_en=guess.get("reason_en", ""), place_moved=guess.get("code") == row.ward_code,
        place_code=guess["code"] if elsewhere else None, place_served=served,
        guidance=guidance(wards[row.ward_code], guess) if elsewhere and not served else "",
    )  # fmt: skip


def reasons(stored: Sequence[Mapping[str, Any]]) -> tuple[ReasonView, ...]:
    return tuple(ReasonView(item["code"], item["vi"], item["en"]) for item in stored)


def _suggestions(tx: Tx, case: Any, members: Sequence[int]) -> tuple[SuggestionView, ...]:
    """Other cases of the same ward that the rule was unsure about, one line a case, best first.

    Not those that a person told apart from this one, through whichever of their reports.
    """
    mine = set(members)
    asked = match_queries.open_judgements(tx, members, 4 * SUGGESTIONS)
    other_of = {row.id: row.report_b if row.report_a in mine else row.report_a for row in asked}
    apart = {one for pair in match_queries.judged_different(tx, members) for one in pair} - mine
    homes = case_queries.case_of_report(tx, (set(other_of.values()) | apart) - mine)
    told_apart = {homes[report] for report in apart if report in homes}
    rows = inbox_queries.rows(tx, list(set(homes.values()) - told_apart))
    found: dict[int, SuggestionView] = {}
    for asked_row in asked:
        other = other_of[asked_row.id]
        home = rows.get(homes.get(other, 0))
        if home is None or home.id == case.id or home.ward_code != case.ward_code or home.id in found:
            continue
        own = asked_row.report_a if asked_row.report_b == other else asked_row.report_b
        found[home.id] = SuggestionView(
            case_id=home.id, code=home.code, title=home.title, address=home.address,
            status=Status(home.status), received_at=home.received_at, report_id=other, own_report_id=own,
            score=asked_row.score or 0.0, reasons=reasons(asked_row.reasons), recurrence=not home.is_open,
        )  # fmt: skip
    return tuple(found.values())[:SUGGESTIONS]


def _timeline(newest: Sequence[Any], names: Mapping[int, str]) -> tuple[TimelineEntry, ...]:
    """The ledger's own entries, oldest first."""
    return tuple(
        TimelineEntry(row.at, row.kind, names.get(row.officer_id), json.loads(row.data) if row.data else {})
        for row in reversed(newest)
    )


def _replies(
    replies: Sequence[Any], names: Mapping[int, str], deliveries: Sequence[DeliveryView]
) -> tuple[ReplyView, ...]:
    return tuple(
        ReplyView(
            id=row.id, kind=row.kind, body=row.body, at=row.at, who=names.get(row.officer_id, ""),
            deliveries=tuple(view for view in deliveries if view.reply_id == row.id),
        )
        for row in replies
    )  # fmt: skip
