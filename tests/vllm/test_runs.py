"""Whole runs with real vLLM: engine and server bring the same rows, and one goes on from the other's journal without a call."""

import shutil
from pathlib import Path

import pytest

from tests.load.paid_runs import rows_of
from tests.pipeline.recipes_for_tests import starbeam_process

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(600)]


def built(folder: Path, out: str, *settings: str) -> list[tuple[str, int, str]]:
    """Return the samples of a run, as (problem, number, response)."""
    flags = [flag for one in settings for flag in ("--set", one)]
    done = starbeam_process("build", "recipe.toml", "--out", out, *flags, cwd=folder)
    assert done.returncode == 0, done.stderr
    rows = rows_of(folder / out / "samples")
    return sorted((row["problem_id"], row["index"], row["response"]) for row in rows)


def test_a_run_of_the_engine_goes_on_with_the_server_without_a_call(recipe: Path) -> None:
    rows = built(recipe, "run")
    assert len(rows) == 24 and len({response for _, _, response in rows}) > 12
    shutil.rmtree(recipe / "run" / "samples")
    nobody = ("teacher.main.run=server", "teacher.main.python=/bin/false")  # whoever asks it fails
    assert built(recipe, "run", *nobody) == rows
    flags = [flag for one in (*nobody, "strategy.samples=3") for flag in ("--set", one)]
    done = starbeam_process("build", "recipe.toml", "--out", "run", *flags, cwd=recipe)
    assert done.returncode == 1 and "vLLM's server ended before it was ready" in done.stderr


def test_a_run_with_a_server_has_the_rows_of_the_engine(recipe: Path) -> None:
    assert built(recipe, "served", "teacher.main.run=server") == built(recipe, "engine")
