"""`motmoi sla`: why a case is due when it is, in the words and numbers of its page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from aggregator.cli.cases import find
from aggregator.cli.frame import Group, moment, plain, show
from aggregator.cli.opening import OPERATOR, opened
from aggregator.cli.trying import whatif

if TYPE_CHECKING:
    from aggregator.services.clock_views import StepView
    from aggregator.services.views.case import CaseView


@click.group(cls=Group)
def sla() -> None:
    """Look at deadlines and the rules behind them."""


sla.add_command(whatif)


@sla.command()
@click.argument("case_id", metavar="ID")
def explain(case_id: str) -> None:
    """Show how the deadline of the case ID (its number or its code) comes about.

    The rule with its source, the version of the calendar, each stretch that counts, each pause, and
    how long each unit had the case.
    """
    with opened() as product:
        view = product.cases.case(OPERATOR, find(product, OPERATOR, case_id))
    show(document_of(view), _page(view))


def document_of(view: CaseView) -> dict[str, Any]:
    """The explanation for scripts; times in UTC, lengths in seconds."""
    row, clock = view.row, view.clock
    return {
        "case": row.id, "code": row.code, "ward_code": row.ward_code, "stage": row.stage,
        "due_at": row.due_at, "late": view.late, "paused": view.paused,
        "sentence_vi": clock.sentence_vi, "sentence_en": clock.sentence_en,
        "report": clock.report_id, "started_at": clock.started_at, "steps": clock.steps,
        "others": clock.others, "units": clock.units, "may_extend": clock.may_extend,
    }  # fmt: skip


def _page(view: CaseView) -> Iterator[str]:
    row, clock = view.row, view.clock
    yield plain(f"{row.code}: {row.stage}, due {moment(row.due_at)}")
    yield plain(clock.sentence_vi)
    for step in clock.steps:
        yield ""
        yield from (plain(line) for line in _step(step))
    if clock.units:
        yield ""
    for share in clock.units:
        since = f"{moment(share.start)} to {moment(share.end) if share.end else 'now'}"
        yield plain(f"{share.unit or 'no unit yet'}: {_length(share.seconds)} ({since})")


def _step(step: StepView) -> Iterator[str]:
    state = f", done {moment(step.met_at)}" if step.met_at else ", this one counts" if step.rules else ""
    yield f"{step.step} ({step.origin}): due {moment(step.due_at)}{state}"
    yield f"  {step.sentence_vi}"
    if step.rule is None:
        return
    yield f"  rule {step.rule.key} version {step.rule.version}: {step.rule.name}"
    yield f"  source: {step.rule.source} ({step.rule.certainty}); calendar version {step.calendar_version}"
    for span in step.spans:
        yield f"  counted {moment(span.start)} to {moment(span.end)}: {_length(span.seconds)}"
    for pause in step.pauses:
        end = moment(pause.end) if pause.end else "now"
        given = "" if pause.seconds is None else f", {_length(pause.seconds)} given back"
        yield f"  paused  {moment(pause.start)} to {end}: {pause.reason}{given}"
    for each in step.extensions:
        yield f"  extended to {moment(each.due_at)} on {moment(each.at)}: {each.reason}"


def _length(seconds: int) -> str:
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
