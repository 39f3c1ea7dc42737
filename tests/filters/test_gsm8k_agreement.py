"""The numeric checker agrees with the labels that came with 2,640 real solutions of GSM8K problems."""

import collections
import json
from pathlib import Path

import pytest

from filters.checkers import CHECKERS
from filters.verify import verify
from schemas.problem import Problem

SOLUTIONS = Path(__file__).parents[2].parent / "shared" / "data" / "gsm8k" / "model_solutions.jsonl"
CORRECT = {"6b_finetuning": 145, "6b_verification": 257, "175b_finetuning": 211, "175b_verification": 373}


@pytest.mark.skipif(not SOLUTIONS.exists(), reason=f"the real GSM8K outputs are not at {SOLUTIONS}")
def test_agrees_with_every_label() -> None:
    problems: list[Problem] = []
    labels: list[tuple[str, str, bool]] = []
    for line in SOLUTIONS.read_text("utf-8").split("\n"):
        row = json.loads(line) if line else {}
        for model in CORRECT if row else ():
            gold = row["ground_truth"].rpartition("A: ")[2]
            problems.append(Problem.of(question=row["question"], answer=gold, checker="numeric", source=model))
            labels.append((model, row[model]["solution"], row[model]["is_correct"]))
    verdicts = verify(problems, [solution for _, solution, _ in labels], CHECKERS)
    assert [verdict.status == "correct" for verdict in verdicts] == [label for _, _, label in labels]
    counted = collections.Counter(
        model for verdict, (model, _, _) in zip(verdicts, labels, strict=True) if verdict.status == "correct"
    )
    assert counted == CORRECT
    assert not {"unsure", "error"} & {verdict.status for verdict in verdicts}
