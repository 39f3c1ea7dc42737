"""The first graph: problems → strategies → samples/part-*.parquet.  Bound by the teacher."""

import asyncio
import collections
import dataclasses
import json
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any

import apache_beam as beam
import pyarrow as pa
from apache_beam.metrics import Metrics

from filters import votes
from generators.journal import Journal, Spent, spent_in
from generators.judge import Judge, JudgeTable
from generators.prompts.rendering import Prompts
from generators.strategies.strategy import Context, StrategyTable
from generators.tagger import Tagger, TaggerTable
from generators.teachers.client import PaidTable
from generators.teachers.mixture import MixtureTable
from generators.teachers.paid import PaidTeacher
from generators.teachers.table import TeacherTable
from generators.teachers.teacher import FreeTable, Recorded, Teacher
from generators.teachers.together import together
from pipeline import shards
from pipeline.plan import Plan
from pipeline.plugins import release_of
from pipeline.progress import Reporter
from pipeline.rundir import RunDir
from pipeline.sample_loop import SampleLoop
from pipeline.unasked import not_asked, unjudgeable
from pipeline.verifier import ProblemVerifier
from schemas.annotation import JUDGE_NAME, TAGGER_NAME
from schemas.errors import RunError, UserError
from schemas.identity import content_id
from schemas.problem import Problem
from schemas.recipe import Table
from schemas.reject import REJECT_SCHEMA, Reject
from schemas.sample import SAMPLE_SCHEMA, Sample
from schemas.tables import table_of

CODE = "sample_v5"  # a change of what a partition's samples are, given its inputs, gets a new number
PROBLEMS_READ = 1024  # problems made into objects at once: a megabyte or two
ROWS_OF_A_PIECE = 1024  # samples that become Arrow together: as objects they take several times the memory
# Samples of partitions that wait for stragglers, as Arrow: with it a run stays far under 1 GiB, and a partition of the size that
# the recipe's `partitions` advises fits several times.
HELD_BYTES = 256 << 20
FAILED = "starbeam.failed"  # in a samples file: samples that failed and may succeed in another run
UNJUDGEABLE = "starbeam.unjudgeable"  # in a samples file: problems that were not asked, by reason, as JSON


@dataclasses.dataclass(frozen=True)
class Sampler:
    """Everything that turns a partition of problems into its samples; picklable."""

    run: RunDir
    seed: int
    round: int
    strategy: StrategyTable
    prompts: Prompts
    teachers: Mapping[str, TeacherTable]  # the asked ones and what they are made of, parts of a mixture first
    asked: tuple[str, ...]  # names of those that the strategy sees, in order
    identities: Mapping[str, Table]  # what decides each teacher's answers
    checkers: Mapping[str, Any]
    decides: str  # seed, round, the strategy's table, the words of prompts, identities, what verdicts decide by; as JSON
    judge: JudgeTable | None = None  # asked where a checker is unsure
    tagger: TaggerTable | None = None  # asked about the chains, when they are there
    limited: bool = False  # some problems were left out on purpose, so recorded completions of others are no rejects
    budget: float | None = None
    spent: Spent = dataclasses.field(default_factory=dict)  # by this run before
    shared: bool = False  # other processes of the machine sample too

    @property
    def paid(self) -> dict[str, PaidTable]:
        """Return the tables of the paid teachers."""
        return {name: table for name, table in self.teachers.items() if isinstance(table, PaidTable)}

    def key(self, partition: int) -> str:
        """Return a hash of all that decides the partition's samples."""
        hashes = [shards.file_hash(path(partition)) for path in (self.run.problems, self.run.recorded)]
        return content_id(CODE, self.decides, str(self.limited), *hashes)

    def is_done(self, partition: int, key: str) -> bool:
        """Return whether the partition's file was made from the same inputs, with nothing to try again."""
        notes = shards.notes_of(self.run.samples(partition))
        return notes.get(shards.KEY) == key and notes.get(FAILED, "0") == "0"

    def loop(self, reporter: Reporter) -> SampleLoop:
        """Return the loop in which partitions are sampled."""
        return SampleLoop(self.paid, self.budget, self.spent, reporter, self.run.logs, self.shared)

    def open(self, partition: int, loop: SampleLoop) -> "OpenPartition":
        """Return a partition ready to be sampled: its teachers, and what the journal holds for it."""
        journal = Journal(self.run.journal(partition)) if self.paid else None
        recorded = [Recorded(**row) for row in shards.read_table(self.run.recorded(partition)).to_pylist()]
        teachers: dict[str, Teacher] = {}
        for name, table in self.teachers.items():
            if isinstance(table, MixtureTable):
                teachers[name] = table.over(name, self.seed, teachers)
            elif isinstance(table, PaidTable):
                assert journal is not None
                flow = loop.flows[name]
                teachers[name] = PaidTeacher(name, self.seed, table, self.identities[name], flow, journal, loop.ledger)
            else:
                assert isinstance(table, FreeTable)
                teachers[name] = table.open(name, self.seed, [one for one in recorded if one.teacher == name])
        return OpenPartition(self, partition, loop, teachers, journal)


