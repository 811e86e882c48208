"""Certificates of one case: issued, listed, downloaded as paper and as proof, withdrawn.

What may surprise: issuing twice is no mistake. The service gives the standing certificate back until
something about the case has changed, and the page says which of the two it was.
"""

from __future__ import annotations

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from aggregator.domain.people import Right
from aggregator.errors import InputInvalid, MoveNotAllowed
from aggregator.services import certificate_paper
from inbox_web.access import Door, actor, open_to, services
from inbox_web.errors import message
from inbox_web.forms import say
from inbox_web.language import _

blueprint = Blueprint("certificates", __name__)


@blueprint.get("/cases/<int:case_id>/certificates")
@open_to(Door.SIGNED_IN)
def of_case(case_id: int) -> str:
    found = services().certificates.of_case(actor(), case_id)
    return render_template("certificates/page.html", case_id=case_id, found=found)


@blueprint.post("/cases/<int:case_id>/certificates")
@open_to(Right.HANDLE)
def issue(case_id: int) -> BaseResponse:
    try:
        made = services().certificates.issue(actor(), case_id)
        say(_("The certificate %(serial)s says what the case is now.", serial=made.serial))
    except MoveNotAllowed as error:
        say(message(error), bad=True)
    return redirect(url_for("certificates.of_case", case_id=case_id), code=303)


@blueprint.post("/certificates/<int:certificate_id>/withdraw")
@open_to(Right.HANDLE)
def withdraw(certificate_id: int) -> BaseResponse:
    try:
        done = services().certificates.withdraw(actor(), certificate_id, request.form.get("reason", ""))
        case_id = done.case_id
        say(_("Withdrawn. Whoever looks it up is told so."))
    except InputInvalid as error:
        say(message(error), bad=True)
        case_id = services().certificates.bundle(actor(), certificate_id)[0].case_id
    return redirect(url_for("certificates.of_case", case_id=case_id), code=303)


@blueprint.get("/certificates/<int:certificate_id>.pdf")
@open_to(Door.SIGNED_IN)
def paper(certificate_id: int) -> Response:
    printed = services().certificates.printed(actor(), certificate_id)
    drawn = certificate_paper.draw(printed, services().settings.certificate)
    return _file(drawn, "application/pdf", f"{printed.view.serial}.pdf")


@blueprint.get("/certificates/<int:certificate_id>.json")
@open_to(Door.SIGNED_IN)
def proof(certificate_id: int) -> Response:
    view, bundle = services().certificates.bundle(actor(), certificate_id)
    return _file(bundle, "application/json", f"{view.serial}.json")


def _file(content: bytes, kind: str, name: str) -> Response:
    answer = Response(content, content_type=kind)
    answer.headers.set("Content-Disposition", "attachment", filename=f"giay-xac-nhan-{name}")
    return answer
