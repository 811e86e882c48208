"""Checkpoints reach those who hold them outside: each once, in order, whatever was away and for how long."""

from __future__ import annotations

import base64
import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.x509.oid import ExtendedKeyUsageOID

from aggregator.errors import NotAllowed, SettingsInvalid
from aggregator.services.checkpoints import Checkpoints
from aggregator.services.ledger import Draft, append
from aggregator.services.ledger_export import LedgerExport
from aggregator.services.ledger_places import LedgerPlaces
from aggregator.services.ledger_tree import LedgerRewritten
from aggregator.services.mailing import Mailing
from aggregator.settings import LedgerSettings, Settings, load
from aggregator.verifier import motmoi_check
from tests.factories import MAIL, Office
from tests.people import WARD_A
from tests.services.smtp_world import mail_server
from tests.services.stamping_world import StampService, server


class Holding:
    """An office with places outside."""

    def __init__(self, office: Office, folder: Path, **ledger: Any) -> None:
        self.office = office
        mail = ledger.pop("settings", MAIL)
        settings = replace(mail, data_dir=folder, ledger=LedgerSettings(allow_private=True, **ledger))
        self.checkpoints = Checkpoints(office.db, office.vault, office.clock, settings)
        self.export = LedgerExport(office.db, self.checkpoints)
        self.mailing = Mailing(office.db, office.clock, settings)
        self.places = LedgerPlaces(
            office.db, office.clock, settings, self.checkpoints, self.export, self.mailing
        )

    def goes_on(self, entries: int = 1, **later: float) -> int:
        """Somebody works, ten minutes pass, the worker looks; how many places got something."""
        with self.office.db.write() as tx:
            append(tx, [Draft(WARD_A, "noted", self.office.clock(), {}) for _ in range(entries)])
        self.office.clock.forward(**(later or {"minutes": 10}))
        return self.places.tick("worker")

    @property
    def one(self) -> Any:
        (view,) = self.places.state(self.office.admin).places
        return view


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_a_file_gets_every_checkpoint_with_the_hashes_since_the_last(office: Office, tmp_path: Path) -> None:
    share = tmp_path / "share.jsonl"
    world = Holding(office, tmp_path / "var", files=(share,))
    assert world.goes_on(3) == 1
    assert world.places.tick("worker") == 0  # nothing new
    assert world.goes_on(2) == 1
    first, second = lines(share)
    assert [one["checkpoint"]["text"].split("\n")[2] for one in (first, second)] == ["1", "2"]
    assert second["entries"][WARD_A]["after"] == 3 and len(second["entries"][WARD_A]["hashes"]) == 128
    assert world.one.held_number == 2 and world.one.error is None
    export = "".join(world.export.lines(with_data=True)).encode()
    assert motmoi_check.check(export, [share.read_text("utf-8")]).findings == []


def test_a_share_that_was_away_catches_up_with_one_delivery(office: Office, tmp_path: Path) -> None:
    folder = tmp_path / "mounted"
    world = Holding(office, tmp_path / "var", files=(folder / "share.jsonl",))
    assert world.goes_on() == 0
    assert not folder.exists()  # a folder made here would hold nothing outside
    assert world.one.attempts == 1 and "No such file" in world.one.error
    tries = [world.goes_on(minutes=10) for _ in range(6)]
    assert tries == [0] * 6
    assert 4 <= world.one.attempts <= 7  # later and later
    folder.mkdir()
    office.clock.forward(hours=1)
    assert world.places.tick("worker") == 1
    (line,) = lines(folder / "share.jsonl")
    assert line["entries"][WARD_A]["after"] == 0 and len(line["entries"][WARD_A]["hashes"]) == 64 * 7
    assert (world.one.attempts, world.one.error) == (0, None)


def test_a_line_that_was_cut_off_or_written_twice_is_no_harm(office: Office, tmp_path: Path) -> None:
    share = tmp_path / "share.jsonl"
    world = Holding(office, tmp_path / "var", files=(share,))
    world.goes_on()
    with share.open("a") as file:
        file.write('{"checkpoint": {"te')
    world.goes_on()
    assert len(share.read_text("utf-8").splitlines()) == 3
    claimed_before = share.read_bytes()
    with office.db.write() as tx:  # it died after the line, before it knew
        tx.exec_driver_sql("UPDATE ledger_places SET held_number = 1")
    assert world.places.tick("worker") == 1
    assert share.read_bytes() == claimed_before
    export = "".join(world.export.lines(with_data=True)).encode()
    assert motmoi_check.check(export, [share.read_text("utf-8")]).findings == []


