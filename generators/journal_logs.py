"""The logs of a partition: their names and order, and reading them line by line with bounded memory."""

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import fsspec

from generators.journal_line import Fields, opened
from schemas.errors import RunError, UserError

MAX_LINE_BYTES = 128 << 20  # twice the largest reply that a client reads
READ_BYTES = 1 << 20
FETCH_BYTES = 4 << 20  # of one object at a time
FETCHES = 16  # at once, so that many small objects do not come one by one; 64 MiB are held in all
TAILS = (1 << 16, 1 << 20, 1 << 24)  # bytes of a log's end that are read, one after the other, until a sound line is found

_NAME = re.compile(r"(\d{5,9})-([0-9a-f]{8})(?:-(\d{6,9}))?\.jsonl")


class Log(NamedTuple):
    """A log's file, or one object of it.  Sorts in the order in which they were begun."""

    number: int
    writer: str
    sequence: int
    name: str
    size: int

    @property
    def stem(self) -> str:
        """What the objects of one writer have in common."""
        return f"{self.number:05d}-{self.writer}"


class Line(NamedTuple):
    """A stretch of a log: a response, or, where `fields` is None, what is damaged or torn."""

    offset: int
    length: int
    torn: bool  # nothing ends it: its writer was killed
    fields: Fields | None


@contextlib.contextmanager
def failing_as_run_error(action: str, url: str) -> Iterator[None]:
    """Turn a failure of the disk or the store into one line that says what could not be done where."""
    try:
        yield
    except OSError as error:
        raise RunError(f"cannot {action} {url}: {error.strerror or error}") from error


def sync_names(path: str) -> None:
    """Have the system put the names in a local folder on the disk.  Raises OSError."""
    names = os.open(path, os.O_RDONLY)
    try:
        os.fsync(names)
    finally:
        os.close(names)


class Folder:
    """A folder of logs at a local path or an fsspec URL."""

    def __init__(self, url: str) -> None:
        try:
            self.store, path = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise UserError(f"{url}: cannot be opened: {error}") from error
        self.url = url
        self.path: str = path.rstrip("/")
        protocol = self.store.protocol
        self.is_local = "file" in ((protocol,) if isinstance(protocol, str) else protocol)

    def below(self, name: str) -> str:
        """Return the path of a file in the folder."""
        return f"{self.path}/{name}"

    def entries(self) -> dict[str, Any]:
        """Return what the folder holds, by name; empty where there is none.  Raises RunError."""
        with failing_as_run_error("list", self.url):
            try:
                self.store.invalidate_cache(self.path)
                found = self.store.ls(self.path, detail=True)
            except (FileNotFoundError, NotADirectoryError):
                return {}
            return {entry["name"].rstrip("/").rsplit("/", 1)[-1]: entry for entry in found}

    def logs(self) -> list[Log]:
        """Return the logs in the order in which they were begun.  Raises RunError."""
        matches = [(match, entry) for name, entry in self.entries().items() if (match := _NAME.fullmatch(name))]
        return sorted(
            Log(int(match[1]), match[2], int(match[3] or 0), match[0], int(entry["size"] or 0))
            for match, entry in matches
            if entry["type"] == "file"
        )

    def read(self, name: str, start: int, end: int) -> bytes:
        """Return a part of a file.  Raises OSError."""
        data: bytes = self.store.cat_file(self.below(name), start=start, end=end)
        return data


