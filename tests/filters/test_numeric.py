"""Numbers are compared exactly, and what is not surely a number is never called correct."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.answers.quantity import MAX_DIGITS, Quantity, read_quantity
from filters.checkers.numeric import Numeric
from schemas.problem import Problem


def judged(gold: str | None, response: str) -> tuple[str, str]:
    problem = Problem.of(question="q", answer=gold, checker="numeric", source="test")
    verdict = Numeric().check(problem, response)
    return verdict.status, verdict.reason


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("18", "18"),
        ("-5", "-5"),
        ("\u22125", "-5"),
        ("１８", "18"),
        ("007", "7"),
        (".5", "1/2"),
        ("18.00.", "18"),
        ("1,234,567", "1234567"),
        ("10{,}000", "10000"),
        (r"10,\!000", "10000"),
        ("3/4", "3/4"),
        (r"\frac{3}{4}", "3/4"),
        (r"-\dfrac{3}{4}", "-3/4"),
        (r"\frac{-3}{4}", "-3/4"),
        (r"\frac12", "1/2"),
        ("1 1/2", "3/2"),
        ("-1 1/2", "-3/2"),
        ("1½", "3/2"),
        (r"1\frac{1}{2}", "3/2"),
        ("2e3", "2000"),
        (r"1.5 \times 10^{-3}", "3/2000"),
        ("$-5", "-5"),
        (r"\$5", "5"),
        ("$5$", "5"),
        ("**18** dollars", "18"),
        (r"18\text{ cm}", "18"),
        ("18个苹果", "18"),
        ("18 dollars per day", "18"),
        (r"90^\circ", "90"),
        ("18 thousand", "18000"),
        ("3.5万", "35000"),
        ("eighteen", "18"),
        ("百分之十八", "18"),
    ],
)
def test_reads(text: str, value: str) -> None:
    quantity = read_quantity(text)
    assert quantity is not None
    assert quantity.value == Fraction(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "4²",
        "①",
        "x₂",
        "10,00",
        "1,2345",
        "0,123",
        "1,234,5",
        "1/0",
        "3 7/5",
        "3 or 4",
        "3 or four",
        "5x",
        "5e",
        "2**3",
        "2^3",
        "3:00",
        "18!",
        "not 3",
        "5\u202e6",
        "--5",
        "1/2/3",
        "3-4",
        "12 and a half",
        "1e400",
        "1e" + "9" * 400,
        "١٨",
        "5 times seven",
        "18 doubled",
        "18 twice",
        "18 tens",
        "18 off",
        "18 degrees below",
        "~18",
        "~~18~~",
        "nan",
        "inf",
        "1_000",
        "0x10",
        "9" * (MAX_DIGITS + 1),
        "5 " + "word " * 6,
    ],
)
def test_does_not_read(text: str) -> None:
    assert read_quantity(text) is None


@pytest.mark.parametrize(
    ("gold", "response", "expected"),
    [
        ("18", "18 dollars", ("correct", "equal")),
        ("1/2", r"\boxed{0.5}", ("correct", "equal")),
        ("25%", "The answer is 25 percent.", ("correct", "equal")),
        ("25", "25%", ("unsure", "unit_different")),
        ("0.25", "25%", ("unsure", "unit_different")),
        ("0.5", "The answer is .5%", ("unsure", "unit_different")),
        ("18", r"\boxed{18}\%", ("unsure", "unit_different")),
        ("18%", r"\boxed{18}\%", ("correct", "equal")),
        ("25%", "0.25", ("unsure", "unit_missing")),
        ("25%", "25", ("unsure", "unit_missing")),
        ("5 km", r"\boxed{5 \text{ miles}}", ("incorrect", "different")),
        ("5 km", "The answer is 5,000 m.", ("correct", "equal")),
        ("$5", "The answer is €5.", ("incorrect", "unit_different")),
        ("18 apples", "The answer is 18 pears.", ("unsure", "unit_different")),
        ("42", r"\boxed{4²}", ("incorrect", "different")),
        ("1/3", "0.3333", ("incorrect", "different")),
        ("3", "The answer is 3 or 4", ("incorrect", "different")),
        ("3", "The answer is not 3.", ("unsure", "answer_unreadable")),
        ("3", "The answer is 3.\nThe answer is 4.", ("incorrect", "uncommitted")),
        ("3", "The answer is 3 dollars. \\boxed{3.0}", ("correct", "equal")),
        ("3", "First we add.\nShe has 3 apples.", ("unsure", "weak_equal")),
        ("3", "First we add.\nShe has 4 apples.", ("incorrect", "no_answer")),
        ("3", "<think>\nA: 3", ("incorrect", "no_answer")),
        ("three", "3", ("correct", "equal")),
        ("a few", "3", ("error", "gold_unreadable")),
        ("N/A", "3", ("error", "gold_refused")),
        (None, "3", ("error", "gold_unreadable")),
    ],
)
def test_judges(gold: str | None, response: str, expected: tuple[str, str]) -> None:
    assert judged(gold, response) == expected


def test_integers_up_to_the_digit_limit() -> None:
    gold = "1" * MAX_DIGITS
    assert judged(gold, rf"\boxed{{{gold}}}") == ("correct", "equal")
    assert judged(gold, rf"\boxed{{{gold[:-1]}2}}") == ("incorrect", "different")


@settings(deadline=None)
@given(st.integers())
def test_thousands_separators_do_not_count(number: int) -> None:
    assert read_quantity(f"{number:,}") == Quantity(Fraction(number), "")


@settings(deadline=None)
@given(st.fractions(), st.fractions())
def test_agrees_with_exact_arithmetic(gold: Fraction, answer: Fraction) -> None:
    assert judged(str(gold), rf"\boxed{{{answer}}}")[0] == ("correct" if gold == answer else "incorrect")


@settings(deadline=None)
@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**12), max_value=10**12))
def test_decimals_are_exact(number: object) -> None:
    assert read_quantity(f"{number:f}") == Quantity(Fraction(str(number)), "")
