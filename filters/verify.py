"""The verdict column: what each problem's own checker says of each response."""

from collections.abc import Mapping, Sequence

from filters.checkers.checker import Checker
from schemas.annotation import Verdict
from schemas.problem import Problem


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
