"""Records from files that nobody here wrote: JSON lines, gzipped or not, and Parquet, at any fsspec path.

Bounded in memory whatever the file holds.  A record that cannot be read is a `Reject`; a file that cannot be is a `UserError`.
"""

import gzip
import json
import math
import os
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import IO, Any, NamedTuple

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import UserError
from schemas.problem import MAX_TEXT_BYTES
from schemas.reject import Reject, shown

# A record holds a few texts (question, reasoning, response, tests), each bounded by MAX_TEXT_BYTES.
MAX_RECORD_BYTES = 8 * MAX_TEXT_BYTES
PARQUET_BATCH_ROWS = 1024

JSON_SUFFIXES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
PARQUET_SUFFIXES = (".parquet",)


class Record(NamedTuple):
    """One record as read."""

    fields: dict[str, Any]
    raw: str  # its text, for rejects
    path: str  # the file
    position: int  # line or row in that file, from 1

    @property
    def source(self) -> str:
        """The file's name without its folder: the same on every machine."""
        return self.path.rsplit("/", 1)[-1]

    def reject(self, stage: str, reason: str, detail: str) -> Reject:
        """Return the reject that this record becomes."""
        return Reject(stage=stage, reason=reason, detail=detail, raw=shown(self.raw), source=self.source, position=self.position)


class FieldError(Exception):
    """A field of a record is missing or not what it should be.  `reason` is the code, the message is the detail."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def expand(path: str) -> list[str]:
    """Return the files that a path or glob names, sorted.  Raises UserError where there is none or the format is unknown."""
    try:
        files = fsspec.open_files(path, "rb")
    except (ValueError, ImportError, OSError) as error:
        raise UserError(f"{path}: cannot be opened: {error}; give a local path or an fsspec URL") from error
    paths: list[str] = sorted(file.full_name if "://" in path else file.path for file in files)
    if "://" not in path and os.path.isdir(path):
        raise UserError(f"{path}: is a folder; name the files in it, such as {path.rstrip('/')}/*.jsonl")
    try:
        there = bool(paths) and (len(paths) > 1 or is_file(*fsspec.core.url_to_fs(paths[0])))
    except OSError as error:
        raise UserError(f"{path}: cannot be reached: {_one_line(error)}; check the name and the connection") from error
    if not there:
        where = "" if "://" in path or path.startswith("/") else f" in {os.getcwd()}"
        raise UserError(f"{path}: no such file{where}; check the name")
    for name in paths:
        if not name.endswith(JSON_SUFFIXES + PARQUET_SUFFIXES):
            raise UserError(f"{name}: unknown format; the name must end in {', '.join(JSON_SUFFIXES + PARQUET_SUFFIXES)}")
    return paths


def is_file(filesystem: Any, path: str) -> bool:
    """Return whether there is a file of that name.  Raises OSError where nobody can tell: fsspec's own answer is no then, too."""
    if filesystem.isfile(path):
        return True
    try:
        filesystem.info(path)
    except NotADirectoryError:
        return False
    except FileNotFoundError as error:
        if isinstance(error.__cause__, OSError):
            raise error.__cause__ from None
    return False


def read_records(
    path: str, columns: Sequence[str] | None = None, opened: Callable[[IO[bytes]], None] | None = None
) -> Iterator[Record | Reject]:
    """Yield every record of the files that `path` names, in order; `columns` are the top-level fields needed, None for all.

    `opened` is given each file as it is on disk: its position says how far it has been read.
    """
    for name in expand(path):
        try:
            with fsspec.open(name, "rb", compression=None) as file:
                if opened is not None:
                    opened(file)
                if name.endswith(PARQUET_SUFFIXES):
                    yield from _parquet_records(file, name, columns)
                elif name.endswith(".gz"):
                    with gzip.GzipFile(fileobj=file) as lines:
                        yield from _json_records(lines, name)
                else:
                    yield from _json_records(file, name)
        except (OSError, EOFError, zlib.error, pa.ArrowException) as error:
            raise UserError(f"{name}: cannot be read: {_one_line(error)}; check that the file is whole") from error


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__


def _parquet_records(file: IO[bytes], name: str, columns: Sequence[str] | None) -> Iterator[Record | Reject]:
    reader = pq.ParquetFile(file)
    known = None if columns is None else [column for column in columns if column in reader.schema_arrow.names]
    position = 0
    for batch in reader.iter_batches(batch_size=PARQUET_BATCH_ROWS, columns=known):
        for fields in _rows(batch):
            position += 1
            if isinstance(fields, FieldError):
                yield Record({}, str(fields), name, position).reject("read", fields.reason, str(fields))
            else:
                yield Record(fields, json_text(fields), name, position)


def _rows(batch: pa.RecordBatch) -> list[dict[str, Any] | FieldError]:
    """Return rows as dicts; values that Python cannot hold are their text, and a row with one that is no text is an error."""
    try:
        rows: list[dict[str, Any] | FieldError] = batch.to_pylist()
    except (ValueError, OverflowError, pa.ArrowException):
        columns = {name: [_value(value, name) for value in batch[name]] for name in batch.schema.names}
        rows = [_row({name: values[place] for name, values in columns.items()}) for place in range(batch.num_rows)]
    return rows


