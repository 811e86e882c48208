"""Sets the day up: migrate, people, portals, channels, a first poll, and work already under way.

    folder | people | portals | channels | poll each | some answered, one refused, one portal away

Everything happens through the product's own verbs over real HTTP, so what the demo shows is what the
product does. What may surprise: one portal is switched off at the end and one answer was refused by
its source; both are there to be seen, and can be mended through the portals' control addresses.
"""

from __future__ import annotations

import csv
import dataclasses
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from aggregator.bootstrap import Aggregator, build
from aggregator.demo import portals
from aggregator.demo.stories import STORIES
from aggregator.domain.people import Actor, Role
from aggregator.domain.workflow import ReplyKind
from aggregator.sdk.sandbox import Running, serve
from aggregator.services import starting_set
from aggregator.services.views.inbox import InboxFilter
from aggregator.settings import Settings
from aggregator.storage import migrate

WARD, OTHER_WARD = "27142", "26740"
PASSWORD = "mat-khau-thu"

#: slug -> title, connector kind (None: a folder of spreadsheets), options of the simulated portal
PORTALS: dict[str, tuple[str, str | None, dict[str, Any]]] = {
    "1022": ("Cổng 1022", "portal_1022", {"auth": "jwt", "accounts": {"phuong": PASSWORD}}),
    "dvcqg": ("Cổng Dịch vụ công quốc gia", "national_bus", {"dated": True}),
    "quan-3": ("Quận 3 trực tuyến (cũ)", "district_html", {"face": "table"}),
    "binh-thanh": ("Ứng dụng Bình Thạnh (cũ)", "district_html", {"face": "cards"}),
    "so-tiep-dan": ("Sổ tiếp dân và đường dây nóng", None, {}),
}

UNITS: tuple[tuple[str, list[str]], ...] = (
    ("Tổ Hạ tầng và Đô thị", ["giao_thong", "ha_tang", "thoat_nuoc", "cap_nuoc", "chieu_sang", "vien_thong"]),
    ("Tổ Môi trường", ["moi_truong", "cay_xanh", "an_toan_thuc_pham"]),
    ("Công an phường", ["an_ninh", "tieng_on"]),
    ("Tổ Trật tự đô thị", ["trat_tu"]),
    ("Trung tâm Phục vụ hành chính công", ["hanh_chinh"]),
)


@dataclass(frozen=True, slots=True)
class SignIn:
    login: str
    password: str
    role_vi: str


@dataclass(slots=True)
class Day:
    """The demo as it stands; `close` ends the portals and the database."""

    product: Aggregator
    running: dict[str, Running]
    sign_ins: tuple[SignIn, ...]

    def close(self) -> None:
        for one in self.running.values():
            one.close()
        self.product.close()


def prepare(
    folder: Path,
    *,
    port: int,
    seed: int,
    count: int,
    undo_s: float,
    every_s: int,
    tell: Callable[[str], None],
) -> Day:
    """The whole day in `folder`; `tell` hears each step in words.

    `undo_s`: how long an answer can be taken back; `every_s`: how often the portals are read.
    """
    settings = Settings(
        database_url=f"sqlite:///{folder / 'motmoi.db'}",
        data_dir=folder,
        port=port,
        tick_s=0.5,
        undo_s=undo_s,
    )
    tell("Tạo cơ sở dữ liệu / creating the database")
    migrate.upgrade(settings.database_url)
    # What is answered here was answered long ago: nobody takes it back.
    product = build(dataclasses.replace(settings, undo_s=0))
    now = product.clock()
    starting_set.seed(product.db, now)
    sign_ins = _people(product)
    tell("Mở các cổng giả lập / starting the simulated portals")
    day = portals.problems(seed, count, now)
    running = {
        slug: _portal(product, kind, {**options, "reports": list(portals.reports_for(slug, day, seed))})
        for slug, (_, kind, options) in PORTALS.items()
        if kind
    }
    _paper_book(folder, [*portals.reports_for("so-tiep-dan", day, seed)])
    _channels(product, running, folder, every_s)
    for slug in PORTALS:
        result = product.polling.poll(slug)
        tell(f"{PORTALS[slug][0]}: {result.counts.stored} phản ánh / reports")
    _poll_other_ward(product, folder, every_s, tell)
    _work_under_way(product, running, sign_ins)
    product.close()
    return Day(build(settings), running, sign_ins)


