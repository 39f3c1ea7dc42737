"""Which rows of a problem are kept where it has more than its quota: those that differ most.

Greedy farthest-point choice (Gonzalez 1985, Theoretical Computer Science 38).  What differs comes first by equation path (RFT,
arXiv 2308.01825, section 3.3), then by approach, then by the words; by these alone the least distance between two chosen rows is at
least half of the best possible (Ravi, Rosenkrantz and Tayi 1994, Operations Research 42).
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from filters.signatures import Signatures


class Rows(NamedTuple):
    """What is compared of a problem's rows, the best row first."""

    paths: Sequence[str]  # "" states no equation: such rows are as one path
    approaches: Sequence[Collection[str]]
    signatures: Signatures  # two rows share about Jaccard * PERMUTATIONS slots


def most_different(rows: Rows, most: int) -> list[int]:
    """Return the places of at most `most` rows, in the order in which they are chosen.

    The first row is the best.  Each next one is a row with a path that no chosen row has, if there is one; of these one with an
    approach that no chosen row shows; of these the one whose nearest chosen row is furthest, by equal slots; of these the best.
    Taking away a row that is not chosen changes nothing.  Time is rows * most, memory is a few numbers a row.
    """
    paths, approaches = _numbered(rows.paths), _flags(rows.approaches)
    slots = rows.signatures.shape[1]
    left = np.ones(len(paths), dtype=np.bool_)
    new_path = left.copy()
    shown = np.zeros(approaches.shape[1], dtype=np.bool_)
    nearest = np.zeros(len(paths), dtype=np.int64)  # slots that a row shares with the chosen row that is most like it
    chosen: list[int] = []
    place = 0
    for _ in range(min(most, len(paths))):
        chosen.append(place)
        left[place] = False
        new_path &= paths != paths[place]
        shown |= approaches[place]
        nearest = np.maximum(nearest, np.count_nonzero(rows.signatures == rows.signatures[place], axis=1))
        new_approach = (approaches & ~shown).any(axis=1)
        rank = (new_path * 2 + new_approach) * (slots + 1) + (slots - nearest)
        place = int(np.argmax(np.where(left, rank, -1)))  # the first of equals
    return chosen


def _numbered(values: Sequence[str]) -> npt.NDArray[np.int64]:
    """Return a number for each value, the same for equal ones."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in values], dtype=np.int64)


def _flags(approaches: Sequence[Collection[str]]) -> npt.NDArray[np.bool_]:
    """Return an array (rows, labels): which row shows which approach."""
    labels = sorted(set().union(*approaches))
    flags = [[label in of_row for label in labels] for of_row in approaches]
    return np.array(flags, dtype=np.bool_).reshape(len(approaches), len(labels))
