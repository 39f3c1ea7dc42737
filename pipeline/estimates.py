"""What a recipe will ask of its teachers, before anything is asked: calls, tokens, money.  Upper bounds where there are any."""

import dataclasses
import math
from collections.abc import Iterator

from generators.judge import MAX_CHARS, WORDS
from generators.teachers.client import PaidTable, Sampling
from generators.teachers.mixture import MixtureTable
from pipeline.plan import Plan

# Bytes of a prompt in UTF-8 to a token of it.  A guess, said to be one: English takes about 4 in today's vocabularies.
BYTES_PER_TOKEN = 4.0
TEMPLATE_TOKENS = 16  # for a chat template around one message; a guess


@dataclasses.dataclass(frozen=True)
class Estimate:
    """What one teacher will be asked for."""

    teacher: str
    kind: str
    samples: int  # at most; of a judge: judgements
    calls: int
    prompt_tokens: int  # about
    completion_tokens: int | None  # at most; None where nothing bounds them
    cost: float | None  # at most; None where there is no price or no bound
    is_judge: bool = False

    def lines(self) -> Iterator[str]:
        """Yield what it says to a person."""
        if self.kind in ("recorded", "solver"):
            yield f"teacher {self.teacher} ({self.kind}): up to {self.samples:,} samples, free"
            return
        bound = "any number of" if self.completion_tokens is None else f"up to {self.completion_tokens:,}"
        what = "judgements on top, one a sample that a checker is unsure of," if self.is_judge else "samples"
        yield (
            f"teacher {self.teacher} ({self.kind}): up to {self.samples:,} {what} in {self.calls:,} calls; "
            f"about {self.prompt_tokens:,} prompt and {bound} completion tokens"
        )
        if self.cost is not None:
            yield f"teacher {self.teacher}: up to {self.cost:,.6g} by its price"
        elif self.completion_tokens is None:
            where = "judge" if self.is_judge else f"teacher.{self.teacher}"
            yield f"teacher {self.teacher}: its cost has no bound; set max_tokens in [{where}] sampling"
        else:
            yield f"teacher {self.teacher}: no price is set; with one, its cost is estimated and counted"


def estimates(plan: Plan, problems: int, question_bytes: int) -> list[Estimate]:
    """Return an estimate for each teacher that the strategy asks, mixtures taken apart, and one for the judge."""
    shares: dict[str, float] = {}
    for name in plan.asked:
        table = plan.teachers[name]
        weights = table.weights if isinstance(table, MixtureTable) else {name: 1.0}
        for part, weight in weights.items():
            shares[part] = shares.get(part, 0.0) + weight / sum(weights.values())
    found = [_estimate(plan, name, share, problems, question_bytes) for name, share in shares.items()]
    return [*found, *_judge_estimate(plan, sum(estimate.samples for estimate in found))]


def _judge_estimate(plan: Plan, samples: int) -> Iterator[Estimate]:
    """Yield what the judge is asked at most: once for each sample."""
    if plan.judge is None:
        return
    table = plan.teachers[plan.judge.teacher]
    assert isinstance(table, PaidTable)  # `resolve` sees to it
    prompt_tokens = round(samples * ((len(WORDS) + 2 * MAX_CHARS) / BYTES_PER_TOKEN + TEMPLATE_TOKENS))
    yield _priced(
        table, Estimate(plan.judge.teacher, table.kind, samples, samples, prompt_tokens, None, None, True), plan.judge.sampling
    )


def _estimate(plan: Plan, name: str, share: float, problems: int, question_bytes: int) -> Estimate:
    table = plan.teachers[name]
    samples = math.ceil(problems * plan.strategy.samples * share)
    if not isinstance(table, PaidTable):
        return Estimate(name, table.kind, samples, 0, 0, 0, 0.0)
    of_one_call = 1 if plan.strategy.shuffle_choices else table.max_choices
    calls = min(samples, problems * math.ceil(plan.strategy.samples / of_one_call))
    prompt_tokens = round(calls * (question_bytes / max(problems, 1) / BYTES_PER_TOKEN + TEMPLATE_TOKENS))
    return _priced(table, Estimate(name, table.kind, samples, calls, prompt_tokens, None, None), table.sampling)


def _priced(table: PaidTable, estimate: Estimate, sampling: Sampling) -> Estimate:
    """Return an estimate with its completion tokens and its cost, as far as they have a bound."""
    if sampling.bound is None:
        return estimate
    completion_tokens = estimate.samples * sampling.bound
    cost = None if table.price is None else table.price.of(estimate.prompt_tokens, completion_tokens)
    return dataclasses.replace(estimate, completion_tokens=completion_tokens, cost=cost)
