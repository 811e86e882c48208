"""What was signed last, and who holds it outside: for those who answer for the office.

What may surprise: the checkpoint is given away as its text and signature alone. The sizes of single wards'
chains, which a file outside also holds, are not for the leaders of other wards (I13).
"""

from __future__ import annotations

from flask import Blueprint, Response, abort, render_template

from aggregator.domain.people import Right
from aggregator.verifier import PATH
from inbox_web.access import actor, open_to, services

blueprint = Blueprint("proof", __name__)


@blueprint.get("/proof")
@open_to(Right.DASHBOARD)
def page() -> str:
    found = services().ledger_places.state(actor())
    return render_template("proof/page.html", found=found)


@blueprint.get("/proof/checkpoint.txt")
@open_to(Right.DASHBOARD)
def checkpoint() -> Response:
    last = services().ledger_places.state(actor()).checkpoint
    if last is None:
        abort(404)
    text = f"{last.text}signature: {last.signature}\n"
    return _file(text, f"motmoi-checkpoint-{last.number}.txt")


@blueprint.get("/proof/motmoi_check.py")
@open_to(Right.DASHBOARD)
def verifier() -> Response:
    return _file(PATH.read_text("utf-8"), PATH.name)


def _file(text: str, name: str) -> Response:
    answer = Response(text, content_type="text/plain; charset=utf-8")
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    return answer
