"""Copies in anyone's files.  They are read three times, to sign, to compare and to write, so that no text is held."""

import bisect
import collections
import functools
import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar

import numpy as np

from filters.bands import NONE
from filters.corpus import Corpus
from filters.corpus import Row as Candidate
from filters.duplicates import Places, Standing, text_keys
from filters.shingles import U64
from generators.records import JSON_SUFFIXES, PARQUET_SUFFIXES, FieldError, Record, expand, text_at
from pipeline.earlier import EarlierShard, earlier_release
from pipeline.rows import Row, Rows, found_at, parsed, text_or_none
from schemas.annotation import Duplicate
from schemas.errors import RunError, UserError

T = TypeVar("T")
Pair = tuple[T, Candidate]  # a row as it was read, and what is compared of it

FIELDS = ("id", "text", "group", "answer", "quality")
SIGNED_ROWS, SIGNED_CHARACTERS = 1024, 1 << 23  # at once


def candidate(at: Mapping[str, str], row: Row) -> Candidate:
    """Return what is compared of a row, its fields read from `at`.  Raises FieldError."""
    return Candidate(
        id=text_at(row, at["id"]),
        text=text_at(row, at["text"]),
        group=text_or_none(row, at["group"]),
        answer=text_or_none(row, at["answer"]),
        quality=_quality(row, at["quality"]),
    )


def _quality(row: Row, path: str) -> float:
    value = found_at(row, path)
    if value is None:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise FieldError("wrong_type", f"field {path!r} is a {type(value).__name__}, not a number")
    try:
        quality = float(value)
    except OverflowError:
        quality = math.inf
    if not math.isfinite(quality):
        raise FieldError("bad_number", f"field {path!r} is {str(value)[:40]}; a quality is a finite number")
    return quality


class _Part(NamedTuple):
    """Rows that are read more than once."""

    name: str
    read: Callable[[str, bool], Iterable[Pair[Any]]]  # what it is read for, and whether for another time
    first: int  # number of its first row
    ids: list[str]  # of its rows, in order
    groups: U64  # text keys
    digest: bytes  # of its rows
    repeated: Mapping[str, Sequence[int]]  # ids that several of its rows have, with the places of these

    def again(self, what: str) -> Iterator[Pair[Any]]:
        """Yield the rows once more.  Raises RunError in the end where they are not those of the first time."""
        digest = hashlib.blake2b()
        for row, one in self.read(what, True):
            digest.update(repr(one).encode())
            yield row, one
        if digest.digest() != self.digest:
            raise RunError(f"{self.name}: has changed while it was read; run the command again")


