"""Earlier releases whose rows count as kept: a new build brings nothing that they have already.

They come from elsewhere, so that all of it is checked: a release's files against its manifest before anything is done,
values wherever they are read.
"""

import dataclasses
import hashlib
import json
import os
import re
import reprlib
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import TypeAdapter, ValidationError

from filters.duplicates import Places
from filters.signatures import PERMUTATIONS, SPEC
from pipeline import shards, storage
from schemas.errors import UserError
from schemas.manifest import FORMAT, SIGNATURES, ConfigEntry, FileEntry
from schemas.sample import chain_text
from schemas.tables import SIGNATURES_SCHEMA

MANIFEST = "MANIFEST.json"
FULL = "full"
TEXTS = ("sample_id", "reasoning", "response")  # columns of `full` that are read

_MEND = "get that release anew, or leave it out of `against`"


def _damaged(said: str) -> UserError:
    return UserError(f"{said}; {_MEND}")


@dataclasses.dataclass(frozen=True)
class EarlierShard:
    """One shard of an earlier release: the signatures of its kept rows, and the rows themselves, in the same order.

    Raises UserError where a file cannot be read, or a value is none that a release of ours has.
    """

    signatures_url: str
    full_url: str

    def signatures(self) -> pa.Table:
        """Return sample_id, problem_id, answer, fingerprint and signature of each row."""
        return _signed(self.signatures_url, shards.read_table(self.signatures_url, failure=_damaged))

    def texts(self, rows: Places) -> list[str]:
        """Return the chains of some rows."""
        table = shards.read_table(self.full_url, TEXTS, _damaged)
        _check_texts(self.full_url, table.schema)
        ids = shards.read_table(self.signatures_url, ["sample_id"], _damaged)
        if not table.select(["sample_id"]).equals(ids):
            raise _damaged(f"{self.full_url}: its rows are not those of {self.signatures_url}")
        for name in TEXTS[1:]:
            _check_values(self.full_url, table, name, pc.is_valid(table[name]), "a text")
        taken = _validated(self.full_url, table.take(rows))
        return [chain_text(*parts) for parts in zip(*(taken[name].to_pylist() for name in TEXTS[1:]), strict=True)]

    def check(self, signed: FileEntry, full: FileEntry) -> None:
        """Raise UserError where the files are not those of the manifest.

        Signatures are small, and are read whole by every comparison, so that all their bytes are hashed.  Of `full`, most
        of which no comparison reads, the size and the footer must do: a store would send all of it.
        """
        with storage.open_read(self.signatures_url, _damaged) as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != signed.sha256:
                raise _damaged(f"{self.signatures_url}: its SHA-256 is not the one in {MANIFEST}")
            file.seek(0)
            rows = _signed(self.signatures_url, pq.ParquetFile(file).read()).num_rows
        _check_number(self.signatures_url, "rows", rows, signed.rows)
        with storage.open_read(self.full_url, _damaged) as file:
            _check_number(self.full_url, "bytes", file.seek(0, os.SEEK_END), full.bytes)
            footer = pq.ParquetFile(file)
            _check_number(self.full_url, "rows", footer.metadata.num_rows, full.rows)
            _check_texts(self.full_url, footer.schema_arrow)
        if signed.rows != full.rows:
            raise _damaged(f"{self.full_url}: has {full.rows:,} rows, and {self.signatures_url} has {signed.rows:,}")


def _check_number(url: str, unit: str, found: int, said: int) -> None:
    if found != said:
        raise _damaged(f"{url}: has {found:,} {unit}, and {MANIFEST} says {said:,}")


def _check_texts(url: str, schema: pa.Schema) -> None:
    for name in TEXTS:
        place = schema.get_field_index(name)  # -1 also where there are several
        if place < 0 or schema.field(place).type != pa.string():
            raise _damaged(f"{url}: has no column {name!r} of texts")


def _signed(url: str, table: pa.Table) -> pa.Table:
    """Return the rows of a file of signatures, each with what a row needs."""
    if table.schema != SIGNATURES_SCHEMA:
        columns = ", ".join(f"{field.name} {field.type}" for field in table.schema)
        raise _damaged(f"{url}: its columns are {columns[:200]}, not {', '.join(SIGNATURES_SCHEMA.names)} as a release has them")
    _validated(url, table)
    _check_values(
        url, table, "sample_id", pc.match_substring_regex(table["sample_id"], r"\A[0-9a-f]{32}\z"), "32 hexadecimal digits"
    )
    _check_values(url, table, "problem_id", pc.is_valid(table["problem_id"]), "a text")
    for name, size in (("fingerprint", 16), ("signature", 4 * PERMUTATIONS)):
        _check_values(url, table, name, pc.equal(pc.binary_length(table[name]), size), f"{size} bytes")
    return table


def _validated(url: str, table: pa.Table) -> pa.Table:
    """Return a table whose texts are UTF-8."""
    try:
        table.validate(full=True)
    except pa.ArrowException as error:
        raise _damaged(f"{url}: {' '.join(str(error).split())}") from error
    return table


