"""Helper processes: whatever one does, the caller has an answer or a reason in time, and nothing is left behind."""

import concurrent.futures
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from filters.children import Child, ChildFailed, ChildSpec, Pool, pool_of

ROOT = Path(__file__).parents[2]
LIMIT = 0.1  # seconds, for a helper that hangs; those that answer take about a millisecond

HELPER = """
import json, os, subprocess, sys, time

def say(text):
    sys.stdout.write(text + "\\n")
    sys.stdout.flush()

if "unready" in sys.argv:
    time.sleep(60)
say(json.dumps({"ready": True}))
for line in sys.stdin:
    asked = json.loads(line)
    do = asked.get("do")
    reply = {"pid": os.getpid(), "echo": asked.get("echo"), "environment": dict(os.environ)}
    if do == "hang":
        time.sleep(60)
    elif do == "die":
        os._exit(3)
    elif do == "garbage":
        say("not json")
    elif do == "no object":
        say("[1]")
    elif do == "nested":
        say("[" * 100000)
    elif do == "bytes":
        sys.stdout.buffer.write(b"\\xff\\xfe\\n")
        sys.stdout.buffer.flush()
    elif do == "endless":
        while True:
            sys.stdout.write("x" * 65536)
    elif do == "late":
        time.sleep(0.6)
        say(json.dumps({"echo": "late"}))
    elif do == "twice":
        say(json.dumps(reply) + "\\n" + json.dumps({"echo": "unasked"}))
    elif do == "again":
        say(json.dumps({**reply, "request_id": asked["request_id"]}))
        time.sleep(0.01)
        say(json.dumps({**reply, "request_id": asked["request_id"]}))
    elif do == "last":
        say(json.dumps({**reply, "last": True}))
        time.sleep(60)
    elif do == "grandchild":
        grandchild = subprocess.Popen([sys.executable, "-ISc", "import time; time.sleep(60)"])
        with open(asked["echo"], "w") as file:
            file.write(str(grandchild.pid))
        os._exit(0)
    elif do == "deaf":
        say(json.dumps(reply))
        time.sleep(60)
    else:
        say(json.dumps(reply))
"""


@pytest.fixture
def spec(tmp_path: Path) -> ChildSpec:
    path = tmp_path / "helper.py"
    path.write_text(HELPER)
    return ChildSpec(command=(sys.executable, "-IS", str(path)), wall_seconds=10, requests=1000, reply_bytes=1 << 18)


@pytest.fixture
def pool(spec: ChildSpec) -> Any:
    with contextlib.closing(Pool(spec)) as pool:
        yield pool


