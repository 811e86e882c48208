"""Pages that are not what they seem: of another make, in another encoding, badly packed, far too large."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from contextlib import suppress

from aggregator.sdk.conformance.checks import check
from aggregator.sdk.conformance.checks_errors import raised, recovers
from aggregator.sdk.conformance.harness import Channel, Trial, expect, fail
from aggregator.sdk.conformance.stages import Page, Rewrite
from aggregator.sdk.conformance.vietnamese import as_1258, as_tcvn3
from aggregator.sdk.contract import BotChallenge, ChannelError, SchemaDrift, Transient

_REPORTS = 5
_CAPTCHA = """<!doctype html><html lang="vi"><head><title>Just a moment...</title></head><body>
<p>Xác minh bạn không phải là robot</p><div class="g-recaptcha" data-sitekey="x"></div></body></html>"""
_HOME = """<!doctype html><html lang="vi"><head><title>Cổng thông tin</title></head><body>
<h1>Chào mừng đến với giao diện mới</h1>
<div class="banner"><a href="/tin-tuc">Tin tức</a></div></body></html>"""


def _html(text: str) -> Callable[[Page], Page]:
    def replaced(page: Page) -> Page:
        return page.changed(content=text.encode(), content_type="text/html; charset=utf-8", status=200)

    return replaced


@check("error-captcha")
def challenge(trial: Trial) -> None:
    trial.needs(http=True)
    with trial.channel(_REPORTS) as channel:
        channel.stage.rewrite(_html(_CAPTCHA))
        raised(channel, BotChallenge)
        recovers(channel)


@check("error-changed-page")
def another_make(trial: Trial) -> None:
    trial.needs(http=True)
    with trial.channel(_REPORTS) as channel:
        channel.stage.rewrite(_html(_HOME))
        raised(channel, SchemaDrift)
        recovers(channel)


@check("error-charset")
def wrong_charset(trial: Trial) -> None:
    for encode in (as_1258, as_tcvn3):
        with trial.channel(_REPORTS) as channel:
            channel.poll()
            rightly = {id_: seen[-1] for id_, seen in channel.known.items()}
            channel = Channel(channel.connector, channel.stage)
            channel.stage.rewrite(_encoding(encode))
            with suppress(ChannelError):
                channel.poll()
            for id_, seen in channel.known.items():
                if seen[-1] != rightly.get(id_):
                    was = encode.__name__.removeprefix("as_")
                    fail(f"report {id_} is garbled: {was} was read as another encoding")
            recovers(channel)


def _encoding(encode: Callable[[str], bytes]) -> Rewrite:
    return lambda page: _encoded(page, encode)


def _encoded(page: Page, encode: Callable[[str], bytes]) -> Page:
    try:
        return page.changed(content=encode(page.content.decode("utf-8")))
    except UnicodeDecodeError:
        return page  # packed, or no text


@check("error-nfd")
def decomposed_letters(trial: Trial) -> None:
    with trial.channel(_REPORTS) as channel:
        channel.poll()
        first = {id_: list(seen) for id_, seen in channel.known.items()}
        channel.cursor, channel.state = None, {}
        channel.stage.rewrite(lambda page: _encoded(page, _nfd))
        channel.poll()
        expect(not channel.quarantined, "decomposed letters are quarantined")
        other = [id_ for id_, seen in channel.known.items() if seen != first.get(id_)]
        expect(not other, f"decomposed letters make other reports: {', '.join(other[:5])}")


def _nfd(text: str) -> bytes:
    return unicodedata.normalize("NFD", text).encode()


@check("error-gzip")
def gzip_lies(trial: Trial) -> None:
    trial.needs(http=True)
    with trial.channel(_REPORTS) as channel:
        channel.stage.rewrite(lambda page: page.changed(headers=(("Content-Encoding", "gzip"),)))
        raised(channel, (SchemaDrift, Transient))
        recovers(channel)


@check("error-huge")
def far_too_large(trial: Trial) -> None:
    trial.needs(http=True)
    with trial.channel(_REPORTS) as channel:
        channel.stage.fault("oversize", bytes=10_000_000)
        error = raised(channel, SchemaDrift, max_bytes=5_000_000)
        expect(
            "limit" in error.message or "max_bytes" in error.evidence,
            f"no word of the limit: {error.message}",
        )
        recovers(channel)
