"""An office behind a real web server, for browsers."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Page
from werkzeug.serving import make_server

from aggregator.sdk.contract import Location, Person
from tests.web.office import PASSWORD, Office


@contextmanager
def serving(office: Office) -> Iterator[str]:
    """The office's address while the block runs."""
    # Not waitress: it has no way to be stopped from another thread.
    server = make_server("127.0.0.1", 0, office.app(), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()


def furnished(template: Path, folder: Path) -> Office:
    """A furnished office in the present: a browser has its own clock."""
    folder.mkdir()
    shutil.copyfile(template, folder / "motmoi.db")
    office = Office(f"sqlite:///{folder / 'motmoi.db'}", folder)
    office.clock.at = datetime.now(UTC).replace(microsecond=0)
    office.furnish()
    return office


def fill(office: Office) -> None:
    """A morning's reports: plain, long and ugly ones, twins on two channels, old and new."""
    now = office.clock.at
    long = "Kính gửi Ủy ban nhân dân phường. " + "Chuông báo cháy chung cư kêu suốt đêm không ai xử lý. " * 40
    office.clock.at = now - timedelta(days=20)
    office.receive(
        office.report(subject="Cây xanh ngã chắn lối đi hẻm 8", location=Location(address="8 Pasteur")),
        office.report(subject="Rác" + "tồnđọng" * 18, body=long, location=Location(address="kiệt 343/12/5A")),
    )
    office.clock.at = now - timedelta(hours=26)
    twin = office.report(
        subject="Hố ga mất nắp trước 12 Lê Lợi",
        body="Hố ga trước số nhà 12 đường Lê Lợi mất nắp, rất nguy hiểm cho trẻ em đi học.",
        location=Location(address="12 Lê Lợi", area="Phường Bến Nghé"),
    )
    office.receive(twin)
    office.clock.wait(hours=3)
    again = office.report(
        subject=twin.subject, body=twin.body + " Đề nghị xử lý gấp!", location=twin.location,
        person=Person(anonymous=True),
    )  # fmt: skip
    office.receive(again, channel="bang-tinh", broken=1)
    office.clock.wait(hours=1)
    office.receive(
        *(
            office.report(subject=subject, body=subject + ", mong xử lý.", location=Location(address=at))
            for subject, at in (
                ("Đèn đường hỏng", "45 Đồng Khởi"),
                ("Quán karaoke ồn ào sau 23 giờ", "7/2 Thái Văn Lung"),
                ("Lấn chiếm vỉa hè để xe máy", "ngã ba Lê Thánh Tôn – Hai Bà Trưng"),
            )
        )
    )
    office.clock.at = now
    office.services.deadlines.sweep()


__all__ = ["PASSWORD", "fill", "furnished", "serving"]


def sign_in(page: Page, address: str) -> None:
    """Lan signs in, and is at her inbox."""
    page.goto(f"{address}/sign-in")
    page.get_by_label("Tên đăng nhập").fill("lan")
    page.get_by_label("Mật khẩu").fill(PASSWORD)
    page.get_by_role("button", name="Đăng nhập").click()
    page.wait_for_url(re.compile(r"/$"))
