"""How surely a pattern is more frequent in one corpus than in another.

The log-odds ratio with an informative Dirichlet prior and its z score are those of Monroe, Colaresi and Quinn, "Fightin' Words",
Political Analysis 16 (2008), section 3.3 to 3.5, with the two corpora together as the prior.  Their variance takes every occurrence
for a draw of its own; but a chain that says "wait" will say it again, and one that loops a thousand times.  So counts are divided
by their dispersion (quasi-likelihood, McCullagh and Nelder 1989, section 4.5), measured between documents.

Significance is the tail of the binomial on the divided counts, given their sum: the normal tail is wrong where a pattern is rare or
the corpora differ much in size.  It is corrected by Holm's procedure (1979), which holds however the patterns depend on each other,
as overlapping runs of words do.  So one comparison in twenty at most should find anything where there is no difference; of 120
comparisons of corpora split at random none does (benchmarks/mining.py).
"""

from typing import NamedTuple

import numpy as np
from scipy.special import betainc

from filters.patterns import KINDS, kind_of
from filters.tallies import F64, Sketch, Tally, Totals

SIGNIFICANT = 0.05  # Fisher, Statistical Methods for Research Workers (1925), chapter III: the conventional level

# The prior weighs as much as this share of the corpora.  Of 0.0001 to 1 this one gives the largest z to openers that one lacks, and
# to those that both have within a tenth of the largest; the order is the same for all (benchmarks/mining.py).
PRIOR = 0.1


class Odds(NamedTuple):
    """What the counts of patterns say, in the order of a tally."""

    log_odds: F64  # positive where a pattern is more frequent in the first corpus
    z: F64
    p: F64
    p_adjusted: F64
    dispersion: F64  # 1 or more


def comparable(tally: Tally, totals: Totals, kind: str | None) -> Tally:
    """Return the patterns of a kind, None for all, in languages that both corpora have."""
    wanted = np.array([kind in (None, one) for one, _ in KINDS])
    kept = (wanted & (totals.units.min(axis=0) > 0))[kind_of(tally.keys)]
    return Tally(*(column[kept] for column in tally))


def odds(tally: Tally, totals: Totals) -> Odds:
    """Compare the counts of a tally."""
    kinds = kind_of(tally.keys)
    units = np.maximum(totals.units.T[kinds], 1)
    counts, both = tally.counts, tally.counts.sum(axis=1)
    spread = dispersion(tally, totals)
    prior = PRIOR * both[:, None]
    weight = units + PRIOR * units.sum(axis=1, keepdims=True)
    others = np.maximum(weight - counts - prior, 1)
    logits = np.log(counts + prior) - np.log(others)
    log_odds = logits[:, 0] - logits[:, 1]
    z = log_odds / np.sqrt(spread * (1 / (counts + prior) + 1 / others).sum(axis=1))
    p = tails(counts[:, 0] / spread, counts[:, 1] / spread, units[:, 0] / units.sum(axis=1))
    return Odds(log_odds, z, p, holm(p), spread)


def dispersion(tally: Tally, totals: Totals) -> F64:
    """Return how much more the documents differ in a pattern than single draws would: the variance over the mean, at least 1.

    The residual of a document is its count less its units times the pattern's rate in both corpora.
    """
    kinds = kind_of(tally.keys)
    both = tally.counts.sum(axis=1)
    rate = both / np.maximum(totals.units.sum(axis=0)[kinds], 1)
    residuals = tally.squares - 2 * rate * tally.products + rate * rate * totals.squares[kinds]
    spread: F64 = np.maximum(residuals / both, 1.0)
    return spread


def tails(first: F64, second: F64, share: F64) -> F64:
    """Return the two-sided p of counts that would be divided by `share`: the binomial's tail, also of counts between integers."""
    upper = np.where(first > 0, betainc(np.maximum(first, 1e-9), second + 1, share), 1.0)
    lower = np.where(second > 0, betainc(np.maximum(second, 1e-9), first + 1, 1 - share), 1.0)
    both: F64 = np.minimum(2 * np.minimum(upper, lower), 1.0)
    return both


def holm(p: F64) -> F64:
    """Return p values adjusted for their number: Holm, Scandinavian Journal of Statistics 6 (1979)."""
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    return adjusted


def least_count(sketch: Sketch, totals: Totals) -> int:
    """Return how often a pattern must occur so that it could be significant: rarer ones need not be counted nor corrected for.

    Tarone, "A modified Bonferroni method for discrete data", Biometrics 46 (1990): the least m for which the patterns that occur
    m times or more are so few that p of the most uneven division of m stays significant after correction for them.
    """
    sums = totals.units.sum(axis=0)
    shares = (totals.units.min(axis=0) / np.maximum(sums, 1))[totals.units.min(axis=0) > 0]
    if not len(shares):
        return 1
    frequent = sketch.frequent()
    counts = np.arange(len(frequent))
    fits = np.log(np.maximum(frequent, 1)) + np.log(2) + counts * np.log(shares.min()) <= np.log(SIGNIFICANT)
    return max(int(np.argmax(fits)) if fits.any() else len(frequent), 1)
