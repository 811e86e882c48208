"""Vietnamese of the 1990s: TCVN 5712 VN3, one byte a letter, drawn by fonts called .VnTime and the like.

No browser and no header knows it, so pages written in it say that they are something else, and read as
"H¨ s¬ nép" to everybody without the fonts. What may surprise: accented capitals have bytes of their own
only without a tone (Ă Â Ê Ô Ơ Ư Đ); with one, the font for capitals draws the small letter, and the text
read here has the small letter.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["decode", "looks_misread"]

_LETTERS = {
    0xA1: "ĂÂÊÔƠƯĐăâêôơưđ",
    0xB5: "àảãáạ",
    0xBB: "ằẳẵắ",
    0xC6: "ặầẩẫấậè",
    0xCE: "ẻẽéẹềểễếệìỉ",
    0xDC: "ĩíịò",
    0xE1: "ỏõóọồổỗốộờởỡớợù",
    0xF1: "ủũúụừửữứựỳỷỹýỵ",
}
_TABLE = {first + n: letter for first, letters in _LETTERS.items() for n, letter in enumerate(letters)}
#: Signs that stand inside words only where letters of this table were read as another charset's. Not all
#: of them: « and » stand close to words anywhere, ® behind them.
_MISREAD = re.compile(r"(?<=[a-z])[¨ª¬µ¶·¸¹¼½¾]|[¨ª¬®µ¶·¸¹¼½¾](?=[a-z])")
_FEW = 3


def decode(content: bytes) -> str:
    """The text; bytes that the table lacks are read as Latin-1."""
    text = content.decode("latin-1").translate(_TABLE)
    return unicodedata.normalize("NFC", text)


def looks_misread(text: str) -> bool:
    """Whether a text is one of these, read as something else."""
    return len(_MISREAD.findall(text, 0, 200_000)) > max(_FEW, len(text[:200_000]) // 500)
