import asyncio
import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.prompts.rendering import Prompts
from generators.teachers.recorded import Parts, RecordedTable, RecordedTeacher, split_thought
from generators.teachers.teacher import Recorded
from schemas.problem import Problem
from schemas.reject import Reject
from schemas.sample import THOUGHT_MARKS
from tests.builders import a_problem

WORDS = st.text("ab 1\n.", max_size=20)
MARKS = pytest.mark.parametrize(("opening", "closing"), THOUGHT_MARKS)


@MARKS
@given(thought=WORDS, response=WORDS)
def test_a_marked_thought_is_split_from_its_response(opening: str, closing: str, thought: str, response: str) -> None:
    wanted = Parts(thought.strip(), response.strip())
    assert split_thought(f"{opening}{thought}{closing}{response}") == wanted
    assert split_thought(f"\n {opening}\n{thought}\n{closing}\n\n{response}\n") == wanted


@MARKS
def test_a_thought_whose_opening_mark_was_in_the_prompt_is_split_too(opening: str, closing: str) -> None:
    assert split_thought(f"Six sevens.{closing}42") == Parts("Six sevens.", "42")


@MARKS
@given(thought=WORDS)
def test_a_thought_that_never_closes_commits_nothing(opening: str, closing: str, thought: str) -> None:
    assert split_thought(f" {opening}{thought}") == Parts(thought.strip(), "")


@given(WORDS)
def test_a_text_without_marks_is_all_response(text: str) -> None:
    assert split_thought(text) == Parts("", text.strip())


@MARKS
def test_a_mark_that_the_response_only_mentions_opens_nothing(opening: str, closing: str) -> None:
    text = f"The answer is 4.  Models write {opening} first."
    assert split_thought(text) == Parts("", text)


@MARKS
def test_a_thought_inside_the_thought_stays_in_it(opening: str, closing: str) -> None:
    text = f"{opening}one {opening}two{closing} three{closing}42"
    assert split_thought(text) == Parts(f"one {opening}two{closing} three", "42")


@pytest.mark.parametrize(("own", "other"), list(itertools.permutations(THOUGHT_MARKS, 2)))
def test_the_marks_of_another_model_are_words_of_the_thought(own: tuple[str, str], other: tuple[str, str]) -> None:
    thought = f"R1 writes {other[0]} and {other[1]} around this."
    assert split_thought(f"{own[0]}{thought}{own[1]}42") == Parts(thought, "42")


def test_solution_marks_are_taken_off_the_response() -> None:
    marked = "<|begin_of_solution|>\n\\boxed{42}\n<|end_of_solution|>"
    assert split_thought(f"<|begin_of_thought|>six<|end_of_thought|>\n{marked}") == Parts("six", "\\boxed{42}")
    assert split_thought(marked) == Parts("", "\\boxed{42}")


def _table(tmp_path: Path, rows: list[Any], **table: Any) -> RecordedTable:
    path = tmp_path / "in.jsonl"
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
    return RecordedTable.model_validate_json(json.dumps({"kind": "recorded", "path": str(path), **table}))


def _records(tmp_path: Path, rows: list[Any], **table: Any) -> list[Recorded | Reject]:
    return list(_table(tmp_path, rows, **table).records("main"))


def _responses(tmp_path: Path, rows: list[Any], **table: Any) -> list[str]:
    return [row.response for row in _records(tmp_path, rows, **table) if isinstance(row, Recorded)]


def test_a_recorded_sample_finds_its_problem_by_what_was_asked(tmp_path: Path) -> None:
    problem = a_problem()
    row = {"question": problem.question, "response": "<think>six</think>42", "stop": "eos"}
    (found,) = _records(tmp_path, [row], map={"finish_reason": "stop"})
    assert found == Recorded(problem.problem_id, "main", "six", "42", "eos")


def test_choices_are_part_of_what_was_asked(tmp_path: Path) -> None:
    problem = a_problem(choices=("red", "blue"))
    row = {"question": problem.question, "options": ["red", "blue"], "response": "A"}
    (with_choices,) = _records(tmp_path, [row], map={"choices": "options"})
    (without,) = _records(tmp_path, [row])
    (other,) = _records(tmp_path, [{**row, "options": ["blue", "red"]}], map={"choices": "options"})
    assert isinstance(with_choices, Recorded) and with_choices.problem_id == problem.problem_id
    assert {getattr(without, "problem_id", None), getattr(other, "problem_id", None)}.isdisjoint({problem.problem_id, None})


