"""Runs whose samples are asked in orders of their own: judged as asked, replayed without a call, counted against chance."""

import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.plan import resolve
from pipeline.recipes import parse
from schemas.errors import UserError
from schemas.problem import CHOICE_LABELS
from tests.load.paid_runs import rows_of, settings, shard_hashes
from tests.pipeline.recipes_for_tests import Done, starbeam
from tests.teacher_server import TeacherServer, teacher_server

RECIPE = """
name = "choices"
seed = 5
partitions = 2
[problems]
source = "jsonl"
path = "in.jsonl"
map = {{ choices = "options" }}
checker = "choice"
[teacher.main]
kind = "openai"
base_url = "{url}"
model = "test"
[strategy]
samples = 4
shuffle_choices = true
[select]
keep = ["correct", "beats_chance"]
"""
PROBLEMS = 12


@pytest.fixture(scope="module")
def shared() -> Iterator[TeacherServer]:
    with teacher_server() as one:
        yield one


@pytest.fixture
def server(shared: TeacherServer, tmp_path: Path) -> TeacherServer:
    shared.set(reset=True, right=1.0)
    _write_recipe(tmp_path, shared.url)
    return shared


@pytest.fixture(scope="module")
def built(shared: TeacherServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a finished run, which no test changes."""
    folder = tmp_path_factory.mktemp("choices")
    shared.set(right=1.0)
    _write_recipe(folder, shared.url)
    _done(folder)
    return folder


def _write_recipe(folder: Path, url: str) -> None:
    (folder / "recipe.toml").write_text(RECIPE.format(url=url))
    lines = []
    for number in range(PROBLEMS):
        options = [str(value) for value in range(number + 5, number + 10)]
        random.Random(number).shuffle(options)
        gold = CHOICE_LABELS[options.index(str(number + 7))] if number % 2 else str(number + 7)
        lines.append(json.dumps({"question": f"What is {number} + 7?", "options": options, "answer": gold}))
    (folder / "in.jsonl").write_text("\n".join(lines))


def _done(folder: Path, *changes: str, command: str = "build", out: str = "run") -> Done:
    done = starbeam(command, "recipe.toml", "--out", out, *settings(*changes), cwd=folder)
    assert done.returncode == 0, done.stderr
    return done


def _annotated(run: Path) -> list[dict[str, Any]]:
    return rows_of(run / "annotated")


@pytest.mark.load
def test_a_right_option_is_right_under_whatever_letter_it_was_asked(built: Path) -> None:
    rows = _annotated(built / "run")
    assert len(rows) == 4 * PROBLEMS and {row["verdict"]["status"] for row in rows} == {"correct"}
    moved = [row for row in rows if row["choice_order"]]
    assert len(moved) == 3 * PROBLEMS and len({tuple(row["choice_order"]) for row in moved}) > 10
    assert len({row["verdict"]["extracted"] for row in moved if row["question"] == "What is 0 + 7?"}) > 1
    for row in rows:
        order = row["choice_order"] or range(5)
        asked = [f"({label}) {row['choices'][place]}" for label, place in zip("ABCDE", order, strict=True)]
        assert row["prompt"][0]["content"] == "\n".join([row["question"], *asked])
        assert row["choices"][order[CHOICE_LABELS.index(row["verdict"]["extracted"])]] == str(int(row["question"].split()[2]) + 7)
    first = moved[0]
    shown = starbeam("show", "run", "--id", first["sample_id"], cwd=built).stdout
    assert f"options asked in the order {', '.join(CHOICE_LABELS[place] for place in first['choice_order'])}" in shown


@pytest.mark.load
def test_one_that_likes_a_letter_does_not_beat_chance(tmp_path: Path, server: TeacherServer) -> None:
    server.set(right=0.0)  # then it answers A
    _done(tmp_path)
    rows = _annotated(tmp_path / "run")
    assert {row["verdict"]["extracted"] for row in rows} == {"A"}
    right = sum(row["verdict"]["status"] == "correct" for row in rows if row["choice_order"])
    assert 0 < right < 18  # of 36: 7.2 by chance, ± 4 deviations of 2.4
    kept = rows_of(tmp_path / "run" / "release" / "full")
    assert all(row["chance"]["p_value"] <= 0.05 for row in kept) and len(kept) < right


@pytest.mark.load
def test_it_is_replayed_without_a_call_and_more_samples_ask_for_the_new_ones_only(
    tmp_path: Path, built: Path, server: TeacherServer
) -> None:
    shutil.copytree(built / "run", tmp_path / "run")
    before, few = shard_hashes(tmp_path / "run"), {row["sample_id"] for row in _annotated(tmp_path / "run")}
    for file in (tmp_path / "run" / "samples").iterdir():
        file.unlink()
    _done(tmp_path)
    assert shard_hashes(tmp_path / "run") == before and server.stats()["given"] == 0
    _done(tmp_path, "strategy.samples=6", command="sample")
    assert few < {row["sample_id"] for row in rows_of(tmp_path / "run" / "samples")} and server.stats()["given"] == 2 * PROBLEMS
    said = starbeam("check", "recipe.toml", cwd=tmp_path).stdout
    assert f"up to {4 * PROBLEMS} samples in {4 * PROBLEMS} calls" in said


def test_recorded_samples_were_asked_in_the_order_of_their_file() -> None:
    text = RECIPE.format(url="http://127.0.0.1:9/v1")
    old = "teacher.old={ kind = 'recorded', path = 'in.jsonl' }"
    with pytest.raises(UserError, match=r"shuffle_choices = true: teacher 'old' is recorded"):
        resolve(parse(text, "r.toml", [old]))
    assert resolve(parse(text, "r.toml", [old, 'strategy.teachers=["main"]'])).asked == ["main"]
