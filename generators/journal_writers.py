"""Writing a log: appended to a local file, or rolled into objects where a store cannot append."""

import asyncio
import collections
import os
from typing import Protocol

import tenacity

from generators.journal_logs import Folder, Reader, failing_as_run_error, sync_names
from schemas.errors import RunError

# Object stores cannot append: a process that is killed there loses what the last seconds brought.
ROLL_SECONDS = 5.0
ROLL_BYTES = 8 << 20
# s3fs and gcsfs try again by themselves; these tries, 0.5, 1 and 2 s apart, are for the failures that they pass on.
PUT_TRIES = 4
PUT_WAIT = 0.5  # seconds


class Writer(Protocol):
    """One log that is being written."""

    def append(self, line: bytes) -> tuple[int, int]:
        """Take a line and return where the journal's reader will find it: a log's number and an offset.  Raises RunError."""
        ...

    def flush(self) -> None:
        """Write down what was taken.  Raises RunError."""
        ...

    async def flushed(self) -> None:
        """Return when what was taken is written down, together with what other tasks bring in this turn of the loop."""
        ...

    async def close(self) -> None:
        """Return when all lines are durable.  Raises RunError where they are not."""
        ...


class LocalLog:
    """Appends with one system call for all lines of a turn of the loop: a process that is killed loses none that was acknowledged.

    By measurement, encoding included, a call a line took 8 % of the loop's thread: each gives the interpreter's lock away.
    """

    def __init__(self, folder: Folder, stem: str, reader: Reader) -> None:
        self._path = folder.below(f"{stem}.jsonl")
        with failing_as_run_error("write", self._path):
            os.makedirs(folder.path, exist_ok=True)
            self._file = os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_WRONLY, 0o644)
        self._number = reader.add(f"{stem}.jsonl")
        self._size = 0  # with the lines that are taken and not written yet
        self._lines: list[bytes] = []
        self._turn: asyncio.Future[None] | None = None
        self._failure: RunError | None = None

    def append(self, line: bytes) -> tuple[int, int]:
        """Take a line."""
        if self._failure is not None:
            raise self._failure
        self._lines.append(line)
        self._size += len(line)
        return self._number, self._size - len(line)

    def flush(self) -> None:
        """Write what was taken.  After a failure nothing more is written: it would be glued to the torn piece."""
        data, self._lines = b"".join(self._lines), []
        if self._failure is not None:
            raise self._failure
        try:
            written = os.write(self._file, data)
        except OSError as error:
            raise self._failed(error.strerror or str(error)) from error
        if written != len(data):
            raise self._failed(f"the disk took {written} of {len(data)} bytes; make room there")

    async def flushed(self) -> None:
        """Return when this turn's lines are written."""
        if self._turn is None:
            loop = asyncio.get_running_loop()
            self._turn = loop.create_future()
            loop.call_soon(self._end_turn)
        await self._turn

    def _end_turn(self) -> None:
        turn, self._turn = self._turn, None
        assert turn is not None
        try:
            self.flush()
        except RunError as error:
            turn.set_exception(error)
        else:
            turn.set_result(None)

    def _failed(self, why: str) -> RunError:
        self._failure = RunError(f"cannot write {self._path}: {why}; run the same command again: what it holds is not asked anew")
        return self._failure

    async def close(self) -> None:
        """Have the system put the file and its name on the disk."""
        if self._turn is not None:
            await self._turn
        with failing_as_run_error("write", self._path):
            try:
                await asyncio.to_thread(_sync, self._file, os.path.dirname(self._path))
            finally:
                os.close(self._file)


def _sync(file: int, folder: str) -> None:
    os.fsync(file)
    sync_names(folder)


class RolledLog:
    """Collects lines in the reader's temporary file and puts stretches of it as objects, one after the other, in a thread."""

    def __init__(self, folder: Folder, stem: str, reader: Reader) -> None:
        self._folder = folder
        self._stem = stem
        self._reader = reader
        self._start = reader.spooled  # of what no object holds yet
        self._cuts: collections.deque[tuple[int, int]] = collections.deque()
        self._objects = 0
        self._failure: RunError | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._putting: asyncio.Task[None] | None = None

    def append(self, line: bytes) -> tuple[int, int]:
        """Take a line for the next object, which is put within ROLL_SECONDS."""
        if self._failure is not None:
            raise self._failure
        with failing_as_run_error("write", "a temporary file for the journal"):
            offset = self._reader.keep(line)
        if self._reader.spooled - self._start >= ROLL_BYTES:
            self._roll()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(ROLL_SECONDS, self._roll)
        return 0, offset

    def flush(self) -> None:
        """Do nothing: an object is put when its time has come."""

    async def flushed(self) -> None:
        """Do not wait for it either."""

    def _roll(self) -> None:
        """End the object that is being collected."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._reader.spooled > self._start:
            self._cuts.append((self._start, self._reader.spooled))
            self._start = self._reader.spooled
        if self._cuts and self._putting is None:
            self._putting = asyncio.get_running_loop().create_task(self._put_all())

    async def _put_all(self) -> None:
        try:
            while self._cuts and self._failure is None:
                await asyncio.to_thread(self._put, *self._cuts[0])
                self._cuts.popleft()
                self._objects += 1
        except Exception as error:  # drivers raise errors of their own libraries; whatever it is, the object is not there
            why = " ".join(str(error).split()) or type(error).__name__
            self._failure = RunError(f"cannot write {self._folder.url}: {why}; the responses of the last seconds are lost")
            self._failure.__cause__ = error
        finally:
            self._putting = None

    def _put(self, start: int, end: int) -> None:
        data = self._reader.read(0, start, end - start)
        path = self._folder.below(f"{self._stem}-{self._objects:06d}.jsonl")
        for attempt in tenacity.Retrying(
            stop=tenacity.stop_after_attempt(PUT_TRIES), wait=tenacity.wait_exponential(PUT_WAIT), reraise=True
        ):
            with attempt:
                self._folder.store.pipe_file(path, data)

    async def close(self) -> None:
        """Put what is left and wait until every object is there."""
        self._roll()
        if self._putting is not None:
            await self._putting
        if self._failure is not None:
            raise self._failure
