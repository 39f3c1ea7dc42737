import itertools
import json
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ingest import first_of_each, in_part, merge_repeats
from schemas.problem import PROBLEM_SCHEMA, Problem
from schemas.recipe import Split
from schemas.reject import RAW_SHOWN
from schemas.tables import table_of
from tests.builders import a_problem


def _table(problems: list[Problem]) -> pa.Table:
    return table_of(problems, PROBLEM_SCHEMA)


def _merged(problems: list[Problem]) -> tuple[list[dict[str, Any]], int, list[str]]:
    kept, repeated, rejects = merge_repeats(_table(problems))
    assert kept.schema == PROBLEM_SCHEMA
    return kept.to_pylist(), repeated, sorted(reject.reject_id for reject in rejects)


def _problem(question: str, answer: str | None, subject: str | None) -> Problem:
    return a_problem(question=question, answer=answer, subject=subject, choices=("a", "b") if question == "q" else ())


DRAWN = st.lists(
    st.builds(_problem, st.sampled_from("qrst"), st.sampled_from(["4", "5", None]), st.sampled_from(["x", "y", None])), max_size=12
)


@given(DRAWN, st.randoms())
def test_the_order_of_the_records_does_not_matter(problems: list[Problem], rng: Any) -> None:
    shuffled = list(problems)
    rng.shuffle(shuffled)
    assert _merged(shuffled) == _merged(problems)


@given(DRAWN)
def test_every_record_is_kept_merged_or_rejected(problems: list[Problem]) -> None:
    kept, repeated, rejects = merge_repeats(_table(problems))
    assert kept.num_rows + repeated + len(rejects) == len(problems)
    golds = {one.problem_id: {other.answer for other in problems if other.problem_id == one.problem_id} for one in problems}
    assert kept["problem_id"].to_pylist() == sorted(problem_id for problem_id, answers in golds.items() if len(answers) == 1)
    assert len(rejects) == sum(len(golds[one.problem_id]) > 1 for one in problems)
    records = [json.loads(json.dumps(row)) for row in _table(problems).to_pylist()]
    assert all(row in records for row in kept.to_pylist())


def test_repeats_with_one_gold_are_one_problem() -> None:
    problems = [a_problem(), a_problem(source="b.jsonl"), a_problem(question="other"), a_problem()]
    kept, repeated, rejects = merge_repeats(_table(problems))
    assert (kept.num_rows, repeated, rejects) == (2, 2, [])


def test_repeats_with_other_golds_are_all_rejected_and_say_so() -> None:
    problems = [
        a_problem(answer="42"),
        a_problem(answer="43", source="b.jsonl"),
        a_problem(answer="42"),
        a_problem(question="other"),
    ]
    kept, repeated, rejects = merge_repeats(_table(problems))
    assert kept["question"].to_pylist() == ["other"] and repeated == 0
    assert {(one.stage, one.reason) for one in rejects} == {("problem", "conflicting_answers")}
    assert sorted(one.source for one in rejects) == ["b.jsonl", "test", "test"]
    assert sorted(json.loads(one.raw)["answer"] for one in rejects) == ["42", "42", "43"]
    assert all(f"{json.loads(one.raw)['answer']!r}" in one.detail and "another answer" in one.detail for one in rejects)


def test_repeats_with_other_tests_are_rejected_too() -> None:
    kept, _, rejects = merge_repeats(_table([a_problem(tests="assert f() == 1"), a_problem(tests="assert f() == 2")]))
    assert kept.num_rows == 0 and len(rejects) == 2


def test_options_in_another_order_are_another_problem() -> None:
    kept, repeated, rejects = merge_repeats(
        _table([a_problem(choices=("a", "b"), answer="A"), a_problem(choices=("b", "a"), answer="B")])
    )
    assert (kept.num_rows, repeated, rejects) == (2, 0, [])


def test_a_reject_stays_small_however_long_the_problem_is() -> None:
    long = "é" * 10_000
    _, _, rejects = merge_repeats(_table([a_problem(question=long, answer=long), a_problem(question=long, answer="1")]))
    assert all(len(one.raw) <= RAW_SHOWN and len(one.detail) < 200 for one in rejects) and len(rejects) == 2


def test_nothing_to_merge_is_an_empty_table_with_every_column() -> None:
    assert _merged([]) == ([], 0, [])


@given(st.lists(st.sampled_from("abc")), st.lists(st.integers(0, 8), max_size=3))
def test_the_first_of_each_run_is_kept_in_one_chunk_or_many(values: list[str], cuts: list[int]) -> None:
    values = sorted(values)
    table = pa.table({"v": pa.array(values, pa.string()), "place": pa.array(range(len(values)), pa.int64())})
    bounds = [0, *sorted(min(cut, len(values)) for cut in cuts), len(values)]
    chunked = pa.concat_tables([table.slice(start, end - start) for start, end in itertools.pairwise(bounds)])
    wanted = [values.index(value) for value in sorted(set(values))]
    assert first_of_each(table, "v")["place"].to_pylist() == wanted
    assert first_of_each(chunked, "v")["place"].to_pylist() == wanted


@given(st.floats(0.05, 0.95), st.integers(0, 99))
def test_the_two_parts_of_a_split_have_each_problem_once(share: float, seed: int) -> None:
    ids = [f"problem {number}" for number in range(200)]
    parts = [{one for one in ids if in_part(Split(share=share, part=part), seed, one)} for part in ("held_out", "rest")]
    assert parts[0] | parts[1] == set(ids) and not parts[0] & parts[1]
    assert abs(len(parts[0]) / 200 - share) < 6 * (share * (1 - share) / 200) ** 0.5  # six deviations of the binomial
    smaller = {one for one in ids if in_part(Split(share=share / 2, part="held_out"), seed, one)}
    assert smaller <= parts[0]  # a smaller share holds out some of the same
