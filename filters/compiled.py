"""The compiled kernel of signatures: from the bounds of words to slots in one pass, bit for bit as filters/signatures.py.

Needs numba (extra `fast`).  Every constant and intermediate value has its width spelled out: numba makes 64 bits of 32 where two
types meet, and the bits would be others.
"""

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from filters.shingles import (
    APART,
    ASCII_CLASSES,
    MASKS,
    SHINGLE_WORDS,
    SINGLE,
    STEP,
    Folded,
    Ragged,
    chunks_of,
    classes_of,
    multipliers,
)

u32, u64 = np.uint32, np.uint64
_SHIFT = u64(33)
_ONE, _TWO = u64(0xFF51AFD7ED558CCD), u64(0xC4CEB9FE1A85EC53)
_FIRST, _SECOND = u32(0x85EBCA6B), u32(0xC2B2AE35)


@numba.njit(inline="always")
def _finalize(value: Any) -> Any:
    value = (value ^ (value >> _SHIFT)) * _ONE
    value = (value ^ (value >> _SHIFT)) * _TWO
    return value ^ (value >> _SHIFT)


@numba.njit(nogil=True, cache=True)
def _bound_ascii(data: Any, classes: Any, places: Any) -> Any:
    """Fill in where words of ASCII start and end, by the class of each byte; return how many places.  No branch, as in `_bound`."""
    count, before = 0, classes[data[0]]
    for place in range(len(data)):
        kind = classes[data[place]]
        places[count] = place
        count += kind != before
        before = kind
    return count


@numba.njit(nogil=True, cache=True)
def _bound(data: Any, classes: Any, starts: Any, ends: Any) -> Any:
    """Fill in where words start and end; return how many there are.  No branch: where words end, none can be foreseen."""
    started = ended = 0
    before = classes[0]
    for place in range(len(classes)):
        kind = classes[place]
        edge = (kind != before) | ((kind == SINGLE) & (data[place] >= 0xC0))
        starts[started] = place
        ends[ended] = place
        started += edge & (kind != APART)
        ended += edge & (before != APART)
        before = kind
    return started


@numba.njit(nogil=True, cache=True)
def _hash_words(chunks: Any, starts: Any, ends: Any, masks: Any, step: Any, hashes: Any) -> None:
    for word in range(len(starts)):
        place, left = starts[word], ends[word] - starts[word]
        value = _finalize(chunks[place] & masks[min(left, 8)])
        salt = step
        while left > 8:
            place += 8
            left -= 8
            value += _finalize((chunks[place] & masks[min(left, 8)]) + salt)
            salt += step
        hashes[word] = value


@numba.njit(nogil=True, cache=True)
def _premix(words: Any, first: Any, last: Any, factors: Any, mixed: Any) -> Any:
    """Fill `mixed` with the 32 bits of each shingle of a document; return how many."""
    size = min(last - first, len(factors))
    count = last - first - size + 1 if size else 0
    for place in range(count):
        value = u64(0)
        for step in range(size):
            value += words[first + place + step] * factors[step]
        half = u32(_finalize(value) >> u64(32))
        half = u32(u32(half ^ (half >> u32(16))) * _FIRST)
        half = u32(u32(half ^ (half >> u32(13))) * _SECOND)
        mixed[place] = u32(half ^ (half >> u32(16)))
    return count


@numba.njit(nogil=True, cache=True)
def _sign(words: Any, offsets: Any, factors: Any, a: Any, b: Any, mixed: Any, slots: Any) -> None:
    for document in range(len(offsets) - 1):
        count = _premix(words, offsets[document], offsets[document + 1], factors, mixed)
        padded = (count + 3) // 4 * 4
        row = slots[document]
        for k in range(len(row)):
            row[k] = u32(0xFFFFFFFF)
        for place in range(count, padded):
            mixed[place] = mixed[count - 1]
        for place in range(0, padded, 4):
            one, two, three, four = mixed[place], mixed[place + 1], mixed[place + 2], mixed[place + 3]
            for k in range(len(row)):
                low = min(u32(u32(a[k] * one) + b[k]), u32(u32(a[k] * two) + b[k]))
                high = min(u32(u32(a[k] * three) + b[k]), u32(u32(a[k] * four) + b[k]))
                row[k] = min(row[k], min(low, high))


_CLASSES = np.frombuffer(ASCII_CLASSES, dtype=np.uint8)


def _bounds(batch: Folded) -> tuple[Any, Any]:
    """Return where words start and end."""
    if batch.text.isascii():
        places = np.empty(len(batch.text), dtype=np.int64)
        count = _bound_ascii(batch.data, _CLASSES, places)
        return places[0:count:2], places[1:count:2]
    starts, ends = np.empty((2, len(batch.text)), dtype=np.int64)
    count = _bound(batch.data, classes_of(batch), starts, ends)
    return starts[:count], ends[:count]


def sign(batch: Folded, a: npt.NDArray[np.uint32], b: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """Return the signatures of folded texts, by permutations a * h + b."""
    starts, ends = _bounds(batch)
    hashes = np.empty(len(starts), dtype=np.uint64)
    _hash_words(chunks_of(batch), starts, ends, MASKS, STEP, hashes)
    offsets = np.searchsorted(starts, batch.starts)
    mixed = np.empty(int(np.diff(offsets).max(initial=0)) + 3, dtype=np.uint32)
    slots = np.empty((len(offsets) - 1, len(a)), dtype=np.uint32)
    _sign(hashes, offsets, multipliers(SHINGLE_WORDS), a, b, mixed, slots)
    return slots


@numba.njit(nogil=True, cache=True)
def _count_shared(a: Any, a_offsets: Any, b: Any, b_offsets: Any, first: Any, second: Any, counts: Any) -> None:
    for pair in range(len(first)):
        i, j = a_offsets[first[pair]], b_offsets[second[pair]]
        i_end, j_end = a_offsets[first[pair] + 1], b_offsets[second[pair] + 1]
        count = 0
        while i < i_end and j < j_end:
            x, y = a[i], b[j]
            count += x == y
            i += x <= y
            j += y <= x
        counts[pair] = count


def shared(one: Ragged, other: Ragged, pairs: tuple[npt.NDArray[Any], npt.NDArray[Any]]) -> npt.NDArray[np.int64]:
    """Return how many values pairs of sorted sets share."""
    counts = np.empty(len(pairs[0]), dtype=np.int64)
    first, second = (np.asarray(places, dtype=np.int64) for places in pairs)
    _count_shared(one.values, one.offsets, other.values, other.offsets, first, second, counts)
    return counts
