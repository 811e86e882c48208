"""What a portal's answer is worth: its text, its JSON, and the error its status stands for.

Promise: nothing odd gets past this edge. NaN, infinities, NUL and lone surrogates, all of which
Python reads and PostgreSQL refuses, are gone from what `Response.json` and `Response.text` return.
What may surprise: for a call that changed the portal (``effect``) an answer that cannot be read is
`UnknownOutcome`, never "failed": the change may well be there.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any

from aggregator.domain.marks import few_marks
from aggregator.errors import (
    AuthFailed,
    BotChallenge,
    ChannelError,
    ConfigInvalid,
    Permanent,
    RateLimited,
    SchemaDrift,
    Transient,
    UnknownOutcome,
)
from aggregator.sdk.html import looks_like_challenge, looks_like_login, looks_like_maintenance

__all__ = ["Response", "clean_json", "clean_text", "decoded", "few_marks", "refusal", "whole_number"]

_SURROGATES = re.compile("[\ud800-\udfff]")
_UNCLEAN = re.compile(r"\\u(?:0000|[dD][89a-fA-F])|[\ud800-\udfff]")
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{2,40})", re.IGNORECASE)
#: Servers announce these by default, whatever the page holds; UTF-8 is tried before them.
_UNTRUSTED = frozenset(("iso-8859-1", "latin-1", "latin1", "us-ascii", "ascii", "windows-1252", "cp1252"))


@dataclass(frozen=True, slots=True)
class Response:
    """One answer, read whole. `url` is the address after redirects, without query values."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    url: str
    not_modified: bool = False
    #: The call was meant to change the portal: what cannot be read is an unknown outcome.
    effect: bool = False
    now: datetime | None = field(default=None, repr=False)

    @property
    def content_type(self) -> str:
        """The media type alone, lower case; empty where the portal does not say."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    @property
    def text(self) -> str:
        """The body as text; never fails. Order: header, meta, UTF-8, windows-1258."""
        return clean_text(_decode(self.content, self.headers.get("Content-Type", "")))

    def json(self) -> Any:
        """The body as JSON, cleaned.

        Raises `AuthFailed` for a login page, `BotChallenge` for a challenge, `UnknownOutcome` after
        an effect call, `Transient` for a maintenance notice, else `SchemaDrift` saying what came.
        """
        try:
            return clean_json(self.content)
        except (ValueError, RecursionError) as error:
            raise self.stranger("JSON", type(error).__name__) from error

    def refuse(self) -> None:
        """Raise the error this status stands for; return for a success (for ``raw_status`` calls)."""
        error = refusal(self)
        if error is not None:
            raise error

    def evidence(self, **more: Any) -> dict[str, Any]:
        """What may be kept about this answer: never its words."""
        return {
            "url": self.url,
            "status": self.status,
            "bytes": len(self.content),
            "body_sha256": hashlib.sha256(self.content).hexdigest(),
            **more,
        }

    def stranger(self, wanted: str, why: str, **evidence: Any) -> ChannelError:
        """The error that a body stands for which is not what was wanted (JSON, XML): see `json`."""
        evidence = self.evidence(content_type=self.content_type, **evidence)
        markup = self.content.lstrip()[:1] == b"<"
        if markup and looks_like_challenge(self.content):
            return BotChallenge(
                f"a challenge page came instead of {wanted}", evidence=evidence,
                message_vi="Cổng trả về trang kiểm tra người máy",
            )  # fmt: skip
        if markup and looks_like_login(self.content):
            return AuthFailed(
                f"a login page came instead of {wanted}",
                hint="The session has ended or the password has changed",
                message_vi="Cổng trả về trang đăng nhập",
                evidence=evidence,
            )
        page = markup and b"<html" in self.content[:2000].lower()
        came = "an HTML page" if page else f"{len(self.content)} bytes that are no complete {wanted}"
        if self.effect:
            message = f"the answer to a write was {came}: it may have taken effect"
            return UnknownOutcome(
                message, evidence=evidence, message_vi="Cổng trả về nội dung lạ: có thể đã nhận phúc đáp"
            )
        if markup and looks_like_maintenance(self.content):
            return Transient(
                f"a maintenance notice came instead of {wanted} from {self.url}", evidence=evidence,
                message_vi="Cổng trả về thông báo bảo trì",
            )  # fmt: skip
        return SchemaDrift(
            f"{came} came instead of {wanted} from {self.url} ({why})", evidence=evidence,
            message_vi=f"Cổng trả về nội dung lạ thay cho {wanted}",
        )  # fmt: skip


def refusal(response: Response) -> ChannelError | None:
    """The error that a status stands for; None below 400."""
    status, effect = response.status, response.effect
    if status < 400:
        return None
    evidence, where = response.evidence(), f"{response.url} answered {status}"
    vi = f"Cổng trả lời mã {status}"
    if status in (403, 429, 503) and looks_like_challenge(response.content):
        return BotChallenge(
            f"{where} with a challenge page",
            evidence=evidence,
            message_vi=f"{vi} bằng trang kiểm tra người máy",
        )
    if status in (401, 403):
        hint = "Check the account, its rights, and whether the portal lets our User-Agent in"
        return AuthFailed(where, hint=hint, evidence=evidence, message_vi=vi)
    wait = retry_after(response.headers.get("Retry-After"), response.now)
    if status == 429 or (status == 503 and wait is not None and not effect):
        return RateLimited(where, retry_after=wait, evidence=evidence, message_vi=vi)
    if status in (408, 425) or status >= 500:
        if effect:
            return UnknownOutcome(
                f"{where}: the write may have taken effect", evidence=evidence,
                message_vi=f"{vi}: có thể đã nhận phúc đáp",
            )  # fmt: skip
        return Transient(where, evidence=evidence, message_vi=vi)
    if effect:
        return Permanent(f"{where}: refused", evidence=evidence, message_vi=f"{vi}: không nhận")
    hint = "Check the address and the paths in the channel's settings"
    return ConfigInvalid(where, hint=hint, evidence=evidence, message_vi=vi)


def retry_after(value: str | None, now: datetime | None) -> float | None:
    """Seconds to wait, from seconds or an HTTP date; at most a day. None where it says nothing."""
    if not value:
        return None
    try:
        if value.strip().isascii() and value.strip().isdigit():
            seconds = float(value)
        elif now is not None:
            seconds = (parsedate_to_datetime(value) - now).total_seconds()
        else:
            return None
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(seconds, 0.0), 86_400.0)


def clean_text(text: str) -> str:
    """The text without NUL, and with a replacement mark for each lone surrogate."""
    return _SURROGATES.sub("\ufffd", text.replace("\x00", ""))


def clean_json(content: bytes | str) -> Any:
    """JSON read strictly where it matters: cleaned strings, None for NaN and infinities.

    Raises `ValueError` (or `RecursionError` for absurd nesting).
    """
    text = content if isinstance(content, str) else content.decode("utf-8-sig")
    value = json.loads(text, parse_constant=lambda _name: None, parse_float=_finite)
    # The strict reader refuses what is unclean as it stands, so only an escape can bring it in.
    return _clean(value) if _UNCLEAN.search(text) else value


def whole_number(text: str) -> int | None:
    """The number that a text of digits is; None for all else.

    "²" and "٣" are digits to Python, and of more than 4,300 digits it makes no number; 18 fit any database.
    """
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def _finite(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {clean_text(key): _clean(item) for key, item in value.items()}
    return value


def decoded(content: bytes, content_type: str) -> tuple[str, str] | None:
    """The body's text as it stands, and the charset it is written in; None where no charset fits."""
    declared = _charset_of(content_type) or _meta_charset(content)
    order = [declared, "utf-8-sig", "cp1258"]
    if declared.lower() in _UNTRUSTED:
        order = ["utf-8-sig", declared]
    for charset in order:
        try:
            return content.decode(charset or "utf-8-sig"), charset or "utf-8-sig"
        except (ValueError, LookupError):  # "undefined" exists, and some names hold a NUL
            continue
    return None


def _decode(content: bytes, content_type: str) -> str:
    text, charset = decoded(content, content_type) or (content.decode("utf-8", "replace"), "")
    # Windows-1258 writes a tone as a letter of its own.
    return unicodedata.normalize("NFC", few_marks(text)) if "1258" in charset else text


def _charset_of(content_type: str) -> str:
    header = Message()
    header["Content-Type"] = content_type or "text/plain"
    return str(header.get_content_charset() or "")


def _meta_charset(content: bytes) -> str:
    match = _META_CHARSET.search(content[:4096])
    return match.group(1).decode("ascii") if match else ""
