"""`starbeam check`."""

import itertools

import click

from generators.families.family import Procedural
from generators.sources.gym import Gym
from pipeline.plan import Plan, resolve
from pipeline.recipes import load
from schemas.problem import Problem
from schemas.reject import Reject

RECORDS_READ = 100_000  # of each source: a minute at most; beyond it the counts are lower bounds


@click.command("check")
@click.argument("recipe")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change a key of the recipe.")
def check_command(recipe: str, settings: tuple[str, ...]) -> None:
    """Check RECIPE and say what it will ask for.  No teacher is called and nothing is written."""
    plan = resolve(load(recipe, settings))
    plan.check_inputs()
    problems = sum(_count(plan, index) for index in range(len(plan.sources)))
    calls = problems * plan.strategy.samples
    click.echo(f"recipe {plan.recipe.name}, sha256 {plan.recipe_sha256}")
    click.echo(f"problems: {problems:,}; partitions: {plan.recipe.partitions}; strategy: {plan.strategy.kind}")
    for name in plan.asked:
        price = "free" if plan.teachers[name].is_free else "paid"
        click.echo(f"teacher {name} ({plan.teachers[name].kind}): up to {calls:,} samples, {price}")


def _count(plan: Plan, index: int) -> int:
    source = plan.sources[index]
    if isinstance(source, Procedural | Gym):
        return source.count
    rows = list(itertools.islice(source.problems(plan.recipe.seed, RECORDS_READ), RECORDS_READ))
    rejects = [row for row in rows if isinstance(row, Reject)]
    where = f"source {index + 1}"
    if len(rows) == RECORDS_READ:
        click.echo(f"{where}: counts are of its first {RECORDS_READ:,} records")
    if rejects:
        click.echo(f"{where}: {len(rejects):,} records will be rejected; the first: {rejects[0].reason}: {rejects[0].detail}")
    return len({row.problem_id for row in rows if isinstance(row, Problem)})
