"""Everything the page of one case shows, read in one consistent view. No identity is in it (I12)."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from aggregator.domain.legal import REASONS, Certainty, LegalKind
from aggregator.domain.people import Actor
from aggregator.domain.runs import ENTRY_KIND
from aggregator.domain.sketch import apart
from aggregator.domain.sla import Step
from aggregator.domain.workflow import MOVES, OPEN, Status
from aggregator.sdk.contract import Capabilities
from aggregator.services import (
    answer_files,
    answer_views,
    case_outages,
    clock_log,
    cover,
    delivery_views,
    fields,
    legal_matters,
)
from aggregator.services.answer_files import NO_FILES
from aggregator.services.clock_views import Explained
from aggregator.services.cover_views import CaseUnitView
from aggregator.services.deadlines import Deadlines
from aggregator.services.explaining import explained
from aggregator.services.guidance import guidance
from aggregator.services.routing import is_todays
from aggregator.services.rows import inbox_row
from aggregator.services.views.case import (
    AttachmentView,
    CaseView,
    LegalView,
    LegalWords,
    ReasonView,
    RelativeView,
    ReportView,
    SuggestionView,
    TimelineEntry,
)
from aggregator.services.views.inbox import Choice
from aggregator.storage import (
    case_queries,
    case_unit_queries,
    decision_queries,
    inbox_queries,
    ledger_queries,
    legal_queries,
    place_queries,
    question_queries,
    reply_file_queries,
    report_queries,
)
from aggregator.storage.db import Tx

#: The page stays bounded however large a case grows; the newest of a timeline matter most.
TIMELINE = 200
REPORTS = 100
SUGGESTIONS = 5
FAMILY = 20


def read(
    tx: Tx, clocks: Deadlines, actor: Actor, case: Any, now: datetime,
    capabilities: Callable[[str], Capabilities],
) -> CaseView:  # fmt: skip
    """The page's values of the case's row; the caller has checked that the person may see it."""
    case_id = case.id
    if not legal_matters.may_read(actor, case):
        return _outside(tx, actor, case, now)
    living = case_queries.living(tx, case_id)
    members = {row.report_id: row for row in living[:REPORTS]}
    deliveries = delivery_views.deliveries_of_case(tx, [case_id], now)
    entries, replies = ledger_queries.of_case(tx, case_id, TIMELINE), case_queries.replies_of(tx, case_id)
    wards = {row.code: row.name for row in place_queries.all_wards(tx)}
    names = inbox_queries.officer_names(tx, _people(entries, replies))
    standing = {row.id for row in decision_queries.standing(tx, case_id, TIMELINE)}
    return CaseView(
        row=inbox_row(inbox_queries.row(tx, case_id), actor, duty := cover.read(tx, case.ward_code, now)),
        unit_id=case.unit_id,
        officer_id=case.officer_id,
        urgency=case.urgency,
        paused=case.is_open and clock_log.pause_reason(tx, case_id) is not None,
        late=case.late,
        merged_into=case.merged_into,
        clock=explained(tx, clocks, case, [row.report_id for row in living], now),
        reports=(reports := _reports(tx, members, wards, capabilities, by_hand=_secret(tx, case))),
        suggestions=suggestions(tx, case, list(members)) if _may_join(case) else (),
        timeline=_timeline(
            entries, names, standing, case_outages.entries(tx, case, list(members), deliveries, now)
        ),
        replies=answer_views.replies(
            replies, names, deliveries, _files(tx, replies), {one.id: one.takes for one in reports}, now
        ),
        other_wards=tuple(
            Choice(code, name)
            for name, code in sorted((name, code) for code, name in wards.items())
            if code != case.ward_code
        ),
        moves=tuple(status for status in Status if status in MOVES[Status(case.status)] and status in OPEN)
        if not legal_matters.is_restricted(case) else (),
        legal=_legal(tx, case, reports),
        family=_family(tx, case),
        units=tuple(
            CaseUnitView(one.unit_id, one.unit, one.task, one.due_at, one.done_at, one.who)
            for one in case_unit_queries.working(tx, case_id)
        ),
        suggestion=fields.suggest(tx, clocks.book(tx), case.ward_code, case.category_code, duty)
        if case.is_open else None,
        unreachable=case_outages.unreachable(tx, case_id),
        offered=answer_views.offered(case, replies, restricted=legal_matters.is_restricted(case)),
    )  # fmt: skip


def _files(tx: Tx, replies: Sequence[Any]) -> Mapping[int, Sequence[Any]]:
    return reply_file_queries.of_replies(tx, [row.id for row in replies])


def _people(entries: Sequence[Any], replies: Sequence[Any]) -> set[int | None]:
    officers = {row.officer_id for row in [*entries, *replies]}
    return officers | {row.withdrawn_by for row in replies}


def _outside(tx: Tx, actor: Actor, case: Any, now: datetime) -> CaseView:
    """What is told of a restricted legal matter to who may not read it: code, state, unit, deadline."""
    return CaseView(
        row=inbox_row(inbox_queries.row(tx, case.id), actor, cover.read(tx, case.ward_code, now)),
        unit_id=case.unit_id, officer_id=case.officer_id, urgency=None, paused=case.is_open,
        late=None, merged_into=None,
        clock=Explained(None, None, (), (), ()), reports=(), suggestions=(), timeline=(),
        replies=(), other_wards=(),
        moves=(),
    )  # fmt: skip


def _secret(tx: Tx, case: Any) -> bool:
    kind = legal_matters.kind_of(tx, case)
    return kind is not None and kind.secret


def _may_join(case: Any) -> bool:
    state = legal_matters.state_of(case)
    return case.is_open and not (state is not None and (state.undecided or state.restricted))


def _legal(tx: Tx, case: Any, reports: Sequence[ReportView]) -> LegalView | None:
    row = legal_queries.matter(tx, case.id) if case.legal else None
    if row is None:
        return None
    found = legal_queries.findings(tx, [report.id for report in reports])
    names = inbox_queries.officer_names(tx, [row.decided_by])
    return LegalView(
        kind=LegalKind(row.kind), found_at=row.found_at, decided_at=row.decided_at,
        decided_by=names.get(row.decided_by), reason=row.reason, handed_to=row.handed_to,
        register_no=row.register_no, registered_on=row.registered_on,
        words=tuple(
            _legal_words(report, span)
            for report in reports if report.id in found
            for span in found[report.id].spans
        ),
    )  # fmt: skip


def _legal_words(report: ReportView, span: Mapping[str, Any]) -> LegalWords:
    """The words out of the report's own text; a file's name or the source's category only by its reason."""
    texts = {"subject": report.subject, "body": report.body, "category": report.category_raw or ""}
    quote = texts.get(span["field"], "")[span["start"] : span["end"]]
    why_vi, why_en = REASONS.get(span["reason"], ("", ""))
    return LegalWords(report.id, quote, why_vi, why_en, span["certainty"] == Certainty.CLEAR)


