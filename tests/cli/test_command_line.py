"""What holds for every command: help, `--json`, exit codes, and words for what went wrong."""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from aggregator.cli import main
from aggregator.cli import motmoi as whole
from aggregator.cli.frame import as_json, plain, table
from aggregator.cli.logs import OneLine
from aggregator.cli.signals import Stop


def commands(
    group: click.Group, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in sorted(group.commands.items()):
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


EVERY = dict(commands(whole))


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_every_command_says_what_it_does_and_takes_json(path: tuple[str, ...], capsys: Any) -> None:
    assert main([*path, "--help"]) == 0
    text = capsys.readouterr().out
    about = (EVERY[path].help or "").split("\n")[0]
    assert about[:1].isupper() and about.rstrip().endswith((".", ":")), f"{path}: {about!r}"
    assert "--json" in text
    for parameter in EVERY[path].params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{' '.join(path)} {parameter.opts}: no help"


@pytest.mark.parametrize(
    "args",
    [
        ("--json", "channel", "list"),
        ("channel", "--json", "list"),
        ("channel", "list", "--json"),
        ("--json", "channel", "list", "--json"),
    ],
    ids=" ".join,
)
def test_json_may_stand_anywhere_on_the_line(motmoi: Any, args: tuple[str, ...]) -> None:
    ran = motmoi(*args)
    assert (ran.code, ran.document) == (0, [])


USAGE = [
    (("nonsense",), "nonsense", "no such command"),
    ((), "Usage", "no command at all"),
    (("case",), "Usage", "a group without its command"),
    (("channel", "poll"), "SLUG", "a missing argument"),
    (("channel", "poll", "nix"), "nix", "a channel that is not there"),
    (("channel", "list", "--jsn"), "--jsn", "a misspelt option"),
    (("case", "show", "99"), "99", "a case that is not there"),
    (("import", "gone.csv", "--channel", "x"), "gone.csv", "a file that is not there"),
    (("user", "add", "lan", "--role", "boss"), "boss", "an unknown role"),
    (("user", "add", "lan", "--role", "officer"), "--ward", "an officer without a ward"),
    (("outbox", "retry", "77"), "77", "an answer that is not there"),
    (("sandbox", "nix", "--port", "0"), "portal_1022", "an unknown kind: the known ones are named"),
    (("sandbox", "spreadsheet", "--port", "0"), "spreadsheet", "a kind without a simulated portal"),
]


@pytest.mark.parametrize(("args", "named", "note"), USAGE, ids=[row[2] for row in USAGE])
def test_bad_usage_is_2_names_the_thing_and_is_json_where_asked(
    motmoi: Any, args: tuple[str, ...], named: str, note: str
) -> None:
    ran = motmoi(*args)
    assert (ran.code, ran.out) == (2, ""), note
    assert named in ran.err, note
    assert "Traceback" not in ran.err

    told = motmoi(*args, "--json")
    assert told.code == 2
    assert set(told.document["error"]) == {"code", "message", "hint", "field"}


def test_unknown_setting_is_refused_with_the_nearest_known_name(motmoi: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("MOTMOI_DATABSE_URL", "sqlite:///x.db")
    ran = motmoi("channel", "list")
    assert ran.code == 2
    assert "MOTMOI_DATABSE_URL" in ran.err and "MOTMOI_DATABASE_URL" in ran.err


@pytest.mark.parametrize(
    ("url", "code", "named"),
    [
        ("nonsense", 2, "no database address"),
        ("mysql://host/db", 2, "mysql"),
        ("sqlite:////proc/nowhere/x.db", 2, "/proc/nowhere"),
        ("postgresql://127.0.0.1:1/nobody", 3, "did not take it"),
    ],
)
def test_database_that_cannot_be_had_is_told_in_plain_words(
    motmoi: Any, monkeypatch: Any, url: str, code: int, named: str
) -> None:
    monkeypatch.setenv("MOTMOI_DATABASE_URL", url)
    ran = motmoi("ledger", "verify", "--json")
    assert ran.code == code
    assert named in ran.err and named in ran.document["error"]["message"]


def test_unexpected_error_is_one_line_with_the_id_that_the_log_has(motmoi: Any) -> None:
    (motmoi.folder / "var" / "secret.key").mkdir(parents=True)  # a folder where the key should be
    ran = motmoi("channel", "list", "--json")
    assert ran.code == 3
    logged, told = ran.err.strip().splitlines()[-2:]
    reference = ran.document["error"]["message"].rpartition(" ")[2]
    assert reference in logged and reference in told
    assert "Traceback" not in ran.err


def test_vietnamese_is_printed_on_a_locale_that_has_no_such_letters(motmoi: Any) -> None:
    ran = motmoi.run("--help", LC_ALL="POSIX", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert ran.code == 0
    assert "Một Mối" in ran.out


def test_ctrl_c_asks_once_and_interrupts_the_second_time() -> None:
    with Stop() as stop:
        signal.raise_signal(signal.SIGINT)
        assert stop.is_asked() and stop.wait() == 130
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    with Stop() as stop:
        signal.raise_signal(signal.SIGTERM)
        assert stop.wait() == 0, "who stops a service has stopped it, nothing went wrong"


def test_log_line_says_where_an_error_came_from_and_not_what_it_quotes() -> None:
    try:
        raise ValueError("Nguyễn Văn A, 0903123456\nhẻm 12")
    except ValueError as error:
        record = logging.LogRecord(
            "aggregator.x", logging.ERROR, __file__, 1, "two\nlines", (), (type(error), error, None)
        )
    line = OneLine().format(record)
    assert "\n" not in line
    assert "0903123456" not in line and "ValueError" in line
    assert "+00:00 ERROR aggregator.x: two | lines" in line


def test_table_is_aligned_also_under_letters_of_two_code_points() -> None:
    composed, decomposed = "Phường", "Phu\u031bo\u031b\u0300ng"
    lines = table(("name", "n"), [(composed, 5), (decomposed, 10), ("đường\n\x1b[2J", None)])
    ends = {len(plain(line).replace("\u031b", "").replace("\u0300", "")) for line in lines[1:3]}
    assert len(ends) == 1
    assert "\x1b" not in "".join(lines), "a citizen's text cannot steer the terminal"


def test_json_times_carry_their_offset() -> None:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    at = datetime(2026, 11, 22, 7, 0, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh"))
    assert json.loads(as_json({"at": at, "path": Path("x")})) == {
        "at": "2026-11-22T00:00:00+00:00",
        "path": "x",
    }


def test_commands_that_need_no_database_load_none() -> None:
    # On an old PC half a second a command is what an author of a connector feels.
    asked = "import sys; import aggregator.cli; print('sqlalchemy' in sys.modules, 'flask' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout
    assert out.split() == ["False", "False"]
