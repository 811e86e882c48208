"""A matter for somebody else: the refusal names the body, goes the ordinary way and closes the case."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from aggregator.domain.workflow import ReplyKind, Status
from aggregator.errors import InputInvalid, MoveNotAllowed, NotAllowed, NotFound, StaleWrite
from aggregator.services.guidance import within
from aggregator.storage.case_tables import cases
from tests.factories import RULES, Office
from tests.people import WARD_B


def test_the_body_of_the_field_is_offered_first_and_the_answer_names_it(office: Office) -> None:
    electric = next(one for one in office.bodies.list(office.admin) if one.categories == ("dien",))
    office.bodies.put(office.admin, electric.id, "Điện lực Một", "1900 0000", ["dien"], version=1)
    case_id = office.opens("1", category_raw="Điện")
    first = office.bodies.offered(office.lan, case_id)[0]
    assert (first.name, first.fits) == ("Điện lực Một", True)
    assert "thuộc thẩm quyền giải quyết của Điện lực Một" in first.text
    assert "gửi phản ánh đến Điện lực Một (1900 0000)" in first.text
    for _ in range(2):
        office.bodies.refuse(office.lan, case_id, first.id, first.text, once="key")
    page = office.page(case_id)
    assert page.row.status is Status.REJECTED
    assert [(reply.kind, len(reply.deliveries)) for reply in page.replies] == [("refusal", 1)]
    assert [entry.kind for entry in page.timeline][-2:] == ["wrong_jurisdiction", "replied"]
    with pytest.raises(MoveNotAllowed):
        office.bodies.refuse(office.lan, case_id, first.id, "nữa")
    office.is_sound()


def test_only_the_administrator_keeps_the_list(office: Office) -> None:
    with pytest.raises(NotAllowed):
        office.bodies.put(office.minh, None, "Công ty", "", [])
    office.bodies.put(office.admin, None, "Công ty Một", "", ["dien"], once="key")
    office.bodies.put(office.admin, None, "Công ty Một", "", ["dien"], once="key")
    (added,) = [one for one in office.bodies.list(office.admin) if one.name == "Công ty Một"]
    with pytest.raises(StaleWrite):
        office.bodies.put(office.admin, added.id, "Khác", "", [], version=9)
    for name, fields in (("", []), ("x" * 121, []), ("Công ty", ["không có"])):
        with pytest.raises(InputInvalid):
            office.bodies.put(office.admin, None, name, "", fields)
    case_id = office.opens("1")
    office.bodies.put(office.admin, added.id, added.name, "", [], active=False)
    assert added.id not in [one.id for one in office.bodies.offered(office.lan, case_id)]
    with pytest.raises(InputInvalid):
        office.bodies.refuse(office.lan, case_id, added.id, "không dùng nữa")
    with pytest.raises(NotFound):
        office.bodies.offered(office.hue, case_id)


def test_names_are_suggested_of_whoever_took_a_matter_before(office: Office) -> None:
    def transferred(number: int, to: str, **more: Any) -> int:
        case = office.opens(str(number), **more)
        office.cases.reply(office.lan, case, ReplyKind.TRANSFER, "Đã chuyển.", transfer_to=to)
        return case

    transferred(1, "Công ty Thoát nước Một")
    transferred(2, "Điện lực Hai")
    transferred(3, "Công ty  Thoát nước Một")
    case = office.opens("4", category_raw="Điện")
    names = office.bodies.known(office.lan, case)
    listed = [one.name for one in office.bodies.offered(office.lan, case)]
    assert names[:2] == ("Công ty Thoát nước Một", "Điện lực Hai"), "once each, the newest first"
    assert list(names[2 : 2 + len(listed)]) == listed
    assert all(name.startswith("Ủy ban nhân dân ") for name in names[2 + len(listed) :])
    own = office.row(case).ward_code
    with office.db.read() as tx:
        wards = RULES.book(tx).wards
    assert len(names) == 2 + len(listed) + len(wards) - 1 and within(wards[own]) not in " ".join(names)
    with pytest.raises(NotFound):
        office.bodies.known(office.hue, case)


def test_what_a_restricted_matter_or_another_ward_named_is_suggested_to_nobody(office: Office) -> None:
    case = office.opens("1")
    office.cases.reply(office.lan, case, ReplyKind.TRANSFER, "Đã chuyển.", transfer_to="Thanh tra Một")
    other = office.opens("2")
    with office.db.write() as tx:
        tx.execute(update(cases).where(cases.c.id == case).values(legal="confirmed"))
    assert "Thanh tra Một" not in office.bodies.known(office.lan, other)
    with office.db.write() as tx:
        tx.execute(update(cases).where(cases.c.id == case).values(legal=None, ward_code=WARD_B))
    assert "Thanh tra Một" not in office.bodies.known(office.lan, other)
