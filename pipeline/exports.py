"""The configs of a release: what each holds, as a function of the rows that selection kept and of all rows."""

from collections.abc import Callable
from typing import NamedTuple

import pyarrow as pa

from pipeline import training_views as views
from schemas.tables import (
    FULL_SCHEMA,
    LABELLED_SCHEMA,
    PREFERENCE_SCHEMA,
    PROBLEMS_SCHEMA,
    PROMPT_COMPLETION_SCHEMA,
    SFT_SCHEMA,
)


class Export(NamedTuple):
    """One config."""

    meaning: str  # for a reader
    schema: pa.Schema
    # kept rows with all their columns, every annotated row with its `duplicate` and its `reason` (null where it is kept) → rows
    rows: Callable[[pa.Table, pa.Table], pa.Table]


class Config(NamedTuple):
    """What a recipe can name."""

    meaning: str
    schema: pa.Schema


def _full(kept: pa.Table, every: pa.Table) -> pa.Table:
    return kept.select(FULL_SCHEMA.names)


def _sft(kept: pa.Table, every: pa.Table) -> pa.Table:
    turns = zip(kept["prompt"].to_pylist(), views.assistant_turns(kept), strict=True)
    messages = pa.array([[*prompt, turn] for prompt, turn in turns], type=SFT_SCHEMA.field("messages").type)
    return pa.Table.from_arrays([kept["sample_id"], messages], schema=SFT_SCHEMA)


EXPORTS: dict[str, Export] = {
    "full": Export("every column of every kept row", FULL_SCHEMA, _full),
    "sft": Export("chat messages, the thought inside <think>", SFT_SCHEMA, _sft),
    "prompt_completion": Export(
        "prompt and completion apart, so that trainers learn the completion alone",
        PROMPT_COMPLETION_SCHEMA,
        views.prompt_completion,
    ),
    "labelled": Export(
        "every sample judged right or wrong, kept or not, with its label: for verifiers and KTO",
        LABELLED_SCHEMA,
        views.labelled,
    ),
    "preference": Export(
        f"pairs of a kept right and a wrong sample of a problem, up to {views.MAX_PAIRS}: for DPO and reward models",
        PREFERENCE_SCHEMA,
        views.preference,
    ),
}

PROBLEMS = "problems"  # no Export: problems without a sample are in it too, so `pipeline/pass_rates.py` makes it

CONFIGS: dict[str, Config] = {
    **{name: Config(export.meaning, export.schema) for name, export in EXPORTS.items()},
    PROBLEMS: Config("every problem with its pass@k by each teacher, solved or not", PROBLEMS_SCHEMA),
}
