"""What every part that stands alone shares: its options, and reading of fields."""

from collections.abc import Callable, Sequence
from typing import Any

import click

from pipeline.recipes import suggestion
from schemas.errors import UserError


def file_options(command: Callable[..., None]) -> Callable[..., None]:
    decorators: list[Callable[[Any], Any]] = [
        click.option("--in", "path", required=True, metavar="FILE", help="JSON lines (.gz too) or Parquet: a path, glob or URL."),
        click.option(
            "--out",
            default="-",
            metavar="FILE",
            help="Where the rows go, with one more field; - is stdout.",
            show_default=True,
        ),
        click.option("--rejected", metavar="FILE", help="Where rows that cannot be read go; by default beside --out."),
        click.option(
            "--field",
            "fields",
            multiple=True,
            metavar="NAME=PATH",
            help="Read a field from another place, such as gold=answer.",
        ),
    ]
    for decorate in reversed(decorators):
        command = decorate(command)
    return command


def field_paths(settings: Sequence[str], known: Sequence[str]) -> dict[str, str]:
    """Return where each known field is read from."""
    paths: dict[str, str] = {}
    for setting in settings:
        name, equals, path = setting.partition("=")
        if not equals or not path:
            raise UserError(f"--field {setting!r}: must be NAME=PATH, as in --field {known[0]}=some_field")
        if name not in known:
            raise UserError(f"--field {setting!r}: unknown field {name!r}; {suggestion(name, known)}")
        if name in paths:
            raise UserError(f"--field {setting!r}: {name} is read from {paths[name]!r} already; give one of the two")
        paths[name] = path
    return {name: name for name in known} | paths
