"""The manifest: what a release holds, how it came about, every file's hash.  Its presence means that the release is whole."""

import dataclasses
import json
from typing import Any

from schemas.reflection_statistics import ReflectionStatistics

FORMAT = "starbeam-manifest-1"
SIGNATURES = "signatures"  # the config of what later builds compare their rows with kept ones by; every release has it


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FileEntry:
    """One file of a release."""

    path: str  # below the release's folder
    config: str
    split: str
    rows: int
    bytes: int
    sha256: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ConfigEntry:
    """One config of a release."""

    rows: int
    files: int
    schema: str  # the Arrow schema as text
    schema_sha256: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AgainstEntry:
    """One earlier release whose rows count as kept.  Several may have one name."""

    name: str
    sha256: str  # of its manifest


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The whole of MANIFEST.json.  It holds no clock and no path of a machine: the same inputs give the same bytes."""

    name: str
    recipe_sha256: str
    recipe: dict[str, Any]
    versions: dict[str, str]  # of starbeam, Python and the libraries that decide bytes
    annotators: dict[str, str]  # role → name with version
    signatures: dict[str, Any]  # how they were made: a later build with others refuses to compare
    against: tuple[AgainstEntry, ...]  # earlier releases that were taken as kept, sorted
    benchmarks: dict[str, dict[str, Any]]  # benchmark → number of its items, SHA-256 of their ids and texts
    prompts: dict[str, str]  # prompt file → SHA-256 of its text, for those that rows can have been asked by
    limit: int | None  # records or draws of each source that were taken, None for all
    funnel: dict[str, Any]  # counts, from records read to rows kept; how the taggers agree
    coverage: dict[str, Any]  # teacher → how its trials of the problems ended, pass@k and its power law
    reflection: ReflectionStatistics
    configs: dict[str, ConfigEntry]
    files: tuple[FileEntry, ...]
    format: str = FORMAT

    def to_json(self) -> str:
        """Return canonical JSON: sorted keys, one trailing newline."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True, indent=1, ensure_ascii=False) + "\n"
