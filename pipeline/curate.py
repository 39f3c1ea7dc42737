"""The second graph: samples → annotations → duplicates → selection → shards → manifest.  Pure, bound by CPU, free to repeat.

Files hold the rows; what crosses partitions is arrays of 64-bit keys and row numbers, never text.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.metrics import Metrics

from filters import fingerprints
from filters.choice_order import as_given
from filters.duplicates import Bands, Document, Pairs, band_keys, bands_for, candidate_pairs, distinct, resolve
from filters.selection import chain_lengths, eligible, within_quota
from pipeline import shards
from pipeline.annotate import annotate, annotators, problems_of
from pipeline.manifest import PartitionStats, ReleaseFacts, write_manifest
from pipeline.pass_rates import PassRates
from pipeline.plan import Plan
from pipeline.progress import Reporter
from pipeline.release import DuplicateRow, ShardWriter
from pipeline.rundir import RunDir
from schemas.identity import content_id
from schemas.recipe import Select
from schemas.sample import chain_text

ROW_BITS = 32  # a row's number is its partition and its place there: 4 billion rows a partition
# What comparing copies needs of a row, and what the selection rules look at.
DOCUMENT_COLUMNS = (
    *("sample_id", "problem_id", "index", "choice_order", "reasoning", "response", "finish_reason", "chosen", "answer"),
    *("verdict", "steps", "leak", "chance", "vote"),
    *("fingerprint", "signature"),
)
BUCKETS = 16  # groups that band keys are sorted in; more spreads them over more workers


Rows = np.typing.NDArray[np.uint64]


def row_number(partition: int, row: int) -> int:
    """Return the 64-bit number of a row."""
    return partition << ROW_BITS | row


@dataclasses.dataclass(frozen=True)
class Annotator:
    """Writes annotated/part-*.parquet; picklable."""

    run: RunDir
    checkers: Mapping[str, Any]
    judge_counts: bool

    def annotate(self, partition: int) -> int:
        """Write one partition's annotations and return their number; a file made from the same inputs stays as it is."""
        key = self._key(partition)
        if shards.key_of(self.run.annotated(partition)) != key:
            problems = problems_of(shards.read_table(self.run.problems(partition)))
            samples = shards.read_table(self.run.samples(partition))
            annotated = annotate(problems, samples, self.checkers, self.judge_counts)
            shards.write_table(self.run.annotated(partition), annotated, {shards.KEY: key})
        return shards.row_count(self.run.annotated(partition))

    def _key(self, partition: int) -> str:
        inputs = [shards.file_hash(path(partition)) for path in (self.run.problems, self.run.samples)]
        names = annotators(self.checkers, self.judge_counts)
        return content_id(*inputs, *(f"{role} {name}" for role, name in sorted(names.items())))


class _Annotate(beam.DoFn):
    """partition → itself; `bands`: (bucket, keys and row numbers); `pairs`: candidates within a problem."""

    def __init__(self, annotator: Annotator, bands: Bands, reporter: Reporter) -> None:
        self._annotator = annotator
        self._bands = bands
        self._reporter = reporter
        self._rows = Metrics.counter("starbeam", "annotated")

    def process(self, partition: int) -> Iterator[Any]:
        rows = self._annotator.annotate(partition)
        self._rows.inc(rows)
        self._reporter.add("annotate", partitions=1, rows=rows)
        table = shards.read_table(self._annotator.run.annotated(partition), ["problem_id", "signature"])
        numbers = np.arange(row_number(partition, 0), row_number(partition, rows), dtype=np.uint64)
        keys = band_keys(fingerprints.as_matrix(table["signature"].to_pylist()), self._bands)
        yield partition, None
        flat, owners = keys.ravel(), np.repeat(numbers, keys.shape[1])
        buckets = flat % np.uint64(BUCKETS)
        for bucket in np.unique(buckets):
            inside = buckets == bucket
            yield beam.pvalue.TaggedOutput("bands", (int(bucket), (flat[inside].tobytes(), owners[inside].tobytes())))
        problems = np.unique(table["problem_id"].to_numpy(), return_inverse=True)[1].astype(np.uint64)
        yield beam.pvalue.TaggedOutput("pairs", candidate_pairs(problems, numbers).tobytes())


def _candidates(bucket: tuple[int, Iterable[tuple[bytes, bytes]]]) -> bytes:
    packed = list(bucket[1])
    keys, owners = (np.frombuffer(b"".join(column), dtype=np.uint64) for column in zip(*packed, strict=True))
    return candidate_pairs(keys, owners).tobytes()


def _as_pairs(packed: Iterable[bytes]) -> Pairs:
    return np.frombuffer(b"".join(packed), dtype=np.uint64).reshape(-1, 2)


@dataclasses.dataclass(frozen=True)
class Resolver:
    """Decides which rows stand for which, from re-read text; picklable."""

    run: RunDir
    select: Select
    threshold: float

    def duplicates(self, pairs: Pairs) -> dict[int, list[DuplicateRow]]:
        """Return the duplicates of each partition."""
        found = resolve(self._documents(np.unique(pairs)), pairs, self.threshold)
        by_partition: dict[int, list[DuplicateRow]] = {}
        for number, duplicate in sorted(found.items()):
            partition, row = number >> ROW_BITS, number & ((1 << ROW_BITS) - 1)
            by_partition.setdefault(partition, []).append(DuplicateRow(row, *duplicate))
        return by_partition

    def _documents(self, numbers: Rows) -> dict[int, Document]:
        documents: dict[int, Document] = {}
        partitions = numbers >> np.uint64(ROW_BITS)
        for partition in np.unique(partitions).tolist():
            rows = numbers[partitions == partition] & np.uint64((1 << ROW_BITS) - 1)
            table = shards.read_table(self.run.annotated(partition), DOCUMENT_COLUMNS)
            found = documents_of(table, rows, self.select)
            documents |= {row_number(partition, row): one for row, one in zip(rows.tolist(), found, strict=True)}
        return documents


