"""Ingest: problems and recorded samples are streamed once into partitions; both graphs start from these files.

It runs where the command runs, with bounded memory, because locally a shuffle of the text would hold all of it.
"""

import functools
import importlib.util
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from generators.records import expand
from generators.sources.files import FileSource
from generators.teachers.recorded import RecordedTable
from generators.teachers.teacher import Recorded
from pipeline import shards, storage
from pipeline.plan import Plan
from pipeline.progress import Reporter
from pipeline.rundir import RunDir
from pipeline.spool import Spool
from schemas.identity import content_id, partition_of, rng_for
from schemas.problem import PROBLEM_SCHEMA, Problem
from schemas.recipe import Split
from schemas.reject import REJECT_SCHEMA, Reject, shown
from schemas.tables import RECORDED_SCHEMA

CODE = "ingest_v1"  # a change of what an ingest writes, given the same files, gets a new number
REPORT_EVERY = 1000


class _Spools:
    def __init__(self, folder: str, partitions: int) -> None:
        self.partitions = partitions
        self.problems = Spool(f"{folder}/problems", PROBLEM_SCHEMA)
        self.recorded = Spool(f"{folder}/recorded", RECORDED_SCHEMA)
        self.rejects = Spool(f"{folder}/rejects", REJECT_SCHEMA)

    def add(self, row: Problem | Recorded | Reject) -> None:
        if isinstance(row, Reject):
            self.rejects.add(partition_of(row.reject_id, self.partitions), row, len(row.raw))
            return
        partition = partition_of(row.problem_id, self.partitions)
        if isinstance(row, Problem):
            self.problems.add(partition, row, len(row.question) + len(row.tests or "") + len(row.metadata))
        else:
            self.recorded.add(partition, row, len(row.reasoning) + len(row.response))


class Ingested(NamedTuple):
    """What an ingest read; its file's presence means that all problem files are there."""

    plan: str  # hash of what was to be read: sources, recorded teachers, seed
    inputs: str  # hash of what the files looked like: size, times
    limit: int | None  # records or draws of each source, None for all
    problem_records: int
    sample_records: int
    repeated: int  # problem records merged into another
    problems: int


def read_plan(plan: Plan) -> str:
    """Return a hash of the part of a plan that decides what an ingest writes."""
    recorded = {name: plan.resolved["teacher"][name] for name, table in plan.teachers.items() if isinstance(table, RecordedTable)}
    versions = [version("starbeam"), importlib.util.find_spec("reasoning_gym") and version("reasoning_gym")]
    decides = [CODE, versions, plan.recipe.seed, plan.resolved["problems"], recorded, *_split_of(plan)]
    return content_id(json.dumps(decides, sort_keys=True))


def _split_of(plan: Plan) -> list[Any]:
    return [plan.resolved["split"]] if plan.recipe.split is not None else []


def in_part(split: Split, seed: int, problem_id: str) -> bool:
    """Return whether a problem is in the part that a split takes."""
    held_out = rng_for(seed, f"split/{problem_id}", 0).random() < split.share
    return held_out is (split.part == "held_out")


def _problems(plan: Plan, limit: int | None) -> Iterator[Problem | Reject]:
    """Yield what the sources bring; of the problems those of the split's part."""
    split, seed = plan.recipe.split, plan.recipe.seed
    for source in plan.sources:
        for row in source.problems(seed, limit):
            if split is None or isinstance(row, Reject) or in_part(split, seed, row.problem_id):
                yield row


def _inputs(plan: Plan) -> str:
    """Return a hash that changes when an input file does: reading a million problems again takes a minute."""
    tables = (*plan.sources, *plan.teachers.values())
    files = [name for table in tables if isinstance(table, FileSource | RecordedTable) for name in expand(table.path)]
    return content_id(*(part for name in files for part in (name, storage.stamp(name))))


def ingested(run: RunDir) -> Ingested | None:
    """Return what the run's ingest read, None where none is whole."""
    if not storage.exists(run.ingest):
        return None
    try:
        return Ingested(**json.loads(storage.read_bytes(run.ingest)))
    except (ValueError, TypeError):
        return None  # of another version, or broken: read again


