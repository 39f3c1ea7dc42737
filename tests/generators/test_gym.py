"""The optional library reasoning-gym as a source: its seeds, its scorers and the guards before them."""

import dataclasses
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from generators.sources import gym
from generators.sources.gym import EXPRESSIONS, REFUSED, SHARED, VERBATIM, Gym, GymChecker, is_plain_expression, offered
from pipeline import storage
from pipeline.build import Options, build
from pipeline.plan import resolve
from pipeline.recipes import parse
from pipeline.terminal import console_of
from schemas.errors import UserError
from schemas.problem import Problem

pytest.importorskip("reasoning_gym", reason='needs the optional library: pip install "starbeam[gym]"')
pytestmark = pytest.mark.gym


def drawn(task: str, count: int = 3, seed: int = 1, **config: object) -> list[Problem]:
    return list(Gym(task=task, count=count, config=config).problems(seed, None))


def verdict(problem: Problem, answer: str) -> tuple[str, str]:
    result = GymChecker().check(problem, f"<answer>{answer}</answer>")
    return result.status, result.reason


def test_neighbouring_seeds_share_no_question() -> None:
    first, second = ({p.question for p in drawn("chain_sum", 300, seed)} for seed in (42, 43))
    assert len(first) > 290 and not first & second


def test_draws_depend_on_the_seed_alone() -> None:
    assert drawn("chain_sum", 20) == drawn("chain_sum", 20)
    assert list(Gym(task="chain_sum", count=20).problems(1, 5)) == drawn("chain_sum", 20)[:5]


def test_every_offered_task_is_drawn_and_its_oracle_passes() -> None:
    failed = []
    for task in offered():
        problems = drawn(task, 2, seed=7)
        gym._entry.cache_clear()  # so that the check draws the entry again
        failed += [(task, p.answer, v) for p in problems if (v := verdict(p, str(p.answer))) != ("correct", "equal")]
        failed += [(task, "nonsense", p) for p in problems if verdict(p, "nonsense?")[0] == "correct"]
    assert len(offered()) > 80
    assert not failed


@pytest.mark.parametrize("task", sorted(SHARED))
def test_a_shared_dataset_draws_what_a_fresh_one_draws(task: str) -> None:
    dataset, config = gym._classes(task)
    for seed in (3**20, 5**19):
        fresh = dataset(config(seed=seed, size=1))[0]
        entry = gym._entry(task, "{}", seed)
        assert (entry.question, entry.raw["answer"]) == (fresh["question"], fresh["answer"])


def test_another_process_with_another_hash_seed_draws_the_same() -> None:
    tasks = ["acre", "graph_color", "group_anagrams", "knights_knaves", "simple_integration", "zebra_puzzles"]
    code = (
        "from generators.sources.gym import Gym\n"
        f"print([[p.problem_id for p in Gym(task=t, count=2).problems(1, None)] for t in {tasks}])"
    )
    root = Path(__file__).parents[2]
    outputs = {
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code],
            cwd=root,
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(root)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert outputs == {f"{[[p.problem_id for p in drawn(task, 2)] for task in tasks]}\n"}


def test_source_and_checker_pickle() -> None:
    source, checker = pickle.loads(pickle.dumps((Gym(task="gcd", config={"max_numbers": 3}), GymChecker())))
    problem = next(source.problems(1, 1))
    assert problem.checker == "gym" and checker.check(problem, f"<answer>{problem.answer}</answer>").status == "correct"


def test_config_reaches_the_library() -> None:
    problem = drawn("chain_sum", 1, min_terms=6, max_terms=6)[0]
    assert problem.question.count("+") + problem.question.count(" - ") >= 5
    assert '"config":{"max_terms":6,"min_terms":6}' in problem.metadata


