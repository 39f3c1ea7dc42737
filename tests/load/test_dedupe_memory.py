"""Files of any size: what is held of a row does not grow with its text."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

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
