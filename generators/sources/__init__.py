"""The problem sources: `source` in `[problems]`, and the table that reads it."""

from collections.abc import Iterator
from typing import Protocol

from generators.families import FAMILIES
from generators.sources.files import FileSource
from generators.sources.gym import Gym
from schemas.problem import Problem
from schemas.recipe import Section
from schemas.reject import Reject


class Source(Protocol):
    """`[problems]` of a recipe."""

    def problems(self, seed: int, limit: int | None) -> Iterator[Problem | Reject]:
        """Yield problems, and a reject for every record that is none; with a limit, of the first `limit` records or draws."""
        ...


SOURCES: dict[str, type[Section]] = {
    "gym": Gym,
    "jsonl": FileSource,
    "parquet": FileSource,
    **{name: family.source for name, family in FAMILIES.items()},
}
