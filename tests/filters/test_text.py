"""Texts are equal up to case, spaces, compatibility forms, one full stop and outer quotes."""

import pytest

from filters.checkers.text import ExactText
from schemas.problem import Problem


@pytest.mark.parametrize(
    ("gold", "response", "expected"),
    [
        ("Paris", "paris.", ("correct", "equal")),
        ("Paris", "The answer is “Paris”.", ("correct", "equal")),
        ("Paris", "$Paris$", ("correct", "equal")),
        ("new  york", r"\boxed{New York}", ("correct", "equal")),
        ("ＡＢ", "ab", ("correct", "equal")),
        ("yes", "no", ("incorrect", "different")),
        ("x2", "x²", ("incorrect", "different")),
        ("a", "a..", ("incorrect", "different")),
        ('a" or "b', '"a" or "b"', ("incorrect", "different")),
        ("Paris", "It is Paris,\nI think.", ("incorrect", "no_answer")),
        ("Paris", "It may well be Paris " + "although I am not sure " * 3, ("incorrect", "no_answer")),
        ("Paris", r"\boxed{Paris} \boxed{Rome}", ("incorrect", "uncommitted")),
        ("Paris", "The answer is Paris. Actually London.", ("incorrect", "uncommitted")),
        ("Paris", "The answer is Paris. So London.", ("incorrect", "uncommitted")),
        ("Paris", "Wrong answer: Paris", ("unsure", "answer_unreadable")),
        ("Paris", "The answer is Paris. I hope this helps.", ("correct", "equal")),
        ("Paris", "The answer is the Paris.", ("correct", "equal")),
        ("Paris", "The answer is Paris or Rome", ("unsure", "among_other_words")),
        ("Not found", "Not found", ("error", "gold_refused")),
        ("", "x", ("error", "gold_unreadable")),
        (None, "x", ("error", "gold_unreadable")),
    ],
)
def test_judges(gold: str | None, response: str, expected: tuple[str, str]) -> None:
    verdict = ExactText().check(Problem.of(question="q", answer=gold, checker="text", source="test"), response)
    assert (verdict.status, verdict.reason) == expected
