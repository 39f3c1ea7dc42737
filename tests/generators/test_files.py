import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from generators.records import FieldError
from generators.sources.files import FileSource, apply_pattern
from schemas.problem import Problem
from schemas.reject import Reject

GSM8K = "#### (.+)$"
WORD = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=8)


def _write(path: Path, rows: list[Any]) -> str:
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
    return str(path)


def _read(tmp_path: Path, rows: list[Any], limit: int | None = None, **table: Any) -> list[Problem | Reject]:
    path = _write(tmp_path / "in.jsonl", rows)
    source = FileSource.model_validate_json(json.dumps({"source": "jsonl", "path": path, "checker": "numeric", **table}))
    return list(source.problems(0, limit))


def _one(tmp_path: Path, row: Any, **table: Any) -> Problem:
    (problem,) = _read(tmp_path, [row], **table)
    assert isinstance(problem, Problem), problem
    return problem


def _reason(tmp_path: Path, row: Any, **table: Any) -> tuple[str, str]:
    (reject,) = _read(tmp_path, [row], **table)
    assert isinstance(reject, Reject), reject
    return reject.stage, reject.reason


def test_every_part_of_a_problem_is_read_from_where_the_map_says(tmp_path: Path) -> None:
    row = {
        "q": {"stem": "Which?", "choices": [{"text": "red"}, {"text": "blue"}]},
        "gold": "B",
        "unit_tests": "assert True",
        "topic": "colours",
        "lang": "en",
        "id": 7,
        "level.name": "easy",
        "question": "not this one",
    }
    field_map = {
        "question": "q.stem",
        "answer": "gold",
        "choices": "q.choices[].text",
        "tests": "unit_tests",
        "subject": "topic",
        "language": "lang",
        "metadata": ["level.name", "id"],
    }
    problem = _one(tmp_path, row, checker="choice", map=field_map)
    assert problem == Problem.of(
        question="Which?",
        answer="B",
        checker="choice",
        choices=("red", "blue"),
        tests="assert True",
        source="in.jsonl",
        subject="colours",
        language="en",
        metadata='{"id":7,"level.name":"easy"}',
    )


def test_without_a_map_question_and_answer_are_read(tmp_path: Path) -> None:
    assert _one(tmp_path, {"question": "2+2?", "answer": 4, "subject": "not mapped"}) == Problem.of(
        question="2+2?", answer="4", checker="numeric", source="in.jsonl"
    )


@pytest.mark.parametrize(
    ("choices", "reason"),
    [
        ("red", "wrong_type"),
        (["red", 2], "wrong_type"),
        (["red"], "wrong_choices"),
        ([str(number) for number in range(27)], "wrong_choices"),
        (None, "wrong_type"),
    ],
)
def test_options_that_no_label_could_name_are_rejected(tmp_path: Path, choices: object, reason: str) -> None:
    assert _reason(tmp_path, {"question": "q", "answer": "A", "choices": choices}, map={"choices": "choices"}) == (
        "problem",
        reason,
    )


@pytest.mark.parametrize("count", [2, 26])
def test_as_many_options_as_there_are_labels_are_read(tmp_path: Path, count: int) -> None:
    choices = [f"option {number}" for number in range(count)]
    assert _one(tmp_path, {"question": "q", "answer": "A", "c": choices}, map={"choices": "c"}).choices == tuple(choices)


@given(st.lists(WORD, min_size=1, max_size=5))
def test_the_gold_is_the_last_match_of_the_pattern(golds: list[str]) -> None:
    text = "\n".join(f"work <<2*3=6>>\n#### {gold} " for gold in golds)
    assert apply_pattern(GSM8K, text) == golds[-1]
    assert apply_pattern(None, text) == text
    with pytest.raises(FieldError):
        apply_pattern(GSM8K, text.replace("####", "##"))


def test_the_pattern_is_applied_to_the_answer_alone(tmp_path: Path) -> None:
    row = {"question": "What follows #### 5", "answer": "so 3\n#### 3\nor rather\n#### 1,004 "}
    problem = _one(tmp_path, row, answer_pattern=GSM8K)
    assert (problem.question, problem.answer) == ("What follows #### 5", "1,004")


def test_an_answer_that_the_pattern_does_not_match_is_rejected(tmp_path: Path) -> None:
    (reject,) = _read(tmp_path, [{"question": "q", "answer": "just 4"}], answer_pattern=GSM8K)
    assert isinstance(reject, Reject) and reject.reason == "answer_unmatched" and GSM8K in reject.detail and "just 4" in reject.raw


