"""`starbeam journal`."""

import contextlib
import tomllib

import click
from rich.table import Table

from generators.journal import Folder, Spent, add
from generators.journal_upkeep import Audit, Counts, audited, compact
from generators.teachers.client import Price
from pipeline import storage
from pipeline.rundir import RunDir
from pipeline.terminal import console_of, safe
from schemas.errors import RunError, UserError


@click.command("journal")
@click.argument("run")
@click.option("--compact", "compacting", is_flag=True, help="Make each partition's logs one, without repeats.")
def journal_command(run: str, compacting: bool) -> None:
    """Count and verify what RUN has paid for: every line of its journal is read."""
    here = RunDir(run, 0)
    if not storage.exists(here.recipe):
        raise UserError(f"{run}: holds no recipe.toml, so it is no run; give the folder that --out named")
    parts = Folder(here.journals).names()
    if not parts:
        raise UserError(f"{run}: has no journal; it has asked no teacher that is paid")
    counts, spent, samples = Counts(), Spent(), dict[tuple[str, str], int]()
    with here.locked() if compacting else contextlib.nullcontext():
        for part in parts:
            one = _read(storage.join(here.journals, part), compacting)
            counts = counts.plus(one.counts)
            add(spent, one.spent)
            for who, number in one.samples.items():
                samples[who] = samples.get(who, 0) + number
    console_of(stderr=False).print(_table(spent, samples, _prices(here)))
    click.echo(
        f"{counts.logs:,} logs of {len(parts):,} partitions, {counts.answers:,} answers; {counts.repeated:,} repeated, "
        f"{counts.torn:,} torn ends, {counts.damaged:,} damaged lines" + ("; compacted" if compacting else "")
    )
    if counts.damaged and not compacting:
        raise RunError(
            f"{run}: {counts.damaged:,} lines of the journal are damaged and count for nothing; "
            "`--compact` moves them into damaged.txt, and `starbeam sample` asks for what they held again"
        )


def _read(url: str, compacting: bool) -> Audit:
    try:
        return compact(url) if compacting else audited(url)
    except OSError as error:
        raise RunError(f"cannot {'compact' if compacting else 'read'} {url}: {error.strerror or error}") from error


def _prices(run: RunDir) -> dict[str, Price]:
    """Return the prices of the run's recipe, as far as it has any."""
    try:
        teachers = tomllib.loads(storage.read_bytes(run.recipe).decode()).get("teacher", {})
        return {name: Price(**table["price"]) for name, table in teachers.items() if "price" in table}
    except (ValueError, TypeError, AttributeError) as error:
        raise UserError(f"{run.recipe}: cannot be read: {error}; a run's own recipe is not for editing") from error


def _table(spent: Spent, samples: dict[tuple[str, str], int], prices: dict[str, Price]) -> Table:
    table = Table(title="what was paid for", title_justify="left", box=None, padding=(0, 2, 0, 0))
    for name in ("teacher", "role"):
        table.add_column(name)
    for name in ("calls", "samples", "prompt tokens", "completion tokens", "cost"):
        table.add_column(name, justify="right")
    for (teacher, role), usage in sorted(spent.items()):
        price = prices.get(teacher)
        cost = "" if price is None else f"{price.of(usage.prompt_tokens, usage.completion_tokens):,.6g}"
        numbers = (usage.calls, samples.get((teacher, role), 0), usage.prompt_tokens, usage.completion_tokens)
        table.add_row(safe(teacher), safe(role), *(f"{number:,}" for number in numbers), cost)
    return table
