"""Problems that a strategy cannot judge, and strategies that cannot be: said in one line, before anything is asked."""

import json
from pathlib import Path

import pytest

from tests.load.paid_runs import rejected, rows_of, settings
from tests.pipeline.recipes_for_tests import Done, starbeam

RECIPE = """
name = "unjudgeable"
partitions = 2
[problems]
source = "jsonl"
path = "in.jsonl"
checker = "numeric"
[teacher.old]
kind = "recorded"
path = "in.jsonl"
[strategy]
kind = "until_correct"
quota = 1
[select]
keep = ["correct"]
"""
STRATEGIES = {
    "star": "{ kind = 'star', rationalize = 0 }",
    "until_correct": "{ kind = 'until_correct', quota = 1 }",
    "best_of": "{ kind = 'best_of', by = 'verifier' }",
}


def _write(folder: Path, *golds: str | None) -> None:
    rows = [
        {"question": f"What is {n} + {n}?", "answer": gold, "response": f"The answer is {2 * n}."} for n, gold in enumerate(golds)
    ]
    (folder / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "recipe.toml").write_text(RECIPE)


def _run(folder: Path, *changes: str, command: str = "build") -> Done:
    out = () if command == "check" else ("--out", "run")
    return starbeam(command, "recipe.toml", *out, *settings(*changes), cwd=folder)


@pytest.mark.load
@pytest.mark.parametrize("kind", STRATEGIES)
def test_a_problem_without_a_gold_is_rejected_with_its_reason_and_the_others_go_on(kind: str, tmp_path: Path) -> None:
    _write(tmp_path, None, "2", "not found", "6")
    strategy = f"strategy={STRATEGIES[kind]}"
    said = _run(tmp_path, strategy, command="check").stdout
    assert f"source 1: 1 records have no answer or tests to be judged by, which strategy '{kind}' needs" in said
    assert _run(tmp_path, strategy).returncode == 0
    assert [row["response"] for row in rows_of(tmp_path / "run" / "samples")] == ["The answer is 2.", "The answer is 6."]
    found = {row["reason"]: row for row in rejected(tmp_path / "run") if "cannot be judged" in row["detail"]}
    assert found.keys() == {"no_gold", "gold_refused"} and found["no_gold"]["raw"] == "What is 0 + 0?"
    assert f"strategy '{kind}' needs" in found["no_gold"]["detail"]


@pytest.mark.load
def test_where_no_problem_can_be_judged_the_run_ends_in_one_line(tmp_path: Path) -> None:
    _write(tmp_path, None, "not found", None)
    for _ in range(2):  # the second goes on from the files of the first
        done = _run(tmp_path)
        assert (done.returncode, done.stderr.splitlines()[-1]) == (
            2,
            "starbeam: [strategy] kind = 'until_correct' needs problems that can be judged; none of the 3 can: gold_refused 1, "
            "no_gold 2; say in [problems] map where answer or tests are, or take a strategy that needs none, such as repeated",
        )
        assert not (tmp_path / "run" / "release" / "MANIFEST.json").exists()
    assert _run(tmp_path, "strategy={ kind = 'repeated' }").returncode == 0


PAID = "teacher.new={ kind = 'openai', base_url = 'http://127.0.0.1:9/v1', model = 'm' }"
REWARD = "teacher.scorer={ kind = 'reward', base_url = 'http://127.0.0.1:9', model = 'm' }"
MISTAKES: dict[str, tuple[tuple[str, ...], str]] = {
    "no samples": (("strategy={ kind = 'repeated', samples = 0 }",), "samples = 0: must be greater than or equal to 1"),
    "no tries": (("strategy={ kind = 'star', samples = 0 }",), "samples = 0: must be greater than or equal to 1"),
    "no hints": (("strategy={ kind = 'star', hinted_samples = 0 }",), "hinted_samples = 0: must be greater than or equal to 1"),
    "half a vote": (("strategy={ kind = 'self_consistency', samples = 1 }",), "samples = 1: must be greater than or equal to 2"),
    "no quota": (("strategy.quota=0",), "quota = 0: must be greater than or equal to 1"),
    "a share": (("strategy={ kind = 'star', rationalize = 1.5 }",), "rationalize = 1.5: must be less than or equal to 1"),
    "quota over cap": (("strategy.quota=9", "strategy.max_trials=8"), "quota = 9 is over max_trials = 8: lower it, or raise"),
    "no probe": (("strategy.allocate=proportional",), "allocate = 'proportional' needs probe"),
    "a probe for nothing": (("strategy.probe=4",), "probe = 4 is for allocate = 'proportional': set that, or remove probe"),
    "unknown kind": (("strategy.kind=until_corect",), "kind = \"until_corect\" is unknown; did you mean 'until_correct'?"),
    "another's key": (("strategy={ kind = 'star', quota = 3 }",), "unknown key 'quota'"),
    "a hint for a recording": (("strategy={ kind = 'star' }",), "teacher 'old' is of kind 'recorded', which answers as it does"),
    "no scorer": (("strategy={ kind = 'best_of', by = 'reward' }",), "by = 'reward' needs scorer"),
    "an unknown scorer": (
        ("strategy={ kind = 'best_of', by = 'judge', scorer = 'nobody' }",),
        "asks teacher 'nobody', which is none that is paid; name one of none",
    ),
    "a judge that says numbers": (
        (REWARD, "strategy={ kind = 'best_of', by = 'judge', scorer = 'scorer' }"),
        "needs a scorer of kind openai or vllm; 'scorer' is of kind 'reward'",
    ),
    "likelihood of a recording": (("strategy={ kind = 'best_of', by = 'likelihood' }",), "teacher 'old' is of kind 'recorded'"),
    "likelihood of nothing": (
        (PAID, "strategy={ kind = 'best_of', by = 'likelihood', teachers = ['new'] }"),
        "add logprobs = true to [teacher.new] sampling",
    ),
    "likelihood of a part": (
        (
            PAID,
            "teacher.both={ kind = 'mixture', weights = { new = 1 } }",
            "strategy={ kind = 'best_of', by = 'likelihood', teachers = ['both'] }",
        ),
        "add logprobs = true to [teacher.new] sampling",
    ),
    "a hint for a part": (
        ("teacher.both={ kind = 'mixture', weights = { old = 1 } }", "strategy={ kind = 'star', teachers = ['both'] }"),
        "teacher 'old' is of kind 'recorded', which answers as it does",
    ),
    "samples of a reward model": (
        (REWARD, "strategy={ kind = 'repeated', teachers = ['scorer'] }"),
        "teacher 'scorer', in [strategy] teachers, is a reward model",
    ),
    "samples of a part that is a reward model": (
        (
            REWARD,
            "teacher.both={ kind = 'mixture', weights = { scorer = 1 } }",
            "strategy={ kind = 'repeated', teachers = ['both'] }",
        ),
        "teacher 'scorer', in weights of a mixture, is a reward model",
    ),
    "votes of two": ((PAID, "strategy={ kind = 'self_consistency' }"), "asks one teacher and has old, new"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_strategy_that_cannot_be_is_one_line_and_exit_2(mistake: str, tmp_path: Path) -> None:
    changes, said = MISTAKES[mistake]
    _write(tmp_path, "0")
    done = _run(tmp_path, *changes)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1) and said in done.stderr, done.stderr
    assert not (tmp_path / "run").exists()
