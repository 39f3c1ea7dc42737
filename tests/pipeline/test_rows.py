import errno
import gzip
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fsspec.implementations.local import LocalFileSystem

from generators.records import text_at
from pipeline import rows as module
from pipeline.rows import Rows, judged, text_or_none
from schemas.errors import RunError, UserError

LENGTH = pa.struct([pa.field("length", pa.int64())])


class Length(NamedTuple):
    """What the judge of these tests says."""

    length: int


def _measure(texts: Sequence[str]) -> list[Length | None]:
    return [Length(len(text)) if text != "none" else None for text in texts]


def _run(
    path: Path | str,
    out: Path | str,
    rejected: Path | str | None = None,
    judge: Callable[[Sequence[Any]], Sequence[Any]] = _measure,
) -> int:
    rows = Rows(str(path), str(out), None if rejected is None else str(rejected), "said", LENGTH)
    return rows.write(judged(rows, lambda row: text_at(row, "text"), judge, "test"))


def _lines(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def _read(path: Path) -> list[dict[str, Any]]:
    data = gzip.decompress(path.read_bytes()) if path.name.endswith(".gz") else path.read_bytes()
    return [json.loads(line) for line in data.decode().split("\n")[:-1]]


ROWS: list[dict[str, Any]] = [
    {"text": "é🙂", "n": 2**60 + 1, "nested": {"a": [1, None]}},
    {"said": "old", "text": "none"},
    {"text": "abc", "x\u2028": "y"},
]
JUDGED = [{**ROWS[0], "said": {"length": 2}}, {**ROWS[1], "said": None}, {**ROWS[2], "said": {"length": 3}}]


@pytest.mark.parametrize("name", ["out.jsonl", "out.ndjson", "out.jsonl.gz", "out.ndjson.gz"])
def test_json_lines_keep_their_fields_and_get_one_more(tmp_path: Path, name: str) -> None:
    assert _run(_lines(tmp_path / "in.jsonl", ROWS), tmp_path / name) == 3
    assert _read(tmp_path / name) == JUDGED
    assert [list(row) for row in _read(tmp_path / name)] == [list(row) for row in JUDGED]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["in.jsonl", name])


