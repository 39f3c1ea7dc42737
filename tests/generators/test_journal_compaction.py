"""A compacted journal answers and costs what the logs did that it was made of, also after a kill at any step."""

import os
from pathlib import Path
from typing import Any

import fsspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generators.journal import Journal, spent_in
from generators.journal_compaction import compact, partitions, survey
from generators.journal_logs import Folder
from tests.generators.test_journal import ENTRIES, found_in, summed, write
from tests.journal_entries import ONE, TWO

LOGS = st.lists(st.lists(ENTRIES, max_size=4), max_size=4)


@pytest.mark.load
@pytest.mark.parametrize("store", ["file", "memory"])
@settings(max_examples=25)
@given(earlier=LOGS, later=LOGS)
def test_answers_and_costs_stay_over_several_compactions_with_writers_between(
    store: str, earlier: Any, later: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    run = str(tmp_path_factory.mktemp("run")) if store == "file" else "memory://compaction-test"
    part = f"{run}/part-00000"
    try:
        for logs in (earlier, later):
            for entries in logs:
                write(part, entries)
            found, spent, before = found_in(part), spent_in(run), survey(Folder(part))
            for _ in range(2):
                compact(Folder(part))
                assert found_in(part) == found and spent_in(run) == spent
                after = survey(Folder(part))
                assert after == before._replace(logs=min(before.logs, 1), repeated=0)
        assert spent_in(run) == summed([entry for logs in (earlier, later) for entries in logs for entry in entries])
    finally:
        if store == "memory":
            fsspec.filesystem("memory").store.clear()


def test_the_only_log_is_numbered_0_and_later_writers_come_after_it(tmp_path: Path) -> None:
    part = tmp_path / "part-00000"
    for entry in (ONE, TWO):
        write(str(part), [entry])
    assert compact(Folder(str(part))) == 1
    (name,) = os.listdir(part)
    assert name.startswith("00000-")
    write(str(part), [TWO])
    assert [one[:5] for one in sorted(os.listdir(part))] == ["00000", "00001"]
    assert compact(Folder(str(tmp_path / "nothing"))) == 0 and not (tmp_path / "nothing").exists()


def _damaged_journal(run: Path) -> list[bytes]:
    """Write two logs with answers, one of them repeated, and return the damaged and torn pieces in them."""
    part = run / "part-00000"
    write(str(part), [ONE, TWO])
    write(str(part), [TWO, ONE._replace(key="0" * 32)])
    one, two = sorted(part.iterdir())
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(b"not a response\n" + first + second[:70])
    two.write_bytes(second.replace(b"naive", b"") + second[:50].replace(b"main", b"Main") + b"\xff\n" + second[:9])
    return [b"not a response", second[:70], second[:50].replace(b"main", b"Main") + b"\xff", second[:9]]


def test_damaged_pieces_are_kept_beside_the_log_and_those_of_earlier_compactions_stay(tmp_path: Path) -> None:
    pieces = _damaged_journal(tmp_path)
    part = tmp_path / "part-00000"
    before = survey(Folder(str(part)))
    assert (before.logs, before.torn, before.damaged, before.repeated) == (2, 2, 2, 1)
    compact(Folder(str(part)))
    assert (part / "damaged.txt").read_bytes().split(b"\n")[:-1] == pieces
    assert survey(Folder(str(part)))[2:] == (1, 0, 0, 0)
    (log,) = part.glob("*.jsonl")
    log.write_bytes(log.read_bytes() + b"once more")
    compact(Folder(str(part)))
    assert (part / "damaged.txt").read_bytes().split(b"\n")[:-1] == [*pieces, b"once more"]


def _killed_at(step: int, part: Path) -> bool:
    """Compact in a process that dies before the step; return whether it did."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    taken = 0

    def stepping(function: Any) -> Any:
        def stepped(*arguments: Any, **options: Any) -> Any:
            nonlocal taken
            taken += 1
            if taken > step:
                os._exit(9)
            return function(*arguments, **options)

        return stepped

    try:
        os.replace, os.fsync, os.unlink = stepping(os.replace), stepping(os.fsync), stepping(os.unlink)
        store = type(fsspec.filesystem("file"))
        store.rm_file = stepping(store.rm_file)
        compact(Folder(str(part)))
        os._exit(0)
    finally:
        os._exit(1)


def test_a_kill_at_any_step_changes_no_answer_and_no_cost_and_the_next_compaction_ends_the_work(tmp_path: Path) -> None:
    step = 0
    while True:
        run = tmp_path / str(step)
        pieces = _damaged_journal(run)
        part = run / "part-00000"
        found, spent = found_in(str(part)), spent_in(str(run))
        killed = _killed_at(step, part)
        assert (found_in(str(part)), spent_in(str(run))) == (found, spent)
        samples = survey(Folder(str(part))).samples
        write(str(part), [TWO])  # a run goes on with what the kill left
        compact(Folder(str(part)))
        assert found_in(str(part)) == found and spent_in(str(run)) == summed([TWO], spent)
        assert survey(Folder(str(part)))[1:] == (samples, 1, 0, 0, 0)
        assert len(os.listdir(part)) == 2 and set((part / "damaged.txt").read_bytes().split(b"\n")[:-1]) == set(pieces)
        if not killed:
            break
        step += 1
    assert step >= 8  # two files made durable and named, two logs removed


def test_a_disk_that_fails_leaves_the_logs_as_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _damaged_journal(tmp_path)
    part = tmp_path / "part-00000"
    before = {path.name: path.read_bytes() for path in part.iterdir()}

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Exception, match="No space left on device"):
        compact(Folder(str(part)))
    assert {path.name: path.read_bytes() for path in part.iterdir()} == before


def test_each_partition_is_looked_at_alone(tmp_path: Path) -> None:
    for name in ("part-00001", "part-00000"):
        write(str(tmp_path / name), [ONE])
    (tmp_path / "note.txt").write_text("no partition")
    assert [Path(folder.url).name for folder in partitions(str(tmp_path))] == ["part-00000", "part-00001"]
    assert Journal(str(tmp_path / "part-00001")).answers == 2
