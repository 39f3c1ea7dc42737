"""A teacher whose rate of success at each problem is known, so that what a strategy yields has a closed form."""

import asyncio
import math
from collections.abc import Callable, Iterable, Sequence

from generators.strategies.strategy import StrategyTable
from generators.teachers.teacher import Completion, Prompt
from schemas.identity import rng_for
from schemas.problem import Problem
from schemas.sample import Sample
from tests.builders import a_context

LEAK = "We are told that the answer is {gold}, so it must be {gold}."


def numeric_problems(count: int) -> list[Problem]:
    """Return problems with the golds 100, 101, …"""
    return [
        Problem.of(question=f"What is problem {number}?", answer=str(100 + number), checker="numeric", source="test")
        for number in range(count)
    ]


class SimulatedTeacher:
    """Is right with probability `rate(problem)`, from a hint with `hinted_rate(problem)`; what is wrong is one of `wrong` answers.

    Sample i of a prompt depends on the seed, the problem, the hint and i alone.  `asked` counts completions by role.
    """

    def __init__(
        self,
        rate: Callable[[Problem], float],
        hinted_rate: Callable[[Problem], float] = lambda problem: 1.0,
        *,
        wrong: Sequence[str] = ("1", "2", "3", "4"),
        leak_rate: float = 0.0,
        seed: int = 0,
    ) -> None:
        self.name = "main"
        self.asked: dict[str, int] = {}
        self.calls: list[int] = []
        self._rate, self._hinted_rate, self._wrong, self._leak_rate, self._seed = rate, hinted_rate, wrong, leak_rate, seed

    async def sample(self, prompt: Prompt, n: int, first: int = 0) -> list[Completion]:
        """Return n completions."""
        await asyncio.sleep(0)
        self.calls.append(n)
        self.asked[prompt.role] = self.asked.get(prompt.role, 0) + n
        return [self._completion(prompt, number) for number in range(first, first + n)]

    def _completion(self, prompt: Prompt, number: int) -> Completion:
        problem = prompt.problem
        rng = rng_for(self._seed, f"{problem.problem_id}/{prompt.hint}", number)
        rate = self._rate if prompt.hint is None else self._hinted_rate
        right = rng.random() < rate(problem)
        leaks = prompt.hint is not None and rng.random() < self._leak_rate
        thought = LEAK.format(gold=problem.answer) if leaks else f"I think for {number + 1} moments."
        answer = problem.answer if right else rng.choice(self._wrong)
        return Completion(
            teacher=self.name,
            origin="sampled",
            reasoning=thought,
            response=f"The answer is {answer}.",
            finish_reason="stop",
            completion_tokens=8,
            logprob=math.log(0.9 if right else 0.6) * 8,
        )


def solved(
    strategy: StrategyTable, teacher: SimulatedTeacher, problems: Iterable[Problem], **context: object
) -> list[list[Sample]]:
    """Return what a strategy makes of each problem."""

    async def run() -> list[list[Sample]]:
        return [await strategy.solve(one, a_context(teacher, problem=one, **context)) for one in problems]

    return asyncio.run(run())


def near(seen: float, expected: float, deviation: float, count: int) -> bool:
    """Say whether a mean of `count` draws is within five standard errors: a right program fails once in two million times."""
    return abs(seen - expected) <= 5 * deviation / math.sqrt(count) + 1e-12