def test_gzip_goes_in_and_the_same_bytes_come_out_each_time(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl.gz").write_bytes(gzip.compress(_lines(tmp_path / "in.jsonl", ROWS).read_bytes()))
    for name in ("a.jsonl.gz", "b.jsonl.gz"):
        _run(tmp_path / "in.jsonl.gz", tmp_path / name)
    assert (tmp_path / "a.jsonl.gz").read_bytes() == (tmp_path / "b.jsonl.gz").read_bytes()
    assert _read(tmp_path / "a.jsonl.gz") == JUDGED


def test_lines_on_stdout_are_the_rows_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _run(_lines(tmp_path / "in.jsonl", [*ROWS, "{bad"]), "-")
    captured = capsys.readouterr()
    assert [json.loads(line) for line in captured.out.split("\n")[:-1]] == JUDGED
    assert "rejected in.jsonl:4: bad_json" in captured.err and "3 rows written, 1 rejected" in captured.err
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


SCHEMA = pa.schema([("id", pa.int32()), ("text", pa.large_string()), ("tags", pa.list_(pa.string())), ("when", pa.timestamp("us"))])
COLUMNS = {"id": [1, 2], "text": ["abc", "none"], "tags": [["x"], None], "when": [0, None]}


def test_parquet_keeps_its_columns_and_types_and_gets_one_more(tmp_path: Path) -> None:
    table = pa.table(COLUMNS, schema=SCHEMA)
    pq.write_table(table, tmp_path / "in.parquet")
    assert _run(tmp_path / "in.parquet", tmp_path / "out.parquet") == 2
    found = pq.read_table(tmp_path / "out.parquet")
    assert found.schema == SCHEMA.append(pa.field("said", LENGTH))
    assert found.select(SCHEMA.names) == table and found["said"].to_pylist() == [{"length": 3}, None]


def test_a_parquet_column_of_the_same_name_is_replaced_in_its_place(tmp_path: Path) -> None:
    pq.write_table(pa.table({"said": ["old", "older"], "text": ["abc", "de"]}), tmp_path / "in.parquet")
    _run(tmp_path / "in.parquet", tmp_path / "out.parquet")
    found = pq.read_table(tmp_path / "out.parquet")
    assert found.column_names == ["said", "text"] and found["said"].to_pylist() == [{"length": 3}, {"length": 2}]


def test_an_empty_parquet_file_gives_an_empty_one_with_the_column(tmp_path: Path) -> None:
    pq.write_table(SCHEMA.empty_table(), tmp_path / "in.parquet")
    assert _run(tmp_path / "in.parquet", tmp_path / "out.parquet") == 0
    assert pq.read_table(tmp_path / "out.parquet").schema.names == [*SCHEMA.names, "said"]


def test_parquet_batches_of_rows_that_are_all_rejected_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH_ROWS", 2)
    pq.write_table(pa.table({"text": ["", "", "abc", "", "", "", "de"]}), tmp_path / "in.parquet")
    assert _run(tmp_path / "in.parquet", tmp_path / "out.parquet") == 2
    found = pq.ParquetFile(tmp_path / "out.parquet")
    assert found.read()["text"].to_pylist() == ["abc", "de"]
    assert all(found.metadata.row_group(group).num_rows for group in range(found.num_row_groups))


def test_more_rows_than_a_batch_all_come_out_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH_ROWS", 3)
    path = _lines(tmp_path / "in.jsonl", [{"text": "x" * number} for number in range(1, 11)])
    assert _run(path, tmp_path / "out.jsonl") == 10
    assert [row["said"]["length"] for row in _read(tmp_path / "out.jsonl")] == list(range(1, 11))


def test_a_judge_sees_a_batch_of_the_rows_that_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH_ROWS", 3)
    seen = []

    def judge(texts: Sequence[str]) -> list[Length | None]:
        seen.append(len(texts))
        return _measure(texts)

    _run(_lines(tmp_path / "in.jsonl", [{"text": "x"}, {"no": 1}] * 7), tmp_path / "out.jsonl", judge=judge)
    assert seen == [3, 3, 1]


def test_parquet_can_become_json_lines(tmp_path: Path) -> None:
    pq.write_table(pa.table(COLUMNS, schema=SCHEMA), tmp_path / "in.parquet")
    _run(tmp_path / "in.parquet", tmp_path / "out.jsonl")
    first, second = _read(tmp_path / "out.jsonl")
    assert first == {"id": 1, "text": "abc", "tags": ["x"], "when": "1970-01-01 00:00:00", "said": {"length": 3}}
    assert second["said"] is None


def _no_json(name: str) -> float:
    raise AssertionError(f"{name} is not JSON")


def test_json_lines_from_parquet_are_json_whatever_the_numbers_are(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["abc"], "score": [float("nan")]}), tmp_path / "in.parquet")
    _run(tmp_path / "in.parquet", tmp_path / "out.jsonl")
    for line in (tmp_path / "out.jsonl").read_text().splitlines():
        json.loads(line, parse_constant=_no_json)


def _refused(path: Path | str, out: Path | str, **rest: Any) -> str:
    with pytest.raises(UserError) as error:
        _run(path, out, **rest)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_json_lines_do_not_become_parquet(tmp_path: Path) -> None:
    message = _refused(_lines(tmp_path / "in.jsonl", ROWS), tmp_path / "out.parquet")
    assert message == f"--out {tmp_path}/out.parquet: JSON lines have no column types; give a .jsonl file, or read Parquet"
    pq.write_table(pa.table(COLUMNS, schema=SCHEMA), tmp_path / "in.parquet")
    assert "no column types" in _refused(tmp_path / "in.*", tmp_path / "out.parquet")


