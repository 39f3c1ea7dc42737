"""What a question gives to calculate with: quantities with their forms, numbers in words, what units bring."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.given_numbers import quantities, worded
from tests.linear_time import assert_linear

THIRD = Fraction(1, 3)


@pytest.mark.parametrize(
    ("text", "own", "others"),
    [
        ("48 clips for $1,200.50", {48, Fraction(2401, 2)}, set()),
        ("20% off", {20}, {Fraction(1, 5), Fraction(4, 5), Fraction(6, 5), 80, 120}),
        ("5 cents", {5}, {Fraction(1, 20), Fraction(19, 20), Fraction(21, 20), 95, 105}),
        ("He ate 1/3.", {THIRD}, {1, 3, 2, 2 * THIRD, 4 * THIRD}),
        ("1 1/3 cups", {1, THIRD}, {3, 2, 2 * THIRD, 4 * THIRD}),
        ("1/0 and 4/5/6", {4, 5, 6}, set()),
        ("none", set(), set()),
    ],
)
def test_quantities_have_forms(text: str, own: set[Fraction], others: set[Fraction]) -> None:
    forms = quantities(text)
    assert {*forms.values()} == own
    assert forms.keys() == own | others
    assert all(forms[number] == number for number in own)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Twenty-one eggs", {20, 1, 21}),
        ("two thirds of it", {2, 3, THIRD, 2 * THIRD}),
        ("TWICE a week", {2, 7, 4, 52}),
        ("two hundred cups", {2, 100, 200}),
        ("三分之一", {3, THIRD, 2 * THIRD}),
        ("十八个，每打", {18, 12}),
        ("thirdly, weekends", {2}),
        ("", set()),
    ],
)
def test_words_are_numbers_and_bring_some(text: str, numbers: set[Fraction]) -> None:
    assert worded(text) == numbers


@given(st.text(alphabet="0123456789/.,% twohundredthirdhalf三分之百", max_size=60))
def test_any_text_has_some(text: str) -> None:
    assert all(type(number) is int or number.denominator > 1 for number in worded(text))
    forms = quantities(text)
    assert {*forms.values()} <= forms.keys()


@pytest.mark.load
@pytest.mark.parametrize("unit", ["1/2 ", "20% ", "3", "two ", "hundred ", "two hundred ", "三", "week "])
def test_time_is_linear(unit: str) -> None:
    assert_linear(lambda text: (quantities(text), worded(text)), unit * 3_000, unit * 30_000)
