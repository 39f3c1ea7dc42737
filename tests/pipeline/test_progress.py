import io
import json
import os
import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from generators.journal import Usage
from pipeline import progress
from pipeline.progress import STAGES, Board, Reporter, board

REPORTS = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(sorted(STAGES)), st.integers(0, 9), st.integers(0, 10**9)), max_size=20
)


def _console() -> Console:
    return Console(file=io.StringIO(), force_terminal=False, width=120)


def _said(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def _lines(console: Console) -> list[str]:
    """Return the lines that were said, without their time."""
    lines = _said(console).splitlines()
    assert all(re.search(r", \d+ s$", line) for line in lines)
    return [line.rpartition(", ")[0] for line in lines]


def _done(shown: Board, stage: str) -> tuple[int, int]:
    shown.poll()
    return shown.stages[stage].partitions, shown.stages[stage].rows


@settings(max_examples=50, deadline=None)
@given(REPORTS, st.integers(0, 20))
def test_the_reports_of_all_workers_add_up_whenever_they_are_read(
    tmp_path_factory: pytest.TempPathFactory, reports: list[tuple[int, str, int, int]], looked: int
) -> None:
    folder = tmp_path_factory.mktemp("progress")
    shown = Board(_console(), str(folder), 7, tuple(STAGES))
    for number, (worker, stage, partitions, rows) in enumerate(reports):
        with open(folder / str(worker), "a") as file:
            file.write(json.dumps([stage, partitions, rows, 0]) + "\n")
        if number == looked:
            shown.poll()
    for stage in STAGES:
        partitions = sum(one[2] for one in reports if one[1] == stage)
        rows = sum(one[3] for one in reports if one[1] == stage)
        assert _done(shown, stage) == (partitions, rows)


def test_a_report_that_is_half_written_counts_once_it_is_whole(tmp_path: Path) -> None:
    shown = Board(_console(), str(tmp_path), 9, ("sample",))
    wanted = {0: (0, 0), 1: (1, 10), 2: (3, 110)}
    text = '["sample", 1, 10, 4]\n["sample", 2, 100, 5]\n'
    with open(tmp_path / "1", "a") as file:
        for end in range(len(text)):
            file.write(text[end])
            file.flush()
            assert _done(shown, "sample") == wanted[text[: end + 1].count("\n")]


def test_a_reporter_writes_what_a_board_reads(tmp_path: Path) -> None:
    shown = Board(_console(), str(tmp_path), 4, ("sample", "select"))
    reporter = Reporter(str(tmp_path))
    reporter.add("sample", partitions=1, rows=1500)
    reporter.add("sample", rows=5)
    reporter.add("select")
    assert _done(shown, "sample") == (1, 1505)
    assert _done(shown, "select") == (0, 0)
    assert [path.name for path in tmp_path.iterdir()] == [str(os.getpid())]


def test_a_reporter_without_a_folder_is_silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Reporter().add("sample", partitions=1, rows=1)
    assert list(tmp_path.iterdir()) == []


def test_a_report_that_cannot_be_written_does_not_cost_the_run(tmp_path: Path) -> None:
    Reporter(str(tmp_path / "gone")).add("sample", partitions=1, rows=1)
    assert list(tmp_path.iterdir()) == []


def test_elsewhere_than_on_a_terminal_there_is_one_quiet_line_for_each_finished_stage() -> None:
    console = _console()
    with board(2, ("read", "sample", "select"), console) as reporter:
        for stage, partitions in (("read", 1), ("read", 1), ("sample", 2), ("select", 1)):
            reporter.add(stage, partitions=partitions, rows=1000)
    assert sorted(_lines(console)) == [
        "starbeam: read problems: 2/2 partitions, 2,000 rows",
        "starbeam: sample: 2/2 partitions, 1,000 rows",
    ]


def test_a_finished_stage_is_said_once_and_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PANEL_SECONDS", 0.001)
    console = _console()
    with board(1, ("read", "sample"), console) as reporter:
        reporter.add("read", partitions=1, rows=3)
        while "read problems" not in _said(console):
            time.sleep(0.001)
        assert "sample" not in _said(console)
        reporter.add("sample", partitions=1, rows=4)
    assert _lines(console) == [
        "starbeam: read problems: 1/1 partitions, 3 rows",
        "starbeam: sample: 1/1 partitions, 4 rows",
    ]


def test_a_long_stage_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PANEL_SECONDS", 0.001)
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)
    console = _console()
    with board(8, ("read", "sample"), console) as reporter:
        reporter.add("sample", partitions=3, rows=12)
        while "3/8" not in _said(console):
            time.sleep(0.001)
    assert set(_lines(console)) == {"starbeam: sample: 3/8 partitions, 12 rows"}


def test_a_terminal_of_eighty_columns_shows_a_panel_of_all_stages() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, color_system=None, width=80)
    stages = ("annotate", "dedupe", "select")
    with board(5, stages, console) as reporter:
        reporter.add("annotate", partitions=5, rows=123_456_789)
        reporter.add("dedupe", partitions=2, rows=7)
    lines = _said(console).splitlines()[-4:-1]
    for stage, counts, line in zip(stages, (("5/5", "123,456,789 rows"), ("2/5", "7 rows"), ("0/5", "0 rows")), lines, strict=True):
        assert all(part in line for part in (STAGES[stage], *counts)) and line.rstrip().endswith(" s")
    assert "starbeam:" not in _said(console)


def test_a_run_that_fails_still_ends_its_board() -> None:
    console = _console()
    with pytest.raises(RuntimeError, match="mine"), board(1, ("read",), console) as reporter:
        reporter.add("read", partitions=1, rows=1)
        folder = reporter.folder
        raise RuntimeError("mine")
    assert _lines(console) == ["starbeam: read problems: 1/1 partitions, 1 rows"]
    assert folder is not None and not os.path.exists(folder)


def test_what_is_spent_is_shown_with_its_budget_and_what_all_of_it_will_cost(tmp_path: Path) -> None:
    console = _console()
    shown = Board(console, str(tmp_path), 2, ("sample",), budget=5.0)
    reporter = Reporter(str(tmp_path))
    reporter.plan(40)
    reporter.spend({("main", "sample"): Usage(10, 300, 900), ("judge", "judge"): Usage(2, 50, 4)}, 0.5, 7)
    reporter.add("sample", partitions=2, rows=20, problems=10)
    shown.stop()
    shown.run()
    said = _said(console)
    assert "12 calls, 7 in flight; 350 + 904 tokens; cost 0.5 of 5; about 2 in all" in said
    assert "starbeam: judge (judge): 2 calls, 50 + 4 tokens" in said and "main (sample): 10 calls" in said
