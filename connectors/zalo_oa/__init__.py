"""Zalo Official Account: what people write to the office's OA, and the office's answers.

Portal:   the OA's webhook (Zalo calls us) and the Open API (``/v3.0/oa/message/cs``).
Owner:    VNG; each office has its own OA, application, secrets and consent.
Allows:   messages, photos, files, places of people; an answer to who wrote in the last seven days (free for
          48 hours, then charged by Zalo). No read-back, no idempotency key.
Polite:   every six hours one look at our own token; nothing is read by polling.

History:
2026-10   "Zalo OA Integration Reference": signature, events, window, tokens. Developers report signatures
          that do not match: the setting ``signature: log`` takes such calls and logs them.
2026-11   First version.
Not verified against a live OA: the numbers of the errors for "outside the window" and "blocked", the form of
user_withdraw, the hosts that photos lie on, and ``/v2.0/oa/getoa``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aggregator.sdk.contract import (
    AuthFailed,
    BadRecord,
    Batch,
    ByHand,
    CheckResult,
    ConfigInvalid,
    Context,
    Cursor,
    Expiry,
    FetchedFile,
    Permanent,
    Problem,
    PushCommand,
    PushResult,
    RateLimited,
    RawItem,
    RawPage,
    Record,
    RemoteState,
    UnknownOutcome,
    WebhookReply,
    WebhookRequest,
)
from aggregator.sdk.set_up import in_steps

from . import events, login, threads

__all__ = ["CONNECTOR"]

_STEPS = ("Khoá của webhook", "Mã truy cập", "Thông tin OA")
_NO_KEY = "Nhập OA Secret Key"
_AGAIN = "Cấp quyền lại rồi nhập App Secret và mã làm mới mới vào cài đặt kênh"
#: Zalo's words for "this token is not good (any more)".
_TOKEN = (-216, -124)
_OUTSIDE = (-230, -232)
_NOT_REACHABLE = (-213, -217, -227)
_TOO_MANY = (-32, -211)
_NO_FEATURE = -224
_WINDOW_VI = (
    "Đã quá 7 ngày kể từ lần cuối người dân nhắn tin, Zalo không cho gửi nữa. "
    "Hãy gọi điện hoặc trả lời bằng cách khác."
)


class ZaloOA:
    """The connector; one instance serves any number of channels."""

    def handle_webhook(self, ctx: Context, request: WebhookRequest) -> WebhookReply:
        """One event. Messages and wishes to be forgotten become reports; other events are only answered."""
        if request.method != "POST":
            return WebhookReply()
        event = events.read(ctx, request)
        if event.name.startswith("user_send_"):
            _, item = threads.joined(ctx, event)
        elif event.name == "user_withdraw":
            item = threads.withdrawal(ctx, event)
        else:
            return WebhookReply()
        page = RawPage(request.body, "application/json")
        try:
            batch = Batch((threads.record(item),), (item,), None, (page,), complete=True)
        except BadRecord as error:
            batch = Batch((), (), None, (page,), (Problem(item, error),), complete=True)
        return WebhookReply(batch, delivery=event.delivery)

    def remap(self, _ctx: Context, item: RawItem) -> Record:
        """One kept thread again."""
        return threads.record(item)

    def poll(self, ctx: Context, _cursor: Cursor | None) -> Iterator[Batch]:
        """Reads nothing: renews the token in time, so that it is known to be lost before it is needed."""
        if ctx.secrets.get("refresh_token"):
            login.access(ctx, early=True)
        yield Batch((), (), {"v": 1}, complete=True)

    def expiries(self, ctx: Context) -> list[Expiry]:
        """When the tokens end."""
        return login.expiries(ctx)

    def push(self, ctx: Context, command: PushCommand) -> PushResult:
        """One message to the person; a token that Zalo refuses is renewed once."""
        user = threads.recipient(ctx, command.external_id)
        if user is None:
            raise ByHand(
                "nobody to answer: the thread's bytes are gone, or it is a wish to be forgotten",
                message_vi="Không có người nhận trên Zalo: dữ liệu gốc đã xoá, hoặc đây là yêu cầu xoá.",
            )
        token = login.access(ctx)
        said = _send(ctx, token, user, command.body)
        if said.get("error") in _TOKEN:
            said = _send(ctx, login.access(ctx, spent=token), user, command.body)
        return _result(said)

    def lookup(self, _ctx: Context, _command: PushCommand) -> RemoteState | None:
        """Zalo shows nobody what was sent; the manifest says so, and a person is asked instead."""
        raise Permanent("messages of an OA cannot be read back")

    def fetch_attachment(self, ctx: Context, ref: str) -> FetchedFile:
        """A photo or file, from the hosts that the channel's options name."""
        answer = ctx.http.get(ref)
        name = ref.partition("?")[0].rpartition("/")[2] or "tep"
        return FetchedFile(answer.content, answer.content_type or "application/octet-stream", name)

    def check(self, ctx: Context) -> list[CheckResult]:
        """The key of the webhook, the token, and the OA that it belongs to."""
        return in_steps(
            _STEPS, self._steps(ctx), lambda error: error.hint if error.hint == _NO_KEY else _AGAIN
        )

    def _steps(self, ctx: Context) -> Iterator[str]:
        if not ctx.secrets.get("oa_secret"):
            raise ConfigInvalid(
                "no OA Secret Key is set", hint=_NO_KEY,
                message_vi="Chưa có OA Secret Key, không kiểm được chữ ký",
            )  # fmt: skip
        yield "Đã có OA Secret Key"
        yield _token_until(ctx)
        yield _own_oa(ctx)


