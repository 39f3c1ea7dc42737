"""The journal: what was acknowledged is found again, whatever ended the writer; what is damaged is counted, never believed."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import tracemalloc
import uuid
from pathlib import Path

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators import journal_writers
from generators.journal import Entry, Journal, Spent, Usage, spent_in
from generators.journal_line import MAX_COUNT, opened, sealed
from generators.teachers.client import Choice, Reply
from schemas.errors import RunError
from tests.journal_entries import ONE, TWO

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


def write(folder: str, entries: list[Entry]) -> None:
    """Write entries as one writer does."""

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


def found_in(folder: str) -> dict[tuple[str, int], Choice]:
    """Return what a journal answers."""
    journal = Journal(folder)
    keys = [digit * 32 for digit in "0a5"]
    found = {(key, number): choice for key in keys for number, choice in journal.choices(key).items()}
    asyncio.run(journal.close())
    return found


def summed(entries: list[Entry], before: Spent | None = None) -> Spent:
    """Return what entries cost, and what was spent before."""
    spent: Spent = dict(before or {})
    for entry in entries:
        usage = spent.get((entry.teacher, entry.role), Usage())
        spent[entry.teacher, entry.role] = usage.plus(Usage(1, entry.reply.prompt_tokens, entry.reply.completion_tokens))
    return spent


@pytest.mark.load
@pytest.mark.parametrize("store", ["file", "memory"])
@given(logs=st.lists(st.lists(ENTRIES, max_size=5), max_size=3))
def test_the_first_answer_is_found_whatever_it_says_and_the_cost_adds_up(
    store: str, logs: list[list[Entry]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    run = str(tmp_path_factory.mktemp("run")) if store == "file" else "memory://journal-test"
    try:
        for entries in logs:
            write(f"{run}/part-00000", entries)
        every = [entry for entries in logs for entry in entries]
        assert found_in(f"{run}/part-00000") == _first_of(every)
        assert spent_in(run) == summed(every)
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


def _log(folder: Path) -> Path:
    (log,) = folder.glob("*.jsonl")
    return log


def test_torn_at_any_byte_the_line_before_stands_and_the_rest_is_counted(tmp_path: Path) -> None:
    folder = tmp_path / "part-00000"
    write(str(folder), [ONE, TWO])
    data = _log(folder).read_bytes()
    first = data.index(b"\n") + 1
    for end in range(first, len(data)):
        _log(folder).write_bytes(data[:end])
        journal = Journal(str(folder))
        assert journal.torn == (end > first) and journal.damaged == 0
        assert journal.choices(ONE.key) == dict(enumerate(ONE.reply.choices)) and journal.choices(TWO.key) == {}
        asyncio.run(journal.close())
        assert spent_in(str(tmp_path)) == summed([ONE])


def test_no_damaged_byte_is_believed(tmp_path: Path) -> None:
    folder = tmp_path / "part-00000"
    write(str(folder), [ONE, TWO])
    data = _log(folder).read_bytes()
    for place in range(len(data)):
        _log(folder).write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        found = found_in(str(folder))
        assert found.items() <= _first_of([ONE, TWO]).items()
        assert len(found) < 3


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
NAMES = ("key", "teacher", "role", "at", "choices", "prompt_tokens", "completion_tokens", "seconds", "spent", "replaces")


@given(line=st.binary(max_size=200) | JSON.map(lambda value: sealed({"key": "0" * 32, "at": value})))
def test_what_is_no_response_is_counted_and_crashes_no_reader(line: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("run") / "part-00000"
    folder.mkdir()
    (folder / "00001-00000000.jsonl").write_bytes(line.replace(b"\n", b"") + b"\n")
    journal = Journal(str(folder))
    assert (journal.damaged, journal.torn, journal.answers) == (1, 0, 0)
    assert spent_in(str(folder.parent)) == {}


@given(name=st.sampled_from(NAMES), value=JSON)
def test_a_line_with_a_true_check_sum_and_a_false_field_is_counted_or_harmless(
    name: str, value: object, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("run") / "part-00000"
    write(str(folder), [ONE])
    fields = opened(_log(folder).read_bytes())
    assert fields is not None
    del fields["crc"]
    _log(folder).write_bytes(sealed({**fields, name: value}))
    journal = Journal(str(folder))
    assert journal.damaged in (0, 1) and journal.answers == (0 if journal.damaged else len(journal.choices(ONE.key)) or 2)
    assert all(type(one) is int for usage in spent_in(str(folder.parent)).values() for one in usage)


@pytest.mark.load
def test_a_full_disk_is_one_line_and_nothing_is_glued_to_the_torn_piece(tmp_path: Path) -> None:
    code = f"""
        import resource, signal, sys
        from tests.journal_entries import ONE, TWO
        from generators.journal import Journal
        from schemas.errors import RunError
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        journal = Journal({str(tmp_path / "part-00000")!r})
        journal.append(ONE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (400, resource.RLIM_INFINITY))
        for entry in (TWO, TWO, TWO):
            try:
                journal.append(entry)
            except RunError as error:
                print(error)
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)  # somebody made room
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.count("cannot write") == 3
    journal = Journal(str(tmp_path / "part-00000"))
    assert (journal.torn, journal.damaged) == (1, 0)
    assert len(journal.choices(ONE.key)) == 2


