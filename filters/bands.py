"""Candidates for near-copies: documents whose signatures are equal in a band (locality-sensitive hashing).

A band says nothing but that two documents are worth comparing, so the bands are chosen for recall: what they bring too much costs
time, and what they miss is lost.
"""

import collections
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from filters.shingles import STEP, U64, finalize
from filters.signatures import PERMUTATIONS, Signatures

Pairs = npt.NDArray[np.uint64]  # (pairs, 2): document numbers, the smaller first
Counts = collections.Counter[str]

NONE = 0  # key of no text

# What is counted of a comparison: pairs that share a band, those compared exactly after the estimate, those that are copies;
# buckets too large for all pairs to be compared, and about how many of these were not looked at, each time that they share a band.
COMPARED = ("pairs_candidate", "pairs_compared", "pairs_alike", "buckets_capped", "pairs_capped")

RECALL = 0.9975  # chance that a pair exactly at the threshold becomes a candidate; gives 20 bands of 6 rows at .8
BUCKET_ALL_PAIRS = 200  # documents; a larger bucket is never squared (measured recall .9996 with 13 such buckets)
PROBLEM_ALL_PAIRS = (
    2048  # samples of a problem that are all compared; of more, those that share a band too (2 million pairs take 0.1 s)
)
BUCKET_ANCHORS = 8  # of a large bucket all are compared with the first few, which are the best
BUCKET_WINDOW = 8  # … and each with the next few


class Bands(NamedTuple):
    """How signatures are cut: `number` bands of `rows` slots."""

    number: int
    rows: int

    def recall(self, similarity: float) -> float:
        """Return the chance that a pair of that similarity becomes a candidate."""
        return 1 - float((1 - similarity**self.rows) ** self.number)


def bands_for(threshold: float) -> Bands:
    """Return the bands with the most rows (fewest false candidates) whose recall at the threshold is RECALL or more."""
    for rows in range(PERMUTATIONS, 1, -1):
        missed = 1 - threshold**rows
        count = 1 if missed <= 0 else math.ceil(math.log(1 - RECALL) / math.log(missed)) if missed < 1 else 0
        if 0 < count * rows <= PERMUTATIONS:
            return Bands(count, rows)
    return Bands(PERMUTATIONS, 1)


def band_keys(signed: Signatures, bands: Bands, band: int) -> U64:
    """Return the 64-bit key of one band of each document; keys of two bands are equal by chance only.

    With 32 bits a billion documents would have 2.3e9 false pairs, with 64 one in two runs.
    """
    keys = np.full(len(signed), band + 1, dtype=np.uint64)
    for row in range(band * bands.rows, (band + 1) * bands.rows):
        keys = finalize(keys * STEP + signed[:, row])
    return keys


def pairs_within(
    groups: U64,
    signed: Callable[[npt.NDArray[np.int64]], Signatures],
    documents: U64,
    answers: U64,
    threshold: float,
    counts: Counts,
) -> Pairs:
    """Return the pairs of documents to compare because they are of one group, given the keys of each one's group and answer.

    `signed` gives the signatures of some documents by their places here: those of very large groups.
    """
    found = [candidate_pairs(groups, documents, counts, PROBLEM_ALL_PAIRS)]
    _, places, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    large = np.flatnonzero(sizes[places] > PROBLEM_ALL_PAIRS)
    bands = bands_for(threshold)
    of_large = signed(large)
    for band in range(bands.number if len(large) else 0):
        keys = finalize(band_keys(of_large, bands, band) ^ groups[large])
        found.append(candidate_pairs(keys, documents[large], counts, answers=answers[large]))
    return distinct(np.concatenate(found))


