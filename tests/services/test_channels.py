"""Setting channels up, steering them, and what their lights say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from aggregator.domain.people import Actor
from aggregator.errors import (
    AuthFailed,
    InputInvalid,
    MoveNotAllowed,
    NotAllowed,
    NotFound,
    SchemaDrift,
    Transient,
)
from aggregator.services.views.channel import ChannelView, Light
from aggregator.storage.channel_tables import channel_schedule, channels
from tests.services.polling_world import START, WARD_A, WARD_B, World


@pytest.fixture
def world(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    made = World(sqlite_url, tmp_path)
    yield made
    made.app.close()


@pytest.fixture
def both(database_url: str, tmp_path: Path) -> Iterator[World]:
    made = World(database_url, tmp_path)
    yield made
    made.app.close()


def spec(**changes: Any) -> dict[str, Any]:
    plain = {"slug": "b", "kind": "source_a", "title": "Kênh B", "ward": WARD_A}
    return {**plain, "config": {"base_url": "http://b.example.vn"}, **changes}


def lights(world: World, slug: str = "a") -> dict[str, Light]:
    view: ChannelView = world.channels.view(world.minh, slug)
    return {light.name: light for light in view.lights}


def states(world: World, slug: str = "a") -> str:
    """The five lights in their order, by first letter."""
    return " ".join(light.state for light in lights(world, slug).values())


# Setting up -----------------------------------------------------------------------------------------


def test_a_channel_from_a_file_is_due_at_once_and_its_secrets_are_sealed(both: World, tmp_path: Path) -> None:
    both.channel("a")
    path = tmp_path / "kenh.toml"
    path.write_text(
        """
        slug = "cong-b"
        kind = "source_a"
        ward = "27142"
        [config]
        base_url = "https://cong.example.vn/api"
        password = "trong-nham-cho"
        [options]
        interval_s = 90
        status_map = {"DA_XU_LY" = "resolved"}
        """,
        encoding="utf-8",
    )
    both.channels.add(both.channels.from_toml(path))
    row = both.row("cong-b")
    assert (row.title, row.interval_s, row.host_key) == ("Nguồn source_a", 90, "cong.example.vn:443")
    assert (row.next_due_at, row.state, row.paused) == (START, "ok", False)
    # The password stood under [config] by mistake, and is sealed all the same.
    assert row.secrets is not None and "trong-nham-cho" not in str(row)
    assert [step.ok for step in both.channels.check("cong-b")] == [True]
    assert both.told("channel_added") == 2


#: what is changed in the spec, what the message must name
REFUSED = [
    ({"slug": ""}, "slug: missing"),
    ({"slug": "Kênh B"}, "slug"),
    ({"slug": "a"}, "taken"),
    ({"ward": "99999"}, "ward"),
    ({"kind": "sorce_a"}, "did you mean 'source_a'"),
    ({"kind": "hoan-toan-khac"}, "installed"),
    ({"titel": "x"}, "did you mean 'title'"),
    ({"config": {"base_url": "http://b", "page_sise": 3}}, "did you mean 'page_size'"),
    ({"config": {}}, "base_url: missing"),
    ({"config": {"base_url": "http://b", "page_size": 0}}, "page_size"),
    ({"config": "x"}, "config: a table"),
    ({"config": {"base_url": "http://user:pw@b/"}}, "user name"),
    ({"secrets": {"pasword": "x"}}, "pasword"),
    ({"options": {"intervall_s": 5}}, "did you mean 'interval_s'"),
    ({"options": {"interval_s": 0}}, "interval_s"),
    ({"options": {"timezone": "Asia/Saigon2"}}, "time zone"),
    ({"options": {"status_map": {"DONE": "resolvd"}}}, "did you mean 'resolved'"),
]


def test_what_is_wrong_with_a_channel_is_named(world: World) -> None:
    world.channel("a")
    for changes, named in REFUSED:
        with pytest.raises(InputInvalid) as caught:
            world.channels.add(spec(**changes))
        assert named in str(caught.value), changes
    with pytest.raises(InputInvalid) as caught:
        world.channels.add(spec(slug="", config={}, titel=""))
    assert str(caught.value).count(";") >= 2  # all of it at once


def test_a_file_that_is_no_toml_says_where(tmp_path: Path, world: World) -> None:
    (tmp_path / "x.toml").write_text("slug = \n")
    with pytest.raises(InputInvalid, match="line 1"):
        world.channels.from_toml(tmp_path / "x.toml")


def test_changed_settings_are_tried_at_once_and_old_secrets_stay(both: World) -> None:
    source = both.channel("a", interval_s=300, retry_first_s=5)
    both.channels.change("a", {"secrets": {"password": "mot"}})
    source.go_wrong = [AuthFailed("401")]
    both.poll_when_due()
    both.clock.wait(hours=1)
    both.channels.change("a", {"config": {"page_size": 7}, "options": {"interval_s": 60}}, actor=both.admin)
    row = both.row()
    assert (row.state, row.next_due_at, row.interval_s) == ("degraded", both.clock(), 60)
    assert row.config == {"base_url": "http://a.example.vn", "page_size": 7}
    assert row.options["retry_first_s"] == 5
    both.poll_when_due()
    assert source.contexts[-1].secrets == {"password": "mot"}
    both.channels.change("a", {"secrets": {"password": ""}})
    assert both.row().secrets is None
    for wrong in ({"slug": "khac"}, {"kind": "khac"}, {"config": "x"}, {"nothing": 1}):
        with pytest.raises(InputInvalid):
            both.channels.change("a", wrong)


def test_secrets_of_a_lost_key_can_be_entered_again(world: World) -> None:
    world.channel("a")
    with world.app.db.write() as tx:
        tx.execute(update(channels).values(secrets=b"\x01sealed by another key file"))
    assert [(step.name, step.ok) for step in world.channels.check("a")] == [("connect", False)]
    assert world.poll_when_due().error_code == "config_invalid"
    with pytest.raises(Exception, match="secrets do not open"):
        world.channels.change("a", {"title": "Mới"})
    world.channels.change("a", {"secrets": {"password": "moi"}})
    assert [step.ok for step in world.channels.check("a")] == [True]


def test_a_check_that_cannot_connect_says_so_as_a_step(world: World) -> None:
    source = world.channel("a")

    def refused(_ctx: Any) -> Any:
        raise Transient("cannot connect", message_vi="Không kết nối được")

    source.check = refused  # type: ignore[method-assign]
    (step,) = world.channels.check("a")
    assert (step.name, step.ok, step.hint) == ("connect", False, "Không kết nối được")
    world.app.connectors.clear()  # type: ignore[attr-defined]
    assert world.channels.check("a")[0].ok is False


# Steering -------------------------------------------------------------------------------------------


def test_a_paused_channel_rests_until_it_is_resumed(both: World) -> None:
    both.channel("a")
    both.channels.pause(both.admin, "a")
    both.channels.pause(both.admin, "a")
    assert both.polling.claim("worker") is None
    with pytest.raises(MoveNotAllowed):
        both.channels.poll_now(both.admin, "a")
    view = both.channels.view(both.lan, "a")
    assert view.paused and view.state == "off" and view.next_due_at is None
    both.clock.wait(days=3)
    both.channels.resume(both.admin, "a")
    assert both.poll_when_due().outcome == "ok"
    assert (both.told("channel_paused"), both.told("channel_resumed")) == (1, 1)


def test_poll_now_does_not_wait_for_the_beat(world: World) -> None:
    world.channel("a", interval_s=3600)
    world.poll_when_due()
    assert world.polling.claim("worker") is None
    world.channels.poll_now(world.admin, "a")
    assert world.polling.claim("worker") is not None


def test_a_channel_fed_by_files_has_nothing_to_poll(world: World) -> None:
    world.channel("tep", can={"poll": "none", "push_reply": False})
    with pytest.raises(MoveNotAllowed):
        world.channels.poll_now(world.admin, "tep")
    view = world.channels.view(world.lan, "tep")
    assert (view.state, view.can_reply, view.next_due_at) == ("off", False, None)


def test_only_who_may_steer_steers_and_another_wards_channel_does_not_exist(world: World) -> None:
    world.channel("a")
    world.channel("b", ward=WARD_B)
    steer = (world.channels.pause, world.channels.resume, world.channels.poll_now)
    for verb in steer:
        for actor in (world.lan, world.minh):
            with pytest.raises(NotAllowed):
                verb(actor, "a")
    ward_admin = Actor(99, "x", "x", world.admin.role, WARD_B)
    look = (world.channels.view, world.channels.quarantine, *steer)
    for verb in look:
        for slug in ("a", "khong-co"):
            with pytest.raises(NotFound) as caught:
                verb(ward_admin, slug)
            assert "Không có kênh này" in caught.value.message_vi
    with pytest.raises(NotAllowed):
        world.channels.add(spec(kind="source_b"), actor=ward_admin)
    with pytest.raises(NotAllowed):
        world.channels.change("b", {"ward": WARD_A}, actor=ward_admin)
    assert [view.slug for view in world.channels.list(world.hue)] == ["b"]
    assert [view.slug for view in world.channels.list(world.admin)] == ["a", "b"]


# Lights ---------------------------------------------------------------------------------------------


def test_before_the_first_poll_nothing_is_known(world: World) -> None:
    world.channel("a")
    assert states(world) == " ".join(["unknown"] * 5)
    world.clock.wait(minutes=11)
    assert lights(world)["fresh"].state == "bad"


def test_after_a_good_poll_all_is_well_with_its_time(both: World) -> None:
    both.channel("a").send("1")
    both.poll_when_due()
    assert states(both) == "good good good good unknown"
    assert {light.at for name, light in lights(both).items() if name != "writing"} == {START}
    view = both.channels.view(both.lan, "a")
    assert view.state == "good" and view.last_item_at == START and view.down_since is None


#: what goes wrong, how often -> reachable, signed_in, parsing (fresh and writing apart)
STOPPED = [
    ([Transient("timeout")], "slow unknown unknown"),
    ([Transient("timeout")] * 3, "bad unknown unknown"),
    ([AuthFailed("401")], "good bad unknown"),
    ([SchemaDrift("no table")], "good good bad"),
    ([KeyError("x")], "good good slow"),
    ([KeyError("x")] * 2, "good good bad"),
]


@pytest.mark.parametrize(("wrong", "expected"), STOPPED)
def test_the_light_where_it_stopped_is_bad_and_says_why_and_what_next(
    world: World, wrong: list[Exception], expected: str
) -> None:
    source = world.channel("a")
    source.go_wrong = list(wrong)
    for _ in wrong:
        world.poll_when_due()
    assert " ".join(states(world).split()[:3]) == expected
    (told,) = [
        light for light in lights(world).values() if light.state in ("slow", "bad") and light.name != "fresh"
    ]
    assert told.cause_vi and told.cause_en and told.next_vi and told.next_en and told.at == world.clock()
    world.channels.resume(world.admin, "a")
    world.poll_when_due()
    assert " ".join(states(world).split()[:3]) == "good good good"


def test_silence_is_an_alarm_though_nothing_failed(world: World) -> None:
    world.channel("a", interval_s=300)
    world.poll_when_due()
    for minutes, expected in ((15, "good"), (1, "bad")):  # three intervals are allowed
        world.clock.wait(minutes=minutes)
        assert lights(world)["fresh"].state == expected
    assert "16 phút" in lights(world)["fresh"].cause_vi
    assert world.channels.view(world.lan, "a").state == "bad"


@pytest.mark.parametrize(
    ("values", "expected", "said"),
    [
        ({"last_write_at": START}, "good", ""),
        ({"write_failures": 1, "write_error": "timeout"}, "slow", "timeout"),
        ({"write_failures": 3, "write_error": "timeout"}, "bad", "timeout"),
        ({"write_open_until": START + timedelta(hours=1)}, "slow", "chậm lại"),
        ({"last_write_at": START, "write_open_until": START}, "good", ""),
    ],
)
def test_writing_has_its_own_light(world: World, values: dict[str, Any], expected: str, said: str) -> None:
    world.channel("a")
    with world.app.db.write() as tx:
        tx.execute(update(channel_schedule).values(**values))
    light = lights(world)["writing"]
    assert light.state == expected and said in light.cause_vi + light.detail


def test_a_channel_whose_portal_takes_no_answers_says_so(world: World) -> None:
    world.channel("a", can={"push_reply": False})
    assert lights(world)["writing"].state == "off" and "bằng tay" in lights(world)["writing"].cause_vi


def test_what_could_not_be_read_is_counted_shown_and_listed(both: World) -> None:
    source = both.channel("a")
    source.send("1", "2", "3")
    source.unreadable = {"2"}
    both.poll_when_due()
    view = both.channels.view(both.lan, "a")
    assert view.quarantined == 1 and states(both).split()[2] == "slow"
    (item,) = both.channels.quarantine(both.lan, "a")
    assert (item.external_id, item.field, item.tries, item.scope) == ("2", "date", 1, "record")


def test_todays_counts_are_the_offices_day_and_a_replay_counts_nothing_twice(both: World) -> None:
    source = both.channel("a", interval_s=60)
    source.send("1", "2")
    source.unreadable = {"2"}
    both.poll_when_due()
    source.unreadable = set()
    both.polling.replay("a")
    today = both.channels.list(both.lan)[0].today
    assert today == {"seen": 2, "stored": 1, "unchanged": 0, "revised": 0, "quarantined": 1}
    both.clock.at = START.replace(hour=17, minute=1)  # 00:01 at the office, still the 10th in UTC
    source.send("3")
    both.poll_when_due()
    assert both.channels.list(both.lan)[0].today["seen"] == 1
    runs = both.channels.view(both.lan, "a").runs
    assert [run.kind for run in runs] == ["poll", "replay", "poll"] and runs[0].finished_at is not None


def test_a_channel_whose_connector_is_gone_still_shows(world: World) -> None:
    world.channel("a")
    world.app.connectors.clear()  # type: ignore[attr-defined]
    assert world.poll_when_due().error_code == "config_invalid"
    view = world.channels.view(world.lan, "a")
    assert view.state == "bad" and "source_a" in view.lights[0].cause_en


def test_a_second_channel_of_a_kind_needs_no_code(world: World) -> None:
    source = world.channel("a")
    world.channels.add(spec())
    source.send("1")
    world.poll_when_due("a")
    assert world.poll_when_due("b").counts.stored == 1
    with world.app.db.read() as tx:
        assert set(tx.scalars(select(channels.c.kind))) == {"source_a"}
