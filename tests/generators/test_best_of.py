import asyncio
import math

import pytest
from pydantic import ValidationError

from generators.strategies.best_of import BestOf, likelihood
from generators.strategies.strategy import Try
from generators.teachers.mixture import MixtureTable
from generators.teachers.openai import OpenAITable
from generators.teachers.recorded import RecordedTable
from generators.teachers.reward import RewardTable
from generators.teachers.table import TeacherTable
from generators.teachers.teacher import Completion, Prompt
from schemas.errors import UserError
from schemas.problem import Problem
from schemas.sample import Sample
from tests.builders import a_context, a_problem
from tests.simulated_teacher import SimulatedTeacher, near, numeric_problems, solved

PROBLEMS = numeric_problems(300)
URL = "http://127.0.0.1:9/v1"


def _best(by: str, **keys: object) -> BestOf:
    return BestOf.model_validate({"kind": "best_of", "by": by, **keys})


def _chosen(samples: list[Sample]) -> Sample | None:
    found = [one for one in samples if one.chosen]
    assert len(found) <= 1
    return found[0] if found else None


def _is_right(sample: Sample | None, problem: Problem) -> bool:
    return sample is not None and sample.response == f"The answer is {problem.answer}."


def _share_right(found: list[list[Sample]]) -> float:
    return sum(_is_right(_chosen(samples), problem) for samples, problem in zip(found, PROBLEMS, strict=True)) / len(PROBLEMS)


class Scorer:
    """Says of a solution what `says` makes of it."""

    name = "scorer"

    def __init__(self, says: object) -> None:
        self._says = says
        self.asked: list[Prompt] = []

    async def sample(self, prompt: Prompt, n: int, first: int = 0) -> list[Completion]:
        await asyncio.sleep(0)
        self.asked.append(prompt)
        said = self._says(prompt.messages[-1].content)  # type: ignore[operator]
        if said is None:
            return []
        return [Completion(teacher=self.name, origin="sampled", reasoning="", response=said, finish_reason="stop")]


@pytest.mark.parametrize(("rate", "n"), [(0.2, 4), (0.05, 8), (0.9, 2)])
def test_by_the_verifier_the_chosen_is_right_where_any_is(rate: float, n: int) -> None:
    found = solved(_best("verifier", samples=n), SimulatedTeacher(lambda problem: rate), PROBLEMS)
    assert near(_share_right(found), 1 - (1 - rate) ** n, 0.5, len(PROBLEMS))
    assert all(len(samples) == n and _chosen(samples) is not None for samples in found)
    assert {one.score for samples in found for one in samples} == {0.0, 1.0}


def test_by_likelihood_the_sample_with_the_likeliest_token_is_chosen_and_of_equals_the_first() -> None:
    """The simulated teacher gives what is right 0.9 a token and what is wrong 0.6."""
    rate, n = 0.3, 3
    found = solved(_best("likelihood", samples=n), SimulatedTeacher(lambda problem: rate), PROBLEMS)
    assert near(_share_right(found), 1 - (1 - rate) ** n, 0.5, len(PROBLEMS))
    for samples, problem in zip(found, PROBLEMS, strict=True):
        scores = [0.9 if _is_right(one, problem) else 0.6 for one in samples]
        assert [one.score for one in samples] == pytest.approx(scores)
        assert samples.index(_chosen(samples)) == scores.index(max(scores))  # type: ignore[arg-type]


@pytest.mark.parametrize("logprob", [None, -800.0, -0.0])
def test_a_likelihood_is_a_probability_or_nothing(logprob: float | None) -> None:
    def one(tokens: int | None) -> Try:
        completion = Completion(
            teacher="t", origin="sampled", reasoning="", response="x", completion_tokens=tokens, logprob=logprob
        )
        return Try(Prompt(a_problem(), ()), completion)

    assert likelihood(one(0)) is None and likelihood(one(None)) is None
    value = likelihood(one(1))
    assert value is None if logprob is None else value == pytest.approx(math.exp(logprob))


def test_weighted_by_likelihood_the_answer_with_the_largest_sum_wins() -> None:
    """One right sample weighs 0.9, two samples of one wrong answer 1.2."""
    rate, n = 0.4, 3
    strategy = _best("likelihood", samples=n, weighted=True)
    found = solved(strategy, SimulatedTeacher(lambda problem: rate, wrong=("1",)), PROBLEMS)
    expected = sum(math.comb(n, k) * rate**k * (1 - rate) ** (n - k) for k in (2, 3))
    assert near(_share_right(found), expected, 0.5, len(PROBLEMS))
    plain = solved(_best("likelihood", samples=n), SimulatedTeacher(lambda problem: rate, wrong=("1",)), PROBLEMS)
    assert near(_share_right(plain), 1 - (1 - rate) ** n, 0.5, len(PROBLEMS)) and _share_right(plain) > _share_right(found)


def _scored(says: object, strategy: BestOf, problem: Problem, rate: float = 0.5) -> tuple[list[Sample], Scorer]:
    teacher, scorer = SimulatedTeacher(lambda one: rate, wrong=("1",)), Scorer(says)
    context = a_context(teacher, problem=problem, others={"scorer": scorer})
    return asyncio.run(strategy.solve(problem, context)), scorer


def _grade(text: str) -> str:
    """Grade the right answer with 9 and refuse to grade the other."""
    return "**9/10**" if "is 100." in text else "I'm sorry, I can't help with that."


