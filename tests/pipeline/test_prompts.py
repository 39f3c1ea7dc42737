"""`[prompt]` in a recipe: what is checked before the first call, and what a run asks, stores and says of its words."""

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any, cast

import pytest

from generators.journal import Journal
from generators.prompts.files import shipped_text
from generators.prompts.table import PromptTable
from generators.teachers.client import Choice, Reply, Request, Sampling
from generators.teachers.flow import Flow
from generators.teachers.ledger import Ledger
from generators.teachers.openai import OpenAITable
from generators.teachers.paid import PaidTeacher
from generators.teachers.teacher import Prompt
from pipeline.plan import resolve
from pipeline.recipes import parse
from schemas.errors import UserError
from tests.builders import a_problem
from tests.load.paid_runs import questions_of, rows_of, settings, write_recipe
from tests.pipeline.recipes_for_tests import starbeam
from tests.teacher_server import teacher_server

TALKED_TO = (
    'name = "a"\n[problems]\nsource = "arithmetic"\n[teacher.main]\nkind = "openai"\nbase_url = "http://x/v1"\nmodel = "m"\n'
)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            ["prompt.name=auto", "prompt.form=completion"],
            "[prompt] form = 'completion' is a text to go on from, and teacher 'main'",
        ),
        (
            ["prompt.name=proof_v1", "strategy.kind=star"],
            "tells answers, and prompt 'proof_v1' has no words for it; add hinted to it",
        ),
        (["prompt.name=auto", "prompt.path=x.toml"], "[prompt]: name and path are two ways to name a file: set one of them"),
        (["prompt.nmae=auto"], "[prompt]: unknown key 'nmae'; did you mean 'name'?"),
        (["prompt.exemplars=-1"], "[prompt]: exemplars = -1: must be greater than or equal to 0"),
    ],
)
def test_words_that_cannot_be_used_are_said_before_the_first_call(changes: list[str], message: str) -> None:
    with pytest.raises(UserError) as error:
        resolve(parse(TALKED_TO, "r.toml", changes))
    assert message in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    "changes",
    [
        ["prompt.name=auto", "prompt.form=completion", "teacher.main.api=completions"],
        ["prompt.name=auto", "teacher.main.api=completions"],
        ["prompt.name=proof_v1", "strategy.kind=star", "strategy.rationalize=0.0"],
        ["prompt.name=auto", "strategy.kind=star"],
        ["prompt.name=plain", "strategy.kind=star"],
    ],
)
def test_words_that_can_be_used_are(changes: list[str]) -> None:
    assert resolve(parse(TALKED_TO, "r.toml", changes)).prompts.digest


def test_a_users_file_lies_where_the_recipe_starts_from(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('[en.chat]\nplain = "{question} Go."')
    plan = resolve(parse(TALKED_TO, "r.toml", ["prompt.path=mine.toml", f"root={tmp_path}"]))
    assert plan.prompts.question(a_problem()).messages[0].content == "What is 6 × 7? Go."
    assert plan.resolved["prompt"] == {"path": "mine.toml", "language": "auto", "form": "chat", "exemplars": 0}
    again = resolve(parse(plan.to_toml(), "recipe.toml"))
    assert again.resolved == plan.resolved and again.prompts == plan.prompts


class _Flow:
    """Answers everything and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Request] = []

    async def ask(self, request: Request, note: Any) -> tuple[Reply, float]:
        self.asked.append(request)
        return Reply(tuple(Choice("The answer is 42.") for _ in range(request.n))), 0.0


def test_a_completion_ends_where_the_words_say_unless_the_recipe_says_otherwise(tmp_path: Path) -> None:
    prompts = PromptTable(name="numeric_v1", form="completion", language="en").load()

    def sent(*asked: Prompt, **sampling: Any) -> list[Sampling]:
        flow = _Flow()
        table = OpenAITable.model_validate(
            {"kind": "openai", "base_url": "http://x/v1", "model": "m", "api": "completions", "sampling": sampling}
        )

        async def ask() -> None:
            journal = Journal(str(tmp_path / str(len(list(tmp_path.iterdir())))))
            teacher = PaidTeacher("main", 0, table, table.identity(), cast(Flow, flow), journal, Ledger({}, None, {}))
            assert [len(await teacher.sample(prompt, 2)) for prompt in asked] == [2] * len(asked)
            await journal.close()

        asyncio.run(ask())
        return [request.sampling for request in flow.asked]

    def stops(prompt: Prompt, **sampling: Any) -> tuple[str, ...] | None:
        return sent(prompt, **sampling)[0].stop

    assert stops(prompts.question(a_problem())) == ("\nQ:",) == stops(prompts.hinted(a_problem(), "42"), temperature=0.5)
    assert stops(prompts.question(a_problem()), stop=("END",)) == ("END",)
    assert stops(PromptTable(name="numeric_v1").load().question(a_problem())) is None
    plain = prompts.question(a_problem())
    other = plain._replace(sampling=Sampling(temperature=0.0))  # its own parameters, with the same stop
    assert [(one.temperature, one.stop) for one in sent(plain, other, temperature=0.5)] == [(0.5, ("\nQ:",)), (0.0, ("\nQ:",))]


def test_check_and_list_say_what_is_asked(tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(TALKED_TO)
    plain = starbeam("check", "r.toml", cwd=tmp_path).stdout
    assert "prompt: the question as it is" in plain and "[user]" not in plain
    said = starbeam(
        "check", "r.toml", "--show-prompt", *settings("prompt.name=numeric_v1", "prompt.exemplars=1"), cwd=tmp_path
    ).stdout
    assert "prompt: numeric_v1; up to" in said
    assert "--- numeric_v1/en/chat/plain/1-shot@" in said and "--- numeric_v1/en/chat/hinted/1-shot@" in said
    assert said.count("[user]\n") == 4 and said.count("[assistant]\n") == 2 and said.count("End with a line of its own") == 4
    listed = starbeam("list", cwd=tmp_path).stdout
    assert "prompts:\n" in listed and "  proof_v1         statements that a prover" in listed
    assert "exemplars        of the file" in starbeam("list", "prompt", cwd=tmp_path).stdout


@pytest.mark.load
def test_rows_hold_the_words_without_exemplars_and_the_manifest_names_the_file(tmp_path: Path) -> None:
    changes = ["prompt.name=numeric_v1", "prompt.form=completion", "prompt.exemplars=2", "teacher.main.api=completions"]
    questions = questions_of(12)
    with teacher_server() as server:
        write_recipe(tmp_path, server.url, questions)
        done = starbeam("build", "recipe.toml", "--out", "run", *settings(*changes), cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        rows = rows_of(tmp_path / "run" / "release" / "full")
        assert len(rows) == 12
        for row in rows:
            assert row["prompt"] == [{"role": "user", "content": f"Q: {row['question']}\nA:"}]
            assert row["prompt_id"].startswith("numeric_v1/en/completion/plain/2-shot@")
        manifest = json.loads((tmp_path / "run" / "release" / "MANIFEST.json").read_text())
        assert manifest["prompts"] == {"numeric_v1": hashlib.sha256(shipped_text("numeric_v1")).hexdigest()}
        calls = server.stats()["calls"]
        starbeam("build", "recipe.toml", "--out", "run", *settings(*changes), cwd=tmp_path)
        assert server.stats()["calls"] == calls
        starbeam("build", "recipe.toml", "--out", "run", *settings(*changes, "prompt.exemplars=1"), cwd=tmp_path)
        assert server.stats()["calls"] == 2 * calls
