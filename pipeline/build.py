"""One run: ingest, the sampling graph, the curating graph, and what a stopped run leaves behind."""

import contextlib
import dataclasses
import json
import os
import signal
import threading
import tomllib
from collections.abc import Iterator, Sequence

from rich.console import Console

from pipeline import benchmarks, shards, storage
from pipeline.plan import Plan
from pipeline.progress import Reporter, board
from pipeline.rundir import RunDir, claim
from schemas.errors import RunError, UserError

# Worker processes take seconds to start: by `benchmarks/spine.py`, two are 0.91x as fast as one at 10,000 rows and 1.70x at
# 100,000, which puts the break-even near this.
ROWS_FOR_WORKERS = 20_000


@dataclasses.dataclass(frozen=True)
class Options:
    """What a command line says beside the recipe."""

    out: str
    limit: int | None = None  # records or draws of each source
    workers: int | None = None  # processes of the local runner; None for as many as pay
    beam_flags: Sequence[str] = ()
    also_spent: Sequence[str] = ()  # journals of other runs, whose cost counts towards the budget


def build(plan: Plan, options: Options, console: Console, sample: bool = True, curate: bool = True) -> RunDir:
    """Run the graphs asked for and return the run.  After `curate` its manifest is there; before, none is."""
    from pipeline import runner

    runner.pipeline_options(options.beam_flags)  # first: a wrong flag must cost nothing
    run = _opened(plan, options.out, sample)
    with run.locked(), _saying_how_to_go_on(run):
        storage.write_bytes(run.recipe, plan.to_toml().encode())
        with board(run.partitions, _stages(sample, curate), console, plan.recipe.budget) as reporter:
            if sample:
                _sample(plan, run, options, reporter, console)
            run.unpublish()  # not before: a teacher that is gone must not cost an earlier release
            if curate:
                _curate(plan, run, options, reporter)
    return run


def is_built(plan: Plan, options: Options) -> bool:
    """Return whether the release of a plan is whole in a run, made of the samples that the plan asks for."""
    run = RunDir(options.out, plan.recipe.partitions)
    if not storage.exists(run.manifest):
        return False
    made_by = json.loads(storage.read_bytes(run.manifest))
    if (made_by["recipe_sha256"], made_by["limit"]) != (plan.recipe_sha256, options.limit):
        return False
    if made_by.get("benchmarks", {}) != benchmarks.facts(benchmarks.read(plan.recipe)):
        return False
    try:
        _check_samples(plan, run)
    except UserError:
        return False
    return True


def _stages(sample: bool, curate: bool) -> tuple[str, ...]:
    return (("read", "sample") if sample else ()) + (("annotate", "dedupe", "select") if curate else ())


def _opened(plan: Plan, out: str, sample: bool) -> RunDir:
    run = claim(out, plan.recipe.partitions)
    for release in plan.earlier:
        if release.lies_in(run.release):
            raise UserError(
                f"--out {out}: its release is one of [dedupe] against, and this run would replace it; "
                "give another --out, or leave that release out"
            )
    if sample:
        plan.check_inputs()
        plan.check_keys()
    if storage.exists(run.recipe):
        try:
            before = tomllib.loads(storage.read_bytes(run.recipe).decode()).get("partitions")
        except ValueError as error:
            raise UserError(f"{run.recipe}: not TOML: {error}; a run's own recipe is not for editing: remove the run") from error
        if before != plan.recipe.partitions:
            raise UserError(
                f"{out}: was begun with partitions = {before}, not {plan.recipe.partitions}; "
                "rows would change shards: keep the number or give another --out"
            )
    if not sample:
        _check_samples(plan, run)
    return run


def _check_samples(plan: Plan, run: RunDir) -> None:
    """Raise UserError where the run's samples are not all there, or not those that this recipe asks for."""
    from pipeline.ingest import ingested, read_plan
    from pipeline.sample import sampler_of

    mend = "run `starbeam sample` with this recipe and --out first; what has not changed is not asked again"
    read = ingested(run)
    if read is None:
        raise UserError(f"{run.url}: holds no whole set of problems; {mend}")
    if read.plan != read_plan(plan):
        raise UserError(f"{run.url}: its problems or recorded samples were read by another recipe; {mend}")
    sampler = sampler_of(plan, run, read.limit is not None or plan.is_limited)
    for partition in range(run.partitions):
        if shards.key_of(run.samples(partition)) != sampler.key(partition):
            raise UserError(f"{run.samples(partition)}: is not there or was made by another recipe; {mend}")


@contextlib.contextmanager
def _saying_how_to_go_on(run: RunDir) -> Iterator[None]:
    try:
        with stoppable():
            yield
    except KeyboardInterrupt:
        raise RunError(f"interrupted: {_going_on(run)}") from None
    except RunError as error:
        raise RunError(f"{error}; mend that: {_going_on(run)}") from error


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Take SIGTERM, by which batch systems stop runs, as an interrupt."""
    if threading.current_thread() is not threading.main_thread():  # elsewhere no handler can be set
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _going_on(run: RunDir) -> str:
    holds = "holds its earlier release" if storage.exists(run.manifest) else "has no MANIFEST.json"
    return f"{run.url} {holds}; the same command goes on from the partitions that are done"


def _sample(plan: Plan, run: RunDir, options: Options, reporter: Reporter, console: Console) -> None:
    from pipeline import runner
    from pipeline.ingest import ingest
    from pipeline.sample import check_some_asked, sample_graph, sampler_of

    beam_options = runner.pipeline_options(options.beam_flags)
    local = runner.is_local(beam_options)
    if plan.recipe.budget is not None and not local:
        raise UserError(
            f"budget = {plan.recipe.budget:g} is counted in one process; sample with the local runner "
            "(`starbeam sample` without a --runner), or leave the budget out"
        )
    read = ingest(plan, run, options.limit, reporter)
    reporter.plan(read.problems)
    sampler = sampler_of(plan, run, options.limit is not None or plan.is_limited, shared=not local, also_spent=options.also_spent)
    seen = reporter if local else Reporter()
    try:
        runner.run_graph(lambda p: sample_graph(p, sampler, seen), beam_options)
    except BaseException as error:
        _drain(error, console)
        raise
    check_some_asked(plan, run, read.problems)


def _drain(error: BaseException, console: Console) -> None:
    """Wait for the calls that are under way, since they are paid for; another interrupt ends that."""
    from pipeline.sample_loop import LOOPS

    for loop in list(LOOPS):
        if loop.in_flight and isinstance(error, KeyboardInterrupt):
            console.print(
                f"starbeam: waiting for {loop.in_flight:,} calls in flight; interrupt again to let them go", highlight=False
            )
        # Never the interrupt itself: an event loop ends at it.
        loop.drain(error if isinstance(error, Exception) else RunError("interrupted"))
        loop.close()


def _curate(plan: Plan, run: RunDir, options: Options, reporter: Reporter) -> None:
    from pipeline import runner
    from pipeline.curate import curate_graph

    workers = 1 if storage.is_private_to_process(run.url) else options.workers or _workers_that_pay(run)
    beam_options = runner.pipeline_options(options.beam_flags)
    seen = reporter if runner.is_local(beam_options) else Reporter()
    runner.run_graph(lambda p: curate_graph(p, plan, run, seen), beam_options, min(workers, run.partitions))


def _workers_that_pay(run: RunDir) -> int:
    rows = sum(shards.row_count(run.samples(partition)) for partition in range(run.partitions))
    return len(os.sched_getaffinity(0)) if rows >= ROWS_FOR_WORKERS else 1
