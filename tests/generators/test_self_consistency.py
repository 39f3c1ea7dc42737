import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.strategies.self_consistency import SelfConsistency, still_needed
from tests.builders import a_problem
from tests.simulated_teacher import SimulatedTeacher, near, numeric_problems, solved

PROBLEMS = numeric_problems(600)


def _votes(samples: int, early_stop: bool = True) -> SelfConsistency:
    return SelfConsistency.model_validate({"kind": "self_consistency", "samples": samples, "early_stop": early_stop})


@pytest.mark.parametrize("early_stop", [True, False])
def test_the_majority_is_right_as_often_as_the_binomial_says(early_stop: bool) -> None:
    rate, n = 0.6, 7
    teacher = SimulatedTeacher(lambda problem: rate, wrong=("1",))
    found = solved(_votes(n, early_stop), teacher, PROBLEMS)
    right = sum(
        any(one.chosen and one.response == f"The answer is {problem.answer}." for one in samples)
        for samples, problem in zip(found, PROBLEMS, strict=True)
    )
    expected = sum(math.comb(n, k) * rate**k * (1 - rate) ** (n - k) for k in range(n // 2 + 1, n + 1))
    assert near(right / len(PROBLEMS), expected, 0.5, len(PROBLEMS))
    assert (teacher.asked["sample"] == n * len(PROBLEMS)) is not early_stop


def test_stopping_early_chooses_what_all_samples_would() -> None:
    def majorities(early_stop: bool) -> list[set[str]]:
        teacher = SimulatedTeacher(lambda problem: 0.35)
        return [{one.response for one in of_one if one.chosen} for of_one in solved(_votes(9, early_stop), teacher, PROBLEMS)]

    assert majorities(True) == majorities(False)


@given(st.lists(st.integers(0, 3), min_size=2, max_size=20))
def test_waves_ask_for_no_more_than_one_by_one_would(answers: list[int]) -> None:
    """Whatever is answered, the waves end where asking one by one and looking each time would."""
    samples = len(answers)

    def counts(asked: int) -> list[int]:
        return sorted((answers[:asked].count(one) for one in range(4)), reverse=True)

    one_by_one = next(asked for asked in range(samples + 1) if not still_needed(counts(asked), samples - asked))
    asked, wave = 0, samples // 2 + 1
    while wave:
        asked += wave
        wave = still_needed(counts(asked), samples - asked)
    assert asked == one_by_one
    final, seen = counts(samples), counts(asked)
    if asked < samples:  # decided: nothing that was left could have changed it
        leader = max(range(4), key=answers[:asked].count)
        assert answers.count(leader) == final[0] > final[1] and seen[0] > seen[1]


def test_a_tie_chooses_nothing_and_a_problem_without_gold_is_voted_on() -> None:
    class Split(SimulatedTeacher):
        def _completion(self, prompt, number):  # type: ignore[no-untyped-def]
            self._rate = lambda problem: 0.0
            self._wrong = ("5", "6")[number % 2 : number % 2 + 1]
            return super()._completion(prompt, number)

    open_problem = a_problem(answer=None)
    (tie,) = solved(_votes(4), Split(lambda problem: 0.0), [open_problem])
    assert [one.chosen for one in tie] == [False] * 4
    (won,) = solved(_votes(5), Split(lambda problem: 0.0), [open_problem])
    assert [one.chosen for one in won] == [True, False, True, False, True]
