"""Contamination: which items of benchmarks a text holds, annotation `contamination_v3`.

It is containment, not similarity: an item is found in a text of any length.  Paraphrases are not found, as by no n-gram.
"""

import collections
import itertools
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from filters.benchmark_index import GRAM_WORDS, I64, U64, BenchmarkIndex, Mask, Words, bytes_of, grams_of, words_of
from filters.shingles import batches, gram_hashes
from schemas.annotation import Contamination

NAME = "contamination_v3"  # its words, grams and thresholds; a change of any gets a new version

SHARE = 0.5  # of an item's own words under matched grams: Tülu 3 (arXiv 2411.15124, section 3.2): 8-grams, 50 % of the tokens
# Or so many words in one row: GPT-3 (arXiv 2005.14165, appendix C).  The longest span says more than the union (arXiv 2411.03923).
RUN_WORDS = 13
# A copy keeps so many of the item's numbers under its grams, a variant fewer.  Measured on GSM8K's 1,319 test questions: written in
# another way all keep every number; with one number changed 1,282 of 1,296 are under this, with half or all changed every one.
NUMBERS_KEPT = 0.9
# Of a variant's words, where no run is long: without numbers grams say less.  Measured among MATH-500's own items: 44 pairs have
# SHARE, most by common words ("Express your answer as a common fraction"); 14 have this or a long run.
VARIANT_SHARE = 0.8
VARIANTS = 8  # of one benchmark that are named of a text, the nearest: a benchmark may hold hundreds of one template

Field = Literal["question", "chain"]


def contamination(texts: Sequence[str], index: BenchmarkIndex, field: Field = "question") -> list[list[Contamination]]:
    """Return for each text the items that it holds, in the order of the index: every copy, and the nearest variants."""
    return [hits for first, last in batches(texts) for hits in _of_batch(texts[first:last], index, field)]


def _of_batch(texts: Sequence[str], index: BenchmarkIndex, field: Field) -> list[list[Contamination]]:
    words = words_of(texts)
    grams = grams_of(words)
    held = _held(index, words, grams.looked_up.values, grams.looked_up.offsets)
    found: list[list[Contamination]] = []
    for text in range(len(texts)):
        hits = [
            Contamination(*index.items[item], "copy", 1.0, int(index.offsets[item + 1] - index.offsets[item]), field)
            for item in index.whole.get(bytes_of(words.exact, text), ())
        ]
        if text in held:
            exact = np.unique(grams.exact[grams.looked_up.offsets[text] : grams.looked_up.offsets[text + 1]])
            hits += _hits(index, held[text], exact, field)
        found.append(hits)
    return found


def _held(index: BenchmarkIndex, words: Words, looked_up: U64, offsets: I64) -> dict[int, U64]:
    """Return for each text that has any the grams that the index holds, each once."""
    runs = [(looked_up, offsets), *(gram_hashes(words.exact, size) for size in index.short_sizes)]
    held: dict[int, list[U64]] = collections.defaultdict(list)
    for hashes, starts in runs:
        places = index.passing(hashes)
        owners = np.searchsorted(starts, places, side="right") - 1
        bounds = [0, *(np.flatnonzero(np.diff(owners)) + 1).tolist(), len(owners)]
        for first, last in itertools.pairwise(bounds):
            if first < last:
                held[int(owners[first])].append(hashes[places[first:last]])
    return {text: np.unique(np.concatenate(parts)) for text, parts in held.items()}


def _hits(index: BenchmarkIndex, held: U64, exact: U64, field: Field) -> list[Contamination]:
    """Return the hits of one text, given its distinct grams that are in the index, and all of its grams with their numbers."""
    first, last = (np.searchsorted(index.hashes, held, side=side) for side in ("left", "right"))
    sizes = last - first
    entries = np.repeat(first - (np.cumsum(sizes) - sizes), sizes) + np.arange(int(sizes.sum()))
    found = _measured(index, np.sort(index.places[entries]), exact)
    hits = []
    for place in np.flatnonzero(found.is_copy | _nearest(found, index.benchmarks[found.items])).tolist():
        kind: Literal["copy", "variant"] = "copy" if found.is_copy[place] else "variant"
        overlap, run = float(found.overlaps[place]), int(found.runs[place])
        hits.append(Contamination(*index.items[int(found.items[place])], kind, overlap, run, field))
    return hits


class _Measured(NamedTuple):
    """What a text holds of items."""

    items: I64
    overlaps: npt.NDArray[np.float64]
    runs: I64
    is_copy: Mask
    is_variant: Mask


def _measured(index: BenchmarkIndex, places: I64, exact: U64) -> _Measured:
    """Return what matched grams make, given by their places in the index, in order.

    All items are measured at once, since thousands may have one template.
    """
    owners = np.searchsorted(index.offsets, places, side="right") - 1
    sizes = np.diff(index.offsets)
    ends = places + np.minimum(sizes[owners], GRAM_WORDS)
    is_first = np.diff(owners, prepend=-1) > 0
    first = np.flatnonzero(is_first)
    items = owners[first]
    kept = np.flatnonzero(np.isin(index.exact[places], exact))
    of_item = np.cumsum(is_first) - 1

    def covered(counts: I64, chosen: I64 | slice) -> I64:
        """Return how many of each item's words are under the chosen grams."""
        last = ends[chosen]
        new = np.maximum(places[chosen], np.concatenate([[0], last[:-1]])[: len(last)])  # words of the gram before count once
        return np.bincount(of_item[chosen], counts[last] - counts[new], len(items)).astype(np.int64)

    own, numbers = (counts[index.offsets[items + 1]] - counts[index.offsets[items]] for counts in (index.own, index.own_numbers))
    overlaps = covered(index.own, slice(None)) / own
    runs = _longest_runs(index.own, places, ends, first)
    seen, same = covered(index.own_numbers, slice(None)), covered(index.own_numbers, kept)
    is_hit = (overlaps >= SHARE) | (runs >= RUN_WORDS)
    # Where no number is covered, none is known to be the same: then nearly all words are.
    numbers_kept = np.where(seen > 0, same >= NUMBERS_KEPT * seen, (numbers == 0) | (overlaps >= VARIANT_SHARE))
    is_copy = is_hit & (numbers_kept | (sizes[items] < GRAM_WORDS))
    is_near = (overlaps >= VARIANT_SHARE) | (runs >= RUN_WORDS) | (covered(index.own, kept) >= SHARE * own)
    return _Measured(items, overlaps, runs, is_copy, is_hit & is_near & ~is_copy)


def _longest_runs(own: I64, places: I64, ends: I64, first: I64) -> I64:
    """Return of each item the most own words in a run of grams at consecutive places; its grams begin at `first`."""
    begins = np.diff(places, prepend=-2) > 1
    begins[first] = True
    starts = np.flatnonzero(begins)
    words = own[ends[np.append(starts[1:], len(places)) - 1]] - own[places[starts]]
    longest: I64 = np.maximum.reduceat(words, np.searchsorted(starts, first))
    return longest


def _nearest(found: _Measured, benchmarks: I64) -> Mask:
    """Return which are the nearest variants of each benchmark."""
    variants = np.flatnonzero(found.is_variant)
    order = variants[np.lexsort((-found.runs[variants], -found.overlaps[variants], benchmarks[variants]))]  # then in order
    ordered = benchmarks[order]
    nearest = np.zeros(len(benchmarks), dtype=np.bool_)
    nearest[order[np.arange(len(order)) - np.searchsorted(ordered, ordered) < VARIANTS]] = True
    return nearest
