"""Tables of the run directory and of a release: their columns, and rows to columns."""

import operator
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from schemas.annotation import (
    CHANCE_TYPE,
    CONTAMINATION_TYPE,
    COURSE_TYPE,
    DUPLICATE_TYPE,
    GRANULARITY_TYPE,
    LEAK_TYPE,
    REFLECTIONS_TYPE,
    STEPS_TYPE,
    VERDICT_TYPE,
    VOTE_TYPE,
)
from schemas.problem import PROBLEM_SCHEMA
from schemas.reject import REJECT_SCHEMA
from schemas.sample import MESSAGES_TYPE, SAMPLE_SCHEMA

RECORDED_SCHEMA = pa.schema(
    [
        pa.field("problem_id", pa.string()),
        pa.field("teacher", pa.string()),
        pa.field("reasoning", pa.string()),
        pa.field("response", pa.string()),
        pa.field("finish_reason", pa.string()),
    ]
)

PROBLEM_COLUMNS = tuple(name for name in PROBLEM_SCHEMA.names if name not in ("problem_id", "checker"))

ANNOTATED_SCHEMA = pa.schema(
    [
        *SAMPLE_SCHEMA,
        *(PROBLEM_SCHEMA.field(name) for name in PROBLEM_COLUMNS),
        pa.field("verdict", VERDICT_TYPE),
        pa.field("steps", STEPS_TYPE),
        pa.field("leak", LEAK_TYPE),  # null where nothing leaks, and for samples that had no hint
        pa.field("chance", CHANCE_TYPE),  # null for problems without choices
        pa.field("vote", VOTE_TYPE),  # null where fewer than two samples vote, or the checker compares no answers
        pa.field("reflections", REFLECTIONS_TYPE),
        pa.field("course", COURSE_TYPE),
        pa.field("granularity", GRANULARITY_TYPE),
        pa.field("approaches", pa.list_(pa.field("item", pa.string()))),  # sorted; empty where no words show any
        pa.field("contamination", CONTAMINATION_TYPE),  # null where the recipe names no benchmark, empty where nothing was found
        pa.field("fingerprint", pa.binary()),  # 16 bytes: BLAKE2b of the normalised chain
        pa.field("signature", pa.binary()),  # MinHash, little-endian uint32 slots
    ]
)

# Ids first, then what a reader filters by, then the long texts.
_FULL_COLUMNS = (
    *("sample_id", "problem_id", "index", "round", "origin", "teacher", "parent_id"),
    *("source", "subject", "language", "answer", "choices", "choice_order", "tests"),
    *("verdict", "judgement", "steps", "leak", "chance", "vote"),
    *("reflections", "course", "granularity", "approaches", "tagged", "contamination", "duplicate"),
    *("score", "chosen", "finish_reason", "prompt_tokens", "completion_tokens", "logprob", "metadata", "hint"),
    *("question", "prompt", "prompt_id", "reasoning", "response"),
)

FULL_SCHEMA = pa.schema(
    [pa.field("duplicate", DUPLICATE_TYPE) if name == "duplicate" else ANNOTATED_SCHEMA.field(name) for name in _FULL_COLUMNS]
)

# One row a kept row, in the order of `full`.
SIGNATURES_SCHEMA = pa.schema(
    [
        pa.field("sample_id", pa.string()),
        pa.field("problem_id", pa.string()),
        pa.field("answer", pa.string()),  # by which copies must agree, null where none was read
        pa.field("fingerprint", pa.binary()),
        pa.field("signature", pa.binary()),
    ]
)

SFT_SCHEMA = pa.schema([pa.field("sample_id", pa.string()), pa.field("messages", MESSAGES_TYPE)])

ABLATION_SCHEMA = pa.schema([*SFT_SCHEMA, pa.field("ablated", pa.int64())])  # sentences cut or moved; 0: as in `sft`

PROMPT_COMPLETION_SCHEMA = pa.schema(
    [pa.field("sample_id", pa.string()), pa.field("prompt", MESSAGES_TYPE), pa.field("completion", MESSAGES_TYPE)]
)
LABELLED_SCHEMA = pa.schema(
    [
        pa.field("sample_id", pa.string()),
        pa.field("problem_id", pa.string()),
        pa.field("prompt", MESSAGES_TYPE),
        pa.field("completion", MESSAGES_TYPE),
        pa.field("label", pa.bool_()),
    ]
)
PREFERENCE_SCHEMA = pa.schema(
    [
        pa.field("problem_id", pa.string()),
        pa.field("chosen_id", pa.string()),
        pa.field("rejected_id", pa.string()),
        pa.field("prompt", MESSAGES_TYPE),
        pa.field("chosen", MESSAGES_TYPE),
        pa.field("rejected", MESSAGES_TYPE),
    ]
)

# One row a problem and teacher, what the teacher made of it behind what was asked.
PROBLEMS_SCHEMA = pa.schema(
    [
        *PROBLEM_SCHEMA,
        pa.field("teacher", pa.string()),  # as it was asked: a mixture is one; null where the problem has no sample
        pa.field("samples", pa.int64()),
        pa.field("correct", pa.int64()),
        pa.field("trials", pa.int64()),  # samples without a hint, as many as do not depend on how they end
        pa.field("right", pa.int64()),  # those of the trials that are correct
        pa.field(
            "pass_at_k", pa.list_(pa.field("element", pa.float64()))
        ),  # place i: k = i + 1; empty where nothing could be judged
        pa.field("rationalized", pa.int64()),  # samples with a hint
        pa.field("rationalized_correct", pa.int64()),
        pa.field("kept", pa.int64()),
    ]
)

# What was turned away: a record that never became a sample has `detail` and `raw`, a sample has its own columns.
REJECTED_SCHEMA = pa.schema(
    [
        *(REJECT_SCHEMA.field(name) for name in ("reject_id", "stage", "reason", "detail", "raw")),
        *FULL_SCHEMA,
    ]
)


def table_of(rows: Sequence[Any], schema: pa.Schema) -> pa.Table:
    """Return the table of objects that have the schema's columns as attributes; it has every column even when empty."""
    values = zip(*map(operator.attrgetter(*schema.names), rows), strict=True) if rows else [()] * len(schema)
    columns = [pa.array(column, type=field.type) for column, field in zip(values, schema, strict=True)]
    return pa.Table.from_arrays(columns, schema=schema)