def _reports(
    tx: Tx,
    members: Mapping[int, Any],
    wards: Mapping[str, str],
    capabilities: Callable[[str], Capabilities],
    *,
    by_hand: bool,
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
            identified.get(row.id),
            due.get(row.id),
            wards,
            capabilities(row.channel_kind),
            by_hand,
        )
        for row in report_queries.in_case_ids(tx, ids)
    )


def _report(
    row: Any, member: Any, files: Sequence[AttachmentView], identified: bool | None, due_at: datetime | None,
    wards: Mapping[str, str], can: Capabilities, by_hand: bool,
) -> ReportView:  # fmt: skip
    guess = row.place_guess or {}
    elsewhere = bool(guess) and guess["code"] != row.ward_code
    served = elsewhere and is_todays(guess["code"], wards)
    return ReportView(
        id=row.id, external_id=row.external_id, channel=row.title, channel_slug=row.slug, kind=row.kind,
        received_at=row.received_at, subject=row.subject, body=row.body, address=row.address, area=row.area,
        lat=row.lat, lng=row.lng, category=row.category_code, category_raw=row.category_raw,
        status_raw=row.status_raw, source_status=row.source_status, source_due_at=row.source_due_at,
        due_at=due_at, url=row.url, anonymous=row.anonymous, has_identity=identified is not None,
        from_officer=row.channel_kind == ENTRY_KIND, revision=row.revision,
        attachments=tuple(files), cause=member.cause, score=member.score, reasons=reasons(member.reasons),
        rule_version=member.rule_version, joined_at=member.started_at,
        can_reply=can.push_reply and not by_hand, max_reply_chars=can.max_reply_chars,
        by_itself=answer_views.by_itself(can) if not by_hand else (),
        takes=answer_files.taking(can, row.channel_options or {}) if not by_hand else NO_FILES,
        place=guess.get("name"), place_why_vi=guess.get("reason_vi", ""),
        place_why_en=guess.get("reason_en", ""), place_moved=guess.get("code") == row.ward_code,
        place_code=guess["code"] if elsewhere else None, place_served=served,
        guidance=guidance(wards[row.ward_code], guess) if elsewhere and not served else "",
        restricted=bool(identified),
    )  # fmt: skip