class Copies:
    """Who stands for whom among the rows of `rows`, and of earlier files and releases, whose rows are kept anyway."""

    def __init__(self, rows: Rows, at: Mapping[str, str], threshold: float, within: float, against: Sequence[str] = ()) -> None:
        self.corpus = Corpus(threshold, within)
        self._rows, self._candidate = rows, functools.partial(candidate, at)
        self._numbers: dict[str, int] = {}  # id → place among the rows
        self._parts: list[_Part] = []
        for url in against:
            self._add_earlier(url)
        self.earlier = self._end
        self._add(", ".join(rows.paths[:1]), self._read_rows, earlier=False)
        self.count = self._end - self.earlier
        self.found: dict[int, Standing] = self.corpus.compare(lambda wanted: (one.text for _, one in self.look(wanted, "compare")))

    @property
    def _end(self) -> int:
        return self._parts[-1].first + len(self._parts[-1].ids) if self._parts else 0

    def _add_earlier(self, url: str) -> None:
        if url.endswith(JSON_SUFFIXES + PARQUET_SUFFIXES):
            self._rows.claim("--against", *expand(url))
            rejects = self._rows.rejects
            self._add(url, functools.partial(self._read_file, url), earlier=True)
            if not self._parts[-1].ids and (unread := self._rows.rejects - rejects):
                raise UserError(f"--against {url}: none of its {unread:,} rows can be read; it needs the fields that --in has")
            return
        release = earlier_release(url, "--against")
        self._rows.spare_folders(*release.folders)
        for shard in release.shards:
            self._add(shard.full_url, functools.partial(_read_shard, shard), earlier=True)

    def _add(self, name: str, read: Callable[[str, bool], Iterable[Pair[Any]]], earlier: bool) -> None:
        """Read rows for the first time."""
        first, ids, digest = self._end, [], hashlib.blake2b()
        groups = [np.zeros(0, np.uint64)]
        for batch in _batches(one for _, one in read("read", False)):
            self.corpus.add(batch, earlier)
            groups.append(text_keys(one.group for one in batch))
            for one in batch:
                ids.append(one.id)
                digest.update(repr(one).encode())
        self._parts.append(_Part(name, read, first, ids, np.concatenate(groups), digest.digest(), _repeated(ids)))

    def _read_file(self, url: str, what: str, again: bool) -> Iterator[Pair[Record]]:
        return parsed(self._rows, self._rows.read(what, url, again), self._candidate, "dedupe", again)

    def _read_rows(self, what: str, again: bool) -> Iterator[Pair[Record]]:
        """Yield the rows; those whose id has come before are rejects."""
        records = self._rows.read(what, again=again)
        if not again:
            yield from parsed(self._rows, records, self._unseen, "dedupe")
            return
        place = 0
        for record, one in parsed(self._rows, records, self._candidate, "dedupe", again=True):
            if self._numbers.get(one.id, place) == place:
                yield record, one
                place += 1

    def _unseen(self, row: Row) -> Candidate:
        one = self._candidate(row)
        if one.id in self._numbers:
            raise FieldError("repeated_id", f"id {one.id!r} has come before")
        self._numbers[one.id] = len(self._numbers)
        return one

    def id_of(self, number: int) -> str:
        """Return the id of a row."""
        part, place = self._place(number)
        return part.ids[place]

    def shown(self, number: int) -> str:
        """Return the id of a row, with its file where it is an earlier one: there it may be that of several, which are numbered."""
        part, place = self._place(number)
        id = part.ids[place]
        if number >= self.earlier:
            return id
        alike = part.repeated.get(id, ())
        return f"{id} ({alike.index(place) + 1}), of {part.name}" if alike else f"{id}, of {part.name}"

    def of_one_group(self, one: int, other: int) -> bool:
        """Return whether two rows are of one group."""
        keys = [part.groups[place] for part, place in (self._place(one), self._place(other))]
        return bool(keys[0] == keys[1] != NONE)

    def _place(self, number: int) -> tuple[_Part, int]:
        part = self._parts[bisect.bisect_right(self._parts, number, key=lambda part: part.first) - 1]
        return part, number - part.first

    def look(self, wanted: Places, what: str) -> Iterator[tuple[int, Candidate]]:
        """Yield some rows by their numbers, which are in order."""
        for part in self._parts:
            here = iter(wanted[slice(*np.searchsorted(wanted, [part.first, part.first + len(part.ids)]))].tolist())
            number = next(here, None)
            for place, (_, one) in enumerate(part.again(what) if number is not None else (), part.first):
                if place == number:
                    yield place, one
                    number = next(here, None)
                    if number is None:
                        break

    def marked(self) -> Iterator[tuple[Record, Duplicate | None]]:
        """Yield each row with who stands for it, None where it is kept."""
        for number, (record, _) in enumerate(self._parts[-1].again("write"), self.earlier):
            standing = self.found.get(number)
            yield record, None if standing is None else Duplicate(standing.kind, self.id_of(standing.kept), standing.jaccard)


def _repeated(ids: Sequence[str]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {id: [] for id, count in collections.Counter(ids).items() if count > 1}
    for place, id in enumerate(ids):
        if id in places:
            places[id].append(place)
    return places


def _read_shard(shard: EarlierShard, what: str, again: bool) -> Iterator[Pair[None]]:
    table = shard.signatures()
    texts = shard.texts(np.arange(table.num_rows))
    columns = (table["sample_id"].to_pylist(), texts, table["problem_id"].to_pylist(), table["answer"].to_pylist())
    for one in zip(*columns, strict=True):
        yield None, Candidate(*one)


def _batches(rows: Iterable[Candidate]) -> Iterator[list[Candidate]]:
    """Yield rows, so many together that their texts are few."""
    batch: list[Candidate] = []
    characters = 0
    for row in rows:
        batch.append(row)
        characters += len(row.text)
        if len(batch) == SIGNED_ROWS or characters >= SIGNED_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch
