"""`starbeam star`."""

import click

from pipeline.build import Options
from pipeline.recipes import load
from pipeline.terminal import console_of


@click.command("star")
@click.argument("recipe")
@click.option("--rounds", type=click.IntRange(1, 999), required=True, help="Rounds at most: each samples, selects and trains.")
@click.option("--out", required=True, metavar="FOLDER", help="A local folder for the rounds.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change a key of the recipe, such as loop.steps=100.")
@click.option("--limit", type=click.IntRange(min=1), help="Take the first records or draws of each source only.")
@click.option("--workers", type=click.IntRange(1, 256), help="Processes for curating; by default as many as pay.")
def star_command(recipe: str, rounds: int, out: str, settings: tuple[str, ...], limit: int | None, workers: int | None) -> None:
    """Run the outer loop that RECIPE's [loop] describes: sample, select, train, and again with the new model as the teacher.

    The same command goes on with a loop that was stopped, in whatever phase.
    """
    from pipeline.outer_loop.loop import run_loop

    click.echo(run_loop(load(recipe, settings), rounds, Options(out, limit, workers), console_of(stderr=True)))
