import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.families import FAMILIES
from generators.families.family import Slips
from generators.prompts.rendering import Prompts
from generators.teachers.solver import SolverTable, SolverTeacher
from generators.teachers.teacher import Completion
from schemas.identity import rng_for
from schemas.problem import Problem

SLIPPY = Slips(rate=0.3, notice=0.5)


def _problem(family: str, index: int = 0) -> Problem:
    return FAMILIES[family].source().draw(rng_for(0, "test", index))


def _solved(problem: Problem, n: int, seed: int = 0, name: str = "main", slips: Slips = SLIPPY) -> list[Completion]:
    return asyncio.run(SolverTeacher(name, seed, slips).sample(Prompts().question(problem), n))


def _texts(completions: list[Completion]) -> set[str]:
    return {one.reasoning for one in completions}


@given(st.sampled_from(sorted(FAMILIES)), st.integers(0, 20), st.integers(0, 6), st.integers(0, 6))
def test_a_shorter_request_is_the_beginning_of_a_longer_one(family: str, index: int, n: int, more: int) -> None:
    problem = _problem(family, index)
    assert _solved(problem, n) == _solved(problem, n + more)[:n]
    assert len(_solved(problem, n)) == n


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_trace_says_who_wrote_it_and_ends(family: str) -> None:
    for one in _solved(_problem(family), 3, name="prof"):
        assert (one.teacher, one.origin, one.finish_reason) == ("prof", "solved", "stop")
        assert one.reasoning and one.response


@pytest.mark.parametrize("change", [{"seed": 1}, {"name": "other"}], ids=["seed", "name"])
def test_seeds_and_teachers_share_no_traces(change: dict[str, int]) -> None:
    problem = FAMILIES["arithmetic"].source.model_validate({"min_digits": 6, "max_digits": 7}).draw(rng_for(0, "test", 0))
    slips = Slips(rate=0.5, notice=0.5)
    ours, theirs = _solved(problem, 30, slips=slips), _solved(problem, 30, slips=slips, **change)  # type: ignore[arg-type]
    assert len(_texts(ours)) > 20 and len(_texts(ours) & _texts(theirs)) <= 3


def test_samples_do_not_depend_on_which_problems_were_asked_before() -> None:
    teacher = SolverTeacher("main", 0, SLIPPY)
    problems = [_problem("countdown", index) for index in range(4)]

    async def ask(order: list[Problem]) -> dict[str, list[Completion]]:
        return {one.problem_id: await teacher.sample(Prompts().question(one), 2) for one in order}

    assert asyncio.run(ask(problems)) == asyncio.run(ask(problems[::-1]))


def test_the_table_hands_its_rates_to_the_solver() -> None:
    problem = _problem("arithmetic", 3)
    table = SolverTable(kind="solver", slip_rate=1.0, notice_rate=0.0)
    slipped = asyncio.run(table.open("main", 0, []).sample(Prompts().question(problem), 1))
    assert slipped == _solved(problem, 1, slips=Slips(rate=1.0, notice=0.0)) != _solved(problem, 1, slips=Slips())
    assert table.is_free