class OpenPartition:
    """A partition that is being sampled."""

    def __init__(
        self, sampler: Sampler, partition: int, loop: SampleLoop, teachers: Mapping[str, Teacher], journal: Journal | None
    ) -> None:
        self.begun: Future[None] = Future()  # done when its first problem is begun: then the next partition may be opened
        self._sampler = sampler
        self._partition = partition
        self._loop = loop
        self._teachers = teachers
        self._asked = tuple(teachers[name] for name in sampler.asked)
        self._others = {name: teachers[name] for name in sampler.strategy.others}
        self._judge = None if sampler.judge is None else Judge(teachers[sampler.judge.teacher], sampler.judge.sampling)
        tagger = sampler.tagger
        self._tagger = None if tagger is None else Tagger(teachers[tagger.teacher], tagger, sampler.seed)
        self._journal = journal
        self._problems = problems_in(sampler.run.problems(partition))
        self._rejects: list[Reject] = []
        self._samples: list[Sample] = []
        self._pieces: list[pa.Table] = []
        self._open = 1  # problems, and the reading of them
        self._done = asyncio.Event()

    async def sample(self, key: str) -> int:
        """Write the partition's samples and return their number.  Raises what stopped the loop, with no file written."""
        self._loop.feed(self)
        await self._done.wait()
        if self._journal is not None:
            await self._journal.close()
        if self._loop.failure is not None:
            raise self._loop.failure
        self._loop.report_now()
        return await asyncio.to_thread(self._write, key)  # compression would hold up the calls of other partitions

    def reached(self) -> None:
        """Let the next partition be opened."""
        self.begun.set_result(None)

    def next(self) -> Coroutine[Any, Any, None] | None:
        """Return the coroutine that solves the next problem, None where none is left."""
        try:
            problem = next(self._problems, None)
        except RunError as error:
            self._loop.fail(error)
            return None
        if problem is None:
            return None
        self._open += 1
        return self._solve(problem)

    def exhausted(self) -> None:
        """Note that no problem will be begun any more."""
        self._close_one()

    def _close_one(self) -> None:
        self._open -= 1
        if not self._open:
            self._done.set()

    async def _solve(self, problem: Problem) -> None:
        try:
            samples = await self._solved(problem)
            self._loop.count(problems=1, rows=len(samples))
            self._samples += samples
            if len(self._samples) >= ROWS_OF_A_PIECE:
                self._pack()
        except BaseException as error:  # whatever it is, it ends the run
            self._loop.fail(error)
        finally:
            self._close_one()

    async def _solved(self, problem: Problem) -> list[Sample]:
        """Return what the strategy makes of a problem, with what judge and tagger say of it."""
        sampler = self._sampler
        judge_counts = sampler.judge is not None and sampler.judge.counts
        verifier = ProblemVerifier(problem, sampler.checkers, self._judge, judge_counts)
        context = Context(
            teachers=self._asked,
            others=self._others,
            verifier=verifier,
            prompts=sampler.prompts,
            seed=sampler.seed,
            round=sampler.round,
        )
        if sampler.strategy.needs_gold and (reason := await verifier.unjudgeable()) is not None:
            self._rejects.append(unjudgeable(problem, sampler.strategy.kind, reason))
            return []
        samples = await sampler.strategy.solve(problem, context)
        if self._judge is not None:
            said = await together(*(verifier.judgement(one.response, one.choice_order) for one in samples))
            samples = [dataclasses.replace(one, judgement=judgement) for one, judgement in zip(samples, said, strict=True)]
        if self._tagger is not None:
            tagged = await together(*(self._tagger.tagged(problem.question, one) for one in samples))
            samples = [dataclasses.replace(one, tagged=tags) for one, tags in zip(samples, tagged, strict=True)]
        return samples

    def _pack(self) -> None:
        self._pieces.append(table_of(self._samples, SAMPLE_SCHEMA))
        self._loop.held += self._pieces[-1].nbytes
        self._samples = []

    def _write(self, key: str) -> int:
        self._pack()
        table = pa.concat_tables(self._pieces).sort_by([("problem_id", "ascending"), ("index", "ascending")])
        paid = [teacher for teacher in self._teachers.values() if isinstance(teacher, PaidTeacher)]
        unasked = not_asked(self._teachers.values(), self._sampler.limited)
        rejects = [*self._rejects, *unasked, *(one for teacher in paid for one in teacher.rejects)]
        once = {reject.reject_id: reject for reject in rejects}
        run, partition = self._sampler.run, self._partition
        shards.write_table(run.unasked(partition), table_of([once[name] for name in sorted(once)], REJECT_SCHEMA))
        notes = {shards.KEY: key, FAILED: str(sum(teacher.failed for teacher in paid))}
        if self._rejects:
            counts = collections.Counter(reject.reason for reject in self._rejects)
            notes[UNJUDGEABLE] = json.dumps(counts, sort_keys=True)
        shards.write_table(run.samples(partition), table, notes)
        self._loop.held -= sum(piece.nbytes for piece in self._pieces)
        return int(table.num_rows)


