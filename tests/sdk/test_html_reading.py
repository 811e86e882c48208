"""Pages: what is read from them, and that a page without the expected part is never "nothing new"."""

import pytest

from aggregator.errors import AuthFailed, BotChallenge, SchemaDrift, Transient
from aggregator.sdk.html import form_fields, require, soup, text_of

LIST = "<table class='ds'><tr class='pa'><td>1</td></tr><tr class='pa'><td>2</td></tr></table>"


def test_required_parts_are_handed_over():
    assert [text_of(row) for row in require(soup(LIST), "tr.pa", 2)] == ["1", "2"]


@pytest.mark.parametrize(
    ("page", "error"),
    [
        ("<form><input type='password'></form>", AuthFailed),
        ("<script src='/cdn-cgi/challenge-platform/x.js'></script>", BotChallenge),
        ("<div class='g-recaptcha'></div><input type=password>", BotChallenge),
        ("<h1>Hệ thống đang bảo trì</h1>", Transient),
        ("<p>Đèn đường đang bảo trì</p>", SchemaDrift),
        ("<div class='danh-sach' id='moi'><p>1</p></div>", SchemaDrift),
        ("", SchemaDrift),
    ],
)
def test_missing_part_says_what_came_instead(page, error):
    with pytest.raises(error) as caught:
        require(soup(page), "tr.pa", what="reports")
    assert type(caught.value) is error
    assert caught.value.evidence["selector"] == "tr.pa"


def test_login_box_on_a_good_page_is_no_login_page():
    assert require(soup(LIST + "<form><input type='password'></form>"), "tr.pa", 2)


def test_evidence_of_a_changed_page_is_its_skeleton_without_words():
    with pytest.raises(SchemaDrift) as caught:
        require(soup("<div id='moi' class='danh sach'>Trần Thị Mẫu 0900000001</div>"), "tr.pa")
    assert caught.value.evidence["outline"] == ["div#moi.danh.sach"]
    assert "0900000001" not in repr(caught.value.evidence)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Đã  vá<br>xong</p><p>Cảm&nbsp;ơn</p>", "Đã vá\nxong\nCảm ơn"),
        ("<div>a<script>alert(1)</script><style>b{}</style>c</div>", "ac"),
        ("<td>một <b>hai</b>\n ba</td>", "một hai ba"),
        ("<!-- ẩn --><p>hiện</p>", "hiện"),
    ],
)
def test_text_is_what_a_reader_sees(html, text):
    assert text_of(soup(html)) == text


def test_text_of_nothing_is_empty_and_deep_nesting_is_read():
    assert text_of(None) == ""
    assert text_of(soup("<b>" * 5000 + "đáy")) == "đáy"


def test_form_fields_are_what_a_browser_would_send():
    form = soup(
        """<form><input type=hidden name=__csrf value="t0k"><input name=q value=a>
        <input name=off disabled value=x>
        <input type=checkbox name=c1 value=1><input type=checkbox name=c2 checked>
        <textarea name=t>chữ</textarea>
        <select name=s><option value=1>một<option value=2 selected>hai</select>
        <select name=s2><option>ba</select>
        <input type=submit name=go value=Gửi><input type=file name=f></form>"""
    ).form
    assert form_fields(form) == {"__csrf": "t0k", "q": "a", "c2": "on", "t": "chữ", "s": "2", "s2": "ba"}
