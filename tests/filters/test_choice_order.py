"""Options asked in another order: the same option is right, under whatever letter."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.checkers import CHECKERS
from filters.choice_order import as_asked, as_given, named_gold
from schemas.problem import CHOICE_LABELS, Problem
from tests.builders import a_problem

OPTIONS = ("bank", "library", "mall", "park")
CHOICE = CHECKERS["choice"]


def _problem(answer: str | None, options: tuple[str, ...] = OPTIONS, checker: str = "choice") -> Problem:
    return a_problem(answer=answer, choices=options, checker=checker)


@pytest.mark.parametrize("gold", ["B", "(b)", "B. library", "library", "The library"])
def test_in_every_order_the_same_option_is_right_and_the_others_are_wrong(gold: str) -> None:
    for order in itertools.permutations(range(4)):
        asked = as_asked(_problem(gold), order)
        assert asked.choices == tuple(OPTIONS[place] for place in order) and asked.problem_id == _problem(gold).problem_id
        for label, option in zip("ABCD", asked.choices, strict=True):
            for response in (f"The answer is ({label}).", f"The answer is {option}."):
                verdict = CHOICE.check(asked, response)
                assert verdict.status == ("correct" if option == "library" else "incorrect"), (order, response)
                assert verdict.extracted == label
                assert OPTIONS[CHOICE_LABELS.index(as_given(label, order) or "")] == option


def test_a_gold_that_is_a_text_stays_and_a_label_moves() -> None:
    assert as_asked(_problem("library"), (3, 2, 1, 0)).answer == "library"
    assert as_asked(_problem("B"), (3, 2, 1, 0)).answer == "C"
    assert as_asked(_problem("B"), (3, 1, 2, 0)).answer == "B"
    assert as_asked(_problem("B"), ()) == _problem("B")


@pytest.mark.parametrize("gold", ["F", "swimming pool", "not found", "(A) mall", "A or B", "", None])
def test_a_gold_that_names_no_one_option_is_readable_in_no_order(gold: str | None) -> None:
    assert CHOICE.check(_problem(gold), "A").status == "error"
    for order in itertools.permutations(range(4)):
        assert CHOICE.check(as_asked(_problem(gold), order), "The answer is A.").status == "error"


def test_options_that_are_letters_keep_one_right_answer_or_have_none_that_can_be_read() -> None:
    vitamins = ("C", "D", "A", "K")
    for gold, order in itertools.product("ABCD", itertools.permutations(range(4))):
        problem = _problem(gold, vitamins)
        asked = as_asked(problem, order)
        right = [
            label
            for label in "ABCD"
            if CHOICE.check(asked, f"The answer is ({label}) {asked.choices['ABCD'.index(label)]}")[0] == "correct"
        ]
        if CHOICE.check(problem, "x").reason == "gold_unreadable":
            assert right == []
        else:
            assert [as_given(label, order) for label in right] == [gold]


def test_another_checkers_gold_is_its_own_text_or_the_label_that_moved() -> None:
    text = CHECKERS["text"]
    assert text.check(as_asked(_problem("B", checker="text"), (1, 0, 2, 3)), "The answer is A.").status == "correct"
    assert text.check(as_asked(_problem("seven", checker="text"), (1, 0, 2, 3)), "The answer is seven.").status == "correct"


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 1, 2, 2), (1, 2, 3, 4), (-1, 0, 1, 2), (0, 1, 2, 3, 4)])
def test_what_is_no_order_of_the_options_is_a_bug(order: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="is no order of the 4 options"):
        as_asked(_problem("B"), order)


@given(st.permutations(range(6)), st.text(max_size=4) | st.none())
def test_only_labels_of_the_options_are_mapped_back(order: list[int], text: str | None) -> None:
    assert as_given(text, ()) == text
    if text is None or text not in tuple("ABCDEF"):
        assert as_given(text, order) == text
    assert sorted(as_given(label, order) or "" for label in "ABCDEF") == list("ABCDEF")


def test_the_gold_in_words_names_its_option() -> None:
    assert named_gold(_problem("B")) == named_gold(_problem("library")) == "(B) library"
    assert named_gold(as_asked(_problem("B"), (3, 2, 1, 0))) == "(C) library"
    assert named_gold(_problem("swimming pool")) == "swimming pool" and named_gold(_problem(None)) is None
    assert named_gold(a_problem()) == "42"
