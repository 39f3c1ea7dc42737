"""Whole runs: the same recipe gives the same bytes, whatever happens on the way."""

import collections
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import fsspec
import pyarrow.parquet as pq
import pytest

from pipeline.build import Options, build
from pipeline.plan import Plan, resolve
from pipeline.recipes import parse
from pipeline.rundir import claim
from pipeline.terminal import console_of
from schemas.errors import RunError, UserError
from schemas.tables import FULL_SCHEMA, PROBLEMS_SCHEMA, REJECTED_SCHEMA, SFT_SCHEMA, SIGNATURES_SCHEMA
from tests.pipeline.recipes_for_tests import RECORDED, SOLVED, recorded_lines, release_hashes, starbeam

QUIET = console_of(stderr=True)


def _plan(text: str, *settings: str) -> Plan:
    return resolve(parse(text, "test.toml", settings))


def _built(tmp_path: Path, name: str, text: str = SOLVED, *settings: str, **options: Any) -> Path:
    run = tmp_path / name
    build(_plan(text, *settings), Options(str(run), **options), QUIET)
    return run


def _copy(run: Path, folder: Path) -> Path:
    """Return a copy of a run, which a test may change; its files keep their times."""
    return Path(shutil.copytree(run, folder / "run"))


def _manifest(run: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((run / "release" / "MANIFEST.json").read_text())
    return manifest


@pytest.fixture(scope="module")
def solved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a finished run of SOLVED."""
    return _built(tmp_path_factory.mktemp("solved"), "run")


def test_a_release_is_what_its_manifest_says(solved: Path) -> None:
    manifest = _manifest(solved)
    hashes = release_hashes(solved)
    hashes.pop("MANIFEST.json")
    assert {entry["path"]: entry["sha256"] for entry in manifest["files"]} == hashes
    schemas = {
        "full": FULL_SCHEMA,
        "sft": SFT_SCHEMA,
        "problems": PROBLEMS_SCHEMA,
        "rejected": REJECTED_SCHEMA,
        "signatures": SIGNATURES_SCHEMA,
    }
    for entry in manifest["files"]:
        table = pq.read_table(solved / "release" / entry["path"])
        assert table.num_rows == entry["rows"] and table.schema == schemas[entry["config"]]
    for config, entry in manifest["configs"].items():
        assert entry["rows"] == sum(one["rows"] for one in manifest["files"] if one["config"] == config)
        assert entry["files"] == 3
    assert str(solved) not in (solved / "release" / "MANIFEST.json").read_text()


def test_the_funnel_adds_up(solved: Path) -> None:
    funnel = _manifest(solved)["funnel"]
    assert funnel["problem_records"] == 50 and funnel["problems"] + funnel["repeated"] == 50
    assert funnel["samples"] == 2 * funnel["problems"] == sum(funnel["verdicts"].values())
    assert funnel["samples"] == funnel["kept"] + sum(funnel["rejected_samples"].values())
    assert funnel["verdicts"]["correct"] > funnel["verdicts"]["incorrect"] > 0
    assert funnel["teachers"]["main"] == {name: count for name, count in funnel["verdicts"].items() if count}
    assert funnel["origins"] == {"solved": funnel["teachers"]["main"]}
    reflection = _manifest(solved)["reflection"]["overall"]
    assert {label: one["reflections"] for label, one in reflection["labels"].items() if one["reflections"]} == funnel["reflections"]
    assert reflection["verdicts"] == funnel["verdicts"] and reflection["chains"] == funnel["samples"]


def test_every_problem_is_in_the_pass_rates_and_they_are_those_of_the_manifest(solved: Path) -> None:
    funnel, covered = _manifest(solved)["funnel"], _manifest(solved)["coverage"]["main"]
    rows = [row for path in sorted((solved / "release" / "problems").iterdir()) for row in pq.read_table(path).to_pylist()]
    assert len({row["problem_id"] for row in rows}) == len(rows) == funnel["problems"] == covered["problems"]
    assert sum(row["right"] for row in rows) == funnel["verdicts"]["correct"] and sum(row["kept"] for row in rows) == funnel["kept"]
    endings = collections.Counter((row["trials"], row["right"], 2, row["teacher"]) for row in rows)
    assert endings == {(n, c, reach, "main"): problems for n, c, reach, problems in covered["outcomes"]}
    for k, value, problems in covered["pass_at_k"]:
        assert value == pytest.approx(sum(row["pass_at_k"][k - 1] for row in rows) / problems) and problems == len(rows)
    assert [k for k, _, _ in covered["pass_at_k"]] == [1, 2] and covered["no_fit"] == "too_few_points"


def test_shards_are_sorted_and_rows_are_whole(solved: Path) -> None:
    for path in (solved / "release" / "full").iterdir():
        rows = pq.read_table(path).to_pylist()
        assert [(row["problem_id"], row["index"]) for row in rows] == sorted((row["problem_id"], row["index"]) for row in rows)
        for row in rows:
            assert row["verdict"]["status"] == "correct" and row["origin"] == "solved" and row["reasoning"]
            assert row["prompt"] == [{"role": "user", "content": row["question"]}]


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"workers": 2}, marks=pytest.mark.load),
        {"beam_flags": ("--direct_runner_bundle_repeat=1",)},
        pytest.param(
            {"beam_flags": ("--runner=PortableRunner", "--job_endpoint=embed", "--environment_type=LOOPBACK")},
            marks=pytest.mark.load,
        ),
    ],
    ids=["two workers", "bundles repeated", "portable runner"],
)
def test_workers_runners_and_repeats_change_no_byte(tmp_path: Path, solved: Path, options: dict[str, Any]) -> None:
    assert release_hashes(_built(tmp_path, "other", **options)) == release_hashes(solved)


def test_the_same_run_again_changes_no_byte_and_does_nothing_twice(solved: Path) -> None:
    before = release_hashes(solved)
    made = {path: path.stat().st_mtime_ns for folder in ("samples", "annotated") for path in (solved / folder).iterdir()}
    build(_plan(SOLVED), Options(str(solved)), QUIET)
    assert release_hashes(solved) == before
    assert {path: path.stat().st_mtime_ns for path in made} == made


@pytest.mark.load
def test_shuffled_input_changes_no_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [*recorded_lines(), "{bad", '{"question": null}', '{"question": "alone", "answer": "#### 1"}']
    runs = []
    for attempt in range(2):
        random.Random(attempt).shuffle(lines)
        (tmp_path / "in.jsonl").write_text("\n".join(lines))
        runs.append(_built(tmp_path, f"run{attempt}", RECORDED))
    assert release_hashes(runs[0]) == release_hashes(runs[1])
    funnel = _manifest(runs[0])["funnel"]
    assert funnel["verdicts"]["correct"] == 38 and funnel["problems"] == 39 and funnel["repeated"] == 2
    assert funnel["rejected_records"] == {"bad_json": 1, "missing_field": 2, "not_asked_for": 4, "null_field": 3}


@pytest.mark.load
def test_another_selection_asks_no_teacher_again(tmp_path: Path, solved: Path) -> None:
    run = _copy(solved, tmp_path)
    samples = {path: path.stat().st_mtime_ns for path in (run / "samples").iterdir()}
    build(_plan(SOLVED, 'select.keep=["has_reasoning"]'), Options(str(run)), QUIET, sample=False)
    assert _manifest(run)["funnel"]["kept"] == _manifest(run)["funnel"]["samples"]
    assert {path: path.stat().st_mtime_ns for path in samples} == samples


def test_every_record_is_kept_or_rejected_with_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    bad = [
        "{",
        '{"answer": "#### 1", "first": "x", "second": "y"}',
        '{"question": null, "answer": "#### 1", "first": "x", "second": "y"}',
        json.dumps({"question": "x" * 10_000_000, "answer": "#### 1"}),
        '{"question": "a \\ud800 b", "answer": "#### 1", "first": "x", "second": "y"}',
        *["{bad"] * 3,  # the same one counts each time
    ]
    (tmp_path / "in.jsonl").write_text("\n".join([*recorded_lines(10), *bad]))
    run = _built(tmp_path, "run", RECORDED)
    rejected = [row for path in (run / "release" / "rejected").iterdir() for row in pq.read_table(path).to_pylist()]
    reasons = {row["reason"] for row in rejected if row["sample_id"] is None}
    assert reasons == {"bad_json", "missing_field", "null_field", "record_too_long", "lone_surrogate", "not_asked_for"}
    assert all(row["stage"] and row["detail"] and row["raw"] is not None for row in rejected if row["sample_id"] is None)
    assert sum(row["reason"] == "bad_json" for row in rejected) == _manifest(run)["funnel"]["rejected_records"]["bad_json"] == 4
    kept = sum(pq.read_table(path).num_rows for path in (run / "release" / "full").iterdir())
    assert kept + sum(row["sample_id"] is not None for row in rejected) == _manifest(run)["funnel"]["samples"] == 16


@pytest.mark.load
def test_a_run_in_memory_never_touches_the_disk(solved: Path) -> None:
    store = fsspec.filesystem("memory")
    build(_plan(SOLVED), Options("memory://run", workers=2), QUIET)
    try:
        assert json.loads(store.cat_file("/run/release/MANIFEST.json")) == _manifest(solved)
    finally:
        store.rm("/run", recursive=True)


@pytest.mark.load
def test_limit_takes_the_first_of_each_source_and_a_later_manifest_still_says_so(tmp_path: Path) -> None:
    run = _built(tmp_path, "run", limit=4)
    assert _manifest(run)["funnel"]["problem_records"] == 12
    build(_plan(SOLVED), Options(str(run)), QUIET, sample=False)
    assert _manifest(run)["limit"] == 4


@pytest.mark.load
def test_a_limit_makes_no_rejects_of_what_it_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.jsonl").write_text("\n".join(recorded_lines(30)))
    funnel = _manifest(_built(tmp_path, "run", RECORDED, limit=5))["funnel"]
    assert (funnel["problems"], funnel["samples"], funnel["rejected_records"]) == (5, 10, {"not_asked_for": 2})


@pytest.mark.load
def test_two_commands_at_once_on_one_run_are_refused(tmp_path: Path) -> None:
    with claim(str(tmp_path / "run"), 3).locked(), pytest.raises(UserError, match="another command is at work"):
        _built(tmp_path, "run")
    assert (_built(tmp_path, "run", limit=1) / "release" / "MANIFEST.json").exists()


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(UserError, match=r"holds 'precious\.txt' but no recipe\.toml"):
        _built(tmp_path, "")
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]


def test_another_number_of_partitions_is_refused(tmp_path: Path, solved: Path) -> None:
    with pytest.raises(UserError, match="partitions = 3, not 4"):
        build(_plan(SOLVED, "partitions=4"), Options(str(solved)), QUIET)
    assert (solved / "release" / "MANIFEST.json").exists()


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("seed=4", "read by another recipe"),
        ("problems.0.count=29", "read by another recipe"),
        ("teacher.main.slip_rate=0.5", "made by another recipe"),
        ("strategy.samples=3", "made by another recipe"),
    ],
)
def test_curate_signs_no_samples_of_another_recipe(solved: Path, setting: str, said: str) -> None:
    before = release_hashes(solved)
    with pytest.raises(UserError, match=f"{said}; run `starbeam sample`"):
        build(_plan(SOLVED, setting), Options(str(solved)), QUIET, sample=False)
    assert release_hashes(solved) == before


@pytest.mark.load
def test_curate_refuses_half_of_another_sampling(tmp_path: Path) -> None:
    run = _built(tmp_path, "run")
    other = _built(tmp_path, "other", SOLVED, "teacher.main.slip_rate=0.5")
    (run / "samples" / "part-00001.parquet").write_bytes((other / "samples" / "part-00001.parquet").read_bytes())
    with pytest.raises(UserError, match=r"samples/part-00001\.parquet: .*made by another recipe"):
        build(_plan(SOLVED), Options(str(run)), QUIET, sample=False)
    build(_plan(SOLVED), Options(str(run)), QUIET)


@pytest.mark.load
def test_a_copy_beyond_its_problems_quota_costs_no_other_problem_its_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    long = " ".join(f"step {n} gives {n}" for n in range(60))
    rows = [
        {"question": "one", "answer": "#### 1", "first": "Short.\nA: 1", "second": f"{long}\nA: 1"},
        {"question": "two", "answer": "#### 1", "first": f"Now {long} indeed\nA: 1", "second": "A: 9"},
    ]
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, rows)))
    run = _built(tmp_path, "run", RECORDED, "select.max_per_problem=1")
    assert _manifest(run)["funnel"]["duplicates"] == {"exact": 0, "near": 1}
    assert _manifest(run)["funnel"]["problems_kept"] == 2


def _children(pid: int) -> list[int]:
    """Return the processes that a process has started; Linux names them by the thread that did."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError):  # a thread that has just ended
            found += [int(child) for child in (task / "children").read_text().split()]
    return found


@pytest.mark.load
def test_a_worker_that_is_killed_is_one_line_even_before_it_has_begun(tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(SOLVED)
    script = Path(sys.executable).with_name("starbeam")
    command = [str(script), "build", "r.toml", "--out", "run", "--workers", "2"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    while not (found := _children(process.pid)) and process.poll() is None:
        time.sleep(0.005)
    os.kill(found[0], signal.SIGKILL)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1 and "a worker process died" in said and "Traceback" not in said
    assert not (tmp_path / "run" / "release" / "MANIFEST.json").exists()


def test_curate_without_samples_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="run `starbeam sample`"):
        build(_plan(SOLVED), Options(str(tmp_path / "run")), QUIET, sample=False)
    assert not (tmp_path / "run").exists()


def test_an_unknown_beam_flag_costs_nothing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--nonsense"):
        _built(tmp_path, "run", beam_flags=("--nonsense=1",))
    assert not (tmp_path / "run").exists()


def test_a_solver_that_is_given_other_problems_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.jsonl").write_text(recorded_lines()[0])
    with pytest.raises(UserError, match=r"kind = 'solver' cannot solve problems of source 'jsonl'"):
        _built(tmp_path, "run", RECORDED.replace('"recorded"\npath = "in.jsonl"', '"solver"').replace("map = {", "# {"))


def _limited(tmp_path: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run starbeam where no file can grow over 20 kB: every write beyond it fails as on a full disk."""
    code = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)); from pipeline.cli import main; main()"
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=100)


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.load
def test_a_full_disk_leaves_no_manifest_and_says_how_to_go_on(tmp_path: Path, solved: Path, workers: str) -> None:
    (tmp_path / "r.toml").write_text(SOLVED)
    run = tmp_path / "run"
    build(_plan(SOLVED), Options(str(run)), QUIET, curate=False)
    failed = _limited(tmp_path, "build", "r.toml", "--out", "run", "--workers", workers)
    last = failed.stderr.strip().splitlines()[-1]
    assert failed.returncode == 1 and "Traceback" not in failed.stderr
    assert "cannot write" in last and "File too large" in last and "the same command goes on" in last
    assert not (run / "release" / "MANIFEST.json").exists() and not list(run.rglob("*.tmp"))
    build(_plan(SOLVED), Options(str(run)), QUIET)
    assert release_hashes(run) == release_hashes(solved)


def test_an_output_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "r.toml").write_text(SOLVED)
    failed = starbeam("build", "r.toml", "--out", "file/run", cwd=tmp_path)
    assert (
        failed.returncode == 1
        and failed.stderr.count("\n") == 1
        and "cannot write" in failed.stderr
        and "file/run" in failed.stderr
    )


@pytest.mark.load
@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_has_no_manifest_and_goes_on_to_the_same_bytes(tmp_path: Path, solved: Path, stop: signal.Signals) -> None:
    (tmp_path / "r.toml").write_text(SOLVED)
    script = Path(sys.executable).with_name("starbeam")
    run = tmp_path / "run"
    process = subprocess.Popen([str(script), "build", "r.toml", "--out", "run"], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    while not (run / "annotated").exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(stop)
    _, said = process.communicate(timeout=60)
    if process.returncode == 0:
        pytest.skip("the run was done before the signal came")
    assert not (run / "release" / "MANIFEST.json").exists()
    if stop != signal.SIGKILL:
        assert process.returncode == 1 and "Traceback" not in said
        assert "interrupted" in said and "the same command goes on" in said
    build(_plan(SOLVED), Options(str(run)), QUIET)
    assert release_hashes(run) == release_hashes(solved)


@pytest.mark.load
def test_a_broken_file_of_the_run_is_named(tmp_path: Path, solved: Path) -> None:
    run = _copy(solved, tmp_path)
    (run / "release" / "MANIFEST.json").unlink()
    (run / "rejects" / "part-00001.parquet").write_bytes(b"half of a fi")
    with pytest.raises(RunError, match=r"cannot read .*rejects/part-00001\.parquet: .*remove it"):
        build(_plan(SOLVED), Options(str(run)), QUIET, sample=False)
    assert not (run / "release" / "MANIFEST.json").exists()
    (run / "rejects" / "part-00001.parquet").unlink()
    build(_plan(SOLVED), Options(str(run)), QUIET)
    assert (run / "release" / "MANIFEST.json").exists()
