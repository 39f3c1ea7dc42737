"""A small recipe with a paid teacher, and what a run of it left: shared by the load tests."""

import collections
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from tests.pipeline.recipes_for_tests import release_hashes

RECIPE = """
name = "paid"
seed = 5
partitions = 4
[problems]
source = "jsonl"
path = "in.jsonl"
checker = "numeric"
[teacher.main]
kind = "openai"
base_url = "{url}"
model = "test"
max_in_flight = 64
sampling = {{ temperature = 1.0, max_tokens = 256 }}
[strategy]
kind = "repeated"
samples = {samples}
[select]
keep = ["correct"]
"""
_MISSING = re.compile(r"\b(\d+) of the samples of problem [0-9a-f]{32}: \S")


def questions_of(count: int) -> list[str]:
    """Return arithmetic questions, no two alike, which the test server solves."""
    return [f"What is {number} + {number % 7}?" for number in range(count)]


def write_recipe(folder: Path, url: str, questions: Sequence[str], samples: int = 1) -> None:
    """Write recipe.toml and in.jsonl."""
    (folder / "recipe.toml").write_text(RECIPE.format(url=url, samples=samples))
    (folder / "in.jsonl").write_text(
        "".join(json.dumps({"question": one, "answer": str(_solved(one))}) + "\n" for one in questions)
    )


def _solved(question: str) -> int:
    return sum(int(number) for number in re.findall(r"\d+", question))


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of all Parquet files in a folder."""
    return [row for path in sorted(folder.glob("*.parquet")) for row in pq.read_table(path).to_pylist()]


class Outcome(NamedTuple):
    """What became of a question's samples: how many there are, and how many are rejected with the error that they met."""

    samples: int
    missing: int


def outcomes(run: Path) -> dict[str, Outcome]:
    """Return what became of each question of a built run."""
    names = {row["problem_id"]: row["question"] for row in rows_of(run / "problems")}
    samples = collections.Counter(names[row["problem_id"]] for row in rows_of(run / "samples"))
    missing: collections.Counter[str] = collections.Counter()
    for row in rejected(run):
        told = _MISSING.search(row["detail"])
        assert told is not None, f"no count and last error in {row['detail']!r}"
        missing[row["raw"]] += int(told[1])
    return {question: Outcome(samples[question], missing[question]) for question in names.values()}


def rejected(run: Path) -> list[dict[str, Any]]:
    """Return the release's rejected rows that never became a sample."""
    return [row for row in rows_of(run / "release" / "rejected") if row["stage"] == "sample"]


def shard_hashes(run: Path) -> dict[str, str]:
    """Return the SHA-256 of every shard of a release; the manifest, which holds the recipe, is left out."""
    hashes = release_hashes(run)
    del hashes["MANIFEST.json"]
    return hashes


def settings(*changes: str) -> Iterable[str]:
    """Return `--set` arguments."""
    return (argument for change in changes for argument in ("--set", change))
