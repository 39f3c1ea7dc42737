from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.chance import against_chance
from filters.selection import RULES, Mask, chain_lengths, eligible, select, turns, within_quota
from schemas.annotation import DUPLICATE_TYPE, STATUSES, Contamination, Vote
from schemas.recipe import Condition, Select
from schemas.tables import FULL_SCHEMA

AGREES = Vote("42", 3, 4, 0.75, True, None)
VARIANT = Contamination("test", "7", "variant", 1.0, 40, "question")._asdict()
CHECK = {"label": "verification", "start": 0, "end": 3, "marker": "six", "signal": None, "effect": "idle"}
MEASURES = {"course": {"overthinking": 0.5, "loops": 0.25}, "granularity": {"tokens": 100, "skipped": 0.5}}
LIMITS = Select(  # which MEASURES just meet
    reflections=(Condition(label="verification", max=1),),
    max_loops=0.25,
    max_skipped=0.5,
    max_overthinking=0.5,
    min_tokens=100,
    max_tokens=100,
)
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
        "vote": AGREES._asdict(),
        "chosen": None,
        "reflections": [],
        "contamination": [VARIANT],
        "duplicate": None,
    }
    return {**row, **changes, **{name: {**values, **changes.get(name, {})} for name, values in MEASURES.items()}}


def _table(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=FULL_SCHEMA)


def _select(table: pa.Table, keep: Sequence[str], max_per_problem: int | None = None) -> list[str | None]:
    return select(table, LIMITS.model_copy(update={"keep": tuple(keep), "max_per_problem": max_per_problem}))


def _eligible(table: pa.Table, keep: Sequence[str]) -> Mask:
    return eligible(table, LIMITS.model_copy(update={"keep": tuple(keep)}))


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
    "chosen": [({"chosen": False}, "not_chosen")],
    "majority": [
        ({"vote": AGREES._replace(agrees=False)._asdict()}, "not_majority"),
        ({"vote": AGREES._replace(agrees=None)._asdict()}, "not_majority"),
        ({"vote": AGREES._replace(votes=1, share=0.25)._asdict()}, "not_majority"),
        ({"vote": Vote(None, None, 4, None, None, None)._asdict()}, "not_majority"),
        ({"vote": None}, "not_majority"),
    ],
    "reflections": [({"reflections": [CHECK, CHECK]}, "too_many_verification")],
    "not_looping": [({"course": {"loops": 0.26}}, "looping")],
    "not_overthinking": [({"course": {"overthinking": 0.51}}, "overthinking")],
    "steps_shown": [({"granularity": {"skipped": 0.51}}, "steps_skipped")],
    "length": [
        ({"granularity": {"tokens": 99}}, "too_short"),
        ({"granularity": {"tokens": 101}}, "too_long"),
    ],
    "not_contaminated": [
        ({"contamination": [VARIANT, {**VARIANT, "kind": "copy"}]}, "contaminated"),
        ({"contamination": [{**VARIANT, "kind": "copy", "field": "chain"}, VARIANT]}, "contaminated"),
    ],
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
    assert RULES[name].holds(table, LIMITS).tolist() == [True, True]
    assert _select(table, [name]) == [None, None]


@pytest.mark.parametrize(("name", "changes", "reason"), CASES)
def test_a_rule_turns_the_others_away_with_its_reason(name: str, changes: dict[str, Any], reason: str) -> None:
    table = _table(_row(), _row(**changes), _row(index=2))
    assert _select(table, [name]) == [None, reason, None]
    others = [other for other in RULES if other != name]
    assert _select(table, others) == [None, None, None]


@pytest.mark.parametrize("finish_reason", [None, "stop", "eos", "Length"])
def test_only_a_length_limit_is_unfinished(finish_reason: str | None) -> None:
    assert _select(_table(_row(finish_reason=finish_reason)), ["finished"]) == [None]


def test_where_nobody_looked_for_benchmarks_nothing_is_turned_away() -> None:
    assert _select(_table(_row(contamination=None), _row(contamination=[])), ["not_contaminated"]) == [None, None]


@given(st.permutations(sorted(RULES)), st.lists(st.sets(st.sampled_from(sorted(RULES))), min_size=1, max_size=5))
def test_the_first_rule_of_the_recipe_that_fails_names_the_reason(keep: list[str], broken: list[set[str]]) -> None:
    rows = []
    for names in broken:
        changes: dict[str, Any] = {}
        for name in sorted(names):
            for key, value in BAD[name][0][0].items():
                changes[key] = {**changes.get(key, {}), **value} if key in MEASURES else value
        rows.append(_row(**changes))
    wanted = [next((BAD[name][0][1] for name in keep if name in names), None) for names in broken]
    assert _select(_table(*rows), keep) == wanted


