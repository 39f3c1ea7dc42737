"""What a problem keeps where it has more than its quota: different equations, then approaches, then words."""

import collections
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.approaches import approaches
from filters.diversity import Rows, most_different
from filters.paths import path
from filters.selection import eligible as passing
from filters.selection import select, turns, within_quota
from filters.signatures import packed, signatures
from schemas.recipe import Select
from schemas.tables import FULL_SCHEMA

SLOTS = 8


@st.composite
def _rows(draw: st.DrawFn, path: st.SearchStrategy[str], approach: st.SearchStrategy[Any]) -> Rows:
    number = draw(st.integers(1, 9))
    slots = st.lists(st.integers(0, 2), min_size=SLOTS, max_size=SLOTS)
    lists = [draw(st.lists(one, min_size=number, max_size=number)) for one in (path, approach, slots)]
    return Rows(lists[0], lists[1], np.array(lists[2], dtype=np.uint32))


ROWS = _rows(st.sampled_from(["", "1+1=2", "2*1=2", "3-1=2"]), st.sets(st.sampled_from(["cases", "equation", "pattern"])))
ALIKE = _rows(st.just("1+1=2"), st.just(()))
MOST = st.integers(1, 10)


def _shared(rows: Rows, one: int, other: int) -> int:
    return sum(int(a) == int(b) for a, b in zip(rows.signatures[one], rows.signatures[other], strict=True))


@given(ROWS, MOST)
def test_each_row_is_the_one_that_differs_most_from_those_before(rows: Rows, most: int) -> None:
    """Against the rule said plainly, row by row."""
    wanted = [0]
    while len(wanted) < min(most, len(rows.paths)):
        paths = {rows.paths[row] for row in wanted}
        shown = set().union(*(rows.approaches[row] for row in wanted))
        left = [row for row in range(len(rows.paths)) if row not in wanted]
        left = [row for row in left if rows.paths[row] not in paths] or left
        left = [row for row in left if set(rows.approaches[row]) - shown] or left
        wanted.append(min(left, key=lambda row: (max(_shared(rows, row, other) for other in wanted), row)))
    assert most_different(rows, most) == wanted


@given(ROWS, MOST)
def test_no_path_stands_twice_while_another_is_left(rows: Rows, most: int) -> None:
    chosen = most_different(rows, most)
    assert len(chosen) == len(set(chosen)) == min(most, len(rows.paths)) and chosen[0] == 0
    assert len({rows.paths[row] for row in chosen}) == min(most, len(set(rows.paths)))


@given(ALIKE, MOST)
def test_words_alone_are_at_least_half_as_far_apart_as_can_be(rows: Rows, most: int) -> None:
    """Against every subset that has the best row: the share of slots that differ is a metric, so the bound holds."""
    chosen = most_different(rows, most)
    places = range(1, 1 << (len(rows.paths) - 1))
    others = [[0, *(row + 1 for row in range(len(rows.paths)) if mask >> row & 1)] for mask in places]
    best = max((_least_distance(rows, one) for one in others if len(one) == len(chosen)), default=0)
    assert 2 * _least_distance(rows, chosen) >= best


def _least_distance(rows: Rows, chosen: list[int]) -> int:
    return SLOTS - max((_shared(rows, one, other) for one in chosen for other in chosen if one != other), default=SLOTS)


@given(ROWS, MOST, st.data())
def test_taking_away_what_is_not_chosen_changes_nothing(rows: Rows, most: int, data: st.DataObject) -> None:
    chosen = most_different(rows, most)
    removed = data.draw(st.sets(st.sampled_from(range(len(rows.paths))))) - set(chosen)
    left = [row for row in range(len(rows.paths)) if row not in removed]
    fewer = Rows([rows.paths[row] for row in left], [rows.approaches[row] for row in left], rows.signatures[left])
    assert [left[place] for place in most_different(fewer, most)] == chosen


def test_no_rows_and_thousands_of_rows() -> None:
    assert most_different(Rows([], [], np.empty((0, SLOTS), np.uint32)), 3) == []
    many = Rows(["1+1=2"] * 5000, [()] * 5000, np.zeros((5000, 128), np.uint32))
    assert most_different(many, 3) == [0, 1, 2]


SHORT = "So 6 * 7 = 42."
WORDED = "It says six rows of seven eggs, and 6 * 7 = 42 of them are there in all."
REWORDED = "In each row of the shop one counts seven, and six is the number of the rows: 6 * 7 = 42."
OTHER = "First there are 5 * 7 = 35 eggs in the upper rows. With the last row, 35 + 7 = 42."
LETTER = "Let x be the number of eggs in all of the rows that there are in the shop today. So 6 * 7 = 42."
DIVERSE = Select(keep=("correct", "not_duplicate"), max_per_problem=2, prefer="diverse")


def _table(*chains: str, **columns: list[Any]) -> pa.Table:
    shown = approaches(chains)
    rows = [
        {
            "problem_id": "p",
            "index": index,
            "reasoning": chain,
            "response": "42",
            "verdict": {"status": "correct", "extracted": "42", "checker": "numeric_v1", "reason": "equal"},
            "approaches": shown[index],
            **{name: values[index] for name, values in columns.items()},
        }
        for index, chain in enumerate(chains)
    ]
    return pa.Table.from_pylist(rows, schema=FULL_SCHEMA).append_column(
        "signature", pa.array(packed(signatures(chains)), pa.binary())
    )