def test_a_file_of_another_history_is_left_alone_and_told_of(
    office: Office, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    share = tmp_path / "share.jsonl"
    world = Holding(office, tmp_path / "var", files=(share,))
    world.goes_on()
    other = json.loads(share.read_text("utf-8"))
    other["checkpoint"]["text"] = other["checkpoint"]["text"].replace("\n1\n", "\n7\n")
    share.write_text(json.dumps(other) + "\n")
    with pytest.raises(LedgerRewritten):
        world.goes_on()
    trouble = world.places.state(office.admin).trouble
    assert trouble is not None and "restored from an old backup" in trouble
    world.checkpoints.admit_loss("Thử")
    world.goes_on()
    assert world.places.state(office.admin).trouble is None
    assert len(lines(share)) == 2


def test_an_address_gets_it_signed_and_is_asked_again_until_it_takes_it(
    office: Office, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    took: list[tuple[bytes, dict[str, str]]] = []
    answers = [(500, "text/plain", b"away"), (302, "text/plain", b""), (200, "text/plain", b"ok")]

    def answer(body: bytes, headers: dict[str, str]) -> tuple[int, str, bytes]:
        took.append((body, headers))
        return answers[len(took) - 1]

    with server(answer) as url, caplog.at_level(logging.WARNING):
        world = Holding(office, tmp_path / "var", webhooks=(url,))
        assert [world.goes_on(minutes=10), world.goes_on(minutes=10), world.goes_on(minutes=10)] == [0, 0, 1]
        body, headers = took[-1]
        assert "bi-mat" not in caplog.text and "bi-mat" not in str(world.places.state(office.admin))
    key = world.checkpoints.keys.ensure()
    assert headers["Motmoi-Key"] == key.id
    Ed25519PublicKey.from_public_bytes(bytes.fromhex(key.public)).verify(
        bytes.fromhex(headers["Motmoi-Signature"]), body
    )
    assert len(json.loads(body)["entries"][WARD_A]["hashes"]) == 64 * 3


def test_an_address_inside_the_office_is_only_asked_where_that_is_allowed(
    office: Office, tmp_path: Path
) -> None:
    took: list[bytes] = []
    with server(lambda body, _headers: (took.append(body) or 200, "text/plain", b"")) as url:
        world = Holding(office, tmp_path / "var", webhooks=(url,))
        closed = LedgerSettings(webhooks=(url,))
        world.places = LedgerPlaces(
            office.db, office.clock, replace(MAIL, data_dir=tmp_path / "var", ledger=closed),
            world.checkpoints, world.export, world.mailing,
        )  # fmt: skip
        assert world.goes_on() == 0
    assert took == [] and world.one.error


def test_a_person_gets_it_by_mail_once_a_day_and_can_check_with_it(office: Office, tmp_path: Path) -> None:
    with mail_server() as (inboxes, smtp):
        settings = Settings(**smtp)
        world = Holding(office, tmp_path / "var", mail=("minh",), settings=settings)
        assert world.goes_on() == 0
        assert "no active account with a mail address" in world.one.error
        office.mailed(settings)
        office.reminder_choices.choose(
            office.minh, email="minh@phuong.test", in_app=True, by_mail=False, daily=False, weekly=False,
            quiet_from="", quiet_to="",
        )  # fmt: skip
        assert world.goes_on() == 1
        assert world.one.error == "mail: waiting"
        world.mailing.drain("worker")
        assert world.one.error is None
        assert [world.goes_on(hours=1), world.goes_on(hours=24)] == [0, 1]
        world.mailing.drain("worker")
    assert len(inboxes.mails) == 2
    body = inboxes.mails[0].get_body(("plain",))
    assert body is not None
    export = "".join(world.export.lines(with_data=True)).encode()
    work = motmoi_check.check(export, [body.get_content()])
    assert work.findings == [] and list(work.texts) == [2]


def test_a_time_stamp_is_verified_kept_and_checked_with_the_paper(office: Office, tmp_path: Path) -> None:
    service = StampService()
    with server(service.answer) as url:
        world = Holding(office, tmp_path / "var", timestamp_url=url, timestamp_roots=service.roots(tmp_path))
        assert world.goes_on() == 1
    last = world.checkpoints.last()
    assert last is not None and last.token is not None and len(base64.b64decode(last.token)) > 500
    with office.db.read() as tx:
        bundle = world.checkpoints.prove(tx, [(WARD_A, 1)]).bundle({"facts": []})
    document = json.loads(bundle)
    assert document["checkpoint"]["token"] == last.token
    export = "".join(world.export.lines(with_data=True))
    assert motmoi_check.check(export.encode()).findings == []
    other = export.replace(last.token, "A" + last.token[1:])
    assert [one[0] for one in motmoi_check.check(other.encode()).findings] == ["signature"]


@pytest.mark.parametrize("how", ["another text", "no time stamp's certificate", "another root", "no token"])
def test_a_time_stamp_that_is_not_good_is_not_kept(office: Office, tmp_path: Path, how: str) -> None:
    purpose = ExtendedKeyUsageOID.CODE_SIGNING if "certificate" in how else ExtendedKeyUsageOID.TIME_STAMPING
    service = StampService(purpose)
    service.lie = how == "another text"
    roots = (StampService() if how == "another root" else service).roots(tmp_path)
    answer = service.answer if how != "no token" else lambda *_: (200, "text/html", b"<p>hello")
    with server(answer) as url:
        world = Holding(office, tmp_path / "var", timestamp_url=url, timestamp_roots=roots)
        assert world.goes_on() == 0
    last = world.checkpoints.last()
    assert last is not None and last.token is None
    assert "the time stamp is not good" in world.one.error


def test_two_workers_bring_it_once(office: Office, tmp_path: Path) -> None:
    share = tmp_path / "share.jsonl"
    world = Holding(office, tmp_path / "var", files=(share,))
    world.checkpoints.make(force=True)
    claimed = world.places.claim("one")
    assert claimed is not None and world.places.claim("two") is None
    assert world.places.bring(claimed)
    office.clock.forward(days=1)
    assert world.places.claim("two") is None


def test_what_died_with_it_is_brought_by_another(office: Office, tmp_path: Path) -> None:
    share = tmp_path / "share.jsonl"
    world = Holding(office, tmp_path / "var", files=(share,))
    world.checkpoints.make(force=True)
    dead = world.places.claim("dead")
    office.clock.forward(minutes=10)
    other = world.places.claim("alive")
    assert dead is not None and other is not None
    assert world.places.bring(other)
    world.places.bring(dead)  # it was only slow
    assert len(lines(share)) == 1


def test_officers_do_not_see_where_it_is_held(office: Office, tmp_path: Path) -> None:
    world = Holding(office, tmp_path / "var", files=(tmp_path / "share.jsonl",))
    for person in (office.lan, office.hue):
        with pytest.raises(NotAllowed):
            world.places.state(person)
    world.places.state(office.minh)


def test_places_are_set_in_the_file_of_settings(tmp_path: Path) -> None:
    file = tmp_path / "motmoi.toml"
    file.write_text(
        '[ledger]\nmail = ["minh"]\nfiles = ["/mnt/share/x.jsonl"]\nwebhooks = ["https://city.test/hook"]\n'
    )
    found = load({"MOTMOI_CONFIG": str(file)}).ledger
    assert found.files == (Path("/mnt/share/x.jsonl"),) and found.mail_every_h == 24
    for text, why in {
        '[ledger]\nfile = ["x"]\n': "did you mean files",
        '[ledger]\nwebhooks = ["ftp://x"]\n': "no web address",
        '[ledger]\ntimestamp_url = "https://tsa.test"\n': "needs timestamp_roots",
        "ledger = 5\n": "is not of type",
    }.items():
        file.write_text(text)
        with pytest.raises(SettingsInvalid) as refused:
            load({"MOTMOI_CONFIG": str(file)})
        assert why in str(refused.value)
