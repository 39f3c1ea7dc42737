"""Votes of a problem's samples: who agrees with whom, who has a vote, and what the column says of it."""

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.checkers import CHECKERS
from filters.choice_order import as_asked
from filters.verify import verify
from filters.votes import committed, vote, votes
from schemas.annotation import Verdict, Vote
from schemas.problem import Problem
from tests.builders import a_problem

OPTIONS = ("bank", "library", "mall")
NO_ANSWER = "It is hard to say.\nThere are many ways to look at it, and none leads anywhere that I can see."


def _verdicts(problem: Problem, answers: Sequence[str | None], orders: Sequence[Sequence[int]] = ()) -> list[Verdict]:
    asked = [as_asked(problem, order) for order in orders] or [problem] * len(answers)
    return verify(asked, [NO_ANSWER if one is None else f"The answer is {one}." for one in answers], CHECKERS)


def _classes(problem: Problem, *answers: str | None) -> list[list[int]]:
    return votes(problem, _verdicts(problem, answers), [()] * len(answers)).classes


def _column(problem: Problem, *answers: str | None, hinted: Sequence[int] = ()) -> list[Vote | None]:
    told = [place in hinted for place in range(len(answers))]
    return vote([problem] * len(answers), _verdicts(problem, answers), [()] * len(answers), told)


@pytest.mark.parametrize("gold", ["18", "7", None])
def test_the_largest_class_is_first_and_who_commits_to_nothing_is_in_none(gold: str | None) -> None:
    assert _classes(a_problem(answer=gold), "7", "18", None, "$18", "9", "18 dollars") == [[1, 3, 5], [0], [4]]


def test_texts_are_compared_without_case_and_formulas_by_their_value() -> None:
    assert _classes(a_problem(checker="text", answer=None), "Paris", "paris", "Rome", "the Rome") == [[0, 1], [2, 3]]
    assert _classes(a_problem(checker="math", answer=r"\sqrt{8}"), r"$2\sqrt{2}$", r"$\sqrt{8}$", "3") == [[0, 1], [2]]


def test_what_the_checker_calls_correct_is_one_class_even_where_only_a_tolerance_makes_it_so() -> None:
    problem = a_problem(answer="3.14159", metadata='{"tolerance": 0.001}')
    assert _classes(problem, "3.1416", "3.14", "3.2") == [[0, 1], [2]]


def test_labels_are_counted_under_the_problems_own_order() -> None:
    problem = a_problem(answer=None, checker="choice", choices=OPTIONS)
    orders = [(), (1, 0, 2), (2, 1, 0), (0, 1, 2)]
    verdicts = _verdicts(problem, ["B", "A", "B", "C"], orders)
    assert votes(problem, verdicts, orders).classes == [[0, 1, 2], [3]]
    column = vote([problem] * 4, verdicts, orders, [False] * 4)
    assert column[3] == Vote("B", 3, 4, 0.75, False, "B")


@pytest.mark.parametrize("checker", ["code", "proof", "countdown"])
def test_nobody_votes_where_answers_are_not_compared(checker: str) -> None:
    verdicts = [Verdict("correct", "18", "x", "passed")] * 3
    problem = a_problem(checker=checker)
    assert votes(problem, verdicts, [()] * 3).classes == []
    assert vote([problem] * 3, verdicts, [()] * 3, [False] * 3) == [None] * 3


@pytest.mark.parametrize("reason", ["weak_equal", "answer_unreadable", "uncommitted"])
def test_what_was_read_and_not_committed_to_is_no_vote(reason: str) -> None:
    assert committed(Verdict("unsure", "18", "numeric_v2", reason), ()) is None
    assert committed(Verdict("error", "18", "numeric_v2", "equal"), ()) is None
    assert committed(Verdict("unsure", "18", "numeric_v2", "unit_missing"), ()) == "18"


@pytest.mark.parametrize("answer", ["a few", "I cannot say.", "x", "unknown", "n/a", "3, 4"])
def test_what_is_no_number_is_no_vote_where_numbers_are_asked_for(answer: str) -> None:
    assert _classes(a_problem(answer=None), answer, "7", r"$\sqrt{49}$") == [[1, 2]]


ANSWERS = st.sampled_from(["18", "$18", "18.0", "1/2", "0.5", r"$\frac12$", "7 km", "7000 m", "9", None])


@given(st.lists(ANSWERS, max_size=10), st.sampled_from(["18", "0.5", None]), st.sampled_from(["numeric", "math"]), st.randoms())
def test_the_order_of_the_samples_does_not_change_the_classes(answers, gold, checker, random) -> None:  # type: ignore[no-untyped-def]
    problem = a_problem(answer=gold, checker=checker)
    order = list(range(len(answers)))
    random.shuffle(order)
    found, mixed = _classes(problem, *answers), _classes(problem, *(answers[place] for place in order))
    assert {frozenset(one) for one in found} == {frozenset(order[place] for place in one) for one in mixed}
    assert found == sorted((sorted(one) for one in found), key=lambda one: (-len(one), one[0]))
    assert sorted(itertools.chain(*found)) == [place for place, answer in enumerate(answers) if answer is not None]


def test_the_column_says_what_the_majority_answers_and_who_agrees() -> None:
    column = _column(a_problem(answer="18"), "7", "$7", "18", None)
    majority = Vote("7", 2, 3, 0.5, True, None)  # no answer is no vote, and the share is of all four
    assert column == [majority, majority, majority._replace(agrees=False), majority._replace(agrees=False)]


def test_a_tie_has_no_majority_and_a_single_sample_no_vote() -> None:
    assert _column(a_problem(), "7", "18") == [Vote(None, None, 2, None, None, None)] * 2
    assert _column(a_problem(), None, None) == [Vote(None, None, 0, None, None, None)] * 2
    assert _column(a_problem(), "7") == [None] and _column(a_problem(), "7", "7", hinted=[1]) == [None, None]


def test_a_hinted_sample_has_no_vote_and_does_not_agree_or_disagree() -> None:
    column = _column(a_problem(answer=None), "7", "18", "7", "18", "18", hinted=[3, 4])
    majority = Vote("7", 2, 3, 2 / 3, True, "7")
    assert column == [majority, majority._replace(agrees=False), majority, *[majority._replace(agrees=None)] * 2]


def test_a_pseudo_gold_is_only_where_there_is_no_gold() -> None:
    for gold, pseudo in (("18", None), ("a few", None), (None, "7")):
        column = _column(a_problem(answer=gold), "7", "7")
        assert [one.pseudo_gold for one in column if one] == ([pseudo] * 2 if gold != "a few" else [None] * 2)


def test_problems_vote_apart_whatever_the_order_of_the_rows() -> None:
    one, other = a_problem(answer=None), a_problem(question="Again?", answer=None)
    rows = [(one, "7"), (other, "9"), (one, "7"), (other, "9"), (other, "8")]
    verdicts = [_verdicts(problem, [answer])[0] for problem, answer in rows]
    column = vote([problem for problem, _ in rows], verdicts, [()] * 5, [False] * 5)
    assert [(found.answer, found.votes, found.agrees) for found in column if found] == [
        ("7", 2, True), ("9", 2, True), ("7", 2, True), ("9", 2, True), ("9", 2, False)
    ]  # fmt: skip
