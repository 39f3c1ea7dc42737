"""Parquet as starbeam writes it: the same rows give the same bytes."""

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline import storage
from schemas.errors import RunError

# zstd level 3 is 38 % smaller than snappy for 0.8 CPU-seconds more per 92 MiB of chains (measured on 20,000 rows of 4.6 KB).
COMPRESSION, COMPRESSION_LEVEL = "zstd", 3
# The Hub's readers want row groups of at most 100 MB; text rows differ too much in size to bound them by number.
ROW_GROUP_BYTES = 64 << 20
KEY = "starbeam.key"  # the note that says what a file was made from
VALUE_BYTES = 8  # of a number

Sizes = npt.NDArray[np.int64]


class Written(NamedTuple):
    """A file as written."""

    rows: int
    bytes: int
    sha256: str


def write_table(url: str, table: pa.Table, notes: Mapping[str, str] | None = None) -> Written:
    """Write one Parquet file.  The notes go into its metadata, for `notes_of`."""
    table = table.replace_schema_metadata(notes or None)
    table = table.combine_chunks()  # nested columns whose chunks cross row groups would give other bytes
    sink = io.BytesIO()
    writer = pq.ParquetWriter(
        sink,
        table.schema,
        compression=COMPRESSION,
        compression_level=COMPRESSION_LEVEL,
        write_page_index=True,
        use_content_defined_chunking=True,  # an edit moves few bytes, which stores that dedupe chunks keep cheap
        write_statistics=_searchable(table.schema),
    )
    with writer:
        for first, last in row_groups(row_sizes(table), ROW_GROUP_BYTES):
            writer.write_table(table.slice(first, last - first), row_group_size=last - first)
    data = sink.getvalue()
    storage.write_bytes(url, data)
    return Written(table.num_rows, len(data), hashlib.sha256(data).hexdigest())


def row_sizes(table: pa.Table) -> Sizes:
    """Return the bytes of each row's values; they depend on the values alone, not on how the table was made."""
    sizes = np.zeros(table.num_rows, dtype=np.int64)
    for column in table.columns:
        sizes += _value_sizes(column.combine_chunks())
    return sizes


def _value_sizes(values: pa.Array) -> Sizes:
    kind = values.type
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        lengths = pc.fill_null(pc.binary_length(values), 0)
    elif pa.types.is_struct(kind):
        return sum(
            (_value_sizes(pc.struct_field(values, place)) for place in range(kind.num_fields)), np.zeros(len(values), np.int64)
        )
    elif pa.types.is_list(kind):
        parents = pc.list_parent_indices(values).to_numpy(zero_copy_only=False)
        items = np.bincount(parents, weights=_value_sizes(pc.list_flatten(values)), minlength=len(values))
        return items.astype(np.int64)
    else:
        return np.full(len(values), VALUE_BYTES, dtype=np.int64)
    return np.asarray(lengths.to_numpy(zero_copy_only=False), dtype=np.int64)


def row_groups(sizes: Sizes, limit: int) -> Iterator[tuple[int, int]]:
    """Yield first and last row (exclusive) of each group: as many rows as fit `limit` bytes, one at least; no row, no group.

    datasets 5.2 takes its batch size from the first row group, where one of no rows is an error.
    """
    ends, first = np.cumsum(sizes), 0
    while first < len(sizes):
        before = int(ends[first - 1]) if first else 0
        last = max(first + 1, int(np.searchsorted(ends, before + limit, side="right")))
        yield first, last
        first = last


def _searchable(schema: pa.Schema) -> list[str]:
    """Return the columns worth statistics: not the texts, whose minima and maxima only fill the footer."""
    return [field.name for field in schema if field.name.endswith("_id") or pa.types.is_primitive(field.type)]


def read_table(
    url: str, columns: Sequence[str] | None = None, failure: Callable[[str], Exception] = storage.made_again
) -> pa.Table:
    """Return a Parquet file's rows.  Raises `failure` where it cannot be read."""
    with storage.open_read(url, failure) as file:
        # Not pq.read_table: it lets a thread of Arrow's own close the file, which aborts a process that is about to end.
        return pq.ParquetFile(file).read(None if columns is None else list(columns)).replace_schema_metadata(None)


def read_columns(url: str, columns: Iterable[str], failure: Callable[[str], Exception] = storage.made_again) -> pa.Table:
    """Return those of some columns that a Parquet file has.  Raises `failure` where it cannot be read."""
    with storage.open_read(url, failure) as file:
        there = set(pq.read_schema(file).names)
    return read_table(url, [name for name in columns if name in there], failure)


def key_of(url: str) -> str | None:
    """Return what a file was made from, None where it is not there, is broken, or does not say."""
    return notes_of(url).get(KEY)


def notes_of(url: str) -> dict[str, str]:
    """Return the notes that a file was written with, none where it is not there or is broken."""
    if not storage.exists(url):
        return {}
    try:
        with storage.open_read(url) as file:
            metadata = pq.read_schema(file).metadata or {}
    except RunError:
        return {}  # whatever it is, it is made anew
    return {name.decode(): value.decode() for name, value in metadata.items() if name.startswith(b"starbeam.")}


def batches(url: str, rows: int) -> Iterator[pa.RecordBatch]:
    """Yield a file's rows, so many at a time."""
    with storage.open_read(url) as file:
        yield from pq.ParquetFile(file).iter_batches(batch_size=rows)


def row_count(url: str) -> int:
    """Return the number of rows, from the footer alone."""
    with storage.open_read(url) as file:
        return int(pq.read_metadata(file).num_rows)


def file_hash(url: str) -> str:
    """Return the SHA-256 of a file."""
    return data_hash(storage.read_bytes(url))


def data_hash(data: bytes) -> str:
    """Return the SHA-256 of a file's bytes."""
    return hashlib.sha256(data).hexdigest()
