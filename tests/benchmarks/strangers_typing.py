"""What keyboards and hands do to a Vietnamese text before it arrives: accents lost, telex keys left over,
slips.
"""

import random
import unicodedata


def typed(rng: random.Random, text: str, typing: str) -> str:
    if typing == "bare":
        return bare(text).lower() if rng.random() < 0.5 else bare(text)
    if typing == "nfd":
        return unicodedata.normalize("NFD", text)
    if typing == "capitals":
        return text.upper()
    if typing == "old_tones":
        for new, old in (
            ("òa", "oà"),
            ("óa", "oá"),
            ("ủy", "uỷ"),
            ("ụy", "uỵ"),
            ("úy", "uý"),
            ("ỏe", "oẻ"),
            ("óe", "oé"),
        ):
            text = text.replace(new, old)
        return text
    words = text.split(" ")
    for _ in range({"telex": 3, "slips": 2 + len(words) // 14}.get(typing, 0)):
        i = rng.randrange(len(words))
        if words[i].isalpha():  # never the figures of an address: that would be another house
            words[i] = _telex(words[i]) if typing == "telex" else _slip(rng, words[i])
    return " ".join(words)


TONES = {"\u0300": "f", "\u0301": "s", "\u0309": "r", "\u0303": "x", "\u0323": "j"}
HATS = {"\u0306": "w", "\u031b": "w"}


def _telex(word: str) -> str:
    """The keys that were never turned into letters: của is cuar, đường is dduwowngf."""
    tone, keys, letter = "", "", ""
    for c in unicodedata.normalize("NFD", word.replace("đ", "dd").replace("Đ", "DD")):
        if c in TONES:
            tone = TONES[c]
        elif c == "\u0302":
            keys += letter
        else:
            keys, letter = keys + HATS.get(c, c), c
    return keys + tone


def _slip(rng: random.Random, word: str) -> str:
    if len(word) < 3:
        return word
    i = rng.randrange(len(word) - 1)
    return rng.choice(
        (
            word[:i] + word[i + 1 :],
            word[:i] + word[i] + word[i:],
            word[:i] + word[i + 1] + word[i] + word[i + 2 :],
        )
    )


def bare(text: str) -> str:
    marks = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(c for c in marks if not unicodedata.combining(c))
