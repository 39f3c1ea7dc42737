import asyncio
import dataclasses
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from generators.families import FAMILIES
from generators.strategies.repeated import Repeated
from generators.teachers.recorded import RecordedTeacher
from generators.teachers.solver import SolverTable
from generators.teachers.teacher import Completion, Prompt, Recorded, Teacher
from schemas.identity import rng_for
from schemas.problem import Problem
from schemas.sample import Message, Sample
from tests.builders import a_context, a_problem


@dataclasses.dataclass
class Counting:
    """A teacher that has `stock` completions, and awaits before it gives them."""

    name: str
    stock: int

    async def sample(self, prompt: Prompt, n: int, first: int = 0) -> list[Completion]:
        await asyncio.sleep(0)
        texts = [f"{self.name} {place}" for place in range(first, min(first + n, self.stock))]
        return [Completion(teacher=self.name, origin="sampled", reasoning="", response=text, logprob=-1.5) for text in texts]


def _solved(problem: Problem, teachers: list[Teacher], samples: int) -> list[Sample]:
    return asyncio.run(Repeated(samples=samples).solve(problem, a_context(*teachers)))


@given(st.lists(st.integers(0, 5), max_size=4), st.integers(1, 5))
def test_indexes_count_through_the_teachers_in_their_order(stocks: list[int], samples: int) -> None:
    teachers: list[Teacher] = [Counting(f"t{place}", stock) for place, stock in enumerate(stocks)]
    found = _solved(a_problem(), teachers, samples)
    assert [one.index for one in found] == list(range(len(found)))
    assert [(one.teacher, one.response) for one in found] == [
        (f"t{place}", f"t{place} {number}") for place, stock in enumerate(stocks) for number in range(min(samples, stock))
    ]
    assert len({one.sample_id for one in found}) == len(found)


def test_equal_completions_have_ids_of_their_own() -> None:
    problem = a_problem()
    teacher = RecordedTeacher("main", [Recorded(problem.problem_id, "main", "six", "42", "stop")] * 4)
    found = _solved(problem, [teacher], 4)
    assert len({one.sample_id for one in found}) == 4 == len(found)
    assert {(one.problem_id, one.reasoning, one.response, one.finish_reason) for one in found} == {
        (problem.problem_id, "six", "42", "stop")
    }


def test_the_prompt_shows_the_options_and_gives_no_hint() -> None:
    (sample,) = _solved(a_problem(choices=("red", "blue", "green")), [Counting("t", 1)], 1)
    assert sample.prompt == (Message("user", "What is 6 × 7?\n(A) red\n(B) blue\n(C) green"),)
    assert sample.hint is None and sample.logprob == -1.5


def test_the_prompt_of_a_plain_problem_is_its_question() -> None:
    (sample,) = _solved(a_problem(question="Why?"), [Counting("t", 1)], 1)
    assert sample.prompt == (Message("user", "Why?"),)


def test_many_problems_at_once_do_not_mix() -> None:
    problems = [a_problem(question=f"q{number}") for number in range(50)]
    strategy, teachers = Repeated(samples=2), [Counting("a", 2), Counting("b", 1)]

    async def all_at_once() -> list[list[Sample]]:
        return await asyncio.gather(*(strategy.solve(one, a_context(*teachers)) for one in problems))

    for problem, samples in zip(problems, asyncio.run(all_at_once()), strict=True):
        assert [one.index for one in samples] == [0, 1, 2]
        assert {one.problem_id for one in samples} == {problem.problem_id}
        assert all(one.prompt[0].content == problem.question for one in samples)


def test_solvers_and_recorded_samples_stand_side_by_side() -> None:
    problem = FAMILIES["arithmetic"].source().draw(rng_for(0, "test", 0))
    recorded = RecordedTeacher("old", [Recorded(problem.problem_id, "old", "", "42", None)])
    solver = SolverTable(kind="solver").open("new", 0, [])
    assert [(one.teacher, one.origin) for one in _solved(problem, [recorded, solver], 2)] == [
        ("old", "recorded"),
        ("new", "solved"),
        ("new", "solved"),
    ]


OPTIONS = ("red", "blue", "green", "white")


def _shuffled(problem: Problem, samples: int, seed: int = 0, stock: int = 99) -> list[Sample]:
    strategy = Repeated(samples=samples, shuffle_choices=True)
    return asyncio.run(strategy.solve(problem, a_context(Counting("a", stock), Counting("b", stock), seed=seed)))


def test_each_sample_after_the_first_is_asked_in_an_order_of_its_own_and_says_which() -> None:
    samples = _shuffled(a_problem(choices=OPTIONS), 12)
    assert [one.response for one in samples] == [f"{name} {number}" for name in "ab" for number in range(12)]
    assert [one.index for one in samples] == list(range(24)) and len({one.sample_id for one in samples}) == 24
    assert samples[0].choice_order == samples[12].choice_order == ()
    assert [one.choice_order for one in samples[:12]] == [one.choice_order for one in samples[12:]]  # teachers are compared alike
    for one in (*samples[1:12], *samples[13:]):
        lines = [f"({label}) {OPTIONS[place]}" for label, place in zip("ABCD", one.choice_order, strict=True)]
        assert one.prompt[0].content == "\n".join(["What is 6 × 7?", *lines])


def test_more_samples_later_and_the_same_seed_draw_the_same_orders() -> None:
    few, many = _shuffled(a_problem(choices=OPTIONS), 3), _shuffled(a_problem(choices=OPTIONS), 9)
    assert few[:3] == many[:3]
    orders = [one.choice_order for one in many]
    assert orders == [one.choice_order for one in _shuffled(a_problem(choices=OPTIONS), 9)]
    assert orders != [one.choice_order for one in _shuffled(a_problem(choices=OPTIONS), 9, seed=1)]
    assert orders != [one.choice_order for one in _shuffled(a_problem(question="Why?", choices=OPTIONS), 9)]


def test_every_option_stands_at_every_place_as_often() -> None:
    problems = [a_problem(question=f"q{number}", choices=OPTIONS) for number in range(200)]
    firsts = Counter(one.choice_order[0] for problem in problems for one in _shuffled(problem, 5)[1:5])
    assert sum(firsts.values()) == 800 and all(140 <= firsts[place] <= 260 for place in range(4))  # 200 ± 5 deviations of 12


def test_without_options_or_without_the_wish_nothing_is_shuffled() -> None:
    assert all(one.choice_order == () for one in _shuffled(a_problem(), 5))
    assert all(one.choice_order == () for one in _solved(a_problem(choices=OPTIONS), [Counting("a", 9)], 5))


def test_samples_that_a_teacher_did_not_bring_cost_no_other_its_order() -> None:
    samples = _shuffled(a_problem(choices=OPTIONS), 4, stock=2)
    assert [(one.index, one.response) for one in samples] == [(0, "a 0"), (1, "a 1"), (2, "b 0"), (3, "b 1")]
    assert [one.choice_order for one in samples[:2]] == [one.choice_order for one in samples[2:]]
