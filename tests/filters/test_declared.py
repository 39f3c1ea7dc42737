"""What a problem declares of its answers: units that its question names, a tolerance."""

import tracemalloc
from fractions import Fraction

import pytest

from filters.checkers.declared import MAX_QUESTION_CHARS, names_unit, tolerance_of
from filters.checkers.numeric import Numeric
from schemas.problem import Problem


@pytest.mark.parametrize(
    ("question", "unit", "named"),
    [
        ("How many men are at work?", "men", True),
        ("How many women are at work?", "men", False),
        ("Of 9 women, how many are left?", "man", False),
        ("How many APPLES are left?", "apple", True),
        ("How many pineapples are left?", "apple", False),
        ("How many apple pies are left?", "apple pie", True),
        ("How many apple-pies are left?", "apple-pie", True),
        ("Of 5 apples, how many pies?", "apple pie", False),
        ("How many buses are there?", "bu", False),
        ("How many kilometres is it?", "km", True),
        ("How many square inches is it?", "inches^2", True),
        ("How many inches is it?", "inches^2", False),
        ("How many dollars?", "$", True),
        ("She pays $5.  What is left?", "$", True),
        ("How many Europeans?", "€", False),
        ("How many euros?", "€", True),
        ("How many yuan?", "¥", True),
        ("How many pounds?", "£", True),
        ("有多少个苹果？", "个苹果", True),
        ("有多少个梨？", "个苹果", False),
        ("", "apple", False),
        ("How many apples?", "¢", False),
        ("How many apples?", "", False),
        ("x " * MAX_QUESTION_CHARS + "men", "men", False),
    ],
)
def test_a_unit_is_named_by_whole_words(question: str, unit: str, named: bool) -> None:
    assert names_unit(question, unit) == named


@pytest.mark.parametrize(("question", "status"), [("How many men?", "correct"), ("How many women?", "unsure")])
def test_a_unit_may_be_left_out_where_the_question_names_it(question: str, status: str) -> None:
    problem = Problem.of(question=question, answer="18 men", checker="numeric", source="test")
    assert Numeric().check(problem, "The answer is 18.").status == status


def test_long_texts_are_not_held() -> None:
    tracemalloc.start()
    try:
        for number in range(20):
            text = f"{number} men and {'x' * 500_000}"
            problem = Problem.of(question="q", answer="1", checker="numeric", source="test", metadata=f'{{"tolerance": "{text}"}}')
            assert names_unit(text, "men") and tolerance_of(problem) is None
        del text, problem
        assert tracemalloc.get_traced_memory()[0] < 1_000_000  # one text is half of it
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("metadata", "tolerance"),
    [
        ("{}", Fraction(0)),
        ('{"tolerance": 0.01}', Fraction(1, 100)),
        ('{"tolerance": 0}', Fraction(0)),
        ('{"tolerance": 0.1}', Fraction(1, 10)),
        ('{"tolerance": 0.11}', None),
        ('{"tolerance": -0.1}', None),
        ('{"tolerance": true}', None),
        ('{"tolerance": "0.01"}', None),
        ('{"tolerance": NaN}', None),
        ('["tolerance"]', None),
        ('{"tolerance": ', None),
        ('{"tolerance": ' + "[" * 100_000, None),
    ],
)
def test_a_tolerance_is_a_small_number_or_a_mistake(metadata: str, tolerance: Fraction | None) -> None:
    problem = Problem.of(question="q", answer="1", checker="numeric", source="test", metadata=metadata)
    assert tolerance_of(problem) == tolerance
