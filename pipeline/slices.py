"""Slices: what rows are compared with others by.  A run's partitions come first, the shards of earlier releases behind them.

Of a partition's rows `RUN/compared/part-*.parquet` holds an order and keys; a row's number is its slice and place in it.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from filters.bands import NONE
from filters.choice_order import as_given
from filters.duplicates import Places, answer_keys, best_of_each, text_keys
from filters.selection import NO_TURN, NOT_DUPLICATE, Turns, chain_lengths, eligible, turns, within_quota
from filters.shingles import U64
from filters.signatures import Signatures, as_matrix
from pipeline import shards
from pipeline.earlier import EarlierShard
from pipeline.rundir import RunDir
from schemas.annotation import Duplicate
from schemas.recipe import Select
from schemas.sample import chain_text

PLACE_BITS = np.uint64(32)

NODE = np.dtype(
    [
        *((name, "<u8") for name in ("number", "first", "high", "low", "problem")),
        *((name, "<i4") for name in ("turn", "after", "ways")),
    ]
)
"""A row that others may be compared with: its number; what it is kept by, the smaller the better; its id, as two numbers; the
key of its problem and when it is kept there."""

Nodes = npt.NDArray[np.void]

# What the selection rules look at, and what comparing needs.
ORDER_COLUMNS = (
    *("sample_id", "problem_id", "index", "choice_order", "reasoning", "response", "finish_reason", "chosen", "answer"),
    *("verdict", "steps", "leak", "chance", "vote", "reflections", "course", "granularity", "approaches"),
    *("contamination", "fingerprint", "signature"),
)


class PlaceStanding(NamedTuple):
    """Who stands for a row."""

    place: int  # of the row, in the order of its slice
    duplicate: Duplicate


class Compared(NamedTuple):
    """A slice's rows in the order of their quality, the best first; one entry a row."""

    row: Places  # its place in the file of texts
    best: Places  # the place here of the best row with its problem, text and answer
    turn: Places  # when it is kept of its problem, as in `Turns`
    way: Places
    after: Places
    ways: Places
    first: U64
    high: U64  # of the id
    low: U64
    print_high: U64
    print_low: U64
    answer: U64  # text keys
    problem: U64

    def nodes(self, slice_number: int, places: npt.NDArray[Any]) -> Nodes:
        """Return some rows as nodes."""
        nodes = np.empty(len(places), dtype=NODE)
        nodes["number"] = places.astype(np.uint64) << PLACE_BITS | np.uint64(slice_number)
        for name in ("first", "high", "low", "problem", "turn", "after", "ways"):
            nodes[name] = getattr(self, name)[places]
        return nodes

    @property
    def bests(self) -> Places:
        """The places of rows that are the best with their problem, text and answer."""
        return np.flatnonzero(self.best == np.arange(len(self.best)))


def places_of(numbers: U64) -> Places:
    """Return the places that numbers of rows hold."""
    return (numbers >> PLACE_BITS).astype(np.int64)


def slices_of(numbers: U64) -> Places:
    """Return the slices that numbers of rows hold."""
    return (numbers & np.uint64(0xFFFFFFFF)).astype(np.int64)


def id_of(node: Any) -> str:
    """Return a node's id."""
    return _id(node["high"], node["low"])


def _id(high: Any, low: Any) -> str:
    return f"{int(high):016x}{int(low):016x}"


