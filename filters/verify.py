"""The verdict column: what each problem's own checker says of each response, or a judge where the checker is unsure."""

import dataclasses
from collections.abc import Mapping, Sequence

from filters.checkers.checker import Checker
from filters.choice_order import named_gold
from schemas.annotation import JUDGE_NAME, Judgement, Verdict
from schemas.problem import Problem

# Checkers that compare an answer with the gold; the others run it, follow it or prove it, and a gold is one of many right answers.
COMPARING = frozenset(("choice", "math", "numeric", "text"))

NO_GOLD = "no_gold"
# Golds that each comparing checker can read; against one, it tells what a response commits to.  That of mathematics is a word:
# of a formula, computer algebra would be asked.
_STAND_INS = {"choice": "A", "math": "gold", "numeric": "0", "text": "0"}
_NO_COMMITMENT = frozenset(("weak_equal", "answer_unreadable", "uncommitted"))  # reasons with which `extracted` is none


def verify(problems: Sequence[Problem], responses: Sequence[str], checkers: Mapping[str, Checker]) -> list[Verdict]:
    """Return one verdict per row; row i is `responses[i]` to `problems[i]`.  A name not in `checkers` is an `error`.

    Where a checker compares answers and the problem has no gold, the verdict is `unsure` of what the response commits to.
    Raises ValueError where the columns differ in length.
    """
    return [_verdict(problem, response, checkers) for problem, response in zip(problems, responses, strict=True)]


def _verdict(problem: Problem, response: str, checkers: Mapping[str, Checker]) -> Verdict:
    checker = checkers.get(problem.checker)
    if checker is None:
        return Verdict("error", None, problem.checker, "unknown_checker")
    if problem.answer is None and problem.checker in COMPARING:
        return Verdict("unsure", commitment(checker.check(_with_stand_in(problem), response)), checker.name, NO_GOLD)
    return checker.check(problem, response)


def _with_stand_in(problem: Problem) -> Problem:
    answer = _STAND_INS[problem.checker]
    if problem.checker == "choice" and problem.choices:
        answer = f"({answer}) {problem.choices[0]}"  # a label alone is read in two ways where options are labels
    return dataclasses.replace(problem, answer=answer)


def commitment(verdict: Verdict) -> str | None:
    """Return the answer that a response commits to, as its checker read it, None where it commits to none."""
    return None if verdict.status == "error" or verdict.reason in _NO_COMMITMENT else verdict.extracted


def gold_to_judge(problem: Problem) -> str | None:
    """Return the gold as a judge is shown it, None where the problem's checker does not compare answers with a gold."""
    return named_gold(problem) if problem.checker in COMPARING else None


def judged(verdicts: Sequence[Verdict], judgements: Sequence[Judgement | None]) -> list[Verdict]:
    """Return the verdicts, those that are still unsure of the very answer that was judged replaced by what the judge says.

    Its verdict is marked as its own: the checker is `judge_v1:` and the teacher's name.
    """
    return [_judged(verdict, judgement) for verdict, judgement in zip(verdicts, judgements, strict=True)]


def _judged(verdict: Verdict, judgement: Judgement | None) -> Verdict:
    if judgement is None or verdict.status != "unsure" or verdict.extracted != judgement.extracted:
        return verdict
    return Verdict(judgement.status, verdict.extracted, f"{JUDGE_NAME}:{judgement.teacher}", judgement.reason)
