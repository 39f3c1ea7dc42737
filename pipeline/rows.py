"""Rows of anyone's JSON lines or Parquet, in and out, for the parts that stand alone."""

import contextlib
import errno
import gzip
import itertools
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import IO, Any

import click
import fsspec
import pyarrow as pa
import pyarrow.parquet as pq

from generators.records import JSON_SUFFIXES, PARQUET_SUFFIXES, FieldError, Record, expand, json_text, read_records
from pipeline import storage
from schemas.errors import RunError, UserError
from schemas.reject import Reject

BATCH_ROWS = 1024
STDOUT = "-"
REJECTS_SAID = 5  # rejects that are described on stderr; the file holds all

Row = dict[str, Any]


class Rows:
    """Reads rows, writes them back with one more column, and keeps what could not be read or judged.

    `path` and `out` are paths or URLs; `out` may be "-" for JSON lines on stdout.  Rejects go to `rejected`.
    """

    def __init__(self, path: str, out: str, rejected: str | None, column: str, column_type: pa.DataType) -> None:
        self.paths = expand(path)
        self._path, self._out, self._column, self._type = path, out, column, column_type
        self._as_parquet = out.endswith(PARQUET_SUFFIXES)
        self._check_formats()
        self.rejected = rejected or (None if out == STDOUT else f"{_stem(out)}.rejected.jsonl")
        self._check_places()
        self._schema = _one_schema(self.paths) if self._as_parquet else None
        self.rejects = 0
        self._reject_lines: list[str] = []

    def _check_formats(self) -> None:
        if self._out != STDOUT and not self._out.endswith(JSON_SUFFIXES + PARQUET_SUFFIXES):
            known = ", ".join(JSON_SUFFIXES + PARQUET_SUFFIXES)
            raise UserError(f"--out {self._out}: unknown format; the name must end in {known}, or be - for stdout")
        if self._as_parquet and not all(path.endswith(PARQUET_SUFFIXES) for path in self.paths):
            raise UserError(f"--out {self._out}: JSON lines have no column types; give a .jsonl file, or read Parquet")

    def _check_places(self) -> None:
        taken = {_place(path): "the input" for path in self.paths}
        for option, path in (("--out", None if self._out == STDOUT else self._out), ("--rejected", self.rejected)):
            if path is not None:
                if _place(path) in taken:
                    raise UserError(f"{option} {path}: is {taken[_place(path)]}; give another file")
                taken[_place(path)] = option

    def read(self) -> Iterator[Record]:
        """Yield the rows that are rows."""
        for record in read_records(self._path):
            if isinstance(record, Reject):
                self.reject(record)
            else:
                yield record

    def reject(self, reject: Reject) -> None:
        """Keep a row that cannot go on."""
        self.rejects += 1
        line = {"stage": reject.stage, "reason": reject.reason, "detail": reject.detail, "source": reject.source}
        self._reject_lines.append(json.dumps({**line, "position": reject.position, "raw": reject.raw}, ensure_ascii=False))
        if self.rejects <= REJECTS_SAID:
            place = f"{reject.source}:{reject.position}"
            click.echo(f"starbeam: rejected {place}: {reject.reason}: {reject.detail}", err=True)

    def write(self, rows: Iterable[tuple[Record, Any]]) -> int:
        """Write each record with its value in the new column; return how many.  A file is there whole or not at all."""
        with self._writer() as file:
            count = self._write_parquet(file, rows) if self._schema is not None else self._write_lines(file, rows)
        if self.rejected is not None and self._reject_lines:
            storage.write_bytes(self.rejected, ("\n".join(self._reject_lines) + "\n").encode())
        self._say(count)
        return count

    def _say(self, count: int) -> None:
        where = f"; see {self.rejected}" if self.rejected and self.rejects else ""
        click.echo(f"starbeam: {count:,} rows written, {self.rejects:,} rejected{where}", err=True)

    @contextlib.contextmanager
    def _writer(self) -> Iterator[IO[bytes]]:
        try:
            if self._out == STDOUT:
                if sys.stdout is None:
                    raise OSError(errno.EBADF, "it is closed")
                yield sys.stdout.buffer
                sys.stdout.flush()
                return
            with fsspec.open(f"{self._out}.part", "wb", compression=None) as file:
                yield file
            store, path = storage.filesystem(self._out)
            store.mv(storage.filesystem(f"{self._out}.part")[1], path)
        except BrokenPipeError:
            raise  # the reader of stdout has seen enough
        except (OSError, pa.ArrowException) as error:
            detail = getattr(error, "strerror", None) or " ".join(str(error).split())
            raise RunError(f"cannot write {'stdout' if self._out == STDOUT else self._out}: {detail}") from error
        finally:
            if self._out != STDOUT:
                storage.remove(f"{self._out}.part")

    def _write_lines(self, file: IO[bytes], rows: Iterable[tuple[Record, Any]]) -> int:
        count = 0
        zipped = self._out.endswith(".gz")
        stream = gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) if zipped else contextlib.nullcontext(file)
        with stream as out:
            for record, value in rows:
                line = json_text({**record.fields, self._column: _plain(value)})
                out.write(f"{line}\n".encode())
                count += 1
        return count

    def _write_parquet(self, file: IO[bytes], rows: Iterable[tuple[Record, Any]]) -> int:
        """Add the column to the rows of the files themselves, so that every other value stays as it is."""
        values = {(record.path, record.position): _plain(value) for record, value in rows}
        assert self._schema is not None
        field = pa.field(self._column, self._type)
        place = self._schema.get_field_index(self._column)
        schema = self._schema.append(field) if place < 0 else self._schema.set(place, field)
        with pq.ParquetWriter(file, schema, compression="zstd", compression_level=3) as writer:
            for path in self.paths:
                for position, batch in _batches(path):
                    keys = [(path, position + row) for row in range(batch.num_rows)]
                    table = pa.Table.from_batches([batch]).replace_schema_metadata(None)
                    table = table.filter(pa.array([key in values for key in keys], pa.bool_()))
                    column = pa.array([values[key] for key in keys if key in values], type=self._type)
                    added = table.append_column(field, column) if place < 0 else table.set_column(place, field, column)
                    writer.write_table(added)
        return len(values)


