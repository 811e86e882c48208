"""The words on screen: times, spans and next steps as an office writes them, for templates to call.

The tables of `labels` are globals of the templates under their own names.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask

from aggregator.domain import countdown, day_table
from aggregator.domain.cover import NOON, until_en, until_vi
from aggregator.domain.delivery import Delivery
from aggregator.domain.legal import LegalState
from aggregator.domain.local_time import stamp_vi
from aggregator.domain.sketch import Apart, Sketch
from aggregator.domain.workflow import Status
from aggregator.domain.worktime import VN
from aggregator.services.clock_views import SpanView
from aggregator.services.cover_views import CoverView
from aggregator.services.review import BANDS
from aggregator.services.views.case import ReasonView, ReportView
from aggregator.services.views.delivery import DeliveryView
from aggregator.services.views.inbox import InboxRow
from inbox_web import labels
from inbox_web.access import services
from inbox_web.language import _, current


def local(at: datetime) -> datetime:
    return at.astimezone(VN)


def when(at: datetime | None) -> str:
    """'14:05 12/11/2026' in Vietnamese, '12 Nov 2026, 14:05' in English; empty for None."""
    if at is None:
        return ""
    return stamp_vi(at) if current() == "vi" else f"{local(at):%d %b %Y, %H:%M}"


def stamp(at: datetime) -> str:
    """The instant for machines, short: seconds, in UTC."""
    return at.astimezone(ZoneInfo("UTC")).strftime("%Y-%m-%dT%H:%M:%SZ")


def for_field(at: datetime) -> str:
    """The instant as a field for date and time wants it: the office's time, to the minute."""
    return f"{local(at):%Y-%m-%dT%H:%M}"


def left(row: InboxRow) -> str:
    """The time left in words; for a stopped clock, why it does not run."""
    if row.status is Status.HANDED_OVER:
        return _("Handed over")
    if row.legal is LegalState.RECOGNISED:
        return _("Feedback clock stopped")
    if row.stage == "paused":
        return _("Clock paused")
    if row.closed_at is not None:
        late = row.due_at is not None and row.closed_at.replace(microsecond=0) > row.due_at
        return _("Closed late") if late else _("Closed in time")
    if row.due_at is None:
        return _("No deadline")
    return countdown.words(row.due_at, services().clock(), current())


def ahead(at: datetime) -> str:
    """The time left until an instant, in words."""
    return countdown.words(at, services().clock(), current())


def heading(row: InboxRow) -> str:
    """The title; of what this person may not read, why there is none."""
    return _("Restricted: complaint or denunciation") if row.masked else row.title


def more(row: InboxRow) -> str:
    """The extract, without the beginning that the title already says (many sources have no subject)."""
    title = row.title.rstrip("…. ")
    if not title or not row.extract.startswith(title):
        return row.extract
    rest = row.extract[len(title) :].lstrip("…. ,:;!-")
    return f"…{rest}" if rest else ""


def has_own_subject(report: ReportView) -> bool:
    """Whether the subject says what the text does not begin with; many sources cut one out of the text."""
    subject = " ".join(report.subject.split()).rstrip("…. ")
    return bool(subject) and not " ".join(report.body.split()).startswith(subject)


