"""Whole builds that keep patterns in proportion: within the ratio, and the same whatever the workers, bundles or order."""

import collections
import json
import random
from pathlib import Path
from typing import Any

import pytest

from tests.load.paid_runs import rows_of
from tests.pipeline.recipes_for_tests import release_hashes, starbeam

pytestmark = pytest.mark.load

RECIPE = """
name = "balanced"
seed = 5
partitions = 5
[problems]
source = "jsonl"
path = "in.jsonl"
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
keep = ["correct", "reflections", "not_duplicate"]
max_per_problem = 1
[[select.reflections]]
label = "hesitation"
max = 1
[select.balance]
by = "labels"
ratio = 1.5
floor = 8
[export]
configs = ["full", "sft", "sft_stripped", "sft_moved"]
"""
FLOOR, RATIO = 8, 1.5
WAYS = ("{0} + {0} is {1}.", "{0} + {0} is {1}. Let me check: {1} - {0} = {0}.", "{0} + {0} is {1}. Wait, is that right? Yes.")


def _lines(count: int) -> list[str]:
    """Return problems with two samples each; most have no reflection, and one has three doubts."""
    rng = random.Random(3)
    rows = []
    for number in range(2, count):
        ways = rng.choices(WAYS, (8, 3, 1), k=2)
        said = [f"{way.format(number, 2 * number)}\nThe answer is {2 * number}." for way in ways]
        said[1] = f"It is about {number} twice, so I add. {said[1]}"
        rows.append({"question": f"What is {number} + {number}?", "answer": str(2 * number), "one": said[0], "two": said[1]})
    rows[0]["one"] = rows[0]["two"] = "Hmm.\nWait, no.\n\nHmm, wait.\n\nThe answer is 4."
    return [json.dumps(row) for row in rows]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the recipe, the input, and a run by one worker."""
    folder = tmp_path_factory.mktemp("balanced")
    (folder / "recipe.toml").write_text(RECIPE)
    (folder / "in.jsonl").write_text("\n".join(_lines(150)))
    done = starbeam("build", "recipe.toml", "--out", "plain", "--workers", "1", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def _pattern(row: dict[str, Any]) -> str:
    return "+".join(sorted({one["label"] for one in row["reflections"]})) or "none"


def test_no_pattern_keeps_more_than_the_ratio_and_the_others_say_why(folder: Path) -> None:
    release = folder / "plain" / "release"
    kept = collections.Counter(map(_pattern, rows_of(release / "full")))
    rejected = rows_of(release / "rejected")
    over = collections.Counter(_pattern(row) for row in rejected if row["reason"] == "over_represented")
    most = int(RATIO * max(min((kept + over).values()), FLOOR))
    assert over and len(kept) > 2
    for pattern, count in (kept + over).items():
        assert kept[pattern] == min(count, most)
    funnel = json.loads((release / "MANIFEST.json").read_text())["funnel"]
    assert {pattern: of_one["kept"] for pattern, of_one in funnel["patterns"].items()} == kept
    assert {pattern: of_one["passed"] for pattern, of_one in funnel["patterns"].items()} == kept + over
    assert funnel["rejected_samples"]["over_represented"] == over.total()
    assert "too_many_hesitation" in funnel["rejected_samples"] and "over_quota" in funnel["rejected_samples"]


def test_what_is_ablated_are_the_rows_of_sft_and_the_others_are_as_they_are_there(folder: Path) -> None:
    release = folder / "plain" / "release"
    sft, stripped, moved = (rows_of(release / config) for config in ("sft", "sft_stripped", "sft_moved"))
    for of_ablation in (stripped, moved):
        assert [row["sample_id"] for row in of_ablation] == [row["sample_id"] for row in sft]
        assert {row["ablated"] > 0 for row in of_ablation} == {True, False}
        for row, whole in zip(of_ablation, sft, strict=True):
            assert (row["ablated"] == 0) == (row["messages"] == whole["messages"])
            assert row["messages"][-1]["content"].splitlines()[-1] == whole["messages"][-1]["content"].splitlines()[-1]


@pytest.mark.parametrize(
    "flags",
    [("--workers", "2"), ("--workers", "1", "--", "--direct_runner_bundle_repeat=1")],
    ids=["2 workers", "bundles repeated"],
)
def test_the_release_is_the_same(folder: Path, flags: tuple[str, ...]) -> None:
    out = f"run{len(flags)}"
    done = starbeam("build", "recipe.toml", "--out", out, *flags, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert release_hashes(folder / out) == release_hashes(folder / "plain")


def test_the_release_is_the_same_from_shuffled_lines(folder: Path) -> None:
    (folder / "shuffled").mkdir()
    (folder / "shuffled" / "recipe.toml").write_text(RECIPE)
    lines = _lines(150)
    (folder / "shuffled" / "in.jsonl").write_text("\n".join(random.Random(1).sample(lines, len(lines))))
    assert starbeam("build", "recipe.toml", "--out", "run", cwd=folder / "shuffled").returncode == 0
    assert release_hashes(folder / "shuffled" / "run") == release_hashes(folder / "plain")
