"""Certificates of timely handling: issued, kept, withdrawn, looked up by anybody who holds one.

    state of the case | same as the last one? that one | number | statement | ledger "certified" | row
    checkpoint over all of it | proofs of every entry named | bundle kept

The statement's hash stands in the ledger before the checkpoint is signed, so the statement itself is under
the signature. What may surprise: issuing twice gives the same paper until something about the case has
changed; then a new one supersedes it, and the old one says so to whoever looks it up. Nothing is ever
deleted: one issued by mistake is withdrawn, which is an entry like any other.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from aggregator.domain.certificates import serial, typed
from aggregator.domain.ledger import canonical, instant
from aggregator.domain.people import Actor, Right
from aggregator.domain.text import clean, sha256_of
from aggregator.domain.workflow import Status
from aggregator.domain.worktime import VN
from aggregator.errors import InputInvalid, MoveNotAllowed, NotFound
from aggregator.services import certificate_statement, ledger, legal_matters, taking_back
from aggregator.services.certificate_facts import needed
from aggregator.services.certificate_statement import Content
from aggregator.services.checkpoints import Checkpoints
from aggregator.services.clock import Clock
from aggregator.services.frame import require, seen
from aggregator.services.ledger import Draft
from aggregator.services.rules import Rules
from aggregator.settings import Settings
from aggregator.storage import (
    answer_queries,
    case_queries,
    certificate_queries,
    checkpoint_queries,
    inbox_queries,
)
from aggregator.storage.db import Database, Tx
from aggregator.verifier import PATH, motmoi_check

#: The longest code that is looked for: a token has 32 letters.
LONGEST_CODE = 64
MOST = 500


@dataclass(frozen=True, slots=True)
class CertificateView:
    """One certificate as its list shows it. `superseded_by` is the serial of the one in force."""

    id: int
    serial: str
    token: str
    case_id: int
    case_code: str
    issued_at: datetime
    issued_by: str
    verdict: Mapping[str, Any]
    statement_sha256: str
    superseded_by: str | None
    withdrawn_at: datetime | None

    @property
    def stands(self) -> bool:
        return self.withdrawn_at is None and self.superseded_by is None


@dataclass(frozen=True, slots=True)
class OfCase:
    """The certificates of one case, the newest first."""

    code: str
    all: Sequence[CertificateView]


@dataclass(frozen=True, slots=True)
class Printed:
    """All that a paper is drawn from; the public address leads to it, where the office has one."""

    view: CertificateView
    statement: Mapping[str, Any]
    #: Text and signature.
    checkpoint: Mapping[str, Any]
    #: The public half of the key that signed, hex.
    key: str
    address: str
    #: Somebody took the case up again since.
    reopened: bool = False

    @property
    def number(self) -> int:
        """Of the checkpoint."""
        return int(self._lines[2])

    @property
    def signed_at(self) -> datetime:
        return datetime.fromisoformat(self._lines[3])

    @property
    def entries(self) -> int:
        """How many entries of the ledger the checkpoint covers."""
        return int(self._lines[4])

    @property
    def checkpoint_sha256(self) -> str:
        return sha256_of(self.checkpoint["text"])

    @property
    def _lines(self) -> list[str]:
        lines: list[str] = self.checkpoint["text"].split("\n")
        return lines


@dataclass(frozen=True, slots=True)
class Checked:
    """What the verifier says of a file. `findings` are empty where it holds, and is ours."""

    findings: tuple[str, ...]
    #: The certificate that the file is the proof of, as it stands here now.
    view: CertificateView | None = None


class Certificates:
    """Issues certificates, and finds those that were issued."""

    def __init__(
        self, db: Database, rules: Rules, checkpoints: Checkpoints, clock: Clock, settings: Settings
    ) -> None:
        self._db = db
        self._rules = rules
        self._checkpoints = checkpoints
        self._clock = clock
        self._settings = settings

    # Issuing

    def issue(self, actor: Actor, case_id: int) -> CertificateView:
        """Certify the case as it is now; the standing certificate where nothing has changed since.

        `MoveNotAllowed` where no answer has finished it, or it is no ordinary feedback.
        """
        require(actor, Right.HANDLE)
        return self._issue(actor, case_id, actor.id)

    def issue_here(self, operator: Actor, case_id: int) -> CertificateView:
        """`issue` for the person at the machine itself, who is no officer."""
        return self._issue(operator, case_id, None)

    def _issue(self, actor: Actor, case_id: int, officer_id: int | None) -> CertificateView:
        with self._db.write() as tx:
            ledger.lock(tx, [seen(tx, actor, case_id).ward_code])
            case = seen(tx, actor, case_id)
            _check(actor, case)
            book = self._rules.book(tx)
            content = certificate_statement.content(
                tx, book, case, self._clock(), names=self._settings.certificate.officer_names
            )
            if content is None:
                raise MoveNotAllowed(
                    f"case {case.id} has no answer that finished it",
                    message_vi="Vụ việc chưa có phúc đáp kết thúc nên chưa có gì để xác nhận.",
                )
            _check_lasting(tx, content, self._clock())
            row = self._standing(tx, case, content) or self._write(tx, case, content, officer_id)
        self._prove(row.id)
        with self._db.read() as tx:
            return self._view(tx, row)

    def _standing(self, tx: Tx, case: Any, content: Content) -> Any:
        """The newest one, where it is not withdrawn and says just this."""
        newest = next(iter(certificate_queries.of_case(tx, case.id)), None)
        if newest is None or newest.withdrawn_at is not None:
            return None
        return newest if newest.content_sha256 == _digest(_said(content)) else None

    def _write(self, tx: Tx, case: Any, content: Content, officer_id: int | None) -> Any:
        now = self._clock()
        year = now.astimezone(VN).year
        number = certificate_queries.next_number(tx, case.ward_code, year)
        name = serial(case.ward_code, year, number)
        earlier = [row.serial for row in certificate_queries.of_case(tx, case.id) if not row.withdrawn_at]
        staff = certificate_queries.staff(tx, [officer_id] if officer_id else [])
        statement = _said(content) | {
            "serial": name, "number": number, "year": year, "issued_at": instant(now),
            "issued_by": certificate_statement.who(
                staff.get(officer_id or 0), names=self._settings.certificate.officer_names
            ),
            "supersedes": earlier[0] if earlier else None,
        }  # fmt: skip
        told = {"serial": name, "statement_sha256": _digest(statement)}
        draft = Draft(case.ward_code, "certified", now, told, case.id, officer_id)
        (seq,) = ledger.append(tx, [draft])
        certificate_id = certificate_queries.add(
            tx,
            {
                "serial": name, "token": secrets.token_hex(16), "case_id": case.id,
                "ward_code": case.ward_code, "year": year, "number": number,
                "content_sha256": _digest(_said(content)), "statement_sha256": told["statement_sha256"],
                "statement": canonical(statement), "chain": case.ward_code, "seq": seq, "issued_at": now,
                "issued_by": officer_id,
            },
        )  # fmt: skip
        return certificate_queries.row(tx, certificate_id)

    def _prove(self, certificate_id: int) -> bytes:
        """The bundle, made under a new checkpoint where it was not made yet."""
        with self._db.read() as tx:
            row = certificate_queries.row(tx, certificate_id)
        assert row is not None, f"certificate {certificate_id}"
        if row.bundle is not None:
            return bytes(row.bundle)
        self._checkpoints.make(force=True)
        with self._db.write() as tx:
            certificate_queries.keep_bundle(tx, certificate_id, self._bundle(tx, row))
            row = certificate_queries.row(tx, certificate_id)
        assert row is not None, f"certificate {certificate_id}"
        return bytes(row.bundle)

    def _bundle(self, tx: Tx, row: Any) -> bytes:
        """The statement with every entry that it names; without the data of those that it only dates."""
        statement = json.loads(row.statement)
        open_entries = needed(statement["facts"]) | {(row.chain, row.seq): True}
        proofs = self._checkpoints.prove(tx, list(open_entries))
        entries = [
            entry if open_entries[entry["chain"], entry["seq"]] else entry | {"data": None, "salt": None}
            for entry in proofs.entries
        ]
        return replace(proofs, entries=entries).bundle(statement)

    def withdraw(self, actor: Actor, certificate_id: int, reason: str) -> CertificateView:
        """Say that this one does not hold; it stays, and says so to whoever looks it up."""
        require(actor, Right.HANDLE)
        why = clean(reason).strip()[:MOST]
        if not why:
            raise InputInvalid(
                "why is it withdrawn?", field="reason", message_vi="Hãy ghi lý do thu hồi giấy xác nhận."
            )
        with self._db.write() as tx:
            row = self._mine(tx, actor, certificate_id)
            ledger.lock(tx, [row.ward_code])
            now = self._clock()
            if certificate_queries.withdraw(tx, certificate_id, now, actor.id):
                told = {"serial": row.serial, "reason": why}
                ledger.append(
                    tx, [Draft(row.ward_code, "certificate_withdrawn", now, told, row.case_id, actor.id)]
                )
            return self._view(tx, row)

    # Looking

    def of_case(self, actor: Actor, case_id: int) -> OfCase:
        """What was certified of a case."""
        with self._db.read() as tx:
            case = seen(tx, actor, case_id)
            legal_matters.check_may_read(actor, case)
            return OfCase(case.code, _views(tx, certificate_queries.of_case(tx, case_id)))

    def bundle(self, actor: Actor, certificate_id: int) -> tuple[CertificateView, bytes]:
        """The machine's half: what `motmoi ledger check` reads."""
        with self._db.read() as tx:
            view = self._view(tx, self._mine(tx, actor, certificate_id))
        return view, self._prove(certificate_id)

    def printed(self, actor: Actor, certificate_id: int) -> Printed:
        """What the paper is drawn from."""
        view, bundle = self.bundle(actor, certificate_id)
        return self._printed(view, bundle)

    def _printed(self, view: CertificateView, bundle: bytes) -> Printed:
        document = json.loads(bundle)
        public = self._settings.public_url.rstrip("/")
        return Printed(
            view, document["statement"], document["checkpoint"], document["key"]["public"],
            f"{public}/verify/{view.token}" if public else "",
        )  # fmt: skip

    def found(self, code: str) -> Printed:
        """The certificate with this serial or token, for anybody who holds the paper.

        `NotFound` in the same words for a code that was never given out and for a case that must not be
        shown any more.
        """
        wanted = clean(code[:LONGEST_CODE]).replace("\0", "")
        with self._db.read() as tx:
            row = certificate_queries.printed(tx, typed(wanted), wanted.strip().lower())
            if row is None or legal_matters.is_restricted(case := _case(tx, row)):
                raise _unknown()
            view = self._view(tx, row)
        return replace(self._printed(view, self._prove(row.id)), reopened=case.is_open)

    def check(self, content: bytes) -> Checked:
        """What the stand-alone verifier finds in a file that somebody brings; nothing is kept.

        Trusted are the keys of this installation alone: a proof of another one is refused here.
        """
        with self._db.read() as tx:
            keys = [row.public for row in checkpoint_queries.keys(tx)]
        # The verifier stands alone: it has no types of ours.
        work = motmoi_check.check(content, [], keys) if keys else None  # type: ignore[no-untyped-call]
        if work is None or work.findings:
            return Checked(_told(work))
        serial_of = str(json.loads(content).get("statement", {}).get("serial", ""))
        try:
            return Checked((), self.found(serial_of).view)
        except NotFound:
            return Checked(())

    def verifier(self) -> bytes:
        """The stand-alone verifier, one file that needs nothing of ours."""
        return PATH.read_bytes()

    def key(self) -> str:
        """The public half of the key that signs, hex; made where nothing was signed yet."""
        return self._checkpoints.keys.ensure().public

    def _mine(self, tx: Tx, actor: Actor, certificate_id: int) -> Any:
        row = certificate_queries.row(tx, certificate_id)
        if row is None:
            raise _unknown()
        try:
            case = seen(tx, actor, row.case_id)
        except NotFound as error:
            raise _unknown() from error
        if not legal_matters.may_read(actor, case):
            raise _unknown()
        return row

    def _view(self, tx: Tx, row: Any) -> CertificateView:
        views = _views(tx, certificate_queries.of_case(tx, row.case_id))
        return next(view for view in views if view.id == row.id)


