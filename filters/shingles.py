"""Words and shingles of many texts at once, as 64-bit hashes in flat arrays: what copies and contamination are found by.

A word is a run of letters and digits, case-folded, numbers as they stand; a script that is written without spaces has one word a
character.  A shingle is five words in a row: these keep different problems apart, where single words and short character grams
merge them, and masked numbers do so too (measured: one changed number leaves J = .954 on unmasked text, all numbers changed .350).
"""

import functools
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from filters.normalization import normalized

SHINGLE_WORDS = 5

U8 = npt.NDArray[np.uint8]
U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

# Han, Hiragana, Katakana, Hangul syllables, Thai, Lao, Myanmar, Khmer.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
_WORD = re.compile(f"(?=[{_UNSPACED}])[^\\W_]|[^\\W_{_UNSPACED}]+")
_WIDE_SPACE = re.compile("[\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")  # white space beyond ASCII

APART, WORD, SINGLE = 0, 1, 2  # classes of bytes: between words, of a word, of a character that is a word

BATCH_CHARACTERS = 1 << 18  # arrays of a batch stay in the cache (measured: 2,000 documents at once are 35 % slower than 256)

CHUNK = 8  # bytes that are hashed at once
STEP = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio: tells a word's chunks apart by their place


class Ragged(NamedTuple):
    """Values of many documents in one array: those of document i are values[offsets[i]:offsets[i + 1]]."""

    values: U64
    offsets: I64  # one more than there are documents


class Folded(NamedTuple):
    """Texts as they are compared: canonical Unicode without case, in UTF-8, each with a zero byte before and behind it."""

    text: bytes  # with eight more bytes at the end, so that eight can be read anywhere
    starts: I64  # document i is text[starts[i]:starts[i + 1] - 1]

    @property
    def data(self) -> U8:
        """The text as an array."""
        return np.frombuffer(self.text, dtype=np.uint8)


def batches(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield first and last (exclusive) of each run of texts that is worth one pass."""
    first, size = 0, 0
    for place, text in enumerate(texts):
        size += len(text)
        if size >= BATCH_CHARACTERS:
            yield first, place + 1
            first, size = place + 1, 0
    if first < len(texts):
        yield first, len(texts)


def fold(texts: Sequence[str]) -> Folded:
    """Return texts in the form in which two are compared."""
    encoded = [folded(text) for text in texts]
    starts = np.ones(len(texts) + 1, dtype=np.int64)
    np.cumsum(np.fromiter(map(len, encoded), np.int64, len(encoded)) + 1, out=starts[1:])
    starts[1:] += 1
    return Folded(b"\0".join([b"", *encoded, bytes(CHUNK)]), starts)


def folded(text: str) -> bytes:
    """Return one text as it is compared; white space beyond ASCII becomes a space."""
    if text.isascii():
        return text.lower().encode()
    return _WIDE_SPACE.sub(" ", normalized("NFC", text).casefold()).encode("utf-8", "surrogatepass")


def words(text: str) -> list[str]:
    """Return the words of a text: the definition that the arrays follow."""
    return _WORD.findall(folded(text).decode("utf-8", "surrogatepass"))


ASCII_CLASSES = bytes(WORD if byte >= 0x80 or chr(byte).isalnum() else APART for byte in range(256))


@functools.lru_cache(maxsize=1)
def _classes_of_characters() -> U8:
    """Return the class of every code point; made in a few hundredths of a second where a text is not ASCII."""
    classes = np.full(0x110000, APART, dtype=np.uint8)
    every = "".join(map(chr, range(0x110000)))
    for pattern, kind in (("[^\\W_]+", WORD), (f"(?=[{_UNSPACED}])[^\\W_]", SINGLE)):
        for found in re.finditer(pattern, every):
            classes[found.start() : found.end()] = kind
    return classes


class Bounds(NamedTuple):
    """Where the words of folded texts are: word j is data[starts[j]:ends[j]], word offsets[i] is the first of document i."""

    starts: I64
    ends: I64
    offsets: I64


def bounds(batch: Folded) -> Bounds:
    """Return the bounds of all words."""
    return bounds_of(batch, classes_of(batch))


def bounds_of(batch: Folded, classes: U8) -> Bounds:
    """Return the bounds of all words, given the class of each byte."""
    edges = classes[1:] != classes[:-1]
    singles = np.zeros(0, np.int64) if batch.text.isascii() else np.flatnonzero((classes == SINGLE) & (batch.data >= 0xC0))
    if len(singles):
        edges[singles - 1] = True
    places = np.flatnonzero(edges) + 1
    if len(singles):
        inside = classes[places[:-1]] != APART
        starts, ends = places[:-1][inside], places[1:][inside]
    else:
        starts, ends = places[0::2], places[1::2]  # the data begins and ends between words
    return Bounds(starts, ends, np.searchsorted(starts, batch.starts))


def classes_of(batch: Folded) -> U8:
    """Return the class of each byte; a character's bytes have one class."""
    classes = np.frombuffer(batch.text.translate(ASCII_CLASSES), dtype=np.uint8)
    if not batch.text.isascii():
        classes = classes.copy()
        _classify(batch.data, np.flatnonzero(batch.data >= 0xC0), classes)
    return classes


def _classify(data: U8, leads: I64, classes: U8) -> None:
    """Set the classes of characters beyond ASCII, given the places of their first bytes."""
    first = data[leads].astype(np.uint32)
    sizes = 2 + (first >= 0xE0).astype(np.int64) + (first >= 0xF0)
    points = first & np.array([0, 0, 0x1F, 0x0F, 0x07], dtype=np.uint32)[sizes]
    for place in range(1, 4):
        longer = sizes > place
        points[longer] = points[longer] << np.uint32(6) | data[leads[longer] + place] & 0x3F
    kinds = _classes_of_characters()[points]
    for place in range(4):
        longer = sizes > place
        classes[leads[longer] + place] = kinds[longer]


def finalize(hashes: U64) -> U64:
    """Mix 64-bit values: fmix64 of MurmurHash3 (Appleby), public domain constants."""
    shifted = hashes >> np.uint64(33)
    mixed = hashes ^ shifted
    for factor in (np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)):
        mixed *= factor
        np.right_shift(mixed, np.uint64(33), out=shifted)
        mixed ^= shifted
    return mixed


