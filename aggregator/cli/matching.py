"""`motmoi match`: the production rule on two given reports, nothing stored.

What may surprise: telephone numbers are compared in their international form and not as the blind
index that is stored, which gives the same answer and needs no key.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aggregator.cli.channels import FILE
from aggregator.cli.frame import Group, plain, show
from aggregator.errors import InputInvalid

if TYPE_CHECKING:
    from aggregator.domain.matching import Traits

#: What a report's file holds; all but `received_at` may be missing or null.
TEXTS = ("channel", "subject", "body", "category", "address", "ward", "reporter_phone")
NUMBERS = ("lat", "lng")
FIELDS = ("id", "received_at", *TEXTS, *NUMBERS, "closed_at")


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
    reasons = [{"code": r.code, "text": r.text_en, "text_vi": r.text_vi, "weight": r.weight}
               for r in verdict.reasons]  # fmt: skip
    document = {
        "judgement": verdict.judgement.value, "score": round(verdict.score, 4), "reasons": reasons,
        "recurrence": verdict.recurrence, "rule_version": verdict.rule_version,
        "features": dict(verdict.features),
    }  # fmt: skip
    lines = [f"{verdict.judgement.value} (score {verdict.score:.3f}, rule {verdict.rule_version})"]
    show(document, lines + [plain(f"  {reason.weight:+.1f}  {reason.text_vi}") for reason in verdict.reasons])


def _traits(file: Path, number: int) -> Traits:
    from aggregator.domain.matching import traits
    from aggregator.domain.text import e164

    given = _read(file)
    text = {name: given.get(name) for name in TEXTS}
    found = traits(
        report_id=number,
        received_at=_instant(file, given, "received_at"),
        channel=text["channel"] or "",
        subject=text["subject"] or "",
        body=text["body"] or "",
        address=text["address"],
        ward=text["ward"],
        category=text["category"],
        lat=given.get("lat"),
        lng=given.get("lng"),
        phone=e164(text["reporter_phone"]),
    )
    closed = _instant(file, given, "closed_at") if given.get("closed_at") else None
    return dataclasses.replace(found, closed_at=closed)


def _read(file: Path) -> Mapping[str, Any]:
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
    for names, kind, words in ((TEXTS, (str,), "a text"), (NUMBERS, (int, float), "a number")):
        for name in names:
            if given.get(name) is not None and not isinstance(given[name], kind):
                raise InputInvalid(f"{file.name}: {name} {given[name]!r} is not {words}", field=name)
    return given


def _instant(file: Path, given: Mapping[str, Any], name: str) -> datetime:
    try:
        at = datetime.fromisoformat(str(given.get(name)))
    except ValueError as error:
        raise InputInvalid(
            f"{file.name}: {name} {given.get(name)!r} is not a time", field=name,
            hint="write it as 2026-11-22T14:30:00+07:00",
        ) from error  # fmt: skip
    if at.tzinfo is None:
        raise InputInvalid(f"{file.name}: {name} has no time zone", field=name, hint="add +07:00 or Z")
    return at