def problems_in(url: str) -> Iterator[Problem]:
    """Yield the problems of a file, few of them as objects at once."""
    for batch in shards.batches(url, PROBLEMS_READ):
        for row in batch.to_pylist():
            row["choices"] = tuple(row["choices"])
            yield Problem(**row)


class _SamplePartitions(beam.DoFn):
    """partition → nothing.  A partition is opened when the one before has begun, so that problems are always at hand."""

    def __init__(self, sampler: Sampler, reporter: Reporter) -> None:
        self._sampler = sampler
        self._reporter = reporter
        self._samples = Metrics.counter("starbeam", "samples")

    def setup(self) -> None:
        self._loop = self._sampler.loop(self._reporter)

    def start_bundle(self) -> None:
        self._open: list[Future[int]] = []

    def process(self, partition: int) -> Iterator[int]:
        key = self._sampler.key(partition)
        if self._sampler.is_done(partition, key):
            rows = shards.row_count(self._sampler.run.samples(partition))
            problems = shards.row_count(self._sampler.run.problems(partition))
            self._reporter.add("sample", partitions=1, rows=rows, problems=problems)
            return iter(())
        while self._open and self._loop.held > HELD_BYTES:
            wait(self._open, return_when=FIRST_COMPLETED)
            self._take_done()
        opened = self._sampler.open(partition, self._loop)
        self._open.append(self._loop.run(opened.sample(key)))
        opened.begun.result()
        self._take_done()
        return iter(())

    def _take_done(self) -> None:
        done = [future for future in self._open if future.done()]
        self._open = [future for future in self._open if future not in done]
        for future in done:
            self._take(future)

    def _take(self, future: "Future[int]") -> None:
        self._samples.inc(future.result())
        self._reporter.add("sample", partitions=1)

    def finish_bundle(self) -> None:
        for future in self._open:
            self._take(future)

    def teardown(self) -> None:
        if self._sampler.shared:  # a cluster's worker: nobody else waits for its calls
            self._loop.drain(RunError("the bundle was given up"))
        if self._loop.is_idle:
            self._loop.close()  # else the command drains it: Beam tears down at an interrupt, with calls in flight


