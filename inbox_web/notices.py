"""What happened to a person's cases without them: read here, or where the notice leads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from aggregator.services.views.notices import NoticeView
from inbox_web.access import Door, actor, open_to, services
from inbox_web.forms import number, say
from inbox_web.language import _, ngettext

blueprint = Blueprint("notices", __name__)


@blueprint.get("/notices")
@open_to(Door.SIGNED_IN)
def page() -> str:
    found = services().notices.page(actor(), request.args.get("after", ""))
    return render_template(
        "notices/page.html", page=found, sentence=sentence,
        channel_alarms=services().channels.alarms(actor()),
    )  # fmt: skip


@blueprint.post("/notices/read")
@open_to(Door.SIGNED_IN)
def read() -> Response:
    """One notice, or all of them where none is named."""
    count = services().notices.read(actor(), number("notice"))
    if request.form.get("notice") is None:
        say(ngettext("%(num)s notice marked as read.", "%(num)s notices marked as read.", count))
    return redirect(url_for("notices.page"), code=303)


def sentence(notice: NoticeView) -> str:
    """What happened, in one sentence; a kind without one is shown by its code."""
    told = _SENTENCES.get(notice.kind)
    return told(notice.code, notice.data, notice.times) if told else notice.kind


def _merged(code: str, data: Mapping[str, Any], times: int) -> str:
    if times > 1:
        return _(
            "%(n)s cases were merged into your case %(code)s, the last of them %(other)s",
            n=times, code=code, other=data.get("from", ""),
        )  # fmt: skip
    return _("%(other)s was merged into your case %(code)s", other=data.get("from", ""), code=code)


def _joined(code: str, data: Mapping[str, Any], times: int) -> str:
    return ngettext(
        "%(num)s new report joined your case %(code)s by rule",
        "%(num)s new reports joined your case %(code)s by rule",
        times, code=code,
    )  # fmt: skip


def _folded(code: str, data: Mapping[str, Any], times: int) -> str:
    return ngettext(
        "A reminder could not be given in time: look at case %(code)s",
        "%(num)s reminders could not be given in time, the most urgent is case %(code)s",
        times, code=code,
    )  # fmt: skip


_SENTENCES: dict[str, Callable[[str, Mapping[str, Any], int], str]] = {
    "merged": _merged,
    "merged_away": lambda code, data, times: _(
        "Your case %(code)s was merged into %(other)s", code=code, other=data.get("into", "")
    ),
    "unmerged": lambda code, data, times: _(
        "The merge of %(other)s into your case %(code)s was undone", code=code, other=data.get("from", "")
    ),
    "unmerged_away": lambda code, data, times: _(
        "Your case %(code)s is a case of its own again: its merge into %(other)s was undone",
        code=code, other=data.get("into", ""),
    ),
    "joined": _joined,
    "due_soon": lambda code, data, times: _("Case %(code)s is due soon", code=code),
    "due_today": lambda code, data, times: _("Case %(code)s is due today", code=code),
    "overdue": lambda code, data, times: _("Case %(code)s is overdue", code=code),
    "escalated": lambda code, data, times: _(
        "Case %(code)s is overdue and was escalated to level %(level)s", code=code, level=data.get("level", 1)
    ),
    "deadline_changed": lambda code, data, times: _(
        "The deadline of case %(code)s has changed: what you were told of it no longer holds", code=code
    ),
    "reminders_folded": _folded,
    "by_hand": lambda code, data, times: ngettext(
        "%(num)s answer is written and not yet at its source: case %(code)s",
        "%(num)s answers are written and not yet at their sources, the one of case %(code)s first",
        times, code=code,
    ),
    "recurred": lambda code, data, times: _(
        "The problem of your case %(code)s has come back as %(other)s", code=code, other=data.get("other", "")
    ),
}  # fmt: skip