def documents_of(table: pa.Table, rows: Rows, settings: Select) -> list[Document]:
    """Return some rows of an annotated partition as documents to compare; the better of two copies is what selection would keep."""
    wanted, good = within_quota(table, settings)[rows], eligible(table, settings)[rows]
    table = table.take(rows)
    lengths = chain_lengths(table)
    documents = []
    for place, row in enumerate(table.to_pylist()):
        correct = row["verdict"]["status"] == "correct"
        documents.append(
            Document(
                id=row["sample_id"],
                text=chain_text(row["reasoning"], row["response"]),
                answer=row["answer"] if correct else as_given(row["verdict"]["extracted"], row["choice_order"]),
                rank=(not wanted[place], not good[place], not correct, int(lengths[place])),
                fingerprint=row["fingerprint"],
                signature=row["signature"],
            )
        )
    return documents


class _Resolve(beam.DoFn):
    """(nothing; all candidate pairs) → (partition, its duplicates)."""

    def __init__(self, resolver: Resolver, reporter: Reporter) -> None:
        self._resolver = resolver
        self._reporter = reporter

    def process(self, _: None, packed: list[bytes]) -> Iterator[tuple[int, list[DuplicateRow]]]:
        found = self._resolver.duplicates(distinct(_as_pairs(packed)))
        rows = sum(len(duplicates) for duplicates in found.values())
        self._reporter.add("dedupe", partitions=self._resolver.run.partitions, rows=rows)
        yield from found.items()


class _Select(beam.DoFn):
    """(partition, its duplicates) → statistics; writes the partition's shard of every config."""

    def __init__(self, writer: ShardWriter, reporter: Reporter) -> None:
        self._writer = writer
        self._reporter = reporter

    def process(self, element: tuple[int, Mapping[str, Iterable[Any]]]) -> Iterator[PartitionStats]:
        partition, joined = element
        duplicates = [row for rows in joined["duplicates"] for row in rows]
        stats = self._writer.write(partition, duplicates)
        self._reporter.add("select", partitions=1, rows=stats.kept)
        yield stats


@dataclasses.dataclass
class AnnotateSamples(beam.PTransform):
    """PCollection[partition] → main: (partition, None); bands; pairs."""

    annotator: Annotator
    bands: Bands
    reporter: Reporter

    def expand(self, partitions: beam.PCollection) -> Any:
        annotate = beam.ParDo(_Annotate(self.annotator, self.bands, self.reporter))
        return partitions | "Verify, tag, fingerprint" >> annotate.with_outputs("bands", "pairs", main="done")


@dataclasses.dataclass
class FindDuplicates(beam.PTransform):
    """(bands, pairs within problems) → PCollection[(partition, duplicates)]."""

    resolver: Resolver
    reporter: Reporter

    def expand(self, inputs):  # type: ignore[no-untyped-def]  # Beam reads hints here and knows none for a tuple
        bands, within = inputs
        across = bands | "Meet in buckets" >> beam.GroupByKey() | "Pair equal bands" >> beam.Map(_candidates)
        pairs = (across, within) | "All candidates" >> beam.Flatten()
        once = bands.pipeline | "Once" >> beam.Create([None])
        return once | "Compare and choose" >> beam.ParDo(_Resolve(self.resolver, self.reporter), beam.pvalue.AsList(pairs))


@dataclasses.dataclass
class SelectAndWrite(beam.PTransform):
    """{annotated, duplicates} by partition → shards, then the manifest."""

    writer: ShardWriter
    facts: ReleaseFacts
    reporter: Reporter

    def expand(self, joined):  # type: ignore[no-untyped-def]  # Beam reads hints here and knows none for a mapping
        stats = (
            dict(joined)
            | "Join by partition" >> beam.CoGroupByKey()
            | "Write shards" >> beam.ParDo(_Select(self.writer, self.reporter))
        )
        once = stats.pipeline | "After all shards" >> beam.Create([None])
        return once | "Write manifest" >> beam.Map(
            lambda _, facts, run, parts: write_manifest(facts, run, parts),
            self.facts,
            self.writer.run,
            beam.pvalue.AsList(stats),
        )


def curate_graph(p: beam.Pipeline, plan: Plan, run: RunDir, reporter: Reporter) -> None:
    """Add the curating graph to a pipeline."""
    select, threshold = plan.recipe.select, plan.recipe.dedupe.threshold
    annotated = (
        p
        | "Partitions to curate" >> beam.Create(range(run.partitions), reshuffle=True)
        | "Annotate" >> AnnotateSamples(Annotator(run, plan.checkers, plan.judge_counts), bands_for(threshold), reporter)
    )
    duplicates = (annotated.bands, annotated.pairs) | "Dedupe" >> FindDuplicates(Resolver(run, select, threshold), reporter)
    rates = PassRates(plan.strategy, plan.asked_as)
    writer = ShardWriter(run, select, plan.recipe.export.configs, rates)
    _ = {"annotated": annotated.done, "duplicates": duplicates} | "Select" >> SelectAndWrite(
        writer, ReleaseFacts.of(plan), reporter
    )
