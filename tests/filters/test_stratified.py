"""Differences within strata: by hand, in Simpson's paradox, and with intervals that hold where samples of a problem are alike."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.stratified import GROUPS, Cells, difference, difference_of_sums
from schemas.identity import rng_for


@st.composite
def tables(draw: st.DrawFn) -> Cells:
    """Return up to 3 strata, in any number of groups."""
    cells = np.zeros((draw(st.integers(1, 3)), GROUPS, 4), dtype=np.int64)
    right, wrong = st.tuples(st.integers(0, 5), st.integers(0, 5)), st.tuples(st.integers(0, 5), st.integers(0, 5))
    for stratum, group in draw(st.sets(st.tuples(st.integers(0, len(cells) - 1), st.integers(0, GROUPS - 1)), max_size=6)):
        (with_it, without), (wrong_with, wrong_without) = draw(right), draw(wrong)
        cells[stratum, group] = (with_it + wrong_with, with_it, without + wrong_without, without)
    return cells


def _cells(*strata: tuple[int, int, int, int]) -> Cells:
    """Return strata with everything in one group."""
    cells = np.zeros((len(strata), GROUPS, 4), dtype=np.int64)
    cells[:, 0] = strata
    return cells


def test_the_estimate_by_hand() -> None:
    # Weights 10·10/20 = 5 and 20·5/25 = 4; differences .8 - .5 = .3 and .25 - .4 = -.15.
    found = difference(_cells((10, 8, 10, 5), (20, 5, 5, 2)))
    assert found is not None and found.value == pytest.approx((5 * 0.3 - 4 * 0.15) / 9)
    assert found.low is None and found.high is None  # one group of problems says nothing of others


def test_a_stratum_that_has_only_one_side_says_nothing() -> None:
    assert difference(_cells((10, 8, 0, 0), (0, 0, 5, 2))) is None
    assert difference(_cells((10, 8, 10, 5), (99, 99, 0, 0))) == difference(_cells((10, 8, 10, 5)))
    assert difference(np.zeros((0, GROUPS, 4), dtype=np.int64)) is None


def test_what_hard_problems_fake_is_gone_within_strata() -> None:
    easy, hard = (10, 10, 90, 80), (90, 30, 10, 2)  # those with it are more often right in both: 1 > .89, .33 > .2
    within, raw = difference(_cells(easy, hard)), difference(_cells(tuple(np.add(easy, hard).tolist())))
    assert within is not None and raw is not None
    assert within.value == pytest.approx((9 * (1 - 8 / 9) + 9 * (1 / 3 - 1 / 5)) / 18) and within.value > 0.12
    assert raw.value == pytest.approx(0.4 - 0.82)


def test_the_interval_by_hand() -> None:
    cells = np.zeros((1, GROUPS, 4), dtype=np.int64)
    cells[0, :2] = (4, 4, 4, 1), (4, 2, 4, 1)  # without one group: .5 - .25, or 1 - .25
    found = difference(cells)
    assert found is not None and found.value == pytest.approx(0.75 - 0.25) and found.low == -1 and found.high == 1  # t of 1 is 12.7
    cells[0, 1] = cells[0, 0]
    assert difference(cells) == (0.75, None, None)  # groups that all say the same do not say how far off it may be
    cells[0, 1:3] = (4, 2, 4, 1), (4, 3, 4, 1)
    # Without each: 5/8, 7/8, 6/8, less 1/4; the mean .75 - .25.  Variance 2/3 · 2/64; t of 2 degrees is 4.303.
    found = difference(cells)
    reach = 4.302652730 * math.sqrt(2 / 3 * 2 / 64)
    assert found is not None and found == pytest.approx((0.5, 0.5 - reach, min(1.0, 0.5 + reach)))


@given(tables())
def test_the_order_of_strata_changes_nothing_and_an_interval_holds_its_estimate(cells: Cells) -> None:
    found = difference(cells)
    assert found == difference(cells[::-1])
    if found is not None:
        assert -1 <= found.value <= 1
        assert found.low is None or found.high is None or -1 <= found.low <= found.value <= found.high <= 1


@given(tables())
def test_sums_say_the_same_where_each_stratum_is_in_one_group(cells: Cells) -> None:
    apart = np.zeros((len(cells) * GROUPS, GROUPS, 4), dtype=np.int64)
    sums = []
    for group in range(GROUPS):
        gain = weight = Fraction(0)
        for place in range(len(cells)):
            apart[place * GROUPS + group, group] = cells[place, group]
            with_it, right_with, without, right_without = map(int, cells[place, group])
            number = with_it + without or 1
            gain += Fraction(right_with * without - right_without * with_it, number)
            weight += Fraction(with_it * without, number)
        sums += [(gain, weight)] * bool(cells[:, group].any())
    one, other = difference(apart), difference_of_sums(sums)
    assert (one is None) == (other is None)
    assert one is None or other is None or one == pytest.approx(other, abs=1e-9)


def test_intervals_hold_what_is_true_where_samples_of_a_problem_are_alike() -> None:
    """Of a hundred sets of 200 problems with 8 samples, all right or all wrong: 95 of the intervals hold it, within 3 sigma."""
    held = 0
    for trial in range(100):
        drawn = np.random.default_rng(rng_for(17, "stratified", trial).getrandbits(64))
        cells = np.zeros((2, GROUPS, 4), dtype=np.int64)
        for problem in range(200):
            right, many = drawn.random() < 0.5, drawn.random() < 0.5
            with_it = int(drawn.binomial(8, 0.8 if many else 0.2))  # some problems bring it more often, for no reason
            cells[problem % 2, problem % GROUPS] += (with_it, right * with_it, 8 - with_it, right * (8 - with_it))
        found = difference(cells)
        assert found is not None and found.low is not None and found.high is not None
        held += found.low <= 0 <= found.high
    assert 88 <= held <= 100
