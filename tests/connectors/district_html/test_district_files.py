"""Files that go with an answer through a portal's own form, over real sockets, both layouts."""

from pathlib import Path

import pytest

from tests.connectors.district_html.district_channel import CONNECTOR, command
from tests.out_files import laid_down

PHOTO = ("Sau khi dọn.jpg", b"\xff\xd8" + bytes(3_000))
PAPER = ("Biên bản.pdf", b"%PDF-1.7 %%EOF")


@pytest.fixture
def files(tmp_path: Path):
    return laid_down(tmp_path, PHOTO, PAPER)


def stand(portal) -> list[tuple[str, str]]:
    (answer,) = portal.shown()["answers"]["PA-0002"]
    return [(file["filename"], file["sha256"]) for file in answer.get("files", ())]


def test_files_stand_under_the_answer_with_their_vietnamese_names(channel, files):
    portal = channel()
    result = CONNECTOR.push(portal.ctx(), command(files=files))
    assert (result.outcome, result.files_left) == ("sent", 0)
    assert stand(portal) == [(file.filename, file.sha256) for file in files]


@pytest.mark.parametrize(
    ("portal_has", "went"),
    [
        ({"file_input": ""}, 0),  # its form has no field for files (any more)
        ({"file_input": '<input type="file" name="tep_kem"><input type="file" name="Files">'}, 1),
        ({"max_upload": 1_000}, 0),  # its server says 413: nothing was done, the words go by themselves
    ],
    ids=["no field", "one file", "too large"],
)
def test_the_words_go_and_what_the_form_does_not_take_is_counted(channel, files, portal_has, went):
    portal = channel(**portal_has)
    result = CONNECTOR.push(portal.ctx(), command(files=files))
    assert (result.outcome, result.files_left) == ("sent", 2 - went)
    assert stand(portal) == [(file.filename, file.sha256) for file in files[:went]]


def test_a_channel_whose_layout_names_no_field_sends_the_words_alone(channel, files):
    portal = channel()
    portal.config["layout"] = {**portal.config["layout"], "reply": {"file_field": ""}}
    result = CONNECTOR.push(portal.ctx(), command(files=files))
    assert (result.files_left, stand(portal)) == (2, [])


def test_a_form_that_was_too_old_is_sent_again_with_its_files_once(channel, files):
    portal = channel()
    portal.portal.forms_too_old = 1
    CONNECTOR.push(portal.ctx(), command(files=files))
    assert len(stand(portal)) == 2 and portal.shown()["writes"] == 1
