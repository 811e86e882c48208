"""A channel's five lights, from its schedule row: what is known, since when, why, and what to do.

    reachable -> signed_in -> parsing -> fresh          writing
    the portal   our account   its pages   new data     answers get through

Principles. Each try passes the first three in this order, so the light where it stopped is bad, the
ones before it are good, and the ones behind it are off: nothing is known about them. `fresh` does
not ask for errors at all: no success for too long is an alarm whatever the reason, because fetching
that stops silently is how reports get lost. `writing` stands apart; a portal may be read and refuse
to be written to.

What may surprise: being asked to wait (429) is "slow", never "bad", and a channel that is paused or
fed by hand has its lights off: there is nothing to act on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aggregator.domain.drift_texts import NEXT_EN, NEXT_VI
from aggregator.domain.polling import DOWN, DOWN_AFTER, State
from aggregator.services.views.channel import Light
from aggregator.storage.channel_queries import ChannelRow

#: A channel of a short interval is still given this long before its silence is an alarm.
SHORTEST_SILENCE = timedelta(minutes=10)
_WORST_FIRST = ("bad", "slow", "good", "unknown", "off")


@dataclass(frozen=True, slots=True)
class _Words:
    """What happened and what to do next, for one error code."""

    light: str
    cause_vi: str
    cause_en: str
    next_vi: str
    next_en: str


_BY_CODE = {
    "transient": _Words(
        "reachable",
        "Không kết nối được với cổng.",
        "The portal cannot be reached.",
        "Hệ thống tự thử lại. Nếu kéo dài, kiểm tra mạng của cơ quan và hỏi đơn vị quản lý cổng.",
        "It is tried again by itself. If it lasts, check the office's network and ask who runs the portal.",
    ),
    "rate_limited": _Words(
        "reachable",
        "Cổng yêu cầu gọi chậm lại.",
        "The portal asks for fewer calls.",
        "Không cần làm gì, hệ thống chờ đúng thời gian cổng yêu cầu.",
        "Nothing to do: we wait as long as the portal says.",
    ),
    "config_invalid": _Words(
        "reachable",
        "Cài đặt của kênh không dùng được.",
        "The channel's settings cannot be used.",
        "Mở Cài đặt kênh và sửa cho đúng; lưu xong kênh tự đọc lại ngay.",
        "Open the channel's settings and correct them; once saved it is read again at once.",
    ),
    "auth_failed": _Words(
        "signed_in",
        "Cổng từ chối tài khoản của chúng ta.",
        "The portal refuses our account.",
        "Bấm Kết nối lại và nhập mật khẩu hoặc khoá mới; lưu xong kênh tự đọc lại ngay.",
        "Press Reconnect and enter the password or key; once saved it is read again at once.",
    ),
    "schema_drift": _Words(
        "parsing",
        "Trang của cổng đã thay đổi, không đọc được.",
        "The portal's page has changed and cannot be read.",
        "Chưa mất phản ánh nào: vị trí đọc được giữ nguyên. Báo cho người phụ trách bộ kết nối.",
        "No report is lost: the reading position stays. Tell the connector's maintainer.",
    ),
    "drift_suspected": _Words(
        "parsing",
        "Dữ liệu của cổng khác hẳn trước đây nên chưa nhận vào.",
        "What the portal shows is not as it used to be, so it was not taken in.",
        NEXT_VI,
        NEXT_EN,
    ),
    "bot_challenge": _Words(
        "parsing",
        "Cổng hiện trang xác minh (CAPTCHA) thay cho dữ liệu.",
        "The portal shows a challenge (CAPTCHA) instead of data.",
        "Đề nghị đơn vị quản lý cổng cho phép địa chỉ máy chủ này.",
        "Ask who runs the portal to admit this server's address.",
    ),
    "bug": _Words(
        "parsing",
        "Bộ kết nối gặp lỗi không lường trước.",
        "The connector failed in an unforeseen way.",
        "Báo cho người phụ trách bộ kết nối; chi tiết ở mục kỹ thuật bên dưới. Sửa xong bấm Đọc ngay.",
        "Tell the connector's maintainer; details are in the technical log. Press Poll now after the fix.",
    ),
}
_OTHER = _Words(
    "parsing",
    "Lần đọc gần nhất không thành công.",
    "The last read failed.",
    "Xem chi tiết lỗi ở danh sách các lần chạy bên dưới.",
    "See the error in the list of runs below.",
)


def lights(
    channel: ChannelRow, now: datetime, *, can_read: bool, can_reply: bool, waiting: int, quarantined: int,
    called: tuple[Light, ...] | None = None, silence: Mapping[str, Any] | None = None,
) -> tuple[Light, ...]:  # fmt: skip
    """The five lights. `waiting`: answers on their way; `quarantined`: open items nobody could read.

    `called`: the first four of a channel that is not read at all, because its source calls us.
    `silence`: what the alarm says where nothing new has come for unusually long.
    """
    reading = _reading(channel, quarantined) if can_read else _idle("Kênh nhập bằng tệp.", "Fed by files.")
    fresh = _fresh(channel, now, silence) if can_read else Light("fresh", "off", channel.last_item_at)
    if called is not None:
        # What stopped an answer stops the channel, and is told first.
        reading = called[:3] if channel.last_error_code is None else _reading(channel, quarantined)
        fresh = called[3]
    found = (*reading, fresh, _writing(channel, now, can_reply, waiting))
    if channel.paused:
        return tuple(_paused(light) for light in found)
    return found


def worst(found: tuple[Light, ...]) -> str:
    """The state that the whole channel shows."""
    return min((light.state for light in found), key=_WORST_FIRST.index)


def silence_allowed(channel: ChannelRow) -> timedelta:
    """How long without a success is still in order: three intervals, ten minutes at least."""
    return max(timedelta(seconds=3 * channel.interval_s), SHORTEST_SILENCE)


def _reading(channel: ChannelRow, quarantined: int) -> tuple[Light, ...]:
    names, code = ("reachable", "signed_in", "parsing"), channel.last_error_code
    if code is None:
        state = "unknown" if channel.last_success_at is None else "good"
        reachable, signed_in, parsing = (Light(name, state, channel.last_success_at) for name in names)
        if channel.breaker != "closed":
            reachable = _coming_back(channel)
        return reachable, signed_in, _with_quarantine(parsing, quarantined)
    words = _BY_CODE.get(code, _OTHER)
    failed_at = names.index(words.light)
    return (
        *(Light(name, "good", channel.last_try_at) for name in names[:failed_at]),
        _stopped(channel, words),
        *(_unknown(name, channel.last_success_at) for name in names[failed_at + 1 :]),
    )


def _stopped(channel: ChannelRow, words: _Words) -> Light:
    passing = channel.last_error_code == "rate_limited" or (
        channel.last_error_code in ("transient", "bug") and channel.state not in DOWN
    )
    return Light(
        words.light,
        "slow" if passing else "bad",
        channel.last_try_at,
        _sentence(words.cause_vi, _said(channel)),
        _sentence(words.cause_en, channel.last_error),
        words.next_vi,
        words.next_en,
        f"{channel.last_error_code}: {channel.last_error or ''}",
    )


def _said(channel: ChannelRow) -> str | None:
    """The error's own Vietnamese; where it has none it is English, and stands in the detail."""
    return channel.last_error_vi if channel.last_error_vi != channel.last_error else None


