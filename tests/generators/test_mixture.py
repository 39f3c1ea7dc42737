"""A mixture: shares as weighted, each row with its own teacher, and more samples later change none before."""

import asyncio
import collections
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.prompts.rendering import Prompts
from generators.teachers.mixture import Mixture
from generators.teachers.teacher import Completion, Prompt
from tests.builders import a_problem


class Numbered:
    """Answers with its own name and the number of the sample."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def sample(self, prompt: Prompt, n: int, first: int = 0) -> list[Completion]:
        return [
            Completion(teacher=self.name, origin="sampled", reasoning="", response=f"{self.name} {number}")
            for number in range(first, first + n)
        ]


def _asked(weights: Mapping[str, float], question: str, n: int, first: int = 0, seed: int = 5) -> list[str]:
    mixture = Mixture("mix", seed, weights, {name: Numbered(name) for name in weights})
    found = asyncio.run(mixture.sample(Prompts().question(a_problem(question=question)), n, first))
    return [one.response for one in found]


WEIGHTS = st.dictionaries(st.sampled_from("abcd"), st.floats(0.1, 9), min_size=1)


@given(WEIGHTS, st.text(min_size=1), st.integers(0, 12), st.integers(0, 12))
def test_asking_for_more_later_adds_to_what_was_asked_before(weights: dict[str, float], question: str, n: int, more: int) -> None:
    at_once = _asked(weights, question, n + more)
    in_two = _asked(weights, question, n) + _asked(weights, question, more, first=n)
    assert sorted(at_once) == sorted(in_two)
    assert len(set(at_once)) == n + more


@given(WEIGHTS, st.text(min_size=1))
def test_the_order_of_the_weights_decides_nothing(weights: dict[str, float], question: str) -> None:
    assert _asked(weights, question, 8) == _asked(dict(reversed(weights.items())), question, 8)


def test_shares_are_as_weighted() -> None:
    names = [_asked({"a": 3, "b": 1}, f"What is {number}?", 1)[0].split()[0] for number in range(2000)]
    # 2,000 draws at 3/4: a standard deviation of 19.4, so five of them are 97
    assert collections.Counter(names)["a"] == pytest.approx(1500, abs=97)
