"""What a connector leaves behind: words in logs, connections, threads, time."""

from __future__ import annotations

import io
import json
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from aggregator.sdk.conformance.checks import check
from aggregator.sdk.conformance.harness import Channel, Trial, expect, unclosed
from aggregator.sdk.contract import ChannelError


@contextmanager
def _listening() -> Iterator[io.StringIO]:
    """Everything that is logged anywhere, at its finest."""
    said, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(said), root.level
    handler.setLevel(logging.DEBUG)
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield said
    finally:
        root.setLevel(level)
        root.removeHandler(handler)


@check("hygiene-secrets")
def nobody_is_named(trial: Trial) -> None:
    with trial.channel(6) as channel, _listening() as said:
        polled = channel.poll()
        words = {f"the {p} of a citizen": v for r in polled.records for p, v in _person(r) if v}
        with channel.context() as ctx:
            words |= {f"the secret {name}": value for name, value in ctx.secrets.items()}
            channel.connector.check(ctx)
        if trial.subject.scenario.network:
            pages = ("login_page", "maintenance") if trial.subject.scenario.http else ()
            for kind in (*pages, "truncate", "outage"):
                channel.stage.mend()
                channel.stage.fault(kind)
                _tell_error(Channel(channel.connector, channel.stage), said)
        text = said.getvalue()
        told = sorted(what for what, value in words.items() if len(value) > 3 and value in text)
        expect(not told, f"logs, errors or evidence tell {', '.join(told)}")


def _person(record: object) -> list[tuple[str, str]]:
    person = getattr(record, "person")  # noqa: B009 (any record)
    return [(part, str(getattr(person, part) or "")) for part in ("name", "phone", "email", "id_number")]


def _tell_error(channel: Channel, said: io.StringIO) -> None:
    try:
        channel.poll()
    except ChannelError as error:
        said.write(
            f"{error} {error.message_vi} {json.dumps(error.evidence, default=str, ensure_ascii=False)}\n"
        )


@check("hygiene-hosts")
def own_hosts_alone(trial: Trial) -> None:
    with trial.channel(6) as channel:
        channel.poll()
        with channel.context() as ctx:
            channel.connector.check(ctx)
            own = {
                urlsplit(value).port
                for value in ctx.config.values()
                if isinstance(value, str) and "://127.0.0.1" in value
            }
        expect(not trial.guard.strays, f"it tried {', '.join(trial.guard.strays[:5])}")
        strange = trial.guard.ports - own
        expect(not strange, f"it connected to ports that no setting names: {sorted(strange)}")


@check("hygiene-no-sleep")
def never_sleeps(trial: Trial) -> None:
    with trial.channel(12) as channel:
        channel.poll()
        with channel.context() as ctx:
            channel.connector.check(ctx)
        slept = sum(trial.guard.sleeps)
        expect(not slept, f"it slept {slept:g} s: raise RateLimited or Transient instead")


@check("hygiene-closes")
def nothing_is_left(trial: Trial) -> None:
    with trial.channel(12) as channel:
        channel.poll()  # what is made once, at first use, is made now
        before = {thread.ident for thread in threading.enumerate()}
        channel.poll()
        if trial.subject.scenario.network:
            channel.stage.fault("truncate")
            _tell_error(channel, io.StringIO())
        expect(unclosed(trial.guard) == 0, f"{unclosed(trial.guard)} connections are still open")
        expect(not _left(before), "a thread is left behind")


def _left(before: set[int | None]) -> list[threading.Thread]:
    """Threads of the connector; those of the portal end by themselves a moment after their request."""
    for _ in range(50):
        left = [t for t in threading.enumerate() if t.ident not in before and "process_request" not in t.name]
        if not left:
            return []
        time.sleep(0.01)
    return left