def candidate_pairs(
    keys: U64, documents: U64, counts: Counts, most: int = BUCKET_ALL_PAIRS, answers: npt.NDArray[np.unsignedinteger] | None = None
) -> Pairs:
    """Return the distinct pairs of documents that share a key, given one key of each document after another.

    Of more than `most` documents with one key not all pairs are looked at, but with `answers` (keys, NONE where none is known) all
    of up to `most` with one answer, as those with others are no copies.  `counts` gets the buckets that are too large nevertheless
    (`buckets_capped`), and about how many pairs of them, that may be copies, are not looked at (`pairs_capped`).
    """
    places = sharing(keys)
    places = places[np.lexsort((documents[places], keys[places]))]
    keys, documents = keys[places], documents[places]
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]])) if len(keys) else np.zeros(0, np.int64)
    sizes = np.diff(np.concatenate([starts, [len(keys)]]))
    first, size = np.repeat(starts, sizes), np.repeat(sizes, sizes)
    found = [_anchor_pairs(documents, first, size, most)]
    left = np.arange(len(keys))
    for distance in range(1, most):
        left = left[left + distance < first[left] + size[left]]
        if distance > BUCKET_WINDOW:
            left = left[size[left] <= most]
        if not len(left):
            break
        found.append(np.stack([documents[left], documents[left + distance]], axis=1))
    large, capped = size > most, sizes[sizes > most]
    pairs = capped * (capped - 1) // 2
    if answers is not None and len(capped):
        of_large = answers[places[large]].astype(np.uint64)
        found.append(candidate_pairs(finalize(keys[large] ^ finalize(of_large)), documents[large], counts, most))
        unknown = np.add.reduceat((of_large == NONE).astype(np.int64), np.cumsum(capped) - capped)
        pairs = unknown * (capped - unknown)  # the others are of one answer, or no copies
    unseen = np.maximum(pairs - capped * (BUCKET_ANCHORS + BUCKET_WINDOW), 0)
    counts["buckets_capped"] += int(np.count_nonzero(unseen))
    counts["pairs_capped"] += int(unseen.sum())
    return distinct(np.concatenate(found))


def sharing(keys: U64) -> npt.NDArray[np.int64]:
    """Return the places of keys that are there twice, and by chance a few more.

    The upper bits of each key are sorted with its place in the lower ones, which takes two thirds of the time of an argsort.
    """
    places = np.uint64((1 << len(keys).bit_length()) - 1)
    packed = keys & ~places | np.arange(len(keys), dtype=np.uint64)
    packed.sort()
    shared = np.zeros(len(keys), dtype=np.bool_)
    same = packed[1:] ^ packed[:-1] <= places
    shared[1:] |= same
    shared[:-1] |= same
    return (packed[shared] & places).astype(np.int64)


def _anchor_pairs(documents: U64, first: npt.NDArray[np.int64], size: npt.NDArray[np.int64], most: int) -> Pairs:
    """Return the pairs of each document of a large bucket with the bucket's first few."""
    large = np.flatnonzero(size > most)
    pairs = [np.stack([documents[first[large] + anchor], documents[large]], axis=1) for anchor in range(BUCKET_ANCHORS)]
    return np.concatenate(pairs)


def distinct(pairs: Pairs) -> Pairs:
    """Return each pair once, the smaller document first, sorted."""
    low, high = pairs.min(axis=1), pairs.max(axis=1)
    if len(high) and high.max() < 1 << 32:  # both in one number, which sorts five times as fast
        packed = low[low != high] << np.uint64(32) | high[low != high]
        packed.sort()  # np.unique hashes first, ten times as slow
        packed = packed[np.concatenate([packed[:1] == packed[:1], packed[1:] != packed[:-1]])]
        return np.stack([packed >> np.uint64(32), packed & np.uint64(0xFFFFFFFF)], axis=1)
    order = np.lexsort((high, low))
    low, high = low[order], high[order]
    if len(low):
        fresh = np.concatenate([[True], (low[1:] != low[:-1]) | (high[1:] != high[:-1])]) & (low != high)
        low, high = low[fresh], high[fresh]
    return np.stack([low, high], axis=1)
