"""Runs with a paid teacher: what is asked anew and what is not, and how an answer becomes a row."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.load.paid_runs import questions_of, rows_of, settings, shard_hashes, write_recipe
from tests.pipeline.recipes_for_tests import starbeam
from tests.teacher_server import TeacherServer, teacher_server

QUESTIONS = questions_of(12)


@pytest.fixture(scope="module")
def shared() -> Iterator[TeacherServer]:
    with teacher_server() as one:
        yield one


@pytest.fixture
def server(shared: TeacherServer) -> TeacherServer:
    """Return the module's server as a new one would be."""
    shared.set(reset=True, mode="plain", most_choices=0)
    return shared


def _sampled(folder: Path, *changes: str, out: str = "run", command: str = "sample") -> list[dict[str, Any]]:
    done = starbeam(command, "recipe.toml", "--out", out, *settings(*changes), cwd=folder)
    assert done.returncode == 0, done.stderr
    return rows_of(folder / out / "samples")


def _calls(server: TeacherServer) -> int:
    return int(server.stats()["calls"])


ASKED_ANEW = [
    "seed=6",
    "teacher.main.model=other",
    "teacher.main.revision=abc",
    "teacher.main.api=completions",
    "teacher.main.sampling.temperature=0.5",
    "teacher.main.sampling.max_tokens=255",
    'teacher.main.sampling.stop=["END"]',
    "teacher.main.sampling.logprobs=true",
    "teacher.main.extra_body.guided_choice=5",
    "teacher.main.seeded=false",
]
NOT_ASKED_ANEW = [
    "name=other",
    "teacher.main.max_in_flight=3",
    "teacher.main.price={ input = 1.0, output = 2.0 }",
    "teacher.main.timeout=77",
    "teacher.main.patience=5",
    "teacher.main.requests_per_minute=6000000",
    "teacher.spare={ kind = 'solver' }\nstrategy.teachers=['main']",
    "dedupe.threshold=0.5",
]


@pytest.mark.load
def test_what_decides_an_answer_is_asked_anew_and_nothing_else_is(tmp_path: Path, server: TeacherServer) -> None:
    write_recipe(tmp_path, server.url, QUESTIONS)
    first = _sampled(tmp_path)
    assert _calls(server) == len(QUESTIONS)
    for change in NOT_ASKED_ANEW:
        assert _sampled(tmp_path, *change.split("\n")) == first, change
        assert _calls(server) == len(QUESTIONS), change
    with teacher_server() as moved:  # the same model at another address
        assert _sampled(tmp_path, f"teacher.main.base_url={moved.url}") == first
        assert _calls(moved) == 0
    for number, change in enumerate(ASKED_ANEW, start=2):
        _sampled(tmp_path, change, "teacher.main.model=test" if "model" not in change else change)
        assert _calls(server) == number * len(QUESTIONS), change
    assert _sampled(tmp_path) == first  # and what was paid for before is still there
    assert _calls(server) == (len(ASKED_ANEW) + 1) * len(QUESTIONS)


def test_a_changed_question_is_asked_and_the_others_are_not(tmp_path: Path, server: TeacherServer) -> None:
    write_recipe(tmp_path, server.url, QUESTIONS)
    _sampled(tmp_path)
    write_recipe(tmp_path, server.url, [*QUESTIONS[1:], "What is 70 + 3?"])
    _sampled(tmp_path)
    assert _calls(server) == len(QUESTIONS) + 1


def test_more_samples_later_ask_for_the_new_ones_only_and_change_no_old_one(tmp_path: Path, server: TeacherServer) -> None:
    write_recipe(tmp_path, server.url, QUESTIONS, samples=2)
    few = {row["sample_id"] for row in _sampled(tmp_path)}
    many = {row["sample_id"] for row in _sampled(tmp_path, "strategy.samples=5")}
    assert few < many and len(many) == 5 * len(QUESTIONS)
    assert server.stats()["given"] == 5 * len(QUESTIONS)


@pytest.mark.load
def test_a_run_that_is_replayed_makes_no_call_and_gives_the_same_bytes(tmp_path: Path, server: TeacherServer) -> None:
    write_recipe(tmp_path, server.url, QUESTIONS, samples=3)
    _sampled(tmp_path, command="build")
    before = shard_hashes(tmp_path / "run")
    calls = _calls(server)
    for file in (tmp_path / "run" / "samples").iterdir():
        file.unlink()
    _sampled(tmp_path, command="build")
    assert shard_hashes(tmp_path / "run") == before and _calls(server) == calls
    _sampled(tmp_path, "teacher.main.max_in_flight=1", command="build", out="slow")
    assert shard_hashes(tmp_path / "slow") == before


