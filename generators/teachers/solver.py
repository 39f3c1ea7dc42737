"""A teacher that is a program: it really solves a family's problems and writes its work down as a chain of thought."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from generators.families import FAMILIES
from generators.families.family import Slips
from generators.teachers.teacher import Completion, FreeTable, Prompt, Recorded, Teacher
from schemas.identity import rng_for


class SolverTable(FreeTable):
    """`[teacher.NAME]` with kind = "solver"."""

    kind: Literal["solver"]
    slip_rate: float = Field(0.0, ge=0, le=1, description="probability that a step goes wrong")
    notice_rate: float = Field(0.5, ge=0, le=1, description="probability that a wrong step is noticed and mended in words")

    def open(self, name: str, seed: int, recorded: Sequence[Recorded]) -> Teacher:
        """Return the teacher."""
        return SolverTeacher(name, seed, Slips(rate=self.slip_rate, notice=self.notice_rate))


class SolverTeacher:
    """Solves problems of the families.  Sample i of a problem depends on the seed, the teacher's name, the problem and i alone."""

    def __init__(self, name: str, seed: int, slips: Slips) -> None:
        self.name = name
        self._seed = seed
        self._slips = slips

    async def sample(self, prompt: Prompt, n: int, first: int = 0) -> list[Completion]:
        """Return n traces."""
        problem = prompt.problem
        family = FAMILIES[problem.source]
        completions = []
        for index in range(first, first + n):
            rng = rng_for(self._seed, f"solver/{self.name}/{problem.problem_id}", index)
            trace = family.solve(problem, rng, self._slips)
            completions.append(
                Completion(
                    teacher=self.name,
                    origin="solved",
                    reasoning=trace.reasoning,
                    response=trace.response,
                    finish_reason="stop",
                )
            )
        return completions
