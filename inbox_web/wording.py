"""The words on screen: labels of states, and times as an office writes them.

Every label is an English msgid with its Vietnamese in the catalogue. What may surprise: a state that
has no label yet is shown as its code rather than hidden, so that nothing disappears from a screen.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask

from aggregator.domain import countdown, day_table, legal_guidance
from aggregator.domain.cover import NOON, AbsenceReason, Why, until_en, until_vi
from aggregator.domain.delivery import Delivery
from aggregator.domain.errands import Need
from aggregator.domain.joint_plan import Refusal
from aggregator.domain.legal import LegalKind, LegalState
from aggregator.domain.sketch import Apart, Sketch
from aggregator.domain.workflow import ReplyKind, Status
from aggregator.services.answer_files import MOST_BYTES, MOST_FILES, MOST_TOGETHER
from aggregator.services.clock_views import SpanView
from aggregator.services.cover_views import CoverView
from aggregator.services.review import BANDS
from aggregator.services.views.case import ReasonView
from aggregator.services.views.delivery import DeliveryView
from aggregator.services.views.inbox import InboxRow
from inbox_web.access import services
from inbox_web.language import _, _l, current

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")

VIEWS = {
    "open": _l("All open"),
    "new": _l("New"),
    "mine": _l("Mine"),
    "due_soon": _l("Due soon"),
    "overdue": _l("Overdue"),
    "needs_info": _l("Waiting for the citizen"),
    "waiting_unit": _l("Waiting for another unit"),
    "problem": _l("Delivery problems"),
    "legal": _l("Complaints, denunciations"),
    "closed": _l("Closed"),
    "paused": _l("Paused"),
    "closed_late": _l("Closed late"),
    "legal_done": _l("Handed over complaints, denunciations"),
}

EMPTY = {
    "open": _l("No open case. New reports appear here by themselves."),
    "new": _l("No new case waits for you. Well done."),
    "mine": _l("No case is assigned to you."),
    "due_soon": _l("No deadline is near."),
    "overdue": _l("Nothing is overdue."),
    "needs_info": _l("No case waits for its citizen."),
    "waiting_unit": _l("No case waits for another unit."),
    "problem": _l("Every answer is on its way or has arrived."),
    "legal": _l("No complaint or denunciation waits for a decision."),
    "closed": _l("No case has been closed yet."),
    "paused": _l("No clock stands still."),
    "closed_late": _l("No case was closed after its deadline."),
    "legal_done": _l("No complaint or denunciation was handed over yet."),
}

STATUSES = {
    Status.NEW: _l("New"),
    Status.ACCEPTED: _l("Accepted"),
    Status.IN_PROGRESS: _l("In progress"),
    Status.WAITING_UNIT: _l("Waiting for another unit"),
    Status.NEEDS_INFO: _l("Waiting for the citizen"),
    Status.RESOLVED: _l("Resolved"),
    Status.REJECTED: _l("Rejected"),
    Status.MERGED: _l("Merged"),
    Status.HANDED_OVER: _l("Handed over"),
}

LEGAL_KINDS = {
    LegalKind.KHIEU_NAI: _l("Complaint by law"),
    LegalKind.TO_CAO: _l("Denunciation"),
    LegalKind.TO_GIAC: _l("Report of a crime"),
}

LEGAL_STATES = {
    LegalState.SUSPECTED: _l("may be a complaint or denunciation"),
    LegalState.RECOGNISED: _l("complaint or denunciation: to be decided on"),
    LegalState.CONFIRMED: _l("complaint or denunciation: handed over"),
    LegalState.DISMISSED: _l("feedback after all"),
}

#: What an officer does to get a case there.
MOVES = {
    Status.ACCEPTED: _l("Accept"),
    Status.IN_PROGRESS: _l("Start work"),
    Status.WAITING_UNIT: _l("Hand to another unit and wait"),
    Status.NEEDS_INFO: _l("Ask the citizen"),
}

REPLY_KINDS = {
    ReplyKind.RESULT: _l("Result: the matter is settled"),
    ReplyKind.PROGRESS: _l("Progress: what happens next"),
    ReplyKind.REFUSAL: _l("Refusal: not for us, with the reason"),
    ReplyKind.TRANSFER: _l("Transfer: another body goes on with it"),
    ReplyKind.ACKNOWLEDGEMENT: _l("Acknowledgement: we have received it"),
    ReplyKind.EXTENSION: _l("Extension: it takes until a new date"),
    ReplyKind.CORRECTION: _l("Correction: an earlier answer was wrong"),
}


REPLY_NAMES = {
    ReplyKind.RESULT: _l("Result"),
    ReplyKind.PROGRESS: _l("Progress"),
    ReplyKind.REFUSAL: _l("Refusal"),
    ReplyKind.ACKNOWLEDGEMENT: _l("Acknowledgement"),
    ReplyKind.TRANSFER: _l("Transferred"),
    ReplyKind.EXTENSION: _l("Extension"),
    ReplyKind.CORRECTION: _l("Correction"),
}

PAUSE_REASONS = {
    "needs_info": _l("Waiting for information from the citizen"),
    "other_body": _l("Waiting for the answer of another competent body"),
    "site_visit": _l("Waiting for the arranged visit on site"),
    "force_majeure": _l("Natural disaster, epidemic, force majeure"),
}

DELIVERIES = {
    Delivery.PENDING: _l("Waiting to be sent"),
    Delivery.LEASED: _l("Being sent"),
    Delivery.CONFIRMING: _l("Looking whether it arrived"),
    Delivery.SENT: _l("Sent, not yet seen at the source"),
    Delivery.ACKNOWLEDGED: _l("Confirmed by the source"),
    Delivery.MANUAL: _l("To be carried over by hand"),
    Delivery.UNCLEAR: _l("Not known whether it arrived"),
    Delivery.DEAD: _l("Refused by the source"),
    Delivery.WITHDRAWN: _l("Taken back before it was sent"),
}

#: How far an answer is with so many sources, behind their number.
ANSWER_STAGES = {
    "failed": _l("refused"),
    "person": _l("waiting for a person"),
    "queued": _l("waiting to be sent"),
    "sent": _l("sent"),
    "seen": _l("seen at the source"),
    "withdrawn": _l("undone"),
}

DELIVERY_NEXT = {
    Delivery.MANUAL: _l("Copy the text into the source's own page, then tick it off."),
    Delivery.UNCLEAR: _l("Look at the source, then say whether the answer is there."),
    Delivery.DEAD: _l("Read the reason, correct the channel or the answer, then try again."),
}

#: What is asked of a person about an answer.
ERRANDS = {
    Need.UNCLEAR: _l("Not known whether it arrived"),
    Need.UNSEEN: _l("Ticked off, but the source does not show it"),
    Need.REFUSED: _l("Refused by the source"),
    Need.MANUAL: _l("To be carried over by hand"),
    Need.TICKED: _l("Ticked off, waiting for the source"),
}

LIGHTS = {
    "reachable": _l("Reachable"),
    "signed_in": _l("Signed in"),
    "parsing": _l("Understood"),
    "fresh": _l("Up to date"),
    "writing": _l("Takes answers"),
}

HEALTH = {
    "good": _l("good"),
    "slow": _l("slow"),
    "bad": _l("broken"),
    "off": _l("off"),
}

#: What a connector has proved (see the conformance suite), and what that means.
GRADES = {
    "none": _l("not graded"),
    "bronze": _l("Bronze"),
    "silver": _l("Silver"),
    "gold": _l("Gold"),
}
GRADE_MEANS = {
    "none": _l("nobody has tried it on a portal that fails"),
    "bronze": _l("reads every report once and stands the common failures"),
    "silver": _l("stands every known failure, and notices a changed page"),
    "gold": _l("delivers answers exactly once, and can read the past again"),
}

#: What waits for a person at a channel.
ALARMS = {
    "reconnect": _l("The portal refuses our account: sign in again"),
    "settings": _l("The settings cannot be used: correct them"),
    "defect": _l("The connector fails: tell its maintainer"),
    "silence": _l("No new report for unusually long"),
    "drift": _l("The portal looks different, and what it shows was not taken in"),
    "status_word": _l("The portal uses a status word that is not understood here"),
}

BREAKERS = {
    "open": _l("Left alone for a while: the portal cannot be reached"),
    "half_open": _l("One probe at a time: the portal was out of reach"),
}

BACKFILLS = {
    "active": _l("being read"),
    "stopped": _l("stopped"),
    "done": _l("done"),
    "failed": _l("failed"),
}

OUTCOMES = {
    "running": _l("running"),
    "ok": _l("done"),
    "failed": _l("failed"),
    "abandoned": _l("interrupted"),
}

QUARANTINE_STATES = {
    "open": _l("Waiting"),
    "dismissed": _l("Dismissed"),
    "accepted": _l("Taken in as it is"),
    "replayed": _l("Read later on"),
    "superseded": _l("Came whole later"),
}

CAME = {"walk_in": _l("At the office"), "phone": _l("By telephone")}

RUN_KINDS = {
    "poll": _l("poll"),
    "import": _l("import"),
    "replay": _l("replay"),
    "webhook": _l("sent to us"),
    "entry": _l("typed in"),
}

CAUSES = {
    "opened": _l("Opened this case"),
    "rule": _l("Joined by rule"),
    "person": _l("Joined by a person"),
    "undo": _l("Put back by a person"),
}

#: What an officer did that decided on the ward of a case.
WARD_CAUSES = {
    "moved": _l("moved there"),
    "guided": _l("answered that it belongs there"),
    "confirmed": _l("confirmed"),
    "corrected": _l("address corrected"),
}

#: What other thresholds would do to a report.
PREVIEWS = {
    "joins": _l("Would join"),
    "apart": _l("Would no longer join"),
    "elsewhere": _l("Would join another case"),
}

ATTACHMENTS = {
    "pending": _l("being fetched"),
    "refused": _l("refused: not a permitted kind of file"),
    "erased": _l("erased"),
}

IDENTITY = {
    "name": _l("Name"),
    "phone": _l("Phone"),
    "email": _l("E-mail"),
    "address": _l("Home address"),
    "id_number": _l("ID number"),
}

ABSENCES = {
    AbsenceReason.LEAVE: _l("Leave"),
    AbsenceReason.SICK: _l("Sick leave"),
    AbsenceReason.MISSION: _l("On mission"),
    AbsenceReason.TRAINING: _l("In training"),
    AbsenceReason.MATERNITY: _l("Maternity leave"),
    AbsenceReason.OTHER: _l("Another reason"),
}

#: Why nobody answers.
GAPS = {
    Why.NO_SUBSTITUTE: _l("away without a substitute"),
    Why.CYCLE: _l("the substitutes name one another"),
}

PARTS_OF_DAY = {"day": _l("away"), "morning": _l("morning"), "afternoon": _l("afternoon")}

STEPS = {
    "classify": _l("Classify"),
    "forward": _l("Forward to a unit"),
    "first_answer": _l("First answer"),
    "progress": _l("Report of progress"),
    "result": _l("Result"),
}

UNITS = {
    "minutes": _l("minutes"),
    "working_hours": _l("working hours"),
    "working_days": _l("working days"),
    "calendar_days": _l("calendar days"),
}

#: How sure it is that a rule says what it says; words of its own a rule may carry are shown as they are.
CERTAINTIES = {
    "unverified": _l("not verified: the office must confirm it"),
    "starting_set": _l("starting value: the office must confirm it"),
    "press": _l("from the press, the decision itself was not seen"),
    "press_days": _l("from the press, which does not say whether working or calendar days are meant"),
    "confirmed": _l("confirmed by the office"),
}

REPORT_KINDS = {"feedback": _l("Feedback"), "proposal": _l("Proposal")}

DAY_ENDS = {
    "end_of_day": _l("when the office closes"),
    "same_time": _l("at the hour at which the report came"),
}

REOPENINGS = {
    "goes_on": _l("the clock goes on where it stopped"),
    "afresh": _l("the whole time begins again"),
}

#: Who says that a day differs.
DAY_SOURCES = {
    "person": _l("a person"),
    "decision": _l("shipped, from a decision"),
    "package": _l("computed"),
}

WEEKDAYS = (
    _l("Monday"), _l("Tuesday"), _l("Wednesday"), _l("Thursday"), _l("Friday"), _l("Saturday"), _l("Sunday"),
)  # fmt: skip
WEEKDAYS_SHORT = (_l("Mo"), _l("Tu"), _l("We"), _l("Th"), _l("Fr"), _l("Sa"), _l("Su"))

URGENCIES = {"urgent": _l("Urgent"), "high": _l("High"), "normal": _l("Normal"), "low": _l("Low")}

DIRECTIONS = {
    "n": _l("to the north"),
    "ne": _l("to the north-east"),
    "e": _l("to the east"),
    "se": _l("to the south-east"),
    "s": _l("to the south"),
    "sw": _l("to the south-west"),
    "w": _l("to the west"),
    "nw": _l("to the north-west"),
}

#: Of a source's capabilities: what it is when it is out, when it goes out, and when it is back.
CAPABILITIES = {
    "read": _l("Reading"),
    "sign_in": _l("Signing in"),
    "write": _l("Taking answers"),
}
OUTAGE_BEGAN = {
    "read": _l("could not be read from here on"),
    "sign_in": _l("refused to sign us in from here on"),
    "write": _l("took no answers from here on"),
}
OUTAGE_ENDED = {
    "read": _l("can be read again"),
    "sign_in": _l("signs us in again"),
    "write": _l("takes answers again"),
}
#: What a failed try saw.
SEEN = {
    "transient": _l("no answer, or an error page"),
    "rate_limited": _l("asked us to wait"),
    "auth_failed": _l("refused our account"),
    "schema_drift": _l("a page that is not the usual one"),
    "bot_challenge": _l("a challenge for people"),
    "unknown_outcome": _l("no clear answer to what was sent"),
    "permanent": _l("refused what was asked"),
    "bad_record": _l("what came could not be read"),
}

#: Likeness in words, by the same bands as the filter of the open questions.
LIKENESS = {"high": _l("Very alike"), "middle": _l("Quite alike"), "low": _l("Somewhat alike")}

#: Why a question is left out when many are decided together.
REFUSALS = {
    Refusal.CLOSED: _l("One of the two is closed: say on its page whether it has come back."),
    Refusal.OTHER_WARD: _l("The cases belong to two wards."),
    Refusal.LEGAL: _l("A complaint or denunciation is never merged with others."),
    Refusal.TOLD_APART: _l("An officer has said that cases of these groups are different."),
    Refusal.CAP: _l("The case would hold too many reports: decide it on the case's own page."),
    Refusal.CHANGED: _l("One of the two changed since you looked: look again."),
    Refusal.SETTLED: _l("Somebody has answered this meanwhile."),
}

HEALTH_ICONS = {"good": "check", "slow": "hourglass", "bad": "alert", "off": "pause"}


def local(at: datetime) -> datetime:
    return at.astimezone(ZONE)


def when(at: datetime | None) -> str:
    """'14:05 12/11/2026' in Vietnamese, '12 Nov 2026, 14:05' in English; empty for None."""
    if at is None:
        return ""
    return local(at).strftime("%H:%M %d/%m/%Y" if current() == "vi" else "%d %b %Y, %H:%M")


def stamp(at: datetime) -> str:
    """The instant for machines, short: seconds, in UTC."""
    return at.astimezone(ZoneInfo("UTC")).strftime("%Y-%m-%dT%H:%M:%SZ")


def for_field(at: datetime) -> str:
    """The instant as a field for date and time wants it: the office's time, to the minute."""
    return f"{local(at):%Y-%m-%dT%H:%M}"


