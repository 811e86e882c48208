"""The words of differences between sources and us: kinds, remedies, how they ended."""

from __future__ import annotations

from flask import Flask

from aggregator.domain.beliefs import Kind, Remedy, Severity
from inbox_web.language import _l

KINDS = {
    Kind.ANSWER_MISSING: _l("Our answer is not shown there"),
    Kind.ANSWER_EDITED: _l("Our answer reads differently there"),
    Kind.ANSWER_FOREIGN: _l("Somebody else answered there"),
    Kind.SOURCE_REOPENED: _l("Opened again there"),
    Kind.SOURCE_OPEN: _l("Answered here, still open there"),
    Kind.SOURCE_CLOSED: _l("Closed there, open here"),
    Kind.REPORT_GONE: _l("The report is no longer there"),
    Kind.DEADLINE_LATER: _l("Deadline put off or withdrawn there"),
    Kind.DEADLINE_EARLIER: _l("Deadline brought forward there"),
    Kind.STATUS_UNMAPPED: _l("A status word that is not mapped"),
}

MEANS = {
    Kind.ANSWER_MISSING: _l("We delivered this answer, and the source shows it to nobody."),
    Kind.ANSWER_EDITED: _l("The source shows our answer in other words. Marked: what the other side lacks."),
    Kind.ANSWER_FOREIGN: _l("Nobody here sent this. A colleague may have answered at the portal itself."),
    Kind.SOURCE_REOPENED: _l("It was done there, too, and is open again: perhaps the citizen asked for it."),
    Kind.SOURCE_OPEN: _l("The source shows our answer and still counts the report as open."),
    Kind.SOURCE_CLOSED: _l("Somebody ended it at the source without an answer that could be read."),
    Kind.REPORT_GONE: _l("The source was asked for this very report and does not have it."),
    Kind.DEADLINE_LATER: _l("We go on counting the earlier one until you decide."),
    Kind.DEADLINE_EARLIER: _l("Counted at once: the earliest deadline rules."),
    Kind.STATUS_UNMAPPED: _l("Nobody has said which of our states this word of the source means."),
}

REMEDIES = {
    Remedy.ADOPT: _l("Take it as our answer"),
    Remedy.NOT_OURS: _l("Not an answer of ours"),
    Remedy.AUTOMATIC: _l("The portal writes this by itself"),
    Remedy.SEND_AGAIN: _l("Send ours again"),
    Remedy.REOPEN: _l("Open the case again"),
    Remedy.TAKE_DEADLINE: _l("Count the source's deadline"),
    Remedy.ASK: _l("Ask the source now"),
    Remedy.MOVED: _l("It has another number there now"),
    Remedy.KNOWN: _l("It may stay so"),
}

#: What a press does, for the page that asks before many are settled.
EFFECTS = {
    Remedy.ADOPT: _l(
        "The words become our answer from the time on that they were given; the clock stops then. Nothing is"
        " sent to this source."
    ),
    Remedy.NOT_OURS: _l("Nothing changes. It is told again only if its words change."),
    Remedy.AUTOMATIC: _l("These very words are no longer told under any report of the channel."),
    Remedy.SEND_AGAIN: _l("The source is looked at first. Our answer is sent only where it is not there."),
    Remedy.REOPEN: _l("The case is in progress again and its clock runs on, as its rule says."),
    Remedy.TAKE_DEADLINE: _l("The case is due by the earliest deadline still owed, ours included."),
    Remedy.ASK: _l("Each report is read again within seconds; what it shows then is compared anew."),
    Remedy.MOVED: _l("Nothing changes but that the old number is no longer looked for."),
    Remedy.KNOWN: _l("Nothing changes. It is told again only if the source shows something else."),
}

ENDED = {
    "agrees": _l("the two agree again"),
    "followed": _l("counted at once"),
    "restated": _l("the source's word has another meaning here since"),
    Remedy.ADOPT: _l("taken as our answer"),
    Remedy.NOT_OURS: _l("not an answer of ours"),
    Remedy.AUTOMATIC: _l("written by the portal itself"),
    Remedy.SEND_AGAIN: _l("ours was sent again"),
    Remedy.REOPEN: _l("the case was opened again"),
    Remedy.TAKE_DEADLINE: _l("the source's deadline counts"),
    Remedy.MOVED: _l("it has another number there"),
    Remedy.KNOWN: _l("known, may stay so"),
}

NOTES = {
    "edited": _l("edited there"),
    "cut": _l("cut by the source"),
    "wrapped": _l("something was added around it"),
    "removed": _l("it was shown before"),
}

SEVERITIES = {
    Severity.ACT: _l("act"),
    Severity.LOOK: _l("look"),
    Severity.NOTE: _l("note"),
}

SOURCE_STATUSES = {
    "new": _l("New"),
    "accepted": _l("Accepted"),
    "in_progress": _l("In progress"),
    "waiting": _l("Waiting for another unit"),
    "needs_info": _l("Waiting for the citizen"),
    "resolved": _l("Resolved"),
    "rejected": _l("Rejected"),
    "duplicate": _l("Duplicate"),
    "reopened": _l("Opened again"),
    "unmapped": _l("not mapped"),
}

#: What each says of the work at the source, for who gives a word its meaning.
SOURCE_STATUS_MEANS = {
    "new": _l("received there, nobody works on it"),
    "accepted": _l("somebody there has taken it on"),
    "in_progress": _l("being worked on"),
    "waiting": _l("lies with another unit"),
    "needs_info": _l("the citizen was asked for more"),
    "resolved": _l("done, it counts as closed there"),
    "rejected": _l("refused, it counts as closed there"),
    "duplicate": _l("the same as another report, closed there"),
    "reopened": _l("open once more after it was done"),
}


def install(app: Flask) -> None:
    app.jinja_env.globals.update(
        DIFFERENCES=KINDS, DIFFERENCE_MEANS=MEANS, REMEDIES=REMEDIES, REMEDY_EFFECTS=EFFECTS,
        DIFFERENCE_ENDS=ENDED, DIFFERENCE_NOTES=NOTES, SEVERITIES=SEVERITIES, SOURCE_STATUSES=SOURCE_STATUSES,
        SOURCE_STATUS_MEANS=SOURCE_STATUS_MEANS,
    )  # fmt: skip
