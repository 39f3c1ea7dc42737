"""Self-consistency: the answer that most of a problem's samples reach (Wang et al. 2023, arXiv 2203.11171)."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from generators.strategies.strategy import Asks, Context, StrategyTable, Try, as_samples
from schemas.problem import Problem
from schemas.sample import Sample


class SelfConsistency(StrategyTable):
    """`[strategy]` with kind = "self_consistency": the samples whose answer most reach marked, no more asked once it is decided."""

    asks_one_teacher: ClassVar[bool] = True
    verifies: ClassVar[bool] = True

    kind: Literal["self_consistency"]
    samples: int = Field(16, ge=2, description="samples of a problem, at most")
    early_stop: bool = Field(True, description="ask no more once the rest cannot change the majority")

    @property
    def _first(self) -> int:
        """Return the samples that are asked for whatever they say: fewer cannot decide a vote."""
        return self.samples // 2 + 1 if self.early_stop else self.samples

    @property
    def asks(self) -> tuple[Asks, ...]:
        """Return what it asks for one problem: in the worst case, one at a time after the first half."""
        return (Asks(self._first, self.samples, at_once=1 if self.early_stop else None),)

    async def solve(self, problem: Problem, context: Context) -> list[Sample]:
        """Return the samples, those of the majority chosen, and none where two answers have as many votes."""
        tries: list[Try] = []
        asked, wave = 0, self._first
        while wave:
            brought = await context.tries(context.teachers[0], problem, wave, asked, self.shuffle_choices)
            tries, asked = tries + brought, asked + wave
            votes = await context.verifier.votes(tries)
            wave = still_needed(votes.counts, self.samples - asked) if brought else 0
        chosen = [place in (votes.leader or ()) for place in range(len(tries))]
        return as_samples(tries, context.round, chosen=chosen)

    def unconditional(self, correct: Sequence[bool]) -> Sequence[bool]:
        """Return the outcomes that were asked for whatever the others said."""
        return correct[: self._first]


def still_needed(counts: Sequence[int], left: int) -> int:
    """Return the fewest of the `left` samples that can decide a vote, 0 where it is decided; `counts` has the largest first.

    It is decided where the runner-up cannot reach the leader with all that is left.  Asking for the fewest, and looking again, asks
    for no more than asking one by one.
    """
    leader, runner_up = [*counts, 0, 0][:2]
    missing = runner_up + left - leader  # what the leader's lead falls short of a decision by, but for one
    return 0 if missing < 0 else min(left, missing // 2 + 1)
