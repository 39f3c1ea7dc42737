"""Whole runs: a majority stands in for golds that are not there, ways that are the same are thinned, every config is written."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.load.paid_runs import rows_of
from tests.pipeline.recipes_for_tests import release_hashes, starbeam

pytestmark = pytest.mark.load

TEACHERS = ("first", "second", "third", "fourth")
VIEWS = ("full", "labelled", "preference", "prompt_completion", "sft")
RECIPE = """
name = "votes"
partitions = 3
[problems]
source = "jsonl"
path = "in.jsonl"
checker = "numeric"
map = {{ answer = "{gold}" }}
[select]
keep = [{keep}]
distinct = "equations"
[dedupe]
threshold = 1.0
[export]
configs = [{configs}]
"""
TEACHER = '[teacher.{name}]\nkind = "recorded"\npath = "in.jsonl"\nmap = {{ response = "{name}" }}\n'
COUNT = 24


def _lines() -> list[str]:
    """Return problems of which two samples go one way, one another, and one is wrong; every third is left in doubt by a tie."""
    rows = []
    for n in range(11, 11 + COUNT):
        doubt = n % 3 == 0
        rows.append(
            {
                "question": f"What is twice {n}?",
                "answer": str(2 * n),
                "first": f"{n} + {n} = {2 * n}.\nThe answer is {2 * n}.",
                "second": f"We add it up: {n} + {n} = {2 * n} in all.\nThe answer is ${2 * n}.",
                "third": f"{n} * 2 = {2 * n}.\nThe answer is {2 * n + doubt}.",
                "fourth": f"{n} + 1 = {n + 1}.\nThe answer is {2 * n + 1 if doubt else n + 1}.",
            }
        )
    return [json.dumps(row) for row in rows]


def _run(folder: Path, gold: str, keep: str, *options: str, out: str = "run") -> dict[str, Any]:
    teachers = "".join(TEACHER.format(name=name) for name in TEACHERS)
    configs = ", ".join(f'"{name}"' for name in VIEWS)
    (folder / "recipe.toml").write_text(RECIPE.format(gold=gold, keep=keep, configs=configs) + teachers)
    (folder / "in.jsonl").write_text("\n".join(_lines()))
    done = starbeam("build", "recipe.toml", "--out", out, *options, cwd=folder)
    assert done.returncode == 0, done.stderr
    manifest: dict[str, Any] = json.loads((folder / out / "release" / "MANIFEST.json").read_text())
    return manifest


def test_without_golds_the_majority_is_kept_and_marked_as_such(tmp_path: Path) -> None:
    funnel = _run(tmp_path, "", '"majority"')["funnel"]
    decided = COUNT * 2 // 3
    assert funnel["verdicts"] == {"correct": 0, "incorrect": 0, "unsure": 4 * COUNT, "error": 0}
    assert funnel["votes"] == {"problems": COUNT, "decided": decided, "correct": 0, "pseudo_gold": decided}
    assert funnel["rejected_samples"] == {"not_majority": 4 * COUNT - 3 * decided, "same_equations": decided}
    rows = rows_of(tmp_path / "run" / "release" / "full")
    assert len(rows) == 2 * decided and {row["answer"] for row in rows} == {None}
    for row in rows:
        number = int(row["question"].split()[-1].rstrip("?"))
        assert row["vote"] == {
            "answer": str(2 * number), "votes": 3, "voters": 4, "share": 0.75, "agrees": True, "pseudo_gold": str(2 * number)
        }  # fmt: skip
    assert rows_of(tmp_path / "run" / "release" / "labelled") == rows_of(tmp_path / "run" / "release" / "preference") == []


def test_every_view_is_written_and_its_bytes_do_not_depend_on_the_workers(tmp_path: Path) -> None:
    manifest = _run(tmp_path, "answer", '"correct"')
    right = 3 * COUNT - COUNT // 3
    kept = right - COUNT  # the second goes the first one's way
    rows = {name: entry["rows"] for name, entry in manifest["configs"].items() if name != "rejected"}
    # Each problem has one pair: of two kept right ones with one wrong, or, in doubt, of one with two.
    training = {"full": kept, "sft": kept, "prompt_completion": kept, "labelled": 4 * COUNT, "preference": COUNT}
    assert rows == training | {"signatures": kept}
    assert manifest["funnel"]["votes"] == {
        "problems": COUNT, "decided": COUNT * 2 // 3, "correct": COUNT * 2 // 3, "pseudo_gold": 0
    }  # fmt: skip
    _run(tmp_path, "answer", '"correct"', "--workers", "2", out="again")
    assert release_hashes(tmp_path / "run") == release_hashes(tmp_path / "again")
