"""Runs with a tagger: it is asked alone where it joins later, paid once, counted by its role, and stands beside the rules."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.outer_loop.recipes import TEACHERS_OWN, held_out_plan, loop_of, round_plan
from pipeline.plan import Plan, resolve
from pipeline.recipes import parse
from schemas.errors import UserError
from tests.load.paid_runs import rejected, rows_of, settings, shard_hashes
from tests.pipeline.recipes_for_tests import Done, starbeam
from tests.teacher_server import TeacherServer, teacher_server

RECIPE = """
name = "tagged"
partitions = 2
[problems]
source = "jsonl"
path = "in.jsonl"
checker = "numeric"
[teacher.main]
kind = "openai"
base_url = "{url}"
model = "test"
sampling = {{ max_tokens = 500 }}
price = {{ input = 1.0, output = 1.0 }}
[teacher.old]
kind = "recorded"
path = "in.jsonl"
[teacher.tagger]
kind = "openai"
base_url = "{url}"
model = "test"
price = {{ input = 1.0, output = 1.0 }}
"""
# What the recorded teacher has said; the test server finds hesitation at "Wait" and verification at "check", and what is neither.
CHAINS = (
    "It is 2. Wait, that is too few. The answer is 2.",  # both find hesitation
    "It is 4. Let me check: 2 + 2 = 4. The answer is 4.",  # both find verification
    "It is 6. I check nothing. The answer is 6.",  # the tagger alone finds verification
    "It is 8. Hmm, is it? The answer is 8.",  # the rules alone find hesitation
    "The answer is 10.",
    "The answer is 12.",
)
ON = "tagger={}"
ROWS = 2 * len(CHAINS)


def _run(folder: Path, command: str, *changes: str) -> Done:
    return starbeam(command, "recipe.toml", "--out", "run", *settings(*changes), cwd=folder)


def _done(folder: Path, command: str, *changes: str) -> Done:
    done = _run(folder, command, *changes)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def shared() -> Iterator[TeacherServer]:
    with teacher_server() as one:
        yield one


@pytest.fixture(scope="module")
def sampled(shared: TeacherServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a recipe, and the samples that it asks for without a tagger; no test changes it."""
    folder = tmp_path_factory.mktemp("tagged")
    (folder / "recipe.toml").write_text(RECIPE.format(url=shared.url))
    rows = [
        {"question": f"What is {n} + {n}?", "answer": str(2 * n), "response": response}
        for n, response in enumerate(CHAINS, start=1)
    ]
    (folder / "in.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    shared.set(reset=True)
    _done(folder, "sample")
    assert shared.stats()["calls"] == len(CHAINS)
    return folder


@pytest.fixture
def folder(sampled: Path, shared: TeacherServer, tmp_path: Path) -> Path:
    """Return a copy of the sampled run; the server's counts are 0."""
    shared.set(reset=True)
    return Path(shutil.copytree(sampled, tmp_path / "copy"))


def _tags(run: Path) -> dict[str, Any]:
    return {row["response"]: row["tagged"] for row in rows_of(run / "samples")}


def _manifest(run: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((run / "release" / "MANIFEST.json").read_text())
    return manifest


def test_a_tagger_that_joins_later_is_asked_alone_and_its_agreement_with_the_rules_is_told(
    folder: Path, shared: TeacherServer
) -> None:
    before = [{**row, "tagged": None} for row in rows_of(folder / "run" / "samples")]
    said = _done(folder, "build", ON).stdout
    assert shared.stats()["calls"] == ROWS  # one a sample, none for samples
    assert [{**row, "tagged": None} for row in rows_of(folder / "run" / "samples")] == before
    paid = [line.split()[:3] for line in starbeam("journal", "run", cwd=folder).stdout.splitlines()]
    assert ["main", "sample", "6"] in paid and ["tagger", "tag", "12"] in paid
    tagged = _tags(folder / "run")
    assert all(one["teacher"] == "tagger" and one["tags"] is not None for one in tagged.values())
    (doubt,) = tagged[CHAINS[0]]["tags"]
    assert doubt["label"] == "hesitation" and CHAINS[0][doubt["start"] : doubt["end"]] == "Wait, that is too few."
    assert (tagged[CHAINS[0]]["misquoted"], tagged[CHAINS[0]]["mislabelled"]) == (1, 1) and tagged[CHAINS[3]]["tags"] == []
    kept = {row["response"]: row["tagged"] for row in rows_of(folder / "run" / "release" / "full")}
    assert kept[CHAINS[0]] == tagged[CHAINS[0]]
    manifest = _manifest(folder / "run")
    funnel = manifest["funnel"]
    assert manifest["annotators"]["tagged"] == "tagger_v1" and manifest["recipe"]["tagger"]["teacher"] == "tagger"
    assert funnel["tagged"] == {"read": ROWS, "unreadable": 0, "tags": 3, "misquoted": 3, "mislabelled": 3}
    # Of 12 chains 1 + 10 agree; 2 are of the rules and 1 of the tagger, so (2 * 1 + 10 * 11) / 144 agree by chance.
    by_chance = (2 + 110) / 144
    assert funnel["agreement"]["hesitation"] == {
        "chains": {"both": 1, "rules": 1, "tagger": 0, "neither": 10},
        "places": {"both": 1, "rules": 1, "tagger": 0},
        "kappa": pytest.approx((11 / 12 - by_chance) / (1 - by_chance)),
    }
    assert funnel["agreement"]["verification"]["places"] == {"both": 1, "rules": 0, "tagger": 1}
    assert funnel["agreement"]["summary"]["kappa"] is None
    said = " ".join(said.split())
    assert "tagged by a teacher 12 kappa with the rules: " in said and "hesitation 0.62" in said and "verification 0.62" in said


@pytest.mark.load
def test_it_is_paid_once_and_another_tagger_or_form_of_asking_asks_the_tagger_alone(folder: Path, shared: TeacherServer) -> None:
    _done(folder, "build", ON)
    before = shard_hashes(folder / "run")
    for file in (folder / "run" / "samples").iterdir():
        file.unlink()
    shared.set(reset=True)
    _done(folder, "build", ON)
    assert shard_hashes(folder / "run") == before and shared.stats()["calls"] == 0
    for changes, calls in (
        ((ON, "teacher.tagger.model=other"), ROWS),
        (("tagger.sampling={ temperature = 0.5, max_tokens = 900 }",), ROWS),
        (("tagger.share=0.5",), 0),  # all have been asked about
        (("tagger.max_chars=20",), 0),
    ):
        shared.set(reset=True)
        done = _run(folder, "curate", *changes)
        assert done.returncode == 2 and "made by another recipe" in done.stderr
        _done(folder, "sample", *changes)
        assert shared.stats()["calls"] == calls
    asked_about = {response for response, tagged in _tags(folder / "run").items() if tagged is not None}
    assert asked_about == set(CHAINS[4:]) and all(len(response) <= 20 for response in asked_about)
    _done(folder, "build", "tagger.share=0.5")
    assert 0 < _manifest(folder / "run")["funnel"]["tagged"]["read"] < ROWS
    _done(folder, "build")
    funnel = _manifest(folder / "run")["funnel"]
    assert funnel["tagged"] == funnel["agreement"] == {} and "tagged" not in _manifest(folder / "run")["annotators"]
    _done(folder, "build", ON)
    assert shard_hashes(folder / "run") == before and shared.stats()["calls"] == 0


@pytest.mark.load
def test_a_tagger_that_refuses_loses_no_sample_and_is_told(folder: Path, shared: TeacherServer) -> None:
    shared.set(errors={"400": 0.4})
    try:
        _done(folder, "build", ON)
    finally:
        shared.set(errors={})
    refused = [row["detail"] for row in rejected(folder / "run") if row["reason"] == "request_refused"]
    assert refused and all(one.startswith("teacher 'tagger', as tag: 400") for one in refused)
    tagged = [row["tagged"] for row in rows_of(folder / "run" / "samples")]
    assert len(tagged) == ROWS and tagged.count(None) == len(refused)
    assert _manifest(folder / "run")["funnel"]["tagged"]["read"] == ROWS - len(refused)


@pytest.mark.load
def test_a_budget_holds_for_the_tagger_too(folder: Path, shared: TeacherServer) -> None:
    done = _run(folder, "build", ON, "budget=0.001")  # a call may cost 0.004
    assert done.returncode == 2 and "raise the budget" in done.stderr and shared.stats()["calls"] == 0
    _done(folder, "build", ON, "budget=1.0")
    assert shared.stats()["calls"] == ROWS


def test_check_says_what_a_tagger_may_cost_on_top(sampled: Path) -> None:
    def said(*changes: str) -> str:
        done = starbeam("check", "recipe.toml", *settings(*changes), cwd=sampled)
        assert done.returncode == 0, done.stderr
        return done.stdout

    # A recorded chain has no bound but max_chars: 50,000 code points in 12 parts at most.
    assert f"teacher tagger (openai): up to {ROWS * 12} lists of tags on top, one a part of a chain, in up to" in said(ON)
    assert f"up to {ROWS * 4096:,} completion tokens" in said("tagger.max_chars=8000")
    assert "teacher tagger: up to 0.0" in said("tagger.max_chars=8000")
    main_alone = 'strategy.teachers=["main"]'  # 500 tokens are one part
    assert "up to 6 lists of tags on top, one a part of a chain, in 6 calls" in said(ON, main_alone).replace("in up to 6", "in 6")
    assert "set max_tokens in [tagger] sampling" in said("tagger.sampling={ temperature = 0.0 }")


def _plan(*changes: str) -> Plan:
    return resolve(parse(RECIPE.format(url="http://127.0.0.1:9/v1"), "r.toml", changes))


def test_the_tagger_gives_no_samples_unless_the_strategy_names_it() -> None:
    plan = _plan(ON)
    assert plan.asked == ["main", "old"] == _plan().asked and set(plan.used_teachers) == {"tagger", "main", "old"}
    assert set(_plan().used_teachers) == {"main", "old"}
    assert _plan("tagger.teacher=main").asked == ["old"]
    assert _plan("tagger.teacher=main", 'strategy.teachers=["main"]').asked == ["main"]
    assert resolve(parse(plan.to_toml(), "r.toml")).to_toml() == plan.to_toml()
    with pytest.raises(UserError, match="add one beside judge and tagger"):
        _plan("tagger.teacher=main", "judge.teacher=main", "teacher.old={ kind = 'reward', base_url = 'http://a', model = 'm' }")


def test_a_loop_has_the_samples_of_its_rounds_tagged_and_not_those_of_the_held_out_problems() -> None:
    loop = "[loop]\nteacher = 'main'\ntrainer = 'true'\nsteps = 1\nheld_out_share = 0.5\n"
    recipe = parse(RECIPE.format(url="http://127.0.0.1:9/v1") + loop, "r.toml", (ON,))
    table = loop_of(recipe)
    assert round_plan(recipe, table, 0, TEACHERS_OWN).tagger is not None
    held_out = held_out_plan(recipe, table, 0, TEACHERS_OWN)
    assert held_out.tagger is None and held_out.asked == ["main"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("tagger.teacher=taggre", "[tagger] teacher = 'taggre' is unknown; did you mean 'tagger'?"),
        ("tagger.teacher=old", "[tagger] teacher = 'old' is of kind 'recorded', which answers no such question; name one of kind"),
        ("tagger.techer=tagger", "[tagger]: unknown key 'techer'; did you mean 'teacher'?"),
        ("tagger.share=0", "[tagger]: share = 0: must be greater than 0"),
        ("tagger=1", "tagger = 1"),
    ],
)
def test_a_mistake_about_the_tagger_is_one_line(change: str, said: str) -> None:
    with pytest.raises(UserError) as error:
        _plan(change)
    assert said in str(error.value) and "\n" not in str(error.value)


def test_a_budget_needs_the_taggers_price_and_bound() -> None:
    _plan("budget=1", ON)
    with pytest.raises(UserError, match=r"needs a bound of each completion; add max_tokens to \[tagger\] sampling"):
        _plan("budget=1", "tagger.sampling={ temperature = 0.0 }")
    free = "teacher.tagger={ kind = 'openai', base_url = 'http://127.0.0.1:9/v1', model = 'm' }"
    with pytest.raises(UserError, match=r"needs a price of each teacher; add \[teacher.tagger\] price"):
        _plan("budget=1", ON, free)
