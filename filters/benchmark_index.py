"""An index of benchmark items: the runs of words that each of them consists of, in sorted arrays, to be looked up in any text.

A run of eight words is looked up with its numbers masked, so that an item is found whose numbers were changed too; the numbers are
compared afterwards.  A run of mostly numbers says nothing without them, so it keeps them.
"""

import dataclasses
import functools
from collections.abc import Hashable, Mapping, Sequence
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
# A gram of more items, with the same numbers, is common: an instruction around every item.  It says of no item that it is there.
# NeMo's TaskDecontamination leaves out an n-gram that hits over 10 times.
COMMON_ITEMS = 10
# Of the items of a small benchmark, too: what most of them share is around them, not asked.  Two of three may be one question in
# two versions, so a benchmark of fewer than 4 shows no such thing.
COMMON_SHARE = 0.5
LEAST_ITEMS = 4
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
    """The grams of all items that are not common, sorted by hash; picklable.

    Items with the same words and numbers are one, the first.  All words lie in one row: item i has those from offsets[i] to
    offsets[i + 1].
    """

    items: tuple[tuple[str, str], ...]  # benchmark and id of each
    benchmarks: I64  # a number for the benchmark of each
    offsets: I64
    own: I64  # how many words before each are an item's own, of which shares are
    own_numbers: I64  # how many of these are numbers
    hashes: U64  # sorted
    places: I64  # the word at which each gram begins
    exact: U64  # of each word the gram that begins at it, with its numbers
    boilerplate: int  # how many different grams are common
    too_few: tuple[
        str, ...
    ]  # benchmarks of fewer than LEAST_ITEMS whose items share grams, which may be an instruction around them
    whole: Mapping[bytes, Sequence[int]]  # words of items that can be found only as a whole text → the items
    short_sizes: tuple[int, ...]  # word counts of the items that are matched whole
    bits: Bits  # the bit table, indexed by a hash's low bits

    @classmethod
    def of(cls, items: Sequence[Item]) -> Self:
        """Return the index of some items."""
        words = words_of([item.text for item in items])
        items, words = _distinct(items, words)
        offsets = words.exact.offsets
        sizes = np.diff(offsets)
        grams = grams_of(words)
        owners, places = _owners(grams.looked_up, offsets)
        benchmarks = _numbered([item.benchmark for item in items])
        texts = _numbered([bytes_of(words.exact, item) for item in range(len(items))])
        common, too_few = _are_common(grams.exact, owners, texts, benchmarks)
        hashes, begin = [grams.looked_up.values[~common]], [places[~common]]
        exact = np.zeros(offsets[-1], dtype=np.uint64)
        exact[places] = grams.exact
        short_sizes = tuple(np.unique(sizes[(sizes >= LEAST_WORDS) & (sizes < GRAM_WORDS)]).tolist())
        for size in short_sizes:
            runs = gram_hashes(words.exact, size)
            owners, starts = _owners(runs, offsets)
            mine = sizes[owners] == size
            exact[starts[mine]] = runs.values[mine]
            hashes.append(runs.values[mine])
            begin.append(starts[mine])
        order = np.lexsort((np.concatenate(begin), np.concatenate(hashes)))
        own = _own(offsets, places[common], places[~common])
        return cls(
            items=tuple((item.benchmark, item.id) for item in items),
            benchmarks=benchmarks,
            offsets=offsets,
            own=_counted(own),
            own_numbers=_counted(own & words.is_number),
            hashes=np.concatenate(hashes)[order],
            places=np.concatenate(begin)[order],
            exact=exact,
            boilerplate=len(np.unique(grams.exact[common])),
            too_few=tuple(sorted({items[np.flatnonzero(benchmarks == one)[0]].benchmark for one in too_few})),
            whole=_whole(words.exact, own),
            short_sizes=short_sizes,
            bits=_bit_table(np.concatenate(hashes)),
        )

    @property
    def without_own(self) -> list[tuple[str, str]]:
        """The items of which every gram is common: they are found only where they are the whole text."""
        long = np.diff(self.offsets) >= LEAST_WORDS
        return self._named(long & (np.diff(self.own[self.offsets]) == 0))

    @property
    def with_few_own(self) -> list[tuple[str, str]]:
        """The items of which all but a few words are common: a text with all others of their words does not hold them."""
        own, sizes = np.diff(self.own[self.offsets]), np.diff(self.offsets)
        return self._named((own > 0) & (own < np.minimum(sizes, GRAM_WORDS)))

    def _named(self, chosen: Mask) -> list[tuple[str, str]]:
        return [self.items[item] for item in np.flatnonzero(chosen).tolist()]

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