@pytest.mark.parametrize("name", sorted(RULES))
def test_a_rule_of_an_empty_table_is_an_empty_answer(name: str) -> None:
    for table in (_table(), _table(_row()).slice(0, 0), FULL_SCHEMA.empty_table()):
        assert RULES[name].holds(table, LIMITS).tolist() == [] and RULES[name].reasons(table, LIMITS) == []
        assert _select(table, [name], 1) == [] and _eligible(table, [name]).tolist() == []


def test_a_table_in_many_chunks_is_judged_as_one() -> None:
    rows = [_row(), _row(status="unsure"), _row(duplicate=COPY), _row(reasoning="")]
    chunked = pa.concat_tables([_table(row) for row in rows])
    assert _select(chunked, list(RULES)) == _select(_table(*rows), list(RULES), None)


def test_eligible_asks_every_rule_but_whether_a_copy_is_kept() -> None:
    table = _table(_row(duplicate=COPY), _row(status="incorrect"), _row(reasoning="", duplicate=COPY), _row())
    assert _eligible(table, ["correct", "not_duplicate", "has_reasoning"]).tolist() == [True, False, False, True]
    assert _eligible(table, ["not_duplicate"]).all() and _eligible(table, []).all()


@given(
    st.lists(st.tuples(st.sampled_from("pq"), st.integers(0, 4), st.integers(0, 4), st.booleans()), max_size=12), st.integers(1, 4)
)
def test_a_problem_keeps_its_shortest_chains(drawn: list[tuple[str, int, int, bool]], quota: int) -> None:
    rows = [
        _row(problem_id=problem, index=index, reasoning="x" * one, response="é" * other, status="correct" if good else "incorrect")
        for index, (problem, one, other, good) in enumerate(drawn)
    ]
    reasons = _select(_table(*rows), ["correct"], quota)
    for problem in "pq":
        good = [(one + other, index) for index, (name, one, other, right) in enumerate(drawn) if right and name == problem]
        kept = [index for index, reason in enumerate(reasons) if reason is None and drawn[index][0] == problem]
        assert kept == sorted(index for _, index in sorted(good)[:quota])
    for (_, _, _, right), reason in zip(drawn, reasons, strict=True):
        assert reason in ((None, "over_quota") if right else ("incorrect",))


def test_rows_that_are_turned_away_take_no_place_of_the_quota() -> None:
    rows = [_row(index=0, response="4", status="incorrect"), _row(index=1, response="42"), _row(index=2, response="420")]
    assert _select(_table(*rows), ["correct"], 1) == ["incorrect", None, "over_quota"]
    assert _select(_table(*rows), ["correct"], 3) == ["incorrect", None, None]


def test_lengths_are_code_points_of_thought_and_response() -> None:
    table = _table(_row(reasoning="é🙂", response="加"), _row(reasoning="", response=""))
    assert chain_lengths(table).tolist() == [3, 0] and chain_lengths(table).dtype == np.int64


@pytest.mark.parametrize("status", ["hold", "unchecked"])
def test_steps_that_are_not_known_to_be_wrong_hold(status: str) -> None:
    assert _select(_table(_row(steps={"status": status, "checked": 0, "flags": []})), ["steps_hold"]) == [None]


def test_three_right_of_four_beat_chance_among_five_options() -> None:
    """Chance alone gives 2.7 % of at least three, and 18 % of at least two."""
    rows = [_row(chance=against_chance(5, 4, correct)._asdict()) for correct in (3, 2)]
    assert _select(_table(*rows), ["beats_chance"]) == [None, "as_good_as_guessing"]


def test_a_duplicate_is_null_or_names_the_kept_row() -> None:
    assert _table(_row()).schema.field("duplicate").type == DUPLICATE_TYPE


@pytest.mark.parametrize("chosen", [True, None])
def test_what_the_strategy_chose_and_what_it_had_no_choice_of_is_kept(chosen: bool | None) -> None:
    assert _select(_table(_row(chosen=chosen)), ["chosen"]) == [None]


@pytest.mark.parametrize(("least", "kept"), [(0.5, True), (0.75, True), (0.76, False), (1.0, False)])
def test_the_recipe_says_how_large_a_majority_must_be(least: float, kept: bool) -> None:
    reasons = select(_table(_row()), Select(keep=("majority",), min_vote_share=least))
    assert reasons == ([None] if kept else ["not_majority"])


