"""Earlier releases whose rows count as kept: a new build brings nothing that they have already."""

import dataclasses
import json
import re
from typing import Any

import pyarrow as pa

from filters.duplicates import Places
from filters.signatures import SPEC
from pipeline import shards, storage
from schemas.errors import RunError, UserError
from schemas.manifest import FORMAT, SIGNATURES
from schemas.sample import chain_text

MANIFEST = "MANIFEST.json"
FULL = "full"


@dataclasses.dataclass(frozen=True)
class EarlierShard:
    """One shard of an earlier release: the signatures of its kept rows, and the rows themselves, in the same order."""

    signatures_url: str
    full_url: str

    def signatures(self) -> pa.Table:
        """Return sample_id, problem_id, answer, fingerprint and signature of each row."""
        return shards.read_table(self.signatures_url)

    def texts(self, rows: Places) -> list[str]:
        """Return the chains of some rows."""
        table = shards.read_table(self.full_url, ["sample_id", "reasoning", "response"]).take(rows)
        signed = shards.read_table(self.signatures_url, ["sample_id"]).take(rows)
        if table["sample_id"].to_pylist() != signed["sample_id"].to_pylist():
            raise RunError(f"cannot read {self.full_url}: its rows are not those of {self.signatures_url}; get the release anew")
        return [chain_text(*parts) for parts in zip(table["reasoning"].to_pylist(), table["response"].to_pylist(), strict=True)]


@dataclasses.dataclass(frozen=True)
class EarlierRelease:
    """One release that a recipe names."""

    folder: str
    name: str
    sha256: str  # of its manifest: of everything that it holds
    shards: tuple[EarlierShard, ...]

    def lies_in(self, folder: str) -> bool:
        """Return whether a folder, or one in it, holds files of the release, whatever links lead there."""
        theirs = {self.folder, *(url.rsplit("/", 1)[0] for shard in self.shards for url in (shard.signatures_url, shard.full_url))}
        places = [folder, *(storage.join(folder, name) for name in storage.list_names(folder))]
        return any(storage.same_place(one, other) for one in sorted(theirs) for other in places)

    @property
    def rows(self) -> int:
        """Rows that count as kept."""
        return sum(shards.row_count(shard.signatures_url) for shard in self.shards)


def earlier_release(url: str, named_by: str = "[dedupe] against =") -> EarlierRelease:
    """Return a release by its folder, or by its run's.  Raises UserError where it cannot be compared with."""
    where = f"{named_by} {url!r}"
    folder = next((one for one in (url, storage.join(url, "release")) if storage.exists(storage.join(one, MANIFEST))), None)
    if folder is None:
        raise UserError(f"{where}: holds no {MANIFEST}, so it is no release, or one that is not whole; name a release's folder")
    data = storage.read_bytes(storage.join(folder, MANIFEST))
    manifest = parsed_manifest(data, where)
    spec = manifest.get("signatures")
    if spec != SPEC:
        raise UserError(f"{where}: {_difference(spec)}; build that release anew with this version, or leave it out")
    configs: dict[str, dict[str, str]] = {SIGNATURES: {}, FULL: {}}
    for config, path in files_of(manifest, where):
        if config in configs:
            configs[config][path.rsplit("/", 1)[-1]] = storage.join(folder, path)
    if configs[FULL].keys() != configs[SIGNATURES].keys():
        raise UserError(
            f"{where}: has no config 'full', whose texts copies are compared by; add it to its [export] configs, and curate again"
        )
    pairs = (EarlierShard(path, configs[FULL][name]) for name, path in sorted(configs[SIGNATURES].items()))
    return EarlierRelease(folder, str(manifest["name"]), shards.data_hash(data), tuple(pairs))


def parsed_manifest(data: bytes, where: str) -> dict[str, Any]:
    """Return a release's manifest.  Raises UserError, which begins with `where`, where it is none that this version reads."""
    try:
        manifest = json.loads(data)
    except ValueError as error:
        raise UserError(f"{where}: its {MANIFEST} is no JSON: {error}; get the release anew") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise UserError(f"{where}: its {MANIFEST} {_UNREAD}")
    return manifest


_UNREAD = "is of no release that this version reads; get it anew, or leave it out"
_SHARD = re.compile(r"[a-z_]+/[A-Za-z0-9._-]+")


def files_of(manifest: dict[str, Any], where: str) -> list[tuple[str, str]]:
    """Return config and path of each file, as a manifest of ours has them."""
    try:
        files = [(str(entry["config"]), str(entry["path"])) for entry in manifest["files"]]
        name = manifest["name"]
    except (KeyError, TypeError) as error:
        raise UserError(f"{where}: its {MANIFEST} {_UNREAD}") from error
    if not isinstance(name, str) or not all(_SHARD.fullmatch(path) for _, path in files):
        raise UserError(f"{where}: its {MANIFEST} {_UNREAD}")
    return files


def _difference(spec: Any) -> str:
    if not isinstance(spec, dict):
        return "says no specification of signatures, so that they cannot be compared"
    key = next((key for key in SPEC if spec.get(key) != SPEC[key]), next(iter(spec.keys() - SPEC.keys()), "name"))
    return f"its signatures have {key} = {spec.get(key)!r}, and this version's have {SPEC.get(key)!r}"
