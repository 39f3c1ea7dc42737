"""The rows that a round trains on: its own, or those of all rounds so far, each once."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from pipeline import shards, storage
from pipeline.rundir import RunDir
from schemas.errors import RunError
from schemas.identity import content_id

# Columns that say where a row comes from, not what is learnt from it.
_PROVENANCE = frozenset(("sample_id", "problem_id"))


def training_data(runs: Sequence[RunDir], config: str, folder: Path) -> str:
    """Write the config's rows of the runs' releases, each once, the newest round's first; return a hash of what was written.

    Shard i holds partition i, so memory holds one partition.  Raises RunError where no row is left.
    """
    hashes, rows = [], 0
    for partition, name in enumerate(_names(runs[-1], config)):
        tables = [shards.read_table(storage.join(run.release, run.shard_name(config, partition))) for run in reversed(runs)]
        written = shards.write_table(str(folder / name), once(pa.concat_tables(tables)))
        hashes.append(written.sha256)
        rows += written.rows
    if not rows:
        raise RunError(
            f"no row was kept, so there is nothing to train on; `starbeam show {runs[-1].url} --config rejected` says why"
        )
    return content_id(*hashes)


def hash_of(run: RunDir, config: str, folder: Path) -> str | None:
    """Return the hash of training rows that were written before, None where shards are gone."""
    files = [folder / name for name in _names(run, config)]
    return content_id(*(shards.file_hash(str(file)) for file in files)) if all(map(Path.is_file, files)) else None


def _names(run: RunDir, config: str) -> list[str]:
    return [Path(run.shard_name(config, partition)).name for partition in range(run.partitions)]


def once(table: pa.Table) -> pa.Table:
    """Return the first of rows that are equal in all that is learnt from."""
    columns = [table[name].to_pylist() for name in table.column_names if name not in _PROVENANCE]
    seen: set[bytes] = set()
    kept = []
    for row in zip(*columns, strict=True):
        key = hashlib.blake2b(repr(row).encode("utf-8", "surrogatepass"), digest_size=16).digest()
        kept.append(key not in seen)
        seen.add(key)
    return table.filter(pa.array(kept, pa.bool_()))
