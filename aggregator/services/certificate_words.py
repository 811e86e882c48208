"""A statement in Vietnamese words, line by line: what the paper's tables hold.

What may surprise: lines are made from the statement alone, never from tables, so that a paper drawn again
in ten years says what it said when it was issued.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from aggregator.domain.certificates import Outcome, outcome
from aggregator.domain.local_time import stamp_vi
from aggregator.domain.workflow import LABELS_VI, PAUSE_REASONS, Status
from aggregator.domain.worktime import VN
from aggregator.services.ledger import SYSTEM

STEPS = {
    "classify": "Phân loại", "forward": "Chuyển đơn vị", "first_answer": "Phản hồi đầu tiên",
    "progress": "Báo tiến độ", "result": "Trả kết quả",
}  # fmt: skip
UNITS = {
    "minutes": "phút", "working_hours": "giờ làm việc", "working_days": "ngày làm việc",
    "calendar_days": "ngày",
}  # fmt: skip
ANSWERS = {
    "result": "kết quả", "progress": "tiến độ", "refusal": "từ chối", "acknowledgement": "đã tiếp nhận",
    "transfer": "chuyển nơi khác", "extension": "gia hạn", "correction": "đính chính",
}  # fmt: skip
ROLES = {"officer": "cán bộ", "leader": "lãnh đạo", "admin": "quản trị"}
OUT = {"read": "không đọc được", "sign_in": "không đăng nhập được", "write": "không gửi được"}
_PLAIN = {
    "resumed": "Đồng hồ chạy tiếp", "recounted": "Tính lại thời hạn", "merged": "Gộp thêm phản ánh",
    "unmerged": "Hoàn tác gộp", "split": "Tách bớt phản ánh", "split_off": "Tách từ vụ việc khác",
    "ward_came": "Chuyển từ phường khác đến", "extended": "Gia hạn",
    "reply_withdrawn": "Hoàn tác phúc đáp chưa gửi",
}  # fmt: skip
_FAILURES = {
    "transient": "cổng lỗi hoặc không trả lời", "auth_failed": "cổng từ chối đăng nhập",
    "rate_limited": "cổng yêu cầu chờ", "unknown_outcome": "không rõ cổng đã nhận chưa",
    "permanent": "cổng từ chối", "schema_drift": "cổng thay đổi", "bot_challenge": "cổng chặn",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One event: when, what, and the entry of the ledger that proves it ("27142 #5")."""

    at: datetime
    text: str
    entry: str


@dataclass(frozen=True, slots=True)
class DueLine:
    """One deadline: of which step, by which rule, due and done, and what came of it."""

    step: str
    rule: str
    due: str
    met: str
    verdict: str


def when(at: datetime | str) -> str:
    """An instant as an office writes it; a midnight is 24:00 of the day that ends."""
    local = (datetime.fromisoformat(at) if isinstance(at, str) else at).astimezone(VN)
    if local.time() == time.min:
        return f"24:00 {local - timedelta(days=1):%d/%m/%Y}"
    return stamp_vi(local)


def exactly(at: str) -> str:
    """An instant to its second, as the verifier prints it; it drops what is below a second, too."""
    return f"{datetime.fromisoformat(at).astimezone(VN):%H:%M:%S ngày %d/%m/%Y}"


def person(who: Mapping[str, Any] | None) -> str:
    """An officer by role, unit and (where the office wants that) name."""
    if not who:
        return ""
    parts = [ROLES.get(who["role"], who["role"]), who.get("name") or "", who["unit"] and f"({who['unit']})"]
    return " ".join(part for part in parts if part)


def proofs(statement: Mapping[str, Any]) -> dict[str, str]:
    """The row of a list ("acts.0") -> the entry that proves it."""
    found: dict[str, str] = {}
    for fact in statement["facts"]:
        entry = f"{'hệ thống' if fact['chain'] == SYSTEM else fact['chain']} #{fact['seq']}"
        found.setdefault(fact["name"].rpartition(".")[0], entry)
        found[fact["name"]] = entry
    return found


def deadlines(statement: Mapping[str, Any]) -> list[DueLine]:
    """Every deadline that was owed, with its rule and whether it was kept."""
    return [_due_line(row, statement["rules"]) for row in statement["deadlines"]]


def _due_line(row: Mapping[str, Any], rules: Mapping[str, Any]) -> DueLine:
    met = datetime.fromisoformat(row["met_at"]) if row["met_at"] else None
    kept = outcome(met, datetime.fromisoformat(row["due_at"])) if met else None
    verdict = {Outcome.IN_TIME: "trong hạn", Outcome.LATE: "quá hạn", None: "chưa làm"}[kept]
    due, done = when(row["due_at"]), when(met) if met else "–"
    if met and due == done:  # the same minute, and perhaps late
        done = f"{met.astimezone(VN):%H:%M:%S %d/%m/%Y}"
    return DueLine(STEPS.get(row["step"], row["step"]), _rule(row, rules), due, done, verdict)


