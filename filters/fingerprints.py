"""Fingerprints and MinHash signatures of chains: what exact and near copies are found by."""

import functools
import hashlib
import re
import unicodedata
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from datasketch import MinHash

NAME = "minhash_v0"  # word 5-grams of `words`, 64-bit shingle hashes, datasketch affine32, 128 slots, seed 1

# Word 5-grams keep different problems apart; single words and short character grams merge them, and masked numbers do so
# too (measured: one changed number leaves J = .954 on 5-grams of unmasked text, all numbers changed .350).
SHINGLE_WORDS = 5
PERMUTATIONS = 128  # standard error of the estimate at J = .8: sqrt(.8 * .2 / 128) = .035
SEED = 1
BATCH_SHINGLES = 4096  # bounds the (shingles, permutations) temporary to 4 MiB however long the text

# Scripts written without spaces count one word a character: Han, Hiragana, Katakana, Hangul syllables.
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_WORD = re.compile(f"[{_UNSPACED}]|[^\\W_{_UNSPACED}]+")

Hashes = npt.NDArray[np.uint64]
Signatures = npt.NDArray[np.uint32]


def words(text: str) -> list[str]:
    """Return the case-folded words of a text, numbers as they stand; each character of a script without spaces is a word."""
    return _WORD.findall(_folded(text))


def _folded(text: str) -> str:
    """Return the form in which two texts are compared: canonical Unicode, without case."""
    return unicodedata.normalize("NFC", text).casefold()


@functools.lru_cache(maxsize=1 << 17)  # chains use few words often: the cache hits over 99 % on GSM8K
def word_hash(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "little")


# Odd multipliers, so that the order of a shingle's words counts.  Any odd constants serve; these are blake2b's of 0 … 4.
_MULTIPLIERS = np.array(
    [int.from_bytes(hashlib.blake2b(bytes([i]), digest_size=8).digest(), "little") | 1 for i in range(SHINGLE_WORDS)],
    dtype=np.uint64,
)


def shingle_hashes(text: str) -> Hashes:
    """Return the sorted distinct 64-bit hashes of a text's word 5-grams; one hash of all words where there are fewer than 5."""
    hashes = np.fromiter(map(word_hash, words(text)), dtype=np.uint64)
    if not len(hashes):
        return hashes
    size = min(SHINGLE_WORDS, len(hashes))
    count = len(hashes) - size + 1
    mixed = np.zeros(count, dtype=np.uint64)
    for place in range(size):
        mixed += hashes[place : place + count] * _MULTIPLIERS[place]
    return np.unique(finalize(mixed))


def finalize(hashes: Hashes) -> Hashes:
    """Mix 64-bit values: fmix64 of MurmurHash3 (Appleby), public domain constants."""
    hashes = (hashes ^ (hashes >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    hashes = (hashes ^ (hashes >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return hashes ^ (hashes >> np.uint64(33))


def _as_is(value: int) -> int:
    return value


@functools.lru_cache(maxsize=1)
def _empty() -> MinHash:
    return MinHash(num_perm=PERMUTATIONS, seed=SEED, scheme="affine32", hashfunc=_as_is)


def signature(text: str) -> bytes:
    """Return the MinHash of a text's shingles: PERMUTATIONS little-endian uint32 slots, 512 bytes."""
    sketch = _empty().copy()
    short = (shingle_hashes(text) >> np.uint64(32)).astype(np.uint32)
    for start in range(0, len(short), BATCH_SHINGLES):
        sketch.update_batch(short[start : start + BATCH_SHINGLES].tolist())
    return np.asarray(sketch.hashvalues, dtype="<u4").tobytes()


def signatures(texts: Sequence[str]) -> list[bytes]:
    """Return the signature of each text."""
    return [signature(text) for text in texts]


def as_matrix(packed: Sequence[bytes]) -> Signatures:
    """Return signatures as an array (rows, PERMUTATIONS)."""
    return np.frombuffer(b"".join(packed), dtype="<u4").reshape(len(packed), PERMUTATIONS)


def fingerprints(texts: Sequence[str]) -> list[bytes]:
    """Return 16 bytes a text, equal where the texts are equal but for case, white space and canonical Unicode form."""
    return [hashlib.blake2b(" ".join(_folded(text).split()).encode(), digest_size=16).digest() for text in texts]
