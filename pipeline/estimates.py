"""What a recipe will ask of its teachers, before anything is asked: calls, tokens, money.  Upper bounds where there are any."""

import dataclasses
import math
from collections.abc import Iterator

from generators import grader, judge, tagger
from generators.strategies.strategy import Asks
from generators.teachers.client import PaidTable, Sampling
from generators.teachers.mixture import MixtureTable
from generators.teachers.reward import RewardTable
from pipeline.plan import Plan

# Bytes of a prompt in UTF-8 to a token of it.  A guess, said to be one: English takes about 4 in today's vocabularies.
BYTES_PER_TOKEN = 4.0
TEMPLATE_TOKENS = 16  # for a chat template around one message; a guess
SAMPLING_ROLES = ("sample", "rationalize")
ROLES = {  # role → what is asked for
    "sample": "samples",
    "rationalize": "samples on top, from a hint where no sample is right,",
    "grade": "grades on top",
    "judge": "judgements on top, one a sample that a checker is unsure of,",
    "tag": "lists of tags on top, one a part of a chain,",
}
TABLES = {"judge": "judge", "tag": "tagger"}  # role → the recipe's table that holds its sampling, where that is not the teacher's


@dataclasses.dataclass(frozen=True)
class Estimate:
    """What one teacher will be asked for in one role."""

    teacher: str
    kind: str
    role: str
    least: int  # completions
    most: int
    calls: int  # at most
    prompt_tokens: int | None  # about, at most; None where nothing bounds them
    completion_tokens: int | None  # at most; None where nothing bounds them
    cost: float | None  # at most; None where there is no price or no bound

    def lines(self) -> Iterator[str]:
        """Yield what it says to a person."""
        what = ROLES.get(self.role, f"completions as {self.role} on top")
        count = f"up to {self.most:,}" if self.least in (0, self.most) else f"{self.least:,} to {self.most:,}"
        if self.kind in ("recorded", "solver"):
            yield f"teacher {self.teacher} ({self.kind}): {count} {what}, free"
            return
        bound = "any number of" if self.completion_tokens is None else f"up to {self.completion_tokens:,}"
        calls = f"{'' if self.least == self.most else 'up to '}{self.calls:,} calls"
        prompt = "any number of" if self.prompt_tokens is None else f"about {self.prompt_tokens:,}"
        tokens = f"{prompt} prompt and {bound} completion tokens" if self.completion_tokens != 0 else f"{prompt} prompt tokens"
        yield f"teacher {self.teacher} ({self.kind}): {count} {what} in {calls}; {tokens}"
        if self.cost is not None:
            yield f"teacher {self.teacher}: up to {self.cost:,.6g} by its price"
        elif self.prompt_tokens is None:
            yield f"teacher {self.teacher}: its cost has no bound, as the samples that it reads have none; set max_tokens there"
        elif self.completion_tokens is None:
            where = TABLES.get(self.role, f"teacher.{self.teacher}")
            yield f"teacher {self.teacher}: its cost has no bound; set max_tokens in [{where}] sampling"
        else:
            yield f"teacher {self.teacher}: no price is set; with one, its cost is estimated and counted"


def estimates(plan: Plan, problems: int, question_bytes: int) -> list[Estimate]:
    """Return an estimate for each teacher and role that the strategy asks, mixtures taken apart, then for judge and tagger."""
    samples_given = len(plan.asked)
    found = []
    for asks in plan.strategy.asks:
        shares = {asks.teacher: 1.0} if asks.teacher is not None else _shares(plan)
        # What one further teacher is asked, it is asked about the samples of all.
        times = samples_given if asks.teacher is not None else 1
        found += [_estimate(plan, name, asks, share * times, problems, question_bytes) for name, share in shares.items()]
    samples = sum(one.most for one in found if one.role in SAMPLING_ROLES)
    return [*found, *_judge_estimate(plan, samples), *_tagger_estimate(plan, samples, question_bytes / max(problems, 1))]


def _shares(plan: Plan) -> dict[str, float]:
    """Return how often each teacher is asked for a sample of one problem, the parts of mixtures by their weights."""
    shares: dict[str, float] = {}
    for name in plan.asked:
        table = plan.teachers[name]
        weights = table.weights if isinstance(table, MixtureTable) else {name: 1.0}
        for part, weight in weights.items():
            shares[part] = shares.get(part, 0.0) + weight / sum(weights.values())
    return shares


