"""The leaders' numbers: a table first, each number a link to the cases behind it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, render_template, url_for

from aggregator.domain.people import Right
from aggregator.domain.worktime import VN
from aggregator.services.figures import as_csv, on_time
from aggregator.services.views.figures import CountRow
from inbox_web.access import actor, open_to, services
from inbox_web.cover import gap_line

blueprint = Blueprint("dashboard", __name__)

#: Column of the table -> the inbox view that lists the same cases.
VIEW_OF = {
    "open": "open",
    "due_soon": "due_soon",
    "overdue": "overdue",
    "paused": "paused",
    "done": "closed",
    "done_late": "closed_late",
}


@blueprint.get("/dashboard")
@open_to(Right.DASHBOARD)
def page() -> str:
    out, unreachable = services().outages.summary(actor())
    return render_template(
        "dashboard/page.html",
        out=out,
        unreachable=unreachable,
        board=services().figures.dashboard(actor()),
        gaps=services().fields.check(actor()),
        errands=services().errands.standing(actor()),
        cover_gaps=services().absences.board(actor()).gaps,
        gap_line=gap_line,
        late_requests=services().register.late(actor()),
        behind=behind,
        on_time=on_time,
    )


@blueprint.get("/dashboard.csv")
@open_to(Right.DASHBOARD)
def export() -> Response:
    board = services().figures.dashboard(actor())
    name = f"so-lieu-{board.at.astimezone(VN):%Y%m%d-%H%M}.csv"
    # The mark in front tells spreadsheet programs that it is UTF-8.
    return Response(
        "\ufeff" + as_csv(board), mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )  # fmt: skip


def behind(dim: str, row: CountRow, column: str) -> str:
    """The inbox address whose list has as many cases as the number says."""
    nobody = dim in ("unit", "officer") and row.key == "-"
    chosen: dict[str, Any] = {dim: "0" if nobody else row.key} if dim else {}
    return url_for("inbox.page", view=VIEW_OF[column], **chosen)
