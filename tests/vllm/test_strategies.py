"""Every strategy samples from real vLLM: whole runs in this process, which share one engine."""

import asyncio
import math
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.load.paid_runs import rows_of, settings
from tests.pipeline.recipes_for_tests import starbeam
from tests.vllm.test_engine import table_of

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(300)]

PROBLEMS = 12
CASES = {  # strategy → how many samples of each problem: the model's weights are random, and nothing that it says is right
    "{ kind = 'repeated', samples = 2 }": 2,
    "{ kind = 'star', samples = 2, hinted_samples = 1 }": 3,
    "{ kind = 'until_correct', quota = 2, max_trials = 5 }": 5,
    "{ kind = 'until_correct', quota = 2, max_trials = 5, allocate = 'proportional', probe = 3 }": 5,
    "{ kind = 'self_consistency', samples = 4, early_stop = false }": 4,
    "{ kind = 'best_of', samples = 3, by = 'verifier' }": 3,
    "{ kind = 'best_of', samples = 3, by = 'likelihood' }": 3,
    "{ kind = 'best_of', samples = 2, by = 'judge', scorer = 'main', teachers = ['main'] }": 2,
}


@pytest.fixture(scope="module", autouse=True)
def _kept(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Hold the engine, so that it starts once."""
    runner = asyncio.Runner()
    client = runner.run(table_of(model).connect("main", str(tmp_path_factory.mktemp("logs")), False))
    yield
    runner.run(client.close())
    runner.close()


def _built(recipe: Path, strategy: str) -> list[dict[str, Any]]:
    changes = settings(f"strategy={strategy}", "teacher.main.sampling.logprobs=true")
    done = starbeam("build", "recipe.toml", "--out", "run", *changes, cwd=recipe)
    assert done.returncode == 0, done.stderr
    return rows_of(recipe / "run" / "samples")


@pytest.mark.parametrize("strategy", CASES)
def test_a_strategy_runs_and_runs_again_from_its_journal(recipe: Path, strategy: str) -> None:
    rows = _built(recipe, strategy)
    assert set(Counter(row["problem_id"] for row in rows).values()) == {CASES[strategy]}
    assert len({row["problem_id"] for row in rows}) == PROBLEMS and len({row["response"] for row in rows}) > PROBLEMS
    hinted = [row for row in rows if row["hint"] is not None]
    assert len(hinted) == PROBLEMS * ("star" in strategy)
    assert all("The answer is" not in message["content"] for row in hinted for message in row["prompt"])
    chosen = Counter(row["problem_id"] for row in rows if row["chosen"])
    if "likelihood" in strategy or "verifier" in strategy:
        assert set(chosen.values()) == {1} and len(chosen) == PROBLEMS
    if "likelihood" in strategy:
        for row in rows:
            assert math.isclose(row["score"], math.exp(row["logprob"] / row["completion_tokens"]))
    logs = {path: path.stat().st_size for path in (recipe / "run" / "journal").rglob("*.jsonl")}
    shutil.rmtree(recipe / "run" / "samples")
    assert _built(recipe, strategy) == rows
    assert {path: path.stat().st_size for path in (recipe / "run" / "journal").rglob("*.jsonl")} == logs
