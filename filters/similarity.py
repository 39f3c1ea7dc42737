"""How alike two documents are: an estimate that spares most comparisons, then the exact similarity of their texts."""

import hashlib
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from filters.shingles import I64, STEP, U8, U64, Bounds, Folded, Ragged, batches, finalize, fold, hash_words, shingle_hashes
from filters.signatures import PERMUTATIONS, Signatures, kernel

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Pair = tuple[npt.NDArray[Any], npt.NDArray[Any]]  # places in two arrays

GATE_SIGMAS = 3.0  # pairs whose estimate is further than this below the threshold are not compared exactly: one in 700 at it
NUMBERS_ALIKE = 0.8  # Jaccard of the two multisets of numbers: 1.0 for rewordings, .35 where half of the numbers changed (measured)
CHANCE = 1 / 256  # that the low bytes of two slots are equal where the slots are not
PAIRS_AT_ONCE = 1 << 14


def sketches(signed: Signatures) -> U8:
    """Return the low byte of each slot: a quarter of the bytes, all but the same estimate (b-bit minwise hashing, Li 2010)."""
    return signed.astype(np.uint8)


def may_match(one: U8, other: U8, pairs: Pair, threshold: float) -> Mask:
    """Return which pairs of rows of two arrays of sketches may be at or over the threshold."""
    gate = threshold - GATE_SIGMAS * math.sqrt(threshold * (1 - threshold) / PERMUTATIONS)
    equal = (gate * (1 - CHANCE) + CHANCE) * PERMUTATIONS
    passed = np.empty(len(pairs[0]), dtype=np.bool_)
    for first in range(0, len(passed), PAIRS_AT_ONCE):
        part = slice(first, first + PAIRS_AT_ONCE)
        passed[part] = np.count_nonzero(one[pairs[0][part]] == other[pairs[1][part]], axis=1) >= equal
    return passed


class Profiles(NamedTuple):
    """What texts are compared by: sets of 64-bit hashes, each document's sorted."""

    shingles: Ragged
    numbers: Ragged  # multisets: the second time that a number stands in a text has another hash than the first
    last: Ragged  # of each document one: its last number, which most chains end in as their answer


def profiles(texts: Sequence[str]) -> Profiles:
    """Return what texts are compared by."""
    parts = [texts[first:last] for first, last in batches(texts)]
    found = [(distinct(shingle_hashes(part)), *number_hashes(fold(part))) for part in parts]
    return Profiles(*(joined([one[place] for one in found]) for place in range(len(Profiles._fields))))


def joined(parts: Sequence[Ragged]) -> Ragged:
    """Return the documents of several arrays in one."""
    values = np.concatenate([np.zeros(0, np.uint64), *(part.values for part in parts)])
    sizes = np.concatenate([np.zeros(1, np.int64), *(np.diff(part.offsets) for part in parts)])
    return Ragged(values, np.cumsum(sizes))


def distinct(found: Ragged) -> Ragged:
    """Return each document's values sorted, each once."""
    values, offsets = _sorted(found)
    fresh = np.ones(len(values), dtype=np.bool_)
    fresh[1:] = values[1:] != values[:-1]
    fresh[offsets[:-1][offsets[:-1] < len(values)]] = True
    return Ragged(values[fresh], np.concatenate([[0], np.cumsum(fresh)])[offsets])


def _sorted(found: Ragged) -> Ragged:
    values = found.values.copy()
    for first, last in zip(found.offsets[:-1].tolist(), found.offsets[1:].tolist(), strict=True):
        values[first:last].sort()
    return Ragged(values, found.offsets)


# What before a number is part of it: its sign or operator, one space apart at most (2 + 3 is not 2 - 3), and what joins its digits.
_OPERATORS = np.isin(np.arange(256), np.frombuffer(b"+-*/<>^=", dtype=np.uint8))
_JOINS = np.isin(np.arange(256), np.frombuffer(b".,", dtype=np.uint8))
_SPACES = np.array([chr(byte).isspace() and byte < 128 for byte in range(256)])
_WRITTEN = {"-": ("−", "–"), "*": ("×", "·", "⋅", "\\times", "\\cdot"), "/": ("÷", "\\div")}  # one operator in other ways
_CURRENCIES = ("$", "\\$", "€", "£", "¥")  # they stand between a sign and its digits


