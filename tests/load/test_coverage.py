"""Whole runs with a teacher that is right with a known chance: the manifest's pass@k is that chance's, whatever the strategy."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.load.paid_runs import questions_of, rows_of, settings, write_recipe
from tests.pipeline.recipes_for_tests import release_hashes, starbeam
from tests.teacher_server import TeacherServer, teacher_server

pytestmark = pytest.mark.load

RIGHT, PROBLEMS = 0.4, 300
EXPORTED = "export.configs=['full', 'problems']"
MIXED = ["teacher.other={kind='openai', base_url='%s', model='test', sampling={temperature=1.0, max_tokens=256}}"]
MIXED += ["teacher.both={kind='mixture', weights={main=2, other=1}}"]


@pytest.fixture(scope="module")
def server() -> Iterator[TeacherServer]:
    with teacher_server(right=RIGHT) as one:
        yield one


def _built(folder: Path, server: TeacherServer, *changes: str) -> dict[str, Any]:
    write_recipe(folder, server.url, questions_of(PROBLEMS))
    done = starbeam("build", "recipe.toml", "--out", "run", *settings(EXPORTED, *changes), cwd=folder)
    assert done.returncode == 0, done.stderr
    manifest: dict[str, Any] = json.loads((folder / "run" / "release" / "MANIFEST.json").read_text())
    return {**manifest, "stdout": done.stdout}


def _agrees(covered: dict[str, Any], reach: int) -> None:
    assert [k for k, _, _ in covered["pass_at_k"]] == list(range(1, reach + 1))
    for k, value, problems in covered["pass_at_k"]:
        expected = 1 - (1 - RIGHT) ** k
        assert abs(value - expected) <= 5 * math.sqrt(expected * (1 - expected) / problems) and problems == PROBLEMS


@pytest.mark.parametrize(
    ("strategy", "reach"),
    [
        ("{kind='repeated', samples=5}", 5),
        ("{kind='until_correct', quota=1, max_trials=6}", 6),
        ("{kind='until_correct', quota=3, max_trials=9}", 9),
        ("{kind='until_correct', quota=4, max_trials=12, allocate='proportional', probe=3}", 3),
        ("{kind='self_consistency', samples=7}", 4),
        ("{kind='best_of', samples=4, by='verifier'}", 4),
    ],
)
@pytest.mark.parametrize("mixed", [False, True], ids=["one", "mixture"])
def test_pass_at_k_has_no_bias(tmp_path: Path, server: TeacherServer, strategy: str, reach: int, mixed: bool) -> None:
    teachers = [one.replace("%s", server.url) for one in MIXED] if mixed else []
    covered = _built(tmp_path, server, f"strategy={strategy}", *teachers)["coverage"]
    assert list(covered) == ["both" if mixed else "main"]
    _agrees(*covered.values(), reach)


def test_a_hint_raises_the_yield_and_not_the_coverage(tmp_path: Path, server: TeacherServer) -> None:
    manifest = _built(tmp_path, server, "strategy={kind='star', samples=2, hinted_samples=3}")
    _agrees(manifest["coverage"]["main"], 2)
    rows = rows_of(tmp_path / "run" / "release" / "problems")
    origins = manifest["funnel"]["origins"]
    assert sum(row["rationalized"] for row in rows) == sum(origins["rationalized"].values()) > 0
    assert sum(row["rationalized_correct"] for row in rows) == origins["rationalized"]["correct"]
    assert all(row["rationalized"] == (0 if row["right"] else 3) and row["trials"] == 2 for row in rows)
    assert (
        "rationalized" in manifest["stdout"]
        and f"pass@1 {manifest['coverage']['main']['pass_at_k'][0][1]:.2f}" in manifest["stdout"]
    )
    hashes = release_hashes(tmp_path / "run")
    curated = starbeam(
        "curate",
        "recipe.toml",
        "--out",
        "run",
        "--workers",
        "2",
        *settings(EXPORTED, "strategy={kind='star', samples=2, hinted_samples=3}"),
        cwd=tmp_path,
    )
    assert curated.returncode == 0 and release_hashes(tmp_path / "run") == hashes