def _check_values(url: str, table: pa.Table, name: str, fits: pa.ChunkedArray, rule: str) -> None:
    row = pc.index(pc.fill_null(fits, False), False).as_py()
    if row >= 0:
        value = table[name][row].as_py()
        seen = f"{len(value):,} bytes" if isinstance(value, bytes) else "null" if value is None else reprlib.repr(value)
        raise _damaged(f"{url}: row {row + 1}: {name} is {seen}, not {rule}")


@dataclasses.dataclass(frozen=True)
class EarlierRelease:
    """One release that a recipe names."""

    folder: str
    name: str
    sha256: str  # of its manifest: of everything that it holds
    rows: int  # that count as kept
    shards: tuple[EarlierShard, ...]

    def lies_in(self, folder: str) -> bool:
        """Return whether a folder, or one in it, holds files of the release, whatever links lead there."""
        places = [folder, *(storage.join(folder, name) for name in storage.list_names(folder))]
        return any(storage.same_place(one, other) for one in self.folders for other in places)

    @property
    def folders(self) -> list[str]:
        """The folders that its files lie in, links not followed."""
        shards = (url for shard in self.shards for url in (shard.signatures_url, shard.full_url))
        return sorted({self.folder, *(url.rsplit("/", 1)[0] for url in shards)})


def earlier_release(url: str, named_by: str = "[dedupe] against =") -> EarlierRelease:
    """Return a release by its folder, or by its run's.  Raises UserError where it cannot be compared with, or is not whole."""
    where = f"{named_by} {url!r}"
    folder = next((one for one in (url, storage.join(url, "release")) if storage.exists(storage.join(one, MANIFEST))), None)
    if folder is None:
        raise UserError(f"{where}: holds no {MANIFEST}, so it is no release, or one that is not whole; name a release's folder")
    data = storage.read_bytes(storage.join(folder, MANIFEST))
    manifest = parsed_manifest(data, where)
    spec = manifest.get("signatures")
    if spec != SPEC:
        raise UserError(f"{where}: {_difference(spec)}; build that release anew with this version, or leave it out")
    found = listing(manifest, where)
    signed, full = (_of_config(found, config, where) for config in (SIGNATURES, FULL))
    if signed.keys() != full.keys():
        raise _damaged(f"{where}: its {MANIFEST} names other shards of {FULL!r} than of {SIGNATURES!r}")
    of_release = []
    for name in sorted(signed):
        shard = EarlierShard(*(storage.join(folder, entries[name].path) for entries in (signed, full)))
        shard.check(signed[name], full[name])
        of_release.append(shard)
    return EarlierRelease(folder, found.name, shards.data_hash(data), found.configs[SIGNATURES].rows, tuple(of_release))


def parsed_manifest(data: bytes, where: str) -> dict[str, Any]:
    """Return a release's manifest.  Raises UserError, which begins with `where`, where it is none that this version reads."""
    try:
        manifest = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{where}: its {MANIFEST} is no JSON: {error}; get the release anew") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise UserError(f"{where}: its {MANIFEST} {_UNREAD}")
    return manifest


@dataclasses.dataclass(frozen=True)
class Listing:
    """What a manifest says of the files of its release."""

    name: str
    files: list[FileEntry]
    configs: dict[str, ConfigEntry]


_LISTING = TypeAdapter(Listing)
_UNREAD = "is of no release that this version reads; get it anew, or leave it out"
_SHARD = re.compile(r"[a-z_]+/[A-Za-z0-9._-]+")


def listing(manifest: dict[str, Any], where: str) -> Listing:
    """Return what a manifest lists.  Raises UserError where it lists no files as a manifest of ours does, or one twice."""
    try:
        found = _LISTING.validate_python(manifest)
    except ValidationError as error:
        raise UserError(f"{where}: its {MANIFEST} {_UNREAD}") from error
    for file in found.files:
        if not _SHARD.fullmatch(file.path) or not file.path.startswith(f"{file.config}/"):
            raise UserError(f"{where}: its {MANIFEST} {_UNREAD}")
    if len({file.path for file in found.files}) < len(found.files):
        raise _damaged(f"{where}: its {MANIFEST} names a file twice")
    return found


def _of_config(found: Listing, config: str, where: str) -> dict[str, FileEntry]:
    """Return the files of a config by their names.  Raises UserError where they are not all that the release has."""
    files = {file.path.rsplit("/", 1)[-1]: file for file in found.files if file.config == config}
    said = found.configs.get(config)
    if said is None and config == FULL and not files:
        raise UserError(
            f"{where}: has no config 'full', whose texts copies are compared by; add it to its [export] configs, and curate again"
        )
    listed = _counted(len(files), sum(file.rows for file in files.values()))
    if said is None or listed != _counted(said.files, said.rows):
        promised = "none" if said is None else _counted(said.files, said.rows)
        raise _damaged(f"{where}: its {MANIFEST} names {listed} of config {config!r}, and {promised} in its configs")
    return files


def _counted(files: int, rows: int) -> str:
    return f"{files:,} files with {rows:,} rows"


def _difference(spec: Any) -> str:
    if not isinstance(spec, dict):
        return "says no specification of signatures, so that they cannot be compared"
    key = next((key for key in SPEC if spec.get(key) != SPEC[key]), next(iter(spec.keys() - SPEC.keys()), "name"))
    return f"its signatures have {key[:40]} = {reprlib.repr(spec.get(key))}, and this version's have {SPEC.get(key)!r}"
