"""Every family: draws, solver and checker belong together; and what each checker must tell apart."""

import dataclasses
import json
import pickle
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from generators.families import FAMILIES
from generators.families.answer import committed
from generators.families.countdown import Countdown, CountdownChecker
from generators.families.family import Family, Slips
from generators.families.maze import Maze, MazeChecker
from schemas.errors import UserError
from schemas.identity import rng_for
from schemas.problem import Problem
from tests.linear_time import assert_linear

FAMILY = pytest.mark.parametrize("name", sorted(FAMILIES))
MENDED = ("wait", "hmm", "hold on", "actually no", "double-check")


def drawn(name: str, count: int, seed: int = 1) -> list[Problem]:
    return list(FAMILIES[name].source(count=count).problems(seed, None))


def passes(family: Family, problem: Problem, response: str) -> bool:
    if family.checker is not None:
        return family.checker.check(problem, response).status == "correct"
    return response == f"The answer is {problem.answer}."


def solved(name: str, problems: list[Problem], slips: Slips) -> list[tuple[Problem, str, str]]:
    solve = FAMILIES[name].solve
    return [(p, *solve(p, rng_for(9, "solve", i), slips)) for i, p in enumerate(problems)]


def test_the_table_is_sorted_and_agrees_with_the_sections() -> None:
    assert list(FAMILIES) == sorted(FAMILIES)
    for name, family in FAMILIES.items():
        assert (family.source.name, family.source().source) == (name, name)  # type: ignore[attr-defined]


@FAMILY
def test_draws_and_traces_depend_on_the_seed_alone(name: str) -> None:
    slips = Slips(rate=0.1)
    assert drawn(name, 50) == drawn(name, 50)
    assert solved(name, drawn(name, 50), slips) == solved(name, drawn(name, 50), slips)
    first, second = ({p.problem_id for p in drawn(name, 300, seed)} for seed in (1, 2))
    assert len(first) > 290 and not first & second


@FAMILY
def test_limit_takes_the_first_draws(name: str) -> None:
    assert list(FAMILIES[name].source(count=30).problems(1, 7)) == drawn(name, 30)[:7]


@FAMILY
def test_the_solver_is_always_right_without_slips(name: str) -> None:
    family = FAMILIES[name]
    wrong = [row for row in solved(name, drawn(name, 200), Slips()) if not passes(family, row[0], row[2])]
    assert not wrong


@FAMILY
def test_the_gold_passes_and_a_corrupted_one_fails(name: str) -> None:
    family = FAMILIES[name]
    for problem in drawn(name, 100):
        assert problem.answer and problem.source == name
        assert problem.checker == (name if family.checker else "numeric")
        assert passes(family, problem, f"The answer is {problem.answer}.")
        corrupted = f"{problem.answer} + 1" if name == "countdown" else f"{problem.answer} U"
        assert not passes(family, problem, f"The answer is {corrupted}.")


@FAMILY
def test_slips_make_some_answers_wrong_and_some_are_mended(name: str) -> None:
    family = FAMILIES[name]
    rows = solved(name, drawn(name, 200), Slips(rate=0.3))
    right = sum(passes(family, problem, response) for problem, _, response in rows)
    assert 10 < right < 190
    assert sum(any(mark in reasoning.lower() for mark in MENDED) for _, reasoning, _ in rows) > 50


@FAMILY
def test_slips_that_are_always_noticed_do_no_harm(name: str) -> None:
    family = FAMILIES[name]
    rows = solved(name, drawn(name, 100), Slips(rate=0.1, notice=1.0))
    assert all(passes(family, problem, response) for problem, _, response in rows)
    assert sum(any(mark in reasoning.lower() for mark in MENDED) for _, reasoning, _ in rows) > 30


@FAMILY
def test_texts_vary(name: str) -> None:
    problem = drawn(name, 1)[0]
    family = FAMILIES[name]
    texts = {family.solve(problem, rng_for(3, "vary", i), Slips()).reasoning for i in range(30)}
    assert len(texts) > 20


@FAMILY
def test_everything_pickles(name: str) -> None:
    family = FAMILIES[name]
    section = family.source(count=5)
    assert pickle.loads(pickle.dumps(section)) == section
    again = pickle.loads(pickle.dumps(family))
    problem = pickle.loads(pickle.dumps(drawn(name, 1)[0]))
    assert again.solve(problem, random.Random(1), Slips()) == family.solve(problem, random.Random(1), Slips())


