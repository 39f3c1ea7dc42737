"""The second graph: samples → annotations → duplicates → selection → shards → manifest.  Pure, bound by CPU, free to repeat.

Files hold the rows; what crosses partitions is arrays of 64-bit keys and row numbers, never text.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import apache_beam as beam
from apache_beam.metrics import Metrics

from filters.balance import Draws, bounds
from filters.tokens import Tokenizer
from pipeline import benchmarks, shards
from pipeline.annotate import WORDS_V1, annotate, annotators, problems_of
from pipeline.benchmarks import Benchmarks
from pipeline.dedupe import Comparison, FindDuplicates
from pipeline.manifest import PartitionStats, ReleaseFacts, write_manifest
from pipeline.pass_rates import PassRates
from pipeline.plan import Plan
from pipeline.progress import Reporter
from pipeline.release import ShardWriter
from pipeline.rundir import RunDir
from pipeline.slices import PlaceStanding, Slices
from schemas.identity import content_id
from schemas.recipe import Balance


@dataclasses.dataclass(frozen=True)
class Annotator:
    """Writes annotated/part-*.parquet; picklable."""

    run: RunDir
    checkers: Mapping[str, Any]
    judge_counts: bool
    benchmarks: Benchmarks | None = None
    tokenizer: Tokenizer = WORDS_V1

    def annotate(self, partition: int) -> int:
        """Write one partition's annotations and return their number; a file made from the same inputs stays as it is."""
        key = self._key(partition)
        if shards.key_of(self.run.annotated(partition)) != key:
            problems = problems_of(shards.read_table(self.run.problems(partition)))
            samples = shards.read_table(self.run.samples(partition))
            index, in_chains = (None, False) if self.benchmarks is None else (self.benchmarks.index, self.benchmarks.in_chains)
            annotated = annotate(problems, samples, self.checkers, self.judge_counts, index, in_chains, self.tokenizer)
            shards.write_table(self.run.annotated(partition), annotated, {shards.KEY: key})
        return shards.row_count(self.run.annotated(partition))

    def _key(self, partition: int) -> str:
        inputs = [shards.file_hash(path(partition)) for path in (self.run.problems, self.run.samples)]
        names = annotators(self.checkers, self.judge_counts, self.tokenizer)
        looked_for = () if self.benchmarks is None else (self.benchmarks.key, str(self.benchmarks.in_chains))
        return content_id(*inputs, *(f"{role} {name}" for role, name in sorted(names.items())), *looked_for)


class _Annotate(beam.DoFn):
    """partition → itself, its rows annotated."""

    def __init__(self, annotator: Annotator, reporter: Reporter) -> None:
        self._annotator = annotator
        self._reporter = reporter
        self._rows = Metrics.counter("starbeam", "annotated")

    def process(self, partition: int) -> Iterator[int]:
        rows = self._annotator.annotate(partition)
        self._rows.inc(rows)
        self._reporter.add("annotate", partitions=1, rows=rows)
        yield partition


class _Draw(beam.DoFn):
    """(partition, who stands for its rows) → draws of the rows that are kept so far, by pattern."""

    def __init__(self, writer: ShardWriter, balance: Balance) -> None:
        self._writer = writer
        self._balance = balance

    def process(self, element: tuple[int, Mapping[str, Iterable[Any]]]) -> Iterator[Mapping[str, Draws]]:
        yield self._writer.draws(element[0], _standings(element[1]), self._balance)


class _Select(beam.DoFn):
    """(partition, who stands for its rows) → statistics; writes the partition's shard of every config."""

    def __init__(self, writer: ShardWriter, reporter: Reporter) -> None:
        self._writer = writer
        self._reporter = reporter

    def process(self, element: tuple[int, Mapping[str, Iterable[Any]]], most: Mapping[str, int]) -> Iterator[PartitionStats]:
        stats = self._writer.write(element[0], _standings(element[1]), most)
        self._reporter.add("select", partitions=1, rows=stats.kept)
        yield stats


def _standings(joined: Mapping[str, Iterable[Any]]) -> list[PlaceStanding]:
    return [one for of_bundle in joined["standings"] for one in of_bundle]


@dataclasses.dataclass
class SelectAndWrite(beam.PTransform):
    """{annotated, standings} by partition, and counts of the comparison → shards, then the manifest."""

    writer: ShardWriter
    facts: ReleaseFacts
    reporter: Reporter

    def expand(self, inputs):  # type: ignore[no-untyped-def]  # Beam reads hints here and knows none for a mapping
        joined = {name: inputs[name] for name in ("annotated", "standings")} | "Join by partition" >> beam.CoGroupByKey()
        stats = joined | "Write shards" >> beam.ParDo(_Select(self.writer, self.reporter), self._most(joined))
        once = stats.pipeline | "After all shards" >> beam.Create([None])
        return once | "Write manifest" >> beam.Map(
            lambda _, facts, run, parts, counts: write_manifest(facts, run, parts, counts),
            self.facts,
            self.writer.run,
            beam.pvalue.AsList(stats),
            beam.pvalue.AsList(inputs["counts"]),
        )

    def _most(self, joined: beam.PCollection) -> Any:
        """Return the largest draw that stays of each pattern with too many rows, decided when all partitions have drawn."""
        balance = self.writer.select.balance
        if balance is None:
            return {}
        drawn = joined | "Draw by pattern" >> beam.ParDo(_Draw(self.writer, balance))
        once = joined.pipeline | "After all draws" >> beam.Create([None])
        most = once | "Balance" >> beam.Map(lambda _, parts: bounds(parts, balance), beam.pvalue.AsList(drawn))
        return beam.pvalue.AsSingleton(most)


def curate_graph(p: beam.Pipeline, plan: Plan, run: RunDir, reporter: Reporter) -> None:
    """Add the curating graph to a pipeline, the items of the benchmarks laid down before."""
    select, dedupe = plan.recipe.select, plan.recipe.dedupe
    items = benchmarks.read(plan.recipe)
    annotator = Annotator(run, plan.checkers, plan.judge_counts, benchmarks.laid_down(plan.recipe, items, run), plan.tokenizer)
    slices = Slices(run, select, tuple(shard for release in plan.earlier for shard in release.shards))
    annotated = (
        p
        | "Partitions to curate" >> beam.Create(range(run.partitions), reshuffle=True)
        | "Verify, tag, fingerprint" >> beam.ParDo(_Annotate(annotator, reporter))
    )
    found = annotated | "Dedupe" >> FindDuplicates(Comparison(slices, dedupe.threshold, dedupe.within, reporter))
    rates = PassRates(plan.strategy, plan.asked_as)
    writer = ShardWriter(run, select, plan.recipe.export, rates, plan.recipe.seed)
    done = annotated | "By partition" >> beam.Map(lambda partition: (partition, None))
    _ = {"annotated": done, **found} | "Select" >> SelectAndWrite(writer, ReleaseFacts.of(plan, items), reporter)
