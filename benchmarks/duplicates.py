"""What finding near-duplicates costs and how right it is, beside datasketch, rensa and, where installed, datatrove.

    .venv/bin/python -m benchmarks.duplicates [--part whole] [--documents 100000] [--rounds 3]
        [--peer-python PYTHON] [--datatrove-python PYTHON]

The corpus and the truth are `duplicate_corpus` and `duplicate_truth`: made once, kept in the temporary folder.

signatures: texts to signatures of 128 slots, beside datasketch's generator (sha1).  The schemes take turns in a random order in
each round; a ratio is the median of the rounds' ratios.
whole: each method's complete run at threshold .8 in a process of its own, in turns, the slow ones once.  recall: of the true pairs
(J >= .8, like numbers), those of which one is gone; lost: the others.  precision: of the removed, those that had a true
duplicate; wrong: the others.  strict: of the removed, those of which a true duplicate is still there.  renumbered: removed although
they are another problem, with the same words but other numbers; they count in none of these.  memory: the most over what the
loaded corpus takes.
scale: the same for ten times the documents: time against ten times the time, and memory.
bands: by similarity, the share of pairs with a band in common, beside 1 - (1 - J^rows)^bands, and the share that `find` parted.

rensa runs in --peer-python, datatrove (which needs xxhash < 4) in --datatrove-python and on few documents; both run in this
interpreter where they are installed here.  Seconds are of CPU, of all threads.
"""

import argparse
import importlib.util
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.duplicate_corpus import Corpus, load, written
from benchmarks.duplicate_methods import PERMUTATIONS, THRESHOLD, Measured, shingles
from benchmarks.duplicate_truth import bins, score, truth_of

ROOT = Path(__file__).parents[1]
SLOW = {"datasketch", "datatrove"}  # run once
DATATROVE_DOCUMENTS = 4000  # a hundred a second
SIGNED_DOCUMENTS = 2000  # of a round, as often as it takes
LEAST_SECONDS = 0.5  # of a scheme in a round
EDGES = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.01)
# The project's own aims.
BARS_SIGNATURES = {"starbeam numpy": 15, "starbeam compiled": 40}  # to datasketch
BAR_RATE = 12_000  # documents a second
BARS_SHARES = {"recall": 0.999, "precision": 1.0, "strict": 0.999}
BAR_LINEAR = 1.1  # of ten times the time, for ten times the documents
BAR_MEMORY = 2.0  # GiB beyond the text, for a million documents


def signatures(documents: int, rounds: int) -> None:
    """Print documents a second from text to signature."""
    texts = load(written(Corpus(documents))).texts[:SIGNED_DOCUMENTS]
    schemes = signers()
    seconds: dict[str, list[float]] = {name: [] for name in schemes}
    for sign in schemes.values():
        sign(texts[:100])
    for number in range(rounds):
        for name in random.Random(number).sample(list(schemes), len(schemes)):
            began, passes = time.process_time(), 0
            while (took := time.process_time() - began) < LEAST_SECONDS:
                schemes[name](texts)
                passes += 1
            seconds[name].append(took / passes)
    size = sum(len(text.encode()) for text in texts) / 1e6
    print(f"texts to signatures: {len(texts):,} texts, {PERMUTATIONS} slots, medians of {rounds} rounds")
    for name, times in seconds.items():
        ratio = statistics.median(anchor / one for anchor, one in zip(seconds["datasketch"], times, strict=True))
        bar = f"   (at least x{BARS_SIGNATURES[name]})" if name in BARS_SIGNATURES else ""
        rate = 1 / statistics.median(times)
        print(f"  {name:<18}{len(texts) * rate:>10,.0f} documents/s{size * rate:>8.1f} MB/s   x{ratio:.1f}{bar}", flush=True)


