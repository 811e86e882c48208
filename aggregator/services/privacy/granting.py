"""What a person gets on request: their own data handed out, and their identity put out of sight.

What may surprise: the document holds what the person sent and what they were answered, and when somebody
looked up who they are; of other people's reports in the same case it holds nothing. A restriction hides the
identity from everybody but those who answer for personal data, also from a search by telephone.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from aggregator.domain.people import Actor, Right
from aggregator.services import ledger, legal_matters
from aggregator.services.clock import Clock
from aggregator.services.frame import require
from aggregator.services.ledger import Draft
from aggregator.services.privacy.register import Register
from aggregator.storage import (
    case_queries,
    erasing_queries,
    register_queries,
    report_queries,
    subject_queries,
)
from aggregator.storage.db import Database, Tx
from aggregator.storage.vault import SealBroken, Vault

FORMAT = "motmoi/personal-data/1"


class Granting:
    """Access and restriction, each for a registered request."""

    def __init__(self, db: Database, vault: Vault, clock: Clock, register: Register) -> None:
        self._db = db
        self._vault = vault
        self._clock = clock
        self._register = register

    # Access

    def document(self, actor: Actor, request_id: int, report_ids: Collection[int]) -> dict[str, Any]:
        """The person's own data of these reports, as one JSON document; the handing out is recorded."""
        require(actor, Right.PRIVACY)
        with self._db.write() as tx:
            row = self._register.seen(tx, actor, request_id)
            ledger.lock(tx, [row.ward_code])
            now = self._clock()
            reports = self._own(tx, actor, report_ids)
            found = self._reports(tx, reports)
            ids = [one.id for one in reports]
            acts = [(one, "exported") for one in ids]
            erasing_queries.put_acts(tx, request_id, acts, now, actor.id or None)
            told = {"request": request_id, "reports": ids}
            entry = Draft(row.ward_code, "personal_data_handed_out", now, told, officer_id=actor.id or None)
            ledger.append(tx, [entry])
        return {"format": FORMAT, "made_at": now.isoformat(), "request": request_id, "reports": found}

    def _own(self, tx: Tx, actor: Actor, report_ids: Collection[int]) -> list[Any]:
        """Those of the reports that this person sees; a report of a hidden ward does not exist."""
        rows = [row for row in subject_queries.reports_in(tx, report_ids) if actor.sees(row.ward_code)]
        homes = subject_queries.homes(tx, [row.id for row in rows])
        cases = {row.id: row for row in subject_queries.cases_of(tx, set(homes.values()))}
        return [row for row in rows if legal_matters.may_read(actor, cases[homes[row.id]])]

    def _reports(self, tx: Tx, reports: Sequence[Any]) -> list[dict[str, Any]]:
        ids = [row.id for row in reports]
        homes = subject_queries.homes(tx, ids)
        cases = {row.id: row for row in subject_queries.cases_of(tx, set(homes.values()))}
        files, answers, looks = defaultdict(list), defaultdict(list), defaultdict(list)
        for file in subject_queries.files_of(tx, ids):
            files[file.report_id].append(file.filename)
        for reply in subject_queries.replies_of(tx, cases):
            answers[reply.case_id].append(
                {"at": reply.at.isoformat(), "kind": reply.kind, "text": reply.body}
            )
        for look in register_queries.looks(tx, cases):
            seen = json.loads(look.data) if look.data else {}
            looks[seen.get("report")].append({"at": look.at.isoformat(), "reason": seen.get("reason", "")})
        return [
            {
                "case": cases[homes[row.id]].code, "channel": row.title, "number_there": row.external_id,
                "received_at": row.received_at.isoformat(), "subject": row.subject, "text": row.body,
                "address": row.address, "area": row.area, "category": row.category_raw,
                "state": cases[homes[row.id]].status, "person": self._person(tx, row.id),
                "files": files[row.id], "answers": answers[homes[row.id]],
                "identity_looked_up": looks[row.id],
            }
            for row in reports
        ]  # fmt: skip

    def _person(self, tx: Tx, report_id: int) -> Mapping[str, str]:
        sealed = report_queries.identity(tx, report_id)
        try:
            return self._vault.open_json(sealed, "identity") or {}
        except SealBroken:
            return {}

    # Restriction

    def restrict(self, actor: Actor, request_id: int, report_ids: Collection[int]) -> int:
        """Hide who sent these reports; how many were not hidden before."""
        return self._turn(actor, request_id, report_ids, "restricted")

    def lift(self, actor: Actor, request_id: int, report_ids: Collection[int]) -> int:
        """Let those who handle the case look again, with a reason, as before; how many were hidden."""
        return self._turn(actor, request_id, report_ids, "lifted")

    def _turn(self, actor: Actor, request_id: int, report_ids: Collection[int], act: str) -> int:
        require(actor, Right.PRIVACY)
        with self._db.write() as tx:
            request = self._register.seen(tx, actor, request_id)
            rows = self._own(tx, actor, report_ids)
            ledger.lock(tx, sorted({request.ward_code, *(row.ward_code for row in rows)}))
            now, hidden = self._clock(), register_queries.restricted(tx, [row.id for row in rows])
            changed = [row for row in rows if (row.id in hidden) == (act == "lifted")]
            if not changed:
                return 0
            ids = [row.id for row in changed]
            if act == "restricted":
                register_queries.restrict(tx, request_id, ids, now, actor.id or None)
            else:
                register_queries.lift(tx, ids, now, actor.id or None)
            erasing_queries.put_acts(tx, request_id, [(one, act) for one in ids], now, actor.id or None)
            homes = case_queries.case_of_report(tx, ids)
            ledger.append(
                tx,
                [Draft(row.ward_code, f"identity_{act}", now, {"report": row.id, "request": request_id},
                       homes[row.id], actor.id or None) for row in changed],
            )  # fmt: skip
        return len(changed)
