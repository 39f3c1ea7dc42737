"""A fifth of all calls fail, each kind of failure among them: every sample arrives or is rejected with the last error."""

from pathlib import Path

import pytest

from tests.load.paid_runs import outcomes, questions_of, rejected, settings, shard_hashes, write_recipe
from tests.pipeline.recipes_for_tests import starbeam
from tests.teacher_server import FAULTS, STATUSES, teacher_server

pytestmark = pytest.mark.load

PASSING = [kind for kind in (*STATUSES, *FAULTS) if kind not in ("401", "404", "400")]  # no retry mends those three
STORM = dict.fromkeys(PASSING, 0.2 / len(PASSING))
SAMPLES = 2
# A silent server is left after a second; so is one that wants to be left alone for one.
IMPATIENT = ("teacher.main.idle_timeout=1", "teacher.main.timeout=5")


def _stormy(folder: Path, count: int, *changes: str, **server_settings: object) -> Path:
    with teacher_server(latency=0.02, errors=STORM, **server_settings) as server:
        write_recipe(folder, server.url, questions_of(count), SAMPLES)
        done = starbeam("build", "recipe.toml", "--out", "run", *settings(*IMPATIENT, *changes), cwd=folder)
        assert done.returncode == 0, done.stderr
        stats = server.stats()
    assert set(stats["errors"]) == set(PASSING), "each kind came"
    assert 0.1 < sum(stats["errors"].values()) / stats["calls"] < 0.3
    assert stats["peak"] <= 64
    return folder / "run"


def test_with_enough_tries_every_sample_arrives(tmp_path: Path) -> None:
    found = outcomes(_stormy(tmp_path, 600))
    assert len(found) == 600
    # Of 600 calls, 600 × 0.2⁸ = 0.002 are expected to fail 8 times.
    assert {question: one for question, one in found.items() if one != (SAMPLES, 0)} == {}


def test_what_is_given_up_is_rejected_with_its_last_error(tmp_path: Path) -> None:
    run = _stormy(tmp_path, 600, "teacher.main.attempts=2")
    found = outcomes(run)
    assert all(one.samples + one.missing == SAMPLES for one in found.values())
    assert 0 < sum(one.missing > 0 for one in found.values()) < 300  # 600 × 0.2² = 24 are expected
    assert {row["reason"] for row in rejected(run)} == {"teacher_failed"}
    assert all("given up after 2 tries: " in row["detail"] and "127.0.0.1" in row["detail"] for row in rejected(run))


def test_another_run_brings_what_failed_and_the_bytes_of_calm_weather(tmp_path: Path) -> None:
    faults = dict.fromkeys(("500", "reset", "cut"), 0.2 / 3)  # those after which no text of another kind is kept
    with teacher_server(errors=faults) as server:
        write_recipe(tmp_path, server.url, questions_of(300), SAMPLES)
        build = ("build", "recipe.toml", "--set", "teacher.main.attempts=2")
        assert starbeam(*build, "--out", "stormy", cwd=tmp_path).returncode == 0
        lost = [question for question, one in outcomes(tmp_path / "stormy").items() if one.missing]
        assert lost
        server.set(errors={}, reset=True)
        assert starbeam(*build, "--out", "stormy", cwd=tmp_path).returncode == 0
        assert server.stats()["calls"] == len(lost), "only what is missing is asked"
        assert starbeam(*build, "--out", "calm", cwd=tmp_path).returncode == 0
    assert not rejected(tmp_path / "stormy")
    assert shard_hashes(tmp_path / "stormy") == shard_hashes(tmp_path / "calm")
