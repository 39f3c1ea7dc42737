"""Views of a release for trainers of other kinds than SFT on messages: with the prompt apart, with labels, in pairs.

A model is trained to answer the prompt as it is stored.  A sample that was told the answer does not say how well that is answered,
so it has no label and is in no pair.
"""

import operator
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from schemas.recipe import Ablation
from schemas.sample import MESSAGES_TYPE, Message
from schemas.tables import LABELLED_SCHEMA, PREFERENCE_SCHEMA, PROMPT_COMPLETION_SCHEMA

MAX_PAIRS = 5  # of a problem, which are 5 right and 5 wrong samples at most, as in O1 Replication Journey (arXiv 2410.18982)


def assistant_text(reasoning: str, response: str) -> str:
    """Return what a model is trained to write: the thought inside `<think>`, then the response.

    Inline marks are the form that most chat templates keep: 14 of the 17 tried, against 8 for a separate key.
    """
    return f"<think>\n{reasoning}\n</think>\n\n{response}" if reasoning else response


def assistant_turns(table: pa.Table) -> list[dict[str, str]]:
    """Return each row's chain as the turn of an assistant."""
    pairs = zip(table["reasoning"].to_pylist(), table["response"].to_pylist(), strict=True)
    return [Message("assistant", assistant_text(*pair))._asdict() for pair in pairs]


def completions(table: pa.Table) -> pa.Array:
    """Return each row's chain as a list of one message."""
    return pa.array([[turn] for turn in assistant_turns(table)], type=MESSAGES_TYPE)


def prompt_completion(kept: pa.Table, every: pa.Table, _: Ablation) -> pa.Table:
    """Return the kept rows, what is asked and what is answered apart."""
    return pa.Table.from_arrays([kept["sample_id"], kept["prompt"], completions(kept)], schema=PROMPT_COMPLETION_SCHEMA)


def labelled(kept: pa.Table, every: pa.Table, _: Ablation) -> pa.Table:
    """Return every sample that was judged right or wrong, kept or not: V-STaR's data for a verifier (arXiv 2402.06457)."""
    table = _unhinted(every, pc.is_in(_status(every), value_set=pa.array(["correct", "incorrect"])))
    columns = [table["sample_id"], table["problem_id"], table["prompt"], completions(table), pc.equal(_status(table), "correct")]
    return pa.Table.from_arrays(columns, schema=LABELLED_SCHEMA)


def preference(kept: pa.Table, every: pa.Table, _: Ablation) -> pa.Table:
    """Return pairs of a kept right sample and a wrong one at the same prompt.  Each sample is in one pair at most.

    Their order is that of their ids, which are hashes: no length and no index is preferred.  A wrong sample that is a copy of
    another row is left out.
    """
    right = _turns(_unhinted(kept, pc.equal(_status(kept), "correct")))
    wrong = _turns(_unhinted(every, pc.and_(pc.equal(_status(every), "incorrect"), pc.is_null(every["duplicate"]))))
    rows = [
        {"problem_id": problem_id, "chosen_id": one, "rejected_id": other, "prompt": prompt, "chosen": [good], "rejected": [bad]}
        for problem_id, prompts in right.items()
        for prompt, (one, good), (other, bad) in _pairs(prompts, wrong.get(problem_id, {}))
    ]
    return pa.Table.from_pylist(rows, schema=PREFERENCE_SCHEMA)


Turn = tuple[str, dict[str, str]]  # a sample's id and what it says
AtPrompts = dict[tuple[tuple[str, str], ...], list[Turn]]


def _pairs(right: AtPrompts, wrong: AtPrompts) -> Iterator[tuple[Any, Turn, Turn]]:
    """Yield the pairs of one problem."""
    left = MAX_PAIRS
    for prompt, turns in sorted(right.items(), key=lambda one: one[1][0][0]):  # by the first id
        messages = [Message(*message)._asdict() for message in prompt]
        for good, bad in list(zip(turns, wrong.get(prompt, ()), strict=False))[:left]:
            left -= 1
            yield messages, good, bad


def _turns(table: pa.Table) -> dict[str, AtPrompts]:
    """Return the rows by problem and prompt, in order of their ids within each."""
    rows = zip(table["problem_id"].to_pylist(), table["prompt"].to_pylist(), table["sample_id"].to_pylist(), strict=True)
    found: dict[str, AtPrompts] = {}
    for (problem_id, prompt, sample_id), turn in zip(rows, assistant_turns(table), strict=True):
        key = tuple((message["role"], message["content"]) for message in prompt)
        found.setdefault(problem_id, {}).setdefault(key, []).append((sample_id, turn))
    for prompts in found.values():
        for turns in prompts.values():
            turns.sort(key=operator.itemgetter(0))
    return found


def _status(table: pa.Table) -> pa.Array:
    return pc.struct_field(table["verdict"].combine_chunks(), "status")


def _unhinted(table: pa.Table, also: pa.Array) -> pa.Table:
    """Return the rows of `also` that were not told the answer."""
    told = pc.or_(pc.is_valid(table["hint"].combine_chunks()), pc.equal(table["origin"].combine_chunks(), "rationalized"))
    return table.filter(pc.and_(pc.invert(told), also))