def _sentence(cause: str, detail: str | None) -> str:
    return f"{cause} ({detail})" if detail else cause


def _unknown(name: str, at: datetime | None) -> Light:
    return Light(
        name, "unknown", at, "Chưa biết: lần đọc gần nhất không tới được bước này.",
        "Not known: the last read did not get this far.",
    )  # fmt: skip


def _with_quarantine(parsing: Light, quarantined: int) -> Light:
    if not quarantined or parsing.state != "good":
        return parsing
    return Light(
        "parsing",
        "slow",
        parsing.at,
        f"{quarantined} mục không đọc được, đang được giữ nguyên bản gốc.",
        f"{quarantined} items could not be read; their originals are kept.",
        "Xem mục cách ly; khi bộ kết nối đã sửa, bấm Đọc lại.",
        "See the quarantine; once the connector is fixed, replay them.",
    )


def _coming_back(channel: ChannelRow) -> Light:
    return Light(
        "reachable",
        "slow",
        channel.last_success_at,
        "Cổng vừa trả lời lại sau gián đoạn; còn một lần thử nữa trước khi coi là ổn định.",
        "The portal has answered again after an outage; one more try before it counts as back.",
        "Không cần làm gì, hệ thống thử lại trong vòng nửa phút.",
        "Nothing to do: the next try is within half a minute.",
    )


def _fresh(channel: ChannelRow, now: datetime, silence: Mapping[str, Any] | None) -> Light:
    """Two facts that are easily confused: whether we read, and whether anything new was there."""
    at, allowed = channel.last_success_at, silence_allowed(channel)
    silent = now - (at or channel.created_at)
    if silent > allowed:
        return _not_read(at, silent, allowed)
    if at is None:
        return Light("fresh", "unknown", None, "Đang chờ lần đọc đầu tiên.", "Waiting for the first read.")
    if silence is not None:
        return _nothing_new(channel, now, silence)
    return Light("fresh", "good", at)


