"""Files of any size: what is held of a row does not grow with its text."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from pipeline.slices import texts_of
from tests.pipeline.recipes_for_tests import SOLVED, starbeam

pytestmark = pytest.mark.load

TEXT_BYTES = 4000
ROW_BYTES = 2000  # of memory at most; measured 1,350: keys, twice while they are put together, the id, hashed shingles of a few
WORDS = [f"word{number}" for number in range(5000)]


def _write(path: Path, rows: int) -> None:
    rng, text = random.Random(rows), ""
    with path.open("w") as file:
        for number in range(rows):
            if number % 40 != 39:
                text = " ".join(rng.choices(WORDS, k=TEXT_BYTES // 9))
            file.write(json.dumps({"id": f"row-{number}", "text": text if number % 40 != 39 else f"{text} end"}) + "\n")


def _peak_bytes(path: Path) -> int:
    script = Path(sys.executable).with_name("starbeam")
    options = ["dedupe", "--in", str(path), "--out", f"{path}.out.jsonl"]
    process = subprocess.Popen([str(script), *options], stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0
    return usage.ru_maxrss * 1024


def test_no_text_is_held(tmp_path: Path) -> None:
    peaks = {}
    for rows in (20_000, 80_000):
        _write(tmp_path / "in.jsonl", rows)
        peaks[rows] = _peak_bytes(tmp_path / "in.jsonl")
    with (tmp_path / "in.jsonl.out.jsonl").open() as file:
        copies = [json.loads(line)["duplicate"] for line in file]
    assert sum(copy is not None for copy in copies) == 80_000 // 40
    assert (peaks[80_000] - peaks[20_000]) / 60_000 < ROW_BYTES < TEXT_BYTES


def test_what_a_run_keeps_is_a_copy_of_itself_to_a_later_file_and_its_copies_are_copies_still(tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(SOLVED)
    assert starbeam("build", "r.toml", "--out", "run", "--set", "dedupe.threshold=0.5", cwd=tmp_path).returncode == 0
    columns = ["sample_id", "problem_id", "answer", "reasoning", "response", "duplicate", "verdict"]
    tables = [pq.read_table(tmp_path / "run" / "release" / config, columns=columns) for config in ("full", "rejected")]
    tables[1] = tables[1].filter(pc.equal(pc.struct_field(tables[1]["verdict"].combine_chunks(), "status"), "correct"))
    rows = pa.concat_tables(tables)
    texts = texts_of(rows)
    pq.write_table(rows.append_column("text", pa.array(texts)), tmp_path / "rows.parquet")
    fields = ["--field", "id=sample_id", "--field", "group=problem_id", "--threshold", "0.5"]
    done = starbeam("dedupe", "--in", "rows.parquet", "--out", "out.parquet", *fields, "--against", "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = dict(
        zip(*(pq.read_table(tmp_path / "out.parquet")[name].to_pylist() for name in ("sample_id", "duplicate")), strict=True)
    )
    kept, copies = (table["sample_id"].to_pylist() for table in tables)
    assert kept and copies and {found[id]["kept_id"] for id in kept} == set(kept)
    assert all(found[id] is not None and found[id]["kept_id"] in kept for id in copies)
    assert all(found[id]["kind"] == "exact" for id in kept)


DISTINCT = """name = "distinct"
partitions = 1
[problems]
source = "jsonl"
path = "in.jsonl"
map = { question = "question", answer = "answer" }
checker = "numeric"
[teacher.t]
kind = "recorded"
path = "in.jsonl"
map = { response = "response" }
[strategy]
kind = "repeated"
samples = 4
[select]
keep = ["correct", "not_duplicate"]
distinct = "equations"
"""


def test_a_problem_whose_shortest_chain_is_a_copy_keeps_the_next_with_its_equations(tmp_path: Path) -> None:
    chain = "She had 48 / 2 = 24 clips sold in May. So in all she sold 48 + 24 = 72 clips over these months. The answer is 72"
    worded = "Half of forty-eight means 48 / 2 = 24 for the month that follows, which gives 48 + 24 = 72; the answer is 72."
    rows = [("How many in all?", f"{chain}. "), ("How many in all?", f"{worded} {worded}"), ("How many clips?", chain)]
    lines = [json.dumps({"question": question, "answer": "72", "response": response}) for question, response in rows]
    (tmp_path / "in.jsonl").write_text("\n".join(lines))
    (tmp_path / "r.toml").write_text(DISTINCT)
    assert starbeam("build", "r.toml", "--out", "run", cwd=tmp_path).returncode == 0
    kept = pq.read_table(tmp_path / "run" / "release" / "full", columns=["response"])["response"].to_pylist()
    assert len(kept) == 2 and any("Half" in response for response in kept)
