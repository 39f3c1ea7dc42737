"""What finding copies costs inside a Beam graph, over signatures alone, and what it sends between workers.

    .venv/bin/python -m benchmarks.duplicate_graph [--documents 100000] [--partitions 64] [--rounds 3] [--workers 1]

The corpus is `duplicate_corpus`, its problems in partitions as a run has them.  Two graphs take turns, each in a process of its
own: `signatures` reads the texts of a partition and signs them, `dedupe` then finds the copies.  The difference, by document, is
what the steps cost; imports are in neither.  Bytes are of the elements as Beam encodes them, at every place where they meet by key.
`equal` compares the rows removed by 1, 2 and 8 worker processes, by shuffled input, and with repeated bundles.
"""

import argparse
import hashlib
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.duplicate_corpus import Corpus, load, written

ROOT = Path(__file__).parents[1]
BAR_MICROSECONDS = 100.0  # a document, over signatures alone
BAR_BYTES = 1024.0  # a document: half a kilobyte of keys, and a signature once


def run_of(documents: int, partitions: int, shuffled: bool) -> Path:
    """Return a run's folder with annotated files of the corpus: made once, kept in the temporary folder."""
    import pyarrow as pa

    from filters.fingerprints import fingerprints
    from filters.signatures import packed, signatures
    from pipeline import shards
    from pipeline.rundir import RunDir
    from schemas.identity import content_id, partition_of
    from schemas.tables import ANNOTATED_SCHEMA

    path = written(Corpus(documents))
    folder = path.parent / f"run-{partitions}{'-shuffled' * shuffled}"
    if (folder / "whole").exists():
        return folder
    corpus = load(path)
    order = list(range(documents))
    if shuffled:
        random.Random(1).shuffle(order)
    run = RunDir(str(folder), partitions)
    by_partition: dict[int, list[int]] = {partition: [] for partition in range(partitions)}
    for place in order:
        by_partition[partition_of(corpus.groups[place], partitions)].append(place)
    for partition, places in by_partition.items():
        texts = [corpus.texts[place] for place in places]
        marks = zip(places, fingerprints(texts), packed(signatures(texts)), strict=True)
        rows = [
            {
                "sample_id": content_id(str(place)),
                "problem_id": corpus.groups[place],
                "index": place,
                "reasoning": "",
                "response": corpus.texts[place],
                "choice_order": [],
                "verdict": {"status": "unsure", "extracted": None, "checker": "", "reason": ""},
                "fingerprint": fingerprint,
                "signature": signature,
            }
            for place, fingerprint, signature in marks
        ]
        shards.write_table(run.annotated(partition), pa.Table.from_pylist(rows, schema=ANNOTATED_SCHEMA))
    (folder / "whole").touch()
    return folder


def graph(folder: Path, partitions: int, kind: str, workers: int, repeat: bool, count_bytes: bool) -> dict[str, Any]:
    """Run one of the graphs; return what it used, sent and removed."""
    import apache_beam as beam

    from filters.signatures import signatures
    from pipeline import runner, shards
    from pipeline.dedupe import Comparison, FindDuplicates
    from pipeline.progress import Reporter
    from pipeline.rundir import RunDir
    from pipeline.slices import Slices, texts_of
    from schemas.recipe import Dedupe, Select

    run, dedupe = RunDir(str(folder), partitions), Dedupe()
    comparison = Comparison(Slices(run, Select()), dedupe.threshold, dedupe.within, Reporter())
    out = Path(tempfile.mkdtemp())

    def sign(partition: int) -> int:
        signatures(texts_of(shards.read_table(run.annotated(partition), ["reasoning", "response"])))
        return partition

    def keep(element: tuple[int, list[tuple[int, Any]]]) -> None:
        (out / f"{element[0]}.json").write_text(json.dumps(element[1]))

    def build(p: beam.Pipeline) -> None:
        signed = p | "Partitions" >> beam.Create(range(partitions), reshuffle=True) | "Sign" >> beam.Map(sign)
        if kind == "dedupe":
            _ = (signed | "Dedupe" >> FindDuplicates(comparison))["standings"] | "Keep" >> beam.Map(keep)

    sent = _counting_bytes() if count_bytes else {}
    flags = ["--direct_runner_bundle_repeat=1"] if repeat else []
    began = _cpu()
    runner.run_graph(build, runner.pipeline_options(flags), workers)
    used = _cpu() - began
    removed = hashlib.sha256()
    count = 0
    for path in sorted(out.iterdir()):
        for line in sorted(_removed(comparison.slices, int(path.stem), json.loads(path.read_text()))):
            removed.update(line.encode())
            count += 1
    return {"cpu": used, "sent": sent, "removed": count, "hash": removed.hexdigest()}


