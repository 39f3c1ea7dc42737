"""Ids, partitions and randomness, all from hashes of content, so that they are the same on every machine and under every retry."""

import hashlib
import random

ID_BYTES = 16  # 128 bits: at 1e9 records the chance of any two colliding is about 1e-21 (n^2 / 2^129)


def content_id(*parts: str | None) -> str:
    """Return 32 hexadecimal digits that depend on every part and on where one part ends.  None differs from the empty string.

    Raises UnicodeEncodeError where a part holds a lone surrogate.
    """
    pieces = [b"n" if part is None else b"s%d:%b" % (len(encoded := part.encode()), encoded) for part in parts]
    return hashlib.blake2b(b"".join(pieces), digest_size=ID_BYTES).hexdigest()


def partition_of(problem_id: str, partitions: int) -> int:
    """Return the partition, 0 to `partitions` - 1, in which everything about a problem lives."""
    digest = hashlib.blake2b(problem_id.encode(), digest_size=8, person=b"partition").digest()
    return int.from_bytes(digest, "big") % partitions


def rng_for(seed: int, name: str, index: int) -> random.Random:
    """Return the generator of one item.  The three are hashed together: with `seed + index`, seeds 1 and 2 would share data."""
    digest = hashlib.blake2b(f"{seed}/{name}/{index}".encode(), digest_size=16, person=b"rng").digest()
    return random.Random(int.from_bytes(digest, "big"))
