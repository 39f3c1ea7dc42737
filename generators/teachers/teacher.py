"""What a teacher is: something that answers a prompt n times."""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from schemas.problem import Problem
from schemas.sample import Message, Origin


class Prompt(NamedTuple):
    """One request: the problem, and the words in which it is put to the teacher."""

    problem: Problem
    messages: tuple[Message, ...]  # hint-free: what is stored for training
    hint: str | None = None  # told to the teacher as well, never stored in the messages


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """One answer of a teacher.  The fields mean what they mean in `schemas.sample.Sample`."""

    teacher: str
    origin: Origin
    reasoning: str
    response: str
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    logprob: float | None = None


class Teacher(Protocol):
    """Answers prompts.  One object serves one partition, and many prompts at once."""

    name: str  # its name in the recipe

    async def sample(self, prompt: Prompt, n: int) -> list[Completion]:
        """Return up to n completions, fewer where it has no more to give, in an order that depends on the prompt alone."""
        ...


class Recorded(NamedTuple):
    """One recorded completion of a partition, as the run directory keeps it."""

    problem_id: str
    teacher: str
    reasoning: str
    response: str
    finish_reason: str | None


class TeacherTable(Protocol):
    """`[teacher.NAME]` of a recipe: says what the teacher is, and opens it for a partition."""

    @property
    def kind(self) -> str:
        """The word that the recipe uses for it."""
        ...

    @property
    def is_free(self) -> bool:
        """Whether asking it costs nothing."""
        ...

    def open(self, name: str, seed: int, recorded: Sequence[Recorded]) -> Teacher:
        """Return the teacher for one partition, given the partition's recorded completions of this name."""
        ...
