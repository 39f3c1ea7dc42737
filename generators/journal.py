"""The journal: every paid response, written down before anything else sees it.  To resume is to replay it.

`RUN/journal/part-00017/` holds one log for each writer that the partition had.  A log is JSON lines; a line is one response:

    {"key":"<32 hex>","teacher":"main","role":"sample","at":[0,1],"choices":[…],"prompt_tokens":12,"completion_tokens":40,
     "seconds":0.5,"spent":{"main":{"sample":[1,12,40]}},"crc":"<8 hex>"}

`key` names the prompt, `at` the numbers of the samples.  `spent` adds up calls and tokens of the log to this line, so a log's last
line tells what all of it cost.  `crc` is the CRC-32 of the bytes before it.  A line that does not fit it is passed over and
counted; so is a torn end, which a writer leaves that was killed.  Of two answers to one question the first counts.
"""

import asyncio
import contextlib
import os
import tempfile
import uuid
import zlib
from collections.abc import Iterator
from typing import IO, Any, NamedTuple

import fsspec
import orjson

from generators.teachers.client import Choice, Reply
from schemas.errors import RunError

KEY_DIGITS = 32
BEGIN = b'{"key":"'  # of every line, so that a key is found without parsing
CRC_BYTES = 18  # of ,"crc":"01234567"}
COMPACTING = ".compacting"  # a file that names the logs which a new one stands for
READ_BYTES = 1 << 20
MAX_LINE_BYTES = 128 << 20  # twice the largest reply that is read
# Object stores cannot append: what may be lost there is what the last seconds brought.
ROLL_SECONDS = 5.0
ROLL_BYTES = 8 << 20

_FIELDS = Choice._fields


class Usage(NamedTuple):
    """What was used: calls, and tokens as the servers count them."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def plus(self, other: "Usage") -> "Usage":
        """Return the sum."""
        return Usage(*(mine + its for mine, its in zip(self, other, strict=True)))


Spent = dict[tuple[str, str], Usage]  # by teacher and role


class Entry(NamedTuple):
    """One response."""

    key: str  # 32 hexadecimal digits
    teacher: str
    role: str
    at: tuple[int, ...]  # the number of the sample that each choice is
    reply: Reply
    seconds: float


class Line(NamedTuple):
    """A whole line of a log: where it stands, and its key where it is sound."""

    offset: int
    length: int
    key: bytes | None  # None for a damaged line


def encoded(entry: Entry, spent: Spent) -> bytes:
    """Return the line of an entry; `spent` is the log's sum with it."""
    by_teacher: dict[str, dict[str, Usage]] = {}
    for (teacher, role), usage in spent.items():
        by_teacher.setdefault(teacher, {})[role] = list(usage)  # type: ignore[assignment]  # orjson takes no NamedTuple
    reply = entry.reply
    choices = [{name: value for name, value in zip(_FIELDS, choice, strict=True) if value is not None} for choice in reply.choices]
    return sealed(
        {
            "key": entry.key,
            "teacher": entry.teacher,
            "role": entry.role,
            "at": entry.at,
            "choices": choices,
            "prompt_tokens": reply.prompt_tokens,
            "completion_tokens": reply.completion_tokens,
            "seconds": entry.seconds,
            "spent": by_teacher,
        }
    )


def sealed(fields: dict[str, Any]) -> bytes:
    """Return a line with its check sum."""
    body = orjson.dumps(fields)[:-1]
    return b'%s,"crc":"%08x"}\n' % (body, zlib.crc32(body))


def decoded(line: bytes) -> dict[str, Any] | None:
    """Return the fields of a sound line, None where a field is not what it must be."""
    try:
        fields = orjson.loads(line)
        at, choices = fields["at"], fields["choices"]
        sound = (
            len(at) == len(choices)
            and all(isinstance(number, int) and number >= 0 for number in at)
            and all(isinstance(choice["text"], str) and choice.keys() <= set(_FIELDS) for choice in choices)
            and isinstance(fields["teacher"], str)
            and isinstance(fields["role"], str)
        )
        _ = spent_of(fields)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return fields if sound else None


def spent_of(fields: dict[str, Any]) -> Spent:
    """Return the sum that a line carries."""
    return {
        (teacher, role): Usage(*(int(count) for count in counts))
        for teacher, of_teacher in fields["spent"].items()
        for role, counts in of_teacher.items()
    }