def test_a_writer_that_is_killed_loses_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    code = f"""
        import itertools
        from tests.journal_entries import ONE
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

    monkeypatch.setattr(journal_writers, "PUT_WAIT", 0.001)
    monkeypatch.setattr("fsspec.implementations.memory.MemoryFileSystem.pipe_file", failing)
    with pytest.raises(RunError, match="cannot write memory://journal-fails: no route to the store"):
        write("memory://journal-fails", [ONE])


def test_half_a_surrogate_pair_loses_no_answer_and_no_count_grows_beyond_json(tmp_path: Path) -> None:
    reply = Reply((Choice("odd \ud800 text"),), MAX_COUNT, MAX_COUNT)
    write(str(tmp_path / "part-00000"), [Entry("a" * 32, "main", "sample", (0,), reply, 0.5)] * 2000)
    assert Journal(str(tmp_path / "part-00000")).choices("a" * 32)[0].text == "odd ? text"
    assert spent_in(str(tmp_path)) == {("main", "sample"): Usage(2000, MAX_COUNT, MAX_COUNT)}


def test_answers_count_samples_once_and_a_billed_reply_of_no_use_costs(tmp_path: Path) -> None:
    billed = ONE._replace(at=(), reply=Reply((Choice("of no use"),), 7, 8))
    write(str(tmp_path / "part-00000"), [ONE, TWO])
    write(str(tmp_path / "part-00000"), [billed, ONE._replace(at=(1, 2)), ONE])
    journal = Journal(str(tmp_path / "part-00000"))
    assert journal.answers == 4 and set(journal.choices(ONE.key)) == {0, 1, 2}
    assert journal.choices(ONE.key)[1] == ONE.reply.choices[1] and journal.choices("b" * 32) == {}
    assert spent_in(str(tmp_path)) == summed([ONE, TWO, billed, ONE, ONE])


def test_the_index_holds_no_texts(tmp_path: Path) -> None:
    long = [Entry(f"{number:032x}", "main", "sample", (0,), Reply((Choice("x" * 100_000),)), 0.0) for number in range(50)]
    write(str(tmp_path / "part-00000"), long)
    tracemalloc.start()
    journal = Journal(str(tmp_path / "part-00000"))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert journal.answers == 50 and held < 50 * 10_000  # a tenth of the texts; the keys take about 500 bytes each


def test_a_line_longer_than_any_is_passed_over_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generators.journal_logs.MAX_LINE_BYTES", 1000)
    monkeypatch.setattr("generators.journal_logs.READ_BYTES", 300)
    long = ONE._replace(key="a" * 32, reply=Reply((Choice("x" * 5000), Choice("y"))))
    write(str(tmp_path / "part-00000"), [ONE, long, TWO])
    journal = Journal(str(tmp_path / "part-00000"))
    assert (journal.damaged, journal.torn, journal.answers) == (1, 0, 3)


def test_a_log_whose_end_is_damaged_costs_what_its_last_sound_line_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generators.journal_logs.TAILS", (10, 100))
    write(str(tmp_path / "part-00000"), [ONE, TWO, TWO])
    log = _log(tmp_path / "part-00000")
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([*lines[:2], lines[2][:-9] + b"\n", b"{}\n" * 100, b"{"]))
    assert spent_in(str(tmp_path)) == summed([ONE, TWO])


def _memory() -> str:
    return f"memory://{uuid.uuid4().hex}/part-00000"


def _objects(folder: str) -> list[str]:
    return sorted(path.rpartition("/")[2] for path in fsspec.filesystem("memory").ls(folder, detail=False))


def test_an_object_store_gets_objects_while_the_run_goes_on_and_a_killed_run_keeps_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_writers, "ROLL_SECONDS", 0.01)
    monkeypatch.setattr(journal_writers, "ROLL_BYTES", 1000)
    folder = _memory()

    async def killed() -> None:
        journal = Journal(folder)
        for number in range(50):  # full objects
            journal.append(ONE._replace(at=(2 * number, 2 * number + 1)))
        journal.append(TWO)
        while Journal(folder).answers < 101:  # the last by time
            await asyncio.sleep(0.01)
        assert journal.choices(TWO.key) == dict(enumerate(TWO.reply.choices))

    asyncio.run(killed())
    names = _objects(folder)
    assert len(names) > 5 and len({name[:14] for name in names}) == 1
    assert [name[14:] for name in names] == [f"-{number:06d}.jsonl" for number in range(len(names))]
    assert spent_in(folder.rpartition("/")[0]) == summed([ONE] * 50 + [TWO])
    assert set(Journal(folder).choices(ONE.key)) == set(range(100))
    write(folder, [TWO])
    assert _objects(folder)[-1].startswith("00002-")


def test_a_store_that_fails_for_a_while_gets_everything_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_writers, "PUT_WAIT", 0.001)
    store = type(fsspec.filesystem("memory"))
    put, tries = store.pipe_file, [0]

    def flaky(self: object, path: str, data: bytes) -> None:
        tries[0] += 1
        if tries[0] < journal_writers.PUT_TRIES:
            raise ValueError("slow down")  # a driver's own kind of error
        put(self, path, data)

    monkeypatch.setattr(store, "pipe_file", flaky)
    folder = _memory()
    write(folder, [ONE, TWO])
    assert tries[0] == journal_writers.PUT_TRIES and Journal(folder).answers == 3


def test_after_a_failed_put_the_next_append_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_writers, "PUT_WAIT", 0.001)
    monkeypatch.setattr(journal_writers, "ROLL_BYTES", 1)
    monkeypatch.setattr("fsspec.implementations.memory.MemoryFileSystem.pipe_file", lambda *_: 1 / 0)

    async def failing() -> None:
        journal = Journal(_memory())
        with pytest.raises(RunError, match="division by zero"):
            while True:
                journal.append(ONE)
                await asyncio.sleep(0.001)
        with pytest.raises(RunError, match="division by zero"):
            await journal.close()

    asyncio.run(failing())


def test_what_comes_after_the_end_is_refused_and_an_end_may_come_twice(tmp_path: Path) -> None:
    journal = Journal(str(tmp_path / "part-00000"))
    asyncio.run(journal.close())
    asyncio.run(journal.close())
    with pytest.raises(RunError, match="closed"):
        journal.append(ONE)
    assert not (tmp_path / "part-00000").exists()


def test_a_log_that_changes_under_its_reader_is_one_line(tmp_path: Path) -> None:
    write(str(tmp_path / "part-00000"), [ONE])
    journal = Journal(str(tmp_path / "part-00000"))
    log = _log(tmp_path / "part-00000")
    log.write_bytes(log.read_bytes().replace(b"four", b"five"))
    with pytest.raises(RunError, match="changed while it was being read"):
        journal.choices(ONE.key)
