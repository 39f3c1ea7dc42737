"""`starbeam show`."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from filters.conditions import KINDS, UNKNOWN
from pipeline import shards, storage
from pipeline.recipes import suggestion
from pipeline.terminal import console_of, row
from schemas.errors import UserError


@click.command("show")
@click.argument("run")
@click.option("-n", "--rows", default=3, show_default=True, type=click.IntRange(min=1), help="Rows to show.")
@click.option("--config", type=click.Choice(["full", "rejected"]), default="full", show_default=True)
@click.option("--label", help="Only rows with this reflection, such as self_correction.")
@click.option("--effect", help="Only rows with a reflection of this effect, such as harmful or unknown; with --label one of both.")
@click.option("--source", help="Only rows of this problem source, such as arithmetic or train.jsonl.")
@click.option("--reason", help="Only rows rejected for this reason.")
@click.option("--id", "prefix", help="Only rows whose sample or problem id begins so.")
def show_command(run: str, rows: int, config: str, **wanted: str | None) -> None:
    """Show rows of the release in RUN, reflections coloured."""
    _check(**{name: (wanted[name], known) for name, known in KINDS.items()})
    folder = storage.join(run, "release", config)
    names = [name for name in storage.list_names(folder) if name.endswith(".parquet")]
    if not names:
        raise UserError(f"{folder}: no shards; build the run first, or name a run directory and a config that it exports")
    found = (values for values in _rows(folder, names) if _fits(values, **wanted))
    first = list(itertools.islice(found, rows))
    if not first:
        asked = any(one is not None for one in wanted.values())
        raise UserError(f"{folder}: {'no row fits; drop a filter' if asked else 'holds no row'}; or try another --config")
    console = console_of(stderr=False)
    for values in first:
        console.rule(style="dim")
        console.print(row(values), soft_wrap=True)
    console.rule(style="dim")
    click.echo(folder)


def _rows(folder: str, names: list[str]) -> Iterator[dict[str, Any]]:
    for name in names:
        yield from shards.read_table(storage.join(folder, name)).to_pylist()


def _check(**given: tuple[str | None, Sequence[str]]) -> None:
    for name, (value, known) in given.items():
        if value is not None and value not in known:
            raise UserError(f"--{name} {value!r} is unknown; {suggestion(value, list(known))}")


def _fits(
    values: dict[str, Any],
    label: str | None,
    effect: str | None,
    source: str | None,
    reason: str | None,
    prefix: str | None,
) -> bool:
    found = values["reflections"] or ()
    ids = (values["sample_id"] or "", values["problem_id"] or "")
    return (
        ((label is None and effect is None) or any(_is(one, label, effect) for one in found))
        and (source is None or values["source"] == source)
        and (reason is None or values.get("reason") == reason)
        and (prefix is None or any(one.startswith(prefix) for one in ids))
    )


def _is(reflection: Mapping[str, Any], label: str | None, effect: str | None) -> bool:
    return (label is None or reflection["label"] == label) and effect in (None, reflection["effect"] or UNKNOWN)
