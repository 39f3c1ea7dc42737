"""What a round brought: what was solved and kept, how different it is, and how its model does on held-out problems."""

import collections
import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from filters.paths import path
from filters.signatures import as_matrix
from generators.journal import spent_in
from pipeline import shards, storage
from pipeline.rundir import RunDir
from schemas.sample import chain_text

COLUMNS = (
    *("sample_id", "problem_id", "hint", "verdict", "leak", "fingerprint", "signature"),
    *("reasoning", "response"),
)
Signatures = npt.NDArray[np.uint32]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Yield:
    """Counts of one round."""

    problems: int
    samples: int  # without a hint
    correct: int  # of these
    solved: int  # problems with a right sample without a hint
    hinted: int  # samples from a hint
    rationalized: int  # right ones of these
    rescued: int  # problems that only a hint solved
    leaks: int  # samples from a hint that show it
    kept: int
    problems_kept: int
    chains_a_problem: float  # different chains of a problem that keeps any, by their normalised text
    paths_a_problem: float  # different equation paths of it, by RFT's key
    copies: dict[str, int]  # exact and near ones within the round
    seen_before: int  # kept chains that an earlier round kept too, word for word
    near_before: int  # others that are, by signature, near-copies of one of the same problem that the round before kept
    tokens: int  # of completions, as the journal counts them: a reply with several does not say how many each has


@dataclasses.dataclass
class Memory:
    """Chains that rounds have kept, for the comparison with the next one."""

    fingerprints: set[bytes] = dataclasses.field(default_factory=set)
    last: dict[str, list[bytes]] = dataclasses.field(default_factory=dict)  # signatures of the round before, by problem


def yield_of(run: RunDir, memory: Memory, threshold: float) -> Yield:
    """Return a round's counts, and remember its kept chains."""
    funnel = json.loads(storage.read_bytes(run.manifest))["funnel"]
    counts: collections.Counter[str] = collections.Counter()
    kept: dict[str, list[tuple[bytes, bytes]]] = {}
    paths: set[tuple[str, str]] = set()
    for table in _tables(run):
        _count(table, counts)
        for problem_id, fingerprint, signature, chain in _kept_rows(table):
            kept.setdefault(problem_id, []).append((fingerprint, signature))
            paths.add((problem_id, path(chain)))
    chains = [fingerprint for of_problem in kept.values() for fingerprint, _ in of_problem]
    near = 0
    for problem_id, of_problem in kept.items():
        fresh = [signature for fingerprint, signature in of_problem if fingerprint not in memory.fingerprints]
        near += _near_copies(fresh, memory.last.get(problem_id, []), threshold)
    found = Yield(
        problems=funnel["problems"],
        samples=counts["samples"],
        correct=counts["correct"],
        solved=counts["solved"],
        hinted=counts["hinted"],
        rationalized=counts["rationalized"],
        rescued=counts["rescued"],
        leaks=counts["leaks"],
        kept=funnel["kept"],
        problems_kept=funnel["problems_kept"],
        chains_a_problem=round(sum(len({one for one, _ in of_problem}) for of_problem in kept.values()) / max(len(kept), 1), 4),
        paths_a_problem=round(len(paths) / max(len(kept), 1), 4),
        copies=funnel["duplicates"],
        seen_before=sum(fingerprint in memory.fingerprints for fingerprint in chains),
        near_before=near,
        tokens=sum(usage.completion_tokens for usage in spent_in(run.journals).values()),
    )
    memory.fingerprints.update(chains)
    memory.last = {problem_id: [signature for _, signature in of_problem] for problem_id, of_problem in kept.items()}
    return found


def _tables(run: RunDir) -> Iterator[pa.Table]:
    for partition in range(run.partitions):
        table = shards.read_table(run.annotated(partition), COLUMNS)
        full = storage.join(run.release, run.shard_name("full", partition))
        kept = shards.read_table(full, ["sample_id"])["sample_id"]
        yield table.append_column("kept", pc.is_in(table["sample_id"], value_set=kept.combine_chunks()))


def _count(table: pa.Table, counts: "collections.Counter[str]") -> None:
    statuses = pc.struct_field(table["verdict"].combine_chunks(), "status").to_pylist()
    right: dict[str, set[bool]] = {}
    for problem_id, hint, status in zip(table["problem_id"].to_pylist(), table["hint"].to_pylist(), statuses, strict=True):
        hinted = hint is not None
        counts["hinted" if hinted else "samples"] += 1
        if status == "correct":
            counts["rationalized" if hinted else "correct"] += 1
            right.setdefault(problem_id, set()).add(hinted)
    counts["solved"] += sum(False in of_problem for of_problem in right.values())
    counts["rescued"] += sum(False not in of_problem for of_problem in right.values())
    counts["leaks"] += table.num_rows - table["leak"].null_count


def _kept_rows(table: pa.Table) -> Iterator[tuple[str, bytes, bytes, str]]:
    kept = table.filter(table["kept"])
    chains = map(chain_text, kept["reasoning"].to_pylist(), kept["response"].to_pylist())
    yield from zip(*(kept[name].to_pylist() for name in ("problem_id", "fingerprint", "signature")), chains, strict=True)


def _near_copies(fresh: list[bytes], before: list[bytes], threshold: float) -> int:
    """Return how many signatures are near-copies of one before; the share of equal slots estimates the similarity."""
    if not fresh or not before:
        return 0
    now, then = as_matrix(fresh), as_matrix(before)
    return int(sum((then == one).mean(axis=1).max() >= threshold for one in now))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """How a model does on the held-out problems: the mean over problems of the share of right samples."""

    problems: int
    samples: int  # asked for, all problems together
    correct: int
    by_subject: dict[str, list[int]]  # subject → [right, asked for]

    @property
    def mean(self) -> float:
        """Return the share of samples that are right; one that did not come is wrong."""
        return self.correct / self.samples if self.samples else 0.0


def accuracy_of(run: RunDir, samples: int) -> Accuracy:
    """Return the accuracy of a run of `samples` samples a problem."""
    subjects: collections.Counter[str] = collections.Counter()
    right: collections.Counter[str] = collections.Counter()
    for partition in range(run.partitions):
        subjects.update(one or "" for one in shards.read_table(run.problems(partition), ["subject"])["subject"].to_pylist())
        table = shards.read_table(run.annotated(partition), ["subject", "verdict"])
        statuses = pc.struct_field(table["verdict"].combine_chunks(), "status").to_pylist()
        right.update(
            subject or "" for subject, status in zip(table["subject"].to_pylist(), statuses, strict=True) if status == "correct"
        )
    problems = subjects.total()
    by_subject = {subject: [right[subject], subjects[subject] * samples] for subject in sorted(subjects)}
    return Accuracy(problems=problems, samples=problems * samples, correct=right.total(), by_subject=by_subject)


def as_table(thing: Any) -> dict[str, Any]:
    """Return a yield or an accuracy as JSON has it."""
    table = dataclasses.asdict(thing)
    return {**table, "mean": round(thing.mean, 6)} if isinstance(thing, Accuracy) else table
