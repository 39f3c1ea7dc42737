"""A partition's shards: duplicates join the annotations, selection decides, kept and rejected rows are written."""

import collections
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from filters.balance import OVER_REPRESENTED, Draws, by_pattern, over_represented, patterns
from filters.reflection_counts import count
from filters.selection import select
from pipeline import shards, storage
from pipeline.chains import chains_of
from pipeline.exports import EXPORTS, PROBLEMS
from pipeline.manifest import PartitionStats
from pipeline.pass_rates import PassRates, outcomes_of, problem_rows
from pipeline.rundir import RunDir
from pipeline.slices import ORDER_COLUMNS, PlaceStanding, Slices, compared_answers, duplicates_of, turns_of
from pipeline.tag_counts import tag_counts
from pipeline.vote_counts import vote_counts
from schemas.annotation import DUPLICATE_TYPE, JUDGE_NAME, Duplicate
from schemas.manifest import SIGNATURES, FileEntry
from schemas.recipe import Balance, Export, Select
from schemas.tables import FULL_SCHEMA, REJECTED_SCHEMA, SIGNATURES_SCHEMA

REJECTED = "rejected"
SPLIT = "train"


@dataclasses.dataclass(frozen=True)
class ShardWriter:
    """Writes release/<config>/train-*.parquet; picklable."""

    run: RunDir
    select: Select
    export: Export
    rates: PassRates
    seed: int

    def draws(self, partition: int, standings: Sequence[PlaceStanding], balance: Balance) -> dict[str, Draws]:
        """Return the draws of the rows that are kept but for the balance of patterns, by pattern."""
        table, reasons = self._decided(partition, standings, ORDER_COLUMNS)
        return by_pattern(table.filter(pc.is_null(reasons)), balance, self.seed)

    def write(self, partition: int, standings: Sequence[PlaceStanding], most: Mapping[str, int]) -> PartitionStats:
        """Write one partition's shards and return what was counted.

        `standings`: of rows that are copies; `most`: of patterns with too many rows, the largest draw that stays.
        """
        table, reasons = self._decided(partition, standings)
        if self.select.balance is not None:
            goes = pa.array(over_represented(table, self.select.balance, self.seed, most))
            reasons = pc.if_else(pc.and_(goes, pc.is_null(reasons)), OVER_REPRESENTED, reasons)
        every = table.append_column("reason", reasons)
        kept = every.filter(pc.is_null(reasons))
        rates = self.rates.of(table, pc.is_null(reasons).to_pylist())
        rejected = rejected_rows(every.filter(pc.is_valid(reasons)))
        records = pa.concat_tables([shards.read_table(path(partition)) for path in (self.run.rejects, self.run.unasked)])
        names = [name for name in dict.fromkeys(self.export.configs) if name in EXPORTS]
        tables = {name: EXPORTS[name].rows(kept, every, self.export.ablation) for name in names}
        if PROBLEMS in self.export.configs:
            tables[PROBLEMS] = problem_rows(shards.read_table(self.run.problems(partition)), rates)
        tables[SIGNATURES] = signatures_of(kept)
        tables[REJECTED] = pa.concat_tables([rejected, rejected_records(records)])
        return PartitionStats(
            partition=partition,
            files=tuple(self._write_shard(config, partition, rows) for config, rows in tables.items()),
            counts=self._counts(partition, every, kept, records),
            outcomes=outcomes_of(rates),
            reflection=count(chains_of(table)),
        )

    def _decided(
        self, partition: int, standings: Sequence[PlaceStanding], columns: Sequence[str] | None = None
    ) -> tuple[pa.Table, pa.Array]:
        """Return the rows with their `duplicate`, and why each is not kept by rules, copies and quotas: null where it is."""
        table = shards.read_table(self.run.annotated(partition), columns)
        compared = Slices(self.run, self.select).compared(partition)
        table = with_duplicates(table, duplicates_of(compared, standings))
        return table, pa.array(select(table, self.select, turns_of(compared)), pa.string())

    def _write_shard(self, config: str, partition: int, table: pa.Table) -> FileEntry:
        path = self.run.shard_name(config, partition)
        written = shards.write_table(storage.join(self.run.release, path), table)
        return FileEntry(path=path, config=config, split=SPLIT, rows=written.rows, bytes=written.bytes, sha256=written.sha256)

    def _counts(self, partition: int, table: pa.Table, kept: pa.Table, records: pa.Table) -> "collections.Counter[tuple[str, ...]]":
        """Return counts by path in the manifest's funnel."""
        statuses = pc.struct_field(table["verdict"].combine_chunks(), "status").to_pylist()
        kinds = pc.struct_field(table["duplicate"].combine_chunks(), "kind").to_pylist()
        labels = [one["label"] for of_row in table["reflections"].to_pylist() for one in of_row]
        counts: collections.Counter[tuple[str, ...]] = collections.Counter()
        counts["problems",] = shards.row_count(self.run.problems(partition))
        counts["problems_sampled",] = len(pc.unique(table["problem_id"]))
        counts["problems_kept",] = len(pc.unique(kept["problem_id"]))
        counts["samples",] = table.num_rows
        counts["kept",] = kept.num_rows
        counts.update(("verdicts", status) for status in statuses)
        checkers = pc.struct_field(table["verdict"].combine_chunks(), "checker").to_pylist()
        by_judge = [status for checker, status in zip(checkers, statuses, strict=True) if checker.startswith(JUDGE_NAME)]
        counts.update(("judged", status) for status in by_judge)
        counts.update(("steps", status) for status in pc.struct_field(table["steps"].combine_chunks(), "status").to_pylist())
        leaks = pc.struct_field(table["leak"].combine_chunks(), "kind").to_pylist()
        counts.update(("leaks", kind) for kind in leaks if kind is not None)
        counts.update(("teachers", *pair) for pair in zip(table["teacher"].to_pylist(), statuses, strict=True))
        counts.update(("origins", *pair) for pair in zip(table["origin"].to_pylist(), statuses, strict=True))
        counts.update(vote_counts(table))
        counts.update(("duplicates", kind) for kind in kinds if kind is not None)
        counts.update(("reflections", label) for label in labels)
        counts.update(tag_counts(table))
        counts.update(self._pattern_counts(table))
        for hits in table["contamination"].to_pylist():
            counts.update({("contaminated", hit["benchmark"], hit["kind"]) for hit in hits or ()})
        counts.update(("rejected_samples", reason) for reason in table["reason"].to_pylist() if reason is not None)
        counts.update(("rejected_records", reason) for reason in records["reason"].to_pylist())
        return counts

    def _pattern_counts(self, every: pa.Table) -> "collections.Counter[tuple[str, ...]]":
        """Return how many rows of each pattern pass all but the balance, and are kept, by path in the manifest's funnel."""
        counts: collections.Counter[tuple[str, ...]] = collections.Counter()
        if self.select.balance is not None:
            found = zip(patterns(every, self.select.balance.by), every["reason"].to_pylist(), strict=True)
            passed = [(pattern, reason) for pattern, reason in found if reason in (None, OVER_REPRESENTED)]
            counts.update(("patterns", pattern, "passed") for pattern, _ in passed)
            counts.update(("patterns", pattern, "kept") for pattern, reason in passed if reason is None)
        return counts


