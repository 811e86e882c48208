"""Reading a form, and saying afterwards what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

from flask import flash, request

from aggregator.domain.worktime import VN
from aggregator.errors import InputInvalid
from aggregator.services.answer_files import Again, Chosen


def once() -> str | None:
    """The form's one-time key: the same post again does nothing twice."""
    return request.form.get("once", "")[:64] or None


def number(name: str) -> int | None:
    return request.form.get(name, type=int)


def a_day(name: str) -> date:
    """The date that a form field names, or `InputInvalid`."""
    return as_day(request.form.get(name, ""), name)


def as_day(typed: str, name: str) -> date:
    """The date that was typed into the field `name`, or `InputInvalid`."""
    given = typed.strip()
    try:
        return _date(given)
    except ValueError as error:
        raise InputInvalid(
            f"{name}: {given!r} is not a date", field=name,
            message_vi=f"“{given}” không phải là ngày. Hãy ghi như 24/12/2026.",
        ) from error  # fmt: skip


def _date(given: str) -> date:
    # What a browser sends, or what people type where it has no date field.
    parts = given.split("/")
    return date.fromisoformat(given if len(parts) != 3 else f"{parts[2]}-{parts[1]:0>2}-{parts[0]:0>2}")


def a_moment(name: str) -> datetime:
    """The moment that a form field names in the office's local time, or `InputInvalid`."""
    given = request.form.get(name, "").strip()
    day, _, clock = given.replace("T", " ").partition(" ")
    try:
        return datetime.combine(_date(day), time.fromisoformat(f"{clock.strip():0>5}"), tzinfo=VN)
    except ValueError as error:
        raise InputInvalid(
            f"{name}: {given[:30]!r} is no time", field=name,
            message_vi=f"“{given[:30]}” không phải là thời điểm. Hãy ghi như 24/12/2026 09:30.",
        ) from error  # fmt: skip


def whole(given: Mapping[str, str], name: str) -> int | None:
    """The whole number of a field, None where nothing was typed, or `InputInvalid`."""
    typed = given.get(name, "").strip()
    if not typed:
        return None
    try:
        return int(typed)
    except ValueError as error:
        raise no_number(name, typed) from error


def no_number(name: str, typed: str) -> InputInvalid:
    return InputInvalid(
        f"{name} {typed[:20]!r} is not a number", field=name,
        message_vi=f"“{typed[:20]}” không phải là số.",
    )  # fmt: skip


def chosen_files() -> list[Chosen | Again]:
    """The files that go with an answer, as `case/_files.html` asks for them."""
    sent = [Chosen(one.filename, one.read()) for one in request.files.getlist("files") if one.filename]
    return [*(Again(one) for one in files_again()), *sent]


def files_again() -> list[int]:
    """Which files of an answer that was taken back are ticked to go again."""
    return request.form.getlist("again", type=int)


def lost_files() -> bool:
    """Whether a form that is shown again came with files: no browser fills them in again."""
    return any(one.filename for one in request.files.getlist("files"))


def guards() -> dict[str, Any]:
    """The version the page was drawn from, and the one-time key."""
    return {"version": number("version"), "once": once()}


def one_of(kind: type[Any], name: str) -> Any:
    """The enum member that a form field names, or `InputInvalid`."""
    try:
        return kind(request.form.get(name, ""))
    except ValueError as error:
        raise InputInvalid(
            f"{name}: choose one of the offered values",
            field=name,
            message_vi="Hãy chọn một mục trong danh sách.",
        ) from error


def say(
    text: str, *, bad: bool = False, link: str = "", link_text: str = "", sent: str = "", undo: str = ""
) -> None:  # fmt: skip
    """Show `text` on the next page; `sent` names the draft that is no longer needed.

    `undo`: where a button beside it posts to take the thing back.
    """
    said = {"text": text, "bad": bad, "link": link, "link_text": link_text, "sent": sent, "undo": undo}
    flash(said)  # type: ignore[arg-type]
