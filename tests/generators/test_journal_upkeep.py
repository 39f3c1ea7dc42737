"""Compaction: the same answers and the same cost before, after, and when it is stopped between any two steps."""

from pathlib import Path
from typing import Any

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.journal import Entry, Folder, spent_in
from generators.journal_upkeep import DAMAGED, audited, compact
from tests.generators.test_journal import ENTRIES, ONE, TWO, _found, _write

LOGS = st.lists(st.lists(ENTRIES, min_size=1, max_size=4), min_size=1, max_size=4)


class Stopped(BaseException):
    """Stands for a kill."""


@given(logs=LOGS, twice=st.booleans())
def test_a_compacted_journal_answers_and_costs_the_same(
    logs: list[list[Entry]], twice: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    run = tmp_path_factory.mktemp("run")
    folder = str(run / "part-00000")
    for entries in logs:
        _write(folder, entries)
    found, spent, before = _found(folder), spent_in(str(run)), audited(folder)
    assert before.spent == spent and before.counts.answers == len(found)
    for _ in range(1 + twice):
        compact(folder)
        after = audited(folder)
        assert (_found(folder), spent_in(str(run))) == (found, spent)
        assert _some(after.samples) == _some(before.samples)
        assert after.counts.logs == 1 and after.counts.repeated == 0
    _write(folder, [ONE])  # what comes later counts after it
    assert _found(folder).items() >= found.items()


def _some(counts: dict[tuple[str, str], int]) -> dict[tuple[str, str], int]:
    return {who: count for who, count in counts.items() if count}


STEPS = ("pipe_file", "put_file", "rm_file")


@pytest.mark.parametrize("step", range(9))
def test_a_compaction_that_is_stopped_changes_nothing(step: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = str(tmp_path / "part-00000")
    for entries in ([ONE, TWO], [TWO, ONE], [ONE]):
        _write(folder, entries)
    log = Folder(folder).logs()[0]
    with open(f"{folder}/{log}", "ab") as file:
        file.write(b'{"key":"torn')
    found, spent = _found(folder), spent_in(str(tmp_path))
    with monkeypatch.context() as patched:
        left = [step]
        for name in STEPS:
            patched.setattr(f"fsspec.implementations.local.LocalFileSystem.{name}", _stopping(name, left))
        try:
            compact(folder)
            assert left[0] >= 0, "more steps were tried than the compaction has"
        except Stopped:
            pass
    assert (_found(folder), spent_in(str(tmp_path))) == (found, spent)
    compact(folder)
    assert (_found(folder), spent_in(str(tmp_path))) == (found, spent)
    assert (audited(folder).counts.logs, audited(folder).counts.torn) == (1, 0)
    assert sorted(name for name in Folder(folder).names() if not name.endswith(".jsonl")) == [DAMAGED]
    assert Path(folder, DAMAGED).read_text().count("torn") == 1


def _stopping(name: str, left: list[int]) -> Any:
    real = getattr(fsspec.implementations.local.LocalFileSystem, name)

    def step(*arguments: Any, **named: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise Stopped
        return real(*arguments, **named)

    return step


def test_what_cannot_be_read_is_kept_aside(tmp_path: Path) -> None:
    folder = tmp_path / "part-00000"
    _write(str(folder), [ONE, TWO])
    (log,) = folder.glob("*.jsonl")
    log.write_bytes(log.read_bytes().replace(b"four", b"five"))
    assert audited(str(folder)).counts.damaged == 1
    compact(str(folder))
    assert audited(str(folder)).counts.damaged == 0
    assert "five" in (folder / DAMAGED).read_text()
    assert _found(str(folder)) == {(TWO.key, 0): TWO.reply.choices[0]}


def test_a_journal_on_an_object_store_is_compacted_too() -> None:
    folder = "memory://upkeep-test/part-00000"
    try:
        for entries in ([ONE], [TWO], [ONE]):
            _write(folder, entries)
        found, spent = _found(folder), spent_in("memory://upkeep-test")
        compact(folder)
        assert (_found(folder), spent_in("memory://upkeep-test")) == (found, spent)
        assert audited(folder).counts[:3] == (1, 3, 0)
    finally:
        fsspec.filesystem("memory").store.clear()


def test_an_empty_folder_stays_empty(tmp_path: Path) -> None:
    assert compact(str(tmp_path / "part-00000")).counts == audited(str(tmp_path)).counts
    assert list(tmp_path.iterdir()) == []
