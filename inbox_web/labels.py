"""Labels of states and kinds, as tables for templates: the code on the left, its words on the right.

Every label is an English msgid with its Vietnamese in the catalogue. What may surprise: a state that
has no label yet is shown as its code rather than hidden, so that nothing disappears from a screen.
"""

from __future__ import annotations

from aggregator.domain import legal_guidance
from aggregator.domain.cover import AbsenceReason, Why
from aggregator.domain.delivery import Delivery
from aggregator.domain.errands import Need
from aggregator.domain.joint_plan import Refusal
from aggregator.domain.legal import LegalKind, LegalState
from aggregator.domain.workflow import ReplyKind, Status
from aggregator.services.answer_files import MOST_BYTES, MOST_FILES, MOST_TOGETHER, Stays
from inbox_web.language import _l

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

#: Why a file of an answer stays here.
LEFT_WHY = {
    Stays.NO_FILES: _l("the source takes no files"),
    Stays.TYPE: _l("the source does not take this type"),
    Stays.SIZE: _l("too large for the source"),
    Stays.TOO_MANY: _l("more than the source takes"),
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

ROLES = {
    "officer": _l("Officer"),
    "leader": _l("Leader"),
    "admin": _l("Administrator"),
}

HEALTH = {
    "good": _l("good"),
    "slow": _l("slow"),
    "bad": _l("broken"),
    "off": _l("off"),
    "unknown": _l("not known yet"),
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

HEALTH_ICONS = {"good": "check", "slow": "hourglass", "bad": "alert", "off": "pause", "unknown": "clock"}

#: How many files an answer takes, and their megabytes, each and together.
FILE_TYPES = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WebP", "application/pdf": "PDF"}
ANSWER_FILES = (MOST_FILES, MOST_BYTES // 1_000_000, MOST_TOGETHER // 1_000_000)
GUIDES, AMENDED_VI = legal_guidance.GUIDES, legal_guidance.AMENDED_VI