@pytest.mark.parametrize("name", ["out.csv", "out", "out.json", "out.parquet.gz"])
def test_an_unknown_format_is_refused_with_the_known_ones(tmp_path: Path, name: str) -> None:
    message = _refused(_lines(tmp_path / "in.jsonl", ROWS), tmp_path / name)
    assert f"--out {tmp_path}/{name}: unknown format" in message and ".jsonl" in message and ".parquet" in message
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_the_input_is_never_the_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = _lines(tmp_path / "in.jsonl", ROWS)
    before = path.read_bytes()
    for out in (path, "in.jsonl", "./in.jsonl", f"file://{path}"):
        assert "is the input" in _refused("in.jsonl", out)
        assert "is the input" in _refused("*.jsonl", out)
    assert path.read_bytes() == before


def test_the_input_is_known_by_another_way_to_it(tmp_path: Path) -> None:
    path = _lines(tmp_path / "in.jsonl", ROWS)
    (tmp_path / "x").mkdir()
    (tmp_path / "link").symlink_to(tmp_path)
    for out in (tmp_path / "x" / ".." / "in.jsonl", tmp_path / "link" / "in.jsonl"):
        assert "is the input" in _refused(path, out)


@pytest.mark.parametrize("by_name", [True, False], ids=["--rejected", "default"])
def test_the_input_is_never_the_file_of_rejects(tmp_path: Path, by_name: bool) -> None:
    path = _lines(tmp_path / "out.rejected.jsonl", [*ROWS, "{bad"])
    before = path.read_bytes()
    with pytest.raises(UserError):
        _run(path, tmp_path / "out.jsonl", rejected=path if by_name else None)
    assert path.read_bytes() == before


def test_the_output_is_never_the_file_of_rejects(tmp_path: Path) -> None:
    _refused(_lines(tmp_path / "in.jsonl", [*ROWS, "{bad"]), tmp_path / "out.jsonl", rejected=tmp_path / "out.jsonl")


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz", "out.ndjson"])
def test_rows_that_cannot_go_on_are_kept_beside_the_output(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    path = _lines(tmp_path / "in.jsonl", [ROWS[0], "{bad é", ROWS[1], {"text": ["no text"]}, *[{"n": 1}] * 7])
    assert _run(path, tmp_path / name) == 2
    rejected = _read(tmp_path / "out.rejected.jsonl")
    assert [(row["stage"], row["reason"], row["position"]) for row in rejected] == [
        ("read", "bad_json", 2),
        ("test", "wrong_type", 4),
        *(("test", "missing_field", position) for position in range(5, 12)),
    ]
    assert (
        rejected[0]["raw"] == "{bad é"
        and {row["source"] for row in rejected} == {"in.jsonl"}
        and all(row["detail"] for row in rejected)
    )
    said = capsys.readouterr().err.splitlines()
    assert len(said) == module.REJECTS_SAID + 1
    assert said[-1] == f"starbeam: 2 rows written, 9 rejected; see {tmp_path}/out.rejected.jsonl"


def test_rejects_go_where_they_are_told(tmp_path: Path) -> None:
    _run(_lines(tmp_path / "in.jsonl", ["{bad"]), tmp_path / "out.jsonl", rejected=tmp_path / "new" / "bad.jsonl")
    assert [row["reason"] for row in _read(tmp_path / "new" / "bad.jsonl")] == ["bad_json"]
    assert _read(tmp_path / "out.jsonl") == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "new", "out.jsonl"]


def test_rejects_of_a_run_before_do_not_stay_beside_the_rows_of_this_one(tmp_path: Path) -> None:
    for rows, left in (([ROWS[0], "{bad"], 1), ([ROWS[0]], 0)):
        _run(_lines(tmp_path / "in.jsonl", rows), tmp_path / "out.jsonl")
        assert len(list(tmp_path.glob("*.rejected.jsonl"))) == left


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz", "out.parquet"])
@pytest.mark.parametrize("old", [None, b"old"])
def test_a_judge_that_fails_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, old: bytes | None
) -> None:
    monkeypatch.setattr(module, "BATCH_ROWS", 1)
    pq.write_table(pa.table(COLUMNS, schema=SCHEMA), tmp_path / "in.parquet")
    if old is not None:
        (tmp_path / name).write_bytes(old)

    def judge(texts: Sequence[str]) -> list[Length | None]:
        if texts == ["none"]:
            raise ValueError("mine")
        return _measure(texts)

    with pytest.raises(ValueError, match="mine"):
        _run(tmp_path / "in.parquet", tmp_path / name, judge=judge)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.name != "in.parquet"} == (
        {name: old} if old else {}
    )


