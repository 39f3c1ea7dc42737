"""Rows of anyone's JSON lines or Parquet, in and out, for the parts that stand alone."""

import contextlib
import errno
import gzip
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import IO, Any, TypeVar

import click
import fsspec
import pyarrow as pa
import pyarrow.parquet as pq

from generators.records import (
    JSON_SUFFIXES,
    PARQUET_SUFFIXES,
    FieldError,
    Record,
    expand,
    json_text,
    lookup,
    optional_text_at,
    read_records,
)
from pipeline import storage
from pipeline.reading import bar
from schemas.errors import RunError, UserError
from schemas.reject import Reject

BATCH_ROWS, BATCH_CHARACTERS = 1024, 1 << 23
STDOUT = "-"
REJECTS_IN_MEMORY = 1 << 20  # bytes; more go to a temporary file, since there may be as many rejects as rows
REJECTS_SAID = 5  # rejects that are described on stderr; the file holds all

_INPUT = "the input"
_READ = (_INPUT, "--against")  # of what files are for

Row = dict[str, Any]
T = TypeVar("T")


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
        self._taken: dict[object, str] = {_place(one): _INPUT for one in self.paths}
        self.claim("--out", *([] if out == STDOUT else [out]))
        self.claim("--rejected", *([] if self.rejected is None else [self.rejected]))
        self._schema = _one_schema(self.paths) if self._as_parquet else None
        self.rejects = 0
        self._reject_lines = tempfile.SpooledTemporaryFile(REJECTS_IN_MEMORY)  # noqa: SIM115  # it ends with this object

    def _check_formats(self) -> None:
        if self._out != STDOUT and not self._out.endswith(JSON_SUFFIXES + PARQUET_SUFFIXES):
            known = ", ".join(JSON_SUFFIXES + PARQUET_SUFFIXES)
            raise UserError(f"--out {self._out}: unknown format; the name must end in {known}, or be - for stdout")
        if self._as_parquet and not all(path.endswith(PARQUET_SUFFIXES) for path in self.paths):
            raise UserError(f"--out {self._out}: JSON lines have no column types; give a .jsonl file, or read Parquet")

    def claim(self, option: str, *paths: str) -> None:
        """Note what files are for.  Raises UserError where one is something else already."""
        for path in paths:
            if _place(path) in self._taken:
                raise UserError(f"{option} {path}: is {self._taken[_place(path)]}; give another file")
            self._taken[_place(path)] = option

    def spare_folders(self, *folders: str) -> None:
        """Raise UserError where a file would be written into one of some folders, whose files are only read."""
        places = {_place(folder): folder for folder in folders}
        for written, option in self._taken.items():
            for place, folder in places.items():
                if option not in _READ and _is_in(written, place):
                    raise UserError(f"{option}: lies in {folder}, whose files are only read; give a file elsewhere")

    def spare(self, option: str, *paths: str) -> None:
        """Raise UserError where a file that is only read, in whatever other part, would be written."""
        for path in paths:
            if (taken := self._taken.get(_place(path), _INPUT)) not in _READ:
                raise UserError(f"{option} {path}: is {taken}; give another file")

    def read(self, what: str = "read", path: str | None = None, again: bool = False) -> Iterator[Record]:
        """Yield the rows that are rows, with a bar named `what` on a terminal.

        `path`: of other files than the input.  `again`: they have been read before, so that their rejects are kept already.
        """
        shown = _is_terminal(sys.stderr) and not (self._out == STDOUT and _is_terminal(sys.stdout))
        with bar(what, expand(path or self._path), shown) as reading:
            for record in reading.counted(read_records(path or self._path, opened=reading.opened)):
                if not isinstance(record, Reject):
                    yield record
                elif not again:
                    self.reject(record)

    def reject(self, reject: Reject) -> None:
        """Keep a row that cannot go on."""
        self.rejects += 1
        line = {"stage": reject.stage, "reason": reject.reason, "detail": reject.detail, "source": reject.source}
        text = json.dumps({**line, "position": reject.position, "raw": reject.raw}, ensure_ascii=False)
        with _failing_as_run_error("a temporary file"):
            self._reject_lines.write(f"{text}\n".encode())
        if self.rejects <= REJECTS_SAID:
            place = f"{reject.source}:{reject.position}"
            click.echo(f"starbeam: rejected {place}: {reject.reason}: {reject.detail}", err=True)

    def write(self, rows: Iterable[tuple[Record, Any]]) -> int:
        """Write each record with its value in the new column; return how many.  A file is there whole or not at all."""
        with _stdout() if self._out == STDOUT else _whole(self._out) as file:
            count = self._write_parquet(file, rows) if self._schema is not None else self._write_lines(file, rows)
        if self.rejected is not None and self.rejects:
            self._reject_lines.seek(0)
            storage.make_parent(self.rejected)
            with _whole(self.rejected) as file:
                shutil.copyfileobj(self._reject_lines, file)
        elif self.rejected is not None and storage.exists(self.rejected):
            storage.remove(self.rejected)  # of a run before, which it would seem to belong to
        self._say(count)
        return count

    def _say(self, count: int) -> None:
        where = f"; see {self.rejected}" if self.rejected and self.rejects else ""
        click.echo(f"starbeam: {count:,} rows written, {self.rejects:,} rejected{where}", err=True)

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
        assert self._schema is not None
        field = pa.field(self._column, self._type)
        place = self._schema.get_field_index(self._column)
        schema = self._schema.append(field) if place < 0 else self._schema.set(place, field)
        count, values = 0, _Values(rows)
        with pq.ParquetWriter(file, schema, compression="zstd", compression_level=3) as writer:
            for path in self.paths:
                for position, batch in _batches(path):
                    found = values.of(path, position, batch.num_rows)
                    taken = pa.array([row for row, _ in found], type=pa.int64())
                    table = pa.Table.from_batches([batch]).replace_schema_metadata(None).take(taken)
                    column = pa.array([_plain(value) for _, value in found], type=self._type)
                    added = table.append_column(field, column) if place < 0 else table.set_column(place, field, column)
                    if found:  # a row group of no rows makes `datasets` fail
                        writer.write_table(added)
                    count += len(found)
        values.end()
        return count


