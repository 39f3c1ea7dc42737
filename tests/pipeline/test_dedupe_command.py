"""`starbeam dedupe` on anyone's files."""

import gzip
import json
import random
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.corpus import Corpus, Row, find
from generators.records import text_at
from pipeline import copies as module
from schemas.annotation import Duplicate
from tests.pipeline import finished_run
from tests.pipeline.recipes_for_tests import Done, starbeam

WORDS = [f"{start}{end}" for start in ("ka", "lo", "mi", "ru", "te") for end in ("na", "po", "si", "tu", "we", "zo")]


def _text(seed: int, changed: int = 0, length: int = 60) -> str:
    """Return words; of two texts of one seed the first `changed` words of every fifth place differ."""
    rng = random.Random(seed)
    words = [rng.choice(WORDS) for _ in range(length)]
    for place in range(changed):
        words[place * 20 + 10] = "other"
    return " ".join(words)


@st.composite
def _rows(draw: st.DrawFn) -> list[Row]:
    drawn = st.tuples(
        st.builds(_text, st.integers(0, 2), st.integers(0, 3)),
        st.sampled_from([None, "g", "h"]),
        st.sampled_from([None, "1", "2"]),
        st.sampled_from([0.0, 0.5, 1.0]),
    )
    return [Row(f"row-{number}", *one) for number, one in enumerate(draw(st.lists(drawn, max_size=8)))]


def _jsonl(folder: Path, rows: Sequence[Row]) -> Path:
    (folder / "in.jsonl").write_text("".join(json.dumps(row._asdict()) + "\n" for row in rows))
    return folder / "in.jsonl"


def _gzipped(folder: Path, rows: Sequence[Row]) -> Path:
    (folder / "in.jsonl.gz").write_bytes(gzip.compress(_jsonl(folder, rows).read_bytes()))
    return folder / "in.jsonl.gz"


SCHEMA = pa.schema([*((name, pa.string()) for name in ("id", "text", "group", "answer")), ("quality", pa.float64())])


def _parquet(folder: Path, rows: Sequence[Row]) -> Path:
    pq.write_table(pa.Table.from_pylist([row._asdict() for row in rows], schema=SCHEMA), folder / "in.parquet", row_group_size=3)
    return folder / "in.parquet"


def _marked(path: Path) -> list[tuple[str, dict[str, Any] | None]]:
    rows = pq.read_table(path).to_pylist() if path.suffix == ".parquet" else [json.loads(line) for line in path.open()]
    return [(row["id"], row["duplicate"]) for row in rows]


def _deduped(path: Path, *options: str) -> list[tuple[str, dict[str, Any] | None]]:
    out = path.with_name("out.parquet" if path.suffix == ".parquet" else "out.jsonl")
    done = starbeam("dedupe", "--in", str(path), "--out", str(out), *options, cwd=path.parent)
    assert done.returncode == 0, done.stderr
    return _marked(out)


@pytest.mark.parametrize("write", [_jsonl, _gzipped, _parquet])
@settings(max_examples=8, deadline=None)
@given(rows=_rows(), rng=st.randoms(use_true_random=False))
def test_files_of_any_kind_in_any_order_say_what_rows_in_memory_say(
    write: Callable[[Path, Sequence[Row]], Path], rows: list[Row], rng: random.Random
) -> None:
    expected = {row.id: one and one._asdict() for row, one in zip(rows, find(rows, 0.8), strict=True)}
    shuffled = rng.sample(rows, len(rows))
    with tempfile.TemporaryDirectory() as folder:
        assert _deduped(write(Path(folder), shuffled)) == [(row.id, expected[row.id]) for row in shuffled]


def test_rows_of_one_group_are_held_to_a_threshold_of_their_own(tmp_path: Path) -> None:
    texts = [_text(0, 0), _text(0, 2)]  # .70 alike
    same = _jsonl(tmp_path, [Row("a", texts[0], "g"), Row("b", texts[1], "g")])
    assert [bool(one) for _, one in _deduped(same)] == [False, False]
    assert [bool(one) for _, one in _deduped(same, "--within", "0.65")] == [False, True]
    assert [bool(one) for _, one in _deduped(same, "--threshold", "0.65")] == [False, True]
    apart = _jsonl(tmp_path, [Row("a", texts[0], "g"), Row("b", texts[1], "h")])
    assert [bool(one) for _, one in _deduped(apart, "--within", "0.65")] == [False, False]


