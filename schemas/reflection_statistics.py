"""What a manifest says of the chains' reflections: how often, where, to what effect, and how right the chains with them are.

All rows that were annotated count, kept or not.  Shares are of chains; a mean is null where no chain has the value.
"""

import dataclasses
from typing import Annotated

from pydantic import Field, FiniteFloat

from schemas.annotation import Label

Count = Annotated[int, Field(ge=0, lt=1 << 63)]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """A mean over the chains that have a value."""

    chains: Count
    mean: FiniteFloat | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LabelStatistics:
    """The reflections of one label."""

    reflections: Count
    chains: Count  # that have one
    share: FiniteFloat | None  # of the chains, 0 to 1
    per_1000_tokens: FiniteFloat | None
    effects: dict[str, Count]  # effect → reflections; "unknown" where it is null
    net_gain: FiniteFloat | None  # effective less harmful ones, by those whose effect is known, -1 to 1


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CourseStatistics:
    """How the chains come to their answers: means of the column `course`."""

    answers: Mean
    changes: Mean
    first_right: Mean
    settled: Mean
    overthinking: Mean
    underthinking: Mean
    thoughts: Mean
    superficial: Mean
    loops: Mean


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ChainStatistics:
    """Chains together: all, or those of a teacher."""

    chains: Count
    tokens: Count
    verdicts: dict[str, Count]
    reflections: Count
    per_1000_tokens: FiniteFloat | None
    effects: dict[str, Count]
    net_gain: FiniteFloat | None
    labels: dict[Label, LabelStatistics]
    course: CourseStatistics
    skipped: Mean
    expansion: Mean
    languages: dict[str, FiniteFloat]  # language → mean share of a chain's words
    approaches: dict[str, Count]  # approach → chains with it


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LengthBand:
    """Chains of about one length: `tokens_from` to twice that, which is excluded."""

    tokens_from: Count
    chains: Count
    tokens: Count
    reflections: Count
    per_1000_tokens: FiniteFloat | None
    verdicts: dict[str, Count]
    overthinking: Mean
    underthinking: Mean


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DifficultyBand:
    """Tries at problems of about one difficulty that ended in one way."""

    solved_from: FiniteFloat | None  # share of the problem's other tries that are right, this to .2 more; null: it has no other
    correct: bool
    chains: Count
    tokens: Count
    labels: dict[Label, Count]  # reflections
    per_1000_tokens: FiniteFloat | None  # of all labels


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A difference of two shares, -1 to 1, with its 95 % confidence interval; null where it cannot be estimated."""

    strata: Count  # that have tries of both kinds
    compared: Count  # tries in those
    value: FiniteFloat | None
    low: FiniteFloat | None
    high: FiniteFloat | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Correctness:
    """How often tries with a label are right, less how often those without are.  No cause follows from it."""

    chains: Count  # tries with the label
    correct: Count
    chains_without: Count
    correct_without: Count
    raw: Difference
    by_difficulty: Difference  # among tries of one teacher, of about one length, at problems of about one difficulty
    by_problem: Difference  # among tries of one teacher, of about one length, at one problem


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReflectionStatistics:
    """The manifest's section on reflections."""

    version: str  # of what is counted and how
    overall: ChainStatistics
    teachers: dict[str, ChainStatistics]
    positions: dict[Label, list[Count]]  # reflections by the tenth of the chain in which they begin
    lengths: list[LengthBand]
    difficulty: list[DifficultyBand]
    correctness: dict[Label, Correctness]