def ingest(plan: Plan, run: RunDir, limit: int | None, reporter: Reporter) -> Ingested:
    """Write problems, recorded completions and rejects by partition, then the counts, and return these.

    Repeats of a problem are merged.  Where the run has read the same files for the same recipe already, they stay.
    """
    plan_hash, inputs = read_plan(plan), _inputs(plan)
    before = ingested(run)
    if before is not None and (before.plan, before.inputs, before.limit) == (plan_hash, inputs, limit) and _is_whole(run):
        reporter.add("read", partitions=run.partitions, rows=before.problem_records + before.sample_records)
        return before
    storage.remove(run.ingest)
    with tempfile.TemporaryDirectory(prefix="starbeam-") as folder:
        spools = _Spools(folder, run.partitions)
        problem_records = _spool(_problems(plan, limit), spools, reporter)
        recorded = ((name, table) for name, table in plan.teachers.items() if isinstance(table, RecordedTable))
        sample_records = _spool((row for name, table in recorded for row in table.records(name)), spools, reporter)
        repeated = sum(_write_problems(spools, run, partition) for partition in range(run.partitions))
        for partition in range(run.partitions):  # after all problems: a repeat in any partition can become a reject in another
            _write_rejects(spools, run, partition)
            reporter.add("read", partitions=1)
    problems = sum(shards.row_count(run.problems(partition)) for partition in range(run.partitions))
    counts = Ingested(plan_hash, inputs, limit, problem_records, sample_records, repeated, problems)
    storage.write_bytes(run.ingest, json.dumps(counts._asdict(), sort_keys=True).encode())
    return counts


def _is_whole(run: RunDir) -> bool:
    """Return whether every file that an ingest writes is there."""
    folders = {os.path.dirname(path(0)): path for path in (run.problems, run.recorded, run.rejects)}
    return all(
        {os.path.basename(path(partition)) for partition in range(run.partitions)} <= set(storage.list_names(folder))
        for folder, path in folders.items()
    )


def _spool(rows: Iterable[Problem | Recorded | Reject], spools: _Spools, reporter: Reporter) -> int:
    count = 0
    for count, row in enumerate(rows, start=1):
        spools.add(row)
        if count % REPORT_EVERY == 0:
            reporter.add("read", rows=REPORT_EVERY)
    reporter.add("read", rows=count % REPORT_EVERY)
    return count


def _write_problems(spools: _Spools, run: RunDir, partition: int) -> int:
    """Write one partition's problems and recorded completions; return how many repeats of a problem were merged."""
    problems, repeated, ambiguous = merge_repeats(spools.problems.table(partition))
    for reject in ambiguous:
        spools.add(reject)
    shards.write_table(run.problems(partition), problems)
    shards.write_table(run.recorded(partition), spools.recorded.table(partition).sort_by(_ascending(RECORDED_SCHEMA)))
    return repeated


def _write_rejects(spools: _Spools, run: RunDir, partition: int) -> None:
    rejects = spools.rejects.table(partition).sort_by([("reject_id", "ascending"), ("position", "ascending")])
    shards.write_table(run.rejects(partition), first_of_each(rejects, "reject_id", "position"))  # a file may be read twice


def _ascending(schema: pa.Schema) -> list[tuple[str, str]]:
    return [(field.name, "ascending") for field in schema if not pa.types.is_nested(field.type)]


def first_of_each(table: pa.Table, *columns: str) -> pa.Table:
    """Return the first row of each run of equal values in sorted columns.  No two nulls are equal."""
    if table.num_rows < 2:
        return table
    equal = [pc.equal(values[1:], values[:-1]) for values in (table[name].combine_chunks() for name in columns)]
    same = functools.reduce(pc.and_, equal)
    return table.filter(pa.concat_arrays([pa.array([True]), pc.invert(pc.fill_null(same, False))]))


def merge_repeats(table: pa.Table) -> tuple[pa.Table, int, list[Reject]]:
    """Return the problems sorted by id, each once, the number of repeats merged, and the rejects.

    Repeats that agree on the gold are one problem.  Where they do not, the gold is not known and all of them are rejected.
    """
    table = table.sort_by(_ascending(PROBLEM_SCHEMA))
    once = first_of_each(table, "problem_id")
    repeated = table.num_rows - once.num_rows
    if not repeated:
        return once, 0, []
    golds: dict[str, set[tuple[Any, Any]]] = {}
    for problem_id, answer, tests in zip(*(table[name].to_pylist() for name in ("problem_id", "answer", "tests")), strict=True):
        golds.setdefault(problem_id, set()).add((answer, tests))
    ambiguous = {problem_id for problem_id, of_one in golds.items() if len(of_one) > 1}
    rejects = [_ambiguous(row) for row in table.to_pylist() if row["problem_id"] in ambiguous]
    kept = once.filter(pa.array([problem_id not in ambiguous for problem_id in once["problem_id"].to_pylist()], pa.bool_()))
    return kept, table.num_rows - kept.num_rows - len(rejects), rejects


def _ambiguous(row: dict[str, Any]) -> Reject:
    return Reject(
        stage="problem",
        reason="conflicting_answers",
        detail=f"the same question comes with another answer; here {shown(str(row['answer']))[:100]!r}",
        raw=shown(json.dumps(row, ensure_ascii=False, sort_keys=True)),
        source=row["source"],
    )
