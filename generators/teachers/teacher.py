"""What a teacher is: something that answers a prompt n times."""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from generators.teachers.client import Sampling
from generators.teachers.table import TeacherTable
from schemas.problem import Problem
from schemas.sample import Message, Origin


class Prompt(NamedTuple):
    """What is asked: the problem, and the words in which it is put to the teacher."""

    problem: Problem
    messages: tuple[Message, ...]  # hint-free: what is stored for training
    hint: str | None = None  # what `told` says beyond `messages`
    told: tuple[Message, ...] | None = None  # what the teacher is sent, where that is not `messages`
    role: str = "sample"  # why it is asked: usage is counted by it
    sampling: Sampling | None = None  # in place of the teacher's own
    choice_order: tuple[int, ...] = ()  # option i of the messages is choices[choice_order[i]]; empty: in their own order
    prompt_id: str | None = None  # which words: name, version and hash of the prompt file's part that made it
    stop: tuple[str, ...] = ()  # texts that end a completion, where the teacher's own sampling names none

    @property
    def sent(self) -> tuple[Message, ...]:
        """Return the messages that the teacher sees."""
        return self.messages if self.told is None else self.told


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

    async def sample(self, prompt: Prompt, n: int, first: int = 0) -> list[Completion]:
        """Return completions number `first` to `first + n - 1` of the prompt, in this order.

        Fewer where it has no more to give, or where some failed for good; which one a number names depends on the prompt alone.
        """
        ...


class Recorded(NamedTuple):
    """One recorded completion of a partition, as the run directory keeps it."""

    problem_id: str
    teacher: str
    reasoning: str
    response: str
    finish_reason: str | None


class FreeTable(TeacherTable):
    """A table that opens its teacher for a partition by itself: no client, no journal."""

    def open(self, name: str, seed: int, recorded: Sequence[Recorded]) -> Teacher:
        """Return the teacher for one partition, given the partition's recorded completions of this name."""
        raise NotImplementedError
