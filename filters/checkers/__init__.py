"""The checkers, by the name that a recipe gives them.  A new one is a file, a line here and a test."""

from filters.checkers.checker import Checker
from filters.checkers.choice import Choice
from filters.checkers.math import Math
from filters.checkers.numeric import Numeric, read_quantity
from filters.checkers.text import ExactText
from schemas.problem import Problem

CHECKERS: dict[str, Checker] = {
    "choice": Choice(),
    "math": Math(),
    "numeric": Numeric(),
    "text": ExactText(),
}


def auto_checker(problem: Problem) -> str:
    """Return the name of the checker that fits: options: choice; a number as gold: numeric; all else: text."""
    if problem.choices:
        return "choice"
    if problem.answer is not None and read_quantity(problem.answer) is not None:
        return "numeric"
    return "text"
