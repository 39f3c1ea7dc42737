"""An index of benchmark items: the runs of words that each of them consists of, in sorted arrays, to be looked up in any text.

A run of eight words is looked up with its numbers masked, so that an item is found whose numbers were changed too; the numbers are
compared afterwards.  A run of mostly numbers says nothing without them, so it keeps them.
"""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from filters.answers.numerals import WORDS as NUMBER_WORDS
from filters.latex_words import MASK, spelled
from filters.shingles import Ragged, gram_hashes, word_hashes

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
Bits = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

# Words that are matched together: s1 (arXiv 2501.19393) and PaLM (arXiv 2204.02311) look for 8 in a row.  An item of fewer is
# matched whole, one of under 3 only where it is the whole text: DeepSeekMath (arXiv 2402.03300, section 2.1) exempts these.
GRAM_WORDS = 8
LEAST_WORDS = 3
MOST_NUMBERS = GRAM_WORDS // 2  # a gram with more numbers keeps them: eight numbers in a row stand in every table
# A gram of more items is boilerplate and makes no run.  NeMo's TaskDecontamination leaves out an n-gram that hits over 10 times.
COMMON_ITEMS = 10
FILTER_BITS = 16  # of the bit table for each gram: a gram that is in no item passes it once in 16 times


class Item(NamedTuple):
    """One question of a benchmark."""

    benchmark: str
    id: str
    text: str


class Words(NamedTuple):
    """The words of texts, hashed: with their numbers, and with each number replaced by one mask."""

    exact: Ragged
    masked: Ragged

    @property
    def is_number(self) -> Mask:
        """Whether each word is a number."""
        numbers: Mask = self.masked.values == _mask()
        return numbers


def words_of(texts: Sequence[str]) -> Words:
    """Return the words of texts; numbers in words are numbers too."""
    both = [spelled(text) for text in texts]
    exact, masked = word_hashes([one.exact for one in both]), word_hashes([one.masked for one in both])
    names, digits = _number_words()
    place = np.minimum(np.searchsorted(names, masked.values), len(names) - 1)
    named = np.flatnonzero(names[place] == masked.values)
    exact.values[named] = digits[place[named]]
    masked.values[named] = _mask()
    return Words(exact, masked)


@functools.cache
def _mask() -> np.uint64:
    return np.uint64(word_hashes([MASK]).values[0])


@functools.cache
def _number_words() -> tuple[U64, U64]:
    """Return the sorted hashes of "one", "two", … and the hash of the digits of each."""
    names = word_hashes([" ".join(NUMBER_WORDS)]).values
    digits = word_hashes([" ".join(map(str, NUMBER_WORDS.values()))]).values
    order = np.argsort(names)
    return names[order], digits[order]


class Grams(NamedTuple):
    """The runs of eight words of texts: as they are looked up, and with their numbers."""

    looked_up: Ragged
    exact: U64  # as long as looked_up.values


def grams_of(words: Words) -> Grams:
    """Return the grams of texts, in order."""
    exact, masked = gram_hashes(words.exact, GRAM_WORDS), gram_hashes(words.masked, GRAM_WORDS)
    numbers = np.concatenate([[0], np.cumsum(words.is_number)])
    sizes = np.diff(masked.offsets)
    starts = np.repeat(words.masked.offsets[:-1] - masked.offsets[:-1], sizes) + np.arange(masked.offsets[-1])
    full = numbers[starts + GRAM_WORDS] - numbers[starts] > MOST_NUMBERS
    return Grams(Ragged(np.where(full, exact.values, masked.values), masked.offsets), exact.values)


