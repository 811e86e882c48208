"""Who may sign in, what a token opens and for how long, and who may change that."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher
from sqlalchemy import event, select, update

from aggregator.domain.people import Actor, Role
from aggregator.errors import InputInvalid, NotAllowed, NotFound
from aggregator.services.accounts import FREE_FAILURES, Accounts
from aggregator.services.logins import SignInRejected
from aggregator.settings import Settings
from aggregator.storage.account_tables import officers, sessions, sign_in_failures
from aggregator.storage.db import Database
from aggregator.storage.ledger_tables import ledger_entries
from tests.services.polling_world import Clock

WARD_A, WARD_B = "27142", "26740"
PASSWORD = "mat-khau-cua-toi"


class Counted(PasswordHasher):
    """The real hasher at a small cost, counting how often it compares."""

    def __init__(self, time_cost: int = 1) -> None:
        super().__init__(time_cost=time_cost, memory_cost=8, parallelism=1)
        self.compared = 0

    def verify(self, *args: object, **named: object) -> bool:  # type: ignore[override]
        self.compared += 1
        return super().verify(*args, **named)  # type: ignore[arg-type]


class World:
    def __init__(self, url: str) -> None:
        self.clock, self.hasher, self.db = Clock(), Counted(), Database(url)
        self.settings = Settings()
        self.accounts = Accounts(self.db, self.clock, self.settings, self.hasher)
        self.accounts.ensure_ward(WARD_A, "Phường A")
        self.accounts.ensure_ward(WARD_B, "Phường B")
        for login, role, ward in (
            ("lan", Role.OFFICER, WARD_A),
            ("minh", Role.LEADER, WARD_A),
            ("hue", Role.OFFICER, WARD_B),
            ("tinh", Role.ADMIN, None),
            ("phuong", Role.ADMIN, WARD_A),
        ):
            self.accounts.add(login, login.title(), role, ward, PASSWORD)

    def sign_in(self, login: str, password: str = PASSWORD, origin: str = "") -> tuple[str, Actor]:
        return self.accounts.sign_in(login, password, origin=origin)

    def actor(self, login: str) -> Actor:
        return self.sign_in(login)[1]

    def ledger(self, kind: str) -> list[str]:
        with self.db.read() as tx:
            query = select(ledger_entries.c.data).where(ledger_entries.c.kind == kind)
            return [str(data) for data in tx.scalars(query)]


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    made = World(database_url)
    yield made
    made.db.close()


@pytest.fixture
def small_world(sqlite_url: str) -> Iterator[World]:
    made = World(sqlite_url)
    yield made
    made.db.close()


# Signing in -----------------------------------------------------------------------------------------


def test_a_token_is_its_person_and_the_database_does_not_hold_it(world: World) -> None:
    token, lan = world.sign_in("  LAN ")
    assert (lan.login, lan.role, lan.ward, lan.language) == ("lan", Role.OFFICER, WARD_A, "vi")
    assert world.accounts.who(token) == lan
    with world.db.read() as tx:
        stored = str(list(tx.execute(select(sessions)))) + str(list(tx.execute(select(officers))))
    assert token not in stored and PASSWORD not in stored
    assert world.sign_in("lan")[0] != token


def test_what_is_no_token_is_nobody(world: World) -> None:
    for token in ("", "x", "\ud800", "a\x00b", "'; DROP TABLE sessions"):
        assert world.accounts.who(token) is None


#: login, password
WRONG = [
    ("lan", "sai-mat-khau"),
    ("nobody", PASSWORD),
    ("minh", ""),
    ("minh", "x" * 100_000),  # refused before it costs more than another
    ("lan\x00", PASSWORD),  # PostgreSQL refuses NUL
    ("hue", "\ud800" * 9),
    ("", ""),
]


def test_every_wrong_sign_in_gets_the_same_words_for_the_same_work(world: World) -> None:
    for login, password in WRONG:
        before = world.hasher.compared
        with pytest.raises(SignInRejected) as caught:
            world.sign_in(login, password)
        assert caught.value.message_vi == "Tên đăng nhập hoặc mật khẩu không đúng."
        assert world.hasher.compared == before + 1, login


def test_a_password_typed_on_another_keyboard_is_the_same(small_world: World) -> None:
    composed = "mật khẩu tiếng Việt"
    decomposed = unicodedata.normalize("NFD", composed)
    small_world.accounts.add("nam", "Nam", Role.OFFICER, WARD_A, composed)
    assert small_world.sign_in("nam", decomposed)[1].login == "nam"


def test_a_stored_password_follows_todays_cost(small_world: World) -> None:
    world = small_world
    stronger = Accounts(world.db, world.clock, world.settings, Counted(time_cost=2))
    stronger.sign_in("lan", PASSWORD)
    with world.db.read() as tx:
        digest = tx.scalar(select(officers.c.password_hash).where(officers.c.login == "lan"))
    assert "t=2" in str(digest)
    assert stronger.sign_in("lan", PASSWORD)[1].login == "lan"


def test_the_usual_cost_is_64_mib_in_3_passes_over_4_lanes(small_world: World) -> None:
    world = small_world
    usual = Accounts(world.db, world.clock, world.settings)
    usual.add("ton-kem", "Tốn Kém", Role.OFFICER, WARD_A, PASSWORD)
    with world.db.read() as tx:
        digest = tx.scalar(select(officers.c.password_hash).where(officers.c.login == "ton-kem"))
    assert str(digest).startswith("$argon2id$v=19$m=65536,t=3,p=4$")


# Backing off ----------------------------------------------------------------------------------------


def fail(world: World, times: int, login: str = "lan", origin: str = "") -> None:
    for _ in range(times):
        with pytest.raises(SignInRejected):
            world.sign_in(login, "sai-mat-khau", origin)


@pytest.mark.parametrize("login", ["lan", "nobody"])
def test_after_a_few_failures_one_has_to_wait_longer_and_longer_up_to_a_minute(
    world: World, login: str
) -> None:
    fail(world, FREE_FAILURES, login)
    waits = []
    for _ in range(6):
        fail(world, 1, login)
        compared = world.hasher.compared
        with pytest.raises(SignInRejected) as caught:
            world.sign_in(login, PASSWORD)
        assert world.hasher.compared == compared  # turned away unjudged
        assert "Vui lòng thử lại sau" in caught.value.message_vi
        waits.append(caught.value.retry_after)
        world.clock.wait(seconds=caught.value.retry_after)
    assert waits == [5, 10, 20, 40, 60, 60]


def test_nobody_is_locked_out_for_good_or_from_elsewhere(small_world: World) -> None:
    world = small_world
    fail(world, FREE_FAILURES + 1, "lan", origin="203.0.113.9")
    assert world.sign_in("lan", origin="192.0.2.1")[1].login == "lan"
    world.clock.wait(seconds=60)
    assert world.sign_in("lan", origin="203.0.113.9")[1].login == "lan"
    fail(world, FREE_FAILURES, "lan", origin="203.0.113.9")  # the streak is over: counted anew
    assert world.sign_in("lan", origin="203.0.113.9")[1].login == "lan"


def test_the_ledger_tells_a_streak_once_and_no_word_that_was_typed(small_world: World) -> None:
    world = small_world
    for _ in range(FREE_FAILURES + 3):
        fail(world, 1)
        fail(world, 1, "mat-khau-go-nham-o")
        world.clock.wait(seconds=60)
    (entry,) = world.ledger("sign_in_failures")
    assert '"login":"lan"' in entry and "sai-mat-khau" not in entry
    with world.db.read() as tx:
        assert "mat-khau-go-nham-o" not in str(list(tx.execute(select(sign_in_failures))))
        assert "mat-khau-go-nham-o" not in str(list(tx.scalars(select(ledger_entries.c.data))))


def test_failures_are_forgotten_after_half_a_day(small_world: World) -> None:
    world = small_world
    fail(world, FREE_FAILURES, "nobody")
    world.clock.wait(hours=13)
    fail(world, 1, "nobody")
    with world.db.read() as tx:
        assert [row.failures for row in tx.execute(select(sign_in_failures))] == [1]


# Sessions -------------------------------------------------------------------------------------------


def test_a_session_ends_when_idle_and_when_old(small_world: World) -> None:
    world = small_world
    token, _ = world.sign_in("lan")
    for _ in range(3):
        world.clock.wait(hours=7, minutes=59)
        assert world.accounts.who(token) is not None  # seen in time, each time
    world.clock.wait(minutes=4)
    assert world.accounts.who(token) is None  # 24 hours after signing in, however busy
    token, _ = world.sign_in("lan")
    world.clock.wait(hours=8)
    assert world.accounts.who(token) is None


def test_knowing_who_asks_costs_one_statement_and_one_write_a_minute(world: World) -> None:
    token, _ = world.sign_in("lan")
    read: list[str] = []
    written: list[str] = []
    event.listen(world.db.reader, "before_cursor_execute", lambda c, u, sql, *_: read.append(sql))
    if world.db.engine is not world.db.reader:
        event.listen(world.db.engine, "before_cursor_execute", lambda c, u, sql, *_: written.append(sql))
    for _ in range(10):
        world.accounts.who(token)
    selects = [sql for sql in read if sql.startswith("SELECT")]
    assert len(selects) == 10 and not [sql for sql in read + written if sql.startswith("UPDATE")]
    world.clock.wait(seconds=61)
    for _ in range(10):
        world.accounts.who(token)
    assert len([sql for sql in read + written if sql.startswith("UPDATE")]) == 1


def test_signing_out_ends_this_session_and_everywhere_ends_all(small_world: World) -> None:
    world = small_world
    here, lan = world.sign_in("lan")
    there, _ = world.sign_in("lan")
    world.accounts.sign_out(here)
    assert world.accounts.who(here) is None and world.accounts.who(there) == lan
    world.accounts.sign_out_everywhere(lan)
    assert world.accounts.who(there) is None


def test_expired_sessions_are_cleared_away(small_world: World) -> None:
    world = small_world
    world.sign_in("lan")
    world.clock.wait(hours=25)
    world.sign_in("minh")
    with world.db.read() as tx:
        left = list(tx.scalars(select(officers.c.login).join(sessions)))
    assert left == ["minh"]


def test_a_new_password_ends_the_other_sessions(world: World) -> None:
    here, lan = world.sign_in("lan")
    there, _ = world.sign_in("lan")
    with pytest.raises(InputInvalid):
        world.accounts.change_password(lan, "khong-phai", "mat-khau-moi")
    world.accounts.change_password(lan, PASSWORD, "mat-khau-moi", keep=here)
    assert world.accounts.who(here) == lan and world.accounts.who(there) is None
    fail(world, 1)
    assert world.sign_in("lan", "mat-khau-moi")[1] == lan


def test_the_language_stays_with_the_person(small_world: World) -> None:
    world = small_world
    token, lan = world.sign_in("lan")
    world.accounts.set_language(lan, "en")
    found = world.accounts.who(token)
    assert found is not None and found.language == "en"
    with pytest.raises(InputInvalid):
        world.accounts.set_language(lan, "fr")


# Accounts -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("login", "name", "role", "ward", "password", "field"),
    [
        ("lan", "Lan", Role.OFFICER, WARD_A, PASSWORD, "login"),  # taken
        ("Trần Lan", "Lan", Role.OFFICER, WARD_A, PASSWORD, "login"),
        ("x", "X", Role.OFFICER, WARD_A, PASSWORD, "login"),
        ("nam", "  ", Role.OFFICER, WARD_A, PASSWORD, "name"),
        ("nam", "Nam", Role.OFFICER, None, PASSWORD, "ward"),  # officers belong to a ward
        ("nam", "Nam", Role.OFFICER, "99999", PASSWORD, "ward"),
        ("nam", "Nam", Role.OFFICER, WARD_A, "ngan", "password"),
    ],
)
def test_an_account_that_cannot_be_says_which_part(
    small_world: World, login: str, name: str, role: Role, ward: str | None, password: str, field: str
) -> None:
    world = small_world
    with pytest.raises(InputInvalid) as caught:
        world.accounts.add(login, name, role, ward, password)
    assert caught.value.field == field and caught.value.message_vi


def test_a_unit_of_another_ward_is_refused(small_world: World) -> None:
    unit = small_world.accounts.ensure_unit(WARD_B, "Đội trật tự", ["trat_tu"])
    assert unit == small_world.accounts.ensure_unit(WARD_B, "Đội trật tự", ["trat_tu", "tieng_on"])
    with pytest.raises(InputInvalid):
        small_world.accounts.add("nam", "Nam", Role.OFFICER, WARD_A, PASSWORD, unit)
    small_world.accounts.add("nga", "Nga", Role.OFFICER, WARD_B, PASSWORD, unit)


def test_a_password_is_made_up_where_none_is_given(small_world: World) -> None:
    world = small_world
    made = world.accounts.add("nam", "Nam", Role.LEADER, None, None)
    assert world.sign_in("nam", made)[1].ward is None
    assert len(set(made)) > 5 and made not in str(world.ledger("officer_added"))


def test_wards_are_listed_once_each(world: World) -> None:
    world.accounts.ensure_ward(WARD_A, "Phường A mới")
    assert [(ward.value, ward.label) for ward in world.accounts.wards()] == [
        (WARD_B, "Phường B"),
        (WARD_A, "Phường A mới"),
    ]


def test_deactivating_ends_sessions_at_once_and_stays_in_the_record(world: World) -> None:
    token, lan = world.sign_in("lan")
    admin = world.actor("tinh")
    world.accounts.deactivate(admin, lan.id)
    world.accounts.deactivate(admin, lan.id)
    assert world.accounts.who(token) is None
    fail(world, 1, "lan")
    assert [view.active for view in world.accounts.officers(admin) if view.login == "lan"] == [False]
    assert len(world.ledger("officer_deactivated")) == 1
    with pytest.raises(InputInvalid):
        world.accounts.deactivate(admin, admin.id)


def test_another_role_or_ward_ends_sessions(small_world: World) -> None:
    world = small_world
    token, lan = world.sign_in("lan")
    world.accounts.change(world.actor("tinh"), lan.id, role=Role.LEADER, ward=WARD_B)
    assert world.accounts.who(token) is None
    changed = world.actor("lan")
    assert (changed.role, changed.ward) == (Role.LEADER, WARD_B)


def test_an_account_that_was_switched_off_behind_our_back_opens_nothing(small_world: World) -> None:
    world = small_world
    token, _ = world.sign_in("lan")
    with world.db.write() as tx:
        tx.execute(update(officers).where(officers.c.login == "lan").values(active=False))
    assert world.accounts.who(token) is None


def test_only_administrators_see_and_change_accounts(small_world: World) -> None:
    world = small_world
    for login in ("lan", "minh", "hue"):
        actor = world.actor(login)
        with pytest.raises(NotAllowed):
            world.accounts.officers(actor)
        with pytest.raises(NotAllowed):
            world.accounts.deactivate(actor, 1)
        with pytest.raises(NotAllowed):
            world.accounts.add("nam", "Nam", Role.OFFICER, WARD_A, PASSWORD, actor=actor)


def test_a_wards_administrator_answers_for_that_ward_alone(small_world: World) -> None:
    world = small_world
    admin, hue = world.actor("phuong"), world.actor("hue")
    assert {view.login for view in world.accounts.officers(admin)} == {"lan", "minh", "phuong"}
    with pytest.raises(NotFound):
        world.accounts.deactivate(admin, hue.id)
    with pytest.raises(NotFound):
        world.accounts.change(admin, hue.id, role=Role.OFFICER, ward=WARD_A)
    for ward in (None, WARD_B):  # no account beyond the own ward, the whole city least of all
        with pytest.raises(NotAllowed):
            world.accounts.add("nam", "Nam", Role.ADMIN, ward, PASSWORD, actor=admin)
    world.accounts.add("nam", "Nam", Role.OFFICER, WARD_A, PASSWORD, actor=admin)
