"""The verifier that a strategy is given: the filters' word on the tries of one problem, and the judge's where they are unsure."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import ParamSpec, TypeVar

from filters.checkers.checker import Checker
from filters.choice_order import as_asked
from filters.hints import hint_of
from filters.verify import COMPARING, gold_to_judge, judged, verify
from filters.votes import votes
from generators.families import FAMILIES
from generators.judge import Judge
from generators.strategies.strategy import Try
from schemas.annotation import Judgement, Verdict, Votes
from schemas.problem import Problem

P = ParamSpec("P")
T = TypeVar("T")

# Checkers that decide within microseconds; the others may wait for a helper, and calls in flight must not.
QUICK = frozenset(("choice", "numeric", "text", *FAMILIES))


class ProblemVerifier:
    """Judges the tries of one problem, each text once."""

    def __init__(self, problem: Problem, checkers: Mapping[str, Checker], judge: Judge | None, judge_counts: bool) -> None:
        self._problem = problem
        self._checkers = checkers
        self._judge = judge
        self._judge_counts = judge_counts
        self._verdicts: dict[tuple[str, tuple[int, ...]], Verdict] = {}

    async def verdict(self, one: Try) -> Verdict:
        """Return the checker's verdict, or the judge's where the checker is unsure and a judge counts."""
        response, order = one.completion.response, one.prompt.choice_order
        verdict = await self._checked(response, order)
        if self._judge is None or not self._judge_counts:
            return verdict
        return judged([verdict], [await self.judgement(response, order)])[0]

    async def judgement(self, response: str, order: tuple[int, ...]) -> Judgement | None:
        """Return what the judge says of a response's answer, None where the checker is sure or the judge says nothing."""
        gold = gold_to_judge(as_asked(self._problem, order))
        if self._judge is None or gold is None:
            return None
        verdict = await self._checked(response, order)
        if verdict.status != "unsure" or verdict.extracted is None:
            return None
        return await self._judge.judgement(gold, verdict.extracted)

    async def votes(self, tries: Sequence[Try]) -> Votes:
        """Return the tries by their answers."""
        verdicts = [await self._checked(one.completion.response, one.prompt.choice_order) for one in tries]
        return await self._run(votes, self._problem, verdicts, [one.prompt.choice_order for one in tries])

    def hint(self, problem: Problem) -> str | None:
        """Return the answer as a teacher may be told it."""
        return hint_of(problem)

    async def unjudgeable(self) -> str | None:
        """Return the code of why no response to the problem can be judged, None where one can."""
        problem = self._problem
        if (lack := lack_of(problem)) is not None or problem.checker not in COMPARING:
            return lack
        verdict = await self._checked("", ())
        return verdict.reason if verdict.status == "error" else None

    async def _checked(self, response: str, order: tuple[int, ...]) -> Verdict:
        key = (response, order)
        if key not in self._verdicts:
            asked = as_asked(self._problem, order)
            (self._verdicts[key],) = await self._run(verify, [asked], [response], self._checkers)
        return self._verdicts[key]

    async def _run(self, function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        if self._problem.checker in QUICK:
            return function(*arguments, **named)
        return await asyncio.to_thread(function, *arguments, **named)


def lack_of(problem: Problem) -> str | None:
    """Return the code of what a problem lacks that its checker judges by, None where it is there."""
    if problem.checker == "code":
        return None if problem.tests else "no_tests"
    return "no_gold" if problem.checker in COMPARING and problem.answer is None else None
