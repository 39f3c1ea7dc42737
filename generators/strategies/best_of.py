"""Best of n: the sample with the highest score, or the answer with the highest summed score (Cobbe et al. 2021, arXiv 2110.14168).

Weighted, the scores of the samples with one answer are added up (Li et al. 2023, arXiv 2206.02336, section 3.3).
"""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from generators import grader
from generators.strategies.strategy import Asks, Context, StrategyTable, Try, as_samples
from generators.teachers.client import PaidTable
from generators.teachers.mixture import MixtureTable
from generators.teachers.reward import RewardTable
from generators.teachers.table import TeacherTable
from generators.teachers.together import together
from schemas.annotation import Status
from schemas.errors import UserError
from schemas.problem import Problem
from schemas.recipe import Name
from schemas.sample import Sample

Selector = Literal["verifier", "judge", "reward", "likelihood"]
OF_STATUS: dict[Status, float] = {"correct": 1.0, "unsure": 0.5, "incorrect": 0.0, "error": 0.0}


class BestOf(StrategyTable):
    """`[strategy]` with kind = "best_of": n samples of each problem, the one that scores highest marked."""

    verifies: ClassVar[bool] = True

    kind: Literal["best_of"]
    samples: int = Field(8, ge=2, description="samples of a problem by each teacher")
    by: Selector = Field(
        ...,
        description="verifier: the problem's checker, which knows the gold; judge: a teacher's grade; reward: a reward model; "
        "likelihood: the mean log-probability of a token",
    )
    scorer: Name | None = Field(None, description="for judge and reward: name of the [teacher.NAME] table that is asked")
    weighted: bool = Field(False, description="add up the scores of equal answers, and choose the best sample of the best answer")

    @model_validator(mode="after")
    def _has_its_scorer(self) -> "BestOf":
        asks = self.by in ("judge", "reward")
        if asks and self.scorer is None:
            raise ValueError(f"by = {self.by!r} needs scorer, the name of the teacher that scores")
        if not asks and self.scorer is not None:
            raise ValueError(f"scorer = {self.scorer!r} is for by = 'judge' or 'reward': remove it, or change by")
        return self

    @property
    def needs_gold(self) -> bool:
        """Return whether the gold chooses."""
        return self.by == "verifier"

    @property
    def code(self) -> tuple[str, ...]:
        """Return the version of the words that ask for a grade."""
        return (grader.VERSION,) if self.by == "judge" else ()

    @property
    def others(self) -> tuple[str, ...]:
        """Return the name of the teacher that scores."""
        return () if self.scorer is None else (self.scorer,)

    @property
    def asks(self) -> tuple[Asks, ...]:
        """Return what it asks for one problem."""
        samples = Asks(self.samples, self.samples)
        if self.scorer is None:
            return (samples,)
        words = len(grader.WORDS) if self.by == "judge" else 0
        return samples, Asks(0, self.samples, "grade", self.scorer, at_once=1, prompt_bytes=words)

    def check_teachers(self, tables: Mapping[str, TeacherTable]) -> None:
        """Raise UserError where the scorer is of another kind, or where no log-probabilities come."""
        for name in self.others:
            if (self.by == "reward") != isinstance(tables[name], RewardTable):
                wanted = "reward" if self.by == "reward" else "openai or vllm"
                raise UserError(
                    f"[strategy] by = {self.by!r} needs a scorer of kind {wanted}; {name!r} is of kind {tables[name].kind!r}"
                )
        for name, table in tables.items() if self.by == "likelihood" else ():
            if isinstance(table, PaidTable) and not table.sampling.logprobs:
                raise UserError(
                    f"[strategy] by = 'likelihood' needs log-probabilities; add logprobs = true to [teacher.{name}] sampling"
                )
            if not isinstance(table, PaidTable | MixtureTable):
                raise UserError(
                    f"[strategy] by = 'likelihood' needs log-probabilities, and teacher {name!r} is of kind {table.kind!r}, which "
                    "has none; choose by another way, or name other teachers in [strategy] teachers"
                )

    async def solve(self, problem: Problem, context: Context) -> list[Sample]:
        """Return all samples with their scores; one of them is chosen, and none where none has a score."""
        tries = await context.tries_of_all(problem, self.samples, self.shuffle_choices)
        scores = await together(*(self._score(one, context) for one in tries))
        best = await self._best(tries, scores, context)
        chosen = [place == best for place in range(len(tries))]
        return as_samples(tries, context.round, scores, chosen)

    async def _score(self, one: Try, context: Context) -> float | None:
        if self.by == "verifier":
            return OF_STATUS[(await context.verifier.verdict(one)).status]
        if self.scorer is None:
            return likelihood(one)
        teacher = context.others[self.scorer]
        return await (grader.reward if self.by == "reward" else grader.grade)(teacher, one)

    async def _best(self, tries: Sequence[Try], scores: Sequence[float | None], context: Context) -> int | None:
        """Return the place of the best try: of equal scores the first."""
        scored = {place: score for place, score in enumerate(scores) if score is not None}
        if self.weighted:
            _refuse_negative(scored.values(), self.scorer)
            classes = (await context.verifier.votes(tries)).classes
            weights = [sum(scored.get(place, 0.0) for place in of_answer) for of_answer in classes]
            if classes:
                voted = classes[max(range(len(classes)), key=lambda place: (weights[place], -place))]
                scored = {place: score for place, score in scored.items() if place in voted} or scored
        return max(scored, key=lambda place: (scored[place], -place), default=None)


def _refuse_negative(scores: Collection[float], scorer: str | None) -> None:
    """Raise UserError where a sum of scores would count against an answer that more samples reach."""
    if scores and min(scores) < 0:
        raise UserError(
            f"[strategy] weighted = true adds up scores, and scorer {scorer!r} said {min(scores):g}; they must be 0 or more: "
            f"set sigmoid = true in [teacher.{scorer}], or weighted = false"
        )


def likelihood(one: Try) -> float | None:
    """Return the geometric mean of the tokens' probabilities, 0 to 1, None where they are not known."""
    logprob, tokens = one.completion.logprob, one.completion.completion_tokens
    return None if logprob is None or not tokens else math.exp(logprob / tokens)
