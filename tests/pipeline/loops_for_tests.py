"""A small loop against the test server: its trainer is a program of a few lines, and its models are names."""

import json
import sys
from pathlib import Path
from typing import Any

RECIPE = """
name = "loop"
seed = 3
partitions = 2
[problems]
source = "jsonl"
path = "problems.jsonl"
checker = "numeric"
[teacher.main]
kind = "openai"
base_url = {url}
model = "base"
sampling = {{ temperature = 1.0, max_tokens = 64 }}
[strategy]
kind = "star"
[select]
keep = ["correct", "no_leak"]
[loop]
trainer = [{python}, "trainer.py"]
config = "sft"
held_out_share = 0.25
patience = 9
"""

# The model's name says what it was made from, so that another training has another name; trainings.txt counts them.
TRAINER = """
import argparse, hashlib, pathlib
parser = argparse.ArgumentParser()
for name in ("data", "base", "output", "steps", "seed"):
    parser.add_argument("--" + name, required=True)
given = parser.parse_args()
shards = sorted(pathlib.Path(given.data).glob("*.parquet"))
digest = hashlib.sha256(b"".join(shard.read_bytes() for shard in shards)).hexdigest()[:12]
with open("trainings.txt", "a") as file:
    file.write(f"{given.steps} from {given.base}\\n")
pathlib.Path(given.output, "model.txt").write_text(f"{digest}-{given.steps}")
"""


def write_loop(folder: Path, url: str, problems: int = 24, trainer: str = TRAINER) -> None:
    """Write the recipe, the trainer and sums as problems."""
    sums = ({"question": f"What is {n} + {3 * n}?", "answer": str(4 * n)} for n in range(problems))
    (folder / "problems.jsonl").write_text("".join(json.dumps(one) + "\n" for one in sums))
    (folder / "trainer.py").write_text(trainer)
    (folder / "recipe.toml").write_text(RECIPE.format(url=json.dumps(url), python=json.dumps(sys.executable)))


def trainings(folder: Path) -> list[str]:
    """Return what was trained so far."""
    path = folder / "trainings.txt"
    return path.read_text().splitlines() if path.exists() else []


def contents(out: Path) -> dict[str, Any]:
    """Return the rows that were trained on, the models and what each round brought."""
    shards = {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.glob("round-*/data/*.parquet"))}
    models = {str(path.relative_to(out)): path.read_text() for path in sorted(out.glob("round-*/model/model.txt"))}
    return {**shards, **models, "rounds": json.loads((out / "LOOP.json").read_text())["rounds"]}
