from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.checkers import CHECKERS
from pipeline.annotate import annotate
from pipeline.exports import CONFIGS, EXPORTS
from pipeline.release import with_duplicates
from pipeline.training_views import assistant_text
from schemas.annotation import Duplicate
from schemas.recipe import Ablation
from schemas.sample import SAMPLE_SCHEMA, Message, Sample
from schemas.tables import (
    ABLATION_SCHEMA,
    FULL_SCHEMA,
    LABELLED_SCHEMA,
    PREFERENCE_SCHEMA,
    PROBLEMS_SCHEMA,
    PROMPT_COMPLETION_SCHEMA,
    SFT_SCHEMA,
    table_of,
)
from tests.builders import a_problem, a_sample

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def _rows(*samples: Sample) -> pa.Table:
    problem = a_problem()
    annotated = annotate({problem.problem_id: problem}, table_of(samples, SAMPLE_SCHEMA), CHECKERS)
    return with_duplicates(annotated, {place: Duplicate("near", "kept", 0.9) for place in range(1, len(samples))})


SAMPLES = (a_sample(), a_sample(index=1, reasoning="", response="42"), a_sample(index=2, response=""))


@given(TEXT, TEXT)
def test_what_a_model_learns_to_write_is_the_thought_in_its_marks_then_the_response(reasoning: str, response: str) -> None:
    text = assistant_text(reasoning, response)
    assert text == (f"<think>\n{reasoning}\n</think>\n\n{response}" if reasoning else response)


def test_chat_messages_are_the_prompt_and_the_marked_text() -> None:
    prompt = (Message("system", "Think."), Message("user", "What is 6 × 7?"))
    samples = (a_sample(prompt=prompt, hint="It is 42."), *SAMPLES[1:])
    rows = EXPORTS["sft"].rows(_rows(*samples), _rows(), Ablation()).to_pylist()
    assert rows[0] == {
        "sample_id": samples[0].sample_id,
        "messages": [
            {"role": "system", "content": "Think."},
            {"role": "user", "content": "What is 6 × 7?"},
            {"role": "assistant", "content": "<think>\nSix sevens are forty-two.\n</think>\n\nThe answer is 42."},
        ],
    }
    assert [row["messages"][-1]["content"] for row in rows[1:]] == ["42", "<think>\nSix sevens are forty-two.\n</think>\n\n"]
    assert not any("It is 42." in message["content"] for row in rows for message in row["messages"])


def test_the_full_config_has_every_column_as_it_was() -> None:
    table = _rows(*SAMPLES)
    full = EXPORTS["full"].rows(table, table, Ablation())
    assert full.schema == FULL_SCHEMA and set(table.column_names) - set(full.column_names) == {"fingerprint", "signature"}
    for name in full.column_names:
        assert full[name].to_pylist() == table[name].to_pylist()
    first: dict[str, Any] = full.to_pylist()[0]
    assert (first["verdict"]["status"], first["question"], first["answer"]) == ("correct", "What is 6 × 7?", "42")
    assert full["duplicate"].to_pylist() == [None, *[{"kind": "near", "kept_id": "kept", "jaccard": 0.9}] * 2]


OF_KEPT_ROWS = ("full", "prompt_completion", "sft", "sft_moved", "sft_stripped")


@pytest.mark.parametrize("name", OF_KEPT_ROWS)
def test_a_config_of_kept_rows_has_one_for_each(name: str) -> None:
    table = _rows(*SAMPLES)
    kept = table.slice(1)
    assert EXPORTS[name].rows(kept, table, Ablation())["sample_id"].to_pylist() == [one.sample_id for one in SAMPLES[1:]]


@pytest.mark.parametrize("name", sorted(EXPORTS))
def test_a_config_has_its_schema_even_when_it_has_no_row(name: str) -> None:
    export, table = EXPORTS[name], _rows(*SAMPLES)
    assert export.meaning and export.rows(table, table, Ablation()).schema == export.schema
    for empty in (table.slice(0, 0), table.filter(pa.array([False] * 3)), _rows()):
        assert export.rows(empty, empty, Ablation()).schema == export.schema and export.rows(empty, empty, Ablation()).num_rows == 0


@pytest.mark.parametrize("name", sorted(EXPORTS))
def test_a_table_in_chunks_gives_the_same_rows(name: str) -> None:
    table = _rows(*SAMPLES, a_sample(index=3, response="The answer is 41."))
    chunked = pa.concat_tables([table.slice(0, 1), table.slice(1, 0), table.slice(1)])
    assert EXPORTS[name].rows(chunked, chunked, Ablation()).to_pylist() == EXPORTS[name].rows(table, table, Ablation()).to_pylist()


def test_the_schemas_of_the_configs_are_the_published_ones() -> None:
    assert {name: config.schema for name, config in CONFIGS.items()} == {
        "full": FULL_SCHEMA,
        "sft": SFT_SCHEMA,
        "sft_stripped": ABLATION_SCHEMA,
        "sft_moved": ABLATION_SCHEMA,
        "prompt_completion": PROMPT_COMPLETION_SCHEMA,
        "labelled": LABELLED_SCHEMA,
        "preference": PREFERENCE_SCHEMA,
        "problems": PROBLEMS_SCHEMA,
    }
