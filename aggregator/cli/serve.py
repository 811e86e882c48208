"""`motmoi run`, `web`, `worker` and `sandbox`: what runs until it is told to stop.

What may surprise: the web is loaded by name, at this moment and not before. The product knows no
screen; an installation without one can still run workers.
"""

from __future__ import annotations

import importlib
import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import click

from aggregator import settings as environment
from aggregator.cli.channels import FILE
from aggregator.cli.connectors import connector_named
from aggregator.cli.frame import Command, show
from aggregator.cli.opening import opened
from aggregator.cli.signals import Stop
from aggregator.errors import InputInvalid

if TYPE_CHECKING:
    from aggregator.bootstrap import Aggregator
    from aggregator.sdk.sandbox import Portal

#: Seconds that page requests, and that polls and deliveries under way, get to end.
WEB_STOP_S, WORKER_STOP_S = 5.0, 20.0
STOPPING = "Stopping; again to stop at once."
#: The simulated portal that belongs to no connector: one to make a connector for.
PRACTICE = "practice"
_PORT = click.IntRange(0, 65_535)


@click.command(cls=Command, usual=logging.INFO)
@click.option("--port", type=_PORT, help="The web's port; MOTMOI_PORT where it is not given.")
def run(port: int | None) -> int:
    """Run everything in one process: the web and a worker. Ctrl-C stops both."""
    with (
        opened(_settings(port)) as product,
        Stop(STOPPING) as stop,
        # A port that is taken is told before a worker has begun anything.
        serving(product) as url,
        working(product),
    ):
        show({"url": url}, f"Một Mối is at {url}")
        return stop.wait()


@click.command(cls=Command, usual=logging.INFO)
@click.option("--port", type=_PORT, help="The port; MOTMOI_PORT where it is not given.")
def web(port: int | None) -> int:
    """Run the web alone; a worker must run somewhere on the same database."""
    with opened(_settings(port)) as product, Stop(STOPPING) as stop, serving(product) as url:
        show({"url": url}, f"Một Mối is at {url}")
        return stop.wait()


@click.command(cls=Command, usual=logging.INFO)
def worker() -> int:
    """Run a worker: it reads channels, delivers answers and watches deadlines.

    Any number of workers may run on one database, on any number of machines.
    """
    with opened() as product, Stop(STOPPING) as stop, working(product) as owner:
        show({"worker": owner}, f"Worker {owner} runs.")
        return stop.wait()


@click.command(cls=Command, usual=logging.INFO)
@click.argument("kind")
@click.option("--port", type=_PORT, required=True, help="The port; 0 takes a free one.")
@click.option("--scenario", type=FILE, help="A JSON file: reports, accounts and whatever the portal takes.")
@click.option("--state", type=click.Path(dir_okay=False, path_type=Path),
              help="Where the portal keeps what it was told, over a restart.")  # fmt: skip
def sandbox(kind: str, port: int, scenario: Path | None, state: Path | None) -> int:
    """Run one simulated portal of the connector KIND, until Ctrl-C.

    KIND is a connector's id, or the folder of its connector.yaml, or `practice`: the portal of the guide for
    authors. Faults and a look inside are under /_control.
    """
    portal = _portal(kind, _scenario(scenario), state)
    with Stop() as stop, _portal_running(portal, port) as url:
        show({"kind": kind, "url": url}, f"A simulated {kind} is at {url}")
        return stop.wait()


# Parts that run ---------------------------------------------------------------------------------------


@contextmanager
def working(product: Aggregator) -> Iterator[str]:
    """A worker in this process while the block runs; its name."""
    from aggregator.worker import Worker

    inner = Worker(product)
    inner.start()
    try:
        yield inner.owner
    finally:
        inner.stop(WORKER_STOP_S)


@contextmanager
def serving(product: Aggregator) -> Iterator[str]:
    """The web in threads of this process while the block runs; its address."""
    from waitress.server import create_server

    settings, sockets, stopping = product.settings, dict[int, Any](), threading.Event()
    app = importlib.import_module("inbox_web").create_app(product)
    try:
        server: Any = create_server(
            app, map=sockets, host=settings.host, port=settings.port, threads=settings.web_threads, ident=""
        )
    except OSError as error:
        raise _port_taken(settings.port, error) from error
    loop = threading.Thread(target=_answer, args=(sockets, stopping), name="web", daemon=True)
    loop.start()
    try:
        # A name of a machine may stand for several addresses; each has its own socket then.
        listens = getattr(server, "effective_listen", None) or [(settings.host, server.effective_port)]
        yield f"http://{listens[0][0]}:{listens[0][1]}"
    finally:
        server.task_dispatcher.shutdown(timeout=WEB_STOP_S)
        stopping.set()
        loop.join(WEB_STOP_S)


def _answer(sockets: dict[int, Any], stopping: threading.Event) -> None:
    """Waitress's loop, with an end: its own ends only by an exception in the main thread."""
    from waitress import wasyncore

    while not stopping.is_set():
        wasyncore.loop(timeout=0.5, use_poll=True, map=sockets, count=1)
    wasyncore.close_all(sockets, ignore_all=True)


@contextmanager
def _portal_running(portal: Portal, port: int) -> Iterator[str]:
    from aggregator.sdk.sandbox import serve

    try:
        running = serve(portal, port)
    except (OSError, SystemExit) as error:  # Werkzeug ends the process where the port is taken
        raise _port_taken(port, error) from None
    with running:
        yield running.url


def _port_taken(port: int, error: BaseException) -> InputInvalid:
    why = error.strerror if isinstance(error, OSError) and error.strerror else "it is taken"
    return InputInvalid(f"port {port} cannot be used: {why}", field="port", hint="give another --port")


def _settings(port: int | None) -> Any:
    return environment.load() if port is None else environment.load(port=port)


def _portal(kind: str, scenario: dict[str, Any], state: Path | None) -> Portal:
    """The connector's own simulated portal; by its name, since the product imports no connector."""
    module = _practice() if kind == PRACTICE else connector_named(kind).sandbox()
    if module is None or not hasattr(module, "build"):
        raise InputInvalid(f"connector {kind} has no simulated portal", field="kind")
    try:
        portal: Portal = module.build(scenario, state)
    except (KeyError, TypeError, ValueError) as error:
        raise InputInvalid(f"the scenario does not fit a {kind}: {error!r}", field="scenario") from error
    return portal


def _practice() -> ModuleType:
    from aggregator.sdk import practice

    return practice


def _scenario(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        given = json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise InputInvalid(f"{file}: not JSON: {error}", field="scenario") from error
    if not isinstance(given, dict):
        raise InputInvalid(f"{file}: a JSON object expected", field="scenario")
    return given
