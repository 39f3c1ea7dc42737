"""`starbeam check`."""

import itertools

import click

from generators.families.family import Procedural
from generators.sources.gym import Gym
from pipeline.plan import Plan, resolve
from pipeline.recipes import load
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
    where = f"source {index + 1}"
    problems: set[str] = set()  # ids only: a record may be megabytes
    rejected, first, read = 0, "", 0
    for row in itertools.islice(source.problems(plan.recipe.seed, RECORDS_READ), RECORDS_READ):
        read += 1
        if isinstance(row, Reject):
            rejected, first = rejected + 1, first or f"{row.reason}: {row.detail}"
        else:
            problems.add(row.problem_id)
    if read == RECORDS_READ:
        click.echo(f"{where}: counts are of its first {RECORDS_READ:,} records")
    if rejected:
        click.echo(f"{where}: {rejected:,} records will be rejected; the first: {first}")
    return len(problems)
