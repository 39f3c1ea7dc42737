"""What a strategy is: a coroutine that turns one problem into samples."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple, Protocol

from pydantic import Field, field_validator

from generators.prompts.rendering import Prompts
from generators.teachers.table import TeacherTable
from generators.teachers.teacher import Completion, Prompt, Teacher
from generators.teachers.together import together
from schemas.annotation import Verdict, Votes
from schemas.problem import Problem
from schemas.recipe import Name, Section
from schemas.sample import Sample

PLAIN = Prompts()


class Try(NamedTuple):
    """One completion with the prompt that brought it."""

    prompt: Prompt
    completion: Completion


class Verifier(Protocol):
    """What is true of the tries of one problem.  Strategies are given it, they import no filter."""

    async def verdict(self, one: Try) -> Verdict:
        """Return what the problem's checker says, or the judge where it is unsure and a judge counts."""
        ...

    async def votes(self, tries: Sequence[Try]) -> Votes:
        """Return the tries by the answers that they commit to, equal ones together."""
        ...

    def hint(self, problem: Problem) -> str | None:
        """Return the answer as a teacher may be told it, never a worked solution; None where there is none that is short."""
        ...


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a strategy works with on one problem."""

    teachers: tuple[Teacher, ...]  # those that give samples, in the recipe's order
    verifier: Verifier
    prompts: Prompts = PLAIN
    others: Mapping[str, Teacher] = dataclasses.field(default_factory=dict)  # by name: what `StrategyTable.others` asks for
    seed: int = 0  # the recipe's, for what the strategy draws
    round: int = 0  # of the outer loop

    async def tries(self, teacher: Teacher, problem: Problem, n: int, first: int = 0, shuffled: bool = False) -> list[Try]:
        """Return tries number `first` to `first + n - 1` of a teacher at the plain prompt, fewer where it brought fewer.

        `shuffled`: each try but number 0 has the options in an order of its own, the same for every teacher.
        """
        if not shuffled or not problem.choices:
            return await tries_of(teacher, self.prompts.question(problem), n, first)
        asked = [self.prompts.shuffled(problem, self.seed, number) for number in range(first, first + n)]
        brought = await together(*(tries_of(teacher, prompt, 1, first + place) for place, prompt in enumerate(asked)))
        return [one for of_prompt in brought for one in of_prompt]

    async def tries_of_all(self, problem: Problem, n: int, shuffled: bool = False) -> list[Try]:
        """Return the first n tries of every teacher at the plain prompt, teacher by teacher."""
        calls = (self.tries(teacher, problem, n, shuffled=shuffled) for teacher in self.teachers)
        return [one for of_teacher in await together(*calls) for one in of_teacher]


async def tries_of(teacher: Teacher, prompt: Prompt, n: int, first: int = 0) -> list[Try]:
    """Return tries number `first` to `first + n - 1` of a teacher at one prompt."""
    return [Try(prompt, one) for one in await teacher.sample(prompt, n, first)]


class Asks(NamedTuple):
    """What a strategy asks for one problem, for `starbeam check`: of every teacher that gives samples, or of one."""

    least: int  # completions
    most: int
    role: str = "sample"
    teacher: str | None = None  # None: of every teacher that gives samples
    at_once: int | None = None  # completions that one request asks for at most; None: as many as the teacher gives
    share: float = 1.0  # of the problems: those that are drawn for it
    prompt_bytes: int = 0  # of a prompt at most, beyond the question and the prompt file's own words


class StrategyTable(Section):
    """`[strategy]`: one way to turn a problem into samples, a pure function of what the teachers answer; so resume is replay."""

    asks_one_teacher: ClassVar[bool] = False  # several are then one, as a mixture
    verifies: ClassVar[bool] = False  # what it asks depends on verdicts, so on the checkers' versions too

    kind: str
    teachers: tuple[Name, ...] | None = Field(
        None, description="names of [teacher.NAME] tables; left out for all but judge, tagger and the parts of a mixture"
    )
    shuffle_choices: bool = Field(
        False, description="ask each sample after the first with the options in an order of its own; not of recorded teachers"
    )

    @field_validator("teachers")
    @classmethod
    def _are_different(cls, teachers: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if teachers is not None and len(set(teachers)) < len(teachers):
            raise ValueError("teachers must be different: a name twice would give each of its samples twice")
        return teachers

    @property
    def code(self) -> tuple[str, ...]:
        """Return the versions of what decides samples and is neither in its table nor in a teacher's."""
        return ()

    @property
    def needs_gold(self) -> bool:
        """Return whether a problem that cannot be judged is not asked: it goes to rejects."""
        return False

    @property
    def others(self) -> tuple[str, ...]:
        """Return the names of further teachers that it asks, not for samples."""
        return ()

    @property
    def asks(self) -> tuple[Asks, ...]:
        """Return what it asks for one problem, at least and at most."""
        raise NotImplementedError

    def check_teachers(self, tables: Mapping[str, TeacherTable]) -> None:
        """Raise UserError where one of the teachers, parts of mixtures among them, cannot do what the strategy asks of it."""

    async def solve(self, problem: Problem, context: Context) -> list[Sample]:
        """Return the problem's samples, their indexes counted from 0."""
        raise NotImplementedError

    def unconditional(self, correct: Sequence[bool]) -> Sequence[bool]:
        """Return those of one teacher's outcomes, in their order, from which pass@k is estimated without bias.

        All of them, but for a strategy whose number of tries depends on how they end.
        """
        return correct

    def reach(self, correct: Sequence[bool]) -> int:
        """Return the largest k for which one teacher's outcomes tell pass@k: as many as are `unconditional`, or more."""
        return len(self.unconditional(correct))


async def any_correct(tries: Sequence[Try], verifier: Verifier) -> bool:
    """Return whether one of the tries is right; those after the first right one are not judged."""
    for one in tries:
        if (await verifier.verdict(one)).status == "correct":
            return True
    return False


def as_samples(
    tries: Sequence[Try], round: int = 0, scores: Sequence[float | None] = (), chosen: Sequence[bool] = ()
) -> list[Sample]:
    """Return a sample for each try, with the hint-free prompt; scores and choices where the strategy has them."""
    return [
        Sample.of(
            problem_id=prompt.problem.problem_id,
            index=index,
            teacher=one.teacher,
            origin="rationalized" if prompt.hint is not None else one.origin,
            prompt=prompt.messages,
            prompt_id=prompt.prompt_id,
            choice_order=prompt.choice_order,
            hint=prompt.hint,
            reasoning=one.reasoning,
            response=one.response,
            finish_reason=one.finish_reason,
            prompt_tokens=one.prompt_tokens,
            completion_tokens=one.completion_tokens,
            logprob=one.logprob,
            round=round,
            score=scores[index] if scores else None,
            chosen=chosen[index] if chosen else None,
        )
        for index, (prompt, one) in enumerate(tries)
    ]