def test_a_judge_grades_each_sample_and_one_without_a_grade_is_not_chosen() -> None:
    strategy = _best("judge", samples=12, scorer="scorer")
    samples, scorer = _scored(_grade, strategy, PROBLEMS[0])
    assert [one.score for one in samples] == [{"The answer is 100.": 0.9}.get(one.response) for one in samples]
    assert {one.score for one in samples} == {0.9, None}
    assert _is_right(_chosen(samples), PROBLEMS[0]) and len(scorer.asked) == 12
    assert {prompt.role for prompt in scorer.asked} == {"grade"}
    refused, _ = _scored(lambda text: "No.", strategy, PROBLEMS[0])
    assert [(one.score, one.chosen) for one in refused] == [(None, False)] * 12
    silent, _ = _scored(lambda text: None, strategy, PROBLEMS[0])
    assert [(one.score, one.chosen) for one in silent] == [(None, False)] * 12


def _reward(text: str) -> str:
    return "2.5" if "is 100." in text else "-0.5"


def test_a_reward_model_sees_the_conversation_and_its_highest_number_wins() -> None:
    samples, scorer = _scored(_reward, _best("reward", samples=8, scorer="scorer"), PROBLEMS[0])
    assert [one.score for one in samples] == [float(_reward(one.response)) for one in samples]
    assert _is_right(_chosen(samples), PROBLEMS[0])
    assert [message.role for message in scorer.asked[0].messages] == ["user", "assistant"]
    assert scorer.asked[0].messages[0].content == PROBLEMS[0].question
    allwrong, _ = _scored(_reward, _best("reward", samples=8, scorer="scorer"), PROBLEMS[0], rate=0.0)
    assert [one.chosen for one in allwrong] == [True] + [False] * 7


def test_a_weighted_reward_sums_by_answer() -> None:
    """One right sample is worth more than one wrong one, and four of nine less than five wrong ones."""
    strategy = _best("reward", samples=9, scorer="scorer", weighted=True)
    outcomes = set()
    for problem in PROBLEMS[:20]:
        right_text = f"is {problem.answer}."
        samples, _ = _scored(lambda text, right=right_text: "0.5" if right in text else "0.4", strategy, problem)
        sums: dict[str, float] = {}
        for one in samples:
            assert one.score is not None
            sums[one.response] = sums.get(one.response, 0.0) + one.score
        chosen = _chosen(samples)
        assert chosen is not None and sums[chosen.response] == pytest.approx(max(sums.values()))
        outcomes.add(_is_right(chosen, problem))
    assert outcomes == {True, False}


def test_negative_rewards_are_not_summed_but_refused_in_one_line() -> None:
    with pytest.raises(UserError) as error:
        _scored(_reward, _best("reward", samples=9, scorer="scorer", weighted=True), PROBLEMS[0])
    message = str(error.value)
    assert "\n" not in message and "scorer 'scorer' said -0.5" in message and "sigmoid = true" in message


def test_a_checker_that_compares_nothing_leaves_the_weights_out() -> None:
    maze = a_problem(checker="maze", answer=None)
    samples, _ = _scored(_reward, _best("reward", samples=2, scorer="scorer"), maze)
    weighted, _ = _scored(lambda text: "1", _best("reward", samples=2, scorer="scorer", weighted=True), maze)
    assert [one.chosen for one in samples] == [one.chosen for one in weighted] == [True, False]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({}, "by\n  Field required"),
        ({"by": "vote"}, "'verifier', 'judge', 'reward' or 'likelihood'"),
        ({"by": "judge"}, "by = 'judge' needs scorer"),
        ({"by": "reward"}, "by = 'reward' needs scorer"),
        ({"by": "verifier", "scorer": "x"}, "scorer = 'x' is for by = 'judge' or 'reward'"),
        ({"by": "verifier", "samples": 1}, "greater than or equal to 2"),
        ({"by": "verifier", "samples": 0}, "greater than or equal to 2"),
    ],
)
def test_keys_that_do_not_fit_are_refused(keys: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError) as error:
        BestOf.model_validate({"kind": "best_of", **keys})
    assert said in str(error.value)


OPENAI = OpenAITable(kind="openai", base_url=URL, model="m")
REWARD = RewardTable(kind="reward", base_url=URL, model="m")


@pytest.mark.parametrize(
    ("strategy", "tables", "said"),
    [
        (
            _best("judge", scorer="s"),
            {"s": REWARD, "main": OPENAI},
            "needs a scorer of kind openai or vllm; 's' is of kind 'reward'",
        ),
        (_best("reward", scorer="s"), {"s": OPENAI, "main": OPENAI}, "needs a scorer of kind reward; 's' is of kind 'openai'"),
        (_best("likelihood"), {"main": OPENAI}, "add logprobs = true to [teacher.main] sampling"),
        (
            _best("likelihood"),
            {"main": OPENAI, "mix": MixtureTable(kind="mixture", weights={"main": 1.0})},
            "add logprobs = true to [teacher.main] sampling",
        ),
        (
            _best("likelihood"),
            {"old": RecordedTable(kind="recorded", path="x")},
            "teacher 'old' is of kind 'recorded', which has none",
        ),
    ],
)
def test_teachers_that_cannot_do_it_are_named(strategy: BestOf, tables: dict[str, TeacherTable], said: str) -> None:
    with pytest.raises(UserError) as error:
        strategy.check_teachers(tables)
    assert said in str(error.value) and "\n" not in str(error.value)
