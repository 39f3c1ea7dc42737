"""`starbeam mine` on anyone's files, and on runs."""

import gzip
import io
import json
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from filters.mining import Finding
from filters.reflection_rules import rule_of
from pipeline import mine as module
from tests.pipeline import finished_run
from tests.pipeline.recipes_for_tests import Done, starbeam

RIGHT = ["We add both sides. Wait, let me check this. It holds.", "两边相加。等等，让我检查一下。成立。"]
WRONG = ["We add both sides. It is {n}.", "两边相加。得到{n}。"]


def _rows(count: int = 30) -> list[dict[str, Any]]:
    return [
        {"text": text.format(n=n), "verdict": {"status": status, "score": score}}
        for n in range(count)
        for texts, status, score in ((RIGHT, "correct", 1.0), (WRONG, "incorrect", 0.5))
        for text in texts
    ]


def _write(path: Path, rows: Sequence[dict[str, Any]]) -> str:
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(list(rows)), path)
    else:
        data = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
        path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path.name


def _found(done: Done) -> list[dict[str, Any]]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


RIGHT_ONES = ("--where", "verdict.status=correct")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("in.jsonl", RIGHT_ONES),
        ("in.jsonl.gz", (*RIGHT_ONES, "--against-where", "verdict.status=incorrect")),
        ("in.parquet", ("--where", "verdict.score=1")),
    ],
)
def test_rows_of_one_file_are_parted_by_a_value(tmp_path: Path, name: str, options: tuple[str, ...]) -> None:
    _write(tmp_path / name, _rows())
    found = _found(starbeam("mine", name, *options, "--out", "-", cwd=tmp_path))
    (english,) = [row for row in found if "check" in " ".join([row["pattern"], *row["tells"]])]
    assert english["z"] > 0 and english["language"] == "en" and english["p_adjusted"] < 0.05
    assert (english["count"], english["documents"], english["count_against"], english["documents_against"]) == (30, 30, 0, 0)
    assert english["examples"] == ["Wait, let me check this."]
    assert {row["language"] for row in found} == {"en", "zh"} and any(row["z"] < 0 for row in found)
    assert set(english) == set("pattern kind language count documents count_against documents_against".split()) | set(
        "log_odds z p_adjusted examples tells".split()
    )


def test_two_files_are_compared_and_the_patterns_written(tmp_path: Path) -> None:
    rows = _rows()
    for name, status in (("right.jsonl", "correct"), ("wrong.jsonl", "incorrect")):
        _write(tmp_path / name, [{"said": row["text"]} for row in rows if row["verdict"]["status"] == status])
    _write(tmp_path / "wrong.jsonl", [row for row in rows if row["verdict"]["status"] == "incorrect"])
    options = ("right.jsonl", "--against", "wrong.jsonl", "--field", "text=said", "--against-field", "text=text")
    done = starbeam("mine", *options, "--out", "found.jsonl", "--kind", "opener", cwd=tmp_path)
    assert done.returncode == 0 and "more often in right.jsonl" in done.stdout and "more often in wrong.jsonl" in done.stdout
    assert "60 documents" in done.stderr and "significant" in done.stderr
    written = [json.loads(line) for line in (tmp_path / "found.jsonl").open()]
    assert written and {row["kind"] for row in written} == {"opener"}
    assert starbeam("mine", *options, "--out", "-", cwd=tmp_path) == starbeam("mine", *options, "--out", "-", cwd=tmp_path)


def test_markers_can_be_pasted_into_a_data_file(tmp_path: Path) -> None:
    _write(tmp_path / "in.jsonl", _rows())
    done = starbeam("mine", "in.jsonl", "--where", "verdict.status=correct", "--as-markers", "verification", cwd=tmp_path)
    table = tomllib.loads(done.stdout)
    assert set(table) == {"en", "zh"} and done.stdout.startswith("# Mined for verification")
    for language, entries in table.items():
        for entry in entries:
            (pattern,) = rule_of("verification", language, entry).patterns
            assert pattern.words and all(re.search(pattern.source, text.lower()) for text in entry["positive"])
            assert not any(re.search(pattern.source, text.lower()) for text in entry["negative"])
    assert ["Wait, let me check this."] in [entry["positive"] for entry in table["en"]]


def test_a_pattern_that_no_text_shows_is_no_marker(tmp_path: Path) -> None:
    rows = [{"text": f"We add. \x1b[{n}mevil words here. Wait, let me check.", "side": "a"} for n in range(30)]
    _write(tmp_path / "in.jsonl", [*rows, *({"text": f"We add {n}.", "side": "b"} for n in range(30))])
    options = ("in.jsonl", "--where", "side=a")
    assert [] in [row["examples"] for row in _found(starbeam("mine", *options, "--out", "-", cwd=tmp_path))]
    entries = tomllib.loads(starbeam("mine", *options, "--as-markers", "verification", cwd=tmp_path).stdout)["en"]
    assert entries and all(entry["positive"] for entry in entries)