def _people(product: Aggregator) -> tuple[SignIn, ...]:
    accounts = product.accounts
    accounts.ensure_ward(WARD, "Phường Nhiêu Lộc")
    accounts.ensure_ward(OTHER_WARD, "Phường Sài Gòn")
    units = [accounts.ensure_unit(WARD, name, codes) for name, codes in UNITS]
    people = (
        ("lan", "Nguyễn Thị Lan", Role.OFFICER, WARD, units[1], "cán bộ / officer, Phường Nhiêu Lộc"),
        ("minh", "Trần Quang Minh", Role.LEADER, WARD, None, "lãnh đạo / leader, Phường Nhiêu Lộc"),
        ("quantri", "Quản trị viên", Role.ADMIN, None, None, "quản trị / admin"),
        ("hue", "Lê Thị Huệ", Role.OFFICER, OTHER_WARD, None, "cán bộ / officer, Phường Sài Gòn"),
    )
    return tuple(
        SignIn(login, accounts.add(login, name, role, ward, None, unit_id=unit), title)
        for login, name, role, ward, unit, title in people
    )


def _portal(product: Aggregator, kind: str, scenario: Mapping[str, Any]) -> Running:
    sandbox = importlib.import_module(f"{product.connectors[kind].module}.sandbox")
    return serve(sandbox.build(scenario))


def _channels(product: Aggregator, running: Mapping[str, Running], folder: Path, every_s: int) -> None:
    for slug, (title, kind, options) in PORTALS.items():
        if kind is None:
            product.channels.add(_book_spec(slug, title, WARD, folder / "so-tiep-dan", every_s))
            continue
        config, secrets = _settings_for(product, kind, running[slug].url, options)
        spec = {"slug": slug, "kind": kind, "title": title, "ward": WARD, "config": config,
                "secrets": secrets, "options": _options(every_s)}  # fmt: skip
        product.channels.add(spec)


def _options(every_s: int) -> dict[str, Any]:
    """Quick turns, so that a person trying things out sees them happen. Real channels wait minutes."""
    return {
        "allow_private": True, "interval_s": every_s, "retry_first_s": every_s / 5,
        "retry_cap_s": every_s * 1.5, "settle_s": every_s * 0.3, "min_gap_s": 0,
    }  # fmt: skip


def _settings_for(
    product: Aggregator, kind: str, url: str, options: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    if kind == "portal_1022":
        config = {"base_url": url, "scope": "officer", "auth": "jwt", "refresh_open_minutes": 1}
        return config, {"username": "phuong", "password": PASSWORD}
    sandbox = importlib.import_module(f"{product.connectors[kind].module}.sandbox")
    found: tuple[dict[str, Any], dict[str, str]] = sandbox.settings_for(url, options)
    return found


_COLUMNS = {
    "external_id": "Số", "received_at": "Ngày nhận", "subject": "Tóm tắt", "body": "Nội dung",
    "category": "Lĩnh vực", "address": "Địa chỉ", "name": "Họ tên", "phone": "Điện thoại",
    "lat": "Vĩ độ", "lng": "Kinh độ",
}  # fmt: skip


def _book_spec(slug: str, title: str, ward: str, folder: Path, every_s: int) -> dict[str, Any]:
    return {
        "slug": slug, "kind": "spreadsheet", "title": title, "ward": ward,
        "config": {"folder": str(folder), "columns": _COLUMNS, "settle_s": 0}, "secrets": {},
        "options": {"interval_s": every_s},
    }  # fmt: skip


def _paper_book(folder: Path, reports: list[dict[str, Any]], name: str = "so-tiep-dan") -> None:
    """The hotline's book as a CSV file in its drop folder."""
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    with (place / "so-thang-nay.csv").open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS.values())
        for one in reports:
            writer.writerow(
                (one["id"], one["created"], one["subject"], one["body"], one["category"], one["address"],
                 one["name"], one["phone"], one.get("lat"), one.get("lng"))
            )  # fmt: skip


