"""A reward model behind HTTP: its faults cost no score, its misnamed paths one line."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.load.paid_runs import questions_of, rows_of, settings, write_recipe
from tests.pipeline.recipes_for_tests import ROOT, Done, starbeam
from tests.teacher_server import TeacherServer, teacher_server

pytestmark = pytest.mark.load

OWN = 'problems={ source = "jsonl", path = "in.jsonl", checker = "numeric" }'


@pytest.fixture(scope="module")
def shared() -> Iterator[TeacherServer]:
    with teacher_server(right=0.5) as one:
        yield one


@pytest.fixture
def server(shared: TeacherServer, tmp_path: Path) -> TeacherServer:
    """Return a server whose counts are 0; the recipe and twelve questions are in the test's folder."""
    shared.set(reset=True, errors={})
    write_recipe(tmp_path, shared.url, questions_of(12))
    (tmp_path / "recipe.toml").write_text((ROOT / "recipes" / "best_of.toml").read_text())
    return shared


def _run(folder: Path, server: TeacherServer, *changes: str) -> Done:
    urls = (f"teacher.main.base_url={server.url}", f"teacher.scorer.base_url={server.root}")
    return starbeam("sample", "recipe.toml", "--out", "run", *settings(OWN, *urls, *changes), cwd=folder)


def test_faults_cost_no_score(tmp_path: Path, server: TeacherServer) -> None:
    assert _run(tmp_path, server).returncode == 0
    calm = [(row["sample_id"], row["score"], row["chosen"]) for row in rows_of(tmp_path / "run" / "samples")]
    assert len(calm) == 96 and all(0.5 < score < 0.75 for _, score, _ in calm)  # the sigmoid of 0 to 1
    faults = {"500": 0.1, "truncated": 0.05, "html": 0.05, "cut": 0.05}
    server.set(reset=True, errors=faults, errors_from=12)
    (tmp_path / "run").rename(tmp_path / "calm")
    done = _run(tmp_path, server)
    assert done.returncode == 0, done.stderr
    assert len(server.stats()["errors"]) == len(faults)
    assert [(row["sample_id"], row["score"], row["chosen"]) for row in rows_of(tmp_path / "run" / "samples")] == calm


MISTAKES = {
    "a path to nothing": (("teacher.scorer.score=data.0.logits",), "nothing at score = 'data.0.logits', in the first reply of"),
    "a path to no number": (
        ("teacher.scorer.score=data.0.object",),
        "no finite number at score = 'data.0.object', in the first reply",
    ),
    "rewards under 0 are summed": (
        ("teacher.scorer.score=data.0.logit", "teacher.scorer.sigmoid=false"),
        "weighted = true adds up scores, and scorer 'scorer' said -0.",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_and_exit_2(mistake: str, tmp_path: Path, server: TeacherServer) -> None:
    changes, said = MISTAKES[mistake]
    done = _run(tmp_path, server, *changes)
    told = [line for line in done.stderr.splitlines() if said in line]
    assert done.returncode == 2 and len(told) == 1, done.stderr
    assert done.stderr.splitlines()[-1] == told[0]


def test_an_address_with_v1_is_told_as_one_that_is_not_there(tmp_path: Path, server: TeacherServer) -> None:
    done = _run(tmp_path, server, f"teacher.scorer.base_url={server.url}")
    assert done.returncode == 2 and f"404 from {server.url}/pooling: no such path" in done.stderr and "mend base_url" in done.stderr
