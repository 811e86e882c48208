"""Who may sign in, and who a browser's token belongs to.

    login, password | back-off? | argon2id, outside any transaction | session row, token to the browser
    token | SHA-256 | one statement | Actor, or None

Principles. The database never holds what opens a session or an account: tokens are 32 random bytes
stored as SHA-256, passwords argon2id digests (`passwords`). A login that does not exist costs the
same work and gets the same words as a wrong password.

What may surprise: nobody can be locked out. After a few failures in a row the *pair* of login and
origin has to wait, a minute at most; attempts made meanwhile are turned away unjudged and do not
prolong it. A lock on the account itself would let anybody keep a colleague out. The back-off is
also kept for logins that do not exist, or it would tell which ones do.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from argon2 import PasswordHasher

from aggregator.domain.people import Actor, Marks, Right, Role
from aggregator.domain.text import sha256_of
from aggregator.errors import InputInvalid, NotAllowed, NotFound
from aggregator.services import ledger, logins, passwords
from aggregator.services.clock import Clock
from aggregator.services.ledger import SYSTEM, Draft
from aggregator.services.passwords import Passwords
from aggregator.services.views.inbox import Choice
from aggregator.settings import Settings
from aggregator.storage import account_queries, cover_queries, place_queries
from aggregator.storage.db import Database, Tx

#: Failed sign-ins in a row that cost nothing but their own work.
FREE_FAILURES = 4
#: Seconds: the first wait, doubled with each further failure, and the longest.
FIRST_WAIT_S, LONGEST_WAIT_S = 5, 60
#: Failures are forgotten after this much quiet.
MEMORY = timedelta(hours=12)
#: `seen_at` is written at most this often: reading a page is no write.
TOUCH_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class OfficerView:
    """One person as the administrator sees them."""

    id: int
    login: str
    name: str
    role: Role
    ward_code: str | None
    unit_id: int | None
    unit: str | None
    active: bool
    seen_at: datetime | None
    #: Named by a leader to read complaints and denunciations.
    legal: bool = False


class Accounts:
    """Accounts and sessions; `hasher` as in `Passwords`."""

    def __init__(
        self, db: Database, clock: Clock, settings: Settings, hasher: PasswordHasher | None = None
    ) -> None:
        self._db = db
        self._clock = clock
        self._idle = timedelta(seconds=settings.session_idle_s)
        self._longest = timedelta(seconds=settings.session_max_s)
        self._passwords = Passwords(hasher)

    # People -----------------------------------------------------------------------------------------

    def add(
        self,
        login: str,
        name: str,
        role: Role,
        ward: str | None,
        password: str | None,
        unit_id: int | None = None,
        *,
        actor: Actor | None = None,
    ) -> str:
        """A new account; its password (made up where None is given). `InputInvalid` says what is wrong."""
        self._may_place(actor, ward)
        login, name = logins.checked(login), " ".join(name.split())
        if not name:
            raise InputInvalid("the name is empty", field="name", message_vi="Chưa nhập họ tên.")
        secret = passwords.checked(password) if password is not None else passwords.made_up()
        digest = self._passwords.digest(secret)
        now = self._clock()
        with self._db.write() as tx:
            self._check_place(tx, role, ward, unit_id)
            officer_id = account_queries.insert_officer(
                tx,
                {
                    "login": login, "name": name, "role": role.value, "ward_code": ward, "unit_id": unit_id,
                    "password_hash": digest, "language": "vi", "active": True, "created_at": now,
                },
            )  # fmt: skip
            if officer_id is None:
                raise InputInvalid(
                    f"login {login!r} is taken", field="login",
                    message_vi=f"Tên đăng nhập {login} đã có người dùng.",
                )  # fmt: skip
            told = {"officer": officer_id, "login": login, "role": role.value, "ward": ward}
            ledger.append(tx, [Draft(SYSTEM, "officer_added", now, told, officer_id=_id(actor))])
        return secret

    def change(
        self, actor: Actor, officer_id: int, *, role: Role, ward: str | None, unit_id: int | None = None
    ) -> None:
        """Another role, ward or unit. What they may see changes, so their sessions end."""
        self._may_place(actor, ward)
        with self._db.write() as tx:
            was = self._visible(tx, actor, officer_id)
            self._check_place(tx, role, ward, unit_id)
            # Whom one ward's leader named to read complaints and denunciations, another's did not.
            legal = was.legal and ward == was.ward_code and role is Role.OFFICER
            account_queries.update_officer(
                tx, officer_id, role=role.value, ward_code=ward, unit_id=unit_id, legal=legal
            )
            if ward != was.ward_code:
                # What one ward's leader gave them to handle, another's did not.
                cover_queries.set_fields(tx, officer_id, [])
            account_queries.end_sessions_of(tx, officer_id)
            told = {
                "officer": officer_id,
                "login": was.login,
                "role": role.value,
                "ward": ward,
                "unit": unit_id,
            }
            ledger.append(tx, [Draft(SYSTEM, "officer_changed", self._clock(), told, officer_id=_id(actor))])

    def deactivate(self, actor: Actor, officer_id: int) -> None:
        """The account stays for the record and opens nothing any more; its sessions end."""
        self._may_administer(actor)
        if officer_id == actor.id:
            raise InputInvalid(
                "you cannot deactivate your own account",
                message_vi="Không thể tự khoá tài khoản của chính mình.",
            )
        with self._db.write() as tx:
            was = self._visible(tx, actor, officer_id)
            account_queries.end_sessions_of(tx, officer_id)
            if not was.active:
                return
            account_queries.update_officer(tx, officer_id, active=False)
            told = {"officer": officer_id, "login": was.login}
            ledger.append(
                tx, [Draft(SYSTEM, "officer_deactivated", self._clock(), told, officer_id=_id(actor))]
            )

    def give_password(self, actor: Actor, officer_id: int) -> str:
        """A new made-up password, told this once; sessions end, and a closed account is open again."""
        self._may_administer(actor)
        secret = passwords.made_up()
        digest = self._passwords.digest(secret)
        with self._db.write() as tx:
            was = self._visible(tx, actor, officer_id)
            account_queries.update_officer(tx, officer_id, password_hash=digest, active=True)
            account_queries.end_sessions_of(tx, officer_id)
            told = {"officer": officer_id, "login": was.login, "opened_again": not was.active}
            ledger.append(tx, [Draft(SYSTEM, "password_given", self._clock(), told, officer_id=_id(actor))])
        return secret

    def officers(self, actor: Actor) -> tuple[OfficerView, ...]:
        """The accounts this administrator answers for, by login."""
        self._may_administer(actor)
        with self._db.read() as tx:
            rows = account_queries.all_officers(tx, actor.ward)
        return tuple(_view(row) for row in rows)

    def legal_readers(self, actor: Actor) -> tuple[OfficerView, ...]:
        """The officers of the leader's ward, with whether they may read complaints and denunciations."""
        self._may_name(actor)
        with self._db.read() as tx:
            rows = account_queries.all_officers(tx, actor.ward)
        return tuple(_view(row) for row in rows if row.active and row.role == Role.OFFICER)

    def name_legal_reader(self, actor: Actor, officer_id: int, *, may_read: bool) -> None:
        """A leader lets an officer of the ward read complaints and denunciations, or no longer.

        It holds from that officer's next page on.
        """
        self._may_name(actor)
        with self._db.write() as tx:
            was = self._visible(tx, actor, officer_id)
            if was.role != Role.OFFICER or not was.active:
                raise NotFound("no such officer", message_vi="Không có cán bộ này.")
            if was.legal == may_read:
                return
            account_queries.update_officer(tx, officer_id, legal=may_read)
            told = {"officer": officer_id, "login": was.login, "may_read": may_read}
            ledger.append(tx, [Draft(SYSTEM, "legal_reader", self._clock(), told, officer_id=actor.id)])

    def _may_name(self, actor: Actor) -> None:
        if actor.role is not Role.LEADER:
            raise _not_allowed()

    def _may_place(self, actor: Actor | None, ward: str | None) -> None:
        """None is the command line, on the machine itself. A ward's administrator makes no city's one."""
        if actor is not None:
            self._may_administer(actor)
            if actor.ward not in (None, ward):
                raise _not_allowed()

    def _may_administer(self, actor: Actor) -> None:
        if not actor.may(Right.OPERATE):
            raise _not_allowed()

    def _visible(self, tx: Tx, actor: Actor, officer_id: int) -> account_queries.Officer:
        row = account_queries.officer(tx, officer_id)
        if row is None or not (actor.ward is None or actor.ward == row.ward_code):
            raise NotFound("no such account", message_vi="Không có tài khoản này.")
        return row

    def _check_place(self, tx: Tx, role: Role, ward: str | None, unit_id: int | None) -> None:
        if ward is None and role is Role.OFFICER:
            raise InputInvalid(
                "an officer belongs to a ward", field="ward", hint="give --ward CODE",
                message_vi="Cán bộ phải thuộc một phường, xã.",
            )  # fmt: skip
        if ward is not None and not account_queries.ward_exists(tx, ward):
            raise InputInvalid(
                f"ward {ward!r} is unknown", field="ward", message_vi=f"Chưa có phường, xã mang mã {ward}."
            )
        if unit_id is not None and account_queries.unit_ward(tx, unit_id) != ward:
            raise InputInvalid(
                f"unit {unit_id} is not one of ward {ward}", field="unit_id",
                message_vi="Đơn vị này không thuộc phường, xã đã chọn.",
            )  # fmt: skip

    # Signing in and out -----------------------------------------------------------------------------

    def sign_in(self, login: str, password: str, *, origin: str = "") -> tuple[str, Actor]:
        """A new session's token and its person, or `SignInRejected`. `origin`: the caller's address."""
        login, now = logins.known_form(login), self._clock()
        key = sha256_of(f"{origin}\n{login}")
        with self._db.read() as tx:
            person, failed = account_queries.sign_in_facts(tx, login, key)
        if failed is not None and failed.retry_at > now and failed.last_at > now - MEMORY:
            raise logins.wait(failed.retry_at - now)
        # Between the two transactions: a hash takes a tenth of a second, and SQLite has one writer.
        right = self._passwords.fits(person.password_hash if person else self._passwords.nobodys, password)
        if person is None or not right:
            self._failed(login if person else None, key, now)
            raise logins.wrong()
        token = secrets.token_urlsafe(32)
        fresh = self._passwords.renewed(person.password_hash, password)
        with self._db.write() as tx:
            if fresh:
                account_queries.update_officer(tx, person.id, password_hash=fresh)
            account_queries.forget_failures(tx, key)
            account_queries.end_expired(tx, now)
            account_queries.insert_session(
                tx,
                {
                    "token_hash": sha256_of(token), "officer_id": person.id, "created_at": now,
                    "seen_at": now, "expires_at": now + self._longest,
                },
            )  # fmt: skip
        return token, _actor(person)

    def who(self, token: str, *, touch: bool = True) -> Actor | None:
        """The person this token belongs to; None where it is unknown, ended, idle or too old.

        `touch` False: a page asked by itself, nobody is there; the session grows idle all the same.
        """
        now, digest = self._clock(), sha256_of(token)
        with self._db.read() as tx:
            found = account_queries.session(tx, digest)
        if found is None or now >= found.expires_at or now - found.seen_at >= self._idle:
            return None
        if touch and now - found.seen_at >= TOUCH_EVERY:
            with self._db.write() as tx:
                account_queries.touch(tx, digest, now)
        return replace(_actor(found), marks=Marks(found.unread, found.questions, found.alarms, found.errands))

    def sign_out(self, token: str) -> None:
        with self._db.write() as tx:
            account_queries.end_session(tx, sha256_of(token))

    def sign_out_everywhere(self, actor: Actor) -> None:
        with self._db.write() as tx:
            account_queries.end_sessions_of(tx, actor.id)

    def change_password(self, actor: Actor, old: str, new: str, *, keep: str | None = None) -> None:
        """A new password; every session ends but the one of the token `keep`."""
        fresh = passwords.checked(new)
        with self._db.read() as tx:
            row = account_queries.officer(tx, actor.id)
        if row is None or not self._passwords.fits(row.password_hash, old):
            raise InputInvalid(
                "the present password is wrong", field="old", message_vi="Mật khẩu hiện tại không đúng."
            )
        digest = self._passwords.digest(fresh)
        with self._db.write() as tx:
            account_queries.update_officer(tx, actor.id, password_hash=digest)
            account_queries.end_sessions_of(tx, actor.id, but=sha256_of(keep) if keep else None)
            told = {"officer": actor.id, "login": actor.login}
            ledger.append(tx, [Draft(SYSTEM, "password_changed", self._clock(), told, officer_id=actor.id)])

    def set_language(self, actor: Actor, language: str) -> None:
        if language not in ("vi", "en"):
            raise InputInvalid(f"language {language!r} is not vi or en", field="language")
        with self._db.write() as tx:
            account_queries.update_officer(tx, actor.id, language=language)

    def _failed(self, login: str | None, key: str, now: datetime) -> None:
        """Count it; make this login wait at this origin; tell the ledger once a streak."""
        with self._db.write() as tx:
            account_queries.forget_failures_before(tx, now - MEMORY)
            failures = account_queries.count_failure(tx, key, now)
            over = failures - FREE_FAILURES
            if over > 0:
                wait = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(over - 1, 10))
                account_queries.hold_off(tx, key, now + timedelta(seconds=wait))
            # Only of logins that exist: anything else may be a password typed into the wrong field.
            if over == 1 and login is not None:
                told = {"login": login, "failures": failures}
                ledger.append(tx, [Draft(SYSTEM, "sign_in_failures", now, told)])

    # Wards and units --------------------------------------------------------------------------------

    def ensure_ward(self, code: str, name: str) -> None:
        """The ward is there under this name afterwards."""
        with self._db.write() as tx:
            if place_queries.put_ward(tx, code, name):
                ledger.append(tx, [Draft(SYSTEM, "ward_added", self._clock(), {"ward": code, "name": name})])

    def ensure_unit(self, ward: str, name: str, categories: list[str]) -> int:
        """The unit is there and answers for these category codes afterwards; its id."""
        with self._db.write() as tx:
            if not account_queries.ward_exists(tx, ward):
                raise InputInvalid(f"ward {ward!r} is unknown", field="ward")
            unit_id = place_queries.put_unit(tx, ward, name, categories)
            told = {"unit": unit_id, "ward": ward, "name": name, "categories": categories}
            ledger.append(tx, [Draft(SYSTEM, "unit_set", self._clock(), told)])
            return unit_id

    def wards(self) -> tuple[Choice, ...]:
        """Every ward of the installation, by code."""
        with self._db.read() as tx:
            return tuple(Choice(row.code, row.name, row.code) for row in place_queries.all_wards(tx))


def _view(row: account_queries.Officer) -> OfficerView:
    return OfficerView(
        row.id, row.login, row.name, Role(row.role), row.ward_code, row.unit_id, row.unit, row.active,
        row.seen_at, row.legal,
    )  # fmt: skip


def _actor(row: account_queries.Officer) -> Actor:
    return Actor(
        row.id, row.login, row.name, Role(row.role), row.ward_code, row.unit_id, row.language, row.legal
    )


def _id(actor: Actor | None) -> int | None:
    """Whose act it was; the command line's, which has no account, is nobody's."""
    return (actor.id or None) if actor else None


def _not_allowed() -> NotAllowed:
    return NotAllowed(
        "only an administrator may do this", message_vi="Chỉ quản trị viên mới được làm việc này."
    )
