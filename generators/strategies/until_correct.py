"""Sampling until enough is right, so that hard problems get as many right samples as easy ones (DART-Math, arXiv 2407.13690)."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from generators.strategies.strategy import Asks, Context, StrategyTable, Try, as_samples
from generators.teachers.teacher import Teacher
from generators.teachers.together import together
from schemas.problem import Problem
from schemas.sample import Sample


class UntilCorrect(StrategyTable):
    """`[strategy]` with kind = "until_correct": samples until so many are right."""

    verifies: ClassVar[bool] = True

    kind: Literal["until_correct"]
    quota: int = Field(4, ge=1, description="right samples of a problem wanted of each teacher; in proportion: of one never solved")
    max_trials: int = Field(64, ge=1, description="samples of a problem by each teacher, at most")
    allocate: Literal["uniform", "proportional"] = Field(
        "uniform", description="uniform: the same quota for all; proportional: the quota times the problem's fail rate, 1 at least"
    )
    probe: int | None = Field(None, ge=1, description="for proportional: first samples, which show the fail rate")

    @model_validator(mode="after")
    def _can_be_met(self) -> "UntilCorrect":
        if self.quota > self.max_trials:
            raise ValueError(f"quota = {self.quota} is over max_trials = {self.max_trials}: lower it, or raise max_trials")
        if self.allocate == "proportional" and self.probe is None:
            raise ValueError("allocate = 'proportional' needs probe, the number of samples that show a problem's fail rate")
        if self.allocate == "uniform" and self.probe is not None:
            raise ValueError(f"probe = {self.probe} is for allocate = 'proportional': set that, or remove probe")
        if self.probe is not None and self.probe > self.max_trials:
            raise ValueError(f"probe = {self.probe} is over max_trials = {self.max_trials}: lower it, or raise max_trials")
        return self

    @property
    def needs_gold(self) -> bool:
        """Return that it asks by what is right."""
        return True

    @property
    def asks(self) -> tuple[Asks, ...]:
        """Return what it asks for one problem: in the worst case, one at a time."""
        return (Asks(self.probe or self.quota, self.max_trials, at_once=1),)

    async def solve(self, problem: Problem, context: Context) -> list[Sample]:
        """Return all trials, right and wrong, teacher by teacher: how many there are is what the quota took."""
        calls = (self._until(teacher, problem, context) for teacher in context.teachers)
        return as_samples([one for of_teacher in await together(*calls) for one in of_teacher], context.round)

    async def _until(self, teacher: Teacher, problem: Problem, context: Context) -> list[Try]:
        """Return a teacher's trials.

        A wave asks for as many samples as are still wanted, so that the quota is met by the last sample of a wave or not at all:
        as many are paid for as if they were asked one by one.
        """
        trials: list[Try] = []
        asked = right = 0
        wanted, wave = self.quota, self.probe or self.quota
        while asked < self.max_trials:
            wave = min(wave, self.max_trials - asked)
            brought = await context.tries(teacher, problem, wave, asked, self.shuffle_choices)
            trials, asked = trials + brought, asked + wave
            right += sum([(await context.verifier.verdict(one)).status == "correct" for one in brought])
            if self.probe is not None and asked == self.probe and brought:
                wanted = max(1, round(self.quota * (1 - right / len(brought))))
            if right >= wanted or not brought:
                break
            wave = wanted - right
        return trials

    def unconditional(self, correct: Sequence[bool]) -> Sequence[bool]:
        """Return the outcomes but for a success that ended them: Girshick, Mosteller and Savage 1946, section 3.

        With it, p is overestimated: where sampling stops at success c of n, (c - 1) / (n - 1) is without bias and c / n is not.
        In proportion, the stop depends on the probe, and the probe alone is free of it.
        """
        if self.probe is not None:
            return correct[: self.probe]
        return correct[:-1] if self._is_met(correct) else correct

    def reach(self, correct: Sequence[bool]) -> int:
        """Return the cap for trials that met their quota, so that a curve is not that of hard problems, which have more trials.

        By the same count of paths, trials that ended at n with c right tell every k: pass@k is 1 where n - c < k.
        """
        return self.max_trials if self.probe is None and self._is_met(correct) else len(self.unconditional(correct))

    def _is_met(self, correct: Sequence[bool]) -> bool:
        return sum(correct) >= self.quota