def number_hashes(batch: Folded) -> tuple[Ragged, Ragged]:
    """Return the multiset of each text's numbers as hashes, sorted, and its last one.

    In the multiset a number is a run of digits, with what stands before it; the last one is whole, "1,200.50" as "1200.5".
    """
    data = batch.data
    digits = (data >= ord("0")) & (data <= ord("9"))
    edges = np.flatnonzero(digits[1:] != digits[:-1]) + 1
    starts, ends = edges[0::2], edges[1::2]
    offsets = np.searchsorted(starts, batch.starts)
    before = _before(data, digits, starts)
    hashes = hash_words(batch, Bounds(starts, ends, offsets)) + finalize(before + np.uint64(1))
    joins = (before == ord(".")) | (before == ord(","))
    whole = np.maximum.accumulate(np.where(joins, 0, starts))  # where the number begins that each run is of
    last = np.zeros(len(batch.starts) - 1, dtype=np.uint64)
    for document in np.flatnonzero(np.diff(offsets)).tolist():
        run = offsets[document + 1] - 1
        last[document] = _number_key(batch.text[whole[run] : ends[run]])
    return _counted(Ragged(hashes, offsets)), Ragged(last, np.arange(len(batch.starts)))


def _number_key(number: bytes) -> int:
    number = number.replace(b",", b"")
    number = number.rstrip(b"0").rstrip(b".") if b"." in number else number
    return int.from_bytes(hashlib.blake2b(number, digest_size=8).digest(), "little")


def _before(data: U8, digits: Mask, starts: I64) -> U64:
    """Return a number for what stands before each run of digits, 0 for nothing that counts."""
    places = starts - 1  # before a text is a zero byte, and eight are behind the last one
    found = np.where(_JOINS[data[places]] & digits[places - 1], data[places], 0).astype(np.uint64)
    sizes = np.zeros(len(places), dtype=np.int64)
    for mark in map(str.encode, _CURRENCIES):
        sizes[_ends(data, places, mark)] = len(mark)
    places -= sizes
    places -= _SPACES[data[places]]
    found = np.where(_OPERATORS[data[places]], data[places], found)
    for operator, marks in _WRITTEN.items():
        for mark in map(str.encode, marks):
            found[_ends(data, places, mark)] = ord(operator)
    return found


def _ends(data: U8, places: I64, mark: bytes) -> I64:
    """Return which of some places in the data are the last of a mark."""
    found = np.flatnonzero(data[places] == mark[-1])
    for back, byte in enumerate(reversed(mark[:-1]), 1):
        found = found[data[places[found] - back] == byte]
    return found


def _counted(found: Ragged) -> Ragged:
    """Return sets that hold each value of a multiset as often as it is there, under a hash of its own."""
    values, offsets = _sorted(found)
    fresh = np.ones(len(values), dtype=np.bool_)
    fresh[1:] = values[1:] != values[:-1]
    fresh[offsets[:-1][offsets[:-1] < len(values)]] = True
    starts = np.flatnonzero(fresh)
    times = np.arange(len(values)) - np.repeat(starts, np.diff(np.concatenate([starts, [len(values)]])))
    return _sorted(Ragged(finalize(values + times.astype(np.uint64) * STEP), offsets))


def jaccards(one: Ragged, other: Ragged, pairs: Pair) -> Floats:
    """Return the exact similarity of pairs of sets, 0 to 1; of two empty sets 0."""
    sizes = np.diff(one.offsets)[pairs[0]] + np.diff(other.offsets)[pairs[1]]
    shared = _shared(one, other, pairs)
    return shared / np.maximum(sizes - shared, 1)


def _shared(one: Ragged, other: Ragged, pairs: Pair) -> I64:
    """Return how many values pairs of sets share."""
    compiled = kernel(0)
    if compiled is not None:
        return compiled.shared(one, other, pairs)  # type: ignore[no-any-return]
    counts = np.empty(len(pairs[0]), dtype=np.int64)
    for place, (a, b) in enumerate(zip(pairs[0].tolist(), pairs[1].tolist(), strict=True)):
        sets = (one.values[one.offsets[a] : one.offsets[a + 1]], other.values[other.offsets[b] : other.offsets[b + 1]])
        both = np.concatenate(sets)
        both.sort()
        counts[place] = np.count_nonzero(both[1:] == both[:-1])
    return counts


def numbers_alike(one: Profiles, other: Profiles, pairs: Pair) -> Mask:
    """Return which pairs of texts have all but the same numbers and end in the same one, or have none at all."""
    none = (np.diff(one.numbers.offsets)[pairs[0]] == 0) & (np.diff(other.numbers.offsets)[pairs[1]] == 0)
    last = one.last.values[pairs[0]] == other.last.values[pairs[1]]
    alike: Mask = none | last & (jaccards(one.numbers, other.numbers, pairs) >= NUMBERS_ALIKE)
    return alike