MASKS = np.array([(1 << 8 * size) - 1 for size in range(CHUNK + 1)], dtype=np.uint64)  # of the low bytes of a chunk


def word_hashes(texts: Sequence[str]) -> Ragged:
    """Return a 64-bit hash of each word, in the order of the texts."""
    batch = fold(texts)
    found = bounds(batch)
    return Ragged(hash_words(batch, found), found.offsets)


def chunks_of(batch: Folded) -> U64:
    """Return the eight bytes from each place on, as numbers."""
    return np.ndarray(len(batch.text) - CHUNK + 1, dtype="<u8", buffer=batch.text, strides=(1,))


def hash_words(batch: Folded, found: Bounds) -> U64:
    """Return the hash of each word: the sum of its mixed chunks of eight bytes, each with its place."""
    chunks = chunks_of(batch)
    sizes = found.ends - found.starts
    hashes = finalize(chunks[found.starts] & MASKS[np.minimum(sizes, CHUNK)])
    long = np.flatnonzero(sizes > CHUNK)
    if len(long):
        more = (sizes[long] - 1) // CHUNK
        first = np.cumsum(more) - more
        place = np.arange(int(more.sum())) - np.repeat(first, more) + 1  # 1 is the second chunk of its word
        left = np.repeat(sizes[long], more) - place * CHUNK
        values = chunks[np.repeat(found.starts[long], more) + place * CHUNK] & MASKS[np.minimum(left, CHUNK)]
        hashes[long] += np.add.reduceat(finalize(values + place.astype(np.uint64) * STEP), first)
    return hashes


@functools.cache
def multipliers(size: int) -> U64:
    """Return odd factors for the places of a run of words, so that their order counts.  Any odd constants serve."""
    return finalize(np.arange(1, size + 1, dtype=np.uint64)) | np.uint64(1)


def gram_hashes(found: Ragged, size: int) -> Ragged:
    """Return a hash of each run of `size` words, in order, repeats and all; a document of fewer words has none."""
    counts = np.maximum(np.diff(found.offsets) - (size - 1), 0)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    runs = runs_of(found.values, size)
    first = np.repeat(found.offsets[:-1] - offsets[:-1], counts) + np.arange(offsets[-1])
    return Ragged(runs[first] if len(runs) != len(first) else runs, offsets)


def runs_of(hashes: U64, size: int) -> U64:
    """Return the hash of the `size` words from each place on."""
    count = max(len(hashes) - size + 1, 0)
    mixed, product = np.zeros(count, dtype=np.uint64), np.empty(count, dtype=np.uint64)
    for place, multiplier in enumerate(multipliers(size)):
        mixed += np.multiply(hashes[place : place + count], multiplier, out=product)
    return finalize(mixed)


def shingle_hashes(texts: Sequence[str]) -> Ragged:
    """Return the hashes of each text's shingles, in order, repeats and all; a text of fewer words has one hash of them all."""
    return shingles_of_words(word_hashes(texts))


def shingles_of_words(found: Ragged) -> Ragged:
    """Return the shingles of documents that are given by their words."""
    grams = gram_hashes(found, SHINGLE_WORDS)
    sizes = np.diff(found.offsets)
    short = np.flatnonzero((sizes > 0) & (sizes < SHINGLE_WORDS))
    if not len(short):
        return grams
    alone = [runs_of(found.values[found.offsets[one] : found.offsets[one + 1]], int(sizes[one]))[0] for one in short]
    counts = np.diff(grams.offsets)
    values = np.insert(grams.values, grams.offsets[short], np.array(alone, dtype=np.uint64))
    counts[short] = 1
    return Ragged(values, np.concatenate([[0], np.cumsum(counts)]))
