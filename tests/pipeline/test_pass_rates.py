"""Pass rates: what counts as a trial, the rows of `problems`, the manifest's coverage."""

import collections
import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest

from filters.checkers import CHECKERS
from filters.coverage import Outcome
from generators.strategies.repeated import Repeated
from generators.strategies.star import Star
from generators.strategies.strategy import StrategyTable
from generators.strategies.until_correct import UntilCorrect
from pipeline.annotate import annotate
from pipeline.pass_rates import PassRates, Rates, coverage, outcomes_of, problem_rows
from pipeline.plan import resolve
from pipeline.recipes import parse
from schemas.problem import PROBLEM_SCHEMA, Problem
from schemas.sample import SAMPLE_SCHEMA, Sample
from schemas.tables import PROBLEMS_SCHEMA, table_of
from tests.builders import a_problem, a_sample

REPEATED = Repeated(kind="repeated", samples=4)
FIRST, SECOND, ALONE = PROBLEMS = sorted((a_problem(question=name) for name in "xyz"), key=lambda one: one.problem_id)


def _samples(problem: Problem, said: str, first: int = 0, **changes: Any) -> list[Sample]:
    """Return a sample for each letter: right, wrong, or unsure."""
    responses = {"r": "The answer is 42.", "w": "The answer is 41.", "u": "The answer is 42 or 41."}
    return [
        a_sample(problem_id=problem.problem_id, index=first + place, response=responses[letter], **changes)
        for place, letter in enumerate(said)
    ]


def _rates(samples: list[Sample], strategy: StrategyTable = REPEATED, **asked_as: str) -> Rates:
    samples = sorted(samples, key=lambda one: (one.problem_id, one.index))
    annotated = annotate({one.problem_id: one for one in PROBLEMS}, table_of(samples, SAMPLE_SCHEMA), CHECKERS)
    kept = [one.index == 0 for one in samples]
    return PassRates(strategy, asked_as).of(annotated, kept)


def _rows(rates: Rates, problems: tuple[Problem, ...] = PROBLEMS) -> list[dict[str, Any]]:
    table = problem_rows(table_of(problems, PROBLEM_SCHEMA), rates)
    assert table.schema == PROBLEMS_SCHEMA
    return table.to_pylist()


def test_each_problem_has_a_row_for_each_teacher_and_one_where_nobody_answered() -> None:
    samples = [*_samples(SECOND, "rwwu", teacher="b"), *_samples(SECOND, "rr", 4, teacher="a"), *_samples(FIRST, "w", teacher="a")]
    rows = _rows(_rates(samples))
    found = [(row["problem_id"], row["teacher"], row["trials"], row["right"], row["kept"]) for row in rows]
    assert found == [
        (FIRST.problem_id, "a", 1, 0, 1),
        (SECOND.problem_id, "a", 2, 2, 0),
        (SECOND.problem_id, "b", 4, 1, 1),
        (ALONE.problem_id, None, 0, 0, 0),
    ]
    assert [row["pass_at_k"] for row in rows] == [[0], [1, 1], [0.25, 0.5, 0.75, 1], []]
    asked = [(one.question, one.answer, one.checker) for one in (FIRST, SECOND, SECOND, ALONE)]
    assert [(row["question"], row["answer"], row["checker"]) for row in rows] == asked


def test_no_row_without_a_problem() -> None:
    assert _rows({}, ()) == []


def test_what_was_made_from_a_hint_counts_by_itself() -> None:
    hinted = _samples(FIRST, "rrw", 2, hint="It is 42.", origin="rationalized")
    rates = _rates([*_samples(FIRST, "ww"), *hinted], Star(kind="star", samples=2))
    (row,) = _rows(rates, (FIRST,))
    counts = ("samples", "correct", "trials", "right", "rationalized", "rationalized_correct")
    assert [row[name] for name in counts] == [5, 2, 2, 0, 3, 2]
    assert outcomes_of(rates) == {("main", Outcome(2, 0, 2)): 1}


def test_a_hint_that_a_file_does_not_tell_is_one_too() -> None:
    (row,) = _rows(_rates(_samples(FIRST, "r", origin="rationalized")), (FIRST,))
    assert (row["rationalized"], row["rationalized_correct"], row["trials"]) == (1, 1, 0)


def test_trials_that_tell_nothing_without_bias_are_no_outcome() -> None:
    class Blind(Repeated):
        def unconditional(self, correct: Sequence[bool]) -> Sequence[bool]:
            return ()

    assert outcomes_of(_rates(_samples(FIRST, "rw"), Blind(samples=2))) == {}


