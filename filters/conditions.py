"""Conditions on a row's reflections: how many there are of a label, of an effect, for a length."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from filters.stated_answers import PLANS
from schemas.annotation import EFFECTS, LABELS
from schemas.recipe import Condition

Counts = npt.NDArray[np.int64]

UNKNOWN = "unknown"  # the effect of a reflection that has none
KINDS = {"label": LABELS, "effect": (*EFFECTS, UNKNOWN)}  # what a condition can name
ENDS = ("few", "many", "dense")  # by how a condition may fail


def unmet(table: pa.Table, conditions: Sequence[Condition]) -> Counts:
    """Return for each row the first end of a condition that does not hold, as a place in `reasons_of`; -1 where all hold."""
    tokens = pc.fill_null(pc.struct_field(table["granularity"].combine_chunks(), "tokens"), 0).to_numpy(zero_copy_only=False)
    found = np.full(table.num_rows, -1, dtype=np.int64)
    for place, condition in enumerate(conditions):
        counts = counted(table, condition)
        fails = {}
        if condition.min is not None:
            fails["few"] = counts < condition.min
        if condition.max is not None:
            fails["many"] = counts > condition.max
        if condition.max_per_1000_tokens is not None:
            fails["dense"] = 1000 * counts > condition.max_per_1000_tokens * tokens
        for end, rows in fails.items():
            found[(found < 0) & rows] = place * len(ENDS) + ENDS.index(end)
    return found


def impossible(conditions: Sequence[Condition]) -> str | None:
    """Return why no row can meet the conditions, as far as their names and bounds tell; None where one may."""
    for number, one in enumerate(conditions, 1):
        if one.min is None:
            continue
        if one.label in PLANS and one.effect not in (None, "idle", UNKNOWN):
            return f"number {number}: a {one.label} turns on no answer, its effect is never {one.effect!r}; take the condition out"
        for other_number, other in enumerate(conditions, 1):
            counts_them = other.label in (None, one.label) and other.effect in (None, one.effect)
            if counts_them and other.max is not None and one.min > other.max:
                over = f"min = {one.min} is over max = {other.max} of number {other_number}"
                return f"number {number}: {over}, no row has both; change one"
    return None


def counted(table: pa.Table, condition: Condition) -> Counts:
    """Return how many reflections of a condition's label and effect each row has."""
    column = table["reflections"].combine_chunks()
    rows, found = pc.list_parent_indices(column), pc.list_flatten(column)
    if condition.label is not None:
        fits = pc.equal(pc.struct_field(found, "label"), condition.label)
        rows, found = rows.filter(fits), found.filter(fits)
    if condition.effect is not None:
        effects = pc.fill_null(pc.struct_field(found, "effect"), UNKNOWN)
        rows = rows.filter(pc.equal(effects, condition.effect))
    return np.bincount(rows.to_numpy(), minlength=table.num_rows).astype(np.int64)


def reasons_of(conditions: Sequence[Condition], found: Counts) -> list[str]:
    """Return the codes of what `unmet` found: "too_few_effective_verification", "too_many_idle", "too_dense_reflections"."""
    codes = [f"too_{end}_{_kind(condition)}" for condition in conditions for end in ENDS]
    return [codes[place] if place >= 0 else "" for place in found.tolist()]


def _kind(condition: Condition) -> str:
    return "_".join(name for name in (condition.effect, condition.label) if name is not None) or "reflections"
