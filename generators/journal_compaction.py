"""Looking through a whole partition of a journal, and making one log of its many."""

import collections
import contextlib
import os
import secrets
import tempfile
from collections.abc import Iterator
from typing import IO, NamedTuple

from generators.journal import spent_in_part
from generators.journal_line import KEY_LENGTH, Fields, Spent, Sums, sealed, sums_of
from generators.journal_logs import READ_BYTES, Folder, Line, Reader, Standing, failing_as_run_error, standing, sync_names

DAMAGED = "damaged.txt"
TEMPORARY = ".tmp"


class Survey(NamedTuple):
    """What a partition's logs hold."""

    spent: Spent
    samples: dict[tuple[str, str], int]  # by teacher and role; a sample that was answered twice counts once
    logs: int
    torn: int
    damaged: int
    repeated: int  # answers to what an earlier line had answered


class Found(NamedTuple):
    """What is told of a line: where it is, and which of its answers are the first."""

    number: int
    line: Line
    first: list[int]  # places in the line's `at`


def partitions(journal_url: str) -> Iterator[Folder]:
    """Yield the folders of a journal's partitions, in order.  Raises RunError."""
    for name, entry in sorted(Folder(journal_url).entries().items()):
        if entry["type"] == "directory":
            yield Folder(f"{journal_url.rstrip('/')}/{name}")


def survey(folder: Folder) -> Survey:
    """Return what a partition's logs hold; nothing is changed.  It holds keys, not texts.  Raises RunError."""
    found = standing(folder)
    samples: collections.Counter[tuple[str, str]] = collections.Counter()
    torn = damaged = repeated = 0
    reader = Reader(folder)
    try:
        for _, line, first in _told(reader, found):
            if line.fields is None:
                torn += line.torn
                damaged += not line.torn
                continue
            repeated += len(line.fields["at"]) - len(first)
            if first:
                samples[line.fields["teacher"], line.fields["role"]] += len(first)
    finally:
        reader.close()
    return Survey(spent_in_part(folder), dict(samples), len(found.logs) + len(found.replaced), torn, damaged, repeated)


def _told(reader: Reader, found: Standing) -> Iterator[Found]:
    answered: dict[str, set[int]] = {}
    for number, line in reader.lines(found.logs):
        first = []
        if line.fields is not None and line.fields["at"]:
            known = answered.setdefault(line.fields["key"], set())
            first = [place for place, at in enumerate(line.fields["at"]) if at not in known]
            known.update(line.fields["at"])
        yield Found(number, line, first)


def compact(folder: Folder) -> int:
    """Make one log of a partition's many and return how many there are then: the first answers, and what all answers cost.

    What is torn or damaged moves to damaged.txt.  The new log names the logs that it stands for, so that whoever reads after a
    kill counts nothing twice.  Nobody may write to the partition meanwhile.  Raises RunError.
    """
    found = standing(folder)
    obsolete = found.replaced
    with failing_as_run_error("write", folder.url):
        if found.logs and not _is_compact(folder, found):
            _rewrite(folder, found)
            obsolete = [*found.logs, *found.replaced]
        for log in obsolete:
            folder.store.rm_file(folder.below(log.name))
        for name in folder.entries():
            if name.endswith(TEMPORARY):  # of a compaction that was killed
                folder.store.rm_file(folder.below(name))
    return min(len(found.logs), 1)


def _is_compact(folder: Folder, found: Standing) -> bool:
    if [log.number for log in found.logs] != [0]:
        return False
    reader = Reader(folder)
    try:
        return all(line.fields is not None for _, line in reader.lines(found.logs))
    finally:
        reader.close()


def _rewrite(folder: Folder, found: Standing) -> None:
    spent = sums_of(spent_in_part(folder))
    stem = f"00000-{secrets.token_hex(4)}"
    name = f"{stem}.jsonl" if folder.is_local else f"{stem}-000000.jsonl"
    reader = Reader(folder)
    try:
        # The damaged pieces are in place before the log that lets go of their old ones.
        with _published(folder, name) as lines, _published(folder, DAMAGED) as damaged:
            for number, line, first in _told(reader, found):
                if line.fields is None:
                    _move(folder, reader, number, line, damaged)
                elif first:
                    lines.write(sealed(_kept(line.fields, first, spent)))
            replaces = sorted({log.stem for log in (*found.logs, *found.replaced)})
            lines.write(sealed({**_NOTHING, "spent": spent, "replaces": replaces}))
    finally:
        reader.close()


_NOTHING: Fields = {
    "key": "0" * KEY_LENGTH,
    "teacher": "",
    "role": "",
    "at": [],
    "choices": [],
    "prompt_tokens": 0,
    "completion_tokens": 0,
    "seconds": 0,
}


def _kept(fields: Fields, first: list[int], spent: Sums) -> Fields:
    """Return a line's fields with its first answers only.  Every line carries the sum, so that damage to one takes none of it."""
    return {
        **{name: fields[name] for name in _NOTHING},
        "at": [fields["at"][place] for place in first],
        "choices": [fields["choices"][place] for place in first],
        "spent": spent,
    }


def _move(folder: Folder, reader: Reader, number: int, line: Line, damaged: IO[bytes]) -> None:
    """Copy a piece behind those that earlier compactions have found."""
    if not damaged.tell() and (before := folder.entries().get(DAMAGED)) is not None:
        for start in range(0, before["size"], READ_BYTES):
            damaged.write(folder.read(DAMAGED, start, min(start + READ_BYTES, before["size"])))
    for start in range(0, line.length, READ_BYTES):
        damaged.write(reader.read(number, line.offset + start, min(READ_BYTES, line.length - start)))
    if line.torn:
        damaged.write(b"\n")


@contextlib.contextmanager
def _published(folder: Folder, name: str) -> Iterator[IO[bytes]]:
    """Open a file that is there under its name, whole, once the block has ended well; one that stays empty never is."""
    with tempfile.TemporaryDirectory() as elsewhere:
        path = f"{folder.path if folder.is_local else elsewhere}/{name}{TEMPORARY}"
        try:
            with open(path, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
                is_empty = not file.tell()
            if is_empty:
                return
            if folder.is_local:
                os.replace(path, folder.below(name))
                sync_names(folder.path)
            else:
                folder.store.put_file(path, folder.below(name))
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