BAD: list[tuple[dict[str, Any], str]] = [
    ({"id": "a", "text": "again"}, "repeated_id"),
    ({"id": "x", "text": ""}, "empty_field"),
    ({"id": "x", "text": " \n"}, "empty_field"),
    ({"id": "x", "text": None}, "null_field"),
    ({"id": None, "text": "t"}, "null_field"),
    ({"id": "x"}, "missing_field"),
    ({"id": "x", "text": "long " * 250_000}, "text_too_long"),
    ({"id": "x", "text": "t", "quality": "high"}, "wrong_type"),
    ({"id": "x", "text": "t", "quality": True}, "wrong_type"),
    ({"id": "x", "text": "t", "quality": 10**400}, "bad_number"),
]


def test_bad_rows_are_rejected_once_and_the_others_are_compared(tmp_path: Path) -> None:
    good = [{"id": "b", "text": _text(1).upper()}, {"id": "c", "text": _text(1), "quality": 2}, {"id": "d", "text": "short"}]
    lines = [{"id": "a", "text": _text(0)}, *(row for row, _ in BAD[:5]), good[0], *(row for row, _ in BAD[5:]), *good[1:]]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in lines))
    found = _deduped(tmp_path / "in.jsonl")
    assert found == [("a", None), ("b", {"kind": "exact", "kept_id": "c", "jaccard": 1.0}), ("c", None), ("d", None)]
    rejected = [json.loads(line) for line in (tmp_path / "out.rejected.jsonl").open()]
    assert [row["reason"] for row in rejected] == [reason for _, reason in BAD]
    assert {row["stage"] for row in rejected} == {"dedupe"} and all(row["detail"] for row in rejected)


