"""Vietnamese first, English by choice, and never a text without its Vietnamese."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest
from flask import Flask

from aggregator.domain.workflow import LABELS_VI, PAUSE_REASONS
from inbox_web import catalogue, labels
from tests.web.office import Browser, Office, soup


def translations() -> dict[str, str]:
    found = {}
    for message in catalogue.load():
        if message.id:
            key = message.id[0] if isinstance(message.id, list | tuple) else message.id
            text = message.string[0] if isinstance(message.string, list | tuple) else message.string
            found[key] = text
    return found


def test_every_text_on_screen_has_its_vietnamese() -> None:
    asked = {
        message.id[0] if isinstance(message.id, list | tuple) else message.id
        for message in catalogue.collect()
        if message.id
    }
    known = translations()
    assert not {text for text in asked if not known.get(text)}, (
        "python -m inbox_web.catalogue, then translate"
    )
    assert not set(known) - asked, "no longer on any screen: python -m inbox_web.catalogue"
    assert len(asked) > 200


def test_translations_fill_in_the_same_values() -> None:
    for text, told in translations().items():
        names = set(re.findall(r"%\((\w+)\)", text))
        assert set(re.findall(r"%\((\w+)\)", told)) - {"num"} == names - {"num"}, text


def test_the_compiled_catalogue_is_the_one_in_the_po_file() -> None:
    assert catalogue.MO.read_bytes() == catalogue.compiled(catalogue.load()), "python -m inbox_web.catalogue"


def test_states_and_reasons_have_the_words_of_the_domain() -> None:
    known = translations()
    for status, words in LABELS_VI.items():
        assert known[_msgid(labels.STATUSES[status])] == words
    for code, words in PAUSE_REASONS.items():
        assert known[_msgid(labels.PAUSE_REASONS[code])] == words


def test_the_switch_changes_every_page_and_stays(office: Office, lan: Browser) -> None:
    office.receive(office.report())
    assert soup(lan.get("/")).html["lang"] == "vi"
    answer = lan.submit("/cases/1", "/language", language="en")
    assert answer.location == "/cases/1"
    page = soup(lan.get("/cases/1"))
    assert page.html["lang"] == "en"
    assert "left" in page.select_one(".bar time").text and "10 working days" in page.select_one(".why").text
    assert "Drainage" in page.text
    other = Browser(office.app().test_client())
    other.sign_in("lan")
    assert soup(other.get("/")).html["lang"] == "en", "it is the account's"


def test_the_switch_works_before_signing_in(stranger: Browser) -> None:
    stranger.submit("/sign-in", "/language", language="en")
    assert "Password" in stranger.get("/sign-in").text
    stranger.submit("/sign-in", "/language", language="xx")
    assert "Password" in stranger.get("/sign-in").text


def test_no_page_in_vietnamese_shows_an_english_label(
    app: Flask, office: Office, lan: Browser, minh: Browser
) -> None:
    """Catches a text that was written into a template without `_`."""
    office.receive(office.report())
    english = {text for text in translations() if text.isascii() and " " in text}
    pages = [lan.get(a) for a in ("/", "/cases/1", "/by-hand", "/channels", "/channels/cong-1022", "/nope")]
    for answer in [*pages, minh.get("/dashboard")]:
        texts = {" ".join(text.split()) for text in soup(answer).body.stripped_strings}
        assert not texts & english


@pytest.mark.parametrize("table", ["STATUSES", "DELIVERIES", "REPLY_KINDS", "REPLY_NAMES"])
def test_every_state_has_a_label(table: str) -> None:
    states: Any = getattr(labels, table)
    kind = type(next(iter(states)))
    assert set(states) == set(kind)


def test_every_event_of_a_case_has_a_sentence() -> None:
    from aggregator.services import (
        admission,
        answers,
        arrival_rows,
        bodies,
        case_status,
        case_units,
        cases,
        deadlines,
        delivery_log,
        duplicates,
        joining,
        legal_matters,
        placing,
    )  # fmt: skip
    from inbox_web import events

    told = (
        admission, answers, arrival_rows, bodies, case_status, case_units, cases, deadlines, delivery_log,
        duplicates, joining, legal_matters, placing,
    )  # fmt: skip
    source = "".join(inspect.getsource(module) for module in told)
    recorded = set(re.findall(r'ledger\.record\(tx, case, "(\w+)"', source))
    recorded |= set(re.findall(r'Draft\([\w.]*ward_code, "(\w+)"', source))
    # Told on the pages of both cases, under two kinds.
    pairs = re.findall(r'_tell\(tx, actor, "(\w+)"', source)
    recorded |= {kind for pair in pairs for kind in (pair, f"{pair}_away")}
    pairs = [*re.findall(r'_settled\(tx, actor, "(\w+)"', source), "different_undone", "recurrence_undone"]
    recorded |= {kind for pair in pairs for kind in (pair, f"{pair}_other")}
    assert len(recorded) > 10
    assert not recorded - set(events._SENTENCES), "say these in inbox_web/events.py"


def _msgid(text: Any) -> str:
    return str(text._args[0])
