"""Looking after a journal: counting and verifying what is in it, and making many logs one."""

import os
import tempfile
import uuid
from collections.abc import Iterator
from typing import IO, Any, NamedTuple

import orjson

from generators.journal import COMPACTING, Folder, Spent, add, decoded, lines_in, sealed, spent_at_end, spent_of

DAMAGED = "damaged.txt"  # where compaction keeps what it cannot read
NO_KEY = "0" * 32  # of a line that carries a cost alone


class Counts(NamedTuple):
    """What a partition's journal holds."""

    logs: int = 0
    answers: int = 0  # distinct samples
    repeated: int = 0  # answers to what had been answered: paid twice
    damaged: int = 0  # lines
    torn: int = 0  # ends of logs whose writers were killed

    def plus(self, other: "Counts") -> "Counts":
        """Return the sum."""
        return Counts(*(mine + its for mine, its in zip(self, other, strict=True)))


class Audit:
    """Reads a partition's logs from the first line to the last: every check sum, every field."""

    def __init__(self, folder: Folder) -> None:
        self.counts = Counts()
        self.spent: Spent = {}
        self.samples: dict[tuple[str, str], int] = {}  # distinct ones, by teacher and role
        self.unreadable: list[tuple[str, bytes]] = []  # log, piece
        self._folder = folder

    def lines(self) -> Iterator[dict[str, Any]]:
        """Yield the fields of each line that adds an answer, without those that were known, and count all the rest."""
        seen: set[tuple[str, int]] = set()
        repeated = 0
        names = self._folder.logs()
        torn = 0
        for name in names:
            with self._folder.open(name) as file:
                end = 0
                spent: Spent = {}
                for line in lines_in(file):
                    end = line.offset + line.length
                    fields = decoded(_piece(file, line.offset, line.length)) if line.key is not None else None
                    if fields is None:
                        self.unreadable.append((name, _piece(file, line.offset, line.length)))
                        continue
                    spent = spent_of(fields)
                    new = [place for place, number in enumerate(fields["at"]) if (fields["key"], number) not in seen]
                    seen.update((fields["key"], number) for number in fields["at"])
                    repeated += len(fields["at"]) - len(new)
                    who = (fields["teacher"], fields["role"])
                    self.samples[who] = self.samples.get(who, 0) + len(new)
                    if new:
                        yield {**fields, "at": [fields["at"][i] for i in new], "choices": [fields["choices"][i] for i in new]}
                if file.seek(0, os.SEEK_END) > end:
                    torn += 1
                    self.unreadable.append((name, _piece(file, end, file.tell() - end)))
                add(self.spent, spent)
        self.counts = Counts(len(names), len(seen), repeated, len(self.unreadable) - torn, torn)


def _piece(file: IO[bytes], offset: int, length: int) -> bytes:
    before = file.tell()
    file.seek(offset)
    piece = file.read(length)
    file.seek(before)
    return piece


def audited(url: str) -> Audit:
    """Return what a partition's journal holds, all of it verified."""
    audit = Audit(Folder(url))
    for _ in audit.lines():
        pass
    return audit


def compact(url: str) -> Audit:
    """Make a partition's logs one, without repeats, and return what was there before.

    The new log says all that the old ones have cost.  What cannot be read goes to damaged.txt.  Stopped at any moment, the
    journal holds the same answers and costs as before: the old logs count until the new one is whole, and none after.
    """
    folder = Folder(url)
    _finish(folder)
    audit = Audit(folder)
    names = folder.logs()
    total: Spent = {}
    for name in names:
        with folder.open(name) as file:
            add(total, spent_at_end(file))
    spent: dict[str, dict[str, list[int]]] = {}
    for (teacher, role), usage in total.items():
        spent.setdefault(teacher, {})[role] = list(usage)
    with tempfile.NamedTemporaryFile() as new:
        kept = 0
        for fields in audit.lines():
            new.write(sealed(_without_sum(fields) | {"spent": spent}))
            kept += 1
        if not kept and total:
            new.write(sealed(_cost_alone(total) | {"spent": spent}))
        new.flush()
        if len(names) > 1 or audit.unreadable or audit.counts.repeated:
            _replace(folder, names, new.name, audit.unreadable)
    return audit


def _without_sum(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in ("spent", "crc")}


def _cost_alone(total: Spent) -> dict[str, Any]:
    teacher, role = next(iter(total))
    empty: dict[str, Any] = {"key": NO_KEY, "teacher": teacher, "role": role, "at": [], "choices": []}
    return empty | {"prompt_tokens": 0, "completion_tokens": 0, "seconds": 0.0}


def _replace(folder: Folder, old: list[str], new: str, unreadable: list[tuple[str, bytes]]) -> None:
    name = f"00000-{uuid.uuid4().hex[:8]}.jsonl"
    if unreadable:
        _keep(folder, unreadable)
    folder.store.pipe_file(f"{folder.path}/{name}{COMPACTING}", orjson.dumps({"new": name, "old": old}))
    if folder.is_local:
        folder.store.put_file(new, f"{folder.path}/{name}.part")
        os.replace(f"{folder.path}/{name}.part", f"{folder.path}/{name}")
    else:
        folder.store.put_file(new, f"{folder.path}/{name}")
    _finish(folder)


def _finish(folder: Folder) -> None:
    """Remove what a compaction has replaced, also one that was stopped; one that had no new log yet counts for nothing."""
    names = set(folder.names())
    for marker in [name for name in names if name.endswith(COMPACTING)]:
        done = orjson.loads(folder.store.cat_file(f"{folder.path}/{marker}"))
        gone = [name for name in done["old"] if name in names] if done["new"] in names else [f"{done['new']}.part"]
        for name in [*(name for name in gone if name in names), marker]:  # the marker last
            folder.store.rm_file(f"{folder.path}/{name}")


def _keep(folder: Folder, unreadable: list[tuple[str, bytes]]) -> None:
    path = f"{folder.path}/{DAMAGED}"
    before = folder.store.cat_file(path) if DAMAGED in folder.names() else b""
    pieces = b"".join(b"of %s:\n%b\n" % (name.encode(), piece.rstrip(b"\n")) for name, piece in unreadable)
    if pieces not in before:  # a compaction that was stopped had kept them already
        folder.store.pipe_file(path, before + pieces)
