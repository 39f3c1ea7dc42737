"""`starbeam dedupe`."""

import math
from typing import Any

import click

from pipeline import storage
from pipeline.cli.parts import field_paths, file_options
from schemas.recipe import WITHIN_PROBLEM, Dedupe


class _Similarity(click.FloatRange):
    """A number over 0 and up to 1, which NaN is not."""

    name = "float range"

    def __init__(self) -> None:
        super().__init__(0, 1, min_open=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        found = super().convert(value, param, ctx)
        return self.fail("nan is not in the range 0<x<=1.", param, ctx) if math.isnan(found) else found


SIMILARITY = _Similarity()


@click.command("dedupe")
@file_options
@click.option(
    "--threshold",
    default=Dedupe().threshold,
    show_default=True,
    type=SIMILARITY,
    help="Jaccard similarity of word 5-grams at which two rows are copies.",
)
@click.option(
    "--within",
    type=SIMILARITY,
    help=f"… at which two rows of one group are; by default {WITHIN_PROBLEM}, or --threshold if lower.",
)
@click.option(
    "--against",
    multiple=True,
    metavar="FILE|RELEASE",
    help="Earlier rows, with the same fields, or a release's folder: they count as kept.",
)
@click.option("--report", metavar="FILE", help="Where a page on the copies goes: groups, counts, examples side by side.")
def dedupe_command(
    path: str,
    out: str,
    rejected: str | None,
    fields: tuple[str, ...],
    threshold: float,
    within: float | None,
    against: tuple[str, ...],
    report: str | None,
) -> None:
    """Mark copies.  Reads id, text, and optionally group, answer and quality; adds duplicate, null for rows to keep."""
    from pipeline.copies import FIELDS, Copies
    from pipeline.copies_report import page_of, summary
    from pipeline.report import render
    from pipeline.rows import Rows
    from schemas.annotation import DUPLICATE_TYPE

    at = field_paths(fields, FIELDS)
    rows = Rows(path, out, rejected, "duplicate", DUPLICATE_TYPE)
    rows.claim("--report", *([] if report is None else [report]))
    dedupe = Dedupe(threshold=threshold, within_problem=within)
    copies = Copies(rows, at, threshold, dedupe.within, against)
    rows.write(copies.marked())
    for line in summary(copies):
        click.echo(f"starbeam: {line}", err=True)
    if report is not None:
        storage.write_bytes(report, render(page_of(copies, dedupe, path)))
