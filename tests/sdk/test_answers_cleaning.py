"""Odd bytes from portals: what is read, what is replaced, what is refused."""

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.errors import AuthFailed, BotChallenge, ChannelError, SchemaDrift, Transient, UnknownOutcome
from aggregator.sdk.answers import Response, clean_json, refusal

LOGIN = b'<html><form><INPUT name="p" TYPE=password></form></html>'


def got(content: bytes, content_type: str = "application/json", effect: bool = False) -> Response:
    return Response(200, {"Content-Type": content_type}, content, "http://portal.example/a", effect=effect)


@pytest.mark.parametrize(
    ("content", "value", "note"),
    [
        (
            b'{"a": NaN, "b": -Infinity, "c": 1e999, "d": 1.5}',
            {"a": None, "b": None, "c": None, "d": 1.5},
            "numbers",
        ),
        (b'{"a\\u0000b": "x\\u0000y"}', {"ab": "xy"}, "NUL, which PostgreSQL refuses"),
        (b'["\\ud83d", "\\ud83d\\ude00"]', ["\ufffd", "\U0001f600"], "a lone surrogate and a pair"),
        ("\ufeff{}".encode(), {}, "a byte order mark"),
        (b"9223372036854775808", 2**63, "an id beyond 64 bits stays whole"),
    ],
)
def test_odd_json_is_cleaned_at_the_edge(content, value, note):
    assert got(content).json() == value, note


@pytest.mark.parametrize(
    ("content", "error", "note"),
    [
        (b'{"data": [1, 2', SchemaDrift, "cut"),
        (b"", SchemaDrift, "nothing"),
        (b"<html><h1>Trang m\xe1\xbb\x9bi</h1></html>", SchemaDrift, "a page"),
        (
            b"<html><title>B\xe1\xba\xa3o tr\xc3\xac h\xe1\xbb\x87 th\xe1\xbb\x91ng</title>",
            Transient,
            "maintenance",
        ),
        (LOGIN, AuthFailed, "a login form"),
        (b"<html><title>Just a moment...</title></html>", BotChallenge, "a challenge"),
        (b"[" * 100_000, SchemaDrift, "nested beyond reason"),
        (b"9" * 10_000, SchemaDrift, "a number beyond reason"),
        (b"\xff\xfe{", SchemaDrift, "no UTF-8"),
    ],
)
def test_answer_that_is_no_json_says_what_it_is(content, error, note):
    with pytest.raises(error) as caught:
        got(content).json()
    assert type(caught.value) is error, note
    assert len(caught.value.evidence["body_sha256"]) == 64


def test_unreadable_answer_to_a_write_is_unknown_unless_it_is_a_login_page():
    for content in (b"", b'{"msg": "O', b"<html><title>B\xe1\xba\xa3o tr\xc3\xac</title>"):
        with pytest.raises(UnknownOutcome):
            got(content, effect=True).json()
    with pytest.raises(AuthFailed):
        got(LOGIN, effect=True).json()


TEXT = "Phường đã vá ổ gà"


@pytest.mark.parametrize(
    ("content", "content_type", "text", "note"),
    [
        (TEXT.encode(), "text/html; charset=utf-8", TEXT, "as it says"),
        (TEXT.encode(), "text/html", TEXT, "says nothing"),
        (TEXT.encode(), "text/html; charset=iso-8859-1", TEXT, "a server's default, not the page's charset"),
        ("caf\u00e9".encode("latin-1"), "text/html; charset=iso-8859-1", "café", "really latin"),
        (TEXT.encode("utf-16"), "text/html; charset=utf-16", TEXT, "as it says, rare"),
        (TEXT.encode(), "text/html; charset=khong-co", TEXT, "an unknown charset"),
        (b"\xd0\xfd\xf5\xccng", "text/html", "Đường", "old Windows"),
        (b'<meta charset="windows-1258">\xd0', "text/html", '<meta charset="windows-1258">Đ', "meta"),
        (b"a\x00b", "text/plain", "ab", "NUL"),
        (b"\x81\x8d\xff", "text/plain; charset=utf-8", None, "bytes of nothing"),
    ],
)
def test_text_is_read_in_the_charset_that_fits(content, content_type, text, note):
    read = got(content, content_type).text
    assert read == text if text is not None else isinstance(read, str), note


@settings(max_examples=150, deadline=None)
@given(content=st.binary(max_size=200), content_type=st.text(max_size=30))
def test_no_bytes_break_the_edge(content, content_type):
    response = got(content, content_type)
    response.text.encode()
    with contextlib.suppress(ChannelError):
        json.dumps(response.json()).encode()


@settings(max_examples=100, deadline=None)
@given(
    st.recursive(st.none() | st.text() | st.floats(), lambda s: st.lists(s) | st.dictionaries(st.text(), s))
)
def test_cleaned_json_can_be_stored(value):
    cleaned = clean_json(json.dumps(value))
    stored = json.dumps(cleaned, allow_nan=False, ensure_ascii=False).encode()
    assert b"\\u0000" not in stored


@pytest.mark.parametrize("status", [401, 403, 404, 408, 422, 429, 500, 503])
@pytest.mark.parametrize("effect", [False, True])
@pytest.mark.parametrize("content", [b"", b"<html>Checking your browser</html>"])
def test_what_a_portal_refused_is_said_in_vietnamese_and_without_its_address(status, effect, content):
    error = refusal(Response(status, {}, content, "http://portal.example/a", effect=effect))
    assert error.message_vi.startswith(f"Cổng trả lời mã {status}")
    assert "http" not in error.message_vi
