"""Whether a run that is killed loses or pays anything twice: SIGKILL at random moments of a run of 2,000 calls.

    .venv/bin/python -m benchmarks.kills [--kills 100] [--calls 2000] [--seed 1]

For each kill: a fresh run, SIGKILL after a time drawn evenly from the usual duration of a whole run (reading, sampling and
curating), then the same command to its end.  Checked each time: no more calls are paid twice than were in flight at the kill,
that is, had reached the server and were not yet in the journal; these are no more than max_in_flight; no sample is missing; and
every shard of the release has the bytes of an undisturbed run's.  Prints a line; exits 1 where a check failed.

Everything is imported once; each run is a fork made before any thread exists, with an event loop and files of its own.
"""

import argparse
import hashlib
import json
import logging
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.sampling import MODEL, RECIPE, questions_of, write_problems
from tests.teacher_server import TeacherServer, teacher_server

IN_FLIGHT = 64
LATENCY = 0.05  # seconds of a call: a run of 2,000 calls then spends most of its time on calls


class Trial(NamedTuple):
    """What one kill led to."""

    after: float  # seconds from the start
    answered: int  # calls in the journal when it came
    in_flight: int  # calls that had reached the server and were not in the journal
    twice: int  # calls that the server got a second time
    wrong: list[str]  # what was violated


def _fork(work: Callable[[], object], log: Path) -> int:
    """Return the id of a new process that does some work and exits with 0, or with 1 and a traceback in `log`."""
    assert threading.active_count() == 1, "a fork copies one thread only"
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        with log.open("a") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        work()
        status = 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _built(folder: Path, plan: Any) -> Callable[[], object]:
    """Return what makes a run.  Its modules are imported here, before the fork."""
    import pipeline.curate
    import pipeline.ingest
    import pipeline.sample  # noqa: F401
    from pipeline.build import Options, build
    from pipeline.terminal import console_of

    return lambda: build(plan, Options(str(folder)), console_of(stderr=True))


def shards_of(run: Path) -> dict[str, str]:
    """Return the SHA-256 of every shard of a release."""
    release = run / "release"
    return {
        str(path.relative_to(release)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(release.rglob("*.parquet"))
    }


def journalled(run: Path) -> int:
    """Return the whole lines of a run's journal."""
    return sum(path.read_bytes().count(b"\n") for path in (run / "journal").rglob("*.jsonl"))


def _samples(run: Path) -> int:
    return sum(
        entry["rows"]
        for entry in json.loads((run / "release" / "MANIFEST.json").read_text())["files"]
        if entry["config"] in ("full", "rejected")
    )


def _calls_when_idle(server: TeacherServer) -> int:
    """Return the calls that have come, once the server has read all that a dead client had sent."""
    while True:
        before = server.stats()
        time.sleep(0.05)
        if server.stats()["calls"] == before["calls"] and not before["in_flight"]:
            return int(before["calls"])


def _trial(run: Path, plan: Any, server: TeacherServer, delay: float, whole: dict[str, str], calls: int) -> Trial:
    server.set(reset=True)
    log = run.with_suffix(".log")
    child = _fork(_built(run, plan), log)
    time.sleep(delay)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    answered = journalled(run)
    in_flight = _calls_when_idle(server) - answered
    _, status = os.waitpid(_fork(_built(run, plan), log), 0)
    stats = server.stats()
    wrong = []
    if status:
        wrong.append(f"the resumed run ended with {os.waitstatus_to_exitcode(status)}: {log.read_text()[-1000:]}")
    else:
        if _samples(run) != calls:
            wrong.append(f"{_samples(run)} samples of {calls}")
        if shards_of(run) != whole:
            wrong.append("shards differ from the undisturbed run's")
    if stats["twice"] > in_flight:
        wrong.append(f"{stats['twice']} calls were paid twice, {in_flight} were in flight")
    if in_flight > IN_FLIGHT:
        wrong.append(f"{in_flight} calls were not in the journal, {IN_FLIGHT} may be in flight")
    if stats["prompts"] != calls:
        wrong.append(f"{stats['prompts']} prompts of {calls} were asked")
    return Trial(delay, answered, in_flight, stats["twice"], wrong)


def kill_often(kills: int, calls: int, seed: int = 1) -> list[Trial]:
    """Return what each of so many kills led to."""
    from pipeline.plan import resolve
    from pipeline.recipes import parse

    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as name, teacher_server(latency=LATENCY) as server:
        folder = Path(name)
        write_problems(folder / "in.jsonl", questions_of(calls))
        path, url = json.dumps(str(folder / "in.jsonl")), json.dumps(server.url)
        plan = resolve(parse(RECIPE.format(path=path, url=url, model=MODEL, in_flight=IN_FLIGHT), "recipe", ()))
        seconds = []
        for run in (folder / "warm", folder / "whole"):  # the second one's duration is the usual
            began = time.monotonic()
            _, status = os.waitpid(_fork(_built(run, plan), run.with_suffix(".log")), 0)
            if status:
                raise SystemExit(f"an undisturbed run failed: {run.with_suffix('.log').read_text()[-2000:]}")
            seconds.append(time.monotonic() - began)
        whole = shards_of(folder / "whole")
        trials = []
        for number in range(kills):
            run = folder / f"run-{number}"
            trials.append(_trial(run, plan, server, rng.uniform(0, seconds[-1]), whole, calls))
            shutil.rmtree(run)
        return trials


def summary(trials: list[Trial]) -> str:
    """Return what happened in a line."""
    during = sum(trial.in_flight > 0 for trial in trials)
    return (
        f"{len(trials)} kills after {min(trial.after for trial in trials):.2f} to {max(trial.after for trial in trials):.2f} s, "
        f"{during} with calls in flight: {sum(trial.in_flight for trial in trials)} calls in flight in all, "
        f"at most {max(trial.in_flight for trial in trials)} of {IN_FLIGHT} at once; "
        f"{sum(trial.twice for trial in trials)} paid twice, at most {max(trial.twice for trial in trials)} in a run; "
        f"{sum(bool(trial.wrong) for trial in trials)} runs with violations"
    )


def main() -> int:
    """Kill as often as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    given = parser.parse_args()
    logging.getLogger().setLevel(logging.ERROR)  # as the command line does: Beam warns at import
    trials = kill_often(given.kills, given.calls, given.seed)
    print(summary(trials))
    for number, trial in enumerate(trials):
        for wrong in trial.wrong:
            print(f"kill {number}, after {trial.after:.3f} s: {wrong}")
    return int(any(trial.wrong for trial in trials))


if __name__ == "__main__":
    sys.exit(main())
