import math

import pytest
from pydantic import ValidationError

from generators.strategies.until_correct import UntilCorrect
from schemas.problem import Problem
from schemas.sample import Sample
from tests.simulated_teacher import SimulatedTeacher, near, numeric_problems, solved

PROBLEMS = numeric_problems(500)


def _until(**keys: object) -> UntilCorrect:
    return UntilCorrect.model_validate({"kind": "until_correct", **keys})


def _outcomes(samples: list[Sample], problem: Problem) -> list[bool]:
    return [one.response == f"The answer is {problem.answer}." for one in samples]


@pytest.mark.parametrize("rate", [0.3, 0.8])
def test_the_trials_of_a_quota_are_negative_binomial(rate: float) -> None:
    teacher = SimulatedTeacher(lambda problem: rate)
    found = solved(_until(quota=3, max_trials=200), teacher, PROBLEMS)
    trials = [len(samples) for samples in found]
    assert all(sum(_outcomes(samples, problem)) == 3 for samples, problem in zip(found, PROBLEMS, strict=True))
    assert all(_outcomes(samples, problem)[-1] for samples, problem in zip(found, PROBLEMS, strict=True))  # none beyond the quota
    assert near(sum(trials) / len(trials), 3 / rate, math.sqrt(3 * (1 - rate)) / rate, len(trials))
    assert [[one.index for one in samples] for samples in found] == [list(range(count)) for count in trials]


def test_a_cap_ends_what_is_never_right_and_the_trials_are_kept() -> None:
    teacher = SimulatedTeacher(lambda problem: 0.0)
    assert [len(samples) for samples in solved(_until(quota=3, max_trials=10), teacher, PROBLEMS[:4])] == [10] * 4


def test_proportional_quotas_follow_the_fail_rate_of_the_probe() -> None:
    strategy = _until(quota=10, max_trials=1000, allocate="proportional", probe=8)
    for rate in (0.25, 0.5, 1.0):
        found = solved(strategy, SimulatedTeacher(lambda problem, rate=rate: rate), PROBLEMS[:150])  # type: ignore[misc]
        for samples, problem in zip(found, PROBLEMS, strict=False):
            outcomes = _outcomes(samples, problem)
            wanted = max(1, round(10 * (1 - sum(outcomes[:8]) / 8)))
            assert sum(outcomes) == max(wanted, sum(outcomes[:8])) and len(outcomes) >= 8


@pytest.mark.load
@pytest.mark.parametrize(
    ("strategy", "cap"),
    [(_until(quota=2, max_trials=6), 6), (_until(quota=4, max_trials=9, allocate="proportional", probe=4), 4)],
)
def test_what_counts_for_pass_at_k_is_without_bias(strategy: UntilCorrect, cap: int) -> None:
    """The mean of 1 - C(n - c, k) / C(n, k) over all ways in which the sampling can go is 1 - (1 - p)^k, for each k to the cap."""
    rate = 0.3
    for k in range(1, cap + 1):
        expected = 0.0
        for path in range(2**strategy.max_trials):
            outcomes = [bool(path >> place & 1) for place in range(strategy.max_trials)]
            taken = _stopped(strategy, outcomes)
            counted = strategy.unconditional(taken)
            n, c = len(counted), sum(counted)
            assert strategy.reach(taken) == cap
            chance = math.prod(rate if one else 1 - rate for one in outcomes)
            expected += chance * (1.0 if n - c < k else 1 - math.comb(n - c, k) / math.comb(n, k))
        assert math.isclose(expected, 1 - (1 - rate) ** k, rel_tol=1e-9), k


def _stopped(strategy: UntilCorrect, outcomes: list[bool]) -> list[bool]:
    """Return the outcomes up to where the strategy stops."""
    problem = PROBLEMS[0]

    class Scripted(SimulatedTeacher):
        async def sample(self, prompt, n, first=0):  # type: ignore[no-untyped-def]
            return [self._answer(prompt, right) for right in outcomes[first : first + n]]

        def _answer(self, prompt, right):  # type: ignore[no-untyped-def]
            self._rate = lambda one: float(right)
            return self._completion(prompt, 0)

    (samples,) = solved(strategy, Scripted(lambda one: 0.0), [problem])
    return _outcomes(samples, problem)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"quota": 9, "max_trials": 8}, "quota = 9 is over max_trials = 8"),
        ({"quota": 0}, "greater than or equal to 1"),
        ({"allocate": "proportional"}, "needs probe"),
        ({"probe": 4}, "probe = 4 is for allocate = 'proportional'"),
        ({"allocate": "proportional", "probe": 65}, "probe = 65 is over max_trials = 64"),
    ],
)
def test_quotas_that_contradict_each_other_are_refused(keys: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said.replace("(", r"\(")):
        _until(**keys)


def test_a_teacher_with_nothing_left_ends_it() -> None:
    class Empty(SimulatedTeacher):
        async def sample(self, prompt, n, first=0):  # type: ignore[no-untyped-def]
            brought = await super().sample(prompt, n, first)
            return brought[: max(0, 3 - first)]

    teacher = Empty(lambda problem: 0.0)
    assert [len(samples) for samples in solved(_until(quota=2, max_trials=50), teacher, PROBLEMS[:2])] == [3, 3]
