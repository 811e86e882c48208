"""Zalo's calls: whether they are Zalo's, and what each of them is.

The signature is a plain SHA-256 (no HMAC) over app id, the body's raw bytes, the body's own timestamp and
the OA's secret key, in a header ``X-ZEvent-Signature: mac=<hex>``. What may surprise: the time that is
signed stands inside the body, so a body must be read before it is known to be Zalo's; and ids are kept as
texts, because they are longer than what other languages' numbers hold exactly.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from aggregator.sdk.answers import clean_json
from aggregator.sdk.contract import AuthFailed, BadRecord, ConfigInvalid, Context, WebhookRequest

#: Zalo repeats a call for twelve hours; what is older was copied by somebody.
OLDEST = timedelta(hours=13)
AHEAD = timedelta(minutes=10)
HEADER = "x-zevent-signature"


@dataclass(frozen=True, slots=True)
class Event:
    """One call, understood as far as every event has it."""

    name: str
    at: datetime
    #: Who did something: the person, not the OA.
    user: str
    body: Mapping[str, Any]

    @property
    def message(self) -> Mapping[str, Any]:
        found = self.body.get("message")
        return found if isinstance(found, Mapping) else {}

    @property
    def message_id(self) -> str:
        return str(self.message.get("msg_id") or "")

    @property
    def delivery(self) -> str:
        """What stays the same when Zalo repeats the call."""
        stamp = self.body.get("timestamp")
        return f"{self.name}:{self.message_id or f'{self.user}:{stamp}'}"


def mac(app_id: str, body: bytes, timestamp: str, oa_secret: str) -> str:
    """The hex that a call must carry."""
    return hashlib.sha256(app_id.encode() + body + timestamp.encode() + oa_secret.encode()).hexdigest()


def read(ctx: Context, call: WebhookRequest) -> Event:
    """The event of a call that is Zalo's. Raises `AuthFailed` where it is not, else `BadRecord`."""
    body = _body(call.body)
    stamp = str(body.get("timestamp") or "")
    if not call.verified:
        _check_signature(ctx, call, body, stamp)
    at = _instant(stamp)
    if not call.verified and not call.received_at - OLDEST <= at <= call.received_at + AHEAD:
        raise AuthFailed(
            f"the event is of {at.isoformat()}: older than Zalo repeats, or from the future",
            message_vi="Sự kiện quá cũ: có thể ai đó gửi lại bản đã chép, hoặc đồng hồ máy chủ sai",
        )
    name = str(body.get("event_name") or "")
    # What the OA itself sends has the person as its recipient.
    user = _id(body, "recipient" if name.startswith("oa_") else "sender")
    user = user or _id(body, "follower") or str(body.get("user_id") or "")
    if not name or not user:
        raise BadRecord("an event without a name or without a person", field="event_name")
    return Event(name, at, user, body)


def _check_signature(ctx: Context, call: WebhookRequest, body: Mapping[str, Any], stamp: str) -> None:
    app_id, secret = str(ctx.config["app_id"]), ctx.secrets.get("oa_secret", "")
    if not secret:
        raise ConfigInvalid("the channel has no OA secret key", message_vi="Kênh chưa có OA Secret Key")
    given = call.headers.get(HEADER, "").strip().removeprefix("mac=").strip().lower()
    right = str(body.get("app_id") or app_id) == app_id
    if right and hmac.compare_digest(mac(app_id, call.body, stamp, secret).encode(), given.encode()):
        return
    why = "is missing" if not given else "does not fit" if right else "is another application's"
    if ctx.config["signature"] == "log":
        ctx.log.warning("channel %s: a call was taken whose signature %s", ctx.channel, why)
        return
    raise AuthFailed(
        f"the signature {why}",
        message_vi="Chữ ký của Zalo không khớp: kiểm tra App ID và OA Secret Key (không phải App Secret)",
    )


def _body(content: bytes) -> Mapping[str, Any]:
    try:
        body = clean_json(content)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, Mapping):
        raise AuthFailed("no event: Zalo did not send this", message_vi="Nội dung không phải của Zalo")
    return body


def _instant(stamp: str) -> datetime:
    """Milliseconds since 1970, which come as a text."""
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 14):
        raise AuthFailed("no timestamp: Zalo did not send this", message_vi="Sự kiện không có giờ gửi")
    return datetime.fromtimestamp(int(stamp) / 1000, UTC)


def _id(body: Mapping[str, Any], role: str) -> str:
    found = body.get(role)
    return str(found.get("id") or "") if isinstance(found, Mapping) else ""
