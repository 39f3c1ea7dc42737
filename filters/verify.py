"""The verdict column: what each problem's own checker says of each response, or a judge where the checker is unsure."""

from collections.abc import Mapping, Sequence

from filters.checkers.checker import Checker
from filters.choice_order import named_gold
from schemas.annotation import JUDGE_NAME, Judgement, Verdict
from schemas.problem import Problem

# Checkers that compare an answer with the gold; the others run it, follow it or prove it, and a gold is one of many right answers.
COMPARING = frozenset(("choice", "math", "numeric", "text"))


def verify(problems: Sequence[Problem], responses: Sequence[str], checkers: Mapping[str, Checker]) -> list[Verdict]:
    """Return one verdict per row; row i is `responses[i]` to `problems[i]`.  A name not in `checkers` is an `error`.

    Raises ValueError where the columns differ in length.
    """
    return [_verdict(problem, response, checkers) for problem, response in zip(problems, responses, strict=True)]


def _verdict(problem: Problem, response: str, checkers: Mapping[str, Checker]) -> Verdict:
    checker = checkers.get(problem.checker)
    if checker is None:
        return Verdict("error", None, problem.checker, "unknown_checker")
    return checker.check(problem, response)


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
