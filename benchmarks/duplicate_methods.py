"""The ways to remove near-duplicates that `benchmarks/duplicates.py` compares, each run in a process of its own.

    PYTHON -m benchmarks.duplicate_methods METHOD corpus.jsonl [--groups]

Every method gets the same texts and the same words; where it takes sets, they are of five words in a row.  What is measured of it
is all from the texts to who is removed.  Imports, the loading of compiled code and a run on a few documents come before.
"""

import argparse
import importlib.util
import itertools
import json
import os
import re
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.duplicate_corpus import GRAM, Loaded, load

THRESHOLD = 0.8
PERMUTATIONS = 128
WARM_UP = 200  # documents
BATCH = 10_000  # rows

_WORD = re.compile("[a-z0-9]+")


class Measured(NamedTuple):
    """What a run showed."""

    seconds: float  # of CPU, of all threads
    wall: float
    peak: int  # bytes of resident memory over what the process had with the corpus loaded
    removed: list[int]  # places in the corpus


def shingles(text: str) -> list[str]:
    """Return a text's runs of five words, as anybody would in Python."""
    words = _WORD.findall(text.lower())
    return [" ".join(words[place : place + GRAM]) for place in range(len(words) - GRAM + 1)]


def starbeam(corpus: Loaded, groups: bool) -> Callable[[], list[int]]:
    """`find`, with the compiled kernel where that is installed and pays."""
    from filters.corpus import Row, find

    def work() -> list[int]:
        known = corpus.groups if groups else [None] * len(corpus.ids)
        rows = [Row(name, text, group) for name, text, group in zip(corpus.ids, corpus.texts, known, strict=True)]
        return [place for place, found in enumerate(find(rows, THRESHOLD, THRESHOLD)) if found]

    return work


def starbeam_batches(corpus: Loaded, groups: bool) -> Callable[[], list[int]]:
    """The same without holding a row for each text: batches are added, and the texts of those that may be copies are read again."""
    from filters.corpus import Corpus, Row

    def work() -> list[int]:
        compared = Corpus(THRESHOLD, THRESHOLD)
        known = corpus.groups if groups else [None] * len(corpus.ids)
        rows = (Row(name, text, group) for name, text, group in zip(corpus.ids, corpus.texts, known, strict=True))
        while batch := list(itertools.islice(rows, BATCH)):
            compared.add(batch)
        return sorted(compared.compare(lambda wanted: (corpus.texts[place] for place in wanted.tolist())))

    return work


def starbeam_numpy(corpus: Loaded, groups: bool) -> Callable[[], list[int]]:
    """`find` where numba is not installed."""
    sys.modules["numba"] = None  # type: ignore[assignment]
    return starbeam(corpus, groups)


def datasketch(corpus: Loaded, groups: bool) -> Callable[[], list[int]]:
    """The tutorial's way: signatures from the generator, then each document is removed that has a candidate among those kept."""
    import datasketch as peer

    def work() -> list[int]:
        index = peer.MinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS)
        sets = ([shingle.encode() for shingle in shingles(text)] for text in corpus.texts)
        removed = []
        for place, sketch in enumerate(peer.MinHash.generator(sets, num_perm=PERMUTATIONS)):
            if index.query(sketch):
                removed.append(place)
            else:
                index.insert(place, sketch)
        return removed

    return work


def rensa(corpus: Loaded, groups: bool) -> Callable[[], list[int]]:
    """Its deduplicator with LSH, which checks candidates by their sketches; the first of each is kept."""
    import rensa as peer  # type: ignore[import-not-found]

    def work() -> list[int]:
        index = peer.RMinHashDeduplicator(threshold=THRESHOLD, num_perm=PERMUTATIONS, use_lsh=True)
        kept = index.add_pairs((name, shingles(text)) for name, text in zip(corpus.ids, corpus.texts, strict=True))
        return [place for place, is_kept in enumerate(kept) if not is_kept]

    return work


def datatrove(corpus: Loaded, groups: bool) -> Callable[[], list[int]]:
    """Its four stages with their defaults: own words, numbers masked, 14 bands of 8, no check, connected components."""

    def part(name: str) -> Any:
        return importlib.import_module(f"datatrove.{name}")

    readers, writers, dedup = part("pipeline.readers"), part("pipeline.writers"), part("pipeline.dedup")
    executor = part("executor").LocalPipelineExecutor

    def work() -> list[int]:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "in").mkdir()
            with (folder / "in" / "corpus.jsonl").open("w") as file:
                for id_, text in zip(corpus.ids, corpus.texts, strict=True):
                    file.write(json.dumps({"id": id_, "text": text}) + "\n")
            reader = readers.JsonlReader(f"{folder}/in")
            stages = [
                [reader, dedup.MinhashDedupSignature(f"{folder}/signatures")],
                [dedup.MinhashDedupBuckets(f"{folder}/signatures", f"{folder}/buckets")],
                [dedup.MinhashDedupCluster(f"{folder}/buckets", f"{folder}/remove")],
                [
                    reader,
                    dedup.MinhashDedupFilter(f"{folder}/remove"),
                    writers.JsonlWriter(f"{folder}/out", compression=None),
                ],
            ]
            for place, stage in enumerate(stages):
                buckets = 14 if place == 1 else 1
                executor(pipeline=stage, tasks=buckets, workers=1, logging_dir=f"{folder}/logs/{place}").run()
            kept = {json.loads(line)["id"] for path in (folder / "out").iterdir() for line in path.open()}
        return [place for place, id_ in enumerate(corpus.ids) if id_ not in kept]

    return work


METHODS = {
    "starbeam": starbeam,
    "starbeam-batches": starbeam_batches,
    "starbeam-numpy": starbeam_numpy,
    "datasketch": datasketch,
    "rensa": rensa,
    "datatrove": datatrove,
}


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _memory(field: str) -> int:
    """Return bytes of VmRSS (now) or VmHWM (the most since it was reset)."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024


def measure(method: str, path: Path, groups: bool) -> Measured:
    """Run a method on a written corpus in this process."""
    corpus = load(path)
    warm_up = METHODS[method](Loaded(*(part[:WARM_UP] for part in corpus)), groups)
    if method.startswith("starbeam"):
        from filters.signatures import kernel

        kernel(len(corpus.texts))  # the compiled one is loaded now if this many texts make it worth that
    warm_up()
    work = METHODS[method](corpus, groups)
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark begins anew
    before, cpu, wall = _memory("VmRSS"), _cpu(), time.perf_counter()
    removed = work()
    return Measured(_cpu() - cpu, time.perf_counter() - wall, _memory("VmHWM") - before, removed)


def main() -> None:
    """Print what a method showed, as one line of JSON at the end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("method", choices=METHODS)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--groups", action="store_true")
    given = parser.parse_args()
    os.environ["RAYON_NUM_THREADS"] = "1"
    print(json.dumps(measure(given.method, given.corpus, given.groups)))


if __name__ == "__main__":
    main()