@dataclasses.dataclass
class SampleProblems(beam.PTransform):
    """PCollection[partition] → samples/part-*.parquet."""

    sampler: Sampler
    reporter: Reporter

    def expand(self, partitions: beam.PCollection) -> beam.PCollection:
        return partitions | "Solve each problem" >> beam.ParDo(_SamplePartitions(self.sampler, self.reporter))


def sampler_of(plan: Plan, run: RunDir, limited: bool, shared: bool = False, also_spent: Sequence[str] = ()) -> Sampler:
    """Return what samples a plan's problems; `limited` where some were left out on purpose.

    `also_spent`: journals of other runs whose cost counts towards the budget.
    """
    teachers = plan.used_teachers
    identities = {name: table.identity() for name, table in teachers.items()}
    decides: list[Any] = [plan.recipe.seed, plan.recipe.round, plan.resolved["strategy"], plan.prompts.digest, identities]
    if code := [*plan.strategy.code, *release_of(plan.strategy.kind).items()]:
        decides.append(code)
    if plan.judge is not None or plan.strategy.verifies:  # another checker asks for other samples, or the judge of other answers
        decides.append({name: checker.name for name, checker in plan.checkers.items()})
    if plan.strategy.verifies:
        decides.append(votes.NAME)
    if plan.judge is not None:
        decides.append([JUDGE_NAME, plan.judge.teacher, plan.judge.sampling.sent(), plan.judge.counts and plan.strategy.verifies])
    if plan.tagger is not None:
        tagger = plan.tagger
        decides.append([TAGGER_NAME, tagger.teacher, tagger.sampling.sent(), tagger.share, tagger.max_chars])
    return Sampler(
        run=run,
        seed=plan.recipe.seed,
        round=plan.recipe.round,
        prompts=plan.prompts,
        strategy=plan.strategy,
        teachers=teachers,
        asked=tuple(plan.asked),
        identities=identities,
        checkers=plan.checkers,
        decides=json.dumps(decides, sort_keys=True),
        judge=plan.judge,
        tagger=plan.tagger,
        limited=limited,
        budget=plan.recipe.budget,
        spent=spent_in(run.journals, *also_spent),
        shared=shared,
    )


def check_some_asked(plan: Plan, run: RunDir, problems: int) -> None:
    """Raise UserError where not one of the problems could be asked, since none can be judged."""
    reasons: collections.Counter[str] = collections.Counter()
    for partition in range(run.partitions) if plan.strategy.needs_gold else ():
        reasons.update(json.loads(shards.notes_of(run.samples(partition)).get(UNJUDGEABLE, "{}")))
    if problems and reasons.total() == problems:
        told = ", ".join(f"{reason} {count:,}" for reason, count in sorted(reasons.items()))
        raise UserError(
            f"[strategy] kind = {plan.strategy.kind!r} needs problems that can be judged; none of the {problems:,} can: {told}; "
            "say in [problems] map where answer or tests are, or take a strategy that needs none, such as repeated"
        )


def sample_graph(p: beam.Pipeline, sampler: Sampler, reporter: Reporter) -> None:
    """Add the sampling graph to a pipeline."""
    _ = (
        p
        | "Partitions to sample" >> beam.Create(range(sampler.run.partitions), reshuffle=sampler.shared)
        | "Sample" >> SampleProblems(sampler, reporter)
    )
