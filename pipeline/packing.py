"""Arrays as they go between workers: in bytes, and by the worker that they go to."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from filters.shingles import Ragged
from filters.similarity import joined

U32 = np.uint32


def runs(keys: npt.NDArray[Any]) -> Iterator[tuple[int, slice]]:
    """Yield each value of a sorted array with its place there."""
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]])) if len(keys) else np.zeros(0, np.int64)
    for first, last in zip(starts.tolist(), [*starts[1:].tolist(), len(keys)], strict=False):
        yield int(keys[first]), slice(first, last)


def by_number(numbers: npt.NDArray[Any], values: npt.NDArray[Any]) -> Iterator[tuple[int, bytes]]:
    """Yield each number with the values that go there."""
    order = np.argsort(numbers, kind="stable")
    for number, part in runs(numbers[order]):
        yield number, values[order[part]].tobytes()


def taken(found: Ragged, documents: npt.NDArray[Any]) -> Ragged:
    """Return some documents of an array."""
    return joined(
        [
            Ragged(
                found.values[found.offsets[one] : found.offsets[one + 1]],
                np.array([0, found.offsets[one + 1] - found.offsets[one]]),
            )
            for one in documents.tolist()
        ]
    )


def packed(found: Ragged) -> tuple[bytes, bytes]:
    """Return an array as bytes."""
    return found.values.tobytes(), np.diff(found.offsets).astype(U32).tobytes()


def unpacked(values: bytes, sizes: bytes) -> Ragged:
    """Return the array again."""
    offsets = np.concatenate([[0], np.cumsum(np.frombuffer(sizes, dtype=U32).astype(np.int64))])
    return Ragged(np.frombuffer(values, dtype=np.uint64), offsets)
