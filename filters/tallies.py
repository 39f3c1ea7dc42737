"""Counts of patterns in two corpora, exact for all that are frequent enough, in memory that does not grow with the corpora.

A first pass adds occurrences to a count-min sketch (Cormode and Muthukrishnan 2005, section 3), which never says less than there
are.  A second one counts, exactly, the patterns of which the sketch says at least `least`: so no count is an estimate, and what is
not counted occurs fewer times than that.  Where too many are counted `least` is raised.
"""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from filters.patterns import DOCUMENT_BITS, KIND_BITS, KINDS, MOST_DOCUMENTS, Batch, kind_of, without_document
from filters.shingles import I64, U64

F64 = npt.NDArray[np.float64]

SKETCH_BITS = 23  # two rows of 2^23 counts are 64 MiB
MOST_PATTERNS = 1 << 20  # that are counted, at 64 bytes each
PENDING = 1 << 20  # counts that wait to be added up

_SHIFTS = tuple(KIND_BITS + DOCUMENT_BITS + shift for shift in (0, 64 - KIND_BITS - DOCUMENT_BITS - SKETCH_BITS))


class Sketch:
    """How often each pattern occurs at most."""

    def __init__(self) -> None:
        self._rows = np.zeros((len(_SHIFTS), 1 << SKETCH_BITS), dtype=np.uint32)
        self._waiting: list[U64] = []

    def add(self, batch: Batch) -> None:
        """Count occurrences."""
        self._waiting.append(batch.keys)
        if sum(map(len, self._waiting)) >= 1 << (SKETCH_BITS - 1):
            self._settle()

    def _settle(self) -> None:
        keys = np.concatenate([np.zeros(0, np.uint64), *self._waiting])
        self._waiting = []
        for row, places in zip(self._rows, _places(keys), strict=True):
            if len(places) < len(row) >> 4:  # few: the whole row need not be touched
                np.add.at(row, places, np.uint32(1))
            else:
                row += np.bincount(places, minlength=len(row)).astype(np.uint32)

    def at_most(self, keys: U64) -> I64:
        """Return a count that is no less than how often each pattern occurs."""
        self._settle()
        counts = [row[places] for row, places in zip(self._rows, _places(keys), strict=True)]
        return functools.reduce(np.minimum, counts).astype(np.int64)

    def frequent(self) -> I64:
        """Return at place m how many counts are m or more: about as many patterns occur that often, or fewer."""
        self._settle()
        row = self._rows[0]
        counts = np.bincount(np.minimum(row[row > 0], 1 << 16).astype(np.int64), minlength=1)
        frequent: I64 = counts[::-1].cumsum()[::-1]
        return frequent


def _places(keys: U64) -> list[I64]:
    mask = np.uint64((1 << SKETCH_BITS) - 1)
    return [(keys >> np.uint64(shift) & mask).astype(np.int64) for shift in _SHIFTS]


class Totals(NamedTuple):
    """What two corpora hold, by kind of pattern: words of a language, or sentences."""

    units: F64  # (2, kinds)
    squares: F64  # (kinds), of the units of a document
    documents: I64  # (2)


class Tally(NamedTuple):
    """Patterns with their counts."""

    keys: U64  # in order
    counts: F64  # (patterns, 2): occurrences in each corpus
    documents: F64  # (patterns, 2)
    squares: F64  # of the occurrences in a document
    products: F64  # of the occurrences in a document and its units


class Counter:
    """Counts patterns exactly, and what the corpora hold."""

    def __init__(self, sketch: Sketch, least: int) -> None:
        self.least = least
        self._sketch = sketch
        self._keys, self._columns = np.zeros(0, np.uint64), np.zeros((0, 6))
        self._waiting: list[tuple[U64, F64]] = []
        self._size = 0

    def add(self, batch: Batch, corpus: int) -> None:
        """Count the patterns of a corpus, 0 or 1."""
        keys = np.sort(batch.keys[self._sketch.at_most(batch.keys) >= self.least])
        first = np.flatnonzero(np.diff(keys, prepend=~keys[:1]))  # of each pattern in each document
        count = np.diff(first, append=len(keys)).astype(np.float64)
        keys = keys[first]
        units = batch.units[(keys & np.uint64(MOST_DOCUMENTS - 1)).astype(np.int64), kind_of(keys)]
        columns = np.zeros((len(keys), 6))
        columns[:, corpus], columns[:, 2 + corpus] = count, 1
        columns[:, 4], columns[:, 5] = count * count, count * units
        self._waiting.append(_summed(without_document(keys), columns))
        self._size += len(self._waiting[-1][0])
        if self._size > PENDING:
            self._settle()

    def _settle(self) -> None:
        keys = np.concatenate([self._keys, *(keys for keys, _ in self._waiting)])
        columns = np.concatenate([self._columns, *(columns for _, columns in self._waiting)])
        self._waiting, self._size = [], 0
        order = np.argsort(keys, kind="stable")
        self._keys, self._columns = _summed(keys[order], columns[order])
        while len(self._keys) > MOST_PATTERNS:
            self.least *= 2
            kept = self._sketch.at_most(self._keys) >= self.least
            self._keys, self._columns = self._keys[kept], self._columns[kept]

    def tally(self) -> Tally:
        """Return the patterns that occur at least `least` times."""
        self._settle()
        kept = self._columns[:, :2].sum(axis=1) >= self.least
        columns = self._columns[kept]
        return Tally(self._keys[kept], columns[:, :2], columns[:, 2:4], columns[:, 4], columns[:, 5])


def _summed(keys: U64, columns: F64) -> tuple[U64, F64]:
    """Return each of the keys, which are in order, once, with the sums of its columns."""
    first = np.flatnonzero(np.diff(keys, prepend=~keys[:1]))
    return keys[first], np.add.reduceat(columns, first) if len(first) else columns


def totals(parts: Sequence[I64]) -> Totals:
    """Return what two corpora hold, given the sums of each: rows, then units, then their squares by kind."""
    sums = np.array(parts, dtype=np.float64)
    kinds = len(KINDS)
    return Totals(sums[:, 1 : 1 + kinds], sums[:, 1 + kinds :].sum(axis=0), sums[:, 0].astype(np.int64))
