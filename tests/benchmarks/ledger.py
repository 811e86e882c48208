"""What the ledger costs: an append within a verb on a case, verifying, and the size of a proof.

The share of appending is CPU time of this process: the time inside `ledger.append`, beside that of the
whole verb (an officer's note, a status change, an answer), over the same calls. On PostgreSQL the server's
own work is not in it, neither above nor below the line.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from aggregator.domain.workflow import ReplyKind, Status
from aggregator.services import ledger
from aggregator.services.evidence import Evidence
from aggregator.services.ledger import Draft
from aggregator.storage.migrate import upgrade
from aggregator.verifier import motmoi_check
from tests.benchmarks.table import Figure, at_least, at_most, told
from tests.factories import Office, apart, seed
from tests.people import WARD_A
from tests.postgres_server import running

#: Cases that the verbs are measured on, and entries that are verified.
CASES, ENTRIES = 60, 200_000
SIZES = (1_000, 10_000, 100_000, 1_000_000)


def measure(rounds: int, *, postgres: bool) -> Iterator[tuple[str, list[Figure]]]:
    engines = ("sqlite", "postgres") if postgres else ("sqlite",)
    yield "ledger: appending", [figure for engine in engines for figure in _appending(engine, rounds)]
    yield "ledger: verifying", [figure for engine in engines for figure in _verifying(engine, rounds)]
    yield "ledger: proofs", _proofs()


# Appending --------------------------------------------------------------------------------------------


def _appending(engine: str, rounds: int) -> list[Figure]:
    shares: dict[str, list[float]] = {}
    for _ in range(rounds):
        with _office(engine) as office:
            for verb, share in _shares(office).items():
                shares.setdefault(verb, []).append(share)
    return [
        at_most(f"{engine}: append's share of {verb}", 100 * statistics.median(found), 10, "%")
        for verb, found in shares.items()
    ]


def _shares(office: Office) -> dict[str, float]:
    office.receives("1022", *apart(CASES))
    cases = [office.case_of(str(n)) for n in range(1, CASES + 1)]
    verbs: dict[str, Callable[[int], Any]] = {
        "a status change": lambda case: office.cases.move(office.lan, case, Status.IN_PROGRESS),
        "a note": lambda case: office.cases.note(office.lan, case, "Đã hẹn người dân chiều thứ sáu."),
        "an answer": lambda case: office.cases.reply(office.lan, case, ReplyKind.RESULT, "Đã vá xong ổ gà."),
    }
    found = {}
    for name, verb in verbs.items():
        for case in cases[:3]:
            verb(case)  # statements are compiled once
        with _watched() as spent:
            start = time.process_time()
            for case in cases[3:]:
                verb(case)
            whole = time.process_time() - start
        found[name] = spent[0] / whole
    return found


@contextmanager
def _watched() -> Iterator[list[float]]:
    """CPU seconds inside `ledger.append`, with all that it asks of the database."""
    spent, append = [0.0], ledger.append

    def timed(*args: Any) -> list[int]:
        start = time.process_time()
        try:
            return append(*args)
        finally:
            spent[0] += time.process_time() - start

    ledger.append = timed
    try:
        yield spent
    finally:
        ledger.append = append


# Verifying --------------------------------------------------------------------------------------------


def _verifying(engine: str, rounds: int) -> list[Figure]:
    with _office(engine) as office:
        _fill(office, ENTRIES)
        office.checkpoints.make(force=True)
        evidence, costs = Evidence(office.db), []
        for _ in range(rounds):
            start = time.process_time()
            found = evidence.verify()
            costs.append((time.process_time() - start) / found.entries)
            assert not found.findings
        export = "".join(office.ledger_export.lines(with_data=True)).encode()
        start = time.process_time()
        assert not motmoi_check.check(export).findings
        alone = found.entries / (time.process_time() - start)
    return [
        at_least(f"{engine}: ledger verify", 1 / statistics.median(costs), 100_000, "entries/s"),
        told(f"{engine}: the stand-alone verifier, export with data", alone, "entries/s"),
    ]


def _fill(office: Office, count: int) -> None:
    """Entries as officers make them, in batches."""
    said = {"from": "assigned", "to": "in_progress", "note": "Đã giao tổ quản lý đô thị kiểm tra hiện trường"}
    for start in range(0, count, 20_000):
        at = office.clock() + timedelta(seconds=start)
        with office.db.write() as tx:
            numbers = range(start, min(count, start + 20_000))
            ledger.append(tx, [Draft(WARD_A, "status_changed", at, {**said, "n": n}) for n in numbers])


# Proofs -----------------------------------------------------------------------------------------------


def _proofs() -> list[Figure]:
    figures, filled = [], 0
    with _office("sqlite") as office:
        for size in SIZES:
            _fill(office, size - filled)
            filled = size
            start = time.process_time()
            made = office.checkpoints.make(force=True)
            signing = time.process_time() - start
            assert made is not None
            start = time.process_time()
            with office.db.read() as tx:
                proofs = office.checkpoints.prove(tx, [(WARD_A, size // 3)])
            proving = time.process_time() - start
            (entry,) = proofs.entries
            log2 = (size - 1).bit_length()
            bundle, what = proofs.bundle({"facts": []}), f"{size:,} entries"
            figures.append(at_most(f"{what}: hashes of a proof", len(entry["path"]), log2, note="log2"))
            figures.append(told(f"{what}: a bundle of one entry", len(bundle), "bytes"))
            figures.append(told(f"{what}: proving one", 1000 * proving, "ms"))
            figures.append(told(f"{what}: signing what is new", signing, "s"))
    return figures


@contextmanager
def _office(engine: str) -> Iterator[Office]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if engine == "sqlite":
            url = f"sqlite:///{folder}/ledger.db"
        else:
            url = stack.enter_context(stack.enter_context(running()).fresh())
        upgrade(url)
        seed(url)
        office = Office(url, folder)
        stack.callback(office.close)
        yield office
