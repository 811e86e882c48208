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

from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregator.domain.drift_texts import NEXT_EN, NEXT_VI
from aggregator.domain.polling import DOWN, DOWN_AFTER, State
from aggregator.services.views import Light
from aggregator.storage.channel_queries import ChannelRow

#: A channel of a short interval is still given this long before its silence is an alarm.
SHORTEST_SILENCE = timedelta(minutes=10)
_WORST_FIRST = ("bad", "slow", "good", "off")


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
        "Sửa địa chỉ hoặc cài đặt của kênh, bấm Kiểm tra, rồi bấm Tiếp tục.",
        "Correct the address or settings, press Check, then Resume.",
    ),
    "auth_failed": _Words(
        "signed_in",
        "Cổng từ chối tài khoản của chúng ta.",
        "The portal refuses our account.",
        "Nhập lại mật khẩu hoặc khoá truy cập của kênh, bấm Kiểm tra, rồi bấm Tiếp tục.",
        "Enter the channel's password or key again, press Check, then Resume.",
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
        "Báo cho người phụ trách bộ kết nối; chi tiết ở nhật ký kỹ thuật. Sửa xong bấm Tiếp tục.",
        "Tell the connector's maintainer; details are in the technical log. Press Resume after the fix.",
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
    called: tuple[Light, ...] | None = None,
) -> tuple[Light, ...]:  # fmt: skip
    """The five lights. `waiting`: answers on their way; `quarantined`: open items nobody could read.

    `called`: the first four of a channel that is not read at all, because its source calls us.
    """
    reading = _reading(channel, quarantined) if can_read else _idle("Kênh nhập bằng tệp.", "Fed by files.")
    fresh = _fresh(channel, now) if can_read else Light("fresh", "off", channel.last_item_at)
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
        state = "off" if channel.last_success_at is None else "good"
        reachable, signed_in, parsing = (Light(name, state, channel.last_success_at) for name in names)
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
        _sentence(words.cause_vi, channel.last_error_vi),
        _sentence(words.cause_en, channel.last_error),
        words.next_vi,
        words.next_en,
    )


def _sentence(cause: str, detail: str | None) -> str:
    return f"{cause} ({detail})" if detail else cause


def _unknown(name: str, at: datetime | None) -> Light:
    return Light(
        name, "off", at, "Chưa biết: lần đọc gần nhất không tới được bước này.",
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


def _fresh(channel: ChannelRow, now: datetime) -> Light:
    at, allowed = channel.last_success_at, silence_allowed(channel)
    silent = now - (at or channel.created_at)
    if silent <= allowed:
        if at is None:
            return Light("fresh", "off", None, "Đang chờ lần đọc đầu tiên.", "Waiting for the first read.")
        return Light("fresh", "good", at)
    minutes = int(silent.total_seconds() // 60)
    return Light(
        "fresh",
        "bad",
        at,
        f"Đã {minutes} phút không đọc được dữ liệu mới (cho phép {int(allowed.total_seconds() // 60)} phút).",
        f"Nothing was read for {minutes} minutes ({int(allowed.total_seconds() // 60)} are allowed).",
        "Xem các đèn trên để biết nguyên nhân; nếu các đèn đều xanh, kiểm tra tiến trình nền (worker).",
        "See the lights above for the cause; if they are all good, check that a worker runs.",
    )


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
            _sentence("Gửi phúc đáp không thành công.", channel.write_error),
            _sentence("Answers do not get through.", channel.write_error),
            "Hệ thống tự gửi lại, không phúc đáp nào bị mất.",
            "They are sent again by themselves; none is lost.",
        )
    if channel.write_open_until is not None and channel.write_open_until > now:
        return Light("writing", "slow", at, "Cổng yêu cầu gửi chậm lại.", "The portal asks for fewer writes.")
    return Light("writing", "off" if at is None and not waiting else "good", at)


def _idle(cause_vi: str, cause_en: str) -> tuple[Light, ...]:
    names = ("reachable", "signed_in", "parsing")
    return tuple(Light(name, "off", None, cause_vi, cause_en) for name in names)


def _paused(light: Light) -> Light:
    return Light(
        light.name, "off", light.at, "Kênh đang tạm dừng.", "The channel is paused.", "Bấm Tiếp tục khi cần.",
        "Press Resume when it is wanted.",
    )  # fmt: skip
