"""Which documents are duplicates in truth: every pair of similarity FLOOR or more, by an exact join over all documents.

The sets are of five words in a row, a word a run of [a-z0-9] in lower case, compared as they are and not as hashes.  The join is
prefix filtering (Chaudhuri et al. 2006; PPJoin, Xiao et al. 2008, section 3): with its shingles in one order for all, rare ones
first, a set x of a pair with J >= t shares one of its first |x| - ceil(t |x|) + 1.  It knows nothing of what was planted.
"""

import collections
import functools
import hashlib
import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks import duplicate_corpus

FLOOR = 0.5
# Jaccard of the multisets of numbers, the rule that tells a reworded chain from another problem; the last ones are the same, too.
NUMBERS_ALIKE = 0.8
PAIRS_HELD = 1 << 23  # candidates in memory before they are made distinct
GRAM = duplicate_corpus.GRAM

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_WORD = re.compile("[a-z0-9]+")
_NUMBER = re.compile(r"\d+")


class Truth(NamedTuple):
    """All pairs of similarity FLOOR or more, the smaller document first, sorted."""

    pairs: Ints  # (pairs, 2)
    jaccard: npt.NDArray[np.float64]
    numbers_alike: Bools  # of each pair: whether it is one problem in other words


class _Sets(NamedTuple):
    """Shingles of all documents that two of them share, as ranks: document i has values[offsets[i]:offsets[i + 1]], ascending."""

    values: Ints
    offsets: Ints
    sizes: Ints  # of the whole sets, with the shingles that one document alone has
    distinct: int  # ranks are below this


def words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def exact(texts: Sequence[str], floor: float = FLOOR) -> Truth:
    """Return the truth.  A text of fewer than five words has no shingles and no pairs."""
    sets = _sets(texts)
    pairs = _candidates(sets, floor)
    jaccard = _jaccard(sets, pairs)
    reached = jaccard >= floor
    pairs = pairs[reached]
    return Truth(pairs, jaccard[reached], _numbers_alike(texts, pairs))


def _sets(texts: Sequence[str]) -> _Sets:
    shingles, owner = _shingles(texts)
    count = int(shingles.max(initial=0)) + 1
    held = np.unique(owner * count + shingles)  # each shingle once a document
    owner, shingles = held // count, held % count
    sizes = np.bincount(owner, minlength=len(texts))
    frequency = np.bincount(shingles, minlength=count)
    shared = frequency[shingles] > 1
    owner, shingles = owner[shared], shingles[shared]
    rank = np.empty(count, dtype=np.int64)
    rank[np.argsort(frequency, kind="stable")] = np.arange(count)
    values = np.sort(owner * count + rank[shingles]) % count
    offsets = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=len(texts)))])
    return _Sets(values, offsets, sizes, count)


def _shingles(texts: Sequence[str]) -> tuple[Ints, Ints]:
    """Return a number for each run of five words of each text, the same for the same words, and the text it is of."""
    numbers: dict[str, int] = {}
    found = [np.array([numbers.setdefault(word, len(numbers)) for word in words(text)], dtype=np.int64) for text in texts]
    owner = np.repeat(np.arange(len(texts)), [len(one) for one in found])
    flat = np.concatenate([*found, np.zeros(0, dtype=np.int64)])
    if len(flat) < GRAM:
        return flat[:0], owner[:0]
    twos = _numbered(flat[:-1], flat[1:])
    fours = _numbered(twos[:-2], twos[2:])
    fives = _numbered(fours[:-1], flat[4:])
    within = owner[4:] == owner[:-4]
    return fives[within], owner[4:][within]


def _numbered(first: Ints, second: Ints) -> Ints:
    """Return a number for each pair of numbers, the same for the same pair."""
    numbered: Ints = np.unique(first * (int(second.max()) + 1) + second, return_inverse=True)[1]
    return numbered


