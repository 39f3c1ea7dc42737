"""The configs for verifiers and preference training: which samples they hold, and that no hint gets into them."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.checkers import CHECKERS
from pipeline.annotate import annotate
from pipeline.exports import EXPORTS
from pipeline.release import with_duplicates
from pipeline.training_views import MAX_PAIRS
from schemas.annotation import Duplicate
from schemas.recipe import Ablation
from schemas.sample import SAMPLE_SCHEMA, Message, Sample
from schemas.tables import table_of
from tests.builders import a_problem, a_sample

RIGHT, WRONG, UNSURE = "The answer is 42.", "The answer is 41.", "The answer is 42 %."
ASKED = (Message("user", "What is 6 × 7?"),)


def _table(*samples: Sample, duplicates: tuple[int, ...] = ()) -> pa.Table:
    problems = {one.problem_id: one for one in (a_problem(), a_problem(question="Again?"))}
    annotated = annotate(problems, table_of(samples, SAMPLE_SCHEMA), CHECKERS)
    return with_duplicates(annotated, {place: Duplicate("exact", "kept", 1.0) for place in duplicates})


def _right(table: pa.Table) -> pa.Table:
    return table.filter(pc.equal(pc.struct_field(table["verdict"].combine_chunks(), "status"), "correct"))


def _exported(name: str, table: pa.Table) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = EXPORTS[name].rows(_right(table), table, Ablation()).to_pylist()
    return rows


def test_prompt_and_completion_are_the_messages_apart() -> None:
    table = _table(a_sample(prompt=(Message("system", "Think."), *ASKED)), a_sample(index=1, response=WRONG))
    (row,), (whole,) = _exported("prompt_completion", table), _exported("sft", table)
    assert [*row["prompt"], *row["completion"]] == whole["messages"] and row["sample_id"] == whole["sample_id"]
    assert [message["role"] for message in row["completion"]] == ["assistant"]


def test_a_label_is_for_every_sample_that_was_judged_and_not_told_the_answer() -> None:
    samples = [
        a_sample(index=0, response=RIGHT),
        a_sample(index=1, response=WRONG),
        a_sample(index=2, response=UNSURE),
        a_sample(index=3, response=RIGHT, hint="42", origin="rationalized"),
        a_sample(index=4, response=WRONG, origin="rationalized"),
        a_sample(index=5, response=WRONG),
    ]
    rows = _exported("labelled", _table(*samples, duplicates=(5,)))
    assert {row["sample_id"]: row["label"] for row in rows} == {
        samples[0].sample_id: True,
        samples[1].sample_id: False,
        samples[5].sample_id: False,
    }
    assert rows[1]["completion"] == [{"role": "assistant", "content": f"<think>\nSix sevens are forty-two.\n</think>\n\n{WRONG}"}]


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 1), st.integers(0, 1)), max_size=24), st.randoms())
@settings(max_examples=30)
def test_pairs_are_right_against_wrong_at_one_prompt_each_sample_once_and_in_any_order_the_same(
    drawn: list[tuple[bool, bool, int, int]], random: Any
) -> None:
    problems = (a_problem(), a_problem(question="Again?"))
    samples = [
        a_sample(
            problem_id=problems[problem].problem_id,
            index=index,
            response=RIGHT if right else WRONG,
            prompt=(*ASKED, Message("user", str(prompt))),
            hint="42" if told else None,
        )
        for index, (right, told, problem, prompt) in enumerate(drawn)
    ]
    rows = _exported("preference", _table(*samples))
    by_id = {one.sample_id: one for one in samples}
    for row in rows:
        good, bad = by_id[row["chosen_id"]], by_id[row["rejected_id"]]
        assert (good.response, bad.response, good.hint, bad.hint) == (RIGHT, WRONG, None, None)
        assert good.prompt == bad.prompt == tuple(Message(**one) for one in row["prompt"])
        assert good.problem_id == bad.problem_id == row["problem_id"]
        assert row["chosen"][0]["content"].endswith(RIGHT) and row["rejected"][0]["content"].endswith(WRONG)
    used = [row[side] for row in rows for side in ("chosen_id", "rejected_id")]
    assert len(set(used)) == len(used)
    for problem in problems:
        possible = 0
        for prompt in "01":
            here = [
                one
                for one in samples
                if one.problem_id == problem.problem_id and one.prompt[-1].content == prompt and one.hint is None
            ]
            right = sum(one.response == RIGHT for one in here)
            possible += min(right, len(here) - right)
        assert sum(row["problem_id"] == problem.problem_id for row in rows) == min(possible, MAX_PAIRS)
    random.shuffle(samples)
    shuffled = _exported("preference", _table(*samples))
    pairs = [{(row["chosen_id"], row["rejected_id"]) for row in one} for one in (rows, shuffled)]
    assert pairs[0] == pairs[1]


def test_a_pair_needs_a_kept_right_sample_and_a_wrong_one_that_is_no_copy() -> None:
    table = _table(a_sample(response=RIGHT), a_sample(index=1, response=WRONG), duplicates=(1,))
    assert _exported("preference", table) == []
    table = _table(a_sample(response=RIGHT), a_sample(index=1, response=WRONG))
    assert len(_exported("preference", table)) == 1
    assert EXPORTS["preference"].rows(table.slice(0, 0), table, Ablation()).num_rows == 0


@pytest.mark.parametrize("name", ["labelled", "preference", "prompt_completion"])
def test_no_hint_is_in_a_view(name: str) -> None:
    samples = [a_sample(index=place, response=one, hint=f"SECRET {place}") for place, one in enumerate((RIGHT, WRONG, RIGHT))]
    samples += [a_sample(index=place, response=one) for place, one in ((3, RIGHT), (4, WRONG))]
    rows = _exported(name, _table(*samples))
    assert rows and "SECRET" not in str(rows)
