"""Reading a portal that behaves: every report once, and nothing twice."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta

from aggregator.sdk.conformance.checks import check
from aggregator.sdk.conformance.harness import Channel, Polled, Trial, expect
from aggregator.sdk.contract import ChannelError, SourceStatus, Transient

#: Enough for several pages and batches of every sandbox, few enough to be quick.
MANY = 27
#: More than one batch should hold.
_SEVERAL_BATCHES = 130


@check("poll-every-report")
def every_report_once(trial: Trial) -> None:
    with trial.channel(MANY) as channel:
        polled = channel.poll()
        expect(polled.records, "the first poll brings nothing")
        twice = sorted({i for i in polled.ids if polled.ids.count(i) > 1})
        expect(not twice, f"brought more than once in one poll: {', '.join(twice[:5])}")
        expect_whole(channel, polled)


def expect_whole(channel: Channel, polled: Polled) -> None:
    """All that the portal holds has come, and the poll said so."""
    ended = [batch.complete for batch in polled.batches]
    expect(
        ended and ended == [False] * (len(ended) - 1) + [True],
        f"complete is {ended}, at the last batch alone",
    )
    expect_all(channel)


def expect_all(channel: Channel) -> None:
    """What was kept is what the portal holds."""
    held = channel.stage.ids()
    if held is None:
        return
    missing, strange = sorted(held - channel.known.keys()), sorted(channel.known.keys() - held)
    expect(not missing, f"{len(missing)} of {len(held)} reports never came: {', '.join(missing[:5])}")
    expect(not strange, f"ids that the portal does not have: {', '.join(strange[:5])}")


@check("poll-model")
def records_keep_the_contract(trial: Trial) -> None:
    with trial.channel(6) as channel:
        polled = channel.poll()
        for record, item in zip(polled.records, polled.items, strict=True):
            who = f"report {record.external_id!r}"
            expect(record.external_id.strip() == record.external_id != "", f"{who}: an id of white space")
            times = {n: getattr(record, n) for n in ("occurred_at", "updated_at", "due_at")}
            naive = [name for name, at in times.items() if at is not None and at.tzinfo is None]
            expect(not naive, f"{who}: {', '.join(naive)} without a time zone")
            expect(record.subject.strip() or record.body.strip(), f"{who} has no words")
            expect(isinstance(record.status, SourceStatus), f"{who}: status is no SourceStatus")
            expect(item.content, f"{who} has no raw bytes")
            json.dumps(dict(record.extra))
            files = [a.ref for a in record.attachments]
            expect(len(files) == len(set(files)), f"{who}: two attachments of one reference")


@check("poll-stable")
def readings_agree(trial: Trial) -> None:
    with trial.channel(MANY) as channel:
        channel.poll()
        first = {id_: list(seen) for id_, seen in channel.known.items()}
        channel.cursor, channel.state = None, {}
        channel.stage.now += timedelta(hours=5)
        channel.poll()
        _expect_same(first, channel)


def _expect_same(first: dict[str, list[str]], channel: Channel) -> None:
    strange = sorted(channel.known.keys() ^ first.keys())
    expect(not strange, f"other ids at the second reading: {', '.join(strange[:5])}")
    for id_, seen in channel.known.items():
        expect(len(seen) == 1, f"report {id_} was read with other content: {_difference(seen)}")


def _difference(seen: list[str]) -> str:
    before, after = json.loads(seen[0]), json.loads(seen[-1])
    names = [name for name in before if before[name] != after.get(name)]
    return f"{', '.join(names)} differ (name what moves by itself in `volatile`)"


@check("poll-nothing-new")
def second_poll_is_quiet(trial: Trial) -> None:
    with trial.channel(MANY) as channel:
        channel.poll()
        before = {id_: len(seen) for id_, seen in channel.known.items()}
        again = channel.poll()
        expect(again.batches and again.batches[-1].complete, "the second poll does not end with `complete`")
        news = [id_ for id_, seen in channel.known.items() if len(seen) != before.get(id_)]
        expect(not news, f"news of untouched reports: {', '.join(news[:5])}")


@check("poll-old-cursor")
def old_cursor_is_recognised(trial: Trial) -> None:
    with trial.channel(MANY) as channel:
        old: list[object] = []
        channel.poll(between=lambda _n: old.append(channel.cursor))
        first = {id_: list(seen) for id_, seen in channel.known.items()}
        for cursor in (old[0], old[len(old) // 2]):
            channel.cursor = cursor  # type: ignore[assignment]
            channel.poll()
            _expect_same(first, channel)


@check("poll-crash")
def crash_loses_nothing(trial: Trial) -> None:
    with trial.channel(MANY) as channel:
        boundaries = len(channel.poll().batches)
        undisturbed = {id_: list(seen) for id_, seen in channel.known.items()}
        for boundary in some_of(range(1, boundaries)):
            again = Channel(channel.connector, channel.stage)
            again.poll(batches=boundary)
            again.poll()
            if again.known.keys() != undisturbed.keys():  # a portal read in portions needs another poll
                again.follow_up()
            lost = sorted(undisturbed.keys() - again.known.keys())
            expect(not lost, f"a crash after batch {boundary} loses {', '.join(lost[:5])}")
            _expect_same(undisturbed, again)


def some_of(numbers: Sequence[int], most: int = 5) -> list[int]:
    """The first numbers, the middle one and the last: enough to try, where each try costs a poll."""
    if len(numbers) <= most:
        return list(numbers)
    return sorted({*numbers[: most - 2], numbers[len(numbers) // 2], numbers[-1]})


@check("poll-same-instant")
def one_instant_out_of_order(trial: Trial) -> None:
    trial.needs(fillable=True)
    reports = trial.reports(MANY)
    instant = reports[-1]["created"]
    shuffled = [*reports[1::3], *reports[0::3], *reports[2::3]]
    given = [{**one, "created": instant} if n % 3 else one for n, one in enumerate(shuffled)]
    with trial.channel(given) as channel:
        expect_whole(channel, channel.poll())
        channel.stage.put([{**trial.subject.scenario.a_report(MANY + 1), "created": instant}])
        channel.poll()
        expect_all(channel)


@check("poll-empty")
def empty_portal(trial: Trial) -> None:
    trial.needs(fillable=True)
    with trial.channel(0) as channel:
        for polled in (channel.poll(), channel.poll()):
            expect(polled.batches, "an empty portal gives no batch: that is how a changed page looks")
            expect(polled.batches[-1].complete, "the last batch of an empty portal is not complete")
            expect(not polled.records and not polled.problems, "an empty portal gives records")
        channel.stage.put(trial.reports(2))
        channel.stage.now += timedelta(hours=1)
        channel.poll()
        expect_all(channel)


@check("poll-cursor")
def cursor_is_versioned_json(trial: Trial) -> None:
    with trial.channel(MANY) as channel:
        for batch in channel.poll().batches:
            cursor = batch.next_cursor
            expect(isinstance(cursor, dict), f"the cursor is {type(cursor).__name__}, a table expected")
            # A list of pairs in place of a tuple is the same; a number as key is not.
            expect(
                json.loads(json.dumps(cursor)) == _listed(cursor),
                "the cursor is changed by its way through JSON",
            )
            versioned = isinstance(cursor, dict) and any(k in cursor for k in ("v", "version"))
            expect(versioned, "the cursor has no 'v': a later version could not tell it from its own")


def _listed(value: object) -> object:
    if isinstance(value, dict):
        return {key: _listed(item) for key, item in value.items()}
    return [_listed(item) for item in value] if isinstance(value, list | tuple) else value


@check("poll-deadline")
def deadline_is_kept(trial: Trial) -> None:
    with trial.channel(MANY) as channel:
        start = channel.stage.now

        def pass_by(_number: int) -> None:
            channel.stage.now = start + timedelta(hours=1)

        try:
            polled = channel.poll(between=pass_by, deadline_s=60)
        except Transient:
            polled = Polled()
        except ChannelError as error:
            raise AssertionError(f"out of time is Transient, not {type(error).__name__}: {error}") from error
        late = len(polled.batches) - 1
        expect(late <= 1, f"{late} more batches were read after the time was over")
        channel.follow_up()
        expect_all(channel)


@check("poll-small-batches")
def batches_stay_small(trial: Trial) -> None:
    trial.needs(fillable=True)
    with trial.channel(_SEVERAL_BATCHES) as channel:
        sizes = [len(batch.records) + len(batch.problems) for batch in channel.poll().batches]
        told = f"all {_SEVERAL_BATCHES} reports came in one batch: memory would grow with the portal"
        expect(max(sizes) < _SEVERAL_BATCHES, told)