def _candidates(sets: _Sets, floor: float) -> Ints:
    """Return the pairs that share a shingle of both their prefixes and whose sizes allow the floor."""
    held = np.diff(sets.offsets)
    prefix = sets.sizes - np.ceil(floor * sets.sizes).astype(np.int64) + 1
    lengths = np.clip(prefix - (sets.sizes - held), 0, held)  # the shingles of one document alone are the rarest, so the first
    owner = np.repeat(np.arange(len(held)), lengths)
    shingles = sets.values[_places(sets.offsets[:-1], lengths)]
    order = np.lexsort((owner, shingles))
    owner, shingles = owner[order], shingles[order]
    keys: list[Ints] = []
    distinct = np.zeros(0, dtype=np.int64)
    left, distance = np.arange(len(owner)), 1
    while len(left := left[left + distance < len(owner)]) and len(left := left[shingles[left] == shingles[left + distance]]):
        one, other = owner[left], owner[left + distance]
        small, large = np.minimum(sets.sizes[one], sets.sizes[other]), np.maximum(sets.sizes[one], sets.sizes[other])
        keys.append((one * len(held) + other)[small >= floor * large])
        if sum(map(len, keys)) > PAIRS_HELD:
            distinct, keys = np.unique(np.concatenate([distinct, *keys])), []
        distance += 1
    distinct = np.unique(np.concatenate([distinct, *keys]))
    return np.stack([distinct // len(held), distinct % len(held)], axis=1)


def _places(starts: Ints, lengths: Ints) -> Ints:
    """Return start, start + 1, … of each run, one run after the other."""
    ends = np.cumsum(lengths)
    return np.repeat(starts - (ends - lengths), lengths) + np.arange(int(lengths.sum()))


def _jaccard(sets: _Sets, pairs: Ints) -> npt.NDArray[np.float64]:
    is_in = np.zeros(sets.distinct, dtype=np.bool_)
    shared = np.zeros(len(pairs), dtype=np.int64)
    firsts, begins = np.unique(pairs[:, 0], return_index=True)
    ends = np.append(begins, len(pairs))[1:]
    for first, begin, end in zip(firsts, begins, ends, strict=True):
        own = sets.values[sets.offsets[first] : sets.offsets[first + 1]]
        others = pairs[begin:end, 1]
        lengths = sets.offsets[others + 1] - sets.offsets[others]  # none is 0: each shares a shingle
        is_in[own] = True
        hits = is_in[sets.values[_places(sets.offsets[others], lengths)]]
        shared[begin:end] = np.add.reduceat(hits, np.cumsum(lengths) - lengths, dtype=np.int64)
        is_in[own] = False
    jaccard: npt.NDArray[np.float64] = shared / (sets.sizes[pairs].sum(axis=1) - shared)
    return jaccard


def _numbers_alike(texts: Sequence[str], pairs: Ints) -> Bools:
    @functools.cache
    def numbers(document: int) -> "tuple[collections.Counter[str], list[str]]":
        found = _NUMBER.findall(texts[document])
        return collections.Counter(found), found[-1:]

    def alike(one: int, other: int) -> bool:
        (a, last), (b, also) = numbers(one), numbers(other)
        return not (a or b) or (last == also and (a & b).total() / (a | b).total() >= NUMBERS_ALIKE)

    return np.array([alike(one, other) for one, other in pairs.tolist()], dtype=np.bool_)


def truth_of(corpus: Path, texts: Sequence[str]) -> Truth:
    """Return the truth of a written corpus, kept beside it."""
    version = hashlib.blake2b(Path(__file__).read_bytes(), digest_size=8).hexdigest()
    path = corpus.with_name(f"truth-{version}.npz")
    if not path.exists():
        np.savez(path, **exact(texts)._asdict())
    with np.load(path) as held:
        return Truth(*(held[name] for name in Truth._fields))


class Score(NamedTuple):
    """How well the removed documents fit the truth.  Shares are 1 where there is nothing to share."""

    removed: int
    recall: float  # of the true pairs, those that are no longer both there
    lost: int  # true pairs that are still both there
    precision: float  # of the removed, those that have a true duplicate
    strict: float  # of the removed, those of which a true duplicate is still there
    changed: int  # removed although only their numbers' rule tells them from another; in none of the shares
    wrong: int  # removed without a true duplicate


def score(truth: Truth, removed: Bools, threshold: float) -> Score:
    """Return how well a set of removed documents fits the truth.

    A true pair has the threshold's similarity and like numbers.  A document whose only pairs of that similarity have other numbers
    is another problem: it is counted apart, since a method that compares texts alone cannot know better.
    """
    near = truth.jaccard >= threshold
    true, unlike = truth.pairs[near & truth.numbers_alike], truth.pairs[near & ~truth.numbers_alike]
    has_true, has_unlike, survives = (np.zeros(len(removed), dtype=np.bool_) for _ in range(3))
    has_true[true], has_unlike[unlike] = True, True
    for one, other in (true.T, true.T[::-1]):
        survives[one[~removed[other]]] = True
    changed = removed & has_unlike & ~has_true
    judged = removed & ~changed
    count = int(judged.sum())
    parted = removed[true].any(axis=1)
    return Score(
        int(removed.sum()),
        float(parted.mean()) if len(true) else 1.0,
        int(np.count_nonzero(~parted)),
        float((judged & has_true).sum() / count) if count else 1.0,
        float((judged & survives).sum() / count) if count else 1.0,
        int(changed.sum()),
        int((judged & ~has_true).sum()),
    )


def bins(truth: Truth, edges: Sequence[float]) -> Iterator[tuple[float, float, Bools]]:
    """Yield each span of similarities with which pairs of like numbers lie in it."""
    for low, high in itertools.pairwise(edges):
        yield low, high, truth.numbers_alike & (truth.jaccard >= low) & (truth.jaccard < high)
