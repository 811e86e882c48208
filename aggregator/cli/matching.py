"""`motmoi match`: the production rule on given reports, nothing stored; its thresholds and its training.

What may surprise: a bad line of a stream is left out and named, and the rest goes on; one bad file of a
pair ends the command.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from json.encoder import encode_basestring as _text  # a JSON string, letters beyond ASCII as they are
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aggregator.cli import match_rules, match_training
from aggregator.cli.channels import FILE
from aggregator.cli.frame import FINDING, Group, plain, say, show
from aggregator.errors import InputInvalid

if TYPE_CHECKING:
    from aggregator.domain.matching import Reason, Traits
    from aggregator.services.clustering import Clustered


@click.group(cls=Group)
def match() -> None:
    """Judge by the product's own rule whether reports are about the same problem."""


@match.command()
@click.argument("a", metavar="A.json", type=FILE)
@click.argument("b", metavar="B.json", type=FILE)
def pair(a: Path, b: Path) -> None:
    """Judge whether the later of two reports may join the case of the earlier one, and why.

    Each file holds one JSON object: id, channel, received_at, subject, body, category, address, ward,
    lat, lng, reporter_phone, closed_at.
    """
    from aggregator.domain.matching import judge

    old, new = sorted((_traits(a, 1), _traits(b, 2)), key=lambda one: one.received_at)
    verdict = judge(new, old)
    document = {
        "judgement": verdict.judgement.value, "score": round(verdict.score, 4),
        "reasons": [_reason(one) for one in verdict.reasons],
        "recurrence": verdict.recurrence, "rule_version": verdict.rule_version,
        "features": dict(verdict.features),
        "legal": {"earlier": old.legal, "later": new.legal},
    }  # fmt: skip
    lines = [f"{verdict.judgement.value} (score {verdict.score:.3f}, rule {verdict.rule_version})"]
    show(document, lines + [plain(f"  {reason.weight:+.1f}  {reason.text_vi}") for reason in verdict.reasons])


@match.command()
@click.argument("given", metavar="IN.jsonl", type=FILE)
@click.option(
    "--out", required=True, metavar="OUT.jsonl", type=click.Path(dir_okay=False, path_type=Path),
    help="One line a report: id, case, judgement, score, best, candidates, reasons.",
)  # fmt: skip
@click.option(
    "--threads", default=1, show_default=True, type=click.IntRange(1, 64),
    help="Processes that read the reports; the answers stay the same.",
)  # fmt: skip
@click.pass_context
def cluster(ctx: click.Context, given: Path, out: Path, threads: int) -> None:
    """Put the reports of a file into cases, one after the other, nothing stored.

    Each line holds one report with the fields of `match pair`, in the order of received_at. closed_at is
    when the report's case was closed; it counts from that instant on. A bad line is named and left out
    (exit code 1).
    """
    from aggregator.services import clustering

    if out.exists() and out.samefile(given):
        raise InputInvalid(f"{out.name}: is the file to be read", field="out", hint="name another --out")
    reports = bad = cases = 0
    try:
        written = out.open("w", encoding="utf-8", errors="replace", newline="\n")
    except OSError as error:
        raise InputInvalid(f"{out}: {error.strerror}", field="out") from error
    with (
        _no_collection(),
        written,
        given.open(encoding="utf-8", errors="surrogateescape", newline="\n") as lines,
    ):
        for one in clustering.cluster(lines, threads):
            if isinstance(one, clustering.BadLine):
                bad += 1
                say(f"{given.name}:{one.line}: {one.why}")
            else:
                reports, cases = reports + 1, cases + (one.case == one.id)
                written.write(_line(one))
    show(
        {"reports": reports, "cases": cases, "bad_lines": bad},
        f"{reports} reports in {cases} cases, {bad} bad lines",
    )
    if bad:
        ctx.exit(FINDING)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Without looking for cycles: live reports form none, and each full search walks all of them again."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _line(one: Clustered) -> str:
    """The answer as JSON; put together by hand, because the encoder took as long as the judgement."""
    candidates = ", ".join(
        [f'{{"id": {_text(name)}, "score": {round(score, 6)}}}' for name, score in one.candidates]
    )
    return (
        f'{{"id": {_text(one.id)}, "case": {_text(one.case)}, "judgement": "{one.judgement.value}", '
        f'"score": {round(one.score, 6)}, "best": {"null" if one.best is None else _text(one.best)}, '
        f'"candidates": [{candidates}], "reasons": [{", ".join(map(_reason_line, one.reasons))}]}}\n'
    )


def _reason_line(reason: Reason) -> str:
    return (
        f'{{"code": "{reason.code}", "text": {_text(reason.text_en)}, "text_vi": {_text(reason.text_vi)}, '
        f'"weight": {reason.weight}}}'
    )


def _reason(reason: Reason) -> dict[str, Any]:
    return {"code": reason.code, "text": reason.text_en, "text_vi": reason.text_vi, "weight": reason.weight}


def _traits(file: Path, number: int) -> Traits:
    from aggregator.services.clustering import traits_of

    given = _read(file)
    try:
        return traits_of(given, number)
    except InputInvalid as error:
        raise InputInvalid(f"{file.name}: {error.message}", field=error.field, hint=error.hint) from error


def _read(file: Path) -> Mapping[str, Any]:
    from aggregator.services.clustering import FIELDS

    try:
        given = json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise InputInvalid(f"{file.name}: not JSON: {error}", field="file") from error
    if not isinstance(given, dict):
        raise InputInvalid(f"{file.name}: one JSON object expected", field="file")
    unknown = sorted(set(given) - set(FIELDS))
    if unknown:
        raise InputInvalid(
            f"{file.name}: unknown field {', '.join(unknown)}", field=unknown[0],
            hint=f"known: {', '.join(FIELDS)}",
        )  # fmt: skip
    return given


for _command in (
    match_rules.thresholds,
    match_rules.preview,
    match_training.train,
    match_training.evaluate,
    match_training.adopt,
    match_training.models,
):
    match.add_command(_command)
