from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.chance import against_chance
from filters.selection import RULES, chain_lengths, eligible, select
from schemas.annotation import DUPLICATE_TYPE, STATUSES
from schemas.tables import FULL_SCHEMA

COPY = {"kind": "near", "kept_id": "x", "jaccard": 0.9}


def _row(**changes: Any) -> dict[str, Any]:
    """Return a row that every rule keeps."""
    status = changes.pop("status", "correct")
    row: dict[str, Any] = {
        "problem_id": "p",
        "index": 0,
        "finish_reason": "stop",
        "reasoning": "six",
        "response": "42",
        "verdict": {"status": status, "extracted": "42", "checker": "numeric_v1", "reason": "equal"},
        "steps": {"status": "hold", "checked": 1, "flags": []},
        "leak": None,
        "chance": None,
        "duplicate": None,
    }
    return {**row, **changes}


def _table(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=FULL_SCHEMA)


BAD: dict[str, list[tuple[dict[str, Any], str]]] = {
    "correct": [({"status": status}, status) for status in STATUSES if status != "correct"],
    "steps_hold": [
        ({"steps": {"status": "right_answer_wrong_steps", "checked": 1, "flags": []}}, "right_answer_wrong_steps"),
        ({"steps": {"status": "wrong", "checked": 1, "flags": []}}, "steps_wrong"),
    ],
    "no_leak": [({"leak": {"kind": "quotes_hint", "start": 0, "end": 3, "marker": "six"}}, "leak_quotes_hint")],
    "beats_chance": [({"chance": against_chance(5, 4, 2)._asdict()}, "as_good_as_guessing")],
    "finished": [({"finish_reason": "length"}, "unfinished")],
    "has_reasoning": [({"reasoning": ""}, "no_reasoning")],
    "not_duplicate": [
        ({"duplicate": COPY}, "duplicate_near"),
        ({"duplicate": {**COPY, "kind": "exact"}}, "duplicate_exact"),
    ],
}
CASES = [(name, changes, reason) for name, bad in BAD.items() for changes, reason in bad]


def test_every_rule_is_tested_here() -> None:
    assert set(BAD) == set(RULES)


@pytest.mark.parametrize("name", sorted(RULES))
def test_a_rule_keeps_what_is_as_it_says(name: str) -> None:
    table = _table(_row(), _row(index=1))
    assert RULES[name].meaning
    assert RULES[name].holds(table).tolist() == [True, True]
    assert select(table, [name], None) == [None, None]


@pytest.mark.parametrize(("name", "changes", "reason"), CASES)
def test_a_rule_turns_the_others_away_with_its_reason(name: str, changes: dict[str, Any], reason: str) -> None:
    table = _table(_row(), _row(**changes), _row(index=2))
    assert select(table, [name], None) == [None, reason, None]
    others = [other for other in RULES if other != name]
    assert select(table, others, None) == [None, None, None]


@pytest.mark.parametrize("finish_reason", [None, "stop", "eos", "Length"])
def test_only_a_length_limit_is_unfinished(finish_reason: str | None) -> None:
    assert select(_table(_row(finish_reason=finish_reason)), ["finished"], None) == [None]


@given(st.permutations(sorted(RULES)), st.lists(st.sets(st.sampled_from(sorted(RULES))), min_size=1, max_size=5))
def test_the_first_rule_of_the_recipe_that_fails_names_the_reason(keep: list[str], broken: list[set[str]]) -> None:
    rows = [_row(**{key: value for name in sorted(names) for key, value in BAD[name][0][0].items()}) for names in broken]
    wanted = [next((BAD[name][0][1] for name in keep if name in names), None) for names in broken]
    assert select(_table(*rows), keep, None) == wanted


@pytest.mark.parametrize("name", sorted(RULES))
def test_a_rule_of_an_empty_table_is_an_empty_answer(name: str) -> None:
    for table in (_table(), _table(_row()).slice(0, 0), FULL_SCHEMA.empty_table()):
        assert RULES[name].holds(table).tolist() == [] and RULES[name].reasons(table) == []
        assert select(table, [name], 1) == [] and eligible(table, [name]).tolist() == []


def test_a_table_in_many_chunks_is_judged_as_one() -> None:
    rows = [_row(), _row(status="unsure"), _row(duplicate=COPY), _row(reasoning="")]
    chunked = pa.concat_tables([_table(row) for row in rows])
    assert select(chunked, list(RULES), None) == select(_table(*rows), list(RULES), None)


def test_eligible_asks_every_rule_but_whether_a_copy_is_kept() -> None:
    table = _table(_row(duplicate=COPY), _row(status="incorrect"), _row(reasoning="", duplicate=COPY), _row())
    assert eligible(table, ["correct", "not_duplicate", "has_reasoning"]).tolist() == [True, False, False, True]
    assert eligible(table, ["not_duplicate"]).all() and eligible(table, []).all()


@given(
    st.lists(st.tuples(st.sampled_from("pq"), st.integers(0, 4), st.integers(0, 4), st.booleans()), max_size=12), st.integers(1, 4)
)
def test_a_problem_keeps_its_shortest_chains(drawn: list[tuple[str, int, int, bool]], quota: int) -> None:
    rows = [
        _row(problem_id=problem, index=index, reasoning="x" * one, response="é" * other, status="correct" if good else "incorrect")
        for index, (problem, one, other, good) in enumerate(drawn)
    ]
    reasons = select(_table(*rows), ["correct"], quota)
    for problem in "pq":
        good = [(one + other, index) for index, (name, one, other, right) in enumerate(drawn) if right and name == problem]
        kept = [index for index, reason in enumerate(reasons) if reason is None and drawn[index][0] == problem]
        assert kept == sorted(index for _, index in sorted(good)[:quota])
    for (_, _, _, right), reason in zip(drawn, reasons, strict=True):
        assert reason in ((None, "over_quota") if right else ("incorrect",))


def test_rows_that_are_turned_away_take_no_place_of_the_quota() -> None:
    rows = [_row(index=0, response="4", status="incorrect"), _row(index=1, response="42"), _row(index=2, response="420")]
    assert select(_table(*rows), ["correct"], 1) == ["incorrect", None, "over_quota"]
    assert select(_table(*rows), ["correct"], 3) == ["incorrect", None, None]


def test_lengths_are_code_points_of_thought_and_response() -> None:
    table = _table(_row(reasoning="é🙂", response="加"), _row(reasoning="", response=""))
    assert chain_lengths(table).tolist() == [3, 0] and chain_lengths(table).dtype == np.int64


@pytest.mark.parametrize("status", ["hold", "unchecked"])
def test_steps_that_are_not_known_to_be_wrong_hold(status: str) -> None:
    assert select(_table(_row(steps={"status": status, "checked": 0, "flags": []})), ["steps_hold"], None) == [None]


def test_three_right_of_four_beat_chance_among_five_options() -> None:
    """Chance alone gives 2.7 % of at least three, and 18 % of at least two."""
    rows = [_row(chance=against_chance(5, 4, correct)._asdict()) for correct in (3, 2)]
    assert select(_table(*rows), ["beats_chance"], None) == [None, "as_good_as_guessing"]


def test_a_duplicate_is_null_or_names_the_kept_row() -> None:
    assert _table(_row()).schema.field("duplicate").type == DUPLICATE_TYPE
