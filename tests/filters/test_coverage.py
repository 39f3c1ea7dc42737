"""pass@k against brute force, coverage against closed forms."""

import collections
import itertools
import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.coverage import Fit, Outcome, Point, curve, fit, is_judged, pass_at_k
from schemas.identity import rng_for


@pytest.mark.parametrize("n", range(1, 13))
def test_it_is_the_share_of_all_subsets_that_hold_a_success(n: int) -> None:
    for k in range(1, n + 1):
        smallest = collections.Counter(subset[0] for subset in itertools.combinations(range(n), k))
        for c in range(n + 1):  # trials 0 to c - 1 are correct; a subset holds one where its first trial is below c
            share = Fraction(sum(smallest[first] for first in range(c)), math.comb(n, k))
            assert pass_at_k(Outcome(n, c, n))[k - 1] == pytest.approx(float(share), rel=1e-14, abs=0)


@given(st.integers(1, 400), st.data())
def test_it_is_the_product_as_published_and_never_falls(n: int, data: st.DataObject) -> None:
    c, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    published = 1.0 if n - c < k else 1 - math.prod(1 - k / j for j in range(n - c + 1, n + 1))
    values = pass_at_k(Outcome(n, c, n)).tolist()
    assert values[k - 1] == pytest.approx(published, abs=1e-12) and len(values) == n
    assert values == sorted(values) and values[0] == pytest.approx(c / n)


def test_beyond_its_trials_an_outcome_that_reaches_further_is_solved() -> None:
    assert pass_at_k(Outcome(2, 1, 5)).tolist() == [0.5, 1, 1, 1, 1]
    assert pass_at_k(Outcome(2, 0, 4)).tolist() == [0, 0, 1, 1]  # the third ended them, and was correct
    assert pass_at_k(Outcome(0, 0, 2)).tolist() == [1, 1]


def test_what_is_remembered_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        pass_at_k(Outcome(3, 1, 3))[0] = 7


def test_a_curve_is_the_mean_of_those_that_reach() -> None:
    points = curve({Outcome(2, 1, 2): 3, Outcome(4, 0, 4): 1})
    assert points == [Point(1, 0.375, 4), Point(2, 0.75, 4), Point(3, 0.0, 1), Point(4, 0.0, 1)]
    assert curve({}) == []


def _expected(alpha: float, beta: float, k: int) -> float:
    """Return E[1 - (1 - p)^k] for p from Beta(alpha, beta): 1 - B(alpha, beta + k) / B(alpha, beta)."""
    logs = math.lgamma(beta + k) + math.lgamma(alpha + beta) - math.lgamma(beta) - math.lgamma(alpha + beta + k)
    return -math.expm1(logs)


@pytest.mark.parametrize(("alpha", "beta"), [(0.3, 2.0), (2.0, 3.0)])
def test_the_coverage_of_simulated_problems_has_its_closed_form(alpha: float, beta: float) -> None:
    rng, n, problems = rng_for(7, "coverage", 0), 32, 3000
    outcomes: collections.Counter[Outcome] = collections.Counter()
    for _ in range(problems):
        rate = rng.betavariate(alpha, beta)
        outcomes[Outcome(n, sum(rng.random() < rate for _ in range(n)), n)] += 1
    for k, value, of_k in curve(outcomes):
        expected = _expected(alpha, beta, k)
        # A value in 0 to 1 with this mean has no larger deviation; five of them fail once in two million times.
        assert abs(value - expected) <= 5 * math.sqrt(expected * (1 - expected) / problems) and of_k == problems


@given(st.floats(-6, -0.05), st.floats(0.05, 2), st.integers(4, 300))
def test_a_power_law_is_found_again(a: float, b: float, n: int) -> None:
    found = fit([Point(k, math.exp(a * k**-b), 10) for k in range(1, n)])
    if isinstance(found, str):
        assert n == 4 or math.exp(a * 3**-b) == 1
    else:
        assert found == pytest.approx((a, b, 1), rel=1e-6)


def test_the_fit_of_a_heavy_tail_has_its_exponent() -> None:
    """A tail p^(alpha - 1) near 0 gives 1 - c(k) ~ k^-alpha: Schaeffer et al. 2025, arXiv 2502.17578."""
    near, far = (fit([Point(k, _expected(0.3, 2, k), 1) for k in ks]) for ks in (range(1, 2001), [2**i for i in range(14, 25)]))
    assert isinstance(near, Fit) and near.a < 0 and near.r2 > 0.99
    assert isinstance(far, Fit) and far.b == pytest.approx(0.3, abs=0.02) and abs(near.b - 0.3) > abs(far.b - 0.3)


def test_a_fit_weighs_points_by_their_problems() -> None:
    law = [Point(k, math.exp(-(k**-0.5)), 1000) for k in range(1, 17)]
    few = [Point(17, 0.2, 1)]
    found, alone = fit([*law, *few]), fit(law)
    assert isinstance(found, Fit) and isinstance(alone, Fit)
    assert found.b == pytest.approx(alone.b, abs=1e-3) and found.b != alone.b


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([], "nothing_solved"),
        ([0, 0, 0, 0], "nothing_solved"),
        ([0.2, 0.3], "too_few_points"),
        ([0.2, 0.3, 1, 1, 1], "too_few_points"),
        ([1, 1, 1, 1], "too_few_points"),
        ([0.5, 0.5, 0.5, 0.5], "no_growth"),
        ([0.5, 0.4, 0.3, 0.2], "no_growth"),
    ],
)
def test_what_cannot_be_fitted_has_a_reason(values: list[float], why: str) -> None:
    assert fit([Point(k, value, 9) for k, value in enumerate(values, start=1)]) == why


def test_a_point_at_nothing_is_left_out_and_a_steep_curve_ends() -> None:
    found = fit([Point(k, value, 1) for k, value in enumerate([0.0, 0.2, 0.4, 0.6, 1.0], start=1)])
    assert isinstance(found, Fit) and 0 < found.r2 < 1
    steep = fit([Point(k, value, 1) for k, value in enumerate([1e-300, 1 - 1e-12, 1 - 1e-13, 1.0], start=1)])
    assert isinstance(steep, Fit) and steep.b > 20


def test_trouble_and_a_missing_gold_say_nothing_of_a_teacher() -> None:
    said = [
        ("correct", "equal"),
        ("unsure", "weak_equal"),
        ("incorrect", "no_answer"),
        ("error", "gold_unreadable"),
        ("unsure", "no_gold"),
    ]
    assert [is_judged(*one) for one in said] == [True, True, True, False, False]  # type: ignore[arg-type]