@pytest.mark.parametrize("mode", ["reasoning", "reasoning_content", "inline"])
def test_the_thought_is_kept_apart_from_the_response(mode: str, tmp_path: Path, server: TeacherServer) -> None:
    server.set(mode=mode)
    write_recipe(tmp_path, server.url, QUESTIONS)
    rows = _sampled(tmp_path)
    assert len(rows) == len(QUESTIONS)
    for row in rows:
        assert row["reasoning"] and "<think>" not in row["reasoning"] + row["response"]
        assert row["reasoning"] not in row["response"]
        assert row["prompt_tokens"] > 0 and row["completion_tokens"] > 0 and row["finish_reason"] == "stop"


def test_a_server_that_gives_one_choice_at_a_time_is_asked_for_the_missing_ones_alone(
    tmp_path: Path, server: TeacherServer
) -> None:
    server.set(most_choices=1)
    write_recipe(tmp_path, server.url, QUESTIONS, samples=4)
    rows = _sampled(tmp_path)
    assert len(rows) == 4 * len(QUESTIONS)
    stats = server.stats()
    assert stats["given"] == 4 * len(QUESTIONS) and stats["answered_twice"] == 0


def test_log_probabilities_fill_their_column(tmp_path: Path, server: TeacherServer) -> None:
    write_recipe(tmp_path, server.url, QUESTIONS)
    for api in ("chat", "completions"):
        rows = _sampled(tmp_path, "teacher.main.sampling.logprobs=true", f"teacher.main.api={api}", out=api)
        assert all(row["logprob"] < 0 for row in rows)


def test_a_mixture_asks_each_by_its_weight_and_each_row_says_whom(tmp_path: Path, server: TeacherServer) -> None:
    write_recipe(tmp_path, server.url, questions_of(150), samples=2)
    with open(tmp_path / "recipe.toml", "a") as recipe:
        recipe.write(
            f"""
[teacher.small]
kind = "openai"
base_url = "{server.url}"
model = "test"
[teacher.both]
kind = "mixture"
weights = {{ main = 3, small = 1 }}
[teacher.judge]
kind = "openai"
base_url = "http://127.0.0.1:9/v1"
model = "never asked"
"""
        )
    rows = _sampled(tmp_path)
    shares = Counter(row["teacher"] for row in rows)
    assert len(rows) == 300 and shares.keys() == {"main", "small"}
    assert 180 < shares["main"] < 270  # 225 ± 6 standard deviations of 7.5
    said = starbeam("check", "recipe.toml", cwd=tmp_path).stdout
    assert "teacher main (openai): 187 to 263 samples" in said and "teacher small (openai): 37 to 113 samples" in said
    assert "judge" not in said


BAD = {
    'teacher.main.base_url="ftp://x"': "base_url must begin with http://",
    'teacher.main.base_url="http://user:pw@x/v1"': "must hold no password",
    "teacher.main.extra_body.messages=1": "extra_body must not hold 'messages'",
    "teacher.main.extra_body.max_tokens=5000": "extra_body must not hold 'max_tokens'",
    "teacher.main.extra_body.d=nan": "extra_body must be plain JSON",
    "teacher.main.sampling.max_completion_tokens=9": "two names of one bound",
    "teacher.main.sampling.max_tokens=99999999999999999999999": "max_tokens",
    "teacher.main.timeout=inf": "finite number",
    "teacher.main.price={ input = inf, output = 1.0 }": "finite number",
    'strategy.teachers=["main","main"]': "teachers must be different",
    "teacher.main.sampling.temperatur=1": "did you mean 'temperature'?",
    "teacher.main.sampling.temperature=-1": "greater than or equal to 0",
    "teacher.main.sampling.temperature=nan": "temperature",
    "teacher.main.max_in_flight=0": "greater than or equal to 1",
    "teacher.main.template=x": "template must hold {prompt} once",
    "teacher.main.price={ input = -1.0, output = 1.0 }": "greater than or equal to 0",
    "budget=1": "needs a price of each teacher",
    "budget=0": "greater than 0",
    "teacher.mix={ kind = 'mixture', weights = { mian = 1 } }": "did you mean 'main'?",
    "teacher.mix={ kind = 'mixture', weights = { main = 0 } }": "greater than 0",
    "teacher.main.api_key_env=STARBEAM_NO_SUCH_KEY": "the environment holds no such variable",
}


@pytest.mark.parametrize("change", BAD)
def test_a_mistake_is_one_line_and_exit_2_before_any_call(change: str, tmp_path: Path, server: TeacherServer) -> None:
    write_recipe(tmp_path, server.url, QUESTIONS)
    done = starbeam("sample", "recipe.toml", "--out", "run", "--set", change, cwd=tmp_path)
    assert done.returncode == 2 and BAD[change] in done.stderr and done.stderr.count("\n") == 1
    assert not (tmp_path / "run" / "recipe.toml").exists()
    assert _calls(server) == 0
