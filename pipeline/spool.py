"""Sorting a stream into partitions with bounded memory: rows wait in local files until all have come."""

import os
from typing import Any

import pyarrow as pa

from schemas.tables import table_of

# Buffered text before it goes to disk: small beside a worker's memory, large beside a file's own cost.
BUFFER_BYTES = 64 << 20
ROW_OVERHEAD_BYTES = 1000  # a row's Python objects, about (a Problem of GSM8K measures 0.9 kB beyond its text)


class Spool:
    """Rows of one kind by partition, in `folder`."""

    def __init__(self, folder: str, schema: pa.Schema) -> None:
        self._folder = folder
        self._schema = schema
        self._rows: dict[int, list[Any]] = {}
        self._buffered = 0
        os.makedirs(folder, exist_ok=True)

    def add(self, partition: int, row: Any, text_bytes: int) -> None:
        """Take one row; `text_bytes` is about how much it holds."""
        self._rows.setdefault(partition, []).append(row)
        self._buffered += text_bytes + ROW_OVERHEAD_BYTES
        if self._buffered >= BUFFER_BYTES:
            self._flush()

    def _flush(self) -> None:
        for partition, rows in self._rows.items():
            table = table_of(rows, self._schema)
            with open(self._path(partition), "ab") as file, pa.ipc.new_stream(file, self._schema) as stream:
                stream.write_table(table)
        self._rows.clear()
        self._buffered = 0

    def table(self, partition: int) -> pa.Table:
        """Return all rows of a partition, in the order in which they came."""
        tables = []
        if os.path.exists(self._path(partition)):
            with open(self._path(partition), "rb") as file:
                size = os.fstat(file.fileno()).st_size
                while file.tell() < size:  # one stream a flush, one after the other
                    tables.append(pa.ipc.open_stream(file).read_all())
        tables.append(table_of(self._rows.get(partition, []), self._schema))
        return pa.concat_tables(tables)

    def _path(self, partition: int) -> str:
        return os.path.join(self._folder, f"{partition:05d}.arrows")