@pytest.mark.parametrize(("width", "examples"), [(200, True), (100, True), (80, False)])
def test_examples_have_the_room_that_patterns_leave(width: int, examples: bool) -> None:
    words = ("let", "me", "check", "this", "one")
    counts = {"count": 1234, "documents": 567, "count_against": 0, "documents_against": 0}
    found = Finding(
        " ".join(words), "ngram", "en", log_odds=1, z=9, p_adjusted=1e-9, examples=("x " * 90,), tells=(), words=words, **counts
    )
    console = Console(width=width, file=io.StringIO())
    console.print(module.table([found], "more often", width))
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert len(lines) == 3 and "let me check this one" in lines[2] and ("for example" in lines[1]) == examples


def test_runs_and_releases_are_read_as_chains(tmp_path: Path) -> None:
    finished_run.finish(tmp_path / "run", [finished_run.Row(f"{n:032x}", RIGHT[0], f"p{n}") for n in range(40)])
    _write(tmp_path / "plain.jsonl", [row for row in _rows() if row["verdict"]["status"] == "incorrect"])
    for folder in ("run", "run/release"):
        found = _found(starbeam("mine", folder, "--against", "plain.jsonl", "--out", "-", cwd=tmp_path))
        assert [row["documents"] for row in found if row["z"] > 0 and "Wait, let me check this." in row["examples"]] == [40]


def test_rows_of_one_group_are_one_document(tmp_path: Path) -> None:
    """Thirty samples of one problem are not thirty witnesses."""
    rows = [{"text": RIGHT[0], "problem": "p", "side": "a"}] * 30 + [
        {"text": WRONG[0].format(n=n), "problem": f"q{n // 2}", "side": "b"} for n in range(60)
    ]
    _write(tmp_path / "in.jsonl", rows)
    apart = _found(starbeam("mine", "in.jsonl", "--where", "side=a", "--out", "-", cwd=tmp_path))
    assert [row["documents"] for row in apart if row["z"] > 0]
    together = starbeam("mine", "in.jsonl", "--where", "side=a", "--field", "group=problem", "--out", "-", cwd=tmp_path)
    assert _found(together) == [] and "1 documents" in together.stderr and "against 30 (" in together.stderr


def test_what_is_the_same_is_said_to_be(tmp_path: Path) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        _write(tmp_path / name, _rows(5))
    done = starbeam("mine", "a.jsonl", "--against", "b.jsonl", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "nothing is significantly more frequent on either side\n")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("in.jsonl",), "nothing to compare with"),
        (("in.jsonl", "--against", "in.jsonl"), "--against in.jsonl: is CORPUS, with the same rows"),
        (("in.jsonl", "--where", "verdict"), "--where 'verdict': must be FIELD=VALUE"),
        (("in.jsonl", "--where", "verdict.status=right"), "no row fits; verdict.status is correct, incorrect"),
        (("in.jsonl", "--where", "verdict=correct"), "no row fits; verdict has fields, name one: verdict.status, verdict.score\n"),
        (("in.jsonl", "--where", "model=a"), "no row fits; no row has model"),
        (("in.jsonl", "--against", "nothing.jsonl"), "nothing.jsonl: no such file"),
        (("in.jsonl", "--against", "empty.jsonl"), "--against empty.jsonl: no row has a text"),
        (("in.jsonl", "--against", "bytes.parquet"), "bytes.parquet: cannot be read"),
        (("in.jsonl", "--against", "b.jsonl.gz"), "b.jsonl.gz: cannot be read"),
        (("in.jsonl", "--where", "verdict.score=1", "--out", "in.jsonl"), "--out in.jsonl: is read"),
        (("in.jsonl", "--where", "verdict.score=1", "--out", "out.csv"), "--out out.csv: unknown format"),
        ((".", "--against", "in.jsonl"), ".: is a folder"),
    ],
)
def test_a_wrong_option_is_one_line_and_nothing_is_written(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    _write(tmp_path / "in.jsonl", _rows(3))
    (tmp_path / "empty.jsonl").touch()
    for name in ("bytes.parquet", "b.jsonl.gz"):
        (tmp_path / name).write_bytes(bytes(range(1, 256)) * 20)
    before = sorted(tmp_path.iterdir())
    done = starbeam("mine", *options, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1) and said in done.stderr
    assert sorted(tmp_path.iterdir()) == before


def test_rows_that_cannot_be_read_are_counted_and_the_others_compared(tmp_path: Path) -> None:
    _write(tmp_path / "in.jsonl", [*_rows(2), {"text": None}, {"text": "x" * 10_000_000}, *_rows(2), {"text": ["a"]}])
    _write(tmp_path / "other.jsonl", _rows(2))
    done = starbeam("mine", "in.jsonl", "--against", "other.jsonl", cwd=tmp_path)
    assert done.returncode == 0 and "3 rows rejected" in done.stderr and "16 documents (" in done.stderr
    assert [reason in done.stderr for reason in ("null_field", "too_long", "wrong_type")] == [True] * 3


def test_files_that_change_between_the_passes_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(tmp_path / "in.jsonl", _rows(3))
    read = module.Corpus.__call__

    def changing(self: module.Corpus) -> Any:
        yield from read(self)
        _write(tmp_path / "in.jsonl", _rows(4))

    monkeypatch.setattr(module.Corpus, "__call__", changing)
    done = starbeam("mine", "in.jsonl", "--where", "verdict.score=1", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "starbeam: in.jsonl: has changed while it was read; run the command again\n"
