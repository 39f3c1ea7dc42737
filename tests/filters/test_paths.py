"""Equation paths: other words for the same equations are one way, other equations are another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.equations import stated
from filters.paths import path


@pytest.mark.parametrize(
    ("text", "equations"),
    [
        ("Half of them: 48 / 2 = 24. Together 48 + 24 = 72.", "48/2=24|48+24=72"),
        ("48÷2=24, and so $48+24=72$ clips", "48/2=24|48+24=72"),
        (r"\[\frac{48}{2} = 24\]", "frac(48)(2)=24"),
        ("She sold 48/2 = <<48/2=24>>24 clips, 48+24 = <<48+24=72>>72 in all.", "48/2=24|48+24=72"),
        ("Half of 48 is <<48/2=24>>24; 24 + 24 = 48 is seen too.", "48/2=24"),
        ("1,200 * 0.50 = $600", "1200*1/2=600"),
        ("3 + 4 = 7 * 2 = 14", "3+4=7*2|7*2=14"),
        ("5 + 5 = 10. Again, 5 + 5 = 10, and 10 * 2 = 20.", "5+5=10|10*2=20"),
        ("It is 42.", ""),
        ("x = 5 and y = 6", ""),
        ("", ""),
    ],
)
def test_a_path_is_the_list_of_the_equations(text: str, equations: str) -> None:
    assert path(text) == equations


SUMS = st.lists(st.tuples(st.integers(10, 99), st.integers(10, 99)), min_size=1, max_size=6)


@given(SUMS)
def test_words_marks_and_units_do_not_change_it_and_another_number_or_order_does(sums: list[tuple[int, int]]) -> None:
    written = [f"{one} + {other} = {one + other}" for one, other in sums]
    plain = path(". ".join(written))
    assert path(". ".join(f"So we have {one} eggs" for one in written)) == plain
    assert path("\n".join(f"In all <<{one.replace(' ', '')}>>{one.split()[-1]} eggs" for one in written)) == plain
    assert plain.count("|") == len(set(sums)) - 1 and len(stated(". ".join(written)).equations) == len(sums)
    assert path(". ".join([*written, "100 + 1 = 101"])) != plain
    if len(set(sums)) > 1 and len(set(sums)) == len(sums):
        assert path(". ".join(written[::-1])) != plain
