"""`starbeam check`."""

import itertools

import click

from generators.families.family import Procedural
from generators.sources.gym import Gym
from pipeline.estimates import estimates
from pipeline.plan import Plan, resolve
from pipeline.recipes import load
from pipeline.verifier import lack_of
from schemas.problem import Problem
from schemas.reject import Reject

RECORDS_READ = 100_000  # of each source: a minute at most; beyond it the counts are lower bounds

DRAWN = 100  # problems of a source that makes them, to tell their size from


@click.command("check")
@click.argument("recipe")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change a key of the recipe.")
def check_command(recipe: str, settings: tuple[str, ...]) -> None:
    """Check RECIPE and say what it will ask for.  No teacher is called and nothing is written."""
    plan = resolve(load(recipe, settings))
    plan.check_inputs()
    sizes = [_measured(plan, index) for index in range(len(plan.sources))]
    problems, question_bytes = sum(count for count, _ in sizes), sum(size for _, size in sizes)
    click.echo(f"recipe {plan.recipe.name}, sha256 {plan.recipe_sha256}")
    click.echo(f"problems: {problems:,}; partitions: {plan.recipe.partitions}; strategy: {plan.strategy.kind}")
    found = estimates(plan, problems, question_bytes)
    for line in dict.fromkeys(line for estimate in found for line in estimate.lines()):  # a price that is missing is said once
        click.echo(line)
    _say_budget(plan.recipe.budget, sum(estimate.cost or 0.0 for estimate in found))


def _say_budget(budget: float | None, cost: float) -> None:
    if budget is not None:
        click.echo(f"budget {budget:g}: " + ("enough for all of it" if cost <= budget else "the run stops before it costs more"))


def _measured(plan: Plan, index: int) -> tuple[int, int]:
    """Return the problems of a source, and the bytes of their questions with the options."""
    source = plan.sources[index]
    if isinstance(source, Procedural | Gym):
        drawn = [
            _size(row) for row in itertools.islice(source.problems(plan.recipe.seed, DRAWN), DRAWN) if isinstance(row, Problem)
        ]
        return source.count, source.count * sum(drawn) // max(len(drawn), 1)
    where = f"source {index + 1}"
    problems: dict[int, int] = {}  # sizes by a hash of the id: a record may be megabytes
    rejected, lacking, first, read = 0, 0, "", 0
    for row in itertools.islice(source.problems(plan.recipe.seed, RECORDS_READ), RECORDS_READ):
        read += 1
        if isinstance(row, Reject):
            rejected, first = rejected + 1, first or f"{row.reason}: {row.detail}"
        elif plan.strategy.needs_gold and lack_of(row) is not None:
            lacking += 1
        else:
            problems[hash(row.problem_id)] = _size(row)
    if read == RECORDS_READ:
        click.echo(f"{where}: counts are of its first {RECORDS_READ:,} records")
    if rejected:
        click.echo(f"{where}: {rejected:,} records will be rejected; the first: {first}")
    if lacking:
        needs = f"which strategy {plan.strategy.kind!r} needs: they will be rejected"
        click.echo(f"{where}: {lacking:,} records have no answer or tests to be judged by, {needs}")
    return len(problems), sum(problems.values())


def _size(problem: Problem) -> int:
    return sum(len(text.encode()) for text in (problem.question, *problem.choices))