def test_a_document_of_10_mb_is_a_reject(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text(json.dumps({"id": "a", "text": "x" * 10_000_000}) + '\n{"id": "b", "text": "t"}\n')
    assert _deduped(tmp_path / "in.jsonl") == [("b", None)]
    (rejected,) = [json.loads(line) for line in (tmp_path / "out.rejected.jsonl").open()]
    assert rejected["reason"] in ("text_too_long", "record_too_long") and len(rejected["raw"]) < 3000


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_quality_that_is_no_number_is_a_reject(tmp_path: Path, number: float) -> None:
    path = _parquet(tmp_path, [Row("a", "one", quality=1.0), Row("b", "two", quality=number), Row("c", "ONE")])
    assert _deduped(path) == [("a", None), ("c", {"kind": "exact", "kept_id": "a", "jaccard": 1.0})]
    (rejected,) = [json.loads(line) for line in (tmp_path / "out.rejected.jsonl").open()]
    assert rejected["reason"] == "bad_number" and str(number) in rejected["detail"]


ROWS = [Row("a", _text(0)), Row("b", _text(0, 1)), Row("c", _text(1))]
CHANGES: dict[str, Callable[[list[Row]], list[Row]]] = {
    "another text": lambda rows: [rows[0], rows[1]._replace(text=_text(7)), rows[2]],
    "another quality": lambda rows: [*rows[:2], rows[2]._replace(quality=1.0)],
    "another order": lambda rows: [rows[1], rows[0], rows[2]],
    "a row less": lambda rows: rows[:2],
    "a row more": lambda rows: [*rows, Row("d", "more")],
    "another id": lambda rows: [rows[0]._replace(id="z"), *rows[1:]],
    "nothing": lambda rows: [],
}


@pytest.mark.parametrize("write", [_jsonl, _parquet])
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("after", ["read", "compare"])
def test_files_that_change_between_the_passes_are_one_line_and_no_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path, Sequence[Row]], Path], change: str, after: str
) -> None:
    path, compare = write(tmp_path, ROWS), Corpus.compare

    def changing(self: Corpus, read: Any) -> Any:
        if after == "read":
            write(tmp_path, CHANGES[change](ROWS))
        found = compare(self, read)
        write(tmp_path, CHANGES[change](ROWS))
        return found

    monkeypatch.setattr(Corpus, "compare", changing)
    out = path.with_name("out" + path.suffix)
    done = starbeam("dedupe", "--in", str(path), "--out", str(out), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"starbeam: {path}: has changed while it was read; run the command again\n"
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_rows_of_earlier_files_and_releases_are_kept_and_not_written(tmp_path: Path) -> None:
    (tmp_path / "old.jsonl").write_text(json.dumps({"id": "a", "text": _text(0, 1)}) + "\n{bad\n")
    finished_run.finish(tmp_path / "run", [finished_run.Row("f" * 32, _text(1)), finished_run.Row("e" * 32, _text(2))])
    path = _jsonl(tmp_path, [Row("a", _text(0), quality=9), Row("b", _text(1).upper()), Row("c", _text(3)), Row("d", _text(3))])
    found = dict(_deduped(path, "--against", str(tmp_path / "old.jsonl"), "--against", str(tmp_path / "run")))
    assert found["a"] is not None and (found["a"]["kind"], found["a"]["kept_id"]) == ("near", "a")
    assert found["b"] == {"kind": "exact", "kept_id": "f" * 32, "jaccard": 1.0}
    assert sorted([found["c"] is None, found["d"] is None]) == [False, True]
    rejected = [json.loads(line) for line in (tmp_path / "out.rejected.jsonl").open()]
    assert [(row["source"], row["position"]) for row in rejected] == [("old.jsonl", 2)]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--against", "in.jsonl"), "in.jsonl: is the input; give another file"),
        (("--against", "nothing.jsonl"), "nothing.jsonl: no such file"),
        (("--against", "nothing"), "--against 'nothing': holds no MANIFEST.json"),
        (("--report", "out.jsonl"), "--report out.jsonl: is --out; give another file"),
        (("--threshold", "nan"), "nan is not in the range"),
        (("--within", "nan"), "nan is not in the range"),
        (("--field", "text=a", "--field", "text=b"), "--field 'text=b': text is read from 'a' already"),
        (("--against", "http://127.0.0.1:9/x.jsonl"), "http://127.0.0.1:9/x.jsonl: cannot be reached: Cannot connect to host"),
    ],
)
def test_a_wrong_option_is_one_line_and_nothing_is_written(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    _jsonl(tmp_path, ROWS)
    done = starbeam("dedupe", "--in", "in.jsonl", "--out", "out.jsonl", *options, cwd=tmp_path)
    assert done.returncode == 2 and said in done.stderr.splitlines()[-1] and "Traceback" not in done.stderr
    assert [one.name for one in tmp_path.iterdir()] == ["in.jsonl"]


@pytest.mark.parametrize("option", ["--out", "--rejected", "--report"])
@pytest.mark.parametrize("place", ["run/release/x.jsonl", "run/release/full/x.jsonl", "link/x.jsonl", "elsewhere/x.jsonl"])
def test_nothing_is_written_into_a_release_that_is_only_read(tmp_path: Path, option: str, place: str) -> None:
    finished_run.finish(tmp_path / "run", [finished_run.Row("f" * 32, _text(1))])
    (tmp_path / "run/release/full").rename(tmp_path / "elsewhere")
    (tmp_path / "run/release/full").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "link").symlink_to(tmp_path / "run/release")
    (tmp_path / place).write_text("theirs")
    done = _said(_jsonl(tmp_path, ROWS), "--against", "run", option, place)
    assert done.returncode == 2 and done.stderr.startswith(f"starbeam: {option}: lies in run/release")
    assert (tmp_path / place).read_text() == "theirs"
    assert _said(tmp_path / "in.jsonl", "--against", "run", option, "run/x.jsonl").returncode == 0


def test_earlier_rows_that_cannot_be_read_are_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "old.jsonl").write_text('{"id": "a", "chain": "one"}\n{bad\n')
    done = _said(_jsonl(tmp_path, ROWS), "--against", "old.jsonl")
    assert done.returncode == 2 and not done.stdout
    assert done.stderr.splitlines()[-1].startswith("starbeam: --against old.jsonl: none of its 2 rows can be read; ")
    (tmp_path / "old.jsonl").write_text("")
    assert _said(tmp_path / "in.jsonl", "--against", "old.jsonl").returncode == 0


