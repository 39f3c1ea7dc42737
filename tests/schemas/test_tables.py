import dataclasses

import pyarrow as pa
import pytest

from pipeline.annotate import problems_of
from schemas.annotation import Judgement
from schemas.problem import PROBLEM_SCHEMA, Problem
from schemas.sample import SAMPLE_SCHEMA, Sample, chain_text
from schemas.tables import (
    ANNOTATED_SCHEMA,
    FULL_SCHEMA,
    LABELLED_SCHEMA,
    PREFERENCE_SCHEMA,
    PROBLEMS_SCHEMA,
    PROMPT_COMPLETION_SCHEMA,
    REJECTED_SCHEMA,
    SFT_SCHEMA,
    table_of,
)
from tests.builders import a_problem, a_sample

VIEWS = [SFT_SCHEMA, PROMPT_COMPLETION_SCHEMA, LABELLED_SCHEMA, PREFERENCE_SCHEMA]
SCHEMAS = [PROBLEM_SCHEMA, SAMPLE_SCHEMA, ANNOTATED_SCHEMA, FULL_SCHEMA, PROBLEMS_SCHEMA, REJECTED_SCHEMA, *VIEWS]


@pytest.mark.parametrize(("record", "schema"), [(Problem, PROBLEM_SCHEMA), (Sample, SAMPLE_SCHEMA)])
def test_a_record_has_exactly_its_schemas_columns(record: type, schema: pa.Schema) -> None:
    assert [field.name for field in dataclasses.fields(record)] == schema.names


def test_problems_survive_the_round_trip() -> None:
    problems = [a_problem(choices=("a", "b"), subject="x"), a_problem(question="q", answer=None, metadata='{"a": 1}')]
    assert list(problems_of(table_of(problems, PROBLEM_SCHEMA)).values()) == problems


def test_an_empty_table_has_every_column() -> None:
    assert table_of([], SAMPLE_SCHEMA).schema == SAMPLE_SCHEMA
    row = table_of([a_sample()], SAMPLE_SCHEMA).to_pylist()[0]
    assert row["prompt"] == [{"role": "user", "content": "What is 6 × 7?"}]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_only_plain_types(schema: pa.Schema) -> None:
    def plain(kind: pa.DataType) -> bool:
        if pa.types.is_list(kind):
            return plain(kind.value_type)
        if pa.types.is_struct(kind):
            return all(plain(field.type) for field in kind)
        return kind in (pa.string(), pa.int64(), pa.float64(), pa.bool_(), pa.binary())

    assert all(plain(field.type) for field in schema)
    assert len(set(schema.names)) == len(schema.names)


def test_the_order_of_the_options_is_part_of_what_a_sample_is_and_its_judgement_is_not() -> None:
    judged = a_sample(judgement=Judgement("judge", "42", "correct", "judge_equivalent"))
    assert (
        a_sample(choice_order=(1, 0)).sample_id != a_sample().sample_id == a_sample(choice_order=()).sample_id == judged.sample_id
    )
    first, second = table_of([judged, a_sample(choice_order=(1, 0))], SAMPLE_SCHEMA).to_pylist()
    assert Judgement(**first["judgement"]) == judged.judgement and first["choice_order"] == []
    assert second["judgement"] is None and second["choice_order"] == [1, 0]


def test_the_chain_is_thought_then_response() -> None:
    assert chain_text("a", "b") == "a\n\nb"
    assert chain_text("", "b") == "b"
    assert chain_text("a", "") == "a"
