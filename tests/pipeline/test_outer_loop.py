"""The parts of the outer loop that need no run: steps, the stop rule, rows once, and one training."""

import os
import sys
import time
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline.outer_loop.recipes import Model, base_of, loop_of, own_model, round_plan
from pipeline.outer_loop.rows import once
from pipeline.outer_loop.table import LoopTable, command_of
from pipeline.outer_loop.training import Training, trained
from pipeline.recipes import parse
from schemas.errors import RunError, UserError
from tests.pipeline.recipes_for_tests import SOLVED

WRITE = "import pathlib, sys; pathlib.Path(sys.argv[sys.argv.index('--output') + 1], '{name}').write_text('{text}')"


def _table(**keys: object) -> LoopTable:
    return LoopTable.model_validate_json(__import__("json").dumps(keys))


def test_steps_grow_as_in_the_paper_or_by_a_number() -> None:
    assert [_table().steps_of(number) for number in range(4)] == [40, 48, 58, 69]
    assert [_table(growth=1, grow_by=20).steps_of(number) for number in range(3)] == [40, 60, 80]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.integers(1, 4), st.floats(0, 0.2))
def test_it_is_enough_when_the_last_rounds_bring_no_gain(accuracies: list[float], patience: int, min_gain: float) -> None:
    table = _table(patience=patience, min_gain=min_gain)
    gains = [one > max(accuracies[:-patience], default=2.0) + min_gain for one in accuracies[-patience:]]
    assert table.is_enough(accuracies) == (len(accuracies) > patience and not any(gains))


def test_rows_that_teach_the_same_are_trained_on_once() -> None:
    table = pa.table({"sample_id": ["a", "b", "c"], "prompt": ["p", "p", "p"], "completion": ["x", "y", "x"]})
    assert once(table)["sample_id"].to_pylist() == ["a", "b"]


def _training(program: str, **changes: object) -> Training:
    given = {"command": (sys.executable, "-c", program), "data": "data", "base": "base", "steps": 3, "seed": 1}
    return Training(**{**given, **changes})  # type: ignore[arg-type]


def test_a_trained_model_is_kept_and_one_of_another_recipe_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    model = trained(_training(WRITE.format(name="model.txt", text="tuned-1")), folder, "key")
    assert model == Model(name="tuned-1") == trained(_training("raise SystemExit(1)"), folder, "key")
    with pytest.raises(UserError, match="was trained from other rows, steps or settings"):
        trained(_training("raise SystemExit(1)"), folder, "other key")


def test_a_folder_of_weights_is_a_model_and_a_training_that_was_cut_off_is_none(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "weights.bin").write_text("half")
    (tmp_path / "model.part-1").mkdir()
    assert trained(_training(WRITE.format(name="weights.bin", text="whole")), folder, "key") == Model(weights=str(folder))
    assert (folder / "weights.bin").read_text() == "whole" and not list(tmp_path.glob("model.part-*"))


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("print('reading'); raise SystemExit('no GPU is here')", "the trainer ended with status 1: no GPU is here; its log is "),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "the trainer was ended by SIGKILL: it said nothing"),
        ("pass", "the trainer ended well and wrote no model into its --output; its log is "),
        (WRITE.format(name="model.txt", text=" "), "must hold the name of a model on one line"),
        (WRITE.format(name="model.txt", text="a\\nb"), "must hold the name of a model on one line"),
        (WRITE.format(name="model.txt", text="\\x1b[2Ja"), "must hold the name of a model on one line"),
        ("import os; os.kill(os.getpid(), 40)", "the trainer was ended by signal 40: it said nothing"),
    ],
)
def test_a_trainer_that_fails_or_leaves_no_model_is_one_line(tmp_path: Path, program: str, said: str) -> None:
    with pytest.raises(RunError) as failure:
        trained(_training(program), tmp_path / "model", "key")
    assert said in str(failure.value) and not (tmp_path / "model").exists()


