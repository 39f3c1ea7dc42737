"""`starbeam report`."""

import click

from pipeline import storage


@click.command("report")
@click.argument("run")
def report_command(run: str) -> None:
    """Write RUN/report.html, a page on a finished run: its reflections in plots, its copies, its rows of benchmarks."""
    from pipeline.report import render
    from pipeline.run_report import page_of

    path = storage.join(run, "report.html")
    storage.write_bytes(path, render(page_of(run)))
    click.echo(path)