def _rule(row: Mapping[str, Any], rules: Mapping[str, Any]) -> str:
    if row["rule"] is None:
        return "Kênh tiếp nhận ấn định"
    key, version = row["rule"]
    words = rules.get(f"{key}/{version}")
    amount = f"{words['amount']} {UNITS.get(words['unit'], words['unit'])}; " if words else ""
    source = f"; {words['source']}" if words and words["source"] else ""
    return f"{amount}quy định {key}, bản {version}; lịch làm việc bản {row['calendar']}{source}"


def story(statement: Mapping[str, Any]) -> list[Line]:
    """All that happened, the first first."""
    proof = proofs(statement)
    lines = [
        *_received(statement["reports"], proof), *_acts(statement["acts"], proof),
        *_deliveries(statement["deliveries"], proof), *_outages(statement["outages"], proof),
    ]  # fmt: skip
    return sorted(lines, key=lambda line: line.at)


def _line(at: str, text: str, entry: str) -> Line:
    return Line(datetime.fromisoformat(at), text, entry)


def _received(rows: Sequence[Mapping[str, Any]], proof: Mapping[str, str]) -> Iterator[Line]:
    for number, row in enumerate(rows):
        if row["received_at"]:
            told = f"Tiếp nhận qua {row['title']}" + (f", mã {row['source_id']}" if row["source_id"] else "")
            yield _line(row["received_at"], told, proof[f"reports.{number}"])


def _acts(rows: Sequence[Mapping[str, Any]], proof: Mapping[str, str]) -> Iterator[Line]:
    for number, row in enumerate(rows):
        by = person(row["who"])
        yield _line(row["at"], _act(row) + (f" – {by}" if by else ""), proof[f"acts.{number}"])


def _act(row: Mapping[str, Any]) -> str:
    kind = str(row["kind"])
    if kind in ("replied", "answer_adopted"):
        told = f"Phúc đáp ({ANSWERS.get(row['answer'], row['answer'] or '')})"
        if row.get("answered_at"):
            told += f" đã trả lời ngay trên kênh lúc {when(row['answered_at'])}, nay ghi nhận"
        return told + (f", SHA-256 nội dung {row['text_sha256'][:16]}…" if row["text_sha256"] else "")
    if kind == "assigned":
        return f"Giao {row['unit']}" if row["unit"] else "Giao xử lý"
    if kind == "moved":
        return f"Chuyển sang “{_status(row['to'])}”" if row["to"] else "Chuyển trạng thái"
    if kind == "paused":
        why = PAUSE_REASONS.get(row["reason"] or "", "")
        return f"Tạm dừng đồng hồ: {why}" if why else "Tạm dừng đồng hồ"
    return _PLAIN.get(kind, kind)


def _status(code: str) -> str:
    return LABELS_VI[Status(code)] if code in set(Status) else code


def _deliveries(rows: Sequence[Mapping[str, Any]], proof: Mapping[str, str]) -> Iterator[Line]:
    for number, row in enumerate(rows):
        path = f"deliveries.{number}"
        if row["first_failed_at"]:
            why = _FAILURES.get(row["error"], row["error"])
            yield _line(
                row["first_failed_at"], f"Gửi tới {row['title']} không thành: {why}",
                proof[f"{path}.first_failed_at"],
            )  # fmt: skip
        if row["sent_at"]:
            how = "Cán bộ chuyển phúc đáp tới" if row["by_hand"] else "Phúc đáp được chuyển tới"
            tries = f" (lần gửi thứ {row['attempts']})" if row["first_failed_at"] else ""
            yield _line(row["sent_at"], f"{how} {row['title']}{tries}", proof[f"{path}.sent_at"])
        if row["seen_at"]:
            yield _line(row["seen_at"], f"{row['title']} đã hiển thị phúc đáp", proof[f"{path}.seen_at"])


def _outages(rows: Sequence[Mapping[str, Any]], proof: Mapping[str, str]) -> Iterator[Line]:
    for number, row in enumerate(rows):
        path, what = f"outages.{number}", OUT.get(row["capability"], row["capability"])
        yield _line(row["began_at"], f"{row['title']} {what}{_seen(row)}", proof[f"{path}.began_at"])
        if row["ended_at"]:
            again = {"read": "đọc lại được", "sign_in": "đăng nhập lại được", "write": "nhận lại phúc đáp"}
            tries = f" sau {row['attempts']} lần thử không thành" if row["attempts"] else ""
            yield _line(
                row["ended_at"], f"{row['title']} {again.get(row['capability'], 'hoạt động lại')}{tries}",
                proof[f"{path}.ended_at"],
            )  # fmt: skip


def _seen(row: Mapping[str, Any]) -> str:
    """What the first failed try brought back."""
    found = [_FAILURES.get(row["code"] or "", row["code"] or "")]
    found += [f"mã HTTP {row['status']}"] if row["status"] else []
    found += [f"SHA-256 trang trả về {row['body_sha256'][:16]}…"] if row["body_sha256"] else []
    told = ", ".join(part for part in found if part)
    return f" ({told})" if told else ""


def left_out(statement: Mapping[str, Any]) -> list[str]:
    """How many reports and acts the paper does not list."""
    told = []
    for name, of in (("reports", "phản ánh"), ("acts", "việc đã làm")):
        more = statement[f"{name}_in_all"] - len(statement[name])
        if more > 0:
            told.append(f"Còn {more} {of} khác không liệt kê ở đây.")
    return told
