"""What a recipe will ask of its teachers, before anything is asked: calls, tokens, money.  Upper bounds where there are any."""

import dataclasses
import math
from collections.abc import Iterator

from generators.teachers.client import PaidTable
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
    samples: int  # at most
    calls: int
    prompt_tokens: int  # about
    completion_tokens: int | None  # at most; None where nothing bounds them
    cost: float | None  # at most; None where there is no price or no bound

    def lines(self) -> Iterator[str]:
        """Yield what it says to a person."""
        if self.kind in ("recorded", "solver"):
            yield f"teacher {self.teacher} ({self.kind}): up to {self.samples:,} samples, free"
            return
        bound = "any number of" if self.completion_tokens is None else f"up to {self.completion_tokens:,}"
        yield (
            f"teacher {self.teacher} ({self.kind}): up to {self.samples:,} samples in {self.calls:,} calls; "
            f"about {self.prompt_tokens:,} prompt and {bound} completion tokens"
        )
        if self.cost is not None:
            yield f"teacher {self.teacher}: up to {self.cost:,.6g} by its price"
        elif self.completion_tokens is None:
            yield f"teacher {self.teacher}: its cost has no bound; set max_tokens in [teacher.{self.teacher}] sampling"
        else:
            yield f"teacher {self.teacher}: no price is set; with one, its cost is estimated and counted"


def estimates(plan: Plan, problems: int, question_bytes: int) -> list[Estimate]:
    """Return an estimate for each teacher that the strategy asks, mixtures taken apart."""
    shares: dict[str, float] = {}
    for name in plan.asked:
        table = plan.teachers[name]
        weights = table.weights if isinstance(table, MixtureTable) else {name: 1.0}
        for part, weight in weights.items():
            shares[part] = shares.get(part, 0.0) + weight / sum(weights.values())
    return [_estimate(plan, name, share, problems, question_bytes) for name, share in shares.items()]


def _estimate(plan: Plan, name: str, share: float, problems: int, question_bytes: int) -> Estimate:
    table = plan.teachers[name]
    samples = math.ceil(problems * plan.strategy.samples * share)
    if not isinstance(table, PaidTable):
        return Estimate(name, table.kind, samples, 0, 0, 0, 0.0)
    calls = min(samples, problems * math.ceil(plan.strategy.samples / table.max_choices))
    prompt_tokens = round(calls * (question_bytes / max(problems, 1) / BYTES_PER_TOKEN + TEMPLATE_TOKENS))
    bound = table.sampling.bound
    completion_tokens = None if bound is None else samples * bound
    cost = None
    if table.price is not None and completion_tokens is not None:
        cost = table.price.of(prompt_tokens, completion_tokens)
    return Estimate(name, table.kind, samples, calls, prompt_tokens, completion_tokens, cost)