@pytest.mark.parametrize("changes", [{"course": {"overthinking": None}}, {"granularity": {"skipped": None}}])
def test_what_is_not_known_is_not_over_a_bound(changes: dict[str, Any]) -> None:
    assert _select(_table(_row(**changes)), ["not_overthinking", "steps_shown"]) == [None]


DISTINCT = Select(keep=("correct", "not_duplicate"), distinct="equations")
ONE_WAY = ("So 6 * 7 = 42.", "First, 6 × 7 = 42 eggs are there.")
OTHER_WAY = "5 * 7 = 35 and 35 + 7 = 42."


def _ways(*reasonings: str, **changes: Any) -> list[dict[str, Any]]:
    return [_row(index=index, reasoning=reasoning, **changes) for index, reasoning in enumerate(reasonings)]


def test_of_rows_with_the_same_equations_the_shortest_is_kept() -> None:
    rows = _ways(ONE_WAY[1], OTHER_WAY, ONE_WAY[0], "It is plain.", "It is plain.")
    assert select(_table(*rows), DISTINCT) == ["same_equations", None, None, None, None]
    elsewhere = [_row(problem_id="q", reasoning=ONE_WAY[1]), *rows]
    assert select(_table(*elsewhere), DISTINCT)[0] is None


def test_only_rows_that_the_rules_pass_stand_for_others_and_the_quota_counts_what_is_left() -> None:
    wrong, copy = _row(index=0, status="incorrect", reasoning=ONE_WAY[0]), _row(index=1, reasoning=ONE_WAY[0], duplicate=COPY)
    rows = [wrong, copy, _row(index=2, reasoning=ONE_WAY[1]), _row(index=3, reasoning=OTHER_WAY)]
    assert select(_table(*rows), DISTINCT) == ["incorrect", "duplicate_near", None, None]
    capped = DISTINCT.model_copy(update={"max_per_problem": 1})
    assert select(_table(*rows), capped) == ["incorrect", "duplicate_near", "over_quota", None]
    more = [*rows, _row(index=4, reasoning=f"{ONE_WAY[1]} All of them.")]
    assert select(_table(*more), capped) == ["incorrect", "duplicate_near", "over_quota", None, "same_equations"]


def test_rows_of_a_way_follow_each_other_behind_the_first_of_all_ways() -> None:
    rows = _ways(f"{ONE_WAY[1]} All of them.", OTHER_WAY, *ONE_WAY, "It is plain.")
    found = turns(_table(*rows, _row(problem_id="q")), [0, 1, 2, 3, 4], DISTINCT)
    assert {name: column.tolist() for name, column in found._asdict().items()} == {
        "turn": [4, 2, 1, 3, 0, -1],
        "way": [1, 2, 1, 1, 0, -1],
        "after": [-1, -1, 3, 4, -1, -1],
        "ways": [3, 3, 3, 3, 3, -1],
    }


@pytest.mark.parametrize("quota", [None, 1])
def test_where_the_row_of_some_equations_is_a_copy_the_next_with_these_takes_its_place(quota: int | None) -> None:
    settings = DISTINCT.model_copy(update={"max_per_problem": quota})
    rows = _ways(*ONE_WAY, f"{ONE_WAY[1]} All of them.")
    found = turns(_table(*rows), range(3), settings)
    assert within_quota(found, settings).tolist() == [True, False, False]
    copied = _table({**rows[0], "duplicate": COPY}, *rows[1:])
    assert select(copied, settings, found) == ["duplicate_near", None, "same_equations"]


@given(
    st.permutations(range(6)),
    st.lists(st.tuples(st.sampled_from("pq"), st.sampled_from((*ONE_WAY, OTHER_WAY, "")), st.booleans()), min_size=6, max_size=6),
    st.none() | st.integers(1, 3),
)
def test_what_is_kept_does_not_depend_on_the_order_and_without_copies_is_within_quota(
    order: list[int], drawn: list[tuple[str, str, bool]], quota: int | None
) -> None:
    settings = DISTINCT.model_copy(update={"max_per_problem": quota})
    rows = [
        _row(problem_id=problem, index=index, reasoning=reasoning, status="correct" if good else "incorrect")
        for index, (problem, reasoning, good) in enumerate(drawn)
    ]
    reasons = select(_table(*rows), settings)
    shuffled = select(_table(*(rows[place] for place in order)), settings)
    assert shuffled == [reasons[place] for place in order]
    found = turns(_table(*rows), np.flatnonzero(eligible(_table(*rows), settings)).tolist(), settings)
    assert within_quota(found, settings).tolist() == [reason is None for reason in reasons]