def signers() -> dict[str, Callable[[Sequence[str]], object]]:
    """Return the schemes; ends the process where the two kernels differ in a bit."""
    from datasketch import MinHash

    from filters.signatures import signatures as signed

    def generated(texts: Sequence[str]) -> object:
        sets = ([shingle.encode() for shingle in shingles(text)] for text in texts)
        return list(MinHash.generator(sets, num_perm=PERMUTATIONS))

    schemes: dict[str, Callable[[Sequence[str]], object]] = {
        "datasketch": generated,
        "starbeam numpy": lambda texts: signed(texts, compiled=False),
    }
    if importlib.util.find_spec("numba"):
        schemes["starbeam compiled"] = lambda texts: signed(texts, compiled=True)
        texts = load(written(Corpus(1000))).texts
        if not np.array_equal(signed(texts, compiled=False), signed(texts, compiled=True)):
            raise SystemExit("the kernels' signatures differ")
    else:
        print("starbeam compiled: numba is not installed")
    return schemes


def measured(method: str, documents: int, python: str, groups: bool = False) -> Measured:
    """Return what a method shows in a process of its own."""
    command = [python, "-m", "benchmarks.duplicate_methods", method, str(written(Corpus(documents))), *["--groups"] * groups]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode:
        raise SystemExit(f"{method} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return Measured(*json.loads(done.stdout.splitlines()[-1]))


def methods_of(peer_python: str, datatrove_python: str) -> dict[str, str]:
    """Return the interpreter of each method that is installed, and say which are not."""
    pythons = {"starbeam": sys.executable, "starbeam-numpy": sys.executable, "datasketch": sys.executable}
    for method, python in (("rensa", peer_python), ("datatrove", datatrove_python)):
        if subprocess.run([python, "-c", f"import {method}"], capture_output=True, check=False).returncode:
            print(f"{method}: not installed in {python}")
        else:
            pythons[method] = python
    return pythons


def whole(documents: int, rounds: int, pythons: dict[str, str], groups: bool) -> None:
    """Print what each method costs and how right it is."""
    sizes = dict.fromkeys(pythons, documents)
    if "datatrove" in sizes:
        sizes["datatrove"] = min(documents, DATATROVE_DOCUMENTS)
    runs: dict[str, list[Measured]] = {method: [] for method in pythons}
    for number in range(rounds):
        for method, python in pythons.items():
            if number == 0 or method not in SLOW:
                runs[method].append(measured(method, sizes[method], python, groups))
    print(f"complete runs at {THRESHOLD}: medians of {rounds} runs in turns, {', '.join(sorted(SLOW & set(pythons)))} once")
    heads = ("documents", "CPU s", "documents/s", "MB", "removed", "recall", "lost", "precision", "strict", "wrong", "renumbered")
    print(f"  {'method':<16}" + "".join(f"{head:>12}" for head in heads))
    for method, shown in runs.items():
        print(row_of(method, sizes[method], shown), flush=True)
    rates = {method: sizes[method] / statistics.median(one.seconds for one in shown) for method, shown in runs.items()}
    bars = ", ".join(f"{name} {bar}" for name, bar in BARS_SHARES.items())
    print(f"  aims: {bars}; {BAR_RATE:,} documents/s, ours x{rates['starbeam'] / BAR_RATE:.2f} of it; ours to the others: ", end="")
    print(
        ", ".join(
            f"{method} x{rates['starbeam'] / rate:.1f}" for method, rate in rates.items() if not method.startswith("starbeam")
        )
    )


def row_of(method: str, documents: int, shown: list[Measured]) -> str:
    path = written(Corpus(documents))
    removed = np.isin(np.arange(documents), shown[0].removed)
    if any(one.removed != shown[0].removed for one in shown):
        raise SystemExit(f"{method} removed others in another run")
    found = score(truth_of(path, load(path).texts), removed, THRESHOLD)
    seconds = statistics.median(one.seconds for one in shown)
    memory = statistics.median(one.peak for one in shown) / 1e6
    cells = (f"{documents:,}", f"{seconds:.2f}", f"{documents / seconds:,.0f}", f"{memory:,.0f}", f"{found.removed:,}")
    found_true = (f"{found.recall:.4f}", f"{found.lost:,}", f"{found.precision:.4f}", f"{found.strict:.4f}")
    others = (f"{found.wrong:,}", f"{found.changed:,}")
    return f"  {method:<16}" + "".join(f"{cell:>12}" for cell in cells + found_true + others)


def scale(documents: int, rounds: int) -> None:
    """Print time and memory for some documents and for ten times as many."""
    written(Corpus(10 * documents))
    runs: dict[int, list[Measured]] = {documents: [], 10 * documents: []}
    for _ in range(rounds):
        for count, shown in runs.items():
            shown.append(measured("starbeam-batches", count, sys.executable))
    print(f"ten times the documents: medians of {rounds} runs in turns")
    for count, shown in runs.items():
        seconds, wall = (statistics.median(times) for times in zip(*(one[:2] for one in shown), strict=True))
        took = f"{seconds:>9.1f} s of CPU{wall:>9.1f} s{count / seconds:>10,.0f} documents/s"
        size, removed = max(one.peak for one in shown) / 2**30, len(shown[0].removed)
        print(f"  {count:>10,}{took}{size:>7.2f} GiB{removed:>10,} removed")
    ratio = statistics.median(large.seconds / small.seconds for small, large in zip(*runs.values(), strict=True)) / 10
    print(f"  x{ratio:.3f} of ten times the time (at most x{BAR_LINEAR}); {BAR_MEMORY:g} GiB at most for a million documents")


def bands(documents: int) -> None:
    """Print by similarity how many pairs become candidates and how many are parted."""
    from filters.bands import bands_for
    from filters.signatures import signatures as signed

    path = written(Corpus(documents))
    texts = load(path).texts
    truth, cut = truth_of(path, texts), bands_for(THRESHOLD)
    slots = signed(texts)[:, : cut.number * cut.rows].reshape(len(texts), cut.number, cut.rows)
    removed = np.isin(np.arange(documents), measured("starbeam", documents, sys.executable).removed)
    print(f"pairs of like numbers among {documents:,} documents; {cut.number} bands of {cut.rows}")
    print(f"  {'similarity':<14}{'pairs':>10}{'in a band':>12}{'expected':>12}{'parted':>12}")
    for low, high, inside in bins(truth, EDGES):
        pairs, similar = truth.pairs[inside], truth.jaccard[inside]
        if len(pairs):
            expected = float(np.mean(1 - (1 - similar**cut.rows) ** cut.number))
            shared = share_a_band(slots, pairs)
            parted = f"{removed[pairs].any(axis=1).mean():>12.4f}" if low >= THRESHOLD else f"{'':>12}"
            print(f"  {low:.2f} to {min(high, 1):.2f}  {len(pairs):>10,}{shared:>12.4f}{expected:>12.4f}{parted}")


def share_a_band(slots: npt.NDArray[np.uint32], pairs: npt.NDArray[np.int64], batch: int = 10_000) -> float:
    """Return the share of pairs that have a band in common; slots are (documents, bands, rows)."""
    found = 0
    for start in range(0, len(pairs), batch):
        one, other = pairs[start : start + batch].T
        found += int((slots[one] == slots[other]).all(axis=2).any(axis=1).sum())
    return found / len(pairs)


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("signatures", "whole", "scale", "bands"), action="append")
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--groups", action="store_true", help="tell starbeam which documents are of one problem")
    parser.add_argument("--peer-python", default=sys.executable, help="an interpreter with rensa")
    parser.add_argument(
        "--datatrove-python", default=sys.executable, help="an interpreter with datatrove[processing] and xxhash < 4"
    )
    given = parser.parse_args()
    parts = given.part or ["signatures", "whole", "bands"]
    if "signatures" in parts:
        signatures(given.documents, given.rounds)
    if "whole" in parts:
        whole(given.documents, given.rounds, methods_of(given.peer_python, given.datatrove_python), given.groups)
    if "bands" in parts:
        bands(given.documents)
    if "scale" in parts:
        scale(given.documents, given.rounds)


if __name__ == "__main__":
    main()