def _value(scalar: pa.Scalar, name: str) -> Any:
    try:
        return scalar.as_py()
    except (ValueError, OverflowError, pa.ArrowException):
        pass
    try:
        return scalar.cast(pa.string()).as_py()  # nanoseconds, dates beyond the year 9999
    except (ValueError, OverflowError, pa.ArrowException) as error:
        return FieldError("bad_value", f"column {name!r} holds a value that cannot be read: {_one_line(error)}")


def _row(fields: dict[str, Any]) -> dict[str, Any] | FieldError:
    return next((value for value in fields.values() if isinstance(value, FieldError)), fields)


def _json_records(file: IO[bytes] | gzip.GzipFile, name: str) -> Iterator[Record | Reject]:
    for position, line in enumerate(_lines(file), start=1):
        text = line.decode("utf-8", "backslashreplace")
        if position == 1:
            text = text.removeprefix("\ufeff")
        if not text.strip():
            continue
        try:
            yield Record(_parse(line, text), text, name, position)
        except FieldError as error:
            yield Record({}, text, name, position).reject("read", error.reason, str(error))


def _lines(file: IO[bytes] | gzip.GzipFile) -> Iterator[bytes]:
    """Yield lines without their end, each cut one byte after MAX_RECORD_BYTES; splits at newlines only."""
    while line := file.readline(MAX_RECORD_BYTES + 1):
        whole = line.endswith(b"\n")
        yield line.rstrip(b"\r\n")
        while not whole:  # skip the rest of a line that is too long
            rest = file.readline(MAX_RECORD_BYTES)
            whole = not rest or rest.endswith(b"\n")


def _parse(line: bytes, text: str) -> dict[str, Any]:
    if len(line) > MAX_RECORD_BYTES:
        raise FieldError("record_too_long", f"the line is over {MAX_RECORD_BYTES} bytes")
    try:
        line.decode()
        fields = _DECODER.decode(text)
    except UnicodeDecodeError as error:
        raise FieldError("bad_utf8", f"not UTF-8 at byte {error.start}") from error
    except (ValueError, RecursionError) as error:
        raise FieldError("bad_json", f"not JSON: {_one_line(error)}") from error
    if not isinstance(fields, dict):
        raise FieldError("not_an_object", f"a JSON {type(fields).__name__}, not an object")
    if "\\u" in text:  # an escape is the only way in for a lone surrogate, which no UTF-8 file can hold
        try:
            json.dumps(fields, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise FieldError("lone_surrogate", f"a lone surrogate {error.object[error.start]!r}, which is no text") from error
    return fields


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text[:40]} is out of range")
    return value


_DECODER = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite)


def json_text(value: Any, **options: Any) -> str:
    """Return JSON that this module reads again: numbers that JSON does not have become null, other kinds of values text."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, default=str, **options)
    except ValueError:
        return json.dumps(_without_nan(value), ensure_ascii=False, allow_nan=False, default=str, **options)


def _without_nan(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _without_nan(item) for key, item in value.items()}
    return [_without_nan(item) for item in value] if isinstance(value, list) else value


def lookup(fields: Mapping[str, Any], path: str) -> Any:
    """Return the value at a dotted path; `name[]` maps the rest of the path over a list.  Raises FieldError where it is missing."""
    if path in fields:
        return fields[path]
    head, dot, rest = path.partition(".")
    each = head.endswith("[]")
    value = fields.get(head.removesuffix("[]"), _MISSING) if isinstance(fields, Mapping) else _MISSING
    if value is _MISSING:
        raise FieldError("missing_field", f"no field {path!r}")
    if each:
        if not isinstance(value, list):
            raise FieldError("wrong_type", f"field {head!r} is not a list")
        return [lookup(item, rest) if dot else item for item in value]
    if not dot:
        return value
    if not isinstance(value, Mapping):
        raise FieldError("missing_field", f"no field {path!r}: {head!r} is not an object")
    return lookup(value, rest)


_MISSING: Any = object()


def text_at(fields: Mapping[str, Any], path: str) -> str:
    """Return the text at a path, a number as its shortest decimal form.

    Raises FieldError where it is missing, null, empty, too long or no text.
    """
    value = lookup(fields, path)
    if value is None:
        raise FieldError("null_field", f"field {path!r} is null")
    if isinstance(value, Decimal):
        value = f"{value:f}"
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise FieldError("wrong_type", f"field {path!r} is a {type(value).__name__}, not text")
    text = str(value)
    if not text.strip():
        raise FieldError("empty_field", f"field {path!r} is empty")
    if len(text.encode()) > MAX_TEXT_BYTES:
        raise FieldError("text_too_long", f"field {path!r} is {len(text.encode())} bytes, over {MAX_TEXT_BYTES}")
    return text


def optional_text_at(fields: Mapping[str, Any], path: str | None) -> str | None:
    """Return the text at a path, or None where no path is mapped or the value is null or empty.  Raises FieldError otherwise."""
    if path is None or lookup(fields, path) in (None, ""):
        return None
    return text_at(fields, path)
