"""`starbeam verify | steps | leaks` on rows of every kind."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.annotation import LEAK_TYPE, STEPS_TYPE, VERDICT_TYPE
from tests.pipeline.recipes_for_tests import Done, starbeam


def _ran(folder: Path, command: str, rows: list[dict[str, Any]], *options: str) -> tuple[list[dict[str, Any]], Done]:
    """Run a command on rows and return what it writes."""
    (folder / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = starbeam(command, "--in", "in.jsonl", "--rejected", "bad.jsonl", *options, cwd=folder)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()], done


def _bad(folder: Path) -> list[tuple[str, str]]:
    return [(row["reason"], row["detail"]) for row in map(json.loads, (folder / "bad.jsonl").read_text().splitlines())]


ADD = "def add(a, b):\n    return a + b"
CODE: list[tuple[dict[str, Any], str]] = [
    ({"tests": "assert add(1, 2) == 3", "response": ADD}, "passed"),
    ({"tests": "assert add(1, 2) == 4", "response": ADD}, "failed"),
    ({"tests": "def check(f):\n    assert f(1, 2) == 3", "entry_point": "add", "response": ADD}, "passed"),
    (
        {
            "tests": "def check(f):\n    assert f(2) == 3",
            "entry_point": "inc",
            "question": "def inc(n):\n",
            "response": "    return n + 1",
        },
        "passed",
    ),
    ({"tests": ["assert add(1, 2) == 3", "assert add(0, 0) == 0"], "response": ADD}, "passed"),
    ({"tests": [{"input": "1 2", "output": "3"}], "response": "print(sum(map(int, input().split())))"}, "passed"),
    ({"tests": '[{"input": "1 2", "output": "4"}]', "response": "print(sum(map(int, input().split())))"}, "failed"),
    ({"tests": {"input": "1 2"}, "response": ADD}, "gold_unreadable"),
]


def test_verify_runs_code_of_every_form(tmp_path: Path) -> None:
    rows = [row for row, _ in CODE]
    out, _ = _ran(tmp_path, "verify", rows)
    assert [row["verdict"]["reason"] for row in out] == [reason for _, reason in CODE]
    assert all(row["verdict"]["checker"].startswith("code_v") for row in out)
    assert [{name: value for name, value in row.items() if name != "verdict"} for row in out] == rows


def test_the_kind_is_what_the_fields_say(tmp_path: Path) -> None:
    rows = [
        {"gold": "A", "choices": ["x", "y"], "tests": "assert 1", "response": "A"},
        {"gold": "2", "tests": "", "response": "2"},
        {"statement": "1 = 1", "prover": "nothing", "response": "reflexivity."},
        {"tests": '{"prover": "nothing", "statement": "x"}', "kind": "proof", "response": "x"},
        {"gold": "2", "kind": "code", "tests": "no test here", "response": "2"},
    ]
    out, _ = _ran(tmp_path, "verify", rows)
    kinds = [row["verdict"]["checker"].partition("_v")[0] for row in out]
    assert kinds == ["choice", "numeric", "proof", "proof", "code"]
    assert [row["verdict"]["status"] for row in out] == ["correct", "correct", "error", "error", "error"]


def test_a_row_without_what_its_kind_needs_is_rejected(tmp_path: Path) -> None:
    rows = [
        {"kind": "code", "response": "x"},
        {"kind": "proof", "response": "x"},
        {"tests": 5, "kind": "numeric", "gold": "1", "response": "1"},
        {"tests": "assert f()", "response": None},
        {"statement": ["a"], "response": "x"},
        {"response": "1"},
        {"gold": "1", "response": "1"},
    ]
    out, done = _ran(tmp_path, "verify", rows)
    assert [row["verdict"]["status"] for row in out] == ["correct", "correct"] and "2 rows written, 5 rejected" in done.stderr
    assert _bad(tmp_path) == [
        ("missing_field", "field 'tests' is missing; kind 'code' needs it"),
        ("missing_field", "field 'statement' is missing; kind 'proof' needs it"),
        ("null_field", "field 'response' is null"),
        ("wrong_type", "field 'statement' is a list, not text"),
        ("missing_field", "no field 'gold'"),
    ]


def test_steps_read_the_answer_from_its_field_or_from_a_verdict(tmp_path: Path) -> None:
    wrong, right = "48 / 2 = 25. So 25 + 48 = 73.", "48 / 2 = 24. So 24 + 48 = 72."
    verdict = {"status": "correct", "extracted": "73", "checker": "numeric_v2", "reason": "equal"}
    rows: list[dict[str, Any]] = [
        {"text": wrong},
        {"text": wrong, "verdict": verdict},
        {"text": wrong, "verdict": {"status": "perhaps", "extracted": 5}},
        {"text": right, "answer": 72, "question": "How many?"},
        {"text": "Blue."},
        {"text": None},
    ]
    out, _ = _ran(tmp_path, "steps", rows)
    assert [row["steps"]["status"] for row in out] == ["wrong", "right_answer_wrong_steps", "wrong", "hold", "unchecked"]
    (flag,) = out[0]["steps"]["flags"]
    assert wrong[flag["start"] : flag["end"]].startswith("48 / 2 = 25") and flag["kind"] == "wrong_equation"
    assert out[1]["verdict"] == verdict and _bad(tmp_path) == [("null_field", "field 'text' is null")]


def test_leaks_need_no_hint_to_be_told(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"text": "We are told the answer is 18, so 9 * 2 = 18.", "gold": "18"},
        {"text": "9 * 2 = 18. The answer is 18.", "gold": 18},
        {
            "text": "The answer is B because money is what people bring to banks, and a mall is where they spend all of it.",
            "gold": "B",
            "choices": ["mall", "bank"],
            "question": "Where?",
        },
        {"text": "x", "choices": ["only one"]},
    ]
    out, _ = _ran(tmp_path, "leaks", rows)
    assert [row["leak"] and row["leak"]["kind"] for row in out] == ["quotes_hint", None, "names_gold_first"]
    leak = out[0]["leak"]
    assert rows[0]["text"][leak["start"] : leak["end"]] == leak["marker"]
    assert [reason for reason, _ in _bad(tmp_path)] == ["wrong_choices"]


@pytest.mark.parametrize(
    ("command", "column", "kind"),
    [("verify", "verdict", VERDICT_TYPE), ("steps", "steps", STEPS_TYPE), ("leaks", "leak", LEAK_TYPE)],
)
def test_parquet_gets_the_column_in_the_type_that_a_release_has(
    tmp_path: Path, command: str, column: str, kind: pa.DataType
) -> None:
    table = pa.table({"text": ["1 + 1 = 3.", "2"], "response": ["2", "3"], "gold": ["2", "2"]})
    pq.write_table(table, tmp_path / "in.parquet")
    done = starbeam(command, "--in", "in.parquet", "--out", "out.parquet", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = pq.read_table(tmp_path / "out.parquet")
    assert found.schema.field(column).type == kind and found.drop_columns([column]) == table


@pytest.mark.parametrize(
    ("command", "options", "said"),
    [
        ("verify", ["--kind", "cod"], "did you mean 'code'?"),
        ("verify", ["--field", "test=x"], "did you mean 'tests'?"),
        ("steps", ["--field", "anwser=x"], "did you mean 'answer'?"),
        ("leaks", ["--field", "hint=x"], "unknown field 'hint'"),
    ],
)
def test_a_wrong_option_is_one_line_and_exit_2(tmp_path: Path, command: str, options: list[str], said: str) -> None:
    (tmp_path / "in.jsonl").write_text('{"text": "x"}\n')
    done = starbeam(command, "--in", "in.jsonl", *options, cwd=tmp_path)
    assert done.returncode == 2 and said in done.stderr and done.stderr.count("\n") == 1