def _not_read(at: datetime | None, silent: timedelta, allowed: timedelta) -> Light:
    minutes, most = (int(span.total_seconds() // 60) for span in (silent, allowed))
    return Light(
        "fresh",
        "bad",
        at,
        f"Đã {minutes} phút không đọc được dữ liệu mới (cho phép {most} phút).",
        f"Nothing was read for {minutes} minutes ({most} are allowed).",
        "Xem các đèn trên để biết nguyên nhân; nếu đèn đều xanh, báo quản trị máy chủ: phần chạy nền đã tắt.",
        "See the lights above for the cause; if they are all good, check that a worker runs.",
    )


def _nothing_new(channel: ChannelRow, now: datetime, silence: Mapping[str, Any]) -> Light:
    vietnamese, english = silence_sentence(silence, now)
    return Light(
        "fresh",
        "bad",
        channel.last_item_at,
        vietnamese,
        english,
        "Mở trang của cổng xem có phản ánh mới không. Nếu có, báo người phụ trách bộ kết nối; nếu "
        "không, không cần làm gì: báo động tự tắt khi có phản ánh mới.",
        "Open the portal: does it show new reports? If so, press Check and tell the connector's maintainer; "
        "if not, there is nothing to do: the alarm ends with the next report.",
    )


def silence_sentence(silence: Mapping[str, Any], now: datetime) -> tuple[str, str]:
    """Why a silence is unusual, in Vietnamese and English. `silence`: what its alarm holds."""
    hours = int((now - datetime.fromisoformat(silence["since"])) / timedelta(hours=1))
    if "weekday" not in silence:
        return (
            f"{hours} giờ nay chưa có phản ánh nào, lâu hơn hẳn thường lệ của kênh này.",
            f"No report for {hours} hours, which is far longer than this channel's habit.",
        )
    low, high = silence["low"], silence["high"]
    number = str(high) if low == high else f"{low}–{high}"
    part, day = _PARTS[silence["part"]], _WEEKDAYS[silence["weekday"]]
    return (
        f"Kênh này thường có {number} phản ánh mỗi {part[0]} {day[0]}; {hours} giờ nay chưa có phản ánh nào.",
        f"This channel usually has {number} reports each {day[1]} {part[1]}; none for {hours} hours.",
    )


_PARTS = (("đêm", "night"), ("sáng", "morning"), ("chiều", "afternoon"), ("tối", "evening"))
_WEEKDAYS = (
    ("thứ Hai", "Monday"), ("thứ Ba", "Tuesday"), ("thứ Tư", "Wednesday"), ("thứ Năm", "Thursday"),
    ("thứ Sáu", "Friday"), ("thứ Bảy", "Saturday"), ("Chủ nhật", "Sunday"),
)  # fmt: skip


def _writing(channel: ChannelRow, now: datetime, can_reply: bool, waiting: int) -> Light:
    at = channel.last_write_at
    if not can_reply:
        return Light(
            "writing", "off", at, "Kênh này không nhận phúc đáp tự động; cán bộ chuyển bằng tay.",
            "This channel takes no answers by itself; a person carries them over.",
        )  # fmt: skip
    held = channel.state in (State.NEEDS_REAUTH, State.MISCONFIGURED)
    if held and waiting:
        return Light(
            "writing", "bad", at, f"{waiting} phúc đáp đang chờ vì kênh đã dừng.",
            f"{waiting} answers wait because the channel is stopped.",
            "Xử lý đèn đỏ phía trên; phúc đáp sẽ tự gửi.",
            "See to the light above; then they go by themselves.",
        )  # fmt: skip
    if channel.write_failures:
        down = channel.write_failures >= DOWN_AFTER
        return Light(
            "writing",
            "bad" if down else "slow",
            at,
            "Gửi phúc đáp không thành công.",
            _sentence("Answers do not get through.", channel.write_error),
            "Hệ thống tự gửi lại, không phúc đáp nào bị mất.",
            "They are sent again by themselves; none is lost.",
            f"{channel.write_error_code}: {channel.write_error or ''}",
        )
    if channel.write_open_until is not None and channel.write_open_until > now:
        return Light("writing", "slow", at, "Cổng yêu cầu gửi chậm lại.", "The portal asks for fewer writes.")
    return Light("writing", "unknown" if at is None and not waiting else "good", at)


def _idle(cause_vi: str, cause_en: str) -> tuple[Light, ...]:
    names = ("reachable", "signed_in", "parsing")
    return tuple(Light(name, "off", None, cause_vi, cause_en) for name in names)


def _paused(light: Light) -> Light:
    return Light(
        light.name, "off", light.at, "Kênh đang tạm dừng.", "The channel is paused.", "Bấm Tiếp tục khi cần.",
        "Press Resume when it is wanted.",
    )  # fmt: skip
