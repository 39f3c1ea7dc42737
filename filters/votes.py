"""Votes: the samples of a problem by the answers that they commit to, equal ones together (Wang et al. 2023, arXiv 2203.11171)."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

from filters.answers.comparison import compare
from filters.answers.reading import read_answer
from filters.checkers.checker import Checker
from filters.checkers.numeric import read_number, same_number
from filters.checkers.text import normalize_text
from filters.choice_order import as_asked, as_given
from filters.verify import COMPARING
from schemas.annotation import Verdict, Votes
from schemas.problem import Problem

# A gold that each comparing checker can read: with it, it tells what a response commits to where the problem has no gold.
_STAND_INS = {"choice": "A", "math": "0", "numeric": "0", "text": "0"}
_NO_ANSWER = frozenset(("weak_equal", "answer_unreadable", "uncommitted"))  # reasons with which `extracted` is no commitment


def votes(
    problem: Problem,
    responses: Sequence[str],
    verdicts: Sequence[Verdict],
    orders: Sequence[Sequence[int]],
    checkers: Mapping[str, Checker],
) -> Votes:
    """Return the places of the responses by answer.  Row i is `responses[i]`, asked with its options in `orders[i]`.

    Those that the checker calls correct are one class.  Nobody votes where the problem's checker does not compare answers.
    """
    if problem.checker not in COMPARING:
        return Votes([])
    same = _SAME[problem.checker]
    classes: dict[str, list[int]] = {}  # by the text of the first
    of_text: dict[str, str] = {}
    right: str | None = None
    for place, (response, verdict, order) in enumerate(zip(responses, verdicts, orders, strict=True)):
        text = committed(problem, response, verdict, order, checkers)
        if text is None:
            continue
        if verdict.status == "correct":
            right = first = right if right is not None else text
        elif text in of_text:
            first = of_text[text]
        else:
            first = of_text[text] = next((one for one in classes if same(one, text)), text)
        classes.setdefault(first, []).append(place)
    return Votes(sorted(classes.values(), key=lambda of_one: (-len(of_one), of_one[0])))


def committed(
    problem: Problem, response: str, verdict: Verdict, order: Sequence[int], checkers: Mapping[str, Checker]
) -> str | None:
    """Return the answer that a response commits to, None where it commits to none; a label as the problem's own order has it."""
    if problem.answer is None:
        asked = dataclasses.replace(as_asked(problem, order), answer=_STAND_INS[problem.checker])
        verdict = checkers[problem.checker].check(asked, response)
    return None if verdict.status == "error" or verdict.reason in _NO_ANSWER else as_given(verdict.extracted, order)


def _same_number(one: str, other: str) -> bool:
    first, second = read_number(one), read_number(other)
    return first is not None and second is not None and same_number(first, second)


def _same_formula(one: str, other: str) -> bool:
    first, second = read_answer(one), read_answer(other)
    return first is not None and second is not None and compare(first, second).relation == "equal"


_SAME: dict[str, Callable[[str, str], bool]] = {
    "choice": lambda one, other: one == other,
    "math": _same_formula,
    "numeric": _same_number,
    "text": lambda one, other: normalize_text(one) == normalize_text(other),
}