class _Values:
    """Gives what was judged of rows to those who read the same rows, in the same order."""

    def __init__(self, rows: Iterable[tuple[Record, Any]]) -> None:
        self._rows = iter(rows)
        self._next = next(self._rows, None)

    def of(self, path: str, position: int, rows: int) -> list[tuple[int, Any]]:
        """Return the values of some rows from a position on, each with its place among them."""
        found = []
        while self._next is not None and self._next[0].path == path and self._next[0].position < position + rows:
            found.append((self._next[0].position - position, self._next[1]))
            self._next = next(self._rows, None)
        return found

    def end(self) -> None:
        """Raise RunError where there are values of rows that nobody has read."""
        if self._next is not None:
            raise RunError(f"{self._next[0].path}: has changed while it was read; run the command again")


def _is_terminal(stream: IO[str] | None) -> bool:
    return stream is not None and stream.isatty()


@contextlib.contextmanager
def _whole(path: str) -> Iterator[IO[bytes]]:
    """Open a file that is there when the block has ended well, and else is as before."""
    part = f"{path}.part"
    with _failing_as_run_error(path):
        try:
            with fsspec.open(part, "wb", compression=None) as file:
                yield file
            store, inner = storage.filesystem(path)
            store.mv(storage.filesystem(part)[1], inner)
        except BaseException:
            with contextlib.suppress(RunError):  # where nothing can be written, nothing can be removed
                storage.remove(part)
            raise


@contextlib.contextmanager
def _stdout() -> Iterator[IO[bytes]]:
    with _failing_as_run_error("stdout"):
        if sys.stdout is None:
            raise OSError(errno.EBADF, "it is closed")
        yield sys.stdout.buffer
        sys.stdout.flush()


@contextlib.contextmanager
def _failing_as_run_error(name: str) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise  # the reader of stdout has seen enough
    except (OSError, pa.ArrowException) as error:
        detail = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise RunError(f"cannot write {name}: {detail}") from error


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


def _is_in(place: object, folder: object) -> bool:
    """Return whether one place is below another."""
    if isinstance(place, tuple) and isinstance(folder, tuple):
        return place[0] == folder[0] and str(place[1]).startswith(f"{str(folder[1]).rstrip('/')}/")
    return isinstance(place, str) and isinstance(folder, str) and place.startswith(f"{folder}/")


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
    records = parsed(rows, rows.read(), parse, stage)
    for batch in _batched(records):
        values = judge([one for _, one in batch])
        yield from ((record, value) for (record, _), value in zip(batch, values, strict=True))


def _batched(records: Iterable[tuple[Record, T]]) -> Iterator[list[tuple[Record, T]]]:
    """Yield records, so many together that they are few characters."""
    batch: list[tuple[Record, T]] = []
    characters = 0
    for record, one in records:
        batch.append((record, one))
        characters += len(record.raw)
        if len(batch) == BATCH_ROWS or characters >= BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    yield batch


def parsed(
    rows: Rows, records: Iterable[Record], parse: Callable[[Row], T], stage: str, again: bool = False
) -> Iterator[tuple[Record, T]]:
    """Yield each record with what `parse` reads from it; the others are rejects, kept already where they are read `again`."""
    for record in records:
        try:
            one = parse(record.fields)
        except FieldError as error:
            if not again:
                rows.reject(record.reject(stage, error.reason, str(error)))
        else:
            yield record, one


def found_at(fields: Row, path: str) -> Any:
    """Return what is at a path, None where nothing is."""
    try:
        return lookup(fields, path)
    except FieldError:
        return None


def text_or_none(fields: Row, path: str) -> str | None:
    """Return an optional text: a field that is missing, null or blank is None."""
    found = found_at(fields, path)
    blank = found is None or (isinstance(found, str) and not found.strip())
    return None if blank else optional_text_at(fields, path)
