"""The timeline of a case, one sentence an event.

The entries are the ledger's own, so they hold ids, codes and officers' words, never a citizen's name.
What may surprise: a kind of event without a sentence here is shown by its code, so that the timeline
never hides what happened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from flask import Flask

from aggregator.services.views.case import TimelineEntry
from inbox_web.difference_words import ENDED as DIFFERENCE_ENDS
from inbox_web.difference_words import KINDS as DIFFERENCES
from inbox_web.labels import (
    DELIVERIES,
    LEGAL_KINDS,
    OUTAGE_BEGAN,
    OUTAGE_ENDED,
    PAUSE_REASONS,
    REPLY_NAMES,
    STATUSES,
    STEPS,
)
from inbox_web.language import _, _l
from inbox_web.wording import label, when

Data = Mapping[str, Any]


def told(entry: TimelineEntry, channels: Mapping[str, str]) -> str:
    """The event as a sentence; `channels` names the channels by their slugs."""
    data = dict(entry.data)
    slug = str(data.get("channel", ""))
    data["channel"] = channels.get(slug, slug)
    sentence = _SENTENCES[entry.kind](data) if entry.kind in _SENTENCES else entry.kind
    before, after = data.get("from"), data.get("to")
    if before in STATUSES and after in STATUSES:
        sentence += f" ({label(STATUSES, before)} → {label(STATUSES, after)})"
    return f"{sentence} ({_('what it said was erased')})" if data.get("gone") else sentence


def _with(sentence: str, more: object) -> str:
    return f"{sentence}: {more}" if more else sentence


def _joined(data: Data) -> str:
    if data.get("score") is None:
        return _("A report through %(channel)s joined", channel=data["channel"])
    percent = round(100 * data["score"])
    return _("A report through %(channel)s joined, %(n)s %% sure", channel=data["channel"], n=percent)


def _stage(data: Data) -> str:
    if data.get("taken_back"):
        return _("The server's clock was wrong: the warning before does not hold")
    told = _("The deadline has passed") if data.get("stage") == "overdue" else _("The deadline is near")
    return _with(told, label(STEPS, data["step"])) if data.get("step") else told


def _recounted(data: Data) -> str:
    was, now = (
        when(datetime.fromisoformat(data[name])) if data.get(name) else _("none") for name in ("was", "now")
    )
    told = _("The deadline was counted again: %(was)s → %(now)s", was=was, now=now)
    return _with(told, data.get("why"))


def _assigned(data: Data) -> str:
    owner = " – ".join(str(data[name]) for name in ("unit", "officer") if data.get(name))
    return _("Assigned to %(owner)s", owner=owner) if owner else _("Assigned to nobody")


def _unit_joined(data: Data) -> str:
    told = _("%(unit)s works on it, too", unit=data.get("unit", ""))
    if data.get("due_at"):
        told += f" ({_('Due')} {when(datetime.fromisoformat(data['due_at']))})"
    return _with(told, data.get("task"))


def _paused(data: Data) -> str:
    reason = label(PAUSE_REASONS, data.get("reason", ""))
    return _with(_with(_("The clock was paused"), reason), data.get("note"))


def _extended(data: Data) -> str:
    until = when(datetime.fromisoformat(data["due_at"])) if data.get("due_at") else ""
    return _with(_("Extended until %(at)s", at=until), data.get("reason"))


def _handed_over(data: Data) -> str:
    kind = label(LEGAL_KINDS, data.get("kind", ""))
    return _(
        "%(kind)s: handed over to %(to)s, number %(no)s",
        kind=kind,
        to=data.get("to", ""),
        no=data.get("register_no", ""),
    )


def _delivery(data: Data) -> str:
    return f"{data['channel']}: {label(DELIVERIES, data.get('state', ''))}"


def _replied(data: Data) -> str:
    told = _("Answered: %(kind)s", kind=label(REPLY_NAMES, data.get("kind", "")))
    return f"{told} → {data['transfer_to']}" if data.get("transfer_to") else told


def _different(data: Data) -> str:
    if "other" not in data:  # as it was told before cases were compared
        return _("Said not to be the same as another report")
    return _("Said not to be the same as %(code)s", code=data["other"])


def _out(data: Data, words: Mapping[Any, Any]) -> str:
    sentence = f"{data['channel']}: {label(words, data.get('capability', ''))}"
    return f"{sentence} ({_('perhaps our own network')})" if data.get("ours_maybe") else sentence


def _undone(data: Data) -> str:
    return _("What was said of this case and %(code)s was taken back", code=data.get("other", ""))


def _differs(data: Data) -> str:
    return f"{data['channel']}: {label(DIFFERENCES, data.get('what', ''))}"


def _agreed(data: Data) -> str:
    return f"{_differs(data)} – {label(DIFFERENCE_ENDS, data.get('how', ''))}"


def _adopted(data: Data) -> str:
    at = when(datetime.fromisoformat(data["answered_at"])) if data.get("answered_at") else ""
    kind = label(REPLY_NAMES, data.get("kind", ""))
    return _("%(channel)s: its answer of %(at)s is ours: %(kind)s", channel=data["channel"], at=at, kind=kind)


_FORGOTTEN = {
    "identity": _l("the sender"),
    "files": _l("attachments"),
    "raw": _l("raw items"),
    "text": _l("words and place"),
    "answers": _l("answers"),
    "notes": _l("notes"),
    "redact": _l("who the person is"),
    "all": _l("everything of the person"),
}


def _erased(data: Data) -> str:
    what = ", ".join(label(_FORGOTTEN, kind) for kind in data.get("what", ()))
    if data.get("why") == "request":
        return _("Erased on the person's request: %(what)s", what=what)
    return _("Erased, its period is over: %(what)s", what=what)


#: What of a changed report was not taken in, because it was erased here before.
_WITHHELD = {
    "identity": _l("without its sender, who was erased here"),
    "text": _l("without its sender and new words, which were erased here"),
    "named": _l("its new words were not taken in: earlier ones named a person erased here; see the source"),
}


def _revised(data: Data) -> str:
    told = _("Changed at the source %(channel)s", channel=data["channel"])
    return f"{told} ({label(_WITHHELD, data['withheld'])})" if data.get("withheld") else told


_SENTENCES: dict[str, Callable[[Data], str]] = {
    "outage_began": lambda data: _out(data, OUTAGE_BEGAN),
    "outage_ended": lambda data: _out(data, OUTAGE_ENDED),
    "opened": lambda data: _("Received through %(channel)s", channel=data["channel"]),
    "joined": _joined,
    "revised": _revised,
    "stage": _stage,
    "recounted": _recounted,
    "delivery": _delivery,
    "source_differs": _differs,
    "difference_settled": _agreed,
    "answer_adopted": _adopted,
    "replied": _replied,
    "reply_withdrawn": lambda data: _(
        "Taken back before it left: %(kind)s", kind=label(REPLY_NAMES, data.get("kind", ""))
    ),
    "noted": lambda data: _("Internal note"),
    "assigned": _assigned,
    "unit_joined": _unit_joined,
    "unit_done": lambda data: _("%(unit)s has done its task", unit=data.get("unit", "")),
    "unit_left": lambda data: _("%(unit)s works on it no longer", unit=data.get("unit", "")),
    "wrong_jurisdiction": lambda data: _("Not ours: it belongs to %(body)s", body=data.get("body", "")),
    "moved": lambda data: _with(_("The state was changed"), data.get("reason")),
    "paused": _paused,
    "extended": _extended,
    "resumed": lambda data: _("The clock runs again"),
    "merged": lambda data: _("The reports of %(code)s joined", code=data.get("from", "")),
    "merged_away": lambda data: _("Merged into %(code)s", code=data.get("into", "")),
    "split": lambda data: _("%(n)s split off", n=len(data.get("reports", ()))),
    "split_off": lambda data: _("Split off from %(code)s", code=data.get("from", "")),
    "escalated": lambda data: _("Escalated to leaders, level %(level)s", level=data.get("level", 1)),
    "unmerged": lambda data: _("The merge of %(code)s was undone", code=data.get("from", "")),
    "unmerged_away": lambda data: _("The merge into %(code)s was undone", code=data.get("into", "")),
    "different": _different,
    "different_other": _different,
    "different_undone": _undone,
    "different_undone_other": _undone,
    "recurs": lambda data: _("Said to be %(code)s come back", code=data.get("other", "")),
    "recurs_other": lambda data: _("Came back as %(code)s", code=data.get("other", "")),
    "recurrence_undone": _undone,
    "recurrence_undone_other": _undone,
    "ward_left": lambda data: _("Moved to %(ward)s", ward=data.get("ward_to", "")),
    "ward_came": lambda data: _(
        "Came from %(ward)s, where its code was %(code)s",
        ward=data.get("ward_from", ""),
        code=data.get("code_from", ""),
    ),
    "ward_confirmed": lambda data: _("Said to belong to this ward"),
    "address_corrected": lambda data: _("The address was corrected"),
    "street_withdrawn": lambda data: _(
        "A decision about %(street)s was taken back", street=data.get("street", "")
    ),
    "legal_suspected": lambda data: _("It may be a complaint or denunciation"),
    "legal_recognised": lambda data: _("Found to be a complaint or denunciation: the feedback clock stopped"),
    "legal_confirmed": _handed_over,
    "legal_dismissed": lambda data: _with(_("Handled as feedback"), data.get("reason")),
    "legal_undone": lambda data: _with(_("The decision was taken back"), data.get("reason")),
    "legal_read": lambda data: _("Read"),
    "certified": lambda data: _("Certificate %(serial)s was issued", serial=data.get("serial", "")),
    "certificate_withdrawn": lambda data: _with(
        _("Certificate %(serial)s was withdrawn", serial=data.get("serial", "")), data.get("reason")
    ),
    "unmasked": lambda data: _with(_("The sender was looked up"), data.get("reason")),
    "erased": _erased,
    "hold_set": lambda data: _with(_("Held: nothing of it is forgotten"), data.get("note")),
    "hold_lifted": lambda data: _("The hold was lifted"),
    "identity_restricted": lambda data: _("The sender was put out of sight, on their request"),
    "identity_lifted": lambda data: _("The restriction on the sender was lifted"),
}


def install(app: Flask) -> None:
    app.add_template_filter(told)
