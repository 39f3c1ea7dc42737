"""`starbeam list`."""

import click

from filters import fingerprints, reflections
from filters.selection import RULES
from generators.sources import SOURCES
from generators.strategies import STRATEGIES
from generators.teachers import TEACHERS
from pipeline.exports import EXPORTS
from pipeline.plan import all_checkers


@click.command("list")
def list_command() -> None:
    """List what a recipe can name."""
    sections = {
        "problems": {name: _first_line(source) for name, source in SOURCES.items()},
        "teachers": {name: _first_line(teacher) for name, teacher in TEACHERS.items()},
        "strategies": {name: _first_line(strategy) for name, strategy in STRATEGIES.items()},
        "checkers": {name: f"{checker.name}: {_first_line(type(checker))}" for name, checker in all_checkers().items()},
        "annotators": {reflections.NAME: "reflections of a chain", fingerprints.NAME: "signatures for near-copies"},
        "selection rules": {name: rule.meaning for name, rule in RULES.items()},
        "exports": {name: export.meaning for name, export in EXPORTS.items()},
    }
    for title, names in sections.items():
        click.echo(f"{title}:")
        for name, meaning in sorted(names.items()):
            click.echo(f"  {name:<16} {meaning}")


def _first_line(thing: type) -> str:
    return (thing.__doc__ or "").strip().splitlines()[0]
