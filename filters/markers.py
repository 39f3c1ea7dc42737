"""Markers: patterns by label and language in a data file of this package, each with the examples that hold it to its meaning."""

import functools
import importlib.resources
import tomllib
from typing import NamedTuple


class Marker(NamedTuple):
    """One pattern of a data file."""

    label: str
    language: str
    pattern: str
    positive: tuple[str, ...]
    negative: tuple[str, ...]


@functools.cache
def markers_of(name: str) -> tuple[Marker, ...]:
    """Return the markers of `name`.toml, in the order of the file."""
    table = tomllib.loads(importlib.resources.files("filters").joinpath(f"{name}.toml").read_text("utf-8"))
    return tuple(
        Marker(label, language, entry["pattern"], tuple(entry["positive"]), tuple(entry["negative"]))
        for label, languages in table.items()
        for language, entries in languages.items()
        for entry in entries
    )