def _check(actor: Actor, case: Any) -> None:
    """Raise where the case is no finished feedback that may be told of."""
    legal_matters.check_may_read(actor, case)
    legal_matters.check_decided(case)
    if case.status == Status.MERGED:
        raise MoveNotAllowed(
            f"case {case.id} was merged into {case.merged_into}",
            message_vi="Vụ việc đã gộp. Hãy lập giấy xác nhận cho vụ việc đang giữ các phản ánh này.",
        )


def _check_lasting(tx: Tx, content: Content, now: datetime) -> None:
    """Raise where the answer can still be taken back: it would leave a paper about nothing."""
    reply = answer_queries.reply(tx, content.closing.get("reply"))
    if reply is not None and taking_back.may_undo(reply, now):
        raise MoveNotAllowed(
            f"answer {reply.id} can be taken back until {reply.undo_until}",
            message_vi="Phúc đáp còn có thể hoàn tác. Hãy lập giấy xác nhận sau khi phúc đáp đã gửi.",
        )


def _said(content: Content) -> dict[str, Any]:
    """The statement without what only this paper has; the same state of a case gives the same."""
    return content.statement.document | {"facts": content.statement.facts}


def _digest(value: Mapping[str, Any]) -> str:
    return sha256_of(canonical(value))


def _case(tx: Tx, row: Any) -> Any:
    return case_queries.row(tx, row.case_id)


