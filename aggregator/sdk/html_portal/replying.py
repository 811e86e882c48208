"""Answering through the portal's own form, and reading back what stands there.

    open the report -> ours there? -> fill its form, token and files included -> send once
                    -> what does the page say?

What may surprise: success is only what the layout names as success. A page that says nothing known
is `UnknownOutcome`: the answer may stand there, so it is read back before anything is sent again.
A login page or "form too old" in answer to the form is a clear no from the portal's front door, so
the report is opened anew, read back, and the form is sent once more. Files that the form of the page does
not take (no field, a field for one alone, "too large") stay behind, counted, and the words go.

Known exceptions: a portal that shows an answer only after somebody approved it cannot be read back
in between; forms are sent in UTF-8, whatever the charset of the page.
"""

from __future__ import annotations

import enum

from bs4 import BeautifulSoup, Tag

from aggregator.sdk.contract import (
    AuthFailed,
    BadRecord,
    Context,
    NoWord,
    OutFile,
    Permanent,
    PushCommand,
    PushResult,
    RemoteState,
    SchemaDrift,
    SourceStatus,
    UnknownOutcome,
)
from aggregator.sdk.echo import find_answer
from aggregator.sdk.html import form_fields, looks_like_challenge, require, text_of
from aggregator.sdk.html_portal import mapping
from aggregator.sdk.html_portal.layout import Layout, ReplyPart, fill
from aggregator.sdk.html_portal.site import Page, Report, Site, pressed
from aggregator.sdk.http import Response
from aggregator.sdk.uploads import parts

#: Signed out or a stale form, and files that are too large: each costs one more.
_ROUNDS = 3


class Verdict(enum.Enum):
    """What the page after the form says."""

    DONE = "done"
    NOT_TAKEN = "not taken: signed out, or the form was too old"


def push(ctx: Context, site: Site, command: PushCommand) -> PushResult:
    """Deliver one answer through the portal's form."""
    reply = _reply_part(site.layout)
    files = command.attachments if reply.file_field else ()
    for _ in range(_ROUNDS):
        report = site.report(command.external_id)
        if report is None:
            raise Permanent(
                f"report {command.external_id} is not at the portal any more",
                message_vi="Phản ánh không còn trên trang web nguồn",
            )
        state = _state(ctx, site.layout, report, command)
        if state.found is not None and _as_wanted(reply, state.status, command):
            return PushResult("already_there", state.found.remote_ref)
        page = site.get(fill(reply.path, id=command.external_id)) if reply.path else report.page
        form = _form(reply, page)
        files = _that_fit(reply, form, files)
        sent = parts(reply.file_field, files)
        response, after = site.submit(page, form, _filled(ctx, reply, form, command), sent)
        if files and response.status in (413, 415):
            files = ()  # a clear no to the files: the words need not wait for them
            continue
        if _verdict(site, reply, response, after) is Verdict.DONE:
            left = len(command.attachments) - len(files)
            return PushResult("sent", _reference(ctx, site.layout, after, command), files_left=left)
        site.sign_in()
    raise AuthFailed(
        "the portal does not take the form right after the sign-in",
        hint="Check the account's right to answer",
        message_vi="Trang web không nhận biểu mẫu ngay sau khi đăng nhập: kiểm tra quyền trả lời",
    )


def lookup(ctx: Context, site: Site, command: PushCommand) -> RemoteState | None:
    """The state and answers on the report's pages; None where there is no such report."""
    report = site.report(command.external_id)
    return None if report is None else _state(ctx, site.layout, report, command)


def _reply_part(layout: Layout) -> ReplyPart:
    if layout.reply is None:
        raise Permanent(
            "the portal is only read: its layout has no reply form",
            message_vi="Kênh này chỉ đọc, không gửi phúc đáp được",
        )
    return layout.reply


