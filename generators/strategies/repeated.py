"""Repeated sampling: n completions of the plain prompt from every teacher (Large Language Monkeys, arXiv 2407.21787)."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field, field_validator

from generators import prompts
from generators.strategies.strategy import Check, as_samples
from generators.teachers.teacher import Teacher
from generators.teachers.together import together
from schemas.problem import Problem
from schemas.recipe import Name, Section
from schemas.sample import Sample


class Repeated(Section):
    """`[strategy]` with kind = "repeated"."""

    kind: Literal["repeated"] = "repeated"
    samples: int = Field(
        1,
        ge=1,
        description="completions of a problem asked of each teacher; a recorded one gives what it has, up to this",
    )
    shuffle_choices: bool = Field(
        False, description="ask each sample after the first with the options in an order of its own; not of recorded teachers"
    )
    teachers: tuple[Name, ...] | None = Field(
        None, description="names of [teacher.NAME] tables; left out for all but a judge and the parts of a mixture"
    )

    @field_validator("teachers")
    @classmethod
    def _are_different(cls, teachers: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if teachers is not None and len(set(teachers)) < len(teachers):
            raise ValueError("teachers must be different: a name twice would give each of its samples twice")
        return teachers

    async def solve(self, problem: Problem, teachers: Sequence[Teacher], check: Check, seed: int = 0) -> list[Sample]:
        """Return `samples` samples a teacher, teacher by teacher."""
        if self.shuffle_choices and problem.choices:
            return await self._shuffled(problem, teachers, seed)
        prompt = prompts.question(problem)
        if len(teachers) == 1:  # by far the most common, and a task of its own costs
            return as_samples(prompt, await teachers[0].sample(prompt, self.samples))
        answers = await together(*(teacher.sample(prompt, self.samples) for teacher in teachers))
        return as_samples(prompt, [one for of_teacher in answers for one in of_teacher])

    async def _shuffled(self, problem: Problem, teachers: Sequence[Teacher], seed: int) -> list[Sample]:
        """Return the samples, each asked in an order of its own; all teachers are asked in the same orders."""
        asked = [prompts.shuffled(problem, seed, number) for number in range(self.samples)]
        calls = [teacher.sample(prompt, 1, number) for teacher in teachers for number, prompt in enumerate(asked)]
        samples: list[Sample] = []
        for prompt, completions in zip(asked * len(teachers), await together(*calls), strict=True):
            samples += as_samples(prompt, completions, len(samples))
        return samples