def _views(tx: Tx, rows: Sequence[Any]) -> list[CertificateView]:
    """Rows of one case, the newest first."""
    names = inbox_queries.officer_names(tx, [row.issued_by for row in rows])
    return [_view(row, names.get(row.issued_by, ""), rows[0]) for row in rows]


def _view(row: Any, who: str, newest: Any) -> CertificateView:
    statement = json.loads(row.statement)
    return CertificateView(
        id=row.id, serial=row.serial, token=row.token, case_id=row.case_id, case_code=statement["case"],
        issued_at=row.issued_at, issued_by=who, verdict=statement["verdict"],
        statement_sha256=row.statement_sha256, withdrawn_at=row.withdrawn_at,
        superseded_by=newest.serial if newest.id != row.id else None,
    )  # fmt: skip


def _told(work: Any) -> tuple[str, ...]:
    """The verifier's findings, as people read them who know nothing of how a file is written."""
    if work is None:
        return (motmoi_check.SAYS["key"],)
    return tuple(_finding(*one) for one in work.findings)


def _finding(code: str, chain: str, seq: int, more: str) -> str:
    said = motmoi_check.SAYS[code]
    if code == "form":  # `more` is Python's word for what it stumbled over
        return said
    return f"chuỗi / chain {chain}, mục / entry {seq}: {said}" if chain else f"{more}: {said}"


def _unknown() -> NotFound:
    return NotFound("no such certificate", message_vi="Không có giấy xác nhận nào mang mã này.")