def _eventually(holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + 10
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def _is_gone(pid: int) -> bool:
    """Say whether a process has ended: one that nobody has waited for yet has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_answers_and_stays(pool: Pool) -> None:
    first, second = (pool.ask({"echo": text}) for text in ("one", "zwei · 二"))
    assert (first["echo"], second["echo"]) == ("one", "zwei · 二")
    assert first["pid"] == second["pid"] != os.getpid()
    assert not {"HOME", "PATH"} & set(first["environment"])


@pytest.mark.parametrize(
    ("do", "reason"),
    [
        ("hang", "timeout"),
        ("late", "timeout"),
        ("die", "died"),
        ("garbage", "no_json"),
        ("no object", "no_json"),
        ("nested", "no_json"),
        ("bytes", "no_json"),
        ("endless", "reply_too_long"),
    ],
)
def test_a_failure_is_named_and_the_next_request_has_a_new_helper(pool: Pool, do: str, reason: str) -> None:
    pid = pool.ask({})["pid"]
    with pytest.raises(ChildFailed) as failure:
        pool.ask({"do": do}, LIMIT if reason == "timeout" else None)
    assert failure.value.reason == reason
    assert _is_gone(pid)
    answer = pool.ask({"echo": "next"})
    assert (answer["echo"], answer["pid"] == pid) == ("next", False)


def test_a_reply_that_nobody_asked_for_is_no_answer(pool: Pool) -> None:
    for number in range(5):
        assert pool.ask({"do": "twice", "echo": number})["echo"] == number


def test_a_reply_to_another_request_is_no_answer(spec: ChildSpec) -> None:
    child = Child(spec)
    assert child.ask({"do": "again", "echo": 1})["echo"] == 1
    with pytest.raises(ChildFailed, match="another request"):
        child.ask({"echo": 2})


def test_a_helper_that_has_had_enough_is_replaced(pool: Pool) -> None:
    pids = [pool.ask({"do": "last"})["pid"] for _ in range(3)]
    assert len(set(pids)) == 3
    assert all(map(_is_gone, pids))


def test_a_helper_is_replaced_after_its_requests(spec: ChildSpec) -> None:
    with contextlib.closing(Pool(ChildSpec(command=spec.command, wall_seconds=10, requests=3))) as pool:
        pids = [pool.ask({})["pid"] for _ in range(7)]
    assert [pids.count(pid) for pid in dict.fromkeys(pids)] == [3, 3, 1]
    assert all(map(_is_gone, pids))


def test_a_helper_that_died_while_idle_costs_no_request(pool: Pool) -> None:
    pid = pool.ask({})["pid"]
    os.kill(pid, signal.SIGKILL)
    assert _eventually(lambda: _is_gone(pid))
    assert pool.ask({"echo": "well"})["echo"] == "well"


def test_a_grandchild_that_holds_the_pipe_ends_too(pool: Pool, tmp_path: Path) -> None:
    with pytest.raises(ChildFailed) as failure:
        pool.ask({"do": "grandchild", "echo": str(tmp_path / "pid")}, LIMIT)
    assert failure.value.reason == "timeout"
    grandchild = int((tmp_path / "pid").read_text())
    assert _eventually(lambda: _is_gone(grandchild))


def test_a_long_request_passes_and_one_that_nobody_reads_does_not_block(pool: Pool) -> None:
    text = "x" * 200_000  # three times what a pipe holds
    assert pool.ask({"echo": text})["echo"] == text
    with pool.lend() as child:
        child.ask({"do": "deaf"})
        with pytest.raises(ChildFailed, match="timeout"):
            child.ask({"echo": text}, LIMIT)


def test_what_cannot_start_is_a_failure(spec: ChildSpec) -> None:
    with pytest.raises(ChildFailed) as failure:
        Child(ChildSpec(command=("/nonexistent",), wall_seconds=1, requests=1))
    assert failure.value.reason == "not_started"
    with pytest.raises(ChildFailed) as failure:
        Child(ChildSpec(command=(*spec.command, "unready"), wall_seconds=1, start_seconds=LIMIT, requests=1))
    assert failure.value.reason == "timeout"


def test_an_error_of_the_borrower_ends_the_helper(pool: Pool) -> None:
    with pytest.raises(KeyError), pool.lend() as child:
        pid = child.ask({})["pid"]
        raise KeyError
    assert _is_gone(pid)


def test_threads_have_helpers_of_their_own(pool: Pool) -> None:
    def asked(number: int) -> int:
        reply = pool.ask({"echo": number})
        assert reply["echo"] == number
        return int(reply["pid"])

    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        pids = set(threads.map(asked, range(64)))
    assert 1 <= len(pids) <= len(os.sched_getaffinity(0))


def test_equal_specs_share_a_pool(spec: ChildSpec) -> None:
    same = ChildSpec(command=spec.command, wall_seconds=10, requests=1000, reply_bytes=1 << 18)
    assert pool_of(spec) is pool_of(same)


def _failures_leave_nothing(pool: Pool, rounds: int) -> None:
    pool.ask({})
    files = len(os.listdir("/proc/self/fd"))
    for number in range(rounds):
        with pytest.raises(ChildFailed):
            pool.ask({"do": ("die", "garbage", "hang", "endless")[number % 4]}, 0.05 if number % 4 == 2 else None)
    pool.ask({})
    assert len(os.listdir("/proc/self/fd")) == files
    children = (Path(f"/proc/self/task/{thread}/children").read_text().split() for thread in os.listdir("/proc/self/task"))
    states = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] for group in children for pid in group]
    assert "Z" not in states


def test_failures_leave_no_zombie_and_no_file(pool: Pool) -> None:
    _failures_leave_nothing(pool, 4)


@pytest.mark.load
def test_fifty_failures_leave_no_zombie_and_no_file(pool: Pool) -> None:
    _failures_leave_nothing(pool, 50)


PARENT = """
import os, sys, time
from filters.children import ChildSpec, pool_of
pool = pool_of(ChildSpec(command=(sys.executable, "-IS", sys.argv[1]), wall_seconds=10, requests=100))
mine = pool.ask({})["pid"]
"""
FORKING = """
reader, writer = os.pipe()
if not os.fork():
    os.write(writer, str(pool.ask({})["pid"]).encode())
    sys.exit()  # its exit handlers run
child = int(os.read(reader, 20))
os.wait()
print(mine, child, pool.ask({})["pid"])
"""
WAITING = """
if sys.argv[2] == "fork" and not os.fork():
    time.sleep(60)  # must not hold the helper's input open
print(mine, flush=True)
time.sleep(60)
"""


def _parent(spec: ChildSpec, code: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PARENT + code, spec.command[-1], *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True)


def test_a_forked_process_has_helpers_of_its_own(spec: ChildSpec) -> None:
    process = _parent(spec, FORKING)
    mine, forked, again = map(int, process.communicate(timeout=30)[0].split())
    assert mine == again != forked
    assert _eventually(lambda: _is_gone(mine) and _is_gone(forked))


@pytest.mark.parametrize("forks", ["fork", "alone"])
def test_a_helper_ends_with_its_parent(spec: ChildSpec, forks: str) -> None:
    process = _parent(spec, WAITING, forks)
    assert process.stdout is not None
    helper = int(process.stdout.readline())
    assert not _is_gone(helper)
    process.kill()  # the parent alone, without a chance to tidy up
    process.wait()
    try:
        assert _eventually(lambda: _is_gone(helper))
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # the forked process
        process.stdout.close()
