"""STaR's inner step: try; where every try fails, rationalise from the answer, then take the hint away (arXiv 2203.14465)."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from generators.strategies.strategy import Asks, Context, StrategyTable, any_correct, as_samples, tries_of
from generators.teachers.client import PaidTable
from generators.teachers.mixture import MixtureTable
from generators.teachers.table import TeacherTable
from generators.teachers.together import together
from schemas.errors import UserError
from schemas.identity import rng_for
from schemas.problem import Problem
from schemas.sample import Sample


class Star(StrategyTable):
    """`[strategy]` with kind = "star": where no sample is right, samples from the answer as a hint, which is then taken away."""

    verifies: ClassVar[bool] = True

    kind: Literal["star"]
    samples: int = Field(1, ge=1, description="tries of a problem by each teacher")
    hinted_samples: int | None = Field(None, ge=1, description="tries from the hint; left out for as many as samples")
    rationalize: float = Field(1.0, ge=0, le=1, description="share of the problems with nothing right that get a hint; 0 for none")

    @property
    def needs_gold(self) -> bool:
        """Return that it asks by what is right."""
        return True

    @property
    def asks(self) -> tuple[Asks, ...]:
        """Return what it asks for one problem."""
        tries = Asks(self.samples, self.samples)
        hinted = Asks(0, self.hinted_samples or self.samples, "rationalize", share=self.rationalize)
        return (tries, hinted) if self.rationalize else (tries,)

    def check_teachers(self, tables: Mapping[str, TeacherTable]) -> None:
        """Raise UserError where a teacher cannot be told a hint."""
        for name, table in tables.items() if self.rationalize else ():
            if not isinstance(table, PaidTable | MixtureTable):
                raise UserError(
                    f"[strategy] kind = 'star' tells its teachers a hint, and teacher {name!r} is of kind {table.kind!r}, which "
                    "answers as it does without one; set rationalize = 0, or name other teachers in [strategy] teachers"
                )

    async def solve(self, problem: Problem, context: Context) -> list[Sample]:
        """Return the tries, then those from the hint, right or wrong: selection keeps what reaches the answer."""
        tries = await context.tries_of_all(problem, self.samples, self.shuffle_choices)
        # Without a single try nothing has failed: the teachers did not answer.
        failed = bool(tries) and self._is_drawn(problem, context) and not await any_correct(tries, context.verifier)
        hint = context.verifier.hint(problem) if failed else None
        if hint is not None:
            prompt = context.prompts.hinted(problem, hint)
            hinted = (tries_of(teacher, prompt, self.hinted_samples or self.samples) for teacher in context.teachers)
            tries += [one for of_teacher in await together(*hinted) for one in of_teacher]
        return as_samples(tries, context.round)

    def _is_drawn(self, problem: Problem, context: Context) -> bool:
        """Return whether the problem is among those that get a hint: another draw in each round of an outer loop."""
        if self.rationalize in (0, 1):
            return self.rationalize == 1
        return rng_for(context.seed, f"rationalize/{problem.problem_id}", context.round).random() < self.rationalize
