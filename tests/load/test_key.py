"""The API key is in no file and no message, whatever a server or a person does with it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.load.paid_runs import questions_of, rows_of, settings, write_recipe
from tests.pipeline.recipes_for_tests import Done, starbeam
from tests.teacher_server import TeacherServer, teacher_server

pytestmark = pytest.mark.load

VARIABLE = "STARBEAM_TEST_KEY"
KEY = "sk-Hostile/Key+42=="
ERRORS = {"500": 0.1, "html": 0.05, "truncated": 0.05, "400": 0.1, "no_choices": 0.05}


@pytest.fixture(params=["plain", "escaped"])
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[TeacherServer]:
    """Return a server that puts the key into each of its texts, errors and headers."""
    monkeypatch.setenv(VARIABLE, KEY)
    with teacher_server(key=KEY, echo=request.param, errors=ERRORS, errors_from=20, latency=0.01) as one:
        yield one


def _build(folder: Path, *changes: str) -> Done:
    change = settings(f"teacher.main.api_key_env={VARIABLE}", *changes)
    return starbeam("build", "recipe.toml", "--out", "run", *change, cwd=folder)


def _holds_key(text: str) -> bool:
    """Return whether a text holds the key, also spelled with escapes of JSON."""
    plain = text.replace("\\/", "/")
    for one in set(KEY):
        plain = plain.replace(f"\\u{ord(one):04x}", one)
    return KEY in plain or KEY[3:-2] in plain


def _leaks(run: Path) -> list[str]:
    """Return the files of a run that hold the key; Parquet is read, since it is compressed."""
    leaks = [str(path) for path in run.rglob("*") if path.is_file() and _holds_key(path.read_bytes().decode("utf-8", "replace"))]
    folders = {path.parent for path in run.rglob("*.parquet")}
    return leaks + [str(folder) for folder in folders if _holds_key(json.dumps(rows_of(folder), default=str, ensure_ascii=False))]


def test_the_search_finds_a_key_in_every_kind_of_file(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    (tmp_path / "a").mkdir()
    (tmp_path / "log.jsonl").write_text(json.dumps({"text": "".join(f"\\u{ord(one):04x}" for one in KEY)}).replace("\\\\", "\\"))
    pq.write_table(pa.table({"text": [f"key {KEY}"] * 50}), tmp_path / "a" / "part.parquet")
    assert len(_leaks(tmp_path)) >= 2


def test_no_file_and_no_message_of_a_run_holds_the_key(tmp_path: Path, server: TeacherServer) -> None:
    write_recipe(tmp_path, server.url, questions_of(100), samples=2)
    done = _build(tmp_path, "teacher.main.attempts=2")
    assert done.returncode == 0, done.stderr
    assert server.stats()["given"] > 100 and set(server.stats()["errors"]) == set(ERRORS)
    assert not _holds_key(done.stdout + done.stderr)
    assert _leaks(tmp_path / "run") == []
    shown = starbeam("show", "run", "--rows", "5", cwd=tmp_path)
    assert shown.returncode == 0 and not _holds_key(shown.stdout + shown.stderr)


@pytest.mark.parametrize("kind", ["401", "404", "400", "500"])
def test_no_message_about_a_failing_teacher_holds_the_key(tmp_path: Path, server: TeacherServer, kind: str) -> None:
    server.set(errors={kind: 1.0}, errors_from=0)
    write_recipe(tmp_path, server.url, questions_of(50))
    done = _build(tmp_path, "teacher.main.patience=0.5")
    assert done.returncode in (1, 2) and "teacher.main" in done.stderr
    assert not _holds_key(done.stdout + done.stderr)
    assert _leaks(tmp_path / "run") == []


@pytest.mark.parametrize(
    "typo",
    [
        f"teacher.main.api_key={KEY}",
        f"teacher.main.api_key_env={KEY}",
        f"teacher.main.api_key_evn={KEY}",
        f"teacher.main.base_url=http://user:{KEY}@127.0.0.1:1/v1",
        f"teacher.main.base_url=http://127.0.0.1:1/v1?key={KEY}",
        f"teacher.api_key={KEY}",
        f"api_key={KEY}",
    ],
)
def test_a_key_in_a_wrong_place_is_not_repeated(tmp_path: Path, typo: str) -> None:
    write_recipe(tmp_path, "http://127.0.0.1:1/v1", questions_of(5))
    done = starbeam("build", "recipe.toml", "--out", "run", "--set", typo, cwd=tmp_path)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert not _holds_key(done.stdout + done.stderr)
    assert _leaks(tmp_path) == []


def test_a_run_that_is_aborted_leaves_no_key(tmp_path: Path, server: TeacherServer) -> None:
    write_recipe(tmp_path, server.url, questions_of(2000), samples=2)
    command = [str(Path(sys.executable).with_name("starbeam")), "build", "recipe.toml", "--out", "run"]
    command += settings(f"teacher.main.api_key_env={VARIABLE}", "teacher.main.max_in_flight=8")
    environment = {**os.environ, "PYTHONFAULTHANDLER": "1"}
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as process:
        while server.stats()["given"] < 200:
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGABRT)
        said, _ = process.communicate(timeout=60)
    assert "Fatal Python error" in said and not _holds_key(said)
    assert list((tmp_path / "run" / "journal").rglob("*.jsonl")) and _leaks(tmp_path / "run") == []