def _judge_estimate(plan: Plan, samples: int) -> Iterator[Estimate]:
    """Yield what the judge is asked at most: once for each sample."""
    if plan.judge is None:
        return
    table = plan.teachers[plan.judge.teacher]
    assert isinstance(table, PaidTable)  # `resolve` sees to it
    prompt_tokens = round(samples * ((len(judge.WORDS) + 2 * judge.MAX_CHARS) / BYTES_PER_TOKEN + TEMPLATE_TOKENS))
    estimate = Estimate(plan.judge.teacher, table.kind, "judge", 0, samples, samples, prompt_tokens, None, None)
    yield _priced(table, estimate, plan.judge.sampling)


def _tagger_estimate(plan: Plan, samples: int, question_bytes: float) -> Iterator[Estimate]:
    """Yield what the tagger is asked at most: about each part of each sample that is drawn, were they all as long as can be."""
    if plan.tagger is None:
        return
    table = plan.teachers[plan.tagger.teacher]
    assert isinstance(table, PaidTable)  # `resolve` sees to it
    tokens = _chain_tokens(plan)
    chars = plan.tagger.max_chars if tokens is None else min(plan.tagger.max_chars, round(tokens * BYTES_PER_TOKEN))
    _, drawn = _drawn(samples, plan.tagger.share)
    calls = drawn * tagger.most_windows(chars)
    around = (len(tagger.WORDS) + question_bytes) / BYTES_PER_TOKEN + TEMPLATE_TOKENS
    prompt_tokens = round(calls * around + drawn * chars / BYTES_PER_TOKEN)
    estimate = Estimate(plan.tagger.teacher, table.kind, "tag", 0, calls, calls, prompt_tokens, None, None)
    yield _priced(table, estimate, plan.tagger.sampling)


def _estimate(plan: Plan, name: str, asks: Asks, share: float, problems: int, question_bytes: int) -> Estimate:
    table = plan.teachers[name]
    _, asked = _drawn(problems, asks.share)
    least, _ = _drawn(problems * asks.least if asks.share == 1 else 0, share)
    _, most = _drawn(asked * asks.most, share)
    if not isinstance(table, PaidTable):
        return Estimate(name, table.kind, asks.role, least, most, 0, 0, 0, 0.0)
    at_once = 1 if plan.strategy.shuffle_choices else min(table.max_choices, asks.at_once or table.max_choices)
    calls = min(most, asked * math.ceil(asks.most / at_once) * math.ceil(share))
    prompt_bytes = question_bytes / max(problems, 1) + asks.prompt_bytes
    if asks.role in SAMPLING_ROLES:
        prompt_bytes += plan.prompts.overhead(hinted=asks.role == "rationalize")
    chain_tokens = _chain_tokens(plan) if asks.role == "grade" else 0
    per_call = None if chain_tokens is None else prompt_bytes / BYTES_PER_TOKEN + TEMPLATE_TOKENS + chain_tokens
    prompt_tokens = None if per_call is None else round(calls * per_call)
    estimate = Estimate(name, table.kind, asks.role, least, most, calls, prompt_tokens, None, None)
    return _priced(table, estimate, grader.SAMPLING if asks.role == "grade" else table.sampling)


def _drawn(count: int, share: float) -> tuple[int, int]:
    """Return how many of `count` are drawn with chance `share` at least and at most: five standard deviations around the mean.

    A share over 1 is of a teacher that is asked in several ways: so many times all, and a part.
    """
    whole, part = divmod(round(share, 9), 1)
    mean, spread = count * part, 5 * math.sqrt(count * part * (1 - part))
    least, most = max(math.floor(mean - spread), 0), min(math.ceil(mean + spread), count)
    return int(whole) * count + least, int(whole) * count + most


def _chain_tokens(plan: Plan) -> int | None:
    """Return the tokens of the longest sample, None where nothing bounds them."""
    tables = [table for table in plan.sampling_teachers.values() if not isinstance(table, MixtureTable)]
    bounds = [table.sampling.bound if isinstance(table, PaidTable) else None for table in tables]
    known = [bound for bound in bounds if bound is not None]
    return max(known) if len(known) == len(bounds) else None


def _priced(table: PaidTable, estimate: Estimate, sampling: Sampling) -> Estimate:
    """Return an estimate with its completion tokens and its cost, as far as they have a bound."""
    bound = 0 if isinstance(table, RewardTable) else sampling.bound
    if bound is None:
        return estimate
    completion_tokens = estimate.most * bound
    price, prompt_tokens = table.price, estimate.prompt_tokens
    cost = None if price is None or prompt_tokens is None else price.of(prompt_tokens, completion_tokens)
    return dataclasses.replace(estimate, completion_tokens=completion_tokens, cost=cost)
