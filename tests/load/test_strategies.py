"""Every strategy's recipe runs as it is: within its estimate, and from its journal alone with the same rows."""

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from generators.journal import spent_in
from generators.teachers.client import PaidTable
from pipeline.estimates import Estimate, estimates
from pipeline.plan import Plan, resolve
from pipeline.recipes import load
from pipeline.rundir import RunDir
from tests.load.paid_runs import questions_of, rows_of, settings, write_recipe
from tests.pipeline.recipes_for_tests import ROOT, release_hashes, starbeam
from tests.teacher_server import TeacherServer, teacher_server

pytestmark = pytest.mark.load

PROBLEMS = 24
OWN = 'problems={ source = "jsonl", path = "in.jsonl", checker = "numeric" }'
JUDGED = "strategy={ kind = 'best_of', by = 'judge', scorer = 'scorer' }"
JUDGE = "teacher.scorer={ kind = 'openai', base_url = 'URL', model = 'm' }"
OTHER = "teacher.other={ kind = 'openai', base_url = 'URL', model = 'm' }"
CASES: dict[str, tuple[str, tuple[str, ...]]] = {
    "repeated": ("served", (OWN,)),
    "star": ("star_gsm8k", ()),
    "star, three tries, some get a hint": ("star_gsm8k", ("strategy.samples=3", "strategy.rationalize=0.5")),
    "star, a mixture": ("star_gsm8k", (OTHER, "teacher.mix={ kind = 'mixture', weights = { main = 1, other = 2 } }")),
    "self_consistency": ("self_consistency", (OWN,)),
    "self_consistency, all asked": ("self_consistency", (OWN, "strategy.early_stop=false")),
    "until_correct": ("until_correct", (OWN,)),
    "until_correct, in proportion": ("until_correct", (OWN, "strategy.allocate=proportional", "strategy.probe=8")),
    "best_of, a reward model": ("best_of", (OWN,)),
    "best_of, a judge": ("best_of", (OWN, JUDGED, JUDGE)),
    "best_of, two teachers and a judge": ("best_of", (OWN, JUDGED, JUDGE, OTHER)),
    "best_of, likelihood": (
        "best_of",
        (
            OWN,
            "strategy={ kind = 'best_of', by = 'likelihood' }",
            "teacher.main.sampling.logprobs=true",
        ),
    ),
    "best_of, the verifier": ("best_of", (OWN, "strategy={ kind = 'best_of', by = 'verifier' }")),
}


@pytest.fixture(scope="module")
def shared() -> Iterator[TeacherServer]:
    with teacher_server(right=0.4) as one:
        yield one


@pytest.mark.parametrize("case", CASES)
def test_a_recipe_runs_within_its_estimate_and_again_from_its_journal(case: str, tmp_path: Path, shared: TeacherServer) -> None:
    name, changes = CASES[case]
    shared.set(reset=True)
    shutil.copy(ROOT / "recipes" / f"{name}.toml", tmp_path)
    write_recipe(tmp_path, shared.url, questions_of(PROBLEMS))
    gsm8k = tmp_path / "data" / "gsm8k"
    gsm8k.mkdir(parents=True)
    rows = [json.loads(line) for line in (tmp_path / "in.jsonl").read_text().splitlines()]
    lines = [json.dumps({"question": row["question"], "answer": f"Worked out.\n#### {row['answer']}"}) for row in rows]
    (gsm8k / "train.jsonl").write_text("\n".join(lines))
    changes = (*(one.replace("URL", shared.url) for one in changes), f"teacher.main.base_url={shared.url}")
    if name == "best_of" and JUDGED not in changes:
        changes = (*changes, f"teacher.scorer.base_url={shared.root}")
    built = starbeam("build", f"{name}.toml", "--out", "run", *settings(*changes), cwd=tmp_path)
    assert built.returncode == 0, built.stderr
    run, calls = tmp_path / "run", shared.stats()["calls"]
    samples = rows_of(run / "samples")
    assert len({row["problem_id"] for row in samples}) == PROBLEMS
    _assert_within(resolve(load(str(tmp_path / f"{name}.toml"), changes)), run)
    _assert_marks(name, samples)
    assert rows_of(run / "release" / "full")
    before = release_hashes(run)
    shutil.rmtree(run / "samples")
    again = starbeam("build", f"{name}.toml", "--out", "run", *settings(*changes), cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert shared.stats()["calls"] == calls and rows_of(run / "samples") == samples and release_hashes(run) == before


def _assert_within(plan: Plan, run: Path) -> None:
    """Assert that calls and samples of each teacher and role are what the estimate says."""
    spent = spent_in(RunDir(str(run), plan.recipe.partitions).journals)
    samples = rows_of(run / "samples")
    made = Counter((row["teacher"], "rationalize" if row["hint"] else "sample") for row in samples)
    made.update((plan.strategy.others[0], "grade") for row in samples if row["score"] is not None and plan.strategy.others)
    found: dict[tuple[str, str], Estimate] = {(one.teacher, one.role): one for one in estimates(plan, PROBLEMS, 1000)}
    assert set(spent) | set(made) <= set(found)
    for key, one in found.items():
        assert one.least <= made[key] <= one.most, (key, one, made[key])
        assert key not in spent or spent[key].calls <= one.calls, (key, one, spent[key])
    assert all(isinstance(plan.teachers[teacher], PaidTable) for teacher, _ in spent)
    assert sum(usage.calls for usage in spent.values()) > 0


def _assert_marks(name: str, samples: list[dict[str, object]]) -> None:
    """Assert that the strategy did what it is for: the server is right in two of five."""
    hints = sum(row["hint"] is not None for row in samples)
    assert (hints > 0) == (name == "star_gsm8k") and all((row["origin"] == "rationalized") == bool(row["hint"]) for row in samples)
    chosen = Counter(row["problem_id"] for row in samples if row["chosen"])
    assert bool(chosen) == (name in ("best_of", "self_consistency"))
    if name == "best_of":
        assert set(chosen.values()) == {1} and len(chosen) == PROBLEMS and all(row["score"] is not None for row in samples)
    if name == "until_correct":
        assert len(set(Counter(row["problem_id"] for row in samples).values())) > 3
