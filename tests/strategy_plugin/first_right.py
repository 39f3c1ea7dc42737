"""A strategy of its own package: one sample after another, until one is right."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from generators.strategies.strategy import Asks, Context, StrategyTable, Try, any_correct, as_samples
from schemas.problem import Problem
from schemas.sample import Sample


class FirstRight(StrategyTable):
    """`[strategy]` with kind = "first_right": samples of each problem one by one, until one is right."""

    asks_one_teacher: ClassVar[bool] = True
    verifies: ClassVar[bool] = True

    kind: Literal["first_right"]
    most: int = Field(8, ge=1, description="samples of a problem, at most")

    @property
    def needs_gold(self) -> bool:
        """Return that it asks by what is right."""
        return True

    @property
    def asks(self) -> tuple[Asks, ...]:
        """Return what it asks for one problem."""
        return (Asks(1, self.most, at_once=1),)

    async def solve(self, problem: Problem, context: Context) -> list[Sample]:
        """Return the samples, the last of them right where any is."""
        tries: list[Try] = []
        for number in range(self.most):
            brought = await context.tries(context.teachers[0], problem, 1, number, self.shuffle_choices)
            tries += brought
            if not brought or await any_correct(brought, context.verifier):
                break
        return as_samples(tries, context.round)

    def unconditional(self, correct: Sequence[bool]) -> Sequence[bool]:
        """Return the outcomes but for the success that ended them: it was not left to chance."""
        return correct[:-1] if any(correct) else correct

    def reach(self, correct: Sequence[bool]) -> int:
        """Return the largest k for which pass@k is known: with a success there would be one in every longer row of samples."""
        return self.most if any(correct) else len(correct)
