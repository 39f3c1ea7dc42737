"""Functions against assertions and programs against inputs, run in the sandbox: verdicts that the code cannot give itself."""

import json
import multiprocessing
import secrets
import threading
import tomllib
from pathlib import Path

import pytest

from filters.children import ChildFailed, Pool
from filters.sandbox import bubblewrap, run, seccomp
from filters.sandbox.launch import launch
from filters.sandbox.run import Outcome, run_program, run_tests

load = pytest.mark.load
SQUARE = "def f(x): return x * x\n"
TESTS = "assert f(2) == 4\nassert f(3) == 9"


def cases(name: str, *columns: str) -> list[object]:
    """Return the parameters of a file in `sandbox_cases`."""
    with open(Path(__file__).parent / "sandbox_cases" / f"{name}.toml", "rb") as file:
        found = tomllib.load(file)["case"]
    return [
        pytest.param(*(case[column] for column in columns), id=case["name"], marks=[load] if case.get("load") else [])
        for case in found
    ]


@pytest.fixture(autouse=True)
def sandbox() -> None:
    if launch().spec is None:
        pytest.skip("this machine has neither bubblewrap nor libseccomp")


def judged(code: str, tests: str = TESTS, entry: str | None = None, contexts: tuple[str, ...] = ()) -> tuple[str, str]:
    outcome = run_tests([[code]], tests, entry=entry, contexts=contexts)
    return outcome.status, outcome.reason


@pytest.mark.parametrize(("code", "tests"), cases("right", "code", "tests"))
def test_right_code_passes(code: str, tests: str) -> None:
    if "open(" in tests and run.missing_walls():
        pytest.skip("without bubblewrap there is no scratch folder")
    assert judged(code, tests) == ("correct", "passed")


@pytest.mark.parametrize("code", cases("cheats", "code"))
def test_cheats_do_not_pass(code: str) -> None:
    outcome = run_tests([[code]], TESTS)
    assert outcome.status in ("incorrect", "unsure")
    assert judged(SQUARE) == ("correct", "passed")  # the sandbox is none the worse


def test_a_test_that_catches_everything_does_not_hide_that_the_code_has_gone() -> None:
    tests = "try:\n    f(1)\nexcept BaseException:\n    pass\nassert True"
    assert judged("import os\ndef f(x): os._exit(0)", tests) == ("incorrect", "exited")
    tests = "try:\n    assert f(1) == 4\nexcept BaseException:\n    pass\nassert True"
    assert judged("def f(x): return object()", tests) == ("unsure", "needs_objects")


def test_what_is_cleared_in_place_does_not_equal_its_sorted_self() -> None:
    """In one process this passes: both sides are empty.  Arguments are copied back only where the call returns None."""
    assert judged("def f(xs):\n    xs.clear()\n    return []", "a = [3, 1]\nassert f(a) == sorted(a)") == ("incorrect", "failed")


HEADER = """import math
def helper(x: float) -> float:
    return x * x - 2

def root() -> float:
    '''Return a zero of helper.'''
"""
HELPED = "def check(candidate):\n    assert abs(helper(candidate())) < 1e-6"


def test_the_problems_own_helpers_are_what_tests_use() -> None:
    assert judged("def root(): return math.sqrt(2)", HELPED, contexts=(HEADER,)) == (
        "correct",
        "passed",
    )  # and the code, its imports
    forged = "def helper(x): return 0\ndef root(): return 5.0"
    assert judged(forged, HELPED, contexts=(HEADER,)) == ("incorrect", "failed")
    assert judged(forged, HELPED, contexts=("no code", HEADER), entry="root") == ("incorrect", "failed")
    assert judged(forged, HELPED, entry="root") == ("error", "gold_unreadable")  # nobody else defines it


def test_helpers_that_tests_forget_to_import_are_pythons_own() -> None:
    assert judged("def Counter(x): return 0\ndef f(x): return 'zz'", "assert Counter(f(1)) == Counter('aab')") == (
        "incorrect",
        "failed",
    )


def test_a_wrong_function_in_the_question_is_not_tested_for_the_codes() -> None:
    question = "def f(x): return x\ndef other(): ...\n"
    assert judged(SQUARE, TESTS, contexts=(question,)) == ("correct", "passed")
    assert judged("def f(x): return x", "assert f(5) == 5\nassert f(2) == 4", contexts=(SQUARE + question,)) == (
        "incorrect",
        "failed",
    )


@pytest.mark.parametrize(("code", "tests", "status", "reason"), cases("outcomes", "code", "tests", "status", "reason"))
def test_each_outcome_has_its_reason(code: str, tests: str, status: str, reason: str) -> None:
    assert judged(code, tests) == (status, reason)


def test_an_entry_may_be_an_expression() -> None:
    code, tests = "class Solution:\n    def square(self, x): return x * x", "def check(candidate):\n    assert candidate(3) == 9"
    assert judged(code, tests, entry="Solution().square") == ("correct", "passed")
    assert judged(code.replace("x * x", "x"), tests, entry="Solution().square") == ("incorrect", "failed")


