"""`starbeam check`."""

import itertools
from collections.abc import Iterator, Sequence

import click

from filters.bands import bands_for
from filters.benchmark_index import BenchmarkIndex, Item
from filters.hints import hint_of
from generators.families.family import Procedural
from generators.prompts.rendering import Prompts
from generators.sources.gym import Gym
from pipeline import benchmarks
from pipeline.estimates import estimates
from pipeline.outer_loop.recipes import TEACHERS_OWN, base_of, held_out_plan, loop_of
from pipeline.plan import Plan, resolve
from pipeline.recipes import load
from pipeline.terminal import safe
from pipeline.verifier import lack_of
from schemas.problem import Problem
from schemas.reject import Reject

RECORDS_READ = 100_000  # of each source: a minute at most; beyond it the counts are lower bounds

DRAWN = 100  # problems of a source that makes them, to tell their size from


@click.command("check")
@click.argument("recipe")
@click.option("--show-prompt", is_flag=True, help="Show the first problem as it is asked, plain and with its answer as a hint.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change a key of the recipe.")
def check_command(recipe: str, settings: tuple[str, ...], show_prompt: bool) -> None:
    """Check RECIPE and say what it will ask for.  No teacher is called and nothing is written."""
    written = load(recipe, settings)
    loop = None if written.loop is None else loop_of(written)
    plan = resolve(written)
    plan.check_inputs()
    if loop is not None and loop.holds_out:
        held_out_plan(written, loop, 0, TEACHERS_OWN).check_inputs()
    sizes = [_measured(plan, index) for index in range(len(plan.sources))]
    problems, question_bytes = sum(count for count, _ in sizes), sum(size for _, size in sizes)
    if written.split is not None:
        share = written.split.share if written.split.part == "held_out" else 1 - written.split.share
        problems, question_bytes = round(problems * share), round(question_bytes * share)
    click.echo(f"recipe {plan.recipe.name}, sha256 {plan.recipe_sha256}")
    click.echo(f"problems: {problems:,}; partitions: {plan.recipe.partitions}; strategy: {plan.strategy.kind}")
    click.echo(_said_of(plan.prompts))
    _say_benchmarks(benchmarks.read(written))
    for line in _copies(plan):
        click.echo(line)
    found = estimates(plan, problems, question_bytes)
    for line in dict.fromkeys(line for estimate in found for line in estimate.lines()):  # a price that is missing is said once
        click.echo(line)
    if loop is not None:
        steps = ", ".join(f"{loop.steps_of(number):,}" for number in range(3))
        click.echo(
            "loop: `starbeam star` asks this in each round, and the held-out problems beside it; "
            f"it trains {loop.teacher} from {base_of(written, loop)} for {steps}, … steps"
        )
    _say_budget(plan.recipe.budget, sum(estimate.cost or 0.0 for estimate in found))
    if show_prompt:
        _show_prompt(plan)


def _said_of(prompts: Prompts) -> str:
    names = ", ".join(prompts.files) or "the question as it is"
    size = f"up to {prompts.overhead(False):,} bytes of words around a question"
    return f"prompt: {names}; {size}" + (f", {prompts.overhead(True):,} with a hint" if prompts.files else "")


def _say_benchmarks(items: Sequence[Item]) -> None:
    for name, fact in benchmarks.facts(items).items():
        click.echo(f"benchmark {safe(name)}: {fact['items']:,} items")
    for line in benchmarks.remarks(BenchmarkIndex.of(items), len(items)):
        click.echo(line)


def _copies(plan: Plan) -> Iterator[str]:
    dedupe, bands = plan.recipe.dedupe, bands_for(plan.recipe.dedupe.threshold)
    yield (
        f"dedupe: copies from {dedupe.threshold:g} on, within a problem from {dedupe.within:g}; "
        f"{bands.number} bands x {bands.rows} rows, which find {bands.recall(dedupe.threshold):.2%} of the pairs at the threshold"
    )
    for release in plan.earlier:
        yield f"dedupe: {release.rows:,} rows of {safe(release.name)} count as kept, from {safe(release.folder)}"


def _show_prompt(plan: Plan) -> None:
    """Show the first problem of the first source as a teacher is sent it."""
    drawn = itertools.islice(plan.sources[0].problems(plan.recipe.seed, DRAWN), DRAWN)
    problem = next((row for row in drawn if isinstance(row, Problem)), None)
    if problem is None:
        click.echo("prompt: none of the first records is a problem, so none is shown")
        return
    hint = hint_of(problem)
    for prompt in (plan.prompts.question(problem), *([] if hint is None else [plan.prompts.hinted(problem, hint)])):
        click.echo(f"--- {prompt.prompt_id}")
        for role, content in prompt.sent:
            click.echo(f"[{role}]\n{safe(content)}")


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
