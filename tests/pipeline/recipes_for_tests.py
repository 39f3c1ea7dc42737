"""Small recipes, and running one: what the tests of whole runs share."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from click.testing import CliRunner

from pipeline.cli import main

ROOT = Path(__file__).parents[2]

SOLVED = """
name = "small"
seed = 3
partitions = 3
[[problems]]
source = "arithmetic"
count = 30
[[problems]]
source = "countdown"
count = 10
[[problems]]
source = "maze"
count = 10
[teacher.main]
kind = "solver"
slip_rate = 0.1
[strategy]
kind = "repeated"
samples = 2
[export]
configs = ["full", "sft", "problems"]
"""

RECORDED = """
name = "recorded"
partitions = 2
[problems]
source = "jsonl"
path = "in.jsonl"
answer_pattern = "#### (.+)$"
checker = "numeric"
[teacher.first]
kind = "recorded"
path = "in.jsonl"
map = { response = "first" }
[teacher.second]
kind = "recorded"
path = "in.jsonl"
map = { response = "second" }
"""


def recorded_lines(count: int = 40) -> list[str]:
    """Return lines for RECORDED: each problem with one right and one wrong sample; the last two are copies of others."""
    rows = [
        {
            "question": f"What is {n} + {n}?",
            "answer": f"work\n#### {2 * n}",
            "first": f"Twice {n} is {2 * n}.\nA: {2 * n}",
            "second": f"I would say {n} and one more.\nA: {n + 1}",
        }
        for n in range(2, count)
    ]
    return [json.dumps(row) for row in [*rows, rows[0], rows[5]]]


class Done(NamedTuple):
    """How a command ended, and what it said."""

    returncode: int
    stdout: str
    stderr: str


def starbeam(*arguments: str, cwd: Path) -> Done:
    """Run a command in this process, which has imported Beam already."""
    before = os.getcwd()
    os.chdir(cwd)
    try:
        result = CliRunner().invoke(main, arguments, prog_name="starbeam")
    finally:
        os.chdir(before)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Done(result.exit_code, result.stdout, result.stderr)


def starbeam_process(*arguments: str, cwd: Path, seconds: float = 100, **options: Any) -> Done:
    """Run the console script as a user does, for so long at most."""
    script = Path(sys.executable).with_name("starbeam")
    done = subprocess.run([str(script), *arguments], cwd=cwd, capture_output=True, text=True, timeout=seconds, **options)
    return Done(done.returncode, done.stdout, done.stderr)


def release_hashes(run: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of a release."""
    release = run / "release"
    return {
        str(path.relative_to(release)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(release.rglob("*"))
        if path.is_file()
    }
