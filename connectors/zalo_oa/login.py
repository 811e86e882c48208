"""The OA's access token: about 25 hours; its refresh token: about three months, and good for one use.

    stored and young? -> use it | else alone: read again, renew, save | use it

A refresh token that was used and whose answer was not saved is gone, and only the OA's administrator can
give the next one (a commune lost its token so, unseen). Therefore `ctx.tokens`: one renews, on any machine,
and what Zalo granted is on disk before it is used.

What may surprise: the token that a person entered is used once; it is recognised by its digest, so that a
new one entered later takes over from whatever was stored.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from aggregator.sdk.contract import AuthFailed, ConfigInvalid, Context, Expiry, Transient, UnknownOutcome

#: Before its end a token is not used any more; and so long before it the next is fetched without need.
MARGIN, EARLY = timedelta(minutes=2), timedelta(hours=14)
#: Where Zalo does not say.
ACCESS_S, REFRESH_S = 90_000, 90 * 86_400


def access(ctx: Context, *, spent: str = "", early: bool = False) -> str:
    """A token to call Zalo with. `spent` is one that Zalo has just refused; `early` renews ahead of time.

    Raises `AuthFailed` where consent must be given again, `ConfigInvalid` where it never was.
    """
    if not (ctx.secrets.get("app_secret") and ctx.secrets.get("refresh_token")):
        raise ConfigInvalid(
            "the channel has no app secret or no refresh token: it takes messages and cannot answer",
            message_vi="Kênh chưa có App Secret hoặc mã làm mới nên chưa trả lời được",
        )
    ahead = EARLY if early else MARGIN
    if (token := _usable(ctx, ctx.tokens.read(), ahead)) and token != spent:
        return token
    with ctx.tokens.alone() as values:
        # Somebody else may have renewed it while we waited.
        if not (token := _usable(ctx, values, ahead)) or token == spent:
            granted = _renewed(ctx, _refresh_token(ctx, values))
            values.clear()
            values.update(granted)
        return str(values["access_token"])


def expiries(ctx: Context) -> list[Expiry]:
    """When both tokens end, as far as there are any."""
    values = ctx.tokens.read()
    if values.get("seed") != _seed(ctx):
        return []
    return [
        Expiry({"vi": "Mã truy cập", "en": "Access token"}, _end(values, "access_until"), renews=True),
        # Each renewal brings a new one: it only gets old where renewing has stopped.
        Expiry({"vi": "Mã làm mới", "en": "Refresh token"}, _end(values, "refresh_until")),
    ]


def _usable(ctx: Context, values: Mapping[str, Any], ahead: timedelta) -> str:
    if values.get("seed") != _seed(ctx) or _end(values, "access_until") - ahead <= ctx.now():
        return ""
    return str(values["access_token"])


def _refresh_token(ctx: Context, values: Mapping[str, Any]) -> str:
    fresh = values.get("seed") != _seed(ctx)
    return ctx.secrets["refresh_token"] if fresh else str(values["refresh_token"])


def _renewed(ctx: Context, refresh_token: str) -> dict[str, Any]:
    try:
        answer = ctx.http.post(
            f"{str(ctx.config['oauth_url']).rstrip('/')}/v4/oa/access_token",
            data={
                "refresh_token": refresh_token,
                "app_id": ctx.config["app_id"],
                "grant_type": "refresh_token",
            },
            headers={"secret_key": ctx.secrets["app_secret"]},
            effect=True,
        ).json()
    except UnknownOutcome as error:
        # Not the fate of an answer to a citizen: nothing has been sent to anybody yet.
        raise Transient(
            "the answer to the token's renewal was lost; if Zalo had granted it, consent must be given again",
            message_vi="Mất kết nối khi làm mới mã truy cập. Hệ thống thử lại; "
            "nếu Zalo đã đổi mã thì phải cấp quyền lại.",
        ) from error
    if not isinstance(answer, Mapping) or not answer.get("access_token") or not answer.get("refresh_token"):
        code = answer.get("error") if isinstance(answer, Mapping) else None
        raise AuthFailed(
            f"Zalo does not renew the token (error {code})",
            hint="Give consent again at https://oauth.zaloapp.com/v4/oa/permission and enter the new token",
            message_vi=f"Zalo không làm mới mã truy cập (mã lỗi {code}). Quản trị viên OA phải cấp quyền lại "
            "và nhập mã làm mới mới vào cài đặt kênh.",
        )
    now = ctx.now()
    return {
        "seed": _seed(ctx),
        "access_token": str(answer["access_token"]),
        "access_until": (now + _span(answer.get("expires_in"), ACCESS_S)).isoformat(),
        "refresh_token": str(answer["refresh_token"]),
        "refresh_until": (now + _span(answer.get("refresh_token_expires_in"), REFRESH_S)).isoformat(),
    }


def _seed(ctx: Context) -> str:
    return hashlib.sha256(ctx.secrets.get("refresh_token", "").encode()).hexdigest()


def _span(given: Any, otherwise: int) -> timedelta:
    """Seconds, which Zalo writes as a text."""
    text = str(given or "")
    return timedelta(seconds=int(text) if text.isascii() and text.isdigit() and len(text) < 10 else otherwise)


def _end(values: Mapping[str, Any], name: str) -> datetime:
    return datetime.fromisoformat(values[name]).astimezone(UTC)
