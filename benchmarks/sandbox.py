"""Executions a second: tests in the sandbox (an interpreter in bubblewrap that forks) beside an interpreter started for each test.

    .venv/bin/python benchmarks/sandbox.py [--rounds 5] [--seconds 2] [--humaneval HumanEval.jsonl.gz]

Run are a small function with two assertions, and a program that adds two numbers.  The baseline runs the function with its
assertions as `python -c` in a subprocess, once as anybody would, once with `-I -S -E -B`; both give code the user's own rights.
Rounds take turns, so that the machine's other work meets all alike; medians and the ratio to the plain subprocess are printed.
With HumanEval the canonical solutions are run as well, one thread and one a core.
"""

import argparse
import gzip
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count

from filters.sandbox.run import missing_walls, run_program, run_tests

CODE = "def add(a, b):\n    return a + b\n"
TESTS = "assert add(1, 2) == 3\nassert add('a', 'b') == 'ab'\n"
PROGRAM = "print(sum(map(int, input().split())))"
BASELINE = "plain subprocess"


def function() -> bool:
    """Run the function's tests in the sandbox."""
    return run_tests([[CODE]], TESTS).reason == "passed"


def program() -> bool:
    """Run the program in the sandbox."""
    return run_program([[PROGRAM]], "1 2\n").output == b"3\n"


def subprocess_with(*flags: str) -> Callable[[], bool]:
    """Return what runs the function's tests in an interpreter of its own."""
    command = [sys.executable, *flags, "-c", CODE + TESTS]
    return lambda: subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True).returncode == 0


def a_second(test: Callable[[], bool], seconds: float) -> float:
    """Return how many executions a second one thread gets.  Raises RuntimeError where one fails."""
    began = time.perf_counter()
    for done in count(1):
        if not test():
            raise RuntimeError("a right solution did not pass")
        if (spent := time.perf_counter() - began) >= seconds:
            return done / spent
    raise AssertionError


def compare(rounds: int, seconds: float) -> None:
    """Print medians of all schemes and their ratio to the baseline."""
    schemes = {
        "sandbox, function": function,
        "sandbox, program": program,
        BASELINE: subprocess_with(),
        "subprocess -I -S -E -B": subprocess_with("-I", "-S", "-E", "-B"),
    }
    function()  # so that the sandbox has started
    speeds: dict[str, list[float]] = {name: [] for name in schemes}
    for _ in range(rounds):
        for name, test in schemes.items():
            speeds[name].append(a_second(test, seconds))
    base = statistics.median(speeds[BASELINE])
    print(f"{'':26}{'a second':>10}{'ms':>8}{'ratio':>8}   rounds")
    for name, found in speeds.items():
        middle = statistics.median(found)
        print(
            f"{name:26}{middle:10.0f}{1000 / middle:8.1f}{middle / base:8.1f}   {' '.join(f'{one:.0f}' for one in sorted(found))}"
        )


def humaneval(path: str, rounds: int) -> None:
    """Print how fast HumanEval's 164 canonical solutions are judged, by one thread and by one a core."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]

    def judge(row: dict[str, str]) -> bool:
        code = row["prompt"] + row["canonical_solution"]
        return run_tests([[code]], row["test"], contexts=[row["prompt"]], entry=row["entry_point"]).reason == "passed"

    for threads in (1, os.cpu_count() or 1):
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(judge, rows[: 2 * threads]))
            speeds = []
            for _ in range(rounds):
                began = time.perf_counter()
                passed = sum(pool.map(judge, rows))
                speeds.append(len(rows) / (time.perf_counter() - began))
        print(f"HumanEval, {threads} thread(s): {passed} of {len(rows)} pass, {statistics.median(speeds):.0f} a second")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--humaneval")
    options = parser.parse_args()
    print(f"isolation: {'bubblewrap and seccomp' if not missing_walls() else missing_walls()}")
    compare(options.rounds, options.seconds)
    if options.humaneval:
        humaneval(options.humaneval, options.rounds)


if __name__ == "__main__":
    main()
