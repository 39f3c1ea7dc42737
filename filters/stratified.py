"""The difference of two shares within strata, so that what decides both the group and the outcome does not fake one.

It is the Mantel-Haenszel estimate of the risk difference (Greenland & Robins 1985, Biometrics 41, page 55), which holds for a few
large strata as for many small ones.  Samples of one problem are alike, so an interval that takes them for independent would be too
narrow: the variance is that of the delete-a-group jackknife (Kott 2001, Journal of Official Statistics 17, page 521), each problem
whole in a group.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

Cells = npt.NDArray[np.int64]

GROUPS = 20  # ours: their t is 2.09 where that of any number is 1.96, so that more groups would narrow an interval by 6 % at most
CONFIDENCE = 0.95
ROUNDING = 1e-12  # shares that differ by less are the same


class Estimate(NamedTuple):
    """An estimate with its confidence interval."""

    value: float
    low: float | None  # None where groups do not say how far off it may be: none of them changes it, or one has all there is
    high: float | None


def difference(cells: Cells) -> Estimate | None:
    """Return P(right | with) - P(right | without) within strata, None where no stratum has both.

    `cells[stratum, group]`: number with, right ones of these, number without, right ones of these.
    """
    every = cells.sum(axis=1)
    value = float(_mantel_haenszel(every))
    if math.isnan(value):
        return None
    used = np.flatnonzero(cells[..., 0].any(axis=0) | cells[..., 2].any(axis=0))
    return _with_interval(value, [_mantel_haenszel(every - cells[:, group]) for group in used])


def difference_of_sums(sums: Sequence[tuple[Fraction, Fraction]]) -> Estimate | None:
    """Return the same where each stratum is in one group, given for each group that has any the sums over its strata.

    Of a stratum of n, they are (right with · without - right without · with) / n, and with · without / n.
    """
    gain, weight = (sum((one[place] for one in sums), Fraction(0)) for place in range(2))
    if not weight:
        return None
    left = [float((gain - one) / (weight - its)) if weight > its else math.nan for one, its in sums]
    return _with_interval(float(gain / weight), left)


def _with_interval(value: float, left: Sequence[float]) -> Estimate:
    """Return an estimate with the jackknife's interval, given what it would be without each group."""
    if len(left) < 2 or any(map(math.isnan, left)) or max(left) - min(left) < ROUNDING:
        return Estimate(value, None, None)
    variance = (len(left) - 1) / len(left) * math.fsum((one - value) ** 2 for one in left)
    reach = float(stdtrit(len(left) - 1, (1 + CONFIDENCE) / 2)) * math.sqrt(variance)
    return Estimate(value, max(-1.0, value - reach), min(1.0, value + reach))


def _mantel_haenszel(strata: Cells) -> float:
    """Return the estimate from counts by stratum; NaN where no stratum has both."""
    some = strata[(strata[:, 0] > 0) & (strata[:, 2] > 0)].astype(np.float64)
    with_it, right_with, without, right_without = some.T
    number = with_it + without
    weight = math.fsum(with_it * without / number)
    return math.fsum((right_with * without - right_without * with_it) / number) / weight if weight else math.nan
