"""Coverage: the share of problems that k samples solve, and its power law (Large Language Monkeys, arXiv 2407.21787)."""

import functools
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from filters.verify import NO_GOLD
from schemas.annotation import Status

FEWEST_POINTS = 3  # a curve of two parameters goes through any two points
BISECTIONS = 60  # more than the 53 bits of a float

Floats = npt.NDArray[np.float64]


class Outcome(NamedTuple):
    """How one teacher's trials of one problem ended."""

    n: int  # trials whose number does not depend on how they ended
    c: int  # those that are correct
    reach: int  # the largest k for which pass@k is known: n, or more where trials ended because enough were correct


class Point(NamedTuple):
    """One point of a coverage curve."""

    k: int
    value: float  # mean pass@k of those problems whose outcomes reach k, 0 to 1
    problems: int


class Fit(NamedTuple):
    """The power law c(k) ≈ exp(a k^-b): coverage as a function of the number of samples."""

    a: float  # below 0: the logarithm of c(1)
    b: float  # above 0: how fast more samples solve more
    r2: float  # of c(k), with the weights of the fit; 1 is exact


def is_judged(status: Status, reason: str) -> bool:
    """Return whether a verdict says something of the teacher, not only of the problem or of a checker's trouble."""
    return status != "error" and reason != NO_GOLD


@functools.lru_cache(maxsize=256)
def pass_at_k(outcome: Outcome) -> Floats:
    """Return the chance that at least one of k trials is correct, for k = 1 to the outcome's reach.

    It is 1 - C(n - c, k) / C(n, k), as a product (Chen et al. 2021, arXiv 2107.03374, section 2.1), and 1 for every k over n - c.
    """
    n, c, reach = outcome
    k = np.arange(1, min(n - c, reach) + 1)
    values = np.ones(reach)
    values[: len(k)] -= np.cumprod((n - c - k + 1) / (n - k + 1))
    values.flags.writeable = False  # it is remembered
    return values


def curve(outcomes: Mapping[Outcome, int]) -> list[Point]:
    """Return the coverage for k = 1 to the largest reach, from the number of problems that ended so."""
    reach = max((one.reach for one in outcomes), default=0)
    total, problems = np.zeros(reach), np.zeros(reach, dtype=np.int64)
    for one, count in sorted(outcomes.items()):  # in order, since floats do not add up the same in another one
        total[: one.reach] += count * pass_at_k(one)
        problems[: one.reach] += count
    columns = (total / problems).tolist(), problems.tolist()
    return [Point(k, value, of_k) for k, (value, of_k) in enumerate(zip(*columns, strict=True), start=1)]


def fit(points: Sequence[Point]) -> Fit | str:
    """Return the power law of a curve, or a code for why it has none.

    Least squares of log c(k).  A point weighs as many as its problems, over k: so each stretch of a logarithmic axis counts alike.
    For a given b the best a is a ratio of sums, and the best b is where the slope of what is left changes its sign.
    """
    points = [point for point in points if point.value > 0]  # a logarithm needs it
    if not points:
        return "nothing_solved"
    if sum(point.value < 1 for point in points) < FEWEST_POINTS:
        return "too_few_points"
    k, coverage, problems = (np.array(column, dtype=np.float64) for column in zip(*points, strict=True))
    logs, weights = np.log(k), problems / k
    depths = np.log(coverage)

    def slope(b: float) -> float:
        powers = np.exp(-b * logs)
        product, square = weights * depths * powers, weights * powers * powers
        return math.fsum(product) * math.fsum(square * logs) - math.fsum(square) * math.fsum(product * logs)

    low, high = 0.0, 1.0
    if slope(low) >= 0:
        return "no_growth"
    while slope(high) < 0:
        low, high = high, 2 * high
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    powers = np.exp(-high * logs)
    a = math.fsum(weights * depths * powers) / math.fsum(weights * powers * powers)
    mean = math.fsum(weights * coverage) / math.fsum(weights)
    left = math.fsum(weights * (coverage - np.exp(a * powers)) ** 2)
    return Fit(a, high, 1 - left / math.fsum(weights * (coverage - mean) ** 2))
