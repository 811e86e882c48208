"""How a message's way is told to the officer: where it is, why it waits, what to do next.

What may surprise: a waiting message is told by what holds it, and the channel comes first. A portal
that is away is not the message's fault, and nobody should type an answer a second time for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from math import ceil
from typing import Any

from aggregator.domain.delivery import NO_KIND, WAITING, Delivery
from aggregator.domain.local_time import near_moment_vi
from aggregator.domain.runs import ENTRY_KIND
from aggregator.domain.worktime import VN
from aggregator.errors import ByHand, NoWord
from aggregator.services.views.delivery import DeliveryView
from aggregator.storage import outbox_queries
from aggregator.storage.db import Tx

_PAUSED = "Kênh đang tạm dừng. Phúc đáp sẽ tự gửi khi kênh chạy lại."
_HELD = {
    "needs_reauth": "Kênh cần đăng nhập lại. Người quản trị kết nối lại ở mục Kênh, rồi phúc đáp tự gửi.",
    "misconfigured": "Cài đặt của kênh chưa đúng. Người quản trị sửa ở mục Kênh, rồi phúc đáp tự gửi.",
}
_BEHIND = "Chờ phúc đáp trước của cùng phản ánh này gửi xong, để đến nơi đúng thứ tự."
_PLAIN = {
    Delivery.LEASED: "Đang gửi.",
    Delivery.SENT: "Cổng đã nhận. Lần đọc tới sẽ xác nhận cổng đã hiển thị.",
    Delivery.ACKNOWLEDGED: "Cổng đã hiển thị phúc đáp này.",
    Delivery.MANUAL: "Kênh này không nhận gửi tự động. Mở phản ánh trên cổng, dán nội dung phúc đáp, "
    "rồi đánh dấu đã chuyển.",
    Delivery.UNCLEAR: "Không kiểm tra được cổng đã nhận hay chưa. Mở phản ánh trên cổng để xem, "
    "rồi chọn “Đã có” hoặc “Chưa có, gửi lại”.",
    Delivery.DEAD: "Cổng từ chối phúc đáp này. Xem lý do, rồi gửi lại hoặc tự chuyển qua cổng và "
    "đánh dấu đã chuyển.",
    Delivery.WITHDRAWN: "Đã hoàn tác trước khi gửi: không ai ngoài cơ quan đọc được phúc đáp này.",
}
_ENTERED = "Người dân đến trực tiếp hoặc gọi điện: báo cho họ theo nội dung dưới đây, rồi đánh dấu đã chuyển."
_IN_PERSON = (
    "Không gửi tự động được, vì lý do bên cạnh. Báo cho người dân (gọi điện, nhắn tin, gửi giấy) "
    "theo nội dung dưới đây, rồi đánh dấu đã chuyển."
)
#: Why a person has it, by its error code.
_BY_HAND = {
    ByHand.code: _IN_PERSON,
    NO_KIND: "Cổng này không nhận loại phúc đáp như vậy. Mở phản ánh trên cổng (hoặc báo trực tiếp cho người "
    "dân), chuyển nội dung phúc đáp, rồi đánh dấu đã chuyển.",
    NoWord.code: "Kênh chưa khai báo trạng thái của cổng cho loại phúc đáp này. Người quản trị bổ sung ở mục "
    "Kênh rồi gửi lại; hoặc tự chuyển qua cổng và đánh dấu đã chuyển.",
}
_UNSEEN = (
    "Đã đánh dấu chuyển tay, nhưng các lần đọc sau đó chưa thấy trên cổng. Mở cổng xem lại, "
    "rồi chọn ở mục Chuyển tay."
)
_CARRIED = "Cán bộ đã chuyển qua cổng. Lần đọc tới sẽ xác nhận cổng đã hiển thị."


def deliveries_of_case(tx: Tx, case_ids: Iterable[int], now: datetime) -> list[DeliveryView]:
    """Every message of these cases, in the order they were queued. Scoping is the caller's."""
    return [view(row, now) for row in outbox_queries.of_case(tx, case_ids)]


def view(row: Any, now: datetime) -> DeliveryView:
    state = Delivery(row.state)
    return DeliveryView(
        id=row.id, reply_id=row.reply_id, report_id=row.report_id, external_id=row.external_id,
        channel=row.channel, channel_slug=row.slug, state=state, attempts=row.attempts,
        next_attempt_at=row.next_attempt_at, sent_at=row.sent_at, acknowledged_at=row.acknowledged_at,
        error=row.error, held=_held(row, now) is not None, hint_vi=hint_vi(row, now), url=row.url,
        error_vi=row.error_vi, error_code=row.error_code, carried=row.officer_id is not None,
        unseen=bool(row.unseen), files_left=_files_left(row, state),
    )  # fmt: skip


def _files_left(row: Any, state: Delivery) -> int:
    """Who carries an answer over by hand has all of its files before them."""
    by_hand = row.officer_id is not None or state in (Delivery.MANUAL, Delivery.DEAD, Delivery.WITHDRAWN)
    return 0 if by_hand else row.files_left


def hint_vi(row: Any, now: datetime) -> str:
    """One or two plain sentences: why it is where it is, and the next step."""
    state = Delivery(row.state)
    if row.unseen:
        return _UNSEEN
    if state is Delivery.SENT and row.officer_id is not None:
        return _CARRIED
    if state is Delivery.MANUAL and row.channel_kind == ENTRY_KIND:
        return _ENTERED
    if state is Delivery.MANUAL and row.error_code in _BY_HAND:
        return _BY_HAND[row.error_code]
    if state in _PLAIN:
        return _PLAIN[state]
    if row.undo_until is not None and now < row.undo_until:
        return f"Gửi {moment(row.undo_until, now)}; đến lúc đó còn hoàn tác được."
    if (held := _held(row, now)) is not None:
        return held
    if row.behind:
        return _BEHIND
    if state is Delivery.CONFIRMING:
        return (
            f"Chưa rõ cổng đã nhận chưa. Hệ thống xem lại trên cổng {moment(row.next_attempt_at, now)}, "
            "chỉ gửi lại nếu chưa có."
        )
    if row.attempts:
        return f"Lần gửi trước chưa tới nơi. Tự gửi lại {moment(row.next_attempt_at, now)}."
    return "Đang chờ gửi, thường chỉ trong giây lát."


def _held(row: Any, now: datetime) -> str | None:
    """Why nothing goes to the whole channel just now; None where the channel is open."""
    if row.state not in WAITING:
        return None
    if row.paused:
        return _PAUSED
    if row.channel_state in _HELD:
        return _HELD[row.channel_state]
    if row.write_open_until is None or row.write_open_until <= now:
        return None
    when = moment(row.write_open_until, now)
    if row.write_error_code == "rate_limited":
        return f"Cổng yêu cầu gửi chậm lại. Tự gửi {when}."
    return f"Cổng đang không nhận được phúc đáp. Tự gửi lại {when}, không cần nhập lại."


def moment(at: datetime | None, now: datetime) -> str:
    """When, in words that follow a verb: at once, in so many seconds, at that hour."""
    if at is None or at <= now:
        return "ngay bây giờ"
    local, today = at.astimezone(VN), now.astimezone(VN).date()
    if (at - now).total_seconds() < 60:
        return f"sau {ceil((at - now).total_seconds())} giây"
    return f"lúc {local:%H:%M}" if local.date() == today else f"lúc {near_moment_vi(at)}"
