"""Teachers that are wrong, refuse or go away: one line says what to change, and nothing paid for is lost."""

import collections
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.load.paid_runs import Outcome, outcomes, questions_of, rejected, settings, shard_hashes, write_recipe
from tests.pipeline.recipes_for_tests import Done, starbeam
from tests.teacher_server import TeacherServer, teacher_server

pytestmark = pytest.mark.load

MANY = 200


@pytest.fixture
def server() -> Iterator[TeacherServer]:
    """Return a server that wants its model's name."""
    with teacher_server(model="test", latency=0.02) as one:
        yield one


def _build(folder: Path, *changes: str, out: str = "run") -> Done:
    return starbeam("build", "recipe.toml", "--out", out, *settings(*changes), cwd=folder)


def _said(done: Done) -> str:
    """Return the one line with which a command ended: what comes before it is progress."""
    *_, last = done.stderr.splitlines()
    assert last.startswith("starbeam: ") and "Traceback" not in done.stderr + done.stdout
    return last


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_refused_connection_names_the_address_and_ends_soon(tmp_path: Path) -> None:
    port = _free_port()
    write_recipe(tmp_path, f"http://127.0.0.1:{port}/v1", questions_of(MANY))
    done = _build(tmp_path)
    said = _said(done)
    assert done.returncode == 2 and f"127.0.0.1:{port}" in said and "base_url" in said and "teacher.main" in said


def test_a_wrong_path_names_base_url(tmp_path: Path, server: TeacherServer) -> None:
    write_recipe(tmp_path, server.url.replace("/v1", "/wrong"), questions_of(MANY))
    done = _build(tmp_path)
    assert done.returncode == 2 and "base_url" in _said(done) and "404" in _said(done)


def test_a_wrong_model_stops_at_the_first_calls(tmp_path: Path, server: TeacherServer) -> None:
    write_recipe(tmp_path, server.url, questions_of(MANY))
    done = _build(tmp_path, "teacher.main.model=other", "teacher.main.max_in_flight=4")
    assert done.returncode == 2 and "model = 'other'" in _said(done)
    assert 1 <= server.stats()["calls"] <= 4


def test_a_missing_key_stops_at_the_first_calls(tmp_path: Path, server: TeacherServer) -> None:
    server.set(key="sk-wanted")
    write_recipe(tmp_path, server.url, questions_of(MANY))
    done = _build(tmp_path, "teacher.main.max_in_flight=4")
    assert done.returncode == 2 and "api_key_env" in _said(done) and "401" in _said(done)
    assert 1 <= server.stats()["calls"] <= 4


def test_requests_that_are_all_refused_stop_the_run(tmp_path: Path, server: TeacherServer) -> None:
    server.set(errors={"400": 1.0})
    write_recipe(tmp_path, server.url, questions_of(MANY))
    done = _build(tmp_path, "teacher.main.max_in_flight=4")
    assert done.returncode == 2 and "refused" in _said(done) and "sampling" in _said(done)
    assert server.stats()["calls"] < MANY / 4


def test_a_prompt_that_is_too_long_rejects_its_problem_only(tmp_path: Path, server: TeacherServer) -> None:
    server.set(max_prompt=200)
    long = "What is 2 + 2? " + "Think well. " * 40
    write_recipe(tmp_path, server.url, [*questions_of(MANY), long], samples=2)
    done = _build(tmp_path)
    assert done.returncode == 0, done.stderr
    found = outcomes(tmp_path / "run")
    assert found.pop(long) == (0, 2)
    assert set(found.values()) == {(2, 0)}
    (reject,) = rejected(tmp_path / "run")
    assert reject["reason"] == "prompt_too_long" and "maximum context length" in reject["detail"]


def _when_it_answers(server: TeacherServer, calls: int) -> None:
    while server.stats()["given"] < calls:
        time.sleep(0.01)


def test_a_teacher_that_stays_away_stops_the_run_and_the_next_one_goes_on(tmp_path: Path, server: TeacherServer) -> None:
    write_recipe(tmp_path, server.url, questions_of(MANY))
    patient = ("teacher.main.patience=2", "teacher.main.max_in_flight=8")

    def die() -> None:
        _when_it_answers(server, 50)
        server.stop()

    killer = threading.Thread(target=die)
    killer.start()
    done = _build(tmp_path, *patient)
    killer.join()
    said = _said(done)
    assert done.returncode == 1 and "teacher.main" in said and "every call has failed" in said and "same command" in said
    server.start()
    done = _build(tmp_path, *patient)
    assert done.returncode == 0, done.stderr
    assert MANY - 2 * 50 <= server.stats()["calls"] <= MANY - 50 + 8, "what was answered is not asked again, calls in flight are"
    assert _build(tmp_path, *patient, out="undisturbed").returncode == 0
    assert shard_hashes(tmp_path / "run") == shard_hashes(tmp_path / "undisturbed")


def test_a_teacher_that_comes_back_finishes_the_run(tmp_path: Path, server: TeacherServer) -> None:
    write_recipe(tmp_path, server.url, questions_of(MANY))

    def away() -> None:
        _when_it_answers(server, 50)
        server.stop()
        time.sleep(1.5)
        server.start()

    thread = threading.Thread(target=away)
    thread.start()
    done = _build(tmp_path, "teacher.main.max_in_flight=8", "teacher.main.attempts=1")
    thread.join()
    assert done.returncode == 0, done.stderr
    found = collections.Counter(outcomes(tmp_path / "run").values())
    # One try each: only a call that failed after another had succeeded again may be given up.
    whole, failed = found[Outcome(1, 0)], found[Outcome(0, 1)]
    assert whole >= MANY - 8 and whole + failed == MANY


PRICE = "teacher.main.price={ input = 1.0, output = 2.0 }"


def _cost(stats: dict[str, int]) -> float:
    """Return what the server's own counts come to at PRICE."""
    return (stats["prompt_tokens"] * 1.0 + stats["completion_tokens"] * 2.0) / 1e6


def test_a_budget_is_kept_and_a_higher_one_goes_on_to_the_same_bytes(tmp_path: Path, server: TeacherServer) -> None:
    write_recipe(tmp_path, server.url, questions_of(MANY))
    assert _build(tmp_path, PRICE, out="undisturbed").returncode == 0
    whole = server.stats()
    budget = _cost(whole) / 2
    server.set(reset=True)
    done = _build(tmp_path, PRICE, f"budget={budget!r}")
    stopped = server.stats()
    assert done.returncode == 2 and "budget" in _said(done) and "raise" in _said(done)
    assert 0 < _cost(stopped) <= budget
    again = _build(tmp_path, PRICE, f"budget={budget!r}")
    assert again.returncode == 2 and _cost(server.stats()) <= budget, "what was spent before counts"
    done = _build(tmp_path, PRICE, "budget=0.1")
    assert done.returncode == 0, done.stderr
    in_all = server.stats()
    assert in_all["calls"] == whole["calls"] == MANY and in_all["twice"] == 0
    assert shard_hashes(tmp_path / "run") == shard_hashes(tmp_path / "undisturbed")
