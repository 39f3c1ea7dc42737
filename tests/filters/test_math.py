import pytest

from filters.checkers.math import Math
from tests.builders import a_problem

SAME = [
    (r"\frac{14}{3}", r"The answer is $\boxed{\dfrac{14}{3}}$."),
    (r"\left( 3, \frac{\pi}{2} \right)", r"\boxed{(3,\frac{\pi}{2})}"),
    (r"3\sqrt{13}", r"\[\boxed{3\sqrt{13}}\]"),
    (r"\frac43", r"\boxed{\frac{4}{3}}"),
    (r"90^\circ", r"\boxed{90}"),
    (r"\text{Evelyn}", r"\boxed{Evelyn}"),
    ("0.5", r"\boxed{\frac{1}{2}}"),
    ("1,000", r"\boxed{1000}"),
    ("6+9i", r"\boxed{6 + 9i}"),
]
SAME += [("12000", rf"\boxed{{12{gap}000}}") for gap in (r"\,", "{,}", r"\ ", " ")]
SAME += [("x+1", r"\boxed{1+x}")]
DIFFERENT = [("27", r"\boxed{28}"), ("0.5", r"\boxed{\frac{1}{3}}"), ("27", "")]
DIFFERENT += [(r"\sqrt{2}", r"\boxed{1.414}"), ("p - q", r"\boxed{q - p}")]
UNDECIDED = [("p-q", r"-\boxed{p-q}")]
UNDECIDED += [("12", rf"\boxed{{1{gap}2}}") for gap in (" ", r"\,", r"\ ", r" \quad ", "~")]


@pytest.mark.parametrize(
    ("status", "gold", "response"),
    [("correct", *pair) for pair in SAME]
    + [("incorrect", *pair) for pair in DIFFERENT]
    + [("unsure", *pair) for pair in UNDECIDED],
)
def test_equal_settings_pass_and_what_cannot_be_decided_is_unsure(status: str, gold: str, response: str) -> None:
    assert Math().check(a_problem(answer=gold), response).status == status


def test_without_a_gold_there_is_nothing_to_be_wrong_about() -> None:
    assert Math().check(a_problem(answer=None), "42").status == "error"
