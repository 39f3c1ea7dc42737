"""Balance by pattern: within the ratio, rare patterns whole, and the same whatever the order and the parts."""

import collections
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.balance import bounds, by_pattern, draws, over_represented, patterns
from schemas.annotation import Reflection
from schemas.identity import content_id
from schemas.recipe import Balance
from schemas.tables import ANNOTATED_SCHEMA

KINDS = ([], ["cases"], ["cases", "equation"])


def _table(shown: list[list[str]]) -> pa.Table:
    ids = pa.array([content_id(str(place)) for place in range(len(shown))], pa.string())
    return pa.table({"sample_id": ids, "approaches": pa.array(shown, pa.list_(pa.string()))})


def _kept(table: pa.Table, parts: list[pa.Table], balance: Balance, seed: int = 1) -> set[str]:
    most = bounds([by_pattern(part, balance, seed) for part in parts], balance)
    ids = [part["sample_id"].filter(pa.array(~over_represented(part, balance, seed, most))).to_pylist() for part in parts]
    return {one for of_part in ids for one in of_part}


@given(
    st.lists(st.sampled_from(KINDS), max_size=40),
    st.sampled_from((1.0, 1.5, 3.0, 1e308)),
    st.integers(1, 8),
    st.permutations(range(40)),
    st.integers(0, 40),
)
@settings(max_examples=50)
def test_no_pattern_is_over_the_ratio_and_no_order_or_partition_has_a_part_in_it(
    shown: list[list[str]], ratio: float, floor: int, order: list[int], cut: int
) -> None:
    table, balance = _table(shown), Balance(by="approaches", ratio=ratio, floor=floor)
    kept = _kept(table, [table], balance)
    before = collections.Counter(patterns(table, "approaches"))
    stays = pa.array([one in kept for one in table["sample_id"].to_pylist()], pa.bool_())
    after = collections.Counter(patterns(table.filter(stays), "approaches"))
    most = ratio * max(min(before.values(), default=0), floor)
    assert after == collections.Counter({pattern: count if count <= most else int(most) for pattern, count in before.items()})
    shuffled = table.take(pa.array([place for place in order if place < len(shown)], pa.int64()))
    assert _kept(table, [shuffled.slice(0, cut), shuffled.slice(cut)], balance) == kept


@pytest.mark.parametrize(("ratio", "stay"), [(1.15, 115), (2.3, 230), (4.1, 410)])
def test_a_ratio_is_the_number_that_is_written(ratio: float, stay: int) -> None:
    drawn = {"none": np.arange(500, dtype=np.uint64), "cases": np.arange(100, dtype=np.uint64)}
    assert bounds([drawn], Balance(by="approaches", ratio=ratio, floor=1)) == {"none": stay - 1}


def test_the_seed_draws_the_rows() -> None:
    table, balance = _table([["cases"]] * 40 + [[]]), Balance(by="approaches", ratio=1, floor=10)
    one, again, other = (_kept(table, [table], balance, seed) for seed in (1, 1, 2))
    assert one == again != other and len(one) == len(other) == 11
    assert len(set(draws(table["sample_id"].to_pylist(), 1).tolist())) == 41


@pytest.mark.parametrize(
    ("by", "wanted"),
    [
        ("labels", ["hesitation+verification", "none", "verification", "none"]),
        ("effects", ["idle", "none", "none", "none"]),
        ("approaches", ["none", "cases+equation", "none", "none"]),
    ],
)
def test_a_pattern_is_a_set_of_names(by: Any, wanted: list[str]) -> None:
    check, doubt = Reflection("verification", 0, 1, "x", None, "idle"), Reflection("hesitation", 0, 1, "x", None, None)
    rows = [
        {"reflections": [check._asdict(), doubt._asdict(), check._asdict()], "approaches": []},
        {"reflections": [], "approaches": ["cases", "equation"]},
        {"reflections": [check._replace(effect=None)._asdict()], "approaches": []},
        {"reflections": [], "approaches": []},
    ]
    table = pa.Table.from_pylist(rows, schema=ANNOTATED_SCHEMA)
    assert patterns(table, by) == wanted and patterns(table.slice(2), by) == wanted[2:]
    assert patterns(table.slice(0, 0), by) == []
