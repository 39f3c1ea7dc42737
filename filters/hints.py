"""What a teacher may be told to rationalise from: the answer alone, never a worked solution.

The published code of STaR puts GSM8K's whole `answer` field, its worked solution, into the hint of the question itself
(ezelikman/STaR, `question_to_context`), so that rationalising is copying.  So a gold that is no plain answer gives no hint.
"""

import re

from filters.answers.reading import MAX_WORDS, is_sentinel
from filters.checkers.choice import read_labels
from filters.checkers.numeric import read_number
from filters.equations import stated
from filters.verify import COMPARING
from schemas.problem import Problem

MAX_HINT_CHARS = 128  # more than twice the longest gold of MATH-500, which has 53; a worked solution rarely fits
MAX_TESTS_CHARS = 4096  # more than twice the longest tests of HumanEval, which have 1,804
_WORD = re.compile(r"(?<![\\\w])[^\W\d_]{2,}")  # a command of LaTeX is none
_CONCLUDED = re.compile(r"\w.*?(?:####|\\boxed|\\fbox)")  # the marks of data sets' solutions, and something before them


def hint_of(problem: Problem) -> str | None:
    """Return the hint, None where there is none: no gold, one that is no plain answer, a proof.

    For choices it is the label of the right option, for code the tests, whose gold is a worked solution.
    """
    if problem.checker == "code":
        tests = problem.tests
        return tests if tests is not None and tests.strip() and len(tests) <= MAX_TESTS_CHARS else None
    gold = (problem.answer or "").strip()
    if not gold or problem.checker == "proof" or is_sentinel(gold):
        return None
    if problem.choices and problem.checker == "choice":
        labels = read_labels(gold, problem.choices)
        return next(iter(labels)) if len(labels) == 1 else None
    if len(gold) > MAX_HINT_CHARS or len(gold.splitlines()) > 1 or (problem.checker in COMPARING and _shows_work(gold)):
        return None
    if problem.checker != "numeric":
        return gold
    number = read_number(gold)
    return None if number is None or number.quantity is None else gold


def _shows_work(gold: str) -> bool:
    """Say whether a text works an answer out: it leads to one, states an equation that can be evaluated, or is prose."""
    return len(_WORD.findall(gold)) > MAX_WORDS or _CONCLUDED.search(gold) is not None or bool(stated(gold).equations)