def _poll_other_ward(product: Aggregator, folder: Path, every_s: int, tell: Callable[[str], None]) -> None:
    """A few reports of another ward, which nobody here may see."""
    now = product.clock()
    day = portals.problems(99, 6, now)[1:]
    reports = [report for slug in PORTALS if slug != "1022" for report in portals.reports_for(slug, day, 99)]
    for number, report in enumerate(reports, 1):
        report["id"] = f"SG-{number:04}"
    _paper_book(folder, reports, "so-sai-gon")
    title = "Sổ tiếp dân Phường Sài Gòn"
    product.channels.add(_book_spec("so-sai-gon", title, OTHER_WARD, folder / "so-sai-gon", every_s))
    result = product.polling.poll("so-sai-gon")
    tell(f"{title}: {result.counts.stored} phản ánh / reports")


def _work_under_way(
    product: Aggregator, running: Mapping[str, Running], sign_ins: tuple[SignIn, ...]
) -> None:
    lan = product.accounts.who(product.accounts.sign_in("lan", sign_ins[0].password)[0])
    assert lan is not None
    product.deadlines.sweep()
    _assign_some(product, lan)
    _answer_some(product, lan, running["1022"])
    control(running["binh-thanh"].url, {"kind": "outage", "count": None})
    for _ in range(3):
        product.polling.poll("binh-thanh")


def _assign_some(product: Aggregator, lan: Actor) -> None:
    rows = product.inbox.page(lan, InboxFilter(size=60)).rows
    units = {choice.label: int(choice.value) for choice in product.inbox.choices(lan).units}
    for number, row in enumerate(rows[4:40]):
        if number % 3 == 0:
            product.cases.assign(lan, row.id, unit_id=units.get(row.unit or ""), officer_id=lan.id)
        if number % 11 == 5:
            product.cases.pause(lan, row.id, "needs_info", "Chưa rõ địa chỉ, đã gọi lại cho người phản ánh")


def _answer_some(product: Aggregator, lan: Actor, portal: Running) -> None:
    """Four answers that arrive, one of them late, then one that the 1022 portal refuses for good."""
    rows = product.inbox.page(lan, InboxFilter(channel="1022", size=60)).rows
    late = [row for row in rows if row.stage == "overdue"]
    in_time = [row for row in rows if row.stage == "none"]
    for row in [*late[:1], *in_time[:3]]:
        product.cases.reply(lan, row.id, ReplyKind.RESULT, _ANSWERS.get(row.title, _ANSWER))
    product.outbox.drain("demo")
    for row in in_time[3:4]:
        control(portal.url, {"kind": "status", "code": 422, "count": 1, "path": "/xuly"})
        product.cases.reply(lan, row.id, ReplyKind.RESULT, _ANSWERS.get(row.title, _ANSWER))
        product.outbox.drain("demo")


_ANSWERS = {story.subject: story.answer for story in STORIES}
_ANSWER = (
    "Phường đã cử cán bộ kiểm tra hiện trường và phối hợp đơn vị liên quan xử lý xong. "
    "Cảm ơn ông/bà đã phản ánh."
)


def control(url: str, fault: Mapping[str, Any]) -> None:
    """Plan a fault at a simulated portal through its control address."""
    requests.post(f"{url}/_control/faults", json=dict(fault), timeout=5).raise_for_status()