@dataclasses.dataclass(frozen=True, eq=False)
class BenchmarkIndex:
    """The grams of all items, sorted by hash; picklable.  Items with the same words and numbers are one, the first."""

    items: tuple[tuple[str, str], ...]  # benchmark and id of each
    sizes: I64  # words of each
    numbers: Mask  # whether each word of the items is a number
    offsets: I64  # item i has the words offsets[i]:offsets[i + 1]
    hashes: U64  # sorted
    of_items: I64  # the item of each gram
    places: I64  # the word of the item at which it begins
    exact: U64  # the gram with its numbers
    common: Mask  # whether over COMMON_ITEMS items have it
    whole: Mapping[bytes, Sequence[int]]  # words of items of under LEAST_WORDS → the items
    short_sizes: tuple[int, ...]  # word counts of the items that are matched whole
    bits: Bits  # the bit table, indexed by a hash's low bits

    @classmethod
    def of(cls, items: Sequence[Item]) -> Self:
        """Return the index of some items."""
        words = words_of([item.text for item in items])
        items, words = _distinct(items, words)
        sizes = np.diff(words.exact.offsets)
        grams = grams_of(words)
        parts = [(grams.looked_up.values, grams.exact, *_owners(grams.looked_up))]
        short_sizes = tuple(np.unique(sizes[(sizes >= LEAST_WORDS) & (sizes < GRAM_WORDS)]).tolist())
        for size in short_sizes:
            runs = gram_hashes(words.exact, size)
            owners, places = _owners(runs)
            own = sizes[owners] == size
            parts.append((runs.values[own], runs.values[own], owners[own], places[own]))
        hashes, exact, owners, places = (np.concatenate(column) for column in zip(*parts, strict=True))
        order = np.lexsort((places, owners, hashes))
        hashes, exact, owners, places = hashes[order], exact[order], owners[order], places[order]
        return cls(
            items=tuple((item.benchmark, item.id) for item in items),
            sizes=sizes,
            numbers=words.is_number,
            offsets=words.exact.offsets,
            hashes=hashes,
            of_items=owners,
            places=places,
            exact=exact,
            common=_are_common(hashes, owners),
            whole=_whole(words.exact, sizes),
            short_sizes=short_sizes,
            bits=_bit_table(hashes),
        )

    @property
    def boilerplate(self) -> int:
        """How many different grams stand in over COMMON_ITEMS items."""
        return len(np.unique(self.hashes[self.common]))

    def passing(self, hashes: U64) -> I64:
        """Return the places of those hashes that the index holds."""
        slots = hashes & np.uint64(8 * len(self.bits) - 1)
        bits = self.bits[slots >> np.uint64(3)] >> (slots & np.uint64(7)).astype(np.uint8)
        likely = np.flatnonzero(bits & np.uint8(1))
        if not len(likely) or not len(self.hashes):
            return likely[:0]
        found = np.minimum(np.searchsorted(self.hashes, hashes[likely]), len(self.hashes) - 1)
        held: I64 = likely[self.hashes[found] == hashes[likely]]
        return held


def bytes_of(words: Ragged, document: int) -> bytes:
    """Return the words of a document as a key."""
    return words.values[words.offsets[document] : words.offsets[document + 1]].tobytes()


def _whole(words: Ragged, sizes: I64) -> dict[bytes, list[int]]:
    found: dict[bytes, list[int]] = {}
    for place in np.flatnonzero((sizes > 0) & (sizes < LEAST_WORDS)).tolist():
        found.setdefault(bytes_of(words, place), []).append(place)
    return found


def _distinct(items: Sequence[Item], words: Words) -> tuple[Sequence[Item], Words]:
    """Return the items without those of a benchmark whose words have come before in it."""
    first: dict[tuple[str, bytes], int] = {}
    for place, item in enumerate(items):
        first.setdefault((item.benchmark, bytes_of(words.exact, place)), place)
    if len(first) == len(items):
        return items, words
    kept = [items[place] for place in first.values()]
    return kept, words_of([item.text for item in kept])


def _owners(grams: Ragged) -> tuple[I64, I64]:
    """Return of each gram its document and its place there."""
    sizes = np.diff(grams.offsets)
    owners: I64 = np.repeat(np.arange(len(sizes)), sizes)
    places: I64 = np.arange(grams.offsets[-1]) - grams.offsets[:-1][owners]
    return owners, places


def _are_common(hashes: U64, owners: I64) -> Mask:
    """Return of sorted grams whether over COMMON_ITEMS items have them."""
    if not len(hashes):
        return np.zeros(0, dtype=np.bool_)
    new = np.concatenate([[True], hashes[1:] != hashes[:-1]])
    group = np.cumsum(new) - 1
    another = new | np.concatenate([[True], owners[1:] != owners[:-1]])
    holders: I64 = np.bincount(group, weights=another).astype(np.int64)
    common: Mask = (holders > COMMON_ITEMS)[group]
    return common


def _bit_table(hashes: U64) -> Bits:
    """Return a table with the bit of each hash's low bits set."""
    size = 1 << max(int(FILTER_BITS * len(hashes) - 1).bit_length(), 10)
    table = np.zeros(size // 8, dtype=np.uint8)
    slots = hashes & np.uint64(size - 1)
    np.bitwise_or.at(table, slots >> np.uint64(3), np.uint8(1) << (slots & np.uint64(7)).astype(np.uint8))
    return table
