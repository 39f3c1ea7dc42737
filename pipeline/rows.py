"""Rows of anyone's JSON lines or Parquet, in and out, for the parts that stand alone."""

import contextlib
import gzip
import io
import itertools
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import IO, Any

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
Write = Callable[[Sequence[tuple[Record, Any]]], None]


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
            print(f"starbeam: rejected {place}: {reject.reason}: {reject.detail}", file=sys.stderr)

    def write(self, rows: Iterable[tuple[Record, Any]]) -> int:
        """Write each record with its value in the new column; return how many.  A file is there whole or not at all."""
        count = 0
        with self._writer() as write:
            for batch in _batched(rows):
                write(batch)
                count += len(batch)
        if self.rejected is not None and self._reject_lines:
            storage.write_bytes(self.rejected, ("\n".join(self._reject_lines) + "\n").encode())
        self._say(count)
        return count

    def _say(self, count: int) -> None:
        where = f"; see {self.rejected}" if self.rejected and self.rejects else ""
        print(f"starbeam: {count:,} rows written, {self.rejects:,} rejected{where}", file=sys.stderr)

    @contextlib.contextmanager
    def _writer(self) -> Iterator[Write]:
        if self._out == STDOUT:
            yield lambda batch: print(self._lines(batch), end="")
            return
        temporary = f"{self._out}.part"
        try:
            with fsspec.open(temporary, "wb", compression=None) as file, self._format(file) as write:
                yield write
            store, path = storage.filesystem(self._out)
            store.mv(storage.filesystem(temporary)[1], path)
        except (OSError, pa.ArrowException) as error:
            detail = getattr(error, "strerror", None) or " ".join(str(error).split())
            raise RunError(f"cannot write {self._out}: {detail}") from error
        finally:
            storage.remove(temporary)

    def _format(self, file: IO[bytes]) -> contextlib.AbstractContextManager[Write]:
        return self._parquet(file) if self._as_parquet else self._json(file)

    @contextlib.contextmanager
    def _json(self, file: IO[bytes]) -> Iterator[Write]:
        zipped = self._out.endswith(".gz")
        stream = gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) if zipped else contextlib.nullcontext(file)
        with stream as out:

            def write(batch: Sequence[tuple[Record, Any]]) -> None:
                out.write(self._lines(batch).encode())

            yield write

    def _lines(self, batch: Sequence[tuple[Record, Any]]) -> str:
        with io.StringIO() as text:
            for record, value in batch:
                row = {**record.fields, self._column: _plain(value)}
                text.write(json_text(row) + "\n")
            return text.getvalue()

    @contextlib.contextmanager
    def _parquet(self, file: IO[bytes]) -> Iterator[Write]:
        assert self._schema is not None
        schema = self._schema
        field = pa.field(self._column, self._type)
        place = schema.get_field_index(self._column)
        schema = schema.append(field) if place < 0 else schema.set(place, field)
        with pq.ParquetWriter(file, schema, compression="zstd", compression_level=3) as writer:

            def write(batch: Sequence[tuple[Record, Any]]) -> None:
                rows = [{**record.fields, self._column: _plain(value)} for record, value in batch]
                writer.write_table(pa.Table.from_pylist(rows, schema=schema))

            yield write


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


def _batched(rows: Iterable[tuple[Record, Any]]) -> Iterator[tuple[tuple[Record, Any], ...]]:
    iterator = iter(rows)
    while batch := tuple(itertools.islice(iterator, BATCH_ROWS)):
        yield batch


def _plain(value: Any) -> Any:
    """Return NamedTuples, alone or in a list, as dicts."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value._asdict() if hasattr(value, "_asdict") else value


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
