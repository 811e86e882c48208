"""`motmoi case`: a case as its page shows it, merging and splitting."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from aggregator.cli.frame import Group, moment, plain, show, table
from aggregator.cli.opening import OPERATOR, officer, opened
from aggregator.errors import NotFound

if TYPE_CHECKING:
    from aggregator.bootstrap import Aggregator
    from aggregator.domain.people import Actor
    from aggregator.services.views.case import CaseView, ReportView
    from aggregator.services.views.delivery import DeliveryView

_AS = click.option("--as", "login", metavar="LOGIN", required=True,
                   help="The officer in whose name it is done.")  # fmt: skip


@click.group(cls=Group)
def case() -> None:
    """Look at a case, merge and split cases."""


@case.command("show")
@click.argument("case_id", metavar="ID")
def show_(case_id: str) -> None:
    """Show the case ID (its number or its code), each report, and each answer's way to each source."""
    with opened() as product:
        view = product.cases.case(OPERATOR, find(product, OPERATOR, case_id))
    show(document_of(view), _page(view))


@case.command()
@click.argument("case_id", metavar="ID")
@click.argument("into", metavar="INTO")
@_AS
def merge(case_id: str, into: str, login: str) -> None:
    """Let all reports of the case ID join the case INTO."""
    with opened() as product:
        actor = officer(product, login)
        source, target = find(product, actor, case_id), find(product, actor, into)
        home = product.cases.merge(actor, source, target)
        view = product.cases.case(actor, home)
    reports = len(view.reports)
    show(
        {"case": source, "into": home, "code": view.row.code, "reports": reports},
        f"The case {view.row.code} has {reports} report(s) now.",
    )


@case.command()
@click.argument("case_id", metavar="ID")
@click.option("--report", "reports", metavar="N", type=int, multiple=True, required=True,
              help="A report to take out, by its number; may be given several times.")  # fmt: skip
@_AS
def split(case_id: str, reports: tuple[int, ...], login: str) -> None:
    """Take reports out of the case ID, back to the case they came from or into a new one."""
    with opened() as product:
        actor = officer(product, login)
        source = find(product, actor, case_id)
        home = product.cases.split(actor, source, reports)
        view = product.cases.case(actor, home)
    show(
        {"case": source, "into": home, "code": view.row.code, "reports": list(reports)},
        f"The case {view.row.code} has these {len(reports)} report(s) now.",
    )


def find(product: Aggregator, actor: Actor, given: str) -> int:
    """The number of the case that was given by its number or its code."""
    try:
        return product.cases.find(actor, given)
    except NotFound as error:
        raise NotFound(f"no case {given}", hint="give its number or its code") from error


# What they print --------------------------------------------------------------------------------------


def document_of(view: CaseView) -> dict[str, Any]:
    """The case for scripts: its row's values on top, each report with its deliveries."""
    row = view.row
    return {
        **{name: getattr(row, name) for name in row.__slots__},
        "legal_state": row.legal,
        **{
            name: getattr(view, name)
            for name in (
                "unit_id", "officer_id", "urgency", "paused", "late", "merged_into", "deadline_vi",
                "deadline_en", "suggestions", "timeline", "moves", "legal",
            )
        },
        "reports": [{**_fields(report), "deliveries": _deliveries(view, report)} for report in view.reports],
        "replies": [
            {name: getattr(reply, name) for name in ("id", "kind", "body", "at", "who")}
            for reply in view.replies
        ],
    }  # fmt: skip


def _fields(report: ReportView) -> dict[str, Any]:
    return {name: getattr(report, name) for name in report.__slots__}


def _deliveries(view: CaseView, report: ReportView) -> list[DeliveryView]:
    return [way for reply in view.replies for way in reply.deliveries if way.report_id == report.id]


def _page(view: CaseView) -> Iterator[str]:
    row = view.row
    yield plain(f"{row.code}  {row.title or '(restricted: complaint or denunciation)'}")
    if row.legal:
        kind = f" ({view.legal.kind.value})" if view.legal else ""
        yield f"Legal matter: {row.legal.value}{kind}"
    yield plain(f"{row.status.value}, {row.stage}; ward {row.ward_code}, {row.address or 'no address'}")
    yield f"Received {moment(row.received_at)}, due {moment(row.due_at)}, closed {moment(row.closed_at)}"
    yield plain(f"{row.unit or 'no unit'}, {row.officer or 'nobody'}; {view.deadline_vi}")
    for report in view.reports:
        yield ""
        yield plain(f"Report {report.id}  {report.channel_slug} {report.external_id}: {report.subject}")
        received = moment(report.received_at)
        yield f"  received {received}; joined: {report.cause}; source: {report.source_status}"
        ways = _deliveries(view, report)
        if ways:
            rows = [(w.id, w.state.value, w.attempts, w.sent_at, w.acknowledged_at, w.error) for w in ways]
            headings = ("answer", "state", "attempts", "sent", "acknowledged", "error")
            yield from (f"  {line}" for line in table(headings, rows))
