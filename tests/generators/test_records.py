import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators import records
from generators.records import FieldError, Record, lookup, read_records, text_at
from schemas.errors import UserError
from schemas.reject import Reject


def _read(tmp_path: Path, data: bytes, name: str = "in.jsonl") -> list[Record | Reject]:
    path = tmp_path / name
    path.write_bytes(data)
    return list(read_records(str(path)))


def _reason(row: Record | Reject) -> str:
    return row.reason if isinstance(row, Reject) else "read"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"a": 1}', "read"),
        (b'{"a": 1', "bad_json"),
        (b'{"a": NaN}', "bad_json"),
        (b'{"a": 1e999}', "bad_json"),
        (b'{"a": ' + b"9" * 5000 + b"}", "bad_json"),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "bad_json"),
        (b"[1]", "not_an_object"),
        (b'"text"', "not_an_object"),
        (b'{"a": "\xff"}', "bad_utf8"),
        (b'{"a": "\\ud800"}', "lone_surrogate"),
        (b'{"a": "\\ud83d\\ude00"}', "read"),
        (b'{"a": "' + b"x" * records.MAX_RECORD_BYTES + b'"}', "record_too_long"),
    ],
)
def test_each_kind_of_bad_line_has_its_reason_and_the_next_line_is_read(tmp_path: Path, line: bytes, reason: str) -> None:
    rows = _read(tmp_path, line + b'\n\n{"b": 2}\n')
    assert [_reason(row) for row in rows] == [reason, "read"]
    assert isinstance(rows[1], Record) and rows[1].fields == {"b": 2} and rows[1].position == 3
    if isinstance(rows[0], Reject):
        assert rows[0].stage == "read" and rows[0].source == "in.jsonl" and len(rows[0].raw) <= 4 * 2048
        rows[0].raw.encode()


def test_lines_end_at_newlines_only(tmp_path: Path) -> None:
    rows = _read(tmp_path, '{"a": "x\u2028y\x85z"}\r\n'.encode() + b'{"a": "2"}')
    assert [row.fields["a"] for row in rows if isinstance(row, Record)] == ["x\u2028y\x85z", "2"]


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path) -> None:
    assert [_reason(row) for row in _read(tmp_path, b'\xef\xbb\xbf{"a": 1}\n')] == ["read"]


def test_whole_numbers_stay_exact(tmp_path: Path) -> None:
    (row,) = _read(tmp_path, b'{"a": 123456789012345678901234567890}')
    assert isinstance(row, Record) and text_at(row.fields, "a") == "123456789012345678901234567890"


def test_gzip_and_parquet_hold_the_same_records(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"q": "a", "n": {"x": [1, 2]}}, {"q": "b", "n": {"x": []}}]
    text = "\n".join(json.dumps(row) for row in rows).encode()
    zipped = _read(tmp_path, gzip.compress(text), "a.jsonl.gz")
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    columns = list(read_records(str(tmp_path / "a.parquet")))
    assert [row.fields for row in zipped if isinstance(row, Record)] == rows
    assert [row.fields for row in columns if isinstance(row, Record)] == rows


@pytest.mark.parametrize("cut", [5, 40])
def test_a_broken_gzip_is_one_clear_error(tmp_path: Path, cut: int) -> None:
    data = gzip.compress(b"\n".join(b'{"a": "%d"}' % (index**9) for index in range(100)))
    with pytest.raises(UserError, match=r"in\.jsonl\.gz: cannot be read"):
        _read(tmp_path, data[:-cut], "in.jsonl.gz")


def test_a_file_that_is_no_parquet_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        _read(tmp_path, b"hello", "in.parquet")


def test_parquet_values_that_python_cannot_hold_cost_at_most_their_row(tmp_path: Path) -> None:
    broken = pa.array([b"good", b"bad \xff"], pa.binary()).view(pa.string())
    late = pa.array([1, 2], pa.timestamp("ns"))
    decimal = pa.array([Decimal("18.50"), Decimal("7.00")], pa.decimal128(6, 2))
    pq.write_table(pa.table({"q": broken, "late": late, "gold": decimal}), tmp_path / "a.parquet")
    first, second = read_records(str(tmp_path / "a.parquet"))
    assert isinstance(first, Record) and first.fields["q"] == "good" and text_at(first.fields, "gold") == "18.50"
    assert str(first.fields["late"]).startswith("1970-01-01")
    assert isinstance(second, Reject) and second.reason == "bad_value" and second.position == 2 and "'q'" in second.detail


def test_globs_are_read_in_order_and_nothing_found_is_an_error(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps({"n": name}))
    rows = list(read_records(str(tmp_path / "*.jsonl")))
    assert [row.fields["n"] for row in rows if isinstance(row, Record)] == ["a", "b"]
    with pytest.raises(UserError, match=r"is a folder; name the files in it, such as .*/\*\.jsonl"):
        list(read_records(str(tmp_path)))
    with pytest.raises(UserError, match="no such file"):
        list(read_records(str(tmp_path / "*.nothing")))
    with pytest.raises(UserError, match="unknown format"):
        _read(tmp_path, b"", "in.csv")


def test_lookup_follows_dots_lists_and_names_with_dots() -> None:
    fields = {"q": {"choices": [{"text": "a"}, {"text": "b"}]}, "a.b": 1, "list": [[1], [2]]}
    assert lookup(fields, "q.choices[].text") == ["a", "b"]
    assert lookup(fields, "a.b") == 1
    assert lookup(fields, "list[]") == [[1], [2]]
    for path, reason in [
        ("q.nothing", "missing_field"),
        ("a.b.c", "missing_field"),
        ("q[].x", "wrong_type"),
        ("x[].y", "missing_field"),
    ]:
        with pytest.raises(FieldError) as error:
            lookup(fields, path)
        assert error.value.reason == reason


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "null_field"),
        ("", "empty_field"),
        (" \n", "empty_field"),
        (True, "wrong_type"),
        ([], "wrong_type"),
        ("é" * (1 << 19) + "é", "text_too_long"),
    ],
)
def test_what_is_no_text_has_its_reason(value: object, reason: str) -> None:
    with pytest.raises(FieldError) as error:
        text_at({"a": value}, "a")
    assert error.value.reason == reason


@given(st.binary(max_size=300))
def test_no_bytes_crash_the_reader(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "in.jsonl"
    path.write_bytes(data)
    for row in read_records(str(path)):
        assert isinstance(row, Record | Reject)
