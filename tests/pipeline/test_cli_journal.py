"""What `starbeam journal` says of a run's journal, and what it leaves of it."""

from pathlib import Path

import fsspec
import pytest

from generators.journal import spent_in
from generators.teachers.client import Choice, Reply
from pipeline import storage
from pipeline.rundir import RunDir
from tests.generators.test_journal import found_in, write
from tests.journal_entries import ONE, TWO
from tests.pipeline.recipes_for_tests import starbeam

RECIPE = """
name = "paid"
partitions = 2
[problems]
source = "arithmetic"
count = 4
[teacher.main]
kind = "openai"
model = "small"
price = { input = 1000.0, output = 100000.0 }
"""


def _run(url: str) -> str:
    """Write a run with two partitions' logs and return its journal's URL: one answer was given twice."""
    storage.write_bytes(storage.join(url, "recipe.toml"), RECIPE.encode())
    for part, entries in (("part-00000", [ONE]), ("part-00000", [ONE]), ("part-00001", [TWO._replace(role="judge")])):
        write(storage.join(url, "journal", part), entries)
    write(storage.join(url, "journal", "part-00001"), [TWO._replace(key="0" * 32, teacher="free")])
    return storage.join(url, "journal")


def _rows(stdout: str) -> list[list[str]]:
    return [line.split() for line in stdout.splitlines()]


def test_calls_samples_tokens_and_costs_are_told_by_teacher_and_role(tmp_path: Path) -> None:
    _run(str(tmp_path / "run"))
    before = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    told = starbeam("journal", "run", cwd=tmp_path)
    assert (told.returncode, told.stderr) == (0, "")
    rows = _rows(told.stdout)
    assert ["main", "sample", "2", "2", "6", "8", "0.8060"] in rows
    assert ["main", "judge", "1", "1", "1", "1", "0.1010"] in rows
    assert ["free", "sample", "1", "1", "1", "1"] in rows
    assert told.stdout.splitlines()[-1] == "4 logs, 0 torn ends, 0 damaged lines, 2 repeated answers"
    assert {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("store", ["disk", "memory"])
def test_compacting_leaves_one_log_a_partition_that_says_the_same(tmp_path: Path, store: str) -> None:
    url = str(tmp_path / "run") if store == "disk" else "memory://cli-journal"
    try:
        journal = _run(url)
        found, spent = found_in(storage.join(journal, "part-00000")), spent_in(journal)
        table = starbeam("journal", url, cwd=tmp_path).stdout.splitlines()[:-1]
        compacted = starbeam("journal", url, "--compact", cwd=tmp_path)
        assert compacted.returncode == 0 and compacted.stdout.splitlines()[:-2] == table
        assert "compacted to 2 logs" in compacted.stdout
        again = starbeam("journal", url, cwd=tmp_path).stdout.splitlines()
        assert again == [*table, "2 logs, 0 torn ends, 0 damaged lines, 0 repeated answers"]
        assert found_in(storage.join(journal, "part-00000")) == found and spent_in(journal) == spent
    finally:
        fsspec.filesystem("memory").store.clear()


def test_damaged_lines_are_exit_1_until_they_are_put_aside_and_torn_ends_never_are(tmp_path: Path) -> None:
    _run(str(tmp_path / "run"))
    first, second = sorted((tmp_path / "run" / "journal" / "part-00000").iterdir())
    first.write_bytes(first.read_bytes() + b'{"key":')
    torn = starbeam("journal", "run", cwd=tmp_path)
    assert torn.returncode == 0 and "1 torn ends, 0 damaged" in torn.stdout
    second.write_bytes(second.read_bytes().replace(b"four", b"five"))
    damaged = starbeam("journal", "run", cwd=tmp_path)
    assert damaged.returncode == 1 and "1 torn ends, 1 damaged" in damaged.stdout
    assert damaged.stderr.count("\n") == 1 and "--compact" in damaged.stderr
    assert starbeam("journal", "run", "--compact", cwd=tmp_path).returncode == 0
    assert (tmp_path / "run" / "journal" / "part-00000" / "damaged.txt").read_bytes().count(b"\n") == 2
    assert "0 torn ends, 0 damaged" in starbeam("journal", "run", cwd=tmp_path).stdout


def test_no_name_in_a_journal_drives_the_terminal(tmp_path: Path) -> None:
    _run(str(tmp_path / "run"))
    evil = ONE._replace(key="0" * 32, teacher="\x1b[31m[red]", role="\x07\u202e", reply=Reply((Choice(""), Choice(""))))
    write(str(tmp_path / "run" / "journal" / "part-00001"), [evil])
    told = starbeam("journal", "run", cwd=tmp_path)
    assert told.returncode == 0 and "␛[31m[red]" in told.stdout and "␇" in told.stdout
    assert not {"\x1b", "\x07", "\u202e"} & set(told.stdout)


def test_what_is_no_run_or_has_no_journal_is_one_line_and_exit_2_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "free").mkdir()
    (tmp_path / "free" / "recipe.toml").write_text(RECIPE)
    for run, said in (("nowhere", "no recipe.toml"), ("empty", "no recipe.toml"), ("", "no recipe.toml"), ("free", "no logs")):
        told = starbeam("journal", run, cwd=tmp_path)
        assert (told.returncode, told.stdout) == (2, "") and told.stderr.count("\n") == 1 and said in told.stderr
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["empty", "free", "recipe.toml"]


def test_a_price_that_is_none_is_one_line_and_exit_2(tmp_path: Path) -> None:
    _run(str(tmp_path / "run"))
    for price in ("3", "{ input = -1.0 }", "{ inptu = 1.0 }"):
        text = RECIPE.replace("{ input = 1000.0, output = 100000.0 }", price)
        (tmp_path / "run" / "recipe.toml").write_text(text)
        told = starbeam("journal", "run", cwd=tmp_path)
        assert told.returncode == 2 and told.stderr.count("\n") == 1 and "price" in told.stderr


def test_a_run_that_is_at_work_is_not_compacted_but_can_be_looked_at(tmp_path: Path) -> None:
    _run(str(tmp_path / "run"))
    with RunDir(str(tmp_path / "run"), 2).locked():
        refused = starbeam("journal", "run", "--compact", cwd=tmp_path)
        assert refused.returncode == 2 and "another command is at work" in refused.stderr
        assert starbeam("journal", "run", cwd=tmp_path).stdout.endswith(
            "4 logs, 0 torn ends, 0 damaged lines, 2 repeated answers\n"
        )
