"""The HTML level, by the example of its docs page: run against a portal that looks just so."""

import importlib.util
import re
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime

import pytest

from aggregator.sdk.contract import ConfigInvalid, PushCommand, SchemaDrift, SourceStatus, Span
from aggregator.sdk.html_portal import HtmlPortal, layout
from aggregator.sdk.html_portal.implying import implied
from aggregator.sdk.lint import findings
from aggregator.sdk.manifest import load_manifest
from tests.sdk.html_pages import DOCS, MANIFEST, SUBCLASS, Channel, connector_of, report


@pytest.fixture
def channel(tmp_path):
    made = []

    def make(text=MANIFEST, count=8, portal=HtmlPortal, **config):
        made.append(Channel(connector_of(tmp_path, text, portal), count, **config))
        return made[-1]

    yield make
    for one in made:
        one.running.close()


def instead(old, new):
    assert old in MANIFEST
    return MANIFEST.replace(old, new)


def answer(external_id="3", **more):
    return PushCommand(
        idempotency_key="k", external_id=external_id, kind="result", body="Đã thay bóng đèn.",
        status=SourceStatus.RESOLVED, at=datetime(2026, 10, 9, tzinfo=UTC), **more,
    )  # fmt: skip


def test_example_of_the_docs_is_whole_and_short(tmp_path):
    (tmp_path / "connector.yaml").write_text(MANIFEST, "utf-8")
    assert findings(tmp_path) == []
    assert len(MANIFEST.splitlines()) <= 40


def test_example_reads_every_page_and_signs_in_by_itself(channel):
    portal = channel()
    records = portal.poll()
    assert [r.external_id for r in records] == [str(n) for n in range(1, 9)]
    assert (records[0].subject, records[0].person.name) == ("Góp ý 1", "Người Gửi")
    assert records[0].status is SourceStatus.NEW
    assert portal.poll() == []


def test_example_answers_once_and_reads_it_back(channel):
    portal = channel()
    portal.poll()
    assert portal.connector.push(portal.ctx(), answer()).outcome == "sent"
    assert portal.connector.push(portal.ctx(), answer(attempt=2)).outcome == "already_there"
    state = portal.connector.lookup(portal.ctx(), answer())
    assert (state.status, state.found.body) == (SourceStatus.RESOLVED, "Đã thay bóng đèn.")
    assert portal.portal.writes == 1
    assert [r.external_id for r in portal.poll()] == ["3"]


def test_docs_explain_every_word():
    parts = [part for part in vars(layout).values() if isinstance(part, type) and is_dataclass(part)]
    words = {field.name for part in parts for field in fields(part)}
    assert {word for word in words if not re.search(rf"[`{{., ]{word}\b", DOCS)} == set()


