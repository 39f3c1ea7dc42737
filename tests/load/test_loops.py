"""Whole loops: what each round trains on, stopped in every phase and resumed, and trainers that fail."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.load.paid_runs import rows_of
from tests.pipeline.loops_for_tests import TRAINER, contents, trainings, write_loop
from tests.pipeline.recipes_for_tests import Done, starbeam
from tests.teacher_server import TeacherServer, teacher_server

pytestmark = [pytest.mark.load, pytest.mark.timeout(300)]
SCRIPT = str(Path(sys.executable).with_name("starbeam"))

SLOW_AT_FIRST = """
import os, pathlib, time
if not os.path.exists("pid"):
    pathlib.Path("pid").write_text(str(os.getpid()))
    time.sleep(60)
"""


@pytest.fixture(scope="module")
def server() -> Iterator[TeacherServer]:
    with teacher_server(right=0.5) as one:
        yield one


def _loop(folder: Path, *more: str, rounds: int = 2, out: str = "out") -> Done:
    return starbeam("star", "recipe.toml", "--rounds", str(rounds), "--out", out, *more, cwd=folder)


@pytest.fixture(scope="module")
def whole(server: TeacherServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a loop that nothing stopped."""
    folder = tmp_path_factory.mktemp("whole")
    write_loop(folder, server.url)
    done = _loop(folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_each_round_trains_from_the_base_for_more_steps(whole: Path) -> None:
    rounds = contents(whole / "out")["rounds"]
    assert trainings(whole) == ["40 from base", "48 from base"]
    assert [one["round"] for one in rounds] == [0, 1, 2] and [one["steps"] for one in rounds] == [40, 48, None]
    assert all(one["held_out"]["problems"] + rounds[0]["yield"]["problems"] == 24 for one in rounds)
    assert sum(asked for _, asked in rounds[0]["held_out"]["by_subject"].values()) == rounds[0]["held_out"]["samples"]
    assert rounds[2]["yield"] is None and rounds[1]["yield"]["kept"] > 0


def test_a_finished_loop_that_is_called_again_asks_and_trains_nothing_and_goes_on_with_more_rounds(
    whole: Path, server: TeacherServer
) -> None:
    before, calls = contents(whole / "out"), server.stats()["calls"]
    assert _loop(whole).returncode == 0
    assert contents(whole / "out") == before and server.stats()["calls"] == calls and len(trainings(whole)) == 2
    assert _loop(whole, rounds=3).returncode == 0
    assert trainings(whole) == ["40 from base", "48 from base", "58 from base"]
    assert contents(whole / "out")["rounds"][:2] == before["rounds"][:2]


@pytest.mark.parametrize("share", [0.1, 0.35, 0.6, 0.85])
def test_a_loop_killed_in_any_phase_gives_the_same_data(whole: Path, server: TeacherServer, tmp_path: Path, share: float) -> None:
    """Kill after a share of the files that a whole loop writes are there: in sampling, curating, training, or judging."""
    write_loop(tmp_path, server.url)
    parts = ("round-000", "round-001", "round-002/held_out")
    files = sum(_files_in(whole / "out" / part) for part in parts)
    _kill_when(tmp_path, lambda: _files_in(tmp_path / "out") >= share * files)
    assert _loop(tmp_path).returncode == 0
    assert _first_two_rounds(tmp_path) == _first_two_rounds(whole)


def test_a_loop_killed_while_it_trains_takes_the_trainer_along_and_trains_anew(
    whole: Path, server: TeacherServer, tmp_path: Path
) -> None:
    write_loop(tmp_path, server.url, trainer=SLOW_AT_FIRST + TRAINER)
    _kill_when(tmp_path, lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text() != "")
    trainer = int((tmp_path / "pid").read_text())
    until = time.monotonic() + 30
    while os.path.exists(f"/proc/{trainer}") and time.monotonic() < until:
        time.sleep(0.05)
    assert not os.path.exists(f"/proc/{trainer}")
    assert _loop(tmp_path).returncode == 0
    assert _first_two_rounds(tmp_path) == _first_two_rounds(whole)


def _files_in(folder: Path) -> int:
    return sum(len(files) for _, _, files in os.walk(folder))  # which passes over folders that go meanwhile


def _kill_when(folder: Path, reached: Callable[[], bool]) -> None:
    """Run the loop and kill it, with all that it started in its group, once it has come so far."""
    command = [SCRIPT, "star", "recipe.toml", "--rounds", "2", "--out", "out"]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    while process.poll() is None and not reached():
        time.sleep(0.01)
    assert process.poll() is None, "the loop was over before it was killed"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _first_two_rounds(folder: Path) -> dict[str, Any]:
    """Return what the first two rounds trained on, made and brought."""
    found = contents(folder / "out")
    return {**{name: found[name] for name in found if "round-002" not in name}, "rounds": found["rounds"][:2]}


def test_a_trainer_that_fails_leaves_the_rows_and_the_mended_one_goes_on(server: TeacherServer, tmp_path: Path) -> None:
    write_loop(tmp_path, server.url, trainer="raise SystemExit('out of memory')")
    done = _loop(tmp_path)
    assert done.returncode == 1
    said = done.stderr.splitlines()[-1]
    assert said.startswith("starbeam: round 0: the trainer ended with status 1: out of memory; its log is ")
    assert "the round's rows stay: mend that, and the same command goes on" in said
    rows = {path.name: path.read_bytes() for path in (tmp_path / "out/round-000/data").glob("*.parquet")}
    calls = server.stats()["calls"]
    (tmp_path / "trainer.py").write_text(TRAINER)
    (tmp_path / "out/round-000/data" / min(rows)).unlink()  # as a trainer that fails may have done
    assert _loop(tmp_path, rounds=1).returncode == 0
    assert {path.name: path.read_bytes() for path in (tmp_path / "out/round-000/data").glob("*.parquet")} == rows
    assert server.stats()["calls"] - calls == contents(tmp_path / "out")["rounds"][1]["held_out"]["samples"]  # the new model's


def test_another_recipe_is_refused_by_name_and_a_patient_end_is_no_other_recipe(whole: Path) -> None:
    done = _loop(whole, "--set", "strategy.samples=2")
    assert done.returncode == 2 and "with another strategy; give another --out" in done.stderr
    done = _loop(whole, "--limit", "9")
    assert done.returncode == 2 and "with another --limit; give another --out" in done.stderr
    assert _loop(whole, "--set", "loop.patience=1", "--set", "loop.min_gain=1.0").returncode == 0


@pytest.mark.parametrize("state", ["", "[1]", '{"rounds": []}'])
def test_a_state_that_cannot_be_read_is_one_line(tmp_path: Path, state: str) -> None:
    write_loop(tmp_path, "http://127.0.0.1:9/v1")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/recipe.toml").touch()
    (tmp_path / "out/LOOP.json").write_text(state)
    done = _loop(tmp_path)
    assert done.returncode == 2 and done.stderr.startswith("starbeam: ") and "is no state of a loop" in done.stderr


def test_rows_of_all_rounds_each_once_and_the_stop_rule(server: TeacherServer, tmp_path: Path) -> None:
    write_loop(tmp_path, server.url)
    changes = ["loop.data=all", "loop.restart=false", "loop.patience=1", "loop.min_gain=1.0", "loop.grow_by=5"]
    done = _loop(tmp_path, *(flag for one in changes for flag in ("--set", one)), rounds=9)
    assert done.returncode == 0, done.stderr
    assert len(trainings(tmp_path)) == 1  # no gain can be 1.0, so the second model is the last
    assert done.stdout.strip() in ("base", (tmp_path / "out/round-000/model/model.txt").read_text())


def test_a_verifier_is_trained_once_on_the_samples_of_all_rounds(server: TeacherServer, tmp_path: Path) -> None:
    write_loop(tmp_path, server.url)
    with open(tmp_path / "recipe.toml", "a") as recipe:
        recipe.write(f'[loop.verifier]\ntrainer = [{json.dumps(sys.executable)}, "trainer.py"]\nconfig = "labelled"\nsteps = 7\n')
    changes = ("--set", "loop.config=prompt_completion", "--set", "strategy.samples=3")
    assert _loop(tmp_path, *changes).returncode == 0
    assert trainings(tmp_path) == ["40 from base", "48 from base", "7 from base"]
    rows = rows_of(tmp_path / "out/round-001/verifier/data")
    judged = [row for number in (0, 1) for row in rows_of(tmp_path / f"out/round-00{number}/run/release/labelled")]
    assert {True, False} == {row["label"] for row in rows} and len(rows) < len(judged)  # what two rounds say is there once
    assert {(row["prompt"][0]["content"], row["completion"][0]["content"]) for row in rows} == {
        (row["prompt"][0]["content"], row["completion"][0]["content"]) for row in judged
    }
    assert _loop(tmp_path, *changes).returncode == 0 and len(trainings(tmp_path)) == 3
    assert _loop(tmp_path, *changes, rounds=3).returncode == 0  # another verifier, of three rounds
    assert trainings(tmp_path)[3:] == ["58 from base", "7 from base"]
    assert all(one["yield"]["tokens"] > 0 for one in contents(tmp_path / "out")["rounds"][:3])


def test_nothing_kept_is_one_line(tmp_path: Path) -> None:
    with teacher_server(right=0.0) as server:
        write_loop(tmp_path, server.url)
        done = _loop(tmp_path, "--set", "strategy.rationalize=0")
    assert done.returncode == 1 and "no row was kept, so there is nothing to train on" in done.stderr.splitlines()[-1]
    assert "--config rejected` says why" in done.stderr


def test_a_budget_is_of_the_whole_loop(tmp_path: Path) -> None:
    """No phase costs as much as the budget, all together cost more."""
    priced = ("--set", "teacher.main.price={output=1000}")  # a token costs a thousandth
    costs = []
    with teacher_server(right=0.5) as server:
        for name, budget in (("rich", 1e6), ("poor", 0.0)):
            (tmp_path / name).mkdir()
            write_loop(tmp_path / name, server.url)
            server.set(reset=True)
            done = _loop(tmp_path / name, *priced, "--set", f"budget={budget or 0.7 * costs[0]:.3f}")
            costs.append(server.stats()["completion_tokens"] / 1000)
    assert done.returncode == 2 and f"budget = {0.7 * costs[0]:.3f}".rstrip("0") in done.stderr.splitlines()[-1]
    assert 0 < costs[1] <= 0.7 * costs[0]
