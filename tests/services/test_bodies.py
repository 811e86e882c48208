"""A matter for somebody else: the refusal names the body, goes the ordinary way and closes the case."""

from __future__ import annotations

import pytest

from aggregator.domain.workflow import Status
from aggregator.errors import InputInvalid, MoveNotAllowed, NotAllowed, NotFound, StaleWrite
from tests.factories import Office


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
