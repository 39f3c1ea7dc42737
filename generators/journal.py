"""The journal: every paid response, written down before anything else sees it.  To resume is to replay it.

`RUN/journal/part-00017/` holds a log for each writer that the partition has had: JSON lines, one response a line.

    {"key":"<32 hex>","teacher":"main","role":"sample","at":[0,1],"choices":[…],"prompt_tokens":12,"completion_tokens":40,
     "seconds":0.5,"spent":{"main":{"sample":[1,12,40]}},"crc":"<8 hex>"}

`key` names the prompt and `at` the number of the sample that each choice is; `spent` adds up calls and tokens of the log as far
as this line; `crc` is the CRC-32 of the bytes before it.  Of two answers to one question the first counts.  A line whose bytes or
shape are not what was written is passed over and counted, and so is a torn end, which a writer leaves that was killed.
"""

import secrets
from collections.abc import Iterable, Sequence

from generators.journal_line import MAX_COUNT, Entry, Spent, Sums, Usage, add, choice_of, encoded, opened, spent_of
from generators.journal_logs import Folder, Log, Reader, last_line, standing, writers
from generators.journal_writers import LocalLog, RolledLog, Writer
from generators.teachers.client import Choice
from schemas.errors import RunError

__all__ = ["Entry", "Journal", "Spent", "Usage", "spent_in"]

Place = tuple[int, int, int, tuple[int, ...]]  # a log's number, offset, length, and the samples that the line answers


class Journal:
    """One partition's journal: what was answered before, and a log for what comes.

    Made in any thread, where it reads all of the folder's logs; then used from one event loop.  Texts stay in the files.
    """

    def __init__(self, folder: str) -> None:
        self.torn = 0  # logs whose writer was killed in the midst of a line
        self.damaged = 0  # lines
        self.answers = 0  # samples that are answered
        self._folder = Folder(folder)
        self._reader = Reader(self._folder)
        self._places: dict[str, list[Place]] = {}
        self._sums: Sums = {}
        self._writer: Writer | None = None
        self._closed = False
        found = standing(self._folder)
        self._stem = next_stem([*found.logs, *found.replaced])
        try:
            self._index(found.logs)
        except BaseException:
            self._reader.close()
            raise

    def _index(self, logs: Sequence[Log]) -> None:
        for number, line in self._reader.lines(logs):
            if line.fields is not None:
                self._add(line.fields["key"], (number, line.offset, line.length, tuple(line.fields["at"])))
            elif line.torn:
                self.torn += 1
            else:
                self.damaged += 1

    def _add(self, key: str, place: Place) -> None:
        """Index a line, unless others before it have answered all that it answers."""
        places = self._places.get(key)
        if places is None:
            new = len(place[3])
            if new:
                self._places[key] = [place]
        else:
            new = len(set(place[3]).difference(*(earlier[3] for earlier in places)))
            if new:
                places.append(place)
        self.answers += new

    def choices(self, key: str) -> dict[int, Choice]:
        """Return what is known of a prompt, by the number of the sample; empty where nothing is.  Raises RunError."""
        places = self._places.get(key)
        found: dict[int, Choice] = {}
        if places is None:
            return found
        for number, offset, length, _ in places:
            fields = opened(self._reader.read(number, offset, length))
            if fields is None:
                raise RunError(f"{self._folder.url}: a log changed while it was being read; run the same command again")
            for at, choice in zip(fields["at"], fields["choices"], strict=True):
                if at not in found:
                    found[at] = choice_of(choice)
        return found

    def append(self, entry: Entry) -> None:
        """Write a response down.  Locally it is in the file when this returns; elsewhere it is in an object within ROLL_SECONDS.

        Raises RunError where it cannot be written, or, elsewhere, where what came before it could not.
        """
        writer, place = self._taken(entry)
        writer.flush()
        self._add(entry.key, place)

    async def appended(self, entry: Entry) -> None:
        """As `append`, together with the responses that other tasks write in the same turn of the loop."""
        writer, place = self._taken(entry)
        await writer.flushed()
        self._add(entry.key, place)

    def _taken(self, entry: Entry) -> tuple[Writer, Place]:
        if self._closed:
            raise RunError(f"{self._folder.url}: a response came after the journal was closed")
        if self._writer is None:
            make = LocalLog if self._folder.is_local else RolledLog
            self._writer = make(self._folder, self._stem, self._reader)
        reply = entry.reply
        counts = self._sums.setdefault(entry.teacher, {}).setdefault(entry.role, [0, 0, 0])
        counts[0] += 1
        counts[1] = min(counts[1] + reply.prompt_tokens, MAX_COUNT)
        counts[2] = min(counts[2] + reply.completion_tokens, MAX_COUNT)
        line = encoded(entry, self._sums)
        number, offset = self._writer.append(line)
        return self._writer, (number, offset, len(line), entry.at[: len(reply.choices)])

    async def close(self) -> None:
        """Return when everything is durable; nothing can be read or written afterwards.  Raises RunError where it is not."""
        if self._closed:
            return
        self._closed = True
        try:
            if self._writer is not None:
                await self._writer.close()
        finally:
            self._reader.close()


def next_stem(logs: Iterable[Log]) -> str:
    """Return the name of a new writer, which sorts after those of all logs.  0 is kept for what `compact` writes."""
    number = max((log.number for log in logs), default=0) + 1
    return f"{number:05d}-{secrets.token_hex(4)}"


def spent_in(*journal_urls: str) -> Spent:
    """Return what all logs in the `journal` folders of runs have cost.  Only the end of each is read.  Raises RunError."""
    total: Spent = {}
    for url in journal_urls:
        for name, entry in Folder(url).entries().items():
            if entry["type"] == "directory":
                add(total, spent_in_part(Folder(f"{url.rstrip('/')}/{name}")))
    return total


def spent_in_part(folder: Folder) -> Spent:
    """Return what one partition's logs have cost.  Raises RunError."""
    total: Spent = {}
    for objects in writers(standing(folder).logs).values():
        for log in reversed(objects):
            if (last := last_line(folder, log)) is not None:
                add(total, spent_of(last))
                break
    return total
