"""The README's loop with real vLLM and the trainer that comes with it: tiny models learn short sums, round by round."""

import json
import os
import shlex
from pathlib import Path

import pytest

from benchmarks import addition, star_addition
from tests.load.paid_runs import rows_of
from tests.pipeline.recipes_for_tests import starbeam_process
from tests.test_readme import ROOT, readme_commands

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(900)]
SEED = 1
DIGITS = {1: 20, 2: 80}
(STAR,) = [line for line in readme_commands() if line.startswith("starbeam star ")]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which the README's recipe is there, small: a base that knows some short sums, and few problems."""
    folder = tmp_path_factory.mktemp("star")
    patch = pytest.MonkeyPatch()
    patch.setattr(addition, "DIGITS", tuple(DIGITS))
    patch.setattr(addition, "BASE_STEPS", 200)
    patch.setattr(addition, "STEPS", 250)
    patch.setattr(addition, "TRAINING", DIGITS)
    patch.setattr(addition, "HELD_OUT", {1: 20, 2: 40})
    star_addition.write_seed(folder / "seed", SEED)
    star_addition.make_base(folder / "seed", SEED)
    text = star_addition.recipe_of(SEED, folder / "seed/training.jsonl", folder / "seed/base")
    text += star_addition.loop_of(folder / "seed", 1.0)
    (folder / "recipes").mkdir()
    (folder / Path(shlex.split(STAR)[2])).write_text(text)
    patch.undo()
    return folder


def _looped(folder: Path, *more: str) -> str:
    command = shlex.split(STAR.replace("--rounds 4", "--rounds 2"))
    done = starbeam_process(*command[1:], *more, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, seconds=600)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_loop_of_the_readme_samples_rationalises_and_trains_and_goes_on_without_a_call(small: Path) -> None:
    best = _looped(small)
    out = small / "runs" / "star"
    state = json.loads((out / "LOOP.json").read_text())
    rounds = state["rounds"]
    assert [one["round"] for one in rounds] == [0, 1, 2] and rounds[0]["yield"]["problems"] == sum(DIGITS.values())
    assert all(one["yield"]["hinted"] > 0 for one in rounds[:2])  # some sums are failed, so hints were told
    means = [one["held_out"]["mean"] for one in rounds]
    assert max(means[1:]) > means[0]  # training on what was right helps
    assert Path(best, "config.json").exists() or best == str(small / "seed/base")
    hinted = [row for row in rows_of(out / "round-000/run/samples") if row["hint"] is not None]
    assert hinted and all(row["hint"] not in row["prompt"][0]["content"] for row in hinted)
    journal = {path: path.stat().st_size for path in out.rglob("journal/**/*.jsonl")}
    models = {path: path.stat().st_mtime_ns for path in out.rglob("*.safetensors")}
    assert journal and models
    assert _looped(small) == best
    assert {path: path.stat().st_size for path in out.rglob("journal/**/*.jsonl")} == journal
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*.safetensors")} == models
