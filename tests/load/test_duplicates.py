"""Whole builds of a corpus that is full of copies: the same release whatever the workers, the order, the bundles or the runner."""

import json
import random
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.pipeline.recipes_for_tests import release_hashes, starbeam

pytestmark = pytest.mark.load

RECIPE = """
name = "copies"
partitions = 6
[problems]
source = "jsonl"
path = "in.jsonl"
map = { question = "question", answer = "answer" }
checker = "numeric"
[teacher.one]
kind = "recorded"
path = "in.jsonl"
map = { response = "one" }
[teacher.two]
kind = "recorded"
path = "in.jsonl"
map = { response = "two" }
[select]
keep = ["correct", "not_duplicate"]
max_per_problem = 1
prefer = "diverse"
"""
WORDS = (
    "we add up all of the red and blue boxes that they carry over to the far side before lunch and then sort what is left".split()
)


def _chain(rng: random.Random, family: list[str]) -> str:
    text = list(family)
    for _ in range(rng.choice([0, 0, 1, 1, 2, 5])):
        text[rng.randrange(len(text))] = rng.choice(WORDS)
    return " ".join(text) + ".\nA: 4"


def _lines(count: int) -> list[str]:
    """Return problems with two samples each, of a few families of chains that differ in some words or in none."""
    rng = random.Random(7)
    families = [[rng.choice(WORDS) + rng.choice(WORDS) for _ in range(50)] for _ in range(count // 8)]
    rows = [
        {"question": f"What is {number}?", "answer": "4", **{name: _chain(rng, rng.choice(families)) for name in ("one", "two")}}
        for number in range(count)
    ]
    return [json.dumps(row) for row in rows]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the recipe, the input, and a run by one worker."""
    folder = tmp_path_factory.mktemp("copies")
    (folder / "recipe.toml").write_text(RECIPE)
    (folder / "in.jsonl").write_text("\n".join(_lines(600)))
    done = starbeam("build", "recipe.toml", "--out", "plain", "--workers", "1", cwd=folder)
    assert done.returncode == 0, done.stderr
    counted = json.loads((folder / "plain/release/MANIFEST.json").read_text())["funnel"]["duplicates"]
    assert counted["exact"] > 15 and counted["near"] > 200  # an edit that is shorter stands for most exact copies
    return folder


@pytest.mark.parametrize(
    "ways",
    [
        ("--workers", "2"),
        ("--workers", "8"),
        ("--", "--direct_runner_bundle_repeat=1"),
        ("--", "--runner=PortableRunner", "--job_endpoint=embed", "--environment_type=LOOPBACK"),
    ],
    ids=["2 workers", "8 workers", "bundles repeated", "another runner"],
)
def test_the_release_is_the_same_however_it_is_run(folder: Path, ways: tuple[str, ...]) -> None:
    out = f"run {' '.join(ways)}".replace("/", "")
    done = starbeam("build", "recipe.toml", "--out", out, *ways, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert release_hashes(folder / out) == release_hashes(folder / "plain")


def test_the_release_is_the_same_from_shuffled_lines(folder: Path) -> None:
    (folder / "shuffled").mkdir()
    (folder / "shuffled/recipe.toml").write_text(RECIPE)
    (folder / "shuffled/in.jsonl").write_text("\n".join(random.Random(1).sample(_lines(600), 600)))
    done = starbeam("build", "recipe.toml", "--out", "run", "--workers", "2", cwd=folder / "shuffled")
    assert done.returncode == 0, done.stderr
    assert release_hashes(folder / "shuffled/run") == release_hashes(folder / "plain")


def test_a_build_against_the_release_keeps_no_copy_of_it(folder: Path) -> None:
    again = starbeam("build", "recipe.toml", "--out", "again", "--set", 'dedupe.against=["plain"]', cwd=folder)
    assert again.returncode == 0, again.stderr
    had_no_place = {row["sample_id"] for row in _rows(folder / "plain", "rejected") if row["reason"] == "over_quota"}
    kept, before = ({row["sample_id"] for row in _rows(folder / run, "full")} for run in ("again", "plain"))
    assert kept <= had_no_place and not kept & before and len(before) > 50  # what is new is no copy of a row that is kept


def _rows(run: Path, config: str) -> list[dict[str, object]]:
    return [row for file in sorted((run / "release" / config).glob("*.parquet")) for row in pq.read_table(file).to_pylist()]
