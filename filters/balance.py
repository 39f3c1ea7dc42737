"""Sampling that is balanced by pattern: no pattern of reflections or approaches keeps many times the rows of the rarest.

Which rows go is decided by a draw for each, a hash of the seed and its id, so that no order, worker or partition has a part in it.
"""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.identity import rng_for
from schemas.recipe import Balance

Draws = npt.NDArray[np.uint64]

NO_PATTERN = "none"
OVER_REPRESENTED = "over_represented"


def patterns(table: pa.Table, by: str) -> list[str]:
    """Return each row's pattern: the set of its approaches, or of its reflections' labels or known effects; "none" without any."""
    if by == "approaches":
        found = table["approaches"].to_pylist()
    else:
        column = table["reflections"].combine_chunks()
        found = [[] for _ in range(table.num_rows)]
        values = pc.struct_field(pc.list_flatten(column), by.removesuffix("s")).to_pylist()
        for row, value in zip(pc.list_parent_indices(column).to_pylist(), values, strict=True):
            if value is not None:
                found[row].append(value)
    return ["+".join(sorted(set(names))) or NO_PATTERN for names in found]


def draws(sample_ids: Sequence[str], seed: int) -> Draws:
    """Return the draw of each row: of a pattern that has too many rows those of the smallest draws stay."""
    return np.array([rng_for(seed, "balance", int(one, 16)).getrandbits(64) for one in sample_ids], dtype=np.uint64)


def bounds(drawn: Iterable[Mapping[str, Draws]], balance: Balance) -> dict[str, int]:
    """Return the largest draw that stays, for each pattern that has too many rows, from all rows' draws by pattern."""
    parts: dict[str, list[Draws]] = {}
    for part in drawn:
        for pattern, values in part.items():
            parts.setdefault(pattern, []).append(values)
    found = {pattern: np.sort(np.concatenate(values)) for pattern, values in parts.items()}
    rarest = min(map(len, found.values()), default=0)
    most = int(Fraction(str(balance.ratio)) * max(rarest, balance.floor))  # as it is written: 2.3 * 100 is 229.99… as a float
    return {pattern: int(values[most - 1]) for pattern, values in found.items() if len(values) > most}


def by_pattern(table: pa.Table, balance: Balance, seed: int) -> dict[str, Draws]:
    """Return the draws of a table's rows, by pattern."""
    drawn = draws(table["sample_id"].to_pylist(), seed)
    rows: dict[str, list[int]] = {}
    for row, pattern in enumerate(patterns(table, balance.by)):
        rows.setdefault(pattern, []).append(row)
    return {pattern: drawn[of_pattern] for pattern, of_pattern in rows.items()}


def over_represented(table: pa.Table, balance: Balance, seed: int, most: Mapping[str, int]) -> npt.NDArray[np.bool_]:
    """Return which rows go, given the largest draws that stay."""
    drawn = draws(table["sample_id"].to_pylist(), seed).tolist()
    pairs = zip(drawn, patterns(table, balance.by), strict=True)
    return np.array([pattern in most and draw > most[pattern] for draw, pattern in pairs], dtype=np.bool_)
