"""Status words without a meaning on screen: told, given a meaning by who operates channels, taken back."""

from __future__ import annotations

from aggregator.sdk.contract import SourceStatus
from tests.web.office import Browser, Office, soup

CHANNEL = "/channels/cong-1022"
PAGE = f"{CHANNEL}/statuses"
WORD = "Chờ phân công <b>"


def strange(office: Office, count: int = 1) -> None:
    office.receive(
        *(office.report(status_raw=WORD, status=SourceStatus.UNMAPPED) for _ in range(count)),
        office.report(status_raw="DA_XU_LY", status=SourceStatus.RESOLVED),
    )


def test_an_unknown_word_stands_on_the_channel_with_cases_and_the_bell_tells_of_it(
    office: Office, lan: Browser, admin: Browser
) -> None:
    assert "Mọi chữ trạng thái" in soup(lan.get(CHANNEL)).text
    strange(office, 4)
    page = soup(admin.get(CHANNEL))
    word = page.select_one(".word")
    assert WORD in word.text and "4 phản ánh đang hiện" in word.text
    assert len(word.select("a")) == 3, "three example cases"
    assert [option["value"] for option in word.select("option")] == [
        "", "new", "accepted", "in_progress", "waiting", "needs_info", "resolved", "rejected", "duplicate",
        "reopened",
    ]  # fmt: skip
    for address in (CHANNEL, "/notices", "/channels"):
        assert "chữ trạng thái mà hệ thống chưa hiểu" in soup(admin.get(address)).text
    assert page.select_one("nav .badge") is not None
    mine = soup(lan.get(f"{CHANNEL}/differences"))
    assert WORD in mine.select_one(".word").text
    assert mine.select_one(".word form") is None and "báo quản trị viên" in mine.text


def test_one_press_gives_it_a_meaning_and_another_takes_it_back(office: Office, admin: Browser) -> None:
    strange(office, 2)
    done = admin.submit(CHANNEL, PAGE, word=WORD, status="waiting")
    assert done.headers["Location"] == CHANNEL
    after = soup(admin.get(CHANNEL))
    assert "2 phản ánh đã lưu được áp nghĩa mới" in after.text and not after.select(".word")
    assert "hệ thống chưa hiểu" not in after.text
    known = next(li for li in soup(admin.get(PAGE)).select(".words-known li") if WORD in li.text)
    assert "kênh đặt riêng" in known.text and "Chờ đơn vị khác" in known.text
    back = admin.submit(PAGE, PAGE, word=WORD, back="1")
    assert back.headers["Location"] == PAGE
    assert WORD in soup(admin.get(PAGE)).select_one(".word").text


def test_the_way_out_is_shown_and_stays_when_a_word_is_added(office: Office, admin: Browser) -> None:
    def way_out() -> str:
        return soup(admin.get(PAGE)).select_one("#out ~ .scroll").text

    before = way_out()
    assert "DA_XU_LY" in before and "DANG_XU_LY" in before
    admin.submit(PAGE, PAGE, word="Hoàn tất", status="resolved")
    assert way_out() == before
    assert "cán bộ chuyển tay" in soup(admin.get("/channels/bang-tinh/statuses")).text


def test_what_is_no_status_is_refused_and_others_may_not(
    office: Office, lan: Browser, hue: Browser, admin: Browser
) -> None:
    strange(office)
    for word, status in ((WORD, "unmapped"), (WORD, ""), ("gọi 0912 345 678", "new"), ("", "new")):
        answer = admin.submit(PAGE, PAGE, word=word, status=status)
        assert answer.status_code == 303 and "Đã lưu" not in admin.get(PAGE).text
    token = soup(lan.get(PAGE)).select_one("[name=csrf_token]")["value"]
    assert lan.client.post(PAGE, data={"csrf_token": token, "word": WORD, "status": "new"}).status_code == 403
    assert hue.get(PAGE).status_code == 404
    outside = admin.submit(PAGE, PAGE, word=WORD, status="new", next="//evil.example/")
    assert "evil" not in outside.headers["Location"]