def test_the_first_group_that_can_be_run_decides_and_in_it_the_version_that_lacks_no_name() -> None:
    needs, helper = "def f(x): return g(x)", "def g(x): return x * x\n"
    assert run_tests([["print(1)"], [needs, helper + needs], [SQUARE]], TESTS) == Outcome("correct", "passed", helper + needs)
    assert run_tests([[needs], [SQUARE]], TESTS).reason == "raised"
    assert run_tests([["def f("], [SQUARE]], TESTS).source == SQUARE
    assert run_tests([], TESTS).reason == "syntax_error"


SCAN = """
import os
read, write = os.pipe()
def found(half, other):
    # Through a pipe, which says EFAULT where nothing is mapped, page by page around what is mapped.
    pages = set()
    for anchor in (id(object()), id("anchor"), id(b"x" * 100_000), id(found), id([0] * 100_000)):
        pages.update(range(anchor - (24 << 20) & -4096, anchor + (24 << 20), 4096))
    for page in sorted(pages):
        try:
            count = os.write(write, (ctypes.c_char * 4096).from_address(page)) if MAPPED(page) else 0
        except OSError:
            continue
        if count:
            data = os.read(read, 4096)
            place = data.find(half)
            while place >= 0:
                if data[place + len(half) : place + len(half) + len(other)] == other:
                    return True
                place = data.find(half, place + 1)
    return False
import ctypes
libc = ctypes.CDLL(None)
def MAPPED(page):
    return libc.mincore(ctypes.c_void_p(page), ctypes.c_size_t(4096), (ctypes.c_ubyte * 1)()) == 0
"""


@load
def test_nothing_of_the_tests_is_in_the_memory_of_the_code() -> None:
    """The code looks through its memory for what this test has just told the referee, and finds only what itself was told."""
    half, other, mine = (secrets.token_hex(8) for _ in range(3))
    code = SCAN + f"kept = {mine + mine!r}\ndef f(half, other): return found(half.encode(), other.encode())"
    for _ in range(3):  # the sandbox has seen the same tests before
        assert judged(SQUARE, f"assert f(2) == 4\nsecret = {half + other!r}") == ("correct", "passed")
        tests = f"assert f({half!r}, {other!r}) is False\nassert f({mine!r}, {mine!r}) is True\nsecret = {half + other!r}"
        assert judged(code, tests) == ("correct", "passed")


def test_programs_read_and_write() -> None:
    program = "import sys\nfor line in sys.stdin: print(sum(map(int, line.split())))"
    assert run_program([[program]], "1 2\n3 4\n") == Outcome("correct", "ended", program, b"3\n7\n")
    assert run_program([["print(input())"]], "é字\n").output == "é字\n".encode()
    assert run_program([["print(len(open(0).read()))"]], "x" * 1_000_000).output == b"1000000\n"
    assert run_program([["print(1)"]], "never read" * 100_000).output == b"1\n"


@pytest.mark.parametrize(
    ("program", "status", "reason", "output"),
    [
        ("print(1)\nraise SystemExit", "correct", "ended", b"1\n"),
        ("import sys\nprint(1)\nsys.exit(0)", "correct", "ended", b"1\n"),
        ("if __name__ == '__main__': print(1)", "correct", "ended", b"1\n"),
        ("import atexit\natexit.register(print, 1)", "correct", "ended", b"1\n"),
        ("import threading\nthreading.Thread(target=print, args=(1,)).start()", "correct", "ended", b"1\n"),
        ("import os, sys\nsys.stdout.write('1')\nos._exit(0)", "correct", "ended", b""),
        ("import sys\nprint(1)\nsys.exit(3)", "incorrect", "exited", b"1\n"),
        ("print(1)\n1 / 0", "incorrect", "raised", b"1\n"),
        ("input()", "incorrect", "raised", b""),
        ("import numpy", "unsure", "module_missing", b""),
        ("import os\nos.fork()", "unsure", "not_permitted", b""),
        ("x = bytearray(3 << 30)", "incorrect", "memory", b""),
        ("import os\nos.abort()", "incorrect", "crashed", b""),
        ("def (", "incorrect", "syntax_error", b""),
    ],
)
def test_how_programs_end(program: str, status: str, reason: str, output: bytes) -> None:
    outcome = run_program([[program]], "")
    assert (outcome.status, outcome.reason, outcome.output) == (status, reason, output)


def test_deep_recursion_in_a_thread_with_a_large_stack() -> None:
    """A habit of programming contests."""
    program = "import sys, threading\nsys.setrecursionlimit(10**6)\nthreading.stack_size(1 << 27)\n"
    program += (
        "def f(n): return 0 if n == 0 else 1 + f(n - 1)\nt = threading.Thread(target=lambda: print(f(50_000)))\nt.start()\nt.join()"
    )
    assert run_program([[program]], "").output == b"50000\n"


@load
@pytest.mark.parametrize(
    "code",
    [
        "def f(x):\n    while True: pass",
        "import time\ndef f(x): time.sleep(100)",
        "while True: pass",
        "import os\ndef f(x):\n    os.closerange(0, 256)\n    while True: pass",
    ],
)
def test_code_without_end_times_out(code: str) -> None:
    assert judged(SQUARE + code) == ("incorrect", "timeout")


