"""Every config, read by the readers that users have."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipeline.build import Options, build
from pipeline.plan import resolve
from pipeline.recipes import parse
from pipeline.terminal import console_of
from schemas.tables import ABLATION_SCHEMA, FULL_SCHEMA, PROBLEMS_SCHEMA, REJECTED_SCHEMA, SFT_SCHEMA
from tests.pipeline.recipes_for_tests import SOLVED

SCHEMAS = {
    "full": FULL_SCHEMA,
    "sft": SFT_SCHEMA,
    "sft_stripped": ABLATION_SCHEMA,
    "sft_moved": ABLATION_SCHEMA,
    "problems": PROBLEMS_SCHEMA,
    "rejected": REJECTED_SCHEMA,
}
CONFIGS = {config: schema.names for config, schema in SCHEMAS.items()}
# Few problems over many shards, so that some shards are empty: readers must not mind.
ABLATED = 'export.configs=["full", "sft", "sft_stripped", "sft_moved", "problems"]'
SPARSE = ("partitions=12", "problems.0.count=8", "problems.1.count=4", "problems.2.count=4", ABLATED)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a release with empty shards."""
    run = tmp_path_factory.mktemp("readers") / "run"
    build(resolve(parse(SOLVED, "test.toml", SPARSE)), Options(str(run)), console_of(stderr=True))
    assert any(not pq.read_metadata(path).num_rows for path in (run / "release" / "full").iterdir())
    return run / "release"


def _with_datasets(release: Path, config: str, cache: Path) -> list[dict[str, Any]]:
    import datasets

    files = str(release / config / "train-*.parquet")
    rows: list[dict[str, Any]] = datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=str(cache)).to_list()
    return rows


def _with_duckdb(release: Path, config: str, cache: Path) -> list[dict[str, Any]]:
    import duckdb

    found = duckdb.sql(f"SELECT * FROM '{release}/{config}/train-*.parquet'")
    return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


def _with_polars(release: Path, config: str, cache: Path) -> list[dict[str, Any]]:
    import polars

    return polars.read_parquet(f"{release}/{config}/train-*.parquet").to_dicts()


def _with_pandas(release: Path, config: str, cache: Path) -> list[dict[str, Any]]:
    import pandas

    frame = pandas.concat([pandas.read_parquet(path) for path in sorted((release / config).iterdir())], ignore_index=True)
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


READERS = {"datasets": _with_datasets, "duckdb": _with_duckdb, "polars": _with_polars, "pandas": _with_pandas}


@pytest.mark.load
@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("reader", READERS)
def test_readers_see_every_column_and_row(release: Path, tmp_path: Path, reader: str, config: str) -> None:
    rows = READERS[reader](release, config, tmp_path)
    assert len(rows) > (1 if config == "rejected" else 10)
    assert list(rows[0]) == CONFIGS[config]
    if config == "sft":
        roles = [[message["role"] for message in row["messages"]] for row in rows]
        assert all(of_row == ["user", "assistant"] for of_row in roles)
        assert all(row["messages"][1]["content"].startswith("<think>\n") for row in rows)
    if config == "problems":
        assert all(list(row["pass_at_k"]) == [row["right"] / 2, row["right"] > 0] for row in rows)
    if config == "full":
        assert {row["verdict"]["status"] for row in rows} == {"correct"}
        assert len({row["sample_id"] for row in rows}) == len(rows)