def test_what_a_trainer_leaves_where_it_should_not_is_in_nobodys_way(tmp_path: Path) -> None:
    write = WRITE.format(name="model.txt", text="tuned")
    make = "import os, sys; out = sys.argv[sys.argv.index('--output') + 1]; "
    with pytest.raises(RunError, match="wrote no model"):
        trained(_training(make + "os.rmdir(out); open(out, 'w')"), tmp_path / "model", "key")
    (tmp_path / "model.part-2").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "model").write_text("no folder")
    program = make + "os.mkdir(os.path.join(out, 'TRAINED.json')); " + write
    assert trained(_training(program), tmp_path / "model", "key") == Model(name="tuned")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "trainer.log"]


def test_a_trainer_that_takes_too_long_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    program = "import subprocess, sys; print(subprocess.Popen(['sleep', '60']).pid, flush=True); import time; time.sleep(60)"
    with pytest.raises(RunError, match=r"longer than \[loop\] timeout = 0.5 s"):
        trained(_training(program, timeout=0.5), tmp_path / "model", "key")
    started = int((tmp_path / "trainer.log").read_text())
    for _ in range(100):
        if _has_ended(started):
            break
        time.sleep(0.05)
    assert _has_ended(started)


def _has_ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_a_program_that_is_not_there_is_the_users_to_mend(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"\[loop\] trainer = 'no-such-program' cannot be run"):
        trained(_training("", command=("no-such-program",)), tmp_path / "model", "key")
    with pytest.raises(UserError, match=r"cannot be run: embedded null byte"):
        trained(_training("\0"), tmp_path / "model", "key")
    assert not os.path.exists(tmp_path / "model")


@pytest.mark.parametrize(
    ("loop", "said"),
    [
        ("", "the recipe has no [loop]"),
        ("[loop]\nsteps = 0", "[loop]: steps = 0"),
        ("[loop]\nheld_out_share = 0.1\nheld_out = { source = 'maze' }", "set one of them"),
        ("[loop]", "[loop] teacher = 'main' is no teacher whose model can be trained"),
        ("[loop]\nstep = 3", "unknown key 'step'; did you mean 'steps'?"),
        ("[split]\nshare = 0.5\npart = 'rest'\n[loop]", "[split] and [loop] are in one recipe"),
        ("[loop]\nconfig = 'sfft'", "[loop] config = 'sfft' is unknown; did you mean 'sft'?"),
        ("[loop]\nheld_out = { source = 'mazes' }", "[loop.held_out]: source = \"mazes\" is unknown; did you mean 'maze'?"),
    ],
)
def test_a_mistake_about_the_loop_is_one_line(loop: str, said: str) -> None:
    with pytest.raises(UserError) as failure:
        loop_of(parse(SOLVED + loop, "r.toml"))
    assert said in str(failure.value)


TALKED_TO = SOLVED.replace('kind = "solver"\nslip_rate = 0.1', 'kind = "openai"\nbase_url = "http://x/v1"\nmodel = "talks"')


def test_training_starts_from_another_base_and_the_first_round_asks_the_teachers_own_model() -> None:
    recipe = parse(TALKED_TO + "[loop]\nbase = 'raw'", "r.toml")
    assert (base_of(recipe, loop_of(recipe)), own_model(recipe, loop_of(recipe))) == ("raw", "talks")


def test_a_round_exports_what_the_recipe_does_and_what_is_trained_on() -> None:
    recipe = parse(TALKED_TO + "[export.ablation]\nlabels = ['summary']\n[loop]\nconfig = 'sft_stripped'", "r.toml")
    export = round_plan(recipe, loop_of(recipe), 1, Model(name="other")).recipe.export
    assert export.configs == ("full", "sft", "problems", "sft_stripped") and export.ablation.labels == ("summary",)


@pytest.mark.parametrize("keys", [{"growth": 1e200}, {"steps": 10**400}, {"steps": 10**300, "growth": 1e10}])
def test_steps_beyond_all_numbers_are_one_line(keys: dict[str, float]) -> None:
    with pytest.raises(UserError, match=r"\[loop\] steps and growth = .* more steps in round 2"):
        _table(**keys).steps_of(2)


def test_contradictions_of_the_table() -> None:
    with pytest.raises(ValidationError):
        _table(growth=0.5)
    assert command_of("trl")[-1] == "pipeline.train" and command_of("tune") == ("tune",) and command_of(("a", "b")) == ("a", "b")
