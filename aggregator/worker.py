"""The heartbeat: looks every second for what is due and does it. The only place that catches broadly.

    poll_tick        claim due channels while a thread is free, run each in the pool
    webhook_tick     take in what sources have sent us
    backfill_tick    read the next part of what people asked for of the past
    outbox_tick      claim answers that are due while a thread is free, deliver each channel's in the pool
    sweep_tick       move cases whose deadline passed a stage
    recount_tick     count open cases again after a calendar or a rule has changed
    attachment_tick  fetch pending files
    reap_tick        free what dead workers held
    remind_tick      make the digests of the day, tell of deadlines and of answers to bring by hand
    mail_tick        send what is due to staff
    ledger_tick      sign what was entered, and bring it to those who hold it outside
    watch_tick       look for channels that have gone quiet
    unseen_tick      ask sources about delivered answers that no poll has shown
    words_tick       bring new meanings of status words to the reports that show them
    tidy_tick        forget notices and mails that are ninety days old, and runs that brought nothing
    privacy_tick     tell of personal-data requests; at night forget what is due, where that is switched on

APScheduler is a clock here and nothing more: its job store is memory, what is due is rows, and any
number of workers may run on one database. What may surprise: a tick that is late or was missed needs
no catching up, because one look finds everything that is due (`coalesce`, one instance each).
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Generic, TypeVar

from apscheduler.executors.pool import ThreadPoolExecutor as TickThreads
from apscheduler.schedulers.background import BackgroundScheduler

from aggregator.bootstrap import Aggregator
from aggregator.services.delivering import Batch
from aggregator.services.faults import origin
from aggregator.services.polling import Claim, owner_name

log = logging.getLogger(__name__)

#: Cases that one sweep moves before it looks at the clock again.
SWEEP = 500
#: Answers that one run carries before it looks what else is due, if nothing else waits.
ANSWERS = 1000
#: Hosts that are written to at once, for each thread that reads: most of that is waiting out the pauses that
#: portals ask for, and a host without a thread falls behind what its portal allows.
HOSTS_A_THREAD = 4
#: Mails that one connection to the mail server carries.
MAILS = 50
#: Ticks between two looks for files, for dead workers, and for what has grown old: none is urgent.
ATTACHMENT_TICKS, REAP_TICKS, LEDGER_TICKS, WORDS_TICKS, WATCH_TICKS, TIDY_TICKS = 3, 10, 30, 30, 600, 3600
#: Often enough that an hour of night is never missed.
PRIVACY_TICKS = 900


class Worker:
    """One worker process. `start` returns at once; `stop` waits for what is under way."""

    def __init__(self, aggregator: Aggregator, owner: str | None = None) -> None:
        self.owner = owner or owner_name()
        self._parts = aggregator
        threads = aggregator.settings.worker_threads
        self._stopping = threading.Event()
        # Lanes of their own: a slow portal's list holds back no answer, nor its answers anybody's poll.
        self._polls = _Lane("polls", threads, self._claim_poll, self._poll, self)
        deliveries = HOSTS_A_THREAD * threads
        self._deliveries = _Lane("deliveries", deliveries, self._claim_answers, self._deliver, self)
        self._quiet = threading.Condition()
        #: Ticks and polls under way, by what they are.
        self._active: Counter[str] = Counter()
        #: Ticks that failed last time: said once, and once when they work again.
        self._failing: set[str] = set()
        self._ticks: dict[str, tuple[Callable[[], None], int]] = {
            "poll_tick": (self.poll_tick, 1),
            "webhook_tick": (self.webhook_tick, 1),
            "backfill_tick": (self.backfill_tick, 1),
            "outbox_tick": (self.outbox_tick, 1),
            "sweep_tick": (self.sweep_tick, 1),
            "recount_tick": (self.recount_tick, 1),
            "attachment_tick": (self.attachment_tick, ATTACHMENT_TICKS),
            "reap_tick": (self.reap_tick, REAP_TICKS),
            "remind_tick": (self.remind_tick, 1),
            "mail_tick": (self.mail_tick, 1),
            "ledger_tick": (self.ledger_tick, LEDGER_TICKS),
            "watch_tick": (self.watch_tick, WATCH_TICKS),
            "unseen_tick": (self.unseen_tick, WATCH_TICKS),
            "words_tick": (self.words_tick, WORDS_TICKS),
            "tidy_tick": (self.tidy_tick, TIDY_TICKS),
            "privacy_tick": (self.privacy_tick, PRIVACY_TICKS),
        }
        self._scheduler = BackgroundScheduler(
            timezone=UTC, executors={"default": TickThreads(len(self._ticks))}, daemon=True
        )

    def start(self) -> None:
        """Begin to tick; the first look at everything is at once."""
        # A tick that still runs when its next is due is the design, not news.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        for name, (tick, ticks) in self._ticks.items():
            self._scheduler.add_job(
                self._guarded(name, tick), "interval", id=name,
                seconds=self._parts.settings.tick_s * ticks, next_run_time=datetime.now(UTC),
                max_instances=1, coalesce=True, misfire_grace_time=None,
            )  # fmt: skip
        self._scheduler.start()
        log.info("worker %s started", self.owner)

    def stop(self, timeout_s: float = 30.0) -> bool:
        """Start nothing more and wait for what runs, at most `timeout_s`; True where all of it ended.

        A poll ends after its present batch and gives its lease back. What does not end in time is
        taken over by another worker once its lease is over.
        """
        self._stopping.set()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        with self._quiet:
            ended = self._quiet.wait_for(lambda: not self._active.total(), timeout_s)
            left = ", ".join(sorted(+self._active))
        self._polls.shut()
        self._deliveries.shut()
        log.info("worker %s stopped%s", self.owner, "" if ended else f", left behind: {left}")
        return ended

    def wake(self) -> None:
        """Look now: somebody in this process has just made something due."""
        if self._scheduler.running:
            for name in ("poll_tick", "outbox_tick"):
                self._scheduler.modify_job(name, next_run_time=datetime.now(UTC))

    # The ticks --------------------------------------------------------------------------------------

    def poll_tick(self) -> None:
        """Claim and start polls while something is due and a thread is free."""
        self._polls.fill()

    def _claim_poll(self) -> Claim | None:
        return self._parts.polling.claim(self.owner)

    def _poll(self, claim: Claim) -> None:
        self.watch(f"poll of {claim.channel.slug}", partial(self._parts.polling.run, claim, stop=self.stops))

    def webhook_tick(self) -> None:
        self._parts.webhooks.tick(self.owner, self._stopping.is_set)

    def backfill_tick(self) -> None:
        while not self._stopping.is_set() and self._parts.backfills.tick(self.owner, self._stopping.is_set):
            pass

    def outbox_tick(self) -> None:
        """Claim and start deliveries, a channel a thread, while something is due and a thread is free."""
        self._deliveries.fill()

    def _claim_answers(self) -> Batch | None:
        return self._parts.outbox.claim(self.owner)

    def _deliver(self, batch: Batch) -> None:
        name = f"deliveries to {batch.channel.slug}"
        self.watch(name, partial(self._parts.outbox.deliver, batch, ANSWERS, self.stops))

    def sweep_tick(self) -> None:
        while self._parts.deadlines.sweep(SWEEP) >= SWEEP and not self._stopping.is_set():
            pass

    def recount_tick(self) -> None:
        while not self._stopping.is_set() and self._parts.recounts.tick():
            pass

    def attachment_tick(self) -> None:
        while not self._stopping.is_set() and self._parts.polling.attachments.tick():
            pass

    def reap_tick(self) -> None:
        self._parts.polling.reap()

    def remind_tick(self) -> None:
        # The digests first: what they tell is not told a second time.
        self._parts.digests.tick(self._stopping.is_set)
        self._parts.reminders.tick(self._stopping.is_set)
        self._parts.errand_reminders.tick(self._stopping.is_set)

    def mail_tick(self) -> None:
        while self._parts.mailing.drain(self.owner, MAILS, self._stopping.is_set).total() >= MAILS:
            pass

    def ledger_tick(self) -> None:
        self._parts.ledger_places.tick(self.owner, self._stopping.is_set)

    def watch_tick(self) -> None:
        self._parts.watch.tick()

    def unseen_tick(self) -> None:
        self._parts.unseen.tick()

    def words_tick(self) -> None:
        self._parts.status_words.tick(self._stopping.is_set)

    def tidy_tick(self) -> None:
        self._parts.notices.prune()
        self._parts.mailing.prune()
        self._parts.digests.prune()
        self._parts.webhooks.prune()
        self._parts.watch.prune()
        self._parts.run_history.prune(self._stopping.is_set)
        self._parts.outbox.mend()

    def stops(self) -> bool:
        """Whether nothing more is to be started."""
        return self._stopping.is_set()

    def privacy_tick(self) -> None:
        self._parts.request_reminders.tick()
        self._parts.retention.tick(self._stopping.is_set)

    # Nothing ends the heartbeat ---------------------------------------------------------------------

    def _guarded(self, name: str, work: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            self.begin(name)
            try:
                if not self._stopping.is_set():
                    self.watch(name, work)
            finally:
                self.end(name)

        return run

    def watch(self, name: str, work: Callable[[], object]) -> None:
        """Do it; what goes wrong is said once, with an id, until it is right again."""
        try:
            work()
        except Exception as error:  # noqa: BLE001 (the outermost edge)
            if name not in self._failing:
                log.error("%s failed [%s]: %s", name, secrets.token_hex(4), origin(error))
            self._failing.add(name)
        else:
            if name in self._failing:
                self._failing.discard(name)
                log.info("%s works again", name)

    def begin(self, name: str) -> None:
        with self._quiet:
            self._active[name] += 1

    def end(self, name: str) -> None:
        with self._quiet:
            self._active[name] -= 1
            self._quiet.notify_all()


_Taken = TypeVar("_Taken")


class _Lane(Generic[_Taken]):
    """Some threads that do one kind of work: each takes what is due, does it, and takes the next."""

    def __init__(
        self, name: str, threads: int, claim: Callable[[], _Taken | None], work: Callable[[_Taken], None],
        worker: Worker,
    ) -> None:  # fmt: skip
        self._name, self._claim, self._work, self._worker = name, claim, work, worker
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._free = threading.BoundedSemaphore(threads)

    def fill(self) -> None:
        """Start threads while something is due and one is free."""
        while not self._worker.stops() and self._free.acquire(blocking=False):
            taken = None
            try:
                taken = self._claim()
            finally:
                if taken is None:
                    self._free.release()
            if taken is None:
                return
            self._worker.begin(self._name)
            self._pool.submit(self._run, taken)

    def _run(self, first: _Taken) -> None:
        """This one, and while something is due the next: no thread waits for a tick."""
        taken: _Taken | None = first
        try:
            while taken is not None:
                self._work(taken)
                taken = None if self._worker.stops() else self._claim()
        finally:
            self._free.release()
            self._worker.end(self._name)

    def shut(self) -> None:
        """Start nothing more; what runs is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)
