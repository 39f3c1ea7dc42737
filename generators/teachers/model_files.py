"""What a model in a local folder is: a fingerprint that retrained weights change and a copied folder keeps."""

import hashlib
import os
from pathlib import Path

WHOLE_BYTES = 32 << 20  # files up to this size are read whole
BLOCKS = 64  # evenly spaced in a larger file, its first and last bytes among them
BLOCK_BYTES = 64 << 10  # so 4 MiB are read of each large file, whatever its size
SUFFIXES = (".bin", ".gguf", ".jinja", ".json", ".model", ".pt", ".pth", ".py", ".safetensors", ".tiktoken", ".txt")


def fingerprint(folder: str) -> str:
    """Return 32 hex digits for what a model's folder holds: names, sizes and contents, of large files in blocks.

    Training moves all weights, so blocks show it; a change that leaves every block as it was is not seen.  Files that no loader
    reads (README.md, hidden ones) do not count.  Raises OSError where a file cannot be read.
    """
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(Path(folder).rglob("*")):
        name = path.relative_to(folder)
        if path.suffix in SUFFIXES and path.is_file() and not any(part.startswith(".") for part in name.parts):
            size = path.stat().st_size
            digest.update(f"{len(str(name))}:{name.as_posix()}:{size}:".encode("utf-8", "surrogateescape"))
            _read(path, size, digest)
    return digest.hexdigest()


def _read(path: Path, size: int, digest: "hashlib.blake2b") -> None:
    with open(path, "rb", buffering=0) as file:
        if size <= WHOLE_BYTES:
            digest.update(file.read())
            return
        for number in range(BLOCKS):
            file.seek((size - BLOCK_BYTES) * number // (BLOCKS - 1), os.SEEK_SET)
            digest.update(file.read(BLOCK_BYTES))
