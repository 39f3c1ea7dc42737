"""`starbeam build | sample | curate`."""

import json
from collections.abc import Callable
from typing import Any

import click

from pipeline import storage
from pipeline.build import Options, build
from pipeline.plan import Plan, resolve
from pipeline.recipes import load
from pipeline.rundir import RunDir
from pipeline.terminal import console_of, funnel


def _run_options(command: Callable[..., None]) -> Callable[..., None]:
    decorators: list[Callable[[Any], Any]] = [
        click.argument("recipe"),
        click.argument("beam_flags", nargs=-1, type=click.UNPROCESSED, metavar="[-- BEAM FLAGS]"),
        click.option("--out", required=True, metavar="RUN", help="Run directory: a path or an fsspec URL."),
        click.option(
            "--set",
            "settings",
            multiple=True,
            metavar="KEY=VALUE",
            help="Change a key of the recipe, such as strategy.samples=8.",
        ),
    ]
    for decorate in reversed(decorators):
        command = decorate(command)
    return command


_limit = click.option("--limit", type=click.IntRange(min=1), help="Take the first records or draws of each source only.")
_workers = click.option("--workers", type=click.IntRange(1, 256), help="Processes for curating; by default as many as pay.")


@click.command("build")
@_run_options
@_limit
@_workers
def build_command(
    recipe: str,
    beam_flags: tuple[str, ...],
    out: str,
    settings: tuple[str, ...],
    limit: int | None,
    workers: int | None,
) -> None:
    """Build the dataset that RECIPE describes: sample, then curate."""
    plan = resolve(load(recipe, settings))
    _summarize(build(plan, Options(out, limit, workers, beam_flags), console_of(stderr=True)))


@click.command("sample")
@_run_options
@_limit
def sample_command(recipe: str, beam_flags: tuple[str, ...], out: str, settings: tuple[str, ...], limit: int | None) -> None:
    """Only ask the teachers: problems to samples."""
    plan = resolve(load(recipe, settings))
    run = build(plan, Options(out, limit, None, beam_flags), console_of(stderr=True), curate=False)
    click.echo(storage.join(run.url, "samples"))


@click.command("curate")
@_run_options
@_workers
def curate_command(recipe: str, beam_flags: tuple[str, ...], out: str, settings: tuple[str, ...], workers: int | None) -> None:
    """Only judge and select: samples to a release.  Asks no teacher, so it is free to repeat."""
    plan: Plan = resolve(load(recipe, settings))
    _summarize(build(plan, Options(out, None, workers, beam_flags), console_of(stderr=True), sample=False))


def _summarize(run: RunDir) -> None:
    manifest = json.loads(storage.read_bytes(run.manifest))
    counts = manifest["funnel"]
    console_of(stderr=False).print(funnel(counts, manifest["coverage"], manifest["reflection"]["overall"]))
    if not counts["problems"]:
        click.echo(f"starbeam: no record became a problem; `starbeam show {run.url} --config rejected` says why", err=True)
    click.echo(run.release)
