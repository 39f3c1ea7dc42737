"""Selection: one decision a row, from the recipe, with a reason for every row that is not kept."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from filters.chance import SIGNIFICANT

Mask = npt.NDArray[np.bool_]

NOT_DUPLICATE = "not_duplicate"
WRONG_STEPS = pa.array(["wrong", "right_answer_wrong_steps"], pa.string())


class Rule(NamedTuple):
    """One thing that a row must be."""

    meaning: str  # for a reader
    holds: Callable[[pa.Table], Mask]
    reasons: Callable[[pa.Table], list[str]]  # a code for each row, read where the rule does not hold


def _field(table: pa.Table, column: str, name: str) -> pa.Array:
    return pc.struct_field(table[column].combine_chunks(), name)


def _mask(values: pa.Array) -> Mask:
    mask: Mask = pc.fill_null(values, False).to_numpy(zero_copy_only=False)
    return mask


def _always(reason: str) -> Callable[[pa.Table], list[str]]:
    return lambda table: [reason] * table.num_rows


def _duplicate_reasons(table: pa.Table) -> list[str]:
    return [f"duplicate_{kind}" for kind in _field(table, "duplicate", "kind").to_pylist()]


RULES: dict[str, Rule] = {
    "correct": Rule(
        "the verdict is correct",
        lambda table: _mask(pc.equal(_field(table, "verdict", "status"), "correct")),
        lambda table: list(_field(table, "verdict", "status").to_pylist()),
    ),
    "steps_hold": Rule(
        "no step of the chain is known to be wrong",
        lambda table: ~_mask(pc.is_in(_field(table, "steps", "status"), value_set=WRONG_STEPS)),
        lambda table: [
            f"steps_{status}" if status == "wrong" else status for status in _field(table, "steps", "status").to_pylist()
        ],
    ),
    "no_leak": Rule(
        "the chain does not show that it was told the answer",
        lambda table: _mask(pc.is_null(table["leak"].combine_chunks())),
        lambda table: [f"leak_{kind}" for kind in _field(table, "leak", "kind").to_pylist()],
    ),
    "beats_chance": Rule(
        f"its problem's choices are right more often than guessing gives, p ≤ {SIGNIFICANT}",
        lambda table: ~_mask(pc.greater(_field(table, "chance", "p_value"), SIGNIFICANT)),
        _always("as_good_as_guessing"),
    ),
    "finished": Rule(
        "the teacher was not cut off by a length limit",
        lambda table: ~_mask(pc.equal(table["finish_reason"].combine_chunks(), "length")),
        _always("unfinished"),
    ),
    "has_reasoning": Rule(
        "the thought is not empty",
        lambda table: _mask(pc.not_equal(table["reasoning"].combine_chunks(), "")),
        _always("no_reasoning"),
    ),
    NOT_DUPLICATE: Rule(
        "no kept row is a copy of it",
        lambda table: _mask(pc.is_null(table["duplicate"].combine_chunks())),
        _duplicate_reasons,
    ),
}


def eligible(table: pa.Table, keep: Sequence[str]) -> Mask:
    """Return which rows pass every rule but `not_duplicate`: of two copies, one of these must survive."""
    passed = np.ones(table.num_rows, dtype=np.bool_)
    for name in keep:
        if name != NOT_DUPLICATE:
            passed &= RULES[name].holds(table)
    return passed


def chain_lengths(table: pa.Table) -> npt.NDArray[np.int64]:
    """Return the length of each chain in code points, reasoning and response together."""
    parts = [pc.utf8_length(table[name].combine_chunks()).to_numpy(zero_copy_only=False) for name in ("reasoning", "response")]
    return np.asarray(parts[0] + parts[1], dtype=np.int64)


def within_quota(table: pa.Table, keep: Sequence[str], max_per_problem: int | None) -> Mask:
    """Return which rows `select` would keep if there were no copies.  Of two copies, one of these should survive."""
    reasons: list[str | None] = [None if good else "not_eligible" for good in eligible(table, keep)]
    if max_per_problem is not None:
        for row in _over_quota(table, reasons, max_per_problem):
            reasons[row] = "over_quota"
    return np.array([reason is None for reason in reasons], dtype=np.bool_)


def select(table: pa.Table, keep: Sequence[str], max_per_problem: int | None) -> list[str | None]:
    """Return for each row the code of the first rule that turns it away, or None where it is kept.

    A problem keeps at most `max_per_problem` rows, the shortest chains first, then by index.
    """
    reasons: list[str | None] = [None] * table.num_rows
    for name in keep:
        rule = RULES[name]
        failed = np.flatnonzero(~rule.holds(table))
        codes = rule.reasons(table) if len(failed) else []
        for row in failed.tolist():
            reasons[row] = reasons[row] or codes[row]
    if max_per_problem is not None:
        for row in _over_quota(table, reasons, max_per_problem):
            reasons[row] = "over_quota"
    return reasons


def _over_quota(table: pa.Table, reasons: Sequence[str | None], quota: int) -> list[int]:
    problems, indexes = table["problem_id"].to_pylist(), table["index"].to_pylist()
    lengths = chain_lengths(table)
    kept: dict[str, list[int]] = {}
    for row, reason in enumerate(reasons):
        if reason is None:
            kept.setdefault(problems[row], []).append(row)
    return [row for rows in kept.values() for row in sorted(rows, key=lambda row: (lengths[row], indexes[row]))[quota:]]