def duration(seconds: int) -> str:
    """'3 giờ 30 phút'; hours are not summed up to days, because a working day has eight."""
    minutes = seconds // 60
    told = []
    if minutes >= 60:
        told.append(_("%(n)s h", n=minutes // 60))
    if minutes % 60 or not told:
        told.append(_("%(n)s min", n=minutes % 60))
    return " ".join(told)


def by_day(spans: Iterable[SpanView]) -> list[tuple[date, list[str], int]]:
    """The stretches of each day as times of day, and what they come to: a page of weeks stays readable."""
    found: list[tuple[date, list[str], int]] = []
    for each in spans:
        start, end = local(each.start), local(each.end)
        same_day = end.date() == start.date() or end - start <= timedelta(days=1)
        told = f"{start:%H:%M}–{end:%H:%M}" if same_day else f"{start:%H:%M}–{when(each.end)}"
        if found and found[-1][0] == start.date():
            day_, times, seconds = found.pop()
            found.append((day_, [*times, told], seconds + each.seconds))
        else:
            found.append((start.date(), [told], each.seconds))
    return found


def day(on: date) -> str:
    return on.strftime("%d/%m/%Y" if current() == "vi" else "%d %b %Y")


def until(ends_at: datetime) -> str:
    """The last day of an absence: "25/11", "trưa 25/11"."""
    return until_vi(ends_at) if current() == "vi" else until_en(ends_at)


def covered(cover: CoverView) -> str:
    """Who stands in for an owner who is away, and until when."""
    if cover.name is None:
        return _("away until %(day)s, nobody stands in", day=until(cover.until))
    return _("%(name)s stands in until %(day)s", name=cover.name, day=until(cover.until))


def since(starts_at: datetime) -> str:
    """The first day of an absence: "23/11", "chiều 23/11"."""
    at = local(starts_at)
    if at.time() == NOON:
        return _("afternoon of %(day)s", day=f"{at:%d/%m}")
    return f"{at:%d/%m}" if at.time() == time() else f"{at:%H:%M %d/%m}"


def percent(score: float, sign: bool = True) -> str:
    """'99,5 %' in Vietnamese, '99.5 %' in English; without `sign` as it is typed into a field."""
    text = f"{100 * score:.2f}".rstrip("0").rstrip(".")
    text = text.replace(".", ",") if current() == "vi" else text
    return f"{text} %" if sign else text


def label(table: Mapping[Any, Any], code: Any) -> str:
    return str(table.get(code, code))


def bilingual(value: Any, name: str) -> str:
    """`value.name_vi` or `value.name_en`, as the person reads; the Vietnamese where there is no other."""
    found = getattr(value, f"{name}_{current()}", "") or getattr(value, f"{name}_vi", "")
    return str(found)


#: States whose label says it all.
_PLAIN = (Delivery.LEASED, Delivery.ACKNOWLEDGED, Delivery.WITHDRAWN)


def next_step(delivery: DeliveryView) -> str:
    """What a person should know or do about one delivery; empty where all goes by itself."""
    if delivery.state in _PLAIN:
        return ""
    if current() == "vi":
        return delivery.hint_vi
    if delivery.unseen:
        return _("Ticked off by hand, but the source did not show it when it was read since.")
    if delivery.held:
        return _("The channel is held back; it goes by itself when the channel works again.")
    if delivery.state is Delivery.PENDING and delivery.next_attempt_at and delivery.attempts:
        return _("The last try failed; the next is at %(at)s.", at=when(delivery.next_attempt_at))
    return label(labels.DELIVERY_NEXT, delivery.state) if delivery.state in labels.DELIVERY_NEXT else ""


def web_link(url: str | None) -> str:
    """`url` where a browser may follow it; a source could also send ``javascript:``."""
    return url if url and url.startswith(("http://", "https://")) else ""


def once() -> str:
    """A fresh one-time key: the same form sent twice does its work once."""
    return secrets.token_urlsafe(12)


def far(apart: Apart) -> str:
    """'40 m to the north-east'; metres below a kilometre."""
    if not apart.direction:
        return _("at the same spot")
    if apart.metres < 1000:
        length = f"{apart.metres} m"
    else:
        kilometres = f"{apart.metres / 1000:.1f}"
        length = f"{kilometres.replace('.', ',') if current() == 'vi' else kilometres} km"
    return _("%(length)s %(direction)s", length=length, direction=label(labels.DIRECTIONS, apart.direction))


def gap(hours: float) -> str:
    """How far apart in time, in words."""
    if hours < 1:
        return _("less than an hour apart")
    if hours < 48:
        return _("%(n)s hours apart", n=round(hours))
    return _("%(n)s days apart", n=round(hours / 24))


def megabytes(size: int) -> str:
    """Bytes as people write them: 2 MB, and 0,5 MB in Vietnamese."""
    text = f"{size / 1_000_000:.1f}".removesuffix(".0")
    return f"{text.replace('.', ',') if current() == 'vi' else text} MB"


def band(score: float) -> str:
    """The name of the band that a score is in."""
    return next(name for name, (least, _below) in BANDS.items() if least is None or score >= least)


def reasons(found: Sequence[ReasonView], most: int = 0, apart: Apart | None = None) -> str:
    """The reasons in one line, strongest first; how far where `apart` says it already is not told twice."""
    told = [one for one in found if apart is None or one.code != "distance"]
    return "; ".join(bilingual(reason, "text") for reason in told[: most or None])


def install(app: Flask) -> None:
    tables = {name: table for name, table in vars(labels).items() if name.isupper()}
    app.jinja_env.globals.update(tables, SKETCH=Sketch, once=once, now=lambda: services().clock())
    for use in (
        when,
        stamp,
        for_field,
        by_day,
        until,
        covered,
        since,
        day,
        duration,
        percent,
        left,
        heading,
        has_own_subject,
        more,
        ahead,
        bilingual,
        next_step,
        web_link,
        far,
        gap,
        megabytes,
        band,
        reasons,
    ):
        app.add_template_filter(use)
    app.add_template_filter(lambda code, table: label(table, code), "label")
    app.add_template_filter(day_table.hours_text, "hours")