@FAMILY
def test_metadata_is_canonical_json(name: str) -> None:
    for problem in drawn(name, 20):
        instance = json.loads(problem.metadata)
        assert json.dumps(instance, sort_keys=True, separators=(",", ":")) == problem.metadata


@pytest.mark.parametrize(
    ("name", "knobs"),
    [
        ("arithmetic", {"min_digits": 4, "max_digits": 3}),
        ("arithmetic", {"operations": ()}),
        ("arithmetic", {"operations": ("divide",)}),
        ("countdown", {"min_numbers": 5, "max_numbers": 3}),
        ("countdown", {"min_target": 50, "max_target": 20}),
        ("maze", {"width": 1}),
        ("maze", {"loops": 1.5}),
        ("maze", {"depth": 3}),
    ],
)
def test_bad_knobs_are_refused(name: str, knobs: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        FAMILIES[name].source.model_validate(knobs)


@pytest.mark.parametrize(
    ("name", "knobs"),
    [
        ("arithmetic", {"min_digits": 1, "max_digits": 1, "max_terms": 8}),
        ("arithmetic", {"min_digits": 12, "max_digits": 12, "operations": ["multiply"]}),
        ("countdown", {"min_numbers": 2, "max_numbers": 2}),
        ("maze", {"width": 2, "height": 12, "loops": 1}),
    ],
)
def test_the_ends_of_the_knobs_work(name: str, knobs: dict[str, object]) -> None:
    family = FAMILIES[name]
    problems = list(family.source.model_validate({"count": 40, **knobs}).problems(5, None))
    assert all(passes(family, problem, response) for problem, _, response in solved(name, problems, Slips()))


def test_countdown_gives_up_honestly() -> None:
    problems = list(Countdown(count=30, min_numbers=6, max_numbers=6).problems(1, None))
    rows = solved("countdown", problems, Slips())
    lost = [row for row in rows if "give up" in row[1]]
    assert 0 < len(lost) < len(rows)
    assert all(CountdownChecker().check(row[0], row[2]).reason == "no_answer" for row in lost)
    assert all(CountdownChecker().check(row[0], row[2]).status == "correct" for row in rows if row not in lost)
    assert max(len(row[1]) for row in rows) < 51_000


def test_countdown_says_so_where_no_target_is_in_range() -> None:
    with pytest.raises(UserError, match="widen the target range"):
        next(Countdown(max_number=2, max_numbers=3, min_target=5000, max_target=6000).problems(1, None))


COUNTDOWN = dataclasses.replace(drawn("countdown", 1)[0], metadata='{"numbers":[3,4,25,28],"target":24}')


@pytest.mark.parametrize(
    ("response", "status", "reason"),
    [
        ("The answer is 28 - 25 / (3 / 3).", "incorrect", "wrong_numbers"),
        ("The answer is 4 * (3 + 28 - 25).", "correct", "equal"),
        ("The answer is 4 × (3 + 28 − 25).", "correct", "equal"),
        ("<answer>4 * (3 + 28 - 25) = 24</answer>", "correct", "equal"),
        ("<answer>24 = 4*(3+28-25)</answer>", "correct", "equal"),
        ("**Answer:** $4 \\times (3 + 28 - 25)$", "correct", "equal"),
        ("So \\boxed{4 \\cdot \\left(3 + 28 - 25\\right)}", "correct", "equal"),
        ("4 * (3 + 28 - 25)", "correct", "equal"),
        ("-4 * (25 - 28 - 3)", "correct", "equal"),
        ("28 - 4", "incorrect", "wrong_numbers"),
        ("(28 - 4) * (25 - 3) / (25 - 3)", "incorrect", "wrong_numbers"),
        ("28 - 25 + 3 + 4", "incorrect", "wrong_value"),
        ("24 = 28 + 25 + 3 + 4", "incorrect", "wrong_value"),
        ("24", "incorrect", "wrong_numbers"),
        ("28 / (4 - 4) + 25 + 3", "incorrect", "division_by_zero"),
        ("28 ÷ (3 + 25 - 28 - 4 + 4)", "incorrect", "division_by_zero"),
        ("4 * (3 + 28 - 25", "unsure", "unparsed"),
        ("4(3 + 28 - 25)", "unsure", "unparsed"),
        ("4 ** 3 + 28 - 25", "unsure", "unparsed"),
        ("__import__('os').system('echo 1')", "unsure", "unparsed"),
        ("(" * 5000 + "1", "unsure", "unparsed"),
        ("-" * 300 + "1", "unsure", "unparsed"),
        ("9" * 5000, "unsure", "unparsed"),
        ("I could not find such an expression.", "incorrect", "no_answer"),
        ("", "incorrect", "no_answer"),
    ],
)
def test_countdown_checker(response: str, status: str, reason: str) -> None:
    verdict = CountdownChecker().check(COUNTDOWN, response)
    assert (verdict.status, verdict.reason) == (status, reason)


ROWS = ["#######", "#S....#", "#.###.#", "#....G#", "#######"]
MAZE = dataclasses.replace(drawn("maze", 1)[0], metadata=json.dumps({"maze": ROWS}))


@pytest.mark.parametrize(
    ("response", "status", "reason"),
    [
        ("The answer is R R R R D D.", "correct", "equal"),
        ("The answer is D D R R R R.", "correct", "equal"),
        ("<answer>ddrrrr</answer>", "correct", "equal"),
        ("Answer: right, right, right, right, down, down", "correct", "equal"),
        ("\\boxed{→ → → → ↓ ↓}", "correct", "equal"),
        ("The answer is R L R R R R D D.", "incorrect", "not_shortest"),
        ("The answer is R D R R R D.", "incorrect", "through_wall"),
        ("The answer is U U R.", "incorrect", "through_wall"),
        ("The answer is R R R R D.", "incorrect", "misses_goal"),
        ("The answer is left, or maybe right?", "unsure", "unparsed"),
        ("I could not find a path.", "incorrect", "no_answer"),
        ("", "incorrect", "no_answer"),
        ("R" * 20_000, "unsure", "too_long"),
    ],
)
def test_maze_checker(response: str, status: str, reason: str) -> None:
    verdict = MazeChecker().check(MAZE, response)
    assert (verdict.status, verdict.reason) == (status, reason)


def test_maze_checker_off_the_grid() -> None:
    open_maze = dataclasses.replace(MAZE, metadata='{"maze":["S.","#G"]}')
    assert MazeChecker().check(open_maze, "U R D").reason == "off_grid"
    assert MazeChecker().check(open_maze, "R D").status == "correct"


def test_maze_slips_can_lengthen_a_path() -> None:
    problems = list(Maze(count=300, loops=0.5).problems(4, None))
    rows = solved("maze", problems, Slips(rate=0.05, notice=0.0))
    reasons = {MazeChecker().check(problem, response).reason for problem, _, response in rows}
    assert {"equal", "not_shortest", "through_wall"} <= reasons


@pytest.mark.parametrize(
    ("response", "text"),
    [
        ("<answer>1</answer> no, <answer> 2 </answer>", "2"),
        ("the answer is 3.\nSo the answer is: 4", "4"),
        ("**Answer:** 5\nbye", "5"),
        ("Answer:\n6", "6"),
        ("so \\boxed{\\frac{1}{2}} it is", "\\frac{1}{2}"),
        ("The answer is \\boxed{7}", "7"),
        ("\\boxed{8", "\\boxed{8"),
        (" 9 ", "9"),
    ],
)
def test_committed(response: str, text: str) -> None:
    assert committed(response) == text


NOISE = st.one_of(
    st.text(),
    st.text(alphabet="0123456789+-*/()=. ×÷−", max_size=60),
    st.text(alphabet="UDLRudlr →↓,.<answer>/", max_size=60),
    st.integers(0, 10**400).map(str),
    st.integers(0, 3000).map(lambda n: "(" * n + "3" + ")" * n),
)


@settings(max_examples=150, deadline=None)
@given(text=NOISE, lead=st.sampled_from(["", "The answer is ", "<answer>", "\\boxed{"]))
def test_checkers_never_raise(text: str, lead: str) -> None:
    for checker, problem in ((CountdownChecker(), COUNTDOWN), (MazeChecker(), MAZE)):
        verdict = checker.check(problem, lead + text)
        assert verdict.checker == checker.name and verdict.status in ("correct", "incorrect", "unsure")
        broken = dataclasses.replace(problem, metadata=text)
        assert checker.check(broken, "1").status == "error"


@pytest.mark.parametrize("piece", ["<answer>", "answer is ", "\\boxed{", "(", "U "])
def test_checkers_take_linear_time(piece: str) -> None:
    def both(text: str) -> None:
        CountdownChecker().check(COUNTDOWN, text)
        MazeChecker().check(MAZE, text)

    assert_linear(both, piece * 10_000, piece * 100_000)
