"""Answering through the portal's own form, and reading back what stands there.

    open the report -> ours there? -> fill its form, token included -> send once -> what does the page say?

What may surprise: success is only what the layout names as success. A page that says nothing known
is `UnknownOutcome`: the answer may stand there, so it is read back before anything is sent again.
A login page or "form too old" in answer to the form is a clear no from the portal's front door, so
the report is opened anew, read back, and the form is sent once more.

Known exceptions: a portal that shows an answer only after somebody approved it cannot be read back
in between; forms are sent in UTF-8, whatever the charset of the page.
"""

from __future__ import annotations

import enum

from bs4 import BeautifulSoup, Tag

from aggregator.sdk.contract import (
    AuthFailed,
    Context,
    Permanent,
    PushCommand,
    PushResult,
    RemoteState,
    SchemaDrift,
    SourceStatus,
    UnknownOutcome,
)
from aggregator.sdk.html import form_fields, looks_like_challenge, require, text_of
from aggregator.sdk.http import Response
from connectors.district_html import mapping
from connectors.district_html.client import Page, Site

_ROUNDS = 2


class Verdict(enum.Enum):
    """What the page after the form says."""

    DONE = "done"
    NOT_TAKEN = "not taken: signed out, or the form was too old"


def push(ctx: Context, command: PushCommand) -> PushResult:
    """Deliver one answer through the form of the report's page."""
    site = Site(ctx)
    for _ in range(_ROUNDS):
        page = site.report(command.external_id)
        if page is None:
            raise Permanent(
                f"report {command.external_id} is not at the portal any more",
                message_vi="Phản ánh không còn trên trang web nguồn",
            )
        state = _state(ctx, site, page, command)
        if state.found is not None and _as_wanted(site, state.status, command):
            return PushResult("already_there", state.found.remote_ref)
        form = _form(site, page)
        response, after = site.submit(page, form, _filled(ctx, site, form, command))
        if _verdict(site, response, after) is Verdict.DONE:
            return PushResult("sent", _reference(ctx, site, after, command))
        site.sign_in()
    raise AuthFailed(
        "the portal does not take the form right after the sign-in",
        hint="Check the account's right to answer",
        message_vi="Trang web không nhận biểu mẫu ngay sau khi đăng nhập: kiểm tra quyền trả lời",
    )


def lookup(ctx: Context, command: PushCommand) -> RemoteState | None:
    """The state and answers on the report's page; None where there is no such page."""
    site = Site(ctx)
    page = site.report(command.external_id)
    return None if page is None else _state(ctx, site, page, command)


def _state(ctx: Context, site: Site, page: Page, command: PushCommand) -> RemoteState:
    detail = site.layout.detail
    root = require(page.tree, detail.container, what="the report")[0]
    if detail.id.of(root) != command.external_id:
        raise SchemaDrift(f"the page of report {command.external_id} shows another report")
    answers = mapping.answers_of(root, detail, ctx.zone)
    found = mapping.find_answer(answers, command.body)
    if found is None and mapping.answers_unread(root, detail, answers):
        raise SchemaDrift(
            f"the answers to report {command.external_id} cannot be read",
            hint="Check layout.detail.answers: unread answers would be sent again",
            evidence=page.response.evidence(),
        )
    status = ctx.status_of(mapping.status_raw_of(root, detail))
    return RemoteState(status, answers, found)


def _as_wanted(site: Site, shown: SourceStatus, command: PushCommand) -> bool:
    """The same words may be said twice on the way ("đang xử lý"); then the status tells them apart."""
    if not site.layout.reply.status_field or command.attempt > 1:
        return True
    return shown in (command.status, SourceStatus.UNMAPPED)


def _form(site: Site, page: Page) -> Tag:
    reply = site.layout.reply
    if reply.closed and page.tree.select_one(reply.closed) is not None:
        raise Permanent(
            "the portal takes no more answers to this report",
            message_vi="Trang web nguồn đã đóng phản ánh này, không nhận thêm phúc đáp",
            evidence=page.response.evidence(),
        )
    return require(page.tree, reply.form, what="the reply form")[0]


def _filled(ctx: Context, site: Site, form: Tag, command: PushCommand) -> dict[str, str]:
    reply = site.layout.reply
    fields = form_fields(form)
    fields[reply.body_field] = command.body
    if reply.author_field:
        fields[reply.author_field] = command.author_name
    if reply.status_field:
        words = [raw for raw, ours in ctx.status_map.items() if ours == command.status]
        choice = mapping.status_choice(form, reply.status_field, words)
        if choice is None:
            raise Permanent(
                f"the portal's form offers no status for {command.status.value!r}",
                hint="Map one of its statuses in the channel's settings",
                message_vi="Biểu mẫu của trang web không có trạng thái tương ứng",
            )
        fields[reply.status_field] = choice
    return fields


def _verdict(site: Site, response: Response, page: BeautifulSoup) -> Verdict:
    reply = site.layout.reply

    def says(css: str) -> Tag | None:
        return page.select_one(css) if css else None

    if says(reply.success) is not None:
        return Verdict.DONE
    if says(reply.stale) is not None or site.signed_out(response, page):
        return Verdict.NOT_TAKEN
    refused = says(reply.closed) or says(reply.refused)
    if refused is not None:
        # What the portal says is about the form; still only its first words, since it may quote the answer.
        words = text_of(refused)[:200]
        raise Permanent(
            "the portal refused the answer",
            hint=words,
            message_vi=f"Trang web từ chối phúc đáp: {words}",
            evidence=response.evidence(),
        )
    if not looks_like_challenge(page):
        response.refuse()
    raise UnknownOutcome(
        "the page after the form does not say what became of the answer",
        hint="Check layout.reply.success",
        evidence=response.evidence(),
    )


def _reference(ctx: Context, site: Site, after: BeautifulSoup, command: PushCommand) -> str | None:
    """The answer's mark, where the page after the form is the report's own."""
    root = after.select_one(site.layout.detail.container)
    if root is None:
        return None
    found = mapping.find_answer(mapping.answers_of(root, site.layout.detail, ctx.zone), command.body)
    return found.remote_ref if found else None
