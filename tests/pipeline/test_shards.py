import hashlib
import itertools
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import shards, storage
from schemas.tables import ANNOTATED_SCHEMA, FULL_SCHEMA, REJECTED_SCHEMA, SFT_SCHEMA

COLUMNS = ["sample_id", "index", "prompt", "verdict", "reflections", "logprob", "hint", "choices", "fingerprint"]
SCHEMA = pa.schema([ANNOTATED_SCHEMA.field(name) for name in COLUMNS])


def _rows(count: int) -> list[dict[str, Any]]:
    return [
        {
            "sample_id": f"{number:032x}",
            "index": number,
            "prompt": [{"role": "user", "content": "what? " * (number % 5)}] * (number % 3),
            "verdict": {"status": "correct", "extracted": None if number % 4 else "4", "checker": "c", "reason": "r"},
            "reflections": [{"label": "l", "start": 0, "end": number, "marker": None, "effect": None}] * (number % 2),
            "logprob": None if number % 3 else -float(number),
            "hint": None if number < 20 else f"hint {number}",
            "choices": [] if number % 2 else ["a", "b"],
            "fingerprint": bytes([number % 256]) * 16,
        }
        for number in range(count)
    ]


TABLE = pa.Table.from_pylist(_rows(60), schema=SCHEMA)


def _hash(folder: Path, table: pa.Table, key: str | None = None) -> str:
    return shards.write_table(str(folder / "t.parquet"), table, key and {shards.KEY: key}).sha256


