"""Files that can be held in a head, in rooms with telling names."""

import statistics
from pathlib import Path

ROOT = Path(__file__).parents[1]
MOST_LINES = 400
MEDIAN_LINES = 130
ROOMS = ("schemas", "generators", "filters", "pipeline")
VAGUE = {"utils", "common", "core", "helpers", "manager", "misc"}


def _files() -> list[Path]:
    return [path for folder in (*ROOMS, "benchmarks", "tests") for path in sorted((ROOT / folder).rglob("*.py"))]


def test_no_file_is_long() -> None:
    long = {str(path.relative_to(ROOT)): lines for path in _files() if (lines := len(path.read_text().splitlines())) > MOST_LINES}
    assert not long, "split these by what they are about"


def test_the_median_file_of_the_rooms_is_short() -> None:
    lines = [len(path.read_text().splitlines()) for path in _files() if path.relative_to(ROOT).parts[0] in ROOMS]
    assert statistics.median(lines) < MEDIAN_LINES


def test_no_name_is_vague() -> None:
    names = {part.removesuffix(".py") for path in _files() for part in path.relative_to(ROOT).parts}
    assert not names & VAGUE
