"""Writing MANIFEST.json: the last file of a release."""

import collections
import dataclasses
import hashlib
import platform
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

from filters.agreement import kappa
from filters.bands import COMPARED
from filters.benchmark_index import Item
from filters.reflection_counts import Counts, added
from filters.reflection_statistics import statistics
from filters.signatures import SPEC
from pipeline import benchmarks, storage
from pipeline.annotate import annotators
from pipeline.exports import CONFIGS
from pipeline.ingest import Ingested, ingested
from pipeline.pass_rates import Outcomes, coverage
from pipeline.plan import Plan
from pipeline.plugins import release_of
from pipeline.rundir import RunDir
from pipeline.vote_counts import VOTE_COUNTS
from schemas.annotation import STATUSES, TAGGER_NAME
from schemas.errors import RunError
from schemas.manifest import SIGNATURES, AgainstEntry, ConfigEntry, FileEntry, Manifest
from schemas.tables import REJECTED_SCHEMA, SIGNATURES_SCHEMA

LIBRARIES = (
    "apache-beam",
    "datasketch",
    "math-verify",
    "mpmath",
    "numpy",
    "pyarrow",
    "starbeam",
    "sympy",
)  # those that decide bytes

ALWAYS = {"rejected": REJECTED_SCHEMA, SIGNATURES: SIGNATURES_SCHEMA}  # configs that every release has


@dataclasses.dataclass(frozen=True)
class PartitionStats:
    """What one partition added to the release."""

    partition: int
    files: tuple[FileEntry, ...]
    counts: "collections.Counter[tuple[str, ...]]"  # by path in the funnel
    outcomes: Outcomes
    reflection: Counts

    @property
    def kept(self) -> int:
        """Rows kept."""
        return self.counts["kept",]


@dataclasses.dataclass(frozen=True)
class ReleaseFacts:
    """What the manifest says that no partition knows; picklable."""

    name: str
    recipe_sha256: str
    recipe: dict[str, Any]
    annotators: dict[str, str]
    benchmarks: dict[str, dict[str, Any]]
    prompts: dict[str, str]
    plugins: dict[str, str]  # package → version
    against: tuple[AgainstEntry, ...]

    @classmethod
    def of(cls, plan: Plan, items: Sequence[Item]) -> "ReleaseFacts":
        """Return the facts of a plan and of the items of its benchmarks."""
        earlier = sorted((release.name, release.sha256) for release in plan.earlier)
        return cls(
            plan.recipe.name,
            plan.recipe_sha256,
            plan.published,
            annotators(plan.checkers, plan.judge_counts, plan.tokenizer) | ({} if plan.tagger is None else {"tagged": TAGGER_NAME}),
            benchmarks.facts(items),
            plan.prompts.files,
            release_of(plan.strategy.kind),
            tuple(AgainstEntry(name=name, sha256=sha256) for name, sha256 in earlier),
        )


def write_manifest(
    facts: ReleaseFacts, run: RunDir, parts: Iterable[PartitionStats], compared: Iterable[Mapping[str, int]]
) -> None:
    """Write MANIFEST.json from every partition's statistics, and counts of what was compared."""
    read = ingested(run)
    if read is None:
        raise RunError(f"cannot read {run.ingest}: it is gone; run `starbeam sample` again")
    parts = sorted(parts, key=lambda part: part.partition)
    files = sorted((entry for part in parts for entry in part.files), key=lambda entry: entry.path)
    manifest = Manifest(
        name=facts.name,
        recipe_sha256=facts.recipe_sha256,
        recipe=facts.recipe,
        versions={"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}, **facts.plugins},
        annotators=facts.annotators,
        signatures=SPEC,
        against=facts.against,
        benchmarks=facts.benchmarks,
        prompts=facts.prompts,
        funnel=funnel([part.counts for part in parts], read, compared),
        coverage=coverage([part.outcomes for part in parts]),
        reflection=statistics(added(part.reflection for part in parts)),
        limit=read.limit,
        configs=_configs(files),
        files=tuple(files),
    )
    storage.write_bytes(run.manifest, manifest.to_json().encode())


def funnel(
    counts: Iterable["collections.Counter[tuple[str, ...]]"], read: Ingested, compared: Iterable[Mapping[str, int]]
) -> dict[str, Any]:
    """Return the counts from records read to rows kept, nested in the order of the way, with kappa where chains were tagged."""
    total: collections.Counter[tuple[str, ...]] = collections.Counter()
    for one in counts:
        total.update(one)
    for found in compared:
        total.update({("compared", name): count for name, count in found.items()})
    nested: dict[str, Any] = {
        "problem_records": read.problem_records,
        "sample_records": read.sample_records,
        "rejected_records": {},
        "repeated": read.repeated,
        "problems": 0,
        "problems_sampled": 0,
        "samples": 0,
        "verdicts": dict.fromkeys(STATUSES, 0),
        "judged": {},
        "steps": {},
        "leaks": {},
        "votes": dict.fromkeys(VOTE_COUNTS, 0),
        "teachers": {},
        "origins": {},
        "reflections": {},
        "tagged": {},
        "agreement": {},
        "contaminated": {},
        "compared": dict.fromkeys(COMPARED, 0),
        "duplicates": {"exact": 0, "near": 0},
        "rejected_samples": {},
        "kept": 0,
        "problems_kept": 0,
    }
    for path, count in sorted(total.items()):
        here = nested
        for name in path[:-1]:
            here = here.setdefault(name, {})
        here[path[-1]] = count
    for of_label in nested["agreement"].values():
        of_label["kappa"] = kappa(**of_label["chains"])
    return nested


def _configs(files: Iterable[FileEntry]) -> dict[str, ConfigEntry]:
    by_config: dict[str, list[FileEntry]] = {}
    for entry in files:
        by_config.setdefault(entry.config, []).append(entry)
    entries = {}
    for config, of_config in sorted(by_config.items()):
        schema = CONFIGS[config].schema if config in CONFIGS else ALWAYS[config]
        text = schema.to_string(show_field_metadata=False, show_schema_metadata=False)
        entries[config] = ConfigEntry(
            rows=sum(entry.rows for entry in of_config),
            files=len(of_config),
            schema=text,
            schema_sha256=hashlib.sha256(text.encode()).hexdigest(),
        )
    return entries
