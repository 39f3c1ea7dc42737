"""The ready recipes on real model outputs; skipped where the data sets are not beside the project."""

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipeline.build import Options, build
from pipeline.plan import resolve
from pipeline.recipes import load
from pipeline.terminal import console_of
from tests.pipeline.recipes_for_tests import ROOT

DATA = ROOT.parent / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.exists(), reason=f"{DATA} is not there: the real data sets are no part of the project")


def _built(tmp_path: Path, recipe: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    plan = resolve(load(str(ROOT / "recipes" / recipe), [f"root={DATA}"]))
    build(plan, Options(str(tmp_path / "run")), console_of(stderr=True))
    paths = sorted((tmp_path / "run" / "annotated").iterdir())
    columns = ["question", "teacher", "verdict", "reflections", "reasoning", "response"]
    rows = [row for path in paths for row in pq.read_table(path, columns=columns).to_pylist()]
    return rows, json.loads((tmp_path / "run" / "release" / "MANIFEST.json").read_text())["funnel"]


@pytest.mark.load
def test_verdicts_on_gsm8k_agree_with_the_publishers_on_every_sample(tmp_path: Path) -> None:
    rows, funnel = _built(tmp_path, "gsm8k_recorded.toml")
    published = {}
    for line in (DATA / "gsm8k" / "model_solutions.jsonl").read_text().split("\n")[:-1]:
        record = json.loads(line)
        for teacher in funnel["teachers"]:
            published[record["question"], teacher] = record[teacher]["is_correct"]
    assert len(published) == len(rows) == 2640
    assert {(row["question"], row["teacher"]): row["verdict"]["status"] == "correct" for row in rows} == published
    right = {teacher: statuses["correct"] for teacher, statuses in funnel["teachers"].items()}
    assert right == {"6b_finetuning": 145, "6b_verification": 257, "175b_finetuning": 211, "175b_verification": 373}


@pytest.mark.load
def test_every_canonical_solution_of_humaneval_passes_on_its_way_through_a_run(tmp_path: Path) -> None:
    rows, funnel = _built(tmp_path, "humaneval_recorded.toml")
    assert len(rows) == 164 == funnel["kept"]
    assert {row["verdict"]["reason"] for row in rows} == {"passed"}


# Answers that the publisher's grader read wrongly and this checker reads right: gold 255 (it read the words behind the
# number), -2+7i (it read "7"), "9 customers" and "(B)" (it compared them with their units and fonts), 3√13 (Unicode's root), and
# five that stand in the last sentence without a box: 4, 4343_6, 7/4, (8,-2), (-1,6).
GRADER_ERRORS = 10


@pytest.mark.load
def test_no_wrong_answer_of_the_long_chains_is_called_correct(tmp_path: Path) -> None:
    rows, funnel = _built(tmp_path, "long_cot_recorded.toml")
    with gzip.open(DATA / "long_cot" / "math500_samples.jsonl.gz", "rt") as file:
        records = [json.loads(line) for line in file]
    names = {"Sky-T1-27B": "sky-t1"}
    scores = {(one["question"], names.get(one["model"], one["model"].lower().replace(".", "_"))): one["score"] for one in records}
    assert len(rows) == len(scores) == 1000 and funnel["problems"] == 250
    correct = [(row["question"], row["teacher"]) for row in rows if row["verdict"]["status"] == "correct"]
    assert sum(not scores[key] for key in correct) == GRADER_ERRORS
    assert len(correct) >= 580
    thought = [row for row in rows if row["reasoning"]]
    marked = [one for one in records if "_of_thought|>" in one["response"]]
    assert len(thought) == len(marked) and all(
        row["teacher"] == "sky-t1" and "begin_of_" not in row["reasoning"] for row in thought
    )
    tagged = {row["teacher"] for row in rows if any(one["label"] == "alternative" for one in row["reflections"])}
    assert "sky-t1" in tagged
