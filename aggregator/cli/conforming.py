"""`motmoi connector conform`: is a connector as good as it says?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from aggregator.cli.connectors import connector_named, known_connectors
from aggregator.cli.frame import DONE, FINDING, Command, plain, say, show, table
from aggregator.errors import ConfigInvalid

if TYPE_CHECKING:
    from aggregator.sdk.conformance.runner import Report, Verdict


@click.command(cls=Command)
@click.argument("connectors", metavar="[ID|FOLDER]...", nargs=-1)
def conform(connectors: tuple[str, ...]) -> int:
    """Try every rule of the conformance suite on connectors, offline; on all of them where none is named.

    A connector is an id, or the folder of its connector.yaml. Exit 1 where one is below the grade that
    its quality.yaml claims.
    """
    from aggregator.sdk.conformance.harness import Subject
    from aggregator.sdk.conformance.runner import judge_all

    named = [connector_named(name) for name in connectors]
    reports = []
    for found in named or [one for one in known_connectors().values() if one.manifest]:
        try:
            subject = Subject.of(found)
        except ConfigInvalid as error:
            if named:
                raise
            say(f"{found.id}: not judged: {error.message}")
            continue
        say(f"{subject.manifest.id}: claims {subject.quality.grade.word}")
        reports.append(judge_all(subject, _tell))
    document = [_document(report) for report in reports]
    lines = [line for report in reports for line in _lines(report)]
    show(document[0] if len(named) == 1 else document, lines)
    return DONE if all(report.holds for report in reports) else FINDING


def _tell(verdict: Verdict) -> None:
    why = f": {verdict.why}" if verdict.why else ""
    say(f"  {verdict.rule.grade.word:7} {verdict.rule.id:25} {verdict.word}{why}")


def _document(report: Report) -> dict[str, Any]:
    return {
        "connector": report.connector,
        "claimed": report.claimed.word,
        "grade": report.grade.word,
        "holds": report.holds,
        "missing": [{"check": v.rule.id, "claim": v.rule.claim, "why": v.why} for v in report.missing],
        "verdicts": [
            {"check": v.rule.id, "grade": v.rule.grade.word, "verdict": v.word.value, "why": v.why}
            for v in report.verdicts
        ],
    }


def _lines(report: Report) -> list[str]:
    lines = [f"{report.connector}: {report.grade.word} (claims {report.claimed.word})"]
    if not report.holds:
        lines[0] += ", which is not so"
    missing = [(v.rule.id, plain(v.why)) for v in report.missing]
    if missing:
        lines += ["", "Missing for the next grade:", *table(("check", "seen"), missing)]
    exempt = [(v.rule.id, plain(v.why)) for v in report.verdicts if v.word == "exempt"]
    if exempt:
        lines += ["", "Exempt:", *table(("check", "reason"), exempt)]
    return [*lines, ""]
