"""The words in which a problem is put to a teacher."""

from generators.teachers.teacher import Prompt
from schemas.problem import CHOICE_LABELS, Problem
from schemas.sample import Message


def question(problem: Problem) -> Prompt:
    """Return the plain prompt: the question, and its options one a line as `(A) text`."""
    options = [f"({label}) {choice}" for label, choice in zip(CHOICE_LABELS, problem.choices, strict=False)]
    return Prompt(problem, (Message("user", "\n".join([problem.question, *options])),))
