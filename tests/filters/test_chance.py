"""Right choices against blind guessing, exactly."""

import itertools
from fractions import Fraction

import pytest

from filters.chance import against_chance, chance


def test_the_tail_is_that_of_all_outcomes_counted() -> None:
    for options, samples in itertools.product((2, 4, 5), (1, 3, 4)):
        outcomes = list(itertools.product(range(options), repeat=samples))
        for correct in range(samples + 1):
            as_good = sum(outcome.count(0) >= correct for outcome in outcomes)
            found = against_chance(options, samples, correct)
            assert found.p_value == float(Fraction(as_good, len(outcomes)))


def test_the_score_is_one_for_all_right_and_zero_for_guessing() -> None:
    assert against_chance(4, 8, 8).corrected == 1
    assert against_chance(4, 8, 2).corrected == 0
    assert against_chance(4, 8, 0).corrected == pytest.approx(-1 / 3)


def test_each_sample_of_a_problem_has_its_problems_score_and_others_have_none() -> None:
    column = chance(["a", "b", "a", "c"], [5, 5, 5, 0], ["correct", "unsure", "incorrect", "correct"])
    assert column[0] == column[2] == against_chance(5, 2, 1)
    assert column[1] == against_chance(5, 1, 0)
    assert column[3] is None


def test_many_samples_stay_exact() -> None:
    assert against_chance(5, 200, 200).p_value == 5.0**-200
    assert against_chance(5, 1000, 0).p_value == 1
