"""What a strategy is: a coroutine that turns one problem into samples."""

from collections.abc import Sequence
from typing import Protocol

from generators.teachers.teacher import Completion, Prompt, Teacher
from schemas.annotation import Verdict
from schemas.problem import Problem
from schemas.sample import Sample


class Check(Protocol):
    """Judges a response.  Strategies are given it, they import no checker."""

    def __call__(self, problem: Problem, response: str, choice_order: Sequence[int] = ()) -> Verdict:
        """Return the verdict; `choice_order` is the prompt's, in which the response names its option."""
        ...


class Strategy(Protocol):
    """One way to turn a problem into samples: a pure function of what the teachers answer, so resume is replay."""

    @property
    def kind(self) -> str:
        """The word that the recipe uses for it."""
        ...

    @property
    def samples(self) -> int:
        """Completions that it asks of each teacher for a problem, at most: what `starbeam check` estimates from."""
        ...

    async def solve(self, problem: Problem, teachers: Sequence[Teacher], check: Check, seed: int = 0) -> list[Sample]:
        """Return the problem's samples, their indexes counted from 0.  `seed` is the recipe's, for what the strategy draws."""
        ...


def as_samples(prompt: Prompt, completions: Sequence[Completion], first_index: int = 0) -> list[Sample]:
    """Return a sample for each completion, with the hint-free prompt and the order of its options."""
    return [
        Sample.of(
            problem_id=prompt.problem.problem_id,
            index=first_index + offset,
            teacher=one.teacher,
            origin=one.origin,
            prompt=prompt.messages,
            choice_order=prompt.choice_order,
            hint=prompt.hint,
            reasoning=one.reasoning,
            response=one.response,
            finish_reason=one.finish_reason,
            prompt_tokens=one.prompt_tokens,
            completion_tokens=one.completion_tokens,
            logprob=one.logprob,
        )
        for offset, one in enumerate(completions)
    ]
