"""The bar of a part alone: how far its files are read."""

import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from generators.records import expand, read_records
from pipeline import reading as module
from pipeline.reading import bar
from tests.pipeline.recipes_for_tests import starbeam


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Yield what is shown on a terminal on which every look is due."""
    shown = io.StringIO()
    monkeypatch.setattr(module, "console_of", lambda stderr: Console(file=shown, force_terminal=True, width=100))
    monkeypatch.setattr(module, "LOOK_SECONDS", -1.0)
    yield shown


def _files(folder: Path) -> str:
    lines = "".join(json.dumps({"text": f"row {number}"}) + "\n" for number in range(1000)).encode()
    (folder / "a.jsonl").write_bytes(lines)
    (folder / "b.jsonl.gz").write_bytes(gzip.compress(lines))
    pq.write_table(pa.table({"text": ["x"] * 1000}), folder / "c.parquet")
    return str(folder / "*")


def test_a_bar_counts_rows_and_never_goes_back_and_ends_full(tmp_path: Path, terminal: io.StringIO) -> None:
    pattern, seen = _files(tmp_path), []
    sizes = [path.stat().st_size for path in sorted(tmp_path.iterdir())]
    with bar("read", expand(pattern), True) as reading:
        assert reading._progress is not None
        for _ in reading.counted(read_records(pattern, opened=reading.opened)):
            seen.append(reading._progress.tasks[0].completed)
        task = reading._progress.tasks[0]
        assert (task.completed, task.total, task.fields["rows"]) == (sum(sizes), sum(sizes), 3000)
    assert seen == sorted(seen) and seen[999] <= sizes[0] <= seen[1001] <= seen[1999] <= sum(sizes[:2]) <= seen[2001]
    assert "read" in terminal.getvalue() and "3,000 rows" in terminal.getvalue()


def test_where_no_terminal_is_nothing_is_shown(tmp_path: Path, terminal: io.StringIO) -> None:
    with bar("read", expand(_files(tmp_path)), False) as reading:
        assert sum(1 for _ in reading.counted(read_records(str(tmp_path / "*"), opened=reading.opened))) == 3000
    done = starbeam("tag", "--in", "a.jsonl", "--out", "out.jsonl", cwd=tmp_path)
    assert terminal.getvalue() == "" and done.stderr == "starbeam: 1,000 rows written, 0 rejected\n"
