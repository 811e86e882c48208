"""Reading a portal that moves: edits, arrivals in mid poll, pages that repeat."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from aggregator.sdk.conformance.checks import check
from aggregator.sdk.conformance.checks_poll import MANY, expect_all
from aggregator.sdk.conformance.drifting import Outcome, drifted
from aggregator.sdk.conformance.harness import Channel, NotApplicable, Trial, expect
from aggregator.sdk.conformance.stages import Page
from aggregator.sdk.contract import ChannelError, Transient

#: Drifts tried on every connector; many more with `make drifts`.
DRIFTS = 25
_EDITED = "Đã sửa: đèn hỏng cả dãy"


@check("poll-edit")
def edit_comes_again(trial: Trial) -> None:
    trial.needs(fillable=True, revisions=True)
    reports = trial.reports(9)
    with trial.channel(reports) as channel:
        channel.poll()
        chosen = str(reports[-2]["id"])
        edited_at = channel.stage.now + timedelta(minutes=5)
        channel.stage.now += timedelta(minutes=10)
        channel.stage.put([{**reports[-2], "body": _EDITED, "updated": edited_at.isoformat()}])
        channel.poll()
        channel.follow_up()
        _expect_edit(channel, chosen)
        others = [id_ for id_, seen in channel.known.items() if id_ != chosen and len(seen) > 1]
        expect(not others, f"an edit of report {chosen} makes news of {', '.join(others[:5])}")


def _expect_edit(channel: Channel, id_: str) -> None:
    expect(_EDITED in channel.known[id_][-1], f"report {id_} was edited at the portal and never came again")


@check("poll-edit-meanwhile")
def edit_in_mid_poll(trial: Trial) -> None:
    trial.needs(fillable=True, revisions=True)
    reports = trial.reports(MANY)
    with trial.channel(reports) as channel:
        first, last = str(reports[0]["id"]), str(reports[-1]["id"])

        def meanwhile(number: int) -> None:
            if number == 1:
                at = channel.stage.now.isoformat()
                edits = [{**reports[place], "body": _EDITED, "updated": at} for place in (0, -1)]
                channel.stage.put([*edits, trial.subject.scenario.a_report(MANY + 1)])

        with suppress(Transient):  # a file that changed while it was read is read again
            channel.poll(between=meanwhile)
        channel.follow_up()
        expect_all(channel)
        _expect_edit(channel, first)
        _expect_edit(channel, last)


@check("poll-repeated-page")
def repeated_page_ends(trial: Trial) -> None:
    trial.needs(http=True)
    with trial.channel(MANY) as channel:
        pages: set[tuple[str, str]] = set()
        channel.stage.rewrite(_first_answer_for_ever(pages))
        error: ChannelError | None = None
        try:
            channel.poll()
        except ChannelError as caught:
            error = caught
        if len(pages) == len({path for path, _query in pages}):
            raise NotApplicable("its list has one page")
        held = channel.stage.ids() or set()
        missing = held - channel.known.keys()
        expect(
            error is not None or not missing,
            f"{len(missing)} reports are missing, and the poll says all is well",
        )
        channel.stage.mend()
        channel.poll()
        channel.follow_up()
        expect_all(channel)


@check("drift-never-silent")
def no_drift_is_silent(trial: Trial) -> None:
    tried = list(drifted(trial, DRIFTS))
    if not tried:
        raise NotApplicable("what it reads has no form of its portal's own")
    silent = [seen for seen in tried if seen.outcome is Outcome.SILENT]
    told = "; ".join(f"{seen.drift.name}: {seen.why}" for seen in silent[:3])
    expect(
        not silent, f"{len(silent)} of {DRIFTS} changes of form bring fewer reports without a word ({told})"
    )


def _first_answer_for_ever(pages: set[tuple[str, str]]) -> Callable[[Page], Page]:
    first: dict[str, Page] = {}

    def repeated(page: Page) -> Page:
        pages.add((page.path, page.query))
        return first.setdefault(page.path, page) if page.query else page

    return repeated
