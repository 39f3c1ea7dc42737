"""The procedural families, by the name that a recipe writes."""

from generators.families import arithmetic, countdown, maze
from generators.families.family import Family

FAMILIES: dict[str, Family] = {
    "arithmetic": arithmetic.FAMILY,
    "countdown": countdown.FAMILY,
    "maze": maze.FAMILY,
}