def with_duplicates(table: pa.Table, duplicates: Mapping[int, Duplicate]) -> pa.Table:
    """Return the table with a `duplicate` column, given what stands for rows."""
    column = [(one := duplicates.get(row)) and one._asdict() for row in range(table.num_rows)]
    return table.append_column("duplicate", pa.array(column, type=DUPLICATE_TYPE))


def signatures_of(kept: pa.Table) -> pa.Table:
    """Return what later builds compare their rows with kept ones by."""
    columns = {
        **{name: kept[name] for name in ("sample_id", "problem_id", "fingerprint", "signature")},
        "answer": compared_answers(kept),
    }
    return pa.table({field.name: columns[field.name] for field in SIGNATURES_SCHEMA}, schema=SIGNATURES_SCHEMA)


def rejected_rows(table: pa.Table) -> pa.Table:
    """Return samples that selection turned away, as rows of the `rejected` config."""
    stage = pa.array(["select"] * table.num_rows, pa.string())
    return _rejected({"stage": stage, "reason": table["reason"]}, table.select(FULL_SCHEMA.names))


def rejected_records(records: pa.Table) -> pa.Table:
    """Return records that never became a sample, as rows of the `rejected` config.  Their line in the file is no part of it."""
    columns = {name: records[name] for name in ("reject_id", "stage", "reason", "detail", "raw", "source")}
    return _rejected(columns, records.select([]))


def _rejected(columns: dict[str, Any], table: pa.Table) -> pa.Table:
    present = {**columns, **{name: table[name] for name in table.column_names}}
    rows = len(columns["stage"])
    return pa.Table.from_arrays(
        [present[field.name] if field.name in present else pa.nulls(rows, field.type) for field in REJECTED_SCHEMA],
        schema=REJECTED_SCHEMA,
    )
