"""What a row costs: `curate` at 10,000 and 100,000 samples, beside a plain loop over the same rows.

    .venv/bin/python benchmarks/spine.py [--rows 10000,100000] [--repeats 3]

The baseline calls the same pure functions (verify, tag, fingerprint, sign, band, compare, select, export) on the same rows in one
loop, reads and writes no file and knows no Beam.  Printed for each size: rows a second (wall), CPU seconds of both, the
share of `curate`'s CPU that is not in the pure functions, and peak memory.  Each measurement is a process of its own;
medians of the repeats.  Rows are solver chains of arithmetic on 2 to 9 digits, 1,213 characters on average.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RECIPE = """
name = "spine"
seed = 1
partitions = {partitions}
[problems]
source = "arithmetic"
count = {count}
max_digits = 9
[teacher.main]
kind = "solver"
slip_rate = 0.05
[strategy]
samples = 2
kind = "repeated"
"""
SCHEMES = ("loop", "curate 1 worker", "curate 2 workers")


def _usage(began: tuple[float, float]) -> dict[str, float]:
    """Return seconds since `began` (CPU of this process and its ended children, wall) and peak memory of the largest, in MiB."""
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    used = [resource.getrusage(one) for one in who]
    cpu = sum(one.ru_utime + one.ru_stime for one in used)
    return {"cpu": cpu - began[0], "wall": time.perf_counter() - began[1], "mib": max(one.ru_maxrss for one in used) / 1024}


def _began() -> tuple[float, float]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime, time.perf_counter()


def loop(folder: str) -> dict[str, float]:
    """Run the pure functions over all rows of a run."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    from filters import selection
    from filters.corpus import Row, find
    from pipeline import shards
    from pipeline.annotate import annotate, problems_of
    from pipeline.exports import EXPORTS
    from pipeline.plan import all_checkers
    from pipeline.release import with_duplicates
    from pipeline.rundir import RunDir
    from pipeline.slices import compared_answers, texts_of
    from schemas.recipe import Ablation, Export, Select

    settings = Select()
    partitions = len(list((Path(folder) / "samples").iterdir()))
    run = RunDir(folder, partitions)
    tables = [(shards.read_table(run.problems(i)), shards.read_table(run.samples(i))) for i in range(partitions)]
    checkers = all_checkers()
    began = _began()
    annotated = [annotate(problems_of(problems), samples, checkers) for problems, samples in tables]
    for table in annotated:
        selection.turns(table, np.flatnonzero(selection.eligible(table, settings)).tolist(), settings)
    every_row = pa.concat_tables(annotated)
    columns = (
        every_row["sample_id"].to_pylist(),
        texts_of(every_row),
        every_row["problem_id"].to_pylist(),
        compared_answers(every_row),
    )
    find([Row(*row) for row in zip(*columns, strict=True)])
    for table in annotated:
        whole = with_duplicates(table, {})
        every = whole.append_column("reason", pa.array(selection.select(whole, settings), pa.string()))
        for name in Export().configs:
            EXPORTS[name].rows(every.filter(pc.is_null(every["reason"])), every, Ablation())
    return _usage(began)


def curate(folder: str, workers: int) -> dict[str, float]:
    """Run the curating graph on a run whose annotations are gone.  Imports are not counted, worker processes' are."""
    import shutil

    import apache_beam  # noqa: F401

    from pipeline.build import Options, build
    from pipeline.plan import resolve
    from pipeline.recipes import load
    from pipeline.terminal import console_of

    shutil.rmtree(f"{folder}/annotated", ignore_errors=True)
    plan = resolve(load(f"{folder}/../recipe.toml"))
    began = _began()
    build(plan, Options(folder, workers=workers), console_of(stderr=True), sample=False)
    return _usage(began)


def _measured(scheme: str, folder: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--scheme", scheme, "--folder", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured


def _compare(rows: int, repeats: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        recipe = Path(folder) / "recipe.toml"
        recipe.write_text(RECIPE.format(count=rows // 2, partitions=max(4, rows // 5000)))
        run = Path(folder) / "run"
        command = [str(Path(sys.executable).with_name("starbeam")), "sample", str(recipe), "--out", str(run)]
        subprocess.run(command, check=True, capture_output=True)
        results: dict[str, list[dict[str, float]]] = {scheme: [] for scheme in SCHEMES}
        for _ in range(repeats):  # interleaved, so that a slow moment of the machine meets all
            for scheme in SCHEMES:
                results[scheme].append(_measured(scheme, run))
    base = statistics.median(one["cpu"] for one in results["loop"])
    print(f"{rows:,} samples")
    for scheme in SCHEMES:
        cpu, wall, mib = (statistics.median(one[key] for one in results[scheme]) for key in ("cpu", "wall", "mib"))
        share = statistics.median(
            1 - plain["cpu"] / one["cpu"] for plain, one in zip(results["loop"], results[scheme], strict=True)
        )
        print(
            f"  {scheme:<17} {rows / wall:>8,.0f} rows/s  cpu {cpu:>6.1f} s  x{cpu / base:.2f} of the loop  "
            f"not in pure functions {max(share, 0):>5.1%}  peak {mib:,.0f} MiB"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default="10000,100000")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--scheme", choices=SCHEMES)
    parser.add_argument("--folder")
    given = parser.parse_args()
    if given.scheme:
        workers = SCHEMES.index(given.scheme)
        print(json.dumps(curate(given.folder, workers) if workers else loop(given.folder)))
        return
    for rows in given.rows.split(","):
        _compare(int(rows), given.repeats)


if __name__ == "__main__":
    main()
