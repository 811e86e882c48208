"""Vietnamese as old programs write it: Windows-1258, and TCVN3 (the ABC fonts of the 1990s)."""

from __future__ import annotations

import unicodedata

__all__ = ["as_1258", "as_tcvn3"]

_TONES = frozenset("\u0300\u0301\u0303\u0309\u0323")
_CODES = """
à:b5 ả:b6 ã:b7 á:b8 ạ:b9 ằ:bb ẳ:bc ẵ:bd ắ:be ặ:c6 ầ:c7 ẩ:c8 ẫ:c9 ấ:ca ậ:cb è:cc ẻ:ce ẽ:cf é:d0 ẹ:d1 ề:d2 ể:d3
ễ:d4 ế:d5 ệ:d6 ì:d7 ỉ:d8 ĩ:dc í:dd ị:de ò:df ỏ:e1 õ:e2 ó:e3 ọ:e4 ồ:e5 ổ:e6 ỗ:e7 ố:e8 ộ:e9 ờ:ea ở:eb ỡ:ec ớ:ed
ợ:ee ù:ef ủ:f1 ũ:f2 ú:f3 ụ:f4 ừ:f5 ử:f6 ữ:f7 ứ:f8 ự:f9 ỳ:fa ỷ:fb ỹ:fc ý:fd ỵ:fe
Ă:a1 Â:a2 Ê:a3 Ô:a4 Ơ:a5 Ư:a6 Đ:a7 ă:a8 â:a9 ê:aa ô:ab ơ:ac ư:ad đ:ae
"""
#: TCVN 5712 VN3: letters with a tone have no capitals of their own; the font draws them.
_TCVN3 = {pair[0]: bytes.fromhex(pair[2:]) for pair in _CODES.split()}


def as_1258(text: str) -> bytes:
    """Base letter, then the tone as a mark of its own; what the page lacks becomes a question mark."""
    pieces: list[bytes] = []
    for letter in unicodedata.normalize("NFC", text):
        marks = unicodedata.normalize("NFD", letter)
        tone = "".join(mark for mark in marks if mark in _TONES)
        base = unicodedata.normalize("NFC", "".join(mark for mark in marks if mark not in _TONES))
        pieces.append((base + tone).encode("cp1258", "replace"))
    return b"".join(pieces)


def as_tcvn3(text: str) -> bytes:
    """One byte a letter; bytes that other encodings read as other letters."""
    return b"".join(
        _TCVN3.get(letter) or _TCVN3.get(letter.lower()) or letter.encode("ascii", "replace")
        for letter in unicodedata.normalize("NFC", text)
    )