def _send(ctx: Context, token: str, user: str, text: str) -> Mapping[str, Any]:
    """What Zalo says to one message. A refusal comes with HTTP 200, too."""
    answer = ctx.http.post(
        f"{str(ctx.config['base_url']).rstrip('/')}/v3.0/oa/message/cs",
        json={"recipient": {"user_id": user}, "message": {"text": text}},
        headers={"access_token": token},
        effect=True,
        raw_status=True,
    )
    if answer.status == 401:
        return {"error": _TOKEN[0]}
    answer.refuse()
    said = answer.json()
    if not isinstance(said, Mapping) or not isinstance(said.get("error"), int):
        raise UnknownOutcome(
            "Zalo's answer has no error number", message_vi="Zalo trả lời không theo mẫu đã biết"
        )
    return said


def _result(said: Mapping[str, Any]) -> PushResult:
    code, words = int(said["error"]), str(said.get("message") or "")[:200]
    if code == 0:
        data = said.get("data")
        number = data.get("message_id") if isinstance(data, Mapping) else None
        return PushResult("sent", str(number) if number else None)
    if code in _TOKEN:
        raise AuthFailed(
            f"Zalo refuses the token it has just granted ({code})",
            message_vi=f"Zalo từ chối mã truy cập vừa cấp (mã {code}). Cần cấp quyền lại.",
        )
    if code in _TOO_MANY:
        raise RateLimited(f"Zalo asks for fewer messages ({code})", message_vi="Zalo yêu cầu gửi chậm lại")
    if code in _OUTSIDE:
        raise ByHand(f"outside the seven days ({code}: {words})", message_vi=_WINDOW_VI)
    if code in _NOT_REACHABLE:
        raise ByHand(
            f"the person takes no messages ({code}: {words})",
            message_vi=f"Người dân đã bỏ quan tâm hoặc chặn OA (mã {code}). Hãy báo bằng cách khác.",
        )
    if code == _NO_FEATURE:
        vi = "Gói dịch vụ của OA không có tính năng gửi tin này (mã -224)."
        raise Permanent(f"the OA's package lacks this ({code})", message_vi=vi)
    vi = f"Zalo từ chối tin nhắn (mã {code}): {words}"
    raise Permanent(f"Zalo refuses the message ({code}: {words})", message_vi=vi)


def _token_until(ctx: Context) -> str:
    login.access(ctx)
    ends = ((one.title["vi"], one.at.astimezone(ctx.zone)) for one in login.expiries(ctx))
    return "; ".join(f"{title} đến {at:%d/%m/%Y %H:%M}" for title, at in ends)


def _own_oa(ctx: Context) -> str:
    address = f"{str(ctx.config['base_url']).rstrip('/')}/v2.0/oa/getoa"
    said = ctx.http.get(address, headers={"access_token": login.access(ctx)}).json()
    data = said.get("data") if isinstance(said, Mapping) else None
    own = str(data.get("oa_id") or "") if isinstance(data, Mapping) else ""
    if own != str(ctx.config["oa_id"]):
        raise ConfigInvalid(f"the token belongs to OA {own or 'unknown'}",
                            message_vi=f"Mã truy cập thuộc OA khác ({own or 'không rõ'})")  # fmt: skip
    return str(data.get("name") or own) if isinstance(data, Mapping) else own


CONNECTOR = ZaloOA()
