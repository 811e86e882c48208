"""A folder that people drop files into: once each, again when changed, never half."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aggregator.sdk.contract import Batch, ConfigInvalid, SchemaDrift, Transient
from connectors.spreadsheet import CONNECTOR
from tests.connectors.spreadsheet.sheets import NOW, context, csv_text, line, poll


def drop(folder: Path, name: str, numbers: range, *, body: str = "Ổ gà", age_s: int = 600) -> Path:
    path = folder / name
    path.write_text(csv_text([line(n, body=body) for n in numbers]), "utf-8")
    return aged(path, age_s)


def aged(path: Path, age_s: int = 600) -> Path:
    at = NOW.timestamp() - age_s
    os.utime(path, (at, at))
    return path


def test_files_are_read_oldest_first_and_then_left_alone(tmp_path: Path) -> None:
    drop(tmp_path, "b.csv", range(1, 3), age_s=900)
    drop(tmp_path, "a.csv", range(3, 5), age_s=60)
    first = poll(folder=str(tmp_path))
    assert first.ids == ["PA-1", "PA-2", "PA-3", "PA-4"]
    assert first.batches[-1].complete
    again = poll(json.loads(json.dumps(first.cursor)), folder=str(tmp_path))
    assert (again.ids, again.batches[-1].complete) == ([], True)


def test_a_file_copied_again_unchanged_is_not_read_again(tmp_path: Path) -> None:
    drop(tmp_path, "a.csv", range(3))
    first = poll(folder=str(tmp_path))
    drop(tmp_path, "a.csv", range(3), age_s=60)
    second = poll(first.cursor, folder=str(tmp_path))
    assert second.ids == []
    assert second.cursor != first.cursor, "its new time is noted, so that the next poll need not read it"


def test_a_changed_file_is_read_from_its_top(tmp_path: Path) -> None:
    drop(tmp_path, "a.csv", range(3))
    first = poll(folder=str(tmp_path))
    drop(tmp_path, "a.csv", range(4), age_s=60)
    second = poll(first.cursor, folder=str(tmp_path))
    assert second.ids == ["PA-0", "PA-1", "PA-2", "PA-3"]
    assert second.records[:3] == first.records, "so that what is the same is recognised as the same"


@pytest.mark.parametrize("killed_after", [1, 2, 3, 4, 5])
def test_a_poll_killed_after_any_batch_goes_on_at_the_next_row(tmp_path: Path, killed_after: int) -> None:
    drop(tmp_path, "a.csv", range(5), age_s=900)
    path = drop(tmp_path, "b.csv", range(5, 10))
    path.write_text(path.read_text("utf-8").replace("PA-7,21/11/2026", "PA-7,32/11/2026"), "utf-8")
    aged(path)
    settings = {"folder": str(tmp_path), "batch_rows": 2}

    running = CONNECTOR.poll(context(**settings), None)
    committed = [next(running) for _ in range(killed_after)]
    del running
    rest = poll(json.loads(json.dumps(committed[-1].next_cursor)), **settings)

    batches = [*committed, *rest.batches]
    assert [r.external_id for b in batches for r in b.records] == [f"PA-{n}" for n in range(10) if n != 7]
    assert len([p for b in batches for p in b.problems]) == 1


def test_time_that_runs_out_keeps_what_was_read(tmp_path: Path) -> None:
    drop(tmp_path, "a.csv", range(5))
    clock = iter([NOW] * 4 + [NOW + timedelta(days=1)] * 9)
    given: list[Batch] = []
    with pytest.raises(Transient, match="the next poll goes on"):
        for batch in CONNECTOR.poll(context(lambda: next(clock), folder=str(tmp_path), batch_rows=2), None):
            given.append(batch)  # noqa: PERF402 (what was given before the error counts)
    rest = poll(given[-1].next_cursor, folder=str(tmp_path))
    assert [r.external_id for b in given for r in b.records] + rest.ids == [f"PA-{n}" for n in range(5)]
    assert given[0].records


@pytest.mark.parametrize(
    "name", [".a.csv", "~$a.xlsx", "a.csv.part", "a.csv.tmp", "a.csv.crdownload", "a.docx", "a.csv.filepart"]
)
def test_unfinished_and_foreign_names_are_left(tmp_path: Path, name: str) -> None:
    aged(drop(tmp_path, "x.csv", range(1)).rename(tmp_path / name))
    assert poll(folder=str(tmp_path)).ids == []


def test_a_file_still_being_written_waits_for_the_next_poll(tmp_path: Path) -> None:
    drop(tmp_path, "a.csv", range(1), age_s=1)
    first = poll(folder=str(tmp_path))
    assert first.ids == []
    drop(tmp_path, "a.csv", range(2), age_s=0)  # it grew
    second = poll(first.cursor, folder=str(tmp_path))
    assert second.ids == []
    third = poll(second.cursor, folder=str(tmp_path))
    assert third.ids == ["PA-0", "PA-1"], "untouched since the last poll, whatever the clocks say"


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    outside = drop(tmp_path, "secret.csv", range(2))
    folder = tmp_path / "drop"
    folder.mkdir()
    (folder / "a.csv").symlink_to(outside)
    assert poll(folder=str(folder)).ids == []


def test_a_broken_file_does_not_hide_the_files_after_it(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("")
    aged(tmp_path / "a.csv", 900)
    drop(tmp_path, "b.csv", range(2))
    batches: list[Batch] = []
    with pytest.raises(SchemaDrift, match=r"a\.csv: the file is empty"):
        for batch in CONNECTOR.poll(context(folder=str(tmp_path)), None):
            batches.append(batch)  # noqa: PERF402 (what was given before the error counts)
    assert [r.external_id for b in batches for r in b.records] == ["PA-0", "PA-1"]
    assert not any(batch.complete for batch in batches)

    (tmp_path / "a.csv").unlink()
    after = poll(batches[-1].next_cursor, folder=str(tmp_path))
    assert after.ids == [], "and the good file was done with"
    assert "a.csv" not in after.cursor["files"]


def test_a_corrected_mapping_reads_the_folder_again(tmp_path: Path) -> None:
    drop(tmp_path, "a.csv", range(2))
    first = poll(folder=str(tmp_path))
    defaults = {"ward": "27142"}
    second = poll(first.cursor, folder=str(tmp_path), defaults=defaults)
    assert [record.location.ward_code for record in second.records] == ["27142", "27142"]
    assert poll(second.cursor, folder=str(tmp_path), defaults=defaults, batch_rows=7).ids == []


def test_one_named_file_is_read_every_time_it_is_asked_for(tmp_path: Path) -> None:
    path = drop(tmp_path, "a.csv", range(2), age_s=0)
    first = poll(file=str(path))
    assert first.ids == ["PA-0", "PA-1"], "a person asked for it now: no waiting"
    assert poll(first.cursor, file=str(path)).ids == first.ids


def test_a_channel_fed_by_hand_has_nothing_to_poll() -> None:
    polled = poll()
    assert (polled.ids, polled.batches[-1].complete) == ([], True)


def test_what_is_not_there_is_a_setting_to_correct(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match="is not a folder here"):
        poll(folder=str(tmp_path / "gone"))
    with pytest.raises(ConfigInvalid, match="is not there"):
        poll(file=str(tmp_path / "gone.csv"))


def test_batches_of_long_texts_stay_small(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(csv_text([line(n, body="rác " * 25_000) for n in range(100)]), "utf-8")
    sizes = [len(batch.records) for batch in poll(file=str(path)).batches]
    assert sum(sizes) == 100
    assert max(sizes) < 50


def test_check_names_each_step(tmp_path: Path) -> None:
    def steps(**config: object) -> list[tuple[str, bool]]:
        return [(step.name, step.ok) for step in CONNECTOR.check(context(**config))]

    drop(tmp_path, "a.csv", range(1))
    assert steps(folder=str(tmp_path)) == [("Khai báo cột", True), ("Tệp", True), ("Tiêu đề cột", True)]
    assert steps(folder=str(tmp_path / "x")) == [("Khai báo cột", True), ("Tệp", False)]
    assert steps(columns={"x": "y"}) == [("Khai báo cột", False)]
    other = {"received_at": "Ngày", "body": "Nội dung"}
    assert steps(folder=str(tmp_path), columns=other)[-1] == ("Tiêu đề cột", False)
    assert steps() == [("Khai báo cột", True), ("Tệp", True)]
    (tmp_path / "b.csv").write_text("")
    assert CONNECTOR.check(context(folder=str(tmp_path)))[-1].hint


def test_the_future_is_what_the_given_clock_says(tmp_path: Path) -> None:
    drop(tmp_path, "a.csv", range(1))
    early = datetime(2020, 1, 1, tzinfo=UTC)
    assert poll(poll(now=early, folder=str(tmp_path)).cursor, now=early, folder=str(tmp_path)).problems
