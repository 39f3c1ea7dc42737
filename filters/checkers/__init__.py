"""The checkers, by the name that a recipe gives them.  A new one is a file, a line here and a test."""

from filters.answers.reading import read_answer
from filters.checkers.checker import Checker
from filters.checkers.choice import Choice
from filters.checkers.code import Code
from filters.checkers.math import Math
from filters.checkers.numeric import Numeric
from filters.checkers.proof import Proof
from filters.checkers.text import ExactText
from schemas.problem import Problem

CHECKERS: dict[str, Checker] = {
    "choice": Choice(),
    "code": Code(),
    "math": Math(),
    "numeric": Numeric(),
    "proof": Proof(),
    "text": ExactText(),
}


def auto_checker(problem: Problem) -> str:
    """Return the name of the checker that fits: options: choice; a number: numeric; other mathematics: math; all else: text."""
    if problem.choices:
        return "choice"
    gold = None if problem.answer is None else read_answer(problem.answer)
    if gold is None or gold.words is not None:
        return "text"
    return "math" if gold.quantity is None else "numeric"
