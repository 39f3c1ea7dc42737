import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.latex_words import MASK, spelled, written_plainly
from filters.shingles import words
from tests.linear_time import assert_linear

SAME = [
    (r"\frac{1}{2}", r"\frac12", r"\dfrac{1}{2}", r"\tfrac1{2}", r"\frac{1}2", r"\frac 1 2", "1/2", "1 / 2", "½"),
    (r"33\frac{1}{3}", r"33\frac13", r"33 \dfrac1{3}", "33 1/3", "33⅓"),
    (r"1{,}000", "1,000", r"1\,000", r"1,\!000", "1000"),
    ("1,234,567", "1234567", "1 234 567", "1\u202f234\u202f567"),
    (
        "eats **16** eggs",
        "eats *16* eggs",
        "eats `16` eggs",
        "eats <b>16</b> eggs",
        "eats $16$&nbsp;eggs",
        "e\u00adats 16<br/> eg\u200bgs",
    ),
    ("Cars wait. 15 go.", "- Cars wait.\n- 15 go.", "* Cars wait\n* 15 go", "1. Cars wait.\n2. 15 go.", "Cars wait – 15 go"),
    ("pays &#36;80,000 &amp; more", "pays **$80 000** & more", '<p class="a">pays $80000</p> more'),
    (r"3x + 2y", r"3 \cdot x + 2*y", "3*x + 2 × y", r"3\times x + 2y"),
    ("x^2", "x**2", "x ** 2", "x<sup>2</sup>"),
    ("$x^2 - 1$", r"\(x^{2} - 1\)", r"\[ x^2-1 \]", "x² − 1", "$$x ^ 2 - 1$$"),
    (r"3 \cdot 4", r"3\times4", "3 × 4", "3*4", r"3 \ast 4"),
    (r"\left( a+b \right)", "(a+b)", r"\big( a + b \big)", r"\left[a\,+\;b\!\right]"),
    (r"60^\circ", r"60^{\circ}", "60°", r"60 \degree"),
    (r"5\text{ cm}", r"5\,\mathrm{cm}", r"5 \mbox{cm}", "5 cm"),
    (r"2\pi r", "2πr", r"2 \pi r"),
    (r"\sqrt{2}", "√2", r"\sqrt2", r"\sqrt 2"),
    (r"x \le 3, y \geq 4", "x ≤ 3, y ≥ 4", r"x \leq 3, y \ge 4"),
    (r"1, 2, \ldots, 9", r"1, 2, \dots, 9", "1, 2, …, 9"),
    (r"\begin{align*} x &= 1 \\ y &= 2 \end{align*}", "x = 1, y = 2", r"\begin{array}{cc} x=1 & y=2 \end{array}"),
    (r"the area [asy] draw((0,0)--(1,1)); label[0] [/asy] shown", "the area shown"),
    ("$5.00", "5", r"\$5", "5.0"),
]
DIFFERENT = [
    ("2 + 3", "2 - 3"),
    ("x + y", "x - y"),
    ("2 * 3", "2 - 3"),
    ("x = -3", "x = 3"),
    (r"\pi - 3", r"\pi + 3"),
    ("(5, -4)", "(5, 4)"),
    ("f(-2)", "f(2)"),
    ("5 100 20", "5100 20"),
    ("a < b and c > d", "a d"),
    (r"\frac{2}{3}", "2 3"),
    ("x^2", "x 2"),
    ("0.5", "5"),
    ("10", "100"),
    ("1.50", "150"),
    ("1,00", "100"),
]


def exact(text: str) -> list[str]:
    return words(spelled(text).exact)


@pytest.mark.parametrize("ways", SAME)
def test_ways_to_write_the_same_are_one(ways: tuple[str, ...]) -> None:
    assert {way: exact(way) for way in ways} == dict.fromkeys(ways, exact(ways[0]))
    assert exact(ways[0])


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_what_differs_stays_different(one: str, other: str) -> None:
    assert exact(one) != exact(other)


def test_numbers_are_one_word_each_and_masked() -> None:
    assert words(spelled("Sam has 3.25 apples and 1,000 x2").masked) == ["sam", "has", MASK, "apples", "and", MASK, "x", MASK]
    assert words(spelled("Sam has 3.25 apples").exact) == ["sam", "has", "3point25", "apples"]


MARKUP = st.lists(
    st.sampled_from(
        [
            *"\\{}[]$^_,.-+/ 0159ax²½°′﷽ก๓",
            "\\frac",
            "\\frac1",
            "\\left",
            "[asy]",
            "[/asy]",
            "\\begin{a}",
            "**",
            "&amp;",
            "<b>",
            "1 000",
            "\u0301",
            "\ud800",
        ]
    )
    | st.text(max_size=3),
    max_size=30,
).map("".join)


@given(MARKUP)
def test_both_spellings_have_the_same_number_of_words(text: str) -> None:
    both = spelled(text)
    assert len(words(both.exact)) == len(words(both.masked))
    assert not any(sign in "123456789" for sign in both.masked)


@given(MARKUP, st.sampled_from([" ", "\n", "\t \n", "\u00a0"]))
def test_white_space_does_not_matter(text: str, space: str) -> None:
    assert written_plainly(f" {text} ".replace(" ", space)) == written_plainly(text)


@pytest.mark.load
@pytest.mark.parametrize(
    "unit",
    [
        "[asy]",
        "\\frac{",
        "\\frac ",
        "{}",
        "1,000",
        "\\begin{a",
        "^{ ",
        "^\\circ",
        "- ",
        "-a",
        "1.",
        "\\",
        "}{",
        "½",
        "[asy] [/",
        "0",
        "*",
        "x**",
        "&amp",
        "&#1;",
        "<b ",
        "<b x=",
        "1. ",
        " 111",
        "x - 1",
        "\u200b",
    ],
)
def test_time_is_linear(unit: str) -> None:
    assert_linear(spelled, unit * 2_000, unit * 20_000)