def reasons(stored: Sequence[Mapping[str, Any]]) -> tuple[ReasonView, ...]:
    return tuple(ReasonView(item["code"], item["vi"], item["en"]) for item in stored)


def suggestions(tx: Tx, case: Any, members: Sequence[int]) -> tuple[SuggestionView, ...]:
    """Other cases of the same ward that the rule was unsure about, one line a case, best first."""
    mine = set(members)
    asked = question_queries.of_reports(tx, members, SUGGESTIONS)
    if not asked:
        return ()
    other_of = {row.id: row.report_b if row.report_a in mine else row.report_a for row in asked}
    homes = case_queries.case_of_report(tx, other_of.values())
    rows = inbox_queries.rows(tx, list(homes.values()))
    points = report_queries.points(tx, [one for row in asked for one in (row.report_a, row.report_b)])
    found = []
    for row in asked:
        other, own = other_of[row.id], row.report_a if row.report_b == other_of[row.id] else row.report_b
        home = rows[homes[other]]
        found.append(SuggestionView(
            case_id=home.id, code=home.code, title=home.title, address=home.address,
            status=Status(home.status), received_at=home.received_at, report_id=other, own_report_id=own,
            score=row.score or 0.0, reasons=reasons(row.reasons), recurrence=not home.is_open,
            version=home.version,
            apart=apart(points[own], points[other]) if own in points and other in points else None,
        ))  # fmt: skip
    return tuple(found)


def _family(tx: Tx, case: Any) -> tuple[RelativeView, ...]:
    """Without those that went to another ward since (I13)."""
    found = [row for row in decision_queries.family(tx, case.id, FAMILY) if row.ward_code == case.ward_code]
    return tuple(
        RelativeView(row.id, row.code, row.title, Status(row.status), row.received_at) for row in found
    ) if len(found) > 1 else ()  # fmt: skip


def _timeline(
    newest: Sequence[Any], names: Mapping[int, str], standing: Collection[int],
    outages: Sequence[TimelineEntry],
) -> tuple[TimelineEntry, ...]:  # fmt: skip
    """The ledger's own entries and the sources' outages, oldest first.

    `standing` are the decisions that may be undone.
    """
    entries = []
    for row in reversed(newest):
        data = json.loads(row.data) if row.data else {"gone": True}
        decision = data.get("decision")
        undoable = decision if decision in standing else None
        entries.append(TimelineEntry(row.at, row.kind, names.get(row.officer_id), data, undoable))
    return tuple(sorted([*entries, *outages], key=lambda entry: entry.at)) if outages else tuple(entries)
