r"""Mathematics: typed comparison of numbers, expressions, collections and relations; computer algebra where that is not enough.

What it calls correct is equal; what it cannot decide is `unsure`.
"""

import re

from filters import symbolic
from filters.answers.comparison import compare
from filters.answers.reading import Reading, is_sentinel, read_answer
from filters.checkers.declared import UNREADABLE_TOLERANCE, tolerance_of
from filters.checkers.numeric import STATUSES, uncommitted, verdict_of
from filters.extraction import extract_answer
from schemas.annotation import Verdict
from schemas.problem import Problem

_FORMULA = re.compile(r"[0-9\\^=+*/<>]")


class Math:
    """Judges numbers, formulas, sets, intervals, matrices, equations and short words; what stays open is `unsure`."""

    name = "math_v1"

    def check(self, problem: Problem, response: str) -> Verdict:
        """Return the verdict; `extracted` is the committed answer as written."""
        gold = None if problem.answer is None else read_answer(problem.answer)
        if problem.answer is None or gold is None:
            return Verdict("error", None, self.name, "gold_unreadable")
        if is_sentinel(problem.answer):
            return Verdict("error", None, self.name, "gold_refused")
        tolerance = tolerance_of(problem)
        if tolerance is None:
            return Verdict("error", None, self.name, UNREADABLE_TOLERANCE)
        found = extract_answer(response, read_answer, same_answer)
        if found.value is None or found.text is None:
            if found.reason == "answer_unreadable":
                return Verdict("unsure", found.text, self.name, found.reason)
            return uncommitted(self.name, gold, response, found.reason)
        verdict = verdict_of(self.name, problem, found.text, gold, found.value, tolerance)
        if verdict.reason == "not_compared" and _is_formula(gold) and _is_formula(found.value):
            return self._symbolic(problem.answer, found.text)
        return verdict

    def _symbolic(self, gold: str, answer: str) -> Verdict:
        outcome = symbolic.compare(gold, answer)
        return Verdict(STATUSES[outcome.relation], answer, self.name, outcome.reason)


def _is_formula(reading: Reading) -> bool:
    return reading.part is not None or reading.quantity is not None or bool(_FORMULA.search(reading.text))


def same_answer(one: Reading, other: Reading) -> bool:
    """Say whether two commitments of one response may be the same answer: whatever is not surely another one."""
    return compare(one, other).relation != "different"