@pytest.mark.load
@pytest.mark.parametrize("row_group_bytes", [shards.ROW_GROUP_BYTES, 2000])
@settings(max_examples=50, deadline=None)
@given(cuts=st.lists(st.integers(0, 60), max_size=6))
def test_the_same_rows_give_the_same_bytes_however_they_are_chunked(
    tmp_path_factory: pytest.TempPathFactory, row_group_bytes: int, cuts: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("chunks")
    bounds = [0, *sorted(cuts), 60]
    chunked = pa.concat_tables([TABLE.slice(start, end - start) for start, end in itertools.pairwise(bounds)])
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(shards, "ROW_GROUP_BYTES", row_group_bytes)
        assert _hash(folder, chunked) == _hash(folder, TABLE)


@pytest.mark.parametrize("row_group_bytes", [shards.ROW_GROUP_BYTES, 900])
@settings(max_examples=25, deadline=None)
@given(places=st.sets(st.integers(0, 59)).map(sorted))
def test_the_same_rows_give_the_same_bytes_however_they_were_picked(
    tmp_path_factory: pytest.TempPathFactory, row_group_bytes: int, places: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("picked")
    chosen = pa.array([place in places for place in range(60)])
    fresh = pa.Table.from_pylist([row for place, row in enumerate(_rows(60)) if place in places], schema=SCHEMA)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(shards, "ROW_GROUP_BYTES", row_group_bytes)
        hashes = {_hash(folder, one) for one in (fresh, TABLE.filter(chosen), TABLE.take(pa.array(places, pa.int64())))}
    assert len(hashes) == 1


def test_a_part_cut_from_a_table_gives_the_bytes_of_its_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "ROW_GROUP_BYTES", 900)
    fresh = pa.Table.from_pylist(_rows(60)[20:50], schema=SCHEMA)
    assert _hash(tmp_path, TABLE.slice(20, 30)) == _hash(tmp_path, fresh)


def test_what_was_written_is_what_is_read_and_what_it_says_of_itself(tmp_path: Path) -> None:
    url = str(tmp_path / "new" / "t.parquet")
    written = shards.write_table(url, TABLE, {shards.KEY: "made from ü"})
    data = Path(url).read_bytes()
    assert (written.rows, written.bytes, written.sha256) == (60, len(data), hashlib.sha256(data).hexdigest())
    assert shards.read_table(url) == TABLE and shards.row_count(url) == 60 and shards.file_hash(url) == written.sha256
    assert shards.read_table(url, ["verdict", "sample_id"]).to_pylist() == TABLE.select(["verdict", "sample_id"]).to_pylist()
    assert shards.read_table(url).schema.metadata is None


@pytest.mark.parametrize("schema", [ANNOTATED_SCHEMA, FULL_SCHEMA, REJECTED_SCHEMA, SFT_SCHEMA])
def test_an_empty_shard_has_every_column(tmp_path: Path, schema: pa.Schema) -> None:
    url = str(tmp_path / "t.parquet")
    for table in (schema.empty_table(), pa.Table.from_pylist([], schema=schema)):
        assert shards.write_table(url, table).rows == 0
        assert shards.read_table(url).schema == schema == pq.read_schema(url)
        assert shards.row_count(url) == 0


def test_what_a_file_was_made_from_can_be_asked(tmp_path: Path) -> None:
    url = str(tmp_path / "t.parquet")
    assert shards.key_of(url) is None
    shards.write_table(url, TABLE)
    assert shards.key_of(url) is None
    for key in ("a", "ü b\n", ""):
        shards.write_table(url, shards.read_table(url), {shards.KEY: key})
        assert shards.key_of(url) == key
    shards.write_table(url, shards.read_table(url))
    assert shards.key_of(url) is None


def test_a_shard_in_memory_is_the_same_file(tmp_path: Path) -> None:
    try:
        assert shards.write_table("memory://shards-test/t.parquet", TABLE, {shards.KEY: "k"}) == shards.write_table(
            f"{tmp_path}/t.parquet", TABLE, {shards.KEY: "k"}
        )
        assert shards.key_of("memory://shards-test/t.parquet") == "k"
        assert shards.read_table("memory://shards-test/t.parquet") == TABLE
    finally:
        storage.remove("memory://shards-test/t.parquet")


def test_the_codec_is_zstd_and_pages_can_be_skipped(tmp_path: Path) -> None:
    url = str(tmp_path / "t.parquet")
    shards.write_table(url, TABLE)
    group = pq.read_metadata(url).row_group(0)
    columns = [group.column(place) for place in range(group.num_columns)]
    assert {column.compression for column in columns} == {"ZSTD"}
    assert all(column.has_offset_index for column in columns)
    assert (shards.COMPRESSION, shards.COMPRESSION_LEVEL) == ("zstd", 3)


def test_ids_and_numbers_have_statistics_and_texts_do_not_fill_the_footer(tmp_path: Path) -> None:
    url = str(tmp_path / "t.parquet")
    shards.write_table(url, TABLE)
    group = pq.read_metadata(url).row_group(0)
    columns = {column.path_in_schema: column for column in (group.column(place) for place in range(group.num_columns))}
    with_statistics = {name for name, column in columns.items() if column.statistics is not None and column.statistics.has_min_max}
    assert with_statistics == {"sample_id", "index", "logprob"}
    assert columns["sample_id"].has_column_index and not columns["hint"].has_column_index


@pytest.mark.parametrize("key", [None, "k"])
def test_the_footer_tells_nothing_of_how_the_table_was_made(tmp_path: Path, key: str | None) -> None:
    marked = TABLE.replace_schema_metadata({"huggingface": "{}", "pandas": "{}", "mine": "x"})
    url = str(tmp_path / "t.parquet")
    shards.write_table(url, marked, key and {shards.KEY: key})
    found = set(pq.read_metadata(url).metadata) - {b"ARROW:schema"}
    assert found == (set() if key is None else {shards.KEY.encode()})
    assert _hash(tmp_path, marked, key) == _hash(tmp_path, TABLE, key)


def _group_bytes(table: pa.Table, url: str) -> list[int]:
    metadata = pq.read_metadata(url)
    sizes, start = [], 0
    for number in range(metadata.num_row_groups):
        rows = metadata.row_group(number).num_rows
        sizes.append(sum(len(text) for text in table["text"][start : start + rows].to_pylist()))
        start += rows
    assert start == table.num_rows
    return sizes


def test_row_groups_are_bounded_by_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "ROW_GROUP_BYTES", 10_000)
    table = pa.table({"text": [f"{number:0100d}" for number in range(1000)]})
    url = str(tmp_path / "t.parquet")
    shards.write_table(url, table)
    sizes = _group_bytes(table, url)
    assert 10 <= len(sizes) <= 12 and max(sizes) <= 10_000
    assert shards.read_table(url) == table


def test_row_groups_are_bounded_by_bytes_where_long_rows_stand_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "ROW_GROUP_BYTES", 10_000)
    table = pa.table({"text": ["short"] * 500 + ["x" * 1000] * 50})
    url = str(tmp_path / "t.parquet")
    shards.write_table(url, table)
    assert max(_group_bytes(table, url)) <= 20_000


def test_a_row_over_the_bound_still_goes_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "ROW_GROUP_BYTES", 10)
    table = pa.table({"text": ["x" * 50, "y" * 70]})
    shards.write_table(str(tmp_path / "t.parquet"), table)
    assert _group_bytes(table, str(tmp_path / "t.parquet")) == [50, 70]