def key_in(line: bytes) -> bytes | None:
    """Return the key of a line, None where it is damaged."""
    if not line.startswith(BEGIN) or len(line) < len(BEGIN) + KEY_DIGITS + CRC_BYTES:
        return None
    if line[-CRC_BYTES:] != b',"crc":"%08x"}' % zlib.crc32(memoryview(line)[:-CRC_BYTES]):
        return None
    return line[len(BEGIN) : len(BEGIN) + KEY_DIGITS]


def lines_in(file: IO[bytes]) -> Iterator[Line]:
    """Yield the whole lines of a log; what follows its last newline is torn and has no line.  Splits at newlines only."""
    offset = 0
    for line in iter(lambda: file.readline(MAX_LINE_BYTES), b""):
        if line.endswith(b"\n"):
            yield Line(offset, len(line), key_in(line[:-1]))
        offset += len(line)


def add(spent: Spent, more: Spent) -> None:
    """Add one sum to another."""
    for who, usage in more.items():
        spent[who] = spent.get(who, Usage()).plus(usage)


class Folder:
    """A partition's folder of logs, at a local path or an fsspec URL."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.store, self.path = fsspec.core.url_to_fs(url)
        protocol = self.store.protocol
        self.is_local = "file" in ((protocol,) if isinstance(protocol, str) else protocol)

    def logs(self) -> list[str]:
        """Return the names of the logs, in the order in which they were begun."""
        names = set(self.names())
        for name in [name for name in names if name.endswith(COMPACTING)]:  # a compaction that was stopped, or is at work
            done = orjson.loads(self.store.cat_file(f"{self.path}/{name}"))
            names -= set(done["old"]) if done["new"] in names else set()
        return sorted(name for name in names if name.endswith(".jsonl"))

    def names(self) -> list[str]:
        """Return the names of all that is in the folder, sorted; none where there is no folder."""
        try:
            found = self.store.ls(self.path, detail=False, refresh=True)
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(entry.rstrip("/").rsplit("/", 1)[-1] for entry in found)

    def open(self, name: str) -> IO[bytes]:
        """Open a log for reading."""
        return self.store.open(f"{self.path}/{name}", "rb")  # type: ignore[no-any-return]

    def next_writer(self) -> str:
        """Return the name of a new writer; it sorts after those of all logs that are there."""
        number = max((int(name[:5]) for name in self.logs() if name[:5].isdecimal()), default=0) + 1
        return f"{number:05d}-{uuid.uuid4().hex[:8]}"


class Journal:
    """One partition's journal: what was answered before, and a log for what comes.

    Made in any thread; then used from one event loop.
    """

    def __init__(self, url: str) -> None:
        self.torn = self.damaged = 0
        self._folder = Folder(url)
        self._files: list[IO[bytes]] = []
        self._places: dict[bytes, list[tuple[int, int, int]]] = {}  # key → (log, offset, length)
        self._new: dict[str, dict[int, Choice]] = {}
        self._spent: Spent = {}
        self._log: _LocalLog | _RolledLog | None = None
        try:
            self._index()
        except OSError as error:
            raise RunError(f"cannot read {url}: {error.strerror or error}") from error

    def _index(self) -> None:
        for number, name in enumerate(self._folder.logs()):
            file = _local(self._folder, name)
            self._files.append(file)
            end = 0
            for line in lines_in(file):
                end = line.offset + line.length
                if line.key is None:
                    self.damaged += 1
                else:
                    self._places.setdefault(line.key, []).append((number, line.offset, line.length))
            self.torn += file.seek(0, os.SEEK_END) > end

    def choices(self, key: str) -> dict[int, Choice]:
        """Return what is known of a prompt, by the number of the sample."""
        found: dict[int, Choice] = {}
        for number, offset, length in self._places.get(key.encode(), ()):
            fields = decoded(os.pread(self._files[number].fileno(), length, offset))
            if fields is None:
                self.damaged += 1
                continue
            for at, choice in zip(fields["at"], fields["choices"], strict=True):
                found.setdefault(at, Choice(**choice))
        return {**self._new.get(key, {}), **found}

    def append(self, entry: Entry) -> None:
        """Write a response down.  Locally it is in the file when this returns; elsewhere within ROLL_SECONDS.

        Raises RunError where it cannot be written.
        """
        who = (entry.teacher, entry.role)
        reply = entry.reply
        calls, prompt, completion = self._spent.get(who, (0, 0, 0))
        self._spent[who] = Usage(calls + 1, prompt + reply.prompt_tokens, completion + reply.completion_tokens)
        if self._log is None:
            try:
                self._log = _LocalLog(self._folder) if self._folder.is_local else _RolledLog(self._folder)
            except OSError as error:
                raise RunError(f"cannot write {self._folder.url}: {error.strerror or error}") from error
        self._log.write(encoded(entry, self._spent))
        known = self._new.setdefault(entry.key, {})
        for number, choice in zip(entry.at, reply.choices, strict=True):
            known.setdefault(number, choice)

    async def close(self) -> None:
        """Make all of it durable and let go of the files.  Raises RunError where that fails."""
        for file in self._files:
            file.close()
        log, self._log = self._log, None
        if log is not None:
            await log.close()


def _local(folder: Folder, name: str) -> IO[bytes]:
    """Return a log as a file of this machine that can be read at random."""
    if folder.is_local:
        return open(f"{folder.path}/{name}", "rb")
    spool = tempfile.TemporaryFile()  # noqa: SIM115  # it is closed with the journal
    with folder.open(name) as file:
        while piece := file.read(READ_BYTES):
            spool.write(piece)
    spool.seek(0)
    return spool


class _LocalLog:
    """Appends: one system call a response, so a process that is killed loses none that was acknowledged."""

    def __init__(self, folder: Folder) -> None:
        os.makedirs(folder.path, exist_ok=True)
        self._path = f"{folder.path}/{folder.next_writer()}.jsonl"
        self._file = os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_WRONLY, 0o644)
        self._broken = False

    def write(self, line: bytes) -> None:
        """Append a line; after a failure nothing is written behind the torn piece."""
        try:
            if self._broken or os.write(self._file, line) != len(line):
                raise OSError("the disk took a part of a line only")
        except OSError as error:
            self._broken = True
            raise RunError(f"cannot write {self._path}: {error.strerror or error}; the response is lost") from error

    async def close(self) -> None:
        """Have the system write it to the disk."""
        try:
            await asyncio.to_thread(os.fsync, self._file)
        except OSError as error:
            raise RunError(f"cannot write {self._path}: {error.strerror or error}") from error
        finally:
            os.close(self._file)


class _RolledLog:
    """Rolls lines into objects, in the background, one after the other."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._writer = folder.next_writer()
        self._objects = 0
        self._lines: list[bytes] = []
        self._bytes = 0
        self._failure: OSError | None = None
        self._full = asyncio.Event()
        self._closing = False
        self._task = asyncio.create_task(self._roll())

    def write(self, line: bytes) -> None:
        """Take a line for the next object."""
        self._raise()
        self._lines.append(line)
        self._bytes += len(line)
        if self._bytes >= ROLL_BYTES:
            self._full.set()

    async def _roll(self) -> None:
        while not self._closing or self._lines:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._full.wait(), ROLL_SECONDS)
            self._full.clear()
            try:
                await self._put()
            except OSError as error:
                self._failure = error
                return

    async def _put(self) -> None:
        if not self._lines:
            return
        data, self._lines, self._bytes = b"".join(self._lines), [], 0
        self._objects += 1
        path = f"{self._folder.path}/{self._writer}-{self._objects:06d}.jsonl"
        await asyncio.to_thread(self._folder.store.pipe_file, path, data)  # the store's own driver tries again where that helps

    def _raise(self) -> None:
        if self._failure is not None:
            raise RunError(f"cannot write {self._folder.url}: {self._failure}; the last responses are lost") from self._failure

    async def close(self) -> None:
        """Put what is left."""
        self._closing = True
        self._full.set()
        await self._task
        self._raise()


def spent_in(journals: str) -> Spent:
    """Return what all logs of a run's journal have cost: only the end of each log is read."""
    total: Spent = {}
    for part in Folder(journals).names():
        folder = Folder(f"{journals}/{part}")
        last = {name[:14]: name for name in folder.logs()}  # of each writer the last object
        for name in last.values():
            with folder.open(name) as file:
                add(total, spent_at_end(file))
    return total


def spent_at_end(file: IO[bytes]) -> Spent:
    """Return the sum in the last sound line of a log."""
    size = file.seek(0, os.SEEK_END)
    window = 1 << 16
    while True:
        start = max(0, size - window)
        file.seek(start)
        lines = file.read(size - start).split(b"\n")[:-1]  # what follows the last newline is torn
        for line in reversed(lines if start == 0 else lines[1:]):
            fields = decoded(line) if key_in(line) is not None else None
            if fields is not None:
                return spent_of(fields)
        if start == 0:
            return {}
        window *= 8
