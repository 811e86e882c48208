"""HTML and XML whose tags, attributes and entities are not what they should be."""

from __future__ import annotations

import html
import re
from random import Random

from tests.fuzz import odd
from tests.fuzz.mutators import Mutator, flip

_TAG = re.compile(r"<[^<>]{1,400}>")
_ATTRIBUTE = re.compile(r"""\s[\w:-]+\s*=\s*("[^"]*"|'[^']*')""")
_WORDS = re.compile(r">([^<>]+)<")
_PIECES = (
    "<", ">", "</", "<!--", "-->", "<![CDATA[", "]]>", "<!DOCTYPE x>",
    "<?xml version='1.0' encoding='utf-16'?>",
    "<plaintext>", "<script>", "</script>", "<style>", "<textarea>", "<pre>", "<title>", "<template>",
    "<noscript>",
    "<select><option>", "<frameset>", "<svg><title>", "<math><mtext>", "<base href='http://other.test/'>",
    "<meta charset=utf-16>", "<meta http-equiv=refresh content='0;url=/login'>",
    "<input type=password name=p>",
    "<form>", "</form>", "</body>", "</html>", "<table><tr>", "<td colspan=99999999>", "<a href=//x>",
    "<br/>", "<p/>",
    "&", "&#0;", "&#xD800;", "&#99999999999;", "&nbsp", "&nope;", "\x00", "<\x00div>", "<div \x00=1>",
    "<é>", "<1>",
    "<div class='" + "a " * 20_000 + "'>", "<x " + "".join(f"a{n} " for n in range(2_000)) + ">",
    "<g-recaptcha>",
    "<h1>bảo trì</h1>", "<li class=item>" * 400, "&amp;" * 5_000, "<i>" * 500, "<a" * 3_000,
    "<div>" * odd.DEEP,
    "<span>" * odd.DEEP, "<table><tr><td>" * 1_000,
)  # fmt: skip


def _tags(text: str, rng: Random) -> re.Match[str] | None:
    found = list(_TAG.finditer(text))
    return rng.choice(found) if found else None


def _with_tag(content: bytes, rng: Random) -> bytes:
    """One tag dropped, doubled, renamed, left open, or in another's place."""
    text = content.decode("utf-8", "replace")
    match = _tags(text, rng)
    if match is None:
        return flip(content, rng)
    tag, other = match[0], _tags(text, rng)
    made = (
        "", tag * 2, tag[:-1], tag.replace("<", "< ", 1), tag.replace(">", "/>"), other[0] if other else "",
        tag * 200,
        re.sub(r"\w+", rng.choice(("div", "x", "table", "script", "template", "p", "select")), tag,
            count=1), tag.upper(),
        f"<!-- {tag} -->", tag.replace("</", "<"), tag.replace("<", "</", 1), html.escape(tag),
    )  # fmt: skip
    return (text[: match.start()] + rng.choice(made) + text[match.end() :]).encode("utf-8", "surrogatepass")


def _with_attribute(content: bytes, rng: Random) -> bytes:
    """One attribute dropped, or with another value."""
    text = content.decode("utf-8", "replace")
    found = list(_ATTRIBUTE.finditer(text))
    if not found:
        return _with_tag(content, rng)
    match = rng.choice(found)
    name = match[0].partition("=")[0]
    value = odd.text(rng)[:5_000]
    made = ("", f'{name}="{value}"', f'{name}="{html.escape(value)}"', f"{name}={value[:50]}", name,
        match[0] * 2,
            f'{name}="', name.upper() + '=""', rng.choice(found)[0])  # fmt: skip
    return (text[: match.start()] + rng.choice(made) + text[match.end() :]).encode("utf-8", "surrogatepass")


def _with_words(content: bytes, rng: Random) -> bytes:
    """Other words between two tags."""
    text = content.decode("utf-8", "replace")
    found = list(_WORDS.finditer(text))
    if not found:
        return _with_tag(content, rng)
    match = rng.choice(found)
    made = (odd.text(rng), html.escape(odd.text(rng)), rng.choice(odd.DATES), rng.choice(found)[1], "")
    return (text[: match.start(1)] + rng.choice(made) + text[match.end(1) :]).encode("utf-8", "surrogatepass")


def _with_piece(content: bytes, rng: Random) -> bytes:
    """Something foreign before or behind a tag."""
    text = content.decode("utf-8", "replace")
    match = _tags(text, rng)
    at = 0 if match is None else rng.choice((match.start(), match.end(), match.start() + 1))
    return (text[:at] + rng.choice(_PIECES) + text[at:]).encode("utf-8", "surrogatepass")


HTML: tuple[Mutator, ...] = (
    _with_tag, _with_tag, _with_attribute, _with_attribute, _with_words, _with_words, _with_piece,
        _with_piece,
)  # fmt: skip

# -- XML -----------------------------------------------------------------------------------------

_BOMB = (
    '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {new} "{f"&{old};" * 10}">' for old, new in zip("abcdefgh", "bcdefghi", strict=True))
    + "]>"
)
_HEADS = (
    _BOMB, '<!DOCTYPE a [<!ENTITY i SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd">',
    '<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1:9/p"> %p;]>', '<!DOCTYPE a [<!ENTITY i "&i;">]>',
    f'<!DOCTYPE a [<!ENTITY i "{"x" * odd.LONG}">]>', "<!DOCTYPE a [<!ATTLIST a b CDATA 'c'>]>", "<!DOCTYPE",
    '<?xml version="1.1"?>', '<?xml version="1.0" encoding="utf-16"?>',
    '<?xml version="1.0" encoding="cp037"?>',
    '<?xml version="1.0" encoding="khong-co"?>', '<?xml version="1.0" encoding="utf-7"?>', "<?xml", "\ufeff",
    '<?xml version="1.0" standalone="no"?><?xml-stylesheet href="http://127.0.0.1:9/"?>', "\n\n",
)  # fmt: skip


def _with_head(content: bytes, rng: Random) -> bytes:
    """A declaration or a document type that promises trouble, and its entity used."""
    text = content.decode("utf-8", "replace")
    start = text.find("?>") + 2 if text.startswith("<?xml") and rng.random() < 0.7 else 0
    body = text[start:]
    if rng.random() < 0.7:
        body = _WORDS.sub(lambda found: f">&i;{found[1]}<", body, count=rng.choice((1, 0)))
    return (text[:start] + rng.choice(_HEADS) + body).encode("utf-8", "surrogatepass")


def _with_space(content: bytes, rng: Random) -> bytes:
    """Names in a namespace, declared or not."""
    text = content.decode("utf-8", "replace")
    prefixed = re.sub(r"<(/?)(\w)", r"<\1g:\2", text)
    declared = re.sub(r"<g:(\w+)", r'<g:\1 xmlns:g="http://x"', prefixed, count=1)
    return rng.choice((prefixed, declared, text.replace(">", ' xmlns="http://x">', 1))).encode(
        "utf-8", "replace"
    )


XML: tuple[Mutator, ...] = (*HTML, _with_head, _with_head, _with_space)
