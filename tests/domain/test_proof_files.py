"""Pictures handed in as proof: taken for what their bytes say, and without what a telephone notes in them."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.domain.proof_files import SUFFIXES, read
from aggregator.errors import InputInvalid

NOTE = b"GPS 10.776,106.701 Dang Van Thu"
MOST = 100_000


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


PNG = (
    b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)) + chunk(b"tEXt", NOTE)
    + chunk(b"eXIf", NOTE) + chunk(b"IDAT", zlib.compress(b"\x00\x0b\x4f\x8a")) + chunk(b"IEND", b"")
)  # fmt: skip


def segment(mark: int, data: bytes) -> bytes:
    return bytes([0xFF, mark]) + struct.pack(">H", len(data) + 2) + data


SCAN = segment(0xDA, b"\x01\x01\x00\x00\x3f\x00") + b"\x12\xff\x00\x34\xff\xd0\x56"
JPEG = (
    b"\xff\xd8" + segment(0xE0, b"JFIF\x00") + segment(0xE1, b"Exif\x00\x00" + NOTE) + segment(0xFE, NOTE)
    + segment(0xDB, b"\x00" * 65) + SCAN + segment(0xC4, b"\x10\xff\xd9") + SCAN + b"\xff\xd9"
)  # fmt: skip


def riff(*chunks: bytes) -> bytes:
    body = b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def part(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + b"\x00" * (len(data) % 2)


WEBP = riff(part(b"VP8X", b"\x0c" + b"\x00" * 9), part(b"VP8 ", b"picture"), part(b"EXIF", NOTE))
PDF = b"%PDF-1.7\n" + NOTE + b"\n%%EOF\n"


@pytest.mark.parametrize(
    ("content", "kind", "stripped"),
    [
        (PNG, "image/png", True),
        (JPEG, "image/jpeg", True),
        (WEBP, "image/webp", True),
        (PDF, "application/pdf", False),
    ],
    ids=["png", "jpeg", "webp", "pdf"],
)
def test_a_file_is_what_its_bytes_say_and_pictures_lose_their_notes(
    content: bytes, kind: str, stripped: bool
) -> None:
    found = read(content, MOST)
    assert (found.content_type, found.stripped) == (kind, stripped)
    assert kind in SUFFIXES
    assert (NOTE in found.content) != stripped
    assert read(found.content, MOST).content == found.content, "cleaned once, it stays as it is"


@pytest.mark.parametrize("content", [PNG, JPEG, WEBP], ids=["png", "jpeg", "webp"])
def test_what_stands_behind_a_picture_goes(content: bytes) -> None:
    page = b"<script>alert(1)</script>%PDF-1.7 %%EOF PK\x03\x04"
    assert read(content + page, MOST).content == read(content, MOST).content


def test_the_pictures_own_data_stays_byte_for_byte() -> None:
    assert SCAN in read(JPEG, MOST).content
    assert segment(0xC4, b"\x10\xff\xd9") in read(JPEG, MOST).content, "an end mark inside a table is none"
    webp = read(WEBP, MOST).content
    assert part(b"VP8 ", b"picture") in webp
    assert webp[20] & 0b0000_1100 == 0, "and the header announces no notes any more"
    assert struct.unpack_from("<I", webp, 4)[0] == len(webp) - 8


@pytest.mark.parametrize(
    ("content", "words", "note"),
    [
        (b"", "không phải ảnh", "nothing"),
        (b"<svg onload=alert(1)>", "không phải ảnh", "a drawing that runs"),
        (b"GIF89a" + b"\x00" * 50, "không phải ảnh", "another kind of picture"),
        (b"x%PDF-1.7 %%EOF", "không phải ảnh", "a PDF behind something else"),
        (b"%PDF-1.7 and no end", "không phải ảnh", "half a PDF"),
        (PNG[:-12], "bị hỏng", "a PNG without its end"),
        (JPEG[:-2], "bị hỏng", "a JPEG without its end"),
        (WEBP[:-4], "bị hỏng", "a WebP without its end"),
        (b"\x00" * (MOST + 1), "lớn hơn", "too large"),
    ],
)
def test_other_files_are_refused_and_told_why(content: bytes, words: str, note: str) -> None:
    with pytest.raises(InputInvalid) as refused:
        read(content, MOST)
    assert words in refused.value.message_vi, note


@given(st.sampled_from([PNG, JPEG, WEBP, PDF]), st.data())
def test_a_broken_file_is_refused_and_never_an_error(whole: bytes, data: st.DataObject) -> None:
    spoilt = io.BytesIO(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        spoilt.seek(data.draw(st.integers(0, len(whole) - 1)))
        spoilt.write(data.draw(st.binary(min_size=1, max_size=6)))
    content = spoilt.getvalue()[: data.draw(st.integers(0, len(whole)))]
    with contextlib.suppress(InputInvalid):
        assert len(read(content, MOST).content) <= len(content) + 8
