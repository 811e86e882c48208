"""A ward office with people, channels and reports, over a real database, for tests of the screens.

Lan (officer) and Minh (leader) of Bến Nghé, Huệ (officer) of another ward who must not see, and an
administrator of the whole city. `receive` puts reports in through the one door for records.
"""

from __future__ import annotations

import dataclasses
import itertools
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from jinja2.bccache import Bucket, BytecodeCache

from aggregator import bootstrap
from aggregator.domain.people import Actor, Role
from aggregator.domain.runs import Run
from aggregator.sdk.contract import BadRecord, Batch, Location, Person, Problem, RawItem, RawPage, Record
from aggregator.services import starting_set
from aggregator.services.accounts import Accounts
from aggregator.settings import Settings
from aggregator.storage import channel_queries
from inbox_web import create_app

WARD, OTHER = "27142", "26740"
VN = ZoneInfo("Asia/Ho_Chi_Minh")
#: A Tuesday without a holiday near.
START = datetime(2026, 11, 10, 9, 30, tzinfo=VN)
PASSWORD = "mat-khau-thu-nghiem"


class _Compiled(BytecodeCache):
    """Templates compiled once for all the apps of a test run."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._code:
            bucket.bytecode_from_string(self._code[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _Compiled()


class Clock:
    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def wait(self, **span: float) -> None:
        self.at += timedelta(**span)


class Office:
    """The services and the web over one database, and who works there."""

    def __init__(self, url: str, folder: Path, **settings: Any) -> None:
        self.clock = Clock()
        built = bootstrap.build(
            Settings(database_url=url, data_dir=folder, **{"undo_s": 0, **settings}), self.clock
        )
        # The real cost of a password hash is the point of it, and not the point of these tests.
        cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        accounts = Accounts(built.db, self.clock, built.settings, cheap)
        self.services = dataclasses.replace(built, accounts=accounts)
        self._numbers = itertools.count(1)

    def furnish(self) -> None:
        """Wards, units, people and two channels: one takes answers, one does not."""
        services = self.services
        starting_set.seed(services.db, self.clock())
        services.accounts.ensure_ward(WARD, "Phường Bến Nghé")
        services.accounts.ensure_ward(OTHER, "Phường Thảo Điền")
        services.accounts.ensure_unit(WARD, "Phòng Kinh tế, Hạ tầng và Đô thị", ["ha_tang", "thoat_nuoc"])
        services.accounts.ensure_unit(WARD, "Công an phường", ["trat_tu"])
        for login, name, role, ward in (
            ("lan", "Nguyễn Thị Lan", Role.OFFICER, WARD),
            ("minh", "Trần Văn Minh", Role.LEADER, WARD),
            ("hue", "Ngô Thị Huệ", Role.OFFICER, OTHER),
            ("quan-tri", "Phạm Quản Trị", Role.ADMIN, None),
        ):
            services.accounts.add(login, name, role, ward, PASSWORD)
        for slug, kind, title, config in (
            ("cong-1022", "portal_1022", "Cổng 1022", {"base_url": "http://127.0.0.1:9/api"}),
            ("bang-tinh", "spreadsheet", "Bảng tính của phường", {"columns": {"received_at": "Ngày"}}),
        ):
            services.channels.add(
                {"slug": slug, "kind": kind, "title": title, "ward": WARD, "config": config,
                 "options": {"allow_private": True}}
            )  # fmt: skip

    def close(self) -> None:
        self.services.close()

    # What comes in

    def report(self, **given: Any) -> Record:
        number = next(self._numbers)
        values: dict[str, Any] = {
            "external_id": f"PA-{number:04}",
            "occurred_at": self.clock() - timedelta(hours=2),
            "subject": f"Hố ga mất nắp số {number}",
            "body": f"Hố ga thứ {number} trước nhà bị mất nắp, rất nguy hiểm cho người đi đường.",
            "location": Location(address=f"{10 * number} Lê Lợi", area="Phường Bến Nghé"),
            "category_raw": "Thoát nước",
            "status_raw": "Chưa xử lý",
            "person": Person(name="Đặng Văn Thử", phone=f"09010000{number:02}"),
            "url": f"https://1022.example.vn/pa/{number}",
        }
        return Record(**{**values, **given})

    def receive(self, *records: Record, channel: str = "cong-1022", broken: int = 0) -> None:
        """One finished poll of `channel` that found these records, and `broken` unreadable ones."""
        now = self.clock()
        with self.services.db.write() as tx:
            row = channel_queries.by_slug(tx, channel)
            assert row is not None
            leased = channel_queries.claim_one(tx, row.id, "test", now, now + timedelta(minutes=5))
            assert leased is not None
            run_id = channel_queries.start_run(tx, leased, "poll", None, now)
        run = Run(run_id, row.id, channel, row.ward_code, leased.fence, "test", "poll", VN)
        items = tuple(RawItem(record.external_id.encode(), ref=record.external_id) for record in records)
        problems = tuple(
            Problem(
                RawItem(f"broken {n}".encode(), ref=f"data[{n}]"),
                BadRecord("bad date", field="occurred_at", row=n),
            )
            for n in range(broken)
        )
        page = RawPage(b"page", "application/json")
        batch = Batch(records, items, {"at": 1}, pages=(page,), problems=problems, complete=True)
        self.services.intake.receive(run, batch)
        with self.services.db.write() as tx:
            health = {"last_success_at": now, "last_try_at": now, "last_item_at": now}
            channel_queries.finish(tx, run, health, {"outcome": "ok", "finished_at": now})

    # Who works here

    def actor(self, login: str) -> Actor:
        return self.services.accounts.sign_in(login, PASSWORD)[1]

    def app(self) -> Flask:
        app = create_app(self.services)
        app.testing = True
        app.jinja_env.bytecode_cache = _COMPILED
        return app


class Browser:
    """A person at a browser without JavaScript: opens pages, fills in the forms that are on them."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, url: str, **kw: Any) -> Any:
        return self.client.get(url, **kw)

    def sign_in(self, login: str, password: str = PASSWORD, next: str = "") -> Any:
        form = self.form("/sign-in", "/sign-in")
        return self.client.post("/sign-in", data={**form, "login": login, "password": password, "next": next})

    def form(self, page: str, action: str, nth: int = 0) -> dict[str, str]:
        """The fields as they stand in the form of `page` that posts to `action`."""
        answer = self.client.get(page)
        assert answer.status_code == 200, f"{page}: {answer.status_code}"
        return fields(answer.text, action, nth)

    def submit(self, page: str, action: str, nth: int = 0, **filled: Any) -> Any:
        """Fill in and send that form; the answer is not followed."""
        return self.client.post(action, data={**self.form(page, action, nth), **filled})


def fields(html: str, action: str, nth: int = 0) -> dict[str, str]:
    from bs4 import BeautifulSoup

    page = BeautifulSoup(html, "lxml")
    wanted = "" if action == "/sign-in" else action
    forms = [form for form in page.find_all("form", method="post") if form.get("action", "") == wanted]
    assert len(forms) > nth, f"no form for {action}"
    found: dict[str, str] = {}
    for field in forms[nth].find_all(["input", "textarea"]):
        kind = field.get("type", "text")
        if field.get("name") and (kind not in ("radio", "checkbox") or field.has_attr("checked")):
            found[str(field["name"])] = str(
                field.get("value", field.text if field.name == "textarea" else "")
            )
    for select in forms[nth].find_all("select"):
        chosen = select.find("option", selected=True)
        found[str(select["name"])] = str(chosen["value"]) if chosen else ""
    return found


def soup(answer: Any) -> Any:
    from bs4 import BeautifulSoup

    return BeautifulSoup(answer.text, "lxml")
