"""The configs of a release: what each holds, as a function of the rows that selection kept and of all rows."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import pyarrow as pa

from filters.sentences import Span
from pipeline import training_views as views
from pipeline.ablation import Ablated, ablated, moved, stripped
from schemas.recipe import Ablation
from schemas.sample import Message
from schemas.tables import (
    ABLATION_SCHEMA,
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
    # kept rows with all their columns, every annotated row with its `duplicate` and its `reason` (null where it is kept),
    # `[export.ablation]` → rows
    rows: Callable[[pa.Table, pa.Table, Ablation], pa.Table]


class Config(NamedTuple):
    """What a recipe can name."""

    meaning: str
    schema: pa.Schema


def _full(kept: pa.Table, every: pa.Table, _: Ablation) -> pa.Table:
    return kept.select(FULL_SCHEMA.names)


def _sft(kept: pa.Table, every: pa.Table, _: Ablation) -> pa.Table:
    return pa.Table.from_arrays([kept["sample_id"], _chats(kept, views.assistant_turns(kept))], schema=SFT_SCHEMA)


def _chats(kept: pa.Table, turns: Sequence[dict[str, str]]) -> pa.Array:
    pairs = zip(kept["prompt"].to_pylist(), turns, strict=True)
    return pa.array([[*prompt, turn] for prompt, turn in pairs], type=SFT_SCHEMA.field("messages").type)


def _ablated(how: Callable[[str, str, Sequence[Span]], Ablated]) -> Callable[[pa.Table, pa.Table, Ablation], pa.Table]:
    def rows(kept: pa.Table, every: pa.Table, ablation: Ablation) -> pa.Table:
        chains = list(ablated(kept, ablation, how))
        turns = [Message("assistant", views.assistant_text(thought, response))._asdict() for thought, response, _ in chains]
        counts = pa.array([count for _, _, count in chains], pa.int64())
        return pa.Table.from_arrays([kept["sample_id"], _chats(kept, turns), counts], schema=ABLATION_SCHEMA)

    return rows


EXPORTS: dict[str, Export] = {
    "full": Export("every column of every kept row", FULL_SCHEMA, _full),
    "sft": Export("chat messages, the thought inside <think>", SFT_SCHEMA, _sft),
    "sft_stripped": Export("the rows of sft without the reflections of [export.ablation]", ABLATION_SCHEMA, _ablated(stripped)),
    "sft_moved": Export(
        "the rows of sft with the reflections of [export.ablation] at the thought's end", ABLATION_SCHEMA, _ablated(moved)
    ),
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
