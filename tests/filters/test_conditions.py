"""Conditions on reflections, beside a count of what the rows hold."""

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.conditions import ENDS, KINDS, counted, reasons_of, unmet
from filters.selection import eligible, select
from schemas.annotation import EFFECTS, LABELS, Reflection
from schemas.recipe import Condition, Select
from schemas.tables import ANNOTATED_SCHEMA

SHOWN = st.lists(st.tuples(st.sampled_from(LABELS[:3]), st.sampled_from((*EFFECTS[:2], None))), max_size=5)
ROWS = st.lists(st.tuples(SHOWN, st.integers(0, 400)), max_size=5)


def _table(rows: list[tuple[list[tuple[Any, Any]], int]]) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "problem_id": "p",
                "index": place,
                "reasoning": "",
                "response": "",
                "reflections": [Reflection(label, 0, 1, "x", None, effect)._asdict() for label, effect in shown],
                "granularity": {"tokens": tokens},
            }
            for place, (shown, tokens) in enumerate(rows)
        ],
        schema=ANNOTATED_SCHEMA,
    )


@given(
    ROWS,
    st.sampled_from((None, *LABELS[:3])),
    st.sampled_from((None, *EFFECTS[:2], "unknown")),
    st.integers(1, 2),
    st.integers(2, 3),
    st.sampled_from((None, 0.0, 5.0, 12.5)),
)
def test_a_condition_counts_what_has_its_label_and_effect(
    rows: list[tuple[list[tuple[Any, Any]], int]], label: Any, effect: Any, least: int, most: int, dense: float | None
) -> None:
    table = _table(rows)
    condition = Condition(label=label, effect=effect, min=least, max=most, max_per_1000_tokens=dense)
    counts = [sum(label in (None, one) and effect in (None, did or "unknown") for one, did in shown) for shown, _ in rows]
    assert counted(table, condition).tolist() == counts
    kind = "_".join(name for name in (effect, label) if name) or "reflections"
    wanted = []
    for count, (_, tokens) in zip(counts, rows, strict=True):
        over = dense is not None and count > 0 and (tokens == 0 or count / tokens * 1000 > dense)
        fails = dict(zip(ENDS, (count < least, count > most, over), strict=True))
        wanted.append(next((f"too_{end}_{kind}" for end, failed in fails.items() if failed), None))
    settings = Select(keep=("reflections",), reflections=(condition,))
    assert select(table, settings) == wanted
    assert eligible(table, settings).tolist() == [reason is None for reason in wanted]
    assert unmet(table.slice(1), (condition,)).tolist() == unmet(table, (condition,)).tolist()[1:]


def test_the_first_condition_that_fails_names_the_reason() -> None:
    conditions = (Condition(label="verification", effect="effective", min=1), Condition(effect="idle", max=0))
    shown = [[("hesitation", "idle")], [("verification", "effective"), ("hesitation", "idle")], [("verification", "effective")]]
    found = unmet(_table([(one, 100) for one in shown]), conditions)
    assert reasons_of(conditions, found) == ["too_few_effective_verification", "too_many_idle", ""]
    assert [place >= 0 for place in found.tolist()] == [True, True, False]
    assert unmet(_table([(one, 100) for one in shown]), ()).tolist() == [-1, -1, -1]


def test_what_a_condition_can_name_are_the_labels_and_the_effects_with_one_for_none() -> None:
    assert {"label": LABELS, "effect": (*EFFECTS, "unknown")} == KINDS


@pytest.mark.parametrize("bounds", [{}, {"min": 2, "max": 1}, {"min": 0}, {"max": -1}, {"max_per_1000_tokens": -1.0}])
def test_a_condition_without_bounds_or_with_some_that_nothing_meets_is_none(bounds: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Condition(label="verification", **bounds)