def test_a_thought_of_its_own_field_leaves_the_response_as_it_is(tmp_path: Path) -> None:
    rows = [
        {"question": "q", "thought": "six", "response": "so </think> 42"},
        {"question": "q", "thought": None, "response": "<think>seven</think>42"},
    ]
    found = _records(tmp_path, rows, map={"reasoning": "thought"})
    assert [(row.reasoning, row.response) for row in found if isinstance(row, Recorded)] == [
        ("six", "so </think> 42"),
        ("seven", "42"),
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"question": "q"}, "missing_field"),
        ({"question": "q", "response": None}, "null_field"),
        ({"question": "q", "response": ""}, "empty_field"),
        ({"response": "42"}, "missing_field"),
    ],
)
def test_a_record_that_is_no_sample_is_rejected_and_names_the_teacher(tmp_path: Path, row: dict[str, Any], reason: str) -> None:
    (reject,) = _records(tmp_path, [row])
    assert isinstance(reject, Reject)
    assert (reject.stage, reject.reason, reject.source, reject.position) == ("sample", reason, "in.jsonl", 1)
    assert "teacher 'main'" in reject.detail


def test_a_line_that_cannot_be_read_is_a_reject_whatever_where_says(tmp_path: Path) -> None:
    (reject,) = _records(tmp_path, ["{bad"], where={"model": "a"})
    assert isinstance(reject, Reject) and (reject.stage, reject.reason) == ("read", "bad_json")


def test_where_takes_the_records_whose_fields_all_have_the_values(tmp_path: Path) -> None:
    rows = [
        {"question": "q", "response": f"{model}{size}{good}", "meta": {"model": model, "size": size}, "good": good}
        for model in ("a", "b")
        for size in (7, 32)
        for good in ("yes", "no")
    ]
    assert len(_responses(tmp_path, rows)) == 8
    assert _responses(tmp_path, rows, where={"meta.model": "b"}) == ["b7yes", "b7no", "b32yes", "b32no"]
    assert _responses(tmp_path, rows, where={"meta.model": "b", "meta.size": "32", "good": "no"}) == ["b32no"]
    assert _responses(tmp_path, rows, where={"meta.model": "c"}) == []
    assert _responses(tmp_path, rows, where={"meta.nothing": "b"}) == []


def test_where_never_takes_a_record_that_has_no_such_field(tmp_path: Path) -> None:
    assert _responses(tmp_path, [{"question": "q", "response": "42"}], where={"model": "None"}) == []


def _teacher(recorded: list[Recorded]) -> RecordedTeacher:
    return RecordedTeacher("main", recorded)


def _asked(teacher: RecordedTeacher, problem: Problem, n: int) -> list[tuple[str, str, str | None]]:
    answers = asyncio.run(teacher.sample(Prompts().question(problem), n))
    assert all(one.teacher == "main" and one.origin == "recorded" for one in answers)
    return [(one.reasoning, one.response, one.finish_reason) for one in answers]


PROBLEM = a_problem()
RECORDED = [
    *(Recorded(PROBLEM.problem_id, "main", f"thought {number}", f"{number % 3}", None) for number in range(6)),
    Recorded(a_problem(question="another").problem_id, "main", "", "x", None),
    Recorded(PROBLEM.problem_id, "main", "thought 1", "1", None),
]


@given(st.permutations(RECORDED), st.integers(0, 9))
def test_the_order_of_the_file_does_not_matter(recorded: list[Recorded], n: int) -> None:
    answers = _asked(_teacher(recorded), PROBLEM, n)
    assert answers == _asked(_teacher(RECORDED), PROBLEM, 100)[:n]
    assert len(answers) == min(n, 7)


def test_equal_texts_with_other_finish_reasons_keep_their_order_too() -> None:
    same = [Recorded(PROBLEM.problem_id, "main", "a", "b", reason) for reason in ("stop", "length", None)]
    orders = {tuple(_asked(_teacher(list(order)), PROBLEM, 3)) for order in itertools.permutations(same)}
    assert len(orders) == 1


def test_a_problem_that_nobody_answered_has_no_samples() -> None:
    assert _asked(_teacher(RECORDED), a_problem(question="never asked"), 5) == []


def test_what_nobody_took_is_left_with_whether_its_problem_was_asked() -> None:
    teacher = _teacher(RECORDED)
    assert sorted(teacher.left()) == sorted((one, False) for one in RECORDED)
    taken = _asked(teacher, PROBLEM, 1)
    left = [one for one, asked in teacher.left() if asked]
    assert len(taken) == 1 and len(left) == len(_asked(_teacher(RECORDED), PROBLEM, 99)) - 1
    assert [one.response for one, asked in teacher.left() if not asked] == ["x"]
    _asked(teacher, PROBLEM, 99)
    _asked(teacher, a_problem(question="another"), 99)
    assert teacher.left() == []
