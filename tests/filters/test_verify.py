"""The verdict column: each row goes to its problem's checker."""

import pytest

from filters.checkers import CHECKERS, auto_checker
from filters.choice_order import as_asked
from filters.verify import COMPARING, gold_to_judge, judged, verify
from schemas.annotation import STATUSES, Judgement, Verdict
from schemas.problem import Problem


def problem(answer: str | None, checker: str, choices: tuple[str, ...] = ()) -> Problem:
    return Problem.of(question="q", answer=answer, checker=checker, source="test", choices=choices)


def test_each_row_goes_to_its_own_checker() -> None:
    problems = [
        problem("18", "numeric"),
        problem("Paris", "text"),
        problem("A", "choice", ("x", "y")),
        problem("1", "oracle"),
    ]
    verdicts = verify(problems, ["18", "Rome", "A", "1"], CHECKERS)
    assert [verdict.status for verdict in verdicts] == ["correct", "incorrect", "correct", "error"]
    assert [verdict.checker for verdict in verdicts] == [*(CHECKERS[one].name for one in ("numeric", "text", "choice")), "oracle"]
    assert verdicts[3].reason == "unknown_checker"


@pytest.mark.parametrize(
    ("checker", "choices", "response", "extracted"),
    [
        ("numeric", (), "So she has $18.\nThe answer is $18.", "$18"),
        ("numeric", (), "The answer is 0.", "0"),
        ("numeric", (), "There were 3, 7 and 0 of them", None),
        ("numeric", (), "The answer is 5. No wait, it is 6 or 7?", None),
        ("math", (), r"So \boxed{\frac{1}{2}}.", r"\frac{1}{2}"),
        ("math", (), r"\boxed{\int_0^1 f(x)\,dx}", r"\int_0^1 f(x)\,dx"),
        ("text", (), "The answer is Paris.", "Paris"),
        ("choice", ("bank", "mall"), "The answer is (B).", "B"),
        ("choice", ("C", "D", "A", "K"), "The answer is (D) K.", "D"),
        ("choice", (), "The answer is B.", "B"),
        ("choice", ("bank", "mall"), "Who knows?", None),
    ],
)
def test_without_a_gold_nothing_is_sure_but_what_the_response_commits_to(
    checker: str, choices: tuple[str, ...], response: str, extracted: str | None
) -> None:
    (verdict,) = verify([problem(None, checker, choices)], [response], CHECKERS)
    assert verdict == Verdict("unsure", extracted, CHECKERS[checker].name, "no_gold")


def test_a_gold_that_is_there_and_cannot_be_read_is_an_error_in_every_order_of_the_options() -> None:
    unread = problem("A or B", "choice", ("bank", "mall"))
    verdicts = verify([problem("a few", "numeric"), unread, as_asked(unread, (1, 0))], ["3", "A", "A"], CHECKERS)
    assert {(verdict.status, verdict.reason) for verdict in verdicts} == {("error", "gold_unreadable")}


def test_columns_of_different_length_are_a_bug() -> None:
    with pytest.raises(ValueError):
        verify([problem("18", "numeric")], [], CHECKERS)


def test_a_raising_checker_is_a_bug() -> None:
    class Broken:
        name = "broken_v1"

        def check(self, problem: Problem, response: str) -> object:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        verify([problem("1", "broken")], ["1"], {"broken": Broken()})  # type: ignore[dict-item]


def test_auto_checker() -> None:
    assert auto_checker(problem("A", "auto", ("x", "y"))) == "choice"
    assert auto_checker(problem("$1,200", "auto")) == "numeric"
    assert auto_checker(problem("Paris", "auto")) == "text"
    assert auto_checker(problem(r"\sqrt{2}", "auto")) == auto_checker(problem("x+1", "auto")) == "math"
    assert auto_checker(problem(None, "auto")) == "text"


EQUIVALENT = Judgement("strict", "the city of Paris", "correct", "judge_equivalent")
DIFFERENT = Judgement("strict", "the city of Paris", "incorrect", "judge_different")


@pytest.mark.parametrize("judgement", [EQUIVALENT, DIFFERENT])
def test_a_judgement_decides_only_what_is_unsure_about_the_very_answer_that_was_judged(judgement: Judgement) -> None:
    for status in STATUSES:
        for extracted in ("the city of Paris", "Paris", None):
            verdict = Verdict(status, extracted, "text_v9", "among_other_words")
            (after,) = judged([verdict], [judgement])
            if status == "unsure" and extracted == judgement.extracted:
                assert after == Verdict(judgement.status, extracted, "judge_v1:strict", judgement.reason)
            else:
                assert after == verdict
            assert judged([verdict], [None]) == [verdict]


def test_a_judge_is_shown_the_gold_of_checkers_that_compare_with_it_and_of_no_other() -> None:
    assert set(CHECKERS) > COMPARING == {"choice", "math", "numeric", "text"}
    for checker in (*CHECKERS, "countdown_v1", "gym"):
        assert gold_to_judge(problem("18", checker)) == ("18" if checker in COMPARING else None)
    assert gold_to_judge(problem("B", "choice", ("bank", "mall"))) == "(B) mall"
    assert gold_to_judge(problem(None, "text")) is None
