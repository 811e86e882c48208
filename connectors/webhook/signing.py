"""Signatures of both directions: HMAC-SHA256 over ``timestamp + "." + body``, in hex.

    X-Motmoi-Timestamp: 1794280000        seconds since 1970
    X-Motmoi-Key: 1                       which key
    X-Motmoi-Signature: sha256=<hex>

A request without a body (GET) signs its address in the body's place. What may surprise: during a change of
keys both are valid, told apart by their names; a call without a name is tried with the present key alone.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime

from aggregator.sdk.contract import AuthFailed, ConfigInvalid, Context, WebhookRequest

TIMESTAMP, KEY, SIGNATURE = "X-Motmoi-Timestamp", "X-Motmoi-Key", "X-Motmoi-Signature"


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """``sha256=<hex>``."""
    return "sha256=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def signed(ctx: Context, body: bytes) -> dict[str, str]:
    """The headers of a request of ours, made with the present key."""
    timestamp = str(int(ctx.now().timestamp()))
    return {
        TIMESTAMP: timestamp,
        KEY: str(ctx.config["key_id"]),
        SIGNATURE: signature(ctx.secrets["secret"], timestamp, body),
    }


def check(ctx: Context, call: WebhookRequest) -> str:
    """The call's signature, which is the source's own; raises `AuthFailed` naming what does not fit."""
    timestamp, given = call.headers.get(TIMESTAMP.lower(), ""), call.headers.get(SIGNATURE.lower(), "")
    if not timestamp or not given:
        raise AuthFailed(
            f"{TIMESTAMP if not timestamp else SIGNATURE} is missing", message_vi="Cuộc gọi không có chữ ký"
        )
    secret = _secret(ctx, call.headers)
    # ASCII digits only: `int` would read other scripts' digits, and signs that nobody sends.
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise AuthFailed(f"{TIMESTAMP} is no number of seconds", message_vi="Giờ ký không đọc được")
    if not hmac.compare_digest(signature(secret, timestamp, call.body).encode(), given.encode()):
        raise AuthFailed(
            f"{SIGNATURE} is not that of this body: sign the timestamp, a point, and the bytes as sent",
            message_vi="Chữ ký không khớp với nội dung",
        )
    _check_age(ctx, call, datetime.fromtimestamp(int(timestamp), UTC))
    return given


def _check_age(ctx: Context, call: WebhookRequest, at: datetime) -> None:
    """After the signature: only the source learns how its clock differs from ours."""
    apart = (call.received_at - at).total_seconds()
    if abs(apart) > ctx.config["tolerance_s"]:
        early = "behind" if apart > 0 else "ahead of"
        raise AuthFailed(
            f"{TIMESTAMP} is {abs(apart):.0f} s {early} our clock; {ctx.config['tolerance_s']} s are allowed",
            message_vi=f"Giờ ký lệch {abs(apart):.0f} giây: cuộc gọi cũ, hoặc đồng hồ của nguồn sai",
        )


def _secret(ctx: Context, headers: Mapping[str, str]) -> str:
    name, now = headers.get(KEY.lower()), str(ctx.config["key_id"])
    if not ctx.secrets.get("secret"):
        raise ConfigInvalid("the channel has no signing key", message_vi="Kênh chưa có khoá ký")
    if name is None or name == now:
        return ctx.secrets["secret"]
    old = str(ctx.config["key_id_old"])
    if old and name == old and ctx.secrets.get("secret_old"):
        return ctx.secrets["secret_old"]
    raise AuthFailed(f"{KEY} names a key that is not valid here", message_vi="Nguồn ký bằng khoá lạ")
