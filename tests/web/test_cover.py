"""Absences and fields on screen: who may, what is told, and what a colleague is not told."""

from __future__ import annotations

import pytest

from aggregator.domain.people import Role
from tests.web.office import OTHER, PASSWORD, WARD, Browser, Office, soup


@pytest.fixture(autouse=True)
def colleague(office: Office) -> None:
    office.services.accounts.add("tu", "Phan Văn Tú", Role.OFFICER, WARD, PASSWORD)


def said(browser: Browser, answer: object) -> str:
    assert answer.status_code == 303  # type: ignore[attr-defined]
    return str(soup(browser.get(answer.location)).find(id="said").text.strip())  # type: ignore[attr-defined]


def enters(browser: Browser, **filled: str) -> object:
    return browser.submit(
        "/cover", "/cover", **{"first": "2026-11-10", "last": "12/11/2026", "reason": "sick", **filled}
    )


def test_entering_an_absence_that_nobody_covers_says_so_to_its_officer_and_the_leader(
    office: Office, lan: Browser, minh: Browser
) -> None:
    told = said(lan, enters(lan))
    assert "Không ai trực thay Nguyễn Thị Lan" in told and "đến 12/11" in told
    for address in ("/", "/dashboard", "/cover"):
        assert "Không ai trực thay Nguyễn Thị Lan" in minh.get(address).text, address
    assert "Không ai trực thay" not in lan.get("/").text, "a line for leaders"


def test_a_colleague_sees_who_is_away_and_not_why(
    office: Office, lan: Browser, person: object, hue: Browser
) -> None:
    enters(lan, note="nằm viện")
    assert "Nghỉ ốm" in soup(lan.get("/cover")).select_one("article").text
    tu = person("tu")  # type: ignore[operator]
    seen = soup(tu.get("/cover")).select_one("article").text
    assert "Nguyễn Thị Lan" in seen and "Nghỉ ốm" not in seen and "nằm viện" not in seen
    assert not soup(tu.get("/cover")).select("article form"), "it is not theirs to end"
    assert "Nguyễn Thị Lan" not in hue.get("/cover").text
    token = hue.form("/cover", "/cover")
    assert hue.client.post("/cover/1/end", data={**token, "version": "1"}).status_code == 404
    assert tu.client.post("/cover/1/end", data=tu.form("/cover", "/cover")).status_code == 403


@pytest.mark.parametrize(
    ("filled", "told"),
    [
        ({"last": "2026-11-09"}, "Ngày về phải sau"),
        ({"first": "31/02/2026"}, "không phải là ngày"),
        ({"first": "2026-11-01", "last": "2026-11-02"}, "đã qua rồi"),
    ],
)
def test_a_wrong_date_is_refused_and_what_was_typed_stays(
    office: Office, lan: Browser, filled: dict[str, str], told: str
) -> None:
    answer = enters(lan, note="về quê", **filled)
    assert answer.status_code == 422  # type: ignore[attr-defined]
    page = soup(answer)
    assert told in page.select_one("[role=alert]").text
    assert page.select_one("#note")["value"] == "về quê"


def test_a_stale_page_and_a_form_sent_twice_change_nothing_more(
    office: Office, lan: Browser, minh: Browser
) -> None:
    enters(lan)
    stale = minh.form("/cover", "/cover/1/end")
    tu = office.services.absences.find("tu")
    lan.submit("/cover", "/cover/1/substitute", substitute_id=str(tu))
    assert minh.client.post("/cover/1/end", data=stale).status_code == 409
    form = minh.form("/cover", "/cover/1/end")
    for _ in range(2):
        assert minh.client.post("/cover/1/end", data=form).status_code == 303
    again = minh.client.post("/cover/1/end", data={**form, "once": "another"})
    assert again.status_code == 422 and "đã kết thúc" in again.text


def test_the_leader_says_who_handles_what_and_an_officer_only_reads_it(
    office: Office, lan: Browser, minh: Browser, hue: Browser
) -> None:
    lan_id = office.actor("lan").id
    assert "Lĩnh vực không ai phụ trách" in minh.get("/cover/fields").text
    answer = minh.submit("/cover/fields", f"/cover/fields/officer/{lan_id}", field=["dien", "cap_nuoc"])
    assert "Đã lưu" in said(minh, answer)
    assert "Điện lực" in soup(lan.get("/cover/fields")).select("article")[-3].text
    assert not soup(lan.get("/cover/fields")).select("main form")
    form = lan.form("/cover", "/cover")
    assert lan.client.post(f"/cover/fields/officer/{lan_id}", data=form).status_code == 403
    minh.submit("/cover/fields", "/cover/fields/unit", nth=2, name="Tổ Điện", field="dien")
    assert "Tổ Điện" in minh.get("/cover/fields").text
    form = {**minh.form("/cover", "/cover"), "ward": OTHER, "name": "Tổ lạ"}
    assert minh.client.post("/cover/fields/unit", data=form).status_code == 404
    assert "Tổ Điện" not in hue.get("/cover/fields").text


def test_a_case_of_several_units_shows_each_task_and_the_earliest_deadline(
    office: Office, lan: Browser
) -> None:
    office.receive(office.report())
    units = {one.label: one.value for one in office.services.inbox.choices(office.actor("lan")).units}
    other = units["Công an phường"]
    assert "Hạn 17:00 25/11/2026" in soup(lan.get("/cases/1")).select_one(".facts").text
    answer = lan.submit("/cases/1", "/cases/1/units", with_unit_id=other, task="Giữ trật tự",
                        unit_until="2026-11-13")  # fmt: skip
    assert "Đã thêm đơn vị phối hợp" in said(lan, answer)
    page = soup(lan.get("/cases/1"))
    assert "Công an phường phải xong phần việc trước 17:00 13/11/2026" in " ".join(page.main.text.split())
    assert "Hạn 17:00 25/11/2026" not in page.select_one(".facts").text, "fifteen days now"
    lan.submit("/cases/1", f"/cases/1/units/{other}", step="done")
    assert "đã làm xong phần việc" in soup(lan.get("/cases/1")).select_one(".timeline").text
    refused = lan.submit("/cases/1", "/cases/1/units", with_unit_id=other, task="Giữ nữa")
    assert refused.status_code == 422 and soup(refused).select_one("#task")["value"] == "Giữ nữa"


def test_a_matter_for_another_body_is_answered_with_its_name(
    office: Office, lan: Browser, admin: Browser, hue: Browser
) -> None:
    office.receive(office.report(category_raw="Điện"))
    answer = admin.submit("/bodies", "/bodies", name="Điện lực Bến Nghé", contact="1900 0000", field="dien")
    assert answer.status_code == 303
    offered = soup(lan.get("/cases/1/refuse"))
    link = next(a for a in offered.select("main li a") if "Bến Nghé" in a.text)
    assert "đúng lĩnh vực" in link.parent.text
    text = lan.form(link["href"], "/cases/1/refuse")["body"]
    assert "Điện lực Bến Nghé (1900 0000)" in text
    answer = lan.submit(link["href"], "/cases/1/refuse", body=f"{text}\nLan")
    assert "Phúc đáp đang được chuyển" in said(lan, answer)
    page = soup(lan.get("/cases/1"))
    assert "thuộc Điện lực Bến Nghé" in page.select_one(".timeline").text
    assert "Từ chối" in page.select_one(".bar").text
    assert hue.get("/cases/1/refuse").status_code == 404
