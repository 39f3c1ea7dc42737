"""Equal answers are one class, whatever their order, and many of them cost little."""

import itertools
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.answers import classes
from filters.answers.classes import MAX_OPEN, MAX_OTHERS, equal_classes
from filters.answers.comparison import compare
from filters.answers.reading import Reading, read_answer
from filters.answers.scalars import Outcome

ONE_CLASS = [
    ("1/2", "0.5", r"\frac12", r"\dfrac{1}{2}", "2^{-1}"),
    ("$18", "18", "18 dollars", "18.00", "18 eggs", "1800 cents", "$18 each"),
    ("1,200", "1200", "$1,200.00"),
    ("5 km", "5000 m", "5"),
    ("25%", "25", "25 percent"),
    ("45", r"45^\circ", "45 degrees"),
    ("x+1", "1+x", r"\frac{x^2-1}{x-1}"),
    (r"3\sqrt{13}", r"\sqrt{117}"),
    ("x=5", "5", r"\sqrt{25}", "5.0"),
    ("{1, 2}", "2, 1", r"\{2,1\}"),
    (r"2\pi", r"\pi + \pi"),
    ("Paris", "paris", r"\text{Paris}"),
]
APART = ["0.5", "50%", "18 m", "18 cm", "18", "0.25", "25%", "(1,2)", "(2,1)", "[1,2)", r"\sqrt{2}", "1.4142", "x", "y", "2x"]
APART += ["x < 2", "x > 2", "London", "Paris", "52_8", "52_7", r"\begin{pmatrix}1\\2\end{pmatrix}"]


def _as_sets(votes: dict[str, int]) -> set[frozenset[str]]:
    return {frozenset(texts) for texts in equal_classes(votes)}


@pytest.mark.parametrize("texts", ONE_CLASS, ids=lambda texts: texts[0])
def test_equal_answers_are_one_class(texts: tuple[str, ...]) -> None:
    assert _as_sets(dict.fromkeys(texts, 1)) == {frozenset(texts)}


def test_different_answers_are_classes_of_their_own() -> None:
    assert _as_sets(dict.fromkeys(APART, 1)) == {frozenset([text]) for text in APART}


def test_a_unit_is_not_guessed_where_it_could_be_two() -> None:
    assert _as_sets({"5": 3, "5 km": 1, "5 kg": 1}) == {frozenset([text]) for text in ("5", "5 km", "5 kg")}
    assert _as_sets({"5": 1, "5000": 1, "5 km": 1, "5000 m": 1}) == {
        frozenset(["5"]),
        frozenset(["5000"]),
        frozenset(["5 km", "5000 m"]),
    }


FORMS = st.sampled_from([text for texts in ONE_CLASS for text in texts] + APART)
RATIONAL = st.builds(Fraction, st.integers(-9, 9), st.integers(1, 9))


@given(st.lists(FORMS | st.text(max_size=6), unique=True, max_size=12), st.randoms())
def test_every_text_is_in_one_class_and_the_order_does_not_matter(texts: list[str], random) -> None:  # type: ignore[no-untyped-def]
    found = equal_classes(dict.fromkeys(texts, 1))
    assert sorted(itertools.chain(*found)) == sorted(texts)
    mixed = list(texts)
    random.shuffle(mixed)
    assert _as_sets(dict.fromkeys(mixed, 1)) == {frozenset(one) for one in found}


@given(st.lists(st.tuples(RATIONAL, st.sampled_from(("", "km", "m", "%"))), max_size=8))
def test_no_two_numbers_of_a_class_differ_and_no_two_of_one_unit_that_are_equal_are_apart(
    drawn: list[tuple[Fraction, str]],
) -> None:
    texts = {rf"\frac{{{one.numerator}}}{{{one.denominator}}} {unit}".rstrip(): unit for one, unit in drawn}
    place = {text: number for number, of_class in enumerate(equal_classes(dict.fromkeys(texts, 1))) for text in of_class}
    for one, other in itertools.combinations(texts, 2):
        readings = read_answer(one), read_answer(other)
        assert readings[0] is not None and readings[1] is not None
        relation = compare(readings[0], readings[1]).relation
        if (texts[one] and texts[other]) or texts[one] == texts[other]:
            assert (relation == "equal") == (place[one] == place[other]), (one, other)


@pytest.mark.parametrize("form", ["{}", "{}/7", "{} km", r"\frac{{x+{}}}{{7}}", "word{}x"])
def test_numbers_functions_and_words_are_never_compared_one_by_one(monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    monkeypatch.setattr(classes, "compare", None)
    assert len(equal_classes({form.format(number): 1 for number in range(1000)})) == 1000


def test_of_the_open_kinds_only_so_many_are_compared_those_with_the_most_votes(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = 0

    def counted(gold: Reading, answer: Reading) -> Outcome:
        nonlocal calls
        calls += 1
        return compare(gold, answer)

    monkeypatch.setattr(classes, "compare", counted)
    votes = {rf"\sqrt{{{number}}}": 1 for number in range(2, 400)} | {r"\sqrt{52}": 3, r"2\sqrt{13}": 2}
    found = equal_classes(votes | {str(number): 1 for number in range(400)})
    assert calls <= 2 * MAX_OPEN * (MAX_OPEN + MAX_OTHERS)
    assert sorted(next(one for one in found if r"\sqrt{52}" in one)) == sorted([r"\sqrt{52}", r"2\sqrt{13}"])


@pytest.mark.parametrize(
    "text", ["9" * 5000, r"\sqrt{" * 300 + "2" + "}" * 300, "{" * 400, r"10^{10^{10}}", "1/0", "", "\ud800", r"\infty"]
)
def test_hostile_texts_are_classes_of_their_own(text: str) -> None:
    assert _as_sets({text: 1, "5": 1, r"\sqrt{2}": 1}) == {frozenset([one]) for one in (text, "5", r"\sqrt{2}")}