def _removed(slices: Any, partition: int, standings: list[Any]) -> Iterator[str]:
    from pipeline import shards

    compared = slices.compared(partition)
    ids = shards.read_table(slices.run.annotated(partition), ["sample_id"])["sample_id"].to_pylist()
    for place, duplicate in standings:
        yield json.dumps([ids[int(compared.row[place])], *duplicate])


def _counting_bytes() -> dict[str, int]:
    """Have every place where elements meet by key count their encoded bytes; in one process."""
    import apache_beam as beam

    from benchmarks import duplicate_graph as module  # the module's own, where this process runs it as __main__

    plain = beam.GroupByKey

    class Counted(beam.PTransform):  # type: ignore[misc]
        def expand(self, elements: Any) -> Any:
            name = str(elements.producer.full_label)
            return elements | "Count" >> beam.Map(module.counted, name) | "Meet" >> plain()

    beam.GroupByKey = Counted
    return module.SENT


def counted(element: Any, name: str) -> Any:
    """Return the element, its bytes counted."""
    from apache_beam.coders import FastPrimitivesCoder

    SENT[name] = SENT.get(name, 0) + len(FastPrimitivesCoder().encode(element))
    return element


SENT: dict[str, int] = {}


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def measured(given: argparse.Namespace, kind: str, *flags: str, workers: int = 1) -> dict[str, Any]:
    """Return what a graph shows in a process of its own."""
    sizes = ["--documents", str(given.documents), "--partitions", str(given.partitions), "--workers", str(workers)]
    command = [sys.executable, "-m", "benchmarks.duplicate_graph", *sizes, "--only", kind, *flags]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode:
        raise SystemExit(f"{kind} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--partitions", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=1)
    for hidden in ("--only", "--shuffled", "--repeat", "--bytes"):
        parser.add_argument(hidden, **({} if hidden == "--only" else {"action": "store_true"}), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.only:
        folder = run_of(given.documents, given.partitions, given.shuffled)
        print(json.dumps(graph(folder, given.partitions, given.only, given.workers, given.repeat, given.bytes)))
        return
    for shuffled in (False, True):
        run_of(given.documents, given.partitions, shuffled)
    seconds: dict[str, list[float]] = {"signatures": [], "dedupe": []}
    for _ in range(given.rounds):
        for kind, used in seconds.items():
            used.append(measured(given, kind, workers=given.workers)["cpu"])
    print(
        f"{given.documents:,} documents in {given.partitions} partitions, {given.workers} workers, medians of {given.rounds} turns"
    )
    for kind, used in seconds.items():
        typical = statistics.median(used)
        print(f"  {kind:<12}{typical:>8.2f} s of CPU{typical / given.documents * 1e6:>8.1f} us a document")
    extra = statistics.median(after - before for before, after in zip(*seconds.values(), strict=True)) / given.documents * 1e6
    print(f"  finding copies adds {extra:.1f} us a document (at most {BAR_MICROSECONDS:g})")
    sent = measured(given, "dedupe", "--bytes")["sent"]
    for name, size in sent.items():
        print(f"  {name:<60}{size / given.documents:>8.1f} bytes a document")
    print(f"  in all {sum(sent.values()) / given.documents:.0f} bytes a document (at most {BAR_BYTES:g})")
    ways: dict[str, dict[str, Any]] = {f"{workers} workers": measured(given, "dedupe", workers=workers) for workers in (1, 2, 8)}
    ways |= {"shuffled": measured(given, "dedupe", "--shuffled"), "repeated bundles": measured(given, "dedupe", "--repeat")}
    for name, found in ways.items():
        print(f"  {name:<18}{found['removed']:>8,} removed, {found['hash'][:16]}")
    if len({found["hash"] for found in ways.values()}) > 1:
        raise SystemExit("the rows removed differ")


if __name__ == "__main__":
    main()
