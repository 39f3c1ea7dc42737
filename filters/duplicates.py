"""Who is a copy of whom: candidates from equal bands, then exact similarity, then survivors by quality.

Every removed row has a kept row at or over the threshold, none is removed through a chain of others, and the order of
the rows does not matter.
"""

import collections
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from filters import fingerprints
from schemas.annotation import Duplicate

U64 = npt.NDArray[np.uint64]
Pairs = npt.NDArray[np.uint64]  # (pairs, 2): document numbers, the smaller first

RECALL = 0.9975  # chance that a pair exactly at the threshold becomes a candidate; gives 20 bands of 6 rows at .8
GATE_SIGMAS = 3.0  # pairs whose estimate is further than this below the threshold are not compared exactly
NUMBERS_ALIKE = 0.8  # Jaccard of the two multisets of numbers: 1.0 for rewordings, .35 where half of the numbers changed (measured)
BUCKET_ALL_PAIRS = (
    200  # a larger bucket is never squared: anchors and a window instead (measured recall .9996 with 13 such buckets)
)
BUCKET_ANCHORS = 8
BUCKET_WINDOW = 8

_NUMBER = re.compile(r"[-+*/×÷<>^]?\s?\d+(?:[.,]\d+)*")  # with its sign or operator: 2 + 3 is not 2 - 3


class Bands(NamedTuple):
    """How signatures are cut: `number` bands of `rows` slots."""

    number: int
    rows: int


def bands_for(threshold: float) -> Bands:
    """Return the bands with the most rows (fewest false candidates) whose recall at the threshold is RECALL or more."""
    for rows in range(fingerprints.PERMUTATIONS, 1, -1):
        missed = 1 - threshold**rows
        count = 1 if missed <= 0 else math.ceil(math.log(1 - RECALL) / math.log(missed)) if missed < 1 else 0
        if 0 < count * rows <= fingerprints.PERMUTATIONS:
            return Bands(count, rows)
    return Bands(fingerprints.PERMUTATIONS, 1)


def band_keys(signatures: fingerprints.Signatures, bands: Bands) -> U64:
    """Return 64-bit keys (documents, bands); equal keys mean equal bands, and the band's number is mixed in."""
    used = signatures[:, : bands.number * bands.rows].reshape(len(signatures), bands.number, bands.rows)
    keys = np.broadcast_to(np.arange(1, bands.number + 1, dtype=np.uint64), used.shape[:2]).copy()
    for row in range(bands.rows):
        keys = fingerprints.finalize(keys * np.uint64(0x9E3779B97F4A7C15) + used[:, :, row])
    return keys


def candidate_pairs(keys: U64, documents: U64) -> Pairs:
    """Return the distinct pairs of documents that share a key.  Both arrays have one entry for each band of each document."""
    order = np.lexsort((documents, keys))
    keys, documents = keys[order], documents[order]
    first = np.searchsorted(keys, keys, side="left")
    size = np.searchsorted(keys, keys, side="right") - first
    found = [_anchor_pairs(documents, first, size)]
    left = np.flatnonzero(size > 1)
    for distance in range(1, BUCKET_ALL_PAIRS):
        left = left[left + distance < len(keys)]
        left = left[keys[left] == keys[left + distance]]
        if distance > BUCKET_WINDOW:
            left = left[size[left] <= BUCKET_ALL_PAIRS]
        if not len(left):
            break
        found.append(np.stack([documents[left], documents[left + distance]], axis=1))
    return distinct(np.concatenate(found))


def _anchor_pairs(documents: U64, first: npt.NDArray[Any], size: npt.NDArray[Any]) -> Pairs:
    """Return the pairs of each document of a large bucket with the bucket's first few."""
    large = np.flatnonzero(size > BUCKET_ALL_PAIRS)
    pairs = [np.stack([documents[first[large] + anchor], documents[large]], axis=1) for anchor in range(BUCKET_ANCHORS)]
    return np.concatenate(pairs)


def distinct(pairs: Pairs) -> Pairs:
    """Return each pair once, the smaller document first, sorted."""
    pairs = np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1)
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    if not len(pairs):
        return pairs
    first: Pairs = pairs[np.concatenate([[True], (pairs[1:] != pairs[:-1]).any(axis=1)])]
    return first


class Document(NamedTuple):
    """A document that shares a band with another."""

    id: str
    text: str
    answer: str | None  # documents with different answers are no copies; None is not compared
    rank: tuple[Any, ...]  # the smaller is the better one to keep; ids break ties
    fingerprint: bytes
    signature: bytes


def resolve(documents: Mapping[int, Document], pairs: Pairs, threshold: float) -> dict[int, Duplicate]:
    """Return the documents that are copies, each with the kept document that stands for it."""
    best = _best_of_each_text(documents)
    edges = _verified_edges(documents, best, pairs, threshold)
    order = sorted(set(best.values()), key=lambda number: (documents[number].rank, documents[number].id))
    removed: dict[int, Duplicate] = {}
    for number in order:
        kept = [other for other in edges[number] if other not in removed and _better(documents, other, number)]
        if kept:
            nearest = min(kept, key=lambda other: (-edges[number][other], documents[other].id))
            same = documents[nearest].fingerprint == documents[number].fingerprint
            removed[number] = Duplicate("exact" if same else "near", documents[nearest].id, edges[number][nearest])
    for number, stands_for in best.items():
        if number != stands_for:
            removed[number] = removed.get(stands_for) or Duplicate("exact", documents[stands_for].id, 1.0)
    return removed


