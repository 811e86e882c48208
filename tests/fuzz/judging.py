"""What a parser hands on must be usable by what comes behind it: records, cursors, texts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from aggregator.domain.address import best_address
from aggregator.domain.differences import differences
from aggregator.domain.personal import hidden
from aggregator.domain.places import resolve
from aggregator.domain.text import clean, content_hash, e164, fold, phones, squash, text_key, tokens
from aggregator.sdk.conformance.stages import START
from aggregator.sdk.contract import BadRecord, Batch, Record
from aggregator.services.canonical import Canonical, understood
from aggregator.storage.vault import Vault

_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
_VAULT = Vault([bytes(range(32))])


def storable(record: Record) -> Canonical | None:
    """The record as it would be stored, every text of it fit for both databases; None where it is refused."""
    try:
        values, _ = understood(record, _ZONE, START, _VAULT.blind)
    except BadRecord:
        return None
    texts = (values.external_id, values.subject, values.body, values.address, values.area,
        values.status_raw, values.url,
             values.category_raw, values.urgency_raw, values.declared, values.person.name,
                 values.person.phone,
             *(part for file in values.attachments for part in (file.ref, file.filename,
             file.content_type)))  # fmt: skip
    for text in texts:
        if text is not None:
            text.encode()
            assert "\x00" not in text
    return values


def kept(batches: Sequence[Batch]) -> None:
    """Every record storable, every cursor fit for JSON in a database."""
    for batch in batches:
        for record in batch.records:
            storable(record)
        cursor = json.dumps(batch.next_cursor, allow_nan=False, ensure_ascii=False)
        cursor.encode()
        assert "\\u0000" not in cursor.replace("\\\\", "")


def read(subject: str, body: str, address: str | None, phone: str | None) -> None:
    """The texts as matching, search and the pages read them; nothing of it may raise."""
    whole = clean(f"{subject}\n{body}")
    folded = fold(whole)
    assert len(folded) == len(whole), "fold keeps the length"
    squash(whole), tokens(whole), text_key(subject, body), content_hash(subject, body)
    phones(whole), e164(phone), hidden(whole)
    resolve(address, whole, province="79")
    best_address(address, whole)
    differences(whole[:2_000], clean(subject)[:2_000])
