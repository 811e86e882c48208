"""`motmoi match train`, `evaluate`, `adopt` and `models`: the weights, on the office's own decisions.

What may surprise: `train` changes nothing. It prints the comparison and, asked to, writes the candidate;
only `adopt` (or `train --adopt`) takes it into use, with a reason.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aggregator.cli.acting import AS, WHY, acting
from aggregator.cli.channels import FILE
from aggregator.cli.frame import Command, moment, plain, say, show, table
from aggregator.cli.opening import opened
from aggregator.errors import InputInvalid

if TYPE_CHECKING:
    from datetime import datetime

    from aggregator.domain.match_rule import Model
    from aggregator.domain.score_figures import Grouped, Measured
    from aggregator.services.match_comparison import Comparison


@click.command(cls=Command)
@click.option("--out", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
              help="Write the candidate here.")  # fmt: skip
@click.option("--adopt", is_flag=True, help="Take the candidate into use at once; needs --why.")
@click.option("--why", help="The reason, kept in the ledger.")
@AS
def train(out: Path | None, adopt: bool, why: str | None, login: str | None) -> None:
    """Fit the weights to the office's own decisions, and compare on the newest of them.

    Learns from the older seven tenths: what officers called the same or different, and what the rule
    joined and they kept or undid. Needs 200 decisions, and 30 of either kind.
    """
    from aggregator.services.match_training import document

    if adopt and not why:
        raise InputInvalid("--adopt needs a reason", field="why", hint="give --why")
    with opened() as product:
        run = product.training.train()
        made = document(run)
        if out:
            out.write_text(json.dumps(made, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
            say(f"Wrote the candidate to {out}.")
        adopted = None
        if adopt and why:
            actor = acting(product, login)
            adopted = product.training.adopt(actor, run.model, made["figures"], run.at, why)
    lines = [f"Trained on {run.trained_on} decisions.", *_model(run.model), *_comparison(run.comparison)]
    if adopted:
        lines.append(f"In use from now on: {adopted.version}.")
    show({**made, "adopted": adopted.version if adopted else None,
          "examples": run.comparison.examples}, lines)  # fmt: skip


@click.command(cls=Command)
@click.argument("given", metavar="[FILE]", type=FILE, required=False)
@click.option("--model", "candidate", metavar="CANDIDATE", type=FILE,
              help="A candidate that `train --out` wrote, beside the present model.")  # fmt: skip
@click.option("--version", metavar="V", help="A model of `match models`, beside the present one.")
def evaluate(given: Path | None, candidate: Path | None, version: str | None) -> None:
    """Measure the score: what joins, what is asked, and whether .9 means 90 %.

    Without FILE on the newest of the office's own decisions. FILE is JSON lines: reports in the order of
    received_at with the fields of `match cluster` and their true `case`, or pairs {"a", "b", "same"}.
    """
    with opened() as product:
        model = _read(candidate)[0] if candidate else None
        if version and model is None:
            model = product.training.model(version)
        if given is None:
            found = product.training.evaluate(model)
        else:
            with given.open(encoding="utf-8") as lines:
                found = product.training.evaluate_file(lines, given.name, model)
    show(found, _comparison(found))


@click.command(cls=Command)
@click.argument("candidate", metavar="[FILE]", type=FILE, required=False)
@click.option("--version", metavar="V", help="Go back to a model of `match models` instead.")
@WHY
@AS
def adopt(candidate: Path | None, version: str | None, why: str, login: str | None) -> None:
    """Judge new reports by the candidate in FILE from now on, or by an earlier model."""
    if (candidate is None) == (version is None):
        raise InputInvalid("give a candidate's file or --version, one of them")
    with opened() as product:
        actor = acting(product, login)
        if candidate:
            adopted = product.training.adopt(actor, *_read(candidate), why)
        else:
            adopted = product.training.go_back(actor, version or "", why)
    show({"version": adopted.version}, f"In use from now on: {adopted.version}.")


@click.command(cls=Command)
def models() -> None:
    """List the models that were ever in use; the first is the one set by hand."""
    with opened() as product:
        known = product.training.models()
    rows = [
        ("*" if one.in_force else "", one.version, one.adopted_at, one.who, one.why, f"{one.shift:+.2f}",
         " ".join(f"{name} {value:.2f}" for name, value in one.scales.items()))
        for one in known
    ]  # fmt: skip
    show(known, table(("in use", "version", "since", "who", "why", "shift", "scales"), rows))


def _read(file: Path) -> tuple[Model, dict[str, Any], datetime]:
    from aggregator.services.match_training import of_document

    try:
        given = json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise InputInvalid(f"{file.name}: not JSON: {error}", field="file") from error
    return of_document(given)


# What they print --------------------------------------------------------------------------------------


def _model(model: Model) -> Iterator[str]:
    scales = ", ".join(f"{name} {value:.2f}" for name, value in sorted(model.scales.items()))
    yield f"Candidate: shift {model.shift:+.3f}, scales {scales}"


def _comparison(found: Comparison) -> Iterator[str]:
    yield (
        f"Held out: {found.decisions} decisions ({found.same} same), {moment(found.since)} to"
        f" {moment(found.until)}"
    )
    yield ""
    yield from table(("", "present", "candidate"), [
        ("log loss", f"{found.now.log_loss:.4f}", f"{found.then.log_loss:.4f}"),
        *_ratios("joins", found), *_ratios("asks or joins", found), *_groups(found),
    ])  # fmt: skip
    for name, measured in (("present", found.now), ("candidate", found.then)):
        yield ""
        yield f"What a score means, {name}:"
        yield from _reliability(measured)
    yield ""
    yield f"{found.changed} of {found.decisions} judgements would change."
    for one in found.examples:
        yield plain(
            f"  reports {one.report} and {one.other}: {one.now.value} {one.score_now:.2f} ->"
            f" {one.then.value} {one.score_then:.2f}; in truth {'same' if one.same else 'different'}"
            f" ({one.source.value})"
        )


def _ratios(name: str, found: Comparison) -> Iterator[tuple[str, str, str]]:
    now, then = (found.now.joins, found.then.joins) if name == "joins" else (found.now.asks, found.then.asks)
    yield f"{name}: count", str(now.count), str(then.count)
    yield f"{name}: precision", _share(now.precision), _share(then.precision)
    yield f"{name}: recall", _share(now.recall), _share(then.recall)


def _groups(found: Comparison) -> Iterator[tuple[str, str, str]]:
    if found.cases_now and found.cases_then:
        yield f"cases of {found.cases_now.reports} reports: pair F1", *_both(found, "pair_f1")
        yield "cases: B-cubed precision", *_both(found, "b_cubed_precision")
        yield "cases: B-cubed recall", *_both(found, "b_cubed_recall")


def _both(found: Comparison, figure: str) -> tuple[str, str]:
    sides: tuple[Grouped | None, Grouped | None] = (found.cases_now, found.cases_then)
    now, then = (_share(getattr(side, figure)) for side in sides)
    return now, then


def _reliability(measured: Measured) -> list[str]:
    return table(
        ("score", "decisions", "says", "is"),
        [(f"{one.low:.2f}-{one.high:.2f}", one.count, f"{one.said:.3f}", f"{one.true:.3f}")
         for one in measured.bins],
    )  # fmt: skip


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