def test_a_judge_that_fails_leaves_nothing_in_a_store_either(tmp_path: Path) -> None:
    store = fsspec.filesystem("memory")

    def judge(texts: Sequence[str]) -> list[Length | None]:
        raise ValueError("mine")

    path = _lines(tmp_path / "in.jsonl", ROWS)
    with pytest.raises(ValueError, match="mine"):
        _run(path, "memory://rows-test/out.jsonl", judge=judge)
    assert not store.exists("/rows-test/out.jsonl") and not store.exists("/rows-test/out.jsonl.part")
    try:
        assert _run(path, "memory://rows-test/out.jsonl") == 3
        assert [json.loads(line) for line in store.cat_file("/rows-test/out.jsonl").decode().split("\n")[:-1]] == JUDGED
        assert store.ls("/rows-test", detail=False) == ["/rows-test/out.jsonl"]
    finally:
        store.rm("/rows-test", recursive=True)


def test_an_output_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    path = _lines(tmp_path / "in.jsonl", ROWS)
    with pytest.raises(RunError) as error:
        _run(path, tmp_path / "in.jsonl" / "below" / "out.jsonl")
    assert "cannot write" in str(error.value) and "\n" not in str(error.value)


def test_where_nothing_can_be_written_or_removed_what_failed_first_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_only(*_: Any, **__: Any) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    path = _lines(tmp_path / "in.jsonl", ROWS)
    monkeypatch.setattr(LocalFileSystem, "_open", read_only)
    monkeypatch.setattr(LocalFileSystem, "rm_file", read_only)
    rows = Rows(str(path), str(tmp_path / "out.jsonl"), None, "said", LENGTH)
    with pytest.raises(RunError, match=r"cannot write .*out\.jsonl: Read-only file system"):
        rows.write([])


def test_files_of_a_glob_with_other_columns_lose_none_in_silence(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["abc"]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"text": ["de"], "extra": ["precious"]}), tmp_path / "b.parquet")
    out = tmp_path / "out" / "all.parquet"
    out.parent.mkdir()
    try:
        _run(tmp_path / "*.parquet", out)
    except UserError:
        return
    assert pq.read_table(out)["extra"].to_pylist() == [None, "precious"]


def test_files_of_a_glob_with_other_types_are_no_crash(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["abc"], "n": [1]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"text": ["de"], "n": ["one"]}), tmp_path / "b.parquet")
    (tmp_path / "out").mkdir()
    with pytest.raises((UserError, RunError)):
        _run(tmp_path / "*.parquet", tmp_path / "out" / "all.parquet")
    assert list((tmp_path / "out").iterdir()) == []


def test_values_of_rows_that_are_not_in_the_file_are_one_line(tmp_path: Path) -> None:
    pq.write_table(pa.table(COLUMNS, schema=SCHEMA), tmp_path / "in.parquet")
    rows = Rows(str(tmp_path / "in.parquet"), str(tmp_path / "out.parquet"), None, "said", LENGTH)
    read = [(record, None) for record in rows.read()]
    with pytest.raises(RunError, match="has changed while it was read; run the command again"):
        rows.write([*read, (read[-1][0]._replace(position=3), None)])
    assert [path.name for path in tmp_path.iterdir()] == ["in.parquet"]


@pytest.mark.parametrize("fields", [{}, {"question": None}, {"question": ""}, {"question": " \u3000"}])
def test_an_optional_text_that_is_blank_is_none(fields: dict[str, str | None]) -> None:
    assert text_or_none(fields, "question") is None