def _better(documents: Mapping[int, Document], one: int, other: int) -> bool:
    return (documents[one].rank, documents[one].id) < (documents[other].rank, documents[other].id)


def _best_of_each_text(documents: Mapping[int, Document]) -> dict[int, int]:
    """Return for each document the best one with the same text and an answer that is the same."""
    same: dict[tuple[bytes, str | None], list[int]] = collections.defaultdict(list)
    for number, document in documents.items():
        same[document.fingerprint, document.answer].append(number)
    best = {}
    for numbers in same.values():
        first = min(numbers, key=lambda number: (documents[number].rank, documents[number].id))
        best.update(dict.fromkeys(numbers, first))
    return best


def _verified_edges(
    documents: Mapping[int, Document], best: Mapping[int, int], pairs: Pairs, threshold: float
) -> dict[int, dict[int, float]]:
    edges: dict[int, dict[int, float]] = collections.defaultdict(dict)
    texts = _Texts(documents)
    gate = threshold - GATE_SIGMAS * math.sqrt(threshold * (1 - threshold) / fingerprints.PERMUTATIONS)
    for one, other in {(best[int(a)], best[int(b)]) for a, b in pairs}:
        if one == other or other in edges[one] or not texts.may_match(one, other, gate):
            continue
        jaccard = texts.jaccard(one, other)
        if jaccard >= threshold and texts.numbers_alike(one, other):
            edges[one][other] = edges[other][one] = jaccard
    return edges


class _Texts:
    """Shingles and numbers of the documents that are compared, each read once."""

    def __init__(self, documents: Mapping[int, Document]) -> None:
        self._documents = documents
        self._shingles: dict[int, fingerprints.Hashes] = {}
        self._numbers: dict[int, collections.Counter[str]] = {}

    def may_match(self, one: int, other: int, gate: float) -> bool:
        a, b = self._documents[one], self._documents[other]
        if a.answer is not None and b.answer is not None and a.answer != b.answer:
            return False
        slots = fingerprints.as_matrix([a.signature, b.signature])
        return float(np.mean(slots[0] == slots[1])) >= gate

    def jaccard(self, one: int, other: int) -> float:
        if self._documents[one].fingerprint == self._documents[other].fingerprint:
            return 1.0
        a, b = self._shingles_of(one), self._shingles_of(other)
        shared = len(np.intersect1d(a, b, assume_unique=True))
        return shared / (len(a) + len(b) - shared) if shared else 0.0

    def _shingles_of(self, number: int) -> fingerprints.Hashes:
        if number not in self._shingles:
            self._shingles[number] = fingerprints.shingle_hashes(self._documents[number].text)
        return self._shingles[number]

    def numbers_alike(self, one: int, other: int) -> bool:
        a, b = self._numbers_of(one), self._numbers_of(other)
        return not (a or b) or (a & b).total() / (a | b).total() >= NUMBERS_ALIKE

    def _numbers_of(self, number: int) -> "collections.Counter[str]":
        if number not in self._numbers:
            self._numbers[number] = collections.Counter(
                "".join(one.split()) for one in _NUMBER.findall(self._documents[number].text)
            )
        return self._numbers[number]


class Row(NamedTuple):
    """A row of anyone's file, for `find`."""

    id: str
    text: str
    group: str | None = None  # rows of a group are compared whatever their bands say: all pairs up to BUCKET_ALL_PAIRS rows
    answer: str | None = None
    quality: float = 0.0  # the higher is kept


def find(rows: Sequence[Row], threshold: float) -> list[Duplicate | None]:
    """Return for each row who stands for it, None where it is kept.  Quality decides, then the shorter text, then the id."""
    texts = [row.text for row in rows]
    packed = fingerprints.signatures(texts)
    prints = fingerprints.fingerprints(texts)
    matrix = fingerprints.as_matrix(packed)
    numbers = np.arange(len(rows), dtype=np.uint64)
    keys = band_keys(matrix, bands_for(threshold))
    pairs = candidate_pairs(keys.ravel(), np.repeat(numbers, keys.shape[1]))
    groups = np.array([_group_key(row.group, index) for index, row in enumerate(rows)], dtype=np.uint64)
    pairs = distinct(np.concatenate([pairs, candidate_pairs(groups, numbers)]))
    documents = {
        int(number): Document(row.id, row.text, row.answer, (-row.quality, len(row.text)), prints[int(number)], packed[int(number)])
        for number in np.unique(pairs)
        for row in (rows[int(number)],)
    }
    found = resolve(documents, pairs, threshold)
    return [found.get(index) for index in range(len(rows))]


def _group_key(group: str | None, index: int) -> int:
    return fingerprints.word_hash(f"row {index}" if group is None else f"group {group}")