@dataclasses.dataclass(frozen=True)
class Slices:
    """Reads and writes what rows are compared by; picklable."""

    run: RunDir
    select: Select
    earlier: tuple[EarlierShard, ...] = ()

    @property
    def count(self) -> int:
        """Slices in all."""
        return self.run.partitions + len(self.earlier)

    def is_earlier(self, slices: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        """Return which slices are of earlier releases."""
        mask: npt.NDArray[np.bool_] = slices >= self.run.partitions
        return mask

    def write(self, partition: int) -> tuple[Compared, pa.Table]:
        """Write what a partition's rows are compared by; return it, and the rows."""
        table = shards.read_table(self.run.annotated(partition), ORDER_COLUMNS)
        compared = ordered(table, self.select)
        columns = {name: np.asarray(values).view(np.int64) for name, values in compared._asdict().items()}
        shards.write_table(self.run.compared(partition), pa.table(columns))
        return compared, table

    def compared(self, slice_number: int) -> Compared:
        """Return what a slice's rows are compared by."""
        if slice_number >= self.run.partitions:
            return _of_earlier(self._earlier(slice_number).signatures())
        table = shards.read_table(self.run.compared(slice_number))
        columns = (table[name].to_numpy() for name in Compared._fields)
        return Compared(*(column if place < 6 else column.view(np.uint64) for place, column in enumerate(columns)))

    def signatures(self, slice_number: int, rows: Places) -> Signatures:
        """Return the signatures of some rows of a slice's file."""
        if slice_number >= self.run.partitions:
            table = self._earlier(slice_number).signatures()
        else:
            table = shards.read_table(self.run.annotated(slice_number), ["signature"])
        return as_matrix(table["signature"].take(rows).to_pylist())

    def texts(self, slice_number: int, rows: Places) -> list[str]:
        """Return the chains of some rows of a slice's file."""
        if slice_number >= self.run.partitions:
            return self._earlier(slice_number).texts(rows)
        return texts_of(shards.read_table(self.run.annotated(slice_number), ["reasoning", "response"]).take(rows))

    def _earlier(self, slice_number: int) -> EarlierShard:
        return self.earlier[slice_number - self.run.partitions]


def texts_of(table: pa.Table) -> list[str]:
    """Return the chains of rows."""
    return [chain_text(*parts) for parts in zip(table["reasoning"].to_pylist(), table["response"].to_pylist(), strict=True)]


def compared_answers(table: pa.Table) -> list[str | None]:
    """Return what each row answers, for comparing: the gold where it is right, else what it commits to."""
    verdicts = table["verdict"].combine_chunks()
    statuses, extracted = (pc.struct_field(verdicts, name).to_pylist() for name in ("status", "extracted"))
    columns = zip(statuses, table["answer"].to_pylist(), extracted, table["choice_order"].to_pylist(), strict=True)
    return [gold if status == "correct" else as_given(found, order) for status, gold, found, order in columns]


def ordered(table: pa.Table, select: Select) -> Compared:
    """Return what rows are compared by.  Of two copies the better is what selection would keep: wanted, passing, right, with an
    answer, short.
    """
    passing = eligible(table, select)
    correct = pc.equal(pc.struct_field(table["verdict"].combine_chunks(), "status"), "correct").to_numpy(zero_copy_only=False)
    lengths = chain_lengths(table)
    high, low = _ids(table["sample_id"])
    prints = np.frombuffer(b"".join(table["fingerprint"].to_pylist()), dtype="<u8").reshape(-1, 2)
    answer, problem = answer_keys(compared_answers(table)), text_keys(table["problem_id"].to_pylist())
    flags = np.where(passing, 0, 4) + np.where(correct, 0, 2) + np.where(answer == NONE, 1, 0)
    by_row = np.lexsort((low, high, lengths, flags))
    best = np.empty(len(by_row), dtype=np.int64)  # row → the best row with its problem, text and answer
    best[by_row] = by_row[best_of_each(*(key[by_row] for key in (prints[:, 0], prints[:, 1], answer, problem)))]
    alone = best == np.arange(len(best)) if NOT_DUPLICATE in select.keep else np.ones(len(best), dtype=np.bool_)
    found = turns(table, np.flatnonzero(passing & alone).tolist(), select)
    flags += np.where(within_quota(found, select), 0, 8) + 1  # 0 is of earlier releases
    first = flags.astype(np.uint64) << np.uint64(32) | lengths.astype(np.uint64)
    order = np.lexsort((low, high, first, best != np.arange(len(best))))
    places = np.empty(len(order), dtype=np.int64)
    places[order] = np.arange(len(order))
    print_high, print_low = np.ascontiguousarray(prints[order].T)
    return Compared(
        *(order, places[best[order]], found.turn[order], found.way[order], found.after[order], found.ways[order]),
        *(first[order], high[order], low[order], print_high, print_low, answer[order], problem[order]),
    )


def duplicates_of(compared: Compared, standings: Sequence[PlaceStanding]) -> dict[int, Duplicate]:
    """Return what stands for each row of a file that is not kept, given what stands for the bests of their texts."""
    found = dict(standings)
    for place in np.flatnonzero(compared.best != np.arange(len(compared.best))).tolist():
        best = int(compared.best[place])
        found[place] = found[best] if best in found else Duplicate("exact", _id(compared.high[best], compared.low[best]), 1.0)
    return {int(compared.row[place]): duplicate for place, duplicate in found.items()}


def turns_of(compared: Compared) -> Turns:
    """Return the turns of the rows of a file."""
    found = Turns(*(np.empty_like(compared.turn) for _ in Turns._fields))
    for name, column in found._asdict().items():
        column[compared.row] = getattr(compared, name)
    return found


def _of_earlier(table: pa.Table) -> Compared:
    rows = np.arange(table.num_rows)
    prints = np.frombuffer(b"".join(table["fingerprint"].to_pylist()), dtype="<u8").reshape(-1, 2)
    answer, problem = answer_keys(table["answer"].to_pylist()), text_keys(table["problem_id"].to_pylist())
    high, low = _ids(table["sample_id"])
    first = np.zeros(len(rows), dtype=np.uint64)
    print_high, print_low = np.ascontiguousarray(prints.T)
    none = np.full(len(rows), NO_TURN)
    return Compared(rows, rows, none, none, none, none, first, high, low, print_high, print_low, answer, problem)


def _ids(ids: pa.ChunkedArray) -> tuple[U64, U64]:
    data = np.frombuffer(bytes.fromhex("".join(ids.to_pylist())), dtype=">u8").reshape(-1, 2).astype(np.uint64)
    return np.ascontiguousarray(data[:, 0]), np.ascontiguousarray(data[:, 1])
