"""What every column holds, seen from the people whose data it is. A test compares this with the schema.

A new column must be entered here: under its class, and where the class is one of people's data, with how
it is forgotten. `docs/privacy.md` tells the same in words.

What may surprise: `external_id` counts as technical although some sources put a sender into it; forgetting
a person looks into it and replaces it where it names them. And a proof is a hash that nothing can be read
from: what it stands for is salted, keyed, or published anyway.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from aggregator.domain.retention import Kind


class Class(enum.StrEnum):
    PERSON = "person"  # who a citizen is
    CITIZEN = "citizen"  # what citizens wrote, and what was derived from their words
    OFFICER = "officer"  # what officers wrote in their work
    STAFF = "staff"  # who officers are, and how they sign in
    TECHNICAL = "technical"
    PROOF = "proof"


#: How what is not a kind of the retention rules goes.
FIXED = {
    "account": "kept as long as the account: who did what must stay readable",
    "session": "ended by signing out, at the latest when it expires",
    "attempts": "a day after the last failed sign-in",
    "ninety_days": "ninety days after it was made",
    "thirty_days": "thirty days after it was made",
    "rules": "kept: the office's own rules and their reasons",
    "paper": "kept: whoever holds a certificate must find it again; at most it names officers",
    "register": "kept: which act of whom it was, without a word of the person",
}


@dataclass(frozen=True, slots=True)
class Table:
    """Class -> column names, separated by spaces; `goes`: by which kinds or fixed terms people's data go."""

    columns: Mapping[Class, str]
    goes: tuple[Kind | str, ...] = ()


def _of(goes: Kind | str | tuple[Kind | str, ...] = (), **columns: str) -> Table:
    found = {Class(name): text for name, text in columns.items()}
    return Table(found, goes if isinstance(goes, tuple) else (goes,))


TABLES: Mapping[str, Table] = {
    # Reports and who sent them
    "reporters": _of(Kind.IDENTITY, person="identity phone_index email_index", technical="report_id"),
    "reports": _of(
        Kind.TEXT,
        citizen="subject body address area lat lng place_guess url search_text",
        technical="id channel_id external_id ward_code kind received_at first_seen_at changed_at"
        " category_code category_raw urgency status_raw source_status source_due_at anonymous revision",
        proof="revision_hash",
    ),
    "report_revisions": _of(
        Kind.RAW,
        person="raw",
        technical="id report_id seq observed_at run_id raw_type",
        proof="revision_hash",
    ),
    "attachments": _of(
        Kind.FILES,
        citizen="ref filename sha256",
        technical="id report_id content_type size state tries next_try_at error",
    ),
    "removed_files": _of(Kind.FILES, citizen="sha256", technical="at"),
    "match_traits": _of(
        (Kind.TEXT, Kind.IDENTITY),
        person="phone",
        citizen="house street lat lng text content",
        technical="report_id received_at ward category channel legal anonymous kinds",
    ),
    "match_keys": _of((Kind.TEXT, Kind.IDENTITY), citizen="key", technical="day report_id"),
    "judgements": _of(
        Kind.TEXT,
        citizen="reasons",
        technical="id report_a report_b judgement score recurrence rule_version features officer_id at"
        " asked_in",
    ),
    "legal_findings": _of(technical="report_id kind certainty spans found_at"),
    "forgotten": _of(technical="report_id mode at", proof="key"),
    # Channels and what came by them
    "raw_payloads": _of(
        Kind.PAGES, person="content url", technical="id channel_id sha256 content_type size fetched_at"
    ),
    "quarantine": _of(
        Kind.QUARANTINE,
        person="held",
        citizen="error external_id findings",
        officer="reason",
        technical="id channel_id run_id scope raw_payload_id raw_ref error_code field row tries state"
        " created_at seen_at settled_at settled_by",
    ),
    "webhook_calls": _of(
        Kind.CALLS,
        person="content",
        technical="id channel_id received_at size state tries error_code error handled_at",
        proof="delivery",
    ),
    "webhook_days": _of(
        technical="channel_id day taken repeated refused taken_at refused_at refused_why refused_why_vi"
    ),
    "channel_tokens": _of(technical="channel_id sealed owner until"),
    "channels": _of(technical="id slug kind title ward_code config secrets options created_at"),
    "channel_schedule": _of(
        technical="channel_id paused interval_s next_due_at host_key lease_owner lease_until fence state"
        " failures last_error_code last_error last_error_vi down_since last_try_at last_success_at"
        " last_item_at write_failures write_open_until write_error_code write_error last_write_at cursor"
        " connector_state breaker breaker_failures breaker_probes breaker_until folded_run_id"
    ),
    "channel_alarms": _of(technical="id channel_id kind about opened_at closed_at data"),
    "restatements": _of(technical="id channel_id word after_id"),
    "channel_baselines": _of(technical="channel_id data updated_at"),
    "channel_canaries": _of(technical="id channel_id external_id pinned_by pinned_at checked_at"),
    "channel_days": _of(
        technical="channel_id day runs failures seen stored unchanged revised quarantined requests bytes"
    ),
    "channel_hours": _of(technical="channel_id hour arrived"),
    "source_counts": _of(technical="channel_id day source held quarantined counted_at"),
    "poll_runs": _of(
        technical="id channel_id kind fence started_at finished_at outcome seen stored unchanged revised"
        " quarantined source_count requests bytes cursor_before cursor_after error_code error"
    ),
    "backfills": _of(
        technical="id channel_id since until ids state cursor next_due_at failures total seen stored"
        " unchanged revised quarantined error_code error error_vi officer_id created_at finished_at"
    ),
    "outages": _of(
        technical="id channel_id capability tried ok_before began_at last_failed_at ended_at attempts gaps"
        " sure answered ours_maybe first_code first_status last_code last_status",
        proof="first_sha256 last_sha256",
    ),
    "outage_attempts": _of(technical="id outage_id at tried code status url body_size", proof="body_sha256"),
    "outage_evidence": _of(
        Kind.EVIDENCE,
        person="content",
        technical="id outage_id size content_type kept_at officer_id",
        proof="sha256",
    ),
    "unreachable_deadlines": _of(
        technical="id report_id step origin case_id ward_code outage_id due_at answered_at delivered_at"
    ),
    # Cases and what officers did
    "cases": _of(
        Kind.TEXT,
        citizen="title extract address",
        technical="id code ward_code category_code urgency channel_id status is_open unit_id officer_id"
        " received_at opened_at closed_at late due_at due_step stage next_at remind_at sort_at report_count"
        " unread delivery_problem merged_into legal status_before version",
    ),
    "memberships": _of(
        Kind.TEXT,
        citizen="reasons",
        technical="id case_id report_id cause score rule_version beside features officer_id started_at"
        " ended_at ended_by",
    ),
    "replies": _of(
        Kind.ANSWERS,
        officer="body",
        technical="id case_id officer_id kind at transfer_to due_at"
        " corrects undo_until undo withdrawn_at withdrawn_by",
    ),
    "reply_files": _of(Kind.ANSWERS, officer="filename sha256", technical="id reply_id content_type size"),
    "outbox": _of(
        Kind.ANSWERS,
        officer="error error_vi",
        technical="id idempotency_key reply_id report_id channel_id case_id seq state attempts"
        " next_attempt_at lease_owner lease_until fence remote_ref error_code created_at sent_at"
        " acknowledged_at officer_id behind files_left",
    ),
    "ticks": _of(
        Kind.ANSWERS,
        officer="reference was_error",
        citizen="file_sha256",
        technical="id message_id was officer_id done_at ticked_at file_type file_size expected_from unseen_at"
        " settled_at undone_at undone_by",
    ),
    "errands": _of(
        technical="message_id case_id ward_code officer_id channel_id need look_at told_at",
    ),
    "silent_sources": _of(technical="channel_id ward_code officer_id at"),
    "write_turns": _of(technical="host_key fence free_at"),
    "source_looks": _of(technical="report_id channel_id done_at settled_to", proof="answers shown"),
    "discrepancies": _of(
        Kind.ANSWERS,
        officer="ours theirs author note reason",
        technical="id channel_id report_id kind about message_id written_at found_at settled_at settled_by"
        " how",
    ),
    "case_units": _of(
        Kind.NOTES,
        officer="task",
        technical="id case_id unit_id due_at joined_at joined_by done_at done_by left_at",
    ),
    "legal_matters": _of(
        Kind.NOTES,
        officer="reason",
        technical="case_id kind found_at state_before decided_at decided_by handed_to register_no"
        " registered_on",
    ),
    "street_decisions": _of(
        Kind.TEXT,
        citizen="street written house",
        technical="id at officer_id ward_code case_id report_id kind old_code old_name sent_to decided_code"
        " decided_name withdrawn_at withdrawn_by",
    ),
    "clock_events": _of(
        technical="id case_id report_id kind at reason officer_id minutes due_at step unit_id"
    ),
    "deadlines": _of(
        technical="id report_id step origin policy_id calendar_version due_at due_soon_at met_at"
    ),
    "decisions": _of(
        technical="id batch_id ward_code kind case_id other_id reports before officer_id at undone_at"
        " undone_by"
    ),
    "batches": _of(technical="id officer_id kind refused at"),
    "recurrences": _of(technical="case_id earlier_id officer_id at"),
    "case_counts": _of(technical="ward_code dim key bucket n"),
    "ledger_entries": _of(
        Kind.NOTES,
        officer="data salt",
        technical="id chain seq at kind case_id officer_id channel_id",
        proof="commitment prev_hash hash",
    ),
    "ledger_heads": _of(technical="chain seq case_year case_number", proof="hash"),
    "ledger_tiles": _of(technical="chain level number", proof="root"),
    "ledger_checkpoints": _of(
        technical="number at entries text key_name lost", proof="root signature token token_signature"
    ),
    "ledger_checkpoint_chains": _of(technical="chain number size", proof="root"),
    "certificates": _of(
        "paper",
        staff="statement bundle",
        technical="id serial token case_id ward_code year number chain seq issued_at issued_by withdrawn_at"
        " withdrawn_by",
        proof="content_sha256 statement_sha256",
    ),
    "ledger_keys": _of(technical="id name public sealed made_at", proof="signature"),
    "ledger_places": _of(
        technical="place held_number held_at sending_number attempts next_attempt_at lease_owner fence"
        " error_code error"
    ),
    # People of the office
    "officers": _of(
        "account",
        staff="login name password_hash",
        technical="id role ward_code unit_id legal language active created_at",
    ),
    "reminder_choices": _of(
        "account",
        staff="email feed_hash",
        technical="officer_id in_app by_mail daily weekly quiet_from quiet_to feed_at changed_at",
    ),
    "absences": _of(
        "account",
        officer="note",
        technical="id ward_code officer_id substitute_id starts_at ends_at reason entered_by entered_at"
        " ended_at ended_by version",
    ),
    "sessions": _of("session", staff="token_hash", technical="officer_id created_at seen_at expires_at"),
    "sign_in_failures": _of("attempts", staff="key", technical="failures last_at retry_at"),
    "done_requests": _of("thirty_days", staff="key", technical="officer_id at result"),
    "notices": _of(technical="id officer_id ward_code kind case_id times entry_seq created_at at read_at"),
    "mails": _of(
        "ninety_days",
        citizen="subject body html",
        technical="id key officer_id kind case_id due_at message_id state attempts next_attempt_at"
        " lease_owner fence possible_repeat expires_at error_code error created_at sent_at",
    ),
    "digests": _of(technical="ward_code kind day made_at mails"),
    "reminders": _of(technical="id case_id officer_id kind level due_at step tell_at told_at state"),
    "officer_fields": _of(technical="officer_id category_code"),
    # Rules of the office
    "bodies": _of(technical="id ward_code name contact categories active version"),
    "calendar_days": _of(technical="id calendar_id day works note decision source shifts"),
    "calendar_versions": _of("rules", officer="why", technical="number calendar_id week days at officer_id"),
    "calendars": _of(technical="id ward_code name week version changed_at unit_id shared_days"),
    "categories": _of(technical="code name_vi name_en aliases"),
    "match_adoptions": _of("rules", officer="why", technical="id model_id at officer_id"),
    "match_models": _of(technical="id version base shift scales trained_at figures"),
    "match_thresholds": _of(
        "rules",
        officer="why",
        technical="id ward_code category_code same unsure cap window_days valid_from officer_id",
    ),
    "recounts": _of(
        "rules",
        officer="why",
        technical="id kind rule_key ward_code unit_id officer_id created_at at_ward after_case total seen"
        " changed taken_back finished_at replaced",
    ),
    "sla_policies": _of(
        "rules",
        officer="why retired_why",
        technical="id key version name step amount unit valid_from valid_to channel category urgency"
        " warn_percent source certainty kind several_units day_end escalate_hours reopening applied"
        " retired_at made_at made_by retired_by by_acknowledgement",
    ),
    "streets": _of(technical="ward_code street reports last_day known_day"),
    "units": _of(technical="id ward_code name categories active"),
    "wards": _of(technical="code name undo_s acknowledges"),
    # Retention and the register
    "retention_rules": _of("rules", officer="why", technical="id kind days certainty source at officer_id"),
    "retention_runs": _of(technical="id cause started_at seen_at finished_at done officer_id"),
    "retention_switches": _of(technical="id on seen at officer_id"),
    "erasure_marks": _of(technical="id erased_at compacted_at"),
    "legal_holds": _of(
        "register", officer="note", technical="id case_id reason since officer_id lifted_at lifted_by"
    ),
    "restrictions": _of(technical="id report_id request_id since officer_id lifted_at lifted_by"),
    "privacy_requests": _of(
        Kind.REQUESTS,
        person="asked answer",
        technical="id ward_code kind came_by received_at answer_due_at done_due_at calendar_version"
        " answered_at answered_by outcome closed_at closed_by entered_at entered_by told version",
    ),
    "privacy_acts": _of(technical="id request_id report_id act at officer_id"),
}