@load
def test_answers_without_end_are_not_the_tests_fault_and_not_right() -> None:
    outcome = run_tests([["def f(x):\n    while True: yield 4"]], "assert list(f(1)) == [4]")
    assert (outcome.status, outcome.reason) == ("unsure", "too_many_calls")
    assert judged("def f(x): return list(range(10**7))")[0] in ("unsure", "incorrect")


def test_a_sandbox_that_cannot_start_is_an_error_and_never_a_wrong_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0

    def fails(*_: object) -> object:
        nonlocal asked
        asked += 1
        raise ChildFailed("died")

    monkeypatch.setattr(Pool, "ask", fails)
    assert run_tests([[SQUARE]], TESTS) == Outcome("error", "sandbox_failed")
    assert asked == 2


def reply(outcome: object, **changes: object) -> dict[str, object]:
    report = {"outcome": outcome, "wait": False, "nonce": "n", "picked": [0, 0]}
    return {"report": report, "stopped": None, "candidate": [9, 0, 0.1, 0], "referee": [0, 0, 0.1, 0], **changes}


@pytest.mark.parametrize(
    ("said", "status", "reason"),
    [
        (reply("passed"), "correct", "passed"),
        (reply("passed", stopped="blocked"), "incorrect", "timeout"),
        (reply("passed", stopped="blocked", candidate=[9, 0, 0.2, 500]), "error", "starved"),  # others had the processor
        (reply("passed", stopped="starved"), "error", "starved"),
        (reply("gone", candidate=[9, 0, 5.0, 0]), "incorrect", "timeout"),
        (reply("gone", candidate=[24, 0, 4.9, 0]), "incorrect", "timeout"),
        (reply("gone", candidate=[9, 0, 0.1, 0]), "error", "killed"),  # by the machine, which has no memory left
        (reply("gone", candidate=[11, 0, 0.1, 0]), "incorrect", "crashed"),
        (reply("anything"), "error", "sandbox_failed"),
        (reply(["passed"]), "error", "sandbox_failed"),
        (reply("passed", report=None), "error", "sandbox_failed"),
        (reply("passed", report=None, referee=[24, 0, 10.0, 0]), "unsure", "tests_exhausted"),
        (reply("passed", report={"outcome": "passed", "nonce": "of another run"}), "error", "sandbox_failed"),
    ],
)
def test_what_replies_mean(monkeypatch: pytest.MonkeyPatch, said: dict[str, object], status: str, reason: str) -> None:
    monkeypatch.setattr(Pool, "ask", lambda *_: said)
    monkeypatch.setattr(secrets, "token_hex", lambda _: "n")
    outcome = run_tests([[SQUARE]], TESTS)
    assert (outcome.status, outcome.reason) == (status, reason)


@load
def test_works_in_many_threads() -> None:
    outcomes: dict[int, str] = {}

    def ask(number: int) -> None:
        outcomes[number] = run_tests([[f"def f(x): return x + {number % 2}"]], "assert f(1) == 1").reason

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == {number: "failed" if number % 2 else "passed" for number in range(12)}


@load
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_works_in_other_processes(method: str) -> None:
    assert judged(SQUARE) == ("correct", "passed")
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert (
            pool.starmap(judged, [(SQUARE,), ("def f(x): return x",)] * 3) == [("correct", "passed"), ("incorrect", "failed")] * 3
        )


@load
@pytest.mark.parametrize("privileges", [bubblewrap._AS_USER, (*bubblewrap._AS_USER, "--disable-userns"), None])
def test_other_machines(monkeypatch: pytest.MonkeyPatch, privileges: tuple[str, ...] | None) -> None:
    """Without root's own way there are user namespaces, without bubblewrap limits and the filter; without that too, nothing."""
    monkeypatch.setattr(bubblewrap, "_privileges", lambda: privileges)
    launch.cache_clear()
    try:
        assert run.missing_walls() == ("" if privileges else "+rlimits")
        assert judged(SQUARE) == ("correct", "passed")
        assert judged("import os\nos._exit(0)\n" + SQUARE) == ("incorrect", "exited")
        assert run_program([["open('/tmp/starbeam-test', 'w').write('x')"]], "").status == ("correct" if privileges else "unsure")
        assert run_program([["import os\nos.fork()"]], "").reason == "not_permitted"
        assert run_program([["import os\nprint(os.getuid() == 0)"]], "").output == b"False\n"
        if privileges is None:
            monkeypatch.setattr(seccomp, "filter_program", lambda *, writable: None)
            launch.cache_clear()
            assert run_tests([[SQUARE]], TESTS) == Outcome("error", "no_sandbox")
    finally:
        launch.cache_clear()


def test_requests_of_any_text_are_carried() -> None:
    text = "\ud800 \0 \u2028 é"
    assert json.loads(json.dumps(text)) == text
    assert judged("def f(x): return x", f"text = {text!r}\nassert f(text) == text") == ("correct", "passed")
