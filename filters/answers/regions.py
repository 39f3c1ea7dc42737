"""Sets of real numbers with rational ends: unions, intersections and differences of intervals, ℝ, x ≠ a.

Two are the same where they agree at every end of either and once in every gap between the ends.
"""

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from filters.answers.exact import Unevaluable, rational
from filters.answers.expression import INFINITY, Num, Op, Sym
from filters.answers.parts import Binary, Bracket, Listed, Part
from filters.answers.relations import as_interval

REALS = Sym("ℝ")


class Region(NamedTuple):
    """Whether a number is inside, and the numbers where that can change."""

    holds: Callable[[Fraction], bool]
    ends: frozenset[Fraction]


def is_composed(part: Part) -> bool:
    """Say whether a part is more than one interval: ℝ, an operation on sets, x ≠ a."""
    if isinstance(part, Listed):
        intervals = [one for one in part.items if as_interval(one) is not None or _is_interval(one)]
        return any(map(is_composed, part.items)) or (len(intervals) == len(part.items) and any(map(_is_surely_one, intervals)))
    return part == REALS or (isinstance(part, Binary) and part.op in "∪∩∖≠")


def region(part: Part) -> Region | None:
    """Return a part as a set of reals, None where it is no such set or an end is no rational number."""
    if part == REALS:
        return Region(lambda value: True, frozenset())
    if isinstance(part, Listed):
        return _joined([region(one) for one in part.items], any)
    if isinstance(part, Binary):
        return _of_operation(part)
    if isinstance(part, Bracket):
        return _of_points(part) if part.left == "{" else _of_interval(part)
    return None


def same_region(one: Region, other: Region) -> bool:
    """Say whether two sets hold the same numbers."""
    return all(one.holds(value) == other.holds(value) for value in _probes(sorted(one.ends | other.ends)))


def _probes(ends: list[Fraction]) -> Iterator[Fraction]:
    if not ends:
        yield Fraction(0)
        return
    yield from (ends[0] - 1, *ends, ends[-1] + 1)
    yield from ((low + high) / 2 for low, high in pairwise(ends))


def _of_operation(part: Binary) -> Region | None:
    if part.op in "∪∩":
        return _joined([region(part.left), region(part.right)], any if part.op == "∪" else all)
    if part.op == "∖":
        whole, without = region(part.left), region(part.right)
        if whole is None or without is None:
            return None
        return Region(lambda value: whole.holds(value) and not without.holds(value), whole.ends | without.ends)
    if part.op == "≠" and isinstance(part.left, Sym) and isinstance(part.right, Num):
        hole = part.right.value
        return Region(lambda value: value != hole, frozenset((hole,)))
    interval = as_interval(part)
    return None if interval is None else region(interval)


def _joined(parts: list[Region | None], how: Callable[[Iterator[bool]], bool]) -> Region | None:
    regions = [one for one in parts if one is not None]
    if len(regions) != len(parts):
        return None
    return Region(lambda value: how(one.holds(value) for one in regions), frozenset().union(*(one.ends for one in regions)))


def _is_interval(part: Part) -> bool:
    return isinstance(part, Bracket) and part.left != "{" and len(part.items) == 2


def _is_surely_one(part: Part) -> bool:
    """Say whether a part is an interval and no point: (1, 2) could be either."""
    if not isinstance(part, Bracket):
        return True
    return (part.left, part.right) != ("(", ")") or any(_end(one) in ("oo", "-oo") for one in part.items)


def _of_points(part: Bracket) -> Region | None:
    ends = [_end(one) for one in part.items]
    points = frozenset(end for end in ends if isinstance(end, Fraction))
    return Region(points.__contains__, points) if len(points) == len(set(ends)) else None


def _of_interval(part: Bracket) -> Region | None:
    if not _is_interval(part):
        return None
    low, high = map(_end, part.items)
    if low is None or high is None or low == "oo" or high == "-oo":
        return None

    def holds(value: Fraction) -> bool:
        above = not isinstance(low, Fraction) or value > low or (value == low and part.left == "[")
        return above and (not isinstance(high, Fraction) or value < high or (value == high and part.right == "]"))

    return Region(holds, frozenset(end for end in (low, high) if isinstance(end, Fraction)))


def _end(part: Part) -> Fraction | str | None:
    """Return a rational end, "oo", "-oo", or None for all else."""
    if part == INFINITY:
        return "oo"
    if part == Op("neg", (INFINITY,)):
        return "-oo"
    if not isinstance(part, Num | Op):
        return None
    try:
        return rational(part)
    except Unevaluable:
        return None