def _batches(path: str) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Yield the batches of a Parquet file, each with the position of its first row, from 1."""
    position = 1
    with storage.open_read(path) as file:
        for batch in pq.ParquetFile(file).iter_batches(batch_size=BATCH_ROWS):
            yield position, batch
            position += batch.num_rows


def _place(path: str) -> object:
    """Return what two names of one file have in common."""
    store, inner = storage.filesystem(path)
    return os.path.realpath(inner) if storage.is_local(path) else (type(store), inner)


def _one_schema(paths: Sequence[str]) -> pa.Schema:
    """Return the schema that all Parquet files share.  Raises UserError where they do not."""
    schemas = []
    for path in paths:
        with storage.open_read(path) as file:
            schemas.append(pq.read_schema(file).remove_metadata())
    for path, schema in zip(paths, schemas, strict=True):
        if schema != schemas[0]:
            raise UserError(f"--in {path}: its columns are not those of {paths[0]}; give files of one schema, or a .jsonl --out")
    return schemas[0]


def _plain(value: Any) -> Any:
    """Return NamedTuples, alone, in a list or in each other, as dicts."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return {name: _plain(one) for name, one in value._asdict().items()} if hasattr(value, "_asdict") else value


def _stem(path: str) -> str:
    return next(
        path.removesuffix(suffix)
        for suffix in sorted(JSON_SUFFIXES + PARQUET_SUFFIXES, key=len, reverse=True)
        if path.endswith(suffix)
    )


def judged(
    rows: Rows, parse: Callable[[Row], Any], judge: Callable[[Sequence[Any]], Sequence[Any]], stage: str
) -> Iterator[tuple[Record, Any]]:
    """Yield each record with what `judge` says of what `parse` reads from it, a batch at a time."""
    records = _parsed(rows, parse, stage)
    while batch := list(itertools.islice(records, BATCH_ROWS)):
        values = judge([parsed for _, parsed in batch])
        yield from ((record, value) for (record, _), value in zip(batch, values, strict=True))


def _parsed(rows: Rows, parse: Callable[[Row], Any], stage: str) -> Iterator[tuple[Record, Any]]:
    for record in rows.read():
        try:
            parsed = parse(record.fields)
        except FieldError as error:
            rows.reject(record.reject(stage, error.reason, str(error)))
        else:
            yield record, parsed


def judged_at_once(
    rows: Rows, parse: Callable[[Row], Any], judge: Callable[[Sequence[Any]], Sequence[Any]], stage: str
) -> Iterator[tuple[Record, Any]]:
    """As `judged`, for a judge that must see all rows together."""
    pairs = list(_parsed(rows, parse, stage))
    values = judge([parsed for _, parsed in pairs])
    return ((record, value) for (record, _), value in zip(pairs, values, strict=True))