@pytest.mark.parametrize("pattern", [GSM8K, "#### ?(.*)$"])
def test_a_match_that_holds_no_gold_is_rejected_and_not_an_empty_gold(tmp_path: Path, pattern: str) -> None:
    (row,) = _read(tmp_path, [{"question": "q", "answer": "work\n####   "}], answer_pattern=pattern)
    assert isinstance(row, Reject)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [("(a", "not a regular expression"), ("####", "exactly one group"), ("(a)(b)", "exactly one group"), ("(?:a)", "not 0")],
)
def test_a_pattern_that_cannot_serve_is_refused_before_any_file_is_read(pattern: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        FileSource(source="jsonl", path="nowhere.jsonl", checker="numeric", answer_pattern=pattern)


@pytest.mark.parametrize("answer", [None, ""])
@pytest.mark.parametrize("pattern", [None, GSM8K])
def test_a_problem_whose_answer_is_null_stays_without_gold(tmp_path: Path, answer: str | None, pattern: str | None) -> None:
    assert _one(tmp_path, {"question": "q", "answer": answer}, answer_pattern=pattern).answer is None


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"question": "q"}, "missing_field"),
        ({"question": "q", "answer": ["4"]}, "wrong_type"),
        ({"question": "q", "answer": " "}, "empty_field"),
        ({"answer": "4"}, "missing_field"),
        ({"question": None, "answer": "4"}, "null_field"),
        ({"question": "", "answer": "4"}, "empty_field"),
        ({"question": "é" * ((1 << 19) + 1), "answer": "4"}, "text_too_long"),
    ],
)
def test_a_record_that_is_no_problem_is_rejected_with_its_reason(tmp_path: Path, row: dict[str, Any], reason: str) -> None:
    assert _reason(tmp_path, row) == ("problem", reason)


def test_metadata_that_is_mapped_must_be_there(tmp_path: Path) -> None:
    assert _reason(tmp_path, {"question": "q", "answer": "4"}, map={"metadata": ["level"]}) == ("problem", "missing_field")


def test_metadata_keeps_nested_values_in_an_order_of_its_own(tmp_path: Path) -> None:
    row = {"question": "q", "answer": "4", "b": {"y": [1, None], "x": "é"}, "a": True}
    for names in (["a", "b"], ["b", "a"]):
        problem = _one(tmp_path, row, map={"metadata": names})
        assert problem.metadata == '{"a":true,"b":{"x":"é","y":[1,null]}}'


def _no_json(name: str) -> float:
    raise AssertionError(f"{name} is not JSON")


def test_metadata_of_parquet_is_json_whatever_the_numbers_are(tmp_path: Path) -> None:
    rows = {"question": ["q"], "answer": ["4"], "score": [float("nan")]}
    pq.write_table(pa.table(rows), tmp_path / "in.parquet")
    table = {"source": "parquet", "path": str(tmp_path / "in.parquet"), "checker": "numeric", "map": {"metadata": ["score"]}}
    for row in FileSource.model_validate_json(json.dumps(table)).problems(0, None):
        assert isinstance(row, Reject) or json.loads(row.metadata, parse_constant=_no_json)


@settings(deadline=None)
@given(st.lists(st.booleans(), max_size=8), st.integers(0, 10))
def test_a_limit_counts_records_whether_they_are_problems_or_not(
    tmp_path_factory: pytest.TempPathFactory, good: list[bool], limit: int
) -> None:
    rows = [{"question": f"q{number}", "answer": "4"} if one else "{bad" for number, one in enumerate(good)]
    folder = tmp_path_factory.mktemp("limit")
    found = _read(folder, rows, limit)
    assert [isinstance(row, Problem) for row in found] == good[:limit]
    assert found == _read(folder, rows)[:limit]


def test_a_glob_reads_every_file_in_the_order_of_names_and_the_source_is_the_files_name(tmp_path: Path) -> None:
    for name in ("b", "a"):
        _write(tmp_path / f"{name}.jsonl", [{"question": name, "answer": "1"}])
    _write(tmp_path / "c.ndjson", [{"question": "c", "answer": "1"}])
    source = FileSource(source="jsonl", path=str(tmp_path / "*.jsonl"), checker="numeric")
    found = [row for row in source.problems(0, None) if isinstance(row, Problem)]
    assert [(row.question, row.source) for row in found] == [("a", "a.jsonl"), ("b", "b.jsonl")]


def test_parquet_and_json_lines_give_the_same_problems(tmp_path: Path) -> None:
    rows = [{"n": {"question": f"q{number}", "options": ["a", "b"]}, "a.b": "A", "unused": 1} for number in range(3)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "in.parquet")
    table = {"checker": "choice", "map": {"question": "n.question", "answer": "a.b", "choices": "n.options"}}
    found = [
        list(FileSource.model_validate_json(json.dumps({**table, "source": kind, "path": path})).problems(0, None))
        for kind, path in (("jsonl", _write(tmp_path / "in.jsonl", rows)), ("parquet", str(tmp_path / "in.parquet")))
    ]
    ids = [[row.problem_id for row in of_one if isinstance(row, Problem)] for of_one in found]
    assert ids[0] == ids[1] and len(set(ids[0])) == 3