def test_a_revision_is_no_trial() -> None:
    assert _rates([*_samples(FIRST, "w"), *_samples(FIRST, "r", 1, origin="revised")])[FIRST.problem_id, "main"].outcome == (
        1,
        0,
        1,
    )
    assert outcomes_of(_rates(_samples(FIRST, "r", origin="revised"))) == {}


def test_a_problem_that_cannot_be_judged_is_no_failure() -> None:
    problem = a_problem(question="x", answer="not a number")
    annotated = annotate({problem.problem_id: problem}, table_of(_samples(problem, "rw"), SAMPLE_SCHEMA), CHECKERS)
    rates = PassRates(REPEATED, {}).of(annotated, [False, False])
    (row,) = _rows(rates, (problem,))
    assert (row["samples"], row["trials"], row["pass_at_k"]) == (2, 0, []) and outcomes_of(rates) == {}


def test_a_success_that_ended_the_trials_is_no_trial() -> None:
    strategy = UntilCorrect(kind="until_correct", quota=2, max_trials=5)
    rates = _rates([*_samples(FIRST, "wrwr"), *_samples(SECOND, "wwwrw")], strategy)
    assert outcomes_of(rates) == {("main", Outcome(3, 1, 5)): 1, ("main", Outcome(5, 1, 5)): 1}
    assert _rows(rates)[0]["pass_at_k"] == pytest.approx([1 / 3, 2 / 3, 1, 1, 1])


def test_a_mixture_is_one_teacher() -> None:
    samples = [*_samples(FIRST, "wr", teacher="small"), *_samples(FIRST, "r", 2, teacher="large")]
    rates = _rates(samples, small="both", large="both")
    assert outcomes_of(rates) == {("both", Outcome(3, 2, 3)): 1}


TEACHERS = """
name = "mixed"
[problems]
source = "arithmetic"
count = 1
[teacher.a]
kind = "solver"
[teacher.b]
kind = "solver"
[teacher.c]
kind = "solver"
[teacher.one]
kind = "mixture"
weights = { a = 1, b = 1 }
[teacher.two]
kind = "mixture"
weights = { b = 1, c = 1 }
"""


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (["a", "c"], {}),
        (["one", "c"], {"a": "one", "b": "one"}),
        (["one", "a"], {}),
        (["one", "two"], {}),
        (["two", "a"], {"b": "two", "c": "two"}),
    ],
)
def test_a_part_answers_for_its_mixture_where_nothing_else_asks_it(asked: list[str], expected: dict[str, str]) -> None:
    assert resolve(parse(TEACHERS, "test.toml", [f"strategy.teachers={json.dumps(asked)}"])).asked_as == expected


def test_the_coverage_is_of_all_partitions_and_json_keeps_it() -> None:
    parts = [_rates(_samples(FIRST, "rwww")), _rates(_samples(SECOND, "wwww")), _rates(_samples(ALONE, "rwww", teacher="a"))]
    found = json.loads(json.dumps(coverage(map(outcomes_of, parts))))
    assert list(found) == ["a", "main"] and found == json.loads(json.dumps(coverage(map(outcomes_of, reversed(parts)))))
    main = found["main"]
    assert main["problems"] == 2 and main["outcomes"] == [[4, 0, 4, 1], [4, 1, 4, 1]] and main["no_fit"] is None
    assert main["pass_at_k"] == [[1, 0.125, 2], [2, 0.25, 2], [3, 0.375, 2], [4, 0.5, 2]]
    assert main["fit"]["a"] < 0 < main["fit"]["b"] and main["fit"]["r2"] > 0.95
    assert found["a"]["fit"] is not None
    assert coverage([]) == {}


def test_a_float_of_the_manifest_ends_before_machines_differ() -> None:
    third = coverage([collections.Counter({("main", Outcome(3, 1, 3)): 1})])["main"]
    assert third["pass_at_k"][0] == (1, 0.333333333, 1)
    assert third["fit"] is None and third["no_fit"] == "too_few_points"


def test_a_table_in_chunks_has_the_same_rates() -> None:
    samples = [*_samples(FIRST, "rwu"), *_samples(SECOND, "ww")]
    annotated = annotate({one.problem_id: one for one in PROBLEMS}, table_of(samples, SAMPLE_SCHEMA), CHECKERS)
    chunks = pa.concat_tables([annotated.slice(0, 2), annotated.slice(2)])
    rates, kept = PassRates(REPEATED, {}), [True] * 5
    assert rates.of(chunks, kept) == rates.of(annotated, kept)