def form_found(site: Site, report: Report) -> str:
    """Whether an answer could be given to this report, in words for the set-up page."""
    reply = _reply_part(site.layout)
    if reply.closed and report.page.tree.select_one(reply.closed) is not None:
        return "Phản ánh mẫu đã đóng, chưa thử được"
    if reply.path or report.page.tree.select_one(reply.form) is not None:
        return "Có biểu mẫu trả lời" + (", nhận tệp kèm" if reply.file_field else ", không nhận tệp kèm")
    return "Không thấy biểu mẫu trả lời: chỉ đọc được"


def _state(ctx: Context, layout: Layout, report: Report, command: PushCommand) -> RemoteState:
    detail, page = layout.detail, report.page
    require(page.tree, detail.container, what="the report")
    try:
        external_id, leaves = mapping.opened(report.item(), layout)
    except BadRecord as error:
        raise SchemaDrift(error.message, evidence=page.response.evidence()) from error
    if external_id != command.external_id:
        raise SchemaDrift(f"the page of report {command.external_id} shows another report")
    answers = mapping.answers_of(leaves, detail, ctx.zone)
    found = find_answer(answers, command.body)
    if found is None and mapping.answers_unread(leaves, answers):
        raise SchemaDrift(
            f"the answers to report {command.external_id} cannot be read",
            hint="Check detail.answers of the layout: unread answers would be sent again",
            evidence=page.response.evidence(),
        )
    return RemoteState(ctx.status_of(mapping.status_raw_of(leaves)), answers, found)


def _as_wanted(reply: ReplyPart, shown: SourceStatus, command: PushCommand) -> bool:
    """The same words may be said twice on the way ("đang xử lý"); then the status tells them apart."""
    if not reply.status_field or command.attempt > 1:
        return True
    return shown in (command.status, SourceStatus.UNMAPPED)


def _form(reply: ReplyPart, page: Page) -> Tag:
    if reply.closed and page.tree.select_one(reply.closed) is not None:
        raise Permanent(
            "the portal takes no more answers to this report",
            message_vi="Trang web nguồn đã đóng phản ánh này, không nhận thêm phúc đáp",
            evidence=page.response.evidence(),
        )
    return require(page.tree, reply.form, what="the reply form")[0]


def _that_fit(reply: ReplyPart, form: Tag, files: tuple[OutFile, ...]) -> tuple[OutFile, ...]:
    """As many as the form on the page takes: all, one, or none where it has no such field any more."""
    field = form.find("input", {"type": "file", "name": reply.file_field}) if files else None
    if field is None:
        return ()
    return files if field.has_attr("multiple") else files[:1]


def _filled(ctx: Context, reply: ReplyPart, form: Tag, command: PushCommand) -> dict[str, str]:
    fields = {**form_fields(form), **pressed(form, reply.button)}
    fields[reply.body_field] = command.body
    if reply.author_field:
        fields[reply.author_field] = command.author_name
    if reply.status_field:
        own = ctx.answer_words.get(command.kind)
        words = [own] if own else [raw for raw, ours in ctx.status_map.items() if ours == command.status]
        choice = mapping.status_choice(form, reply.status_field, words)
        if choice is None:
            raise NoWord(
                f"the portal's form offers no status for {command.status.value!r}",
                hint="Map one of its statuses in the channel's settings",
                message_vi="Biểu mẫu của trang web không có trạng thái cho loại phúc đáp này.",
            )
        fields[reply.status_field] = choice
    return fields


def _verdict(site: Site, reply: ReplyPart, response: Response, page: BeautifulSoup) -> Verdict:
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
        hint="Check reply.success of the layout",
        evidence=response.evidence(),
    )


def _reference(ctx: Context, layout: Layout, after: BeautifulSoup, command: PushCommand) -> str | None:
    """The answer's mark, where the page after the form is the report's own."""
    root = after.select_one(layout.detail.container)
    if root is None:
        return None
    shown = mapping.answers_of((mapping.Leaf(root, layout.detail),), layout.detail, ctx.zone)
    found = find_answer(shown, command.body)
    return found.remote_ref if found else None
