"""A finished run as far as reports and later comparisons read it, written in milliseconds."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from filters.fingerprints import fingerprints
from filters.signatures import SPEC, signatures
from pipeline import shards
from pipeline.rundir import RunDir
from schemas.annotation import CONTAMINATION_TYPE, DUPLICATE_TYPE, Duplicate
from schemas.manifest import FORMAT, SIGNATURES
from schemas.tables import SIGNATURES_SCHEMA


class Row(NamedTuple):
    """A row of the run."""

    id: str  # 32 hexadecimal digits
    text: str
    problem: str = "p"
    duplicate: Duplicate | None = None  # such a row is rejected
    contamination: Sequence[Mapping[str, Any]] = ()
    question: str = "why?"
    turned_away: bool = False  # for another reason


def finish(run: Path, rows: Sequence[Row], looked: bool = False, title: str = "small", configs: Sequence[str] = ("full",)) -> None:
    """Write a run of two partitions.  `looked`: whether benchmarks were looked for."""
    url, files = RunDir(str(run), 2), []
    for partition in range(2):
        here = rows[partition::2]
        shards.write_table(url.annotated(partition), _annotated(here))
        kept = [row for row in here if row.duplicate is None and not row.turned_away]
        tables = {
            "full": _release(kept, looked),
            "rejected": _release([row for row in here if row not in kept], looked),
            SIGNATURES: _signatures(kept),
        }
        for config in (*configs, "rejected", SIGNATURES):
            path = url.shard_name(config, partition)
            written = shards.write_table(f"{url.release}/{path}", tables[config])
            files.append({"config": config, "split": "train", "path": path, **written._asdict()})
    kinds = [row.duplicate.kind for row in rows if row.duplicate is not None]
    manifest = {
        "format": FORMAT,
        "name": title,
        "signatures": SPEC,
        "files": files,
        "configs": {config: _config([file for file in files if file["config"] == config]) for config in (*configs, SIGNATURES)},
        "recipe_sha256": "0" * 64,
        "recipe": {"partitions": 2, "dedupe": {"threshold": 0.8, "against": []}},
        "against": [{"name": "earlier", "sha256": "1" * 64}],
        "funnel": {
            "problems": 1,
            "samples": len(rows),
            "kept": len(rows) - len(kinds),
            "rejected_samples": {},
            "compared": {"pairs_candidate": 12_345},
            "duplicates": {kind: kinds.count(kind) for kind in ("exact", "near")},
        },
    }
    Path(url.manifest).write_text(json.dumps(manifest))


def _config(files: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"files": len(files), "rows": sum(file["rows"] for file in files), "schema": "", "schema_sha256": ""}


def _annotated(rows: Sequence[Row]) -> pa.Table:
    columns = {
        "sample_id": [row.id for row in rows],
        "teacher": ["main"] * len(rows),
        "problem_id": [row.problem for row in rows],
        "reasoning": [row.text for row in rows],
        "response": [""] * len(rows),
    }
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})


def _release(rows: Sequence[Row], looked: bool) -> pa.Table:
    table = _annotated(rows).append_column("question", pa.array([row.question for row in rows], pa.string()))
    copies = pa.array([row.duplicate and row.duplicate._asdict() for row in rows], DUPLICATE_TYPE)
    found = pa.array([list(row.contamination) if looked else None for row in rows], CONTAMINATION_TYPE)
    return table.append_column("duplicate", copies).append_column("contamination", found)


def _signatures(rows: Sequence[Row]) -> pa.Table:
    texts = [row.text for row in rows]
    columns = {
        "sample_id": [row.id for row in rows],
        "problem_id": [row.problem for row in rows],
        "answer": [None] * len(rows),
        "fingerprint": fingerprints(texts),
        "signature": [one.tobytes() for one in signatures(texts)],
    }
    return pa.table(columns, schema=SIGNATURES_SCHEMA)
