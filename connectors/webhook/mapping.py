"""A delivered report into a `Record`: checked against the published schema, changes laid over what is known.

What may surprise: a delivery may hold only what changed. The bytes kept of each revision are the report
whole, as the changes made it, so that the next change and a replay need nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from aggregator.sdk.answers import clean_json
from aggregator.sdk.contract import (
    Answer,
    Attachment,
    BadRecord,
    Context,
    Location,
    Person,
    Problem,
    RawItem,
    Record,
    SchemaDrift,
)
from aggregator.sdk.settings_schema import faults_of

SCHEMA: Mapping[str, Any] = json.loads((Path(__file__).parent / "report.schema.json").read_text("utf-8"))
#: Reports of one call: a backlog is sent in several.
MOST = 500


def reports_of(body: bytes) -> list[Any]:
    """The reports of a call: ``{"reports": [...]}``, or one report by itself. Raises `SchemaDrift`."""
    try:
        sent = clean_json(body)
    except (ValueError, RecursionError) as error:
        raise SchemaDrift(f"the body is no JSON ({type(error).__name__})") from error
    if not isinstance(sent, Mapping):
        raise SchemaDrift("the body is no JSON object")
    found = sent.get("reports", [sent])
    if not isinstance(found, list) or ("reports" in sent and len(sent) > 1):
        raise SchemaDrift('the body holds one report, or {"reports": [...]} and nothing else')
    if len(found) > MOST:
        raise SchemaDrift(f"{len(found)} reports in one call; send at most {MOST}")
    return found


def taken(
    ctx: Context, position: int, sent: Any, earlier: Mapping[str, Any]
) -> tuple[RawItem, Record] | Problem:
    """One report of a call and the bytes that are kept of it, or what is wrong with it.

    `earlier`: what the same call said of reports before this one, whole, by their ids.
    """
    item = raw(sent, f"reports[{position}]")
    try:
        full = whole(ctx, sent, earlier)
        return raw(full, item.ref), to_record(ctx, full)
    except BadRecord as error:
        return Problem(item, error)


def raw(report: Any, ref: str = "") -> RawItem:
    return RawItem(json.dumps(report, ensure_ascii=False, sort_keys=True).encode(), ref=ref)


def whole(ctx: Context, sent: Any, earlier: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The report as this delivery leaves it. Raises `BadRecord` naming the field."""
    if faults := faults_of(SCHEMA, sent):
        name, number = faults[0].partition(":")[0], sent.get("id") if isinstance(sent, Mapping) else None
        told = "; ".join(faults[:5]).replace("unknown setting", "unknown field")
        raise BadRecord(told, field=name, external_id=number if isinstance(number, str) else None)
    known = (earlier or {}).get(sent["id"]) or _known(ctx, sent["id"])
    full = _laid_over(known, sent)
    if known and _older(ctx, sent, known):
        return known
    if "sent_at" not in full or not (full.get("subject") or full.get("body")):
        missing = "sent_at" if "sent_at" not in full else "body"
        raise BadRecord(
            f"{missing}: missing, and report {sent['id']!r} is not known yet: send it whole first",
            field=missing, external_id=sent["id"],
        )  # fmt: skip
    return full


def _known(ctx: Context, number: str) -> dict[str, Any]:
    kept = ctx.last_raw(number)
    return dict(json.loads(kept)) if kept else {}


def _older(ctx: Context, sent: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    """Whether this delivery was overtaken by a later one. Without both times what comes last holds."""
    if not sent.get("updated_at") or not known.get("updated_at"):
        return False
    return _moment(ctx, sent, "updated_at") < _moment(ctx, known, "updated_at")


def _laid_over(known: Mapping[str, Any], sent: Mapping[str, Any]) -> dict[str, Any]:
    full = dict(known)
    for name, value in sent.items():
        if value is None:
            full.pop(name, None)
        elif isinstance(value, Mapping) and isinstance(full.get(name), Mapping):
            full[name] = _laid_over(full[name], value)
        else:
            full[name] = value
    return full


def to_record(ctx: Context, full: Mapping[str, Any]) -> Record:
    """A whole report. Raises `BadRecord` where a time in it is none."""
    person, place = full.get("person") or {}, full.get("location") or {}
    kind = full.get("kind") or "feedback"
    status = full.get("status")
    return Record(
        external_id=full["id"],
        occurred_at=_moment(ctx, full, "sent_at"),
        updated_at=_moment(ctx, full, "updated_at") if full.get("updated_at") else None,
        kind="proposal" if kind == "proposal" else "feedback",
        subject=full.get("subject") or "",
        body=full.get("body") or "",
        person=Person(
            person.get("name"), person.get("phone"), person.get("email"), person.get("address"),
            anonymous=bool(person.get("anonymous")),
        ),
        location=Location(
            place.get("address"), place.get("lat"), place.get("lng"), place.get("ward_code"),
            place.get("area"),
        ),
        category_raw=full.get("category"),
        urgency_raw=full.get("urgency"),
        status_raw=status,
        status=ctx.status_of(status),
        due_at=_moment(ctx, full, "due_at") if full.get("due_at") else None,
        url=full.get("url"),
        attachments=tuple(_attachment(one) for one in full.get("attachments") or ()),
        answers=tuple(_answer(ctx, one) for one in full.get("answers") or ()),
        extra={} if kind in ("feedback", "proposal") else {"kind": kind},
        # When it was touched is no news by itself.
        volatile=("updated_at",),
    )  # fmt: skip


def _attachment(one: Mapping[str, Any]) -> Attachment:
    name = one.get("filename") or one["url"].partition("?")[0].rpartition("/")[2] or "tep"
    return Attachment(one["url"], name, one.get("content_type"))


def _answer(ctx: Context, one: Mapping[str, Any]) -> Answer:
    return Answer(one["body"], _moment(ctx, one, "at") if one.get("at") else None, one.get("author"))


def _moment(ctx: Context, report: Mapping[str, Any], name: str) -> datetime:
    """An instant; without an offset it is the channel's local time."""
    try:
        at = datetime.fromisoformat(str(report[name]).strip())
    except ValueError as error:
        raise BadRecord(
            f"{name}: no ISO 8601 time, such as 2026-11-10T08:15:00+07:00",
            field=name, external_id=report.get("id"),
        ) from error  # fmt: skip
    return at if at.tzinfo else at.replace(tzinfo=ctx.zone)