@pytest.mark.parametrize(
    ("task", "config", "message"),
    [
        ("chain_sun", {}, 'did you mean "chain_sum"'),
        ("codeio", {}, "runs programs"),
        ("chain_sum", {"min_term": 2}, "min_terms"),
        ("chain_sum", {"min_terms": 9, "max_terms": 2}, "max_terms must be >= min_terms"),
        ("chain_sum", {"min_terms": "many"}, "not accepted"),
        ("chain_sum", {"seed": 3}, "config.seed is set by starbeam"),
        ("chain_sum", {"min_terms": {1, 2}}, "plain values"),
    ],
)
def test_a_bad_table_is_one_line(task: str, config: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        Gym(task=task, config=config).problems(1, None)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("task", sorted(REFUSED))
def test_refused_tasks_are_refused_at_check_time_too(task: str) -> None:
    problem = dataclasses.replace(drawn("chain_sum", 1)[0], metadata=f'{{"task":"{task}","config":{{}},"item_seed":1}}')
    with pytest.raises(UserError, match="refused"):
        GymChecker().check(problem, "1")


def test_a_task_that_evaluates_text_uninspected_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    gym._classes.cache_clear()
    monkeypatch.setattr(gym, "EXPRESSIONS", frozenset())
    with pytest.raises(UserError, match="not inspected"):
        Gym(task="countdown").problems(1, None)


ATTACKS = (
    "__import__('os').system('x')",
    "9**9**9",
    "(9**9)**9",
    "9**99999999",
    "9999999999999999999999",
    "x.__class__",
    "x.diff",
    "lambda: 1",
    "[1]",
    "{1}",
    "'a'",
    '"a"*9',
    "exec(1)",
    "S(1)",
    "N(1)",
    "C(1)",
    "factorial(9)",
    "9!",
    "x**61",
    "(x+1)**9",
    "1/(x+1)",
    "1e9",
    "0x10",
    "(" * 21 + "1" + ")" * 21,
    "1 if 1 else 2",
    "1;2",
    "1\n__import__('os')",
    "½",
    "٣",
)


@pytest.mark.parametrize("task", sorted(EXPRESSIONS))
@pytest.mark.parametrize("attack", ATTACKS)
def test_attacks_never_reach_a_scorer(task: str, attack: str, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = drawn(task, 1)[0]
    dataset, _ = gym._classes(task)
    monkeypatch.setattr(dataset, "score_answer", lambda *_: pytest.fail("the scorer saw it"))
    assert verdict(problem, attack) == ("unsure", "unsafe_answer")


@pytest.mark.parametrize("task", sorted(VERBATIM))
def test_scorers_with_eval_are_never_called(task: str, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = drawn(task, 1)[0]
    dataset, _ = gym._classes(task)
    monkeypatch.setattr(dataset, "score_answer", lambda *_: pytest.fail("the scorer saw it"))
    assert verdict(problem, ATTACKS[0]) == ("incorrect", "different")
    assert verdict(problem, str(problem.answer)) == ("correct", "equal")


def test_plain_expressions() -> None:
    names = frozenset({"x", "C"})
    for good in (
        "3*x**9 - 4*x**5 - 10*x**2/7 + C",
        "-x",
        "(x + 1)*2",
        "(7/2)*x**2 + (3/5)*(x) - (1/3)*(x) + (1/9)",
        "0.5*x**2",
    ):
        assert is_plain_expression(good, names)
    assert is_plain_expression("55*(49 + 41 - 71) - 81/(3 + 2)", frozenset())
    for bad in (
        "x**2**3",
        "2 3",
        "2(3)",
        ")(",
        "(1",
        "x**",
        "y",
        "1//2",
        "x**2.5",
        "x**-1",
        "(x+1)*(x+2)*(x+3)",
        "((x)*(x))*(C)",
    ):
        assert not is_plain_expression(bad, names)


@pytest.mark.parametrize(
    ("task", "answer", "expected"),
    [
        ("complex_arithmetic", "nan", ("incorrect", "not_a_number")),
        ("number_sorting", "[NaN, NaN]", ("incorrect", "different")),
        ("decimal_arithmetic", "1e999999999", ("unsure", "unsafe_answer")),
        ("rubiks_cube", "R999999999", ("unsure", "unsafe_answer")),
        ("simple_integration", "1*" * 500 + "1", ("unsure", "too_long")),
        ("prime_factorization", "nonsense", ("error", "scorer_failed")),
        ("gcd", "9" * 5000, ("unsure", "too_long")),
        ("gcd", "", ("incorrect", "no_answer")),
    ],
)
def test_answers_that_scorers_handle_badly(task: str, answer: str, expected: tuple[str, str]) -> None:
    assert verdict(drawn(task, 1)[0], answer) == expected


def test_an_equal_integral_passes() -> None:
    problem = drawn("simple_integration", 1)[0]
    assert verdict(problem, f"0 + {problem.answer}") == ("correct", "equal")
    assert verdict(problem, f"{problem.answer} + 1 - 1 + {problem.answer}")[0] == "incorrect"


def test_a_committed_line_and_lines_below_it() -> None:
    problem = drawn("gcd", 1)[0]
    assert GymChecker().check(problem, f"The answer is {problem.answer}.").status == "correct"
    grid = drawn("sudoku", 1)[0]
    assert GymChecker().check(grid, f"Answer:\n{grid.answer}").status == "correct"


def test_metadata_that_cannot_be_read_and_an_entry_that_is_another() -> None:
    problem = drawn("gcd", 1)[0]
    assert GymChecker().check(dataclasses.replace(problem, metadata="{}"), "1").reason == "gold_unreadable"
    assert GymChecker().check(dataclasses.replace(problem, question="?"), "1").reason == "not_reproduced"


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    gym._classes.cache_clear()
    monkeypatch.setitem(sys.modules, "reasoning_gym", None)
    with pytest.raises(UserError, match=r'pip install "starbeam\[gym\]"'):
        Gym(task="gcd").problems(1, None)


def test_gym_problems_go_the_whole_way(tmp_path: Path) -> None:
    problems = list(Gym(task="chain_sum", count=20).problems(5, None))
    rows = [{"question": one.question, "right": f"The answer is {one.answer}", "wrong": "The answer is 0.5"} for one in problems]
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, rows)))
    recipe = """
        name = "gym"
        seed = 5
        partitions = 2
        [problems]
        source = "gym"
        task = "chain_sum"
        count = 20
        [teacher.right]
        kind = "recorded"
        path = "in.jsonl"
        map = { response = "right" }
        [teacher.wrong]
        kind = "recorded"
        path = "in.jsonl"
        map = { response = "wrong" }
    """
    plan = resolve(parse(recipe, "gym.toml", [f"root={tmp_path}"]))
    run = build(plan, Options(str(tmp_path / "run")), console_of(stderr=True))
    teachers = json.loads(storage.read_bytes(run.manifest))["funnel"]["teachers"]
    assert teachers == {"right": {"correct": len(problems)}, "wrong": {"incorrect": len(problems)}}
