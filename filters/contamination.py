"""Contamination: which items of benchmarks a text holds, annotation `contamination_v1`.

It is containment, not similarity: an item is found in a text of any length.  Paraphrases are not found, as by no n-gram.
"""

import collections
import itertools
from collections.abc import Sequence
from typing import Literal

import numpy as np

from filters.benchmark_index import GRAM_WORDS, I64, U64, BenchmarkIndex, Mask, Words, bytes_of, grams_of, words_of
from filters.shingles import batches, gram_hashes
from schemas.annotation import Contamination

NAME = "contamination_v1"  # its words, grams and thresholds; a change of any gets a new version

SHARE = 0.5  # of an item's words under matched grams: Tülu 3 (arXiv 2411.15124, section 3.2): 8-grams, 50 % of the tokens
# Or so many words in one row: GPT-3 (arXiv 2005.14165, appendix C).  The longest span says more than the union (arXiv 2411.03923).
RUN_WORDS = 13
RUN_GRAMS = RUN_WORDS - GRAM_WORDS + 1
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
            _hit(index, item, 1.0, int(index.sizes[item]), "copy", field)
            for item in index.whole.get(bytes_of(words.exact, text), ())
        ]
        if text in held:
            exact = np.unique(grams.exact[grams.looked_up.offsets[text] : grams.looked_up.offsets[text + 1]])
            hits += _nearest(_hits(index, held[text], exact, field))
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
    entries = entries[np.lexsort((index.places[entries], index.of_items[entries]))]
    items, starts, counts = np.unique(index.of_items[entries], return_index=True, return_counts=True)
    least = np.minimum(np.ceil(SHARE * index.sizes[items] / GRAM_WORDS), RUN_GRAMS)
    hits = []
    for place in np.flatnonzero(counts >= least).tolist():
        hit = _measured(index, int(items[place]), entries[starts[place] : starts[place] + counts[place]], exact, field)
        if hit is not None:
            hits.append(hit)
    return hits


def _measured(index: BenchmarkIndex, item: int, entries: I64, exact: U64, field: Field) -> Contamination | None:
    """Return the hit that an item's matched grams make, given by their entries in the index; None where they are too few."""
    words = int(index.sizes[item])
    size = min(words, GRAM_WORDS)
    places = index.places[entries]
    covered = _covered(places, size, words)
    overlap = float(np.mean(covered))
    longest, telling = _longest_run(places, index.common[entries], size)
    if overlap < SHARE and telling < RUN_GRAMS:
        return None
    if size < GRAM_WORDS:
        return _hit(index, item, overlap, longest, "copy", field)
    with_numbers = _covered(places[np.isin(index.exact[entries], exact)], size, words)
    numbers = covered & index.numbers[index.offsets[item] : index.offsets[item + 1]]
    if (numbers & with_numbers).sum() >= NUMBERS_KEPT * numbers.sum():
        return _hit(index, item, overlap, longest, "copy", field)
    is_variant = overlap >= VARIANT_SHARE or telling >= RUN_GRAMS or np.mean(with_numbers) >= SHARE
    return _hit(index, item, overlap, longest, "variant", field) if is_variant else None


def _covered(places: I64, size: int, words: int) -> Mask:
    """Return which of an item's words are under a gram of `size` words that begins at one of the places."""
    edges = np.zeros(words + 1, dtype=np.int64)
    edges[places] += 1
    edges[places + size] -= 1
    covered: Mask = np.cumsum(edges)[:-1] > 0
    return covered


def _longest_run(places: I64, common: Mask, size: int) -> tuple[int, int]:
    """Return the words of the longest run of grams at consecutive places, and the most grams in a run that are not common."""
    ends = np.append(np.flatnonzero(np.diff(places) > 1) + 1, len(places))
    starts = np.concatenate([[0], ends[:-1]])
    telling = np.concatenate([[0], np.cumsum(~common)])
    return int((ends - starts).max()) + size - 1, int((telling[ends] - telling[starts]).max())


def _hit(
    index: BenchmarkIndex, item: int, overlap: float, run: int, kind: Literal["copy", "variant"], field: Field
) -> Contamination:
    return Contamination(*index.items[item], kind, overlap, run, field)


def _nearest(hits: list[Contamination]) -> list[Contamination]:
    """Return the hits without the further variants of benchmarks that have many."""
    left = dict.fromkeys({hit.benchmark for hit in hits}, VARIANTS)
    kept = set()
    for place in sorted(range(len(hits)), key=lambda place: (-hits[place].overlap, -hits[place].longest_run, place)):
        if hits[place].kind == "copy":
            kept.add(place)
        elif left[hits[place].benchmark]:
            left[hits[place].benchmark] -= 1
            kept.add(place)
    return [hit for place, hit in enumerate(hits) if place in kept]
