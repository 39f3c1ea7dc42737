from hypothesis import given
from hypothesis import strategies as st

from filters.leaks import leak
from generators.prompts.rendering import Prompts
from generators.strategies.star import Star
from generators.teachers.recorded import RecordedTable
from schemas.errors import UserError
from schemas.problem import Problem
from schemas.sample import Sample
from tests.builders import a_context, a_problem
from tests.simulated_teacher import SimulatedTeacher, near, numeric_problems, solved

PROBLEMS = numeric_problems(600)


def _star(**keys: object) -> Star:
    return Star.model_validate({"kind": "star", **keys})


def _right(sample: Sample, problem: Problem) -> bool:
    return sample.response == f"The answer is {problem.answer}."


def _rate(problem: Problem) -> float:
    return (0.2, 0.5, 0.8)[int(str(problem.answer)) % 3]


def test_yields_are_those_of_the_rates() -> None:
    teacher = SimulatedTeacher(_rate, lambda problem: 0.7, leak_rate=0.25)
    found = solved(_star(samples=2, hinted_samples=3), teacher, PROBLEMS)
    failed = [
        samples for samples, problem in zip(found, PROBLEMS, strict=True) if not any(_right(one, problem) for one in samples[:2])
    ]
    expected = sum((1 - _rate(problem)) ** 2 for problem in PROBLEMS) / len(PROBLEMS)
    assert near(len(failed) / len(PROBLEMS), expected, 0.5, len(PROBLEMS))
    hinted = [one for samples in found for one in samples if one.origin == "rationalized"]
    assert len(hinted) == 3 * len(failed) == teacher.asked["rationalize"] and teacher.asked["sample"] == 2 * len(PROBLEMS)
    golds = {problem.problem_id: problem for problem in PROBLEMS}
    rationalized = [one for one in hinted if _right(one, golds[one.problem_id])]
    assert near(len(rationalized) / len(hinted), 0.7, 0.46, len(hinted))
    leaks = sum(leak(one.reasoning, golds[one.problem_id].answer, golds[one.problem_id].question) is not None for one in hinted)
    assert near(leaks / len(hinted), 0.25, 0.44, len(hinted))


def test_a_share_of_the_failed_gets_a_hint_and_another_share_in_another_round() -> None:
    def hinted(rationalize: float, round: int) -> set[str]:
        found = solved(_star(rationalize=rationalize), SimulatedTeacher(lambda problem: 0.0), PROBLEMS, round=round)
        return {samples[-1].problem_id for samples in found if samples[-1].hint is not None}

    first, second = hinted(0.3, 0), hinted(0.3, 1)
    assert near(len(first) / 600, 0.3, 0.46, 600) and near(len(second) / 600, 0.3, 0.46, 600)
    assert near(len(first & second) / 600, 0.09, 0.29, 600)
    assert len(hinted(1.0, 0)) == 600 and hinted(0.0, 0) == set() and first == hinted(0.3, 0)


def test_a_right_try_needs_no_hint_and_a_teacher_that_brings_nothing_gets_none() -> None:
    teacher = SimulatedTeacher(lambda problem: 1.0)
    assert all(len(samples) == 1 for samples in solved(_star(), teacher, PROBLEMS[:20])) and "rationalize" not in teacher.asked

    class Silent(SimulatedTeacher):
        async def sample(self, prompt, n, first=0):  # type: ignore[no-untyped-def]
            await super().sample(prompt, n, first)
            return []

    silent = Silent(lambda problem: 1.0)
    assert solved(_star(), silent, PROBLEMS[:5]) == [[]] * 5 and "rationalize" not in silent.asked


@given(st.text(min_size=1, max_size=60), st.text(alphabet="0123456789", min_size=1, max_size=6))
def test_the_stored_prompt_of_a_rationalised_row_is_that_of_a_plain_one(question: str, gold: str) -> None:
    problem = a_problem(question=question, answer=gold)
    (samples,) = solved(_star(), SimulatedTeacher(lambda one: 0.0, wrong=("no idea",)), [problem])
    plain, hinted = samples
    assert hinted.hint == gold and hinted.prompt == plain.prompt == Prompts().question(problem).messages
    assert (hinted.origin, plain.origin, plain.hint) == ("rationalized", "sampled", None)


def test_a_gold_that_is_a_worked_solution_is_no_hint() -> None:
    worked = a_problem(answer="6 × 7 is six sevens.\nThat is 42.", checker="text")
    teacher = SimulatedTeacher(lambda problem: 0.0)
    assert [one.hint for one in solved(_star(), teacher, [worked])[0]] == [None]


def test_only_a_teacher_that_reads_its_prompt_can_be_told_a_hint() -> None:
    recorded = RecordedTable(kind="recorded", path="x.jsonl")
    _star(rationalize=0.0).check_teachers({"old": recorded})
    try:
        _star().check_teachers({"old": recorded})
    except UserError as error:
        assert "teacher 'old' is of kind 'recorded'" in str(error) and "rationalize = 0" in str(error)
    else:
        raise AssertionError("a recorded teacher was told a hint")


def test_samples_of_several_teachers_are_judged_together() -> None:
    import asyncio

    good, bad = SimulatedTeacher(lambda problem: 1.0), SimulatedTeacher(lambda problem: 0.0)
    bad.name = "bad"
    samples = asyncio.run(_star(samples=2).solve(PROBLEMS[0], a_context(bad, good, problem=PROBLEMS[0])))
    assert [(one.teacher, one.index) for one in samples] == [("bad", 0), ("bad", 1), ("main", 2), ("main", 3)]
