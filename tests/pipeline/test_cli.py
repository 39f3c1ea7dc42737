"""What a person types and reads."""

import json
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.cli import COMMANDS
from tests.pipeline.finished_run import Row, finish
from tests.pipeline.recipes_for_tests import RECORDED, SOLVED, recorded_lines, starbeam, starbeam_process

MISTAKES = {
    "misspelt key": ("seed = 3", "sede = 3", "unknown key 'sede'; did you mean 'seed'?"),
    "misspelt key of a source": ("count = 30", "cuont = 30", "unknown key 'cuont'; did you mean 'count'?"),
    "unknown teacher": ('kind = "solver"', 'kind = "sovler"', "kind = \"sovler\" is unknown; did you mean 'solver'?"),
    "wrong type": ("partitions = 3", 'partitions = "three"', 'partitions = "three": must be an integer'),
    "negative count": ("count = 30", "count = -30", "count = -30: must be greater than or equal to 1"),
    "missing file": ('kind = "solver"\nslip_rate = 0.1', 'kind = "recorded"\npath = "no.jsonl"', "no.jsonl: no such file"),
    "not TOML": ("seed = 3", "seed = = 3", "not TOML"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_a_recipe_is_one_line_and_exit_2_and_nothing_is_written(tmp_path: Path, mistake: str) -> None:
    right, wrong, said = MISTAKES[mistake]
    assert right in SOLVED
    (tmp_path / "r.toml").write_text(SOLVED.replace(right, wrong, 1))
    done = starbeam("check", "r.toml", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("starbeam: ") and done.stderr.count("\n") == 1 and said in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["r.toml"]


def test_check_says_what_a_recipe_will_ask_for(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text("\n".join([*recorded_lines(12), "{"]))
    (tmp_path / "r.toml").write_text(RECORDED)
    done = starbeam("check", "r.toml", cwd=tmp_path)
    assert done.returncode == 0
    assert "1 records will be rejected; the first: bad_json" in done.stdout
    assert "problems: 10;" in done.stdout and "teacher second (recorded): up to 10 samples, free" in done.stdout
    assert "dedupe: copies from 0.8 on, within a problem from 0.7; 20 bands x 6 rows, which find 99.77% of" in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "r.toml"]


def test_check_says_which_rows_count_as_kept(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text("\n".join(recorded_lines(12)))
    (tmp_path / "r.toml").write_text(f'{RECORDED}[dedupe]\nthreshold = 0.5\nagainst = ["old", "other/release"]\n')
    finish(tmp_path / "old", [Row("f" * 32, "one"), Row("e" * 32, "two"), Row("d" * 32, "three")], title="first\x1b")
    finish(tmp_path / "other", [Row("f" * 32, f"text {n}") for n in range(5)])
    said = starbeam("check", "r.toml", cwd=tmp_path).stdout
    assert (
        "copies from 0.5 on, within a problem from 0.5;" in said
        and "dedupe: 3 rows of first␛ count as kept, from old/release\n" in said
    )
    assert "dedupe: 5 rows of small count as kept, from other/release\n" in said


def test_list_and_help_name_everything(tmp_path: Path) -> None:
    listed = starbeam("list", cwd=tmp_path).stdout
    for name in (
        "arithmetic",
        "gym",
        "jsonl",
        "recorded",
        "solver",
        "repeated",
        "numeric",
        "maze_v1",
        "reflection_v1",
        "effects_v1",
        "granularity_v2",
        "not_duplicate",
        "sft",
    ):
        assert name in listed
    keys = starbeam("list", "recorded", cwd=tmp_path).stdout
    assert "where" in keys and "response" in keys and "default 'question'" in keys
    assert "did you mean 'maze'?" in starbeam("list", "mazes", cwd=tmp_path).stderr
    usage = starbeam("--help", cwd=tmp_path).stdout
    assert all(command in usage for command in COMMANDS)


@pytest.mark.load
def test_build_show_and_their_messages(tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(SOLVED)
    built = starbeam_process("build", "r.toml", "--out", "run", cwd=tmp_path)
    assert built.returncode == 0 and built.stdout.strip().endswith("run/release") and "kept" in built.stdout
    assert "find duplicates: 3/3 partitions" in built.stderr and "WARNING" not in built.stderr
    shown = starbeam("show", "run", "--rows", "1", "--config", "rejected", "--reason", "incorrect", cwd=tmp_path)
    assert shown.returncode == 0 and "rejected: incorrect" in shown.stdout and "numeric_v1" in shown.stdout + "numeric_v1"
    assert starbeam("show", "run", "--label", "nothing", cwd=tmp_path).returncode == 2
    unknown = starbeam("show", "run", "--effect", "unknown", cwd=tmp_path)  # a solver states one answer a chain
    assert unknown.returncode == 0 and unknown.stdout.endswith("run/release/full\n")
    assert "no row fits" in starbeam("show", "run", "--effect", "idle", cwd=tmp_path).stderr
    assert "build the run first" in starbeam("show", "nowhere", cwd=tmp_path).stderr


@pytest.mark.load
def test_show_lets_no_text_drive_the_terminal(tmp_path: Path) -> None:
    row = {"question": "\x1b]0;mine\x07What?", "answer": "#### 1", "first": "\x1b[2J\u202eA: 1\nA: 1", "second": "A: 2"}
    (tmp_path / "in.jsonl").write_text(json.dumps(row))
    (tmp_path / "r.toml").write_text(RECORDED)
    assert starbeam("build", "r.toml", "--out", "run", cwd=tmp_path).returncode == 0
    shown = starbeam("show", "run", cwd=tmp_path).stdout
    assert "What?" in shown and not {"\x1b", "\x07", "\u202e"} & set(shown)


def _lines(*rows: object) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_verify_alone(tmp_path: Path) -> None:
    rows = [
        {"gold": "18", "response": "A: 18", "mine": [1]},
        {"gold": 18, "response": "The answer is 17."},
        {"gold": "B", "choices": ["bank", "mall"], "response": "(b)"},
        {"gold": "Paris", "response": "The answer is Paris."},
        {"gold": r"\frac12", "kind": "math", "response": r"\boxed{\frac{1}{2}}"},
        {"gold": "x", "kind": "nothing", "response": "x"},
        {"gold": "18", "response": ""},
    ]
    (tmp_path / "in.jsonl").write_text(_lines(*rows, {"response": "no gold"}) + "{bad\n")
    done = starbeam("verify", "--in", "in.jsonl", "--out", "out.jsonl", cwd=tmp_path)
    out = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert done.returncode == 0 and "7 rows written, 2 rejected; see out.rejected.jsonl" in done.stderr
    assert [row["verdict"]["status"] for row in out] == [
        "correct",
        "incorrect",
        "correct",
        "correct",
        "correct",
        "error",
        "incorrect",
    ]
    assert [{key: value for key, value in row.items() if key != "verdict"} for row in out] == rows
    assert set(out[0]["verdict"]) == {"status", "extracted", "checker", "reason"}
    rejected = [json.loads(line) for line in (tmp_path / "out.rejected.jsonl").read_text().splitlines()]
    assert [(row["reason"], row["position"]) for row in rejected] == [("missing_field", 8), ("bad_json", 9)]


def test_fields_are_read_from_where_they_are_said_to_be(tmp_path: Path) -> None:
    rows = [
        {"n": {"gold": "B", "options": ["cat", "bank"], "q": 1}, "id": "a", "text": "(b)"},
        {"n": {"gold": "A", "options": ["cat", "bank"], "q": 2}, "id": "b", "text": "(b)"},
    ]
    (tmp_path / "in.jsonl").write_text(_lines(*rows))
    fields = ("--field", "gold=n.gold", "--field", "choices=n.options", "--field", "response=text")
    verdicts = starbeam("verify", "--in", "in.jsonl", *fields, cwd=tmp_path).stdout.splitlines()
    assert [json.loads(row)["verdict"]["status"] for row in verdicts] == ["correct", "incorrect"]
    copies = starbeam("dedupe", "--in", "in.jsonl", "--field", "quality=n.q", cwd=tmp_path).stdout.splitlines()
    assert [bool(json.loads(row)["duplicate"]) for row in copies] == [True, False]  # the better one is kept


def test_tag_alone_to_stdout_with_offsets_in_code_points(tmp_path: Path) -> None:
    text = "😀 So x = 4. Wait, that's wrong. 所以x=4。验证一下：2×4=8。"
    (tmp_path / "in.jsonl").write_text(_lines({"text": text}))
    done = starbeam("tag", "--in", "in.jsonl", cwd=tmp_path)
    (row,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert {"hesitation", "verification"} <= {one["label"] for one in row["reflections"]}
    for one in row["reflections"]:
        assert set(one) == {"label", "start", "end", "marker", "signal", "effect"}
        assert one["marker"] in text[one["start"] : one["end"]] and one["effect"] is None


def test_tag_alone_tells_effects_where_the_gold_is_known(tmp_path: Path) -> None:
    question = "Wait, let me check the clock: what is 3*4?"
    text = f"{question}\n3*4 = 13, so the answer is 13. Wait, that is wrong: 3*4 = 12. So the answer is 12."
    (tmp_path / "in.jsonl").write_text(_lines({"text": text, "problem": question, "answer": "12"}))
    fields = ("--field", "question=problem", "--field", "gold=answer")
    (row,) = [json.loads(line) for line in starbeam("tag", "--in", "in.jsonl", *fields, cwd=tmp_path).stdout.splitlines()]
    assert [(one["label"], one["effect"]) for one in row["reflections"]] == [
        ("hesitation", "effective"),
        ("self_correction", "effective"),
    ]


def test_dedupe_alone_from_parquet_to_parquet(tmp_path: Path) -> None:
    import pyarrow as pa

    words = " ".join(f"word{index}" for index in range(60))
    texts = [words, words.replace("word7 ", "other "), words.upper(), "something else entirely, and short"]
    pq.write_table(pa.table({"id": list("abcd"), "text": texts, "quality": [1, 0, 0, 0]}), tmp_path / "in.parquet")
    done = starbeam("dedupe", "--in", "in.parquet", "--out", "out.parquet", "--threshold", "0.7", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    out = pq.read_table(tmp_path / "out.parquet")
    assert out.column_names == ["id", "text", "quality", "duplicate"]
    kinds = [(row["id"], row["duplicate"] and (row["duplicate"]["kind"], row["duplicate"]["kept_id"])) for row in out.to_pylist()]
    assert kinds == [("a", None), ("b", ("near", "a")), ("c", ("exact", "a")), ("d", None)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("verify", "--in", "nothing.jsonl"), "no such file"),
        (("verify", "--in", "in.jsonl", "--kind", "numeirc"), "did you mean 'numeric'?"),
        (("verify", "--in", "in.jsonl", "--field", "gould=answer"), "did you mean 'gold'?"),
        (("tag", "--in", "in.jsonl", "--out", "in.jsonl"), "is the input"),
        (("tag", "--in", "in.jsonl", "--out", "out.csv"), "unknown format"),
        (("dedupe", "--in", "in.jsonl", "--out", "out.parquet"), "JSON lines have no column types"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_exit_2(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    (tmp_path / "in.jsonl").write_text(_lines({"text": "x"}))
    done = starbeam(*arguments, cwd=tmp_path)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and said in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_parquet_columns_that_are_not_asked_for_stay_as_they_are(tmp_path: Path) -> None:
    import pyarrow as pa

    odd = {"late": pa.array([1, 2, 3], pa.timestamp("ns", "UTC")), "kind_of": pa.array(["a", "b", "a"]).dictionary_encode()}
    rows = {"text": pa.array(["Wait, no.", None, "So 4."], pa.large_string()), **odd}
    pq.write_table(pa.table(rows), tmp_path / "in.parquet")
    done = starbeam("tag", "--in", "in.parquet", "--out", "out.parquet", cwd=tmp_path)
    before, after = pq.read_table(tmp_path / "in.parquet"), pq.read_table(tmp_path / "out.parquet")
    assert done.returncode == 0 and "2 rows written, 1 rejected" in done.stderr
    assert after.drop_columns(["reflections"]) == before.take([0, 2])
    assert [len(found) for found in after["reflections"].to_pylist()] == [1, 0]


@pytest.mark.load
def test_output_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text(_lines(*[{"text": "Wait, é."}] * 3000))
    with open("/dev/full", "w") as full:
        command = [str(Path(sys.executable).with_name("starbeam")), "tag", "--in", "in.jsonl"]
        done = subprocess.run(command, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 1 and "cannot write stdout: No space left" in done.stderr and "Traceback" not in done.stderr
    plain = {"PATH": "/usr/bin:/bin", "PYTHONIOENCODING": "latin-1"}
    assert '"marker": "Wait"' in starbeam_process("tag", "--in", "in.jsonl", cwd=tmp_path, env=plain).stdout


@pytest.mark.load
def test_closed_streams_neither_crash_nor_mix(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text(_lines({"text": "Wait, no."}))
    script = Path(sys.executable).with_name("starbeam")
    for closing, code, out, said in (("2>&-", 0, '"marker": "Wait', ""), (">&-", 1, "", "cannot write stdout: it is closed")):
        done = subprocess.run(f"{script} tag --in in.jsonl {closing}", shell=True, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == code and out in done.stdout and said in done.stderr
        assert "starbeam:" not in done.stdout and "Traceback" not in done.stderr


def test_a_runner_that_beam_does_not_know_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(SOLVED)
    done = starbeam("build", "r.toml", "--out", "run", "--", "--runner=Nope", cwd=tmp_path)
    assert done.returncode == 2 and "Nope" in done.stderr and "Traceback" not in done.stderr


def test_a_build_of_nothing_says_so(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text("{bad\n")
    (tmp_path / "r.toml").write_text(RECORDED)
    done = starbeam("build", "r.toml", "--out", "run", cwd=tmp_path)
    assert done.returncode == 0 and "no record became a problem" in done.stderr
    assert "bad_json" in starbeam("show", "run", "--config", "rejected", cwd=tmp_path).stdout
