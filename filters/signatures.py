"""MinHash signatures of texts (Broder 1997), bit-identical to datasketch's of the same shingles and seed.

datasketch gives the permutations and its name to the scheme; the arrays here apply them to many documents at once.  Where numba is
installed a compiled kernel does the same faster, bit for bit.
"""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from datasketch import MinHash

from filters.kernels import usable
from filters.shingles import SHINGLE_WORDS, Ragged, batches, fold, shingle_hashes

NAME = (
    "minhash_v1"  # word 5-grams of filters/shingles.py, upper half of their 64-bit hashes, datasketch affine32, 128 slots, seed 1
)

PERMUTATIONS = 128  # standard error of the estimate at J = .8: sqrt(.8 * .2 / 128) = .035
SEED = 1
SCHEME = "affine32"
# What must agree for two signatures to be compared.
SPEC = {"name": NAME, "shingle_words": SHINGLE_WORDS, "permutations": PERMUTATIONS, "seed": SEED, "scheme": SCHEME}
BATCH_SHINGLES = 1 << 17  # the fastest of 2^13 to 2^17 with batches of 2^18 characters (measured)
COMPILED_FROM = 20_000  # documents of a process from which loading the compiled kernel, about 0.6 s, has paid for itself

Signatures = npt.NDArray[np.uint32]
U32 = npt.NDArray[np.uint32]


@functools.cache
def permutations() -> tuple[U32, U32]:
    """Return the factors and summands of all permutations: slot k is the least of a[k] * h + b[k] modulo 2^32."""
    a, b = MinHash(num_perm=PERMUTATIONS, seed=SEED, scheme=SCHEME).permutations
    return np.asarray(a, dtype=np.uint32), np.asarray(b, dtype=np.uint32)


def signatures(texts: Sequence[str], compiled: bool | None = None) -> Signatures:
    """Return the signature of each text: (texts, PERMUTATIONS), all slots the greatest where it has no word.

    `compiled` says whether the compiled kernel is used; None: where numba is installed and there is much to do.
    """
    found = np.empty((len(texts), PERMUTATIONS), dtype=np.uint32)
    fast = kernel(len(texts)) if compiled is None else _compiled() if compiled else None
    for first, last in batches(texts):
        batch = texts[first:last]
        found[first:last] = sign(shingle_hashes(batch)) if fast is None else fast.sign(fold(batch), *permutations())
    return found


_signed = 0  # texts of this process, to tell whether the kernel pays; it decides no bit


def kernel(more: int) -> Any:
    """Return the compiled kernel where numba is installed and pays for a process that signs so many more texts, else None."""
    global _signed
    _signed += more
    return _compiled_if_there() if _signed >= COMPILED_FROM else None


@functools.cache
def _compiled_if_there() -> Any:
    return usable("filters.compiled", lambda kernel: kernel.sign(fold(["a word"]), *permutations()))


def _compiled() -> Any:
    from filters import compiled

    return compiled


def sign(shingles: Ragged) -> Signatures:
    """Return the signatures of documents that are given by the hashes of their shingles."""
    signed = np.full((len(shingles.offsets) - 1, PERMUTATIONS), 0xFFFFFFFF, dtype=np.uint32)
    filled = np.flatnonzero(np.diff(shingles.offsets))
    hashes = premixed(shingles.values)
    starts = shingles.offsets[filled]
    cut = 0
    while cut < len(filled):
        first = starts[cut]
        until = max(cut + 1, int(np.searchsorted(starts, first + BATCH_SHINGLES)))
        last = starts[until] if until < len(starts) else len(hashes)
        signed[filled[cut:until]] = _least(hashes[first:last], starts[cut:until] - first)
        cut = until
    return signed


def premixed(shingles: npt.NDArray[np.uint64]) -> U32:
    """Return what datasketch's affine32 permutes: 32 bits of each hash, mixed by fmix32 of MurmurHash3 (Appleby)."""
    hashes = (shingles >> np.uint64(32)).astype(np.uint32)
    hashes ^= hashes >> np.uint32(16)
    hashes *= np.uint32(0x85EBCA6B)
    hashes ^= hashes >> np.uint32(13)
    hashes *= np.uint32(0xC2B2AE35)
    hashes ^= hashes >> np.uint32(16)
    return hashes


def _least(hashes: U32, starts: npt.NDArray[np.int64]) -> Signatures:
    """Return the slots of documents that begin at `starts`: a permutation at a time, 4.6 times as fast (measured)."""
    slots = np.empty((PERMUTATIONS, len(starts)), dtype=np.uint32)
    permuted = np.empty_like(hashes)
    for place, (a, b) in enumerate(zip(*permutations(), strict=True)):
        np.multiply(hashes, a, out=permuted)
        permuted += b
        np.minimum.reduceat(permuted, starts, out=slots[place])
    return slots.T


def packed(signed: Signatures) -> list[bytes]:
    """Return signatures as little-endian bytes, 4 * PERMUTATIONS each."""
    data = np.ascontiguousarray(signed, dtype="<u4").tobytes()
    size = 4 * PERMUTATIONS
    return [data[place : place + size] for place in range(0, len(data), size)]


def as_matrix(packed: Sequence[bytes]) -> Signatures:
    """Return packed signatures as an array (rows, PERMUTATIONS)."""
    return np.frombuffer(b"".join(packed), dtype="<u4").reshape(len(packed), PERMUTATIONS)
