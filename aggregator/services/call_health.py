"""The lights of channels whose source calls us, and of those whose way in ends by itself.

    reachable -> signed_in -> parsing -> fresh          as in `health`, told by the calls that came

What may surprise: that nobody calls is no alarm here; only the source knows whether it has anything to
say. What turns a light is a call that was refused after the last good one: then the source speaks with a
wrong key, and nobody but a person can give it the right one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from aggregator.domain.local_time import day_vi, stamp_vi
from aggregator.sdk.contract import Expiry
from aggregator.services.views.channel import Light
from aggregator.storage.webhook_queries import Day

#: A person is told this long before something ends that only they can renew.
AHEAD = timedelta(days=14)


def called(day: Day, kept: int) -> tuple[Light, ...]:
    """The first four lights of a channel that is called. `day`: its last; `kept`: what nobody could read."""
    came = day.taken_at
    if came is None and day.refused_at is None:
        waits = ("Chưa có cuộc gọi nào của nguồn.", "The source has not called yet.")
        return tuple(
            Light(name, "unknown", None, *waits) for name in ("reachable", "signed_in", "parsing", "fresh")
        )
    good = "good" if came is not None else "unknown"
    reachable = Light("reachable", "good", max(at for at in (came, day.refused_at) if at is not None))
    return (
        reachable, _signed(day, came, good), _understood(came, good, kept),
        Light("fresh", good, came, "Nguồn tự gửi khi có mới.", "The source sends when it has news."),
    )  # fmt: skip


def _signed(day: Day, came: datetime | None, good: str) -> Light:
    if day.refused_at is None or (came is not None and came >= day.refused_at):
        return Light("signed_in", good, came)
    return Light(
        "signed_in",
        "bad",
        day.refused_at,
        f"Cuộc gọi gần nhất bị từ chối ({day.refused_why_vi}).",
        f"The last call was refused ({day.refused_why}).",
        "Kiểm tra khoá ký ở cả hai bên; nếu nguồn vừa đổi khoá, nhập khoá mới vào cài đặt kênh.",
        "Compare the signing keys of both sides; if the source has changed its key, enter the new one.",
    )


def _understood(came: datetime | None, good: str, kept: int) -> Light:
    if not kept:
        return Light("parsing", good, came)
    return Light(
        "parsing",
        "slow",
        came,
        f"{kept} mục không đọc được, đang được giữ nguyên bản gốc.",
        f"{kept} items could not be read; their originals are kept.",
        "Báo cho người phụ trách bộ kết nối; khi đã sửa, bấm Đọc lại.",
        "Tell the connector's maintainer; after the fix, read them again.",
    )


def with_expiry(lights: tuple[Light, ...], expiries: Sequence[Expiry], now: datetime) -> tuple[Light, ...]:
    """The lights, with what ends soon told at `signed_in`. A light that is bad already says enough."""
    return tuple(
        _ending(light, expiries, now) if light.name == "signed_in" and light.state != "bad" else light
        for light in lights
    )


def _ending(light: Light, expiries: Sequence[Expiry], now: datetime) -> Light:
    by_hand = [one for one in expiries if not one.renews]
    first = min(by_hand, key=lambda one: one.at, default=None)
    if first is not None and first.at <= now + AHEAD:
        over = first.at <= now
        return replace(
            light,
            state="bad" if over else "slow",
            cause_vi=f"{first.title['vi']} {'đã hết hạn' if over else 'hết hạn'} {day_vi(first.at)}.",
            cause_en=f"{first.title['en']} {'ended' if over else 'ends'} {day_vi(first.at)}.",
            next_vi="Cấp quyền lại, nhập mã mới vào cài đặt kênh, rồi bấm Tiếp tục.",
            next_en="Give consent again, enter the new token in the channel's settings, then Resume.",
        )
    if light.cause_vi or not expiries:
        return light
    told_vi = "; ".join(f"{one.title['vi']}: đến {stamp_vi(one.at)}" for one in expiries)
    told_en = "; ".join(f"{one.title['en']}: until {stamp_vi(one.at)}" for one in expiries)
    return replace(light, cause_vi=told_vi, cause_en=told_en)
