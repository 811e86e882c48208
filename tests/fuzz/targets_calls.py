"""What calls us and what is no web page: pushed reports, Zalo events, mails, mail servers, dropped files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from random import Random
from tempfile import mkdtemp
from typing import Any

import connectors.email
import connectors.spreadsheet
import connectors.walk_in
from aggregator.sdk.conformance.stages import START
from aggregator.sdk.contract import Context, Manifest, RawItem, WebhookRequest
from aggregator.sdk.discovery import load_manifest
from aggregator.sdk.testing import context_for
from connectors.email import letters
from connectors.webhook.sandbox import SECRET
from connectors.webhook.signing import signature
from connectors.zalo_oa.events import mac
from connectors.zalo_oa.sandbox import APP, OA, OA_SECRET
from tests.fuzz import corpus, odd
from tests.fuzz.journeys import batches, command, portal
from tests.fuzz.judging import kept, storable
from tests.fuzz.mail_servers import Imap, Smtp
from tests.fuzz.mutators import Sample, flip, mutated
from tests.fuzz.played import HOST, Answers
from tests.fuzz.targets import Case, Target, feeding

OWN = "phananh@phuong.example.vn"


@cache
def _manifest(module: Any) -> Manifest:
    return load_manifest(Path(module.__file__).parent)


# -- calls ---------------------------------------------------------------------------------------

_REPORT = {
    "id": "A-1", "sent_at": "2026-10-20T08:15:00+07:00", "updated_at": "2026-10-20T09:00:00+07:00",
    "subject": "Ổ gà",
    "body": odd.SENTENCE, "status": "new", "category": "Giao thông", "kind": "feedback",
    "due_at": "2026-11-01", "urgency": "1",
    "person": {"name": "Nguyễn Thị Thử", "phone": "0901234567", "email": "thu@example.vn",
    "anonymous": False},
    "location": {"address": "1 Lê Lợi", "area": "Phường Mẫu", "lat": 10.77, "lng": 106.7,
    "ward_code": "27142"},
    "attachments": [{"url": "https://tep.example.vn/1.jpg", "filename": "anh.jpg",
    "content_type": "image/jpeg"}],
    "answers": [{"body": "Đã vá", "at": "2026-10-21T08:00:00+07:00", "author": "Lan"}],
    "url": "https://coquan.example.vn/1",
}  # fmt: skip
_STAMP = str(int(START.timestamp()))


def _json(data: Any) -> Sample:
    return Sample("json", json.dumps(data, ensure_ascii=False).encode(), "application/json")


def _reports() -> list[Sample]:
    later = {"id": "A-1", "status": "resolved", "updated_at": "2026-10-22T09:00:00+07:00", "subject": None}
    return [_json(_REPORT), _json({"reports": [_REPORT, later, {**_REPORT, "id": "A-2"}]}), _json(later)]


def _events() -> list[Sample]:
    base = {
        "app_id": APP,
        "timestamp": _STAMP + "000",
        "sender": {"id": "1111"},
        "recipient": {"id": OA},
        "user_id_by_app": "91111",
    }
    attached = [{"type": "image", "payload": {"url": "https://zalo.example/1.jpg", "thumbnail": "x"}}]
    place = [{"type": "location", "payload": {"coordinates": {"latitude": "10.77", "longitude": "106.70"}}}]
    file = [
        {
            "type": "file",
            "payload": {"url": "https://zalo.example/1.pdf", "name": "đơn.pdf", "size": "12", "type": "pdf"},
        }
    ]
    kinds: Mapping[str, Mapping[str, Any]] = {
        "user_send_text": {"text": odd.SENTENCE}, "user_send_image": {"text": "x", "attachments": attached},
        "user_send_location": {"attachments": place}, "user_send_file": {"attachments": file},
        "user_send_sticker": {"attachments": attached},
        "user_withdraw": {}, "follow": {}, "user_send_link": {"attachments": attached},
    }  # fmt: skip
    return [
        _json({**base, "event_name": name, "message": {**message, "msg_id": "m-1"}})
        for name, message in kinds.items()
    ]


def _call(body: bytes, headers: Mapping[str, str], *, verified: bool = False) -> WebhookRequest:
    return WebhookRequest(
        "POST", {name.lower(): value for name, value in headers.items()}, {}, body, START, verified
    )


def _calls(
    id_: str, samples: Callable[[], list[Sample]], signed: Callable[[bytes], dict[str, str]]
) -> Callable[[], Callable[[Random], Case]]:
    """Calls signed as they should be, whatever their body is; now and then the signature is spoiled."""

    def set_up() -> Callable[[Random], Case]:
        played, given = portal(id_), samples()
        known = {"A-1": json.dumps(_REPORT).encode()}
        ctx = replace(played.context(Answers(()), {}), last_raw=known.get)
        connector: Any = played.connector

        def case(rng: Random) -> Case:
            payload = mutated(rng.choice(given), rng, given)
            headers = signed(payload.content)
            if rng.random() < 0.1:
                name = rng.choice(list(headers))
                spoiled = rng.choice((odd.text(rng), flip(headers[name].encode(), rng).decode("latin-1"), ""))
                headers[name] = spoiled.encode("latin-1", "replace").decode(
                    "latin-1"
                )  # all that a web server hands on

            def call() -> None:
                reply = connector.handle_webhook(ctx, _call(payload.content, headers))
                if reply.batch is not None:
                    kept([reply.batch])
                    for item in reply.batch.items:
                        storable(connector.remap(ctx, item))

            return Case(payload, call)

        return case

    return set_up


def _signed_by_agency(body: bytes) -> dict[str, str]:
    return {
        "X-Motmoi-Timestamp": _STAMP,
        "X-Motmoi-Key": "1",
        "X-Motmoi-Signature": signature(SECRET, _STAMP, body),
    }


def _signed_by_zalo(body: bytes) -> dict[str, str]:
    try:
        stamp = str(json.loads(body)["timestamp"])
    except (ValueError, TypeError, KeyError, RecursionError):
        stamp = ""
    stamp = stamp.encode("utf-8", "replace").decode()
    return {"X-ZEvent-Signature": f"mac={mac(APP, body, stamp, OA_SECRET)}"}


def _again(id_: str, samples: Callable[[], list[Sample]]) -> Callable[[], Callable[[Random], Case]]:
    """Kept bytes of a report that came by a call, changed, read again."""

    def set_up() -> Callable[[Random], Case]:
        played = portal(id_)
        ctx = played.context(Answers(()), {})
        return feeding(
            samples,
            lambda one: storable(played.connector.remap(ctx, RawItem(one.content, one.content_type, "A-1"))),
        )()

    return set_up


def _threads() -> list[Sample]:
    kept_event = {
        "event": "user_send_text",
        "msg_id": "m-1",
        "at": int(_STAMP) * 1000,
        "message": {"text": odd.SENTENCE, "msg_id": "m-1"},
    }
    image = {"event": "user_send_image", "msg_id": "m-2", "at": int(_STAMP) * 1000,
             "message": {"attachments": [{"type": "image",
             "payload": {"url": "https://zalo.example/1.jpg"}}]}}  # fmt: skip
    return [
        _json({"v": 1, "number": "n-20261020", "user": "1111", "messages": [kept_event, image]}),
        _json({"withdrawn": "m-1", "number": "n", "at": 0}),
    ]


def _forms() -> list[Sample]:
    form = {"number": "TT-1", "received_at": START.isoformat(), "subject": "Ổ gà", "body": odd.SENTENCE,
        "name": "Nguyễn Thị Thử", "phone": "0901234567",
            "anonymous": False, "address": "1 Lê Lợi", "area": None, "category": None, "photos": [["a",
            "anh.jpg", "image/jpeg", 12]]}  # fmt: skip
    return [_json(form)]


def _form(sample: Sample) -> None:
    storable(connectors.walk_in.CONNECTOR.remap(_context(connectors.walk_in), RawItem(sample.content)))


def _context(module: Any, **config: Any) -> Context:
    return context_for(HOST, _manifest(module), config, {"password": "x"}, START)


# -- mails ---------------------------------------------------------------------------------------


def _mail(sample: Sample) -> None:
    letter = letters.read(sample.content, START)
    for file in letter.files[:3]:
        letters.file_in(sample.content, file.part)
    storable(letters.record_of(letters.item_of([letters.Kept(sample.content, START)], "mail 1"), [OWN]))


def _conversations() -> list[Sample]:
    mails = [letters.Kept(one.content, START + timedelta(hours=n)) for n, one in enumerate(corpus.mails())]
    return [_json(json.loads(letters.item_of(mails[start : start + 3], "x").content)) for start in range(4)]


def _conversation(sample: Sample) -> None:
    item = RawItem(sample.content, letters.THREAD, "conversation")
    storable(connectors.email.CONNECTOR.remap(_context(connectors.email, address=OWN), item))


def _mailbox() -> Callable[[Random], Case]:
    """A poll, a check or an answer over servers of which one line is spoiled."""
    mails = [one.content for one in corpus.mails()]
    config = {
        "imap_url": "imap://portal.test:143",
        "smtp_url": "smtp://portal.test:25",
        "username": "u",
        "address": OWN,
        "plain": True,
    }

    def case(rng: Random) -> Case:
        box = [mails[0], mutated(corpus.mails()[rng.randrange(len(mails))], rng, []).content, mails[3]]
        imap, smtp = Imap(box, rng.randrange(14), rng), Smtp(rng.randrange(10), rng)
        kind = rng.choice(("poll", "poll", "poll", "check", "push", "lookup", "fetch"))

        def call() -> None:
            ctx = _context(connectors.email, **config)
            ctx.http.dial = lambda url: imap if url.startswith("imap") else smtp  # type: ignore[method-assign,return-value]
            connector = connectors.email.CONNECTOR
            if kind == "poll":
                kept(batches(connector.poll(ctx, None)))
            elif kind == "check":
                connector.check(ctx)
            elif kind == "fetch":
                connector.fetch_attachment(ctx, "m2@example.vn#3")
            else:
                getattr(connector, kind)(ctx, command("m0@example.vn"))

        return Case(Sample("mail", imap.spoilt or smtp.spoilt or box[1]), call)

    return case


# -- dropped files -------------------------------------------------------------------------------

_COLUMNS = dict(
    zip(
        ("external_id", "received_at", "body", "address", "phone", "status", "lat"),
        corpus.HEADINGS,
        strict=True,
    )
)


@cache
def _folder() -> Path:
    return Path(mkdtemp(prefix="motmoi-fuzz-"))


def _dropped(sample: Sample) -> None:
    """A whole poll of a folder with this file in it, as the file of one of three names."""
    file = _folder() / ("phan-anh.csv", "phan-anh.xlsx", "phan-anh.csv.gz")[len(sample.content) % 3]
    for old in _folder().iterdir():
        old.unlink()
    file.write_bytes(sample.content)
    ctx = _context(connectors.spreadsheet, folder=str(_folder()), columns=_COLUMNS, settle_s=0)
    kept(batches(connectors.spreadsheet.CONNECTOR.poll(ctx, None)))


def _rows() -> list[Sample]:
    return [
        _json(
            dict(
                zip(
                    corpus.HEADINGS,
                    ("PA-1", "20/10/2026 08:30", odd.SENTENCE, "1 Lê Lợi", "0901234567", "Mới", "10.77"),
                    strict=True,
                )
            )
        )
    ]


def _row(sample: Sample) -> None:
    ctx = _context(connectors.spreadsheet, columns=_COLUMNS)
    storable(connectors.spreadsheet.CONNECTOR.remap(ctx, RawItem(sample.content, ref="phan-anh.csv row 2")))


TARGETS = [
    Target("webhook: calls", 40, _calls("webhook", _reports, _signed_by_agency)),
    Target("webhook: record", 10, _again("webhook", _reports)),
    Target("zalo_oa: calls", 40, _calls("zalo_oa", _events, _signed_by_zalo)),
    Target("zalo_oa: record", 20, _again("zalo_oa", _threads)),
    Target("walk_in: record", 5, feeding(_forms, _form)),
    Target("email: mails", 50, feeding(corpus.mails, _mail)),
    Target("email: conversations", 10, feeding(_conversations, _conversation)),
    Target("email: servers", 10, _mailbox),
    Target("spreadsheet: files", 15, feeding(corpus.tables, _dropped)),
    Target("spreadsheet: rows", 15, feeding(_rows, _row)),
]