def test_subclass_of_the_docs_corrects_what_every_way_reads(tmp_path, channel):
    connector_of(tmp_path)
    (tmp_path / "__init__.py").write_text(SUBCLASS, "utf-8")
    spec = importlib.util.spec_from_file_location("gop_y_mau", tmp_path / "__init__.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    portal = channel(count=2)
    portal.connector = module.CONNECTOR
    portal.portal.load([report(1, subject="[Góp ý] Đèn hỏng")])
    assert [r.subject for r in portal.poll() if r.external_id == "1"] == ["Đèn hỏng"]
    assert portal.connector.fetch(portal.ctx(), "1")[0].subject == "Đèn hỏng"
    (batch,) = portal.connector.backfill(portal.ctx(), Span(ids=("1",)), None)
    assert batch.records[0].subject == "Đèn hỏng"


# Links to the next page -------------------------------------------------------------------------


def test_first_reading_longer_than_a_poll_goes_on_at_the_kept_link(channel):
    portal = channel(count=24, max_pages=2)
    found = {r.external_id for r in portal.poll()}
    for _ in range(10):
        before = portal.portal.requests
        fresh = portal.poll()
        found |= {r.external_id for r in fresh}
        assert portal.portal.requests - before <= 5 + len(fresh), "not read from the start again"
    assert found == {str(n) for n in range(1, 25)}


def test_kept_link_that_is_gone_is_reached_from_the_start(channel):
    portal = channel(count=24, max_pages=2)
    found = {r.external_id for r in portal.poll()}
    portal.cursor["link"]["address"] = portal.running.url + "/het-han"
    found |= {r.external_id for _ in range(10) for r in portal.poll()}
    assert len(found) == 24


@pytest.mark.parametrize(
    ("changed", "note"),
    [
        (('class="sau"', 'class="tiep"'), "the link is called otherwise"),
        (("?tu=3", "?tu=0"), "the link leads back"),
        (('id="ds"', 'id="danh-sach"'), "the list is elsewhere"),
    ],
)
def test_list_that_links_otherwise_is_never_a_short_list(channel, changed, note):
    portal = channel()
    portal.portal.changed = changed
    with pytest.raises(SchemaDrift) as caught:
        portal.poll()
    assert b"Tho\xc3\xa1t" in caught.value.evidence["content"], note


# Pages of other reports -------------------------------------------------------------------------


def test_page_of_another_report_is_asked_for_again(channel):
    portal = channel()
    portal.portal.mixed_up = {"3"}
    assert "3" not in [r.external_id for r in portal.poll()]
    portal.portal.mixed_up = set()
    assert [r.external_id for r in portal.poll()] == ["3"]


def test_many_pages_of_another_report_are_the_portals_trouble(channel):
    portal = channel()
    portal.portal.mixed_up = {"3", "4", "5"}
    with pytest.raises(SchemaDrift, match="3 reports show another report"):
        portal.poll()


# What a manifest may say ------------------------------------------------------------------------


def test_channel_corrects_a_place_without_a_new_release(channel):
    portal = channel(layout={"detail": {"fields": {"subject": ".tieu-de"}}})
    portal.portal.changed = ("<h1>", '<h1 class="tieu-de">')
    assert portal.poll()[0].subject == "Góp ý 1"


def test_further_page_fills_what_is_empty_and_may_be_missing(channel):
    pages = (
        'pages: [{path: "/gop-y/tom-tat?so={id}", container: "#tom-tat", optional: true, fields: {area: i}}]'
    )
    portal = channel(instead("    attachments:", f"    {pages}\n    attachments:"), count=1)
    (record,) = portal.poll()
    assert record.location.area is None
    portal.portal.summary = "Khu phố 3"
    record, item = portal.connector.fetch(portal.ctx(), "1")
    assert record.location.area == "Khu phố 3"
    assert portal.connector.remap(portal.ctx(), item) == record


def test_further_page_that_must_be_there_is_asked_for(channel):
    pages = 'pages: [{path: "/gop-y/tom-tat?so={id}", container: "#tom-tat"}]'
    portal = channel(instead("    attachments:", f"    {pages}\n    attachments:"))
    with pytest.raises(SchemaDrift, match="page 2 is no report"):
        portal.poll()


def test_what_else_must_stand_there_is_counted(channel):
    portal = channel(instead('    last: ".het"', '    last: ".het"\n    expect: {"#ds li": 4}'))
    with pytest.raises(SchemaDrift, match="at least 4"):
        portal.poll()


def test_button_is_pressed_where_the_portal_looks(channel):
    portal = channel(instead('signed_in: "#thoat"', 'signed_in: "#thoat", button: "button"'))
    assert len(portal.poll()) == 8


def test_settings_and_capabilities_follow_from_the_words(tmp_path):
    manifest = connector_of(tmp_path).manifest
    assert manifest.capabilities.push_reply
    assert not manifest.capabilities.push_status
    assert (manifest.capabilities.idempotency, manifest.capabilities.fetch) == ("read_back", True)
    assert manifest.config_schema["required"] == ["base_url", "username", "password"]
    public = implied({key: value for key, value in manifest.source.items() if key != "login"}, {})
    assert public.config_schema["required"] == ["base_url"]
    assert public.capabilities["idempotency"] == "none"


@pytest.mark.parametrize(
    ("old", "new", "path", "said", "note"),
    [
        ('    container: "#ds"\n', "", "source.list", "container", "a word is missing"),
        ('row: "#ds li"', 'rows: "#ds li"', "source.list.rows", "row", "a misspelt word"),
        ('row: "#ds li"', 'row: "#ds li["', "source.list.row", "selector", "a broken selector"),
        (r"'so=(\d+)'", "'so=('", "source.list.id.regex", "", "a broken expression"),
        ("subject: h1", "tieu_de: h1", "source.detail", "tieu_de", "a field we do not have"),
        ("Điện thoại: phone", "Điện thoại: fone", "source.detail", "phone", "a label for no field"),
        ("xem?so={id}", "xem?so={ma}", "source.detail.path", "{ma}", "an unknown placeholder"),
        ("xem?so={id}", "xem?so={config.donvi}", "source.detail.path", "donvi", "an unknown setting"),
        ('    last: ".het"\n', "", "source.list.next", "last", "a link without its end"),
        ("body_field: noi_dung, ", "", "push.reply", "body_field", "a form without its field"),
        (
            "path: /gop-y\n",
            "path: /gop-y\n    past_end: never\n",
            "source.list.past_end",
            "empty",
            "another word",
        ),
    ],
)
def test_slip_is_told_at_its_place(tmp_path, old, new, path, said, note):
    text = instead(old, new)
    (tmp_path / "connector.yaml").write_text(text, "utf-8")
    found = findings(tmp_path)
    assert any(one.path.startswith(path) and said in f"{one}" for one in found), (note, found)
    assert all(one.line > 8 for one in found), note
    with pytest.raises(ConfigInvalid):
        HtmlPortal(load_manifest(tmp_path))


def test_addresses_ask_for_settings_but_never_for_secrets(channel):
    text = instead("path: /gop-y\n", 'path: "/gop-y?cua={config.username}"\n')
    portal = channel(text)
    assert len(portal.poll()) == 8
    with pytest.raises(ConfigInvalid, match=r"config\.password"):
        channel(text.replace("config.username", "config.password"))
