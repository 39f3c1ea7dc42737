"""The first graph: problems → strategies → samples/part-*.parquet.  Bound by the teacher."""

import asyncio
import dataclasses
import json
import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

import apache_beam as beam
from apache_beam.metrics import Metrics

from generators.strategies.repeated import Repeated
from generators.strategies.strategy import Check
from generators.teachers.recorded import RecordedTeacher
from generators.teachers.teacher import Recorded, Teacher, TeacherTable
from pipeline import shards
from pipeline.annotate import problems_of
from pipeline.plan import Plan
from pipeline.progress import Reporter
from pipeline.rundir import RunDir
from schemas.annotation import Verdict
from schemas.identity import content_id
from schemas.problem import Problem
from schemas.reject import REJECT_SCHEMA, Reject, shown
from schemas.sample import SAMPLE_SCHEMA, Sample
from schemas.tables import table_of

PARTITIONS_IN_FLIGHT = 4  # enough that one partition's last samples overlap the next one's first
CODE = "sample_v1"  # a change of what a partition's samples are, given its inputs, gets a new number


@dataclasses.dataclass(frozen=True)
class Sampler:
    """Everything that turns a partition of problems into its samples; picklable."""

    run: RunDir
    seed: int
    strategy: Repeated
    teachers: Mapping[str, TeacherTable]  # the asked ones, in order
    checkers: Mapping[str, Any]
    asked: str  # the seed and the recipe's tables of strategy and teachers, as JSON
    limited: bool = False  # some problems were left out on purpose, so recorded completions of others are no rejects

    def key(self, partition: int) -> str:
        """Return a hash of all that decides the partition's samples."""
        hashes = [shards.file_hash(path(partition)) for path in (self.run.problems, self.run.recorded)]
        return content_id(CODE, self.asked, str(self.limited), *hashes)

    async def sample(self, partition: int) -> int:
        """Write one partition's samples and return their number; a file made from the same inputs stays as it is."""
        key = self.key(partition)
        if shards.key_of(self.run.samples(partition)) == key:
            return shards.row_count(self.run.samples(partition))
        problems = list(problems_of(shards.read_table(self.run.problems(partition))).values())
        recorded = [Recorded(**row) for row in shards.read_table(self.run.recorded(partition)).to_pylist()]
        teachers = [
            table.open(name, self.seed, [one for one in recorded if one.teacher == name]) for name, table in self.teachers.items()
        ]
        samples = await solve_all(problems, self.strategy, teachers, self.check)
        unasked = _unasked(teachers, self.limited)
        shards.write_table(self.run.unasked(partition), table_of(unasked, REJECT_SCHEMA))
        shards.write_table(self.run.samples(partition), table_of(samples, SAMPLE_SCHEMA), key)
        return len(samples)

    def check(self, problem: Problem, response: str) -> Verdict:
        """Judge one response, for strategies that must know."""
        verdict: Verdict = self.checkers[problem.checker].check(problem, response)
        return verdict


async def solve_all(problems: Sequence[Problem], strategy: Repeated, teachers: Sequence[Teacher], check: Check) -> list[Sample]:
    """Return all problems' samples, sorted by problem and index.  The problems are solved at once, with no barrier between them."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(strategy.solve(problem, teachers, check)) for problem in problems]
    samples = [sample for task in tasks for sample in task.result()]
    return sorted(samples, key=lambda sample: (sample.problem_id, sample.index))


def _unasked(teachers: Sequence[Teacher], limited: bool) -> list[Reject]:
    """Return the recorded completions that no sample was made of, as rejects sorted by id."""
    rejects = [
        _reject(one, asked)
        for teacher in teachers
        if isinstance(teacher, RecordedTeacher)
        for one, asked in teacher.left()
        if asked or not limited
    ]
    return sorted(rejects, key=lambda reject: reject.reject_id)


def _reject(one: Recorded, asked: bool) -> Reject:
    beyond = "it was recorded for a problem that has as many of its samples as the strategy asks for"
    nothing = "it was recorded for a question that is none of the problems"
    return Reject(
        stage="sample",
        reason="not_asked_for" if asked else "no_such_problem",
        detail=f"teacher {one.teacher!r}: {beyond if asked else nothing}",
        raw=shown(one.response or one.reasoning),
        source=one.teacher,
    )


class _SamplePartitions(beam.DoFn):
    """partition → its number of samples; a few partitions are in flight at once, in one event loop a worker."""

    def __init__(self, sampler: Sampler, reporter: Reporter) -> None:
        self._sampler = sampler
        self._reporter = reporter
        self._samples = Metrics.counter("starbeam", "samples")

    def setup(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def start_bundle(self) -> None:
        self._done: queue.SimpleQueue[Future[int]] = queue.SimpleQueue()
        self._open = 0

    def process(self, partition: int) -> Iterator[int]:
        while self._open >= PARTITIONS_IN_FLIGHT:
            self._take()
        future = asyncio.run_coroutine_threadsafe(self._sampler.sample(partition), self._loop)
        future.add_done_callback(self._done.put)
        self._open += 1
        return iter(())

    def _take(self) -> None:
        future = self._done.get()
        self._open -= 1
        try:
            samples = future.result()
        except ExceptionGroup as group:
            raise group.exceptions[0] from group  # one cause is what a person can mend
        self._samples.inc(samples)
        self._reporter.add("sample", partitions=1, rows=samples)

    def finish_bundle(self) -> None:
        while self._open:
            self._take()

    def teardown(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)


@dataclasses.dataclass
class SampleProblems(beam.PTransform):
    """PCollection[partition] → samples/part-*.parquet."""

    sampler: Sampler
    reporter: Reporter

    def expand(self, partitions: beam.PCollection) -> beam.PCollection:
        return partitions | "Solve each problem" >> beam.ParDo(_SamplePartitions(self.sampler, self.reporter))


def sampler_of(plan: Plan, run: RunDir, limited: bool) -> Sampler:
    """Return what samples a plan's problems; `limited` where some were left out on purpose."""
    return Sampler(
        run=run,
        seed=plan.recipe.seed,
        strategy=plan.strategy,
        teachers={name: plan.teachers[name] for name in plan.asked},
        checkers=plan.checkers,
        asked=json.dumps(
            [plan.recipe.seed, plan.resolved["strategy"], {name: plan.resolved["teacher"][name] for name in plan.asked}]
        ),
        limited=limited,
    )


def sample_graph(p: beam.Pipeline, sampler: Sampler, reporter: Reporter) -> None:
    """Add the sampling graph to a pipeline."""
    _ = (
        p
        | "Partitions to sample" >> beam.Create(range(sampler.run.partitions), reshuffle=True)
        | "Sample" >> SampleProblems(sampler, reporter)
    )
