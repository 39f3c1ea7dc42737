"""Numbers: exact comparison of integers, decimals, fractions, percent, currency and units, read from a response's commitment."""

import re
from fractions import Fraction

from filters.answers.comparison import compare
from filters.answers.reading import Reading, is_sentinel, read_answer
from filters.checkers.declared import UNREADABLE_TOLERANCE, names_unit, tolerance_of
from filters.extraction import MAX_ANSWER_CHARS, extract_answer, final_section
from filters.normalization import nfkc
from schemas.annotation import Status, Verdict
from schemas.problem import Problem

_LAST_NUMBER = re.compile(r"(?<![\w.,/^])-?[$€£¥]?[0-9][0-9,]*+(?:\.[0-9]++)?%?(?![\w/^])")
STATUSES: dict[str, Status] = {"equal": "correct", "different": "incorrect", "unknown": "unsure"}


class Numeric:
    """Judges numbers exactly, with their units.  A gold without a unit accepts any but percent; units of one kind are converted.

    A unit that the answer leaves out is allowed where the question names it, else the verdict is `unsure`.  Where a response
    commits to nothing but its last number equals the gold, it is `unsure`, reason "weak_equal".
    """

    name = "numeric_v2"

    def check(self, problem: Problem, response: str) -> Verdict:
        """Return the verdict; `extracted` is the committed answer as written."""
        gold = None if problem.answer is None else read_number(problem.answer)
        if gold is None or gold.quantity is None:
            refused = problem.answer is not None and is_sentinel(problem.answer)
            return Verdict("error", None, self.name, "gold_refused" if refused else "gold_unreadable")
        tolerance = tolerance_of(problem)
        if tolerance is None:
            return Verdict("error", None, self.name, UNREADABLE_TOLERANCE)
        found = extract_answer(response, read_number, same_number)
        if found.value is not None:
            return verdict_of(self.name, problem, found.text, gold, found.value, tolerance)
        if found.reason == "answer_unreadable":
            return Verdict("unsure", found.text, self.name, found.reason)
        return uncommitted(self.name, gold, response, found.reason)


def verdict_of(name: str, problem: Problem, text: str | None, gold: Reading, answer: Reading, tolerance: Fraction) -> Verdict:
    """Return the verdict on two readings; a unit may be left out where the question names it."""
    outcome = compare(gold, answer, tolerance)
    if outcome.reason == "unit_missing" and gold.quantity is not None and names_unit(problem.question, gold.quantity.unit):
        return Verdict("correct", text, name, "equal")
    return Verdict(STATUSES[outcome.relation], text, name, outcome.reason)


def uncommitted(name: str, gold: Reading, response: str, reason: str) -> Verdict:
    """Return the verdict on a response that commits to nothing: `unsure` where its last number is the gold all the same."""
    weak = last_number(response) if reason == "no_answer" and gold.quantity is not None else None
    number = None if weak is None else read_number(weak)
    found = None if number is None else number.quantity
    if found is not None and gold.quantity is not None and found.value == gold.quantity.value:
        return Verdict("unsure", weak, name, "weak_equal")
    return Verdict("incorrect", None, name, reason)


def read_number(text: str) -> Reading | None:
    """Return a number or an expression, None for words and for what cannot be read."""
    reading = read_answer(text)
    return None if reading is None or (reading.quantity is None and reading.part is None) else reading


def same_number(one: Reading, other: Reading) -> bool:
    """Say whether two commitments of one response are the same: a unit may be left out of one of them."""
    outcome = compare(one, other)
    return outcome.relation == "equal" or outcome.reason in ("unit_missing", "unevaluated")


def last_number(response: str) -> str | None:
    """Return the last number of the final section's last `MAX_ANSWER_CHARS` characters: weak, never a commitment."""
    tail = nfkc((final_section(response) or "")[-MAX_ANSWER_CHARS:]).replace("\u2212", "-")
    numbers = _LAST_NUMBER.findall(tail)
    return numbers[-1].rstrip(",") if numbers else None
