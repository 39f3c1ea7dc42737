"""Several teachers as one: each sample of a problem is asked of one of them, drawn by weight."""

import collections
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from generators.teachers.table import TeacherTable
from generators.teachers.teacher import Completion, Prompt, Teacher
from generators.teachers.together import together
from schemas.identity import rng_for
from schemas.recipe import Name

Weight = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class MixtureTable(TeacherTable):
    """`[teacher.NAME]` with kind = "mixture"."""

    kind: Literal["mixture"]
    weights: dict[Name, Weight] = Field(min_length=1, description="names of other teachers, and how often each is asked")

    def over(self, name: str, seed: int, parts: Mapping[str, Teacher]) -> Teacher:
        """Return the teacher, given those that the weights name."""
        return Mixture(name, seed, self.weights, parts)


class Mixture:
    """Draws a teacher for each sample; which one depends on the seed, the mixture's name, the problem and the sample's number."""

    def __init__(self, name: str, seed: int, weights: Mapping[str, float], parts: Mapping[str, Teacher]) -> None:
        self.name = name
        self._seed = seed
        self._names = sorted(weights)  # the order in a recipe decides nothing
        self._weights = [weights[part] for part in self._names]
        self._parts = parts

    async def sample(self, prompt: Prompt, n: int, first: int = 0) -> list[Completion]:
        """Return n completions, those of one teacher after those of another, each with its teacher's name.

        A teacher's completions are numbered by themselves, so that asking for more later asks for no other ones.
        """
        before = collections.Counter(self._drawn(prompt, number) for number in range(first))
        wanted = collections.Counter(self._drawn(prompt, number) for number in range(first, first + n))
        asked = [self._parts[name].sample(prompt, wanted[name], before[name]) for name in self._names if wanted[name]]
        answers = await together(*asked)
        return [one for of_teacher in answers for one in of_teacher]

    def _drawn(self, prompt: Prompt, number: int) -> str:
        rng = rng_for(self._seed, f"mixture/{self.name}/{prompt.problem.problem_id}", number)
        return rng.choices(self._names, self._weights)[0]
