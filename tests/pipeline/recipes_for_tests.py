"""Small recipes, and running one: what the tests of whole runs share."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

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


def starbeam(*arguments: str, cwd: Path | None = None, **kwargs: Any) -> "subprocess.CompletedProcess[str]":
    """Run the console script as a user does."""
    script = Path(sys.executable).with_name("starbeam")
    return subprocess.run([str(script), *arguments], cwd=cwd, capture_output=True, text=True, timeout=100, **kwargs)


def release_hashes(run: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of a release."""
    release = run / "release"
    return {
        str(path.relative_to(release)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(release.rglob("*"))
        if path.is_file()
    }
