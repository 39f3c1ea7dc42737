"""`starbeam journal`."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from pipeline import recipes, storage
from pipeline.rundir import RunDir
from pipeline.terminal import console_of, safe
from schemas.errors import RunError, UserError

if TYPE_CHECKING:
    from rich.table import Table

    from generators.journal_compaction import Survey
    from generators.teachers.client import Price


@click.command("journal")
@click.argument("run")
@click.option("--compact", is_flag=True, help="Make one log of each partition's many; damaged pieces move to damaged.txt.")
def journal_command(run: str, compact: bool) -> None:
    """Show what the teachers of RUN have answered and what it cost.

    Exits with 1 where the journal has damaged lines, unless --compact puts them aside.
    """
    if not run or not storage.exists(storage.join(run, "recipe.toml")):
        raise UserError(f"{run!r}: no recipe.toml, so it is no run; name a run directory")
    recipe = recipes.load(storage.join(run, "recipe.toml"))
    directory = RunDir(run, recipe.partitions)
    prices = _prices(recipe.teacher, directory.recipe)
    if not compact:
        surveys = _surveys(directory)
        _print(surveys, prices)
        if damaged := sum(one.damaged for one in surveys):
            raise RunError(
                f"{directory.journals}: {damaged:,} damaged lines, whose answers the next run asks for anew; "
                f"starbeam journal {run} --compact puts them aside"
            )
        return
    with directory.locked():
        surveys = _surveys(directory)
        logs = _compact(directory)
    _print(surveys, prices)
    aside = any(one.torn or one.damaged for one in surveys)
    click.echo(
        f"compacted to {logs:,} logs" + ("; what was torn or damaged is kept in damaged.txt beside its log" if aside else "")
    )


def _surveys(directory: RunDir) -> "list[Survey]":
    from generators.journal_compaction import partitions, survey

    surveys = [survey(folder) for folder in partitions(directory.journals)]
    if not any(one.logs for one in surveys):
        raise UserError(f"{directory.journals}: no logs; a run has a journal once a teacher that costs something has answered")
    return surveys


def _compact(directory: RunDir) -> int:
    from generators.journal_compaction import compact, partitions

    return sum(compact(folder) for folder in partitions(directory.journals))


def _prices(teachers: Mapping[str, Mapping[str, object]], where: str) -> "dict[str, Price]":
    from generators.teachers.client import Price

    found = {}
    for name, table in teachers.items():
        if (price := table.get("price")) is not None:
            if not isinstance(price, dict):
                raise UserError(
                    f"{where}: teacher.{name}.price = {price!r}: must be a table; write {{ input = 0.1, output = 0.4 }}"
                )
            found[name] = recipes.build(Price, price, f"{where}: [teacher.{name}.price]")
    return found


def _print(surveys: "Sequence[Survey]", prices: "Mapping[str, Price]") -> None:
    console = console_of(stderr=False)
    console.print(_table(surveys, prices))
    torn, damaged, repeated = (sum(counts) for counts in zip(*(one[3:6] for one in surveys), strict=True))
    click.echo(
        f"{sum(one.logs for one in surveys):,} logs, {torn:,} torn ends, {damaged:,} damaged lines, {repeated:,} repeated answers"
    )


def _table(surveys: "Sequence[Survey]", prices: "Mapping[str, Price]") -> "Table":
    from rich.table import Table

    from generators.journal import Spent, Usage
    from generators.journal_line import add

    spent: Spent = {}
    samples: dict[tuple[str, str], int] = {}
    for one in surveys:
        add(spent, one.spent)
        for who, count in one.samples.items():
            samples[who] = samples.get(who, 0) + count
    table = Table(title="what the teachers were asked", title_justify="left", box=None, padding=(0, 2, 0, 0))
    for heading in ("teacher", "role"):
        table.add_column(heading, overflow="fold")
    for heading in ("calls", "samples", "prompt tokens", "completion tokens", "cost"):
        table.add_column(heading, justify="right")
    for teacher, role in sorted(spent.keys() | samples.keys()):
        usage = spent.get((teacher, role), Usage())
        cost = f"{prices[teacher].of(*usage[1:]):,.4f}" if teacher in prices else ""
        table.add_row(
            safe(teacher), safe(role), *(f"{count:,}" for count in (usage.calls, samples.get((teacher, role), 0), *usage[1:])), cost
        )
    return table