def left(row: InboxRow) -> str:
    """The time left in words; for a stopped clock, why it does not run."""
    if row.status is Status.HANDED_OVER:
        return _("Handed over")
    if row.legal is LegalState.RECOGNISED:
        return _("Feedback clock stopped")
    if row.stage == "paused":
        return _("Clock paused")
    if row.closed_at is not None:
        late = row.due_at is not None and row.closed_at.replace(microsecond=0) > row.due_at
        return _("Closed late") if late else _("Closed in time")
    if row.due_at is None:
        return _("No deadline")
    return countdown.words(row.due_at, services().clock(), current())


def ahead(at: datetime) -> str:
    """The time left until an instant, in words."""
    return countdown.words(at, services().clock(), current())


def heading(row: InboxRow) -> str:
    """The title; of what this person may not read, why there is none."""
    return _("Restricted: complaint or denunciation") if row.masked else row.title


def more(row: InboxRow) -> str:
    """The extract, without the beginning that the title already says (many sources have no subject)."""
    title = row.title.rstrip("…. ")
    if not title or not row.extract.startswith(title):
        return row.extract
    rest = row.extract[len(title) :].lstrip("…. ,:;!-")
    return f"…{rest}" if rest else ""


def duration(seconds: int) -> str:
    """'3 giờ 30 phút'; hours are not summed up to days, because a working day has eight."""
    minutes = seconds // 60
    told = []
    if minutes >= 60:
        told.append(_("%(n)s h", n=minutes // 60))
    if minutes % 60 or not told:
        told.append(_("%(n)s min", n=minutes % 60))
    return " ".join(told)


def by_day(spans: Iterable[SpanView]) -> list[tuple[date, list[str], int]]:
    """The stretches of each day as times of day, and what they come to: a page of weeks stays readable."""
    found: list[tuple[date, list[str], int]] = []
    for each in spans:
        start, end = local(each.start), local(each.end)
        same_day = end.date() == start.date() or end - start <= timedelta(days=1)
        told = f"{start:%H:%M}–{end:%H:%M}" if same_day else f"{start:%H:%M}–{when(each.end)}"
        if found and found[-1][0] == start.date():
            day_, times, seconds = found.pop()
            found.append((day_, [*times, told], seconds + each.seconds))
        else:
            found.append((start.date(), [told], each.seconds))
    return found


def day(on: date) -> str:
    return on.strftime("%d/%m/%Y" if current() == "vi" else "%d %b %Y")


def until(ends_at: datetime) -> str:
    """The last day of an absence: "25/11", "trưa 25/11"."""
    return until_vi(ends_at) if current() == "vi" else until_en(ends_at)


def covered(cover: CoverView) -> str:
    """Who stands in for an owner who is away, and until when."""
    if cover.name is None:
        return _("away until %(day)s, nobody stands in", day=until(cover.until))
    return _("%(name)s stands in until %(day)s", name=cover.name, day=until(cover.until))


def since(starts_at: datetime) -> str:
    """The first day of an absence: "23/11", "chiều 23/11"."""
    at = local(starts_at)
    if at.time() == NOON:
        return _("afternoon of %(day)s", day=f"{at:%d/%m}")
    return f"{at:%d/%m}" if at.time() == time() else f"{at:%H:%M %d/%m}"


def percent(score: float, sign: bool = True) -> str:
    """'99,5 %' in Vietnamese, '99.5 %' in English; without `sign` as it is typed into a field."""
    text = f"{100 * score:.2f}".rstrip("0").rstrip(".")
    text = text.replace(".", ",") if current() == "vi" else text
    return f"{text} %" if sign else text


def label(table: Mapping[Any, Any], code: Any) -> str:
    return str(table.get(code, code))


def bilingual(value: Any, name: str) -> str:
    """`value.name_vi` or `value.name_en`, as the person reads; the Vietnamese where there is no other."""
    found = getattr(value, f"{name}_{current()}", "") or getattr(value, f"{name}_vi", "")
    return str(found)


#: States whose label says it all.
_PLAIN = (Delivery.LEASED, Delivery.ACKNOWLEDGED, Delivery.WITHDRAWN)


def next_step(delivery: DeliveryView) -> str:
    """What a person should know or do about one delivery; empty where all goes by itself."""
    if delivery.state in _PLAIN:
        return ""
    if current() == "vi":
        return delivery.hint_vi
    if delivery.unseen:
        return _("Ticked off by hand, but the source did not show it when it was read since.")
    if delivery.held:
        return _("The channel is held back; it goes by itself when the channel works again.")
    if delivery.state is Delivery.PENDING and delivery.next_attempt_at and delivery.attempts:
        return _("The last try failed; the next is at %(at)s.", at=when(delivery.next_attempt_at))
    return label(DELIVERY_NEXT, delivery.state) if delivery.state in DELIVERY_NEXT else ""


def web_link(url: str | None) -> str:
    """`url` where a browser may follow it; a source could also send ``javascript:``."""
    return url if url and url.startswith(("http://", "https://")) else ""


def once() -> str:
    """A fresh one-time key: the same form sent twice does its work once."""
    return secrets.token_urlsafe(12)


def far(apart: Apart) -> str:
    """'40 m to the north-east'; metres below a kilometre."""
    if not apart.direction:
        return _("at the same spot")
    if apart.metres < 1000:
        length = f"{apart.metres} m"
    else:
        kilometres = f"{apart.metres / 1000:.1f}"
        length = f"{kilometres.replace('.', ',') if current() == 'vi' else kilometres} km"
    return _("%(length)s %(direction)s", length=length, direction=label(DIRECTIONS, apart.direction))


def gap(hours: float) -> str:
    """How far apart in time, in words."""
    if hours < 1:
        return _("less than an hour apart")
    if hours < 48:
        return _("%(n)s hours apart", n=round(hours))
    return _("%(n)s days apart", n=round(hours / 24))


def band(score: float) -> str:
    """The name of the band that a score is in."""
    return next(name for name, (least, _below) in BANDS.items() if least is None or score >= least)


def reasons(found: Sequence[ReasonView], most: int = 0) -> str:
    """The reasons in one line, strongest first."""
    return "; ".join(bilingual(reason, "text") for reason in found[: most or None])


_TABLES = {
    "ANSWER_FILES": (MOST_FILES, MOST_BYTES // 1_000_000, MOST_TOGETHER // 1_000_000),
    "VIEWS": VIEWS, "EMPTY": EMPTY, "STATUSES": STATUSES, "MOVES": MOVES, "REPLY_KINDS": REPLY_KINDS,
    "REPLY_NAMES": REPLY_NAMES, "PAUSE_REASONS": PAUSE_REASONS, "DELIVERIES": DELIVERIES, "LIGHTS": LIGHTS,
    "ANSWER_STAGES": ANSWER_STAGES, "ALARMS": ALARMS, "BREAKERS": BREAKERS, "BACKFILLS": BACKFILLS,
    "GRADES": GRADES, "GRADE_MEANS": GRADE_MEANS,
    "HEALTH": HEALTH, "OUTCOMES": OUTCOMES, "RUN_KINDS": RUN_KINDS, "CAME": CAME, "CAUSES": CAUSES,
    "QUARANTINE_STATES": QUARANTINE_STATES,
    "WARD_CAUSES": WARD_CAUSES, "ATTACHMENTS": ATTACHMENTS, "IDENTITY": IDENTITY, "URGENCIES": URGENCIES,
    "ABSENCES": ABSENCES, "PARTS_OF_DAY": PARTS_OF_DAY,
    "STEPS": STEPS, "UNITS": UNITS, "CERTAINTIES": CERTAINTIES,
    "REPORT_KINDS": REPORT_KINDS, "DAY_ENDS": DAY_ENDS, "REOPENINGS": REOPENINGS, "DAY_SOURCES": DAY_SOURCES,
    "WEEKDAYS": WEEKDAYS, "WEEKDAYS_SHORT": WEEKDAYS_SHORT,
    "PREVIEWS": PREVIEWS,
    "HEALTH_ICONS": HEALTH_ICONS, "LIKENESS": LIKENESS, "REFUSALS": REFUSALS, "SKETCH": Sketch,
    "CAPABILITIES": CAPABILITIES, "SEEN": SEEN,
    "LEGAL_KINDS": LEGAL_KINDS, "LEGAL_STATES": LEGAL_STATES,
    "GUIDES": legal_guidance.GUIDES, "AMENDED_VI": legal_guidance.AMENDED_VI,
}  # fmt: skip


def install(app: Flask) -> None:
    app.jinja_env.globals.update(_TABLES, once=once, now=lambda: services().clock())
    for use in (
        when,
        stamp,
        for_field,
        by_day,
        until,
        covered,
        since,
        day,
        duration,
        percent,
        left,
        heading,
        more,
        ahead,
        bilingual,
        next_step,
        web_link,
        far,
        gap,
        band,
        reasons,
    ):
        app.add_template_filter(use)
    app.add_template_filter(lambda code, table: label(table, code), "label")
    app.add_template_filter(day_table.hours_text, "hours")
