"""What a certificate's one sentence says, and that it never flatters."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.domain.certificates import (
    Arrival,
    Handling,
    Interruption,
    Outcome,
    outcome,
    serial,
    typed,
)
from aggregator.domain.worktime import VN


def at(text: str) -> datetime:
    return datetime.strptime(text, "%d/%m/%Y %H:%M:%S").replace(tzinfo=VN)


NAME = "Phường Bến Nghé"
DUE = at("20/11/2026 17:00:00")


@pytest.mark.parametrize(
    ("answered", "due", "told", "note"),
    [
        (
            "20/11/2026 16:40:00", DUE,
            f"{NAME} trả lời lúc 16:40 ngày 20/11/2026, trước hạn 17:00; kết luận: xử lý trong hạn.",
            "the same day: the deadline's hour is enough",
        ),
        (
            "18/11/2026 09:05:00", DUE,
            f"{NAME} trả lời lúc 09:05 ngày 18/11/2026, trước hạn 17:00 ngày 20/11/2026; "
            "kết luận: xử lý trong hạn.",
            "another day: it is told",
        ),
        (
            "22/11/2026 20:01:30", DUE,
            f"{NAME} trả lời lúc 20:01 ngày 22/11/2026, sau hạn 17:00 ngày 20/11/2026 (quá 2 ngày 3 giờ); "
            "kết luận: xử lý quá hạn.",
            "late is said as plainly, with how much",
        ),
        (
            "20/11/2026 17:00:00", DUE,
            f"{NAME} trả lời lúc 17:00 ngày 20/11/2026 (17:00:00), đúng hạn 17:00:00; "
            "kết luận: xử lý trong hạn.",
            "the very second is in time",
        ),
        (
            "20/11/2026 17:00:01", DUE,
            f"{NAME} trả lời lúc 17:00 ngày 20/11/2026, sau hạn 17:00:00 (quá 1 giây); "
            "kết luận: xử lý quá hạn.",
            "one second later is not, though the minute is the same",
        ),
        (
            "20/11/2026 23:50:00", at("21/11/2026 00:00:00"),
            f"{NAME} trả lời lúc 23:50 ngày 20/11/2026, trước hạn 24:00 ngày 20/11/2026; "
            "kết luận: xử lý trong hạn.",
            "midnight ends a day",
        ),
        (
            "20/11/2026 16:40:00", None,
            f"{NAME} trả lời lúc 16:40 ngày 20/11/2026, không có quy định thời hạn nào áp dụng; "
            "kết luận: không có thời hạn để so sánh.",
            "no rule: nothing is claimed",
        ),
    ],
)  # fmt: skip
def test_the_sentence(answered: str, due: datetime | None, told: str, note: str) -> None:
    when = at(answered)
    assert Handling(NAME, outcome(when, due), when, due).sentence() == told, note


def test_the_sentence_tells_of_the_portal_that_was_away() -> None:
    handling = Handling(
        NAME, Outcome.IN_TIME, at("20/11/2026 16:40:00"), DUE,
        [
            Interruption(
                "Cổng 1022", at("20/11/2026 14:00:00"), at("22/11/2026 08:00:00"), at("22/11/2026 08:15:00")
            ),
            Interruption("Zalo", at("20/11/2026 16:41:00"), at("20/11/2026 16:41:00"), None, "write", True),
        ],
        [Arrival("Cổng 1022", at("22/11/2026 08:16:00")), Arrival("Zalo", None),
         Arrival("Bảng tính", at("20/11/2026 17:30:00"), by_hand=True)],
    )  # fmt: skip
    assert handling.sentence() == (
        f"{NAME} trả lời lúc 16:40 ngày 20/11/2026, trước hạn 17:00; "
        "Cổng 1022 không truy cập được trong các lần thử từ 14:00 ngày 20/11/2026 đến 08:00 ngày 22/11/2026, "
        "dùng lại được lúc 08:15 ngày 22/11/2026; "
        "Zalo không nhận được phúc đáp lúc 16:41 ngày 20/11/2026, chưa thấy dùng lại được "
        "(có thể do mạng của đơn vị); "
        "phúc đáp được chuyển tới Cổng 1022 lúc 08:16 ngày 22/11/2026; "
        "phúc đáp chưa tới Zalo, hệ thống đang tiếp tục chuyển; "
        "phúc đáp cán bộ chuyển tới Bảng tính lúc 17:30 ngày 20/11/2026; kết luận: xử lý trong hạn."
    )


def test_what_an_old_entry_does_not_hold_is_not_claimed() -> None:
    told = Handling(NAME, Outcome.UNPROVEN, at("20/11/2026 16:40:00"), DUE).sentence()
    assert "nhật ký khi đó chưa ghi hạn" in told
    assert told.endswith("chưa đủ căn cứ trong nhật ký để xác nhận trong hạn hay quá hạn.")


@given(seconds=st.integers(-(10**7), 10**7), micro=st.integers(0, 999_999))
def test_in_time_is_up_to_the_second_of_the_deadline(seconds: int, micro: int) -> None:
    answered = DUE + timedelta(seconds=seconds, microseconds=micro)
    assert outcome(answered, DUE) is (Outcome.IN_TIME if seconds <= 0 else Outcome.LATE)
    told = Handling(NAME, outcome(answered, DUE), answered, DUE).sentence()
    assert ("quá hạn" in told) == (seconds > 0)


def test_a_serial_cannot_be_guessed_and_is_read_off_paper() -> None:
    found = {serial("27142", 2026, 7) for _ in range(200)}
    assert len(found) == 200
    for one in found:
        assert one.startswith("27142-26-0007-")
        assert not set(one) & set("ILOU"), "letters that people take for digits"
        assert typed(f" {one.lower()[:9]} {one.lower()[9:]}\n") == one
