"""Repeated sampling: n completions of the plain prompt from every teacher (Large Language Monkeys, arXiv 2407.21787)."""

from typing import Literal

from pydantic import Field

from generators.strategies.strategy import Asks, Context, StrategyTable, as_samples
from schemas.problem import Problem
from schemas.sample import Sample


class Repeated(StrategyTable):
    """`[strategy]` with kind = "repeated": n samples of each problem from each teacher."""

    kind: Literal["repeated"] = "repeated"
    samples: int = Field(
        1,
        ge=1,
        description="completions of a problem asked of each teacher; a recorded one gives what it has, up to this",
    )

    @property
    def asks(self) -> tuple[Asks, ...]:
        """Return what it asks for one problem."""
        return (Asks(self.samples, self.samples),)

    async def solve(self, problem: Problem, context: Context) -> list[Sample]:
        """Return `samples` samples a teacher, teacher by teacher."""
        return as_samples(await context.tries_of_all(problem, self.samples, self.shuffle_choices), context.round)