def test_the_report_shows_the_earlier_row_that_stands_for_another_though_its_id_is_repeated(tmp_path: Path) -> None:
    old = [{"id": "o", "text": text} for text in (_text(0), _text(2), _text(1))]
    (tmp_path / "old.jsonl").write_text("".join(json.dumps(row) + "\n" for row in old))
    rows = [Row("a", f"{_text(0)} end"), Row("b", f"{_text(1)} end")]
    _deduped(_jsonl(tmp_path, rows), "--against", "old.jsonl", "--report", "report.html")
    page = (tmp_path / "report.html").read_text()
    assert page.count("<article") == 2 and "o (1), of old.jsonl" in page and "o (3), of old.jsonl" in page
    assert page.count(_text(0)) == 2 and page.count(_text(1)) == 2 and page.count("<mark>") == 2


def _said(path: Path, *options: str) -> Done:
    return starbeam("dedupe", "--in", str(path), *options, cwd=path.parent)


def test_what_was_found_is_said_at_the_end(tmp_path: Path) -> None:
    done = _said(_jsonl(tmp_path, [*ROWS, Row("d", _text(1).upper()), Row("e", _text(1))]))
    assert len(done.stdout.splitlines()) == 5
    assert done.stderr.splitlines() == [
        "starbeam: 5 rows written, 0 rejected",
        "starbeam: 5 rows, 2 kept; copies: 2 exact, 1 near; groups by rows: 1 of 2, 1 of 3",
        "starbeam: 1 candidate pairs, 1 compared, 1 alike; 20 bands x 6 rows find 99.77% of the pairs at 0.8",
    ]


def test_large_buckets_are_said(tmp_path: Path) -> None:
    rows = [Row(f"{number}", f"{_text(0)} {WORDS[number // 30]}{WORDS[number % 30]}") for number in range(210)]
    assert "buckets too large to compare all pairs" in _said(_jsonl(tmp_path, rows)).stderr


def test_the_report_shows_the_copies_with_their_texts(tmp_path: Path) -> None:
    _deduped(_jsonl(tmp_path, ROWS), "--report", str(tmp_path / "report.html"))
    page = (tmp_path / "report.html").read_text()
    assert "<mark>other</mark>" in page and "across groups" in page and page.count("<article") == 1


def test_few_long_texts_are_signed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SIGNED_CHARACTERS", 100)
    monkeypatch.setattr(module, "SIGNED_ROWS", 3)
    rows = [Row(str(size), "x" * size) for size in (1, 1, 1, 99, 1, 500, 1)]
    assert [[len(row.text) for row in batch] for batch in module._batches(rows)] == [[1, 1, 1], [99, 1], [500], [1]]


def test_ids_may_be_numbers_but_are_texts_in_what_is_said(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"id": 1, "text": "one two"}\n{"id": 2, "text": "One  two"}\n')
    (_, first), (_, second) = _deduped(tmp_path / "in.jsonl")
    kept = first or second
    assert kept is not None and kept["kept_id"] in (text_at({"id": 1}, "id"), text_at({"id": 2}, "id"))
    assert Duplicate(**kept).kind == "exact"


def test_files_may_be_urls(tmp_path: Path) -> None:
    store = fsspec.filesystem("memory")
    try:
        store.pipe_file("/dedupe-test/in.jsonl", _jsonl(tmp_path, ROWS).read_bytes())
        store.pipe_file("/dedupe-test/old.jsonl.gz", gzip.compress(json.dumps({"id": "o", "text": _text(1)}).encode()))
        options = ["--out", "memory://dedupe-test/out.jsonl", "--against", "memory://dedupe-test/old*.jsonl.gz"]
        assert starbeam("dedupe", "--in", "memory://dedupe-test/in.jsonl", *options, cwd=tmp_path).returncode == 0
        found = [json.loads(line) for line in store.cat_file("/dedupe-test/out.jsonl").decode().splitlines()]
        assert [row["duplicate"] and row["duplicate"]["kept_id"] for row in found] == [None, "a", "o"]
    finally:
        store.rm("/dedupe-test", recursive=True)
