"""How finely a chain goes: annotation `granularity_v2`.

Its length, the results that it states and how many of them come from nowhere, its languages, and how long it is beside the other
samples of its problem.
"""

import collections
from collections.abc import Callable, Sequence

from filters.languages import shares
from filters.skipped_steps import Skips, skipped_steps
from schemas.annotation import Granularity
from schemas.problem import Problem

NAME = "granularity_v2"

TokensOf = Callable[[Sequence[str]], list[int]]


def granularity(
    chains: Sequence[str], problems: Sequence[Problem], tokens_of: TokensOf, skips: Sequence[Skips] | None = None
) -> list[Granularity]:
    """Return the column: what is said of each chain.  Samples of one problem must be in one call; `skips` may be known already."""
    tokens = tokens_of(chains)
    if skips is None:
        skips = [skipped_steps(chain, problem.question) for chain, problem in zip(chains, problems, strict=True)]
    expansions = _expansions(tokens, [problem.problem_id for problem in problems])
    return [
        Granularity(count, *skipped, expansion, shares(chain))
        for chain, skipped, count, expansion in zip(chains, skips, tokens, expansions, strict=True)
    ]


def _expansions(tokens: Sequence[int], problem_ids: Sequence[str]) -> list[float | None]:
    """Return each row's tokens by the median of its problem's other rows, None where it has none or they are empty."""
    rows: dict[str, list[int]] = collections.defaultdict(list)
    for row, problem_id in enumerate(problem_ids):
        rows[problem_id].append(row)
    expansions: list[float | None] = [None] * len(tokens)
    for of_problem in rows.values():
        of_problem.sort(key=lambda row: tokens[row])
        ranked = [tokens[row] for row in of_problem]
        for rank, row in enumerate(of_problem):
            median = _median_without(ranked, rank)
            expansions[row] = tokens[row] / median if median else None
    return expansions


def _median_without(ranked: Sequence[int], rank: int) -> float:
    """Return the median of ranked counts but for the one of a rank; 0 where there is no other."""
    others = len(ranked) - 1
    middles = {(others - 1) // 2, others // 2} if others else ()
    return sum(ranked[place + (place >= rank)] for place in middles) / max(len(middles), 1)
