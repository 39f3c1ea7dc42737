"""What a procedural family is: it draws problems, solves them in words, and checks answers, all in one file."""

import abc
import dataclasses
import random
from collections.abc import Callable, Iterator
from typing import ClassVar, NamedTuple, Protocol

from pydantic import Field

from schemas.annotation import Verdict
from schemas.identity import rng_for
from schemas.problem import Problem
from schemas.recipe import Section


class Trace(NamedTuple):
    """A solver's work, written down."""

    reasoning: str  # the chain of thought
    response: str  # the committed answer, with the words around it


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Slips:
    """How often a solver's step goes wrong, and how often it then notices and mends it.  Both are probabilities, 0 to 1."""

    rate: float = 0.0
    notice: float = 0.5

    def slip(self, rng: random.Random) -> bool:
        """Draw whether this step goes wrong."""
        return rng.random() < self.rate

    def noticed(self, rng: random.Random) -> bool:
        """Draw whether a slip that happened is noticed."""
        return rng.random() < self.notice


class FamilyChecker(Protocol):
    """The checker of a family; the same shape as every checker of the filters."""

    name: str

    def check(self, problem: Problem, response: str) -> Verdict:
        """Return the verdict on the text after the thought.  Never raises on any text."""
        ...


class Procedural(Section):
    """`[problems]` of a family: `count` draws, each from its own hashed generator.

    Two draws can be the same problem when the knobs leave few of them; such repeats are merged and counted.
    """

    name: ClassVar[str]
    count: int = Field(1000, ge=1, description="draws")

    @abc.abstractmethod
    def draw(self, rng: random.Random) -> Problem:
        """Return one problem whose `source` is the family's name."""

    def problems(self, seed: int, limit: int | None) -> Iterator[Problem]:
        """Yield the draws 0 to `count` - 1, or the first `limit` of them."""
        for index in range(self.count if limit is None else min(self.count, limit)):
            yield self.draw(rng_for(seed, f"problems/{self.name}", index))


class Family(NamedTuple):
    """One family: what the recipe writes, the solver, the checker."""

    source: type[Procedural]
    solve: Callable[[Problem, random.Random, Slips], Trace]
    checker: FamilyChecker | None  # None where a general checker of the filters serves
