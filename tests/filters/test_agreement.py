"""Agreement of the rules and a tagger, against figures worked out by hand and a count of its own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.agreement import Agreement, Shared, agreement, kappa, places
from schemas.annotation import LABELS, Reflection, Tag

LENGTH = 12
SPANS = st.lists(
    st.tuples(st.integers(0, LENGTH - 1), st.integers(1, 5)).map(lambda at: (at[0], min(at[0] + at[1], LENGTH))), max_size=5
)
CELLS = st.tuples(*[st.integers(0, 50)] * 4)


def _rule(label: str, start: int, end: int) -> Reflection:
    return Reflection(label, start, end, "wait", None, None)  # type: ignore[arg-type]


def _tag(label: str, start: int, end: int) -> Tag:
    return Tag(label, start, end)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ((20, 5, 10, 15), 0.4),  # of 50: .7 agree, .25 + .25 = .5 by chance
        ((45, 15, 25, 15), 0.06 / 0.46),  # of 100: .6 agree, .60 * .70 + .40 * .30 = .54 by chance
        ((25, 35, 5, 35), 0.14 / 0.54),  # of 100: .6 agree, .60 * .30 + .40 * .70 = .46 by chance
        ((1, 0, 0, 1), 1.0),
        ((0, 1, 1, 0), -1.0),
        ((1, 1, 1, 1), 0.0),
        ((3, 2, 0, 0), 0.0),  # the tagger says no to some, the rules to none
        ((0, 1, 0, 9), 0.0),
    ],
)
def test_kappa_by_hand(cells: tuple[int, int, int, int], expected: float) -> None:
    assert kappa(*cells) == pytest.approx(expected)


@pytest.mark.parametrize("cells", [(0, 0, 0, 0), (7, 0, 0, 0), (0, 0, 0, 7)])
def test_where_nobody_differs_from_chance_there_is_no_kappa(cells: tuple[int, int, int, int]) -> None:
    assert kappa(*cells) is None


@given(CELLS)
def test_kappa_is_a_share_of_what_is_left_to_agree_on(cells: tuple[int, int, int, int]) -> None:
    both, rules, tagger, neither = cells
    found = kappa(*cells)
    if found is None:
        assert rules == tagger == 0 and 0 in (both, neither)
        return
    every = sum(cells)
    agreed = (both + neither) / every
    by_chance = (both + rules) / every * (both + tagger) / every + (tagger + neither) / every * (rules + neither) / every
    assert agreed == pytest.approx(by_chance + found * (1 - by_chance)) and -1 <= found <= 1
    assert found == kappa(both, tagger, rules, neither) == kappa(neither, rules, tagger, both)
    assert (found == 1) is (rules == tagger == 0)


@pytest.mark.parametrize(
    ("rules", "tagger", "expected"),
    [
        ([], [], []),
        ([(0, 5)], [], [1]),
        ([], [(0, 5)], [2]),
        ([(0, 5)], [(4, 9)], [3]),
        ([(0, 5)], [(5, 9)], [1, 2]),  # they touch
        ([(0, 5), (6, 9)], [(0, 12)], [3]),  # one span over both
        ([(0, 5), (6, 9)], [(0, 5), (10, 12)], [3, 1, 2]),
        ([(0, 5), (3, 9)], [(8, 10)], [3]),  # by the second of two that overlap
        ([(0, 5), (0, 5)], [], [1]),
        ([(0, 9), (1, 2)], [(3, 4)], [3]),  # within the first, behind the second
    ],
)
def test_places_by_hand(rules: list[tuple[int, int]], tagger: list[tuple[int, int]], expected: list[int]) -> None:
    assert places(rules, tagger) == expected


@given(SPANS, SPANS)
def test_places_are_the_runs_of_covered_text(rules: list[tuple[int, int]], tagger: list[tuple[int, int]]) -> None:
    """Between two code points that a span holds together a place goes on; a place is by whose spans begin in it."""
    joined = [any(start <= at < end - 1 for start, end in rules + tagger) for at in range(LENGTH)]
    expected, at = [], 0
    while at < LENGTH:
        end = at
        while joined[end]:
            end += 1
        inside = [any(at <= start <= end for start, _ in spans) for spans in (rules, tagger)]
        if any(inside):
            expected.append(inside[0] + 2 * inside[1])
        at = end + 1
    assert places(rules, tagger) == expected
    assert places(tagger, rules) == [(0, 2, 1, 3)[one] for one in expected]


def test_labels_are_counted_apart_by_chain_and_by_place() -> None:
    rules = [[_rule("hesitation", 0, 5), _rule("hesitation", 10, 15)], [_rule("summary", 0, 5)], [], []]
    tagger = [[_tag("hesitation", 2, 6), _tag("summary", 0, 5)], [], [_tag("hesitation", 1, 2), _tag("hesitation", 4, 5)], []]
    found = agreement(rules, tagger)
    assert list(found) == list(LABELS)
    assert found["hesitation"] == Agreement(Shared(1, 0, 1), 2, Shared(1, 1, 2))
    assert found["summary"] == Agreement(Shared(0, 1, 1), 2, Shared(0, 1, 1))
    assert found["subgoal"] == Agreement(Shared(0, 0, 0), 4, Shared(0, 0, 0))
    assert set(agreement([], []).values()) == {Agreement(Shared(0, 0, 0), 0, Shared(0, 0, 0))}


MARKED = st.lists(st.tuples(st.sampled_from(LABELS), st.integers(0, 9), st.integers(1, 4)), max_size=4)


@given(st.lists(st.tuples(MARKED, MARKED), max_size=6), st.randoms(use_true_random=False))
def test_who_says_the_same_agrees_and_the_order_of_chains_is_nothing(chains: list[tuple[list, list]], rng: object) -> None:  # type: ignore[type-arg]
    rules = [[_rule(label, start, start + length) for label, start, length in one] for one, _ in chains]
    tagger = [[_tag(label, start, start + length) for label, start, length in other] for _, other in chains]
    found = agreement(rules, tagger)
    assert all(sum(one.chains) + one.neither == len(chains) for one in found.values())
    assert agreement(rules[::-1], tagger[::-1]) == found
    same = agreement(rules, [[Tag(one.label, one.start, one.end) for one in of_chain] for of_chain in rules])
    assert all(one.chains[1:] == one.places[1:] == (0, 0) for one in same.values())
