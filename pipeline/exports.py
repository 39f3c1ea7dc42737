"""The configs of a release: what each holds, as a function of a partition's rows."""

from collections.abc import Callable
from typing import NamedTuple

import pyarrow as pa

from schemas.sample import Message
from schemas.tables import FULL_SCHEMA, PROBLEMS_SCHEMA, SFT_SCHEMA


class Export(NamedTuple):
    """One config."""

    meaning: str  # for a reader
    schema: pa.Schema
    rows: Callable[[pa.Table, pa.Table], pa.Table]  # kept rows, every row; both with all their columns → rows of the config


class Config(NamedTuple):
    """What a recipe can name."""

    meaning: str
    schema: pa.Schema


def assistant_text(reasoning: str, response: str) -> str:
    """Return what a model is trained to write: the thought inside `<think>`, then the response.

    Inline marks are the form that most chat templates keep: 14 of the 17 tried, against 8 for a separate key.
    """
    return f"<think>\n{reasoning}\n</think>\n\n{response}" if reasoning else response


def _full(kept: pa.Table, every: pa.Table) -> pa.Table:
    return kept.select(FULL_SCHEMA.names)


def _sft(kept: pa.Table, every: pa.Table) -> pa.Table:
    columns = (kept[name].to_pylist() for name in ("prompt", "reasoning", "response"))
    messages = [
        [*prompt, Message("assistant", assistant_text(reasoning, response))._asdict()]
        for prompt, reasoning, response in zip(*columns, strict=True)
    ]
    return pa.Table.from_arrays([kept["sample_id"], pa.array(messages, type=SFT_SCHEMA.field("messages").type)], schema=SFT_SCHEMA)


EXPORTS: dict[str, Export] = {
    "full": Export("every column of every kept row", FULL_SCHEMA, _full),
    "sft": Export("chat messages, the thought inside <think>", SFT_SCHEMA, _sft),
}

PROBLEMS = "problems"  # no Export: problems without a sample are in it too, so `pipeline/pass_rates.py` makes it

CONFIGS: dict[str, Config] = {
    **{name: Config(export.meaning, export.schema) for name, export in EXPORTS.items()},
    PROBLEMS: Config("every problem with its pass@k by each teacher, solved or not", PROBLEMS_SCHEMA),
}
