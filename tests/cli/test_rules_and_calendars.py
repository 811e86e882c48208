"""`motmoi rules`, `motmoi calendar` and `motmoi sla whatif` as a script meets them."""

from __future__ import annotations

from typing import Any

import pytest

WARD = "27142"


def test_a_rule_is_changed_shown_and_given_up(motmoi: Any) -> None:
    listed = {one["key"]: one for one in motmoi.json("rules", "list")}
    assert listed["1022_2025"]["versions"][0]["policy"]["certainty"] == "press_days"
    ran = motmoi("rules", "change", "1022_2025", "--amount", "8", "--why", "Nghị quyết mới")
    assert ran.code == 0 and "version 2, for new reports from now on" in ran.out, ran.err
    shown = motmoi("rules", "show", "1022_2025").out
    assert "8 working_days" in shown and "ended" in shown and "Nghị quyết mới" in shown
    assert motmoi("rules", "apply", "1022_2025", "--off", "--why", "Chờ").code == 0
    assert "would move" in motmoi("rules", "apply", "1022_2025", "--preview").out
    assert motmoi.json("rules", "apply", "1022_2025", "--open-cases", "--why", "Tính lại")["recount"] == 1
    assert motmoi("rules", "retire", "1022_2025", "--why", "Bỏ").code == 0
    given = ("--name", "Khẩn", "--step", "result", "--amount", "4", "--unit", "working_hours",
             "--from", "01/01/2026", "--urgency", "urgent", "--why", "Thử")  # fmt: skip
    assert motmoi("rules", "add", *given).code == 0
    assert motmoi.json("rules", "show", "khan")["versions"][0]["policy"]["urgency"] == "urgent"
    assert motmoi("ledger", "verify").code == 0


WRONG = [
    (("rules", "change", "1022_2025", "--unit", "tuan", "--why", "x"), 2, "--unit 'tuan' is not known"),
    (("rules", "change", "khong_co", "--amount", "3", "--why", "x"), 2, "no rule khong_co"),
    (("rules", "apply", "1022_2025"), 2, "give --why"),
    (("calendar", "set", "31/02/2026", "--off", "--why", "x"), 2, "is no date"),
    (("calendar", "week", "--mon", "07:30-11:30;11:00-12:00", "--why", "x"), 2, "overlaps"),
    (("calendar", "set", "10/03/2026", "--off", "--hours", "07:30-11:30", "--why", "x"), 2, "no hours"),
    (("sla", "whatif", "calendar"), 2, "no day is given"),
]


@pytest.mark.parametrize(("given", "code", "said"), WRONG, ids=[row[2] for row in WRONG])
def test_what_cannot_be_is_refused_with_the_way_out(motmoi: Any, given: Any, code: int, said: str) -> None:
    ran = motmoi(*given)
    assert ran.code == code and said in ran.err.lower()


def test_days_are_set_exported_and_taken_back(motmoi: Any) -> None:
    motmoi("user", "add", "minh", "--role", "leader", "--ward", WARD)
    ran = motmoi("calendar", "set", "10/03/2027", "--off", "--decision", "01/TB", "--why", "Thông báo")
    assert ran.code == 0 and "counted again (job 1)" in ran.out, ran.err
    file = motmoi.folder / "lich.csv"
    assert motmoi("calendar", "export", file, "--year", "2027").code == 0
    assert "10/03/2027;nghỉ;;01/TB;" in file.read_text(encoding="utf-8-sig")
    assert motmoi("calendar", "unset", "2027-03-10", "--why", "Nhầm").code == 0
    plan = motmoi.json("calendar", "import", file, "--dry-run")
    assert [day["day"] for day in plan["added"]] == ["2027-03-10"]
    assert motmoi("calendar", "import", file, "--why", "Theo tệp").code == 0
    assert motmoi.json("calendar", "show", "--year", "2027")["version"] == 4
    assert (
        motmoi("calendar", "week", "--sat", "07:30-11:30", "--ward", WARD, "--why", "Trực thứ Bảy").code == 0
    )
    assert motmoi.json("calendar", "show", "--ward", WARD)["week"]["sat"] == "07:30-11:30"


def test_a_wrong_file_names_each_line_and_column_and_changes_nothing(motmoi: Any) -> None:
    file = motmoi.file(
        "sai.csv",
        "ngày;làm việc;giờ\n31/02/2026;nghỉ;\n10/03/2026;có lẽ;\n11/03/2026;làm;7h30-25:00\n"
        "12/03/2026;nghỉ;\n12/03/2026;nghỉ;\n",
    )
    ran = motmoi("calendar", "import", file, "--why", "x")
    assert ran.code == 1
    for said in ("line 2, ngày", "line 3, làm việc", "line 4, giờ", "line 6, ngày", "4 problems"):
        assert said in ran.out
    toml = motmoi.file(
        "sai.toml", "[[ngay]]\nday = 2026-03-10\nworks = false\n[[ngay]]\nday = 2026-03-10\nworks = true\n"
    )
    assert "line 4, day" in motmoi("calendar", "import", toml, "--dry-run").out
    assert motmoi.json("calendar", "show")["version"] == 1


def test_a_trial_is_one_document(motmoi: Any) -> None:
    found = motmoi.json("sla", "whatif", "rule", "--key", "1022_2025", "--amount", "5")
    assert (found["judged"], found["moved"], found["rows"]) == (0, 0, [])
    assert "0 cases" in motmoi("sla", "whatif", "calendar", "--off", "10/03/2026").out
    assert motmoi("sla", "whatif", "rule", "--key", "1022_2025", "--retired").code == 0