def _whole(words: Ragged, own: Mask) -> dict[bytes, list[int]]:
    sizes = np.diff(words.offsets)
    found: dict[bytes, list[int]] = {}
    for item in np.flatnonzero((sizes > 0) & ((sizes < LEAST_WORDS) | (_owned(own, words.offsets) == 0))).tolist():
        found.setdefault(bytes_of(words, item), []).append(item)
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


def _owners(grams: Ragged, offsets: I64) -> tuple[I64, I64]:
    """Return of each gram its document and the word at which it begins, where documents have the words of `offsets`."""
    sizes = np.diff(grams.offsets)
    owners: I64 = np.repeat(np.arange(len(sizes)), sizes)
    places: I64 = np.arange(grams.offsets[-1]) + (offsets[:-1] - grams.offsets[:-1])[owners]
    return owners, places


def _numbered(names: Sequence[Hashable]) -> I64:
    """Return a number for each name, equal for equal ones."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], dtype=np.int64)


def _are_common(exact: U64, owners: I64, texts: I64, benchmarks: I64) -> tuple[Mask, set[int]]:
    """Return whether over COMMON_ITEMS texts have each gram, or over COMMON_SHARE of a benchmark's items.

    A question that stands in many benchmarks is one text.  Also returns the benchmarks that share grams and are too small to tell.
    """
    if not len(exact):
        return np.zeros(0, dtype=np.bool_), set()
    _, grams = np.unique(exact, return_inverse=True)
    of_texts = np.unique(grams * len(texts) + texts[owners]) // len(texts)
    common: Mask = np.bincount(of_texts) > COMMON_ITEMS
    pairs = np.unique(grams * len(benchmarks) + owners)
    gram, benchmark = pairs // len(benchmarks), benchmarks[pairs % len(benchmarks)]
    of_benchmark, holders = np.unique(gram * (benchmarks.max() + 1) + benchmark, return_counts=True)
    sizes = np.bincount(benchmarks)[of_benchmark % (benchmarks.max() + 1)]
    shared = (sizes > 1) & (holders > COMMON_SHARE * sizes)
    many = sizes >= LEAST_ITEMS
    common[of_benchmark[shared & many] // (benchmarks.max() + 1)] = True
    return common[grams], set((of_benchmark[shared & ~many] % (benchmarks.max() + 1)).tolist())


def _own(offsets: I64, common: I64, others: I64) -> Mask:
    """Return which words are their item's own, given the places of grams: words under no common gram.

    Where an item has none, as one that is put together of clauses that many have: words under a gram that is not common.
    """
    own = ~_under(common, int(offsets[-1]))
    loosely = _under(others, len(own))
    none = np.repeat(_owned(own, offsets) == 0, np.diff(offsets))
    return np.where(none, loosely, own)


def _under(places: I64, words: int) -> Mask:
    """Return which words are under a gram that begins at one of the places."""
    edges = np.zeros(words + GRAM_WORDS, dtype=np.int64)
    np.add.at(edges, places, 1)
    np.add.at(edges, places + GRAM_WORDS, -1)
    under: Mask = np.cumsum(edges)[:words] > 0
    return under


def _owned(own: Mask, offsets: I64) -> I64:
    """Return how many words of each item are its own."""
    owned: I64 = np.diff(_counted(own)[offsets])
    return owned


def _counted(words: Mask) -> I64:
    """Return how many are before each, and in all."""
    return np.concatenate([[0], np.cumsum(words)])


def _bit_table(hashes: U64) -> Bits:
    """Return a table with the bit of each hash's low bits set."""
    size = 1 << max(int(FILTER_BITS * len(hashes) - 1).bit_length(), 10)
    table = np.zeros(size // 8, dtype=np.uint8)
    slots = hashes & np.uint64(size - 1)
    np.bitwise_or.at(table, slots >> np.uint64(3), np.uint8(1) << (slots & np.uint64(7)).astype(np.uint8))
    return table