class Reader:
    """Logs that can be read at any place: local files as they lie, others by way of one temporary file that leaves no trace."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._names: list[str] = []
        self._current: tuple[int, int] | None = None  # a log's number here and its open file: replay reads one log for long
        self.spool: int | None = None
        self.spooled = 0  # bytes

    def lines(self, logs: Sequence[Log]) -> Iterator[tuple[int, Line]]:
        """Yield all lines of logs, in order, each with the number to read it by.  Raises RunError."""
        with failing_as_run_error("read", self._folder.url):
            if self._folder.is_local:
                for log in logs:
                    number = self.add(log.name)
                    size = os.fstat(self._file(number)).st_size
                    yield from ((number, line) for line in _lines(self._file(number), 0, size))
            else:
                start = self.spooled
                self._fetch(logs)
                for log in logs:
                    yield from ((0, line) for line in _lines(self._spool(), start, start + log.size))
                    start += log.size

    def read(self, number: int, offset: int, length: int) -> bytes:
        """Return a part of a log.  Raises RunError."""
        with failing_as_run_error("read", self._folder.url):
            return os.pread(self._file(number), length, offset)

    def add(self, name: str) -> int:
        """Return the number to read a local log by."""
        self._names.append(name)
        return len(self._names) - 1

    def keep(self, data: bytes) -> int:
        """Take a line that was not in the folder yet; return the offset to read it by, with number 0.  Raises OSError."""
        offset = self.spooled
        if os.pwrite(self._spool(), data, offset) != len(data):
            raise OSError("the disk of temporary files is full")
        self.spooled += len(data)
        return offset

    def close(self) -> None:
        """Let go of the files."""
        if self._current is not None:
            os.close(self._current[1])
        if self.spool is not None:
            os.close(self.spool)
        self._current = self.spool = None

    def _file(self, number: int) -> int:
        if not self._folder.is_local:
            return self._spool()
        if self._current is None or self._current[0] != number:
            opened_file = os.open(self._folder.below(self._names[number]), os.O_RDONLY)
            if self._current is not None:
                os.close(self._current[1])
            self._current = (number, opened_file)
        return self._current[1]

    def _spool(self) -> int:
        if self.spool is None:
            with tempfile.TemporaryFile() as file:
                self.spool = os.dup(file.fileno())
        return self.spool

    def _fetch(self, logs: Sequence[Log]) -> None:
        pieces = [
            (self._folder.below(log.name), start, min(start + FETCH_BYTES, log.size))
            for log in logs
            for start in range(0, log.size, FETCH_BYTES)
        ]
        for first in range(0, len(pieces), FETCHES):
            paths, starts, ends = zip(*pieces[first : first + FETCHES], strict=True)
            for data, start, end in zip(
                self._folder.store.cat_ranges(list(paths), list(starts), list(ends), on_error="raise"), starts, ends, strict=True
            ):
                if len(data) != end - start:
                    raise OSError("an object changed while it was read")
                self.keep(data)


def _lines(file: int, start: int, end: int) -> Iterator[Line]:
    """Yield the lines between two offsets of a file; they end at newlines and at nothing else."""
    with open(file, "rb", buffering=READ_BYTES, closefd=False) as reader:
        reader.seek(start)
        while start < end:
            data = reader.readline(min(MAX_LINE_BYTES, end - start))
            fields = opened(data) if data.endswith(b"\n") else None
            length = len(data)
            while data and not data.endswith(b"\n") and start + length < end:  # too long for a line: passed over piece by piece
                data = reader.readline(min(READ_BYTES, end - start - length))
                length += len(data)
            if not data:
                return  # the file became shorter
            yield Line(start, length, not data.endswith(b"\n"), fields)
            start += length


def last_line(folder: Folder, log: Log) -> Fields | None:
    """Return the last sound line of a log, reading no more of its end than that takes.  Raises RunError."""
    with failing_as_run_error("read", f"{folder.url}/{log.name}"):
        for tail in TAILS:
            start = max(0, log.size - tail)
            lines = folder.read(log.name, start, log.size).split(b"\n")[:-1]  # what no newline ends is torn
            for line in reversed(lines if start == 0 else lines[1:]):
                if (fields := opened(line)) is not None:
                    return fields
            if start == 0:
                return None
    reader = Reader(folder)
    try:
        last = None
        for _, piece in reader.lines([log]):
            last = piece.fields or last
        return last
    finally:
        reader.close()


def writers(logs: Sequence[Log]) -> dict[str, list[Log]]:
    """Return the objects of each writer, in order."""
    found: dict[str, list[Log]] = {}
    for log in logs:
        found.setdefault(log.stem, []).append(log)
    return found


class Standing(NamedTuple):
    """The logs of a folder: those that count, and those whose content a compaction has already put into one of them."""

    logs: list[Log]
    replaced: list[Log]


def standing(folder: Folder) -> Standing:
    """Return the logs of a folder, apart from those that a compaction was killed before it had removed.  Raises RunError."""
    logs = folder.logs()
    gone: set[str] = set()
    if len(logs) > 1:
        for log in logs:
            if log.number == 0 and (last := last_line(folder, log)) is not None:
                gone.update(last.get("replaces", ()))
    return Standing([log for log in logs if log.stem not in gone], [log for log in logs if log.stem in gone])
