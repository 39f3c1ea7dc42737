"""The journal: what was acknowledged is found again, whatever ended the writer; what is damaged is counted, never believed."""

import asyncio
import os
import resource
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.journal import Entry, Journal, Spent, Usage, decoded, key_in, spent_in
from generators.teachers.client import Choice, Reply
from schemas.errors import RunError

TEXT = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(
    ["a\u2028b\u0085c\r\n\n", "", "\x00", '"crc":"00000000"}']
)
COUNT = st.none() | st.integers(0, 9)
CHOICES = st.builds(Choice, TEXT, st.none() | TEXT, st.none() | TEXT, COUNT, st.none() | st.floats(-9, 0), COUNT)
KEYS = st.sampled_from([digit * 32 for digit in "0a5"])
ENTRIES = st.builds(
    lambda key, role, choices, first, tokens: Entry(
        key, "main", role, tuple(range(first, first + len(choices))), Reply(tuple(choices), *tokens), 0.25
    ),
    KEYS,
    st.sampled_from(["sample", "judge"]),
    st.lists(CHOICES, max_size=3),
    st.integers(0, 2),
    st.tuples(st.integers(0, 99), st.integers(0, 99)),
)


def _write(folder: str, entries: list[Entry]) -> None:
    async def written() -> None:
        journal = Journal(folder)
        for entry in entries:
            journal.append(entry)
        await journal.close()

    asyncio.run(written())


def _first_of(entries: list[Entry]) -> dict[tuple[str, int], Choice]:
    first: dict[tuple[str, int], Choice] = {}
    for entry in entries:
        for number, choice in zip(entry.at, entry.reply.choices, strict=True):
            first.setdefault((entry.key, number), choice)
    return first


def _found(folder: str) -> dict[tuple[str, int], Choice]:
    journal = Journal(folder)
    keys = [digit * 32 for digit in "0a5"]
    found = {(key, number): choice for key in keys for number, choice in journal.choices(key).items()}
    asyncio.run(journal.close())
    return found


def _sum(entries: list[Entry]) -> Spent:
    spent: Spent = {}
    for entry in entries:
        before = spent.get((entry.teacher, entry.role), Usage())
        spent[entry.teacher, entry.role] = before.plus(Usage(1, entry.reply.prompt_tokens, entry.reply.completion_tokens))
    return spent


@pytest.mark.parametrize("store", ["file", "memory"])
@given(logs=st.lists(st.lists(ENTRIES, max_size=5), max_size=3))
def test_the_first_answer_is_found_whatever_it_says_and_the_cost_adds_up(
    store: str, logs: list[list[Entry]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    run = str(tmp_path_factory.mktemp("run")) if store == "file" else "memory://journal-test"
    try:
        for entries in logs:
            _write(f"{run}/part-00000", entries)
        every = [entry for entries in logs for entry in entries]
        assert _found(f"{run}/part-00000") == _first_of(every)
        assert spent_in(run) == _sum(every)
    finally:
        if store == "memory":
            fsspec.filesystem("memory").store.clear()


def test_what_was_just_written_is_found_before_it_is_closed(tmp_path: Path) -> None:
    entries = [Entry("a" * 32, "main", "sample", (number,), Reply((Choice(str(number)),)), 0.0) for number in (0, 1, 0)]
    journal = Journal(str(tmp_path / "part-00000"))
    for entry in entries:
        journal.append(entry)
    assert journal.choices("a" * 32) == {0: Choice("0"), 1: Choice("1")}
    asyncio.run(journal.close())


ONE = Entry("5" * 32, "main", "sample", (0, 1), Reply((Choice("four", "2 + 2"), Choice("5")), 3, 4), 0.5)
TWO = Entry("a" * 32, "main", "sample", (0,), Reply((Choice("naïve\u2028"),), 1, 1), 0.5)


def _log(folder: Path) -> Path:
    (log,) = folder.glob("*.jsonl")
    return log


def test_torn_at_any_byte_the_line_before_stands_and_the_rest_is_counted(tmp_path: Path) -> None:
    folder = tmp_path / "part-00000"
    _write(str(folder), [ONE, TWO])
    data = _log(folder).read_bytes()
    first = data.index(b"\n") + 1
    for end in range(first, len(data)):
        _log(folder).write_bytes(data[:end])
        journal = Journal(str(folder))
        assert journal.torn == (end > first) and journal.damaged == 0
        assert journal.choices(ONE.key) == dict(enumerate(ONE.reply.choices)) and journal.choices(TWO.key) == {}
        asyncio.run(journal.close())
        assert spent_in(str(tmp_path)) == _sum([ONE])


def test_no_damaged_byte_is_believed(tmp_path: Path) -> None:
    folder = tmp_path / "part-00000"
    _write(str(folder), [ONE, TWO])
    data = _log(folder).read_bytes()
    for place in range(len(data)):
        _log(folder).write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        found = _found(str(folder))
        assert found.items() <= _first_of([ONE, TWO]).items()
        assert len(found) < 3


@given(st.binary(max_size=200))
def test_no_bytes_crash_a_reader(data: bytes) -> None:
    assert key_in(data) is None
    assert decoded(data) is None or isinstance(decoded(data), dict)


def test_a_full_disk_is_one_line_and_nothing_is_glued_to_the_torn_piece(tmp_path: Path) -> None:
    code = f"""
        import resource, signal, sys
        from tests.generators.test_journal import ONE, TWO
        from generators.journal import Journal
        from schemas.errors import RunError
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        journal = Journal({str(tmp_path / "part-00000")!r})
        journal.append(ONE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (400, 400))
        for entry in (TWO, TWO, TWO):
            try:
                journal.append(entry)
            except RunError as error:
                print(error)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.count("cannot write") == 3
    journal = Journal(str(tmp_path / "part-00000"))
    assert (journal.torn, journal.damaged) == (1, 0)
    assert len(journal.choices(ONE.key)) == 2
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 400


def test_a_writer_that_is_killed_loses_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    code = f"""
        import itertools
        from tests.generators.test_journal import ONE
        from generators.journal import Journal
        journal = Journal({str(tmp_path / "part-00000")!r})
        for number in itertools.count():
            journal.append(ONE._replace(at=(2 * number, 2 * number + 1)))
            print(number, flush=True)
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for line in writer.stdout:
            if int(line) >= 300:
                os.kill(writer.pid, signal.SIGKILL)
                break
        acknowledged = max(int(line), *(int(one) for one in writer.stdout if one.endswith("\n")), 0)
    found = Journal(str(tmp_path / "part-00000")).choices(ONE.key)
    assert set(range(2 * acknowledged + 2)) <= set(found)


def test_a_store_that_fails_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object) -> None:
        raise OSError("no route to the store")

    monkeypatch.setattr("fsspec.implementations.memory.MemoryFileSystem.pipe_file", failing)
    with pytest.raises(RunError, match="cannot write memory://journal-fails: no route to the store"):
        _write("memory://journal-fails", [ONE])