def _kept(table: pa.Table, **changes: Any) -> list[str]:
    reasons = select(table, DIVERSE.model_copy(update=changes))
    return [chain for chain, reason in zip(table["reasoning"].to_pylist(), reasons, strict=True) if reason is None]


def test_other_equations_come_before_another_approach_and_that_before_other_words() -> None:
    assert _kept(_table(SHORT, WORDED, OTHER, LETTER)) == [SHORT, OTHER]
    assert _kept(_table(SHORT, WORDED, OTHER, LETTER), max_per_problem=3) == [SHORT, OTHER, LETTER]
    assert _kept(_table(SHORT, WORDED, LETTER)) == [SHORT, LETTER]
    assert _kept(_table(WORDED, f"{WORDED} Yes.", REWORDED)) == [WORDED, REWORDED]
    assert _kept(_table(SHORT, WORDED, OTHER, LETTER), prefer="shortest") == [SHORT, WORDED]


def test_one_row_is_the_shortest_and_a_quota_that_is_not_reached_keeps_all() -> None:
    table = _table(WORDED, OTHER, SHORT, LETTER)
    assert _kept(table, max_per_problem=1) == _kept(table, max_per_problem=1, prefer="shortest") == [SHORT]
    assert _kept(table, max_per_problem=4) == _kept(table, max_per_problem=None) == [WORDED, OTHER, SHORT, LETTER]


def test_equations_that_must_differ_leave_fewer_to_choose_from() -> None:
    table = _table(SHORT, WORDED, OTHER, LETTER)
    assert select(table, DIVERSE.model_copy(update={"distinct": "equations"})) == [None, "same_equations", None, "same_equations"]


SOLUTIONS = Path(__file__).parents[2].parent / "shared" / "data" / "gsm8k" / "model_solutions.jsonl"


@pytest.mark.skipif(not SOLUTIONS.exists(), reason=f"the real GSM8K outputs are not at {SOLUTIONS}")
def test_two_right_solutions_of_three_or_four_more_often_have_two_ways() -> None:
    """Of the 178 problems that at least three of the four models solve, 40 keep two ways in place of one, and none loses one."""
    problems = [json.loads(line) for line in SOLUTIONS.read_text("utf-8").splitlines()]
    right = [[one["solution"] for one in problem.values() if isinstance(one, dict) and one["is_correct"]] for problem in problems]
    chains = [(str(place), chain) for place, found in enumerate(right) if len(found) > 2 for chain in found]
    table = _table(*(chain for _, chain in chains), problem_id=[problem for problem, _ in chains])
    ways = {prefer: collections.Counter(problem for problem, _ in _ways(table, prefer)) for prefer in ("shortest", "diverse")}
    gains = collections.Counter(ways["diverse"][problem] - ways["shortest"][problem] for problem in ways["shortest"])
    assert gains == {0: 138, 1: 40}


def _ways(table: pa.Table, prefer: str) -> set[tuple[str, str]]:
    """Return the problems of the rows that are kept, each with the equations of one."""
    reasons = select(table, DIVERSE.model_copy(update={"prefer": prefer}))
    rows = zip(table["problem_id"].to_pylist(), table["reasoning"].to_pylist(), reasons, strict=True)
    return {(problem, path(chain)) for problem, chain, reason in rows if reason is None}


CHAINS = st.lists(
    st.tuples(st.sampled_from("pq"), st.sampled_from([SHORT, WORDED, OTHER, LETTER, "It is plain.", ""])), min_size=1, max_size=8
)


@given(st.sampled_from([None, "equations"]), CHAINS, st.integers(1, 4), st.data())
def test_what_is_kept_does_not_depend_on_the_order_or_on_copies_of_what_is_not(
    distinct: Any, drawn: list[tuple[str, str]], most: int, data: st.DataObject
) -> None:
    settings = DIVERSE.model_copy(update={"max_per_problem": most, "distinct": distinct})
    table = _table(*(chain for _, chain in drawn), problem_id=[problem for problem, _ in drawn])
    reasons = select(table, settings)
    kept = [reason is None for reason in reasons]
    order = data.draw(st.permutations(range(len(drawn))))
    assert select(table.take(order), settings) == [reasons[place] for place in order]
    found = turns(table, np.flatnonzero(passing(table, settings)).tolist(), settings)
    assert within_quota(found, settings).tolist() == kept
    copies = [None if one else {"kind": "near", "kept_id": "x", "jaccard": 0.9} for one in kept]
    marked = table.set_column(
        table.column_names.index("duplicate"), FULL_SCHEMA.field("duplicate"), pa.array(copies, FULL_SCHEMA.field("duplicate").type)
    )
    assert [reason is None for reason in select(marked, settings)] == kept
    for problem in "pq":
        right = sum(one for one, (name, _) in zip(kept, drawn, strict=True) if name == problem)
        eligible = [
            reason for reason, (name, _) in zip(reasons, drawn, strict=True) if name == problem and reason != "same_equations"
        ]
        assert right == min(most, len(eligible))
